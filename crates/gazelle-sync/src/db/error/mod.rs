//! Database errors: what failed, what the server said, and how callers should react. [`sqlstate`] has the table of
//! SQLSTATE classes.

pub(in crate::db) mod headline;
mod raised;
pub(in crate::db) mod refused;
pub mod sqlstate;

use tokio_postgres::error::DbError as ServerError;

use super::error::headline::{headline, writes_rows};
use super::error::refused::NamedObjects;
use super::error::sqlstate::ErrorScope;

/// SQLSTATE lock_not_available.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// An error that stops work on the database, and what we were doing.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct DbError {
    /// One line for messages: what failed, what the server said, what to do.
    what: String,
    /// How the caller should react.
    pub fault: DbErrorClass,
    /// The column, constraint or function that the server named, for the quarantine case.
    pub named: Option<String>,
    /// The user's function that raised it, such as a trigger's.
    pub function: Option<String>,
    /// The SQLSTATE; `None` if the server did not answer.
    pub state: Option<String>,
    /// The answer exceeded the size limit: the caller may ask for fewer records at a time.
    pub is_too_much: bool,
    /// Why nothing can be read, where we found that out ourselves; [`DbError::outage`] knows the server's reasons too.
    outage: Option<Outage>,
    /// The driver's error, for `{:?}` alone. It is not a `source`: printing the chain of causes would repeat the
    /// message together with the server's DETAIL, which quotes values of records.
    #[allow(dead_code, reason = "read by Debug")]
    cause: Option<tokio_postgres::Error>,
}

/// The most bytes of a server's message, and of a name, that we repeat. An impostor, or a trigger, may send more.
const LONGEST_SAID: usize = 4096;
const LONGEST_NAME: usize = 256;
/// The most bytes of the server's texts that are kept for `{:?}`.
const LONGEST_CAUSE: usize = 64 * 1024;

/// The classes of errors, by how a caller reacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbErrorClass {
    /// A record was refused: the batch is split until that record stands alone.
    Record,
    /// A statement that writes rows failed, and its SQLSTATE does not tell whether a record or the database is the reason: the
    /// batch is split, and whether others are written decides ([`Bisect`](crate::db::Bisect)).
    RecordOrDatabase,
    /// Two transactions conflicted: the same transaction may be retried.
    Conflict,
    /// Another run is in progress on this database.
    Busy,
    /// Another run has taken over the lease: this one stops, and writes nothing more.
    LeaseLost,
    /// The program ends: what was not done yet is left to the next run.
    Stopped,
    /// What was asked for cannot be done as things are: an argument names nothing, or a role, a schema, a setting or the
    /// server is not what the program needs. The message says what to change; trying again changes nothing.
    Refused,
    /// The API failed in a way that stops the run.
    Source,
    /// The database is unreachable, full, read-only, or our SQL is wrong: the run stops, and no record is blamed.
    Infrastructure,
}

/// Why the database cannot be read, as far as people need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// The server cannot be reached, or takes no connection.
    Unreachable,
    /// It answers, but not within the time that the statement was given.
    Slow,
    /// It refuses us a right.
    NoRight,
    /// Its tables are older than this program.
    OlderTables,
    /// Its tables are newer than this program.
    NewerTables,
}

impl DbError {
    /// Wraps an error of a statement. `doing` is its SQL text, which the message summarizes.
    pub fn new(source: tokio_postgres::Error, doing: &str) -> DbError {
        let writes_rows = writes_rows(doing);
        let doing = headline(doing);
        let Some(server) = source.as_db_error() else {
            let why = with_advice(one_line(&deepest(&source)));
            return DbError {
                outage: Some(Outage::Unreachable),
                cause: Some(source),
                ..DbError::infrastructure(format!("the database connection failed during {doing}: {why}"))
            };
        };
        let refusal = ServerRefusal::of(server, writes_rows);
        let is_short = texts_of(server) <= LONGEST_CAUSE;
        DbError {
            what: refusal.text(&doing),
            fault: refusal.fault,
            named: refusal.named,
            function: refusal.function,
            state: Some(refusal.state),
            is_too_much: false,
            outage: None,
            cause: is_short.then_some(source),
        }
    }

    /// No server was reached: a network error, or an unusable address.
    pub(in crate::db) fn unconnected(why: &str) -> DbError {
        let why = with_advice(one_line(why));
        DbError::unreachable(format!("the database connection failed during CONNECT: {why}"))
    }

    /// We closed the connection because it sent, or announced, more than the limit.
    pub(in crate::db) fn too_much(doing: &str, why: &str) -> DbError {
        let what = format!("the database connection was given up during {}: {why}", headline(doing));
        DbError { is_too_much: true, ..DbError::infrastructure(what) }
    }

