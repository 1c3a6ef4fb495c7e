//! The sum of all memory limits is below `MemoryMax` of the systemd unit.

use super::open_lists::MOST_OPEN;
use super::pages::queue;
use super::records::budget;
use super::requests::tally::{BYTES_AN_ENTRY, MOST_LISTED};
use super::walk::deferred;
use crate::db;
use crate::entities::weight;
use crate::source::{self, SourceSettings};

const MIB: usize = 1024 * 1024;

/// The limits of docs/bounds.md with the default settings, as if all were reached at the same time.
#[test]
fn the_unit_allows_more_than_all_bounds_together() {
    let settings = SourceSettings::default();
    let (lists, requests) = (MOST_OPEN, settings.concurrency);
    let windows = lists * requests;
    let sums = [
        ("answers of the API", source::most_of_answers(settings.max_response_bytes, 2 * windows)),
        ("records in parts", budget::MOST_BYTES + 2 * windows * budget::MOST_BESIDE_OTHERS),
        ("pages that wait", lists * queue::MOST_WAITING as usize * 1024),
        // Two lanes per entity, each with a batch and its copy on the way to the database.
        ("transactions", 2 * 2 * weight::BATCH),
        ("records that the API fails at", lists * deferred::MOST_BYTES),
        ("answers of the database", usize::try_from(db::most_of_answers(8 + db::BESIDE_WORK)).unwrap()),
        ("ids that lists have named", usize::try_from(MOST_LISTED * BYTES_AN_ENTRY).unwrap()),
        // Measured: a sync of the default shop of the simulator.
        ("the program itself", 64 * MIB),
    ];
    let all: usize = sums.iter().map(|(_, bytes)| bytes).sum();
    let unit = include_str!("../../../../ops/systemd/gazelle-sync.service");
    let allowed = unit.lines().find_map(|line| line.strip_prefix("MemoryMax=")?.strip_suffix('M'));
    let allowed: usize = allowed.expect("MemoryMax in MiB").parse().unwrap();
    assert!(all <= allowed * MIB, "{} MiB in all, {allowed} MiB allowed: {sums:?}", all / MIB);
}
