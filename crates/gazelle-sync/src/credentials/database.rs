//! Tokens in the database. The lock is the lock of their row, held by a transaction until the new ones are saved: a
//! process that dies in between frees it at once, and one that is paused keeps it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{OnceCell, oneshot};
use tokio_postgres::types::Type;

use super::seal::Key;
use crate::access::owners;
use crate::db::{self, ConnectSettings, Db, DbError, Timeout, Tx};
use crate::source::{TokenLock, TokenStore, TokenStoreError, Tokens, tokens_from_json, tokens_to_json};

/// A refresh lasts seconds; whoever holds the row longer hangs, or its machine is gone, which the database would notice
/// after hours. One that was only slow keeps its tokens in memory and saves them next time.
const LONGEST_LOCK_WAIT: Duration = Duration::from_secs(60);
/// How long a refresh may hold the row.
const LONGEST_REFRESH: Duration = Duration::from_secs(300);
/// SQLSTATE of a lock that did not come in that time.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// SQLSTATE of a table that is not there.
const UNDEFINED_TABLE: &str = "42P01";

/// Keeps tokens in `sync_tokens`, sealed.
#[derive(Clone)]
pub(super) struct DatabaseTokenStore(Arc<Inner>);

struct Inner {
    connect: ConnectSettings,
    key: Key,
    db: OnceCell<Db>,
    /// Set once it is known that the table is nobody's who could have its readers run something.
    checked: OnceCell<()>,
}

/// A row, as it is.
type Row = Option<(Vec<u8>, String)>;

impl DatabaseTokenStore {
    /// Opens nothing yet; `open` is a database that is open already.
    pub fn new(connect: ConnectSettings, open: Option<&Db>, key: Key) -> Self {
        let db = OnceCell::new_with(open.map(Db::for_tokens));
        Self(Arc::new(Inner { connect, key, db, checked: OnceCell::new() }))
    }

    async fn db(&self) -> Result<&Db, TokenStoreError> {
        let open = async || Ok(db::connect(&self.0.connect).await?.for_tokens());
        let opened = self.0.db.get_or_try_init(open).await;
        let db = opened.map_err(|error| self.error(&error))?;
        let checked = self.0.checked.get_or_try_init(|| owners::check(db)).await;
        checked.map_err(|error| self.error(&error))?;
        Ok(db)
    }

    fn open(&self, row: Row) -> Result<Option<Tokens>, TokenStoreError> {
        let Some((sealed, key_name)) = row else { return Ok(None) };
        let key = &self.0.key;
        let wrong = |what: &str, advice: &str| TokenStoreError {
            what: what.to_owned(),
            place: self.place(),
            advice: advice.to_owned(),
        };
        if key_name != key.name() {
            return Err(wrong(
                "tokens sealed with another key",
                "set the GAZELLE_SYNC_TOKEN_KEY they were sealed with, or run `gazelle-sync auth login`",
            ));
        }
        let opened = key.open(&sealed, &self.0.connect.schema).and_then(|plain| tokens_from_json(&plain));
        let damaged = || wrong("tokens that were changed from outside", "run `gazelle-sync auth login`");
        opened.map(Some).ok_or_else(damaged)
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

    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>, TokenStoreError>> {
        Box::pin(async move {
            let sql = "SELECT sealed, key_name FROM {schema}.sync_tokens WHERE name = 'gazelle'";
            let rows = self.db().await?.query(sql, &[]).await.map_err(|error| self.error(&error))?;
            self.open(row_of(&rows))
        })
    }

    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn TokenLock>, TokenStoreError>> {
        Box::pin(async move {
            let db = self.db().await?.clone();
            let (tell_locked, locked) = oneshot::channel();
            let (order, orders) = oneshot::channel();
            // The transaction lives in a task of its own, which ends when the lock is saved, removed or dropped.
            tokio::spawn(hold(db, tell_locked, orders));
            match locked.await {
                Ok(Ok(row)) => {
                    Ok(Box::new(DatabaseLock { store: self.clone(), row, order }) as Box<dyn TokenLock>)
                }
                Ok(Err(error)) => Err(self.error(&error)),
                Err(_) => Err(stopped(self)),
            }
        })
    }
}

// By hand: the connection string may hold a password.
impl fmt::Debug for DatabaseTokenStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DatabaseTokenStore").field("place", &self.place()).finish_non_exhaustive()
    }
}