    /// Whether a record may be the reason: a part of several is split.
    pub fn may_be_a_records(&self) -> bool {
        matches!(self.fault, DbErrorClass::Record | DbErrorClass::RecordOrDatabase)
    }

    /// The same error, prefixed with what we were doing.
    pub fn while_doing(mut self, doing: &str) -> DbError {
        self.what = format!("{doing}: {}", self.what);
        self
    }

    /// The server gave no answer in time.
    pub(in crate::db) fn no_answer(what: impl Into<String>) -> DbError {
        DbError::unreachable(what)
    }

    fn unreachable(what: impl Into<String>) -> DbError {
        DbError { outage: Some(Outage::Unreachable), ..DbError::infrastructure(what) }
    }

    /// Why nothing can be read; none for an error that only concerns the statement.
    pub fn outage(&self) -> Option<Outage> {
        if self.outage.is_some() {
            return self.outage;
        }
        match self.state.as_deref()? {
            // Cancelled by statement_timeout, a lock that was not granted in time.
            "57014" | LOCK_NOT_AVAILABLE => Some(Outage::Slow),
            "42501" => Some(Outage::NoRight),
            // Shut down, starting, no such database, no more connections, no login.
            "57P01" | "57P02" | "57P03" | "57P05" | "3D000" | "53300" | "28000" | "28P01" => {
                Some(Outage::Unreachable)
            }
            state if state.starts_with("08") => Some(Outage::Unreachable),
            _ => None,
        }
    }

    /// Whether a lock was not granted in time.
    pub fn is_lock_not_available(&self) -> bool {
        self.state.as_deref() == Some(LOCK_NOT_AVAILABLE)
    }

    /// Whether the server, or a pooler in front of it, currently refuses further connections.
    pub(in crate::db) fn is_too_many_connections(&self) -> bool {
        let said = |words| self.what.to_ascii_lowercase().contains(words);
        self.state.as_deref() == Some("53300")
            || said("no more connections allowed")
            || said("max clients reached")
    }

    /// A short description of a statement, for messages.
    pub(in crate::db) fn headline(sql: &str) -> String {
        headline(sql)
    }
}

/// The server's refusal, with names and texts truncated.
struct ServerRefusal {
    state: String,
    fault: DbErrorClass,
    table: Option<String>,
    constraint: Option<String>,
    /// The user's function that raised it.
    function: Option<String>,
    /// The column, constraint or function that the server named.
    named: Option<String>,
    /// Why it refused.
    why: String,
}

impl ServerRefusal {
    /// `writes_rows`: whether the statement does.
    fn of(server: &ServerError, writes_rows: bool) -> ServerRefusal {
        let state = cut(server.code().code(), LONGEST_NAME);
        let fault = fault_of(sqlstate::concern_of(server), &state, writes_rows);
        let short = |name: Option<String>| name.map(|name| cut(&name, LONGEST_NAME));
        let function = short(sqlstate::function_of(server));
        let NamedObjects { table, column, constraint } = NamedObjects::read(server);
        let [table, column, constraint] = [table, column, constraint].map(short);
        // An integrity error without a column or constraint was raised by a function itself.
        let is_raised =
            state.starts_with("23") && function.is_some() && column.is_none() && constraint.is_none();
        // The message about a refused value may quote the value: keep only the error's class and the column.
        let why = if fault == DbErrorClass::Record {
            sqlstate::meaning(if is_raised { "P0001" } else { &state }).to_owned()
        } else if function.is_some() {
            // The text that a user's function raises may quote the row, too.
            format!("an error of class {}", sqlstate::class_name(&state))
        } else if writes_rows && sqlstate::may_quote_a_value(server) {
            let advice = sqlstate::advice_in_context(server).unwrap_or_default();
            format!("an error of class {}{advice}", sqlstate::class_name(&state))
        } else {
            let advice = sqlstate::advice_in_context(server).unwrap_or_else(|| sqlstate::advice(&state));
            format!("{}{advice}", one_line(server.message()))
        };
        let named = column
            .or_else(|| short(server.detail().and_then(column_in_detail)))
            .or_else(|| constraint.clone())
            .or_else(|| function.clone());
        ServerRefusal { state, fault, table, constraint, function, named, why }
    }

