//! Collects the counts of a run per entity while the run is in progress.

use std::time::Duration;

use crate::entities::{ENTITIES, Entity};
use crate::gazelle_to_staging::walk::WalkReport;
use crate::run_log::report::{EntityReport, milliseconds};
use crate::staging::outcome::BatchCounts;
use crate::staging::versions::Staged;

/// The reports of the entities of a run, in the order of [`ENTITIES`].
pub(super) struct EntityCounts(Vec<EntityReport>);

impl EntityCounts {
    /// Empty reports for these entities.
    pub(super) fn new(entities: &[&'static Entity]) -> EntityCounts {
        EntityCounts(entities.iter().map(|entity| empty(entity)).collect())
    }

    /// The reports.
    pub(super) fn into_entities(self) -> Vec<EntityReport> {
        self.0
    }

    fn get(&mut self, entity: &Entity) -> Option<&mut EntityReport> {
        self.0.iter_mut().find(|report| report.entity == entity.name)
    }

    /// The report of an entity. An entity outside the job (the parent of a requested one) gets a new report, in the
    /// order of [`ENTITIES`].
    fn get_or_insert(&mut self, entity: &Entity) -> &mut EntityReport {
        let order = |name: &str| ENTITIES.iter().position(|entity| entity.name == name);
        let position = match self.0.iter().position(|report| report.entity == entity.name) {
            Some(position) => position,
            None => {
                let after = |report: &EntityReport| order(&report.entity) < order(entity.name);
                let position = self.0.partition_point(after);
                self.0.insert(position, empty(entity));
                position
            }
        };
        &mut self.0[position]
    }

    /// Adds the counts of stage 2. An entity outside the job gets a report only if something was counted.
    pub(super) fn add_applied(&mut self, entity: &Entity, applied: BatchCounts, took: Duration) {
        if applied == BatchCounts::default() && self.get(entity).is_none() {
            return;
        }
        let report = self.get_or_insert(entity);
        report.processed += applied.processed;
        // A record that this run quarantined and released again does not count as an error of the run.
        report.errors = (report.errors + applied.errors).saturating_sub(applied.released);
        report.deleted += applied.deleted;
        report.rows_written += applied.rows_written;
        report.reconcile_ms = Some(report.reconcile_ms.unwrap_or_default() + milliseconds(took));
    }

    /// Adds the counts of a walk. `is_settled`: the walk is short by the same number of records as in the runs
    /// before; `is_whole`: it covered the whole entity, not a window.
    pub(super) fn add_walk(
        &mut self,
        entity: &Entity,
        walk: &WalkReport,
        is_settled: bool,
        is_whole: bool,
        took: Duration,
    ) {
        let report = self.get_or_insert(entity);
        report.walk = Some(walk.walk.clone());
        report.walk_complete = Some(walk.complete);
        report.walk_settled = is_settled;
        report.short_by = walk.short_by;
        report.incomplete_reason = walk.reason.clone();
        report.source_total = walk.total;
        report.seen = Some(walk.seen);
        report.fetched += walk.fetched;
        report.staged += walk.done.staged.staged + walk.absent.tombstones;
        report.unchanged += walk.done.staged.unchanged;
        report.unlisted += if is_whole { walk.absent.unlisted } else { 0 };
        report.fetch_ms = Some(milliseconds(took));
        self.add_applied(entity, walk.done.applied, Duration::ZERO);
    }

    /// Adds the versions of parents that were fetched by id.
    pub(super) fn add_found_by_id(&mut self, entity: &Entity, staged: Staged) {
        if let Some(report) = self.get(entity) {
            report.staged += staged.staged;
            report.unchanged += staged.unchanged;
            report.found_by_id += staged.staged;
        }
    }
}

fn empty(entity: &Entity) -> EntityReport {
    EntityReport { entity: entity.name.to_owned(), ..EntityReport::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(processed: u64, errors: u64, released: u64) -> BatchCounts {
        BatchCounts { processed, errors, released, ..BatchCounts::default() }
    }

    #[test]
    fn an_entity_that_was_not_asked_for_is_listed_in_order_when_it_counts() {
        let [first, second, last] = [&ENTITIES[0], &ENTITIES[1], &ENTITIES[ENTITIES.len() - 1]];
        let mut counts = EntityCounts::new(&[first, last]);
        counts.add_applied(second, BatchCounts::default(), Duration::ZERO);
        counts.add_found_by_id(second, Staged { staged: 1, ..Staged::default() });
        counts.add_applied(second, applied(2, 0, 0), Duration::from_millis(3));
        let entities = counts.into_entities();
        let names: Vec<&str> = entities.iter().map(|report| report.entity.as_str()).collect();
        assert_eq!(names, [first.name, second.name, last.name]);
        assert_eq!((entities[1].processed, entities[1].staged), (2, 0));
        assert_eq!((entities[1].reconcile_ms, entities[0].reconcile_ms), (Some(3), None));
    }

    #[test]
    fn what_leaves_the_quarantine_again_is_no_error_of_the_run() {
        let mut counts = EntityCounts::new(&[ENTITIES[0]]);
        counts.add_applied(ENTITIES[0], applied(1, 3, 0), Duration::ZERO);
        counts.add_applied(ENTITIES[0], applied(2, 0, 2), Duration::ZERO);
        let [report] = counts.into_entities().try_into().unwrap();
        assert_eq!((report.processed, report.errors), (3, 1));
    }
}
