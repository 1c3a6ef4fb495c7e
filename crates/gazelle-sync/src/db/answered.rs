//! Waiting for the answer to a statement, for no longer than the server gives a sign of life.
//!
//! A statement that is not answered at once is looked at through another session: the server works on it (then it is
//! waited for), waits for a lock (then it is said who holds it, and the statement fails after a while), or knows nothing
//! of it or is not to be reached (then the connection has fallen silent, and the statement fails). So a batch may take as
//! long as it needs, and a connection that a middlebox dropped holds nobody up.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Row, RowStream, SimpleQueryMessage};

use super::locks::{self, Blocker};
use super::pool::Place;
use super::session::Unanswered;
use super::{Db, DbError, citus};

/// How long the database may keep us waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A statement of which the server gives no sign of life for this long has failed.
    pub silence: Duration,
    /// A statement that waits for a lock for this long is told in the log, with who holds it.
    pub lock_notice: Duration,
    /// A statement that waits for a lock for this long has failed.
    pub lock_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            silence: Duration::from_secs(30),
            lock_notice: Duration::from_secs(5),
            lock_wait: Duration::from_secs(300),
        }
    }
}

/// Statements aside are short: what takes longer is not worth waiting for. The server ends them by itself, just before.
pub(super) const ASIDE_LIMIT: Duration = Duration::from_secs(5);
/// `statement_timeout` of transactions aside.
pub(super) const ASIDE_TIMEOUT: Duration = Duration::from_millis(4500);
/// A statement outside a transaction that takes longer has failed, sign of life or not.
const SINGLE_LIMIT: Duration = Duration::from_secs(1800);
/// The same of a statement of a transaction. The server ends it by itself at [`BATCH_TIMEOUT`].
const BATCH_LIMIT: Duration = Duration::from_secs(BATCH_TIMEOUT.as_secs() + 60);
/// `statement_timeout` of our transactions, where the session has no shorter one.
pub(super) const BATCH_TIMEOUT: Duration = Duration::from_secs(2 * 3600);
/// Factor on the silence limit while the server waits for the rest of the statement, or until we take the rest of the answer.
const SLOW_SENDING: u32 = 4;
/// How often a statement is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the log repeats who is waited for.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A statement on its way.
pub(super) struct Sent<'s> {
    /// Counts what was sent through its session.
    pub unanswered: &'s Unanswered,
    /// What was heard of it so far.
    pub heard: &'s Heard,
    /// Whether it belongs to a transaction, which may be long.
    pub batch: bool,
    /// As it was written, for messages.
    pub template: &'s str,
    /// As it was sent; empty where several were.
    pub sql: &'s str,
}

/// What is heard from the server while a statement, or a transaction, is under way.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The server's process; 0 until it has said so.
    pid: AtomicI32,
    /// Rows that have come.
    rows: AtomicU64,
}

impl Heard {
    /// The server's process, as the transaction's settings ask for it.
    pub(super) fn note_pid(&self, answer: &[SimpleQueryMessage]) {
        let pid = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        self.pid.store(pid.unwrap_or_default(), Ordering::SeqCst);
    }

    fn pid(&self) -> Option<i32> {
        Some(self.pid.load(Ordering::SeqCst)).filter(|pid| *pid != 0)
    }

    /// Collects an answer, row by row: each is a sign of life.
    pub(super) async fn rows(
        &self,
        answer: Result<RowStream, tokio_postgres::Error>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let mut answer = pin!(answer?);
        let mut rows = Vec::new();
        while let Some(row) = answer.try_next().await? {
            self.rows.fetch_add(1, Ordering::Relaxed);
            rows.push(row);
        }
        Ok(rows)
    }
}

/// The server's error, and the statement that it refused.
type Refused<'s> = (tokio_postgres::Error, &'s str);

/// What is seen of a statement through another session.
enum Seen {
    Working,
    Waiting {
        since: Option<Timestamp>,
        held_by: Vec<Blocker>,
    },
    /// The server is not at this statement, or not to be reached; how many times the usual patience that deserves.
    Nothing(String, u32),
    /// It cannot be known.
    Unknown,
}

/// Waits for the answer to a statement.
///
/// # Errors
/// What the server says, or that it fell silent, or that the lock did not come in time. In the latter two cases the
/// session is of no further use.
pub(super) async fn answer<T>(
    db: &Db,
    sent: Sent<'_>,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DbError> {
    let template = sent.template;
    answer_each(db, sent, async move { work.await.map_err(|error| (error, template)) }).await
}

