use serde_json::json;

use super::*;
use crate::entities::entity;

fn table(name: &str) -> &'static Table {
    let tables = ["clients", "appointments"].map(|of| entity(of).unwrap().tables);
    tables.into_iter().flatten().find(|table| table.name == name).unwrap()
}

#[test]
fn the_columns_of_a_sample_are_those_whose_content_differs() {
    let pianos = table("gazelle_appointment_pianos");
    let row = |tuning: Value, deleted: Value| {
        json!({ "appointment_external_id": "evt_1", "piano_external_id": "pno_1", "is_tuning": tuning,
                "deleted_at": deleted, "staging_id": "of no interest" })
    };
    let text = |text: &str| json!(text);
    for (what, held, rebuilt, expected) in [
        (
            "equal but for its version",
            Some(row(json!(true), Value::Null)),
            Some(row(json!(true), Value::Null)),
            vec![],
        ),
        (
            "another value",
            Some(row(json!(true), Value::Null)),
            Some(row(json!(false), Value::Null)),
            vec![("is_tuning", json!(true), json!(false))],
        ),
        (
            "a value and none",
            Some(row(json!(true), Value::Null)),
            Some(row(Value::Null, Value::Null)),
            vec![("is_tuning", json!(true), Value::Null)],
        ),
        (
            "marked deleted",
            Some(row(json!(true), text("2026-01-01T00:00:00Z"))),
            Some(row(json!(true), Value::Null)),
            vec![("deleted_at", text("2026-01-01T00:00:00Z"), Value::Null)],
        ),
        (
            "missing: what it would hold",
            None,
            Some(row(Value::Null, Value::Null)),
            vec![
                ("appointment_external_id", Value::Null, text("evt_1")),
                ("piano_external_id", Value::Null, text("pno_1")),
            ],
        ),
        (
            "surplus: what it holds",
            Some(row(Value::Null, Value::Null)),
            None,
            vec![
                ("appointment_external_id", text("evt_1"), Value::Null),
                ("piano_external_id", text("pno_1"), Value::Null),
            ],
        ),
    ] {
        let expected: Vec<(String, Value, Value)> =
            expected.into_iter().map(|(name, held, rebuilt)| (name.to_owned(), held, rebuilt)).collect();
        assert_eq!(columns(pianos, held, rebuilt), expected, "{what}");
    }
}

#[test]
fn columns_that_postgres_derives_from_other_rows_are_compared_and_those_of_the_origin_are_not() {
    let compared = content_columns(table("gazelle_appointments"));
    for (name, is_compared) in [
        ("title", true),
        ("contact_external_id", true),
        ("location_external_id", true),
        ("deleted_at", true),
        ("start_at", false),
        ("staging_id", false),
        ("synced_from_gazelle_at", false),
        ("reconciler_version", false),
    ] {
        assert_eq!(compared.contains(&name), is_compared, "{name}");
    }
}

#[test]
fn a_statement_matches_all_key_columns_and_assigns_all_others() {
    let pianos = table("gazelle_appointment_pianos");
    let filled = fill("{key_match} | {first_key} | {record} | {key} | {table}", pianos);
    assert_eq!(
        filled,
        "held.appointment_external_id = rebuilt.appointment_external_id AND held.piano_external_id = \
         rebuilt.piano_external_id | appointment_external_id | appointment_external_id | appointment_external_id, \
         piano_external_id | gazelle_appointment_pianos"
    );
    let assigned = fill("{assignments}", pianos);
    assert!(assigned.contains("is_tuning = rebuilt.is_tuning"), "{assigned}");
    assert!(!assigned.contains("piano_external_id ="), "a key is never assigned: {assigned}");
}

#[test]
fn a_table_differs_if_any_row_is_missing_changed_or_surplus() {
    let none = TableDifference::none("gazelle_clients");
    for (difference, differs) in [
        (none.clone(), false),
        (TableDifference { missing: 1, ..none.clone() }, true),
        (TableDifference { changed: 1, ..none.clone() }, true),
        (TableDifference { surplus: 1, ..none.clone() }, true),
    ] {
        assert_eq!(difference.is_some(), differs, "{difference:?}");
    }
    let document = serde_json::to_value(&none).unwrap();
    assert!(document.get("keys").is_none(), "keys are shown only where they were asked for: {document}");
}
