//! The first line of reports for people: which database they are about.

use secrecy::ExposeSecret;

use crate::cli::{AlertsAction, AlertsArgs, Command, MigrateArgs};
use crate::config::Settings;
use crate::db;

/// The first line of a command's report: database, schema, and where the setting came from. `None` for a command that
/// uses no database, and for one whose output is a script.
pub fn first_line(command: &Command, settings: &Settings) -> Option<String> {
    let described = match command {
        Command::Demo(_) => embedded(settings, "not that of DATABASE_URL"),
        Command::Alerts(AlertsArgs { action: Some(AlertsAction::Test) })
        | Command::Auth(_)
        | Command::Completions(_)
        | Command::Init(_)
        | Command::Man(_)
        | Command::Migrate(MigrateArgs { roles: true, dry_run: true, .. })
        | Command::Settings
        | Command::Simulate(_) => return None,
        _ => described(settings),
    };
    Some(format!("database: {described}"))
}

/// Database, schema, and where the setting came from. Neither user nor password.
pub fn described(settings: &Settings) -> String {
    let Some(url) = &settings.database_url else { return embedded(settings, "DATABASE_URL is not set") };
    // It was parsed before.
    let place = db::host_and_database(url.expose_secret()).unwrap_or_else(|| "an unnamed host".to_owned());
    let source = settings.source_of("database_url").unwrap_or("DATABASE_URL");
    format!("{place}, schema {} ({source})", settings.schema)
}

fn embedded(settings: &Settings, why: &str) -> String {
    format!("embedded in {}, schema {} ({why})", settings.data_dir.display(), settings.schema)
}
