//! What changes at the source changes in production, and nothing else does.

use crate::support::oracle::{Record, all, assert_mirrors};
use crate::support::{Tables, World, assert_same};
use gazelle_sim::{RecordKind, SimControl};
use serde_json::{Value, json};

#[tokio::test]
async fn an_incremental_sync_brings_what_moved_changed_hands_was_cancelled_edited_or_added() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let control = &world.control;
    let (moved, handed, cancelled, edited) =
        (world.upcoming(0), world.upcoming(1), world.upcoming(2), world.upcoming(3));
    control.move_event(&moved, Some("2027-07-01T23:30:00Z")).unwrap();
    let other = control
        .ids(RecordKind::User)
        .into_iter()
        .find(|user| control.record(RecordKind::Event, &handed).unwrap()["user"]["id"] != user.as_str())
        .unwrap();
    control.reassign(&handed, &other).unwrap();
    control.cancel(&cancelled).unwrap();
    control
        .edit(RecordKind::Event, &edited, json!({"title": "Un autre \"titre\" 🎼", "duration": 45}))
        .unwrap();
    let clients = control.ids(RecordKind::Client);
    control.edit(RecordKind::Client, &clients[20], json!({"companyName": "Renommée"})).unwrap();
    let client = control.add(RecordKind::Client, json!({"companyName": "Toute neuve"})).unwrap();
    control.add(RecordKind::Contact, json!({"client": {"id": client}, "firstName": "Zoé"})).unwrap();
    let piano = control.add(RecordKind::Piano, json!({"client": {"id": client}, "make": "Pratte"})).unwrap();
    let event = json!({
        "start": "2027-01-10T01:30:00Z", "client": {"id": client}, "user": {"id": other},
        "allEventPianos": [{"piano": {"id": piano}, "isTuning": true}],
    });
    control.add(RecordKind::Event, event).unwrap();

    let run = world.incremental().await;
    let report = run.success();

    assert_mirrors(&world, &[]).await;
    assert_eq!(run.entity("appointments")["staged"], 5);
    assert_eq!(run.entity("clients")["staged"], 2);
    assert_eq!(run.entity("pianos")["staged"], 1);
    assert_eq!(run.entity("users")["staged"], 0);
    assert_eq!(report["errors"], 0);
    assert!(run.entity("appointments")["walk"].as_str().unwrap().starts_with("from "), "{report}");
    assert!(run.entity("appointments")["fetched"].as_i64().unwrap() < 110, "the past is not read again");
    let at = world
        .text(&format!("SELECT date_montreal || ' ' || time_montreal FROM v_appointments_montreal WHERE external_id = '{moved}'"))
        .await;
    assert_eq!(at.as_deref(), Some("2027-07-01 19:30:00"));
}

#[tokio::test]
async fn merged_clients_give_their_contacts_pianos_and_events_to_the_one_that_stays() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let clients = world.control.ids(RecordKind::Client);
    // The one with 120 contacts into the institution with 137 pianos.
    world.control.merge_clients(&clients[1], &clients[0]).unwrap();

    world.full().await.success();

    assert_mirrors(&world, &[clients[1].clone()]).await;
    let left: i64 = world
        .one(
            "SELECT (SELECT count(*) FROM gazelle_contacts WHERE client_external_id = $1)
                  + (SELECT count(*) FROM gazelle_locations WHERE client_external_id = $1)
                  + (SELECT count(*) FROM gazelle_pianos WHERE client_external_id = $1)
                  + (SELECT count(*) FROM gazelle_appointments WHERE client_external_id = $1)",
            &[&clients[1]],
        )
        .await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_merge_seen_by_an_incremental_sync_alone_leaves_no_dangling_row() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let clients = world.control.ids(RecordKind::Client);
    world.control.merge_clients(&clients[9], &clients[10]).unwrap();
    world.incremental().await.success();
    let pianos: i64 =
        world.one("SELECT count(*) FROM gazelle_pianos WHERE client_external_id = $1", &[&clients[9]]).await;
    assert_eq!(pianos, 0);
    world.full().await.success();
    assert_mirrors(&world, &[clients[9].clone()]).await;
}

#[tokio::test]
async fn what_is_taken_away_at_the_source_is_taken_away_here() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let clients = world.control.ids(RecordKind::Client);
    let contact = {
        let mut own = all(&world.control, RecordKind::Contact);
        own.retain(|contact| contact.reference("client") == clients[1].as_str());
        own.pop().unwrap().get("id").as_str().unwrap().to_owned()
    };
    let control = &world.control;
    control
        .edit(RecordKind::Client, &clients[5], json!({"tags": ["un", "d'eux", "tr\"ois", "qu\\atre", "{5}"]}))
        .unwrap();
    world.incremental().await.success();
    assert_mirrors(&world, &[]).await;

    control
        .edit(RecordKind::Client, &clients[5], json!({"tags": ["un"], "companyName": null, "region": null}))
        .unwrap();
    control.delete(RecordKind::Contact, &contact).unwrap();
    let tour = world.event_titled("Grande tournée");
    let kept: Vec<Value> = Record(control.record(RecordKind::Event, &tour).unwrap())
        .list("allEventPianos")
        .into_iter()
        .take(2)
        .map(|item| item.0)
        .collect();
    control
        .edit(RecordKind::Event, &tour, json!({"allEventPianos": kept, "notes": null, "title": null}))
        .unwrap();
    world.incremental().await.success();

    assert_mirrors(&world, &[]).await;
    let row = world
        .rows(&format!(
            "SELECT tags, company_name, region FROM gazelle_clients WHERE external_id = '{}'",
            clients[5]
        ))
        .await;
    assert_eq!(row, [json!({"tags": ["un"], "company_name": null, "region": null})]);
    let deleted = world
        .text(&format!("SELECT 'deleted' FROM gazelle_contacts WHERE external_id = '{contact}' AND deleted_at IS NOT NULL"))
        .await;
    assert_eq!(deleted.as_deref(), Some("deleted"));

    // And it comes back when the source has it again.
    control.edit(RecordKind::Client, &clients[5], json!({"tags": [], "companyName": ""})).unwrap();
    world.incremental().await.success();
    assert_mirrors(&world, &[]).await;
}

