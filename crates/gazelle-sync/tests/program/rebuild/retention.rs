//! Old versions are dropped where the setting wants it, and nothing that anything needs.

use crate::support::quarantined::place;
use crate::support::{TestInstallation, World, assert_same};
use gazelle_sim::{Change, RecordKind};
use serde_json::{Value, json};

/// The ids of the versions held of an entity: the words that the tests call them by.
async fn versions(place: &TestInstallation, table: &str) -> Vec<String> {
    let rows = place
        .rows(&format!("SELECT raw_data ->> 'v' AS v FROM {table} ORDER BY external_id, fetched_at"))
        .await;
    rows.iter().map(|row| row["v"].as_str().unwrap_or("-").to_owned()).collect()
}

/// Stages a client's version, named `v`, so many days ago.
async fn client(place: &TestInstallation, id: &str, v: &str, days_ago: u32, mut record: Value) {
    record["id"] = json!(id);
    record["v"] = json!(v);
    let ago = format!("SELECT (now() - interval '{days_ago} days')::text");
    let at = place.text(&ago).await.unwrap();
    place.stage("staging_clients", id, &record, Some(&at)).await;
    place.run(&["reconcile", "--entity", "clients"]).await.success();
}

/// Rows in which a rebuild from staging differs from production.
async fn differences(place: &TestInstallation) -> i64 {
    let report = place.run(&["replay", "--dry-run"]).await.success();
    let of = |table: &Value| ["missing", "changed", "surplus"].map(|kind| table[kind].as_i64().unwrap());
    report["tables"].as_array().unwrap().iter().flat_map(of).sum()
}

fn contact(id: &str, first_name: &str) -> Value {
    json!({"id": id, "firstName": first_name})
}

/// Old versions go at the end of a full sync, and of `reconcile`, which needs no shop.
async fn run_with(place: &mut TestInstallation, retention: &str) -> crate::support::CommandOutput {
    place.env.insert("GAZELLE_SYNC_RETENTION".to_owned(), retention.to_owned());
    place.run(&["reconcile"]).await
}

#[tokio::test]
async fn what_was_superseded_for_longer_than_the_setting_goes_and_nothing_else_does() {
    let mut place = place().await;
    client(&place, "a", "a1", 90, json!({"companyName": "one"})).await;
    client(&place, "a", "a2", 80, json!({"companyName": "two"})).await;
    client(&place, "a", "a3", 40, json!({"companyName": "three"})).await;
    client(&place, "a", "a4", 10, json!({"companyName": "four"})).await;
    client(&place, "a", "a5", 5, json!({"companyName": "five"})).await;
    client(&place, "b", "b1", 400, json!({"companyName": "never changed"})).await;
    let before = place.production(&[]).await;

    let kept = run_with(&mut place, "all").await.success();
    assert_eq!(kept["entities"][1]["dropped"], json!(0));
    assert_eq!(versions(&place, "staging_clients").await, ["a1", "a2", "a3", "a4", "a5", "b1"]);

    let run = run_with(&mut place, "30").await;
    run.success();
    // a3 was current thirty days ago: every state since then can still be built.
    assert_eq!(versions(&place, "staging_clients").await, ["a3", "a4", "a5", "b1"]);
    assert_eq!(run.entity("clients")["dropped"], json!(2));
    let noted: i64 =
        place.one("SELECT max(dropped) FROM sync_run_entities WHERE entity = 'clients'", &[]).await;
    assert_eq!(noted, 2);
    assert_same(&before, &place.production(&[]).await, "production");
    assert_eq!(differences(&place).await, 0);
    run_with(&mut place, "30").await.success();
    assert_eq!(versions(&place, "staging_clients").await.len(), 4, "the second time there is nothing to do");
}

#[tokio::test]
async fn what_a_row_rests_on_stays_however_old() {
    let mut place = place().await;
    let with = |contacts: Value| json!({ "allContacts": { "nodes": contacts } });
    // k1 has been the same since a1; k2 was left out by a2, which dates its deletion; a3 changes nothing of both.
    client(&place, "a", "a1", 90, with(json!([contact("k1", "Zoé"), contact("k2", "Élise")]))).await;
    client(&place, "a", "a2", 80, with(json!([contact("k1", "Zoé")]))).await;
    client(&place, "a", "a3", 70, with(json!([contact("k1", "Zoé")]))).await;
    client(&place, "a", "a4", 60, with(json!([contact("k1", "Zoé")]))).await;
    client(
        &place,
        "a",
        "a5",
        50,
        json!({"companyName": "five", "allContacts": {"nodes": [contact("k1", "Zoé")]}}),
    )
    .await;
    let before = place.production(&[]).await;
    run_with(&mut place, "30").await.success();
    assert_eq!(versions(&place, "staging_clients").await, ["a1", "a2", "a5"]);
    assert_same(&before, &place.production(&[]).await, "production");
    assert_eq!(differences(&place).await, 0, "a rebuild from what is left says the same");
}

