//! Reads the current problems from the database: one function and one statement for each condition.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::kind::{Facts, Finding, Kind};
use super::sign_ins;
use crate::config::Settings;
use crate::credentials::Expiry;
use crate::db::{DbError, Tx};
use crate::drift;
use crate::entities::ENTITIES;
use crate::run_log::kinds::RunOutcome;

/// A longer reason is cut: a message is not the place for it. In characters.
const LONGEST_REASON: usize = 600;
/// The number of interrupted runs in a row that counts as a failed run. A single one may be a restart or a power failure.
const INTERRUPTED_RUNS: i64 = 3;
/// The number of interrupted runs since the last good one from which a run in progress no longer delays the alert `stale`.
const INTERRUPTED_ATTEMPTS: i64 = 2;

/// The limits from which a problem is reported.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Records newly in quarantine within an hour.
    pub errors_an_hour: u32,
    /// Records newly found with an unreadable field within an hour.
    pub unreadable_an_hour: u32,
    /// Minutes without a good run.
    pub stale_after_minutes: u32,
}

impl Limits {
    /// The limits of the settings.
    pub fn of(settings: &Settings) -> Limits {
        Limits {
            errors_an_hour: settings.alert_errors_per_hour,
            unreadable_an_hour: settings.alert_unreadable_per_hour,
            stale_after_minutes: settings.stale_after_minutes,
        }
    }
}

/// Reads all current problems. `now` is the database's time, which also dates runs.
pub(super) async fn read(
    tx: &Tx<'_>,
    limits: Limits,
    expiry: Option<Expiry>,
    now: Timestamp,
) -> Result<Vec<Finding>, DbError> {
    let found = [
        record_errors(tx, limits, now).await?,
        unreadable_fields(tx, limits, now).await?,
        bad_run(tx, now).await?,
        stale(tx, limits, now).await?,
        nothing_fetched(tx, now).await?,
        deletions_withheld(tx).await?,
        credentials_refused(tx, now).await?,
        drift(tx, now).await?,
        sign_ins_refused(tx, now).await?,
        expiry.map(token_expiry),
    ];
    Ok(found.into_iter().flatten().collect())
}

/// Counts records, not attempts: a record that is tried repeatedly, or fails with another error, counts once.
async fn record_errors(tx: &Tx<'_>, limits: Limits, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let since = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::UNIX_EPOCH);
    let rows = tx.query(include_str!("record_errors.sql"), &[(&since, Type::TIMESTAMPTZ)]).await?;
    let counts: Vec<EntityCount> = rows.iter().map(EntityCount::from).collect();
    let count: i64 = counts.iter().map(|of| of.count).sum();
    Ok((count > i64::from(limits.errors_an_hour)).then(|| {
        let facts = [
            ("count", json!(count)),
            ("by_entity", by_entity(&counts)),
            ("limit", json!(limits.errors_an_hour)),
        ];
        finding(Kind::RecordErrors, facts)
    }))
}

/// Counts each record once, however many of its fields cannot be read. Warnings older than an hour do not count.
async fn unreadable_fields(tx: &Tx<'_>, limits: Limits, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let since = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::UNIX_EPOCH);
    let rows = tx.query(include_str!("unreadable_fields.sql"), &[(&since, Type::TIMESTAMPTZ)]).await?;
    let counts: Vec<EntityCount> = rows.iter().map(EntityCount::from).collect();
    let count: i64 = counts.iter().map(|of| of.count).sum();
    Ok((count > i64::from(limits.unreadable_an_hour)).then(|| {
        let columns: Vec<String> = rows.iter().filter_map(|row| row.get("columns")).collect();
        let facts = [
            ("count", json!(count)),
            ("by_entity", by_entity(&counts)),
            ("columns", json!(shortened(&columns.join(", ")))),
            ("limit", json!(limits.unreadable_an_hour)),
        ];
        finding(Kind::UnreadableFields, facts)
    }))
}

/// The newest run that was not successful, unless a later one succeeded with everything that it covered. Interrupted runs
/// count if the last [`INTERRUPTED_RUNS`] were.
async fn bad_run(tx: &Tx<'_>, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let names: Vec<&str> = ENTITIES.iter().map(|entity| entity.name).collect();
    let params = [
        (&names as _, Type::TEXT_ARRAY),
        (&now as _, Type::TIMESTAMPTZ),
        (&INTERRUPTED_RUNS as _, Type::INT8),
    ];
    let rows = tx.query(include_str!("bad_run.sql"), &params).await?;
    Ok(rows.first().map(|row| {
        let (status, mut reason): (String, Option<String>) = (row.get("status"), row.get("reason"));
        let kind = match status.parse() {
            Ok(RunOutcome::Interrupted) => {
                let why = reason.unwrap_or_default();
                reason = Some(format!("the last {} runs: {why}", row.get::<_, i64>("interrupted")));
                Kind::RunFailed
            }
            Ok(RunOutcome::Failed) => Kind::RunFailed,
            _ => Kind::RunPartial,
        };
        let facts = [
            ("run_id", json!(row.get::<_, uuid::Uuid>("run_id").to_string())),
            ("run_at", json!(row.get::<_, Timestamp>("started_at").to_string())),
            ("reason", json!(shortened(&reason.unwrap_or_default()))),
        ];
        finding(kind, facts)
    }))
}

