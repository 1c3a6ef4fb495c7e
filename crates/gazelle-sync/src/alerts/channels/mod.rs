//! Where messages go. A channel sends one message and says in words without secrets why it could not.

mod email;
mod http;
mod letter;
mod slack;
mod webhook;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use letter::Copy;

use crate::config::Settings;

pub use email::port_of as mail_port;
pub(super) use http::client as http_client;
pub(super) use http::read as read_answer;
pub use letter::{Letter, SendError};

/// The longest that sending one message may take, with everything. Shorter than a claim lasts.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A way to people.
#[derive(Debug, Clone)]
pub enum Channel {
    /// A Slack webhook.
    Slack(SecretString),
    /// A webhook that takes JSON.
    Webhook(SecretString),
    /// One receiver of e-mails.
    Email(email::Receiver),
}

/// All that are configured.
#[derive(Debug, Clone, Default)]
pub struct Channels {
    all: Vec<Channel>,
    copy: Copy,
}

impl Channels {
    /// Those of the settings; none is fine.
    pub fn of(settings: &Settings) -> Channels {
        let mut all = Vec::new();
        all.extend(settings.slack_webhook_url.clone().map(Channel::Slack));
        all.extend(email::Receiver::all(settings).into_iter().map(Channel::Email));
        all.extend(settings.alert_webhook_url.clone().map(Channel::Webhook));
        let copy = Copy { schema: settings.schema.clone(), language: Some(settings.language) };
        Channels { all, copy }
    }

    /// Whether nobody is told.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.all.iter()
    }

    /// Their names in the outbox.
    pub(super) fn keys(&self) -> Vec<String> {
        self.all.iter().map(Channel::key).collect()
    }

    /// The one of a name in the outbox.
    pub(super) fn by_key(&self, key: &str) -> Option<&Channel> {
        self.all.iter().find(|channel| channel.key() == key)
    }

    /// Sends one message, within [`PATIENCE`].
    pub(super) async fn send(&self, channel: &Channel, letter: &Letter) -> Result<(), SendError> {
        let sending = async {
            match channel {
                Channel::Slack(url) => slack::send(url.expose_secret(), letter).await,
                Channel::Webhook(url) => webhook::send(url.expose_secret(), &self.copy, letter).await,
                Channel::Email(receiver) => receiver.send(letter).await,
            }
        };
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::new(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

impl Channel {
    /// Its name in the outbox: the same as long as its receiver is.
    pub fn key(&self) -> String {
        match self {
            Channel::Slack(_) => "slack".to_owned(),
            Channel::Webhook(_) => "webhook".to_owned(),
            Channel::Email(receiver) => receiver.key(),
        }
    }

    /// For people, without the address.
    pub fn shown(&self) -> String {
        match self {
            Channel::Slack(_) => "Slack".to_owned(),
            Channel::Webhook(_) => "webhook".to_owned(),
            Channel::Email(receiver) => receiver.shown(),
        }
    }
}
