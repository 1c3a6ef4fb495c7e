//! The request for a verification, and its report.

use jiff::Timestamp;
use serde::Serialize;

use crate::entities::Entity;
use crate::source::GazelleClient;
use crate::staging_to_production::difference::TableDifference;
use crate::states::VerifyVerdict;

/// Most lines shown of what a check found.
const MOST_SAID: usize = 20;

/// What to verify.
pub struct VerifyRequest<'a> {
    /// The entities compared; `storage` checks all tables.
    pub entities: Vec<&'static Entity>,
    /// Number of records to ask the API for.
    pub sample: u32,
    /// Chooses the sample: the same seed gives the same records.
    pub seed: u64,
    /// The client of the API; none to leave out counts and sample.
    pub client: Option<&'a GazelleClient>,
}

/// The verdict for a number of differences; `Incomplete` if there are none and the API did not answer everything.
pub(super) fn verdict_of(differences: u64, asked_for_all: bool) -> VerifyVerdict {
    match (differences, asked_for_all) {
        (0, true) => VerifyVerdict::Equal,
        (0, false) => VerifyVerdict::Incomplete,
        _ => VerifyVerdict::Different,
    }
}

/// The result of one check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How many things were checked.
    pub checked: u64,
    /// How many of them are wrong.
    pub differences: u64,
    /// The first of them, each in a line.
    pub said: Vec<String>,
}

impl Check {
    pub(super) fn new(name: impl Into<String>) -> Check {
        Check { name: name.into(), checked: 0, differences: 0, said: Vec::new() }
    }

    /// Counts a difference; the first of them are kept as lines.
    pub(super) fn differs(&mut self, what: String) {
        self.differences += 1;
        if self.said.len() < MOST_SAID {
            self.said.push(what);
        }
    }

    /// A check of tables, with one line for each table that differs.
    pub(super) fn of_tables(name: &str, checked: u64, tables: &[TableDifference]) -> Check {
        let mut check = Check { checked, ..Check::new(name) };
        for table in tables.iter().filter(|table| table.is_some()) {
            check.differences += (table.missing + table.changed + table.surplus) as u64;
            check.said.push(format!(
                "{}: {} missing, {} changed, {} surplus",
                table.table, table.missing, table.changed, table.surplus
            ));
        }
        check
    }
}

/// The report of a verification.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
    /// The verdict.
    pub status: VerifyVerdict,
    /// The instant of the snapshot.
    pub as_of: Timestamp,
    /// Rows of production compared with their rebuilt copies.
    pub rows: u64,
    /// Records of the API that were compared.
    pub sampled: u64,
    /// All differences.
    pub differences: u64,
    /// Repeats the same sample.
    pub seed: u64,
    /// Every check.
    pub checks: Vec<Check>,
    /// Production against the rebuild from staging, table by table; `missing` and `surplus` are production's.
    pub tables: Vec<TableDifference>,
    /// Production against the API's answers for the sample.
    pub sample_tables: Vec<TableDifference>,
    /// Explained deviations that are no differences: pending records, changes at the source since the last walk.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_outweighs_what_was_not_asked() {
        for (differences, asked_for_all, verdict) in [
            (0, true, VerifyVerdict::Equal),
            (0, false, VerifyVerdict::Incomplete),
            (1, true, VerifyVerdict::Different),
            (1, false, VerifyVerdict::Different),
        ] {
            assert_eq!(verdict_of(differences, asked_for_all), verdict, "{differences} {asked_for_all}");
        }
    }

    #[test]
    fn a_check_counts_all_differences_and_tells_the_first() {
        let mut check = Check::new("it is so");
        (0..=MOST_SAID).for_each(|n| check.differs(n.to_string()));
        assert_eq!((check.differences, check.said.len()), (MOST_SAID as u64 + 1, MOST_SAID));
        assert_eq!(check.said.last().map(String::as_str), Some((MOST_SAID - 1).to_string().as_str()));
    }
}
