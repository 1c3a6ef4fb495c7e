//! Records that somebody made to do harm, or nobody thought of: they wait in quarantine, what is good lands, and
//! nothing of them is ever more than a value.

use crate::support::World;
use crate::support::quarantined::{place, stage};
use gazelle_sim::{Fault, FaultKind};
use gazelle_sync::entities::read::{ReconciledRecord, UNREADABLE_FIELD, UNREADABLE_ROW};
use gazelle_sync::entities::table::{Column, Table, Value as Cell};
use gazelle_sync::entities::{ENTITIES, Entity, appointments, clients, example, users};
use gazelle_sync::gazelle_to_staging::records::receive::receive_made_up;
use gazelle_sync::staging::versions::exact;
use gazelle_sync::staging_to_production::batch;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Hostile records an entity in a batch.
const HOSTILE: u64 = 300;
/// Good ones among them: after every fifth.
const GOOD: i64 = 60;

/// What a sync does with a record before the database sees it.
fn read(entity: &Entity, text: &str) {
    let received = receive_made_up(text.to_owned(), Timestamp::UNIX_EPOCH);
    let held = exact::hold(&received.raw);
    let _ = batch::reconcile(entity, &held.json, held.original);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_json_however_odd_panics_a_reconciler(number in any::<u64>()) {
        for entity in ENTITIES.iter().copied() {
            let record = example::record(entity);
            read(entity, &hostile_json::hostile(&record, number));
            read(entity, &hostile_json::broken(&record, number));
        }
    }

    #[test]
    fn no_text_at_all_panics_a_reconciler(text in "\\PC{0,60}|[{}\\[\\]\":,\\\\u0d8e1-]{0,60}") {
        for entity in ENTITIES.iter().copied() {
            read(entity, &text);
        }
    }
}

/// What the reconciler of an entity makes of a record, as a sync reads it.
fn reconciled(entity: &Entity, text: &str) -> ReconciledRecord {
    let held = exact::hold(text.as_bytes());
    batch::reconcile(entity, &held.json, held.original).unwrap_or_else(|e| panic!("{e}: {text:.300}"))
}

/// The example of an entity with this text in place of the value at a path of one of its tables.
fn with_value(entity: &Entity, table: &Table, path: &str, text: &str) -> String {
    let mut record = example::record(entity);
    let mut here = &mut record;
    for connection in table.inside() {
        here = &mut here[*connection]["nodes"][0];
    }
    for step in path.split('.') {
        if !here.is_object() {
            *here = json!({});
        }
        here = &mut here[step];
    }
    *here = json!("@here@");
    record.to_string().replace("\"@here@\"", text)
}

/// Whether what stands at `path`, relative to a row of `table`, has a say in a column.
fn depends(entity: &Entity, table: &Table, path: &str, other: &Table, column: &Column) -> bool {
    let is_part = |of: &str| of == path || of.starts_with(&format!("{path}."));
    let own = table.name == other.name && column.from.iter().any(|from| is_part(from));
    let made = column.made.as_ref();
    let made_of = made.is_some_and(|made| made.from.iter().any(|from| is_part(from.trim_start_matches('^'))));
    // Whom a technician meets goes by flags of contacts too.
    own || made_of || (path == "isDefault" && other.name == entity.tables[0].name && made.is_some())
}

