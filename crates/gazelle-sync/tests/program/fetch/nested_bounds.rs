//! Lists inside one record that are each long: what they have in all is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::memory_bounds::{LONG, clients, little, sync};
use crate::support::{CommandOutput, TestInstallation};
use serde_json::Value;

/// A client of many contacts, each of which has a further page of locations, which are these; a list has so many pages. Returns what
/// the run said, and how many pages were asked for.
async fn long_locations(
    place: &mut TestInstallation,
    contacts: usize,
    locations: String,
    pages: u64,
) -> (CommandOutput, usize) {
    let nested: Vec<String> = (0..contacts)
        .map(|n| {
            format!(r#"{{"id":"con_{n}","allLocations":{{"nodes":[],"pageInfo":{{"hasNextPage":true}}}}}}"#)
        })
        .collect();
    let nested = nested.join(",");
    let asked_for = Arc::new(AtomicUsize::new(0));
    let counted = asked_for.clone();
    let answers = move |asked: &Value| {
        if asked["query"].as_str().is_some_and(|query| query.contains("allClients")) {
            let contacts = format!(r#"{{"nodes":[{nested}],"pageInfo":{{"hasNextPage":false}}}}"#);
            return clients(&format!(r#"{{"id":"cli_1","allContacts":{contacts}}}"#), None).into_bytes();
        }
        let Some(id) = asked["variables"]["id"].as_str().filter(|id| id.starts_with("con_")) else {
            return clients("", None).into_bytes();
        };
        counted.fetch_add(1, Ordering::SeqCst);
        let after = asked["variables"]["after"].as_str().and_then(|after| after.parse::<u64>().ok());
        let page = after.unwrap_or_default() + 1;
        let page_info = format!(r#"{{"hasNextPage":{},"endCursor":"{page}"}}"#, page < pages);
        let list = format!(r#"{{"nodes":[{locations}],"pageInfo":{page_info}}}"#);
        format!(r#"{{"data":{{"contact":{{"id":"{id}","allLocations":{list}}}}}}}"#).into_bytes()
    };
    let run = sync(place, Arc::new(answers)).await;
    (run, asked_for.load(Ordering::SeqCst))
}

/// Each of them would fit, and so would a page of each.
#[tokio::test]
async fn lists_inside_one_record_share_its_bound() {
    let mut place = little().await;
    let long = format!(r#"{{"id":"loc_1","street1":"{}"}}"#, "a".repeat(LONG - 4096));
    let many = vec![r#"{"id":"loc_1"}"#; 1_000].join(",");
    for (what, contacts, locations, pages, most) in [
        ("bytes", 100, long, 1, 10),
        ("entries", 100, many, 1, 30),
        ("pages of nothing", 60, String::new(), 50, 2_100),
    ] {
        place.execute("TRUNCATE sync_quarantine, staging_clients").await;
        let (run, asked_for) = long_locations(&mut place, contacts, locations, pages).await;
        assert_eq!(run.code, 3, "{what}: exit {} {:.2000}", run.code, run.stderr);
        assert_eq!(place.quarantine().await.len(), 1, "{what}: {:.2000}", run.stdout);
        let said = place.run(&["errors", "show", "cli_1"]).await;
        assert!(said.stdout.contains("with the other lists of its record"), "{what}: {said:.3000}");
        assert!(asked_for <= most, "{what}: {asked_for} pages");
    }
}
