//! Says where the data is and how to look further: at the end of `demo` and of a first sync.

use super::words::report as w;
use crate::commands::shared::database_line::described;
use crate::config::Settings;
use crate::display::Lines;
use crate::time::MONTREAL;
use crate::words::locale::Locale;

/// The width of the names of the rows.
const NAMES: usize = 14;

/// Adds what a first run ends with: the database, the view to query, and the next commands.
pub(crate) fn after_first_run(text: &mut Lines, settings: &Settings, t: &Locale) {
    text.blank().line(t.say(w::WHERE));
    row(text, &t.say(w::IN_DATABASE), &described(settings, t.language));
    command(text, &t.say(w::QUERY_IT), &opening(settings, "psql"));
    row(text, &t.say(w::A_DAY), &day_query(settings));
    for (name, look) in [
        (w::CONTENTS, "status"),
        (w::IS_IT_RIGHT, "verify"),
        (w::WHAT_CHANGED, "sync"),
        (w::BY_SCHEDULE, "serve"),
    ] {
        command(text, &t.say(name), &opening(settings, look));
    }
}

/// Adds a row: its name, and what it says, wrapped between words.
pub fn row(text: &mut Lines, name: &str, said: &str) {
    text.wrapped(format!("  {name:NAMES$}{said}"), NAMES + 2);
}

/// Adds a row with a command, in one piece, so that it can be copied.
pub fn command(text: &mut Lines, name: &str, command: &str) {
    text.line(format!("  {name:NAMES$}{command}"));
}

/// The statement that lists the appointments of the current day.
pub fn day_query(settings: &Settings) -> String {
    let schema = match settings.schema.as_str() {
        "public" => String::new(),
        other => format!("{other}."),
    };
    // The date in Montréal: current_date would be that of the session's time zone.
    format!(
        "SELECT * FROM {schema}v_appointments_montreal WHERE date_montreal = (now() AT TIME ZONE '{MONTREAL}')::date \
         ORDER BY time_montreal;"
    )
}

/// A shell command that opens the same database: it names a schema, and the folder of an embedded database, that are not
/// the default.
pub fn opening(settings: &Settings, command: &str) -> String {
    let mut line = format!("gazelle-sync {command}");
    for (key, flag) in [("data_dir", "--data-dir"), ("schema", "--schema")] {
        let shown = settings.shown().into_iter().find(|shown| shown.key == key);
        let given = shown.filter(|shown| shown.from.as_deref().is_some_and(|from| from != "default"));
        if key == "data_dir" && settings.database_url.is_some() {
            continue;
        }
        if let Some(value) = given.and_then(|shown| shown.value) {
            let value = if key == "data_dir" { settings.data_dir.display().to_string() } else { value };
            line += &format!(" {flag} {}", in_shell(&value));
        }
    }
    line
}

/// A word quoted for the shell.
fn in_shell(word: &str) -> String {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
