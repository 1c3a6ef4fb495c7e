//! A server in the database's place that means harm: it announces what does not fit into memory, sends without end, or says
//! nothing. The program ends, with words, within little memory and little time.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{CommandOutput, TestInstallation, World};

/// What the process may reserve, in KiB: its code, stacks and buffers, and what it takes of an answer. Less than the unit
/// allows it in memory.
const MEMORY: usize = 512 * 1024;

/// A message of the server's.
fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).unwrap();
    [&[kind], &length.to_be_bytes()[..], content].concat()
}

/// The beginning of a message that says that two gigabytes follow.
fn huge(kind: u8) -> Vec<u8> {
    [&[kind], &0x7fff_ffff_u32.to_be_bytes()[..]].concat()
}

/// So many columns, of text.
fn columns(count: u16) -> Vec<u8> {
    let column =
        [b"a\0".as_slice(), &[0; 6], &25_u32.to_be_bytes(), &(-1_i16).to_be_bytes(), &[0xff; 4], &[0; 2]];
    message(b'T', &[&count.to_be_bytes()[..], &column.concat().repeat(usize::from(count))].concat())
}

fn row(columns: u16) -> Vec<u8> {
    let nulls = [0xff; 4].repeat(usize::from(columns));
    message(b'D', &[&columns.to_be_bytes()[..], &nulls].concat())
}

fn password_taken() -> Vec<u8> {
    message(b'R', &[0; 4])
}

fn auth_ok() -> Vec<u8> {
    [password_taken(), message(b'Z', b"I")].concat()
}

/// What it does once we have said who we are, and what follows without end.
#[derive(Clone)]
struct Misbehaviour {
    what: &'static str,
    /// Sent as soon as we have said who we are.
    first: Vec<u8>,
    /// Sent when we have sent a statement; none where that is not waited for.
    answer: Option<Vec<u8>>,
    /// Sent over and over; where it is only to be sent so often, how often, and what comes last.
    endless: Vec<u8>,
    end: Option<(usize, Vec<u8>)>,
    words: &'static str,
}

fn misbehaviours() -> Vec<Misbehaviour> {
    let of = |what, first: Vec<u8>, answer: Option<Vec<u8>>, endless: Vec<u8>, words| Misbehaviour {
        what,
        first,
        answer,
        endless,
        end: None,
        words,
    };
    let zeros = vec![0; 64 * 1024];
    let begun_with = |count| [message(b'C', b"BEGIN\0"), columns(count)].concat();
    let begun = || begun_with(1);
    let (before, after) = ("before the login", "takes more than 192 MiB");
    vec![
        of("a message of two gigabytes in place of the login", huge(b'R'), None, zeros.clone(), before),
        of("an error of two gigabytes in place of the login", huge(b'E'), None, zeros.clone(), before),
        of(
            "settings without end before the login is over",
            password_taken(),
            None,
            message(b'S', b"a\0b\0").repeat(4096),
            before,
        ),
        of(
            "notices without end before the login is over",
            password_taken(),
            None,
            message(b'N', b"SNOTICE\0C00000\0Mx\0\0").repeat(4096),
            before,
        ),
        of("a row of two gigabytes", auth_ok(), Some([begun(), huge(b'D')].concat()), zeros, after),
        of("rows without end", auth_ok(), Some(begun()), row(1).repeat(4096), after),
        of("rows of many columns without end", auth_ok(), Some(begun_with(20_000)), row(20_000), after),
        of(
            "notices without end",
            auth_ok(),
            Some(vec![]),
            message(b'N', b"SNOTICE\0C00000\0Mx\0\0").repeat(4096),
            after,
        ),
        Misbehaviour {
            end: Some((LONG_MIB, [b"\0\0".as_slice(), &message(b'Z', b"E")].concat())),
            ..of(
                "an error of words, as long as an answer may be",
                auth_ok(),
                Some([begun(), message_header(b'E', LONG_MIB << 20)].concat()),
                b"a ".repeat(512 * 1024),
                "where 32 MiB are the most",
            )
        },
        Misbehaviour {
            end: Some((31, [b"\0\0".as_slice(), &message(b'Z', b"E")].concat())),
            ..of(
                "an error of words, as long as one may be",
                auth_ok(),
                Some([begun(), message_header(b'E', 31 << 20)].concat()),
                b"a ".repeat(512 * 1024),
                "a a… (SQLSTATE XX000)",
            )
        },
    ]
}

