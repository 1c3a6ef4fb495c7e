//! The procedures that the strategy writes down, word for word in SQL, and `replay`, which does them in one step.

use crate::support::{LINEAGE, Tables, TestInstallation, World, assert_same, production_tables};
use gazelle_sim::RecordKind;
use serde_json::{Value, json};

#[tokio::test]
async fn the_staging_insert_of_the_strategy_gives_noon_utc() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place
        .execute(
            r#"INSERT INTO staging_appointments (external_id, raw_data, sync_status)
               VALUES ('TEST123', '{"id": "TEST123", "start_time": "2026-01-09T12:00:00Z"}', 'pending')"#,
        )
        .await;

    place.run(&["reconcile"]).await.success();

    let row = place.rows("SELECT * FROM gazelle_appointments").await.remove(0);
    assert_eq!(row["external_id"], "TEST123");
    assert_eq!(row["appointment_date"], "2026-01-09");
    assert_eq!(row["appointment_time"], "12:00:00");
    assert_eq!(row["start_at"], "2026-01-09T12:00:00+00:00");
    let status = place.text("SELECT sync_status FROM staging_appointments").await;
    assert_eq!(status.as_deref(), Some("processed"));
    let staged = place.text("SELECT id::text FROM staging_appointments").await;
    assert_eq!(row["staging_id"].as_str(), staged.as_deref(), "the row names its raw record");
}

#[tokio::test]
async fn reconcile_creates_the_tables_of_an_empty_database_by_itself() {
    let place = TestInstallation::new().await;
    let report = place.run(&["reconcile"]).await.success();
    assert_eq!(report["processed"], 0);
    assert_eq!(place.count("gazelle_appointments").await, 0);
}

#[tokio::test]
async fn the_field_names_of_the_strategy_are_read_beside_those_of_the_api() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place.stage("staging_clients", "cli_1", &json!({"id": "cli_1", "company_name": "Café"}), None).await;
    place
        .stage(
            "staging_appointments",
            "flat",
            &json!({"id": "flat", "start_time": "2026-07-01T13:30:00Z", "client_id": "cli_1", "duration": 90}),
            None,
        )
        .await;
    place
        .stage(
            "staging_appointments",
            "nested",
            &json!({"id": "nested", "start": "2026-07-01T13:30:00Z", "client": {"id": "cli_1", "companyName": "Café"}}),
            None,
        )
        .await;

    place.run(&["reconcile"]).await.success();

    let rows = place.rows("SELECT * FROM gazelle_appointments ORDER BY external_id").await;
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(row["client_external_id"], "cli_1");
        assert_eq!(row["appointment_time"], "13:30:00");
    }
    assert_eq!(rows[0]["end_at"], "2026-07-01T15:00:00+00:00");
    assert_eq!(place.text("SELECT company_name FROM gazelle_clients").await.as_deref(), Some("Café"));
}

/// A shop that was synced, changed in every way, and synced again.
async fn lived_in() -> World {
    let world = World::new().await;
    world.full_sync_ok().await;
    change_everything(&world);
    world.incremental().await.success();
    world
}

fn change_everything(world: &World) {
    let control = &world.control;
    let user = control.ids(RecordKind::User).pop().unwrap();
    control.move_event(&world.upcoming(0), Some("2027-02-03T14:15:00Z")).unwrap();
    control.reassign(&world.upcoming(1), &user).unwrap();
    control.cancel(&world.upcoming(2)).unwrap();
    control
        .edit(RecordKind::Event, &world.upcoming(3), json!({"notes": "changé", "allEventPianos": []}))
        .unwrap();
    let clients = control.ids(RecordKind::Client);
    control
        .edit(RecordKind::Client, &clients[8], json!({"companyName": "Nouveau nom", "tags": ["a", "b"]}))
        .unwrap();
    control.merge_clients(&clients[12], &clients[13]).unwrap();
    // The client's default contact changes: its appointments follow.
    let own = own_contacts(world, &clients[1]);
    control.edit(RecordKind::Contact, &own[0], json!({"isDefault": false})).unwrap();
    control.edit(RecordKind::Contact, &own[5], json!({"isDefault": true})).unwrap();
    control.delete(RecordKind::Contact, &own[7]).unwrap();
    let event = control
        .add(
            RecordKind::Event,
            json!({"start": "2027-03-04T15:00:00Z", "client": {"id": clients[1]}, "title": "Ajouté"}),
        )
        .unwrap();
    assert!(event.starts_with("evt_"));
}

