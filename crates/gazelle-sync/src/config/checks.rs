//! Validation of values, one function for each kind. An error completes the sentence "SETTING …"; errors of secrets
//! do not contain the value.

use std::net::SocketAddr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::loopback;

/// For values that are only passed on.
pub(super) fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

/// Keys and tokens are sent in an HTTP header, which restricts their characters.
pub(super) fn header_value(text: &str) -> Result<(), String> {
    match text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("must hold no blanks, accents or control characters".to_owned()),
    }
}

/// A 256-bit key in hex.
pub(super) fn token_key(text: &str) -> Result<(), String> {
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err("must be 64 hex digits, as `openssl rand -hex 32` prints them".to_owned()),
    }
}

/// A `postgres://` URL, or `host=… user=…`.
pub(super) fn database_url(text: &str) -> Result<(), String> {
    let (scheme, _) = text.split_once("://").unwrap_or_default();
    match scheme {
        "postgres" | "postgresql" => {}
        "" if text.contains('=') => {}
        _ => return Err("must look like postgres://user:password@host:5432/database".to_owned()),
    }
    crate::db::check_url(text)
}

/// Whether a database URL or connection string contains a password.
pub(super) fn has_password(address: &SecretString) -> bool {
    let text = address.expose_secret();
    match Url::parse(text) {
        Ok(url) => url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password"),
        // What the URL library cannot parse (several hosts, `key=value`) is searched as text.
        Err(_) => {
            let authority = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
            let user = authority.rsplit_once('@').map(|(user, _)| user).unwrap_or_default();
            user.contains(':') || text.contains("password")
        }
    }
}

/// An SQL identifier that needs no quotes, so that it is written the same way everywhere.
///
/// # Errors
/// The text is not such an identifier.
pub fn plain_identifier(text: &str) -> Result<String, String> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    let goes_on_well = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if !starts_well || !goes_on_well || text.len() > 63 {
        return Err(
            "must be lower-case letters, digits and _, not starting with a digit, at most 63".to_owned()
        );
    }
    if text.starts_with("pg_") || text == "information_schema" {
        return Err("must not be a schema of PostgreSQL's own".to_owned());
    }
    Ok(text.to_owned())
}

/// An http or https URL without user name and password.
pub(super) fn web_address(text: &str) -> Result<Url, String> {
    let wrong = || "must be an address like https://host/path".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong());
    }
    // A password is not always where a parser finds it: in `http:user?password@host` it is a query, which is shown.
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err("must hold no user name or password".to_owned());
    }
    Ok(url)
}

/// Requires TLS, unless the host is this machine.
fn protected(url: Url) -> Result<Url, String> {
    match url.scheme() == "https" || loopback::is_url(&url) {
        true => Ok(url),
        false => Err("begins with http:// and is not on this machine, so that all of it would cross the network in clear: \
                      write https://"
            .to_owned()),
    }
}

/// The URL that traces are sent to.
pub(super) fn protected_address(text: &str) -> Result<Url, String> {
    web_address(text).and_then(protected)
}

/// What an error may repeat of a rejected value: of a URL nothing that could be a user name, a password or a token
/// in a query. `None`: nothing.
pub(super) fn repeatable<'t>(key: &str, text: &'t str) -> Option<&'t str> {
    let is_address = key.ends_with("_url") || key.ends_with("_endpoint") || text.contains("://");
    if !is_address {
        return Some(text);
    }
    // A password is not always where a parser finds it: `https:/user:password@host`, or with the @ written as %40.
    let has_user = text.contains('@') || text.to_ascii_lowercase().contains("%40");
    let parsed = Url::parse(text).is_ok_and(|url| url.has_host());
    match !has_user && (parsed || !text.contains(':')) {
        true => text.split(['?', '#']).next(),
        false => None,
    }
}

/// A URL that is itself a secret: https, or http to this machine.
pub(super) fn secret_web_address(text: &str) -> Result<(), String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => protected(url).map(|_| ()),
        _ => Err("must be an address like https://host/path".to_owned()),
    }
}

