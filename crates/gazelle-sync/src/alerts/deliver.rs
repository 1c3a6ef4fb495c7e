//! Empties the outbox. Each channel by itself, so that one that hangs holds up no other.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::channels::{Channel, Channels, Letter, SendError};
use super::outbox::{self, LONGEST_WAIT, Message};
use super::words::{Text, Words};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::{self, shortened};
use crate::stop;

/// After this long a pass takes up no further message; the next one does. With the longest sending it is over before a
/// service that is asked to stop is cut off.
const LONGEST_PASS: Duration = Duration::from_secs(5);
/// How often, and how far apart, it is tried to note what became of a message: what is not noted is sent again.
const NOTES: u32 = 20;
const NOTE_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long the database may take for an answer once the end of the program is wished. Longer than a note of one that
/// answers, and short beside what a person waits for: a message that is on its way has a longer time (`service::tick`).
const LAST_PATIENCE: Duration = Duration::from_secs(3);
/// The most characters of a title, of each fact, and of the text of a message.
const LONGEST_FACT: usize = 2_000;
const LONGEST_BODY: usize = 10_000;

/// What a pass came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Messages that were taken.
    pub sent: u64,
    /// Attempts that were not.
    pub failed: u64,
}

/// Sends what is due. A message that is not taken is tried again later: `first_wait` after the first attempt, then
/// twice as long each time, up to a quarter of an hour. Its channel rests until the next pass. Asked to stop, it takes up
/// no further message and waits no longer for a database that is silent.
///
/// Errors: the database's; what was claimed is free again when its claim has run out.
pub async fn deliver(
    db: &Db,
    channels: &Channels,
    first_wait: Duration,
    stop: &CancellationToken,
) -> Result<Delivered, DbError> {
    let due = within(stop, outbox::due_channels(db)).await?;
    let passes = due
        .iter()
        .filter_map(|key| channels.by_key(key))
        .map(|channel| deliver_to(db, channels, channel, first_wait, stop));
    let mut total = Delivered::default();
    for passed in join_all(passes).await {
        let passed = passed?;
        total.sent += passed.sent;
        total.failed += passed.failed;
    }
    Ok(total)
}

async fn deliver_to(
    db: &Db,
    channels: &Channels,
    channel: &Channel,
    first_wait: Duration,
    stop: &CancellationToken,
) -> Result<Delivered, DbError> {
    let begun = Instant::now();
    let mut delivered = Delivered::default();
    while begun.elapsed() < LONGEST_PASS && !stop.is_cancelled() {
        let Some(message) = within(stop, outbox::claim(db, &channel.key())).await? else { break };
        match channels.send(channel, &letter(&message)).await {
            Ok(()) => {
                delivered.sent += 1;
                within(stop, note(db, &message, &Became::Sent)).await?;
            }
            Err(error) => {
                delivered.failed += 1;
                within(stop, note_failed(db, channel, &message, &error, first_wait)).await?;
                break;
            }
        }
    }
    Ok(delivered)
}

/// What the database answers, for which it has [`LAST_PATIENCE`] once the end is wished.
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

/// Notes something of a message that was handed over; a database that restarts just now must neither make us send it
/// again nor keep it claimed. Returns whether it was given up.
async fn note(db: &Db, message: &Message, became: &Became) -> Result<bool, DbError> {
    let mut left = NOTES;
    loop {
        let noted = match became {
            Became::Sent => outbox::sent(db, message).await.map(|()| false),
            Became::Failed { why, wait } => outbox::failed(db, message, why, *wait).await,
        };
        match noted {
            Err(error) if left > 0 => {
                tracing::warn!(%error, "what became of a message could not be noted yet");
                left -= 1;
                tokio::time::sleep(NOTE_AGAIN_AFTER).await;
            }
            noted => return noted,
        }
    }
}

/// What became of a message.
enum Became {
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
    let given_up = note(db, message, &Became::Failed { why: error.to_string(), wait }).await?;
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

/// The wait after so many attempts.
pub(super) fn wait(first: Duration, attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    first.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT)
}

/// A message as it goes out: whatever was written into the outbox, no part of it is longer than somebody reads.
fn letter(message: &Message) -> Letter {
    let mut facts = message.facts.clone();
    display::bounded(&mut facts, LONGEST_FACT);
    Letter {
        id: message.id,
        alert_id: message.alert_id,
        kind: message.kind.clone(),
        occasion: message.occasion.as_str(),
        text: Text::stored(&shortened(&message.title, LONGEST_FACT), &shortened(&message.body, LONGEST_BODY)),
        opened_at: message.opened_at,
        closed_at: message.closed_at,
        facts,
    }
}

/// Sends a test message on a channel, past the outbox: what is said of it is what happened now.
pub async fn send_test(
    settings: &Settings,
    channels: &Channels,
    channel: &Channel,
    now: Timestamp,
) -> Result<(), SendError> {
    let letter = Letter {
        id: Uuid::now_v7(),
        alert_id: Uuid::now_v7(),
        kind: "test".to_owned(),
        occasion: "test",
        text: Words::of(settings).test(now),
        opened_at: now,
        closed_at: None,
        facts: json!({}),
    };
    channels.send(channel, &letter).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_message_is_longer_than_somebody_reads() {
        let long = "é ".repeat(1_000_000);
        let now = Timestamp::UNIX_EPOCH;
        let letter = letter(&Message {
            id: Uuid::nil(),
            alert_id: Uuid::nil(),
            kind: "run_failed".to_owned(),
            occasion: super::super::kind::Occasion::Started,
            title: long.clone(),
            body: long.clone(),
            opened_at: now,
            closed_at: None,
            facts: json!({ "reason": long, "run_id": "1" }),
            attempts: 0,
            created_at: now,
            claimed_until: now,
        });
        let lengths = [
            letter.text.title.as_str().len(),
            letter.text.body.as_str().len(),
            letter.facts.to_string().len(),
        ];
        assert!(lengths.iter().all(|length| *length < 20_000), "{lengths:?}");
        assert_eq!(letter.facts["run_id"], "1");
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let first = Duration::from_secs(30);
        let waits: Vec<u64> = [1, 2, 3, 5, 6, 7, i32::MAX].map(|n| wait(first, n).as_secs()).to_vec();
        assert_eq!(waits, [30, 60, 120, 480, 900, 900, 900]);
        assert_eq!(wait(Duration::ZERO, 3), Duration::ZERO);
    }
}
