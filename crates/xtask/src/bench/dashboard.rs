//! `bench dashboard`: what each page costs over a long history, at rest and while syncs follow each other.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use super::lab::{self, Lab};
use super::results::say;
use crate::simulator::{API_KEY, Running, Shop};

/// Flags of `bench dashboard`.
#[derive(Debug, Args)]
pub struct DashboardArgs {
    /// Versions in staging
    #[arg(long, default_value_t = 1_000_000)]
    versions: u64,
    /// Runs, one every 15 minutes
    #[arg(long, default_value_t = 35_000)]
    runs: u64,
    /// Requests of each run
    #[arg(long, default_value_t = 70)]
    requests: u64,
    /// Times that each page is asked for
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// The program to measure [default: gazelle-sync beside this one]
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the database is made, on a real disk; it takes about 8 GB
    #[arg(long, default_value = "/var/tmp")]
    folder: PathBuf,
}

/// Pause between two requests: 20 a second at most.
const PAUSE: Duration = Duration::from_millis(50);
/// The simulated latency of Gazelle for each page, in milliseconds.
const LATENCY_MS: u64 = 240;
/// A schedule that practically never starts a run, and one that starts a run every two seconds if none is in progress.
const NEVER: &str = "0 0 29 2 *";
const ALWAYS: &str = "*/2 * * * * *";

/// A page to measure, with the budget for the 99th percentile of its response time in milliseconds.
struct Page {
    name: &'static str,
    path: String,
    budget: Option<f64>,
}

/// The measurements of a page.
struct PageMeasurements {
    bytes: usize,
    /// Response times, sorted.
    milliseconds: Vec<f64>,
}

