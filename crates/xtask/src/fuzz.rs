//! `fuzz`: hostile records against everything that reads a record, until the time is up or a case fails. A case is a
//! number; its input is derived from it, the same on every machine. See `crates/hostile-json`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use gazelle_sync::entities::read::{ReconciledRecord, RecordError};
use gazelle_sync::entities::table::Value as Cell;
use gazelle_sync::entities::{ENTITIES, Entity, example};
use gazelle_sync::gazelle_to_staging::records::receive::receive_made_up;
use gazelle_sync::staging::versions::exact;
use gazelle_sync::staging_to_production::batch;

/// Flags of `fuzz`.
#[derive(Args)]
pub struct FuzzArgs {
    /// How long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Number of the first case
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the case of this number, and show its record
    #[arg(long, value_name = "NUMBER")]
    case: Option<u64>,
}

/// Longest id that a key takes, in bytes.
const LONGEST_ID: usize = 512;

/// Runs cases; fails with the number of the first that breaks a promise.
pub fn run(args: &FuzzArgs) -> Result<()> {
    let examples: Vec<serde_json::Value> = ENTITIES.iter().map(|entity| example::record(entity)).collect();
    if let Some(number) = args.case {
        let (entity, text) = record_of(&examples, number);
        println!("{} {}", entity.name, text.escape_debug());
        println!("{}", outcome(entity, &text)?);
        return Ok(());
    }
    let started = Instant::now();
    let (mut number, mut bytes) = (args.seed, 0);
    let mut outcomes: BTreeMap<&'static str, u64> = BTreeMap::new();
    while started.elapsed() < Duration::from_secs(args.seconds) {
        let (entity, text) = record_of(&examples, number);
        let tried = catch_unwind(AssertUnwindSafe(|| outcome(entity, &text)));
        match tried {
            Ok(Ok(outcome)) => *outcomes.entry(outcome).or_default() += 1,
            Ok(Err(broken)) => {
                bail!("case {number} ({}): {broken}; `xtask fuzz --case {number}`", entity.name)
            }
            Err(_) => bail!("case {number} ({}) panics; `xtask fuzz --case {number}`", entity.name),
        }
        bytes += text.len();
        number = number.wrapping_add(1);
    }
    let cases = number.wrapping_sub(args.seed);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{cases} cases from {}, {:.0} a second, {} MiB of records",
        args.seed,
        cases as f64 / seconds,
        bytes >> 20
    );
    for (outcome, count) in outcomes {
        println!("  {count:>10} {outcome}");
    }
    Ok(())
}

/// The record of a case: every entity in turn, every third one no JSON at all.
fn record_of(examples: &[serde_json::Value], number: u64) -> (&'static Entity, String) {
    let at = (number % ENTITIES.len() as u64) as usize;
    let text = match number % 3 {
        0 => hostile_json::broken(&examples[at], number),
        _ => hostile_json::hostile(&examples[at], number),
    };
    (ENTITIES[at], text)
}

/// Takes a record through stage 1 and the reconciler, as a sync does, and checks what comes out.
fn outcome(entity: &Entity, text: &str) -> Result<&'static str> {
    let received = receive_made_up(text.to_owned(), jiff::Timestamp::UNIX_EPOCH);
    let id = &received.external_id;
    if id.is_empty() || id.len() > LONGEST_ID || id.contains('\0') {
        bail!("stage 1 gives it an id that no table holds");
    }
    let held = exact::hold(&received.raw);
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if is_json && serde_json::from_str::<serde::de::IgnoredAny>(&held.json).is_err() {
        bail!("staging would hold something that is no JSON");
    }
    let reconciled = batch::reconcile(entity, &held.json, held.original);
    // The same record reads the same at any time: replay depends on it.
    if batch::reconcile(entity, &held.json, held.original) != reconciled {
        bail!("read twice, it gives two results");
    }
    match reconciled {
        Ok(reconciled) => {
            check_rows(entity, &reconciled)?;
            Ok(if reconciled.warnings.is_empty() { "land" } else { "land with a warning" })
        }
        Err(error) => {
            check_error(&error)?;
            Ok(error.code.as_str())
        }
    }
}

/// What goes to the database must be what its columns take.
fn check_rows(entity: &Entity, reconciled: &ReconciledRecord) -> Result<()> {
    for (index, row) in &reconciled.rows {
        let table = entity.tables[*index];
        if row.values.len() != table.columns.len() {
            bail!("a row of {} has another width than its table", table.name);
        }
        for (column, value) in table.columns.iter().zip(&row.values) {
            let of = format!("{}.{}", table.name, column.name);
            let texts: Vec<&str> = match value {
                Cell::Text(text) => vec![text],
                Cell::TextList(list) => list.iter().map(String::as_str).collect(),
                Cell::Float(number) if !number.is_finite() => bail!("{of} is no finite number"),
                _ => Vec::new(),
            };
            if texts.iter().any(|text| text.contains('\0')) {
                bail!("{of} holds U+0000");
            }
            if table.key.contains(&column.name) {
                match value.as_text() {
                    Some(id) if !id.is_empty() && id.len() <= LONGEST_ID + 40 => {}
                    _ => bail!("{of} is a key and holds none"),
                }
            }
        }
    }
    Ok(())
}

/// Messages end in logs and alerts: names of fields, never what is in them.
fn check_error(error: &RecordError) -> Result<()> {
    if error.waits_for.is_none() && error.message.contains(hostile_json::MARKER) {
        bail!("the message quotes the record: {}", error.message.escape_debug());
    }
    if error.message.contains('\0') || error.field.contains('\0') {
        bail!("the message holds U+0000");
    }
    Ok(())
}
