//! The database of one account, for those that ask it, and what it has to know of whoever looks at a statement that is
//! not answered.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::limits::{Limits, Progress};
use super::pool::{Place, Pool};
use super::sent::Sent;

/// The database of one account: a pool and the schema that holds all its tables. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub(super) pool: Pool,
    pub(super) place: Place,
    pub(super) limits: Limits,
    pub(super) progress: Arc<Progress>,
    pub(super) schema: String,
    /// Looks at statements that are not answered at once.
    pub(super) observer: &'static dyn Observe,
}

/// A future that is boxed: it is rare, and every statement's future would be as large.
pub(super) type Boxed<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// Looks at statements through another session. A trait, since it sends statements of its own, and so stands above those
/// that wait for one.
pub(super) trait Observe: Send + Sync {
    /// Looks at a statement. Whether Citus distributes the schema is asked once a statement, and kept in `on_citus`.
    fn look<'f>(&'f self, db: &'f Db, sent: &'f Sent<'_>, on_citus: &'f mut Option<bool>) -> Boxed<'f, Seen>;

    /// Has the server end the session of a statement, where it is known. What stands aside has a limit of the server's.
    fn end_session(&self, db: &Db, sent: &Sent<'_>) -> Option<Boxed<'static, ()>>;
}

/// What is seen of a statement through another session.
#[derive(Debug)]
pub(super) enum Seen {
    /// The server works on it.
    Working,
    /// It waits for a lock.
    Waiting {
        /// Since when, by the server's clock.
        since: Option<Timestamp>,
        /// Who holds the lock, for people.
        held_by: String,
    },
    /// The server is not at this statement, or not to be reached.
    Nothing(Silence),
    /// It cannot be known.
    Unknown,
}

/// Why no sign of life was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Silence {
    /// For people.
    pub(super) why: String,
    /// Whether the server is at the statement all the same, and waits for us: a large one, or a large answer, may be long on
    /// its way.
    pub(super) waits_for_us: bool,
}

impl Db {
    /// The schema's name, as given in the settings.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The most connections used at once.
    pub fn most_connections(&self) -> usize {
        self.pool.size()
    }

    /// The same database for short statements that must not wait behind the work, such as the renewal of a lease, and
    /// which must not make the work wait, such as the reading of metrics: over few connections beside those of the
    /// work, and given up after five seconds.
    pub fn aside(&self) -> Db {
        // A lease is renewed while all work hangs.
        Db { place: Place::Aside, ..self.beside() }
    }

    /// The same database for stored tokens: refreshing one holds a connection while it waits for the API, beside what
    /// the work may use at once.
    pub fn for_tokens(&self) -> Db {
        Db { place: Place::Tokens, ..self.beside() }
    }

    /// The same database, whose answers do not count as progress of the work: see [`Db::since_progress`].
    pub fn beside(&self) -> Db {
        Db { progress: Arc::new(Progress::new()), ..self.clone() }
    }

    /// How long ago the database answered a statement of the work, or was seen working on one.
    pub fn since_progress(&self) -> Duration {
        self.progress.last().elapsed()
    }

    /// Closes the pool: connections end, later calls fail.
    pub fn close(&self) {
        self.pool.close();
    }

    /// A statement with `{schema}` filled in, as an identifier, and `{schema_text}`, as a text literal.
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
