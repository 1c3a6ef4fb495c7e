//! How many records a run may delete without manual approval.

/// How many records of an entity may be deleted in a run without manual approval.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Records.
    pub records: u64,
    /// Percent of the entity's records; one record is always within it.
    pub percent: f64,
}

impl Guard {
    /// The largest number of deletions allowed for an entity of this size.
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