/// What becomes of the row, and whom to tell.
struct Order {
    row: Row,
    done: oneshot::Sender<Result<(), DbError>>,
}

/// Locks the row, says what it holds, and waits for the one order.
async fn hold(db: Db, tell: oneshot::Sender<Result<Row, DbError>>, orders: oneshot::Receiver<Order>) {
    let mut connection = match db.connection().await {
        Ok(connection) => connection,
        Err(error) => return drop(tell.send(Err(error))),
    };
    let locking = async {
        let tx = connection.begin().await?;
        tx.limit(Timeout::Lock, LONGEST_LOCK_WAIT).await?;
        // Ours, however short the session's own is: ended in between, the token that the API has just rotated would be lost.
        tx.batch(&format!("SET LOCAL idle_in_transaction_session_timeout = {}", LONGEST_REFRESH.as_millis()))
            .await?;
        let sql = "SELECT sealed, key_name FROM {schema}.sync_tokens WHERE name = 'gazelle' FOR UPDATE";
        let row = row_of(&tx.query(sql, &[]).await?);
        Ok::<_, DbError>((tx, row))
    };
    let tx = match locking.await {
        Ok((tx, row)) => {
            if tell.send(Ok(row)).is_err() {
                return;
            }
            tx
        }
        Err(error) => return drop(tell.send(Err(error))),
    };
    // Dropped, the transaction is rolled back.
    let Ok(Order { row, done }) = orders.await else { return };
    let _ = done.send(write(tx, row).await);
}

async fn write(tx: Tx<'_>, row: Row) -> Result<(), DbError> {
    let now = tx.now().await?;
    let now = row.as_ref().map(|_| now);
    let (sealed, key_name) = row.unzip();
    // Not an UPDATE: somebody may have emptied the table.
    tx.execute(
        "INSERT INTO {schema}.sync_tokens (name, sealed, key_name, saved_at) VALUES ('gazelle', $1, $2, $3)
         ON CONFLICT (name) DO UPDATE
            SET sealed = EXCLUDED.sealed, key_name = EXCLUDED.key_name, saved_at = EXCLUDED.saved_at",
        &[(&sealed, Type::BYTEA), (&key_name, Type::TEXT), (&now, Type::TIMESTAMPTZ)],
    )
    .await?;
    tx.commit().await
}

fn row_of(rows: &[tokio_postgres::Row]) -> Row {
    let row = rows.first()?;
    row.get::<_, Option<Vec<u8>>>(0).zip(row.get::<_, Option<String>>(1))
}

struct DatabaseLock {
    store: DatabaseTokenStore,
    row: Row,
    order: oneshot::Sender<Order>,
}

impl DatabaseLock {
    async fn give(self, row: Row) -> Result<(), TokenStoreError> {
        let (done, is_done) = oneshot::channel();
        if self.order.send(Order { row, done }).is_err() {
            return Err(stopped(&self.store));
        }
        match is_done.await {
            Ok(written) => written.map_err(|error| self.store.error(&error)),
            Err(_) => Err(stopped(&self.store)),
        }
    }
}

impl TokenLock for DatabaseLock {
    fn load(&mut self) -> BoxFuture<'_, Result<Option<Tokens>, TokenStoreError>> {
        let opened = self.store.open(self.row.clone());
        Box::pin(async move { opened })
    }

    fn save(self: Box<Self>, tokens: Tokens) -> BoxFuture<'static, Result<(), TokenStoreError>> {
        Box::pin(async move {
            let key = &self.store.0.key;
            let sealed = tokens_to_json(&tokens)
                .ok()
                .and_then(|plain| key.seal(plain, &self.store.0.connect.schema))
                .ok_or_else(|| stopped(&self.store))?;
            let row = Some((sealed, key.name().to_owned()));
            self.give(row).await
        })
    }

    fn remove(self: Box<Self>) -> BoxFuture<'static, Result<bool, TokenStoreError>> {
        Box::pin(async move {
            let there = self.row.is_some();
            self.give(None).await.map(|()| there)
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
