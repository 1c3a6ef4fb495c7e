//! `psql`: runs psql on the database of the settings.

use std::io::{ErrorKind, IsTerminal, stdin, stdout};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;

use anyhow::{Result, bail};
use secrecy::ExposeSecret;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::shared::context::Context;
use super::shared::opened::{Opened, connect_settings};
use crate::cli::PsqlArgs;
use crate::config::Settings;
use crate::db::{LIBPQ_VARIABLES, libpq_environment};
use crate::display;

/// Runs psql, and returns its exit status.
///
/// # Errors
/// There is no embedded database yet, or its server does not start; psql is not installed.
pub async fn run(context: &Context, args: PsqlArgs) -> Result<u8> {
    if context.json {
        return context
            .wrong_use("psql prints no JSON document: leave out --json, or pass it to psql after `--`");
    }
    let settings = &context.settings;
    if let Some(url) = &settings.database_url {
        return psql(context, url.expose_secret(), args).await;
    }
    let opened = Opened::open_existing(settings).await?;
    let ended = psql(context, &opened.embedded_url().unwrap_or_default(), args).await;
    opened.close().await?;
    ended
}

async fn psql(context: &Context, url: &str, args: PsqlArgs) -> Result<u8> {
    let settings = &context.settings;
    let mut command = Command::new(program(settings));
    for name in LIBPQ_VARIABLES {
        command.env_remove(name);
    }
    command.envs(libpq_environment(&connect_settings(settings, url))?).args(args.args);
    context.progress.finish();
    if let (Some(first), true) = (&context.first_line, stdin().is_terminal() && stdout().is_terminal()) {
        display::print_to_stderr(first.as_str());
    }
    // Ctrl-C cancels a statement of psql: it must not end this program and with it the embedded server.
    let _interrupts = signal(SignalKind::interrupt())?;
    match command.status().await {
        Ok(status) => Ok(exit_status(status)),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "psql is not installed: install the client programs of PostgreSQL (Debian, Ubuntu: apt-get install \
             postgresql-client; Fedora: dnf install postgresql; macOS: brew install libpq), or name their folder in \
             GAZELLE_SYNC_POSTGRES_BIN"
        ),
        Err(error) => bail!("psql cannot be started: {error}"),
    }
}

/// psql beside the server programs that the settings name, else that of PATH.
fn program(settings: &Settings) -> PathBuf {
    let beside = settings.postgres_bin_dir.as_ref().map(|folder| folder.join("psql"));
    beside.filter(|program| program.exists()).unwrap_or_else(|| PathBuf::from("psql"))
}

/// As shells say it: 128 and the signal for a program that a signal ended.
fn exit_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
