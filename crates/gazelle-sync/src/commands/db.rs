//! `db`: starts and stops the embedded server by hand.

use anyhow::Result;
use embedded_postgres::{Server, has_cluster};
use serde::Serialize;

use super::shared::context::{Context, FAILED};
use super::shared::opened::{Opened, running_server};
use crate::cli::{DbAction, DbArgs};
use crate::config::Settings;
use crate::display::Lines;

/// The embedded server, as `--json` prints it.
#[derive(Serialize)]
struct EmbeddedServer {
    /// The data folder.
    data_dir: String,
    /// Whether there is a database.
    exists: bool,
    is_running: bool,
    /// Whether it keeps running without a command.
    keeps_running: bool,
    pid: Option<i32>,
    version: Option<String>,
    /// The connection string; absent while it is stopped.
    database_url: Option<String>,
}

/// Runs the chosen action.
///
/// # Errors
/// The server does not start, does not answer or does not stop.
pub async fn run(context: &Context, args: DbArgs) -> Result<u8> {
    let settings = &context.settings;
    if let Some(source) = settings.source_of("database_url") {
        return context.wrong_use(&format!(
            "no command uses the embedded server, because DATABASE_URL is set ({source}); for the embedded one, set it to \
             nothing: DATABASE_URL= gazelle-sync db …"
        ));
    }
    match args.into_action() {
        DbAction::Status => {
            let server = running_server(settings).await?;
            let report = EmbeddedServer::of(settings, server.as_ref());
            if let Some(server) = server {
                server.leave().await?;
            }
            print(context, &report)?;
            Ok(if report.is_running { 0 } else { FAILED })
        }
        DbAction::Start => {
            let opened = Opened::open_or_create(settings).await?;
            let report =
                EmbeddedServer { keeps_running: true, ..EmbeddedServer::of(settings, opened.server()) };
            opened.leave_running().await?;
            print(context, &report)
        }
        DbAction::Stop => stop(context).await,
    }
}

async fn stop(context: &Context) -> Result<u8> {
    let settings = &context.settings;
    let Some(server) = running_server(settings).await? else {
        return print(context, &EmbeddedServer::of(settings, None));
    };
    let before = EmbeddedServer { keeps_running: false, ..EmbeddedServer::of(settings, Some(&server)) };
    match server.leave_and_stop().await? {
        true => print(context, &EmbeddedServer::of(settings, None)),
        false => print(context, &before),
    }
}

fn print(context: &Context, report: &EmbeddedServer) -> Result<u8> {
    context.print(report, || report.text())?;
    Ok(0)
}

impl EmbeddedServer {
    /// `server` is the running one.
    fn of(settings: &Settings, server: Option<&Server>) -> EmbeddedServer {
        EmbeddedServer {
            data_dir: settings.data_dir.display().to_string(),
            exists: has_cluster(&settings.data_dir),
            is_running: server.is_some(),
            keeps_running: server.is_some_and(Server::keeps_running),
            pid: server.map(Server::pid),
            version: server.map(|server| server.version().to_string()),
            database_url: server.map(Server::connection_string),
        }
    }

    fn text(&self) -> Lines {
        let mut text = Lines::new();
        let (Some(pid), Some(version), Some(url)) = (self.pid, &self.version, &self.database_url) else {
            return match self.exists {
                true => text.wrapped(
                    "not running: a command starts it while it needs it, `gazelle-sync db start` keeps it running",
                    2,
                ),
                false => text.wrapped(
                    "not running: there is no database yet; `gazelle-sync sync` creates and fills it, `gazelle-sync db start` \
                     creates an empty one",
                    2,
                ),
            }
            .clone();
        };
        let until = match self.keeps_running {
            true => "until `gazelle-sync db stop` or a restart of the machine",
            false => "until the last command that uses it ends",
        };
        text.wrapped(format!("running: PostgreSQL {version}, process {pid}, {until}"), 2);
        text.line(format!("psql \"{url}\""));
        text
    }
}