impl PageMeasurements {
    /// The percentile of the response times.
    fn percentile(&self, hundredths: usize) -> f64 {
        let at = (self.milliseconds.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.milliseconds.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// The service, ended by its drop.
struct Serving {
    child: Child,
    port: u16,
}

/// Measures and prints.
pub fn run(args: &DashboardArgs) -> Result<()> {
    let program = lab::program(args.program.as_deref())?;
    let (_folder, lab) = lab::open(&args.folder, &program)?;
    let shop = Shop { appointments: 11_460, clients: 4_010, pianos: 1_031, latency_ms: LATENCY_MS };
    let simulator = Running::start(&shop)?;
    say("a first sync");
    lab.fresh("dashboard")?;
    lab.full_sync("dashboard", &simulator.url)?;
    say("making the history");
    let sizes = [("versions", args.versions), ("runs", args.runs), ("requests", args.requests)];
    lab.psql_with("dashboard", "dashboard.sql", &sizes)?;
    lab.settle("dashboard")?;
    lab.checkpoint()?;
    let pages = pages(&lab)?;
    say("at rest");
    let serving = Serving::start(&lab, &program, &simulator.url, NEVER)?;
    let statements = statements(&lab, &serving, &pages)?;
    let at_rest = measure(&serving, &pages, args.rounds)?;
    drop(serving);
    say("while syncs follow each other");
    let serving = Serving::start(&lab, &program, &simulator.url, ALWAYS)?;
    let at_work = measure(&serving, &pages, args.rounds)?;
    drop(serving);
    let runs = lab.query("dashboard", "SELECT count(*) FROM sync_runs WHERE program <> 'bench'")?;
    println!("{} versions, {} runs; {runs} runs of the program itself", args.versions, args.runs);
    print(&pages, &statements, &at_rest, &at_work);
    Ok(())
}

/// The pages, with the budgets of `docs/benchmarks.md`.
fn pages(lab: &Lab) -> Result<Vec<Page>> {
    let one = |sql: &str| lab.query("dashboard", sql);
    let run = one("SELECT run_id FROM sync_runs WHERE program = 'bench' ORDER BY started_at DESC LIMIT 1")?;
    let visit = one("SELECT external_id FROM gazelle_appointments ORDER BY external_id LIMIT 1")?;
    let client = one("SELECT external_id FROM gazelle_clients ORDER BY external_id LIMIT 1")?;
    let page = |name, path: &str, budget| Page { name, path: path.to_owned(), budget };
    Ok(vec![
        page("today", "/app/today", Some(60.0)),
        page("runs", "/app/runs", Some(60.0)),
        page("overview", "/app/", Some(80.0)),
        page("record, appointment", &format!("/app/records/appointments/{visit}"), Some(80.0)),
        page("record, client", &format!("/app/records/clients/{client}"), Some(80.0)),
        page("changes", "/app/changes", Some(100.0)),
        page("run", &format!("/app/runs/{run}"), Some(120.0)),
        page("search, name", "/app/search?q=marteau", Some(150.0)),
        page("search, phone", "/app/search?q=514.555", Some(150.0)),
        page("quarantine", "/app/quarantine", None),
        page("deletions", "/app/deletions", None),
        page("latency", "/app/latency", None),
        page("actions", "/app/actions", None),
        page("settings", "/app/settings", None),
    ])
}

/// How many statements the server receives for each page; the least of three, because the service has duties of its own.
fn statements(lab: &Lab, serving: &Serving, pages: &[Page]) -> Result<Vec<usize>> {
    lab.log_statements("all")?;
    let mut counts = Vec::new();
    for page in pages {
        let mut least = usize::MAX;
        for _ in 0..3 {
            // What Overview has read is kept for three seconds.
            thread::sleep(if page.name == "overview" { Duration::from_millis(3100) } else { PAUSE });
            let before = lab.statements_logged()?;
            serving.get(&page.path)?;
            least = least.min(lab.statements_logged()? - before);
        }
        counts.push(least);
    }
    lab.log_statements("none")?;
    Ok(counts)
}

/// Requests the pages in turn, `rounds` times.
fn measure(serving: &Serving, pages: &[Page], rounds: usize) -> Result<Vec<PageMeasurements>> {
    let mut taken: Vec<PageMeasurements> =
        pages.iter().map(|_| PageMeasurements { bytes: 0, milliseconds: Vec::new() }).collect();
    for _ in 0..rounds {
        for (page, taken) in pages.iter().zip(&mut taken) {
            let begun = Instant::now();
            let bytes = serving.get(&page.path)?;
            taken.milliseconds.push(begun.elapsed().as_secs_f64() * 1000.0);
            taken.bytes = taken.bytes.max(bytes);
            thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
        }
    }
    for one in &mut taken {
        one.milliseconds.sort_by(f64::total_cmp);
    }
    Ok(taken)
}

impl Serving {
    /// Starts the service and waits until it shows a page.
    fn start(lab: &Lab, program: &Path, api: &str, schedule: &str) -> Result<Serving> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = Command::new(program)
            .arg("serve")
            .env("DATABASE_URL", lab.url("dashboard")?)
            .env("GAZELLE_API_URL", api)
            .env("GAZELLE_API_KEY", API_KEY)
            .env("GAZELLE_SYNC_LISTEN", format!("127.0.0.1:{port}"))
            .env("GAZELLE_SYNC_INCREMENTAL", schedule)
            .env("GAZELLE_SYNC_FULL", NEVER)
            .env("GAZELLE_SYNC_RUNS_RETENTION", "all")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let serving = Serving { child, port };
        let begun = Instant::now();
        while let Err(error) = serving.get("/app/today") {
            ensure!(begun.elapsed() < Duration::from_secs(60), "the service shows no page: {error:#}");
            thread::sleep(PAUSE);
        }
        Ok(serving)
    }

    /// Asks for a page; returns the bytes of its answer. Another status than 200 is an error.
    fn get(&self, path: &str) -> Result<usize> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let host = format!("127.0.0.1:{}", self.port);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let status = answer.get(9..12).context("no status")?;
        ensure!(status == b"200", "{path}: {}", String::from_utf8_lossy(status));
        Ok(answer.len())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It has ended by itself, or it ends now.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// The table as Markdown.
fn print(pages: &[Page], statements: &[usize], at_rest: &[PageMeasurements], at_work: &[PageMeasurements]) {
    println!(
        "| page | KB | statements | at rest: p50, p95 ms | beside syncs: p50, p95, p99 ms | budget p99 | |"
    );
    println!("|---|--:|--:|--:|--:|--:|---|");
    for (((page, statements), rest), work) in pages.iter().zip(statements).zip(at_rest).zip(at_work) {
        let (budget, verdict) = match page.budget {
            Some(budget) => {
                (format!("{budget:.0}"), if work.percentile(99) <= budget { "ok" } else { "MISS" })
            }
            None => (String::new(), ""),
        };
        println!(
            "| {} | {:.1} | {statements} | {:.0}, {:.0} | {:.0}, {:.0}, {:.0} | {budget} | {verdict} |",
            page.name,
            work.bytes as f64 / 1000.0,
            rest.percentile(50),
            rest.percentile(95),
            work.percentile(50),
            work.percentile(95),
            work.percentile(99),
        );
    }
}
