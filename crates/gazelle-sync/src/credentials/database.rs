//! Tokens in the database. The lock is the row lock, held by a transaction until the new tokens are saved: it is
//! freed when the process dies, and kept while the process is paused.
//!
//! The newest counter known to this machine is read *before* the row: another process may save newer tokens at any
//! time, and what was remembered before the row was read is then never newer than the row.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{OnceCell, oneshot};
use tokio_postgres::types::Type;

use super::last_seen::LastSeen;
use super::seal::{Binding, Decrypted, Key, SealError};
use crate::access::trust::owners;
use crate::db::{self, ConnectSettings, Db, DbError, Timeout};
use crate::lease::{Unfenced, UnfencedTx};
use crate::source::{
    StoredTokens, TokenLock, TokenStore, TokenStoreError, Tokens, tokens_from_json, tokens_to_json,
};

/// A refresh takes seconds. A process that holds the row longer hangs or its machine is gone, which the database
/// would notice only after hours. A process that was just slow keeps its tokens in memory and saves them later.
const LONGEST_LOCK_WAIT: Duration = Duration::from_secs(60);
/// How long a refresh may hold the row.
const LONGEST_REFRESH: Duration = Duration::from_secs(300);
/// SQLSTATE of a lock that was not granted in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// SQLSTATE of a missing table.
const UNDEFINED_TABLE: &str = "42P01";

/// Stores encrypted tokens in `sync_tokens`.
#[derive(Clone)]
pub(super) struct DatabaseTokenStore(Arc<StoreSettings>);

struct StoreSettings {
    connect: ConnectSettings,
    key: Key,
    client_id: String,
    data_dir: PathBuf,
    db: OnceCell<Db>,
    site: OnceCell<Site>,
}

/// What can be determined only once the database is open.
struct Site {
    database: String,
    last_seen: LastSeen,
}

/// The encrypted tokens and the name of their key, as the row contains them.
type Row = Option<(Vec<u8>, String)>;

impl DatabaseTokenStore {
    /// Opens nothing yet. `open` is a database that is open already, `client_id` the application whose tokens these
    /// are, and `data_dir` where this machine remembers the newest counter.
    pub fn new(
        connect: ConnectSettings,
        open: Option<&Db>,
        key: Key,
        client_id: String,
        data_dir: PathBuf,
    ) -> Self {
        let db = OnceCell::new_with(open.map(Db::for_tokens));
        let site = OnceCell::new();
        Self(Arc::new(StoreSettings { connect, key, client_id, data_dir, db, site }))
    }

    async fn db(&self) -> Result<&Db, TokenStoreError> {
        let open = async || Ok(db::connect(&self.0.connect).await?.for_tokens());
        let opened = self.0.db.get_or_try_init(open).await;
        let db = opened.map_err(|error| self.error(&error))?;
        // Every time, because a service runs for long and needs its tokens rarely.
        let checked = owners::check(db).await;
        checked.map_err(|error| self.error(&error))?;
        Ok(db)
    }

    async fn site(&self) -> Result<&Site, TokenStoreError> {
        let look = async || {
            let rows = self.db().await?.query("SELECT pg_catalog.current_database()::text", &[]).await;
            let rows = rows.map_err(|error| self.error(&error))?;
            let database: String = rows.first().map(|row| row.get(0)).unwrap_or_default();
            let StoreSettings { connect, key, client_id, data_dir, .. } = &*self.0;
            // The name of the server is included: two servers may have databases of the same name, with independent
            // tokens.
            let server = db::route(&connect.url, false).map(|route| route.host).unwrap_or_default();
            let of = [key.name(), &server, &database, &connect.schema, client_id];
            let last_seen = LastSeen::new(data_dir, &of);
            Ok(Site { database, last_seen })
        };
        self.0.site.get_or_try_init(look).await
    }

    /// What our tokens are bound to.
    fn home<'a>(&'a self, site: &'a Site) -> Binding<'a> {
        Binding { database: &site.database, schema: &self.0.connect.schema, client_id: &self.0.client_id }
    }

    /// Decrypts a row. `least` is the counter that was remembered before the row was read; a lower one is refused.
    async fn open(&self, row: Row, least: Option<u64>) -> Result<StoredTokens, TokenStoreError> {
        let Some((sealed, key_name)) = row else { return Ok(StoredTokens::Nothing) };
        let site = self.site().await?;
        if key_name != self.0.key.name() {
            return Err(self.wrong(
                "tokens sealed with another key",
                "set the GAZELLE_SYNC_TOKEN_KEY they were sealed with, or run `gazelle-sync auth login`",
            ));
        }
        let opened = self.0.key.open(&sealed, self.home(site), least);
        let Decrypted { plain, counter } = opened.map_err(|why| self.refused(why))?;
        if counter > least
            && let Some(counter) = counter
        {
            site.last_seen.note(counter).await;
        }
        if plain.is_empty() {
            return Ok(StoredTokens::LoggedOut);
        }
        tokens_from_json(&plain).map(StoredTokens::Tokens).ok_or_else(|| self.refused(SealError::Damaged))
    }

