//! An API that bears no query with all fields of a record, and gives odd values where lists are expected: what comes of the parts
//! is what one query would have given, or the record is named.

use std::time::Duration;

use crate::support::hostile_api::HostileApi;
use crate::support::rewritten::{null_in_place, rewriting_proxy, with_contacts};
use crate::support::whole::snapshot_all_tables;
use crate::support::{CommandOutput, Tables, World, assert_same, connect, run_to_end};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind};
use serde_json::{Map, Value, json};

const LIMITS: [(&str, Option<u64>, Option<u64>); 5] = [
    ("none", None, None),
    ("depth_6", None, Some(6)),
    ("depth_5", None, Some(5)),
    ("depth_4", None, Some(4)),
    ("complexity_60", Some(60), None),
];

fn limit(complexity: Option<u64>, depth: Option<u64>) -> Fault {
    let (aliases, page_size, status, code) = (None, None, 200, None);
    let kind =
        FaultKind::QueryLimit { complexity, per_record: false, depth, aliases, page_size, status, code };
    Fault::new(kind).forever()
}

/// Clients with some contacts, all of them on one page.
async fn with_some_contacts(world: &World) -> Vec<String> {
    let sql = "SELECT external_id FROM staging_clients WHERE jsonb_array_length(raw_data->'allContacts'->'nodes') BETWEEN 2 AND 9
                ORDER BY 1";
    let rows = world.db.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// A full sync into a database of its own, from this API where one is given.
async fn sync(world: &World, database: &str, api: Option<&HostileApi>) -> CommandOutput {
    let mut command = world.command(&["sync", "--mode", "full", "--json"]);
    command.env("DATABASE_URL", world.server.connection_string(database));
    if let Some(api) = api {
        command.env("GAZELLE_API_URL", api.url());
    }
    run_to_end(command).await
}

/// What a database holds that was whole first, and was then synced from an API that answers oddly and has a limit.
async fn after(
    world: &World,
    (name, complexity, depth): (&str, Option<u64>, Option<u64>),
    odd: &HostileApi,
) -> (CommandOutput, Tables) {
    let database = format!("under_{name}");
    world.server.create_database(&database).await.unwrap();
    world.control.clear_faults();
    sync(world, &database, None).await.success();
    if complexity.is_some() || depth.is_some() {
        world.control.add_fault(limit(complexity, depth));
    }
    let run = sync(world, &database, Some(odd)).await;
    let db = connect(&world.server.connection_string(&database)).await;
    (run, snapshot_all_tables(&db).await)
}

#[tokio::test]
async fn what_is_no_list_is_under_any_limit_what_one_query_gives() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let contacts = world.count("gazelle_contacts WHERE deleted_at IS NULL").await;
    let clients = with_some_contacts(&world).await;
    let odd = rewriting_proxy(&world.sim.graphql_url(), move |_, answer| {
        let answer = with_contacts(answer, &clients[0], Some(&|_| "null".to_owned()));
        let answer = with_contacts(answer, &clients[1], Some(&|_| r#"{"a":1}"#.to_owned()));
        let answer = with_contacts(answer, &clients[2], None);
        with_contacts(answer, &clients[3], Some(&|nodes| nodes.replacen('[', "[null,", 1)))
    });
    let mut expected: Option<Tables> = None;
    for limit in LIMITS {
        let (run, mut came) = after(&world, limit, &odd).await;
        // Appointments need more levels than 4.
        let code = if limit.0 == "depth_4" { 3 } else { 0 };
        assert_eq!(run.code, code, "{}: {run}", limit.0);
        came.remove("sync_bookmarks");
        let deleted = |row: &&String| row.contains(r#""deleted": true"#);
        assert_eq!(came["gazelle_contacts"].iter().filter(deleted).count(), 0, "{}", limit.0);
        assert_eq!(came["gazelle_contacts"].len() as i64, contacts, "{}", limit.0);
        match &expected {
            None => expected = Some(came),
            Some(expected) => assert_same(expected, &came, limit.0),
        }
    }
}

/// The answer with null in place of the object with this id that a getter gave.
fn without(
    asked: &crate::support::hostile_api::ReceivedRequest,
    answer: String,
    getter: &str,
    id: &str,
) -> String {
    let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    match request["variables"]["id"] == json!(id) && answer.contains(&format!(r#""{getter}":{{"#)) {
        true => format!(r#"{{"data":{{"{getter}":null}}}}"#),
        false => answer,
    }
}

#[tokio::test]
async fn a_record_that_is_listed_while_its_getter_says_null_is_named_and_no_other_waits() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let clients = with_some_contacts(&world).await;
    let contact: String = world
        .one(
            "SELECT raw_data->'allContacts'->'nodes'->1->>'id' FROM staging_clients WHERE external_id = $1",
            &[&clients[1]],
        )
        .await;
    let (client, holder) = (clients[0].clone(), clients[1].clone());
    let odd = rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
        let answer = without(asked, answer, "client", &client);
        without(asked, answer, "contact", &contact)
    });
    let (_, expected) = after(&world, LIMITS[0], &odd).await;
    let both = [&clients[0], &holder];
    for (limit, named) in [(LIMITS[1], &both[..1]), (LIMITS[2], &both[..]), (LIMITS[3], &both[..])] {
        let (run, came) = after(&world, limit, &odd).await;
        assert_eq!(run.code, 3, "{}: {run}", limit.0);
        assert_eq!(run.entity("clients")["walk_complete"], true, "{}: {run}", limit.0);
        for id in named {
            let is_of_it =
                |case: &&String| case.contains(id.as_str()) && case.contains("incomplete_at_source");
            let cases = came["sync_quarantine"].iter().filter(is_of_it).count();
            assert_eq!(cases, 1, "{}: {id} of {:?}", limit.0, came["sync_quarantine"]);
        }
        for table in ["gazelle_clients", "gazelle_contacts", "gazelle_locations", "gazelle_pianos"] {
            assert_eq!(expected[table], came[table], "{}", limit.0);
        }
        let is_of_clients = |row: &&String| row.starts_with("clients ");
        assert!(came["sync_bookmarks"].iter().any(|row| is_of_clients(&row)), "{:?}", came["sync_bookmarks"]);
    }
}

#[tokio::test]
async fn a_record_that_would_take_thousands_of_requests_is_named_instead() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let clients = with_some_contacts(&world).await;
    let client = clients[0].clone();
    let asked_for = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = asked_for.clone();
    let odd = rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
        if String::from_utf8_lossy(&asked.body).contains("con_many") {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        with_contacts(
            answer,
            &client,
            Some(&|_| {
                let contacts: Vec<String> =
                    (0..3_000).map(|n| format!(r#"{{"id":"con_many_{n}"}}"#)).collect();
                format!("[{}]", contacts.join(","))
            }),
        )
    });
    let (run, came) = after(&world, LIMITS[2], &odd).await;
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(asked_for.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert!(run.reasons().contains(&clients[0]), "{run}");
    let cases = &came["sync_quarantine"];
    assert!(
        cases.iter().any(|case| case.contains(&clients[0]) && case.contains("incomplete_at_source")),
        "{cases:?}"
    );
}

/// Whoever reads a large page in parts has the turn for large ones; a record of that page that is asked for by its id may need
/// the turn too.
#[tokio::test]
async fn a_large_record_that_its_large_page_gives_as_null_is_asked_for_by_its_id() {
    let world = World::new().await;
    world.full_sync_ok().await;
    // Neighbours in the list, so that one page has both.
    let clients = world.control.ids(RecordKind::Client)[..2].to_vec();
    for client in &clients {
        let fields = Map::from_iter([("personalNotes".to_owned(), json!("a".repeat(1_200_000)))]);
        let edit = Change::Edit { kind: RecordKind::Client, id: client.clone(), fields, bump: true };
        world.control.apply(edit).unwrap();
    }
    let missing = clients[0].clone();
    let odd = rewriting_proxy(&world.sim.graphql_url(), move |_, answer| null_in_place(answer, &missing));
    let ended = tokio::time::timeout(Duration::from_secs(300), after(&world, LIMITS[2], &odd)).await;
    let (run, came) = ended.expect("the run waits for itself");
    assert_eq!(run.code, 0, "{run}");
    let has_all = |row: &&String| row.contains(&clients[0]) && row.len() > 1_200_000;
    assert_eq!(came["gazelle_clients"].iter().filter(has_all).count(), 1);
}

#[tokio::test]
async fn a_record_that_neither_its_list_nor_its_getter_gives_is_named_and_stays() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = with_some_contacts(&world).await[0].clone();
    for (said, limit) in [
        (r#""client":null"#, LIMITS[0]),
        (r#""client":null"#, LIMITS[4]),
        (r#""client":null},"errors":[{"message":"not found"}],"extensions":{"a":1"#, LIMITS[1]),
    ] {
        let id = client.clone();
        let odd = rewriting_proxy(&world.sim.graphql_url(), move |asked, answer| {
            let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
            match request["variables"]["id"] == json!(id) && answer.contains(r#""client":{"#) {
                true => format!(r#"{{"data":{{{said}}}}}"#),
                false => null_in_place(answer, &id),
            }
        });
        let (run, came) = after(&world, limit, &odd).await;
        assert_eq!(run.code, 3, "{said}: {run}");
        assert_eq!(run.entity("clients")["walk_complete"], true, "{said}: {run}");
        let of_it = |case: &&String| case.contains(&client) && case.contains("incomplete_at_source");
        assert_eq!(came["sync_quarantine"].iter().filter(of_it).count(), 1, "{said}");
        let live = |row: &&String| row.contains(&client) && !row.contains(r#""deleted": true"#);
        assert_eq!(came["gazelle_clients"].iter().filter(live).count(), 1, "{said}");
    }
}
