//! Guards: how many records of an entity a run may delete, or put into quarantine, before a person has to look.

use super::Settings;

/// A number of records, and a percentage of the entity's records.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Records, whatever the size of the entity.
    pub records: u64,
    /// Percent of the entity's records, rounded down.
    pub percent: f64,
}

impl Guard {
    /// The smaller of the two, but of the percentage at least one record: for what cannot be undone at the source.
    pub fn smaller(&self, held: u64) -> u64 {
        self.records.min(self.share(held).max(1))
    }

    /// The larger of the two: for what is only reported, since two records of a small shop are more than two percent.
    pub fn larger(&self, held: u64) -> u64 {
        self.records.max(self.share(held))
    }

    fn share(&self, held: u64) -> u64 {
        (held as f64 * self.percent / 100.0).floor() as u64
    }
}

impl Settings {
    /// The guard for deletions.
    pub fn delete_guard(&self) -> Guard {
        Guard { records: self.delete_guard_records, percent: self.delete_guard_percent }
    }

    /// The guard for records that are newly in quarantine.
    pub fn quarantine_guard(&self) -> Guard {
        Guard { records: self.quarantine_guard_records, percent: self.quarantine_guard_percent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_one_allows_ten_records_or_two_percent_whichever_is_less_and_always_one() {
        let guard = Guard { records: 10, percent: 2.0 };
        for (held, limit) in [(4, 1), (40, 1), (150, 3), (499, 9), (500, 10), (11_460, 10), (0, 1)] {
            assert_eq!(guard.smaller(held), limit, "of {held}");
        }
        assert_eq!(Guard { records: 0, percent: 2.0 }.smaller(1000), 0);
    }

    #[test]
    fn the_larger_one_allows_ten_records_or_two_percent_whichever_is_more() {
        let guard = Guard { records: 10, percent: 2.0 };
        let limits: Vec<u64> = [0, 1, 170, 500, 549, 550, 20_000].map(|held| guard.larger(held)).into();
        assert_eq!(limits, [10, 10, 10, 10, 10, 11, 400]);
        assert_eq!(Guard { records: 0, percent: 2.0 }.larger(100), 2);
        assert_eq!(Guard { records: 0, percent: 0.0 }.larger(1_000_000), 0);
        assert_eq!(Guard { records: 5, percent: 100.0 }.larger(7), 7);
    }
}
