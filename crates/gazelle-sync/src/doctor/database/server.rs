//! Checks the database server: its version, the connection to it, and its connection limits.

use std::time::Duration;

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use tokio_postgres::Row;

use crate::db::{self, Connection, Db, DbError, quote};
use crate::doctor::lines::Lines;
use crate::doctor::subject::Subject;

/// How often two connections are switched to detect a pooler that changes the server connections behind them.
const TRIES: usize = 6;
/// A connection that takes longer counts as refused.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Shorter waits for a lock are not reported.
const LOCK_WAIT: Duration = Duration::from_secs(2);
const MORE: &str = "raise max_connections of the server, the role's CONNECTION LIMIT, or the pooler's pool size; or lower database_connections";

/// Properties of the server and the connection.
struct Server {
    version: String,
    database: String,
    user: String,
    /// Whether this connection is encrypted.
    is_encrypted: bool,
}

impl Server {
    fn of(row: &Row) -> Server {
        Server {
            version: row.get("version"),
            database: row.get("database"),
            user: row.get("user"),
            is_encrypted: row.get("is_encrypted"),
        }
    }
}

pub(in crate::doctor) async fn check(db: &Db, subject: &Subject<'_>) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let rows = db.query(include_str!("server.sql"), &[]).await?;
    let Some(Server { version, database, user, is_encrypted }) = rows.first().map(Server::of) else {
        return Ok(lines);
    };
    let what = if subject.embedded { "the embedded server, " } else { "" };
    lines.ok(
        "database",
        format!("{what}Postgres {version}, database {database}, schema {}, as {user}", db.schema()),
    );
    account(&mut lines, subject);
    writes(&mut lines, db, &database, &user).await?;
    tls(&mut lines, subject, is_encrypted);
    let (mut open, refused) = connections(db).await;
    let wanted = db.most_connections();
    match (open.len(), refused) {
        (got, None) => lines.ok("connections", format!("{got} connections are available")),
        (0, Some(why)) => {
            lines.problem("connections", format!("none of {wanted} at once is to be had: {why}"), MORE)
        }
        (got, Some(_)) => lines.warning(
            "connections",
            format!(
                "{got} of {wanted} connections are available: a run makes do with them, and may be slower"
            ),
            MORE,
        ),
    }
    if open.len() > 1 {
        let said = match is_pooled(&mut open).await {
            true => "a transaction pooler is between: nothing here relies on a session",
            false => "direct, or a pooler that keeps sessions",
        };
        lines.ok("pooler", said);
    }
    drop(open);
    locks(&mut lines, db).await?;
    Ok(lines)
}

/// Checks which other accounts could read the data of the embedded server.
fn account(lines: &mut Lines, subject: &Subject<'_>) {
    let Some(account) = subject.shared_account else { return };
    let folder = subject.settings.data_dir.join("postgres");
    lines.warning(
        "server account",
        format!(
            "the embedded server runs as {account}, as other services may: whatever runs as {account} reads the data and connects"
        ),
        format!(
            "while nothing runs: useradd --system --user-group gazelle-sync && chown -R gazelle-sync: {}",
            folder.display()
        ),
    );
}

