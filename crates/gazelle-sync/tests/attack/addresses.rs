//! Addresses as somebody might write them by mistake or on purpose: the program says which setting is wrong and what to
//! write, and shows of no address what could be a password.

use std::net::TcpListener;

use super::Tally;
use super::support::TestInstallation;
use super::support::hostile_text::HOSTILE;
use super::support::random::Random;

/// Attempts of one case.
const ATTEMPTS: usize = 60;

/// Parts of a password that turn up nowhere else, whatever is cut off or written in another way.
const SECRET: &str = "Xq7Geheim4711Zw9";
const PIECES: [&str; 3] = ["Xq7", "Geheim4711", "Zw9"];

/// What takes an address. Whether it is a database's, and a command that uses it.
const SETTINGS: [(&str, &[&str]); 9] = [
    ("DATABASE_URL", &["status"]),
    ("DATABASE_URL", &["sync"]),
    ("DATABASE_URL", &["doctor"]),
    ("GAZELLE_API_URL", &["sync"]),
    ("GAZELLE_OAUTH_URL", &["sync"]),
    ("SLACK_WEBHOOK_URL", &["alerts", "test"]),
    ("ALERT_WEBHOOK_URL", &["alerts", "test"]),
    ("SMTP_URL", &["alerts", "test"]),
    ("DEADMAN_URL", &["alerts", "check"]),
];

/// A port of this machine at which nobody listens.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The secret, as it may be written.
fn secret(random: &mut Random) -> String {
    let odd = [
        "@",
        ":",
        "/",
        "?",
        "#",
        "%",
        "%zz",
        "%00",
        "[",
        "]",
        "\\",
        " ",
        "&",
        "=",
        ",",
        "'",
        "é",
        "\u{202e}",
        "\u{1b}[2J",
        "\n",
        HOSTILE,
    ];
    let [a, b, c] = PIECES;
    match random.below(4) {
        0 => SECRET.to_owned(),
        1 => format!("{a}{}{b}{c}", random.pick(&odd)),
        2 => format!("{a}{}{b}{}{c}", random.pick(&odd), random.pick(&odd)),
        _ => SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect(),
    }
}

/// A host of this machine, or what is none. No name: nobody is to be asked for one.
fn host(random: &mut Random) -> String {
    let hosts = [
        "127.0.0.1",
        "[::1]",
        "127.0.0.1,127.0.0.1",
        "",
        "[",
        "]",
        "[::1",
        "127.0.0.1.",
        "0",
        "%2Fnowhere",
        "::1",
        "@",
        "127.0.0.1@127.0.0.1",
        "[::ffff:127.0.0.1]",
        "127.1",
    ];
    (*random.pick(&hosts)).to_owned()
}

fn port(random: &mut Random) -> String {
    match random.below(8) {
        0 => String::new(),
        1 => ":".to_owned(),
        2 => ":0".to_owned(),
        3 => ":99999".to_owned(),
        4 => format!(":{}", secret(random)),
        _ => format!(":{}", nobody()),
    }
}

/// Something after the path; the secret may stand in it.
fn query(random: &mut Random, database: bool) -> String {
    let names = match database {
        true => &[
            "sslmode",
            "password",
            "options",
            "application_name",
            "connect_timeout",
            "hostaddr",
            "host",
            "port",
            "x",
            "sslrootcert",
            "target_session_attrs",
            "channel_binding",
            "user",
        ][..],
        false => &["tls", "token", "x", ""],
    };
    let mut text = String::new();
    for number in 0..random.below(3) {
        let name = *random.pick(names);
        // Where the server is, and which file is read, is said.
        let is_shown = ["host", "hostaddr", "sslrootcert"].contains(&name);
        let value = match random.below(3) {
            0 if !is_shown => secret(random),
            1 => (*random.pick(&["require", "disable", "verify-full", "0", "-1", "", "none", "127.0.0.1"]))
                .to_owned(),
            _ => String::new(),
        };
        let sign = if number == 0 { "?" } else { "&" };
        text.push_str(&format!("{sign}{name}={value}"));
    }
    // Of a database's address it would be part of the name.
    if !database && random.percent(15) {
        text.push_str(&format!("#{}", secret(random)));
    }
    text
}

