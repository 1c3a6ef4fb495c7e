//! Newest wins: whatever the order in which versions come, production holds the newest good one of each id.

mod support;

use std::collections::BTreeMap;

use gazelle_sync::db::{self, ConnectSettings};
use gazelle_sync::entities::users;
use gazelle_sync::gazelle_to_staging::receive::receive_made_up;
use gazelle_sync::staging::versions;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::{Place, Tables};
use uuid::Uuid;

#[tokio::test]
async fn of_two_sightings_in_a_run_the_later_answer_stands_whichever_is_staged_first() {
    let place = Place::new().await;
    place.run(&["migrate"]).await.success();
    let settings =
        ConnectSettings { url: place.url(), ca_file: None, schema: "public".to_owned(), connections: 2 };
    let db = db::connect(&settings).await.unwrap();
    let start: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
    let seen = |name: &str, seconds: i64| {
        let record = format!(r#"{{"id":"usr_1","firstName":"{name}"}}"#);
        receive_made_up(record, start + SignedDuration::from_secs(seconds))
    };
    let staged = async |run: Uuid, sighting| {
        let mut connection = db.connection().await.unwrap();
        let tx = connection.begin().await.unwrap();
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
}

/// What a version says of its record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    Good(u8),
    Faulty,
    Gone,
}

/// Versions of three ids: which id, what it says; the position is the time at which it was seen.
type Versions = Vec<(u8, Says)>;

fn says() -> impl Strategy<Value = Says> {
    prop_oneof![6 => (0u8..8).prop_map(Says::Good), 2 => Just(Says::Faulty), 2 => Just(Says::Gone)]
}

/// Versions, the order in which they arrive, and after which arrivals stage 2 runs.
fn histories() -> impl Strategy<Value = (Versions, Vec<usize>, Vec<bool>)> {
    prop::collection::vec((0u8..3, says()), 1..12).prop_flat_map(|versions| {
        let order: Vec<usize> = (0..versions.len()).collect();
        let runs = prop::collection::vec(prop::bool::weighted(0.3), versions.len());
        (Just(versions), Just(order).prop_shuffle(), runs)
    })
}

fn seen_at(position: usize) -> String {
    format!("2026-01-01T00:00:{position:02}.000001Z")
}

/// An entity whose records hold other rows, and how a made-up version of it reads.
struct Kind {
    entity: &'static str,
    title: &'static str,
    record: fn(&str, u8) -> Value,
    faulty: fn(&str) -> Value,
    /// Columns that may depend on the order.
    without: &'static [&'static str],
}

/// An appointment with the pianos that `says` has bits of.
const APPOINTMENT: Kind = Kind {
    entity: "appointments",
    title: "title",
    record: |name, says| {
        let mut pianos = members(says, |bit| json!({"piano": {"id": format!("pno_{bit}")}}));
        // One that cannot be read: those that are not listed are not known to be gone.
        pianos.extend((says & 4 != 0).then(|| json!({})));
        json!({
            "id": name, "start": "2026-05-05T12:00:00Z", "title": format!("title {says}"),
            "notes": if says.is_multiple_of(2) { json!("notes") } else { Value::Null },
            "allEventPianos": {"nodes": pianos},
        })
    },
    faulty: |name| json!({"id": name, "start": null}),
    without: &[],
};

/// A client with those of its contacts that `says` has bits of.
const CLIENT: Kind = Kind {
    entity: "clients",
    title: "company_name",
    record: |name, says| {
        let mut contacts = members(says, |bit| json!({"id": format!("{name}_{bit}"), "firstName": "Zoé"}));
        contacts.extend((says & 4 != 0).then(|| json!({})));
        json!({"id": name, "companyName": format!("title {says}"), "allContacts": {"nodes": contacts}})
    },
    faulty: |name| json!({"companyName": name}),
    without: &[],
};

/// A client with contacts that any client may hold. Which of several versions with the same content a contact names
/// then depends on the order, what it says does not.
const SHARING: Kind = Kind {
    record: |name, says| {
        let contacts = members(says, |bit| json!({"id": format!("con_{bit}"), "firstName": "Zoé"}));
        json!({"id": name, "companyName": format!("title {says}"), "allContacts": {"nodes": contacts}})
    },
    without: &["staging_id", "synced_from_gazelle_at"],
    ..CLIENT
};

fn members(says: u8, member: impl Fn(u8) -> Value) -> Vec<Value> {
    (0..2).filter(|bit| says >> bit & 1 == 1).map(member).collect()
}

async fn stage_pianos(place: &Place) {
    for bit in 0..2 {
        let id = format!("pno_{bit}");
        place.stage("staging_pianos", &id, &json!({"id": id, "make": "Heintzman"}), None).await;
    }
}