#[tokio::test]
async fn tombstones_withdrawn_versions_and_open_cases_stay() {
    let mut place = place().await;
    client(&place, "gone", "g1", 90, json!({"companyName": "one"})).await;
    client(&place, "gone", "g2", 85, json!({"companyName": "two"})).await;
    place
        .execute(
            "INSERT INTO staging_clients (external_id, raw_data, operation, fetched_at)
             VALUES ('gone', '{\"id\": \"gone\", \"v\": \"tombstone\", \"gone\": true}', 'delete', now() - interval '80 days')",
        )
        .await;
    client(&place, "u", "u1", 90, json!({"companyName": "one"})).await;
    client(&place, "u", "withdrawn", 80, json!({"companyName": "two"})).await;
    place
        .execute("UPDATE staging_clients SET withdrawn_by = gen_random_uuid() WHERE raw_data ->> 'v' = 'withdrawn'")
        .await;
    client(&place, "u", "u3", 70, json!({"companyName": "three"})).await;
    // A fault newer than the last good version is not settled by it.
    client(&place, "f", "f1", 90, json!({"companyName": "one"})).await;
    client(&place, "f", "f2", 80, json!({"companyName": "two"})).await;
    place
        .execute(
            "UPDATE staging_clients SET sync_status = 'pending', raw_data = '{\"v\": \"faulty\"}' WHERE raw_data ->> 'v' = 'f2'",
        )
        .await;
    place.run(&["reconcile", "--entity", "clients"]).await.success();
    run_with(&mut place, "30").await.success();
    assert_eq!(
        versions(&place, "staging_clients").await,
        ["f1", "faulty", "g2", "tombstone", "withdrawn", "u3"],
        "g2 says what the record was before it went"
    );
}

#[tokio::test]
async fn a_full_sync_drops_by_the_setting_and_says_what_can_no_longer_be_built() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client)[0].clone();
    for name in ["un", "deux", "trois"] {
        let fields = json!({ "companyName": name });
        let fields = fields.as_object().unwrap().clone();
        world
            .control
            .apply(Change::Edit { kind: RecordKind::Client, id: client.clone(), fields, bump: true })
            .unwrap();
        world.incremental().await.success();
    }
    let of_client = "SELECT count(*) FROM staging_clients WHERE external_id = $1";
    assert_eq!(world.one::<i64>(of_client, &[&client]).await, 4);
    // All of it happened forty days ago.
    for table in crate::support::staging_tables() {
        world.execute(&format!("UPDATE {table} SET fetched_at = fetched_at - interval '40 days'")).await;
    }
    let before = world.content().await;
    world.set("GAZELLE_SYNC_RETENTION", "30");
    world.incremental().await.success();
    assert_eq!(world.one::<i64>(of_client, &[&client]).await, 4, "an incremental sync has no time for it");
    let run = world.full().await;
    run.success();
    assert_eq!(
        run.entity("clients")["dropped"].as_i64(),
        Some(4 - world.one::<i64>(of_client, &[&client]).await)
    );
    assert!(world.one::<i64>(of_client, &[&client]).await < 4);
    assert_same(&before, &world.content().await, "production");
    assert_eq!(differences(&world).await, 0);

    // A record that returns to what it was is compared with the newest version, and staged again.
    let fields = json!({ "companyName": "un" }).as_object().unwrap().clone();
    world
        .control
        .apply(Change::Edit { kind: RecordKind::Client, id: client.clone(), fields, bump: true })
        .unwrap();
    assert_eq!(world.full().await.success()["staged"], json!(1));

    // What was dropped cannot be looked at any more, and says so instead of showing half of it.
    let past = world.run(&["replay", "--as-of", "2000-01-01T00:00:00Z", "--into", "past"]).await;
    assert_eq!(past.code, 1, "{past}");
    assert!(past.reasons().contains("retention"), "{past}");
    world.execute("UPDATE sync_runs SET started_at = started_at - interval '40 days'").await;
    let run = world
        .text("SELECT run_id::text FROM sync_runs WHERE mode = 'incremental' ORDER BY started_at LIMIT 1");
    let run = run.await.unwrap();
    let undone = world.run(&["undo", &run]).await;
    assert_eq!(undone.code, 1, "{undone}");
    assert!(undone.reasons().contains("retention"), "{undone}");
    assert_eq!(world.count("sync_undos").await, 0);
}

/// Of two instants the later one stands, although the text of the earlier one sorts after it.
#[tokio::test]
async fn since_when_staging_is_whole_only_moves_on() {
    let place = place().await;
    place.run(&["migrate"]).await.success();
    let note = include_str!("../../../src/staging/notes/whole_since/note.sql").replace("{schema}", "public");
    for instant in ["2026-01-09T00:00:00Z", "2026-01-09T00:00:00.5Z", "2025-12-31T00:00:00Z"] {
        let at: jiff::Timestamp = instant.parse().unwrap();
        place.db.execute(&note, &[&"whole_since", &instant, &at]).await.unwrap();
    }
    let held =
        "SELECT value FROM sync_notes WHERE key = 'whole_since' AND noted_at = '2026-01-09T00:00:00.5Z'";
    assert_eq!(place.text(held).await.as_deref(), Some("2026-01-09T00:00:00.5Z"));
}

#[tokio::test]
async fn status_tells_the_size_of_staging_and_how_fast_it_grows() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let status = world.run(&["status"]).await.success();
    let sizes = status["staging_size"].as_array().unwrap();
    assert_eq!(sizes.len(), crate::support::staging_tables().len());
    for size in sizes {
        let table = format!("staging_{}", size["entity"].as_str().unwrap());
        let rows = world.count(&table).await;
        assert_eq!(size["versions"], json!(rows), "{size}");
        assert_eq!(size["last_run"], json!(rows), "all of it came with the last run: {size}");
        assert_eq!(size["versions_a_day"], json!(rows as f64), "{size}");
        let bytes: i64 = world.one(&format!("SELECT pg_total_relation_size('{table}')"), &[]).await;
        assert!(size["bytes"].as_i64().unwrap() > 0 && size["bytes"].as_i64().unwrap() <= bytes, "{size}");
    }
    world.incremental().await.success();
    let status = world.run(&["status"]).await.success();
    assert_eq!(status["staging_size"][1]["last_run"], json!(0), "nothing changed, nothing grew");
    assert_eq!(status["retention"], json!("all"));
    let shown = crate::support::run_to_end(world.command(&["status"])).await;
    assert!(shown.stdout.contains("staging size") && shown.stdout.contains("kept: all versions"), "{shown}");
}
