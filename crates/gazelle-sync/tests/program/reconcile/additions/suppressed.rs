//! A trigger of a user's that returns NULL keeps a row as it is, without an error. That is no success: the record waits,
//! with the trigger's name, production holds nothing of its new version, and once the trigger is gone it lands.

use gazelle_sim::RecordKind;
use serde_json::json;

use super::refused;
use crate::support::service::until;
use crate::support::{World, assert_same};

/// A write that a trigger suppresses.
struct Suppressed {
    name: &'static str,
    /// The table with the trigger, and when it returns NULL.
    table: &'static str,
    condition: &'static str,
    /// What happens at the source, or to the database; the entity and the id of the record that must wait.
    happens: SourceChange,
}

enum SourceChange {
    EventGone,
    ClientGone,
    ContactLeftOut,
    ContactBack,
    /// The default contact of a client is another one, and its appointments follow.
    DefaultContact,
    /// A row that somebody changed by hand is written again from the version that it came from.
    SameVersion,
}

const SUPPRESSED: [Suppressed; 6] = [
    Suppressed {
        name: "a deletion",
        table: "gazelle_appointments",
        condition: "NEW.deleted_at IS NOT NULL",
        happens: SourceChange::EventGone,
    },
    Suppressed {
        name: "what a deleted record carried",
        table: "gazelle_contacts",
        condition: "NEW.deleted_at IS NOT NULL",
        happens: SourceChange::ClientGone,
    },
    Suppressed {
        name: "a contact that is left out",
        table: "gazelle_contacts",
        condition: "NEW.deleted_at IS NOT NULL",
        happens: SourceChange::ContactLeftOut,
    },
    Suppressed {
        name: "a contact that is back",
        table: "gazelle_contacts",
        condition: "OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL",
        happens: SourceChange::ContactBack,
    },
    Suppressed {
        name: "the refresh of a client's appointments",
        table: "gazelle_appointments",
        condition: "NEW.contact_external_id IS DISTINCT FROM OLD.contact_external_id",
        happens: SourceChange::DefaultContact,
    },
    Suppressed {
        name: "the same version again",
        table: "gazelle_appointments",
        condition: "OLD.title = 'faux'",
        happens: SourceChange::SameVersion,
    },
];

/// The id of a row.
async fn id(world: &World, sql: &str) -> String {
    world.text(sql).await.unwrap_or_else(|| panic!("no row: {sql}"))
}

/// A contact with the client whose it is.
async fn contact(world: &World, condition: &str) -> (String, String) {
    let contact = id(
        world,
        &format!("SELECT external_id FROM gazelle_contacts WHERE deleted_at IS NULL AND {condition} ORDER BY 1 LIMIT 1"),
    )
    .await;
    let of = format!("SELECT client_external_id FROM gazelle_contacts WHERE external_id = '{contact}'");
    (id(world, &of).await, contact)
}

impl SourceChange {
    /// What is there before the trigger is, if anything.
    async fn prepare(&self, world: &World) -> Option<(String, String, serde_json::Value)> {
        let SourceChange::ContactBack = self else { return None };
        let (client, contact) = contact(world, "NOT is_default").await;
        let record = world.control.record(RecordKind::Contact, &contact).unwrap();
        world.control.delete(RecordKind::Contact, &contact).unwrap();
        world.full().await.success();
        Some((client, contact, record))
    }

    /// Makes it happen; the entity and the id of the record that is to wait.
    async fn happen(
        &self,
        world: &World,
        prepared: Option<(String, String, serde_json::Value)>,
    ) -> (&'static str, String) {
        match self {
            SourceChange::EventGone => {
                let event = world.upcoming(1);
                world.control.delete(RecordKind::Event, &event).unwrap();
                ("appointments", event)
            }
            SourceChange::ClientGone => {
                let alone = "client_external_id NOT IN (SELECT client_external_id FROM gazelle_appointments
                                                         WHERE client_external_id IS NOT NULL)";
                let (client, _) = contact(world, alone).await;
                world.control.delete(RecordKind::Client, &client).unwrap();
                ("clients", client)
            }
            SourceChange::ContactLeftOut => {
                let (client, contact) = contact(world, "NOT is_default").await;
                world.control.delete(RecordKind::Contact, &contact).unwrap();
                ("clients", client)
            }
            SourceChange::ContactBack => {
                let (client, _, record) = prepared.unwrap();
                world.control.add(RecordKind::Contact, record).unwrap();
                ("clients", client)
            }
            SourceChange::DefaultContact => {
                let (client, contact) = contact(
                    world,
                    "external_id IN (SELECT contact_external_id FROM gazelle_appointments WHERE deleted_at IS NULL)",
                )
                .await;
                world.control.edit(RecordKind::Contact, &contact, json!({"isDefault": false})).unwrap();
                ("clients", client)
            }
            SourceChange::SameVersion => {
                let event = world.upcoming(2);
                let sql =
                    "UPDATE staging_appointments SET sync_status = 'pending' WHERE external_id = '{id}';
                           UPDATE gazelle_appointments SET title = 'faux' WHERE external_id = '{id}'";
                world.execute(&sql.replace("{id}", &event)).await;
                ("appointments", event)
            }
        }
    }
}