    fn refused(&self, why: SealError) -> TokenStoreError {
        match why {
            SealError::Damaged => {
                self.wrong("tokens that were changed from outside", "run `gazelle-sync auth login`")
            }
            SealError::OtherHome => self.wrong(
                "tokens that were sealed for another database or schema",
                "see who can write sync_tokens, then run `gazelle-sync auth login` (after the database or the schema got \
                 another name, the login alone)",
            ),
            SealError::OtherApplication => self.wrong(
                "tokens of another application",
                "set the GAZELLE_CLIENT_ID they were given to, or run `gazelle-sync auth login`",
            ),
            SealError::Older => self.wrong(
                "tokens that are older than the last ones seen here",
                "see who can write sync_tokens, then run `gazelle-sync auth login` (after a backup was restored, the login \
                 alone)",
            ),
        }
    }

    fn wrong(&self, what: &str, advice: &str) -> TokenStoreError {
        TokenStoreError { what: what.to_owned(), place: self.place(), advice: advice.to_owned() }
    }

    /// The counter for new tokens: higher than every counter known here. It includes the database's clock, so that
    /// it is also higher than those of other machines, of which nothing is known if the row was cleared.
    fn next_counter(&self, site: &Site, locked: &LockedRow, least: Option<u64>) -> u64 {
        let sealed = locked.row.as_ref().map(|(sealed, _)| sealed.as_slice()).unwrap_or_default();
        let in_row = self.0.key.open(sealed, self.home(site), None).ok().and_then(|opened| opened.counter);
        let now = u64::try_from(locked.at.as_microsecond()).unwrap_or(0);
        least.max(in_row).map_or(now, |last| last.saturating_add(1).max(now))
    }

    fn error(&self, error: &DbError) -> TokenStoreError {
        let (what, advice) = match error.state.as_deref() {
            Some(LOCK_NOT_AVAILABLE) => (
                "tokens that another process keeps locked".to_owned(),
                "see whether another gazelle-sync hangs, and end it",
            ),
            Some(UNDEFINED_TABLE) => (
                "no table for tokens".to_owned(),
                "run `gazelle-sync migrate`, then `gazelle-sync auth login`",
            ),
            _ => (format!("no use of the tokens ({error})"), "see that the database answers"),
        };
        TokenStoreError { what, place: self.place(), advice: advice.to_owned() }
    }
}

impl TokenStore for DatabaseTokenStore {
    fn place(&self) -> String {
        format!("the database (schema {})", self.0.connect.schema)
    }

    fn load(&self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>> {
        Box::pin(async move {
            let least = self.site().await?.last_seen.counter().await;
            let sql = "SELECT sealed, key_name FROM {schema}.sync_tokens WHERE name = 'gazelle'";
            let rows = self.db().await?.query(sql, &[]).await.map_err(|error| self.error(&error))?;
            self.open(row_of(&rows), least).await
        })
    }

    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn TokenLock>, TokenStoreError>> {
        Box::pin(async move {
            let db = self.db().await?.clone();
            let least = self.site().await?.last_seen.counter().await;
            let (tell_locked, locked) = oneshot::channel();
            let (order, orders) = oneshot::channel();
            // The transaction runs in its own task, which ends when the lock is saved, removed or dropped.
            tokio::spawn(hold_lock(db, tell_locked, orders));
            match locked.await {
                Ok(Ok(locked)) => {
                    let store = self.clone();
                    Ok(Box::new(DatabaseLock { store, locked, least, order }) as Box<dyn TokenLock>)
                }
                Ok(Err(error)) => Err(self.error(&error)),
                Err(_) => Err(stopped(self)),
            }
        })
    }
}

// By hand, because the connection string may contain a password.
impl fmt::Debug for DatabaseTokenStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DatabaseTokenStore").field("place", &self.place()).finish_non_exhaustive()
    }
}

/// The locked row, and when it was locked, by the database's clock.
struct LockedRow {
    row: Row,
    at: Timestamp,
}

/// The new content of the row, and the channel for the result.
struct SaveOrder {
    row: Row,
    done: oneshot::Sender<Result<(), DbError>>,
}

