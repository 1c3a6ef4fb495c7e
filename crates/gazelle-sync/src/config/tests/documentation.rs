use std::collections::BTreeSet;
use std::time::Duration;

use super::super::*;
use super::case;
use super::secrets::with_all_secrets;

#[test]
fn defaults_are_those_of_the_contract() {
    let settings = case().good();
    assert_eq!(settings.schema, "public");
    assert_eq!(settings.api_url.as_str(), "https://gazelleapp.io/graphql/private");
    assert_eq!(settings.oauth_url.as_str(), "https://gazelleapp.io/developer/oauth/token");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(settings.incremental_schedule, "*/15 * * * *");
    assert_eq!(settings.full_schedule, "0 3 * * *");
    assert_eq!(settings.timezone, "America/Toronto");
    assert_eq!((settings.concurrency, settings.page_size), (4, 100));
    assert_eq!(settings.attempts, 3);
    assert_eq!(settings.retry_delay(), Duration::from_secs(5));
    assert_eq!(settings.timeout(), Duration::from_secs(10));
    assert_eq!(settings.max_response_bytes(), 32 << 20);
    assert_eq!((settings.delete_guard_records, settings.delete_guard_percent), (10, 2.0));
    assert_eq!((settings.retention, settings.runs_retention), (Retention::All, Retention::Days(90)));
    assert_eq!(settings.events_from, None);
    assert!(settings.database_url.is_none() && settings.api_key.is_none());
}

#[test]
fn the_table_and_the_struct_agree() {
    let debug = format!("{:#?}", case().good());
    let fields: BTreeSet<&str> = debug
        .lines()
        .filter_map(|line| line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '}', ']', ')'])))
        .filter_map(|line| line.split_once(": ").map(|(name, _)| name))
        .filter(|name| !["given", "warnings"].contains(name))
        .collect();
    let keys: BTreeSet<&str> = SETTINGS.iter().map(|doc| doc.key).collect();
    assert_eq!(fields, keys);
    let variables: BTreeSet<&str> = SETTINGS.iter().map(|doc| doc.env).collect();
    assert_eq!(variables.len(), SETTINGS.len(), "each setting has a variable of its own");
    for doc in SETTINGS {
        assert!(settings_text().contains(&format!("  {}, {}\n", doc.key, doc.env)));
    }
    // Whatever is listed is also read: a given value is shown.
    let shown = with_all_secrets().good().shown();
    let silent: Vec<_> = shown.iter().filter(|s| s.value.is_none()).map(|s| s.key).collect();
    let no_default = [
        "database_ca_file",
        "postgres_bin_dir",
        "backup_dir",
        "events_from",
        "events_until",
        "public_url",
        "spot_checks",
        // The default depends on the command.
        "log_level",
        "otlp_endpoint",
        "smtp_ca_file",
    ];
    assert_eq!(silent, no_default);
}

fn page(name: &str) -> String {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(page).unwrap()
}

#[test]
fn the_pages_of_settings_list_them_as_they_are() {
    let english = settings_markdown(["setting", "environment", "default", "meaning"], |doc| doc.meaning);
    let french = settings_markdown(["réglage", "environnement", "défaut", "sens"], |doc| doc.meaning_fr);
    for (name, expected) in [("settings.md", english), ("fr/settings.md", french)] {
        let text = page(name);
        let table = text
            .split_once("<!-- settings -->\n")
            .and_then(|(_, rest)| rest.split_once("<!-- /settings -->"));
        let (table, _) = table.expect("the page has a table of settings between its markers");
        assert_eq!(table, expected, "put the right-hand side into docs/{name}");
    }
}

#[test]
fn each_setting_has_a_meaning_in_each_language() {
    for doc in SETTINGS {
        let (en, fr) = (doc.meaning, doc.meaning_fr);
        assert!(en.len() > 10 && fr.len() > 10 && en != fr, "{}", doc.key);
        for wrong in [" :", " ;", " !", " ?", "« ", " »"] {
            assert!(!fr.contains(wrong), "{}: {wrong:?} in {fr}", doc.key);
        }
    }
}
