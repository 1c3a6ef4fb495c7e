//! Alerts of what keeps alerts from being written: told by the process itself, past the outbox.
//!
//! `serve` remembers in memory what was told, so that a process that is started anew tells it once more. Commands that
//! end, such as `sync` by a timetable of somebody else's, keep it in a file of the data folder for the next one.

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

use super::channels::{Channel, Channels, Letter, SendError};
use super::deliver::wait;
use super::kind::{Facts, Kind, Occasion};
use super::words::{Moment, Words};
use crate::config::Settings;
use crate::private_files::{self, NotOurs};

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
        /// When the last good run ended, UTC, where that is known.
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
            Trouble::Database { reason, since, last_good_at } => {
                let mut facts = vec![("reason", json!(reason)), ("since_at", json!(since.to_string()))];
                // Null would say that there never was one.
                facts.extend(last_good_at.map(|at| ("last_good_at", json!(at.to_string()))));
                facts
            }
            Trouble::Stuck { reason } => vec![("reason", json!(reason))],
        };
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The one alert of this kind that a process tells, and what each channel heard of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Direct {
    open: Option<Open>,
    /// Of an alert that is over: channels that have not heard so.
    ending: Option<Open>,
    /// The file was refused, and that was logged: saving meets the same.
    #[serde(skip)]
    refused: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Open {
    id: Uuid,
    #[serde(with = "stored_kind")]
    kind: Kind,
    facts: Facts,
    opened_at: Timestamp,
    closed_at: Option<Timestamp>,
    channels: BTreeMap<String, Heard>,
}

/// What a channel heard.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Heard {
    /// When the last message was taken.
    last_at: Option<Timestamp>,
    attempts: u32,
    /// Of this process alone: the next one tries at once.
    #[serde(skip)]
    due: Option<Instant>,
}

/// A kind as the word that is stored elsewhere too.
mod stored_kind {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Kind;

    pub(super) fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        let word = String::deserialize(from)?;
        Kind::from_stored(&word).ok_or_else(|| de::Error::custom("a kind of another release"))
    }
}

impl Direct {
    /// What an earlier process told. Nothing where there is no such file, or none that this program can read; why it may not
    /// be used is logged.
    pub async fn load(file: &Path) -> Direct {
        let file = file.to_owned();
        let read = tokio::task::spawn_blocking(move || private_files::read(&file)).await;
        let read = read.map_err(io::Error::other).and_then(|read| read);
        if let Err(error) = &read {
            tracing::warn!(
                "which alerts were sent without the database cannot be read back, so they may be sent again: {error}"
            );
            return Direct { refused: NotOurs::in_error(error).is_some(), ..Direct::default() };
        }
        read.ok().flatten().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Keeps what is not over for the next process; without such a thing there is no file. Where [`Direct::load`] met a folder
    /// or a file that another account may write, nothing is written, and the warning is not repeated.
    ///
    /// # Errors
    /// The file or its folder cannot be written.
    pub async fn save(&self, file: &Path) -> io::Result<()> {
        if self.refused {
            return Ok(());
        }
        if self.open.is_none() && self.ending.is_none() {
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

    /// Since when the trouble that is told lasts, UTC.
    pub fn since(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.opened_at)
    }

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
