//! Requests for runs: each is a row in `sync_wanted_runs`.
//!
//! The lease holder owns the requests: they are claimed in a transaction that checks the fence, and a request whose
//! process crashed is free again as soon as the lease is. The outcome of a request is that of its run.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{self, Db, DbError};
use crate::entities::{ENTITIES, Entity};
use crate::lease::{Fence, FencedTx, Unfenced};
use crate::run_log::kinds::{RequestOutcome, RunMode, RunState};
use crate::staging::{removal, written};

/// The table of requests, for messages.
const TABLE: &str = "sync_wanted_runs";
/// A request is given up after this many runs that never ended (because they crash the program).
const TIMES_TAKEN: i32 = 5;
/// Requests that ended are deleted after this long; their runs are not.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A requested run, perhaps for several requests: one run serves all that were made before it began.
#[derive(Debug, Clone)]
pub struct RequestedRun {
    /// The ids of the requests.
    pub ids: Vec<Uuid>,
    /// The mode of the run.
    pub mode: RunMode,
    /// The entities, in the order of [`ENTITIES`].
    pub entities: Vec<&'static Entity>,
}

/// The request to serve next, together with all that ask for the same. Notes the outcome of requests whose run has
/// ended, and refuses invalid ones. If there is nothing to do, it only reads.
///
/// # Errors
/// Those of the database.
pub async fn next(db: &Db) -> Result<Option<RequestedRun>, DbError> {
    let rows = db.query(include_str!("run_requests/open.sql"), &[]).await?;
    let mut wanted: Option<RequestedRun> = None;
    let mut ended = false;
    for row in &rows {
        let (id, mode): (Uuid, RunMode) = (row.get("id"), db::word(row, "mode")?);
        let (names, times): (Option<Vec<Option<String>>>, i32) =
            (row.get("entities"), row.get("times_taken"));
        // Users write these rows; a NULL among the names is not a valid name.
        let names = names.map(|names| names.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>());
        let state: Option<RunState> = db::optional_word(row, "status")?;
        if matches!(state, Some(RunState::Success | RunState::Partial | RunState::Failed)) {
            ended = true;
            continue;
        }
        let entities = match chosen(names.as_deref()) {
            Ok(entities) => entities,
            Err(reason) => {
                refuse(db, id, &reason).await?;
                continue;
            }
        };
        if times >= TIMES_TAKEN {
            refuse(db, id, &format!("its run was begun {times} times and never came to an end")).await?;
            continue;
        }
        match &mut wanted {
            None => wanted = Some(RequestedRun { ids: vec![id], mode, entities }),
            Some(first) if first.mode == mode && same(&first.entities, &entities) => first.ids.push(id),
            Some(_) => {}
        }
    }
    if ended {
        // Not checked, nor is a refusal: one that a trigger suppresses is found again by the next call, and nothing is
        // lost.
        Unfenced::RunRequests.execute(db, include_str!("run_requests/settle.sql"), &[]).await?;
    }
    Ok(wanted)
}

/// Claims requests for a run that is about to begin. Returns how many were still open.
///
/// # Errors
/// Those of the database; a lease that is lost.
pub async fn claim(db: &Db, fence: &Fence, ids: &[Uuid], run_id: Uuid) -> Result<u64, DbError> {
    let claim = async |tx: &FencedTx<'_>| {
        let now = tx.now().await?;
        let free = "SELECT id FROM {schema}.sync_wanted_runs WHERE id = ANY ($1) AND outcome IS NULL FOR UPDATE SKIP LOCKED";
        let rows = tx.query(free, &[(&ids, Type::UUID_ARRAY)]).await?;
        let free: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        let claimed = tx
            .query(
                include_str!("run_requests/claim.sql"),
                &[(&free, Type::UUID_ARRAY), (&run_id, Type::UUID), (&now, Type::TIMESTAMPTZ)],
            )
            .await?;
        let left = written::missing(free, &claimed).len();
        written::check(tx, TABLE, left, "claimed").await?;
        Ok(claimed.len() as u64)
    };
    fence.transaction(db, claim).await
}