/// The longest answer of the database is a little longer, in MiB.
const LONG_MIB: usize = 190;

/// The beginning of an error or a notice whose message has so many bytes, and two zeros at its end.
fn message_header(kind: u8, bytes: usize) -> Vec<u8> {
    let fields = b"SERROR\0VERROR\0CXX000\0M";
    let length = u32::try_from(4 + fields.len() + bytes + 2).unwrap();
    [&[kind], &length.to_be_bytes()[..], fields].concat()
}

/// Does harm to whoever connects. Returns its port.
fn server(harm: Misbehaviour) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), harm) = (stream, harm.clone()) else { return };
            // An error is the end of the connection, which is what should come.
            std::thread::spawn(move || misbehave(stream, &harm));
        }
    });
    port
}

fn misbehave(mut stream: TcpStream, harm: &Misbehaviour) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    // Whether encryption is offered, and then who asks.
    if stream.read(&mut buffer)? == 8 {
        stream.write_all(b"N")?;
        let _ = stream.read(&mut buffer)?;
    }
    stream.write_all(&harm.first)?;
    if let Some(answer) = &harm.answer {
        // The beginning of a transaction, and the statement behind it.
        let mut asked = Vec::new();
        while !asked.windows(14).any(|bytes| bytes == b"pg_backend_pid") {
            let read @ 1.. = stream.read(&mut buffer)? else { return Ok(()) };
            asked.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(answer)?;
    }
    match &harm.end {
        None => loop {
            stream.write_all(&harm.endless)?;
        },
        Some((times, last)) => {
            for _ in 0..*times {
                stream.write_all(&harm.endless)?;
            }
            stream.write_all(last)?;
            // What else was asked has no answer.
            stream.shutdown(std::net::Shutdown::Write)?;
            while let 1.. = stream.read(&mut buffer)? {}
            Ok(())
        }
    }
}

async fn limited(place: &TestInstallation, address: &str) -> CommandOutput {
    let mut command = place.command(&["status", "--json"]);
    command.env("DATABASE_URL", address).env("MALLOC_ARENA_MAX", "2").env("TOKIO_WORKER_THREADS", "2");
    crate::support::run_to_end(crate::support::limited::with_memory(&command, MEMORY)).await
}

#[tokio::test]
async fn what_a_server_announces_or_sends_without_end_is_refused_within_little_memory() {
    let place = TestInstallation::new().await;
    for harm in misbehaviours() {
        let (what, words) = (harm.what, harm.words);
        let address = format!("postgres://sync@127.0.0.1:{}/shop", server(harm));
        let begun = Instant::now();
        let run = limited(&place, &address).await;
        assert_eq!(run.code, 1, "{what}: {run}");
        assert!(run.reasons().contains(words), "{what}: {run}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing_is_not_waited_for() {
    let place = TestInstallation::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let begun = Instant::now();
    let run = limited(&place, &format!("postgres://sync@127.0.0.1:{port}/shop?connect_timeout=1")).await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("no database connection within 3 s"), "{run}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn the_unit_allows_as_much_memory_as_is_bounded_here() {
    let unit = include_str!("../../../../../ops/systemd/gazelle-sync.service");
    let allowed = unit.lines().find_map(|line| line.strip_prefix("MemoryMax=")?.strip_suffix('M'));
    assert!(allowed.is_some_and(|mib| mib.parse::<usize>().unwrap() * 1024 >= MEMORY), "{allowed:?}");
}

/// The two hosts of an address are tried in turn, and which of them is asked for is looked at.
#[tokio::test]
async fn another_host_is_tried_where_the_first_one_does_not_answer() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let folder = place.server.socket_dir().display().to_string();
    let nobody = tempfile::tempdir().unwrap();
    let words = |more: &str| {
        format!(
            "host={},{folder} user=postgres dbname={} {more}",
            nobody.path().display(),
            crate::support::DATABASE
        )
    };
    limited(&place, &words("")).await.success();
    limited(&place, &words("target_session_attrs=read-write")).await.success();
    let run = limited(&place, &words("target_session_attrs=read-only")).await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("not read only"), "{run}");
}

