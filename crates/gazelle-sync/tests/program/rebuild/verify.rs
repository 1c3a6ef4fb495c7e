//! `verify` finds every kind of untruth, blames none where there is none, and touches nothing.

use std::collections::BTreeMap;

use crate::support::{CommandOutput, TestInstallation, World};
use gazelle_sim::{Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use gazelle_sync::entities::FOREIGN_KEYS;
use serde_json::{Value, json};

/// All records of the small shop, so that none escapes the sample.
const ALL: [&str; 3] = ["verify", "--sample", "1000"];

#[track_caller]
fn check<'r>(report: &'r Value, name: &str) -> &'r Value {
    let found = report["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["name"].as_str().expect("a name").contains(name));
    found.unwrap_or_else(|| panic!("no check {name} in {report}"))
}

/// Exactly this check finds something, and says these words.
#[track_caller]
fn only(run: &CommandOutput, name: &str, words: &[&str]) {
    assert_eq!(run.code, 1, "{run}");
    let report = run.json();
    assert_eq!(report["status"], "different", "{report}");
    for one in report["checks"].as_array().unwrap() {
        let right = one["name"].as_str().unwrap().contains(name);
        assert_eq!(one["differences"].as_u64().unwrap() > 0, right, "{name}: {one}\n{report}");
    }
    let said = check(&report, name)["said"].to_string();
    for word in words {
        assert!(said.contains(word), "{word} is not in {said}");
    }
}

/// Every row version of every table in the schema, and every relation.
async fn fingerprint(place: &TestInstallation) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in place
        .rows("SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
        .await
    {
        let name = table["relname"].as_str().unwrap().to_owned();
        let mut rows = Vec::new();
        if table["relkind"] == "r" {
            let sql = format!(
                "SELECT t.ctid::text || t.xmin::text || to_jsonb(t)::text AS row FROM {name} t ORDER BY 1"
            );
            rows = place.rows(&sql).await.into_iter().map(|row| row["row"].to_string()).collect();
        }
        all.insert(name, rows);
    }
    all
}

/// The strategy's two appointments, by setting.
async fn with_spot_checks() -> World {
    let mut world = World::new().await;
    world.set(
        "GAZELLE_SYNC_SPOT_CHECKS",
        "Tire le Coyote avant 8h=07:00; Tire le Coyote à 18h=18:00; Rien de tel=09:30",
    );
    world
}

#[tokio::test]
async fn after_a_sync_all_is_equal_and_nothing_was_touched() {
    let world = with_spot_checks().await;
    world.full_sync_ok().await;
    let before = fingerprint(&world).await;

    let report = world.run(&ALL).await.success();

    assert_eq!(fingerprint(&world).await, before);
    assert_eq!((&report["status"], &report["differences"]), (&json!("equal"), &json!(0)));
    let rows: i64 = crate::support::production_tables().len() as i64;
    assert!(report["rows"].as_i64().unwrap() > 300 + rows, "{report}");
    assert_eq!(report["sampled"], 40 + 162 + 117, "every client, piano and appointment: {report}");
    assert_eq!(check(&report, "spot_checks")["checked"], 2);
    assert_eq!(check(&report, "v_appointments_montreal")["checked"], 117);
    assert_eq!(check(&report, "counts agree")["checked"], 4);
    let notes = report["notes"].to_string();
    assert!(notes.contains("3 record(s) are in quarantine"), "explained: {report}");
    assert!(notes.contains("no appointment has a title like `Rien de tel`"), "{report}");
    assert!(!notes.contains("older version"), "{report}");

    let people = crate::support::run_to_end(world.command(&ALL)).await;
    let verdict = people.stdout.lines().last().unwrap_or_default();
    assert!(
        verdict.starts_with("equal as of ") && verdict.ends_with(" 319 sampled, 0 differences"),
        "{people}"
    );
}