    /// In one line, for messages.
    fn text(&self, doing: &str) -> String {
        let place = match (&self.table, &self.named) {
            (Some(table), Some(name)) => format!(" in {table}.{name}"),
            (Some(table), None) => format!(" in {table}"),
            (None, Some(name)) => format!(" in {name}"),
            (None, None) => String::new(),
        };
        // If a column is named, the constraint or function says which of its checks failed.
        let by: Vec<String> = [
            self.constraint.as_ref().map(|name| format!("constraint {name}")),
            self.function.as_ref().map(|name| format!("function {name}")),
        ]
        .into_iter()
        .flatten()
        .filter(|by| !by.ends_with(self.named.as_deref().unwrap_or(" ")))
        .collect();
        let by = if by.is_empty() { String::new() } else { format!(", by {}", by.join(", ")) };
        format!("the database refused {doing}{place}: {}{by} (SQLSTATE {})", self.why, self.state)
    }
}

/// The reaction to an error. Of temporary errors only conflicts with another transaction are retried at once.
fn fault_of(concern: ErrorScope, state: &str, writes_rows: bool) -> DbErrorClass {
    match concern {
        ErrorScope::Row => DbErrorClass::Record,
        ErrorScope::RowOrDatabase if writes_rows => DbErrorClass::RecordOrDatabase,
        ErrorScope::Transient if state.starts_with("40") => DbErrorClass::Conflict,
        ErrorScope::Transient | ErrorScope::Database | ErrorScope::RowOrDatabase => {
            DbErrorClass::Infrastructure
        }
    }
}

/// What a failed connection means and what to do, if the libraries' text says neither.
fn with_advice(why: String) -> String {
    let meaning = match why.as_str() {
        why if why.contains("UnknownIssuer")
            || why.contains("CaUsedAsEndEntity")
            || why.contains("BadSignature") =>
        {
            "the server's certificate comes from an authority that is not trusted here: name the authority's PEM file in \
             GAZELLE_SYNC_DATABASE_CA (on Supabase: Project settings, Database, SSL)"
        }
        why if why.contains("not valid for name") || why.contains("NotValidForName") => {
            "the server's certificate is for another name: write the name that it bears into DATABASE_URL"
        }
        why if why.contains("certificate expired") || why.contains("Expired") => {
            "the server's certificate has expired: renew it there, or look at this machine's clock"
        }
        why if why.contains("not valid yet") || why.contains("NotValidYet") => {
            "the server's certificate is not valid yet: have a new one made there, or look at this machine's clock"
        }
        why if why.contains("UnsupportedCertVersion") => {
            "the server's certificate is of an old version (1) that cannot be verified: have a new one made there (of version \
             3, with the server's name in it), or leave out sslmode=verify-… and the certificate file to go on without \
             verification"
        }
        why if why.contains("server does not support TLS") => {
            "the server offers no encryption, which sslmode in DATABASE_URL demands: switch it on there (ssl = on)"
        }
        why if why.contains("Connection refused") || why.contains("No such file or directory") => {
            "nothing listens there: is Postgres running, and are host and port of DATABASE_URL right? Without \
             DATABASE_URL the embedded database is used"
        }
        // Rust's standard library prefixes the texts of glibc, musl and macOS with this.
        why if why.contains("failed to lookup address") => {
            "no such host is known: is the host in DATABASE_URL right, and does this machine reach its name server? \
             Without DATABASE_URL the embedded database is used"
        }
        why if why.contains("timed out")
            || why.contains("unreachable")
            || why.contains("No route to host") =>
        {
            "no answer comes from there: is the host in DATABASE_URL right, and does a firewall let us through?"
        }
        _ => return why,
    };
    format!("{meaning} ({why})")
}

/// `Key (client_external_id)=(…) is not present` names the column.
fn column_in_detail(detail: &str) -> Option<String> {
    let rest = detail.strip_prefix("Key (")?;
    Some(rest[..rest.find(')')?].to_owned())
}

/// Joins several lines into one, truncated to [`LONGEST_SAID`] bytes.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        let blank = if line.is_empty() { "" } else { " " };
        if line.len() + blank.len() + word.len() > LONGEST_SAID {
            let word = &word[..word.floor_char_boundary(LONGEST_SAID - line.len())];
            return format!("{line}{blank}{word}…");
        }
        line.extend([blank, word]);
    }
    line
}

/// A text truncated to this many bytes, with an ellipsis if it was longer.
fn cut(text: &str, most: usize) -> String {
    match text.len() <= most {
        true => text.to_owned(),
        false => format!("{}…", &text[..text.floor_char_boundary(most)]),
    }
}

/// The bytes of all texts that the driver kept of an error.
fn texts_of(server: &ServerError) -> usize {
    let texts = [server.detail(), server.hint(), server.where_(), server.schema(), server.table()];
    let names = [server.column(), server.datatype(), server.constraint(), server.file(), server.routine()];
    let all = texts.into_iter().chain(names).flatten().map(str::len).sum::<usize>();
    all + server.message().len() + server.severity().len()
}

/// The innermost cause, which says what happened ("Connection refused").
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
