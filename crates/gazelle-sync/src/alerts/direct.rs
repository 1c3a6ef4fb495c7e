//! Alerts about problems that keep alerts from being written to the database: the process sends them itself,
//! without the outbox.
//!
//! `serve` keeps in memory what was sent, so a restarted process sends it once more. Commands that end, such as a
//! `sync` started by cron, keep it in a file of the data folder for the next one, with the messages of the outbox that were
//! sent and could not be marked.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::channels::{Channel, Channels, OutgoingMessage, SendError};
use super::deliver::{Unrecorded, locked, wait};
use super::kind::{Facts, Kind, Occasion};
use super::words::{MessageContext, Words};
use crate::config::Settings;
use crate::private_files::{self, NotOurs};

/// How often a channel is tried with the message that the problem is over.
const LAST_ATTEMPTS: u32 = 5;

/// A problem that stops the service and cannot be written to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceProblem {
    /// The database is unusable: it accepts no alerts.
    Database {
        /// The cause, in one line.
        reason: String,
        /// When it began, UTC.
        since: Timestamp,
        /// When the last good run ended, UTC; `None` if unknown.
        last_good_at: Option<Timestamp>,
    },
    /// The service hangs.
    Stuck {
        /// In which step, in one line.
        reason: String,
    },
}

impl ServiceProblem {
    fn kind(&self) -> Kind {
        match self {
            ServiceProblem::Database { .. } => Kind::Database,
            ServiceProblem::Stuck { .. } => Kind::ServiceStuck,
        }
    }

    fn facts(&self) -> Facts {
        let facts = match self {
            ServiceProblem::Database { reason, since, last_good_at } => {
                let mut facts = vec![("reason", json!(reason)), ("since_at", json!(since.to_string()))];
                // JSON null would mean that there never was a good run.
                facts.extend(last_good_at.map(|at| ("last_good_at", json!(at.to_string()))));
                facts
            }
            ServiceProblem::Stuck { reason } => vec![("reason", json!(reason))],
        };
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The one alert that a process sends directly, and what each channel was sent of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct DirectAlerts {
    open: Option<OpenAlert>,
    /// The alert that is over, while some channels were not yet told.
    expiry: Option<OpenAlert>,
    /// The file was refused and that was logged; saving would be refused for the same reason.
    #[serde(skip)]
    refused: bool,
    /// The messages that commands sent and could not mark as sent.
    #[serde(default)]
    pub unrecorded: Unrecorded,
}

#[derive(Debug, Serialize, Deserialize)]
struct OpenAlert {
    id: Uuid,
    kind: Kind,
    facts: Facts,
    opened_at: Timestamp,
    closed_at: Option<Timestamp>,
    channels: BTreeMap<String, ChannelState>,
}

/// What one channel was sent of the alert.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ChannelState {
    /// When a message was last accepted, UTC; `None`: never.
    last_at: Option<Timestamp>,
    attempts: u32,
    /// When to try next; `None`: at once. Not saved, so the next process tries at once.
    #[serde(skip)]
    due: Option<Instant>,
}

impl DirectAlerts {
    /// Loads what an earlier process sent. Empty if there is no file or this program cannot read it; a file that
    /// must not be trusted is logged.
    pub async fn load(file: &Path) -> DirectAlerts {
        let file = file.to_owned();
        let read = tokio::task::spawn_blocking(move || private_files::read(&file)).await;
        let read = read.map_err(io::Error::other).and_then(|read| read);
        if let Err(error) = &read {
            tracing::warn!(
                "which alerts were sent without the database cannot be read back, so they may be sent again: {error}"
            );
            return DirectAlerts { refused: NotOurs::in_error(error).is_some(), ..DirectAlerts::default() };
        }
        read.ok().flatten().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Saves the alerts that are not over for the next process; removes the file if there are none. Does nothing if
    /// [`DirectAlerts::load`] refused the file because another account may write it or its folder.
    ///
    /// # Errors
    /// The file or its folder cannot be written.
    pub async fn save(&self, file: &Path) -> io::Result<()> {
        if self.refused {
            return Ok(());
        }
        if self.open.is_none() && self.expiry.is_none() && locked(&self.unrecorded).is_empty() {
            return match tokio::fs::remove_file(file).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let (file, text) = (file.to_owned(), serde_json::to_vec(self)?);
        tokio::task::spawn_blocking(move || private_files::replace(&file, &text))
            .await
            .map_err(io::Error::other)?
    }

    /// When the reported problem began, UTC; `None` without a problem.
    pub fn since(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.opened_at)
    }

    /// Sends a new problem to every channel once, then the configured reminders, and when it is over a last message
    /// to the channels that were told. A message that is not accepted is tried again later.
    pub async fn send(
        &mut self,
        settings: &Settings,
        channels: &Channels,
        trouble: Option<ServiceProblem>,
        now: Timestamp,
    ) {
        let kind = trouble.as_ref().map(ServiceProblem::kind);
        if self.open.as_ref().is_some_and(|open| Some(open.kind) != kind) {
            self.expiry = self.open.take().and_then(|open| open.closed(now));
        }
        if let Some(trouble) = trouble {
            let open = self.open.get_or_insert_with(|| {
                tracing::warn!(alert = trouble.kind().as_str(), "an alert begins");
                OpenAlert::new(&trouble, now)
            });
            open.facts = trouble.facts();
            open.send(settings, channels, now).await;
        }
        if let Some(expiry) = &mut self.expiry {
            expiry.send(settings, channels, now).await;
            if expiry.channels.is_empty() {
                self.expiry = None;
            }
        }
    }
}

impl OpenAlert {
    fn new(trouble: &ServiceProblem, now: Timestamp) -> OpenAlert {
        OpenAlert {
            id: Uuid::now_v7(),
            kind: trouble.kind(),
            facts: trouble.facts(),
            opened_at: now,
            closed_at: None,
            channels: BTreeMap::new(),
        }
    }

