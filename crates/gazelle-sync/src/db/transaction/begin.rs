//! Composes the message that begins a transaction.

use std::sync::LazyLock;
use std::time::Duration;

use uuid::Uuid;

use crate::db::answers::limits::{ASIDE_TIMEOUT, BATCH_TIMEOUT, PAGE_TIMEOUT};
use crate::db::connection::timeouts::{Timeout, Timeouts};
use crate::db::pool::PoolGroup;

/// What messages call the beginning of a transaction that has no first statement.
pub(super) const BEGIN: &str = "BEGIN";

/// Where names without a schema are looked up until the transaction ends. Not in a schema where others may create:
/// a function there that matches the argument types better than the one of `pg_catalog` would be called, with our
/// rights. Temporary tables come last and contain no functions.
const SEARCH_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// Settings that change how our SQL is read, what its parts do, or how values become text: the owner of the database
/// may set them for every session of it. With the first one off, a backslash in a literal would go missing and a
/// literal could end elsewhere. What else may be set changes none of that (`hostile_settings` in the tests).
const PINNED: [(&str, &str); 10] = [
    // What others have committed before each statement, so that a look behind a lock sees what was waited for.
    ("transaction_isolation", "'read committed'"),
    ("standard_conforming_strings", "on"),
    ("quote_all_identifiers", "off"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("bytea_output", "hex"),
    // The order of day and month stays the session's: nothing of ours writes a date that depends on it.
    ("datestyle", "iso"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "1"),
    ("xmloption", "content"),
];

/// Sets all of these until the transaction ends. They precede everything that depends on them in the same message. Only
/// where its statements and literals end is read with the settings that hold when the message arrives.
pub(super) static SETTINGS: LazyLock<String> = LazyLock::new(|| {
    let pinned = PINNED.iter().map(|(name, value)| format!("; SET LOCAL {name} = {value}"));
    format!("{SEARCH_PATH}{}", pinned.collect::<String>())
});

/// What a transaction with [`Begin::snapshot`] sees.
const SNAPSHOT: &str = "SET LOCAL transaction_isolation = 'repeatable read'";

/// What a transaction with [`Begin::read_only`] may do.
const READ_ONLY: &str = "SET LOCAL transaction_read_only = on";

/// Options of a transaction.
#[derive(Default)]
pub struct Begin<'a> {
    /// Whether it sees the database as of its beginning (REPEATABLE READ).
    pub snapshot: bool,
    /// Whether the server refuses every statement of it that writes.
    pub read_only: bool,
    /// Whether its commit does not wait for the disk (`synchronous_commit = off`). If the server crashes within
    /// about a second, this transaction and those committed after it may be lost, each as a whole. The next commit
    /// that waits for the disk makes all earlier ones durable.
    pub unflushed: bool,
    /// How long it may be idle before the server ends it, unless the session has a shorter limit.
    pub longest_pause: Option<Duration>,
    /// A first statement, which is sent in the same message and so costs no round trip. It has no parameters, and no
    /// literal of it contains a backslash: with `standard_conforming_strings` off, it would end elsewhere.
    pub first: Option<&'a str>,
}

/// The message that begins a transaction with these settings and asks for its server process. The server executes the
/// statements of a message in order, analyses each when its turn comes, and stops at the first one that fails: nothing
/// that follows is executed outside a transaction, or with the session's settings.
///
/// The second column is different each time, so that the message can be found among those that sessions execute. It is
/// a constant of a query, which `pg_stat_statements` leaves out, so that its entries do not become more.
pub(super) fn begun_with(settings: &str) -> String {
    format!("BEGIN; {settings}; SELECT pg_catalog.pg_backend_pid(), '{}'", Uuid::new_v4().simple())
}

impl Begin<'_> {
    /// The message that begins the transaction over such a connection, in a session with these timeouts. `fill` fills
    /// in the schema.
    pub(super) fn message(&self, place: PoolGroup, own: Timeouts, fill: impl Fn(&str) -> String) -> String {
        let ours = match place {
            PoolGroup::Aside => ASIDE_TIMEOUT,
            PoolGroup::Pages => PAGE_TIMEOUT,
            PoolGroup::Work | PoolGroup::Tokens => BATCH_TIMEOUT,
        };
        let mut settings = SETTINGS.clone();
        let mut set = |name: &str, value: &str| settings.extend(["; SET LOCAL ", name, " = ", value]);
        // JIT compilation pays off for reports. Our statements are short, but estimates for tables that are being
        // filled are high enough to trigger it each time.
        set("jit", "off");
        let mut limit = |timeout: Timeout, ours| set(timeout.name(), &own.at_most(timeout, ours).to_string());
        limit(Timeout::Statement, ours);
        if let Some(pause) = self.longest_pause {
            limit(Timeout::IdleInTransaction, pause);
        }
        if self.unflushed {
            set("synchronous_commit", "off");
        }
        if self.snapshot {
            settings.extend(["; ", SNAPSHOT]);
        }
        if self.read_only {
            settings.extend(["; ", READ_ONLY]);
        }
        let mut message = begun_with(&settings);
        if let Some(first) = self.first {
            message.extend(["; ", &fill(first)]);
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_follow_begin_in_one_message_and_precede_what_depends_on_them() {
        let begin = Begin { snapshot: true, first: Some("SELECT 1 FROM {schema}.t"), ..Begin::default() };
        let message = begin.message(PoolGroup::Work, Timeouts::default(), |sql| sql.replace("{schema}", "s"));
        let statements: Vec<&str> = message.split("; ").collect();
        assert_eq!(statements[..2], ["BEGIN", SEARCH_PATH]);
        let [.., snapshot, process, first] = statements[..] else { panic!("{message}") };
        assert_eq!((snapshot, first), (SNAPSHOT, "SELECT 1 FROM s.t"));
        assert!(process.starts_with("SELECT pg_catalog.pg_backend_pid(), '"), "{process}");
        let set = &statements[1..statements.len() - 2];
        assert!(set.len() > PINNED.len() && set.iter().all(|it| it.starts_with("SET LOCAL ")), "{message}");
    }

    #[test]
    fn a_server_shows_the_longest_message_whole_and_no_two_are_the_same() {
        let schema = format!("\"{}\"", "a".repeat(63));
        let message = || {
            let begin = Begin {
                snapshot: true,
                read_only: true,
                unflushed: true,
                longest_pause: Some(Duration::from_secs(86_400)),
                first: Some(
                    "SELECT 1 FROM {schema}.sync_lease WHERE name = 'sync' AND token = 9223372036854775807 FOR KEY SHARE",
                ),
            };
            begin.message(PoolGroup::Work, Timeouts::default(), |sql| sql.replace("{schema}", &schema))
        };
        // The default of track_activity_query_size is 1024, with a zero at the end.
        assert!(message().len() < 1024, "{}", message().len());
        assert_ne!(message(), message());
    }
}
