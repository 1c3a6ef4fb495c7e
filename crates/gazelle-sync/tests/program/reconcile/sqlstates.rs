//! The classes of SQLSTATE on a real server: a user's trigger raises each of them for one record. What concerns the row
//! sets that record aside and nothing else; what concerns the database or the moment stops the run, or is tried again,
//! and blames no record.

use std::collections::BTreeMap;

use crate::support::World;
use gazelle_sim::RecordKind;
use gazelle_sync::db::sqlstate::CLASSES;
use gazelle_sync::db::sqlstate::EXCEPTIONS;
use gazelle_sync::db::sqlstate::ErrorScope;
use gazelle_sync::db::sqlstate::concern;
use gazelle_sync::db::sqlstate::concern_in_function;
use serde_json::json;

/// A trigger that raises the state that `my_refusals` has for a record, so many times; a sequence counts them, since it
/// is not rolled back.
const TRIGGER: &str = "
    CREATE TABLE my_refusals (appointment text PRIMARY KEY, state text NOT NULL, times bigint NOT NULL DEFAULT 1000000);
    CREATE SEQUENCE raised MINVALUE 0 START 0;
    SELECT nextval('raised');
    CREATE FUNCTION refuse_some() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE refusal public.my_refusals;
    BEGIN
      SELECT * INTO refusal FROM public.my_refusals WHERE appointment = NEW.external_id;
      IF FOUND AND nextval('public.raised') <= refusal.times THEN
        RAISE EXCEPTION 'the column \"secret %\" is taken', NEW.title USING ERRCODE = refusal.state;
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse_some BEFORE INSERT OR UPDATE ON gazelle_appointments
      FOR EACH ROW EXECUTE FUNCTION refuse_some()";

/// A state of each class, and those that differ from their class. Not `00000`: PL/pgSQL takes it for none.
fn states() -> Vec<String> {
    let of_classes = CLASSES.iter().map(|(class, ..)| format!("{class}001"));
    of_classes.chain(EXCEPTIONS.iter().map(|(state, ..)| (*state).to_owned())).collect()
}

/// Appointments that stand in production.
async fn appointments(world: &World, count: usize) -> Vec<String> {
    let sql = "SELECT external_id FROM gazelle_appointments WHERE deleted_at IS NULL ORDER BY external_id";
    let rows = world.rows(sql).await;
    assert!(rows.len() >= count, "{} appointments", rows.len());
    rows.iter().take(count).map(|row| row["external_id"].as_str().unwrap().to_owned()).collect()
}

fn change(world: &World, ids: &[String], notes: &str) {
    for id in ids {
        world.control.edit(RecordKind::Event, id, json!({ "notes": notes })).unwrap();
    }
}

async fn with_notes(world: &World, ids: &[String], notes: &str) -> Vec<String> {
    let sql = format!("SELECT external_id FROM gazelle_appointments WHERE notes = '{notes}'");
    let rows = world.rows(&sql).await;
    let ours = rows.iter().map(|row| row["external_id"].as_str().unwrap().to_owned());
    let mut ours: Vec<String> = ours.filter(|id| ids.contains(id)).collect();
    ours.sort();
    ours
}

