//! What several commands need: settings and printing ([`context`]), the database and the API that they work on
//! ([`opened`]), arguments ([`arguments`]), the record that `history` and `explain` are asked about ([`record`]), logs
//! ([`logging`]) and alerts without the service ([`alerting`]).

pub(super) mod alerting;
pub(super) mod arguments;
pub(super) mod context;
pub(super) mod logging;
pub(super) mod opened;
pub(super) mod record;
