//! The input of the checks.

use crate::config::Settings;
use crate::db::Db;
use crate::source::GazelleClient;

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
    /// The API client.
    pub client: Result<GazelleClient, String>,
}
