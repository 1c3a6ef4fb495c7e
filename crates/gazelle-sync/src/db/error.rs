//! What the database said, put into one of three classes, by SQLSTATE alone.

use tokio_postgres::error::SqlState;

/// An error of the database, with what we were doing.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct DbError {
    /// One line for a person: what failed, what the server said, what to do.
    what: String,
    /// Who is to blame.
    pub fault: Fault,
    /// The column, constraint or table the server named, for the quarantine.
    pub named: Option<String>,
    /// The SQLSTATE, where the server answered at all.
    pub state: Option<String>,
    #[source]
    source: Option<tokio_postgres::Error>,
}

/// The classes of database errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The data was refused: a batch is split until the offending record stands alone.
    Record,
    /// Two transactions met: the same transaction may be tried again.
    Conflict,
    /// The database is unreachable, full, read-only, or our SQL is wrong: stop, blame no record.
    Infrastructure,
}

impl DbError {
    /// Wraps an error of a statement. `doing` is its SQL text, of which the first words are named.
    pub fn new(source: tokio_postgres::Error, doing: &str) -> DbError {
        let doing = headline(doing);
        let Some(server) = source.as_db_error() else {
            let why = deepest(&source);
            return DbError {
                what: format!("the database connection failed during {doing}: {why}"),
                fault: Fault::Infrastructure,
                named: None,
                state: None,
                source: Some(source),
            };
        };
        let state = server.code().code().to_owned();
        let fault = fault_of(server.code());
        let named = server
            .column()
            .map(str::to_owned)
            .or_else(|| server.detail().and_then(column_in_detail))
            .or_else(|| server.constraint().map(str::to_owned));
        // The message of a refused value can quote the value: only its class and the column are kept.
        let said = if fault == Fault::Record {
            meaning(server.code()).to_owned()
        } else {
            format!("{}{}", server.message(), advice(server.code()))
        };
        let place = match (server.table(), &named) {
            (Some(table), Some(name)) => format!(" in {table}.{name}"),
            (Some(table), None) => format!(" in {table}"),
            (None, Some(name)) => format!(" in {name}"),
            (None, None) => String::new(),
        };
        DbError {
            what: format!("the database refused {doing}{place}: {said} (SQLSTATE {state})"),
            fault,
            named,
            state: Some(state),
            source: Some(source),
        }
    }

    /// The same error, with what it kept us from put before it.
    pub fn while_doing(mut self, doing: &str) -> DbError {
        self.what = format!("{doing}: {}", self.what);
        self
    }

    /// Wraps an error of the pool.
    pub fn from_pool(error: deadpool_postgres::PoolError) -> DbError {
        match error {
            deadpool_postgres::PoolError::Backend(source) => DbError::new(source, "CONNECT"),
            other => DbError::infrastructure(format!("no database connection: {other}")),
        }
    }

    /// An error of our own making: a precondition that the database does not meet.
    pub fn infrastructure(what: impl Into<String>) -> DbError {
        DbError { what: what.into(), fault: Fault::Infrastructure, named: None, state: None, source: None }
    }
}

/// The one table of who is to blame.
fn fault_of(state: &SqlState) -> Fault {
    match state.code() {
        // serialization failure, deadlock
        "40001" | "40P01" => Fault::Conflict,
        // two rows of one statement claim the same key
        "21000" => Fault::Record,
        // index row too large, too many columns, statement too complex: the data's size
        "54000" | "54001" | "54011" => Fault::Record,
        code => match &code[..2] {
            // data exceptions (bad value, out of range), integrity constraints
            "22" | "23" => Fault::Record,
            _ => Fault::Infrastructure,
        },
    }
}

/// What a refusal of data means, without quoting the data.
fn meaning(state: &SqlState) -> &'static str {
    match state.code() {
        "23502" => "a value is required there",
        "23503" => "the row it refers to is not there",
        "23505" => "the value exists already",
        "22003" => "the number is out of range",
        "22007" | "22008" => "the date or time is out of range",
        "22021" | "22P05" => "the text holds a character that the database cannot",
        "21000" => "two records claim the same row",
        "54000" => "the value is too large for an index",
        _ => "the value does not fit",
    }
}

/// What a person can do about an infrastructure error.
fn advice(state: &SqlState) -> &'static str {
    match state.code() {
        "25006" => "; the database is read-only: connect to the primary, or give the role write access",
        "28000" | "28P01" => "; check user and password in DATABASE_URL",
        "3D000" => "; create the database first, or correct its name in DATABASE_URL",
        "42501" => "; the role in DATABASE_URL lacks this right",
        "42P01" | "42703" => "; is the database migrated? run `gazelle-sync migrate`",
        "53100" => "; the disk is full: make room, then run again (nothing is lost)",
        "53300" => "; too many connections: raise the limit or lower the concurrency",
        "57P01" | "57P02" | "57P03" => "; the server is restarting: run again",
        _ => "",
    }
}

/// `Key (client_external_id)=(…) is not present` names the column.
fn column_in_detail(detail: &str) -> Option<String> {
    let rest = detail.strip_prefix("Key (")?;
    Some(rest[..rest.find(')')?].to_owned())
}

/// The first words of a statement, enough to find it.
fn headline(sql: &str) -> String {
    let text: String =
        sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = text.split_whitespace().take(4).collect();
    words.join(" ").replace("{schema}.", "")
}

/// The innermost cause, which says what happened ("Connection refused").
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
