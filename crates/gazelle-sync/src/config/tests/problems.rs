use super::super::*;
use super::{assert_says, case};

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_one() {
    let error = case().file("schema = \"public\"\nconcurency = 8\n").error();
    assert_says(&error, &["gazelle-sync.toml, line 2", "\"concurency\"", "did you mean `concurrency`?"]);
    assert_says(&case().file("page = 8").error(), &["did you mean `page_size`?"]);
    assert_says(&case().file("GAZELLE_API_KEY = 'k'").error(), &["it is called `api_key`"]);
    let error = case().file("[alerts]\nslack_webhook_url = 'https://h/x'").error();
    assert_says(&error, &["line 1", "unknown section \"alerts\"", "top level"]);
    assert!(!case().file("xyzzy = 1").error().contains("did you mean"));
}

#[test]
fn bad_toml_is_told_with_line_and_column_but_without_its_text() {
    let error = case().file("schema = \"public\"\napi_key = s3cr3t-value\n").error();
    assert_says(&error, &["gazelle-sync.toml, line 2, column 11", "not valid TOML"]);
    for broken in [
        "api_key = s3cr3t-value",
        "api_key = \"s3cr3t-value",
        "api_key = 's3cr3t-value' s3cr3t-value",
        "api_key = \"s3cr3t-value\\q\"",
        "api_key = 's3cr3t-value'\napi_key = 's3cr3t-value'",
        "s3cr3t-value",
    ] {
        let error = case().file(broken).error();
        assert_says(&error, &["gazelle-sync.toml, line ", "not valid TOML"]);
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    let case = case();
    std::fs::write(case.folder.path().join(DEFAULT_FILE), b"schema = 'a'\n# \xff\n").unwrap();
    assert_says(&case.error(), &["line 2", "not UTF-8"]);
}

#[test]
fn a_wrong_type_names_the_setting_its_place_and_what_is_expected() {
    let error = case().file("\nconcurrency = \"four\"").error();
    assert_says(&error, &["line 2", "concurrency must be a whole number from 1 to 32", "\"four\""]);
    assert_says(&case().file("concurrency = true").error(), &["a number, not true or false"]);
    assert_says(&case().file("schema = ['a']").error(), &["schema must be text in quotes, not a list"]);
    assert_says(&case().file("concurrency = 4.5").error(), &["whole number", "4.5"]);
    let huge = case().file("page_size = 99999999999999999999").error();
    assert_says(&huge, &["line 1", "page_size is too large"]);
    let error = case().env("GAZELLE_SYNC_PAGE_SIZE", "many").error();
    assert_says(&error, &["environment variable GAZELLE_SYNC_PAGE_SIZE: page_size", "1 to 500"]);
}

#[test]
fn ranges_are_kept_at_both_ends() {
    let ranges = [
        ("concurrency", "1", "32", "0", "33"),
        ("page_size", "1", "500", "0", "501"),
        ("attempts", "1", "10", "0", "11"),
        ("timeout_seconds", "0.1", "600", "0", "601"),
        ("delete_guard_percent", "0", "100", "-1", "100.1"),
        ("batch_size", "1", "50000", "0", "50001"),
        ("retry_delay_seconds", "0", "600", "-0.1", "nan"),
    ];
    for (key, least, most, below, above) in ranges {
        let with = |value| case().flag(key, "--it", value);
        with(least).good();
        with(most).good();
        for wrong in [below, above] {
            assert_says(&with(wrong).error(), &["flag --it", key, least, most, wrong]);
        }
    }
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    for (key, wrong) in [
        ("schema", "Public"),
        ("schema", "a; drop table b"),
        ("schema", "pg_catalog"),
        ("timezone", "Amerika/Toronto"),
        ("listen", "localhost"),
        ("full_schedule", "0 3 * *"),
        ("full_schedule", "0 25 * * *"),
        ("language", "de"),
        ("log_level", "loud"),
        ("api_url", "gazelleapp.io"),
        ("api_url", "ftp://gazelleapp.io/"),
        ("events_from", "2026-02-30"),
        ("events_from", "2026-02-03T10:00"),
        ("retention", "-1"),
    ] {
        let error = case().flag(key, "--it", wrong).error();
        assert_says(&error, &["flag --it", key, &format!("{wrong:?}")]);
    }
    // Of several parts only the wrong one is named, once.
    for (given, named) in [("x=24:00", "x=24:00"), ("Tire le Coyote=18:00; x=24:00", "x=24:00")] {
        let error = case().flag("spot_checks", "--it", given).error();
        assert_says(&error, &["flag --it: spot_checks must be TITLE=HH:MM", &format!("not {named:?}")]);
        assert_eq!(error.matches("24:00").count(), 1, "{error}");
    }
    let error = case().flag("schema", "--schema", "a\u{1b}[2J").error();
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

#[test]
fn nothing_is_sent_in_clear_to_another_machine() {
    for key in ["slack_webhook_url", "alert_webhook_url", "deadman_url", "otlp_endpoint"] {
        for here in
            ["http://localhost:4318/x", "http://127.0.0.1:9/x", "http://[::1]:9/x", "https://hooks.example/x"]
        {
            case().file(&format!("{key} = '{here}'")).good();
        }
        for elsewhere in
            ["http://hooks.example/s3cret", "http://192.0.2.1/s3cret", "http://localhost.example/s3cret"]
        {
            let error = case().file(&format!("{key} = '{elsewhere}'")).error();
            assert_says(&error, &["line 1", key, "not on this machine", "write https://"]);
            assert!(key == "otlp_endpoint" || !error.contains("s3cret"), "{error}");
        }
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let error = case().env("GAZELLE_CLIENT_ID", "abc").error();
    assert_says(&error, &["client_id is set", "GAZELLE_CLIENT_SECRET"]);
    let error = case().file("events_from = 2026-02-01\nevents_until = 2026-01-01").error();
    assert_says(&error, &["line 1", "later than events_until"]);
    // A wait that fails before its notice is due would never be noticed.
    for settings in [
        case().file("lock_notice_seconds = 10\nlock_wait_seconds = 2"),
        case().file("lock_wait_seconds = 2"),
        case().file("lock_notice_seconds = 301"),
    ] {
        let error = settings.error();
        assert_says(
            &error,
            &["line 1", "lock_notice_seconds (", "lock_wait_seconds (", "lower the one or raise"],
        );
    }
    case().file("lock_notice_seconds = 2\nlock_wait_seconds = 2").good();
    // A setting that was rejected by itself contradicts no other.
    let error = case().file("lock_wait_seconds = 0.1").load().unwrap_err();
    assert_eq!(error.problems.len(), 1, "{error}");
}

#[test]
fn an_unknown_name_hides_no_other_problem_of_the_file() {
    let error = case()
        .file("concurency = 3\npage_size = 0\nattempts = 99999999999999999999\n[alerts]\nx = 1\n")
        .load()
        .unwrap_err();
    assert_eq!(error.problems.len(), 4, "{error}");
    assert_says(
        &error.to_string(),
        &["concurency", "page_size must be", "attempts is too large", "\"alerts\""],
    );
}

#[test]
fn a_variable_that_is_no_setting_is_told_with_the_nearest_one() {
    let told = |name: &str| {
        let layers = Layers { unknown_env: vec![name.to_owned()], ..Layers::default() };
        layers.unknown_variables().remove(0)
    };
    for (typed, meant) in [
        ("GAZELLE_SYNC_CONCURENCY", "GAZELLE_SYNC_CONCURRENCY"),
        ("GAZELLE_SYNC_API_KEY", "GAZELLE_API_KEY"),
        ("GAZELLE_SYNC_DATABASE_URL", "DATABASE_URL"),
        ("GAZELLE_SYNC_LOG_LEVEL", "GAZELLE_SYNC_LOG"),
        ("GAZELLE_SYNC_FULL_SCHEDULE", "GAZELLE_SYNC_FULL"),
        ("GAZELLE_APIKEY", "GAZELLE_API_KEY"),
        ("GAZELLE_SYNC_CONFIGDIR", "GAZELLE_SYNC_CONFIG_DIR"),
    ] {
        assert_says(
            &told(typed),
            &[&format!("unknown setting {typed} "), &format!("did you mean `{meant}`?")],
        );
    }
    assert!(!told("GAZELLE_SYNC_XYZZY").contains("did you mean"));
}

#[test]
fn all_problems_are_told_at_once() {
    let error = case()
        .file("page_size = 0\nschema = 'A'")
        .env("GAZELLE_SYNC_TIMEZONE", "Mars")
        .flag("concurrency", "--concurrency", "99")
        .load()
        .unwrap_err();
    assert_eq!(error.problems.len(), 4, "{error}");
    assert_says(&error.to_string(), &["4 problems", "page_size", "schema", "timezone", "concurrency"]);
}
