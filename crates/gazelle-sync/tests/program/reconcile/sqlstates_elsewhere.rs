//! The classes of SQLSTATE, raised by triggers on tables of staging and of the bookkeeping: what concerns the row keeps that
//! row as it is and is reported with the trigger's name; what concerns the database or the moment stops the run.

use crate::support::TestInstallation;
use crate::support::quarantined::place;
use gazelle_sync::db::sqlstate::{CLASSES, ErrorScope, concern_in_function};
use serde_json::json;

/// A state of each class, without those of a conflict, which is tried again.
fn states() -> impl Iterator<Item = String> {
    CLASSES.iter().map(|(class, ..)| format!("{class}001")).filter(|state| !state.starts_with("40"))
}

/// Where a run raises the state that is set, and for which row.
struct Raised {
    table: &'static str,
    operation: &'static str,
    condition: &'static str,
}

const RAISED: [Raised; 2] = [
    Raised {
        table: "staging_clients",
        operation: "UPDATE",
        condition: "OLD.external_id = 'c1' AND OLD.sync_status = 'processed'",
    },
    Raised { table: "sync_notes", operation: "DELETE", condition: "OLD.key LIKE '%:c1'" },
];

/// Two clients whose warnings are still to be noted, and another one.
async fn unnoted() -> TestInstallation {
    let place = place().await;
    for id in ["c1", "c2", "c3"] {
        place.stage("staging_clients", id, &json!({ "id": id, "companyName": "Avant" }), None).await;
    }
    place.run(&["reconcile"]).await.success();
    place
        .execute("INSERT INTO sync_notes (key, value) VALUES ('unnoted_warnings:clients:c1', ''), ('unnoted_warnings:clients:c2', '')")
        .await;
    place
}

#[tokio::test]
async fn each_class_concerns_the_row_or_the_database_also_where_versions_are_made_pending_again() {
    for Raised { table, operation, condition } in RAISED {
        let place = unnoted().await;
        let goes_on = if operation == "DELETE" { "OLD" } else { "NEW" };
        for state in states() {
            let what = format!("{operation} {table} {state}");
            place
                .execute(&format!(
                    "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                       BEGIN IF {condition} THEN RAISE 'secret' USING ERRCODE = '{state}'; END IF; RETURN {goes_on}; END $$;
                     CREATE OR REPLACE TRIGGER refuse BEFORE {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
                ))
                .await;
            place.stage("staging_clients", "c3", &json!({ "id": "c3", "companyName": state }), None).await;
            let run = place.run(&["reconcile"]).await;
            let said = run.reasons();
            let is_rows = concern_in_function(&state) == ErrorScope::Row;
            assert_eq!(run.code, if is_rows { 3 } else { 1 }, "{what}: {run}");
            assert!(said.contains(&state) && said.contains("refuse()"), "{what}: {said}");
            assert!(!said.contains("secret"), "{what}: {said}");
            assert_eq!(said.contains("c1"), is_rows, "{what}: {said}");
            let in_production = format!("gazelle_clients WHERE company_name = '{state}'");
            assert_eq!(place.count(&in_production).await, i64::from(is_rows), "{what}: {run}");
            let noted = "sync_notes WHERE key = 'unnoted_warnings:clients:c1'";
            assert_eq!(place.count(noted).await, 1, "{what}: {run}");
            assert_eq!(place.count("sync_quarantine").await, 0, "{what}: {run}");
        }
        place.execute("DROP FUNCTION refuse CASCADE").await;
        place.run(&["reconcile"]).await.success();
        assert_eq!(place.count("sync_notes WHERE key LIKE 'unnoted%'").await, 0);
    }
}
