//! Sends the messages of the outbox. The channels are served concurrently, so that one that hangs delays no other.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::channels::{Channel, Channels, OutgoingMessage, SendError};
use super::kind::TEST;
use super::outbox::{self, Claim, LONGEST_WAIT, Message};
use super::words::{Text, Words};
use crate::config::Settings;
use crate::db::{Db, DbError, DbErrorClass};
use crate::delay;
use crate::display::{self, shortened};
use crate::stop;

/// After this time a delivery pass claims no further message. Even with the longest send, a pass ends before a
/// stopping service is killed.
const LONGEST_PASS: Duration = Duration::from_secs(5);
/// How many attempts, and how far apart, to record the outcome of a delivery: a message whose delivery is not
/// recorded is sent again.
const NOTES: u32 = 20;
const NOTE_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long a database statement may take once the program is asked to stop. Longer than a healthy database needs,
/// and short for somebody who waits; sending a message has more time (`service::tick`).
const LAST_PATIENCE: Duration = Duration::from_secs(3);
/// Limits in characters: of a title and of each fact, and of the body of a message.
const LONGEST_FACT: usize = 2_000;
const LONGEST_BODY: usize = 10_000;

/// Counts of one delivery pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Messages that a channel accepted.
    pub sent: u64,
    /// Attempts that failed.
    pub failed: u64,
}

/// The messages that this process has sent and that the database refuses to mark as sent: they are not sent again.
pub type Unrecorded = Mutex<HashSet<Uuid>>;

/// Sends the messages that are due. A message that is not accepted is tried again `first_wait` after the first
/// attempt, then after twice the wait each time, up to 15 minutes; its channel rests until the next pass. Once
/// `stop` is set, no further message is claimed and a silent database is not waited for.
///
/// What the database refuses of one message (its claim, or the mark that it was sent) keeps no other from being sent.
/// A message in `unrecorded` is not sent again: each pass tries to mark it. Another process sends it again after the same waits.
///
/// # Errors
/// Any database error, after all channels have had their turn; refusals of single messages too. A message that was
/// claimed becomes free when its claim expires.
pub async fn deliver(
    db: &Db,
    channels: &Channels,
    first_wait: Duration,
    unrecorded: &Unrecorded,
    stop: &CancellationToken,
) -> Result<Delivered, DbError> {
    let mut refused = within(stop, mark_unrecorded(db, unrecorded)).await?;
    let due = within(stop, outbox::due_channels(db)).await?;
    let passes = due.iter().filter_map(|key| channels.by_key(key)).map(|channel| {
        let left_out = locked(unrecorded).iter().copied().collect();
        Pass { db, channels, channel, first_wait, unrecorded, stop, left_out, refused: None }.deliver()
    });
    let mut total = Delivered::default();
    for passed in join_all(passes).await {
        let (passed, of_channel) = passed?;
        total.sent += passed.sent;
        total.failed += passed.failed;
        refused = refused.or(of_channel);
    }
    refused.map_or(Ok(total), Err)
}

