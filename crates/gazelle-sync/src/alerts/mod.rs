//! Telling people what is wrong, once, until it is over.
//!
//! 1. [`watch`] reads what is wrong out of the database (`conditions`) and compares it with what was said before
//!    (`ledger`): what is new, still there or over becomes messages in the outbox, in the same transaction. The words
//!    are in `words`, all of them.
//! 2. [`deliver`] empties the outbox (`outbox`): a message is claimed, handed to its channel (`channels`: Slack, e-mail,
//!    a webhook) and marked as sent, or tried again later.
//! 3. [`ping`] calls the dead-man's URL after a good run, so that silence raises an alarm elsewhere.
//!
//! Nothing is remembered in the process: whoever starts anew goes on where the last one stopped, and any number of
//! processes can do it at once. The exception is a database that takes no alerts, or a service that hangs: [`Direct`] tells
//! of that past the database.

mod channels;
mod conditions;
mod deadman;
mod deliver;
mod direct;
mod kind;
mod ledger;
mod list;
mod outbox;
mod words;

pub use channels::{Channel, Channels, mail_port};
pub use conditions::Limits;
pub use deadman::{ping, ping_now};
pub use deliver::{Delivered, deliver, send_test};
pub use direct::{Direct, Trouble};
pub use kind::{Kind, Occasion};
pub use ledger::{Changes, forget_old, watch};
pub use list::{Listed, list};

use crate::config::Settings;

/// What a kind is called, in the language of the settings; one of another release is unknown.
pub fn title(kind: Option<Kind>, settings: &Settings) -> String {
    kind.map_or_else(|| "?".to_owned(), |kind| words::Words::of(settings).title(kind).to_owned())
}
