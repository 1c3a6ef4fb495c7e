//! Memory is bounded by us, whatever the API announces or sends: with little of it, each answer is refused with words, or
//! what is in it lands or waits.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::support::hostile_api::memory_heavy_bodies;
use crate::support::{CommandOutput, TestInstallation};
use serde_json::{Value, json};

/// The longest answer that is read, by a setting, and one as long, less a little.
const LONGEST_MIB: usize = 4;
pub(super) const LONG: usize = LONGEST_MIB * 1024 * 1024 - 1024;
/// What the process may reserve, in KiB: its code, stacks and buffers, and a few times all answers at once. A value for each
/// entry of such an answer would take more.
const MEMORY: usize = 320 * 1024;

/// Answers a request, of which it gets the JSON, with a body.
type Answers = Arc<dyn Fn(&Value) -> Vec<u8> + Send + Sync>;

/// An API of this kind. Returns its address.
fn api(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), answers) = (stream, answers.clone()) else { return };
            std::thread::spawn(move || answer(stream, &answers));
        }
    });
    format!("http://{address}/graphql/private")
}

/// Reads one request and answers it.
fn answer(mut stream: TcpStream, answers: &Answers) {
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    let asked = loop {
        let Ok(read @ 1..) = stream.read(&mut buffer) else { return };
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, sent)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if sent.len() >= length.unwrap_or_default() {
            break serde_json::from_str(sent).unwrap_or_default();
        }
    };
    let body = answers(&asked);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn filled(before: &str, repeated: &str, after: &str) -> Vec<u8> {
    format!("{before}{}{after}", repeated.repeat((LONG - before.len() - after.len()) / repeated.len()))
        .into_bytes()
}

/// A page of clients, in an answer that has a field of every list.
pub(super) fn clients(records: &str, more: Option<&str>) -> String {
    let cursor = more.map_or("null".to_owned(), |cursor| format!("\"{cursor}\""));
    let empty = r#"{"nodes":[],"pageInfo":{"hasNextPage":false,"endCursor":null},"totalCount":0}"#;
    format!(
        r#"{{"data":{{"allUsers":[],"allPianos":{empty},"allEventsBatched":{empty},"allEvents":{empty},"allClients":
           {{"totalCount":1,"pageInfo":{{"hasNextPage":{},"endCursor":{cursor}}},"nodes":[{records}]}}}}}}"#,
        more.is_some()
    )
}