/// As [`answer`], of several statements sent together: an error comes with the one that it is of.
///
/// # Errors
/// As [`answer`].
pub(super) async fn answer_each<'s, T>(
    db: &Db,
    sent: Sent<'_>,
    work: impl Future<Output = Result<T, Refused<'s>>>,
) -> Result<T, DbError> {
    let waiting = Waiting::begin(db, &sent);
    let mut work = pin!(work);
    let aside = db.place == Place::Aside;
    let first = if aside { ASIDE_LIMIT } else { db.limits.lock_notice.min(db.limits.silence) };
    let result = match tokio::time::timeout(first, &mut work).await {
        Ok(result) => result,
        Err(_) if aside => return Err(silent(&sent, "no answer to a short question", first)),
        // Boxed: it is rare, and every statement's future would be as large.
        Err(_) => match Box::pin(watch(db, &sent, first, work)).await {
            Ok(result) => result,
            Err(given_up) => {
                // The others are as old, and were perhaps dropped with it.
                db.pool.renew();
                if let Some(ending) = end_session(db, &sent).filter(|_| given_up.is_seen) {
                    // Waited for, since the program may end with this error, and what is left behind would write later.
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
            // A session keeps the setting that it was started with, long after it was taken back.
            db.pool.renew();
        }
        error
    })
}

/// A statement without an answer. Where nobody waits for it any more, because the work was given up or its connection is
/// silent, the server is asked to end its session. Through another session: a request to cancel, as the protocol has it,
/// brings down PgBouncer 1.18.
struct Waiting<'a> {
    db: &'a Db,
    sent: &'a Sent<'a>,
    is_answered: bool,
}

