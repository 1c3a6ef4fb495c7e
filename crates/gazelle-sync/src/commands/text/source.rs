//! Formats values, and the runs and requests that they come from, one line each.

use serde_json::Value as Json;

use crate::display;
use crate::explain::source::{Request, Run};

/// The most characters of a value shown; `--json` has it whole.
const LONGEST_VALUE: usize = 120;

/// A JSON value in one line, truncated if it is long.
pub fn value_text(value: &Json) -> String {
    let whole = value.to_string();
    if whole.chars().count() <= LONGEST_VALUE {
        return whole;
    }
    whole.chars().take(LONGEST_VALUE).chain("…".chars()).collect()
}

/// The run that staged a version, in one line.
pub fn run_text(run: Option<&Run>) -> String {
    match run {
        None => "staged by an unknown run: inserted by hand, or its run was removed".to_owned(),
        Some(run) => {
            let mode = run.mode.map_or_else(String::new, |mode| format!(" {mode}"));
            format!("run {}: {}{mode}, {}, by {}", run.run_id, run.command, run.status, run.trigger)
        }
    }
}

/// The request that fetched a version, in one line.
pub fn request_text(request: &Request) -> String {
    let mut text = format!("request {}: {}", request.number, request.operation);
    if let Some(page) = request.page {
        text += &format!(", page {page} of its window");
    }
    let Request { variables, latency_ms, bytes, attempts, .. } = request;
    text += &format!(", {latency_ms} ms, {}", display::bytes(u64::try_from(*bytes).unwrap_or_default()));
    if *attempts > 1 {
        text += &format!(", {attempts} attempts");
    }
    text + &format!(", {}", value_text(variables))
}
