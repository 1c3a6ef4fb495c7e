//! What the database said, and what is to be done about it; the table of SQLSTATE classes is in `sqlstate`.

use tokio_postgres::error::DbError as ServerError;

use super::headline::headline;
use super::refused::About;
use super::sqlstate::{self, Concern};

/// SQLSTATE of a lock that did not come in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// An error of the database, with what we were doing.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct DbError {
    /// One line for a person: what failed, what the server said, what to do.
    what: String,
    /// Who is to blame.
    pub fault: Fault,
    /// The column, constraint or function that the server named, for the quarantine.
    pub named: Option<String>,
    /// The function of the user's in which it arose, for instance of a trigger.
    pub function: Option<String>,
    /// The SQLSTATE, where the server answered at all.
    pub state: Option<String>,
    /// The answer was longer than any that is taken: fewer records at a time may do.
    pub is_too_much: bool,
    /// What the driver said, for `{:?}` alone. Not a source: what prints the chain of causes would repeat the
    /// message, and with it the server's DETAIL, which quotes values of records.
    #[allow(dead_code, reason = "read by Debug")]
    cause: Option<tokio_postgres::Error>,
}

/// Bytes of a message, and of a name, of the server's that are told. Whoever stands in its place, or writes a trigger, may say more.
const LONGEST_SAID: usize = 4096;
const LONGEST_NAME: usize = 256;
/// Bytes of the server's texts that are kept for `{:?}`.
const LONGEST_CAUSE: usize = 64 * 1024;

/// The classes of database errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The data was refused: a batch is split until the offending record stands alone.
    Record,
    /// Two transactions met: the same transaction may be tried again.
    Conflict,
    /// Another run is in progress on this database.
    Busy,
    /// The database is unreachable, full, read-only, or our SQL is wrong: stop, blame no record.
    Infrastructure,
}

impl DbError {
    /// Wraps an error of a statement. `doing` is its SQL text, of which the first words are named.
    pub fn new(source: tokio_postgres::Error, doing: &str) -> DbError {
        let doing = headline(doing);
        let Some(server) = source.as_db_error() else {
            let why = with_advice(one_line(&deepest(&source)));
            return DbError {
                cause: Some(source),
                ..DbError::infrastructure(format!("the database connection failed during {doing}: {why}"))
            };
        };
        let refusal = Refusal::of(server);
        let is_short = texts_of(server) <= LONGEST_CAUSE;
        DbError {
            what: refusal.text(&doing),
            fault: refusal.fault,
            named: refusal.named,
            function: refusal.function,
            state: Some(refusal.state),
            is_too_much: false,
            cause: is_short.then_some(source),
        }
    }

    /// No server was reached: an error of the network's, or of the address.
    pub(super) fn unconnected(why: &str) -> DbError {
        let why = with_advice(one_line(why));
        DbError::infrastructure(format!("the database connection failed during CONNECT: {why}"))
    }

    /// The connection was given up, since more came, or was announced, than is taken.
    pub(super) fn too_much(doing: &str, why: &str) -> DbError {
        let what = format!("the database connection was given up during {}: {why}", headline(doing));
        DbError { is_too_much: true, ..DbError::infrastructure(what) }
    }

    /// The same error, with what it kept us from put before it.
    pub fn while_doing(mut self, doing: &str) -> DbError {
        self.what = format!("{doing}: {}", self.what);
        self
    }

    /// The server gave no answer in time.
    pub(super) fn no_answer(what: impl Into<String>) -> DbError {
        DbError::infrastructure(what)
    }

    /// The database takes no writes.
    pub(super) fn read_only(what: impl Into<String>) -> DbError {
        DbError { state: Some("25006".to_owned()), ..DbError::infrastructure(what) }
    }

    /// A lock did not come in time.
    pub(super) fn lock_not_available(what: impl Into<String>) -> DbError {
        DbError { state: Some(LOCK_NOT_AVAILABLE.to_owned()), ..DbError::infrastructure(what) }
    }

    /// Whether the server, or the pooler before it, allows no further connection now.
    pub(super) fn is_too_many_connections(&self) -> bool {
        let said = |words| self.what.to_ascii_lowercase().contains(words);
        self.state.as_deref() == Some("53300")
            || said("no more connections allowed")
            || said("max clients reached")
    }

