//! Parents that the API gives by their ids and production refuses: each is asked for again only after a wait.

use crate::support::World;
use gazelle_sim::{Change, RecordKind};
use serde_json::json;

/// How often a client was asked for by its id since the last call.
fn asked(world: &World, id: &str) -> usize {
    let requests = world.control.requests();
    world.control.clear_requests();
    let by_id = requests.iter().filter(|request| request.operation.as_deref() == Some("ClientById"));
    by_id.filter(|request| request.variables["id"] == id).count()
}

#[tokio::test]
async fn a_parent_that_production_refuses_is_not_asked_for_in_every_run_and_lands_once_it_may() {
    for listed in [false, true] {
        let world = World::new().await;
        world.full_sync_ok().await;
        let id = "cli_neuf";
        world.control.add(RecordKind::Client, json!({ "id": id, "companyName": "Neuf" })).unwrap();
        if !listed {
            world
                .control
                .apply(Change::SetListed { kind: RecordKind::Client, id: id.to_owned(), times: 0 })
                .unwrap();
        }
        let mut record = world.control.record(RecordKind::Event, &world.upcoming(0)).unwrap();
        (record["id"], record["client"]) = (json!("evt_neuf"), json!({ "id": id }));
        world.control.add_raw_event(record, None).unwrap();
        world
            .execute(
                "CREATE FUNCTION garde() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN IF NEW.external_id = 'cli_neuf' THEN RAISE 'non'; END IF; RETURN NEW; END $$;
                 CREATE TRIGGER garde BEFORE INSERT ON gazelle_clients FOR EACH ROW EXECUTE FUNCTION garde()",
            )
            .await;
        asked(&world, id);
        let run = world.incremental().await;
        assert_eq!(asked(&world, id), 1, "{listed}: {run}");
        let asks = "SELECT asks FROM sync_missing_parents WHERE external_id = 'cli_neuf'";
        let waits = "sync_quarantine WHERE state = 'waiting' AND external_id = 'evt_neuf'";
        assert_eq!(world.count(waits).await, 1, "{listed}: {run}");
        for _ in 0..2 {
            let run = world.incremental().await;
            // A record that is staged and in no list is looked up by each complete walk.
            assert_eq!(asked(&world, id), usize::from(!listed), "{listed}: {run}");
            assert_eq!(world.one::<i32>(asks, &[]).await, 1, "{listed}: {run}");
        }
        // As if the wait were over.
        world.execute("UPDATE sync_missing_parents SET next_ask_at = now()").await;
        let run = world.incremental().await;
        assert_eq!(asked(&world, id), 1 + usize::from(!listed), "{listed}: {run}");
        assert_eq!(world.one::<i32>(asks, &[]).await, 2, "{listed}: the next wait is longer: {run}");

        world.execute("DROP FUNCTION garde CASCADE").await;
        world.run(&["errors", "retry"]).await;
        world.incremental().await.success();
        assert_eq!(world.count("gazelle_appointments WHERE external_id = 'evt_neuf'").await, 1, "{listed}");
    }
}