/// Stages a version with an id by which stage 2 takes it `nth`, so that a case that fails can be played again.
async fn arrive(place: &Place, kind: &Kind, nth: usize, position: usize, (id, says): (u8, Says)) {
    let name = format!("rec_{id}");
    let record = match says {
        Says::Good(content) => (kind.record)(&name, content),
        Says::Faulty => (kind.faulty)(&name),
        Says::Gone => json!({}),
    };
    let operation = if says == Says::Gone { "delete" } else { "upsert" };
    let sql = format!(
        "INSERT INTO staging_{} (id, external_id, raw_data, sync_status, fetched_at, operation)
         VALUES ($1, $2, $3, 'pending', $4::text::timestamptz, $5)",
        kind.entity
    );
    let staging_id = Uuid::from_u128(nth as u128 + 1);
    place.db.execute(&sql, &[&staging_id, &name, &record, &seen_at(position), &operation]).await.unwrap();
}

/// What production must hold once these have arrived: the title of each id that exists.
fn model(versions: &Versions, arrived: &[usize]) -> BTreeMap<String, String> {
    let mut newest: BTreeMap<u8, (usize, Says)> = BTreeMap::new();
    for &position in arrived {
        let (id, says) = versions[position];
        if says != Says::Faulty && newest.get(&id).is_none_or(|(held, _)| *held < position) {
            newest.insert(id, (position, says));
        }
    }
    newest
        .into_iter()
        .filter_map(|(id, (_, says))| match says {
            Says::Good(title) => Some((format!("rec_{id}"), format!("title {title}"))),
            _ => None,
        })
        .collect()
}