#[tokio::test]
async fn every_untruth_in_the_database_is_found_by_the_check_it_belongs_to() {
    let world = with_spot_checks().await;
    world.full_sync_ok().await;
    let staging = "production equals staging";
    let view = world.text("SELECT pg_get_viewdef('v_appointments_montreal'::regclass)").await.unwrap();
    let shifted = view.replace("AT TIME ZONE 'America/Toronto'::text", "AT TIME ZONE 'Etc/GMT+5'::text");
    assert_ne!(view, shifted);
    let event = world.event_titled("Tire le Coyote avant 8h");
    for (spoil, found_by, words) in [
        ("UPDATE gazelle_pianos SET make = 'Faux' WHERE external_id = (SELECT min(external_id) FROM gazelle_pianos)".to_owned(), staging, vec!["gazelle_pianos: 0 missing, 1 changed"]),
        ("DELETE FROM gazelle_appointment_pianos WHERE ctid = (SELECT min(ctid) FROM gazelle_appointment_pianos)".to_owned(), staging, vec!["1 missing"]),
        ("INSERT INTO gazelle_users (external_id, staging_id, reconciler_version, synced_from_gazelle_at) VALUES ('usr_x', gen_random_uuid(), 1, now())".to_owned(), staging, vec!["1 surplus"]),
        ("UPDATE gazelle_appointments SET deleted_at = now() WHERE external_id = (SELECT min(external_id) FROM gazelle_appointments)".to_owned(), staging, vec!["1 changed"]),
        ("ALTER TABLE gazelle_pianos DROP CONSTRAINT gazelle_pianos_client_external_id_fkey".to_owned(), "foreign keys", vec!["gazelle_pianos.client_external_id: no valid foreign key"]),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr_fix_api_import BEFORE INSERT ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION f()".to_owned(), "trigger", vec!["tr_fix_api_import on gazelle_appointments"]),
        ("CREATE OR REPLACE VIEW v_sync_dashboard AS SELECT sync_status, count(*)::bigint AS count, min(fetched_at) AS oldest_record, max(fetched_at) AS newest_record FROM staging_appointments GROUP BY 1".to_owned(), "dashboard", vec!["all processed"]),
        (format!("CREATE OR REPLACE VIEW v_appointments_montreal AS {}", view.replace("a.title,", "'x'::text AS title,")), "v_appointments_montreal", vec!["another title"]),
        (format!("CREATE OR REPLACE VIEW v_appointments_montreal AS {shifted}"), "v_appointments_montreal", vec!["in Montréal"]),
    ] {
        let definition = world.rows("SELECT conname, pg_get_constraintdef(oid) AS d FROM pg_constraint WHERE conname = 'gazelle_pianos_client_external_id_fkey'").await;
        let before = world.production(&[]).await;
        world.execute(&spoil).await;
        let run = world.run(&["verify", "--offline"]).await;
        only(&run, found_by, &words);
        // And fixed.
        world.execute(&format!("CREATE OR REPLACE VIEW v_appointments_montreal WITH (security_invoker = true) AS {view}")).await;
        world.execute("DROP TRIGGER IF EXISTS tr_fix_api_import ON gazelle_appointments; DROP FUNCTION IF EXISTS f()").await;
        world.execute("CREATE OR REPLACE VIEW v_sync_dashboard WITH (security_invoker = true) AS SELECT sync_status, sum(count)::bigint AS count, min(oldest_record) AS oldest_record, max(newest_record) AS newest_record FROM v_sync_dashboard_entities GROUP BY sync_status").await;
        if world.rows("SELECT 1 AS x FROM pg_constraint WHERE conname = 'gazelle_pianos_client_external_id_fkey'").await.is_empty() {
            world.execute(&format!("ALTER TABLE gazelle_pianos ADD CONSTRAINT gazelle_pianos_client_external_id_fkey {}", definition[0]["d"].as_str().unwrap())).await;
        }
        world.run(&["replay"]).await.success();
        crate::support::assert_same(&before, &world.production(&[]).await, "fixed");
        world.run(&["verify", "--offline"]).await.success();
    }
    // The titles' own check.
    world
        .execute(&format!(
            "UPDATE gazelle_appointments SET title = 'Tire le Coyote à 18h' WHERE external_id = '{event}'"
        ))
        .await;
    let report = world.run(&ALL).await.json();
    assert_eq!(check(&report, "spot_checks")["differences"], 1, "{report}");
}