/// Requests a run; returns the id of the request, or of an open one for the same.
///
/// # Errors
/// Those of the database.
pub async fn ask(
    db: &Db,
    mode: RunMode,
    entities: Option<&[String]>,
    requested_by: &str,
) -> Result<Uuid, DbError> {
    let now = db.now().await?;
    let id = Uuid::new_v4();
    let rows = Unfenced::RunRequests
        .query(
            db,
            include_str!("run_requests/ask.sql"),
            &[
                (&id, Type::UUID),
                (&mode.as_str(), Type::TEXT),
                (&entities, Type::TEXT_ARRAY),
                (&requested_by, Type::TEXT),
                (&now, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    match rows.first() {
        Some(row) => Ok(row.get(0)),
        None => Err(written::suppressed_aside(db, TABLE, "the request was not stored").await?),
    }
}

/// A request, as the service shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    id: Uuid,
    mode: RunMode,
    entities: Option<Vec<String>>,
    requested_by: String,
    requested_at: Timestamp,
    taken_at: Option<Timestamp>,
    run_id: Option<Uuid>,
    outcome: Option<RequestOutcome>,
    reason: Option<String>,
}

/// The last requests, newest first.
///
/// # Errors
/// Those of the database.
pub async fn last(db: &Db) -> Result<Vec<Request>, DbError> {
    let rows = db.query(include_str!("run_requests/last.sql"), &[]).await?;
    let request = |row: &tokio_postgres::Row| {
        Ok(Request {
            id: row.get("id"),
            mode: db::word(row, "mode")?,
            entities: row.get("entities"),
            requested_by: row.get("requested_by"),
            requested_at: row.get("requested_at"),
            taken_at: row.get("taken_at"),
            run_id: row.get("run_id"),
            outcome: db::optional_word(row, "outcome")?,
            reason: row.get("reason"),
        })
    };
    rows.iter().map(request).collect()
}

/// Deletes requests that ended long ago. Returns what stays although it is old and why, in one sentence; none if nothing
/// does.
///
/// # Errors
/// Those of the database.
pub async fn forget_old(db: &Db) -> Result<Option<String>, DbError> {
    let before = db.now().await?.saturating_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(removal::remove_before(db, TABLE, "ended_at", before).await?.kept_rows_message(TABLE))
}

/// The entities with these names, in their order; all if no names are given.
///
/// # Errors
/// An empty list, or an unknown name.
pub fn chosen(names: Option<&[String]>) -> Result<Vec<&'static Entity>, String> {
    let Some(names) = names else { return Ok(ENTITIES.to_vec()) };
    let known = || ENTITIES.iter().map(|entity| entity.name).collect::<Vec<_>>().join(", ");
    if names.is_empty() || names.iter().any(|name| !ENTITIES.iter().any(|entity| entity.name == name)) {
        return Err(format!("entities must be some of {}, or absent for all", known()));
    }
    Ok(ENTITIES.iter().copied().filter(|entity| names.iter().any(|name| name == entity.name)).collect())
}

async fn refuse(db: &Db, id: Uuid, reason: &str) -> Result<(), DbError> {
    let now = db.now().await?;
    let sql = "UPDATE {schema}.sync_wanted_runs SET outcome = 'refused', reason = $2, ended_at = $3
                WHERE id = $1 AND outcome IS NULL";
    let params = [(&id as _, Type::UUID), (&reason as _, Type::TEXT), (&now as _, Type::TIMESTAMPTZ)];
    Unfenced::RunRequests.execute(db, sql, &params).await?;
    tracing::warn!(reason, "a request for a run was refused");
    Ok(())
}

fn same(one: &[&Entity], two: &[&Entity]) -> bool {
    one.iter().map(|entity| entity.name).eq(two.iter().map(|entity| entity.name))
}
