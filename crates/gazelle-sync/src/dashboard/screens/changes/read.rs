//! Reads a page of changes.

use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use crate::dashboard::changed::{self, ChangeSelection, ChangedAppointment};
use crate::dashboard::links;
use crate::dashboard::screens::today::read::{Technician, technicians};
use crate::db::{DbError, Tx};
use crate::entities::appointments;
use crate::entities::appointments::changed::ChangeKind;
use crate::staging::history::recent::{self, HistoryPage};
use crate::time;

/// Versions on one page.
const PAGE: i64 = 50;
/// Versions that are looked at for one page: that many may be other changes, or those of a first sync.
const LOOKED_AT: i64 = 4_000;

/// Which changes a page lists.
#[derive(Clone)]
pub(super) struct Filter {
    /// Seen on this local day; none: on any.
    pub(super) day: Option<Date>,
    pub(super) technician: Option<String>,
    pub(super) kind: Option<ChangeKind>,
    /// Only those before this version.
    pub(super) before: Option<Uuid>,
}

impl Filter {
    /// The address of a page of the list. A technician's own is nowhere named.
    pub(super) fn address(&self, is_own: bool, before: Option<&str>) -> String {
        let day = self.day.map(|day| day.to_string());
        let technician = self.technician.as_deref().filter(|_| !is_own);
        links::with(
            "/app/changes",
            &[
                ("day", day.as_deref()),
                ("technician", technician),
                ("kind", self.kind.map(ChangeKind::as_str)),
                ("before", before),
            ],
        )
    }
}

/// A page of changes.
#[derive(Serialize)]
pub(super) struct ChangeList {
    day: Option<Date>,
    technician: Option<String>,
    kind: Option<&'static str>,
    pub(super) changes: Vec<ChangedAppointment>,
    /// The value of `before` for the next page; none where nothing is left.
    pub(super) next: Option<String>,
    #[serde(skip)]
    pub(super) technicians: Vec<Technician>,
}

/// Reads it. The days are those of the zone `zone_name`.
pub(super) async fn read(tx: &Tx<'_>, filter: &Filter, zone_name: &str) -> Result<ChangeList, DbError> {
    let bounds = |day: Date| {
        let from = time::start_of_day(day, zone_name).ok()?;
        Some((from, time::start_of_day(day.tomorrow().ok()?, zone_name).ok()?))
    };
    let part = HistoryPage {
        seen: filter.day.and_then(bounds),
        before: filter.before,
        technician: filter.technician.as_deref(),
        kind: filter.kind.map(ChangeKind::as_str),
        looked_at: LOOKED_AT,
        limit: PAGE,
    };
    let moves = recent::moves(tx, &appointments::ENTITY, part).await?;
    let told = ChangeSelection { technician: filter.technician.as_deref(), kind: filter.kind };
    Ok(ChangeList {
        day: filter.day,
        technician: filter.technician.clone(),
        kind: filter.kind.map(ChangeKind::as_str),
        changes: changed::named(tx, moves.versions, told).await?,
        next: moves.looked_to.map(|id| id.to_string()),
        technicians: technicians(tx).await?,
    })
}