fn own_contacts(world: &World, client: &str) -> Vec<String> {
    world
        .control
        .ids(RecordKind::Contact)
        .into_iter()
        .filter(|id| world.control.record(RecordKind::Contact, id).unwrap()["client"]["id"] == client)
        .collect()
}

async fn roll_back(place: &TestInstallation) {
    place
        .execute(
            "TRUNCATE TABLE gazelle_appointments CASCADE;
             UPDATE staging_appointments
             SET sync_status = 'pending'
             WHERE sync_status = 'processed';",
        )
        .await;
}

#[tokio::test]
async fn the_rollback_of_the_strategy_gives_the_same_production_row_for_row_and_column_for_column() {
    let world = lived_in().await;
    let before = world.production(&[]).await;
    assert!(before["gazelle_appointments"].len() > 100);
    assert!(before["gazelle_appointment_pianos"].len() >= 137);

    roll_back(&world).await;
    assert_eq!(world.count("gazelle_appointments").await, 0);
    world.run(&["reconcile"]).await.success();

    assert_same(&before, &world.production(&[]).await, "after the rollback");
}

#[tokio::test]
async fn a_rollback_while_the_shop_goes_on_changing_ends_as_without_it() {
    let world = lived_in().await;
    roll_back(&world).await;
    world.control.cancel(&world.upcoming(4)).unwrap();
    // Whole, since the merge of two clients also touched events long past.
    world.full().await.success();

    let mut fresh = TestInstallation::new().await;
    fresh.env = world.env.clone();
    fresh.run(&["sync", "--mode", "full"]).await.success();
    assert_same(&appointments(&fresh.content().await), &appointments(&world.content().await), "rolled back");
}

/// The appointments that exist.
fn appointments(tables: &Tables) -> Tables {
    let exists = |row: &&String| row.contains("\"deleted\": false");
    let rows = tables["gazelle_appointments"].iter().filter(exists).cloned().collect();
    Tables::from([("gazelle_appointments".to_owned(), rows)])
}

#[tokio::test]
async fn a_version_staged_by_hand_before_a_sync_lands_and_keeps_nothing_else_waiting() {
    // Ids by hand are random: before, or after those that the program makes itself.
    for first in ["0000", "ffff"] {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
        world.set("GAZELLE_SYNC_BATCH_SIZE", "20");
        world.run(&["migrate"]).await.success();
        world
            .execute(&format!(
                r#"INSERT INTO staging_appointments (id, external_id, raw_data, sync_status)
                   VALUES ('{first}0000-0000-4000-8000-000000000000', 'HAND',
                           '{{"id": "HAND", "start_time": "2026-01-09T12:00:00Z"}}', 'pending')"#
            ))
            .await;

        let report = world.full().await.success();

        let pending = "SELECT count(*) FROM staging_appointments WHERE sync_status = 'pending'";
        assert_eq!(world.one::<i64>(pending, &[]).await, 0, "{first}: {report}");
        assert_eq!(world.count("gazelle_appointments").await, 120 - 3 + 1);
    }
}

