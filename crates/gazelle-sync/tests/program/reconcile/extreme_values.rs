//! The far ends of dates, instants and numbers: what of them production holds, and what is NULL with a warning.

use crate::support::quarantined::{place, stage};
use gazelle_sync::entities::entity;
use serde_json::{Value, json};

/// A value in a field of an entity, and what its column then holds as text; none: NULL, with a warning.
struct End {
    entity: &'static str,
    field: &'static str,
    column: &'static str,
    values: &'static [(&'static str, Option<&'static str>)],
}

const ENDS: [End; 5] = [
    End {
        entity: "clients",
        field: "noContactUntil",
        column: "no_contact_until::text",
        values: &[
            ("\"9999-12-31\"", Some("9999-12-31")),
            ("\"9999-12-31T23:59:59Z\"", Some("9999-12-31")),
            ("\"0001-01-01\"", Some("0001-01-01")),
            ("\"0000-01-01\"", Some("0001-01-01 BC")),
            ("\"-004712-01-01\"", Some("4713-01-01 BC")),
            ("\"-004713-11-24\"", Some("4714-11-24 BC")),
            // Before the first day of Postgres; beyond what the program can read; no dates of ISO 8601.
            ("\"-004713-11-23\"", None),
            ("\"+010000-01-01\"", None),
            ("\"+294276-12-31\"", None),
            ("\"4713-01-01 BC\"", None),
            ("\"infinity\"", None),
            ("\"-infinity\"", None),
        ],
    },
    End {
        entity: "clients",
        field: "createdAt",
        column: "(source_created_at AT TIME ZONE 'UTC')::text",
        values: &[
            ("\"9999-12-31T23:59:59Z\"", Some("9999-12-31 23:59:59")),
            ("\"9999-12-31T23:59:59.999999Z\"", Some("9999-12-31 23:59:59.999999")),
            ("\"9999-12-31\"", Some("9999-12-31 00:00:00")),
            ("\"0001-01-01T00:00:00Z\"", Some("0001-01-01 00:00:00")),
            ("\"-004712-01-01T00:00:00Z\"", Some("4713-01-01 00:00:00 BC")),
            ("\"-004713-11-25T00:00:00Z\"", Some("4714-11-25 00:00:00 BC")),
            ("\"-004713-11-24T23:59:59Z\"", None),
            ("\"9999-12-31T23:59:59-05:00\"", None),
            ("\"+294276-12-31T23:59:59Z\"", None),
            ("\"infinity\"", None),
        ],
    },
    End {
        entity: "appointments",
        field: "start",
        column: "(start_at AT TIME ZONE 'UTC')::text",
        values: &[
            ("\"9999-12-31T23:59:59Z\"", Some("9999-12-31 23:59:59")),
            ("\"0001-01-01T00:00:00Z\"", Some("0001-01-01 00:00:00")),
            ("\"-004713-11-25T00:00:00Z\"", Some("4714-11-25 00:00:00 BC")),
        ],
    },
    End {
        entity: "appointments",
        field: "buffer",
        column: "buffer_minutes::text",
        values: &[
            ("2147483647", Some("2147483647")),
            ("-2147483648", Some("-2147483648")),
            ("2147483648", None),
            ("9223372036854775807", None),
            ("-9223372036854775808", None),
            ("18446744073709551616", None),
            ("1e400", None),
        ],
    },
    End {
        entity: "appointments",
        field: "lat",
        column: "latitude::text",
        values: &[
            ("1.7976931348623157e308", Some("1.7976931348623157e+308")),
            ("-1.7976931348623157e308", Some("-1.7976931348623157e+308")),
            ("5e-324", Some("5e-324")),
            ("9223372036854775807", Some("9.223372036854776e+18")),
            ("0.1000000000000000055511151231257827", Some("0.1")),
            ("1e309", None),
            ("1e131073", None),
            ("\"NaN\"", None),
            ("\"Infinity\"", None),
        ],
    },
];

#[tokio::test]
async fn the_far_ends_of_what_postgres_holds_are_read_as_far_as_the_program_reads_years() {
    let mut place = place().await;
    place.env.insert("GAZELLE_SYNC_QUARANTINE_GUARD_RECORDS".to_owned(), "0".to_owned());
    let mut expected: Vec<(String, &End, &str, Option<&str>)> = Vec::new();
    for end in &ENDS {
        for (number, (value, held)) in end.values.iter().enumerate() {
            let id = format!("{}_{}_{number}", end.entity, end.field);
            let mut record = json!({ "id": id, "start": "2026-01-09T12:00:00Z" });
            record[end.field] = json!("@");
            let text = record.to_string().replace("\"@\"", value);
            stage(&place, entity(end.entity).unwrap(), text, Some(&id)).await;
            expected.push((id, end, value, *held));
        }
    }
    let run = place.run(&["reconcile"]).await;
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.json()["errors"], 0, "{run}");
    for (id, end, value, held) in expected {
        let table = entity(end.entity).unwrap().tables[0].name;
        let sql = format!("SELECT {} FROM {table} WHERE external_id = '{id}'", end.column);
        assert_eq!(place.text(&sql).await.as_deref(), held, "{}.{} = {value}", end.entity, end.field);
        let warned = format!(
            "sync_quality_warnings WHERE external_id = '{id}' AND code = 'unreadable_field' AND field = '{}'",
            end.field
        );
        assert_eq!(place.count(&warned).await, i64::from(held.is_none()), "{} = {value}", end.field);
    }
    // And production can be compared and shown.
    for args in [
        &["replay", "--dry-run"][..],
        &["verify", "--offline"],
        &["explain", "clients_createdAt_0", "source_created_at"],
        &["explain", "appointments_start_0", "start_at"],
        &["history", "appointments_start_0"],
    ] {
        let ran = place.run(args).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran}");
    }
    let dry = place.run(&["replay", "--dry-run"]).await.success();
    let changes = |table: &Value| {
        ["missing", "changed", "surplus"].map(|kind| table[kind].as_i64().unwrap_or_default())
    };
    assert!(dry["tables"].as_array().unwrap().iter().all(|table| changes(table) == [0, 0, 0]), "{dry}");
}