/// Tries again to mark messages as sent. Returns the first refusal.
async fn mark_unrecorded(db: &Db, unrecorded: &Unrecorded) -> Result<Option<DbError>, DbError> {
    let ids: Vec<Uuid> = locked(unrecorded).iter().copied().collect();
    let mut refused = None;
    for id in ids {
        match outbox::sent(db, id).await {
            Ok(()) => drop(locked(unrecorded).remove(&id)),
            Err(refusal) if refusal.fault == DbErrorClass::Record => drop(refused.get_or_insert(refusal)),
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

/// The delivery to one channel.
struct Pass<'p> {
    db: &'p Db,
    channels: &'p Channels,
    channel: &'p Channel,
    first_wait: Duration,
    unrecorded: &'p Unrecorded,
    stop: &'p CancellationToken,
    /// The messages of which the database refused something in this pass.
    left_out: Vec<Uuid>,
    /// The first refusal.
    refused: Option<DbError>,
}

impl Pass<'_> {
    /// Returns what was delivered, and the first refusal that concerns one message.
    async fn deliver(mut self) -> Result<(Delivered, Option<DbError>), DbError> {
        let begun = Instant::now();
        let mut delivered = Delivered::default();
        while begun.elapsed() < LONGEST_PASS && !self.stop.is_cancelled() {
            let message =
                match within(self.stop, outbox::claim(self.db, &self.channel.key(), &self.left_out)).await? {
                    Claim::Nothing => break,
                    Claim::Ours(message) => message,
                    Claim::Refused(id, refusal) => {
                        self.leave_out(id, refusal);
                        continue;
                    }
                };
            match self.channels.send(self.channel, &outgoing(&message)).await {
                Ok(()) => {
                    delivered.sent += 1;
                    self.note_sent(&message).await?;
                }
                Err(error) => {
                    delivered.failed += 1;
                    let noted = note_failed(self.db, self.channel, &message, &error, self.first_wait);
                    within(self.stop, noted).await?;
                    break;
                }
            }
        }
        Ok((delivered, self.refused))
    }

    fn leave_out(&mut self, id: Uuid, refusal: DbError) {
        self.left_out.push(id);
        self.refused.get_or_insert(refusal);
    }

    /// Records that a message was sent. If the database refuses that, the message is put off for other processes, and others
    /// follow.
    async fn note_sent(&mut self, message: &Message) -> Result<(), DbError> {
        match within(self.stop, note(self.db, message, &DeliveryOutcome::Sent)).await {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.fault == DbErrorClass::Record => {
                locked(self.unrecorded).insert(message.id);
                let wait = wait(self.first_wait, message.attempts);
                let why = format!("it was sent, but could not be marked as sent: {refusal}");
                let put_off = outbox::put_off_unrecorded(self.db, message, &why, wait);
                self.leave_out(message.id, refusal);
                match within(self.stop, put_off).await {
                    Err(error) if error.fault != DbErrorClass::Record => Err(error),
                    _ => Ok(()),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// A panic of another task while it held the lock does not make the set unusable.
pub(super) fn locked(ids: &Unrecorded) -> MutexGuard<'_, HashSet<Uuid>> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a database call; it has [`LAST_PATIENCE`] once the program is asked to stop.
async fn within<T>(
    stop: &CancellationToken,
    asked: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    tokio::select! {
        biased;
        answer = asked => answer,
        () = stop::overdue(stop, LAST_PATIENCE) => Err(DbError::infrastructure(
            "the database gave no answer before the program was to end: what is not noted is sent again",
        )),
    }
}

/// Records the outcome of a delivery, with retries: a database that restarts at this moment must neither make us
/// send the message again nor leave it claimed. Returns whether the message was given up.
async fn note(db: &Db, message: &Message, outcome: &DeliveryOutcome) -> Result<bool, DbError> {
    let mut left = NOTES;
    loop {
        let noted = match outcome {
            DeliveryOutcome::Sent => outbox::sent(db, message.id).await.map(|()| false),
            DeliveryOutcome::Failed { why, wait } => outbox::failed(db, message, why, *wait).await,
        };
        match noted {
            // What concerns the one message does not pass by itself.
            Err(error) if left > 0 && error.fault != DbErrorClass::Record => {
                tracing::warn!(%error, "what became of a message could not be noted yet");
                left -= 1;
                tokio::time::sleep(NOTE_AGAIN_AFTER).await;
            }
            noted => return noted,
        }
    }
}

/// The outcome of one attempt to deliver a message.
enum DeliveryOutcome {
    Sent,
    Failed { why: String, wait: Duration },
}

async fn note_failed(
    db: &Db,
    channel: &Channel,
    message: &Message,
    error: &SendError,
    first_wait: Duration,
) -> Result<(), DbError> {
    let wait = wait(first_wait, message.attempts).max(error.retry_after.unwrap_or_default());
    let given_up = note(db, message, &DeliveryOutcome::Failed { why: error.to_string(), wait }).await?;
    let (channel, attempts) = (channel.key(), message.attempts);
    if given_up {
        tracing::error!(channel, attempts, %error, "an alert could not be sent for a week and is given up");
    } else {
        tracing::warn!(
            channel,
            attempts,
            wait_seconds = wait.as_secs(),
            %error,
            "an alert could not be sent and is tried again"
        );
    }
    Ok(())
}

/// The wait after the given number of attempts.
pub(super) fn wait(first: Duration, attempts: i32) -> Duration {
    delay::doubled(first, u32::try_from(attempts).unwrap_or_default(), LONGEST_WAIT)
}

/// The message as it is sent. Every part is shortened to its limit, whatever was written into the outbox.
fn outgoing(message: &Message) -> OutgoingMessage {
    let mut facts = message.facts.clone();
    display::bounded(&mut facts, LONGEST_FACT);
    OutgoingMessage {
        id: message.id,
        alert_id: message.alert_id,
        kind: message.kind.clone(),
        occasion: Some(message.occasion),
        text: Text::stored(&shortened(&message.title, LONGEST_FACT), &shortened(&message.body, LONGEST_BODY)),
        opened_at: message.opened_at,
        closed_at: message.closed_at,
        facts,
    }
}

/// Sends a test message on a channel, bypassing the outbox, so that the result is known at once.
///
/// # Errors
/// The channel did not accept the message.
pub async fn send_test(
    settings: &Settings,
    channels: &Channels,
    channel: &Channel,
    now: Timestamp,
) -> Result<(), SendError> {
    let outgoing = OutgoingMessage {
        id: Uuid::now_v7(),
        alert_id: Uuid::now_v7(),
        kind: TEST.to_owned(),
        occasion: None,
        text: Words::of(settings).test(now),
        opened_at: now,
        closed_at: None,
        facts: json!({}),
    };
    channels.send(channel, &outgoing).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::kind::{Kind, Occasion};

    #[test]
    fn no_part_of_a_message_is_longer_than_somebody_reads() {
        let long = "é ".repeat(1_000_000);
        let now = Timestamp::UNIX_EPOCH;
        let sent = outgoing(&Message {
            id: Uuid::nil(),
            alert_id: Uuid::nil(),
            kind: Kind::RunFailed.as_str().to_owned(),
            occasion: Occasion::Started,
            title: long.clone(),
            body: long.clone(),
            opened_at: now,
            closed_at: None,
            facts: json!({ "reason": long, "run_id": "1" }),
            attempts: 0,
            created_at: now,
            claimed_until: now,
        });
        let lengths =
            [sent.text.title.as_str().len(), sent.text.body.as_str().len(), sent.facts.to_string().len()];
        assert!(lengths.iter().all(|length| *length < 20_000), "{lengths:?}");
        assert_eq!(sent.facts["run_id"], "1");
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let first = Duration::from_secs(30);
        let waits: Vec<u64> = [1, 2, 3, 5, 6, 7, i32::MAX].map(|n| wait(first, n).as_secs()).to_vec();
        assert_eq!(waits, [30, 60, 120, 480, 900, 900, 900]);
        assert_eq!(wait(Duration::ZERO, 3), Duration::ZERO);
    }
}