/// A page of one client, with this in the place of the `@`.
fn client(with: &str, repeated: &str, after: &str) -> Vec<u8> {
    let page = clients(r#"{"id":"cli_1","companyName":"one",@}"#, None);
    let (head, tail) = page.split_once('@').unwrap();
    filled(&format!("{head}{with}"), repeated, &format!("{after}{tail}"))
}

/// A place for programs with little memory.
pub(super) async fn little() -> TestInstallation {
    let mut place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    for (name, value) in [
        ("GAZELLE_API_KEY", "key"),
        ("GAZELLE_SYNC_ATTEMPTS", "1"),
        ("GAZELLE_SYNC_WALK_ATTEMPTS", "1"),
        ("GAZELLE_SYNC_MAX_RESPONSE_MB", &LONGEST_MIB.to_string()),
        // What is reserved and not used counts too; that depends on the machine's processors otherwise.
        ("MALLOC_ARENA_MAX", "2"),
        ("TOKIO_WORKER_THREADS", "2"),
    ] {
        place.env.insert(name.to_owned(), value.to_owned());
    }
    place
}

pub(super) async fn sync(place: &mut TestInstallation, answers: Answers) -> CommandOutput {
    sync_within(place, MEMORY, answers).await
}

async fn sync_within(place: &mut TestInstallation, memory: usize, answers: Answers) -> CommandOutput {
    place.env.insert("GAZELLE_API_URL".to_owned(), api(answers));
    let run = crate::support::run_to_end(crate::support::limited::with_memory(
        &place.command(&["sync", "--json"]),
        memory,
    ));
    tokio::time::timeout(Duration::from_secs(120), run).await.expect("nobody waits for himself")
}

#[tokio::test]
async fn whatever_an_answer_is_made_of_little_memory_does() {
    let mut place = little().await;
    let field = r#"{"name":"a","type":{"kind":"SCALAR","name":"Int"},"args":[]},"#;
    let schema =
        r#"{"data":{"__schema":{"queryType":{"name":"Q"},"types":[{"name":"Q","kind":"OBJECT","fields":["#;
    let of_it_alone = [
        ("fields of a schema", filled(schema, field, r#"{"name":"b"}]}]}}}"#)),
        ("a cursor", clients("", Some(&"c".repeat(LONG - 600))).into_bytes()),
    ];
    for (what, body) in memory_heavy_bodies(LONG).into_iter().chain(of_it_alone) {
        let run = sync(&mut place, Arc::new(move |_| body.clone())).await;
        assert!([1, 3].contains(&run.code), "{what}: exit {} {:.2000}", run.code, run.stderr);
        assert!(!run.reasons().is_empty(), "{what}: {:.2000}", run.stdout);
    }
}

#[tokio::test]
async fn whatever_a_record_is_made_of_it_lands_or_waits_within_little_memory() {
    let mut place = little().await;
    for (what, body) in [
        ("tags", client(r#""tags":["#, r#""a","#, r#""a"]"#)),
        ("tags that are none", client(r#""tags":["#, "[],", "[]]")),
        ("numbers that nobody asked for", client(r#""more":["#, "0,", "0]")),
        ("contacts", client(r#""allContacts":{"nodes":["#, r#"{"id":"c"},"#, r#"{"id":"c"}]}"#)),
        ("contacts that are none", client(r#""allContacts":{"nodes":["#, "null,", "null]}")),
        ("keys", client(r#""a":0,"#, r#""a":1,"#, r#""b":0"#)),
        ("an id of lists", client(r#""id":["#, "[],", "[]]")),
        ("one long text", client(r#""personalNotes":""#, "a, ", r#"""#)),
    ] {
        let run = sync(&mut place, Arc::new(move |_| body.clone())).await;
        assert!([0, 3].contains(&run.code), "{what}: exit {} {:.2000}", run.code, run.stderr);
        let held = place.count("staging_clients").await;
        assert!(held > 0, "{what}: {:.2000}", run.stdout);
    }
}

#[tokio::test]
async fn lists_inside_a_record_that_do_not_end_are_given_up() {
    let mut place = little().await;
    // Each page of contacts has new ones, and another one follows.
    let contact = format!(r#"{{"id":"con","lastName":"{}"}},"#, "Doe".repeat(300));
    let contacts = filled(r#"{"nodes":["#, &contact, r#"{"id":"con"}],"pageInfo":"#);
    let contacts = String::from_utf8(contacts).unwrap();
    let run = sync(
        &mut place,
        Arc::new(move |asked| {
            let after = asked["variables"]["after"].as_str().and_then(|after| after.parse::<u64>().ok());
            let page_info =
                format!(r#"{{"hasNextPage":true,"endCursor":"{}"}}"#, after.unwrap_or_default() + 1);
            if asked["query"].as_str().is_some_and(|query| query.contains("allClients")) {
                let inside = r#"{"id":"cli_1","allContacts":{"nodes":[],"pageInfo":{"hasNextPage":true}}}"#;
                return clients(inside, None).into_bytes();
            }
            format!(r#"{{"data":{{"client":{{"id":"cli_1","allContacts":{contacts}{page_info}}}}}}}}}"#)
                .into_bytes()
        }),
    )
    .await;
    assert_eq!(run.code, 3, "exit {} {:.2000}", run.code, run.stderr);
    assert_eq!(place.count("sync_quarantine").await, 1, "{:.2000}", run.stdout);
}

#[tokio::test]
async fn pages_that_repeat_their_records_without_end_leave_the_walk_incomplete_with_words() {
    let mut place = little().await;
    let run = sync(
        &mut place,
        Arc::new(|asked| {
            let after = asked["variables"]["after"].as_str().and_then(|after| after.parse::<u64>().ok());
            let next = (after.unwrap_or_default() + 1).to_string();
            let page = clients(r#"{"id":"cli_1","companyName":"one"},{"id":"cli_2"}"#, Some(&next));
            // A count that promises more than there can be.
            page.replace(r#""totalCount":1,"#, r#""totalCount":18446744073709551615,"#).into_bytes()
        }),
    )
    .await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("nothing but records that it has listed before"), "{run}");
}

/// Many large answers, over all lists at once, of which each would fit.
#[tokio::test]
async fn many_large_answers_wait_for_one_another() {
    let mut place = little().await;
    place.env.insert("GAZELLE_SYNC_CONCURRENCY".to_owned(), "16".to_owned());
    place.env.insert("GAZELLE_SYNC_MAX_RESPONSE_MB".to_owned(), (4 * LONGEST_MIB).to_string());
    let text = "a".repeat(LONG / 2);
    let run = sync_within(
        &mut place,
        MEMORY * 8 / 5,
        Arc::new(move |asked| {
            let query = asked["query"].as_str().unwrap_or_default();
            let after = asked["variables"]["after"].as_str().and_then(|after| after.parse::<u64>().ok());
            let page = after.unwrap_or_default();
            let records = |kind: &str, field: &str| -> Vec<Value> {
                let id = |n| format!("{kind}_{page}_{n}");
                (0..7).map(|n| json!({ "id": id(n), field: text, "start": "2026-01-02T15:00:00Z" })).collect()
            };
            let list = |kind, field| {
                let is_last = page == 5;
                let page_info = json!({ "hasNextPage": !is_last, "endCursor": (page + 1).to_string() });
                json!({ "nodes": records(kind, field), "pageInfo": page_info, "totalCount": 42 })
            };
            let data = match query {
                query if query.contains("allUsers") => json!({ "allUsers": records("usr", "firstName") }),
                query if query.contains("allClients") => {
                    json!({ "allClients": list("cli", "personalNotes") })
                }
                query if query.contains("allPianos") => json!({ "allPianos": list("ins", "notes") }),
                query => json!({ root_of(query): list("evt", "notes") }),
            };
            json!({ "data": data }).to_string().into_bytes()
        }),
    )
    .await;
    assert_eq!(run.code, 0, "{:.2000} {:.2000}", run.stdout, run.stderr);
    assert_eq!(place.count("sync_quarantine").await, 0, "{:.2000}", run.stdout);
    for (table, count) in
        [("staging_users", 7), ("staging_clients", 42), ("staging_pianos", 42), ("staging_appointments", 42)]
    {
        assert_eq!(place.count(table).await, count, "{table}: {:.2000}", run.stdout);
    }
}

/// An API that allows few fields a query, and gives a long text in each part of a record.
#[tokio::test]
async fn parts_of_a_record_are_held_within_little_memory() {
    let mut place = little().await;
    let run = sync(
        &mut place,
        Arc::new(|asked| {
            let query = asked["query"].as_str().unwrap_or_default();
            let body = query.split_once('{').map_or("", |(_, body)| body);
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let outside: String =
                body.split('(').map(|part| part.split_once(')').map_or(part, |(_, after)| after)).collect();
            let names: Vec<&str> = outside.split(|c| !is_word(c)).filter(|name| !name.is_empty()).collect();
            if names.len() > 14 || query.contains("__schema") {
                let said =
                    format!("Query has complexity of {}, which exceeds max complexity of 14", names.len());
                return json!({ "errors": [{ "message": said }] }).to_string().into_bytes();
            }
            let page = [
                "allClients",
                "nodes",
                "pageInfo",
                "hasNextPage",
                "endCursor",
                "totalCount",
                "id",
                "updatedAt",
                "client",
            ];
            let Some(field) = names.iter().find(|name| !page.contains(name)) else {
                return clients(r#"{"id":"cli_1","updatedAt":"2026-01-01T00:00:00Z"},{"id":"cli_2"}"#, None)
                    .replace(r#""totalCount":1"#, r#""totalCount":2"#)
                    .into_bytes();
            };
            let long = "a".repeat(LONG - 1000);
            let large = format!(r#"{{"id":"cli_1","updatedAt":"2026-01-01T00:00:00Z","{field}":"{long}"}}"#);
            let small = r#"{"id":"cli_2","updatedAt":"2026-01-01T00:00:00Z"}"#;
            if names[0] == "client" {
                let record = if asked["variables"]["id"] == "cli_1" { &large } else { small };
                return format!(r#"{{"data":{{"client":{record}}}}}"#).into_bytes();
            }
            // A page of one has the first, and the second comes after it.
            let first = asked["variables"]["first"].as_u64().unwrap_or(1);
            let records = match (first, asked["variables"]["after"].as_str()) {
                (1, None) => large,
                (_, None) => format!("{large},{small}"),
                _ => small.to_owned(),
            };
            let more = (first == 1 && asked["variables"]["after"].is_null()).then_some("2");
            clients(&records, more).replace(r#""totalCount":1"#, r#""totalCount":2"#).into_bytes()
        }),
    )
    .await;
    assert_eq!(run.code, 3, "exit {} {:.2000} {:.2000}", run.code, run.stdout, run.stderr);
    assert!(run.reasons().contains("cli_1"), "{:.2000}", run.stdout);
    let cases = place.quarantine().await;
    assert!(cases.iter().any(|case| case["external_id"] == "cli_1"), "{cases:?}");
    assert_eq!(place.count("staging_clients WHERE external_id = 'cli_2'").await, 1, "{:.2000}", run.stdout);
}

/// Small pages that list a null each: the API names it when asked for ids, and gives by its getter a record as long as an answer
/// may be. All of them wait for the users.
#[tokio::test]
async fn large_records_that_are_asked_for_by_their_ids_are_held_within_little_memory() {
    const PAGES: u64 = 10;
    let mut place = little().await;
    place.env.insert("GAZELLE_SYNC_MAX_RESPONSE_MB".to_owned(), (4 * LONGEST_MIB).to_string());
    let text = "a".repeat(4 * LONG - 4096);
    let asked_alone = Arc::new((Mutex::new(0), Condvar::new()));
    let run = sync_within(
        &mut place,
        MEMORY * 8 / 5,
        Arc::new(move |asked| {
            let query = asked["query"].as_str().unwrap_or_default();
            let (count, more) = &*asked_alone;
            if query.contains("allUsers") {
                // As long as the others ask; or they do no more, and wait.
                let (count, longest) = (count.lock().unwrap(), Duration::from_secs(8));
                drop(more.wait_timeout_while(count, longest, |count| *count < 3 * PAGES).unwrap());
                return br#"{"data":{"allUsers":[]}}"#.to_vec();
            }
            if let Some(id) = asked["variables"]["id"].as_str().or(asked["variables"]["eventId"].as_str()) {
                *count.lock().unwrap() += 1;
                more.notify_all();
                let root = ["client", "piano", "event"].into_iter().find(|root| id.starts_with(root));
                let record = json!({ "id": id, "start": "2026-01-02T15:00:00Z", "notes": text });
                return json!({ "data": { root.unwrap_or_default(): record } }).to_string().into_bytes();
            }
            let (kind, root) = match query {
                query if query.contains("allClients") => ("client", "allClients"),
                query if query.contains("allPianos") => ("piano", "allPianos"),
                query => ("event", root_of(query)),
            };
            let after = asked["variables"]["after"].as_str().and_then(|after| after.parse::<u64>().ok());
            let page = after.unwrap_or_default();
            let record =
                |n: &str| json!({ "id": format!("{kind}_{page}_{n}"), "start": "2026-01-02T15:00:00Z" });
            let is_of_ids = asked["operationName"].as_str().is_some_and(|name| name.ends_with("Ids"));
            let second = if is_of_ids { record("null") } else { Value::Null };
            let page_info = json!({ "hasNextPage": page + 1 < PAGES, "endCursor": (page + 1).to_string() });
            let list =
                json!({ "nodes": [record("good"), second], "pageInfo": page_info, "totalCount": 2 * PAGES });
            json!({ "data": { root: list } }).to_string().into_bytes()
        }),
    )
    .await;
    assert!([0, 3].contains(&run.code), "exit {} {:.2000} {:.2000}", run.code, run.stdout, run.stderr);
    let mut whole = 0;
    for (table, kind) in
        [("staging_clients", "client"), ("staging_pianos", "piano"), ("staging_appointments", "event")]
    {
        // Those that are not asked for this time wait, and the next runs ask for them.
        let held = place.count(&format!("{table} WHERE external_id LIKE '{kind}_%'")).await;
        assert_eq!(held, 2 * i64::try_from(PAGES).unwrap(), "{table}: {:.3000}", run.stdout);
        whole += place.count(&format!("{table} WHERE octet_length(raw_data::text) > 1000000")).await;
    }
    // Which of the three finds room is a matter of time.
    assert!(whole > 0, "{:.3000}", run.stdout);
}

/// Completing it would take several times its length.
#[tokio::test]
async fn a_record_that_is_asked_for_by_its_id_and_too_large_to_be_completed_waits() {
    let mut place = little().await;
    place.env.insert("GAZELLE_SYNC_MAX_RESPONSE_MB".to_owned(), (6 * LONGEST_MIB).to_string());
    let text = "a".repeat(5 * LONG);
    let run = sync_within(
        &mut place,
        MEMORY * 8 / 5,
        Arc::new(move |asked| {
            if asked["variables"]["id"].is_string() {
                let contacts = json!({ "nodes": [], "pageInfo": { "hasNextPage": asked["variables"]["first"].is_null() } });
                let record = json!({ "id": "cli_1", "personalNotes": text, "allContacts": contacts });
                return json!({ "data": { "client": record } }).to_string().into_bytes();
            }
            let is_of_ids = asked["operationName"].as_str().is_some_and(|name| name.ends_with("Ids"));
            let null = if is_of_ids { r#"{"id":"cli_1"}"# } else { "null" };
            clients(&format!(r#"{{"id":"cli_0"}},{null}"#), None)
                .replace(r#""totalCount":1"#, r#""totalCount":2"#)
                .into_bytes()
        }),
    )
    .await;
    assert!([0, 3].contains(&run.code), "exit {} {:.2000} {:.2000}", run.code, run.stdout, run.stderr);
    let why = place.text("SELECT error_message FROM staging_clients WHERE external_id = 'cli_1'").await;
    assert!(why.as_ref().is_some_and(|why| why.contains("16 MiB")), "{:.2000} {why:?}", run.stdout);
}

/// The name of the list of events in a query.
fn root_of(query: &str) -> &str {
    let at = query.find("allEvents").unwrap_or_default();
    query[at..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}