impl<'a> Waiting<'a> {
    fn begin(db: &'a Db, sent: &'a Sent<'a>) -> Waiting<'a> {
        sent.unanswered.sent();
        Waiting { db, sent, is_answered: false }
    }

    /// Nothing is left to end; the answer stays away.
    fn ended(mut self) {
        self.is_answered = true;
    }

    fn answered(mut self) {
        self.sent.unanswered.answered();
        self.is_answered = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let (Some(ending), Ok(runtime)) =
            (end_session(self.db, self.sent), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(ending);
    }
}

/// Has the server end the session of a statement, where it is known. What stands aside has a limit of the server's.
fn end_session(db: &Db, sent: &Sent<'_>) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let pid = sent.heard.pid().filter(|_| db.place != Place::Aside)?;
    let (aside, sql) = (db.aside(), sent.sql.to_owned());
    Some(Box::pin(async move {
        let params = [(&pid as _, Type::INT4), (&sql as _, Type::TEXT)];
        let asked = aside.query(include_str!("end_session.sql"), &params);
        if let Ok(Err(error)) = tokio::time::timeout(ASIDE_LIMIT, asked).await {
            tracing::debug!(%error, "a session that nobody waits for could not be ended");
        }
    }))
}

/// Why a statement is waited for no longer.
struct GivenUp {
    error: DbError,
    /// Whether the server still answers, over another connection, and is at this statement.
    is_seen: bool,
}

/// Looks at a statement until it is answered, or until it is known that it will not be.
async fn watch<T>(
    db: &Db,
    sent: &Sent<'_>,
    waited: Duration,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Result<T, GivenUp> {
    let begun = Instant::now().checked_sub(waited).unwrap_or_else(Instant::now);
    let limit = if sent.batch { BATCH_LIMIT } else { SINGLE_LIMIT };
    let (mut sign_of_life, mut waiting_since, mut said_at) = (begun, None::<Instant>, None::<Instant>);
    let mut working_seen = false;
    let (mut rows, mut on_citus) = (0, None);
    loop {
        let looked = Instant::now();
        let seen = tokio::select! {
            biased;
            result = &mut work => return Ok(result),
            seen = look(db, sent, &mut on_citus) => seen,
        };
        let rows_now = sent.heard.rows.load(Ordering::Relaxed);
        if rows_now != std::mem::replace(&mut rows, rows_now) {
            sign_of_life = Instant::now();
            db.progress.mark();
        }
        if sent.unanswered.room.is_waiting() {
            // It is we who take no more, for a while.
            sign_of_life = Instant::now();
        }
        match seen {
            Seen::Working => {
                (sign_of_life, waiting_since, working_seen) = (Instant::now(), None, true);
                db.progress.mark();
            }
            Seen::Waiting { since, held_by } => {
                sign_of_life = Instant::now();
                let from = if working_seen { Instant::now() } else { begun };
                let lasting = waiting_since.get_or_insert(from).elapsed();
                let who = locks::names(&held_by);
                let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
                if lasting >= db.limits.lock_wait {
                    let error = DbError::lock_not_available(format!(
                        "waited {} s for a lock during {}; it is held by {who}: end that transaction (commit, roll back, \
                         or SELECT pg_terminate_backend(…)), then run again; nothing is lost",
                        lasting.as_secs(),
                        DbError::headline(sent.template)
                    ));
                    return Err(GivenUp { error, is_seen: true });
                }
                if said_at.is_none_or(|at| at.elapsed() >= SAY_AGAIN_AFTER) {
                    said_at = Some(Instant::now());
                    tracing::warn!(
                        statement = DbError::headline(sent.template),
                        "waiting{since} for a lock that is held by {who}; given up after {} s (setting lock_wait_seconds)",
                        db.limits.lock_wait.as_secs()
                    );
                }
            }
            Seen::Nothing(why, patience) if sign_of_life.elapsed() >= db.limits.silence * patience => {
                let error = silent(sent, &why, db.limits.silence * patience);
                return Err(GivenUp { error, is_seen: patience == SLOW_SENDING });
            }
            Seen::Nothing(..) | Seen::Unknown => {}
        }
        if begun.elapsed() >= limit {
            return Err(GivenUp { error: silent(sent, "no answer", limit), is_seen: false });
        }
        let next = looked + LOOK_EVERY.min(db.limits.silence / 4);
        tokio::select! {
            biased;
            result = &mut work => return Ok(result),
            () = tokio::time::sleep_until(next) => {}
        }
    }
}

fn silent(sent: &Sent<'_>, why: &str, limit: Duration) -> DbError {
    DbError::no_answer(format!(
        "the database connection fell silent during {}: no sign of life for {} s ({why}); whatever was not committed is \
         rolled back",
        DbError::headline(sent.template),
        limit.as_secs_f64()
    ))
}

/// Looks at a statement through another session. Whether Citus distributes the schema is asked once a statement: that
/// may change while a service runs.
async fn look(db: &Db, sent: &Sent<'_>, on_citus: &mut Option<bool>) -> Seen {
    let aside = db.aside();
    let looked = async {
        let on_citus = match *on_citus {
            Some(known) => known,
            None => *on_citus.insert(citus::distributes(&aside).await?),
        };
        let params = [(&sent.heard.pid() as _, Type::INT4), (&sent.sql as _, Type::TEXT)];
        let rows = aside.query(citus::sign_of_life(on_citus), &params).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.get("waits_for_us") {
            // A large statement, and a large answer, may be long on its way.
            let why = match row.get("has_more") {
                true => "the server waits to hand over the rest of the answer",
                false => "the server waits for the rest of it",
            };
            return Ok(Some(Seen::Nothing(why.to_owned(), SLOW_SENDING)));
        }
        if !row.get::<_, bool>("waits_for_lock") {
            return Ok(Some(Seen::Working));
        }
        let held_by = locks::blockers(&aside, row.get("pid"), on_citus).await?;
        Ok::<_, DbError>(Some(Seen::Waiting { since: row.get("waits_since"), held_by }))
    };
    match tokio::time::timeout(ASIDE_LIMIT * 2, looked).await {
        Ok(Ok(Some(seen))) => seen,
        // Neither its process is known nor its text.
        Ok(Ok(None)) if sent.heard.pid().is_none() && sent.sql.is_empty() => Seen::Unknown,
        // Another host would know nothing of it.
        Ok(Ok(None)) if db.pool.has_several_hosts() => Seen::Unknown,
        Ok(Ok(None)) => Seen::Nothing("the server is not working on it".to_owned(), 1),
        // The server answers, and does not let us look.
        Ok(Err(error)) if error.state.is_some() => Seen::Unknown,
        Ok(Err(error)) => Seen::Nothing(format!("another connection fails too: {error}"), 1),
        // A server that grants few connections leaves none to look with.
        Err(_) if db.pool.is_short() => Seen::Unknown,
        Err(_) => Seen::Nothing("another connection gets no answer either".to_owned(), 1),
    }
}

/// When the database last answered a statement of the work, or was seen at it.
#[derive(Debug)]
pub(super) struct Progress(std::sync::Mutex<Instant>);

impl Progress {
    pub(super) fn new() -> Progress {
        Progress(std::sync::Mutex::new(Instant::now()))
    }

    pub(super) fn mark(&self) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
