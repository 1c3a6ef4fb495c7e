//! The guard for deletions: how many records a run may delete without manual approval.

/// How many records of an entity a run may delete without manual approval: the smaller of two limits.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Number of records; 0: none.
    pub records: u64,
    /// Percent of the records that production has of the entity, rounded down, but at least one record.
    pub percent: f64,
}

impl Guard {
    /// The most deletions for an entity of which production has `held` records.
    pub fn limit(&self, held: u64) -> u64 {
        let share = (held as f64 * self.percent / 100.0).floor().max(1.0);
        self.records.min(share as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_allows_ten_records_or_two_percent_whichever_is_less_and_always_one() {
        let guard = Guard { records: 10, percent: 2.0 };
        for (held, limit) in [(4, 1), (40, 1), (150, 3), (499, 9), (500, 10), (11_460, 10), (0, 1)] {
            assert_eq!(guard.limit(held), limit, "of {held}");
        }
        assert_eq!(Guard { records: 0, percent: 2.0 }.limit(1000), 0);
    }
}