#[tokio::test]
async fn an_orphan_is_found_even_where_the_foreign_key_is_gone() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "ALTER TABLE gazelle_contacts DROP CONSTRAINT gazelle_contacts_client_external_id_fkey;
             UPDATE gazelle_contacts SET client_external_id = 'cli_nobody' WHERE external_id = (SELECT min(external_id) FROM gazelle_contacts)",
        )
        .await;
    let report = world.run(&["verify", "--offline"]).await.json();
    let said = check(&report, "foreign keys")["said"].to_string();
    assert!(said.contains("1 value(s) name no row of gazelle_clients, such as cli_nobody"), "{said}");
    assert!(said.contains("no valid foreign key"), "{said}");
}

#[tokio::test]
async fn what_changed_at_the_source_since_is_told_and_is_no_difference() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.control.advance_clock(60);
    let client = world.control.ids(RecordKind::Client)[3].clone();
    world
        .control
        .edit(RecordKind::Client, &client, json!({ "companyName": "Salle Nouvelle (exemple)" }))
        .unwrap();
    let report = world.run(&ALL).await.success();
    assert!(
        report["notes"].to_string().contains("1 record(s) of the sample changed at the source"),
        "{report}"
    );

    world.incremental().await.success();
    let report = world.run(&ALL).await.success();
    assert!(!report["notes"].to_string().contains("changed at the source"), "{report}");
}

#[tokio::test]
async fn content_that_a_walk_should_have_brought_is_a_difference() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let piano = world.control.ids(RecordKind::Piano)[5].clone();
    // An edit long ago that we do not hold: as if a walk had passed over it.
    world
        .control
        .edit(RecordKind::Piano, &piano, json!({ "make": "Oublié", "updatedAt": "2020-01-01T00:00:00Z" }))
        .unwrap();
    let updated = world.control.record(RecordKind::Piano, &piano).unwrap()["updatedAt"].clone();
    assert_eq!(updated, "2020-01-01T00:00:00Z", "the simulator lets an edit lie about its time");
    only(&world.run(&ALL).await, "API says of the sample", &[&piano, "2020-01-01"]);
}

#[tokio::test]
async fn raw_history_and_production_that_lie_alike_are_found_by_the_api() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client)[0].clone();
    world
        .execute(&format!(
            "UPDATE staging_clients SET raw_data = jsonb_set(raw_data, '{{region}}', '\"Ailleurs\"') WHERE external_id = '{client}';
             UPDATE gazelle_clients SET region = 'Ailleurs' WHERE external_id = '{client}'"
        ))
        .await;
    let run = world.run(&ALL).await;
    only(&run, "API says of the sample", &["gazelle_clients: 0 missing, 1 changed"]);
    let columns = &run.json()["sample_tables"][0]["samples"][0]["columns"][0];
    assert_eq!((&columns[0], &columns[1]), (&json!("region"), &json!("Ailleurs")), "{run}");
}

#[tokio::test]
async fn counts_that_disagree_are_a_difference_and_kept_deletions_are_none() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0");
    let event = world.upcoming(2);
    world.control.delete(RecordKind::Event, &event).unwrap();
    assert_eq!(world.incremental().await.code, 3, "withheld");
    let report = world.run(&ALL).await.success();
    assert!(report["notes"].to_string().contains("gone at the source"), "{report}");

    world.control.delete(RecordKind::Event, &world.upcoming(3)).unwrap();
    only(
        &world.run(&ALL).await,
        "counts agree",
        &["appointments: the API counts 118 and 1 kept although gone, held are 120"],
    );
}

#[tokio::test]
async fn what_waits_for_stage_two_is_explained() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.stage("staging_clients", "cli_waits", &json!({ "id": "cli_waits" }), None).await;
    let report = world.run(&["verify", "--offline"]).await.success();
    assert!(report["notes"].to_string().contains("clients: 1 record(s) wait for stage 2"), "{report}");
}

#[tokio::test]
async fn an_api_that_takes_no_alias_or_does_not_count_is_verified_all_the_same() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.control.add_fault(
        Fault::new(FaultKind::QueryLimit {
            complexity: None,
            per_record: false,
            depth: None,
            aliases: Some(0),
            page_size: None,
            status: 200,
            code: None,
        })
        .forever(),
    );
    let run = world.run(&ALL).await;
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(check(&run.json(), "counts agree")["checked"], 4, "{run}");

    let more = json!({ "hasNextPage": true, "endCursor": "c1" });
    let body = json!({ "data": { "allClients": { "pageInfo": more, "nodes": [] } } }).to_string();
    let uncounted = FaultKind::Status { status: 200, body };
    world.control.add_fault(Fault::new(uncounted).on_operation("ClientsPageCursor").forever());
    let run = world.run(&ALL).await;
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(check(&run.json(), "counts agree")["checked"], 3, "{run}");
    assert!(run.json()["notes"].to_string().contains("clients: the API does not count"), "{run}");
}

