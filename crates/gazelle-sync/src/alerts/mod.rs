//! Alerts: each problem is reported once when it begins, again as a reminder, and once when it is over.
//!
//! 1. [`watch`] reads the problems from the database (`conditions`) and compares them with the open alerts
//!    (`ledger`). In the same transaction it writes a message to the outbox for each problem that is new, is due
//!    for a reminder, or is over. All texts are in `words`.
//! 2. [`deliver`] empties the outbox (`outbox`): it claims a message, hands it to its channel (`channels`: Slack,
//!    e-mail, a webhook), and marks it as sent or schedules another attempt.
//! 3. [`ping`] calls the heartbeat URL after a good run; an external service raises the alarm when the calls stop.
//!
//! All state is in the database, but for the count of refused sign-ins of the last hour (`sign_ins`): a restarted process continues where the last one stopped, and several processes
//! can run at once. The exception is [`DirectAlerts`], which reports an unusable database or a hanging service
//! without the database.

mod channels;
mod conditions;
mod current;
mod deadman;
mod deliver;
mod deliveries;
mod direct;
mod invitation;
mod kind;
mod ledger;
mod list;
mod outbox;
mod sign_ins;
mod words;

pub use channels::{Channel, Channels, mail_port};
pub use conditions::Limits;
pub use current::{Problem, current};
pub use deadman::{ping, ping_now};
pub use deliver::{Delivered, Unrecorded, deliver, send_test};
pub use deliveries::{Delivery, deliveries};
pub use direct::{DirectAlerts, ServiceProblem};
pub use invitation::InvitationMail;
pub use kind::{Kind, Occasion};
pub use ledger::{AlertChanges, forget_old, watch};
pub use list::{AlertList, list};
pub use sign_ins::RefusedSignIns;
pub use words::InvitationText;

use crate::config::{Language, Settings};

/// The title of an alert's kind in the configured language; `?` for a kind that only another release knows.
pub fn title(kind: Option<Kind>, settings: &Settings) -> String {
    kind.map_or_else(|| "?".to_owned(), |kind| words::Words::of(settings).title(kind).to_owned())
}

/// The title of an alert's kind in a language.
pub fn title_in(kind: Kind, language: Language) -> &'static str {
    words::title(kind, language)
}