#[tokio::test]
async fn each_class_of_the_row_sets_aside_the_one_record_and_names_the_trigger() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute(TRIGGER).await;
    let of_row: Vec<String> =
        states().into_iter().filter(|state| concern_in_function(state) == ErrorScope::Row).collect();
    for state in ["22001", "23001", "P0001", "42001", "HV001"] {
        assert!(of_row.iter().any(|it| it == state), "{state}: {of_row:?}");
    }
    // As many again, which nothing refuses.
    let ids = appointments(&world, of_row.len() * 2).await;
    let (refused, others) = ids.split_at(of_row.len());
    let expected: BTreeMap<&str, &str> =
        refused.iter().map(String::as_str).zip(of_row.iter().map(String::as_str)).collect();
    for (id, state) in &expected {
        world.execute(&format!("INSERT INTO my_refusals VALUES ('{id}', '{state}')")).await;
    }
    let before = world.quarantine().await.len();
    change(&world, &ids, "changed");
    let ran = world.full().await;
    assert_eq!(ran.code, 3, "more than the guard on new quarantine allows: {ran}");

    let sql =
        "SELECT q.external_id AS id, q.error_code AS code, q.error_field AS field, s.error_message AS message
                 FROM sync_quarantine q JOIN staging_appointments s ON s.id = q.staging_id
                WHERE q.error_code = 'refused_by_database' AND q.state = 'open'";
    let cases = world.rows(sql).await;
    let mut blamed: Vec<&str> = cases.iter().map(|case| case["id"].as_str().unwrap()).collect();
    blamed.sort_unstable();
    assert_eq!(blamed, expected.keys().copied().collect::<Vec<_>>());
    assert_eq!(world.quarantine().await.len(), before + expected.len());
    for case in &cases {
        let (id, message) = (case["id"].as_str().unwrap(), case["message"].as_str().unwrap());
        assert_eq!(case["field"], "public.refuse_some()", "{case}");
        assert!(message.contains(&format!("SQLSTATE {}", expected[id])), "{case}");
        assert!(!message.contains("secret"), "{case}");
    }
    assert_eq!(with_notes(&world, &ids, "changed").await, others, "all others land");
}

#[tokio::test]
async fn no_other_class_blames_a_record_and_what_is_of_the_moment_lands_later() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute(TRIGGER).await;
    let is_stopping =
        |state: &String| matches!(concern_in_function(state), ErrorScope::Database | ErrorScope::Transient);
    let stopping: Vec<String> = states().into_iter().filter(is_stopping).collect();
    for state in
        ["08001", "25001", "25006", "40001", "53001", "55006", "55P03", "57001", "58001", "72001", "XX001"]
    {
        assert!(stopping.iter().any(|it| it == state), "{state}: {stopping:?}");
    }
    // None that concerns the moment by itself concerns the row because a trigger raised it.
    for state in states().iter().filter(|state| concern(state) == ErrorScope::Transient) {
        assert!(stopping.contains(state), "{state}");
    }
    let ids = appointments(&world, 20).await;
    let refused = &ids[7];
    let before = world.quarantine().await;
    change(&world, &ids, "changed");
    world.run(&["fetch", "--mode", "full", "--entity", "appointments"]).await.success();
    let raise = |state: &str, times: u32| {
        format!(
            "DELETE FROM my_refusals; INSERT INTO my_refusals VALUES ('{refused}', '{state}', {times});
             SELECT setval('raised', 0)"
        )
    };
    for state in &stopping {
        world.execute(&raise(state, 1_000_000)).await;
        let ran = world.run(&["reconcile"]).await;
        assert_eq!(ran.code, 1, "{state}: {ran}");
        let said = ran.reasons();
        assert!(said.contains(state) && said.contains("public.refuse_some()"), "{state}: {said}");
        assert!(!said.contains("secret") && !said.contains(refused.as_str()), "{state}: {said}");
        assert_eq!(world.quarantine().await, before, "{state}");
        let tries: i64 = world.one("SELECT last_value FROM raised", &[]).await;
        let at_once = if state.starts_with("40") { 5 } else { 1 };
        assert_eq!(tries, at_once, "{state}");
        let pending = "SELECT count(*) FROM staging_appointments WHERE sync_status = 'pending'";
        assert_eq!(world.one::<i64>(pending, &[]).await, 20, "{state}: nothing is lost");
    }
    // The same where both stages are in one transaction.
    change(&world, &ids, "changed again");
    for state in ["53100", "XX001", "55P03"] {
        world.execute(&raise(state, 1_000_000)).await;
        let ran = world.full().await;
        assert_eq!(ran.code, 1, "{state}: {ran}");
        assert!(ran.reasons().contains(state), "{state}: {ran}");
        assert_eq!(world.quarantine().await, before, "{state}");
    }
    // A conflict is tried again at once, and what ends by itself needs no person.
    world.execute(&raise("40001", 2)).await;
    world.full().await.success();
    assert!(world.one::<i64>("SELECT last_value FROM raised", &[]).await > 2, "it was raised twice");
    let mut all = ids.clone();
    all.sort();
    assert_eq!(with_notes(&world, &ids, "changed again").await, all);
    assert_eq!(world.quarantine().await, before);
}

