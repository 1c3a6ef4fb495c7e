//! Pictures of the dashboard over the demo's data, in both languages, both colours and two widths.

use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use browser::{Browser, Setup};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Arguments of `screens`.
#[derive(Args)]
pub(crate) struct ScreensArgs {
    /// Folder for the pictures
    #[arg(long, default_value = "target/screens")]
    out: PathBuf,
    /// Take only the pictures that README.md and README.fr.md show, into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    readme: Option<PathBuf>,
}

/// Largest picture of a README, in bytes.
const LARGEST: usize = 150 * 1024;

/// Takes the pictures.
pub(crate) fn run(args: &ScreensArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match &args.readme {
        Some(folder) => runtime.block_on(over_demo(folder, PictureSet::Readme)),
        None => runtime.block_on(over_demo(&args.out, PictureSet::All)),
    }
}

/// Which pictures.
#[derive(Clone, Copy)]
enum PictureSet {
    All,
    Readme,
}

async fn over_demo(out: &Path, which: PictureSet) -> Result<()> {
    std::fs::create_dir_all(out)?;
    let data = tempfile::tempdir()?;
    let (mut demo, report) = demo(data.path()).await?;
    let base =
        report["dashboard"].as_str().context("demo tells no address")?.trim_end_matches("/app/").to_owned();
    let browser = Browser::start(Program::new("chromedriver"), Setup::default()).await?;
    match which {
        PictureSet::All => {
            examine(&browser, &base).await?;
            let pages = pages(&report, &Ids::read(&browser, &base, &report).await?);
            take_all(out, &browser, &base, &pages).await?;
        }
        PictureSet::Readme => take_few(out, &browser, &base, &report).await?,
    }
    browser.close().await;
    if let Some(pid) = demo.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
        kill_process(pid, Signal::INT)?;
    }
    ensure!(demo.wait().await?.success(), "the demo did not end well");
    Ok(())
}

/// Presses *Examine* and waits for the result.
async fn examine(browser: &Browser, base: &str) -> Result<()> {
    browser.navigate(&format!("{base}/app/doctor")).await?;
    browser.follow("main form button").await?;
    for _ in 0..120 {
        if document(browser, base, "/app/doctor.json").await?["last"].is_object() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    anyhow::bail!("the examination did not end within a minute")
}

/// What a document of the dashboard says.
async fn document(browser: &Browser, base: &str, path: &str) -> Result<Value> {
    browser.navigate(&format!("{base}{path}")).await?;
    let text = browser.run("return document.body.innerText").await?;
    Ok(serde_json::from_str(text.as_str().unwrap_or_default())?)
}

/// Each page in both languages, both colours and two widths.
async fn take_all(out: &Path, browser: &Browser, base: &str, pages: &[(&str, String)]) -> Result<()> {
    for language in ["fr-CA", "en-CA"] {
        for (width, height) in [(1280, 900), (360, 740)] {
            for dark in [false, true] {
                browser.set_up(Setup { width, height, dark, language, ..Setup::default() }).await?;
                for (name, path) in pages {
                    browser.navigate(&format!("{base}{path}")).await?;
                    let colours = if dark { "dark" } else { "light" };
                    let file = out.join(format!("{name}-{}-{width}-{colours}.png", &language[..2]));
                    std::fs::write(&file, browser.picture().await?)?;
                    println!("{}", file.display());
                }
            }
        }
    }
    Ok(())
}

/// What the READMEs show: a day on a phone and the first page of the office, in the language of each.
async fn take_few(out: &Path, browser: &Browser, base: &str, report: &Value) -> Result<()> {
    let day = report["day"]["date"].as_str().unwrap_or_default();
    let few = [
        ("today", format!("/app/today?day={day}"), (400, 820)),
        ("overview", "/app/".to_owned(), (1100, 760)),
    ];
    for language in ["fr-CA", "en-CA"] {
        for (name, path, (width, height)) in &few {
            let setup = Setup { width: *width, height: *height, language, ..Setup::default() };
            browser.set_up(setup).await?;
            browser.navigate(&format!("{base}{path}")).await?;
            let picture = browser.picture_of_window().await?;
            let file = out.join(format!("{name}-{}.png", &language[..2]));
            ensure!(picture.len() <= LARGEST, "{} has {} bytes", file.display(), picture.len());
            std::fs::write(&file, picture)?;
            println!("{}", file.display());
        }
    }
    Ok(())
}

/// Records of the demonstration that pages show.
struct Ids {
    appointment: String,
    client: String,
    case: String,
    /// The run that changed something.
    changed: String,
}

impl Ids {
    async fn read(browser: &Browser, base: &str, report: &Value) -> Result<Ids> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let quarantine = document(browser, base, "/app/quarantine.json?state=all").await?;
        let moved = text(&report["changes"][0]["id"]);
        let found = document(browser, base, "/app/search.json?q=rue").await?;
        Ok(Ids {
            appointment: moved,
            client: text(&found["addresses"][0]["record"]),
            case: text(&quarantine["cases"][0]["staging_id"]),
            changed: text(&report["incremental"]["run_id"]),
        })
    }
}

