//! Times that Postgres holds and no calendar does, written by somebody else: no command ends in a panic.

use crate::support::World;
use crate::support::service::{Serving, until};

#[tokio::test]
async fn a_time_that_cannot_be_read_is_told_by_the_name_of_its_column() {
    let world = World::new().await;
    world.full_sync_ok().await;
    for (spoil, args, words, fix) in [
        (
            "UPDATE gazelle_appointments SET appointment_date = 'infinity'
              WHERE external_id = (SELECT min(external_id) FROM gazelle_appointments WHERE appointment_date IS NOT NULL)",
            &["verify", "--offline"][..],
            "appointment_date in SELECT … FROM gazelle_appointments",
            &["replay"][..],
        ),
        (
            "UPDATE staging_clients SET fetched_at = '-infinity', sync_status = 'pending'
              WHERE external_id = (SELECT min(external_id) FROM staging_clients)",
            &["reconcile"],
            "fetched_at",
            &[],
        ),
    ] {
        world.execute(spoil).await;
        let run = world.run(args).await;
        assert_eq!(run.code, 1, "{args:?} {run}");
        for word in [words, "cannot be read", "correct or delete that row"] {
            assert!(run.reasons().contains(word), "{word}: {run}");
        }
        assert!(!run.stderr.contains("panicked"), "{run}");
        if !fix.is_empty() {
            world.run(fix).await.success();
            world.run(args).await.success();
        }
    }
}

#[tokio::test]
async fn a_request_with_a_name_that_is_null_is_refused_and_the_service_goes_on() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    world.full_sync_ok().await;
    world
        .execute("INSERT INTO sync_wanted_runs (mode, entities) VALUES ('full', ARRAY['users', NULL])")
        .await;
    let serving = Serving::start(&world, &[]).await;
    until("it is refused", async || world.count("sync_wanted_runs WHERE outcome = 'refused'").await == 1)
        .await;
    let (status, answer) = serving.ask(r#"{"mode": "full", "entities": ["users"]}"#).await;
    assert_eq!(status, 202, "{answer}");
    until("another is served", async || world.count("sync_wanted_runs WHERE outcome = 'success'").await == 1)
        .await;
    serving.stop().await;
}
