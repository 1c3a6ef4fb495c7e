//! Made-up versions, and their arrival.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestInstallation;

/// What a version says of its record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VersionContent {
    Good(u8),
    Faulty,
    Gone,
}
pub fn seen_at(position: usize) -> String {
    format!("2026-01-01T00:00:{position:02}.000001Z")
}

/// An entity whose records hold other rows, and how a made-up version of it reads.
pub struct EntityFixture {
    pub entity: &'static str,
    pub title: &'static str,
    pub record: fn(&str, u8) -> Value,
    pub faulty: fn(&str) -> Value,
    /// Columns that may depend on the order.
    pub without: &'static [&'static str],
}

/// An appointment with the pianos that `says` has bits of.
pub const APPOINTMENT: EntityFixture = EntityFixture {
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
pub const CLIENT: EntityFixture = EntityFixture {
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
pub const SHARING: EntityFixture = EntityFixture {
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

pub async fn stage_pianos(place: &TestInstallation) {
    for bit in 0..2 {
        let id = format!("pno_{bit}");
        place.stage("staging_pianos", &id, &json!({"id": id, "make": "Heintzman"}), None).await;
    }
}

/// Stages a version with an id by which stage 2 takes it `nth`, so that a case that fails can be played again.
pub async fn arrive(
    place: &TestInstallation,
    kind: &EntityFixture,
    nth: usize,
    position: usize,
    (id, says): (u8, VersionContent),
) {
    let name = format!("rec_{id}");
    let record = match says {
        VersionContent::Good(content) => (kind.record)(&name, content),
        VersionContent::Faulty => (kind.faulty)(&name),
        VersionContent::Gone => json!({}),
    };
    let operation = if says == VersionContent::Gone { "delete" } else { "upsert" };
    let sql = format!(
        "INSERT INTO staging_{} (id, external_id, raw_data, sync_status, fetched_at, operation)
         VALUES ($1, $2, $3, 'pending', $4::text::timestamptz, $5)",
        kind.entity
    );
    let staging_id = Uuid::from_u128(nth as u128 + 1);
    place.db.execute(&sql, &[&staging_id, &name, &record, &seen_at(position), &operation]).await.unwrap();
}
pub async fn held(place: &TestInstallation, kind: &EntityFixture) -> BTreeMap<String, String> {
    let sql =
        format!("SELECT external_id, {} FROM gazelle_{} WHERE deleted_at IS NULL", kind.title, kind.entity);
    place.db.query(&sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}