/// The pages, each with the name of its picture.
fn pages(report: &Value, ids: &Ids) -> Vec<(&'static str, String)> {
    let run = report["full"]["run_id"].as_str().unwrap_or_default();
    let Ids { appointment, client, case, changed } = ids;
    let day = report["day"]["date"].as_str().unwrap_or_default();
    vec![
        ("overview", "/app/".to_owned()),
        ("today", "/app/today".to_owned()),
        ("today-busy", format!("/app/today?day={day}")),
        ("today-empty", "/app/today?day=2037-01-16".to_owned()),
        ("changes", "/app/changes".to_owned()),
        ("changes-empty", "/app/changes?day=2020-01-01".to_owned()),
        ("feeds", "/app/feeds".to_owned()),
        ("runs", "/app/runs".to_owned()),
        ("runs-empty", "/app/runs?status=failed".to_owned()),
        ("latency", "/app/latency".to_owned()),
        ("run", format!("/app/runs/{run}")),
        ("run-changes", format!("/app/runs/{changed}")),
        ("record", format!("/app/records/appointments/{appointment}")),
        ("record-explained", format!("/app/records/appointments/{appointment}?explain=start_at")),
        ("record-compared", format!("/app/records/appointments/{appointment}?compare=1&version=2")),
        ("record-client", format!("/app/records/clients/{client}")),
        ("record-unknown", "/app/records/clients/cli_nobody".to_owned()),
        ("quarantine", "/app/quarantine".to_owned()),
        ("quarantine-empty", "/app/quarantine?state=dismissed".to_owned()),
        ("case", format!("/app/quarantine/{case}")),
        ("deletions", "/app/deletions".to_owned()),
        ("actions", "/app/actions".to_owned()),
        ("settings", "/app/settings".to_owned()),
        ("doctor", "/app/doctor".to_owned()),
        ("search", "/app/search".to_owned()),
        ("search-found", "/app/search?q=rue".to_owned()),
        ("search-none", "/app/search?q=zzzzzz".to_owned()),
        ("not-found", "/app/nothing".to_owned()),
    ]
}

/// Starts `demo --open` in a folder of its own, and returns what it prints.
async fn demo(data: &Path) -> Result<(Child, Value)> {
    let program = std::env::current_exe()?.with_file_name("gazelle-sync");
    ensure!(program.exists(), "{} is missing: cargo build -p gazelle-sync", program.display());
    let mut demo = Command::new(program)
        .args(["demo", "--open", "--json", "--small", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(demo.stdout.take().context("no stdout")?).lines();
    let mut printed = String::new();
    while let Some(line) = lines.next_line().await? {
        printed.push_str(&line);
        if let Ok(report) = serde_json::from_str(&printed) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((demo, report));
        }
    }
    anyhow::bail!("the demo ended: {printed}")
}
