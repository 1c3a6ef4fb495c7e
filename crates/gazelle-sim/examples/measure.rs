//! How fast the simulator answers and how much memory it takes:
//! `cargo run --release -p gazelle-sim --example measure -- [events]` (default 100,000).
//!
//! Walks all events twice by pages of 100, four windows side by side, over HTTP: first cold, then from prepared answers.

use std::error::Error;
use std::time::Instant;

use gazelle_sim::{ShopSpec, SimOptions, Simulator};
use serde_json::{Value, json};

const QUERY: &str = "query Events($first: Int, $after: String, $filters: PrivateAllEventsFilter) { \
    allEventsBatched(first: $first, after: $after, filters: $filters, sortBy: [START_ASC]) { \
    nodes { id type status title notes start duration buffer isAllDay timezone confirmedByClient confirmedAt createdAt \
    updatedAt recurrenceId source addressLine user { id } client { id } createdBy { id } \
    allEventPianos(first: 10) { nodes { isTuning piano { id } } pageInfo { hasNextPage endCursor } } } \
    pageInfo { hasNextPage endCursor } totalCount } }";

const WINDOWS: [(&str, &str); 4] = [
    ("2000-01-01", "2019-03-31"),
    ("2019-04-01", "2021-06-30"),
    ("2021-07-01", "2023-09-30"),
    ("2023-10-01", "2099-12-31"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let events = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 100_000,
    };
    let begun = Instant::now();
    let spec = ShopSpec { events, today: "2026-01-15".to_owned(), ..ShopSpec::default_shop(1) };
    let sim = Simulator::start(spec, SimOptions::default(), ([127, 0, 0, 1], 0).into()).await?;
    println!("{events} events made in {:.2?}, {}", begun.elapsed(), memory());
    for name in ["cold", "prepared"] {
        let begun = Instant::now();
        let walks: Vec<_> = WINDOWS
            .into_iter()
            .map(|window| tokio::spawn(walk(sim.graphql_url(), sim.api_key().to_owned(), window)))
            .collect();
        let (mut pages, mut bytes) = (0, 0);
        for one in walks {
            let (walk_pages, walk_bytes) = one.await?.map_err(|error| error.to_string())?;
            pages += walk_pages;
            bytes += walk_bytes;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let rate = pages as f64 / seconds;
        println!(
            "{name}: {pages} pages, {} MB, {seconds:.2} s, {rate:.0} pages/s, {}",
            bytes / 1_000_000,
            memory()
        );
    }
    sim.shutdown().await;
    Ok(())
}

/// Walks a window and returns its pages and bytes. Reads the cursor out of the text: parsing would cost more than answering.
async fn walk(
    url: String,
    key: String,
    window: (&str, &str),
) -> Result<(usize, usize), Box<dyn Error + Send + Sync>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let (mut pages, mut bytes) = (0, 0);
    let mut after = Value::Null;
    loop {
        let filters = json!({ "dateGet": window.0, "dateLet": window.1 });
        let variables = json!({ "first": 100, "after": after, "filters": filters });
        let body = json!({ "query": QUERY, "variables": variables });
        let answer = client.post(&url).header("x-gazelle-api-key", &key).json(&body).send().await?;
        let text = answer.error_for_status()?.text().await?;
        pages += 1;
        bytes += text.len();
        let info = text.rfind("\"pageInfo\":").and_then(|at| text.get(at + 11..)).unwrap_or_default();
        let info = info.split_inclusive('}').next().unwrap_or_default();
        let info: Value = serde_json::from_str(info)?;
        if info["hasNextPage"] != true {
            return Ok((pages, bytes));
        }
        after = info["endCursor"].clone();
    }
}

/// The resident memory of this process, where the system tells.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.map_or_else(String::new, |line| line.split_whitespace().collect::<Vec<_>>().join(" "))
}
