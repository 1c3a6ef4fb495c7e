//! The list of quarantine cases, however many there are: bounded, in pages, and forgotten when they have long been closed.

use std::collections::HashSet;

use crate::support::World;
use serde_json::Value;
use tokio::io::{AsyncReadExt, BufReader};

/// A database with this many faulty appointments and as many faulty users, each with a raw record of ten thousand letters.
async fn filled(each: u32) -> World {
    let world = World::new().await;
    world.run(&["migrate"]).await.success();
    for (table, prefix) in [("staging_appointments", "evt"), ("staging_users", "usr")] {
        world
            .execute(&format!(
                "INSERT INTO {table} (external_id, raw_data, sync_status)
                 SELECT '{prefix}_' || n, jsonb_build_object('x', repeat('x', 10000)), 'pending'
                   FROM generate_series(1, {each}) n"
            ))
            .await;
    }
    world.run(&["reconcile"]).await;
    assert_eq!(world.count("sync_quarantine").await, i64::from(each) * 2);
    world
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|case| case["external_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_for_programs_is_cut_like_that_for_people_and_comes_whole_when_asked_for() {
    let world = filled(150).await;
    let ran = world.run(&["errors"]).await;
    assert_eq!(ids(&ran.success()).len(), 50);
    assert!(ran.stderr.contains("50 of 300") && ran.stderr.contains("--limit all"), "{ran}");
    let ran = world.run(&["errors", "--limit", "120"]).await;
    let some = ran.success();
    assert_eq!(ids(&some).len(), 120);
    assert!(ran.stderr.contains("120 of 300"), "{ran}");

    let ran = world.run(&["errors", "list", "--limit", "all"]).await;
    let all = ran.success();
    assert!(!ran.stderr.contains(" of "), "nothing is left out: {ran}");
    let distinct: HashSet<&str> = ids(&all).into_iter().collect();
    assert_eq!((ids(&all).len(), distinct.len()), (300, 300), "each once");
    assert_eq!(ids(&some), ids(&all)[..120], "the same order");
    let times: Vec<&str> =
        all.as_array().unwrap().iter().map(|case| case["last_seen_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "the newest first");
    assert!(all[299]["raw_data"].as_str().unwrap().len() > 10_000);
    // As one document is printed, and nothing else.
    let begins = format!("[\n  {{\n    \"entity\": {},\n", all[0]["entity"]);
    assert!(ran.stdout.starts_with(&begins) && ran.stdout.ends_with("\n  }\n]\n"), "{:.200}", ran.stdout);

    let people = crate::support::run_to_end(world.command(&["errors", "--limit", "all"])).await;
    assert_eq!(
        people.stdout.lines().filter(|line| line.contains("evt_") || line.contains("usr_")).count(),
        300
    );
    let one = world.run(&["errors", "--entity", "users", "--limit", "1"]).await.success();
    assert_eq!(ids(&one).len(), 1);
    world.execute("UPDATE sync_quarantine SET state = 'dismissed'").await;
    assert_eq!(world.run(&["errors"]).await.stdout, "[]\n");
}

#[tokio::test]
async fn cases_are_read_as_they_are_printed_and_not_all_before() {
    let world = filled(400).await;
    let mut child =
        world.command(&["errors", "--entity", "users", "--limit", "all", "--json"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = vec![0];
    stdout.read_exact(&mut text).await.unwrap();
    // A pipe holds a few of the records, so that the program waits long before the end of its first page.
    world.execute("DELETE FROM sync_quarantine").await;
    stdout.read_to_end(&mut text).await.unwrap();
    assert!(child.wait().await.unwrap().success());
    let list: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(ids(&list).len(), 100, "one page was read before");
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_whole_document_and_no_second_one_follows() {
    let world = filled(400).await;
    let mut child =
        world.command(&["errors", "--entity", "users", "--limit", "all", "--json"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = vec![0];
    stdout.read_exact(&mut text).await.unwrap();
    world.execute("ALTER TABLE sync_quarantine RENAME TO gone").await;
    stdout.read_to_end(&mut text).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
    let text = String::from_utf8(text).unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err() && text.starts_with('['), "{:.100}", text);
    assert!(!text.contains("\"failed\""));
}

#[tokio::test]
async fn cases_that_were_closed_long_ago_are_forgotten_and_no_other() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let closed = ["released", "reread", "superseded", "withdrawn"];
    for (state, age) in closed.iter().chain(&["dismissed"]).flat_map(|state| [(state, 100), (state, 80)]) {
        world
            .execute(&format!(
                "INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, state, attempts, first_seen_at,
                                              last_seen_at, closed_at)
                 SELECT gen_random_uuid(), 'users', '{state} {age} ' || n, 'no_id', '{state}', 1, now() - interval '200 days',
                        now() - interval '200 days', now() - interval '{age} days'
                   FROM generate_series(1, 1500) n"
            ))
            .await;
    }
    let open = "SELECT count(*) FROM sync_quarantine WHERE state IN ('open', 'waiting')";
    let of_shop: i64 = world.one(open, &[]).await;
    assert!(of_shop > 0);
    world
        .execute(
            "UPDATE sync_quarantine SET first_seen_at = 'epoch', last_seen_at = 'epoch' WHERE state = 'open'",
        )
        .await;
    let left = async |world: &World| {
        let rows = world
            .rows(
                "SELECT split_part(external_id, ' ', 1) || ' ' || split_part(external_id, ' ', 2) AS kind, count(*) AS cases
                   FROM sync_quarantine WHERE state NOT IN ('open', 'waiting') GROUP BY 1 ORDER BY 1",
            )
            .await;
        rows.iter()
            .map(|row| format!("{} {}", row["kind"].as_str().unwrap(), row["cases"]))
            .collect::<Vec<_>>()
    };
    let before = left(&world).await;
    assert_eq!(before.len(), 10, "{before:?}");
    world.set("GAZELLE_SYNC_RUNS_RETENTION", "all");
    world.full_sync_ok().await;
    assert_eq!(left(&world).await, before, "all are kept where that is wanted");
    world.set("GAZELLE_SYNC_RUNS_RETENTION", "90");
    world.full_sync_ok().await;
    let mut kept: Vec<String> = closed.iter().map(|state| format!("{state} 80 1500")).collect();
    kept.extend(["dismissed 100 1500".to_owned(), "dismissed 80 1500".to_owned()]);
    kept.sort();
    assert_eq!(left(&world).await, kept);
    assert_eq!(world.one::<i64>(open, &[]).await, of_shop);
}
