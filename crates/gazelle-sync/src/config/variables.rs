//! The names of our environment variables: which are settings, and which one an unknown name probably means.

use super::docs::SETTINGS;
use super::nearest::nearest;

/// The environment variable that names the settings file.
pub const CONFIG_ENV: &str = "GAZELLE_SYNC_CONFIG";

/// The environment variable that names a folder in place of [`MACHINE_FOLDER`].
pub const CONFIG_DIR_ENV: &str = "GAZELLE_SYNC_CONFIG_DIR";

/// The folder with the settings and secrets of this machine.
pub const MACHINE_FOLDER: &str = "/etc/gazelle-sync";

/// The prefixes of our own environment variables.
const ENV_PREFIXES: [&str; 2] = ["GAZELLE_SYNC_", "GAZELLE_"];

/// Ours, and no setting; the last is for tests of builds with debug assertions.
const NO_SETTINGS: [&str; 3] = [CONFIG_ENV, CONFIG_DIR_ENV, "GAZELLE_CRASH_AT"];

/// A variable's name without the common prefix, which would make all names similar to each other.
fn tail(name: &str) -> &str {
    ENV_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Whether a variable has a name as ours have.
pub(super) fn is_ours(name: &str) -> bool {
    ENV_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The warning for a variable of ours that is no setting, with the most similar setting. `place` is where it stands.
pub(super) fn unknown_setting(name: &str, place: &str) -> String {
    let settings = SETTINGS.iter().flat_map(|doc| [(doc.key, doc.env), (tail(doc.env), doc.env)]);
    let known = settings.chain([CONFIG_ENV, CONFIG_DIR_ENV].map(|name| (tail(name), name)));
    let meant = nearest(tail(name), known.clone().map(|(name, _)| name))
        .and_then(|name| known.clone().find(|(known, _)| *known == name))
        .map(|(_, env)| format!("; did you mean `{env}`?"));
    format!("unknown setting {name} ({place}){}", meant.unwrap_or_default())
}

/// The names of variables of ours that are no settings, sorted.
pub(super) fn unknown_env() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_known = |name: &str| NO_SETTINGS.contains(&name) || SETTINGS.iter().any(|doc| doc.env == name);
    let mut unknown: Vec<String> = names.filter(|name| is_ours(name) && !is_known(name)).collect();
    unknown.sort();
    unknown
}
