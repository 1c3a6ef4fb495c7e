//! What tests of the quarantine share.

use serde_json::Value;

use super::Place;

/// A migrated database without a shop.
pub async fn place() -> Place {
    let place = Place::new().await;
    place.run(&["migrate"]).await.success();
    place
}

/// What `errors` lists.
pub async fn listed(place: &Place) -> Vec<Value> {
    place.run(&["errors"]).await.success().as_array().expect("a list").clone()
}
