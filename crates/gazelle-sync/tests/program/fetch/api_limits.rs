//! An API with limits, or with habits of its own: the walk goes on in smaller steps, and reads what comes.

use std::collections::BTreeSet;

use crate::support::walks::{EVENTS, assert_whole};
use crate::support::{CommandOutput, World, entity};
use gazelle_sim::{Fault, FaultKind, RecordKind, Undated};
use serde_json::{Value, json};

/// What production holds of a healthy small shop.
const CLIENTS: i64 = 40;
const EVENTS_HELD: i64 = 117;

fn limit(kind: FaultKind) -> Fault {
    Fault::new(kind).forever()
}

/// A limit of one measure.
fn only(change: impl FnOnce(&mut Limit)) -> FaultKind {
    let mut limit = Limit { status: 200, ..Limit::default() };
    change(&mut limit);
    let Limit { complexity, per_record, depth, aliases, page_size, status, code } = limit;
    FaultKind::QueryLimit { complexity, per_record, depth, aliases, page_size, status, code }
}

#[derive(Default)]
struct Limit {
    complexity: Option<u64>,
    per_record: bool,
    depth: Option<u64>,
    aliases: Option<u64>,
    page_size: Option<u64>,
    status: u16,
    code: Option<String>,
}

/// The messages of the run's warnings of this code.
fn warned(run: &CommandOutput, code: &str) -> Vec<String> {
    let warnings = run.json()["warnings"].as_array().cloned().unwrap_or_default();
    let of_code = warnings.iter().filter(|warning| warning["code"] == code);
    of_code.map(|warning| warning["message"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn assert_all_are_in_production(world: &World) {
    assert_whole(world).await;
    assert_eq!(world.count("gazelle_clients").await, CLIENTS);
    assert_eq!(world.count("gazelle_pianos").await, 162);
    assert_eq!(world.count("gazelle_appointments").await, EVENTS_HELD);
}

/// Pages that are worth splitting a small shop's walks for.
async fn with_small_pages() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world
}

#[tokio::test]
async fn a_counting_query_that_is_too_complex_stops_no_sync_and_the_api_is_quoted() {
    let world = with_small_pages().await;
    world.control.add_fault(limit(only(|limit| limit.aliases = Some(5))));
    world.control.add_fault(limit(FaultKind::max_complexity(100)));
    let run = world.full().await;
    run.success();
    assert_all_are_in_production(&world).await;
    let warnings = warned(&run, "api_limit");
    assert!(warnings.iter().any(|warning| warning.contains("limit of 5 exceeded")), "{warnings:?}");
    let said =
        world.text("SELECT value FROM sync_notes WHERE key = 'api_limits:appointments'").await.unwrap();
    assert!(said.contains("counts"), "{said}");

    // What worked is remembered: an incremental run asks for nothing that is refused.
    world.control.clear_requests();
    world.incremental().await.success();
    let refused = world
        .control
        .requests()
        .iter()
        .filter(|request| request.operation.as_deref() == Some("AppointmentsCounts"))
        .count();
    assert!(refused <= 4, "{refused} counting requests");
    let run = world.incremental().await;
    assert_eq!(warned(&run, "api_limit"), Vec::<String>::new(), "{run}");

    // And when the limit is lifted, full syncs find their way back.
    world.control.clear_faults();
    for _ in 0..8 {
        world.full().await.success();
    }
    let note =
        world.text("SELECT value FROM sync_notes WHERE key = 'api_limits:appointments'").await.unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    assert_eq!((&note["counts"], &note["page"]), (&Value::Null, &Value::Null), "{note}");
}

/// As from a server that allows pages to a key, and not the count of everything.
#[tokio::test]
async fn a_counting_query_that_is_answered_unauthorized_stops_no_sync() {
    let world = with_small_pages().await;
    for entity in ["Clients", "Pianos", "Appointments"] {
        let kind = FaultKind::GraphqlError {
            message: "not for this key".to_owned(),
            extensions: Some(serde_json::json!({ "code": "UNAUTHORIZED" })),
        };
        world.control.add_fault(Fault::new(kind).on_operation(&format!("{entity}Counts")).forever());
    }
    world.full().await.success();
    assert_all_are_in_production(&world).await;
}

#[tokio::test]
async fn every_limit_of_a_graphql_server_is_walked_under() {
    let cases: Vec<(&str, FaultKind)> = vec![
        ("no alias at all", only(|limit| limit.aliases = Some(0))),
        (
            "an alias, as 400 with a code of its own",
            only(|limit| {
                limit.aliases = Some(1);
                limit.status = 400;
                limit.code = Some("GRAPHQL_VALIDATION_FAILED".to_owned());
            }),
        ),
        ("pages of 3", only(|limit| limit.page_size = Some(3))),
        (
            "pages of 1, by a gateway that fails",
            only(|limit| {
                limit.page_size = Some(1);
                limit.status = 504;
            }),
        ),
        (
            "pages of 20 at most, by a gateway",
            only(|limit| {
                limit.page_size = Some(20);
                limit.status = 502;
            }),
        ),
        (
            "fields times records",
            only(|limit| {
                limit.complexity = Some(2_000);
                limit.per_record = true;
            }),
        ),
        ("depth, of introspection", only(|limit| limit.depth = Some(8))),
    ];
    for (name, kind) in cases {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "25");
        world.control.add_fault(limit(kind));
        let run = world.full().await;
        assert_eq!(run.code, 0, "{name}: {run}");
        assert_all_are_in_production(&world).await;
    }
}

#[tokio::test]
async fn counting_that_fails_in_any_way_is_done_without() {
    let message = "PG::QueryCanceled: statement timeout".to_owned();
    for kind in [
        FaultKind::GraphqlError { message, extensions: None },
        FaultKind::ServerError,
        FaultKind::BadGateway,
        FaultKind::HtmlOk,
        FaultKind::Status { status: 400, body: "{}".to_owned() },
        FaultKind::ConnectionReset,
        FaultKind::TooManyRequests { retry_after_seconds: Some(0) },
    ] {
        let world = with_small_pages().await;
        for operation in ["ClientsCounts", "PianosCounts", "AppointmentsCounts"] {
            world.control.add_fault(Fault::new(kind.clone()).on_operation(operation).forever());
        }
        let run = world.full().await;
        assert_eq!(run.code, 0, "{kind:?}: {run}");
        assert_all_are_in_production(&world).await;
    }
}

#[tokio::test]
async fn a_walk_that_failed_is_not_said_to_have_been_read_in_smaller_steps() {
    let world = with_small_pages().await;
    world.control.add_fault(limit(only(|limit| limit.aliases = Some(0))).on_operation("ClientsCounts"));
    let refused = FaultKind::Status { status: 403, body: "{}".to_owned() };
    world.control.add_fault(Fault::new(refused).on_operation("ClientsPage").forever());
    let run = world.full().await;
    assert_eq!(run.entity("clients")["walk_complete"], false, "{run}");
    assert_eq!(warned(&run, "api_limit"), Vec::<String>::new(), "{run}");
}

#[tokio::test]
async fn an_introspection_that_is_refused_is_a_warning_in_the_words_of_the_api() {
    let world = World::new().await;
    let message = "Query has depth of 13, which exceeds max depth of 10".to_owned();
    world.control.add_fault(
        Fault::new(FaultKind::GraphqlError { message: message.clone(), extensions: None })
            .on_field("__schema")
            .forever(),
    );
    let run = world.full().await;
    run.success();
    let warnings = warned(&run, "schema_unread");
    assert!(warnings.iter().any(|warning| warning.contains(&message)), "{warnings:?}");
}

#[tokio::test]
async fn undated_events_are_found_at_whichever_end_of_the_list_they_are() {
    for order in [Undated::Largest, Undated::Smallest, Undated::Last] {
        let world = with_small_pages().await;
        world.control.add_fault(limit(FaultKind::UndatedOrder { order }).on_field(EVENTS));
        let run = world.full().await;
        run.success();
        assert_all_are_in_production(&world).await;
        let fetched = |run: &CommandOutput| run.entity("appointments")["fetched"].as_i64().unwrap();
        assert!(fetched(&run) < 135, "{order:?}: fetched {} of 120", fetched(&run));
        // The end is remembered: the next time only that one is looked at.
        let again = world.full().await;
        assert!(fetched(&again) <= 130 && fetched(&again) <= fetched(&run), "{order:?}: {}", fetched(&again));
        let pages: BTreeSet<String> = world
            .control
            .requests()
            .iter()
            .filter_map(|request| request.variables.get("sortBy").map(Value::to_string))
            .collect();
        let expected = match order {
            Undated::Largest => 1,
            _ => 2,
        };
        assert_eq!(pages.len(), expected, "{order:?}: {pages:?}");
    }
}

/// From the end of a list one page is read, which they do not fit in: then the list is read in one sequence, and at once
/// in later runs.
#[tokio::test]
async fn more_undated_events_than_a_page_at_the_end_of_the_list_are_read_once() {
    let world = with_small_pages().await;
    for n in 0..45 {
        let mut event = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
        (event["id"], event["start"]) = (json!(format!("evt_undated_{n}")), Value::Null);
        world.control.add_raw_event(event, None).unwrap();
    }
    let order = Undated::Last;
    world.control.add_fault(limit(FaultKind::UndatedOrder { order }).on_field(EVENTS));
    let events = world.control.ids(RecordKind::Event).len() as i64;
    // The first run looks for them at two other ends, and reads the windows before it knows.
    for most in [events * 2 + 100, events + 20] {
        let run = world.full().await;
        assert_eq!(run.entity("appointments")["walk_complete"], true, "{run}");
        let fetched = run.entity("appointments")["fetched"].as_i64().unwrap();
        assert!(fetched <= most, "fetched {fetched} of {events}");
    }
    assert_eq!(world.count("staging_appointments").await, events);
}

#[tokio::test]
async fn answers_are_read_that_come_compressed_said_or_not() {
    for announced in [true, false] {
        let world = World::new().await;
        world.control.add_fault(limit(FaultKind::Gzip { announced }));
        let report = world.full_sync_ok().await;
        assert_eq!(entity(&report, "clients")["walk_complete"], true);
        assert_all_are_in_production(&world).await;
    }
}

/// What is remembered of an entity's limits.
async fn noted(world: &World, entity: &str) -> Option<Value> {
    let note = world.text(&format!("SELECT value FROM sync_notes WHERE key = 'api_limits:{entity}'")).await?;
    Some(serde_json::from_str(&note).unwrap())
}

#[tokio::test]
async fn a_failure_of_the_moment_is_not_remembered_as_a_limit() {
    let status = |status| FaultKind::Status { status, body: "{}".to_owned() };
    for (kind, times) in [
        (FaultKind::ConnectionReset, 1),
        (FaultKind::ConnectionReset, 3),
        (status(503), 1),
        (status(503), 3),
        (status(500), 3),
        (FaultKind::BadGateway, 1),
        (FaultKind::CutBody, 3),
        (FaultKind::HtmlOk, 3),
        (FaultKind::TooManyRequests { retry_after_seconds: None }, 3),
    ] {
        let world = with_small_pages().await;
        for operation in ["AppointmentsCounts", "PianosPage"] {
            world.control.add_fault(Fault::new(kind.clone()).on_operation(operation).times(times));
        }
        let run = world.full().await;
        assert_eq!(run.code, 0, "{kind:?} x {times}: {run}");
        assert_all_are_in_production(&world).await;
        for entity in ["appointments", "pianos"] {
            assert_eq!(noted(&world, entity).await, None, "{entity}, {kind:?} x {times}");
        }
        assert_eq!(warned(&run, "api_limit"), Vec::<String>::new(), "{kind:?} x {times}");
    }
}

#[tokio::test]
async fn a_failure_between_refusals_is_not_taken_for_a_smaller_limit() {
    let world = with_small_pages().await;
    world.control.add_fault(limit(only(|limit| limit.aliases = Some(5))).on_operation("AppointmentsCounts"));
    // The fourth counting request is one of two counts or so, which the limit lets pass.
    let reset = Fault::new(FaultKind::ConnectionReset).on_operation("AppointmentsCounts");
    world.control.add_fault(reset.skip(3).times(1));
    world.full().await.success();
    let note = noted(&world, "appointments").await.unwrap();
    assert!(note["counts"].as_i64().unwrap() >= 2, "{note}");
    assert_all_are_in_production(&world).await;
}

#[tokio::test]
async fn what_a_gateway_fails_at_each_time_is_remembered() {
    for status in [502, 504] {
        let world = with_small_pages().await;
        world.control.add_fault(limit(only(|limit| {
            limit.page_size = Some(6);
            limit.status = status;
        })));
        let counts = Fault::new(FaultKind::Status { status, body: String::new() });
        world.control.add_fault(counts.on_operation("AppointmentsCounts").forever());
        world.full().await.success();
        assert_all_are_in_production(&world).await;
        let note = noted(&world, "appointments").await.unwrap();
        assert_eq!(note["counts"], 0, "{status}: {note}");
        assert!(note["page"].as_i64().is_some_and(|page| (1..=6).contains(&page)), "{status}: {note}");
        // Later runs start at the sizes that worked.
        world.control.clear_requests();
        world.incremental().await.success();
        let failed: Vec<_> = world
            .control
            .requests()
            .into_iter()
            .filter(|request| request.operation.as_deref() == Some("AppointmentsCounts"))
            .collect();
        assert!(failed.is_empty(), "{status}: {failed:?}");
    }
}
