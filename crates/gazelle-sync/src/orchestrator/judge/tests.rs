//! Tests of how a run is judged by its walks.

use super::*;
use crate::gazelle_to_staging::by_id::absent::report::CountedWith;

#[test]
fn none_is_never_credible_where_there_were_some() {
    for guard in [0.0, 20.0, 100.0] {
        assert_eq!(credible(0, guard), 0);
        for held in [1, MANY - 1, MANY, 4_000] {
            assert!(credible(held, guard) >= 1, "{held} held, guard {guard}");
        }
    }
    assert_eq!(credible(MANY - 1, 20.0), 1, "few say nothing");
    assert_eq!((credible(100, 20.0), credible(100, 45.0), credible(101, 20.0)), (80, 55, 81));
}

#[test]
fn what_is_withheld_is_told_with_all_that_the_guard_counted() {
    let told = |awaiting, deleted_before, unknown| {
        let mut walk = WalkReport::new(Scope::WHOLE);
        walk.absent.withheld = 3;
        walk.absent.counted_with = CountedWith { deleted_before, awaiting, unknown };
        let mut report = RunReport::new(uuid::Uuid::nil(), None, Vec::new(), std::time::Duration::ZERO);
        judge_withheld(&mut report, "clients", &walk);
        report.reasons.join(" ")
    };
    assert!(told(0, 0, 0).starts_with("clients: 3 records are gone at the source, more than"));
    assert!(told(2, 0, 0).contains("the source and 2 others await approval already: together, more than"));
    assert!(
        told(2, 4, 5).contains(
            "the source and 2 others await approval already, 4 others were deleted by the runs just before, 5 others may be \
             gone too, since the API does not say whether they exist: together, more than"
        )
    );
}
