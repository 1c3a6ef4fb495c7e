//! What a page says where it cannot be shown: why, as far as that is known, and as a page in the language of the request.

use crate::support::people::{Caller, PageResponse, signed_in};
use crate::support::service::{Serving, until};
use crate::support::{World, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MARK: &str = "INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')";

async fn in_french(caller: &Caller, request: reqwest::RequestBuilder) -> PageResponse {
    caller.send(request.header("accept-language", "fr-CA")).await
}

fn is_page(said: &PageResponse, language: &str) {
    assert!(said.header("content-type").starts_with("text/html"), "{said:?}");
    assert!(said.body.contains(&format!("<html lang=\"{language}\">")), "{said:?}");
}

#[tokio::test]
async fn a_page_that_cannot_be_read_says_why() {
    let world = World::unscheduled().await;
    world.execute(MARK).await;
    let serving = Serving::start(&world, &[]).await;
    let caller = Caller::of(&serving);
    until("a page is shown", async || caller.get("/app/").await.status == 200).await;
    let says = async |what: &str| {
        // Facts that were read within the last seconds are shown meanwhile.
        until(what, async || caller.get("/app/").await.status == 503).await;
        let said = caller.get("/app/").await;
        assert!(said.status == 503 && said.body.contains(what), "{what}: {said:?}");
        assert!(!said.body.contains("does not answer"), "it answers: {said:?}");
        let document = caller.get("/app/overview.json").await;
        assert!(document.status == 503 && document.body.contains(what), "{what}: {document:?}");
    };
    // A statement that waits for another's lock for longer than a page may take.
    let other = connect(&world.url()).await;
    other.batch_execute("BEGIN; LOCK TABLE sync_run_entities IN ACCESS EXCLUSIVE MODE").await.unwrap();
    says("takes too long").await;
    other.batch_execute("ROLLBACK").await.unwrap();
    world
        .execute("INSERT INTO sync_migrations (version, name, checksum, applied_at) VALUES (9999, 'later', 'x', now())")
        .await;
    says("newer gazelle-sync").await;
    world.execute("DELETE FROM sync_migrations WHERE version = 9999").await;
    assert_eq!(caller.get("/app/").await.status, 200);
    world
        .execute("DELETE FROM sync_migrations WHERE version = (SELECT max(version) FROM sync_migrations)")
        .await;
    says("gazelle-sync migrate").await;
    assert_eq!(serving.stop().await.code, Some(0));
    // A service that cannot open the database for this reason says the same.
    let serving = Serving::start(&world, &[]).await;
    let caller = Caller::of(&serving);
    until("it says so", async || caller.get("/app/").await.body.contains("gazelle-sync migrate")).await;
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn what_cannot_be_asked_of_the_database_is_no_trouble_of_the_database() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    for day in ["-008000-01-01", "0000-01-01", "9999-12-31", "-009999-01-01"] {
        let said = operator.get(&format!("/app/today?day={day}")).await;
        assert_eq!(said.status, 200, "{day}: {said:?}");
    }
    let nobody = Caller::of(&serving);
    for (path, form) in [
        ("/app/sign-in", [("name", "a\0b"), ("passphrase", "marteau feutre étouffoir")]),
        ("/app/sign-in", [("name", "Ana"), ("passphrase", "marteau\0feutre étouffoir")]),
    ] {
        let said = nobody.post(path, &form).await;
        assert_eq!(said.status, 400, "{said:?}");
        is_page(&said, "en-CA");
    }
    let said = operator.post("/app/people", &[("name", "a\0b"), ("role", "office")]).await;
    assert_eq!(said.status, 400, "{said:?}");
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn what_is_refused_is_told_on_a_page_in_the_language_of_the_request() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let url = |path: &str| format!("{}{path}", serving.base);
    let http = &operator.http;
    for (request, status) in [
        // A page of another site.
        (http.post(url("/app/people")).header("origin", "https://example.org"), 403),
        (http.post(url("/app/today")).header("origin", &serving.base), 405),
        (http.delete(url("/app/people")).header("origin", &serving.base), 405),
        // No form, one without its fields, and one that is too long.
        (http.post(url("/app/sign-in")).header("origin", &serving.base).body("x"), 400),
        (http.post(url("/app/people")).header("origin", &serving.base).form(&[("role", "office")]), 400),
        (
            http.post(url("/app/people")).header("origin", &serving.base).form(&[("name", "x".repeat(9000))]),
            413,
        ),
        (http.get(url("/app/search?q=%00")), 400),
    ] {
        let said = in_french(&operator, request).await;
        assert_eq!(said.status, status, "{said:?}");
        is_page(&said, "fr-CA");
        assert_eq!(said.header("cache-control"), "no-store", "{said:?}");
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

/// All that is answered, until the service ends the connection, to a request whose body has fewer bytes than it says.
async fn answered_to_half(host: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 100\r\n{headers}\r\nname=A"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let end = std::time::Duration::from_secs(60);
    tokio::time::timeout(end, stream.read_to_end(&mut said)).await.expect("an end").unwrap();
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_body_that_never_arrives_is_the_senders_delay_and_no_slow_database() {
    let world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    // The service has opened the database, and there is somebody who could sign in.
    signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let host = serving.base.trim_start_matches("http://");
    let form = |language: &str| {
        format!("Content-Type: application/x-www-form-urlencoded\r\nAccept-Language: {language}\r\n")
    };
    let (in_english, in_french) = (form("en-CA"), form("fr-CA"));
    let (english, french, json) = tokio::join!(
        answered_to_half(host, "/app/sign-in", &in_english),
        answered_to_half(host, "/app/sign-in", &in_french),
        answered_to_half(host, "/runs", "Content-Type: application/json\r\n"),
    );
    for (said, language, sentence) in [
        (english, "en-CA", "The form did not arrive completely in time. Send it again."),
        (french, "fr-CA", "est pas arrivé en entier à temps. Envoyez-le de nouveau."),
    ] {
        assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("content-type: text/html"), "{said}");
        assert!(said.contains(&format!("<html lang=\"{language}\">")) && said.contains(sentence), "{said}");
    }
    assert!(
        json.starts_with("HTTP/1.1 408 ") && json.contains("did not arrive completely in time"),
        "{json}"
    );
    assert_eq!(serving.stop().await.code, Some(0));
}
