//! Rows of the user's that refer to ours by a foreign key that lets nothing go, at once or at the end of the transaction.

use crate::support::{World, assert_same};

#[tokio::test]
async fn a_key_without_an_action_refuses_a_removal_whole_and_is_named() {
    for when in ["", "DEFERRABLE INITIALLY DEFERRED"] {
        let world = World::new().await;
        world.full_sync_ok().await;
        // A row that no version explains: `replay` would remove it.
        world
            .execute(&format!(
                "INSERT INTO gazelle_appointments (external_id, staging_id, reconciler_version, synced_from_gazelle_at)
                     VALUES ('evt_mien', gen_random_uuid(), 1, now());
                 CREATE TABLE mes_visites (visite text CONSTRAINT ma_visite REFERENCES gazelle_appointments {when});
                 INSERT INTO mes_visites SELECT external_id FROM gazelle_appointments"
            ))
            .await;
        let (before, visits) = (world.production(&[]).await, world.count("mes_visites").await);
        for args in [&["replay"][..], &["replay", "--id", "evt_mien"]] {
            let ran = world.run(args).await;
            assert_ne!(ran.code, 0, "{when} {args:?}: {ran}");
            assert!(ran.reasons().contains("ma_visite"), "{when} {args:?}: {ran}");
            assert_same(&before, &world.production(&[]).await, &format!("{when} {args:?}"));
            assert_eq!(world.count("mes_visites").await, visits, "{when} {args:?}");
        }
        world.execute("DELETE FROM mes_visites WHERE visite = 'evt_mien'").await;
        world.run(&["replay"]).await.success();
        assert_eq!(world.count("mes_visites").await, visits - 1);
    }
}
