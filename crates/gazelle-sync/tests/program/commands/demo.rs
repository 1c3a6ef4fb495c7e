//! `demo` on a machine with nothing configured: twice, beside tables of a user's own, and really stopped at the end.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::own_server::OwnServer;
use crate::support::service::{client, until};
use crate::support::tools::signal;

#[tokio::test]
async fn a_demo_works_again_leaves_what_is_the_users_and_stops_when_told() {
    let folder = OwnServer::new();
    let first = folder.run(&["demo", "--small", "--json"]).await.success();
    let url = first["database_url"].as_str().unwrap().to_owned();
    let db = crate::support::connect(&url).await;
    db.batch_execute("CREATE TABLE gazelle_mine AS SELECT 'à moi' AS note").await.unwrap();
    let status = folder.run(&["status"]).await;
    assert!(status.code == 0 && status.stdout.contains(&format!("psql \"{url}\"")), "{status}");

    let doctor = folder.run(&["doctor", "--json"]).await.json();
    let lines = doctor["checks"].as_array().unwrap();
    let of_runs = lines.iter().find(|line| line["check"] == "runs").unwrap();
    assert!(
        of_runs["level"] == "ok" && of_runs["said"].as_str().unwrap().contains("made-up shop"),
        "{of_runs}"
    );

    // Built on our tables: the demo gives way.
    db.batch_execute("CREATE VIEW my_view AS SELECT external_id FROM gazelle_clients").await.unwrap();
    let refused = folder.run(&["demo", "--small", "--json"]).await;
    assert_eq!(refused.code, 1, "{refused}");
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("--schema") && !error.contains('\n'), "{error}");
    // A server that an earlier demo left running runs on for psql.
    let clients: i64 = db.query_one("SELECT count(*) FROM my_view", &[]).await.unwrap().get(0);
    assert!(clients > 0);
    db.batch_execute("DROP VIEW my_view").await.unwrap();

    folder.run(&["demo", "--small", "--json"]).await.success();
    let note: String = db.query_one("SELECT note FROM gazelle_mine", &[]).await.unwrap().get(0);
    assert_eq!(note, "à moi");
    drop(db);

    let last = folder.run(&["demo", "--small", "--stop"]).await;
    assert_eq!(last.code, 0, "{last}");
    // Without a terminal it says what a person reads, and logs nothing between.
    assert!(last.stderr.is_empty() && !last.stdout.contains("\"level\""), "{last}");
    assert!(last.stdout.contains("(now() AT TIME ZONE 'America/Toronto')::date"), "{last}");
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_err(), "it still runs");
    let status = folder.run(&["status"]).await;
    assert!(status.code == 0 && !status.stdout.contains("psql \""), "{status}");
    assert!(status.stdout.contains("runs only while a command needs it"), "{status}");
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_err(), "status left it running");
}

#[tokio::test]
async fn a_demo_that_is_opened_shows_its_dashboard_until_it_is_told_to_end() {
    let folder = OwnServer::new();
    let args = ["demo", "--open", "--small", "--json", "--listen", "127.0.0.1:0"];
    let mut demo = folder.command(&args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut printed = String::new();
    let report: Value = loop {
        printed.push_str(&lines.next_line().await.unwrap().expect("a whole document"));
        if let Ok(report) = serde_json::from_str(&printed) {
            break report;
        }
    };
    let address = report["dashboard"].as_str().unwrap().to_owned();
    // The service has synced what the demo left, from the simulated Gazelle that goes on running.
    until("the verdict is good", async || {
        let Ok(answer) = client().get(&address).send().await else { return false };
        answer.status() == 200 && answer.text().await.is_ok_and(|page| page.contains("verdict ok"))
    })
    .await;
    signal(demo.id().unwrap(), "-INT");
    assert_eq!(demo.wait().await.unwrap().code(), Some(0));
}