/// Locks the row, reports its content, and waits for one order.
async fn hold_lock(
    db: Db,
    tell: oneshot::Sender<Result<LockedRow, DbError>>,
    orders: oneshot::Receiver<SaveOrder>,
) {
    let mut connection = match db.connection().await {
        Ok(connection) => connection,
        Err(error) => return drop(tell.send(Err(error))),
    };
    let locking = async {
        let tx = Unfenced::Tokens.begin(&mut connection).await?;
        tx.limit(Timeout::Lock, LONGEST_LOCK_WAIT).await?;
        // Our own limit, even if the session's is shorter: if the transaction ended during the refresh, the token
        // that the API has just rotated would be lost.
        tx.batch(&format!("SET LOCAL idle_in_transaction_session_timeout = {}", LONGEST_REFRESH.as_millis()))
            .await?;
        let sql = "SELECT sealed, key_name FROM {schema}.sync_tokens WHERE name = 'gazelle' FOR UPDATE";
        let row = row_of(&tx.query(sql, &[]).await?);
        let at = tx.now().await?;
        Ok::<_, DbError>((tx, LockedRow { row, at }))
    };
    let tx = match locking.await {
        Ok((tx, locked)) => {
            if tell.send(Ok(locked)).is_err() {
                return;
            }
            tx
        }
        Err(error) => return drop(tell.send(Err(error))),
    };
    // If the lock is dropped, the transaction is rolled back.
    let Ok(SaveOrder { row, done }) = orders.await else { return };
    let _ = done.send(write(tx, row).await);
}

async fn write(tx: UnfencedTx<'_>, row: Row) -> Result<(), DbError> {
    let now = tx.now().await?;
    let now = row.as_ref().map(|_| now);
    let (sealed, key_name) = row.unzip();
    tx.execute(
        include_str!("save_tokens.sql"),
        &[(&sealed, Type::BYTEA), (&key_name, Type::TEXT), (&now, Type::TIMESTAMPTZ)],
    )
    .await?;
    tx.commit().await
}

fn row_of(rows: &[tokio_postgres::Row]) -> Row {
    let row = rows.first()?;
    row.get::<_, Option<Vec<u8>>>("sealed").zip(row.get::<_, Option<String>>("key_name"))
}

struct DatabaseLock {
    store: DatabaseTokenStore,
    locked: LockedRow,
    /// The counter that was remembered before the row was locked.
    least: Option<u64>,
    order: oneshot::Sender<SaveOrder>,
}

impl DatabaseLock {
    async fn seal_and_give(self, plain: Vec<u8>) -> Result<(), TokenStoreError> {
        let Self { store, locked, least, order } = self;
        let site = store.site().await?;
        let key = &store.0.key;
        let counter = store.next_counter(site, &locked, least);
        let sealed = key.seal(plain, store.home(site), counter).ok_or_else(|| stopped(&store))?;
        Self::give(&store, order, Some((sealed, key.name().to_owned()))).await?;
        site.last_seen.note(counter).await;
        Ok(())
    }

    async fn give(
        store: &DatabaseTokenStore,
        order: oneshot::Sender<SaveOrder>,
        row: Row,
    ) -> Result<(), TokenStoreError> {
        let (done, is_done) = oneshot::channel();
        if order.send(SaveOrder { row, done }).is_err() {
            return Err(stopped(store));
        }
        match is_done.await {
            Ok(written) => written.map_err(|error| store.error(&error)),
            Err(_) => Err(stopped(store)),
        }
    }
}

impl TokenLock for DatabaseLock {
    fn load(&mut self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>> {
        Box::pin(async move { self.store.open(self.locked.row.clone(), self.least).await })
    }

    fn save(self: Box<Self>, tokens: Tokens) -> BoxFuture<'static, Result<(), TokenStoreError>> {
        Box::pin(async move {
            let plain = tokens_to_json(&tokens).map_err(|_| stopped(&self.store))?;
            self.seal_and_give(plain).await
        })
    }

    fn remove(self: Box<Self>) -> BoxFuture<'static, Result<bool, TokenStoreError>> {
        Box::pin(async move {
            let before = self.store.open(self.locked.row.clone(), self.least).await;
            // An empty text with a new counter replaces the tokens. So older rows are recognised as older, later
            // tokens continue from this counter on every machine, and processes that still hold the tokens notice
            // the logout.
            self.seal_and_give(Vec::new()).await?;
            Ok(!matches!(before, Ok(StoredTokens::LoggedOut | StoredTokens::Nothing)))
        })
    }
}

fn stopped(store: &DatabaseTokenStore) -> TokenStoreError {
    TokenStoreError {
        what: "the tokens cannot be saved".to_owned(),
        place: store.place(),
        advice: "try again".to_owned(),
    }
}
