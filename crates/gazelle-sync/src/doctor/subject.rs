//! What is examined, and by which means.

use crate::config::Settings;
use crate::db::Db;
use crate::source::GazelleClient;

/// What is examined. What could not be opened comes as the reason.
pub struct Subject<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// The database.
    pub database: Result<&'a Db, String>,
    /// Whether it is the embedded server, which only this machine reaches.
    pub embedded: bool,
    /// The account that the embedded server runs as, where it is not the server's own.
    pub shared_account: Option<&'a str>,
    /// The API, with credentials.
    pub client: Result<GazelleClient, String>,
}
