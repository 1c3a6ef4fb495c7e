//! A shop of usual size behind an API that takes its time: what counts is how many requests wait side by side.

use anyhow::Result;

use super::lab::Lab;
use super::results::{Results, median, say};
use crate::simulator::{Running, Shop};

/// What the real API takes for a page of 100.
const LATENCY_MS: u64 = 240;
/// The defaults of gazelle-sync.
const CONCURRENCY: usize = 4;
const PAGE: usize = 100;

/// Measures full syncs of the shop into fresh databases.
pub fn measure(lab: &Lab, runs: usize, results: &mut Results) -> Result<()> {
    let shop = Shop { appointments: 11_460, clients: 4_010, pianos: 1_031, latency_ms: LATENCY_MS };
    let pages =
        1 + [shop.appointments, shop.clients, shop.pianos].map(|n| n.div_ceil(PAGE)).iter().sum::<usize>();
    let ideal = pages as f64 * LATENCY_MS as f64 / 1000.0 / CONCURRENCY as f64;
    let simulator = Running::start(&shop)?;
    let mut seconds = Vec::new();
    for run in 0..=runs {
        say(&format!("slow API, {}", if run == 0 { "warming up".to_owned() } else { format!("run {run}") }));
        lab.fresh("slow")?;
        let (measured, _) = lab.full_sync("slow", &simulator.url)?;
        // The first prepares the simulator's answers.
        if run > 0 {
            seconds.push(measured.seconds);
        }
    }
    lab.drop_database("slow")?;
    let taken = median(seconds);
    results.note(
        &format!("E: default shop at {LATENCY_MS} ms a page"),
        format!("{taken:.2} s; {pages} pages x latency / {CONCURRENCY} = {ideal:.2} s"),
    );
    results.at_most("E / (pages x latency / concurrency)", taken / ideal, 1.3, "");
    Ok(())
}
