//! Nested lists whose count, pages and content disagree: an entry that is not listed is not treated as deleted.

use serde_json::value::RawValue;

use crate::support::World;
use crate::support::rewritten::{numbered, rewriting_proxy, with_contacts};
use gazelle_sim::{Fault, FaultKind, RecordKind};

async fn live_contacts(world: &World, client: &str) -> i64 {
    let sql = "SELECT count(*) FROM gazelle_contacts WHERE client_external_id = $1 AND deleted_at IS NULL";
    world.one(sql, &[&client]).await
}

async fn client_with(world: &World, having: &str) -> String {
    let sql = format!(
        "SELECT client_external_id FROM gazelle_contacts GROUP BY 1 HAVING count(*) {having} ORDER BY 1 LIMIT 1"
    );
    world.text(&sql).await.unwrap()
}

fn without_last(nodes: &str) -> String {
    let mut nodes: Vec<&RawValue> = serde_json::from_str(nodes).unwrap();
    nodes.pop();
    serde_json::to_string(&nodes).unwrap()
}

#[tokio::test]
async fn of_a_list_inside_a_record_that_counts_more_than_it_lists_nothing_is_marked_deleted() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let client = client_with(&world, "BETWEEN 2 AND 9").await;
    let contacts = live_contacts(&world, &client).await;
    let direct = world.sim.graphql_url();
    let shortened = client.clone();
    let api =
        rewriting_proxy(&direct, move |_, answer| with_contacts(answer, &shortened, Some(&without_last)));
    world.set("GAZELLE_API_URL", &api.url());

    let report = world.full().await.success();

    assert_eq!(report["staged"], 1, "the shortened client is a new version: {report}");
    assert_eq!(live_contacts(&world, &client).await, contacts);
    let warnings = world.run(&["warnings"]).await.success()["records"].clone();
    let unreadable = warnings.as_array().unwrap().iter().find(|of| of["code"] == "unreadable_row");
    assert_eq!(unreadable.unwrap()["samples"][0]["external_id"], client, "{warnings}");

    // A replay comes to the same, and a contact that neither count nor list has goes.
    let replayed = world.run(&["replay"]).await.success();
    assert_eq!(replayed["rows_written"], 0, "{replayed}");
    world.set("GAZELLE_API_URL", &direct);
    let of_client =
        |id: &String| world.control.record(RecordKind::Contact, id).unwrap()["client"]["id"] == client;
    let gone = world.control.ids(RecordKind::Contact).into_iter().find(of_client).unwrap();
    world.control.delete(RecordKind::Contact, &gone).unwrap();
    world.full().await.success();
    assert_eq!(live_contacts(&world, &client).await, contacts - 1);
}

/// One entry goes while the pages of the list are read: those behind it move up, one over the end of a page. The last page's count
/// agrees with the number of entries that were listed.
#[tokio::test]
async fn a_list_inside_a_record_that_shifts_between_its_pages_is_read_again() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.full_sync_ok().await;
    let client = client_with(&world, "> 20").await;
    let contacts = live_contacts(&world, &client).await;
    let of_client =
        |id: &String| world.control.record(RecordKind::Contact, id).unwrap()["client"]["id"] == client;
    let first = world.control.ids(RecordKind::Contact).into_iter().find(of_client).unwrap();
    let gone = first.clone();
    let pages =
        Fault::new(FaultKind::Call).on_operation("ClientMoreContacts").on_variable("id", client.as_str());
    world.control.call_after(pages, move |control| {
        control.delete(RecordKind::Contact, &gone).unwrap();
    });

    world.full().await.success();

    assert!(!is_there(&world, &first), "it went between two pages");
    assert_eq!(live_contacts(&world, &client).await, contacts - 1);
}

fn is_there(world: &World, contact: &str) -> bool {
    world.control.record(RecordKind::Contact, contact).is_some()
}

/// A list inside a record that has several pages, of which each but the first lists an entry of the page before in the place of
/// one of its own: its count adds up.
#[tokio::test]
async fn a_list_inside_a_record_that_repeats_an_entry_in_the_place_of_another_marks_nothing_deleted() {
    for (operation, at) in
        [("ClientMoreContacts", 0), ("ClientMoreContacts", 2), ("AppointmentMorePianos", 0)]
    {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
        world.full_sync_ok().await;
        let live = async |table: &str| world.count(&format!("{table} WHERE deleted_at IS NULL")).await;
        let before = [live("gazelle_contacts").await, live("gazelle_appointment_pianos").await];
        let overlap = Fault::new(FaultKind::OverlappingPages { at }).on_operation(operation).forever();
        world.control.add_fault(overlap);

        let run = world.full().await;

        let case = format!("{operation} {at}");
        assert_eq!(run.code, 3, "{case}: {run}");
        let cases = world.run(&["errors", "list"]).await.success().to_string();
        assert!(cases.contains("listed an entry of an earlier page again"), "{case}: {cases}");
        assert_eq!(
            [live("gazelle_contacts").await, live("gazelle_appointment_pianos").await],
            before,
            "{case}"
        );

        world.control.clear_faults();
        world.full().await.success();
        assert_eq!(
            [live("gazelle_contacts").await, live("gazelle_appointment_pianos").await],
            before,
            "{case}"
        );
    }
}

/// An API whose ids are numbers.
#[tokio::test]
async fn a_long_list_inside_a_record_whose_id_is_a_number_is_read_to_its_end() {
    let known = World::new().await;
    known.full_sync_ok().await;
    let client = client_with(&known, "> 20").await;
    let mut world = World::new().await;
    let api = numbered(&world.sim.graphql_url(), &client, "4711");
    world.set("GAZELLE_API_URL", &api.url());

    let run = world.run(&["sync", "--mode", "full", "--entity", "clients"]).await;

    run.success();
    assert_eq!(live_contacts(&world, "4711").await, live_contacts(&known, &client).await);
}
