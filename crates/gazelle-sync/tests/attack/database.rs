//! Somebody in the database's place: a server that says anything before the login, and one between the program and its
//! database that changes what is answered. The process ends in its time and in no more memory than what it was sent, with
//! words that name the place and never the password.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::Tally;
use super::support::hostile_text::HOSTILE;
use super::support::random::Random;
use super::support::{DATABASE, TestInstallation, World};

/// Attempts of one case: before the login, and after it.
const BEFORE: usize = 12;
const AFTER: usize = 8;
const PASSWORD: &str = "Geheim4711";
/// As much as an attacker sends of what has no end.
const FLOOD: usize = 16 << 20;

/// Serves connections, each in a thread of its own, until dropped.
struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Server {
    fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::<AtomicBool>::default();
        let (end, serve) = (ended.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let serve = serve.clone();
                std::thread::spawn(move || serve(stream));
            }
        });
        Server { address, ended }
    }

    fn url(&self, more: &str) -> String {
        format!("postgres://sync:{PASSWORD}@{}/{DATABASE}?connect_timeout=1{more}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // What it waits for.
        drop(TcpStream::connect(self.address));
    }
}

/// A message of the protocol, whose length is true.
fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).expect("a length").to_be_bytes();
    [&[kind], &length[..], content].concat()
}

fn noise(random: &mut Random, most: usize) -> Vec<u8> {
    (0..random.below(most)).map(|_| random.next() as u8).collect()
}

/// Something that a server says, rightly or not.
fn said(random: &mut Random) -> Vec<u8> {
    let authentication = |code: u32, more: &[u8]| message(b'R', &[&code.to_be_bytes()[..], more].concat());
    match random.below(22) {
        0 => b"S".to_vec(),
        1 => b"N".to_vec(),
        2 => noise(random, 300),
        // A length that is a lie.
        3 => {
            let length = *random.pick(&[0_u32, 1, 3, 4, 5, 0x7fff_ffff, 0xffff_ffff, 1 << 30]);
            [&[*random.pick(b"REDTZSKNC1")], &length.to_be_bytes()[..], &noise(random, 50)].concat()
        }
        4 => authentication(0, b""),
        5 => authentication(3, b""),
        6 => authentication(5, b"salt"),
        7 => authentication(
            10,
            random.pick::<&[u8]>(&[
                &b"SCRAM-SHA-256\0\0"[..],
                b"\0",
                b"",
                b"SCRAM-SHA-256-PLUS\0\0",
                b"X\0\0",
            ]),
        ),
        8 => authentication(11, b"r=x,s=AAAA,i=4096"),
        9 => authentication(12, b"v=AAAA"),
        10 => authentication(random.next() as u32, b""),
        11 => message(b'K', &noise(random, 12)),
        12 => message(b'Z', random.pick::<&[u8]>(&[&b"I"[..], b"E", b"", b"?"])),
        13 => {
            let fields = [
                b"SFATAL\0C28P01\0M",
                HOSTILE.as_bytes(),
                b"\0D",
                HOSTILE.as_bytes(),
                b"\0H",
                HOSTILE.as_bytes(),
                b"\0\0",
            ];
            message(b'E', &fields.concat())
        }
        14 => message(
            b'E',
            &[
                b"SFATAL\0C".to_vec(),
                noise(random, 20),
                b"\0M".to_vec(),
                vec![b'x'; 3_000_000],
                b"\0\0".to_vec(),
            ]
            .concat(),
        ),
        15 => message(b'E', &noise(random, 60)),
        16 => message(b'S', &[HOSTILE.as_bytes(), b"\0", HOSTILE.as_bytes(), b"\0"].concat()),
        17 => message(b'N', b"SNOTICE\0C00000\0Mx\0\0").repeat(FLOOD / 24),
        18 => message(b'T', &[&[0xff, 0xff][..], &noise(random, 100)].concat()),
        19 => message(b'D', &[&[0x7f, 0xff][..], &noise(random, 100)].concat()),
        20 => vec![b'S'; FLOOD],
        _ => message(*random.pick(b"CIn12st3WVdcfHvAG"), &noise(random, 40)),
    }
}

/// Whoever asks has a login done with him as it should be, up to a number of rounds that nobody would reckon.
fn patient_login(stream: &mut TcpStream, rounds: u32) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    let authentication = |code: u32, more: &[u8]| message(b'R', &[&code.to_be_bytes()[..], more].concat());
    stream.write_all(&authentication(10, b"SCRAM-SHA-256\0\0"))?;
    let read = stream.read(&mut buffer)?;
    let first = String::from_utf8_lossy(&buffer[..read]).into_owned();
    let nonce = first.rsplit_once("r=").map(|(_, nonce)| nonce.to_owned()).unwrap_or_default();
    stream.write_all(&authentication(11, format!("r={nonce}x,s=QUJDRA==,i={rounds}").as_bytes()))?;
    // What comes of it, in vain.
    stream.read(&mut buffer).map(drop)
}

