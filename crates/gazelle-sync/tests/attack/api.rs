//! An API that answers most requests rightly and some in whatever way: between the program and a simulated Gazelle stands
//! somebody who spoils answers. The process ends, in little memory, with words; production stays what staging says; the key
//! goes nowhere else.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use gazelle_sim::{Fault, FaultKind};
use serde_json::{Value, json};

use super::Tally;
use super::support::World;
use super::support::hostile_api::{
    HostileApi, ReceivedRequest, complete_response, memory_heavy_bodies, read,
};
use super::support::hostile_text::HOSTILE;
use super::support::random::Random;

/// Runs of one case.
const RUNS: u64 = 4;
/// The longest answer that is read, by a setting, in MiB.
const LONGEST_MIB: usize = 4;
const LONG: usize = LONGEST_MIB * 1024 * 1024 - 1024;
/// As much as an attacker sends of what has no end.
const ENDLESS: usize = 48 << 20;
/// Pages after which a list that goes on and on ends after all, since nothing is wrong with a long list.
const PAGES: u64 = 60;

/// Who spoils answers, and how.
struct Spoiler {
    api: SocketAddr,
    trap: SocketAddr,
    seed: u64,
    /// Of a hundred answers.
    share: usize,
    /// Any, or always this way.
    way: Option<usize>,
    pages: AtomicU64,
}

/// How many ways there are.
const WAYS: usize = 21;

impl Spoiler {
    fn answer(&self, asked: &ReceivedRequest, stream: &mut TcpStream) {
        // What is asked decides, and not when: requests travel side by side.
        let hash = blake3::hash(&asked.body);
        let number = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"));
        let mut random = Random::new(number ^ self.seed);
        let Some(honest) = self.honest(asked) else { return };
        // The other side may leave whenever it has had enough.
        let _ = match random.percent(self.share) {
            true => self.spoil(&mut random, &honest, stream),
            false => sent(stream, "200 OK", &honest),
        };
    }

    /// What the simulated Gazelle says.
    fn honest(&self, asked: &ReceivedRequest) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.api).ok()?;
        let head: Vec<&str> = asked
            .head
            .lines()
            .filter(|line| {
                let line = line.to_ascii_lowercase();
                !line.starts_with("accept-encoding:") && !line.starts_with("connection:")
            })
            .collect();
        stream.write_all(format!("{}\r\nconnection: close\r\n\r\n", head.join("\r\n")).as_bytes()).ok()?;
        stream.write_all(&asked.body).ok()?;
        Some(read(&mut stream)?.body)
    }

    fn spoil(&self, random: &mut Random, honest: &[u8], stream: &mut TcpStream) -> std::io::Result<()> {
        let way = self.way.unwrap_or_else(|| random.below(WAYS));
        let ok = |body: &[u8], stream: &mut TcpStream| sent(stream, "200 OK", body);
        let document = || serde_json::from_slice::<Value>(honest).unwrap_or_default();
        let text = String::from_utf8_lossy(honest);
        match way {
            0..=3 => ok(hostile_json::hostile(&document(), random.next()).as_bytes(), stream),
            4 => ok(hostile_json::broken(&document(), random.next()).as_bytes(), stream),
            5 => {
                let all = memory_heavy_bodies(LONG);
                ok(&random.pick(&all).1, stream)
            }
            // Less than was announced, then the end.
            6 => {
                stream.write_all(&complete_response("200 OK", honest))?;
                stream.write_all(&honest[..random.below(honest.len())])
            }
            // More than was announced.
            7 => {
                stream.write_all(&complete_response("200 OK", &honest[..honest.len() / 2]))?;
                stream.write_all(honest)
            }
            8 => {
                let mut packed = GzEncoder::new(Vec::new(), Compression::best());
                std::io::copy(&mut std::io::repeat(b' ').take(200 << 20), &mut packed)?;
                let packed = packed.finish()?;
                let head = String::from_utf8_lossy(&complete_response("200 OK", &packed))
                    .replace("\r\n\r\n", "\r\ncontent-encoding: gzip\r\n\r\n");
                stream.write_all(head.as_bytes())?;
                stream.write_all(&packed)
            }
            9 => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
                endless(stream, b"400\r\n", 1024, b"\r\n")
            }
            10 => endless(
                stream,
                b"HTTP/1.1 200 OK\r\n",
                0,
                b"x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
            ),
            11 => endless(stream, b"", 0, b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"),
            12 => {
                let status = *random.pick(&["301 M", "302 F", "303 S", "307 T", "308 P"]);
                let to = format!("http://{}/graphql/private", self.trap);
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\nlocation: {to}\r\nrefresh: 0; url={to}\r\ncontent-length: 0\r\n\r\n"
                )
            }
            13 => {
                let status = *random.pick(&[
                    "100", "204", "206", "304", "400", "401", "403", "429", "500", "503", "599", "999",
                ]);
                let wait = *random.pick(&[
                    "-1",
                    "99999999999999999999",
                    "Fri, 31 Dec 9999 23:59:59 GMT",
                    "0",
                    "x",
                    "1e9",
                    "",
                ]);
                // Who asks for so much patience is waited for in vain; that is tested elsewhere.
                let wait = if status == "429" || status == "503" { "0" } else { wait };
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nretry-after: {wait}\r\ncontent-length: {}\r\n\r\n",
                    HOSTILE.len()
                )?;
                stream.write_all(HOSTILE.as_bytes())
            }
            // Nothing at all, until the other side has enough.
            14 => stream.read(&mut [0; 1]).map(drop),
            15 => {
                let page = self.pages.fetch_add(1, Ordering::SeqCst);
                let next = if page < PAGES { "true" } else { "false" };
                let mut more = document();
                go_on(&mut more, next == "true", &format!("cursor-{page}"));
                ok(more.to_string().as_bytes(), stream)
            }
            16 => {
                let errors =
                    json!([{ "message": HOSTILE, "path": [HOSTILE, 0], "extensions": { "code": HOSTILE } }]);
                let mut more = document();
                more["errors"] = errors;
                ok(more.to_string().as_bytes(), stream)
            }
            17 => {
                let bom = *random.pick(&[&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\x00", b")]}',\n"]);
                ok(&[bom, honest].concat(), stream)
            }
            18 => {
                let hostile = serde_json::to_string(&HOSTILE).expect("text");
                ok(text.replacen("\"id\":\"", &format!("\"id\":{hostile},\"id\":\""), 3).as_bytes(), stream)
            }
            19 => {
                let total = *random.pick(&["-1", "1e308", "18446744073709551616", "null", "\"7\"", "0"]);
                let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
                let mut parts = text.split("\"totalCount\":");
                let first = parts.next().unwrap_or_default().to_owned();
                let spoilt = parts.fold(first, |so_far, part| {
                    format!("{so_far}\"totalCount\":{total}{}", &part[digits(part)..])
                });
                ok(spoilt.as_bytes(), stream)
            }
            _ => {
                // Drop by drop, for a while.
                stream.write_all(&complete_response("200 OK", honest))?;
                for byte in honest.chunks(1).take(200) {
                    stream.write_all(byte)?;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Ok(())
            }
        }
    }
}