/// A frozen server's kernel goes on taking connections.
#[tokio::test]
async fn another_host_is_tried_where_the_first_one_takes_the_connection_and_says_nothing() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = place.server.socket_dir().display().to_string();
    let words = format!(
        "host=127.0.0.1,{folder} port={port},5432 user=postgres dbname={} connect_timeout=1",
        crate::support::DATABASE
    );
    limited(&place, &words).await.success();
}

/// A proxy before the database that repeats a row until the answer has this many bytes, on every connection that reads or
/// writes staging, and then says nothing more for a while. Returns its port, and how many answers it made longer.
fn inflating_proxy(database: PathBuf, bytes: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let swollen = Arc::new(AtomicUsize::new(0));
    let count = swollen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), Ok(server)) = (stream, UnixStream::connect(&database)) else { return };
            let (asked, count) = (Arc::new(AtomicUsize::new(0)), count.clone());
            let ends = (stream.try_clone().unwrap(), server.try_clone().unwrap(), asked.clone());
            std::thread::spawn(move || pass_on_statements(ends.0, ends.1, &ends.2));
            // An error is the end of a connection.
            std::thread::spawn(move || inflate(server, stream, &asked, bytes, &count));
        }
    });
    (port, swollen)
}

fn pass_on_statements(mut from: TcpStream, mut to: UnixStream, asked: &AtomicUsize) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let says = |words: &[u8]| buffer[..read].windows(words.len()).any(|bytes| bytes == words);
        // A lock has no answer that could be made longer.
        if says(b".staging_") && !says(b"LOCK TABLE") {
            asked.store(1, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn inflate(
    mut from: UnixStream,
    mut to: TcpStream,
    asked: &AtomicUsize,
    bytes: usize,
    count: &AtomicUsize,
) -> std::io::Result<()> {
    loop {
        let mut header = [0; 5];
        from.read_exact(&mut header)?;
        let length = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize - 4;
        let mut message = header.to_vec();
        message.resize(5 + length, 0);
        from.read_exact(&mut message[5..])?;
        to.write_all(&message)?;
        if header[0] == b'D' && asked.swap(0, Ordering::SeqCst) == 1 {
            count.fetch_add(1, Ordering::SeqCst);
            let columns = usize::from(u16::from_be_bytes([message[5], message[6]]));
            // What a row takes in memory, besides its bytes.
            let rows = bytes / (length + 128 + 24 * columns);
            let some = message.repeat(1000);
            for _ in 0..rows / 1000 {
                to.write_all(&some)?;
            }
            // As long as the program may wait at most.
            std::thread::park_timeout(Duration::from_secs(20));
            return to.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Each answer would be allowed if it were alone.
#[tokio::test]
async fn answers_that_swell_on_every_connection_at_once_share_one_bound() {
    let world = World::new().await;
    world.installation.run(&["migrate"]).await.success();
    let socket = world.installation.server.socket_dir().join(".s.PGSQL.5432");
    let (port, swollen) = inflating_proxy(socket, 185 << 20);
    let mut command = world.installation.command(&["sync", "--mode", "full", "--json"]);
    command
        .env(
            "DATABASE_URL",
            format!("postgres://postgres@127.0.0.1:{port}/{}?sslmode=disable", crate::support::DATABASE),
        )
        .env("GAZELLE_SYNC_DATABASE_SILENCE", "10")
        .env("MALLOC_ARENA_MAX", "2")
        .env("TOKIO_WORKER_THREADS", "2");
    let run = crate::support::run_to_end(crate::support::limited::with_memory(&command, MEMORY));
    let run = tokio::time::timeout(Duration::from_secs(180), run).await.expect("nobody waits for ever");
    // It ends with words, as a process that was ended for its memory does not.
    assert!([1, 3].contains(&run.code), "exit {} {:.3000}", run.code, run.stderr);
    assert!(!run.reasons().is_empty(), "{run}");
    assert!(swollen.load(Ordering::SeqCst) > 1, "{run}");
}
