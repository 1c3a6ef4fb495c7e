//! The big shop, round by round: gazelle-sync (A), plain SQL (B), a script (C), a walk that finds nothing new (D).

use std::path::Path;

use anyhow::{Result, ensure};

use super::compare::{ensure_same, written_since};
use super::lab::Lab;
use super::process::{Measured, cpu_of_tree};
use super::results::{MEMORY_LIMIT, Results, median, say};
use crate::simulator::{Running, Shop};

/// The most WAL of a walk that finds nothing new, in MB.
const WAL_LIMIT: f64 = 1.0;

/// A program's own figures and what it made others do.
#[derive(Debug, Clone, Copy, Default)]
struct ResourceUse {
    program: Measured,
    postgres_cpu: f64,
    simulator_cpu: f64,
}

/// One round.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    sync: ResourceUse,
    /// The first sync of the program beside it.
    beside: Option<ResourceUse>,
    copy: f64,
    fill: f64,
    mark: f64,
    sql_postgres_cpu: f64,
    script: ResourceUse,
    again: ResourceUse,
    again_wal_mb: f64,
    again_rows_written: f64,
}

/// Measures the shop and notes the medians. `beside` is another build of the program.
pub fn measure(
    lab: &Lab,
    shop: &Shop,
    runs: usize,
    beside: Option<&Path>,
    results: &mut Results,
) -> Result<()> {
    say("making the shop");
    let simulator = Running::start(shop)?;
    warm_up(lab, &simulator)?;
    lab.keep_autovacuum_away()?;
    let mut rounds = Vec::new();
    for run in 1..=runs {
        say(&format!("round {run} of {runs}"));
        rounds.push(round(lab, &simulator, beside, run % 2 == 1)?);
    }
    lab.let_autovacuum_work()?;
    lab.drop_database("synced")?;
    lab.drop_database("plain")?;
    report(shop, &rounds, results);
    Ok(())
}

/// Prepares the simulator's answers, dumps the raw rows, and proves that plain SQL fills the same rows.
fn warm_up(lab: &Lab, simulator: &Running) -> Result<()> {
    say("preparing the answers: a first sync, not measured");
    lab.fresh("synced")?;
    let (_, report) = lab.full_sync("synced", &simulator.url)?;
    ensure!(report["status"] == "success", "the sync ended {}: {}", report["status"], report["reasons"]);
    lab.psql_file("synced", &["dump.psql"])?;
    say("proving that plain SQL fills the same rows");
    lab.fresh_for_sql("plain")?;
    lab.psql_file("plain", &["copy.psql", "fill.sql", "mark.sql"])?;
    ensure_same(lab, "synced", "plain")?;
    say("preparing the script's answers");
    lab.fresh_for_sql("plain")?;
    lab.script("plain", &simulator.url)?;
    Ok(())
}

/// One round. Which of two programs goes first alternates between rounds: the first finds the machine cooler.
fn round(lab: &Lab, simulator: &Running, beside: Option<&Path>, beside_first: bool) -> Result<Round> {
    let by = |program| first_sync_by(program, lab, simulator);
    let first = beside.filter(|_| beside_first).map(by).transpose()?;
    lab.fresh("synced")?;
    lab.checkpoint()?;
    let sync = watched(lab, simulator, || Ok(lab.full_sync("synced", &simulator.url)?.0))?;

    lab.settle("synced")?;
    lab.checkpoint()?;
    let before = lab.query("synced", "SELECT pg_current_xact_id()::text::bigint % 4294967296")?;
    let position = lab.query("synced", "SELECT pg_current_wal_lsn()")?;
    let again = watched(lab, simulator, || Ok(lab.full_sync("synced", &simulator.url)?.0))?;
    let wal = lab.query("synced", &format!("SELECT pg_current_wal_lsn() - '{position}'::pg_lsn"))?;
    let (_, written) = written_since(lab, "synced", &before)?;
    lab.drop_database("synced")?;
    let beside = match first {
        Some(first) => Some(first),
        None => beside.map(by).transpose()?,
    };

    lab.fresh_for_sql("plain")?;
    lab.checkpoint()?;
    let postgres = lab.postgres()?.0;
    let cpu = cpu_of_tree(postgres);
    let copy = lab.psql_file("plain", &["copy.psql"])?.seconds;
    let fill = lab.psql_file("plain", &["fill.sql"])?.seconds;
    let mark = lab.psql_file("plain", &["mark.sql"])?.seconds;
    let sql_postgres_cpu = cpu_of_tree(postgres) - cpu;

    lab.fresh_for_sql("plain")?;
    lab.checkpoint()?;
    let script = watched(lab, simulator, || lab.script("plain", &simulator.url))?;
    lab.drop_database("plain")?;
    Ok(Round {
        sync,
        beside,
        copy,
        fill,
        mark,
        sql_postgres_cpu,
        script,
        again,
        again_wal_mb: wal.parse::<f64>()? / 1e6,
        again_rows_written: written as f64,
    })
}

