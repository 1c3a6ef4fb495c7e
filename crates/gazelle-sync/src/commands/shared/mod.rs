//! What several commands need: settings and printing ([`context`]), the line that names the database
//! ([`database_line`]), the database and the API that they work on ([`opened`]), arguments ([`arguments`]), the record
//! that `history` and `explain` are asked about ([`record`]), the run that an argument names ([`run_ids`]), logs
//! ([`logging`]), the credential in use ([`credential_status`]), alerts without the service ([`alerting`]), and the service itself ([`serving`]).

pub(super) mod alerting;
pub(super) mod arguments;
pub(super) mod context;
pub(super) mod credential_status;
pub(super) mod database_line;
pub(super) mod logging;
pub(super) mod opened;
pub(super) mod record;
pub(super) mod run_ids;
pub(super) mod serving;
