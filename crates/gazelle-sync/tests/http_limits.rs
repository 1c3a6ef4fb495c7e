//! The service's HTTP side: who may reach it, and how much and how long one may ask.

mod support;

use std::time::{Duration, Instant};

use support::service::{Serving, client};
use support::{Ran, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TOKEN: &str = "0123456789abcdef";

fn refused(run: &Ran, words: &[&str]) {
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
async fn no_answer_is_kept_by_a_cache_or_taken_for_something_else() {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    let serving = Serving::start(&world, &[]).await;
    let address = &serving.base;
    for (request, status) in [
        (client().get(format!("{address}/healthz")), 200),
        (client().get(format!("{address}/metrics")), 200),
        (client().get(format!("{address}/runs")), 200),
        (client().get(format!("{address}/nothing")), 404),
        (client().put(format!("{address}/runs")), 405),
        (client().post(format!("{address}/runs")).body("{}"), 415),
        (client().get(format!("{address}/healthz")).header("origin", "http://elsewhere.example"), 403),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["cache-control"], "no-store", "{status}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{status}");
    }
    serving.stop().await;
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
    for _ in 0..40 {
        let mut stream = TcpStream::connect(serving.base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-More: ").await.unwrap();
        halves.push(stream);
    }
    let begun = Instant::now();
    let (status, _) = serving.get("/healthz").await;
    assert_eq!(status, 200);
    assert!(begun.elapsed() < Duration::from_secs(40), "answered after {:?}", begun.elapsed());
    for mut half in halves {
        let mut said = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(60), half.read_to_end(&mut said)).await;
        assert!(end.is_ok(), "a connection that never asks is closed");
        assert!(!String::from_utf8_lossy(&said).contains("alive"));
    }
    serving.stop().await;
}