#[tokio::test]
async fn a_sync_touches_no_column_and_no_table_of_the_users_own() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world
        .execute(
            "ALTER TABLE gazelle_clients ADD COLUMN my_note text DEFAULT 'à moi';
             ALTER TABLE gazelle_appointments ADD COLUMN my_note text;
             UPDATE gazelle_appointments SET my_note = 'apporter ' || external_id;
             CREATE TABLE my_list (client text REFERENCES gazelle_clients (external_id));
             INSERT INTO my_list SELECT external_id FROM gazelle_clients",
        )
        .await;
    let event = world.upcoming(0);
    world.control.move_event(&event, Some("2027-07-01T23:30:00Z")).unwrap();
    for client in world.control.ids(RecordKind::Client) {
        world.control.edit(RecordKind::Client, &client, json!({"personalNotes": "autre"})).unwrap();
    }
    world.full().await.success();
    assert_mirrors(&world, &[]).await;
    let mine: i64 = world
        .one("SELECT count(*) FROM gazelle_appointments WHERE my_note = 'apporter ' || external_id", &[])
        .await;
    assert_eq!(mine, 117);
    assert_eq!(
        world.one::<i64>("SELECT count(*) FROM gazelle_clients WHERE my_note = 'à moi'", &[]).await,
        40
    );
    assert_eq!(world.count("my_list").await, 40);
}

#[tokio::test]
async fn the_time_of_syncing_moves_only_with_the_row() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before: Tables = world.production(&[]).await;
    let event = world.upcoming(0);
    // A field that no column holds, then one that a column holds.
    world.control.edit(RecordKind::Event, &event, json!({"notes": "changé"})).unwrap();
    world.incremental().await.success();
    let after = world.production(&[]).await;
    let changed = after["gazelle_appointments"]
        .iter()
        .filter(|row| !before["gazelle_appointments"].contains(row))
        .count();
    assert_eq!(changed, 1);
    let newest = world
        .text(&format!(
            "SELECT (a.synced_from_gazelle_at = s.fetched_at)::text FROM gazelle_appointments a
               JOIN staging_appointments s ON s.id = a.staging_id
              WHERE a.external_id = '{event}' AND s.fetched_at = (SELECT max(fetched_at) FROM staging_appointments WHERE external_id = '{event}')"
        ))
        .await;
    assert_eq!(newest.as_deref(), Some("true"), "the row names its newest version");
}

/// Gives the contact of one client to another.
fn give_contact(control: &SimControl, from: &str, to: &str) -> String {
    let id = all(control, RecordKind::Contact)
        .iter()
        .rfind(|contact| contact.reference("client") == from)
        .map(|contact| contact.get("id").as_str().unwrap().to_owned())
        .expect("a contact");
    control.edit(RecordKind::Contact, &id, json!({"client": {"id": to}})).unwrap();
    id
}

#[tokio::test]
async fn a_contact_given_to_a_client_created_later_moves_and_replay_agrees() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let old = world.control.ids(RecordKind::Client)[1].clone();
    let new = world.control.add(RecordKind::Client, json!({"companyName": "Toute neuve"})).unwrap();
    let contact = give_contact(&world.control, &old, &new);
    world.incremental().await.success();
    assert_mirrors(&world, &[]).await;
    let before = world.content().await;

    let replayed = world.run(&["replay"]).await;
    assert_eq!(replayed.code, 0, "{replayed}");
    assert_same(&before, &world.content().await, "replayed");
    world.execute("UPDATE staging_clients SET sync_status = 'pending' WHERE sync_status = 'processed'").await;
    let reconciled = world.run(&["reconcile"]).await;
    assert_eq!(reconciled.code, 0, "{reconciled}");
    assert_same(&before, &world.content().await, "reconciled again");
    let owner = world
        .text(&format!("SELECT client_external_id FROM gazelle_contacts WHERE external_id = '{contact}'"))
        .await;
    assert_eq!(owner, Some(new));
}

#[tokio::test]
async fn a_contact_that_changes_clients_between_two_pages_is_seen_at_both_and_harms_nothing() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    let clients = world.control.ids(RecordKind::Client);
    // One of the first page that has a contact, and one of the last.
    let contacts = all(&world.control, RecordKind::Contact);
    let has_contact =
        |id: &&String| contacts.iter().any(|contact| contact.reference("client") == id.as_str());
    let (old, new) = (clients[3..10].iter().find(has_contact).unwrap().clone(), clients[35].clone());
    let after_two_pages =
        gazelle_sim::Fault::new(gazelle_sim::FaultKind::Call).on_operation("ClientsPage").skip(1);
    world.control.call_after(after_two_pages, move |control| {
        give_contact(control, &old, &new);
    });
    let run = world.full().await;
    assert_eq!(run.code, 0, "{run}");
    world.full().await.success();
    assert_mirrors(&world, &[]).await;
}
