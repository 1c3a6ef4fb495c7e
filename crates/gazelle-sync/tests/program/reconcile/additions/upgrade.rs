//! What users have added is there when a newer program migrates: it stays, and what of it refuses a row that a migration changes is
//! named, with nothing lost and nothing half done.

use serde_json::json;

use crate::support::{World, assert_same, staging_tables};

/// As an earlier program left it: without the last migrations and what they made.
const EARLIER: &str = "DELETE FROM sync_migrations WHERE version >= 22;
    DROP TABLE sync_actions, sync_feeds, sync_sessions, sync_people;
    ALTER TABLE sync_quality_warnings DROP COLUMN column_name, DROP COLUMN shape;
    ALTER TABLE sync_quarantine DROP COLUMN run_id;
    ALTER TABLE sync_run_entities DROP COLUMN quarantined, DROP COLUMN unreadable_fields;
    DROP INDEX sync_quarantine_listed, sync_quarantine_closed, sync_deletions_withheld, sync_quality_warnings_unreadable,
    sync_run_entities_entity, sync_quarantine_first_seen, sync_quarantine_ended";

/// Whatever refuses nothing, on our tables of every kind.
const HARMLESS: &str = "ALTER TABLE gazelle_contacts ADD COLUMN mien text NOT NULL DEFAULT 'x';
    ALTER TABLE staging_clients ADD COLUMN numero bigint GENERATED ALWAYS AS IDENTITY;
    ALTER TABLE sync_run_entities ADD COLUMN mien text;
    CREATE INDEX mon_index ON gazelle_contacts (lower(last_name));
    CREATE VIEW ma_vue AS SELECT external_id, date_montreal FROM v_appointments_montreal;
    CREATE VIEW mes_cas AS SELECT entity, external_id FROM sync_quarantine;
    CREATE POLICY lire ON gazelle_contacts FOR SELECT USING (true);
    CREATE TABLE mes_notes (contact text PRIMARY KEY REFERENCES gazelle_contacts ON DELETE CASCADE);
    INSERT INTO mes_notes SELECT external_id FROM gazelle_contacts";

/// Contacts that the migration of carried rows marks deleted.
const CARRIED: &str = "UPDATE gazelle_clients SET deleted_at = now() WHERE external_id =
    (SELECT client_external_id FROM gazelle_contacts ORDER BY external_id LIMIT 1)";

#[tokio::test]
async fn an_upgrade_goes_through_or_names_what_refuses_and_loses_nothing() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute(EARLIER).await;
    for table in staging_tables() {
        world.execute(&format!("DROP INDEX {table}_pending, {table}_error, {table}_withdrawn")).await;
    }
    world.execute(HARMLESS).await;
    world.execute(CARRIED).await;
    let notes = world.count("mes_notes").await;
    let before = world.content().await;
    let refuses = "CREATE FUNCTION refuser() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'secret %', NEW.last_name; END $$;";
    for trigger in [
        "CREATE TRIGGER refuser BEFORE UPDATE ON gazelle_contacts FOR EACH ROW EXECUTE FUNCTION refuser()",
        "CREATE CONSTRAINT TRIGGER refuser AFTER UPDATE ON gazelle_contacts DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION refuser()",
    ] {
        world.execute(&format!("{refuses} {trigger}")).await;
        let ran = world.run(&["migrate"]).await;
        assert_eq!(ran.code, 1, "{trigger}: {ran}");
        let said = ran.reasons();
        assert!(said.contains("refuser()") && said.contains("migration 22"), "{trigger}: {said}");
        assert!(!said.contains("secret"), "{said}");
        assert_same(&before, &world.content().await, trigger);
        // What is missing is said by every other command, as before.
        let sync = world.full().await;
        assert!(sync.code == 1 && sync.reasons().contains("gazelle-sync migrate"), "{sync}");
        world.execute("DROP FUNCTION refuser CASCADE").await;
    }
    let ran = world.run(&["migrate"]).await.success();
    assert!(ran.to_string().contains("rows that a record carried"), "{ran}");
    assert_eq!(world.count("mes_notes").await, notes);
    assert!(world.count("ma_vue").await > 0);
    world.count("mes_cas").await;
    // Gives back the client that was made to have gone.
    world.run(&["replay"]).await.success();
    world.full().await.success();
    assert_eq!(world.count("mes_notes").await, notes);
    let verdict = world.run(&["verify", "--offline"]).await;
    assert_eq!((verdict.code, &verdict.json()["differences"]), (0, &json!(0)), "{verdict}");
}
