//! `doctor`: whether everything that is needed is there.

use anyhow::Result;

use super::opened::{self, Opened};
use super::{Context, FAILED};
use crate::display::{self, Lines};
use crate::doctor::{self, Level, Report, Subject};

/// Examines and prints; touches nothing.
pub async fn run(context: &Context) -> Result<u8> {
    let settings = &context.settings;
    // A database that takes no writes is looked at too: why it takes none is what people ask.
    let opened = Opened::open_to_read(settings).await;
    let subject = Subject {
        settings,
        database: opened.as_ref().map(|opened| &opened.db).map_err(|error| format!("{error:#}")),
        embedded: settings.database_url.is_none(),
        shared_account: opened.as_ref().ok().and_then(Opened::shared_account),
        client: opened::client(settings, opened.as_ref().ok()).map_err(|error| format!("{error:#}")),
    };
    let report = doctor::examine(&subject).await;
    if let Ok(opened) = opened {
        opened.close().await?;
    }
    context.print(&report, || text(&report))?;
    Ok(if report.status == Level::Problem { FAILED } else { 0 })
}

fn text(report: &Report) -> Lines {
    let width = report.checks.iter().map(|line| line.check.chars().count()).max().unwrap_or(0);
    let mut text = Lines::new();
    for line in &report.checks {
        let level = match line.level {
            Level::Ok => "ok     ",
            Level::Warning => "WARNING",
            Level::Problem => "PROBLEM",
        };
        let said = format!("{level}  {:width$}  {}", line.check, line.said);
        let mend = line.mend.as_ref().map(|mend| format!("-> {mend}"));
        // What mends it may be a command to copy: on a terminal it has lines of its own.
        match (mend, display::terminal_width().is_some()) {
            (None, _) => text.wrapped(said, width + 11),
            (Some(mend), false) => text.line(format!("{said}  {mend}")),
            (Some(mend), true) => text.wrapped(said, width + 11).wrapped(format!("         {mend}"), 12),
        };
    }
    let Report { ok, warnings, problems, .. } = report;
    text.line(format!("{ok} ok, {warnings} to look at, {problems} to mend"));
    text
}
