//! Memory is bounded by us, whatever the API announces or sends: with little of it, each answer is refused with words.

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use support::Place;

/// The longest answer that is read, by a setting, and one as long, less a little.
const LONGEST_MIB: usize = 4;
const LONG: usize = LONGEST_MIB * 1024 * 1024 - 1024;
/// What the process may reserve, in KiB: its code, stacks and buffers, and a few times all answers at once. A value for each
/// entry of such an answer would take more.
const MEMORY: usize = 320 * 1024;

/// Answers every request with this body. Returns the address.
fn api(body: Arc<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), body) = (stream, body.clone()) else { return };
            std::thread::spawn(move || answer(stream, &body));
        }
    });
    format!("http://{address}/graphql/private")
}

/// Reads one request and answers it.
fn answer(mut stream: TcpStream, body: &[u8]) {
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    let text = |request: &[u8]| String::from_utf8_lossy(request).into_owned();
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer) else { return };
        request.extend_from_slice(&buffer[..read]);
        let Some((head, sent)) = text(&request).split_once("\r\n\r\n").map(|(a, b)| (a.to_owned(), b.len()))
        else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if sent >= length.unwrap_or_default() {
            break;
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn filled(before: &str, repeated: &str, after: &str) -> Vec<u8> {
    format!("{before}{}{after}", repeated.repeat((LONG - before.len() - after.len()) / repeated.len()))
        .into_bytes()
}

#[tokio::test]
async fn whatever_an_answer_is_made_of_little_memory_does() {
    let mut place = Place::new().await;
    place.run(&["migrate"]).await.success();
    place.env.insert("GAZELLE_API_KEY".to_owned(), "key".to_owned());
    place.env.insert("GAZELLE_SYNC_ATTEMPTS".to_owned(), "1".to_owned());
    place.env.insert("GAZELLE_SYNC_WALK_ATTEMPTS".to_owned(), "1".to_owned());
    place.env.insert("GAZELLE_SYNC_MAX_RESPONSE_MB".to_owned(), LONGEST_MIB.to_string());
    // What is reserved and not used counts too; that depends on the machine's processors otherwise.
    place.env.insert("MALLOC_ARENA_MAX".to_owned(), "2".to_owned());
    place.env.insert("TOKIO_WORKER_THREADS".to_owned(), "2".to_owned());
    for (what, body) in [
        ("errors", filled(r#"{"data":null,"errors":["#, r#"{"message":"x","path":["a"]},"#, "1]}")),
        ("errors of nothing", filled(r#"{"data":null,"errors":["#, "1,", "1]}")),
        ("one long message", filled(r#"{"data":null,"errors":[{"message":""#, "'a' ", r#""}]}"#)),
        ("one long path", filled(r#"{"data":null,"errors":[{"message":"x","path":["#, "0,", "0]}]}")),
        ("one long code", filled(r#"{"errors":[{"extensions":{"code":["#, "0,", "0]}}]}")),
        ("root fields", filled(r#"{"errors":[1],"data":{"#, r#""a":1,"#, r#""b":1}}"#)),
        ("counts", filled(r#"{"data":{"#, r#""a":{"totalCount":1},"#, r#""b":{"totalCount":1}}}"#)),
        ("users of nothing", filled(r#"{"data":{"allUsers":["#, "null,", "null]}}")),
        ("users without content", filled(r#"{"data":{"allUsers":["#, "{},", "{}]}}")),
        ("lists in lists", filled(r#"{"data":{"allUsers":["#, "[", "")),
        ("objects in objects", filled(r#"{"data":{"allUsers":["#, r#"{"a":"#, "")),
        ("no JSON", filled("", "x", "")),
        (
            "bytes that are no text",
            [b"{\"data\":\"".to_vec(), vec![0xff; LONG - 20], b"\"}".to_vec()].concat(),
        ),
    ] {
        let url = api(Arc::new(body));
        place.env.insert("GAZELLE_API_URL".to_owned(), url);
        let command = place.command(&[]);
        let program = command.as_std().get_program().display();
        let mut limited = tokio::process::Command::new("sh");
        limited
            .arg("-c")
            .arg(format!("ulimit -v {MEMORY} && exec {program} sync --json"))
            .env_clear()
            .envs(command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(place.folder.path())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true);
        let run = support::ran(limited).await;
        assert!([1, 3].contains(&run.code), "{what}: exit {} {:.2000}", run.code, run.stderr);
        assert!(!run.reasons().is_empty(), "{what}: {:.2000}", run.stdout);
    }
}