/// Values that say nothing: NULL is all that can be made of them.
const BLANK: [&str; 5] = ["null", r#""""#, r#"" ""#, r#""\t\n\r""#, r#""\u0000""#];

#[test]
fn whatever_stands_in_an_optional_field_its_record_lands_and_no_other_column_changes() {
    let values = hostile_json::values();
    let mut tried = 0;
    for entity in ENTITIES.iter().copied() {
        let good = reconciled(entity, &example::record(entity).to_string());
        for (position, table) in entity.tables.iter().enumerate() {
            let optional =
                table.columns.iter().filter(|column| !column.required && !table.key.contains(&column.name));
            // The value itself, and what holds it.
            let paths = optional.filter_map(|column| Some((column, *column.from.first()?)));
            for (column, path) in paths.flat_map(|(c, p)| [(c, p), (c, p.split('.').next().unwrap_or(p))]) {
                for value in &values {
                    let made = reconciled(entity, &with_value(entity, table, path, value));
                    let what = format!("{} {path} {value:.60}", table.name);
                    assert_eq!(made.rows.len(), good.rows.len(), "{what}");
                    assert!(made.incomplete.is_empty(), "{what}");
                    for ((of, row), (_, before)) in made.rows.iter().zip(&good.rows) {
                        let other = entity.tables[*of];
                        for (index, unchanged) in other.columns.iter().enumerate() {
                            let same = row.values[index] == before.values[index];
                            assert!(
                                same || depends(entity, table, path, other, unchanged),
                                "{what}: {}.{}",
                                other.name,
                                unchanged.name
                            );
                        }
                    }
                    tried += 1;
                    let row = made.rows.iter().find(|(of, _)| *of == position).map(|(_, row)| row);
                    let is_null = row.is_some_and(|row| table.get(row, column.name) == &Cell::Null);
                    let name = format!("{}.{}", table.name, column.name);
                    let is_told = made.warnings.iter().any(|warning| {
                        let columns = warning.column.as_deref().unwrap_or_default();
                        warning.code == UNREADABLE_FIELD && columns.contains(&name)
                    });
                    let is_whole = column.from[0] == path && !BLANK.contains(&value.as_str());
                    assert!(!is_null || is_told || !is_whole, "{what}: NULL, and nobody says so");
                }
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}

#[test]
fn a_reference_of_another_shape_is_named_and_never_silently_none() {
    let mut tried = 0;
    for entity in ENTITIES.iter().copied() {
        let table = entity.tables[0];
        let referring = table
            .columns
            .iter()
            .filter_map(|column| column.from.first()?.split_once('.').map(|(field, _)| (column, field)));
        for (column, field) in referring {
            for odd in [json!("cli_1"), json!(["cli_1"]), json!(true), json!(7)] {
                let mut record = example::record(entity);
                record[field] = odd.clone();
                let made = reconciled(entity, &record.to_string());
                assert_eq!(table.get(&made.rows[0].1, column.name), &Cell::Null, "{odd}");
                let told = made.warnings.iter().any(|it| it.code == UNREADABLE_FIELD && it.field == field);
                assert!(told, "{odd} as {field}: {:?}", made.warnings);
                tried += 1;
            }
        }
    }
    assert!(tried >= 4 * 4, "{tried}");
}

#[test]
fn faults_inside_lists_are_named_by_their_place_and_leave_out_their_rows_alone() {
    for (entity, record, field) in [
        (&appointments::ENTITY, json!({"allEventPianos": {"nodes": "x"}}), "allEventPianos.nodes"),
        (&appointments::ENTITY, json!({"allEventPianos": {"edges": {}}}), "allEventPianos.edges"),
        (&appointments::ENTITY, json!({"allEventPianos": 3}), "allEventPianos"),
        (
            &appointments::ENTITY,
            json!({"allEventPianos": {"nodes": [null, {}]}}),
            "allEventPianos.nodes[1].piano.id",
        ),
        (
            &appointments::ENTITY,
            json!({"allEventPianos": {"edges": [null, {"node": {}}]}}),
            "allEventPianos.edges[1].node.piano.id",
        ),
        (
            &appointments::ENTITY,
            json!({"allEventPianos": {"edges": [{"node": 7}]}}),
            "allEventPianos.edges[0].node",
        ),
        (
            &clients::ENTITY,
            json!({"allContacts": [{"id": "c", "allLocations": {"nodes": 1}}]}),
            "allContacts[0].allLocations.nodes",
        ),
    ] {
        let mut whole = example::record(entity);
        record.as_object().unwrap().iter().for_each(|(key, value)| whole[key] = value.clone());
        let made = reconciled(entity, &whole.to_string());
        let told = made.warnings.iter().any(|it| it.code == UNREADABLE_ROW && it.field == field);
        assert!(told, "{record}: {:?}", made.warnings);
        assert!(made.incomplete.contains(&(entity.tables.len() - 1)), "{record}: {:?}", made.incomplete);
    }
}

#[tokio::test]
async fn no_number_however_written_keeps_a_record_out_of_staging() {
    let place = place().await;
    let digits = "7".repeat(20_000);
    let mut literals: Vec<String> =
        ["1e-20000", "0e-20000", "0E+99999999999", "1e16383", "-1e-16384", "1e-400", "1e400", "9.9e-401"]
            .map(str::to_owned)
            .into();
    literals.extend([
        digits.clone(),
        format!("0.{digits}"),
        format!("{digits}e-400"),
        format!("-0.{digits}e9"),
    ]);
    for (number, literal) in literals.iter().enumerate() {
        let record = format!(r#"{{"id":"usr_{number}","firstName":"Zoé","odd":{literal}}}"#);
        stage(&place, &users::ENTITY, record.clone(), None).await;
        let kept: Vec<u8> = place
            .one("SELECT raw_bytes FROM staging_users WHERE external_id = $1", &[&format!("usr_{number}")])
            .await;
        assert_eq!(String::from_utf8(kept).unwrap(), record, "as it was received");
    }
    place.run(&["reconcile"]).await.success();
    assert_eq!(place.count("gazelle_users").await, literals.len() as i64);
}

/// The example of an entity under an id of its own, and so for what only it has.
fn named(entity: &Entity, name: &str) -> Value {
    let own = [example::id(entity), "gazelle_contacts_1".to_owned(), "gazelle_locations_1".to_owned()];
    let text = own.iter().fold(example::record(entity).to_string(), |text, id| {
        text.replace(&format!("\"{id}\""), &format!("\"{name}\""))
    });
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn in_a_batch_of_hostile_records_the_good_ones_land_and_the_others_wait_with_a_reason() {
    let mut place = place().await;
    place.env.insert("GAZELLE_SYNC_QUARANTINE_GUARD_PERCENT".to_owned(), "100".to_owned());
    place.execute("CREATE TABLE not_ours (id int PRIMARY KEY); INSERT INTO not_ours VALUES (1)").await;
    let relations = "SELECT string_agg(c.relname || c.relkind::text, ' ' ORDER BY c.relname) FROM pg_class c
                      WHERE c.relnamespace = 'public'::regnamespace";
    let before = place.text(relations).await;
    // Parents that the others name.
    for entity in ENTITIES.iter().copied() {
        stage(&place, entity, example::record(entity).to_string(), None).await;
    }
    place.run(&["reconcile"]).await.success();

    for entity in ENTITIES.iter().copied() {
        for number in 0..HOSTILE {
            let record = named(entity, &format!("odd_{number}"));
            stage(&place, entity, hostile_json::hostile(&record, number), None).await;
            if number % 5 == 0 {
                let record = named(entity, &format!("good_{number}"));
                stage(&place, entity, record.to_string(), None).await;
            }
        }
    }
    let run = place.run(&["reconcile"]).await;
    run.success();

    for entity in ENTITIES.iter().copied() {
        let table = entity.tables[0].name;
        let in_production: i64 =
            place.one(&format!("SELECT count(*) FROM {table} WHERE external_id LIKE 'good\\_%'"), &[]).await;
        assert_eq!(in_production, GOOD, "{}: every good one", entity.name);
        let left = place
            .text(&format!(
                "SELECT string_agg(external_id, ', ') FROM {0}
                  WHERE sync_status = 'pending'
                     OR sync_status = 'error' AND (error_message IS NULL OR error_code IS NULL)",
                entity.staging_table
            ))
            .await;
        assert_eq!(left, None, "{}: each is in production or has a reason", entity.name);
        let refused: i64 = place
            .one(&format!("SELECT count(*) FROM {} WHERE sync_status = 'error'", entity.staging_table), &[])
            .await;
        assert!(refused > 5, "{}: {refused} refused", entity.name);
        let quoting = place
            .text(&format!(
                "SELECT string_agg(error_message, ', ') FROM {}
                  WHERE error_code <> 'missing_parent' AND error_message LIKE '%hostile%'",
                entity.staging_table
            ))
            .await;
        assert_eq!(quoting, None, "{}: messages quote no record", entity.name);
    }
    assert_eq!(place.text(relations).await, before, "nothing was created or dropped");
    assert_eq!(place.count("not_ours").await, 1);

    // Whatever came, it is reproducible: a rebuild from staging says the same.
    let again = place.run(&["replay", "--dry-run"]).await.success();
    for table in again["tables"].as_array().unwrap() {
        for kind in ["missing", "changed", "surplus"] {
            assert_eq!(table[kind], json!(0), "{table}");
        }
    }
}

#[tokio::test]
async fn text_that_looks_like_sql_is_stored_as_it_is() {
    let place = place().await;
    for (number, text) in [
        "'; DROP TABLE gazelle_pianos; --",
        "$1::text",
        "{schema}.{staging_table}",
        "\\'); DELETE FROM staging_pianos; --",
        "E'\\x00'",
        "🎹 é ’ \u{202e} \u{feff}",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("p'{number}\"; --");
        place
            .stage(
                "staging_pianos",
                &id,
                &json!({"id": id, "make": text, "tags": [text], "notes": text}),
                None,
            )
            .await;
        place.run(&["reconcile", "--entity", "pianos"]).await.success();
        let row = place.rows("SELECT external_id, make, tags, notes FROM gazelle_pianos").await.into_iter();
        let row = row.into_iter().find(|row| row["external_id"] == id.as_str()).expect("it is in production");
        assert_eq!(
            (&row["make"], &row["tags"][0], &row["notes"]),
            (&json!(text), &json!(text), &json!(text))
        );
    }
}

#[tokio::test]
async fn ten_megabytes_of_text_and_ten_thousand_levels_land_or_wait_and_block_nobody() {
    let place = place().await;
    let pianos = ENTITIES.iter().find(|entity| entity.name == "pianos").unwrap();
    let long = "é".repeat(5_000_000);
    stage(&place, pianos, json!({"id": "long", "notes": long}).to_string(), None).await;
    stage(
        &place,
        pianos,
        json!({"id": "long-id", "serialNumber": 1, "client": {"id": long}}).to_string(),
        None,
    )
    .await;
    let deep = format!("{{\"id\":\"deep\",\"notes\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    stage(&place, pianos, deep, Some("deep")).await;
    stage(&place, pianos, r#"{"id":"nul","notes":"a\u0000b\ud800c","year":1e999}"#.to_owned(), None).await;
    stage(&place, pianos, json!({"id": "good", "make": "Pleyel"}).to_string(), None).await;
    place.run(&["reconcile", "--entity", "pianos"]).await.success();
    let length: i32 =
        place.one("SELECT length(notes) FROM gazelle_pianos WHERE external_id = 'long'", &[]).await;
    assert_eq!(length, 5_000_000);
    assert_eq!(
        place.text("SELECT make FROM gazelle_pianos WHERE external_id = 'good'").await.as_deref(),
        Some("Pleyel")
    );
    assert_eq!(place.count("sync_quarantine").await, 0);
    let told = place
        .text(
            "SELECT string_agg(external_id || ' ' || column_name, ', ' ORDER BY external_id)
               FROM sync_quality_warnings WHERE code = 'unreadable_field'",
        )
        .await;
    assert_eq!(
        told.as_deref(),
        Some(
            "deep gazelle_pianos.notes, long-id gazelle_pianos.client_external_id, \
             nul gazelle_pianos.manufacture_year"
        )
    );
}

#[tokio::test]
async fn an_answer_longer_than_the_setting_allows_is_refused_and_the_rest_goes_on() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_MAX_RESPONSE_MB", "2");
    world
        .control
        .add_fault(Fault::new(FaultKind::Padding { bytes: 3 << 20 }).on_field("allPianos").forever());
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("pianos") && run.reasons().contains("longer than"), "{}", run.reasons());
    // Those that appointments name are asked for by their ids.
    let pianos = world.count("staging_pianos").await;
    assert!(
        pianos < i64::try_from(world.control.ids(gazelle_sim::RecordKind::Piano).len()).unwrap(),
        "{pianos}"
    );
    assert!(world.count("gazelle_clients").await > 0, "other entities go on");
    world.set("GAZELLE_SYNC_MAX_RESPONSE_MB", "4");
    world.full().await.success();
}
