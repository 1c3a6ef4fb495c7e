//! The input of the checks.

use jiff::Timestamp;

use crate::config::Settings;
use crate::db::Db;
use crate::source::GazelleClient;

/// What a service that runs the checks knows of itself.
#[derive(Debug, Clone, Copy)]
pub struct OwnService {
    /// When the metrics were last read, UTC, by the machine's clock.
    pub last_scraped_at: Option<Timestamp>,
}

/// The input of the checks. Anything that could not be opened is given as the reason.
pub struct Subject<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The database.
    pub database: Result<&'a Db, String>,
    /// Whether it is the embedded server, which only this machine can reach.
    pub embedded: bool,
    /// The account of the embedded server if other programs use it too.
    pub shared_account: Option<&'a str>,
    /// Set if the service runs the checks: then it is not asked for over HTTP.
    pub own_service: Option<OwnService>,
    /// The API client.
    pub client: Result<GazelleClient, String>,
}
