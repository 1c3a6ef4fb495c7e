//! Waits for the answer to a statement while the server still works on it, and gives up a silent connection.
//!
//! A statement that is not answered at once is looked up over another session, about once a second. If the server
//! works on it, we go on waiting. If it waits for a lock, the log says who holds the lock, and the statement fails
//! after `lock_wait_seconds`. If the server does not know the statement or cannot be reached, the connection counts
//! as silent and the statement fails after the silence limit. So a batch may take as long as it needs, and a
//! connection dropped by a middlebox blocks nobody.

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::{ASIDE_LIMIT, BATCH_TIMEOUT};
use super::watch::{GiveUpReason, Watch, WatchDecision};
use crate::db::database::{Db, ServerActivity};
use crate::db::error::DbError;
use crate::db::pool::PoolGroup;
use crate::db::pool::sent::SentStatement;

/// The longest that a statement outside a transaction may take, even while the server works on it.
const SINGLE_LIMIT: Duration = Duration::from_secs(1800);
/// The same for a statement of a transaction. The server itself ends it at [`BATCH_TIMEOUT`].
const BATCH_LIMIT: Duration = Duration::from_secs(BATCH_TIMEOUT.as_secs() + 60);
/// The interval between two looks at a statement.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The server's error, and the statement that it refused.
type FailedStatement<'s> = (tokio_postgres::Error, &'s str);

/// Waits for the answer to a statement.
///
/// # Errors
/// The server's error; a silent connection; a lock that was not granted in time. After the latter two the session
/// is not used again.
pub(in crate::db) async fn answer<T>(
    db: &Db,
    sent: SentStatement<'_>,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DbError> {
    let template = sent.template;
    answer_each(db, sent, async move { work.await.map_err(|error| (error, template)) }).await
}

/// As [`answer`], for several statements sent together: an error comes with the statement it belongs to.
///
/// # Errors
/// As [`answer`].
pub(in crate::db) async fn answer_each<'s, T>(
    db: &Db,
    sent: SentStatement<'_>,
    work: impl Future<Output = Result<T, FailedStatement<'s>>>,
) -> Result<T, DbError> {
    let waiting = PendingAnswer::begin(db, &sent);
    let mut work = pin!(work);
    let aside = db.place == PoolGroup::Aside;
    let first = if aside { ASIDE_LIMIT } else { db.limits.lock_notice.min(db.limits.silence) };
    let result = match tokio::time::timeout(first, &mut work).await {
        Ok(result) => result,
        Err(_) if aside => return Err(silent(&sent, "no answer to a short question", first)),
        // Boxed: it is rare, and otherwise every statement's future would be as large.
        Err(_) => match Box::pin(watch(db, &sent, first, work)).await {
            Ok(result) => result,
            Err(given_up) => {
                // The other sessions are as old, and may have been dropped with it.
                db.pool.renew();
                if let Some(ending) = db.observer.end_session(db, &sent).filter(|_| given_up.is_seen) {
                    // Await this: the program may exit with this error, and the statement left behind would write
                    // later.
                    ending.await;
                    waiting.ended();
                }
                return Err(given_up.error);
            }
        },
    };
    waiting.answered();
    db.progress.mark();
    result.map_err(|(error, statement)| {
        let error = match sent.unanswered.refusal.words() {
            Some(words) => DbError::too_much(statement, words),
            None => DbError::new(error, statement),
        };
        if error.state.as_deref() == Some("25006") {
            // A session keeps the setting it was started with long after that was reset.
            db.pool.renew();
        }
        error
    })
}

/// A statement that is not answered yet. If it is dropped unanswered, because its caller was cancelled or its
/// connection is silent, the server is asked over another session to end its session. A CancelRequest of the protocol
/// would bring down PgBouncer 1.18.
struct PendingAnswer<'a> {
    db: &'a Db,
    sent: &'a SentStatement<'a>,
    is_answered: bool,
}

