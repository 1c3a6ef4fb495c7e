//! A pool of the sessions of one database.
//!
//! The pool limits how many callers hold a session at once, in four groups: statements of runs and commands, a few
//! places aside for what must not wait behind them (lease, health, metrics, finding lock holders), a few for
//! stored tokens, and a few for the pages of the dashboard. All groups share the sessions: if the role may open fewer than there are places, callers wait for
//! their turn and nothing fails.

pub(in crate::db) mod sent;
pub(in crate::db) mod session;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::dial::dial;
use super::error::{DbError, Outage};
use super::pool::session::Session;

/// Places for statements aside.
const ASIDE: usize = 2;
/// Places for stored tokens: one to read, one to hold the lock.
const TOKENS: usize = 2;
/// Places for the pages of the dashboard.
const PAGES: usize = 3;
/// Places in addition to those for work.
pub const BESIDE_WORK: usize = ASIDE + TOKENS + PAGES;
/// Longer than any healthy caller holds its session: a caller that waits longer gets an error.
const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// The server counts a session for a moment after it ended: a connection refused for that reason is retried for
/// this long.
const JUST_ENDED: Duration = Duration::from_secs(3);
/// After a refusal, the server is asked for another session after this long.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// The group of places that a caller uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum PoolGroup {
    /// A run or a command.
    Work,
    /// A short statement that must not wait behind the work.
    Aside,
    /// Reading or refreshing stored tokens, for which the work may be waiting.
    Tokens,
    /// Reading what a page of the dashboard shows.
    Pages,
}

/// The pool. Clones share it.
#[derive(Clone)]
pub(in crate::db) struct Pool(Arc<Inner>);

struct Inner {
    config: Config,
    tls: MakeRustlsConnect,
    /// The longest that connecting may take, including name lookup, TLS and login.
    connect_limit: Duration,
    size: usize,
    work: Arc<Semaphore>,
    aside: Arc<Semaphore>,
    tokens: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
    /// Sessions that exist, idle or in use.
    open: AtomicUsize,
    freed: Notify,
    /// Sessions of an earlier generation are not used again.
    generation: AtomicU64,
    closed: AtomicBool,
    session_limit: Mutex<Option<SessionLimit>>,
}

/// How many sessions were open when the server refused one more.
#[derive(Clone, Copy)]
struct SessionLimit {
    sessions: usize,
    refused_at: Instant,
}

impl Pool {
    /// An empty pool; `size` is the number of places for work.
    pub(in crate::db) fn new(
        config: Config,
        tls: MakeRustlsConnect,
        connect_limit: Duration,
        size: usize,
    ) -> Pool {
        Pool(Arc::new(Inner {
            config,
            tls,
            connect_limit,
            size,
            work: Arc::new(Semaphore::new(size)),
            aside: Arc::new(Semaphore::new(ASIDE)),
            tokens: Arc::new(Semaphore::new(TOKENS)),
            pages: Arc::new(Semaphore::new(PAGES)),
            idle: Mutex::default(),
            open: AtomicUsize::new(0),
            freed: Notify::new(),
            generation: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            session_limit: Mutex::new(None),
        }))
    }

    /// The number of places for work.
    pub(in crate::db) fn size(&self) -> usize {
        self.0.size
    }

    /// Whether the URL names several hosts, so that two sessions may be on different servers.
    pub(in crate::db) fn has_several_hosts(&self) -> bool {
        self.0.config.get_hosts().len() > 1
    }

