//! Alerts of what keeps alerts from being written: told by the process itself, past the outbox.
//!
//! What was told is remembered in memory alone, so that a process that is started anew tells it once more.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::channels::{Channel, Channels, Letter, SendError};
use super::deliver::wait;
use super::kind::{Facts, Kind, Occasion};
use super::words::{Moment, Words};
use crate::config::Settings;

/// Attempts to tell a channel that the trouble is over.
const LAST_ATTEMPTS: u32 = 5;

/// What keeps the service from its work, and alerts from the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The database takes no alerts.
    Database {
        /// Why, in one line.
        reason: String,
        /// Since when, UTC.
        since: Timestamp,
        /// When the last good run ended, UTC.
        last_good_at: Option<Timestamp>,
    },
    /// The service hangs.
    Stuck {
        /// At what, in one line.
        reason: String,
    },
}

impl Trouble {
    fn kind(&self) -> Kind {
        match self {
            Trouble::Database { .. } => Kind::Database,
            Trouble::Stuck { .. } => Kind::ServiceStuck,
        }
    }

    fn facts(&self) -> Facts {
        let facts = match self {
            Trouble::Database { reason, since, last_good_at } => vec![
                ("reason", json!(reason)),
                ("since_at", json!(since.to_string())),
                ("last_good_at", json!(last_good_at.map(|at| at.to_string()))),
            ],
            Trouble::Stuck { reason } => vec![("reason", json!(reason))],
        };
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The one alert of this kind that a process tells, and what each channel heard of it.
#[derive(Debug, Default)]
pub struct Direct {
    open: Option<Open>,
    /// Of an alert that is over: channels that have not heard so.
    ending: Option<Open>,
}

#[derive(Debug)]
struct Open {
    id: Uuid,
    kind: Kind,
    facts: Facts,
    opened_at: Timestamp,
    closed_at: Option<Timestamp>,
    channels: BTreeMap<String, Heard>,
}

/// What a channel heard.
#[derive(Debug, Default)]
struct Heard {
    /// When the last message was taken.
    last_at: Option<Timestamp>,
    attempts: u32,
    due: Option<Instant>,
}

impl Direct {
    /// Tells every channel of a trouble once, reminds of it as of any alert, and tells those that heard of it when it is
    /// over. A message that is not taken is tried again later.
    pub async fn tell(
        &mut self,
        settings: &Settings,
        channels: &Channels,
        trouble: Option<Trouble>,
        now: Timestamp,
    ) {
        let kind = trouble.as_ref().map(Trouble::kind);
        if self.open.as_ref().is_some_and(|open| Some(open.kind) != kind) {
            self.ending = self.open.take().and_then(|open| open.closed(now));
        }
        if let Some(trouble) = trouble {
            let open = self.open.get_or_insert_with(|| {
                tracing::warn!(alert = trouble.kind().as_str(), "an alert begins");
                Open::new(&trouble, now)
            });
            open.facts = trouble.facts();
            open.send(settings, channels, now).await;
        }
        if let Some(ending) = &mut self.ending {
            ending.send(settings, channels, now).await;
            if ending.channels.is_empty() {
                self.ending = None;
            }
        }
    }
}

impl Open {
    fn new(trouble: &Trouble, now: Timestamp) -> Open {
        Open {
            id: Uuid::now_v7(),
            kind: trouble.kind(),
            facts: trouble.facts(),
            opened_at: now,
            closed_at: None,
            channels: BTreeMap::new(),
        }
    }

    /// The same alert, over; none where nobody has heard of it.
    fn closed(mut self, now: Timestamp) -> Option<Open> {
        tracing::info!(alert = self.kind.as_str(), "an alert is over");
        self.closed_at = Some(now);
        self.channels.retain(|_, heard| heard.last_at.is_some());
        self.channels.values_mut().for_each(|heard| (heard.attempts, heard.due) = (0, None));
        (!self.channels.is_empty()).then_some(self)
    }

    async fn send(&mut self, settings: &Settings, channels: &Channels, now: Timestamp) {
        let remind_after = SignedDuration::from_mins(i64::from(settings.alert_reminder_minutes));
        let mut due = Vec::new();
        for channel in channels.iter() {
            let heard = match self.closed_at {
                None => Some(self.channels.entry(channel.key()).or_default()),
                Some(_) => self.channels.get_mut(&channel.key()),
            };
            let Some(heard) = heard else { continue };
            let occasion = match (self.closed_at, heard.last_at) {
                (Some(_), _) => Occasion::Over,
                (None, None) => Occasion::Started,
                (None, Some(last)) if now.duration_since(last) >= remind_after => Occasion::Reminder,
                (None, Some(_)) => continue,
            };
            if heard.due.is_none_or(|due| due <= Instant::now()) {
                due.push((channel, self.letter(settings, occasion, now)));
            }
        }
        // Side by side: one that hangs holds up no other.
        let sent = join_all(due.iter().map(|(channel, letter)| channels.send(channel, letter))).await;
        for ((channel, _), sent) in due.into_iter().zip(sent) {
            self.note(settings, channel, sent, now);
        }
    }

    fn note(&mut self, settings: &Settings, channel: &Channel, sent: Result<(), SendError>, now: Timestamp) {
        let key = channel.key();
        let Some(heard) = self.channels.get_mut(&key) else { return };
        heard.attempts += 1;
        match sent {
            Ok(()) if self.closed_at.is_some() => drop(self.channels.remove(&key)),
            Ok(()) => (heard.last_at, heard.attempts, heard.due) = (Some(now), 0, None),
            Err(error) => {
                let first = settings.retry_delay() * 6;
                let attempts = i32::try_from(heard.attempts).unwrap_or(i32::MAX);
                let wait = wait(first, attempts).max(error.retry_after.unwrap_or_default());
                heard.due = Some(Instant::now() + wait.max(Duration::from_secs(1)));
                tracing::warn!(channel = key, attempts, %error, "an alert could not be sent and is tried again");
                if self.closed_at.is_some() && heard.attempts >= LAST_ATTEMPTS {
                    self.channels.remove(&key);
                }
            }
        }
    }

    fn letter(&self, settings: &Settings, occasion: Occasion, now: Timestamp) -> Letter {
        let moment = Moment { occasion, opened_at: self.opened_at, at: now };
        Letter {
            id: Uuid::now_v7(),
            alert_id: self.id,
            kind: self.kind.as_str().to_owned(),
            occasion: occasion.as_str(),
            text: Words::of(settings).message(self.kind, &self.facts, moment),
            opened_at: self.opened_at,
            closed_at: self.closed_at,
            facts: Value::Object(self.facts.clone()),
        }
    }
}
