//! Decides whether the connection must be encrypted and the server's certificate verified.
//!
//! On this machine we do as libpq does, since nobody is in between. Elsewhere we are stricter: an address without
//! `sslmode` demands encryption, a password is not sent without encryption unless the address says `disable`, and
//! `require` verifies the certificate. `sslmode=verify-…`, or a CA named by the settings, demands verification
//! everywhere.

use tokio_postgres::config::{Config, Host, SslMode};

use crate::loopback;

/// What is done with a server whose certificate cannot be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Verification {
    /// It is refused.
    Demanded,
    /// It is accepted, and the log says that it was not verified.
    Tried,
}

/// The decision about encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct Encryption {
    /// The mode given to the driver.
    pub(in crate::db) mode: SslMode,
    /// The risk that the address accepts and what to write instead, for the log.
    pub(in crate::db) risk: Option<&'static str>,
    asked: SslMode,
}

impl Encryption {
    /// `verify` says whether the address demands a verified certificate, `says_mode` whether it sets `sslmode` at
    /// all.
    pub(in crate::db) fn of(config: &Config, verify: bool, says_mode: bool) -> Encryption {
        let here = is_local(config);
        let asked = match config.get_ssl_mode() {
            _ if verify => SslMode::Require,
            // The driver's default if the address sets none; any other mode was set.
            SslMode::Prefer if !says_mode && !here => SslMode::Require,
            mode => mode,
        };
        let with_password = config.get_password().is_some();
        let (mode, risk) = match asked {
            SslMode::Disable if !here => (
                asked,
                Some(
                    "sslmode=disable, so whoever is in between reads and changes all that travels, the password included; \
                     write sslmode=require",
                ),
            ),
            // An attacker in between could claim that the server has no encryption.
            SslMode::Prefer if !here && with_password => (
                SslMode::Require,
                Some(
                    "sslmode=prefer, so that any certificate would be taken (a server without encryption is refused, since \
                     the password would travel in clear); write sslmode=require",
                ),
            ),
            SslMode::Prefer if !here => (
                asked,
                Some("sslmode=prefer, so a server without encryption is accepted; write sslmode=require"),
            ),
            _ => (asked, None),
        };
        Encryption { mode, risk, asked }
    }

    /// Whether the certificate must be verified; `demanded` if the address demands it or a CA is named.
    pub(in crate::db) fn verification(&self, config: &Config, demanded: bool) -> Verification {
        match !demanded && (self.asked == SslMode::Prefer || is_local(config)) {
            true => Verification::Tried,
            false => Verification::Demanded,
        }
    }
}

/// Whether every host is this machine. `hostaddr` wins over host names, since it is what we connect to.
pub(in crate::db) fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(|address| loopback::is_address(*address));
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(host) => loopback::is_host(host),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_this_machine_is_encrypted_unless_the_address_says_otherwise() {
        use SslMode::{Disable, Prefer, Require};
        use Verification::{Demanded, Tried};
        for (address, says_mode, mode, verification, warned) in [
            ("host=localhost password=x", false, Prefer, Tried, false),
            ("host=127.0.0.1", false, Prefer, Tried, false),
            ("host=/run/postgresql", false, Prefer, Tried, false),
            ("host=localhost sslmode=disable", true, Disable, Tried, false),
            ("host=localhost sslmode=require", true, Require, Tried, false),
            ("host=db.example.org password=x", false, Require, Demanded, false),
            ("host=db.example.org", false, Require, Demanded, false),
            ("host=db.example.org sslmode=require", true, Require, Demanded, false),
            ("host=db.example.org sslmode=prefer password=x", true, Require, Tried, true),
            ("host=db.example.org sslmode=prefer", true, Prefer, Tried, true),
            ("host=db.example.org sslmode=disable password=x", true, Disable, Demanded, true),
            // In any spelling of the connection string.
            ("host=db.example.org sslmode = disable password=x", false, Disable, Demanded, true),
            // Only some of several hosts, other spellings, and a hostaddr that differs from the name's address.
            ("host=localhost,db.example.org password=x", false, Require, Demanded, false),
            ("host=127.1 password=x", false, Require, Demanded, false),
            ("host=localhost hostaddr=192.0.2.1 password=x", false, Require, Demanded, false),
            ("host=db.example.org hostaddr=127.0.0.1 password=x", false, Prefer, Tried, false),
        ] {
            let config: Config = address.parse().unwrap();
            let encryption = Encryption::of(&config, false, says_mode);
            assert_eq!(encryption.mode, mode, "{address}");
            assert_eq!(encryption.verification(&config, false), verification, "{address}");
            assert_eq!(encryption.risk.is_some(), warned, "{address}");
            let verified = Encryption::of(&config, true, true);
            assert_eq!((verified.mode, verified.risk), (Require, None), "{address}");
            assert_eq!(encryption.verification(&config, true), Demanded, "{address}");
        }
    }
}
