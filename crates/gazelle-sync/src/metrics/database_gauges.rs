//! The gauges that are read from the database. Callers cache them for a few seconds, so frequent scrapes cost
//! little.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::labels::OneLabel;
use crate::db::{Db, DbError};
use crate::entities::ENTITIES;
use crate::run_log::runs;
use crate::staging::counts::backlog;

/// The values at one time, for each entity in declaration order.
#[derive(Debug, Clone)]
pub struct DatabaseGauges {
    entities: Vec<EntityGauges>,
    /// When the last good run ended, in seconds since the Unix epoch; `None`: never.
    last_good_run: Option<f64>,
}

#[derive(Debug, Clone, Default)]
struct EntityGauges {
    name: &'static str,
    backlog: u64,
    oldest_pending_seconds: f64,
    /// `None` before the first complete walk.
    freshness_seconds: Option<f64>,
    withheld: u64,
    quarantined: u64,
    unreadable: u64,
}

impl DatabaseGauges {
    /// Reads them, with SELECTs only.
    ///
    /// # Errors
    /// Any database error.
    pub async fn read(db: &Db) -> Result<DatabaseGauges, DbError> {
        let past = runs::past(db).await?;
        let rows = db.query(include_str!("held.sql"), &[]).await?;
        let by_entity = |column: &str| -> BTreeMap<String, f64> {
            let text: Option<String> = rows.first().and_then(|row| row.get(column));
            text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
        };
        let (walked, withheld) = (by_entity("walked"), by_entity("withheld"));
        let (quarantined, unreadable) = (by_entity("quarantined"), by_entity("unreadable"));
        let seconds = past.asked_at.as_millisecond() as f64 / 1e3;
        let mut entities = Vec::new();
        for entity in ENTITIES.iter().copied() {
            let backlog = backlog::of(db, entity).await?;
            let age = |at: Timestamp| (seconds - at.as_millisecond() as f64 / 1e3).max(0.0);
            entities.push(EntityGauges {
                name: entity.name,
                backlog: backlog.size,
                oldest_pending_seconds: backlog.oldest.map_or(0.0, age),
                freshness_seconds: walked.get(entity.name).map(|walked| (seconds - walked).max(0.0)),
                withheld: withheld.get(entity.name).map_or(0, |n| *n as u64),
                quarantined: quarantined.get(entity.name).map_or(0, |n| *n as u64),
                unreadable: unreadable.get(entity.name).map_or(0, |n| *n as u64),
            });
        }
        Ok(DatabaseGauges {
            entities,
            last_good_run: past.last_good.map(|at| at.as_millisecond() as f64 / 1e3),
        })
    }
}

/// The registry of the gauges. Without values only the gauge that says so is present: an old value would look
/// current.
pub(super) fn registry(database_gauges: Option<&DatabaseGauges>) -> Registry {
    let mut registry = Registry::default();
    let up: Gauge = Gauge::default();
    up.set(i64::from(database_gauges.is_some()));
    registry.register("gazelle_sync_database_up", "1 when the database could be read for these metrics", up);
    if let Some(database_gauges) = database_gauges {
        database_gauges.register(&mut registry);
    }
    registry
}

impl DatabaseGauges {
    fn register(&self, registry: &mut Registry) {
        self.register_number(
            registry,
            "staging_backlog_size",
            "Versions in staging that wait for stage 2",
            |entity| entity.backlog,
        );
        self.register_seconds(
            registry,
            "gazelle_sync_oldest_pending",
            "Age of the oldest version that waits for stage 2; 0 when none waits",
            |entity| Some(entity.oldest_pending_seconds),
        );
        self.register_seconds(
            registry,
            "gazelle_sync_freshness",
            "Time since the last complete walk of an entity began",
            |entity| entity.freshness_seconds,
        );
        self.register_number(
            registry,
            "gazelle_sync_deletions_withheld",
            "Records gone at the source that await manual approval",
            |entity| entity.withheld,
        );
        self.register_number(
            registry,
            "gazelle_sync_quarantined",
            "Versions in quarantine, open or waiting for another record",
            |entity| entity.quarantined,
        );
        self.register_number(
            registry,
            "gazelle_sync_unreadable_fields",
            "Fields of the newest versions that cannot be read, and are NULL in production",
            |entity| entity.unreadable,
        );
        self.register_last_good_run(registry);
    }

    /// A gauge for each entity, of a number.
    fn register_number(&self, registry: &mut Registry, name: &str, help: &str, of: fn(&EntityGauges) -> u64) {
        let family = Family::<OneLabel, Gauge>::default();
        for entity in &self.entities {
            let value = i64::try_from(of(entity)).unwrap_or(i64::MAX);
            family.get_or_create(&[("entity", entity.name)]).set(value);
        }
        registry.register(name, help, family);
    }

    /// A gauge for each entity that has a value, in seconds.
    fn register_seconds(
        &self,
        registry: &mut Registry,
        name: &str,
        help: &str,
        of: fn(&EntityGauges) -> Option<f64>,
    ) {
        let family = Family::<OneLabel, Gauge<f64, AtomicU64>>::default();
        for entity in &self.entities {
            if let Some(value) = of(entity) {
                family.get_or_create(&[("entity", entity.name)]).set(value);
            }
        }
        registry.register_with_unit(name, help, Unit::Seconds, family);
    }

    fn register_last_good_run(&self, registry: &mut Registry) {
        let Some(at) = self.last_good_run else { return };
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(at);
        registry.register_with_unit(
            "gazelle_sync_last_good_run_timestamp",
            "When the last run ended whose walks were all complete, since 1970",
            Unit::Seconds,
            gauge,
        );
    }
}