fn first_sync_by(program: &Path, lab: &Lab, simulator: &Running) -> Result<ResourceUse> {
    lab.fresh("synced")?;
    lab.checkpoint()?;
    let taken = watched(lab, simulator, || Ok(lab.full_sync_by(program, "synced", &simulator.url)?.0))?;
    lab.drop_database("synced")?;
    Ok(taken)
}

fn watched(lab: &Lab, simulator: &Running, work: impl FnOnce() -> Result<Measured>) -> Result<ResourceUse> {
    let postgres = lab.postgres()?.0;
    let (postgres_before, simulator_before) = (cpu_of_tree(postgres), cpu_of_tree(simulator.pid()));
    let program = work()?;
    Ok(ResourceUse {
        program,
        postgres_cpu: cpu_of_tree(postgres) - postgres_before,
        simulator_cpu: cpu_of_tree(simulator.pid()) - simulator_before,
    })
}

fn report(shop: &Shop, rounds: &[Round], results: &mut Results) {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    let shown = |taken: fn(&Round) -> ResourceUse| {
        format!(
            "{:.2} s; CPU s: program {:.1}, Postgres {:.1}, simulator {:.1}; {:.0} MiB",
            median(rounds.iter().map(|round| taken(round).program.seconds)),
            median(rounds.iter().map(|round| taken(round).program.cpu)),
            median(rounds.iter().map(|round| taken(round).postgres_cpu)),
            median(rounds.iter().map(|round| taken(round).simulator_cpu)),
            median(rounds.iter().map(|round| taken(round).program.peak_mib)),
        )
    };
    results.note(
        "shop, rounds",
        format!(
            "{} appointments, {} clients, {} pianos; {}",
            shop.appointments,
            shop.clients,
            shop.pianos,
            rounds.len()
        ),
    );
    results.note("A: first full sync", shown(|round| round.sync));
    if rounds.iter().all(|round| round.beside.is_some()) {
        let beside = |round: &Round| round.beside.unwrap_or_default();
        results.note("A of the program beside it", shown(beside));
        let seconds =
            |of: &dyn Fn(&Round) -> ResourceUse| median(rounds.iter().map(|round| of(round).program.seconds));
        let ratio = seconds(&|round| round.sync) / seconds(&beside);
        results.note("A / A of the program beside it", format!("{ratio:.2}"));
    }
    results.note(
        "B: \\copy + set-based SQL + status update",
        format!(
            "{:.2} s = {:.2} + {:.2} + {:.2}; CPU s: Postgres {:.1}",
            of(|round| round.copy + round.fill + round.mark),
            of(|round| round.copy),
            of(|round| round.fill),
            of(|round| round.mark),
            of(|round| round.sql_postgres_cpu),
        ),
    );
    results.note("C: the script", shown(|round| round.script));
    results.note("D: full sync, nothing changed", shown(|round| round.again));
    let sync = of(|round| round.sync.program.seconds);
    results.at_most("A / B (aim 0.7)", sync / of(|round| round.copy + round.fill + round.mark), 1.0, "");
    results.at_least("C / A", of(|round| round.script.program.seconds) / sync, 2.0, "");
    results.at_least("A / D", sync / of(|round| round.again.program.seconds), 3.0, "");
    results.at_most("WAL of D", of(|round| round.again_wal_mb), WAL_LIMIT, " MB");
    results.at_most("production rows written by D", of(|round| round.again_rows_written), 0.0, "");
    let peak = rounds.iter().map(|round| round.sync.program.peak_mib).fold(0.0, f64::max);
    results.at_most(
        &format!("peak memory at {} appointments", shop.appointments),
        peak,
        MEMORY_LIMIT,
        " MiB",
    );
}
