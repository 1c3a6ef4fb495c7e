//! What a real browser sends with a form of ours, by which the service tells its own pages from others.

use std::sync::{Arc, Mutex};

use browser::{Browser, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::World;
use super::support::people::Caller;
use super::support::service::{Serving, until};
use super::support::tools::tool;

/// Answers every request with a page that has a form, under a referrer policy; keeps the heads of the requests.
async fn form_under(policy: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let kept = heads.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            let mut part = [0; 4096];
            while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                match stream.read(&mut part).await {
                    Ok(read) if read > 0 => head.extend_from_slice(&part[..read]),
                    _ => break,
                }
            }
            kept.lock().unwrap().push(String::from_utf8_lossy(&head).to_lowercase());
            let page = "<!doctype html><title>form</title><form method=post action=/posted><button>go</button></form>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nreferrer-policy: {policy}\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{page}",
                page.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (base, heads)
}

#[tokio::test]
async fn a_form_tells_its_origin_under_the_referrer_policy_of_our_pages() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let serving = Serving::start(&world, &[]).await;
    let caller = Caller::of(&serving);
    until("the database is open", async || caller.get("/app/").await.status == 403).await;
    let policy = caller.get("/app/").await.header("referrer-policy").to_owned();
    let (base, heads) = form_under(policy).await;
    let browser = Browser::start(tool("chromedriver"), Setup::default()).await.expect("a browser");
    browser.navigate(&base).await.unwrap();
    browser.follow("button").await.unwrap();
    let heads = heads.lock().unwrap().clone();
    let posted = heads.iter().find(|head| head.starts_with("post /posted")).expect("a form was sent");
    // Where a browser does not send `Sec-Fetch-Site`, this line alone lets the form in.
    assert!(posted.contains(&format!("\r\norigin: {base}\r\n")), "{posted}");
    browser.close().await;
    assert_eq!(serving.stop().await.code, Some(0));
}