fn sent(stream: &mut TcpStream, status: &str, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(&complete_response(status, body))?;
    stream.write_all(body)
}

/// A beginning, and then the same again and again, with so many blanks before it.
fn endless(stream: &mut TcpStream, begin: &[u8], blanks: usize, again: &[u8]) -> std::io::Result<()> {
    let chunked = blanks > 0;
    let piece = [if chunked { begin } else { b"" }, &vec![b' '; blanks], again].concat();
    if !chunked {
        stream.write_all(begin)?;
    }
    let many = piece.repeat(64 * 1024 / piece.len() + 1);
    for _ in 0..ENDLESS / many.len() {
        stream.write_all(&many)?;
    }
    Ok(())
}

/// Says of each page that another one follows.
fn go_on(value: &mut Value, more: bool, cursor: &str) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "hasNextPage" => *field = json!(more),
                    "endCursor" => *field = json!(cursor),
                    _ => go_on(field, more, cursor),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| go_on(item, more, cursor)),
        _ => {}
    }
}

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let mut world = World::new().await;
    world.run(&["migrate"]).await.success();
    // Half of them begin with a good copy, which can be harmed.
    if random.percent(50) {
        world.full_sync_ok().await;
    }
    // A third read records in parts, since the API limits its queries.
    if random.percent(33) {
        let limit = FaultKind::QueryLimit {
            complexity: Some(15 + random.below(80) as u64),
            per_record: false,
            depth: Some(5 + random.below(4) as u64),
            aliases: None,
            page_size: None,
            status: *random.pick(&[200, 400]),
            code: None,
        };
        world.control.add_fault(Fault::new(limit).forever());
    }
    world.execute("CREATE TABLE canary AS SELECT 1 AS alive").await;
    let honest: SocketAddr = world.sim.graphql_url().split('/').nth(2).unwrap().parse().expect("an address");
    for (name, value) in [
        ("GAZELLE_SYNC_TIMEOUT_SECONDS", "0.3"),
        ("GAZELLE_SYNC_WALK_ATTEMPTS", "1"),
        ("GAZELLE_SYNC_MAX_RESPONSE_MB", "4"),
        ("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100"),
    ] {
        world.set(name, value);
    }
    let trap = HostileApi::with_body(b"{}".to_vec());
    for run in 0..RUNS {
        let spoiler = Arc::new(Spoiler {
            api: honest,
            trap: trap.address,
            seed: random.next(),
            // The first of each case meets nearly every way.
            share: if run == 0 { 60 } else { *random.pick(&[3, 15, 60]) },
            way: (run > 0 && random.percent(50)).then(|| random.below(WAYS)),
            pages: AtomicU64::new(0),
        });
        let attempts = (1 + random.below(2)).to_string();
        let mode = *random.pick(&["full", "incremental"]);
        tally.attempt(format!("run {run}, {mode}: {} of 100 answers, way {:?}", spoiler.share, spoiler.way));
        let between = HostileApi::start({
            let spoiler = spoiler.clone();
            move |asked, stream| spoiler.answer(asked, stream)
        });
        let mut program = world.command(&["sync", "--mode", mode, "--json"]);
        program.env("GAZELLE_API_URL", between.url()).env("GAZELLE_SYNC_ATTEMPTS", attempts);
        let ran = tally.run_json(&program).await;
        assert!(between.request_count() > 0, "it was never asked: {ran:.2000}");
        assert_eq!(trap.request_count(), 0, "a redirect was followed, with the key: {ran:.2000}");
        assert!(!ran.to_string().contains(world.sim.api_key()), "the key is shown: {ran:.2000}");
        let verdict = world.run(&["verify", "--offline"]).await;
        assert_eq!(
            verdict.code, 0,
            "production is not what staging says: {verdict:.3000}\nafter {ran:.3000}"
        );
        assert_eq!(world.count("canary").await, 1);
    }
}
