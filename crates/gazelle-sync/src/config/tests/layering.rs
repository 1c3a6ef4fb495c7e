use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::super::*;
use super::{Case, assert_says, case};

#[test]
fn each_layer_wins_over_the_one_below() {
    // Key, flag, environment variable, then the values in file, environment and flag.
    let cases = [
        ("schema", "--schema", "GAZELLE_SYNC_SCHEMA", ["\"one\"", "two", "three"]),
        ("concurrency", "--concurrency", "GAZELLE_SYNC_CONCURRENCY", ["1", "2", "3"]),
        ("timeout_seconds", "--timeout", "GAZELLE_SYNC_TIMEOUT_SECONDS", ["1.5", "2.5", "3.5"]),
        ("timezone", "--timezone", "GAZELLE_SYNC_TIMEZONE", ["\"Europe/Paris\"", "UTC", "Asia/Tokyo"]),
        ("retention", "--retention", "GAZELLE_SYNC_RETENTION", ["90", "91", "all"]),
    ];
    for (key, name, env, [in_file, in_env, in_flag]) in cases {
        let shown = |case: &Case| {
            let shown = case.good().shown().into_iter().find(|shown| shown.key == key).unwrap();
            (shown.value.unwrap(), shown.from.unwrap())
        };
        let mut case = case();
        assert_eq!(shown(&case).1, "default", "{key}");
        case = case.file(&format!("# mine\n{key} = {in_file}\n"));
        let (value, from) = shown(&case);
        assert_eq!(value, in_file.trim_matches('"'), "{key}");
        assert_says(&from, &["gazelle-sync.toml, line 2"]);
        case = case.env(env, in_env);
        assert_eq!(shown(&case), (in_env.to_owned(), format!("environment variable {env}")));
        case = case.flag(key, name, in_flag);
        assert_eq!(shown(&case), (in_flag.to_owned(), format!("flag {name}")));
    }
}

#[test]
fn the_layers_reach_the_typed_fields() {
    let case = case()
        .file("page_size = 50\nevents_from = 2026-01-01\nretention = 30")
        .env("GAZELLE_SYNC_LANGUAGE", "FR")
        .env("DATABASE_URL", "postgres://sync:pw@db.example.org/shop")
        .flag("log_format", "--log-format", "json");
    let settings = case.good();
    assert_eq!(settings.page_size, 50);
    assert_eq!(settings.events_from, Some(jiff::civil::date(2026, 1, 1)));
    assert_eq!(settings.retention, Retention::Days(30));
    assert_eq!(settings.language, Language::Fr);
    assert_eq!(settings.log_format, LogFormat::Json);
    let url = settings.database_url.unwrap();
    assert_eq!(url.expose_secret(), "postgres://sync:pw@db.example.org/shop");
}

#[test]
fn empty_environment_variables_count_as_absent() {
    let mut case = case().file("schema = \"mine\"").env("GAZELLE_SYNC_CONFIG", "");
    for doc in SETTINGS {
        case = case.env(doc.env, if doc.secret { "" } else { "  " });
    }
    let settings = case.good();
    assert_eq!(settings.schema, "mine");
    assert_eq!(settings.concurrency, 4);
    assert!(settings.database_url.is_none() && settings.api_key.is_none());
}

#[test]
fn an_empty_optional_setting_in_the_file_is_absent() {
    let settings = case().file("api_key = ''\nclient_id = ''\nevents_from = ''").good();
    assert!(settings.api_key.is_none() && settings.client_id.is_none());
    assert!(settings.shown().iter().all(|s| s.key != "api_key" || s.value.is_none()));
}

#[test]
fn a_named_file_must_exist_and_the_flag_wins_over_the_variable() {
    let mut missing = case();
    missing.layers.file = Some(PathBuf::from("absent.toml"));
    assert_says(&missing.error(), &["absent.toml", "--config", "cannot be read"]);
    let by_variable = case().env(CONFIG_ENV, "absent.toml");
    assert_says(&by_variable.error(), &["absent.toml", CONFIG_ENV]);

    let mut both = case().file("schema = 'unused'").env(CONFIG_ENV, "absent.toml");
    std::fs::write(both.folder.path().join("other.toml"), "schema = 'other'").unwrap();
    both.layers.file = Some(PathBuf::from("other.toml"));
    assert_eq!(both.good().schema, "other");
}

#[test]
fn the_data_folder_is_the_users_or_the_systems() {
    let home = case().env("HOME", "/home/anne");
    let mut root = case().env("HOME", "/root");
    root.layers.root = true;
    if cfg!(target_os = "linux") {
        assert_eq!(home.good().data_dir, PathBuf::from("/home/anne/.local/share/gazelle-sync"));
        assert_eq!(root.good().data_dir, PathBuf::from("/var/lib/gazelle-sync"));
        let xdg = home.env("XDG_DATA_HOME", "/data/anne");
        assert_eq!(xdg.good().data_dir, PathBuf::from("/data/anne/gazelle-sync"));
    }
    let chosen = case().env("HOME", "/home/anne").file("data_dir = '~/mirror'");
    assert_eq!(chosen.good().data_dir, PathBuf::from("/home/anne/mirror"));
    let relative = case().file("data_dir = 'mirror'");
    assert_eq!(relative.good().data_dir, relative.folder.path().join("mirror"));
}
