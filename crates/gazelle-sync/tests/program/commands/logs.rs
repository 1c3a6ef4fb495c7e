//! Logs: one run id through a run, nothing personal and nothing secret, whatever is logged; traces by setting.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::support::World;
use crate::support::service::{Serving, runs, until};
use gazelle_sim::{Fault, FaultKind, RecordKind};
use serde_json::{Value, json};

/// The fields of the API that say something of a person or a household.
const PERSONAL: [&str; 16] = [
    "companyName",
    "firstName",
    "middleName",
    "lastName",
    "email",
    "phoneNumber",
    "street1",
    "street2",
    "municipality",
    "postalCode",
    "title",
    "notes",
    "personalNotes",
    "preferenceNotes",
    "serialNumber",
    "addressLine",
];

/// Every personal text of the shop, long enough to be no word of ours by chance.
fn personal(world: &World) -> BTreeSet<String> {
    fn collect(value: &Value, under: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| collect(value, key, found)),
            Value::Array(values) => values.iter().for_each(|value| collect(value, under, found)),
            Value::String(text) if PERSONAL.contains(&under) && text.chars().count() >= 5 => {
                found.insert(text.clone());
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for kind in
        [RecordKind::User, RecordKind::Client, RecordKind::Contact, RecordKind::Piano, RecordKind::Event]
    {
        for id in world.control.ids(kind) {
            collect(&world.control.record(kind, &id).unwrap_or_default(), "", &mut found);
        }
    }
    assert!(found.len() > 100, "only {} texts to look for", found.len());
    found
}

#[track_caller]
fn says_nothing(where_: &str, text: &str, secrets: &BTreeSet<String>) {
    // JSON logs escape what is not plain.
    let plain = text.replace("\\\"", "\"").replace("\\\\", "\\");
    for secret in secrets {
        assert!(!text.contains(secret) && !plain.contains(secret), "{where_} says {secret:?}");
    }
}

/// Faults of every kind, each at another request.
fn break_everything(world: &World) {
    let spoiled = json!({"code": "INTERNAL"});
    for (skip, kind) in [
        (1, FaultKind::ServerError),
        (2, FaultKind::TooManyRequests { retry_after_seconds: Some(0) }),
        (3, FaultKind::BadGateway),
        (4, FaultKind::CutBody),
        (5, FaultKind::TruncatedJson),
        (6, FaultKind::HtmlOk),
        (7, FaultKind::ConnectionReset),
        (8, FaultKind::PartialData { message: "a fault".to_owned(), null_nodes: 1, missing_nodes: 1 }),
        (9, FaultKind::GraphqlError { message: "a fault".to_owned(), extensions: Some(spoiled) }),
    ] {
        world.control.add_fault(Fault::new(kind).skip(skip).times(1));
    }
}

#[tokio::test]
async fn a_whole_service_at_trace_tells_nothing_personal_and_no_secret() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_LOG", "trace");
    world.set("GAZELLE_SYNC_PAGE_SIZE", "20");
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_HTTP_TOKEN", "a-token-that-must-not-show");
    // Records that stage 2 and the database refuse, with people's words in them.
    for (id, record) in [
        (
            "evt_unreadable",
            json!({"id": "evt_unreadable", "title": "Madame Tremblay-Fortin", "start": "Rue du Secret 12"}),
        ),
        (
            "evt_too_long",
            json!({"id": "evt_too_long", "title": "Monsieur Lafleur-Duval", "start": "2026-01-09T12:00:00Z",
                                "duration": 99_999_999_999_i64}),
        ),
    ] {
        world
            .control
            .add_raw_event(record, Some("2026-01-09T12:00:00Z"))
            .unwrap_or_else(|e| panic!("{id}: {e:?}"));
    }
    let mut secrets = personal(&world);
    secrets.insert("Rue du Secret 12".to_owned());
    secrets.insert(world.sim.api_key().to_owned());
    secrets.insert("a-token-that-must-not-show".to_owned());
    break_everything(&world);

    let serving = Serving::start(&world, &[]).await;
    until("a good run", async || runs(&world, "status = 'success'").await >= 1).await;
    let mut told = String::new();
    for path in ["/healthz", "/readyz", "/metrics", "/runs"] {
        let request = crate::support::service::client().get(format!("{}{path}", serving.base));
        let answer = request.bearer_auth("a-token-that-must-not-show").send().await.unwrap();
        told.push_str(&answer.text().await.unwrap());
    }
    let ended = serving.stop().await;
    assert!(world.count("sync_quarantine").await >= 2);
    assert!(ended.log.contains("request failed and is retried"), "the faults were met");
    assert!(ended.log.lines().count() > 40, "it logged: {}", ended.log);
    says_nothing("the log", &ended.log, &secrets);
    says_nothing("the HTTP side", &told, &secrets);
    for row in world.rows("SELECT reason FROM sync_runs").await {
        says_nothing("the record of runs", &row.to_string(), &secrets);
    }

    let again = world.full().await;
    says_nothing("the report", &again.stdout, &secrets);
    says_nothing("the log of sync", &again.stderr, &secrets);
    // The test can tell: staging does hold these texts.
    let held: bool = world
        .one(
            "SELECT exists (SELECT FROM staging_appointments WHERE raw_data::text LIKE '%Tremblay-Fortin%')",
            &[],
        )
        .await;
    assert!(held && secrets.contains("Madame Tremblay-Fortin"));
}

