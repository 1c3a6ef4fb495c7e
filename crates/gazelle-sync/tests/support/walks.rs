//! What tests of walks share.

use gazelle_sim::RecordKind;

use super::World;

/// The list of events.
pub const EVENTS: &str = "allEventsBatched";

/// Pages of ten, one after the other: 12 pages of events.
pub async fn one_by_one() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    world.set("GAZELLE_SYNC_CONCURRENCY", "1");
    world
}

/// Everything that the shop lists is in staging.
pub async fn assert_whole(world: &World) {
    for (kind, table) in [
        (RecordKind::User, "staging_users"),
        (RecordKind::Client, "staging_clients"),
        (RecordKind::Piano, "staging_pianos"),
        (RecordKind::Event, "staging_appointments"),
    ] {
        for id in world.control.ids(kind) {
            let staged: i64 =
                world.one(&format!("SELECT count(*) FROM {table} WHERE external_id = $1"), &[&id]).await;
            assert!(staged > 0, "{table} lacks {id}");
        }
    }
}

/// The bookmark of an entity, if it has one.
pub async fn bookmark(world: &World, entity: &str) -> Option<String> {
    world.text(&format!("SELECT walk_started_at::text FROM sync_bookmarks WHERE entity = '{entity}'")).await
}
