//! `init`: asks for what a first sync needs, tries it, and writes it into settings files. `interview` asks and tries,
//! `files` writes.

mod files;
mod interview;

use std::io::{IsTerminal, stderr, stdin};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tokio::process::Command;

use super::shared::context::{Context, FAILED};
use super::shared::database_line::described;
use crate::alerts::Channels;
use crate::cli::InitArgs;
use crate::config::{DEFAULT_FILE, ENV_FILE, Language, Settings};
use crate::credentials;
use crate::display::{self, Lines};
use files::Planned;
use interview::Interview;

/// What was written, as `--json` prints it.
#[derive(Serialize)]
struct InitReport {
    written: Vec<WrittenFile>,
    /// The database that commands in this folder now use.
    database: String,
}

/// A file and the names that it sets.
#[derive(Serialize)]
struct WrittenFile {
    file: String,
    names: Vec<String>,
}

/// Asks, tries and writes; then runs the first sync if that is wanted.
///
/// # Errors
/// The input ends; an answer from the environment or a flag does not work; a file cannot be read or written.
pub async fn run(context: &Context, args: InitArgs) -> Result<u8> {
    let settings = &context.settings;
    let asks = !args.yes && !context.json && stdin().is_terminal() && stderr().is_terminal();
    if let Some(why) =
        wrong(context, &args).or_else(|| (!asks).then(|| unanswered(settings, &args)).flatten())
    {
        return context.wrong_use(&why);
    }
    context.progress.finish();
    let mut interview = Interview::new(settings, asks, !args.offline);
    interview.credential().await?;
    interview.database(args.embedded).await?;
    interview.zone_and_language()?;
    interview.alerts().await?;
    let planned = files::plan(&std::env::current_dir()?, interview.answers())?;
    let existing = planned.iter().any(Planned::exists);
    if asks && existing && !args.force && !may_write(&planned)? {
        display::print_to_stderr("nothing was written");
        return Ok(FAILED);
    }
    for file in &planned {
        file.write().with_context(|| format!("{} cannot be written", file.name))?;
    }
    let report = InitReport {
        written: planned
            .iter()
            .map(|file| WrittenFile { file: file.name.to_owned(), names: file.names() })
            .collect(),
        database: described(interview.settings(), Language::En),
    };
    context.print(&report, || text(&report))?;
    if args.sync || asks && display::confirm("Run the first full sync now?", true)? {
        return first_sync().await;
    }
    Ok(0)
}

/// What contradicts itself.
fn wrong(context: &Context, args: &InitArgs) -> Option<String> {
    if args.sync && context.json {
        return Some(
            "--json prints one document, and --sync would add that of the run: leave one of them out"
                .to_owned(),
        );
    }
    let source = context.settings.source_of("database_url").filter(|_| args.embedded)?;
    Some(format!("--embedded contradicts DATABASE_URL, which is set ({source})"))
}

/// What is missing where nothing can be asked.
fn unanswered(settings: &Settings, args: &InitArgs) -> Option<String> {
    if let Some(name) =
        [ENV_FILE, DEFAULT_FILE].iter().find(|name| Path::new(name).exists()).filter(|_| !args.force)
    {
        return Some(format!(
            "{name} exists in this folder: --force sets the answers in it and leaves its other lines as they are"
        ));
    }
    let is_default = |key| settings.source_of(key).is_none_or(|source| source == "default");
    let lacks_credentials = credentials::of(settings, None).is_err();
    let optional = [
        (settings.database_url.is_none() && !args.embedded, "DATABASE_URL in the environment, or --embedded"),
        (is_default("timezone"), "--timezone ZONE"),
        (is_default("language"), "--language en|fr"),
        (Channels::of(settings).is_empty(), "SLACK_WEBHOOK_URL or ALERT_WEBHOOK_URL in the environment"),
    ];
    let key = "GAZELLE_API_KEY in the environment";
    let mut missing: Vec<&str> = lacks_credentials.then_some(key).into_iter().collect();
    if !args.yes {
        missing.extend(optional.iter().filter(|(is_missing, _)| *is_missing).map(|(_, what)| *what));
    }
    let others = if args.yes { "" } else { " (--yes takes the defaults of all but the key)" };
    (!missing.is_empty())
        .then(|| format!("nothing can be asked here; missing: {}{others}", missing.join("; ")))
}

/// Asks before files that exist are changed.
fn may_write(planned: &[Planned]) -> std::io::Result<bool> {
    for file in planned.iter().filter(|file| file.exists()) {
        let question = format!(
            "{} exists: set {} in it, and leave its other lines as they are?",
            file.name,
            file.names().join(", ")
        );
        if !display::confirm(&question, false)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn text(report: &InitReport) -> Lines {
    let mut text = Lines::new();
    for WrittenFile { file, names } in &report.written {
        let mode = if file == ENV_FILE { " (mode 600; keep it out of version control)" } else { "" };
        text.wrapped(format!("wrote {file}{mode}: {}", names.join(", ")), 2);
    }
    text.wrapped(format!("database: {}", report.database), 2);
    text.line("next: gazelle-sync sync --mode full");
    text
}

/// Runs the first sync as a command of its own, which reads the files that were just written.
async fn first_sync() -> Result<u8> {
    let program = std::env::current_exe().context("the program's own path is unknown")?;
    let status = Command::new(program).args(["sync", "--mode", "full"]).status().await?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}
