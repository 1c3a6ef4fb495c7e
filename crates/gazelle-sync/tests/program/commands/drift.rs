//! Drift of the API: what its schema says before a full sync, and what a run makes of it.

use crate::support::{CommandOutput, World};
use gazelle_sim::{Fault, FaultKind, ShopSpec, SimOptions};
use serde_json::Value;

fn gone(type_name: &str, field: &str) -> FaultKind {
    FaultKind::FieldGone { type_name: type_name.to_owned(), field: field.to_owned() }
}

fn new_field(type_name: &str, field: &str) -> FaultKind {
    FaultKind::FieldNew {
        type_name: type_name.to_owned(),
        field: field.to_owned(),
        field_type: "[String!]".to_owned(),
    }
}

fn changed(type_name: &str, field: &str, field_type: &str) -> FaultKind {
    FaultKind::TypeChanged {
        type_name: type_name.to_owned(),
        field: field.to_owned(),
        field_type: field_type.to_owned(),
    }
}

fn new_value(type_name: &str, value: &str) -> FaultKind {
    FaultKind::EnumValueNew { type_name: type_name.to_owned(), value: value.to_owned() }
}

/// The warnings of a run as code and subject, in the report and in the database alike.
async fn warnings(world: &World, run: &CommandOutput) -> Vec<(String, String)> {
    let report = run.json();
    let listed = |rows: &[Value]| {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let mut listed: Vec<(String, String)> =
            rows.iter().map(|row| (text(row, "code"), text(row, "subject"))).collect();
        listed.sort();
        for row in rows {
            assert!(!text(row, "message").is_empty());
        }
        listed
    };
    let told = listed(report["warnings"].as_array().unwrap());
    let run_id = report["run_id"].as_str().unwrap();
    let kept = world.rows(&format!("SELECT * FROM sync_run_warnings WHERE run_id = '{run_id}'")).await;
    assert_eq!(told, listed(&kept), "what is told is what is kept");
    told
}

async fn staged(world: &World) -> i64 {
    let mut rows = 0;
    for table in crate::support::staging_tables() {
        rows += world.count(table).await;
    }
    rows
}

#[tokio::test]
async fn a_needed_field_that_is_gone_fails_the_run_before_anything_is_staged() {
    for (type_name, field, query) in [
        ("PrivateEvent", "buffer", "AppointmentsPage"),
        ("PrivateContactLocation", "what3words", "ContactMoreLocations"),
        ("PrivateQuery", "piano", "PianoById"),
    ] {
        let world = World::new().await;
        world.control.add_fault(Fault::new(gone(type_name, field)).forever());
        let run = world.full().await;
        assert_eq!(run.code, 1, "{run}");
        let reasons = run.reasons();
        assert!(reasons.contains(&format!("{type_name}.{field} is gone")), "{reasons}");
        assert!(reasons.contains(query), "{reasons}");
        assert_eq!(staged(&world).await, 0, "nothing of any entity is staged");
        let only_the_schema = world.control.requests().iter().all(|r| r.root_fields == ["__schema"]);
        assert!(only_the_schema, "nothing was asked for");
        assert_eq!(world.text("SELECT status FROM sync_runs").await.as_deref(), Some("failed"));
        assert_eq!(
            world.text("SELECT operation FROM sync_run_requests").await.as_deref(),
            Some("Introspection")
        );

        // It comes back, and the next run does all the work.
        world.control.clear_faults();
        let back = world.full().await;
        back.success();
        assert!(staged(&world).await > 0);
        assert_eq!(warnings(&world, &back).await, [], "what was there before is no news");
    }
}

#[tokio::test]
async fn what_another_entity_needs_does_not_stop_a_run() {
    let world = World::new().await;
    world.control.add_fault(Fault::new(gone("PrivatePiano", "serialNumber")).on_field("allPianos").forever());
    let run = world.run(&["sync", "--mode", "full", "--entity", "users"]).await;
    run.success();
    let told = warnings(&world, &run).await;
    assert_eq!(told, [("needed_elsewhere".to_owned(), "PrivatePiano.serialNumber is gone".to_owned())]);
}

#[tokio::test]
async fn changes_that_harm_nothing_are_warnings_that_name_them_once() {
    let world = World::new().await;
    let first = world.full().await;
    first.success();
    assert_eq!(warnings(&world, &first).await, [], "the first schema is no change");
    for fault in [
        new_field("PrivatePiano", "voicing"),
        new_value("EventStatus", "HOLOGRAM"),
        changed("PrivateEvent", "duration", "Float"),
        gone("PrivateEvent", "remoteType"),
        // None of our queries goes near these.
        new_field("PrivateInvoice", "colour"),
        new_value("InvoiceSort", "BY_MOOD"),
    ] {
        world.control.add_fault(Fault::new(fault).forever());
    }
    let run = world.full().await;
    run.success();
    let told = warnings(&world, &run).await;
    let expected: Vec<(String, String)> = [
        ("field_gone", "PrivateEvent.remoteType"),
        ("new_enum_value", "EventStatus.HOLOGRAM"),
        ("new_field", "PrivatePiano.voicing"),
        ("type_changed", "PrivateEvent.duration"),
    ]
    .map(|(code, subject)| (code.to_owned(), subject.to_owned()))
    .into();
    assert_eq!(told, expected);
    let messages = run.json()["warnings"].to_string();
    assert!(messages.contains("was Int and is Float"), "{messages}");

    let again = world.full().await;
    again.success();
    assert_eq!(warnings(&world, &again).await, [], "a change is told once");
    assert_eq!(world.count("sync_source_schemas").await, 2);

    world.control.clear_faults();
    let back = world.full().await;
    back.success();
    let codes: Vec<String> = warnings(&world, &back).await.into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["enum_value_gone", "field_gone", "new_field", "type_changed"]);
    assert_eq!(world.count("sync_source_schemas").await, 2, "a schema that returns is the one seen before");
}

#[tokio::test]
async fn an_api_that_shows_no_schema_is_a_warning_and_no_failure() {
    let closed = SimOptions { introspection: false, ..SimOptions::default() };
    let world = World::with(ShopSpec::small(7), closed).await;
    let run = world.full().await;
    run.success();
    assert_eq!(warnings(&world, &run).await, [("schema_unread".to_owned(), "__schema".to_owned())]);

    let world = World::new().await;
    let refusal = |message: &str| FaultKind::GraphqlError { message: message.to_owned(), extensions: None };
    for fault in [refusal("Introspection is disabled"), FaultKind::ServerError, FaultKind::HtmlOk] {
        let id = world.control.add_fault(Fault::new(fault.clone()).on_field("__schema").forever());
        let run = world.full().await;
        run.success();
        assert_eq!(warnings(&world, &run).await.len(), 1, "{fault:?}");
        assert!(world.control.remove_fault(id));
    }
    assert_eq!(world.count("sync_source_schemas").await, 0);
}

#[tokio::test]
async fn an_incremental_sync_does_not_ask_for_the_schema() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.control.clear_requests();
    world.incremental().await.success();
    let asked = world.control.requests().iter().any(|r| r.root_fields.iter().any(|f| f == "__schema"));
    assert!(!asked);
}