    /// The same alert, closed; `None` if no channel was told of it.
    fn closed(mut self, now: Timestamp) -> Option<OpenAlert> {
        tracing::info!(alert = self.kind.as_str(), "an alert is over");
        self.closed_at = Some(now);
        self.channels.retain(|_, state| state.last_at.is_some());
        self.channels.values_mut().for_each(|state| (state.attempts, state.due) = (0, None));
        (!self.channels.is_empty()).then_some(self)
    }

    async fn send(&mut self, settings: &Settings, channels: &Channels, now: Timestamp) {
        let remind_after = SignedDuration::from_mins(i64::from(settings.alert_reminder_minutes));
        let mut due = Vec::new();
        for channel in channels.iter() {
            let state = match self.closed_at {
                None => Some(self.channels.entry(channel.key()).or_default()),
                Some(_) => self.channels.get_mut(&channel.key()),
            };
            let Some(state) = state else { continue };
            let occasion = match (self.closed_at, state.last_at) {
                (Some(_), _) => Occasion::Over,
                (None, None) => Occasion::Started,
                (None, Some(last)) if now.duration_since(last) >= remind_after => Occasion::Reminder,
                (None, Some(_)) => continue,
            };
            if state.due.is_none_or(|due| due <= Instant::now()) {
                due.push((channel, self.letter(settings, occasion, now)));
            }
        }
        // Concurrently, so that a channel that hangs delays no other.
        let sent = join_all(due.iter().map(|(channel, letter)| channels.send(channel, letter))).await;
        for ((channel, _), sent) in due.into_iter().zip(sent) {
            self.note(settings, channel, sent, now);
        }
    }

    fn note(&mut self, settings: &Settings, channel: &Channel, sent: Result<(), SendError>, now: Timestamp) {
        let key = channel.key();
        let Some(state) = self.channels.get_mut(&key) else { return };
        state.attempts += 1;
        match sent {
            Ok(()) if self.closed_at.is_some() => drop(self.channels.remove(&key)),
            Ok(()) => (state.last_at, state.attempts, state.due) = (Some(now), 0, None),
            Err(error) => {
                let first = settings.retry_delay() * 6;
                let attempts = i32::try_from(state.attempts).unwrap_or(i32::MAX);
                let wait = wait(first, attempts).max(error.retry_after.unwrap_or_default());
                state.due = Some(Instant::now() + wait.max(Duration::from_secs(1)));
                tracing::warn!(channel = key, attempts, %error, "an alert could not be sent and is tried again");
                if self.closed_at.is_some() && state.attempts >= LAST_ATTEMPTS {
                    self.channels.remove(&key);
                }
            }
        }
    }

    fn letter(&self, settings: &Settings, occasion: Occasion, now: Timestamp) -> OutgoingMessage {
        let context = MessageContext { occasion, opened_at: self.opened_at, at: now };
        OutgoingMessage {
            id: Uuid::now_v7(),
            alert_id: self.id,
            kind: self.kind.as_str().to_owned(),
            occasion: Some(occasion),
            text: Words::of(settings).message(self.kind, &self.facts, context),
            opened_at: self.opened_at,
            closed_at: self.closed_at,
            facts: Value::Object(self.facts.clone()),
        }
    }
}
