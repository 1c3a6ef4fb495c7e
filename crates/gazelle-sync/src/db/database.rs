//! The handle to one account's database, and the interface of the observer that looks at unanswered statements.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::answers::limits::{Limits, Progress};
use super::pool::sent::SentStatement;
use super::pool::{Pool, PoolGroup};

/// The database of one account: a pool of connections and the schema that holds all its tables. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub(super) pool: Pool,
    pub(super) place: PoolGroup,
    pub(super) limits: Limits,
    pub(super) progress: Arc<Progress>,
    pub(super) schema: String,
    /// Whether it is in the embedded server.
    pub(super) is_embedded: bool,
    /// Looks up statements that are not answered at once.
    pub(super) observer: &'static dyn Observe,
}

/// A boxed future: it is rare, and otherwise every statement's future would be as large.
pub(super) type Boxed<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// Looks up statements over another session. A trait, because an observer sends statements itself and so depends on
/// the modules that use it.
pub(super) trait Observe: Send + Sync {
    /// Looks up a statement. Whether Citus distributes the schema is asked once per statement and kept in
    /// `on_citus`.
    fn look<'f>(
        &'f self,
        db: &'f Db,
        sent: &'f SentStatement<'_>,
        on_citus: &'f mut Option<bool>,
    ) -> Boxed<'f, ServerActivity>;

    /// Asks the server to end the session of a statement, if its process is known or its text marked. Sessions aside are left to their
    /// `statement_timeout`.
    fn end_session(&self, db: &Db, sent: &SentStatement<'_>) -> Option<Boxed<'static, ()>>;
}

/// What another session sees of a statement.
#[derive(Debug)]
pub(super) enum ServerActivity {
    /// The server works on it.
    Working,
    /// It waits for a lock.
    Waiting {
        /// Since when, by the server's clock, in UTC; `None` if the server does not show it.
        since: Option<Timestamp>,
        /// Who holds the lock, for messages.
        held_by: String,
    },
    /// The server is not working on this statement, or cannot be reached.
    Nothing(Silence),
    /// It cannot be determined.
    Unknown,
}

/// Why no activity of the server was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Silence {
    /// For messages.
    pub(super) why: String,
    /// Whether the server shows the statement but waits for us: a large statement, or a large answer, may take long
    /// to transfer.
    pub(super) waits_for_us: bool,
}

impl Db {
    /// The schema's name, as given in the settings.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The same database, known to be in the embedded server, which nobody but this account reaches.
    #[must_use]
    pub fn in_embedded_server(self) -> Db {
        Db { is_embedded: true, ..self }
    }

    /// Whether it is in the embedded server.
    pub fn is_embedded(&self) -> bool {
        self.is_embedded
    }

    /// The most connections used at once.
    pub fn most_connections(&self) -> usize {
        self.pool.size()
    }

    /// The same database for short statements that must not wait behind the work, such as the renewal of a lease,
    /// and must not make it wait, such as reading metrics. They use a few places of the pool of their own, and are
    /// given up after five seconds.
    pub fn aside(&self) -> Db {
        // Its own progress: the lease is renewed even while all work hangs.
        Db { place: PoolGroup::Aside, ..self.beside() }
    }

    /// The same database for stored tokens, in places of the pool of their own: refreshing a token holds a
    /// connection while it waits for the API.
    pub fn for_tokens(&self) -> Db {
        Db { place: PoolGroup::Tokens, ..self.beside() }
    }

    /// The same database for the pages of the dashboard, in places of the pool of their own: however many are looked
    /// at, no run waits for them. A statement of theirs ends after three seconds.
    pub fn for_pages(&self) -> Db {
        Db { place: PoolGroup::Pages, ..self.beside() }
    }

    /// The same database, whose answers do not count as progress of the work (see [`Db::since_progress`]).
    pub fn beside(&self) -> Db {
        Db { progress: Arc::new(Progress::new()), ..self.clone() }
    }

    /// How long ago the database last answered a statement of the work, or was seen working on one.
    pub fn since_progress(&self) -> Duration {
        self.progress.last().elapsed()
    }

    /// Closes the pool: idle connections end, and later calls fail.
    pub fn close(&self) {
        self.pool.close();
    }

    /// A statement with `{schema}` filled in as an identifier, and `{schema_text}` as a string literal.
    pub fn sql(&self, template: &str) -> String {
        let sql = template.replace("{schema}", &quote(&self.schema));
        if sql.contains("{schema_text}") {
            return sql.replace("{schema_text}", &format!("'{}'", self.schema.replace('\'', "''")));
        }
        sql
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Quotes an identifier.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
