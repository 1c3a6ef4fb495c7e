//! Newest wins: whatever the order in which versions come, production holds the newest good one of each id.

mod made;
mod orders;
use std::time::Duration;

use crate::support::{Tables, TestInstallation};
use gazelle_sync::db;
use gazelle_sync::db::ConnectSettings;
use gazelle_sync::entities::users;
use gazelle_sync::gazelle_to_staging::records::receive::receive_made_up;
use gazelle_sync::lease::Lease;
use gazelle_sync::staging::versions;
use jiff::{SignedDuration, Timestamp};
use made::{APPOINTMENT, SHARING, VersionContent, arrive, held, seen_at, stage_pianos};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn of_two_sightings_in_a_run_the_later_answer_stands_whichever_is_staged_first() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let settings =
        ConnectSettings { url: place.url(), ca_file: None, schema: "public".to_owned(), connections: 2 };
    let db = db::connect(&settings).await.unwrap();
    let start: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
    let seen = |name: &str, seconds: i64| {
        let record = format!(r#"{{"id":"usr_1","firstName":"{name}"}}"#);
        receive_made_up(record, start + SignedDuration::from_secs(seconds))
    };
    let lease = Lease::acquire(&db, Duration::from_secs(60)).await.unwrap();
    let staged = async |run: Uuid, sighting| {
        let mut connection = db.connection().await.unwrap();
        let tx = lease.fence().begin(&mut connection).await.unwrap();
        let staged = versions::stage(&tx, &users::ENTITY, run, &[sighting]).await.unwrap();
        tx.commit().await.unwrap();
        (staged.staged, staged.unchanged)
    };
    let newest = "SELECT raw_data ->> 'firstName' FROM staging_users ORDER BY fetched_at DESC LIMIT 1";
    let (run, next) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(staged(run, seen("Zoé", 40)).await, (1, 0));
    assert_eq!(staged(run, seen("Avant", 10)).await, (0, 1), "its answer waited for another page");
    assert_eq!(place.text(newest).await.as_deref(), Some("Zoé"));
    // What another run brings is news, whatever the clocks say.
    assert_eq!(staged(next, seen("Horloge en retard", 20)).await, (1, 0));
    assert_eq!(place.text(newest).await.as_deref(), Some("Horloge en retard"));
    lease.release().await.unwrap();
}
fn existing(tables: Tables) -> Tables {
    tables
        .into_iter()
        .map(|(table, rows)| {
            (table, rows.into_iter().filter(|row| row.contains("\"deleted\": false")).collect())
        })
        .collect()
}

fn client(id: &str, name: &str, contacts: &[&str]) -> Value {
    let contacts: Vec<Value> = contacts.iter().map(|id| json!({"id": id, "firstName": "Zoé"})).collect();
    json!({"id": id, "companyName": name, "allContacts": {"nodes": contacts}})
}

/// A database in which these versions (id, record, when it was seen) have been reconciled in this order, one by one.
async fn arrived(versions: &[(&str, Value, usize)], order: [usize; 3]) -> TestInstallation {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    for index in order {
        let (id, record, time) = &versions[index];
        place.stage("staging_clients", id, record, Some(&seen_at(*time))).await;
        place.run(&["reconcile"]).await.success();
    }
    place
}

#[tokio::test]
async fn a_contact_that_changed_clients_belongs_to_the_one_seen_last_in_any_order_of_arrival() {
    // K is A's, then B's; A's newest version, seen last, holds it again.
    let versions = [
        ("a", client("a", "A", &["k"]), 1),
        ("b", client("b", "B", &["k"]), 3),
        ("a", client("a", "A, renamed", &["k"]), 5),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let place = arrived(&versions, order).await;
        let owner =
            place.text("SELECT client_external_id FROM gazelle_contacts WHERE deleted_at IS NULL").await;
        assert_eq!(owner.as_deref(), Some("a"), "arrived as {order:?}");
    }
}

#[tokio::test]
async fn replay_gives_a_contact_to_the_client_that_production_gives_it_to() {
    for holders in [&["a", "b"][..], &["a", "b", "a"], &["b", "a", "b", "a"]] {
        let place = TestInstallation::new().await;
        place.run(&["migrate"]).await.success();
        for (position, id) in holders.iter().enumerate() {
            let record = client(id, &format!("name {position}"), &["k"]);
            place.stage("staging_clients", id, &record, Some(&seen_at(position))).await;
            place.run(&["reconcile"]).await.success();
        }
        let before = existing(place.content().await);
        let replayed = place.run(&["replay"]).await;
        assert_eq!(replayed.code, 0, "held by {holders:?}: {replayed}");
        crate::support::assert_same(
            &before,
            &existing(place.content().await),
            &format!("held by {holders:?}"),
        );
    }
}

