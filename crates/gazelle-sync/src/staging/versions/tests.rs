//! Tests of which versions of a batch are new, without a database.

use super::*;
use crate::staging::versions::source_fault::SourceFaultKind;

const OWN: Uuid = Uuid::from_u128(1);
const EARLIER: Uuid = Uuid::from_u128(2);

fn second(number: i64) -> Timestamp {
    Timestamp::from_second(number).unwrap()
}

fn record(raw: &'static str, seen_at: i64) -> Received {
    Received {
        external_id: "cli_1".to_owned(),
        raw: Bytes::from_static(raw.as_bytes()),
        seen_at: second(seen_at),
        request: 1,
        fault: None,
    }
}

/// A newest version of the record: its content, when it was seen and the run that staged it.
fn held(raw: &str, fetched_at: i64, run: Uuid) -> NewestVersion {
    let hash = Some(blake3::hash(raw.as_bytes()).as_bytes().to_vec());
    NewestVersion { hash, fetched_at: second(fetched_at), run_id: Some(run) }
}

#[test]
fn a_version_is_added_where_it_differs_from_the_newest_and_never_before_it() {
    let microsecond = SignedDuration::from_micros(1);
    let tombstone = NewestVersion { hash: None, ..held("", 10, EARLIER) };
    for (what, newest, raw, seen_at, added) in [
        ("nothing is held", None, "1", 20, Some(second(20))),
        ("the same", Some(held("1", 10, EARLIER)), "1", 20, None),
        ("another content", Some(held("1", 10, EARLIER)), "2", 20, Some(second(20))),
        ("it was gone", Some(tombstone), "1", 20, Some(second(20))),
        ("the clock stepped back", Some(held("1", 30, EARLIER)), "2", 20, Some(second(30) + microsecond)),
        ("in the same instant", Some(held("1", 20, EARLIER)), "2", 20, Some(second(20) + microsecond)),
        ("the same, by a clock that stepped back", Some(held("1", 30, EARLIER)), "1", 20, None),
        ("overtaken within the run", Some(held("1", 30, OWN)), "2", 20, None),
        ("in one instant of the run", Some(held("1", 20, OWN)), "2", 20, Some(second(20) + microsecond)),
    ] {
        let batch = [record(raw, seen_at)];
        let newest = newest.into_iter().map(|newest| ("cli_1", newest)).collect();
        let fresh = compared(newest, OWN, &batch);
        let versions: Vec<Timestamp> = fresh.versions.iter().map(|version| version.fetched_at).collect();
        assert_eq!(versions, added.into_iter().collect::<Vec<_>>(), "{what}");
        assert_eq!(fresh.unchanged, u64::from(added.is_none()), "{what}");
    }
}

#[test]
fn of_several_contents_in_one_batch_each_is_compared_with_the_one_before_it() {
    let batch = [record("1", 1), record("1", 2), record("2", 3), record("1", 4), record("3", 2)];
    let fresh = compared(HashMap::new(), OWN, &batch);
    let versions: Vec<(&str, Timestamp)> =
        fresh.versions.iter().map(|version| (&*version.held.json, version.fetched_at)).collect();
    // The last one was overtaken by an answer that came later.
    assert_eq!(versions, [("1", second(1)), ("2", second(3)), ("1", second(4))]);
    assert_eq!(fresh.unchanged, 2);
}

#[test]
fn a_record_with_a_fault_is_another_version_than_the_same_bytes_without() {
    let whole = record("1", 1);
    let faulty = |field: &str, said: &str| {
        let fault =
            SourceFault { field: field.to_owned(), said: said.to_owned(), kind: SourceFaultKind::Incomplete };
        Received { fault: Some(Box::new(fault)), ..record("1", 1) }
    };
    assert_ne!(hash(&whole), hash(&faulty("name", "x")));
    assert_ne!(hash(&faulty("name", "x")), hash(&faulty("email", "x")));
    assert_eq!(hash(&faulty("name", "request 1")), hash(&faulty("name", "request 2")), "in other words");
}
