//! What the service's HTTP side does not know: other methods, other paths, parameters, and a field said twice.

use crate::support::World;
use crate::support::service::{Serving, client, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn serving() -> (World, Serving) {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    let serving = Serving::start(&world, &[]).await;
    until("the database is open", async || serving.get("/runs").await.0 == 200).await;
    (world, serving)
}

#[tokio::test]
async fn no_method_but_post_starts_a_run_and_trace_says_nothing_back() {
    let (world, serving) = serving().await;
    for path in ["/healthz", "/readyz", "/metrics", "/runs"] {
        for method in ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"] {
            let mut stream = TcpStream::connect(serving.base.trim_start_matches("http://")).await.unwrap();
            let host = serving.base.trim_start_matches("http://");
            let body = r#"{"mode": "full"}"#;
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Told: canary-4711\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).await.unwrap();
            let said = String::from_utf8_lossy(&said);
            assert!(!said.contains("canary-4711"), "{method} {path}: {said}");
            let status = said.split(' ').nth(1).unwrap_or_default();
            // HEAD is a GET without its content.
            let known = if method == "HEAD" { ["200", "503"] } else { ["405", "400"] };
            assert!(known.contains(&status), "{method} {path}: {said}");
        }
    }
    assert_eq!(world.count("sync_wanted_runs").await, 0);
    serving.stop().await;
}

#[tokio::test]
async fn there_are_four_paths_and_no_folder_is_listed() {
    let (world, serving) = serving().await;
    std::fs::write(world.installation.folder.path().join("canary-4711"), "x").unwrap();
    for path in [
        "/",
        "/runs/",
        "/metrics/",
        "/.",
        "/..%2f",
        "/%2e%2e/",
        "/.git/config",
        "/static/",
        "/data/",
        "//etc/passwd",
    ] {
        let answer = client().get(format!("{}{path}", serving.base)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        let text = answer.text().await.unwrap();
        assert!(
            !text.contains("canary-4711") && text.contains("/healthz, /readyz, /metrics and /runs"),
            "{path}: {text}"
        );
    }
    serving.stop().await;
}

#[tokio::test]
async fn parameters_are_not_read_and_a_field_that_is_said_twice_is_refused() {
    let (world, serving) = serving().await;
    let post = async |query: &str, body: &str| {
        let request =
            client().post(format!("{}/runs{query}", serving.base)).header("content-type", "application/json");
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    };
    for body in [r#"{"mode": "incremental", "mode": "full"}"#, r#"{"mode": "full", "mode": "full"}"#] {
        assert_eq!(post("", body).await / 100, 4, "{body}");
    }
    assert_eq!(world.count("sync_wanted_runs").await, 0);
    assert_eq!(post("?mode=full&mode=full", r#"{"mode": "incremental"}"#).await, 202);
    let asked: String = world.one("SELECT mode FROM sync_wanted_runs", &[]).await;
    assert_eq!(asked, "incremental");
    serving.stop().await;
}
