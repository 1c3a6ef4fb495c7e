use super::super::*;
use super::{Case, assert_says, case};

#[test]
fn a_password_may_not_come_as_a_flag() {
    for address in [
        "postgres://sync:hunter2@db/shop",
        "postgres://sync@db/shop?password=hunter2",
        "host=db password=hunter2",
        "postgres://sync:hunter2@one,two:5433/shop",
    ] {
        let error = case().flag("database_url", "--database-url", address).error();
        assert_says(&error, &["--database-url", "DATABASE_URL"]);
        assert!(!error.contains("hunter2"), "{error}");
        case().env("DATABASE_URL", address).good();
    }
    case().flag("database_url", "--database-url", "postgres://sync@db:6543/shop").good();
}

/// Every secret set, to values that all contain the word.
pub(super) fn with_all_secrets() -> Case {
    let mut case = case().env("GAZELLE_CLIENT_ID", "client");
    for doc in SETTINGS.iter().filter(|doc| doc.secret) {
        let value = match doc.key {
            "database_url" => "postgres://sync:s3cr3t@db/shop",
            "smtp_url" => "smtps://sync:s3cr3t@mail:465",
            key if key.ends_with("_url") => "https://hooks.example.org/s3cr3t",
            key if key.starts_with("alert_email") => "s3cr3t@example.org",
            "token_key" => "5ec2e7",
            _ => "s3cr3t",
        };
        // A key of hex digits cannot contain the word.
        let value = if doc.key == "token_key" { value.repeat(11)[..64].to_owned() } else { value.to_owned() };
        let value = value.as_str();
        case = case.env(doc.env, value);
    }
    case
}

#[test]
fn secrets_show_nowhere() {
    let case = with_all_secrets();
    let settings = case.good();
    let shown = settings.shown();
    assert!(shown.iter().filter(|shown| shown.value.as_deref() == Some("(set)")).count() >= 11);
    for text in [
        format!("{settings:?}"),
        format!("{settings:#?}"),
        format!("{:?}", case.layers),
        format!("{shown:?}"),
        serde_json::to_string(&shown).unwrap(),
    ] {
        assert!(!text.contains("s3cr3t") && !text.contains("5ec2e7"), "{text}");
    }
}

#[test]
fn errors_of_addresses_hold_no_user_and_no_password() {
    for doc in SETTINGS.iter().filter(|doc| doc.key.ends_with("_url") || doc.key.ends_with("_endpoint")) {
        for address in [
            "https://mallory:hunter2@gazelleapp.io:x/graphql",
            "htps://mallory:hunter2@h/",
            "https://mallory:hunter2%40h/",
            "//mallory:hunter2@h",
            "mallory:hunter2",
            "hunter2@h",
            "ftp://h/?token=hunter2",
            "ftp://h/#hunter2",
        ] {
            for error in [
                case().env(doc.env, address).error(),
                case().file(&format!("{} = '{address}'", doc.key)).error(),
                case().flag(doc.key, "--it", address).error(),
            ] {
                assert_says(&error, &[doc.key]);
                assert!(!error.contains("hunter2") && !error.contains("mallory"), "{address}: {error}");
            }
        }
    }
    for name in ["GAZELLE_API_URL", "GAZELLE_OAUTH_URL"] {
        let error = case().env(name, "https://mallory:hunter2@gazelleapp.io/graphql").error();
        assert_says(&error, &[name, "must hold no user name or password"]);
        assert!(!error.contains("hunter2") && !error.contains("mallory"), "{error}");
    }
    // In a setting that takes no URL.
    let error = case().env("GAZELLE_SYNC_LISTEN", "http://mallory:hunter2@127.0.0.1:80").error();
    assert!(error.contains("listen") && !error.contains("hunter2"), "{error}");
}

#[test]
fn errors_of_secrets_hold_no_value() {
    for doc in SETTINGS.iter().filter(|doc| doc.secret) {
        let wrong = case().env(doc.env, "s3cr3t \u{7} wrong");
        if let Err(error) = wrong.load() {
            assert_says(&error.to_string(), &[doc.env]);
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
        let listed = case().file(&format!("{} = ['s3cr3t']", doc.key)).error();
        assert_says(&listed, &[doc.key, "text in quotes"]);
        assert!(!listed.contains("s3cr3t"), "{listed}");
    }
}

#[test]
fn the_query_of_an_address_may_hold_a_key_and_is_not_shown() {
    let place = "https://api.example.org/graphql";
    for (address, seen) in [
        (place.to_owned(), place.to_owned()),
        (format!("{place}?key=hunter2"), format!("{place}?(set)")),
        (format!("{place}#hunter2"), format!("{place}?(set)")),
    ] {
        for (key, env) in [("api_url", "GAZELLE_API_URL"), ("oauth_url", "GAZELLE_OAUTH_URL")] {
            let settings = case().env(env, &address).good();
            let shown = settings.shown().into_iter().find(|shown| shown.key == key).unwrap();
            assert_eq!(shown.value.as_deref(), Some(seen.as_str()));
        }
    }
}