#[tokio::test]
async fn an_api_that_cannot_be_asked_makes_it_incomplete_and_offline_asks_nothing() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.control.clear_requests();
    world.run(&["verify", "--offline"]).await.success();
    assert_eq!(world.control.request_counts().total, 0);

    world.control.add_fault(Fault::new(FaultKind::Unauthorized).forever());
    let run = world.run(&ALL).await;
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.json()["status"], "incomplete");
    assert!(run.json()["notes"].to_string().contains("the API did not count"), "{run}");

    world.installation.env.remove("GAZELLE_API_KEY");
    let report = world.run(&ALL).await.success();
    assert!(report["notes"].to_string().contains("the API was left out: no Gazelle credentials"), "{report}");
    assert_eq!(report["sampled"], 0);
}

#[tokio::test]
async fn it_neither_disturbs_a_run_at_work_nor_is_disturbed_by_it() {
    let world = World::with(ShopSpec::small(7), SimOptions::default()).await;
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client)[1].clone();
    world.control.edit(RecordKind::Client, &client, json!({ "region": "Estrie" })).unwrap();
    let sync = world.start(&["sync", "--mode", "full", "--json"]);
    for _ in 0..5 {
        world.run(&["verify", "--offline"]).await.success();
    }
    let output = sync.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    world.run(&ALL).await.success();
    let scratch = world.text("SELECT relname::text FROM pg_class WHERE relname LIKE 'verify%'").await;
    assert_eq!(scratch, None);
}

#[tokio::test]
async fn bad_use_is_told() {
    let world = World::new().await;
    let run = world.run(&["verify"]).await;
    assert!(run.code == 1 && run.reasons().contains("nothing to verify yet"), "{run}");
    assert_eq!(world.count("pg_tables WHERE schemaname = 'public'").await, 0, "and nothing is made");
    let run = world.run(&["verify", "--entity", "piano"]).await;
    assert!(run.code == 2 && run.reasons().contains("pianos"), "{run}");
}

#[tokio::test]
async fn the_list_of_foreign_keys_is_the_databases() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let declared = place
        .rows(
            "SELECT child.relname AS child, a.attname AS col, parent.relname AS parent
               FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
              WHERE k.contype = 'f' AND child.relname LIKE 'gazelle%' ORDER BY 1, 2",
        )
        .await;
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let declared: Vec<(String, String, String)> =
        declared.iter().map(|row| (text(row, "child"), text(row, "col"), text(row, "parent"))).collect();
    let mut listed: Vec<(String, String, String)> =
        FOREIGN_KEYS.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
    listed.sort();
    assert_eq!(listed, declared);
}

#[tokio::test]
async fn records_whose_newest_version_waits_are_told_beside_the_verdict() {
    let world = World::new().await;
    world.full_sync_ok().await;
    for n in 0..2 {
        world.control.edit(RecordKind::Event, &world.upcoming(n), json!({ "start": "bientôt" })).unwrap();
    }
    world.full().await;
    let report = world.run(&["verify", "--offline"]).await.success();
    let notes = report["notes"].to_string();
    assert!(notes.contains("appointments: 2 record(s) stand in production in an older version"), "{report}");
}

/// No example of one shop is built in.
#[tokio::test]
async fn a_title_is_no_promise_of_an_hour_unless_a_setting_says_so() {
    let mut world = World::new().await;
    let event = world.event_titled("Tire le Coyote à 18h");
    world.control.move_event(&event, Some("2026-11-13T00:00:00Z")).unwrap();
    world.full_sync_ok().await;
    world.run(&["verify"]).await.success();
    world.set("GAZELLE_SYNC_SPOT_CHECKS", "Tire le Coyote à 18h=18:00");
    let report = world.run(&ALL).await.json();
    assert_eq!(check(&report, "spot_checks")["differences"], 1, "{report}");
}
