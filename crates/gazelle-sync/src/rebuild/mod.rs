//! Production built again from staging, beside itself, and what may be made of the difference.
//!
//! [`replay`], [`undo`] and [`verify`] go one way, each in one transaction that sees one snapshot:
//!
//! 1. load both sides: production as it is, and its copy, which
//!    [`staging_to_production::rebuild`](crate::staging_to_production::rebuild) makes in scratch tables;
//! 2. compare them: one list of differences, table by table (`comparison`);
//! 3. show that list;
//! 4. decide: a record that could not be rebuilt, or more deletions than the guard allows, keeps all of it from being applied;
//! 5. apply exactly that list, or nothing.
//!
//! `verify` ends with the third step. Afterwards stage 2 takes up what the rebuild left to it.
//!
//! | difference | is | applying it |
//! |---|---|---|
//! | missing | a row that staging gives and production has not | inserts it |
//! | changed | a row that says something else, or is deleted on one side alone | writes the columns that differ |
//! | surplus | a row that production has and staging does not give | removes it |

mod comparison;
pub mod replay;
pub mod undo;
pub mod verify;

use std::sync::Arc;

use uuid::Uuid;

pub use comparison::Withheld;
use comparison::{Comparison, compare};

use crate::config::Settings;
use crate::db::{CONFLICT_ATTEMPTS, Db, DbError, Fault, retry_conflicts};
use crate::display::Progress;
use crate::entities::Entity;
use crate::lease::{Fence, FencedTx};
use crate::orchestrator::stages;
use crate::run_log::report::Status;
use crate::staging::clock::Clock;
use crate::staging::quarantine::{self, Waiting};
use crate::staging_to_production::Reconciliation;

/// What a person said of a difference before it was known.
#[derive(Debug, Clone, Copy)]
struct Wish {
    /// Show it and change nothing.
    dry_run: bool,
    /// Apply it though more is deleted than the guard allows, or rows of users' tables go with ours.
    allow_deletions: bool,
}

/// What became of a difference.
struct Decided {
    status: Status,
    /// Why nothing was applied, or would be.
    reasons: Vec<String>,
    /// Deletions that wait for a person's decision.
    withheld: Vec<Withheld>,
    /// Rows written or removed, and whether stage 2 has to take up records; none where nothing was applied, and the
    /// transaction is to be rolled back.
    applied: Option<(u64, bool)>,
}

/// Steps 4 and 5: applies a difference, unless a person only wants to see it, or something keeps it from being applied.
///
/// # Errors
/// The database's, as `refused` tells a refusal of a row; records that could not be rebuilt.
async fn decide(
    found: &Comparison,
    tx: &FencedTx<'_>,
    settings: &Settings,
    wish: Wish,
    refused: impl FnOnce(DbError) -> DbError,
) -> Result<Decided, DbError> {
    let (withheld, mut reasons) = found.withheld(tx, settings).await?;
    let refusal = found.refusal();
    if wish.dry_run {
        reasons.extend(refusal);
        return Ok(Decided { status: Status::Success, reasons, withheld, applied: None });
    }
    if let Some(refusal) = refusal {
        return Err(DbError::infrastructure(refusal));
    }
    if !reasons.is_empty() && !wish.allow_deletions {
        return Ok(Decided { status: Status::Partial, reasons, withheld, applied: None });
    }
    let applied = found.apply(tx).await.map_err(|error| match error.fault {
        Fault::Record => refused(error),
        _ => error,
    })?;
    Ok(Decided { status: Status::Success, reasons: Vec::new(), withheld: Vec::new(), applied: Some(applied) })
}

/// Stage 2 after a rebuild was applied.
struct FollowUp<'a> {
    db: &'a Db,
    settings: &'a Settings,
    fence: &'a Fence,
    run_id: Uuid,
    clock: Clock,
    progress: &'a Progress,
}

impl FollowUp<'_> {
    /// Has stage 2 process what the rebuild left to it: it writes that, or says why it cannot. Returns the rows written, and
    /// what waits in quarantine since.
    async fn reconcile(self, entities: &[&'static Entity]) -> Result<(u64, Vec<Waiting>), DbError> {
        let since = self.clock.database_now();
        let reconciliation = Reconciliation {
            db: self.db,
            fence: self.fence,
            run_id: self.run_id,
            batch_size: self.settings.batch_size,
            unread: Arc::default(),
            clock: self.clock,
        };
        let mut rows_written = 0;
        for entity in entities {
            rows_written +=
                stages::reconcile(&reconciliation, entity, None, self.progress).await?.rows_written;
        }
        Ok((rows_written, quarantine::waiting_since(self.db, since).await?))
    }
}

/// Does something in one transaction that sees one snapshot and may write; where another transaction was in the way, it
/// is done again from the beginning.
///
/// # Errors
/// Those of the work; a lease that is lost; other writers that are in the way each time, which says so.
async fn in_one_snapshot<T>(
    db: &Db,
    fence: &Fence,
    work: impl AsyncFn(FencedTx<'_>) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let outcome = retry_conflicts(|| async {
        let mut connection = db.connection().await?;
        work(fence.begin_snapshot(&mut connection).await?).await
    });
    outcome.await.map_err(|error| match error.fault {
        Fault::Conflict => error.while_doing(&format!(
            "somebody else wrote the same rows during each of {CONFLICT_ATTEMPTS} attempts; nothing was changed, try \
             again later"
        )),
        _ => error,
    })
}