#[tokio::test]
async fn what_was_staged_by_hand_and_found_gone_since_comes_back_as_deleted_in_a_rollback() {
    let world = World::new().await;
    world.full_sync_ok().await;
    // Ids by hand are random: these sort after every one that the program makes, and not as they were seen.
    let by_hand = |id: &str, table: &str, record: Value, ago: u32| {
        let quoted = record.to_string().replace('\'', "''");
        format!(
            "INSERT INTO {table} (id, external_id, raw_data, fetched_at)
             VALUES ('{id}-0000-4000-8000-000000000000', '{}', '{quoted}', now() - interval '{ago} seconds');",
            record["id"].as_str().unwrap()
        )
    };
    let event = world.upcoming(0);
    let mut of_ghost = world.control.record(RecordKind::Event, &event).unwrap();
    of_ghost["id"] = json!("EVENT");
    of_ghost["client"] = json!({"id": "GHOST"});
    for (id, name, ago) in [("ffffffff", "Avant", 3), ("fffffff0", "Après", 2)] {
        let client = json!({"id": "GHOST", "companyName": name});
        world.execute(&by_hand(id, "staging_clients", client, ago)).await;
    }
    world.execute(&by_hand("fffffff1", "staging_appointments", of_ghost, 1)).await;
    world.run(&["reconcile"]).await.success();
    world.full().await.success();
    let gone = "SELECT (SELECT deleted_at IS NOT NULL FROM gazelle_clients WHERE external_id = 'GHOST')
                   AND (SELECT deleted_at IS NOT NULL FROM gazelle_appointments WHERE external_id = 'EVENT')";
    assert!(world.one::<bool>(gone, &[]).await);
    let before = world.production(&[]).await;

    world
        .execute(
            "TRUNCATE TABLE gazelle_users, gazelle_clients CASCADE;
             UPDATE staging_users SET sync_status = 'pending' WHERE sync_status = 'processed';
             UPDATE staging_clients SET sync_status = 'pending' WHERE sync_status = 'processed';
             UPDATE staging_pianos SET sync_status = 'pending' WHERE sync_status = 'processed';
             UPDATE staging_appointments SET sync_status = 'pending' WHERE sync_status = 'processed';",
        )
        .await;
    world.run(&["reconcile"]).await.success();

    assert_same(&before, &world.production(&[]).await, "after the rollback");
    let name = world.text("SELECT company_name FROM gazelle_clients WHERE external_id = 'GHOST'").await;
    assert_eq!(name.as_deref(), Some("Après"), "what it held last");
    world.run(&["verify", "--offline"]).await.success();
}

#[tokio::test]
async fn every_table_can_be_emptied_and_comes_back_from_staging() {
    let world = lived_in().await;
    let before = world.production(&[]).await;
    world.execute("TRUNCATE gazelle_users, gazelle_clients CASCADE").await;
    for table in crate::support::staging_tables() {
        world
            .execute(&format!("UPDATE {table} SET sync_status = 'pending' WHERE sync_status = 'processed'"))
            .await;
    }

    world.run(&["reconcile"]).await.success();

    assert_same(&before, &world.production(&[]).await, "from staging alone");
}

#[tokio::test]
async fn the_dashboard_of_the_strategy_has_its_four_columns_over_all_entities() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let statement = world.db.prepare("SELECT * FROM v_sync_dashboard").await.unwrap();
    let columns: Vec<&str> = statement.columns().iter().map(|column| column.name()).collect();
    assert_eq!(columns, ["sync_status", "count", "oldest_record", "newest_record"]);

    let rows = world.rows("SELECT * FROM v_sync_dashboard ORDER BY sync_status").await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((&rows[0]["sync_status"], &rows[0]["count"]), (&json!("error"), &json!(3)));
    assert_eq!(rows[1]["sync_status"], "processed");
    let mut staged = 0;
    for table in crate::support::staging_tables() {
        staged += world.count(table).await;
    }
    assert_eq!(rows[1]["count"], staged - 3);
    assert!(rows[1]["oldest_record"].as_str() < rows[1]["newest_record"].as_str());
}

fn differences(report: &Value) -> i64 {
    report["tables"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|table| ["missing", "changed", "surplus"].map(|kind| table[kind].as_i64().unwrap()))
        .sum()
}

#[tokio::test]
async fn replay_restores_what_was_truncated_and_a_second_one_finds_nothing() {
    let world = lived_in().await;
    let before = world.production(&[]).await;
    assert_eq!(differences(&world.run(&["replay"]).await.success()), 0, "nothing was wrong");
    assert_same(&before, &world.production(&[]).await, "a replay of a good database");
    world.execute("TRUNCATE gazelle_appointments CASCADE").await;

    let dry = world.run(&["replay", "--dry-run"]).await.success();
    let lost = (before["gazelle_appointments"].len() + before["gazelle_appointment_pianos"].len()) as i64;
    assert_eq!(differences(&dry), lost);
    assert_eq!(dry["dry_run"], true);
    assert_eq!(world.count("gazelle_appointments").await, 0, "a dry run changes nothing");

    let report = world.run(&["replay"]).await.success();
    assert_eq!(differences(&report), lost);
    assert_eq!(report["rows_written"], lost);
    assert_same(&before, &world.production(&[]).await, "after the replay");
    let again = world.run(&["replay"]).await.success();
    assert_eq!((differences(&again), &again["rows_written"]), (0, &json!(0)));
}

