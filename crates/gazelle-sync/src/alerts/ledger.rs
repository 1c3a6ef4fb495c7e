//! What is wrong against what was said: opens, reminds and closes alerts, and writes the messages, in one transaction.
//!
//! One watcher at a time compares (it locks a row; another one finds it locked and leaves it at that), so that what
//! is read belongs to what is written. All that it needs to know is in the tables, so that nothing is said twice
//! after a restart.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::channels::Channels;
use super::conditions::{self, Limits};
use super::kind::{Facts, Finding, Kind, Occasion};
use super::outbox;
use super::words::{Moment, Words};
use crate::config::Settings;
use crate::credentials;
use crate::db::{Db, DbError, Tx};

/// Above every reminder.
const LAST_POSITION: i32 = 1_000_000;
/// Alerts that are over are forgotten after this long, with their messages.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// How exactly the tables say when somebody last looked: a write each time would be one too many.
const LOOK_NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// What a look changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Alerts that began.
    pub opened: u64,
    /// Alerts that are over.
    pub closed: u64,
    /// Messages written.
    pub messages: u64,
}

/// An alert that was open when we looked.
struct Open {
    id: Uuid,
    kind: Kind,
    facts: Facts,
    opened_at: Timestamp,
    /// What each channel was told.
    told: BTreeMap<String, Told>,
}

impl Open {
    /// One of which no channel was told.
    fn of(row: &Row, kind: Kind) -> Open {
        let facts = match row.get("facts") {
            Value::Object(facts) => facts,
            _ => Facts::new(),
        };
        Open { id: row.get("id"), kind, facts, opened_at: row.get("opened_at"), told: BTreeMap::new() }
    }
}

/// What a channel was told of an alert.
#[derive(Clone, Copy)]
struct Told {
    last_position: i32,
    /// When the last message was sent, or written where it was not.
    last_at: Timestamp,
    waiting: bool,
}

impl From<&Row> for Told {
    fn from(row: &Row) -> Told {
        Told {
            last_position: row.get("last_position"),
            last_at: row.get("last_at"),
            waiting: row.get("waiting"),
        }
    }
}

/// Looks at everything once and writes what is to be said, by the database's clock, which dates runs too: two machines agree
/// on what is due.
///
/// Errors: the database's. Then nothing was written, and the next look finds the same.
pub async fn watch(db: &Db, settings: &Settings, channels: &Channels) -> Result<Changes, DbError> {
    // Tokens are dated by who gets them, and he alone uses them.
    let ending = credentials::stored_ending(settings, db, Timestamp::now()).await;
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let mut changes = Changes::default();
    let locked = tx
        .query(
            "SELECT looked_at, clock_timestamp() AS now FROM {schema}.sync_alert_watch
              WHERE name = 'watch' FOR UPDATE SKIP LOCKED",
            &[],
        )
        .await?;
    let Some(row) = locked.first() else { return Ok(changes) };
    let (looked_at, at): (Timestamp, Timestamp) = (row.get("looked_at"), row.get("now"));
    let findings = conditions::read(&tx, Limits::of(settings), ending, at).await?;
    let mut ledger = Ledger {
        tx: &tx,
        words: Words::of(settings),
        channels: channels.keys(),
        remind_after: SignedDuration::from_mins(i64::from(settings.alert_reminder_minutes)),
        at,
        changes: &mut changes,
    };
    ledger.settle(findings).await?;
    if at.duration_since(looked_at).abs() > LOOK_NOTED_EVERY {
        let sql = "UPDATE {schema}.sync_alert_watch SET looked_at = $1 WHERE name = 'watch'";
        tx.execute(sql, &[(&at, Type::TIMESTAMPTZ)]).await?;
    }
    tx.commit().await?;
    Ok(changes)
}

/// Forgets alerts that were over long ago, and gives up messages whose channel is not configured any more.
pub async fn forget_old(db: &Db) -> Result<u64, DbError> {
    let now = db.now().await?;
    outbox::give_up_unclaimed(db, now).await?;
    let before = now.saturating_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
    let sql = "DELETE FROM {schema}.sync_alerts WHERE closed_at < $1";
    db.execute(sql, &[(&before, Type::TIMESTAMPTZ)]).await
}

/// What a channel is to be told of an alert that goes on, by what it was told, and the message's position among those of the
/// alert; none where it is not time.
fn due(told: Option<&Told>, at: Timestamp, remind_after: SignedDuration) -> Option<(Occasion, i32)> {
    match told {
        None => Some((Occasion::Started, 0)),
        // What was not heard needs no reminder.
        Some(told) if told.waiting => None,
        Some(told) if at.duration_since(told.last_at) >= remind_after => {
            Some((Occasion::Reminder, told.last_position + 1))
        }
        Some(_) => None,
    }
}

struct Ledger<'l, 'c> {
    tx: &'l Tx<'c>,
    words: Words,
    channels: Vec<String>,
    remind_after: SignedDuration,
    /// By the database's clock.
    at: Timestamp,
    changes: &'l mut Changes,
}

