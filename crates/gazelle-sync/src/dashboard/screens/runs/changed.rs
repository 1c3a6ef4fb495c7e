//! What the listed runs changed, beside what is usual.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::dashboard::charts::changed_bars::{self, Bars, Numbers, RangePosition};
use crate::dashboard::links;
use crate::dashboard::page::{ShownTime, entity_name};
use crate::dashboard::words::charts as w;
use crate::dashboard::words::locale::Locale;
use crate::db::{DbError, Tx};
use crate::entities;
use crate::run_log::run_charts::{self, StagedByRun, UsualRange};
use crate::run_log::run_pages::ListedRun;

/// What is usual is read from the runs of this time.
const USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The facts.
#[derive(Serialize)]
pub(super) struct Facts {
    changed: Vec<StagedByRun>,
    usual: Vec<UsualRange>,
}

/// The charts with their table.
pub(super) struct View {
    pub(super) finding: String,
    pub(super) bars: Vec<Bars>,
    /// The newest run first.
    pub(super) rows: Vec<Row>,
}

/// A run of the table.
pub(super) struct Row {
    pub(super) href: String,
    pub(super) started: ShownTime,
    /// Of each entity.
    pub(super) numbers: Vec<Number>,
}

/// What a run changed of an entity.
pub(super) struct Number {
    pub(super) number: String,
    /// Set for what is not usual: a sign and what it means.
    pub(super) odd: Option<(&'static str, String)>,
}

/// Reads what these runs changed, and what is usual.
pub(super) async fn read(tx: &Tx<'_>, runs: &[ListedRun], now: Timestamp) -> Result<Facts, DbError> {
    let ids: Vec<Uuid> = runs.iter().filter_map(|listed| listed.run.run_id.parse().ok()).collect();
    let changed = run_charts::changed(tx, &ids).await?;
    let usual = run_charts::usual(tx, now.saturating_sub(USUAL).unwrap_or(now)).await?;
    Ok(Facts { changed, usual })
}

impl Facts {
    /// Draws the runs that read something; none without any.
    pub(super) fn view(&self, runs: &[ListedRun], t: &Locale) -> Option<View> {
        let of = |run: &ListedRun| self.changed.iter().filter(|one| one.run_id == run.run.run_id).collect();
        let mut read: Vec<(&ListedRun, Vec<&StagedByRun>)> = runs.iter().map(|run| (run, of(run))).collect();
        read.retain(|(_, changed)| !changed.is_empty());
        // The list has the newest first.
        read.reverse();
        let names = self.entities();
        let number = |changed: &[&StagedByRun], name: &str| {
            changed.iter().find(|one| one.entity == name).map(|one| one.staged)
        };
        let numbers =
            names.iter().map(|name| Numbers {
                name: entity_name(name, t),
                changed: read.iter().map(|(_, changed)| number(changed, name)).collect(),
                usual: self.usual.iter().find(|usual| usual.entity == *name).map(|usual| {
                    changed_bars::UsualBand { runs: usual.runs, low: usual.low, high: usual.high }
                }),
            });
        let numbers: Vec<Numbers> = numbers.collect();
        let bars: Vec<Bars> = numbers.iter().map(|numbers| Bars::draw(numbers, t)).collect();
        let row = |(at, (listed, _)): (usize, &(&ListedRun, Vec<&StagedByRun>))| Row {
            href: links::run(&listed.run.run_id),
            started: ShownTime::date_hour(listed.run.started_at, t),
            numbers: numbers.iter().zip(&bars).map(|(numbers, bars)| cell(numbers, bars, at, t)).collect(),
        };
        let rows = read.iter().enumerate().rev().map(row).collect();
        (!read.is_empty()).then(|| View { finding: changed_bars::finding(&bars, t), bars, rows })
    }

    /// The entities that any of the runs read, parents first.
    fn entities(&self) -> Vec<&str> {
        let known = entities::names();
        let mut names: Vec<&str> = self.changed.iter().map(|one| one.entity.as_str()).collect();
        names.sort_by_key(|name| (known.iter().position(|one| one == name).unwrap_or(known.len()), *name));
        names.dedup();
        names
    }
}

fn cell(numbers: &Numbers, bars: &Bars, at: usize, t: &Locale) -> Number {
    let odd = match bars.standing[at] {
        RangePosition::Above => Some(("▲", t.say(w::ABOVE).into_owned())),
        RangePosition::Below => Some(("▼", t.say(w::BELOW).into_owned())),
        RangePosition::Usual | RangePosition::Unknown => None,
    };
    Number { number: t.number_or_dash(numbers.changed[at]), odd }
}