impl<'a> PendingAnswer<'a> {
    fn begin(db: &'a Db, sent: &'a SentStatement<'a>) -> PendingAnswer<'a> {
        sent.unanswered.sent();
        PendingAnswer { db, sent, is_answered: false }
    }

    /// Marks the session as ended: no answer will come.
    fn ended(mut self) {
        self.is_answered = true;
    }

    fn answered(mut self) {
        self.sent.unanswered.answered();
        self.is_answered = true;
    }
}

impl Drop for PendingAnswer<'_> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let (Some(ending), Ok(runtime)) =
            (self.db.observer.end_session(self.db, self.sent), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(ending);
    }
}

/// Why we stopped waiting for a statement.
struct WaitError {
    error: DbError,
    /// Whether the server still answers over another connection, and shows this statement in the session.
    is_seen: bool,
}

impl WaitError {
    fn of(why: GiveUpReason, sent: &SentStatement<'_>) -> WaitError {
        match why {
            GiveUpReason::Lock { waited, held_by } => {
                let error = DbError::lock_not_available(format!(
                    "waited {} s for a lock during {}; it is held by {held_by}: end that transaction (commit, roll back, \
                     or SELECT pg_terminate_backend(…)), then run again; nothing is lost",
                    waited.as_secs(),
                    DbError::headline(sent.template)
                ));
                WaitError { error, is_seen: true }
            }
            GiveUpReason::Silent { silence, limit } => {
                WaitError { error: silent(sent, &silence.why, limit), is_seen: silence.waits_for_us }
            }
            GiveUpReason::TooLong { limit } => {
                WaitError { error: silent(sent, "no answer", limit), is_seen: false }
            }
        }
    }
}

/// Looks at a statement repeatedly until it is answered or has failed.
async fn watch<T>(
    db: &Db,
    sent: &SentStatement<'_>,
    waited: Duration,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Result<T, WaitError> {
    let begun = Instant::now().checked_sub(waited).unwrap_or_else(Instant::now);
    let longest = if sent.batch { BATCH_LIMIT } else { SINGLE_LIMIT };
    let mut watch = Watch::new(db.limits, longest, begun);
    let mut on_citus = None;
    loop {
        let looked = Instant::now();
        let seen = tokio::select! {
            biased;
            result = &mut work => return Ok(result),
            seen = db.observer.look(db, sent, &mut on_citus) => seen,
        };
        let now = Instant::now();
        let is_working = matches!(seen, ServerActivity::Working);
        if watch.note_rows(sent.response.count(), now) || is_working {
            db.progress.mark();
        }
        if sent.unanswered.budget.is_waiting() {
            // The delay is ours: we are not reading, for lack of memory.
            watch.note_activity(now);
        }
        let verdict = watch.judge(seen, now);
        if let WatchDecision::Warn { since, held_by } = &verdict {
            let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
            tracing::warn!(
                statement = DbError::headline(sent.template),
                "waiting{since} for a lock that is held by {held_by}; given up after {} s (setting lock_wait_seconds)",
                db.limits.lock_wait.as_secs()
            );
        }
        if let WatchDecision::GiveUp(why) = verdict {
            return Err(WaitError::of(why, sent));
        }
        if let Some(why) = watch.overdue(now) {
            return Err(WaitError::of(why, sent));
        }
        let next = looked + LOOK_EVERY.min(db.limits.silence / 4);
        tokio::select! {
            biased;
            result = &mut work => return Ok(result),
            () = tokio::time::sleep_until(next) => {}
        }
    }
}

fn silent(sent: &SentStatement<'_>, why: &str, limit: Duration) -> DbError {
    DbError::no_answer(format!(
        "the database connection stopped responding during {}: no activity for {} s ({why}); whatever was not committed is \
         rolled back",
        DbError::headline(sent.template),
        limit.as_secs_f64()
    ))
}