    /// What a statement does, in its first words, for messages.
    pub(super) fn headline(sql: &str) -> String {
        headline(sql)
    }

    /// Another runner holds the lease.
    pub fn busy(what: impl Into<String>) -> DbError {
        DbError { fault: Fault::Busy, ..DbError::infrastructure(what) }
    }

    /// Rows were not written although the database reported no error: a trigger returned NULL, or a rule or a policy keeps us
    /// from them. `suspects` are those of the table, `named` is what the quarantine names.
    pub fn suppressed(table: &str, what: &str, suspects: &[String], named: String) -> DbError {
        let cause = match suspects {
            [] => "a trigger that returns NULL, a rule or a policy keeps us from them".to_owned(),
            some => format!("what can do that without an error is {}", some.join(", ")),
        };
        DbError {
            fault: Fault::Record,
            named: Some(named),
            ..DbError::infrastructure(format!(
                "the database left rows of {table} as they were: {what}; {cause} (gazelle-sync doctor lists what was added \
                 to our tables)"
            ))
        }
    }

    /// An error of our own making: a precondition that the database does not meet.
    pub fn infrastructure(what: impl Into<String>) -> DbError {
        DbError {
            what: what.into(),
            fault: Fault::Infrastructure,
            named: None,
            function: None,
            state: None,
            is_too_much: false,
            cause: None,
        }
    }
}

/// What the server refused, in as much of its words as is told.
struct Refusal {
    state: String,
    fault: Fault,
    table: Option<String>,
    constraint: Option<String>,
    /// The function of the user's in which it arose.
    function: Option<String>,
    /// The column, constraint or function that the server named.
    named: Option<String>,
    /// Why it refused.
    why: String,
}

impl Refusal {
    fn of(server: &ServerError) -> Refusal {
        let state = cut(server.code().code(), LONGEST_NAME);
        let fault = fault_of(sqlstate::concern_of(server), &state);
        let short = |name: Option<String>| name.map(|name| cut(&name, LONGEST_NAME));
        let function = short(sqlstate::function_of(server));
        let About { table, column, constraint } = About::read(server);
        let [table, column, constraint] = [table, column, constraint].map(short);
        // An integrity error that names nothing is what a function raises by itself.
        let is_raised =
            state.starts_with("23") && function.is_some() && column.is_none() && constraint.is_none();
        // The message of a refused value can quote the value: only its class and the column are kept.
        let why = if fault == Fault::Record {
            sqlstate::meaning(if is_raised { "P0001" } else { &state }).to_owned()
        } else if function.is_some() {
            // What a user's function says can quote the row too.
            format!("an error of class {}", sqlstate::class_name(&state))
        } else {
            let advice = sqlstate::advice_in_context(server).unwrap_or_else(|| sqlstate::advice(&state));
            format!("{}{advice}", one_line(server.message()))
        };
        let named = column
            .or_else(|| short(server.detail().and_then(column_in_detail)))
            .or_else(|| constraint.clone())
            .or_else(|| function.clone());
        Refusal { state, fault, table, constraint, function, named, why }
    }

    /// In one line, for people.
    fn text(&self, doing: &str) -> String {
        let place = match (&self.table, &self.named) {
            (Some(table), Some(name)) => format!(" in {table}.{name}"),
            (Some(table), None) => format!(" in {table}"),
            (None, Some(name)) => format!(" in {name}"),
            (None, None) => String::new(),
        };
        // Where a column is named, the constraint or the function tells which of several it was.
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

/// What is done about an error. Of the moment only what another transaction caused is tried again at once.
fn fault_of(concern: Concern, state: &str) -> Fault {
    match concern {
        Concern::Row => Fault::Record,
        Concern::Moment if state.starts_with("40") => Fault::Conflict,
        Concern::Moment | Concern::Database => Fault::Infrastructure,
    }
}

/// What a failed connection means and what to do, where the words of the libraries say neither.
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
        // The words of glibc, musl and macOS all begin so in Rust's standard library.
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

/// Several lines as one, and as much of them as is told.
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

/// A text truncated to this many bytes, with an ellipsis where it was longer.
fn cut(text: &str, most: usize) -> String {
    match text.len() <= most {
        true => text.to_owned(),
        false => format!("{}…", &text[..text.floor_char_boundary(most)]),
    }
}

/// The bytes of all that the driver made texts of.
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
