//! What users add to tables other than the appointments: whatever refuses a row, at once or at the end of the transaction, only
//! its record waits, and it lands when what refused it is gone.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use super::refused;
use crate::support::{World, assert_same};

/// A change of a record that a constraint on one of its tables refuses.
struct Case {
    table: &'static str,
    /// A column of it, as it is after the change.
    refused: &'static str,
    entity: &'static str,
    kind: RecordKind,
    /// The record that waits, and the one that is changed with this.
    which: &'static str,
    change: fn() -> Value,
}

const CASES: [Case; 5] = [
    Case {
        table: "gazelle_users",
        refused: "first_name = 'Refus'",
        entity: "users",
        kind: RecordKind::User,
        which: "SELECT external_id, external_id FROM gazelle_users ORDER BY 1 LIMIT 1",
        change: || json!({ "firstName": "Refus" }),
    },
    Case {
        table: "gazelle_clients",
        refused: "company_name = 'Refus'",
        entity: "clients",
        kind: RecordKind::Client,
        which: "SELECT external_id, external_id FROM gazelle_clients ORDER BY 1 LIMIT 1",
        change: || json!({ "companyName": "Refus" }),
    },
    Case {
        table: "gazelle_contacts",
        refused: "first_name = 'Refus'",
        entity: "clients",
        kind: RecordKind::Contact,
        which: "SELECT client_external_id, external_id FROM gazelle_contacts WHERE is_default ORDER BY 1, 2 LIMIT 1",
        change: || json!({ "firstName": "Refus" }),
    },
    Case {
        table: "gazelle_pianos",
        refused: "make = 'Refus'",
        entity: "pianos",
        kind: RecordKind::Piano,
        which: "SELECT external_id, external_id FROM gazelle_pianos ORDER BY 1 LIMIT 1",
        change: || json!({ "make": "Refus" }),
    },
    Case {
        table: "gazelle_appointment_pianos",
        refused: "appointment_external_id = '{record}'",
        entity: "appointments",
        kind: RecordKind::Event,
        which: "SELECT external_id, external_id FROM gazelle_appointments a
                 WHERE NOT EXISTS (SELECT FROM gazelle_appointment_pianos p WHERE p.appointment_external_id = a.external_id)
                   AND client_external_id IS NOT NULL ORDER BY 1 LIMIT 1",
        change: || json!({}),
    },
];

#[tokio::test]
async fn on_every_table_a_refusal_makes_its_record_wait_at_once_or_deferred() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let piano = world.control.ids(RecordKind::Piano).remove(0);
    for case in &CASES {
        for deferred in [false, true] {
            let what = format!("{}, {}", case.table, if deferred { "deferred" } else { "at once" });
            let row = world.db.query_one(case.which, &[]).await.unwrap();
            let (record, changed): (String, String) = (row.get(0), row.get(1));
            let condition = case.refused.replace("{record}", &record);
            world
                .execute(&format!(
                    "CREATE FUNCTION refuser() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                         IF NEW.{condition} THEN RAISE EXCEPTION 'secret %', NEW; END IF; RETURN NULL; END $$;
                     CREATE CONSTRAINT TRIGGER refuser AFTER INSERT OR UPDATE ON {} {} FOR EACH ROW
                         EXECUTE FUNCTION refuser()",
                    case.table,
                    if deferred { "DEFERRABLE INITIALLY DEFERRED" } else { "" }
                ))
                .await;
            let before = world.content().await;
            let was = world.control.record(case.kind, &changed).unwrap();
            let change = match case.kind {
                RecordKind::Event => {
                    json!({ "allEventPianos": [{ "isTuning": true, "piano": { "id": piano } }] })
                }
                _ => (case.change)(),
            };
            world.control.edit(case.kind, &changed, change.clone()).unwrap();
            let sync = world.full().await;
            assert_eq!(sync.code, 0, "{what}: {sync}");
            let cases = refused(&world).await;
            assert_eq!(cases.len(), 1, "{what}: {cases:?}");
            assert_eq!(
                (&cases[0]["entity"], &cases[0]["id"]),
                (&json!(case.entity), &json!(record)),
                "{what}"
            );
            let said = cases[0].to_string();
            assert!(!said.contains("secret"), "{what}: {said}");
            if case.entity != "users" {
                assert!(said.contains("refuser()"), "{what}: {said}");
            }
            assert_same(&before, &world.content().await, &what);
            for args in [
                &["replay"][..],
                &["replay", "--entity", case.entity],
                &["replay", "--id", &record],
                &["migrate"],
            ] {
                let ran = world.run(args).await;
                let expected = if args[0] == "migrate" { 0 } else { 3 };
                assert_eq!(ran.code, expected, "{what}, {args:?}: {ran}");
                assert_same(&before, &world.content().await, &format!("{what}, {args:?}"));
            }
            world.execute("DROP FUNCTION refuser CASCADE").await;
            world.run(&["errors", "retry"]).await;
            world.full().await.success();
            assert_ne!(before[case.table], world.content().await[case.table], "{what}: it lands");
            let back: Value =
                change.as_object().unwrap().keys().map(|key| (key.clone(), was[key].clone())).collect();
            world.control.edit(case.kind, &changed, back).unwrap();
            world.full().await.success();
            let verdict = world.run(&["verify", "--offline"]).await;
            assert_eq!(verdict.code, 0, "{what}: {verdict}");
        }
    }
}
