//! The steps of sizes, without a server.

use super::*;
use crate::entities::clients;
use crate::source::Answer;

fn refusal() -> SourceError {
    let body =
        r#"{"errors":[{"message":"Query has complexity of 190, which exceeds max complexity of 100"}]}"#;
    Answer::from_body("Test", body).unwrap_err()
}

#[test]
fn lists_inside_a_query_are_shortened_and_nothing_else() {
    let query = &*clients::ENTITY.walk.page_query;
    let shaped = with_inner_lists(query, 5);
    assert!(query.contains("allContacts(first: 20") && query.contains("allLocations(first: 10)"));
    assert_eq!(shaped, query.replace("first: 20", "first: 5").replace("first: 10", "first: 5"));
    assert!(shaped.contains("first: $first"));
    assert_eq!(with_inner_lists(query, 100), query);
}

#[test]
fn refusals_lead_down_to_the_smallest_step_and_end_there() {
    let sizes = Sizes::usual(100);
    let shape = |sizes: &Sizes| (sizes.page(), sizes.inner.now().min(LONGEST_NESTED_LIST));
    let refused =
        |sizes: &Sizes| sizes.shrink_page(&clients::ENTITY, sizes.page(), sizes.query_limits(), &refusal());
    let mut steps = vec![shape(&sizes)];
    while sizes.fields.now() == NO_LIMIT && refused(&sizes) {
        steps.push(shape(&sizes));
        assert!(steps.len() < 20, "{steps:?}");
    }
    let usual = query_limits::largest_query(&clients::ENTITY);
    assert_eq!(
        steps,
        [(100, 20), (50, 20), (25, 20), (12, 20), (6, 20), (6, 5), (6, 1), (3, 1), (1, 1), (1, 1)]
    );
    // Then fewer fields; and once such a query is read, longer pages are tried again.
    let mut fields = vec![sizes.fields.now()];
    assert!(sizes.retry_longer_pages() && !sizes.retry_longer_pages());
    assert_eq!(shape(&sizes), (100, 20));
    while shape(&sizes) != (1, 1) {
        assert!(refused(&sizes));
    }
    while sizes.levels.now() == NO_LIMIT && refused(&sizes) {
        fields.push(sizes.fields.now());
    }
    assert!(fields.is_sorted_by(|a, b| a > b || *b == NO_LIMIT) && fields[0] < usual.0, "{fields:?}");
    // Then fewer levels, down to the fewest that suffice.
    while refused(&sizes) {}
    assert_eq!(sizes.levels.now(), 4);
    let mut counts = vec![144];
    while sizes.counts() > 0 {
        sizes.fewer_counts(*counts.last().unwrap(), &refusal(), true);
        counts.push(sizes.counts());
    }
    assert_eq!(counts, [144, 72, 36, 18, 9, 4, 2, 1, 0]);
    let told = sizes.refusal_message(&clients::ENTITY).unwrap();
    assert!(told.contains("exceeds max complexity of 100") && told.contains("without counting"), "{told}");
}

#[test]
fn a_failure_that_says_nothing_of_size_makes_steps_smaller_in_its_run_alone() {
    let noted = ApiLimits { page: Some(25), said: Some("no".to_owned()), ..ApiLimits::default() };
    let sizes = Sizes::from_noted(&noted, None, 100, false);
    let broken = Answer::from_body("Test", "{\"data\":").unwrap_err();
    sizes.fewer_counts(144, &broken, broken.is_about_size());
    sizes.limit_page(6, &broken);
    sizes.limit_lists(5, &broken);
    assert_eq!((sizes.counts(), sizes.page(), sizes.inner.now()), (18, 6, 5));
    assert_eq!(sizes.to_note(), noted);
    assert_eq!(sizes.refusal_message(&clients::ENTITY), None);
    sizes.restore_all();
    assert_eq!((sizes.page(), sizes.to_note()), (25, noted), "what was known before stands");
}

#[test]
fn what_was_noted_is_used_again_and_a_full_sync_tries_the_next_larger_step() {
    let noted = ApiLimits {
        page: Some(25),
        inner: Some(5),
        counts: Some(0),
        fields: Some(28),
        levels: Some(5),
        undated_end: Some(1),
        said: Some("no".to_owned()),
        asked_alone: Vec::new(),
        asked_alone_is_cut: false,
    };
    assert_eq!(Sizes::from_noted(&noted, None, 100, false).to_note(), noted);
    let larger_inside = Sizes::from_noted(&noted, Some(&clients::ENTITY), 100, true).to_note();
    assert_eq!((larger_inside.fields, larger_inside.levels), (Some(56), Some(6)));
    let larger = Sizes::from_noted(&noted, None, 100, true).to_note();
    assert_eq!((larger.page, larger.inner, larger.counts), (Some(50), Some(10), Some(1)));
    let next = Sizes::from_noted(&larger, None, 100, true).to_note();
    assert_eq!((next.page, next.inner, next.counts), (None, None, Some(2)));
    let usual = ApiLimits { undated_end: Some(1), ..ApiLimits::default() };
    let at_last = (0..10)
        .fold(noted, |noted, _| Sizes::from_noted(&noted, Some(&clients::ENTITY), 100, true).to_note());
    assert_eq!(at_last, usual);
}
