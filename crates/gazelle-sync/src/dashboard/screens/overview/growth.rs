//! How staging grew in the last days, from what the runs counted.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::dashboard::charts::growth::{Entity, Growth, GrowthChartData};
use crate::dashboard::page::entity_name;
use crate::dashboard::words::charts as w;
use crate::dashboard::words::locale::Locale;
use crate::db::{DbError, Tx};
use crate::entities;
use crate::run_log::run_charts::{self, DailyGrowth, RUNS};
use crate::time;

/// Number of local days drawn, including today.
const DAYS: u16 = 30;

/// The facts.
#[derive(Serialize)]
pub(super) struct GrowthFacts {
    /// The days with their starts, and the day after.
    days: Vec<(Date, Timestamp)>,
    grown: Vec<DailyGrowth>,
}

/// Reads them, for the days of a zone.
pub(super) async fn read(
    tx: &Tx<'_>,
    now: Timestamp,
    zone: &jiff::tz::TimeZone,
) -> Result<GrowthFacts, DbError> {
    let days = time::starts_of_days(time::local(now, zone).date(), DAYS, zone);
    let starts: Vec<Timestamp> = days.iter().map(|(_, start)| *start).collect();
    let grown = run_charts::growth(tx, &starts).await?;
    Ok(GrowthFacts { days, grown })
}

impl GrowthFacts {
    /// Draws them.
    pub(super) fn view(&self, t: &Locale) -> Growth {
        let known = entities::names();
        let mut names: Vec<&str> = self.grown.iter().filter_map(|one| one.entity.as_deref()).collect();
        names.sort_by_key(|name| (known.iter().position(|one| one == name).unwrap_or(known.len()), *name));
        names.dedup();
        let net = |name: &str, day: usize| {
            let of_day =
                self.grown.iter().filter(|one| one.day == day && one.entity.as_deref() == Some(name));
            of_day.fold(0_i64, |sum, one| sum.saturating_add(one.staged.saturating_sub(one.dropped)))
        };
        let days = self.days.len().saturating_sub(1);
        let entity = |name: &&str| Entity {
            name: entity_name(name, t),
            net: (0..days).map(|day| net(name, day)).collect(),
        };
        let entities: Vec<Entity> = names.iter().map(entity).collect();
        let first = self.grown.iter().map(|one| one.day).min();
        Growth::draw(GrowthChartData { days: &self.days, entities: &entities, first }, t)
    }

    /// Says so where not all runs are counted.
    pub(super) fn limited(&self, t: &Locale) -> Option<String> {
        let runs = self.grown.first().map(|one| one.runs).unwrap_or_default();
        (runs >= RUNS).then(|| t.fill(w::GROWTH_LIMITED, &[("n", &t.number(RUNS))]))
    }
}
