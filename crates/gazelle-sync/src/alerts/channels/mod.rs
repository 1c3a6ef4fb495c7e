//! The channels that messages are sent on. A channel sends one message or returns a reason without secrets.

mod email;
mod http;
mod outgoing;
mod slack;
mod webhook;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use outgoing::Installation;

use crate::config::Settings;

pub(super) use email::Receiver;
pub use email::port_of as mail_port;
pub(super) use http::client as http_client;
pub(super) use http::read as read_answer;
pub use outgoing::{OutgoingMessage, SendError};

/// The longest time for sending one message, everything included. Shorter than a claim ([`super::outbox::CLAIM`]).
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A destination of messages.
#[derive(Debug, Clone)]
pub enum Channel {
    /// A Slack webhook.
    Slack(SecretString),
    /// A webhook that takes JSON.
    Webhook(SecretString),
    /// One receiver of e-mails.
    Email(email::Receiver),
}

/// The configured channels.
#[derive(Debug, Clone, Default)]
pub struct Channels {
    all: Vec<Channel>,
    installation: Installation,
}

impl Channels {
    /// The channels of the settings; there may be none.
    pub fn of(settings: &Settings) -> Channels {
        let mut all = Vec::new();
        all.extend(settings.slack_webhook_url.clone().map(Channel::Slack));
        all.extend(email::Receiver::all(settings).into_iter().map(Channel::Email));
        all.extend(settings.alert_webhook_url.clone().map(Channel::Webhook));
        let installation =
            Installation { schema: settings.schema.clone(), language: Some(settings.language) };
        Channels { all, installation }
    }

    /// Whether no channel is configured.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The channels in the order in which they are shown.
    pub fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.all.iter()
    }

    /// Their keys in the outbox.
    pub(super) fn keys(&self) -> Vec<String> {
        self.all.iter().map(Channel::key).collect()
    }

    /// The channel with this key in the outbox; `None` if it is no longer configured.
    pub(super) fn by_key(&self, key: &str) -> Option<&Channel> {
        self.all.iter().find(|channel| channel.key() == key)
    }

    /// Sends one message, within [`PATIENCE`].
    pub(super) async fn send(&self, channel: &Channel, message: &OutgoingMessage) -> Result<(), SendError> {
        let sending = async {
            match channel {
                Channel::Slack(url) => slack::send(url.expose_secret(), message).await,
                Channel::Webhook(url) => {
                    webhook::send(url.expose_secret(), &self.installation, message).await
                }
                Channel::Email(receiver) => receiver.send(message).await,
            }
        };
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::new(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

impl Channel {
    /// Its key in the outbox: stays the same as long as its receiver does.
    pub fn key(&self) -> String {
        match self {
            Channel::Slack(_) => "slack".to_owned(),
            Channel::Webhook(_) => "webhook".to_owned(),
            Channel::Email(receiver) => receiver.key(),
        }
    }

    /// Its name for people, without the address.
    pub fn shown(&self) -> String {
        match self {
            Channel::Slack(_) => "Slack".to_owned(),
            Channel::Webhook(_) => "webhook".to_owned(),
            Channel::Email(receiver) => receiver.shown(),
        }
    }
}