#[tokio::test]
async fn replay_leaves_no_scratch_tables_and_asks_the_api_nothing() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let tables = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
                   WHERE relnamespace = 'public'::regnamespace";
    let before = world.text(tables).await;
    world.control.clear_requests();
    world.run(&["replay"]).await.success();
    assert_eq!(world.control.request_counts().total, 0);
    assert_eq!(world.text(tables).await, before);
}

#[tokio::test]
async fn replay_shows_a_corrupted_row_column_by_column_and_fixes_it() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.production(&LINEAGE).await;
    let id = world.event_titled("Tire le Coyote avant 8h");
    world
        .execute(&format!(
            "UPDATE gazelle_appointments SET appointment_time = '07:00', title = 'faux' WHERE external_id = '{id}';
             DELETE FROM gazelle_appointment_pianos WHERE ctid = (SELECT min(ctid) FROM gazelle_appointment_pianos);
             INSERT INTO gazelle_users (external_id, staging_id, reconciler_version, synced_from_gazelle_at)
             VALUES ('usr_invented', gen_random_uuid(), 1, now())"
        ))
        .await;
    let corrupted = world.production(&[]).await;

    let dry = world.run(&["replay", "--dry-run"]).await.success();
    assert_same(&corrupted, &world.production(&[]).await, "a dry run");
    let of =
        |table: &str| dry["tables"].as_array().unwrap().iter().find(|t| t["table"] == table).unwrap().clone();
    let appointments = of("gazelle_appointments");
    assert_eq!(appointments["changed"], 1);
    assert_eq!(appointments["samples"][0]["key"], id.as_str());
    let columns = appointments["samples"][0]["columns"].as_array().unwrap();
    assert!(columns.contains(&json!(["appointment_time", "07:00:00", "12:00:00"])), "{columns:?}");
    assert!(columns.contains(&json!(["title", "faux", "Tire le Coyote avant 8h"])), "{columns:?}");
    assert_eq!(columns.len(), 2, "{columns:?}");
    assert_eq!(of("gazelle_appointment_pianos")["missing"], 1);
    assert_eq!(of("gazelle_users")["surplus"], 1);

    let report = world.run(&["replay"]).await.success();
    assert_eq!(differences(&report), 3);
    assert_same(&before, &world.production(&LINEAGE).await, "fixed");
}

#[tokio::test]
async fn replay_of_one_entity_leaves_the_others_as_they_are() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute("UPDATE gazelle_clients SET region = 'X'; UPDATE gazelle_pianos SET make = 'X'").await;
    world.run(&["replay", "--entity", "pianos"]).await.success();
    assert_eq!(world.one::<i64>("SELECT count(*) FROM gazelle_pianos WHERE make = 'X'", &[]).await, 0);
    assert_eq!(world.one::<i64>("SELECT count(*) FROM gazelle_clients WHERE region = 'X'", &[]).await, 40);
}

#[tokio::test]
async fn a_users_own_table_that_refers_to_ours_survives_replay() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "CREATE TABLE my_notes (client text REFERENCES gazelle_clients (external_id), note text);
             CREATE INDEX my_index ON gazelle_clients (lower(company_name));
             ALTER TABLE gazelle_pianos ADD COLUMN my_shelf text;
             UPDATE gazelle_pianos SET my_shelf = 'B2';
             INSERT INTO my_notes SELECT external_id, 'fidèle' FROM gazelle_clients;
             UPDATE gazelle_clients SET company_name = 'faux';
             TRUNCATE gazelle_appointments CASCADE",
        )
        .await;
    let report = world.run(&["replay"]).await.success();
    assert!(differences(&report) > 40);
    assert_eq!(world.count("my_notes").await, 40);
    assert_eq!(world.one::<i64>("SELECT count(*) FROM gazelle_pianos WHERE my_shelf = 'B2'", &[]).await, 162);
    let index = world.text("SELECT indexname::text FROM pg_indexes WHERE indexname = 'my_index'").await;
    assert!(index.is_some());
}

#[tokio::test]
async fn replay_keeps_what_waits_in_quarantine_there() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.quarantine().await;
    assert_eq!(before.len(), 3);
    world.run(&["replay"]).await.success();
    assert_eq!(world.quarantine().await, before);
    for table in production_tables() {
        assert!(world.count(table).await > 0, "{table}");
    }
}