/// Not reported while a run is in progress, unless that run itself takes longer than the limit: after a power
/// failure, the first run solves the problem. Reported also if the runs before it were interrupted
/// ([`INTERRUPTED_ATTEMPTS`]): what is killed each time and started again is always in progress.
async fn stale(tx: &Tx<'_>, limits: Limits, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let names: Vec<&str> = ENTITIES.iter().map(|entity| entity.name).collect();
    let params = [(&names as _, Type::TEXT_ARRAY), (&now as _, Type::TIMESTAMPTZ)];
    let rows = tx.query(include_str!("freshness.sql"), &params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let at = |column: &str| row.get::<_, Option<Timestamp>>(column);
    let (last_good, made, running) = (at("last_good"), at("made"), at("running_since"));
    let limit = SignedDuration::from_mins(i64::from(limits.stale_after_minutes));
    let long_ago = |at: Timestamp| now.duration_since(at) > limit;
    // A database without any good run counts from the creation of its tables.
    let stale = last_good.or(made).is_some_and(long_ago);
    let is_hopeful = row.get::<_, i64>("interrupted") < INTERRUPTED_ATTEMPTS;
    let being_fixed = is_hopeful && running.is_some_and(|since| !long_ago(since));
    Ok((stale && !being_fixed).then(|| {
        let facts = [
            ("last_good_at", json!(last_good.map(|at| at.to_string()))),
            ("limit", json!(limits.stale_after_minutes)),
        ];
        finding(Kind::Stale, facts)
    }))
}

/// A complete walk that found no records where there were some before, or a run that fetched nothing at all.
async fn nothing_fetched(tx: &Tx<'_>, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let rows = tx.query(include_str!("nothing_fetched.sql"), &[(&now, Type::TIMESTAMPTZ)]).await?;
    Ok(rows.first().map(|row| {
        let facts = [
            ("run_at", json!(row.get::<_, Timestamp>("started_at").to_string())),
            ("entities", json!(row.get::<_, String>("entities"))),
        ];
        finding(Kind::NothingFetched, facts)
    }))
}

async fn deletions_withheld(tx: &Tx<'_>) -> Result<Option<Finding>, DbError> {
    let sql = "SELECT entity, count(DISTINCT external_id) AS count FROM {schema}.sync_deletions
                WHERE state = 'withheld' GROUP BY entity ORDER BY entity";
    let rows = tx.query(sql, &[]).await?;
    let counts: Vec<EntityCount> = rows.iter().map(EntityCount::from).collect();
    let count: i64 = counts.iter().map(|of| of.count).sum();
    Ok((count > 0).then(|| {
        finding(Kind::DeletionsWithheld, [("count", json!(count)), ("by_entity", by_entity(&counts))])
    }))
}

/// The last run that sent requests to Gazelle was refused.
async fn credentials_refused(tx: &Tx<'_>, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let rows = tx.query(include_str!("credentials_refused.sql"), &[(&now, Type::TIMESTAMPTZ)]).await?;
    Ok(rows.first().map(|row| {
        finding(
            Kind::CredentialsRefused,
            [("run_at", json!(row.get::<_, Timestamp>("started_at").to_string()))],
        )
    }))
}

/// A schema change is found by one full run, and reported until a later full run finds none.
async fn drift(tx: &Tx<'_>, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let codes: Vec<&str> = drift::CODES.iter().map(|code| code.as_str()).collect();
    let params = [(&codes as _, Type::TEXT_ARRAY), (&now as _, Type::TIMESTAMPTZ)];
    let rows = tx.query(include_str!("drift.sql"), &params).await?;
    Ok(rows.first().map(|row| {
        let facts = [
            ("run_at", json!(row.get::<_, Timestamp>("started_at").to_string())),
            ("count", json!(row.get::<_, i64>("count"))),
            ("changes", json!(shortened(&row.get::<_, String>("changes")))),
        ];
        finding(Kind::Drift, facts)
    }))
}

/// The service that refused them noted their number.
async fn sign_ins_refused(tx: &Tx<'_>, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let count = sign_ins::many(tx, now).await?;
    Ok(count.map(|count| {
        finding(Kind::SignInsRefused, [("count", json!(count)), ("limit", json!(sign_ins::LIMIT))])
    }))
}

/// The only problem that is not read from the database here: tokens may be kept elsewhere.
fn token_expiry(expiry: Expiry) -> Finding {
    let facts = [("token_ends_at", json!(expiry.at.to_string())), ("renewable", json!(expiry.renewable))];
    finding(Kind::TokenEnding, facts)
}

fn finding<const N: usize>(kind: Kind, facts: [(&str, Value); N]) -> Finding {
    let facts: Facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Finding { kind, facts }
}

/// A number of records of one entity.
struct EntityCount {
    entity: String,
    count: i64,
}

impl From<&Row> for EntityCount {
    fn from(row: &Row) -> EntityCount {
        EntityCount { entity: row.get("entity"), count: row.get("count") }
    }
}

/// `appointments 12, clients 3`.
fn by_entity(counts: &[EntityCount]) -> Value {
    let parts: Vec<String> = counts.iter().map(|of| format!("{} {}", of.entity, of.count)).collect();
    json!(parts.join(", "))
}

fn shortened(text: &str) -> String {
    crate::display::shortened(text, LONGEST_REASON).into_owned()
}