#[tokio::test]
async fn what_a_trigger_drops_in_silence_waits_with_its_name() {
    let world = World::new().await;
    world.full_sync_ok().await;
    for case in &SUPPRESSED {
        let name = case.name;
        let prepared = case.happens.prepare(&world).await;
        let (entity, record) = case.happens.happen(&world, prepared).await;
        let before = world.content().await;
        world
            .execute(&format!(
                "CREATE FUNCTION taire() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN IF {} THEN RETURN NULL; END IF; RETURN NEW; END $$;
                 CREATE TRIGGER silence BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION taire()",
                case.condition, case.table
            ))
            .await;
        let sync = world.full().await.success();
        let cases = refused(&world).await;
        assert_eq!(cases.len(), 1, "{name}: {cases:?} {sync}");
        assert_eq!((&cases[0]["entity"], &cases[0]["id"]), (&json!(entity), &json!(record)), "{name}");
        let said = cases[0]["message"].as_str().unwrap();
        assert!(said.contains(case.table) && said.contains("trigger silence (function taire)"), "{said}");
        assert_eq!(cases[0]["field"], "silence", "{name}: {cases:?}");
        let tables: &[&str] = match entity {
            "clients" => &["gazelle_clients", "gazelle_contacts", "gazelle_locations"],
            _ => &["gazelle_appointments", "gazelle_appointment_pianos"],
        };
        let after = world.content().await;
        for table in tables {
            assert_eq!(before[*table], after[*table], "{name}: all of the record waits");
        }

        world.execute("DROP FUNCTION taire CASCADE").await;
        world.run(&["errors", "retry"]).await;
        world.full().await.success();
        assert!(refused(&world).await.is_empty(), "{name}: it lands");
        assert_ne!(before[case.table], world.content().await[case.table], "{name}: it lands");
        let verdict = world.run(&["verify", "--offline"]).await;
        assert_eq!(verdict.code, 0, "{name}: {verdict}");
    }
}

#[tokio::test]
async fn replay_and_undo_name_the_trigger_that_drops_rows() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    world.control.edit(RecordKind::Event, &event, json!({"title": "Changé"})).unwrap();
    let run = world.full().await.success()["run_id"].as_str().unwrap().to_owned();
    let faux = format!("UPDATE gazelle_appointments SET title = 'faux' WHERE external_id = '{event}'");
    world.execute(&faux).await;
    world
        .execute(
            "CREATE FUNCTION taire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER silence BEFORE UPDATE ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION taire()",
        )
        .await;
    let before = world.content().await;
    for args in [&["replay"][..], &["replay", "--id", &event], &["undo", &run]] {
        let ran = world.run(args).await;
        assert_eq!(ran.code, 1, "{args:?}: {ran}");
        assert!(ran.reasons().contains("trigger silence (function taire)"), "{args:?}: {ran}");
        assert_same(&before, &world.content().await, "nothing was changed");
    }
}

#[tokio::test]
async fn a_row_that_another_transaction_brings_in_meanwhile_does_not_stand_for_one_that_a_trigger_drops() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let [dropped, written_too, removed] = {
        let ids = world
            .rows(
                "SELECT external_id AS id FROM gazelle_appointments a
                  WHERE NOT EXISTS (SELECT FROM gazelle_appointment_pianos p WHERE p.appointment_external_id = a.external_id)
                  ORDER BY 1 LIMIT 3",
            )
            .await;
        [0, 1, 2].map(|n| ids[n]["id"].as_str().unwrap().to_owned())
    };
    let of = |id: &str| format!("SELECT title FROM gazelle_appointments WHERE external_id = '{id}'");
    let (right, right_too) = (world.text(&of(&dropped)).await, world.text(&of(&written_too)).await);
    // Three versions are read again; two of their rows are not as they say, and of these a trigger drops one. When the batch
    // is written for the third time, after it was found which rows are to be, the trigger waits.
    world
        .execute(&format!(
            "UPDATE gazelle_appointments SET title = 'faux' WHERE external_id IN ('{dropped}', '{written_too}');
             UPDATE staging_appointments SET sync_status = 'pending'
              WHERE external_id IN ('{dropped}', '{written_too}', '{removed}');
             CREATE SEQUENCE fois;
             CREATE FUNCTION taire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF NEW.external_id <> '{dropped}' THEN RETURN NEW; END IF;
               IF nextval('public.fois') >= 3 THEN PERFORM pg_advisory_xact_lock(42); END IF;
               RETURN NULL; END $$;
             CREATE TRIGGER silence BEFORE UPDATE ON gazelle_appointments FOR EACH ROW EXECUTE FUNCTION taire();
             SELECT pg_advisory_lock(42)"
        ))
        .await;
    let person = async {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";
        until("the trigger waits", async || world.one::<bool>(waits, &[]).await).await;
        // What goes now is written anew, a row that nobody counted.
        world.execute(&format!("DELETE FROM gazelle_appointments WHERE external_id = '{removed}'")).await;
        world.execute("SELECT pg_advisory_unlock(42)").await;
    };
    let args = ["reconcile"];
    let (ran, ()) = tokio::join!(world.run(&args), person);
    let cases = refused(&world).await;
    assert_eq!(cases.len(), 1, "{cases:?} {ran}");
    assert_eq!(cases[0]["id"], json!(dropped));
    assert_eq!(world.text(&of(&written_too)).await, right_too);
    assert!(world.text(&of(&removed)).await.is_some(), "written anew");

    world.execute("DROP FUNCTION taire CASCADE").await;
    world.run(&["errors", "retry"]).await;
    world.full().await.success();
    assert_eq!(world.text(&of(&dropped)).await, right);
}
