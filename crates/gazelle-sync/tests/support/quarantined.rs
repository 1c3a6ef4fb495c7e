//! What tests of the quarantine share.

use gazelle_sync::entities::Entity;
use gazelle_sync::gazelle_to_staging::records::receive::receive_made_up;
use gazelle_sync::staging::versions::exact;
use jiff::Timestamp;
use serde_json::Value;

use super::TestInstallation;

/// A migrated database without a shop.
pub async fn place() -> TestInstallation {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place
}

/// What `errors` lists.
pub async fn listed(place: &TestInstallation) -> Vec<Value> {
    place.run(&["errors"]).await.success().as_array().expect("a list").clone()
}

/// Stages a record as stage 1 does: its id, what `jsonb` can hold of it, and the rest as bytes.
pub async fn stage(place: &TestInstallation, entity: &Entity, text: String, id: Option<&str>) -> String {
    let received = receive_made_up(text, Timestamp::now());
    let held = exact::hold(&received.raw);
    let id = id.map_or_else(|| received.external_id.clone(), str::to_owned);
    let sql = format!(
        "INSERT INTO {} (external_id, raw_data, raw_bytes, fetched_at) VALUES ($1, $2::text::jsonb, $3, clock_timestamp())",
        entity.staging_table
    );
    place
        .db
        .execute(&sql, &[&id, &held.json.as_ref(), &held.original])
        .await
        .unwrap_or_else(|e| panic!("{id}: {e:?}"));
    id
}