/// Reports why the database is read-only, if it is.
async fn writes(lines: &mut Lines, db: &Db, database: &str, user: &str) -> Result<(), DbError> {
    let sql = "SELECT pg_catalog.pg_is_in_recovery() AS is_replica, setting = 'on' AS is_off, source \
                 FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'";
    let rows = db.query(sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let source: String = row.get("source");
    let check = "writes";
    if row.get("is_replica") {
        let said = "the server is a replica, which takes no writes: every sync fails";
        lines.problem(check, said, "name the primary in DATABASE_URL");
    } else if row.get("is_off") {
        let (database, user) = (quote(database), quote(user));
        let reset = match source.as_str() {
            "database" => format!("ALTER DATABASE {database} RESET default_transaction_read_only"),
            "user" => format!("ALTER ROLE {user} RESET default_transaction_read_only"),
            "database user" => {
                format!("ALTER ROLE {user} IN DATABASE {database} RESET default_transaction_read_only")
            }
            _ => "set default_transaction_read_only = off there and reload the server".to_owned(),
        };
        lines.problem(
            check,
            format!("the database takes no writes (default_transaction_read_only = on, by: {source}): every sync fails"),
            format!(
                "free disk space if the disk is full; on Supabase, which does this at 95 % of the disk, make room or enlarge it \
                 as its dashboard says; where a person did it, or it stays on: {reset}"
            ),
        );
    }
    Ok(())
}

/// Checks whether the network could read or change the traffic.
fn tls(lines: &mut Lines, subject: &Subject<'_>, encrypted: bool) {
    let check = "TLS to the database";
    let names_authority = subject.settings.database_ca_file.is_some();
    let route = subject.settings.database_url.as_ref();
    let route = route.and_then(|url| db::route(url.expose_secret(), names_authority));
    let Some(route) = route.filter(|_| !subject.embedded) else {
        return lines.ok(check, "not needed: a socket of this machine");
    };
    let fix = "write ?sslmode=require at the end of DATABASE_URL (on Supabase also GAZELLE_SYNC_DATABASE_CA)";
    match (route.is_local, route.is_protected, encrypted) {
        (true, ..) => lines.ok(check, format!("not needed: {} is this machine", route.host)),
        (false, true, _) => {
            lines.ok(check, format!("demanded of {}, its certificate and name verified", route.host));
        }
        (false, false, true) => lines.warning(
            check,
            format!(
                "encrypted, but a server at {} that offers no encryption, or whose certificate cannot be verified, would be \
                 accepted",
                route.host
            ),
            fix,
        ),
        (false, false, false) => {
            lines.problem(
                check,
                format!("{} is reached without encryption, password included", route.host),
                fix,
            );
        }
    }
}

/// Reports who waits for locks on our tables, and for whom.
async fn locks(lines: &mut Lines, db: &Db) -> Result<(), DbError> {
    let waits = db::lock_waits(db, LOCK_WAIT).await?;
    if waits.is_empty() {
        lines.ok("locks", "no session waits for a lock on our tables");
    }
    for wait in waits {
        lines.problem(
            "locks",
            wait.text(),
            "end the transaction of the session that holds it: commit or roll back there, or SELECT \
             pg_terminate_backend(its number)",
        );
    }
    Ok(())
}

/// Opens as many connections as a run may use; with the first error.
async fn connections(db: &Db) -> (Vec<Connection>, Option<String>) {
    let asked = (0..db.most_connections()).map(|_| async {
        match tokio::time::timeout(TIMEOUT, db.connection()).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no further one within {} s", TIMEOUT.as_secs())),
        }
    });
    let (open, refused): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().partition(Result::is_ok);
    (open.into_iter().filter_map(Result::ok).collect(), refused.into_iter().find_map(Result::err))
}

/// Whether one client connection gets different server connections.
async fn is_pooled(open: &mut [Connection]) -> bool {
    let [first, second, ..] = open else { return false };
    let look = async {
        let mut seen = None;
        for _ in 0..TRIES {
            let one = first.begin().await?;
            let pid = backend(&one).await?;
            if *seen.get_or_insert(pid) != pid {
                return Ok::<_, DbError>(true);
            }
            // While the first is in a transaction, the second must use another server connection.
            let two = second.begin().await?;
            backend(&two).await?;
            one.rollback().await?;
            two.rollback().await?;
        }
        Ok(false)
    };
    matches!(tokio::time::timeout(TIMEOUT, look).await, Ok(Ok(true)))
}

async fn backend(tx: &db::Tx<'_>) -> Result<i32, DbError> {
    let rows = tx.query("SELECT pg_catalog.pg_backend_pid()", &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}