#[tokio::test]
async fn every_line_of_a_run_names_it() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_LOG", "trace");
    world.set("GAZELLE_SYNC_LOG_FORMAT", "json");
    break_everything(&world);
    let ran = world.full().await;
    let run_id = ran.json()["run_id"].as_str().unwrap().to_owned();
    let lines: Vec<Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let started = lines.iter().position(|line| line["fields"]["message"] == "run started").expect("a start");
    let ended = lines.iter().position(|line| line["fields"]["message"] == "run ended").expect("an end");
    assert!(ended > started + 10);
    for line in &lines[started..=ended] {
        assert_eq!(line["spans"][0]["run_id"], json!(run_id), "{line}");
    }
    // Even where only warnings are wanted.
    world.set("GAZELLE_SYNC_LOG", "warn");
    break_everything(&world);
    let ran = world.full().await;
    let run_id = ran.json()["run_id"].as_str().unwrap().to_owned();
    assert!(!ran.stderr.is_empty());
    for line in ran.stderr.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["spans"][0]["run_id"], json!(run_id), "{line}");
    }
}

#[tokio::test]
async fn libraries_cannot_be_made_to_write_what_they_see() {
    let mut world = World::new().await;
    let secrets = personal(&world);
    world.set(
        "GAZELLE_SYNC_LOG",
        "trace,tokio_postgres=trace,hyper=trace,reqwest=trace,rustls=trace,h2=trace",
    );
    world.set("GAZELLE_SYNC_LOG_FORMAT", "json");
    let ran = world.full().await;
    assert_eq!(ran.code, 0, "{ran}");
    says_nothing("the log", &ran.stderr, &secrets);
    assert!(!ran.stderr.contains("\"target\":\"tokio_postgres"), "{}", ran.stderr);
}

/// No setting of the log at all, as on a new machine; an empty variable counts as absent.
fn unasked(world: &mut World) {
    world.set("GAZELLE_SYNC_LOG", "");
}

#[tokio::test]
async fn what_people_run_logs_warnings_alone_and_as_text_unless_asked() {
    let mut world = World::new().await;
    unasked(&mut world);
    for args in
        [&["sync", "--mode", "full"][..], &["sync"], &["status"], &["errors"], &["replay"], &["verify"]]
    {
        let ran = crate::support::run_to_end(world.command(args)).await;
        assert!(ran.code == 0 && ran.stderr.is_empty(), "{args:?}: {ran}");
    }
    // A warning is a line of text that names the run.
    world.control.add_fault(Fault::new(FaultKind::ServerError).times(1));
    let ran = world.incremental().await;
    let run_id = ran.success()["run_id"].as_str().unwrap().to_owned();
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].contains(&run_id), "{ran}");
    assert!(!lines[0].contains('{') || lines[0].contains("run{"), "{ran}");
    // Whoever asks is answered, in the form asked for.
    let verbose = world.run(&["sync", "-v"]).await;
    assert!(verbose.stderr.contains("INFO") && verbose.stderr.contains("run started"), "{verbose}");
    assert!(!verbose.stderr.starts_with('{'), "{verbose}");
    world.set("GAZELLE_SYNC_LOG", "info");
    let json = world.run(&["sync", "--log-format", "json"]).await;
    assert!(json.stderr.lines().count() >= 2, "{json}");
    for line in json.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
}

