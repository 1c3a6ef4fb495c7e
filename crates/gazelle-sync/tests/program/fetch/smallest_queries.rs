//! An API that accepts no query with all fields of a record: they are asked for in parts, and what is stored is the same.

use crate::support::whole::snapshot_all_tables;
use crate::support::{CommandOutput, Tables, World, assert_same, connect, run_to_end};
use gazelle_sim::{Fault, FaultKind, RecordKind};
use serde_json::{Value, json};

#[derive(Default, Clone, Copy)]
struct Limit {
    complexity: Option<u64>,
    per_record: bool,
    depth: Option<u64>,
}

impl Limit {
    fn fault(self) -> Fault {
        let Limit { complexity, per_record, depth } = self;
        let (aliases, page_size, status, code) = (None, None, 200, None);
        let kind = FaultKind::QueryLimit { complexity, per_record, depth, aliases, page_size, status, code };
        Fault::new(kind).forever()
    }
}

fn complexity(most: u64) -> Limit {
    Limit { complexity: Some(most), ..Limit::default() }
}

fn depth(most: u64) -> Limit {
    Limit { depth: Some(most), ..Limit::default() }
}

/// A shop with long lists inside its records, and the database that an API without limits gives.
async fn shop() -> (World, Tables) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let expected = snapshot_all_tables(&world.db).await;
    (world, expected)
}

/// A sync from the same shop into a database of its own.
async fn sync(world: &World, database: &str, mode: &str) -> CommandOutput {
    let mut command = world.command(&["sync", "--mode", mode, "--json"]);
    command.env("DATABASE_URL", world.server.connection_string(database));
    run_to_end(command).await
}

async fn assert_is_whole_under(world: &World, expected: &Tables, limit: Limit, name: &str) {
    let database = format!("under_{}", name.replace(' ', "_"));
    world.server.create_database(&database).await.unwrap();
    world.control.clear_faults();
    world.control.add_fault(limit.fault());
    let run = sync(world, &database, "full").await;
    assert_eq!(run.code, 0, "{name}: {run}");
    let db = connect(&world.server.connection_string(&database)).await;
    assert_same(expected, &snapshot_all_tables(&db).await, name);

    // What worked is remembered: the next run is refused nothing, and finds nothing new.
    world.control.clear_requests();
    let again = sync(world, &database, "incremental").await;
    assert_eq!(again.code, 0, "{name}: {again}");
    let mut after = snapshot_all_tables(&db).await;
    after.insert("sync_bookmarks".to_owned(), expected["sync_bookmarks"].clone());
    assert_same(expected, &after, &format!("{name}, again"));
    assert!(!again.stdout.contains("api_limit"), "{name}: {again}");
    let pages = world.control.requests().into_iter().filter_map(|request| request.operation);
    let pages: Vec<String> = pages.filter(|name| name.starts_with("ClientsPage")).collect();
    let is_in_parts = |name: &String| name == "ClientsPagePart";
    assert!(
        !pages.is_empty() && (pages.iter().all(is_in_parts) || !pages.iter().any(is_in_parts)),
        "{name}: {pages:?}"
    );
}

#[tokio::test]
async fn under_any_complexity_the_database_is_the_one_without_limits() {
    let (world, expected) = shop().await;
    for most in [12, 15, 20, 50, 97] {
        assert_is_whole_under(&world, &expected, complexity(most), &format!("complexity {most}")).await;
    }
    let per_record = Limit { per_record: true, ..complexity(60) };
    assert_is_whole_under(&world, &expected, per_record, "complexity by record").await;
}

#[tokio::test]
async fn under_any_depth_that_suffices_the_database_is_the_one_without_limits() {
    let (world, expected) = shop().await;
    for most in [5, 6, 7] {
        assert_is_whole_under(&world, &expected, depth(most), &format!("depth {most}")).await;
    }
    let both = Limit { complexity: Some(30), ..depth(5) };
    assert_is_whole_under(&world, &expected, both, "both").await;
}