/// Before the login.
async fn unknown(random: &mut Random, tally: &mut Tally, place: &TestInstallation) {
    let login = random.percent(8);
    let rounds = *random.pick(&[1_u32, 4096, 4_294_967_295]);
    let messages: Vec<Vec<u8>> = (0..random.below(6)).map(|_| said(random)).collect();
    let reads_first = random.percent(80);
    let leaves = random.percent(70);
    let shown: Vec<String> =
        messages.iter().map(|m| m[..m.len().min(24)].escape_ascii().to_string()).collect();
    let mode = *random.pick(&[
        "",
        "&sslmode=disable",
        "&sslmode=prefer",
        "&sslmode=require",
        "&sslmode=verify-full",
    ]);
    let command = *random.pick(&["status", "sync", "doctor", "migrate", "errors"]);
    tally.attempt(format!(
        "{command}{mode}: login {login} of {rounds} rounds, says {shown:?}, leaves {leaves}"
    ));
    let server = Server::start(move |mut stream| {
        let mut buffer = [0; 4096];
        if login || reads_first {
            let read = stream.read(&mut buffer).unwrap_or_default();
            // Asked for encryption, there is none.
            if login && buffer[..read].len() == 8 {
                let _ = stream.write_all(b"N");
                let _ = stream.read(&mut buffer);
            }
        }
        if login {
            let _ = patient_login(&mut stream, rounds);
        }
        for message in &messages {
            if stream.write_all(message).is_err() {
                return;
            }
        }
        if !leaves {
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
        }
    });
    let mut program = place.command(&[command, "--json"]);
    program.env("DATABASE_URL", server.url(mode));
    let ran = tally.run_json(&program).await;
    assert_eq!(ran.code, 1, "a command that never had a database: {ran:.2000}");
    assert!(!ran.to_string().contains(PASSWORD), "the password is shown: {ran:.2000}");
    assert!(ran.to_string().contains(&server.address.to_string()), "the place is not named: {ran:.2000}");
}

/// What somebody between does with an answer.
#[derive(Debug, Clone, Copy)]
enum Change {
    Flip,
    Leave(usize),
    Twice,
    Noise,
    Message,
    Longer,
}

/// After the login.
async fn between(random: &mut Random, tally: &mut Tally, world: &World) {
    let change = match random.below(6) {
        0 => Change::Flip,
        1 => Change::Leave(1 + random.below(40)),
        2 => Change::Twice,
        3 => Change::Noise,
        4 => Change::Message,
        _ => Change::Longer,
    };
    let command: &[&str] = random.pick::<&[&str]>(&[
        &["status"][..],
        &["sync", "--mode", "full"],
        &["sync"],
        &["errors"],
        &["doctor"],
        &["verify", "--offline"],
        &["replay"],
        &["warnings"],
        &["migrate"],
        &["alerts"],
    ]);
    let after = random.of_any_size(17);
    let seed = random.next();
    tally.attempt(format!("{} and {change:?} after {after} bytes", command.join(" ")));
    let socket = world.server.socket_dir().join(".s.PGSQL.5432");
    assert!(socket.exists(), "{}", socket.display());
    let left = Arc::new(AtomicI64::new(after));
    let server = Server::start(move |stream| relay(stream, &socket, &left, change, seed));
    let mut program = world.command(command);
    let user = world.url().split("://").nth(1).unwrap().split('@').next().unwrap().to_owned();
    let url = server.url("&sslmode=disable").replace("//sync:", &format!("//{user}:"));
    program
        .arg("--json")
        .env("DATABASE_URL", url)
        .env("GAZELLE_SYNC_DATABASE_SILENCE", "1")
        .env("GAZELLE_SYNC_LOCK_WAIT", "2")
        .env("GAZELLE_SYNC_LOCK_NOTICE", "1")
        .env("GAZELLE_SYNC_LEASE_SECONDS", "2");
    let ran = tally.run_json(&program).await;
    assert!(!ran.to_string().contains(PASSWORD), "the password is shown: {ran:.2000}");
    drop(server);
    // Without him all goes on.
    tally.now.push_str(", and then without him");
    let next = world.run(&["sync"]).await;
    assert!([0, 3].contains(&next.code), "{next:.2000}\nafter {ran:.2000}");
}

/// Passes bytes on, and changes one piece of what the database answers.
fn relay(mut client: TcpStream, socket: &PathBuf, left: &AtomicI64, change: Change, seed: u64) {
    let Ok(mut database) = UnixStream::connect(socket) else { return };
    let (Ok(mut asking), Ok(mut asked)) = (client.try_clone(), database.try_clone()) else { return };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut asking, &mut asked);
        let _ = asked.shutdown(std::net::Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    let mut random = Random::new(seed);
    while let Ok(read @ 1..) = database.read(&mut buffer) {
        let mut bytes = buffer[..read].to_vec();
        let before = left.fetch_sub(read as i64, Ordering::SeqCst);
        if (1..=read as i64).contains(&before) {
            let at = (before - 1) as usize;
            match change {
                Change::Flip => bytes[at] ^= 1 << random.below(8),
                Change::Leave(many) => drop(bytes.drain(at..read.min(at + many))),
                Change::Twice => bytes.extend_from_slice(&buffer[at..read]),
                Change::Noise => bytes.truncate(at),
                Change::Message => drop(bytes.splice(at..at, said(&mut random))),
                Change::Longer => bytes[at] = 0x7f,
            }
            if matches!(change, Change::Noise) {
                bytes.extend(noise(&mut random, 4_000));
            }
        }
        if client.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Both);
    let _ = database.shutdown(std::net::Shutdown::Both);
}

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "100");
    for _ in 0..BEFORE {
        unknown(random, tally, &world).await;
    }
    world.full_sync_ok().await;
    for _ in 0..AFTER {
        between(random, tally, &world).await;
    }
}
