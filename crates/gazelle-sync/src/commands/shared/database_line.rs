//! The first line of reports for people: which database they are about.

use secrecy::ExposeSecret;

use crate::cli::{AlertsAction, AlertsArgs, Command, MigrateArgs};
use crate::commands::text::words::report as w;
use crate::config::{Language, Settings};
use crate::db;
use crate::words::sentence::Sentence;

/// The first line of a command's report: database, schema, and where the setting came from. `None` for a command that
/// uses no database, and for one whose output is a script.
pub(crate) fn first_line(command: &Command, settings: &Settings) -> Option<String> {
    let language = settings.language;
    let described = match command {
        Command::Demo(_) => embedded(settings, w::NOT_OF_URL, language),
        Command::Alerts(AlertsArgs { action: Some(AlertsAction::Test) })
        | Command::Auth(_)
        | Command::Completions(_)
        | Command::Init(_)
        | Command::Man(_)
        | Command::Migrate(MigrateArgs { roles: true, dry_run: true, .. })
        | Command::Settings
        | Command::Simulate(_) => return None,
        _ => described(settings, language),
    };
    Some(w::DATABASE.fill(language, &[("place", &described)]))
}

/// Database, schema, and where the setting came from, in a language. Neither user nor password.
pub(crate) fn described(settings: &Settings, language: Language) -> String {
    let Some(url) = &settings.database_url else { return embedded(settings, w::URL_NOT_SET, language) };
    // It was parsed before.
    let place = db::host_and_database(url.expose_secret());
    let place = place.unwrap_or_else(|| w::NO_HOST.say(language).into_owned());
    let source = settings.source_of("database_url").unwrap_or("DATABASE_URL");
    w::PLACE.fill(language, &[("place", &*place), ("schema", &settings.schema), ("source", source)])
}

fn embedded(settings: &Settings, why: Sentence, language: Language) -> String {
    let folder = settings.data_dir.display().to_string();
    let place = w::EMBEDDED.fill(language, &[("folder", &folder)]);
    let why = why.say(language);
    w::PLACE.fill(language, &[("place", &place), ("schema", &settings.schema), ("source", &why)])
}
