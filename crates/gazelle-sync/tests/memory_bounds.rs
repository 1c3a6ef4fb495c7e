//! Memory is bounded by us, whatever the API announces or sends: with little of it, each answer is refused with words.

mod support;

use std::time::Duration;

use support::Place;
use support::hostile_api::{HostileApi, bodies};
use support::limited::limited;

/// The longest answer that is read, by a setting, and one as long, less a little.
const LONGEST_MIB: usize = 4;
const LONG: usize = LONGEST_MIB * 1024 * 1024 - 1024;

#[tokio::test]
async fn whatever_an_answer_is_made_of_little_memory_does() {
    let mut place = Place::new().await;
    place.run(&["migrate"]).await.success();
    place.env.insert("GAZELLE_API_KEY".to_owned(), "key".to_owned());
    place.env.insert("GAZELLE_SYNC_ATTEMPTS".to_owned(), "1".to_owned());
    place.env.insert("GAZELLE_SYNC_WALK_ATTEMPTS".to_owned(), "1".to_owned());
    place.env.insert("GAZELLE_SYNC_MAX_RESPONSE_MB".to_owned(), LONGEST_MIB.to_string());
    for (what, body) in bodies(LONG) {
        let api = HostileApi::with_body(body);
        place.env.insert("GAZELLE_API_URL".to_owned(), api.url());
        let run = limited(&place.command(&["sync", "--json"]), Duration::from_secs(300)).await;
        let run = run.unwrap_or_else(|late| panic!("{what}: {late}")).ran;
        assert!([1, 3].contains(&run.code), "{what}: exit {} {:.2000}", run.code, run.stderr);
        assert!(!run.reasons().is_empty(), "{what}: {:.2000}", run.stdout);
    }
}
