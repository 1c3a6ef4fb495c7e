//! Records that somebody made to do harm, or nobody thought of: they wait in quarantine, what is good lands, and
//! nothing of them is ever more than a value.

mod support;

use gazelle_sim::{Fault, FaultKind};
use gazelle_sync::entities::read::ErrorCode;
use gazelle_sync::entities::{ENTITIES, Entity, appointments, clients, example, users};
use gazelle_sync::gazelle_to_staging::receive::receive_made_up;
use gazelle_sync::staging::exact;
use gazelle_sync::staging_to_production::batch;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::quarantined::place;
use support::{Place, World};

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
        for entity in ENTITIES {
            let record = example::record(entity);
            read(entity, &hostile_json::hostile(&record, number));
            read(entity, &hostile_json::broken(&record, number));
        }
    }

    #[test]
    fn no_text_at_all_panics_a_reconciler(text in "\\PC{0,60}|[{}\\[\\]\":,\\\\u0d8e1-]{0,60}") {
        for entity in ENTITIES {
            read(entity, &text);
        }
    }
}

#[test]
fn a_reference_of_another_shape_is_refused_by_name_and_never_read_as_none() {
    let mut tried = 0;
    for entity in ENTITIES {
        let referring =
            entity.tables[0].columns.iter().filter_map(|column| column.from.first()?.split_once('.'));
        for (field, _) in referring {
            for odd in [json!("cli_1"), json!(["cli_1"]), json!(true), json!(7)] {
                let mut record = example::record(entity);
                record[field] = odd.clone();
                let error = batch::reconcile(entity, &record.to_string(), None).unwrap_err();
                assert_eq!(
                    (error.code, error.field.as_str()),
                    (ErrorCode::InvalidField, field),
                    "{odd}: {error}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried >= 4 * 4, "{tried}");
}

#[test]
fn faults_inside_lists_are_named_by_their_place() {
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
            &clients::ENTITY,
            json!({"allContacts": [{"id": "c", "allLocations": {"nodes": 1}}]}),
            "allContacts[0].allLocations.nodes",
        ),
    ] {
        let mut whole = example::record(entity);
        record.as_object().unwrap().iter().for_each(|(key, value)| whole[key] = value.clone());
        let error = batch::reconcile(entity, &whole.to_string(), None).unwrap_err();
        assert_eq!(error.field, field, "{record}: {error}");
    }
}

/// Stages a record as stage 1 does: its id, what `jsonb` can hold of it, and the rest as bytes.
async fn stage(place: &Place, entity: &Entity, text: String, id: Option<&str>) -> String {
    let received = receive_made_up(text, Timestamp::now());
    let held = exact::hold(&received.raw);
    let id = id.map_or_else(|| received.external_id.clone(), str::to_owned);
    let sql = format!(
        "INSERT INTO {} (external_id, raw_data, raw_bytes, fetched_at) VALUES ($1, $2::text::jsonb, $3, clock_timestamp())",
        entity.staging_table
    );
    place
        .db
        .execute(&sql, &[&id, &held.json.as_ref(), &held.original])
        .await
        .unwrap_or_else(|e| panic!("{id}: {e:?}"));
    id
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
    let place = place().await;
    place.execute("CREATE TABLE not_ours (id int PRIMARY KEY); INSERT INTO not_ours VALUES (1)").await;
    let relations = "SELECT string_agg(c.relname || c.relkind::text, ' ' ORDER BY c.relname) FROM pg_class c
                      WHERE c.relnamespace = 'public'::regnamespace";
    let before = place.text(relations).await;
    // Parents that the others name.
    for entity in ENTITIES {
        stage(&place, entity, example::record(entity).to_string(), None).await;
    }
    place.run(&["reconcile"]).await.success();

    for entity in ENTITIES {
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

    for entity in ENTITIES {
        let table = entity.tables[0].name;
        let landed: i64 =
            place.one(&format!("SELECT count(*) FROM {table} WHERE external_id LIKE 'good\\_%'"), &[]).await;
        assert_eq!(landed, GOOD, "{}: every good one", entity.name);
        let left = place
            .text(&format!(
                "SELECT string_agg(external_id, ', ') FROM {0}
                  WHERE sync_status = 'pending'
                     OR sync_status = 'error' AND (error_message IS NULL OR error_code IS NULL)",
                entity.staging_table
            ))
            .await;
        assert_eq!(left, None, "{}: each has landed or has a reason", entity.name);
        let refused: i64 = place
            .one(&format!("SELECT count(*) FROM {} WHERE sync_status = 'error'", entity.staging_table), &[])
            .await;
        assert!(refused > 50, "{}: {refused} refused", entity.name);
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
        let row = row.into_iter().find(|row| row["external_id"] == id.as_str()).expect("it landed");
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
    let mut reasons = Vec::new();
    for case in
        place.rows("SELECT external_id, error_code, error_field FROM sync_quarantine ORDER BY 1").await
    {
        reasons.push(format!(
            "{} {} {}",
            case["external_id"].as_str().unwrap(),
            case["error_code"].as_str().unwrap(),
            case["error_field"].as_str().unwrap_or_default()
        ));
    }
    assert_eq!(reasons, ["deep unreadable ", "long-id invalid_field client.id", "nul invalid_field year"]);
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
    assert_eq!(world.count("staging_pianos").await, 0);
    assert!(world.count("gazelle_clients").await > 0, "other entities go on");
    world.set("GAZELLE_SYNC_MAX_RESPONSE_MB", "4");
    world.full().await.success();
}