impl Ledger<'_, '_> {
    async fn settle(&mut self, findings: Vec<Finding>) -> Result<(), DbError> {
        let mut open = self.open().await?;
        for finding in findings {
            match open.iter().position(|alert| alert.kind == finding.kind) {
                Some(index) => self.still(open.swap_remove(index), finding.facts).await?,
                None => self.begin(finding).await?,
            }
        }
        for alert in open {
            self.end(alert).await?;
        }
        Ok(())
    }

    async fn open(&self) -> Result<Vec<Open>, DbError> {
        let rows = self.tx.query(include_str!("open_alerts.sql"), &[]).await?;
        let mut open: Vec<Open> = Vec::new();
        for row in &rows {
            // One of another release is left to that release.
            let Some(kind) = Kind::from_stored(row.get("kind")) else { continue };
            if open.last().is_none_or(|last| last.id != row.get::<_, Uuid>("id")) {
                open.push(Open::of(row, kind));
            }
            if let (Some(alert), Some(channel)) = (open.last_mut(), row.get::<_, Option<String>>("channel")) {
                alert.told.insert(channel, Told::from(row));
            }
        }
        Ok(open)
    }

    async fn begin(&mut self, finding: Finding) -> Result<(), DbError> {
        let alert = Open {
            id: Uuid::now_v7(),
            kind: finding.kind,
            facts: finding.facts,
            opened_at: self.at,
            told: BTreeMap::new(),
        };
        self.tx
            .execute(
                "INSERT INTO {schema}.sync_alerts (id, kind, facts, opened_at) VALUES ($1, $2, $3, $4)",
                &[
                    (&alert.id, Type::UUID),
                    (&alert.kind.as_str(), Type::TEXT),
                    (&Value::Object(alert.facts.clone()), Type::JSONB),
                    (&alert.opened_at, Type::TIMESTAMPTZ),
                ],
            )
            .await?;
        self.changes.opened += 1;
        tracing::warn!(alert = alert.kind.as_str(), "an alert begins");
        self.tell_all(&alert).await
    }

    async fn still(&mut self, mut alert: Open, facts: Facts) -> Result<(), DbError> {
        if alert.facts != facts {
            let sql = "UPDATE {schema}.sync_alerts SET facts = $2 WHERE id = $1";
            let value = Value::Object(facts.clone());
            self.tx.execute(sql, &[(&alert.id, Type::UUID), (&value, Type::JSONB)]).await?;
            alert.facts = facts;
        }
        self.tell_all(&alert).await
    }

    /// The first word to channels that had none, such as one that was configured since; a reminder where it is time.
    async fn tell_all(&mut self, alert: &Open) -> Result<(), DbError> {
        for channel in self.channels.clone() {
            if let Some((occasion, position)) = due(alert.told.get(&channel), self.at, self.remind_after) {
                self.say(alert, &channel, occasion, position).await?;
            }
        }
        Ok(())
    }

    /// The last word, to those who had the first.
    async fn end(&mut self, alert: Open) -> Result<(), DbError> {
        let sql = "UPDATE {schema}.sync_alerts SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL";
        self.tx.execute(sql, &[(&alert.id, Type::UUID), (&self.at, Type::TIMESTAMPTZ)]).await?;
        self.changes.closed += 1;
        tracing::info!(alert = alert.kind.as_str(), "an alert is over");
        for channel in self.channels.clone().iter().filter(|channel| alert.told.contains_key(*channel)) {
            self.say(&alert, channel, Occasion::Over, LAST_POSITION).await?;
        }
        Ok(())
    }

    async fn say(
        &mut self,
        alert: &Open,
        channel: &str,
        occasion: Occasion,
        position: i32,
    ) -> Result<(), DbError> {
        let moment = Moment { occasion, opened_at: alert.opened_at, at: self.at };
        let text = self.words.message(alert.kind, &alert.facts, moment);
        let written = self
            .tx
            .execute(
                include_str!("write_message.sql"),
                &[
                    (&Uuid::now_v7(), Type::UUID),
                    (&alert.id, Type::UUID),
                    (&channel, Type::TEXT),
                    (&position, Type::INT4),
                    (&occasion.as_str(), Type::TEXT),
                    (&text.title.as_str(), Type::TEXT),
                    (&text.body.as_str(), Type::TEXT),
                    (&self.at, Type::TIMESTAMPTZ),
                ],
            )
            .await?;
        self.changes.messages += written;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_told_once_and_reminded_when_it_has_heard_and_it_is_time() {
        let at = Timestamp::from_second(100_000).unwrap();
        let told = |last_position, seconds_ago: i64, waiting| Told {
            last_position,
            last_at: at - SignedDuration::from_secs(seconds_ago),
            waiting,
        };
        for (what, told, wanted) in [
            ("never told", None, Some((Occasion::Started, 0))),
            ("just told", Some(told(0, 0, false)), None),
            ("not yet time", Some(told(0, 59, false)), None),
            ("time for a reminder", Some(told(0, 60, false)), Some((Occasion::Reminder, 1))),
            ("and for another", Some(told(4, 3_600, false)), Some((Occasion::Reminder, 5))),
            ("not heard yet", Some(told(0, 3_600, true)), None),
            ("told by a clock that was ahead", Some(told(0, -3_600, false)), None),
        ] {
            assert_eq!(due(told.as_ref(), at, SignedDuration::from_secs(60)), wanted, "{what}");
        }
    }
}