/// Constraints that a function in C refuses: its state, the condition that it refuses for the notes `secret (`, and the one
/// that it refuses for every row.
const IN_C: [(&str, &str, &str); 2] = [
    ("42601", "numnode(notes::tsquery) >= 0", "numnode((external_id || ' secret (')::tsquery) >= 0"),
    (
        "XX000",
        "pg_describe_object(CASE notes WHEN 'secret (' THEN 4 ELSE 1259 END, 1, 0) IS NULL",
        "pg_describe_object(4, 1, 0) IS NULL",
    ),
];

/// The records in quarantine that the database refused, sorted; each case names the state and no value.
async fn refused(world: &World, state: &str) -> Vec<String> {
    let sql = "SELECT q.external_id AS id, s.error_message AS message
                 FROM sync_quarantine q JOIN staging_appointments s ON s.id = q.staging_id
                WHERE q.error_code = 'refused_by_database' AND q.state = 'open' ORDER BY 1";
    let cases = world.rows(sql).await;
    for case in &cases {
        let message = case["message"].as_str().unwrap();
        assert!(message.contains(&format!("SQLSTATE {state}")) && !message.contains("secret"), "{case}");
    }
    cases.iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect()
}

/// Functions in C, such as those of PostGIS, give a value that they cannot take the states of the server's own faults.
#[tokio::test]
async fn what_may_be_the_rows_or_the_databases_is_decided_by_the_other_rows() {
    for (state, of_one, of_all) in IN_C {
        let world = World::new().await;
        world.full_sync_ok().await;
        let ids = appointments(&world, 20).await;
        let mine = |condition: &str| {
            format!(
                "ALTER TABLE gazelle_appointments DROP CONSTRAINT IF EXISTS mine;
                 ALTER TABLE gazelle_appointments ADD CONSTRAINT mine CHECK ({condition}) NOT VALID"
            )
        };
        world.execute(&mine(of_one)).await;
        change(&world, &ids, "word");
        change(&world, &ids[7..8], "secret (");
        let ran = world.full().await;
        assert_eq!(ran.code, 0, "{state}: {ran}");
        assert!(!ran.stderr.contains("secret"), "{state}: {ran}");
        assert_eq!(refused(&world, state).await, ids[7..8], "{state}: among others");
        assert_eq!(with_notes(&world, &ids, "word").await.len(), 19, "{state}: all others land");

        // The only record that a run writes, and the only one that is pending.
        change(&world, &ids[8..9], "secret (");
        let ran = world.full().await;
        assert_eq!(ran.code, 0, "{state}: {ran}");
        assert_eq!(refused(&world, state).await, ids[7..9], "{state}: alone");

        world.execute(&mine(of_all)).await;
        change(&world, &ids, "another");
        let ran = world.full().await;
        assert_eq!(ran.code, 1, "{state}: {ran}");
        assert!(ran.reasons().contains(state), "{state}: {ran}");
        assert!(!ran.reasons().contains("secret") && !ran.stderr.contains("secret"), "{state}: {ran}");
        assert_eq!(refused(&world, state).await, ids[7..9], "{state}: no other is blamed");
        let pending =
            "SELECT count(DISTINCT external_id) FROM staging_appointments WHERE sync_status = 'pending'";
        assert_eq!(world.one::<i64>(pending, &[]).await, 20, "{state}: nothing is lost");

        world.execute("ALTER TABLE gazelle_appointments DROP CONSTRAINT mine").await;
        world.full().await.success();
        assert_eq!(with_notes(&world, &ids, "another").await.len(), 20, "{state}");
    }
}

#[tokio::test]
async fn a_trigger_that_fails_on_one_row_without_a_state_of_its_own_sets_that_record_aside() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute(TRIGGER).await;
    let ids = appointments(&world, 20).await;
    world.execute(&format!("INSERT INTO my_refusals VALUES ('{}', 'XX000')", ids[0])).await;
    change(&world, &ids, "changed");
    let ran = world.full().await;
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(refused(&world, "XX000").await, ids[..1]);
    assert_eq!(with_notes(&world, &ids, "changed").await, ids[1..]);
}
