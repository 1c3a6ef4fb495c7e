//! What open pages are told: by a stream, or when they ask.

use std::time::Instant;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::World;
use crate::support::live::Stream;
use crate::support::people::{Caller, signed_in};
use crate::support::service::{Serving, until};

/// A run that ended, beside those that there are.
const RUN: &str =
    "INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
    VALUES (gen_random_uuid(), 'sync', 'incremental', 'schedule', 'success', now(), now(), 'test')";

#[tokio::test]
async fn a_third_stream_closes_the_oldest_and_one_that_is_signed_out_ends() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let office = signed_in(&world, &serving, "Bureau Exemple", &["--role", "office"]).await;
    let mut first = Stream::open(&office).await;
    let mut second = Stream::open(&office).await;
    let mut third = Stream::open(&office).await;
    assert!(first.wait_for_region("event: end\ndata: newer\n").await, "{}", first.text);
    assert!(!first.wait_for_region("nothing more").await, "it has ended");
    world.execute(RUN).await;
    for stream in [&mut second, &mut third] {
        assert!(
            stream.wait_for_region("event: old\ndata: runs quarantine deletions days\n").await,
            "{}",
            stream.text
        );
    }
    // Ended from another browser, or by an operator.
    world.run(&["people", "sign-out", "Bureau Exemple"]).await.success();
    for stream in [&mut second, &mut third] {
        assert!(stream.wait_for_region("event: end\ndata: out\n").await, "{}", stream.text);
        assert!(!stream.wait_for_region("nothing more").await, "it has ended");
    }
    assert_eq!(office.get("/app/live").await.status, 303);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_technician_is_told_of_no_region_of_others() {
    let world = World::unscheduled().await;
    let own = world.text("SELECT min(technician_external_id) FROM gazelle_appointments").await.unwrap();
    let serving = Serving::start(&world, &[]).await;
    let role = ["--role", "technician", "--technician", own.as_str()];
    let technician = signed_in(&world, &serving, "Technicienne Exemple", &role).await;
    let mut stream = Stream::open(&technician).await;
    let tag = technician.get("/app/live").await.header("etag").to_owned();
    world.execute(RUN).await;
    assert!(stream.wait_for_region("data: days\n").await, "{}", stream.text);
    // Without a stream: what is old since a tag, and nothing while nothing is.
    let ask = async |tag: &str| {
        let request = technician.http.get(format!("{}/app/live", technician.base));
        technician.send(request.header("if-none-match", tag)).await
    };
    let said = ask(&tag).await;
    assert_eq!((said.status, said.body.replace([' ', '\n'], "")), (200, r#"{"old":["days"]}"#.to_owned()));
    let again = ask(said.header("etag")).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    for word in ["runs", "actions", "quarantine", "deletions"] {
        assert!(!stream.text.contains(word) && !said.body.contains(word), "{}", stream.text);
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn one_watcher_reads_for_all_and_who_reads_nothing_holds_nobody_up() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let office = signed_in(&world, &serving, "Bureau Exemple", &["--role", "office"]).await;
    let person = world.text("SELECT id::text FROM sync_people").await.unwrap();
    // Sixteen browsers with two pages each, of which but one read nothing.
    let mut silent = Vec::new();
    for n in 1..16_u8 {
        let (secret, cookie) = session(n);
        world
            .execute(&format!(
                "INSERT INTO sync_sessions (id, hash, person_id, begun_at, ends_at)
                 VALUES (gen_random_uuid(), '\\x{secret}', '{person}', now(), now() + interval '1 h')"
            ))
            .await;
        for _ in 0..2 {
            let mut socket = TcpStream::connect(serving.base.trim_start_matches("http://")).await.unwrap();
            let head = format!(
                "GET /app/live HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n",
                serving.base.trim_start_matches("http://")
            );
            socket.write_all(head.as_bytes()).await.unwrap();
            silent.push(socket);
        }
    }
    let mut one = Stream::open(&office).await;
    let mut other = Stream::open(&office).await;
    let full = Caller { cookie: Some(session(99).1), ..office.clone() };
    world
        .execute(&format!(
            "INSERT INTO sync_sessions (id, hash, person_id, begun_at, ends_at)
             VALUES (gen_random_uuid(), '\\x{}', '{person}', now(), now() + interval '1 h')",
            session(99).0
        ))
        .await;
    until("all places are taken", async || {
        let request = full.http.get(format!("{}/app/live", full.base)).header("accept", "text/event-stream");
        let answer = request.header("cookie", full.cookie.clone().unwrap()).send().await.unwrap();
        answer.status() == 503
    })
    .await;
    world.server.set("log_statement", "all").await.unwrap();
    let begun = Instant::now();
    world.execute(RUN).await;
    assert!(one.wait_for_region("event: old").await && other.wait_for_region("event: old").await);
    for page in ["/app/", "/app/runs", "/app/today"] {
        assert_eq!(full.get(page).await.status, 200, "{page}");
    }
    until("the watcher looked again", async || looks(&world) >= 4).await;
    let most = begun.elapsed().as_secs() as usize + 2;
    assert!(looks(&world) <= most, "{} looks in {:?}", looks(&world), begun.elapsed());
    // Nobody is there any more.
    drop((one, other, silent));
    until("the watcher rests", async || {
        let (before, turns) = (looks(&world), turns_of_the_service(&world));
        // Each takes as long as the watcher would rest between two looks.
        until("the service has gone on", async || turns_of_the_service(&world) >= turns + 3).await;
        looks(&world) == before
    })
    .await;
    assert_eq!(serving.stop().await.code, Some(0));
}

/// A session of a number: the hash of its secret, and its cookie.
fn session(number: u8) -> (String, String) {
    use base64::Engine as _;
    let secret = [number; 32];
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
    (blake3::hash(&secret).to_hex().to_string(), format!("gazelle={text}"))
}

/// How often the service has asked for requested runs, since the database logs: about once a second.
fn turns_of_the_service(world: &World) -> usize {
    let log = std::fs::read_to_string(world.server.server().unwrap().log_file()).unwrap();
    log.matches("sync_wanted_runs").count()
}

/// How often the database was asked what is old, since it logs.
fn looks(world: &World) -> usize {
    let log = std::fs::read_to_string(world.server.server().unwrap().log_file()).unwrap();
    log.matches("What tells whether a part of a page is old").count()
}

#[tokio::test]
async fn a_page_that_is_left_open_keeps_nobody_signed_in() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let office = signed_in(&world, &serving, "Bureau Exemple", &["--role", "office"]).await;
    world.execute("UPDATE sync_sessions SET ends_at = now() + interval '5 min'").await;
    let ends = async || world.text("SELECT max(ends_at)::text FROM sync_sessions").await.unwrap();
    let before = ends().await;
    let stream = office.http.get(format!("{}/app/live", office.base)).header("accept", "text/event-stream");
    drop(stream.header("cookie", office.cookie.clone().unwrap()).send().await.unwrap());
    let request = office.http.get(format!("{}/app/runs", office.base)).header("x-gazelle-live", "1");
    assert_eq!(office.send(request).await.status, 200);
    assert_eq!(ends().await, before, "the script prolongs nothing");
    assert_eq!(office.get("/app/runs").await.status, 200);
    assert_ne!(ends().await, before, "a person does");
    assert_eq!(serving.stop().await.code, Some(0));
}
