//! Counts changes per kind of page region, so that a page can compare its count with the current one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::access::trust::owners;
use crate::db::{Db, DbError};
use crate::states::Role;

/// The names of regions in the attribute `data-live`, each with the lowest role that receives it. `days` is what a run that
/// ended may have changed of appointments.
pub(super) const REGIONS: [(&str, Role); 5] = [
    ("runs", Role::Office),
    ("actions", Role::Office),
    ("quarantine", Role::Office),
    ("deletions", Role::Office),
    ("days", Role::Technician),
];

/// How often the regions of each name became old since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Versions([u64; REGIONS.len()]);

impl Versions {
    /// Those that a role may receive; the others are 0.
    pub(super) fn seen_by(self, role: Role) -> Versions {
        let mut seen = self;
        for (version, (_, least)) in seen.0.iter_mut().zip(REGIONS) {
            if role < least {
                *version = 0;
            }
        }
        seen
    }

    /// The names of those that differ.
    pub(super) fn differing(self, other: Versions) -> Vec<&'static str> {
        let pairs = self.0.iter().zip(other.0).zip(REGIONS);
        pairs.filter(|((one, other), _)| **one != *other).map(|(_, (name, _))| name).collect()
    }

    /// All of them are old.
    pub(super) fn all_old(&mut self) {
        self.0.iter_mut().for_each(|version| *version += 1);
    }

    /// As text, for headers and addresses.
    pub(super) fn tag(self, process: &str) -> String {
        let mut tag = process.to_owned();
        for version in self.0 {
            let _ = write!(tag, "-{version}");
        }
        tag
    }

    /// Those of a text of this process.
    pub(super) fn read(tag: &str, process: &str) -> Option<Versions> {
        let mut parts = tag.strip_prefix(process)?.strip_prefix('-')?.split('-');
        let mut versions = Versions::default();
        for version in &mut versions.0 {
            *version = parts.next()?.parse().ok()?;
        }
        parts.next().is_none().then_some(versions)
    }
}

/// What the database says at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marks {
    of: [String; REGIONS.len()],
    /// Those of the asked sessions that have not ended.
    pub(super) sessions: BTreeSet<Uuid>,
}

impl Marks {
    /// Reads them, by one statement after the check that the tables are ours.
    pub(super) async fn read(db: &Db, sessions: &[Uuid]) -> Result<Marks, DbError> {
        owners::check(db).await?;
        let rows = db.query(include_str!("marks.sql"), &[(&sessions, Type::UUID_ARRAY)]).await?;
        let Some(row) = rows.first() else {
            return Ok(Marks { of: Default::default(), sessions: BTreeSet::new() });
        };
        let text = |name: &str| row.get::<_, Option<String>>(name).unwrap_or_default();
        let ended = format!("{};{}", text("runs_ended"), text("actions_ended"));
        let waiting = |name: &str| format!("{ended};{}", row.get::<_, i64>(name));
        let of = [text("runs"), text("actions"), waiting("cases"), waiting("deletions"), ended.clone()];
        Ok(Marks { of, sessions: row.get::<_, Vec<Uuid>>("sessions").into_iter().collect() })
    }

    /// Counts what differs from what was read before; without that, everything is old.
    pub(super) fn count(&self, before: Option<&Marks>, versions: &mut Versions) {
        for (at, version) in versions.0.iter_mut().enumerate() {
            if before.is_none_or(|before| before.of[at] != self.of[at]) {
                *version += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(of: [&str; 5]) -> Marks {
        Marks { of: of.map(str::to_owned), sessions: BTreeSet::new() }
    }

    #[test]
    fn a_technician_is_told_of_the_own_days_alone() {
        let mut versions = Versions::default();
        marks(["a", "b", "c", "d", "e"]).count(None, &mut versions);
        let none = Versions::default();
        assert_eq!(versions.seen_by(Role::Technician).differing(none), ["days"]);
        let all = ["runs", "actions", "quarantine", "deletions", "days"];
        assert_eq!(versions.seen_by(Role::Office).differing(none), all);
        assert_eq!(versions.seen_by(Role::Technician).tag("p"), "p-0-0-0-0-1");
    }

    #[test]
    fn what_differs_is_old_and_nothing_else() {
        let before = marks(["a", "b", "c", "d", "e"]);
        let mut versions = Versions::default();
        before.count(None, &mut versions);
        let seen = versions;
        marks(["a", "b", "c", "d", "e"]).count(Some(&before), &mut versions);
        assert_eq!(versions, seen);
        marks(["x", "b", "c", "x", "e"]).count(Some(&before), &mut versions);
        assert_eq!(versions.differing(seen), ["runs", "deletions"]);
        assert_eq!(Versions::read(&versions.tag("5f"), "5f"), Some(versions));
        for other in ["", "5f", "5f-1-2", "60-1-1-1-1-1", "5f-1-1-1-1-1-1", "5f-1-1-1-1-x"] {
            assert_eq!(Versions::read(other, "5f"), None, "{other}");
        }
    }
}
