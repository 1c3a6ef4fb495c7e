//! Lists that contain and count a record twice: the walk is complete if nothing is missing, and the run reports it.

use crate::support::{CommandOutput, World};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, Takes};
use serde_json::json;

/// Pages of ten clients, of which one is listed, and counted, twice.
async fn world() -> (World, String) {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    let twice = world.control.ids(RecordKind::Client)[14].clone();
    list(&world, &twice, 2);
    // The simulator counts a record once however often it lists it.
    counts_more(&world, 1);
    (world, twice)
}

fn list(world: &World, id: &str, times: u8) {
    world.control.apply(Change::SetListed { kind: RecordKind::Client, id: id.to_owned(), times }).unwrap();
}

fn counts_more(world: &World, by: i64) {
    world.control.add_fault(Fault::new(FaultKind::TotalOff { by }).on_field("allClients").forever());
}

async fn sync_clients(world: &World) -> CommandOutput {
    world.run(&["sync", "--mode", "full", "--entity", "clients"]).await
}

fn warns_of_duplicate(run: &CommandOutput, twice: &str) -> bool {
    let warnings = run.json()["warnings"].as_array().cloned().unwrap_or_default();
    warnings.iter().any(|of| of["code"] == "duplicate_id" && of["message"].to_string().contains(twice))
}

#[tokio::test]
async fn a_list_with_a_double_that_grows_while_the_double_is_confirmed_is_complete() {
    // In each page of the walks: the first, the confirming one, the one after that.
    for page in 0..12 {
        let (world, twice) = world().await;
        world.control.call_after(
            Fault::new(FaultKind::Call).on_operation("ClientsPage").skip(page),
            |control| {
                control.add(RecordKind::Client, json!({ "companyName": "Arrivée" })).unwrap();
            },
        );

        let run = sync_clients(&world).await;

        run.success();
        assert_eq!(run.entity("clients")["walk_complete"], true, "{page}: {run}");
        assert!(warns_of_duplicate(&run, &twice), "{page}: {run}");
        let held = world.count("gazelle_clients").await;
        assert!(held == 41 || held == 40 && page > 8, "page {page}, after the walk at most: {held}");
    }
}

#[tokio::test]
async fn a_double_beside_a_record_that_breaks_its_page_is_confirmed() {
    // Beside it, and further down; with an error of its own, or one of the server, after which pages begin small.
    for (place, takes) in [(15, Takes::Field), (15, Takes::Server), (0, Takes::Server), (4, Takes::Server)] {
        let (world, twice) = world().await;
        let broken = world.control.ids(RecordKind::Client)[place].clone();
        let message = "undefined method `strip'".to_owned();
        let field = Some("personalNotes".to_owned());
        let fault = FaultKind::RecordFault { id: broken.clone(), field, message, takes };
        world.control.add_fault(Fault::new(fault).forever());

        let run = sync_clients(&world).await;

        let case = format!("{place} {takes:?}");
        assert_eq!(run.code, 3, "{case}: the broken one is told: {run}");
        assert_eq!(run.entity("clients")["walk_complete"], true, "{case}: {run}");
        let reasons = run.reasons();
        assert!(reasons.contains(&broken) && !reasons.contains("more than once"), "{case}: {run}");
        assert!(warns_of_duplicate(&run, &twice), "{case}: {run}");
        assert_eq!(world.count("gazelle_clients").await, 39, "{case}");
    }
}

/// Pages of one record end alike in every walk. Then what is missing is not known, which is told without a full sync every few minutes.
#[tokio::test]
async fn a_double_that_cannot_be_confirmed_keeps_the_schedule() {
    let (mut world, _) = world().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "1");
    for settled in [false, false, true] {
        let run = sync_clients(&world).await;
        assert_eq!((run.code, &run.entity("clients")["walk_settled"]), (3, &json!(settled)), "{run}");
        assert!(run.reasons().contains("more than once, each time where a page ends"), "{}", run.reasons());
    }
}

/// A list that counts as many as ever, since it holds half of the records twice.
#[tokio::test]
async fn a_list_that_counts_doubles_in_the_place_of_others_is_far_shorter_than_before() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    for (place, id) in world.control.ids(RecordKind::Client).iter().enumerate() {
        list(&world, id, if place % 2 == 0 { 2 } else { 0 });
    }
    counts_more(&world, 20);

    let run = sync_clients(&world).await;

    assert_eq!(run.code, 3, "{run}");
    assert!(run.reasons().contains("the API lists 20 where production held 40: far fewer"), "{run}");
    assert_eq!(world.count("gazelle_clients WHERE deleted_at IS NULL").await, 40);
}

/// As a list does that is sorted by what many rows have alike: its count adds up, each walk finds the same, and rows are missing.
#[tokio::test]
async fn pages_that_repeat_rows_in_the_place_of_others_make_no_complete_walk() {
    // The last row of a page comes first in the next; one further up comes further down. The API may also give fewer records than
    // it is asked for.
    for (at, most) in [(0, None), (1, None), (1, Some(3)), (0, Some(2))] {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
        let overlap = Fault::new(FaultKind::OverlappingPages { at }).on_field("allClients").forever();
        world.control.add_fault(overlap);
        if let Some(most) = most {
            world
                .control
                .add_fault(Fault::new(FaultKind::ShortPage { most }).on_field("allClients").forever());
        }

        for _ in 0..2 {
            let run = world.full().await;
            assert_eq!(run.code, 3, "{at}, {most:?}: the count adds up, and rows are missing: {run}");
            assert_eq!(run.entity("clients")["walk_complete"], false, "{at}, {most:?}: {run}");
            assert!(run.reasons().contains("more than once"), "{at}, {most:?}: {}", run.reasons());
        }

        world.control.clear_faults();
        world.full_sync_ok().await;
        assert_eq!(world.count("gazelle_clients").await, 40);
    }
}

/// Two attempts are allowed, of which the second is usually made without windows.
#[tokio::test]
async fn what_a_list_in_windows_repeats_is_confirmed_in_the_same_windows() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "5");
    world.set("GAZELLE_SYNC_WALK_ATTEMPTS", "2");
    let overlap =
        Fault::new(FaultKind::OverlappingPages { at: 0 }).on_operation("AppointmentsPage").forever();
    world.control.add_fault(overlap);

    let run = world.run(&["sync", "--mode", "full", "--entity", "appointments"]).await;

    assert_eq!(run.code, 3, "{run}");
    assert_eq!(run.entity("appointments")["walk_complete"], false, "{run}");
}
