//! Compares the current problems with the open alerts: opens, reminds of and closes alerts, and writes the
//! messages, all in one transaction.
//!
//! Only one process compares at a time: it locks a row, and a process that finds the row locked returns at once.
//! All state is in the tables, so a restart repeats no message.

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
use super::words::{MessageContext, Words};
use crate::config::Settings;
use crate::credentials;
use crate::db::{Db, DbError, Param};
use crate::lease::{Unfenced, UnfencedTx};
use crate::staging::{removal, written};

/// The position of an alert's last message: higher than that of any reminder.
const LAST_POSITION: i32 = 1_000_000;
/// Closed alerts and their messages are deleted after this time.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// How often the time of the last evaluation is written: writing it every time would cost too many writes.
const LOOK_NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// What one evaluation of the conditions changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertChanges {
    /// Alerts that were opened.
    pub opened: u64,
    /// Alerts that were closed.
    pub closed: u64,
    /// Messages written to the outbox.
    pub messages: u64,
}

/// An alert that was open before this evaluation.
struct OpenAlert {
    id: Uuid,
    kind: Kind,
    facts: Facts,
    opened_at: Timestamp,
    /// The last message to each channel, by the channel's key.
    last_messages: BTreeMap<String, LastMessage>,
}

impl OpenAlert {
    /// The alert of a row, without any messages yet.
    fn of(row: &Row, kind: Kind) -> OpenAlert {
        let facts = match row.get("facts") {
            Value::Object(facts) => facts,
            _ => Facts::new(),
        };
        OpenAlert {
            id: row.get("id"),
            kind,
            facts,
            opened_at: row.get("opened_at"),
            last_messages: BTreeMap::new(),
        }
    }
}

/// The last message of an alert to one channel.
#[derive(Clone, Copy)]
struct LastMessage {
    last_position: i32,
    /// When it was sent, or written if it is not sent yet.
    last_at: Timestamp,
    waiting: bool,
}

impl From<&Row> for LastMessage {
    fn from(row: &Row) -> LastMessage {
        LastMessage {
            last_position: row.get("last_position"),
            last_at: row.get("last_at"),
            waiting: row.get("waiting"),
        }
    }
}