#[tokio::test]
async fn a_limit_under_which_nothing_fits_is_named_and_what_fits_is_read() {
    let world = World::new().await;
    world.control.add_fault(depth(4).fault());
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    let reasons = run.reasons();
    let noted = world.text("SELECT value FROM sync_notes WHERE key = 'api_limits:appointments'").await;
    assert_eq!(noted, None, "no size was the reason");
    assert!(reasons.contains("max depth of 4"), "{reasons}");
    assert!(reasons.contains("a depth of 5 for appointments is needed"), "{reasons}");
    assert_eq!(world.count("gazelle_clients").await, 40);
    assert_eq!(world.count("gazelle_pianos").await, 162);
    assert_eq!(world.count("gazelle_appointments").await, 0);

    let world = World::new().await;
    world.control.add_fault(depth(3).fault());
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("4 for clients"), "{run}");
    assert!(run.reasons().contains("max depth of 3"), "{run}");

    let world = World::new().await;
    world.control.add_fault(complexity(7).fault());
    let run = world.full().await;
    assert_ne!(run.code, 0, "{run}");
    assert!(run.reasons().contains("max complexity of 7"), "{run}");
}

#[tokio::test]
async fn an_api_that_does_not_say_depth_is_walked_under_too() {
    let (world, expected) = shop().await;
    world.server.create_database("unsaid").await.unwrap();
    // The words of another server, for the queries that exceed its depth.
    let words = "Query is too large".to_owned();
    let kind =
        FaultKind::GraphqlError { message: words, extensions: Some(json!({"code": "QUERY_TOO_COMPLEX"})) };
    for operation in ["ClientsPage", "ClientById"] {
        world.control.add_fault(Fault::new(kind.clone()).on_operation(operation).forever());
    }
    let run = sync(&world, "unsaid", "full").await;
    assert_eq!(run.code, 0, "{run}");
    let db = connect(&world.server.connection_string("unsaid")).await;
    assert_same(&expected, &snapshot_all_tables(&db).await, "unsaid");
}

#[tokio::test]
async fn a_record_that_the_api_cannot_give_whole_is_the_only_one_that_stays_out() {
    for limit in [complexity(50), depth(5)] {
        let world = World::new().await;
        let clients = world.control.ids(RecordKind::Client);
        world.control.add_fault(limit.fault());
        world.control.add_fault(Fault::new(FaultKind::field_fault(&clients[4], "personalNotes")).forever());
        let run = world.full().await;
        assert_eq!(run.code, 3, "{run}");
        assert_eq!(world.count("gazelle_clients").await, 39);
        let cases: Vec<Value> = world.quarantine().await;
        let of_it: Vec<&Value> =
            cases.iter().filter(|case| case["external_id"] == json!(clients[4])).collect();
        assert_eq!(of_it.len(), 1, "{cases:?}");
        assert_eq!(of_it[0]["error_field"], "personalNotes");
        world.control.clear_faults();
        world.control.add_fault(limit.fault());
        world.full().await.success();
        assert_eq!(world.count("gazelle_clients").await, 40);
    }
}

#[tokio::test]
async fn what_changes_between_the_parts_of_a_page_is_never_put_together() {
    for changes in ["edited", "deleted"] {
        let world = World::new().await;
        world.control.add_fault(complexity(20).fault());
        world.full().await.success();
        let client = world.control.ids(RecordKind::Client).remove(2);
        let changed = client.clone();
        let first = Fault::new(FaultKind::Call).on_operation("ClientsPagePart").times(1);
        world.control.call_after(first, move |control| match changes {
            "edited" => {
                let fields = json!({ "companyName": "Neuf", "personalNotes": "Neuves", "custom10": "Neuf" });
                control.edit(RecordKind::Client, &changed, fields).unwrap();
            }
            _ => drop(control.delete(RecordKind::Client, &changed).unwrap()),
        });
        let run = world.incremental().await;
        assert_eq!(run.code, 0, "{changes}: {run}");
        // Whether its page was asked for again, or the change came after it: never half of each.
        world.incremental().await.success();
        let versions = world
            .rows(&format!(
                "SELECT count(DISTINCT content_hash) AS n FROM staging_clients WHERE external_id = '{client}' AND operation = 'upsert'"
            ))
            .await;
        let expected = if changes == "edited" { 2 } else { 1 };
        assert_eq!(versions[0]["n"], expected, "{changes}");
        world.control.clear_faults();
        world.full().await.success();
        assert_eq!(world.run(&["verify", "--sample", "100"]).await.code, 0, "{changes}");
    }
}
