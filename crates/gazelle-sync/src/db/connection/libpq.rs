//! The environment in which `psql`, or another program on libpq, reaches the database as this program does: by variables,
//! because other accounts can read the arguments of a process.

use std::ffi::OsString;
use std::fmt::Display;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use tokio_postgres::config::{ChannelBinding, Config, Host, SslMode, TargetSessionAttrs};

use super::encryption::{Encryption, Verification};
use super::silence::has_parameter;
use super::{ConnectSettings, take_libpq_parameters};
use crate::db::error::DbError;

/// The variables of libpq that say where to connect and how. Those of a user's shell may lead elsewhere: a service wins
/// over all others.
pub const LIBPQ_VARIABLES: [&str; 18] = [
    "PGCHANNELBINDING",
    "PGCONNECT_TIMEOUT",
    "PGDATABASE",
    "PGHOST",
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGPASSWORD",
    "PGPORT",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGREQUIRESSL",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLMODE",
    "PGSSLNEGOTIATION",
    "PGSSLROOTCERT",
    "PGTARGETSESSIONATTRS",
    "PGUSER",
];

/// Where systems keep the certificates of the authorities that they trust.
const SYSTEM_AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The variables for a connection as [`connect`](super::connect) makes it; the password is one of them. The others of
/// [`LIBPQ_VARIABLES`] are to be removed.
///
/// # Errors
/// The address is not a connection string.
pub fn libpq_environment(settings: &ConnectSettings) -> Result<Vec<(&'static str, OsString)>, DbError> {
    let (url, parameters) = take_libpq_parameters(&settings.url);
    let config =
        Config::from_str(&url).map_err(|_| DbError::refused("DATABASE_URL is not a connection string"))?;
    let mut variables = Vec::new();
    let mut set = |name, value: Option<OsString>| variables.extend(value.map(|value| (name, value)));
    set("PGHOST", listed_hosts(config.get_hosts()));
    set("PGHOSTADDR", listed(config.get_hostaddrs()));
    set("PGPORT", listed(config.get_ports()));
    set("PGUSER", config.get_user().map(OsString::from));
    set("PGPASSWORD", config.get_password().map(|password| OsString::from_vec(password.to_vec())));
    set("PGDATABASE", config.get_dbname().map(OsString::from));
    set("PGOPTIONS", config.get_options().map(OsString::from));
    set("PGCONNECT_TIMEOUT", config.get_connect_timeout().map(|limit| limit.as_secs().to_string().into()));
    let attributes = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => Some("read-write"),
        TargetSessionAttrs::ReadOnly => Some("read-only"),
        _ => None,
    };
    set("PGTARGETSESSIONATTRS", attributes.map(OsString::from));
    let binding = match config.get_channel_binding() {
        ChannelBinding::Disable => Some("disable"),
        ChannelBinding::Require => Some("require"),
        _ => None,
    };
    set("PGCHANNELBINDING", binding.map(OsString::from));

    let named =
        parameters.ca_file.as_ref().or(settings.ca_file.as_ref()).filter(|_| !parameters.trusts_system);
    let encryption = Encryption::of(&config, parameters.verify, has_parameter(&url, "sslmode"));
    let is_verified =
        encryption.verification(&config, parameters.verify || named.is_some()) == Verification::Demanded;
    let mode = match encryption.mode {
        SslMode::Disable => "disable",
        SslMode::Prefer => "prefer",
        _ if is_verified => "verify-full",
        _ => "require",
    };
    set("PGSSLMODE", Some(mode.into()));
    let authorities = named.cloned().or_else(|| (mode == "verify-full").then(system_authorities));
    set("PGSSLROOTCERT", authorities.map(PathBuf::into_os_string));
    Ok(variables)
}

/// The hosts, separated by commas as libpq wants them; `None` if there are none.
fn listed_hosts(hosts: &[Host]) -> Option<OsString> {
    let mut list = OsString::new();
    for (index, host) in hosts.iter().enumerate() {
        if index > 0 {
            list.push(",");
        }
        match host {
            Host::Tcp(name) => list.push(name),
            #[cfg(unix)]
            Host::Unix(folder) => list.push(folder),
        }
    }
    (!hosts.is_empty()).then_some(list)
}

fn listed(values: &[impl Display]) -> Option<OsString> {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    (!values.is_empty()).then(|| values.join(",").into())
}

/// The system's certificates as a file, which every version of libpq can read; else the word of newer versions.
fn system_authorities() -> PathBuf {
    let file = SYSTEM_AUTHORITIES.iter().map(Path::new).find(|file| file.exists());
    file.unwrap_or(Path::new("system")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(url: &str, ca_file: Option<&str>) -> Vec<(&'static str, String)> {
        let settings = ConnectSettings {
            url: url.to_owned(),
            ca_file: ca_file.map(PathBuf::from),
            schema: "public".to_owned(),
            connections: 1,
        };
        let found = libpq_environment(&settings).unwrap();
        found.into_iter().map(|(name, value)| (name, value.into_string().unwrap())).collect()
    }

    #[track_caller]
    fn assert_holds(found: &[(&'static str, String)], wanted: &[(&str, &str)]) {
        for (name, value) in wanted {
            let is = found.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
            assert_eq!(is, Some(*value), "{name}");
        }
        assert!(found.iter().all(|(name, _)| LIBPQ_VARIABLES.contains(name)), "{found:?}");
    }

    #[test]
    fn psql_connects_to_the_same_database_with_the_same_protection() {
        let url = "postgres://sync:so%40geheim%2F%23@db.example.org:6543/shop?sslmode=verify-full&sslrootcert=/ca.pem";
        let wanted = [
            ("PGHOST", "db.example.org"),
            ("PGPORT", "6543"),
            ("PGUSER", "sync"),
            ("PGPASSWORD", "so@geheim/#"),
            ("PGDATABASE", "shop"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca.pem"),
        ];
        assert_holds(&environment(url, None), &wanted);
        let named = environment("postgres://sync@db.example.org/shop?sslmode=require", Some("/named.pem"));
        assert_holds(&named, &[("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "/named.pem")]);
        // Without a word about encryption: as strict as this program is, and as libpq is on this machine.
        assert_holds(
            &environment("postgres://sync@db.example.org/shop", None),
            &[("PGSSLMODE", "verify-full")],
        );
        let here = environment("postgresql://postgres@%2Frun%2Fa%20b:5432/gazelle", None);
        assert_holds(&here, &[("PGHOST", "/run/a b"), ("PGSSLMODE", "prefer"), ("PGPORT", "5432")]);
        assert!(here.iter().all(|(name, _)| *name != "PGSSLROOTCERT" && *name != "PGPASSWORD"), "{here:?}");
    }
}