async fn held(place: &Place, kind: &Kind) -> BTreeMap<String, String> {
    let sql =
        format!("SELECT external_id, {} FROM gazelle_{} WHERE deleted_at IS NULL", kind.title, kind.entity);
    place.db.query(&sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn check(
    place: &Place,
    kind: &Kind,
    (versions, order, runs): (Versions, Vec<usize>, Vec<bool>),
) -> Result<(), TestCaseError> {
    let entity = kind.entity;
    let truncate = format!("TRUNCATE gazelle_{entity} CASCADE");
    place.execute(&format!("{truncate}; TRUNCATE staging_{entity}, sync_quarantine")).await;
    for (count, &position) in order.iter().enumerate() {
        arrive(place, kind, count, position, versions[position]).await;
        if runs[count] || count + 1 == order.len() {
            place.run(&["reconcile"]).await.success();
            prop_assert_eq!(
                held(place, kind).await,
                model(&versions, &order[..=count]),
                "after {} arrivals",
                count + 1
            );
        }
    }
    let pending: i64 =
        place.one(&format!("SELECT count(*) FROM staging_{entity} WHERE sync_status = 'pending'"), &[]).await;
    prop_assert_eq!(pending, 0);
    // Members that came and went, times of deletion and lineage included.
    let last = place.production(kind.without).await;
    let verified = place.run(&["verify", "--offline"]).await;
    prop_assert_eq!(verified.code, 0, "{}", verified);

    place.run(&["replay"]).await.success();
    prop_assert_eq!(&place.production(kind.without).await, &last, "a replay changes nothing");
    place
        .execute(&format!(
            "{truncate};
             UPDATE staging_{entity} SET sync_status = 'pending' WHERE sync_status = 'processed'"
        ))
        .await;
    place.run(&["reconcile"]).await.success();
    prop_assert_eq!(&place.production(kind.without).await, &last, "the rollback gives the same");
    place.execute(&truncate).await;
    place.run(&["replay"]).await.success();
    prop_assert_eq!(&place.production(kind.without).await, &last, "a replay from nothing gives the same");

    // The quarantine holds the faulty versions that no newer good one has made moot, and no others.
    let open: i64 = place
        .one(
            &format!(
                "SELECT count(*) FROM sync_quarantine q JOIN staging_{entity} s ON s.id = q.staging_id
                  WHERE q.state = 'open' AND EXISTS (
                        SELECT 1 FROM staging_{entity} newer
                         WHERE newer.external_id = s.external_id AND newer.fetched_at > s.fetched_at
                           AND newer.sync_status = 'processed' AND newer.error_code IS NULL)"
            ),
            &[],
        )
        .await;
    prop_assert_eq!(open, 0, "moot cases are still open");
    Ok(())
}

fn whatever_the_order_of_arrival(kind: &Kind) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = runtime.block_on(async {
        let place = Place::new().await;
        place.run(&["migrate"]).await.success();
        if kind.entity == APPOINTMENT.entity {
            stage_pianos(&place).await;
        }
        place
    });
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(&histories(), |history| runtime.block_on(check(&place, kind, history)));
    runtime.block_on(async { drop(place) });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn whatever_the_order_of_arrival_production_holds_the_newest_good_version() {
    whatever_the_order_of_arrival(&APPOINTMENT);
}

#[test]
fn whatever_the_order_of_arrival_contacts_belong_to_the_client_seen_last_with_them() {
    whatever_the_order_of_arrival(&SHARING);
}

#[test]
fn whatever_the_order_of_arrival_contacts_are_as_the_versions_of_their_client_say() {
    whatever_the_order_of_arrival(&CLIENT);
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

#[tokio::test]
async fn a_contact_that_changed_clients_belongs_to_the_one_seen_last_in_any_order_of_arrival() {
    // K is A's, then B's; A's newest version, seen last, holds it again.
    let versions = [
        ("a", client("a", "A", &["k"]), 1),
        ("b", client("b", "B", &["k"]), 3),
        ("a", client("a", "A, renamed", &["k"]), 5),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let place = Place::new().await;
        place.run(&["migrate"]).await.success();
        for index in order {
            let (id, record, time) = &versions[index];
            place.stage("staging_clients", id, record, Some(&seen_at(*time))).await;
            place.run(&["reconcile"]).await.success();
        }
        let owner =
            place.text("SELECT client_external_id FROM gazelle_contacts WHERE deleted_at IS NULL").await;
        assert_eq!(owner.as_deref(), Some("a"), "arrived as {order:?}");
    }
}

#[tokio::test]
async fn replay_gives_a_contact_to_the_client_that_production_gives_it_to() {
    for holders in [&["a", "b"][..], &["a", "b", "a"], &["b", "a", "b", "a"]] {
        let place = Place::new().await;
        place.run(&["migrate"]).await.success();
        for (position, id) in holders.iter().enumerate() {
            let record = client(id, &format!("name {position}"), &["k"]);
            place.stage("staging_clients", id, &record, Some(&seen_at(position))).await;
            place.run(&["reconcile"]).await.success();
        }
        let before = existing(place.content().await);
        let replayed = place.run(&["replay"]).await;
        assert_eq!(replayed.code, 0, "held by {holders:?}: {replayed}");
        support::assert_same(&before, &existing(place.content().await), &format!("held by {holders:?}"));
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
        let place = Place::new().await;
        place.run(&["migrate"]).await.success();
        for index in order {
            let (id, record, time) = &versions[index];
            place.stage("staging_clients", id, record, Some(&seen_at(*time))).await;
            place.run(&["reconcile"]).await.success();
        }
        let owner = place
            .text("SELECT client_external_id FROM gazelle_contacts WHERE external_id = 'k' AND deleted_at IS NULL")
            .await;
        assert_eq!(owner.as_deref(), Some("b"), "arrived as {order:?}");
    }
}

#[tokio::test]
async fn several_versions_of_one_record_in_one_batch_end_with_the_newest() {
    let place = Place::new().await;
    place.run(&["migrate"]).await.success();
    stage_pianos(&place).await;
    for (nth, position) in [7, 2, 9, 1, 5].into_iter().enumerate() {
        arrive(&place, &APPOINTMENT, nth, position, (0, Says::Good(position as u8))).await;
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
    let world = support::World::new().await;
    world.filled().await;
    // What was seen carries a time to come, as after a clock that was wrong.
    world.execute("UPDATE staging_clients SET fetched_at = fetched_at + interval '1 day'").await;
    let id = world.control.ids(gazelle_sim::Kind::Client).remove(0);
    world.control.edit(gazelle_sim::Kind::Client, &id, json!({"companyName": "Après"})).unwrap();
    world.full().await.success();
    let name =
        world.text(&format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{id}'")).await;
    assert_eq!(name.as_deref(), Some("Après"));
    // And back again to what it was.
    world.control.edit(gazelle_sim::Kind::Client, &id, json!({"companyName": "Avant"})).unwrap();
    world.full().await.success();
    world.control.edit(gazelle_sim::Kind::Client, &id, json!({"companyName": "Après"})).unwrap();
    world.full().await.success();
    let name =
        world.text(&format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{id}'")).await;
    assert_eq!(name.as_deref(), Some("Après"));
}

#[tokio::test]
async fn a_faulty_version_that_came_late_does_not_count_as_having_held_a_contact() {
    let place = Place::new().await;
    place.run(&["migrate"]).await.success();
    let versions = [(0, Says::Good(1), 5), (0, Says::Gone, 10), (0, Says::Faulty, 8), (2, Says::Good(1), 7)];
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
    let place = Place::new().await;
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