/// Evaluates all conditions once and writes the messages that are due. All times are the database's, which also
/// dates runs, so that several machines agree on what is due.
///
/// # Errors
/// Any database error. Nothing is written then, and the next call finds the same problems. Where the database keeps one
/// alert out, all others are settled first.
pub async fn watch(db: &Db, settings: &Settings, channels: &Channels) -> Result<AlertChanges, DbError> {
    // The process that obtained a token dated it by its own clock, and is the only one to use it.
    let expiry = credentials::stored_expiry(settings, db, Timestamp::now()).await;
    let mut connection = db.connection().await?;
    let tx = Unfenced::Alerts.begin(&mut connection).await?;
    let mut changes = AlertChanges::default();
    let locked = tx
        .query(
            "SELECT looked_at, clock_timestamp() AS now FROM {schema}.sync_alert_watch
              WHERE name = 'watch' FOR UPDATE SKIP LOCKED",
            &[],
        )
        .await?;
    let Some(row) = locked.first() else { return Ok(changes) };
    let (looked_at, at): (Timestamp, Timestamp) = (row.get("looked_at"), row.get("now"));
    let findings = conditions::read(&tx, Limits::of(settings), expiry, at).await?;
    let mut ledger = Ledger {
        tx: &tx,
        words: Words::of(settings),
        channels: channels.keys(),
        remind_after: SignedDuration::from_mins(i64::from(settings.alert_reminder_minutes)),
        at,
        changes: &mut changes,
    };
    let mut refused = ledger.settle(findings).await?;
    if at.duration_since(looked_at).abs() > LOOK_NOTED_EVERY {
        // Its count is not checked: it only says how often the time is written.
        let sql = "UPDATE {schema}.sync_alert_watch SET looked_at = $1 WHERE name = 'watch'";
        let params: [Param<'_>; 1] = [(&at, Type::TIMESTAMPTZ)];
        refused = refused.or(tx.in_savepoint(tx.execute(sql, &params)).await?.err());
    }
    tx.commit().await?;
    refused.map_or(Ok(changes), Err)
}

/// Deletes alerts that were closed long ago, and gives up messages whose channel is no longer configured. Returns
/// what stays although it is old and why, in one sentence; none if nothing does.
///
/// # Errors
/// Any database error.
pub async fn forget_old(db: &Db) -> Result<Option<String>, DbError> {
    let now = db.now().await?;
    let given_up = outbox::give_up_unclaimed(db, now).await;
    let before = now.saturating_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
    let removed = removal::remove_before(db, "sync_alerts", "closed_at", before).await?;
    given_up?;
    Ok(removed.kept_rows_message("sync_alerts"))
}

/// The message that a channel is due for an alert that goes on, with its position among the alert's messages; none if no message
/// is due.
fn due(last: Option<&LastMessage>, at: Timestamp, remind_after: SignedDuration) -> Option<(Occasion, i32)> {
    match last {
        None => Some((Occasion::Started, 0)),
        // No reminder while the last message is still unsent.
        Some(last) if last.waiting => None,
        Some(last) if at.duration_since(last.last_at) >= remind_after => {
            Some((Occasion::Reminder, last.last_position + 1))
        }
        Some(_) => None,
    }
}

/// What is due of one alert.
enum Settling {
    Open(Finding),
    KeepOpen(OpenAlert, Facts),
    Close(OpenAlert),
}

struct Ledger<'l, 'c> {
    tx: &'l UnfencedTx<'c>,
    words: Words,
    channels: Vec<String>,
    remind_after: SignedDuration,
    /// The time of this evaluation, by the database's clock.
    at: Timestamp,
    changes: &'l mut AlertChanges,
}

impl Ledger<'_, '_> {
    /// Opens, keeps open and closes alerts. Returns the first refusal of the database, which concerns one of them.
    async fn settle(&mut self, findings: Vec<Finding>) -> Result<Option<DbError>, DbError> {
        let mut open = self.open().await?;
        let mut due: Vec<Settling> = Vec::new();
        for finding in findings {
            due.push(match open.iter().position(|alert| alert.kind == finding.kind) {
                Some(index) => Settling::KeepOpen(open.swap_remove(index), finding.facts),
                None => Settling::Open(finding),
            });
        }
        due.extend(open.into_iter().map(Settling::Close));
        let mut first = None;
        for alert in due {
            let before = *self.changes;
            let tx = self.tx;
            if let Err(refusal) = tx.in_savepoint(self.settle_one(alert)).await? {
                *self.changes = before;
                first.get_or_insert(refusal);
            }
        }
        Ok(first)
    }

    async fn settle_one(&mut self, alert: Settling) -> Result<(), DbError> {
        match alert {
            Settling::Open(finding) => self.open_alert(finding).await,
            Settling::KeepOpen(alert, facts) => self.keep_open(alert, facts).await,
            Settling::Close(alert) => self.close_alert(alert).await,
        }
    }

    async fn open(&self) -> Result<Vec<OpenAlert>, DbError> {
        let rows = self.tx.query(include_str!("open_alerts.sql"), &[]).await?;
        let mut open: Vec<OpenAlert> = Vec::new();
        for row in &rows {
            // Kinds that only another release knows are left to that release.
            let Ok(kind) = row.get::<_, &str>("kind").parse::<Kind>() else { continue };
            if open.last().is_none_or(|last| last.id != row.get::<_, Uuid>("id")) {
                open.push(OpenAlert::of(row, kind));
            }
            if let (Some(alert), Some(channel)) = (open.last_mut(), row.get::<_, Option<String>>("channel")) {
                alert.last_messages.insert(channel, LastMessage::from(row));
            }
        }
        Ok(open)
    }

    async fn open_alert(&mut self, finding: Finding) -> Result<(), DbError> {
        let alert = OpenAlert {
            id: Uuid::now_v7(),
            kind: finding.kind,
            facts: finding.facts,
            opened_at: self.at,
            last_messages: BTreeMap::new(),
        };
        let opened = self
            .tx
            .query(
                "INSERT INTO {schema}.sync_alerts (id, kind, facts, opened_at) VALUES ($1, $2, $3, $4) RETURNING 1",
                &[
                    (&alert.id, Type::UUID),
                    (&alert.kind.as_str(), Type::TEXT),
                    (&Value::Object(alert.facts.clone()), Type::JSONB),
                    (&alert.opened_at, Type::TIMESTAMPTZ),
                ],
            )
            .await?;
        written::check(self.tx, "sync_alerts", usize::from(opened.is_empty()), "opened").await?;
        self.changes.opened += 1;
        tracing::warn!(alert = alert.kind.as_str(), "an alert begins");
        self.write_due_messages(&alert).await
    }

    async fn keep_open(&mut self, mut alert: OpenAlert, facts: Facts) -> Result<(), DbError> {
        if alert.facts != facts {
            // Not checked: with older facts, a message tells of an earlier state of the same problem.
            let sql = "UPDATE {schema}.sync_alerts SET facts = $2 WHERE id = $1";
            let value = Value::Object(facts.clone());
            self.tx.execute(sql, &[(&alert.id, Type::UUID), (&value, Type::JSONB)]).await?;
            alert.facts = facts;
        }
        self.write_due_messages(&alert).await
    }

    /// Writes the first message for channels that had none (such as a new channel), and reminders where they are
    /// due.
    async fn write_due_messages(&mut self, alert: &OpenAlert) -> Result<(), DbError> {
        for channel in self.channels.clone() {
            if let Some((occasion, position)) =
                due(alert.last_messages.get(&channel), self.at, self.remind_after)
            {
                self.write_message(alert, &channel, occasion, position).await?;
            }
        }
        Ok(())
    }

    /// Closes the alert and writes the last message for the channels that had the first one.
    async fn close_alert(&mut self, alert: OpenAlert) -> Result<(), DbError> {
        let sql =
            "UPDATE {schema}.sync_alerts SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL RETURNING 1";
        let closed = self.tx.query(sql, &[(&alert.id, Type::UUID), (&self.at, Type::TIMESTAMPTZ)]).await?;
        written::check(self.tx, "sync_alerts", usize::from(closed.is_empty()), "closed").await?;
        self.changes.closed += 1;
        tracing::info!(alert = alert.kind.as_str(), "an alert is over");
        for channel in
            self.channels.clone().iter().filter(|channel| alert.last_messages.contains_key(*channel))
        {
            self.write_message(&alert, channel, Occasion::Over, LAST_POSITION).await?;
        }
        Ok(())
    }

    async fn write_message(
        &mut self,
        alert: &OpenAlert,
        channel: &str,
        occasion: Occasion,
        position: i32,
    ) -> Result<(), DbError> {
        let context = MessageContext { occasion, opened_at: alert.opened_at, at: self.at };
        let text = self.words.message(alert.kind, &alert.facts, context);
        let stored = self
            .tx
            .query(
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
        self.changes.messages += stored.len() as u64;
        if !stored.is_empty() {
            return Ok(());
        }
        let sql = "SELECT 1 FROM {schema}.sync_alert_messages WHERE alert_id = $1 AND channel = $2 AND position = $3";
        let params: [Param<'_>; 3] =
            [(&alert.id, Type::UUID), (&channel, Type::TEXT), (&position, Type::INT4)];
        let is_there = !self.tx.query(sql, &params).await?.is_empty();
        written::check(self.tx, "sync_alert_messages", usize::from(!is_there), "stored").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_told_once_and_reminded_when_it_has_heard_and_it_is_time() {
        let at = Timestamp::from_second(100_000).unwrap();
        let told = |last_position, seconds_ago: i64, waiting| LastMessage {
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