/// An smtp:// or smtps:// URL. A password must not be sent over a network unencrypted.
pub(super) fn mail_server(text: &str) -> Result<(), String> {
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "smtp" | "smtps") && url.has_host() => url,
        _ => return Err("must look like smtps://user:password@host:465".to_owned()),
    };
    let tls: Vec<String> =
        url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect::<Vec<String>>();
    let plain = match (url.scheme(), tls.as_slice()) {
        (_, []) => false,
        ("smtp", [one]) if one == "tls=required" => false,
        ("smtp", [one]) if one == "tls=none" || one == "tls=opportunistic" => true,
        _ => {
            return Err("may end in ?tls=required, ?tls=opportunistic or ?tls=none after smtp://…, and in \
                        nothing else"
                .to_owned());
        }
    };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if plain && !local && (url.password().is_some() || !url.username().is_empty()) {
        return Err("would send the password unencrypted: leave ?tls=… away, or use smtps://".to_owned());
    }
    Ok(())
}

/// One e-mail address, optionally with a display name: `Sync <sync@example.org>`.
pub(super) fn one_mail_address(text: &str) -> Result<(), String> {
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(()),
        Err(_) => Err("must be an e-mail address".to_owned()),
    }
}

/// E-mail addresses, separated by commas.
pub(super) fn mail_addresses(text: &str) -> Result<(), String> {
    text.split(',')
        .try_for_each(|one| one_mail_address(one.trim()))
        .map_err(|_| "must be e-mail addresses, separated by commas".to_owned())
}

/// A date: `2026-01-09`.
pub(super) fn date(text: &str) -> Result<Date, String> {
    // The library would also parse a date from a timestamp and silently drop the time.
    match (text.len(), text.parse::<Date>()) {
        (10, Ok(date)) => Ok(date),
        _ => Err("must be a date like 2026-01-09".to_owned()),
    }
}

/// IP address and port to listen on.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, like 127.0.0.1:8787".to_owned())
}

/// The canonical IANA name of a time zone.
pub(super) fn time_zone(text: &str) -> Result<String, String> {
    let wrong = || "must be a time zone of the IANA list, like America/Toronto".to_owned();
    let zone = TimeZone::get(text).map_err(|_| wrong())?;
    zone.iana_name().map(str::to_owned).ok_or_else(wrong)
}

/// A cron expression: five fields, or six with seconds first.
pub(super) fn cron(text: &str) -> Result<String, String> {
    let wrong = || "must be a cron expression of five fields, like */15 * * * *".to_owned();
    let fields: Vec<&str> = text.split_whitespace().collect();
    let plausible =
        |field: &&str| field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*/,-#?".contains(&byte));
    let counted = fields.len() == 5 || fields.len() == 6;
    if !counted || !fields.iter().all(plausible) || !numbers_in_range(&fields) {
        return Err(wrong());
    }
    let text = fields.join(" ");
    text.parse::<croner::Cron>().map(|_| text).map_err(|_| wrong())
}

/// Whether no number in the fields second, minute, hour, day, month and weekday exceeds its maximum.
fn numbers_in_range(fields: &[&str]) -> bool {
    let largest = [59, 59, 23, 31, 12, 7];
    fields.iter().rev().zip(largest.iter().rev()).all(|(field, largest)| {
        // Steps (`*/90`) are limited as well: a step beyond the field's end would never match.
        field
            .split(|c: char| !c.is_ascii_digit())
            .filter(|digits| !digits.is_empty())
            .all(|digits| digits.parse::<u32>().is_ok_and(|number| number <= *largest))
    })
}

/// A link that an address is put into.
pub(super) fn map_link(text: &str) -> Result<String, String> {
    let filled = text.replace("{address}", "x");
    match web_address(&filled) {
        Ok(_) if text.contains("{address}") => Ok(text.to_owned()),
        _ => Err("must be an address like https://maps.example.org/?q={address}".to_owned()),
    }
}

/// A level, or directives by module.
pub(super) fn log_level(text: &str) -> Result<String, String> {
    let known = |level: &str| {
        ["off", "error", "warn", "info", "debug", "trace"].contains(&level.to_ascii_lowercase().as_str())
    };
    let good = |directive: &str| match directive.trim().rsplit_once('=') {
        Some((module, level)) => !module.is_empty() && known(level),
        None => known(directive.trim()),
    };
    match text.split(',').all(good) {
        true => Ok(text.to_owned()),
        false => Err("must be off, error, warn, info, debug or trace, or such levels by module \
                      like info,gazelle_sync::source=debug"
            .to_owned()),
    }
}