fn address(random: &mut Random, setting: &str) -> String {
    let database = setting == "DATABASE_URL";
    let schemes: &[&str] = match setting {
        "DATABASE_URL" => {
            &["postgres://", "postgresql://", "postgres:/", "postgres:", "", "mysql://", "Postgres://"]
        }
        "SMTP_URL" => &["smtp://", "smtps://", "smtp:", "", "smtp:///", "http://"],
        _ => {
            &["http://", "https://", "http:/", "http:", "", "ftp://", "file://", "https:\\\\", "javascript:"]
        }
    };
    if database && random.percent(25) {
        // As libpq takes it in words.
        let quote = *random.pick(&["", "'", "\""]);
        let sign = *random.pick(&["=", " = ", "= ", ""]);
        return format!(
            "host{sign}127.0.0.1 port={} user=sync password{sign}{quote}{}{quote} dbname=shop {}",
            nobody(),
            secret(random),
            random.pick(&["", "sslmode=require", "sslmode=odd", "x", "connect_timeout=1"])
        );
    }
    let user = match random.below(5) {
        0 => String::new(),
        1 => format!("{}@", secret(random)),
        2 => format!(":{}@", secret(random)),
        3 => format!("sync:{}%40", secret(random)),
        _ => format!("sync:{}@", secret(random)),
    };
    let path = match random.below(4) {
        0 => String::new(),
        // Of what is no secret as a whole, the path may be shown: the name of a database is part of each message.
        1 if !database && !setting.starts_with("GAZELLE") => format!("/{}", secret(random)),
        _ => "/shop".to_owned(),
    };
    format!("{}{user}{}{}{path}{}", random.pick(schemes), host(random), port(random), query(random, database))
}

/// What is there of the secret in a text, however it is written.
fn shown(text: &str) -> Option<&'static str> {
    let bytes: Vec<u8> = text.bytes().collect();
    let mut plain = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match (bytes[at], digits.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    let plain = String::from_utf8_lossy(&plain).into_owned();
    PIECES.into_iter().find(|piece| {
        let lower = piece.to_lowercase();
        [text, &plain].iter().any(|text| text.contains(piece) || text.to_lowercase().contains(&lower))
    })
}

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let mut place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    for (name, value) in [
        ("GAZELLE_API_KEY", "key"),
        ("GAZELLE_SYNC_ATTEMPTS", "1"),
        ("GAZELLE_SYNC_TIMEOUT_SECONDS", "0.5"),
        ("ALERT_EMAIL_FROM", "sync@example.org"),
        ("ALERT_EMAIL_TO", "anne@example.org"),
    ] {
        place.env.insert(name.to_owned(), value.to_owned());
    }
    let api = format!("http://127.0.0.1:{}/graphql", nobody());
    for _ in 0..ATTEMPTS {
        let (setting, command) = *random.pick(&SETTINGS);
        let address = address(random, setting);
        let json = random.percent(50);
        let level = *random.pick(&["warn", "trace", "info"]);
        let command = if random.percent(20) { &["settings"][..] } else { command };
        tally.attempt(format!("{setting}={address:?} {}", command.join(" ")));
        let mut program = place.command(command);
        program.env("GAZELLE_API_URL", &api).env(setting, &address).env("GAZELLE_SYNC_LOG", level);
        if setting == "GAZELLE_OAUTH_URL" {
            program.env_remove("GAZELLE_API_KEY");
            program
                .env("GAZELLE_CLIENT_ID", "id")
                .env("GAZELLE_CLIENT_SECRET", "s")
                .env("GAZELLE_REFRESH_TOKEN", "r");
        }
        let mailed = setting == "SMTP_URL";
        if !mailed {
            program.env_remove("ALERT_EMAIL_FROM").env_remove("ALERT_EMAIL_TO");
        }
        let ran = match json {
            true => tally.run_json(program.arg("--json")).await,
            false => tally.run(&program).await,
        };
        for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            let found = shown(text);
            assert!(found.is_none(), "{stream} shows {found:?} of the secret: {ran:.3000}");
        }
        // Who is refused learns which setting it was.
        if ran.code == 2 {
            assert!(ran.to_string().contains(setting), "the setting is not named: {ran:.3000}");
        }
    }
}