    /// Ends idle sessions; later requests for a session fail.
    pub(in crate::db) fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.work.close();
        self.0.aside.close();
        self.0.tokens.close();
        self.0.pages.close();
        let ended: Vec<Session> = lock(&self.0.idle).drain(..).collect();
        self.0.open.fetch_sub(ended.len(), Ordering::SeqCst);
        self.0.freed.notify_waiters();
    }

    /// Retires every session that exists now: each keeps the settings it was started with.
    pub(in crate::db) fn renew(&self) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns an idle session or opens a new one.
    ///
    /// # Errors
    /// The server cannot be reached or refuses us, the pool is closed, or no session became free within fifteen
    /// minutes.
    pub(in crate::db) async fn get(&self, place: PoolGroup) -> Result<Pooled, DbError> {
        let pool = &self.0;
        let places = match place {
            PoolGroup::Work => &pool.work,
            PoolGroup::Aside => &pool.aside,
            PoolGroup::Tokens => &pool.tokens,
            PoolGroup::Pages => &pool.pages,
        };
        let begun = Instant::now();
        let deadline = begun + LONGEST_WAIT;
        let taken = tokio::time::timeout_at(deadline, places.clone().acquire_owned());
        let place = match taken.await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(closed()),
            Err(_) => return Err(self.none_free()),
        };
        loop {
            // Register before looking, so as not to miss a session that is freed in between.
            let mut freed = std::pin::pin!(pool.freed.notified());
            freed.as_mut().enable();
            if let Some(session) = self.idle_session()? {
                return Ok(Pooled { session: Some(session), pool: self.clone(), _place: place });
            }
            if self.may_open() {
                // Boxed: otherwise the future of every statement would have room for a connection that is being made.
                match Box::pin(self.open_session()).await {
                    Err(error) if error.is_too_many_connections() && self.is_any_open() => {
                        self.refused(&error)
                    }
                    Err(error) if error.is_too_many_connections() && begun.elapsed() < JUST_ENDED => {
                        tokio::time::sleep(JUST_ENDED / 10).await;
                        continue;
                    }
                    opened => {
                        let session = Some(opened?);
                        return Ok(Pooled { session, pool: self.clone(), _place: place });
                    }
                }
            }
            // Look again now and then without a notification: the server may allow more sessions by then.
            let wait = deadline.min(Instant::now() + Duration::from_secs(5));
            if tokio::time::timeout_at(wait, freed).await.is_err() && Instant::now() >= deadline {
                return Err(self.none_free());
            }
        }
    }

    fn idle_session(&self) -> Result<Option<Session>, DbError> {
        let pool = &self.0;
        if pool.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        let generation = pool.generation.load(Ordering::SeqCst);
        let mut idle = lock(&pool.idle);
        // Take the one used last, so that surplus sessions stay idle.
        while let Some(session) = idle.pop() {
            if session.is_usable(generation) {
                return Ok(Some(session));
            }
            pool.open.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(None)
    }

    async fn open_session(&self) -> Result<Session, DbError> {
        let pool = &self.0;
        let generation = pool.generation.load(Ordering::SeqCst);
        let reached = match tokio::time::timeout(pool.connect_limit, dial(&pool.config, &pool.tls)).await {
            Ok(reached) => reached?,
            Err(_) => {
                return Err(DbError::no_answer(format!(
                    "no database connection within {} s: no answer comes from there, or the server is overloaded",
                    pool.connect_limit.as_secs_f64()
                )));
            }
        };
        pool.open.fetch_add(1, Ordering::SeqCst);
        Ok(Session::new(reached, generation))
    }

    fn is_any_open(&self) -> bool {
        self.0.open.load(Ordering::SeqCst) > 0
    }

    /// Whether the server recently allowed fewer sessions than there are places.
    pub(in crate::db) fn is_short(&self) -> bool {
        lock(&self.0.session_limit)
            .is_some_and(|session_limit| session_limit.refused_at.elapsed() < ASK_AGAIN_AFTER)
    }

    fn may_open(&self) -> bool {
        match *lock(&self.0.session_limit) {
            Some(session_limit) if session_limit.refused_at.elapsed() < ASK_AGAIN_AFTER => {
                self.0.open.load(Ordering::SeqCst) < session_limit.sessions
            }
            _ => true,
        }
    }

    /// Notes that the server allows no further session now: the open ones have to do.
    fn refused(&self, error: &DbError) {
        let sessions = self.0.open.load(Ordering::SeqCst).max(1);
        let before =
            lock(&self.0.session_limit).replace(SessionLimit { sessions, refused_at: Instant::now() });
        if before.is_none() {
            tracing::warn!(
                "the server allows {sessions} connection(s) of the {} wanted; going on with these, perhaps more slowly \
                 (setting database_connections): {error}",
                self.0.size + BESIDE_WORK
            );
        }
    }

    fn none_free(&self) -> DbError {
        let what = format!(
            "no database connection became free within {} s ({} open): allow the role more connections",
            LONGEST_WAIT.as_secs(),
            self.0.open.load(Ordering::SeqCst)
        );
        DbError::of_outage(Outage::Slow, what)
    }
}

fn closed() -> DbError {
    DbError::infrastructure("no database connection: the pool is closed")
}

/// A session in use; dropping it returns it to the pool.
pub(in crate::db) struct Pooled {
    session: Option<Session>,
    pool: Pool,
    _place: OwnedSemaphorePermit,
}

impl Pooled {
    /// The session.
    pub(in crate::db) fn session(&mut self) -> Result<&mut Session, DbError> {
        // Only `drop` takes it out.
        self.session.as_mut().ok_or_else(closed)
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let pool = &self.pool.0;
        let Some(session) = self.session.take() else { return };
        let usable = session.is_usable(pool.generation.load(Ordering::SeqCst));
        if usable && !pool.closed.load(Ordering::SeqCst) {
            lock(&pool.idle).push(session);
        } else {
            drop(session);
            pool.open.fetch_sub(1, Ordering::SeqCst);
        }
        pool.freed.notify_one();
    }
}

/// The data stays consistent after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
