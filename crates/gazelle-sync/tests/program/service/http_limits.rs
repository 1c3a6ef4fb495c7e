//! The service's HTTP side: who may reach it, and how much and how long one may ask.

use std::time::{Duration, Instant};

use crate::support::service::{Serving, client};
use crate::support::{CommandOutput, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TOKEN: &str = "0123456789abcdef";

fn refused(run: &CommandOutput, words: &[&str]) {
    assert_eq!(run.code, 1, "{run}");
    for word in words {
        assert!(run.stderr.contains(word), "{word} not in {run}");
    }
}

#[tokio::test]
async fn an_address_that_others_can_reach_needs_a_token() {
    let mut world = World::new().await;
    let everywhere = ["serve", "--listen", "0.0.0.0:0"];
    refused(&world.run(&everywhere).await, &["can be reached by other machines", "GAZELLE_SYNC_HTTP_TOKEN"]);
    world.set("GAZELLE_SYNC_HTTP_TOKEN", "short");
    let run = world.run(&everywhere).await;
    refused(&run, &["too short", "16 characters"]);

    world.set("GAZELLE_SYNC_HTTP_TOKEN", TOKEN);
    // Where there is one, it is asked for on this machine too.
    let serving = Serving::start(&world, &[]).await;
    let address = &serving.base;
    for path in ["/healthz", "/readyz", "/metrics", "/runs", "/nothing"] {
        let ask = |token: Option<&str>| {
            let request = client().get(format!("{address}{path}"));
            token.into_iter().fold(request, |request, token| request.bearer_auth(token)).send()
        };
        assert_eq!(ask(None).await.unwrap().status(), 401, "{path}");
        assert_eq!(ask(Some("0123456789abcdeF")).await.unwrap().status(), 401, "{path}");
        assert_ne!(ask(Some(TOKEN)).await.unwrap().status(), 401, "{path}");
    }
    let ended = serving.stop().await;
    assert!(!ended.log.contains(TOKEN));
}

#[tokio::test]
async fn who_asks_too_much_or_never_ends_holds_nothing_up() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    let serving = Serving::start(&world, &[]).await;
    let large = format!(r#"{{"mode": "full", "more": "{}"}}"#, "x".repeat(17 * 1024));
    let request = client().post(format!("{}/runs", serving.base)).header("content-type", "application/json");
    assert_eq!(request.body(large).send().await.unwrap().status(), 413);
    assert_eq!(world.count("sync_wanted_runs").await, 0);

    // More connections than are taken at once, each of which never ends its request.
    let mut halves = Vec::new();
    for _ in 0..136 {
        let mut stream = TcpStream::connect(serving.base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-More: ").await.unwrap();
        halves.push(stream);
    }
    let begun = Instant::now();
    let (status, _) = serving.get("/healthz").await;
    assert_eq!(status, 200);
    assert!(begun.elapsed() < Duration::from_secs(9), "answered after {:?}", begun.elapsed());
    for mut half in halves {
        let mut said = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(60), half.read_to_end(&mut said)).await;
        assert!(end.is_ok(), "a connection that never asks is closed");
        assert!(!String::from_utf8_lossy(&said).contains("alive"));
    }
    serving.stop().await;
}

/// Another account of this machine can take all places, and holds none for long.
#[tokio::test]
async fn a_request_that_drips_in_keeps_its_place_for_some_seconds_alone() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_HTTP_TOKEN", TOKEN);
    let serving = Serving::start(&world, &[]).await;
    let mut dripping = Vec::new();
    for _ in 0..128 {
        let mut stream = TcpStream::connect(serving.base.trim_start_matches("http://")).await.unwrap();
        dripping.push(tokio::spawn(async move {
            let mut byte: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-More: ";
            let mut beat = tokio::time::interval(Duration::from_millis(500));
            while stream.write_all(byte).await.is_ok() {
                byte = b"x";
                beat.tick().await;
            }
        }));
    }
    let begun = Instant::now();
    let request = client().get(format!("{}/healthz", serving.base)).bearer_auth(TOKEN);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(3), "answered after {:?}", begun.elapsed());
    for one in dripping {
        let end = tokio::time::timeout(Duration::from_secs(9), one).await;
        assert!(end.is_ok(), "a connection that never asks is closed");
    }
    let request = client().get(format!("{}/metrics", serving.base)).bearer_auth(TOKEN);
    let metrics = request.send().await.unwrap().text().await.unwrap();
    let counted = |reason: &str| {
        let line = format!("gazelle_sync_http_refused_total{{reason=\"{reason}\"}} ");
        metrics.lines().find_map(|it| it.strip_prefix(&line)?.parse::<u32>().ok()).expect(reason)
    };
    assert_eq!(counted("late_head") + counted("gave_way"), 128, "{metrics}");
    serving.stop().await;
}

#[tokio::test]
async fn wrong_tokens_are_counted_and_told_and_the_right_one_serves_on_this_machine() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_HTTP_TOKEN", TOKEN);
    let serving = Serving::start(&world, &[]).await;
    let ask = async |path: &str, token: Option<&str>| {
        let request = client().get(format!("{}{path}", serving.base));
        token.into_iter().fold(request, |request, token| request.bearer_auth(token)).send().await.unwrap()
    };
    for number in 0..20 {
        let answer = ask("/runs", Some(&format!("guess-number-{number}"))).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["connection"], "close", "a stranger keeps no place");
    }
    assert_eq!(ask("/runs", None).await.status(), 401);
    let metrics = ask("/metrics", Some(TOKEN)).await.text().await.unwrap();
    for (reason, count) in [("wrong_token", 20), ("no_token", 1), ("paused", 0), ("address_full", 0)] {
        let line = format!("gazelle_sync_http_refused_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} not in {metrics}");
    }
    let log = serving.stop().await.log;
    assert_eq!(log.matches("a wrong token").count(), 1, "{log}");
    assert!(log.contains("127.0.0.1") && !log.contains("guess-number") && !log.contains(TOKEN), "{log}");
}

#[tokio::test]
async fn every_answer_says_what_it_is_and_that_nobody_is_to_keep_it() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    let serving = Serving::start(&world, &[]).await;
    crate::support::service::until("the database is open", async || serving.get("/runs").await.0 == 200)
        .await;
    let json = "application/json";
    for (method, path, status, kind) in [
        ("GET", "/healthz", 200, json),
        ("GET", "/runs", 200, json),
        ("GET", "/metrics", 200, "text/plain"),
        ("GET", "/nothing", 404, ""),
        ("DELETE", "/runs", 405, ""),
        // Not sent as JSON.
        ("POST", "/runs", 415, json),
        // From another page.
        ("GET", "/healthz", 403, json),
    ] {
        let method = method.parse().unwrap();
        let request = client().request(method, format!("{}{path}", serving.base));
        let request =
            if status == 403 { request.header("origin", "http://elsewhere.example") } else { request };
        let answer = request.body("{}").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(
            (header("cache-control"), header("x-content-type-options")),
            ("no-store", "nosniff"),
            "{path}"
        );
        assert!(header("content-type").contains(kind), "{path}: {}", header("content-type"));
    }
    serving.stop().await;
}
