//! Refused attempts to sign in to the dashboard. The service that refuses them counts them in memory and, once there were many
//! within an hour, notes their number in `sync_notes`, of which the alert is made: so every process that evaluates the conditions
//! finds the same. A service that is started again counts from zero; what the one before it noted holds for an hour.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::db::{Db, DbError, Tx};
use crate::lease::Unfenced;
use crate::staging::notes;

/// Key in `sync_notes`: how many attempts were refused within the hour before a time.
const NOTE: &str = "refused_sign_ins";
/// Refused attempts within an hour from which an alert is raised.
pub(super) const LIMIT: u32 = 50;
const HOUR: Duration = Duration::from_secs(3600);
/// Attempts of a minute are counted together, and a number that changes is noted no more often.
const MINUTE: Duration = Duration::from_secs(60);

/// The refused attempts of the last hour.
#[derive(Debug, Default)]
pub struct RefusedSignIns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When a minute began, and how many attempts there were in it; at most one entry for each minute of the last hour.
    minutes: VecDeque<(Instant, u32)>,
    /// The number that was noted last and when, while it is one that raises the alert.
    noted: Option<(u32, Instant)>,
}

/// The value of the note.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    count: u32,
    /// By the database's clock, UTC.
    at: Timestamp,
}

impl State {
    fn count(&mut self, now: Instant) -> u32 {
        while self.minutes.front().is_some_and(|(begun, _)| now.duration_since(*begun) >= HOUR) {
            self.minutes.pop_front();
        }
        self.minutes.iter().fold(0, |all, (_, count)| all.saturating_add(*count))
    }
}

impl RefusedSignIns {
    /// Counts a refused attempt.
    pub fn count(&self) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.minutes.back_mut() {
            Some((begun, count)) if now.duration_since(*begun) < MINUTE => *count = count.saturating_add(1),
            _ => state.minutes.push_back((now, 1)),
        }
        // Forgets what is older than an hour, so that the minutes stay few.
        state.count(now);
    }

    /// Notes the number, if it raises the alert, has changed while the alert is raised, or ends it.
    ///
    /// # Errors
    /// Those of the database. The number is then noted the next time.
    pub async fn note(&self, db: &Db) -> Result<(), DbError> {
        let Some(count) = self.due() else { return Ok(()) };
        let note = Note { count, at: db.now().await? };
        let value = serde_json::to_string(&note).unwrap_or_default();
        notes::store_alone(db, Unfenced::Alerts, NOTE, &value).await?;
        self.noted(count);
        Ok(())
    }

    /// The number to be noted; none if there is nothing new.
    fn due(&self) -> Option<u32> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let count = state.count(now);
        let is_due = match state.noted {
            None => count >= LIMIT,
            Some(_) if count < LIMIT => true,
            Some((noted, at)) => count != noted && now.duration_since(at) >= MINUTE,
        };
        is_due.then_some(count)
    }

    fn noted(&self, count: u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.noted = (count >= LIMIT).then(|| (count, Instant::now()));
    }
}

/// How many attempts were refused within an hour, if they are many; none if they are few or that is longer ago.
pub(super) async fn many(tx: &Tx<'_>, now: Timestamp) -> Result<Option<u32>, DbError> {
    let noted = notes::read_in(tx, NOTE).await?;
    let note: Option<Note> = noted.and_then(|text| serde_json::from_str(&text).ok());
    let holds = |note: &Note| {
        note.count >= LIMIT && now.duration_since(note.at).abs() < SignedDuration::from_hours(1)
    };
    Ok(note.filter(holds).map(|note| note.count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_of_an_hour_are_noted_when_they_are_many_when_they_change_and_when_they_are_few_again() {
        let refused = RefusedSignIns::default();
        (0..49).for_each(|_| refused.count());
        assert_eq!(refused.due(), None);
        tokio::time::advance(MINUTE * 30).await;
        refused.count();
        assert_eq!(refused.due(), Some(50));
        assert_eq!(refused.due(), Some(50), "as long as it is not noted");
        refused.noted(50);
        refused.count();
        assert_eq!(refused.due(), None, "at most once a minute");
        tokio::time::advance(MINUTE).await;
        assert_eq!(refused.due(), Some(51));
        refused.noted(51);
        // The first 49 are an hour ago.
        tokio::time::advance(MINUTE * 29).await;
        assert_eq!(refused.due(), Some(2));
        refused.noted(2);
        assert_eq!(refused.due(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_attempts_there_are_they_take_a_place_for_each_minute() {
        let refused = RefusedSignIns::default();
        for _ in 0..10_000 {
            refused.count();
            tokio::time::advance(Duration::from_secs(7)).await;
        }
        assert!(refused.state.lock().unwrap().minutes.len() <= 61);
        assert!(refused.due().is_some_and(|count| (500..=520).contains(&count)), "{:?}", refused.due());
    }
}
