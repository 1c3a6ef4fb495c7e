//! Large answers reserve memory and wait for it; small ones do not.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::source::{Answer, transport::compression::tests::gzipped};

const MIB: usize = 1024 * 1024;

/// The longest accepted answer.
const LONGEST: usize = 8 * MIB;

/// Answers "Large" with five MiB, compressed if requested, and everything else with little.
async fn server(is_packed: bool) -> ScriptedServer {
    let large = json!({ "data": { "a": "x".repeat(5 * MIB) } }).to_string();
    ScriptedServer::start(move |received| match (received.body.contains("Large"), is_packed) {
        (true, false) => Reply::bytes(large.clone()),
        (true, true) => Reply::bytes(gzipped(large.as_bytes())),
        (false, _) => Reply::json(200, json!({ "data": { "a": "x" } })),
    })
    .await
}

fn client(server: &ScriptedServer) -> GazelleClient {
    client_with(SourceSettings { max_response_bytes: LONGEST, ..settings(server) })
}

fn asking(client: &GazelleClient, operation: &str) -> JoinHandle<Answer> {
    let (client, request) = (client.clone(), GraphqlRequest::new(operation, "query", json!({})));
    tokio::spawn(async move { client.post(&request).await.expect("an answer") })
}

/// Whether it still waits after other requests were answered.
async fn waits(waiting: &JoinHandle<Answer>, client: &GazelleClient) -> bool {
    for _ in 0..20 {
        asking(client, "Small").await.unwrap();
    }
    !waiting.is_finished()
}

#[tokio::test]
async fn large_answers_wait_for_those_that_are_held_and_small_ones_for_none() {
    for is_packed in [false, true] {
        let server = server(is_packed).await;
        for client in [client(&server), client(&server).for_pages(None)] {
            let first = asking(&client, "Large").await.unwrap();
            let mut second = asking(&client, "Large");
            assert!(waits(&second, &client).await);
            // A part of an answer keeps all of its bytes.
            let part = first.body.slice(..1);
            drop(first);
            assert!(waits(&second, &client).await);
            drop(part);
            let second = tokio::time::timeout(Duration::from_secs(60), &mut second).await.unwrap().unwrap();
            assert!(second.bytes > 5 * MIB as u64);
            // A copy frees the reserved memory.
            let copy = client.kept(second).unwrap();
            assert_eq!(asking(&client, "Large").await.unwrap().body, copy.body);
        }
    }
}

#[tokio::test]
async fn pages_and_questions_do_not_wait_for_each_other() {
    let server = server(false).await;
    let client = client(&server);
    let page = asking(&client.for_pages(None), "Large").await.unwrap();
    let question = asking(&client, "Large").await.unwrap();
    assert_eq!(page.body, question.body);
}

#[tokio::test]
async fn large_pages_of_who_has_no_turn_yet_are_not_held() {
    let server = server(false).await;
    let (turn, its_turn) = watch::channel(false);
    let later = client(&server).for_pages(Some(its_turn));
    let waiting = asking(&later, "Large");
    assert!(waits(&waiting, &later).await);
    // The client whose turn it is gets memory.
    drop(asking(&later.for_pages(None), "Large").await.unwrap());
    turn.send(true).unwrap();
    drop(waiting.await.unwrap());
    // If no turn will come, it does not wait.
    let (turn, its_turn) = watch::channel(false);
    let waiting = asking(&later.for_pages(Some(its_turn)), "Large");
    assert!(waits(&waiting, &later).await);
    drop(turn);
    waiting.await.unwrap();
}
