//! How many statements a page sends: each is a round trip to a database that may be far away.

use crate::support::World;
use crate::support::service::{Serving, until};

const MARK: &str = "INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')";

/// What the server was sent between two marks.
fn sent_between(world: &World, from: &str, to: &str) -> usize {
    let log = std::fs::read_to_string(world.server.server().unwrap().log_file()).unwrap();
    let begun = log.find(from).expect("the first mark") + from.len();
    let between = &log[begun..begun + log[begun..].find(to).expect("the second mark")];
    between.matches("execute ").count() + between.matches("statement: ").count()
}

#[tokio::test]
async fn a_page_sends_no_more_statements_than_it_did() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world.filled().await;
    world.execute(MARK).await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    world.server.set("log_statement", "all").await.unwrap();
    let id = |table: &str| format!("SELECT min(external_id) FROM {table}");
    let client = world.text(&id("gazelle_clients")).await.unwrap();
    let run = world.text("SELECT run_id::text FROM sync_runs").await.unwrap();
    let mut over = Vec::new();
    for (path, most) in [
        ("/app/today".to_owned(), 0),
        ("/app/".to_owned(), 0),
        ("/app/runs".to_owned(), 0),
        (format!("/app/runs/{run}"), 0),
        ("/app/quarantine".to_owned(), 0),
        ("/app/deletions".to_owned(), 0),
        (format!("/app/records/clients/{client}"), 0),
    ] {
        let mut least = usize::MAX;
        // The service itself sends statements too: the least of several counts is the page's.
        for round in 0..5 {
            let marks = [format!("'from {path} {round}'"), format!("'to {path} {round}'")];
            world.execute(&format!("SELECT {}", marks[0])).await;
            assert_eq!(serving.get(&path).await.0, 200, "{path}");
            world.execute(&format!("SELECT {}", marks[1])).await;
            least = least.min(sent_between(&world, &marks[0], &marks[1]));
        }
        if least > most {
            over.push(format!("{path}: {least} statements, {most} at most"));
        }
    }
    assert!(over.is_empty(), "{over:?}");
    assert_eq!(serving.stop().await.code, Some(0));
}
