use super::*;
use crate::entities::entity;

/// The refused record that the search ends at, and how many times it tried.
fn searched(records: &[String], is_refused: impl Fn(&str) -> bool) -> (Option<String>, usize) {
    let (mut search, mut tries) = (RefusedSearch::of(records), 0);
    while let Some(trying) = search.next() {
        tries += 1;
        match (trying.iter().any(|id| is_refused(id)), trying) {
            (true, [alone]) => return (Some(alone.clone()), tries),
            (true, _) => search.refused(),
            (false, _) => search.passed(),
        }
    }
    (None, tries)
}

#[test]
fn whichever_records_are_refused_the_first_of_them_is_found_in_few_tries() {
    for count in 0..=9_usize {
        let records: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        for refused in 0..1_u32 << count {
            let is_refused = |id: &str| refused >> id.parse::<u32>().unwrap() & 1 == 1;
            let first = records.iter().find(|id| is_refused(id)).cloned();
            let (found, tries) = searched(&records, is_refused);
            assert_eq!(found, first, "{count} records, refused {refused:b}");
            // All together, then half as many each time.
            assert!(
                tries <= 2 + usize::BITS as usize - count.leading_zeros() as usize,
                "{tries} tries of {count}"
            );
        }
    }
}

#[test]
fn rows_are_written_parents_first_and_removed_in_the_opposite_order() {
    let parts: Vec<RecordSelection> = ["clients", "pianos", "appointments"]
        .map(|name| RecordSelection::whole(entity(name).unwrap()))
        .into();
    let names = |of: Vec<(&RecordSelection, &'static Table)>| -> Vec<&str> {
        of.into_iter().map(|(_, table)| table.name).collect()
    };
    let written = names(tables(&parts).collect());
    assert_eq!(
        written,
        [
            "gazelle_clients",
            "gazelle_contacts",
            "gazelle_locations",
            "gazelle_pianos",
            "gazelle_appointments",
            "gazelle_appointment_pianos"
        ]
    );
    let mut removed = names(tables(&parts).rev().collect());
    removed.reverse();
    assert_eq!(removed, written);
}