#[tokio::test]
async fn a_service_tells_what_it_does_as_json() {
    let mut world = World::new().await;
    unasked(&mut world);
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    let serving = Serving::start(&world, &[]).await;
    until("a good run", async || runs(&world, "status = 'success'").await >= 1).await;
    let ended = serving.stop().await;
    let lines: Vec<Value> = ended.log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for message in ["run started", "run ended", "stopped as asked"] {
        assert!(lines.iter().any(|line| line["fields"]["message"] == message), "{message}: {}", ended.log);
    }
}

#[tokio::test]
async fn people_get_text() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_LOG", "info");
    let ran = world.full().await;
    let run_id = ran.json()["run_id"].as_str().unwrap().to_owned();
    let line = ran.stderr.lines().find(|line| line.contains("run ended")).expect("a line");
    assert!(line.contains(&run_id) && line.contains("success") && !line.starts_with('{'), "{line}");
}

/// A collector: keeps what is sent to it.
async fn collector() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let kept: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let keep = kept.clone();
    let routes = axum::Router::new().route(
        "/v1/traces",
        axum::routing::post(async move |body: axum::body::Bytes| keep.lock().unwrap().push(body.to_vec())),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, kept)
}

#[tokio::test]
async fn a_collector_receives_the_spans_of_a_run_with_its_id() {
    let mut world = World::new().await;
    let (url, kept) = collector().await;
    world.set("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    let run_id = world.full_sync_ok().await["run_id"].as_str().unwrap().to_owned();
    // All of it was sent before the program ended.
    let sent: Vec<u8> = kept.lock().unwrap().concat();
    let text = String::from_utf8_lossy(&sent).into_owned();
    for word in [
        run_id.as_str(),
        "gazelle-sync",
        "run_id",
        "walk",
        "reconcile",
        "request",
        "AppointmentsPage",
        "trigger",
    ] {
        assert!(text.contains(word), "no {word} in the traces");
    }
    says_nothing("the traces", &text, &personal(&world));
}

#[tokio::test]
async fn traces_follow_no_redirect_and_reach_this_machine_without_a_proxy() {
    let mut world = World::new().await;
    let (url, kept) = collector().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sends_on = format!("http://{}", listener.local_addr().unwrap());
    let (asked, elsewhere) = (Arc::new(Mutex::new(0)), format!("{url}/v1/traces"));
    let counted = asked.clone();
    let routes = axum::Router::new().fallback(async move || {
        *counted.lock().unwrap() += 1;
        axum::response::Redirect::temporary(&elsewhere)
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    world.set("OTEL_EXPORTER_OTLP_ENDPOINT", &sends_on);
    let ran = world.full().await;
    assert_eq!(ran.success()["status"], "success");
    assert!(*asked.lock().unwrap() > 0 && kept.lock().unwrap().is_empty());
    assert_eq!(ran.stderr.matches("takes no traces").count(), 1, "{}", ran.stderr);

    // The same server as a proxy: it is not asked.
    *asked.lock().unwrap() = 0;
    world.set("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    world.set("HTTP_PROXY", &sends_on);
    world.set("http_proxy", &sends_on);
    assert_eq!(world.full().await.success()["status"], "success");
    assert!(*asked.lock().unwrap() == 0 && !kept.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_collector_that_cannot_be_reached_costs_a_run_nothing() {
    let mut world = World::new().await;
    // A port on which nobody listens.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    world.set("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    let ran = world.full().await;
    assert_eq!(ran.success()["status"], "success");
    assert_eq!(ran.stderr.matches("takes no traces").count(), 1, "{}", ran.stderr);
}
