//! What the database holds, read when somebody asks and kept for some seconds, so that asking often costs little.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::ByOne;
use crate::db::{Db, DbError};
use crate::entities::ENTITIES;
use crate::run_log::runs;
use crate::staging::backlog;

/// What the database holds at an instant, per entity in their order.
#[derive(Debug, Clone)]
pub struct Held {
    entities: Vec<OfEntity>,
    /// Seconds since the epoch at which the last good run ended.
    last_good_run: Option<f64>,
}

#[derive(Debug, Clone, Default)]
struct OfEntity {
    name: &'static str,
    backlog: u64,
    oldest_pending_seconds: f64,
    /// Absent where there was no complete walk yet.
    freshness_seconds: Option<f64>,
    withheld: u64,
    quarantined: u64,
    unreadable: u64,
}

impl Held {
    /// Reads it, with SELECTs alone.
    pub async fn read(db: &Db) -> Result<Held, DbError> {
        let past = runs::past(db).await?;
        let rows = db.query(include_str!("held.sql"), &[]).await?;
        let column = |index: usize| -> BTreeMap<String, f64> {
            let text: Option<String> = rows.first().and_then(|row| row.get(index));
            text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
        };
        let (walked, withheld, quarantined, unreadable) = (column(0), column(1), column(2), column(3));
        let seconds = past.asked_at.as_millisecond() as f64 / 1e3;
        let mut entities = Vec::new();
        for entity in ENTITIES.iter().copied() {
            let backlog = backlog::of(db, entity).await?;
            let age = |at: Timestamp| (seconds - at.as_millisecond() as f64 / 1e3).max(0.0);
            entities.push(OfEntity {
                name: entity.name,
                backlog: backlog.size,
                oldest_pending_seconds: backlog.oldest.map_or(0.0, age),
                freshness_seconds: walked.get(entity.name).map(|walked| (seconds - walked).max(0.0)),
                withheld: withheld.get(entity.name).map_or(0, |n| *n as u64),
                quarantined: quarantined.get(entity.name).map_or(0, |n| *n as u64),
                unreadable: unreadable.get(entity.name).map_or(0, |n| *n as u64),
            });
        }
        Ok(Held { entities, last_good_run: past.last_good.map(|at| at.as_millisecond() as f64 / 1e3) })
    }
}

/// The gauges of what is held; without it all but one are absent, since an old value would look like a new one.
pub(super) fn registry(held: Option<&Held>) -> Registry {
    let mut registry = Registry::default();
    let up: Gauge = Gauge::default();
    up.set(i64::from(held.is_some()));
    registry.register("gazelle_sync_database_up", "1 when the database could be read for these metrics", up);
    let Some(held) = held else { return registry };
    let whole = |of: fn(&OfEntity) -> u64| {
        let family = Family::<ByOne, Gauge>::default();
        for entity in &held.entities {
            let value = i64::try_from(of(entity)).unwrap_or(i64::MAX);
            family.get_or_create(&[("entity", entity.name)]).set(value);
        }
        family
    };
    let seconds = |of: fn(&OfEntity) -> Option<f64>| {
        let family = Family::<ByOne, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
        for entity in &held.entities {
            if let Some(value) = of(entity) {
                family.get_or_create(&[("entity", entity.name)]).set(value);
            }
        }
        family
    };
    registry.register(
        "staging_backlog_size",
        "Versions in staging that wait for stage 2",
        whole(|entity| entity.backlog),
    );
    registry.register_with_unit(
        "gazelle_sync_oldest_pending",
        "Age of the oldest version that waits for stage 2; 0 when none waits",
        Unit::Seconds,
        seconds(|entity| Some(entity.oldest_pending_seconds)),
    );
    registry.register_with_unit(
        "gazelle_sync_freshness",
        "Time since the last complete walk of an entity began",
        Unit::Seconds,
        seconds(|entity| entity.freshness_seconds),
    );
    registry.register(
        "gazelle_sync_deletions_withheld",
        "Records gone at the source that wait for a person's word",
        whole(|entity| entity.withheld),
    );
    registry.register(
        "gazelle_sync_quarantined",
        "Versions in quarantine, open or waiting for another record",
        whole(|entity| entity.quarantined),
    );
    registry.register(
        "gazelle_sync_unreadable_fields",
        "Fields of the newest versions that cannot be read, and are NULL in production",
        whole(|entity| entity.unreadable),
    );
    if let Some(at) = held.last_good_run {
        let gauge = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
        gauge.set(at);
        registry.register_with_unit(
            "gazelle_sync_last_good_run_timestamp",
            "When the last run ended whose walks were all complete, since 1970",
            Unit::Seconds,
            gauge,
        );
    }
    registry
}