#[tokio::test]
async fn a_contact_given_to_another_client_is_not_deleted_with_the_first_one() {
    let versions = [
        ("a", client("a", "A", &["k", "l"]), 1),
        ("b", client("b", "B", &["k"]), 3),
        ("a", client("a", "A", &["l"]), 4),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 1, 0], [2, 0, 1], [1, 2, 0]] {
        let place = arrived(&versions, order).await;
        let owner = place
            .text("SELECT client_external_id FROM gazelle_contacts WHERE external_id = 'k' AND deleted_at IS NULL")
            .await;
        assert_eq!(owner.as_deref(), Some("b"), "arrived as {order:?}");
    }
}

#[tokio::test]
async fn several_versions_of_one_record_in_one_batch_end_with_the_newest() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    stage_pianos(&place).await;
    for (nth, position) in [7, 2, 9, 1, 5].into_iter().enumerate() {
        arrive(&place, &APPOINTMENT, nth, position, (0, VersionContent::Good(position as u8))).await;
    }
    place.run(&["reconcile"]).await.success();
    assert_eq!(held(&place, &APPOINTMENT).await["rec_0"], "title 9");
    let lineage: i64 = place
        .one(
            "SELECT count(*) FROM gazelle_appointments a JOIN staging_appointments s ON s.id = a.staging_id
              WHERE s.raw_data ->> 'title' = 'title 9' AND a.synced_from_gazelle_at = s.fetched_at",
            &[],
        )
        .await;
    assert_eq!(lineage, 1);
}

#[tokio::test]
async fn versions_of_a_record_seen_by_two_syncs_are_told_apart_though_the_clock_steps_back() {
    let world = crate::support::World::new().await;
    world.full_sync_ok().await;
    // What was seen carries a time to come, as after a clock that was wrong.
    world.execute("UPDATE staging_clients SET fetched_at = fetched_at + interval '1 day'").await;
    let id = world.control.ids(gazelle_sim::RecordKind::Client).remove(0);
    world.control.edit(gazelle_sim::RecordKind::Client, &id, json!({"companyName": "Après"})).unwrap();
    world.full().await.success();
    let name =
        world.text(&format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{id}'")).await;
    assert_eq!(name.as_deref(), Some("Après"));
    // And back again to what it was.
    world.control.edit(gazelle_sim::RecordKind::Client, &id, json!({"companyName": "Avant"})).unwrap();
    world.full().await.success();
    world.control.edit(gazelle_sim::RecordKind::Client, &id, json!({"companyName": "Après"})).unwrap();
    world.full().await.success();
    let name =
        world.text(&format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{id}'")).await;
    assert_eq!(name.as_deref(), Some("Après"));
}

#[tokio::test]
async fn a_faulty_version_that_came_late_does_not_count_as_having_held_a_contact() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let versions = [
        (0, VersionContent::Good(1), 5),
        (0, VersionContent::Gone, 10),
        (0, VersionContent::Faulty, 8),
        (2, VersionContent::Good(1), 7),
    ];
    for (nth, (id, says, position)) in versions.into_iter().enumerate() {
        arrive(&place, &SHARING, nth, position, (id, says)).await;
        place.run(&["reconcile"]).await.success();
    }
    let owner = place.text("SELECT client_external_id FROM gazelle_contacts").await;
    assert_eq!(owner.as_deref(), Some("rec_2"));
    place.run(&["verify", "--offline"]).await.success();
}

#[tokio::test]
async fn a_contact_let_go_by_a_version_that_is_told_after_its_claim_is_the_claimers() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    let stage = async |id: &str, contacts: &[&str], time| {
        let record = client(id, &format!("{id} at {time}"), contacts);
        place.stage("staging_clients", id, &record, Some(&seen_at(time))).await;
    };
    stage("b", &["k"], 1).await;
    stage("b", &[], 9).await;
    stage("a", &[], 6).await;
    place.run(&["reconcile"]).await.success();
    // Both come late, in one batch: A's claim, and B's version after it, which did not hold the contact any more.
    stage("a", &["k"], 4).await;
    stage("b", &[], 5).await;
    place.run(&["reconcile"]).await.success();
    let owner = place.text("SELECT client_external_id FROM gazelle_contacts").await;
    assert_eq!(owner.as_deref(), Some("a"));
    place.run(&["verify", "--offline"]).await.success();
}
