//! `doctor`: whether everything that is needed is there.

use anyhow::Result;

use super::opened::{self, Opened};
use super::{Context, FAILED};
use crate::display;
use crate::doctor::{self, Level, Patient, Report};

/// Examines and prints; touches nothing.
pub async fn run(context: &Context) -> Result<u8> {
    let settings = &context.settings;
    // A database that takes no writes is looked at too: why it takes none is what people ask.
    let opened = Opened::open_to_read(settings).await;
    let patient = Patient {
        settings,
        database: opened.as_ref().map(|opened| &opened.db).map_err(|error| format!("{error:#}")),
        embedded: settings.database_url.is_none(),
        client: opened::client(settings, opened.as_ref().ok()).map_err(|error| format!("{error:#}")),
    };
    let report = doctor::examine(&patient).await;
    if let Ok(opened) = opened {
        opened.close().await?;
    }
    context.print(&report, || text(&report))?;
    Ok(if report.status == Level::Problem { FAILED } else { 0 })
}

fn text(report: &Report) -> String {
    let width = report.checks.iter().map(|line| line.check.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in &report.checks {
        let level = match line.level {
            Level::Ok => "ok     ",
            Level::Warning => "WARNING",
            Level::Problem => "PROBLEM",
        };
        let said = format!("{level}  {:width$}  {}", line.check, display::safe(&line.said));
        let mend = line.mend.as_ref().map(|mend| format!("-> {}", display::safe(mend)));
        // What mends it may be a command to copy: on a terminal it has lines of its own.
        text += &match (mend, display::terminal_width().is_some()) {
            (None, _) => display::wrapped(&said, width + 11),
            (Some(mend), false) => format!("{said}  {mend}"),
            (Some(mend), true) => {
                let mend = display::wrapped(&format!("         {mend}"), 12);
                format!("{}\n{mend}", display::wrapped(&said, width + 11))
            }
        };
        text.push('\n');
    }
    let Report { ok, warnings, problems, .. } = report;
    text + &format!("{ok} ok, {warnings} to look at, {problems} to mend\n")
}
