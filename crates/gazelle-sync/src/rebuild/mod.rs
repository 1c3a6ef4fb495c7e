//! Rebuilds production from staging in scratch tables, compares the two, and applies the difference if wanted.
//!
//! [`replay`], [`undo`] and [`verify`] follow the same steps, each in one transaction with one snapshot:
//!
//! 1. load both sides: production as it is, and its copy, which
//!    [`staging_to_production::rebuild`](crate::staging_to_production::rebuild) makes in scratch tables;
//! 2. compare them: one list of differences, table by table (`comparison`);
//! 3. show that list;
//! 4. decide: a record that could not be rebuilt, or more deletions than the guard allows, stops all of it;
//! 5. apply exactly that list, or nothing.
//!
//! `verify` ends with the third step. After the others, stage 2 processes what the rebuild left to it (`follow_up`). What an
//! action of the dashboard asked for changes no more than it showed (`for_action`).
//!
//! | difference | is | applying it |
//! |---|---|---|
//! | missing | a row that staging gives and production has not | inserts it |
//! | changed | a row that says something else, or is deleted on one side alone | writes the columns that differ |
//! | surplus | a row that production has and staging does not give | removes it |

mod comparison;
mod follow_up;
mod for_action;
pub mod replay;
pub mod undo;
pub mod verify;

use comparison::{Comparison, compare};
pub use comparison::{Detail, Withheld};
pub use for_action::{ForAction, LeasedContext, ShownTable};

use serde::Serialize;
use uuid::Uuid;

use crate::config::Settings;
use crate::db::{CONFLICT_ATTEMPTS, Db, DbError, DbErrorClass, retry_conflicts};
use crate::lease::{Fence, FencedTx};
use crate::run_log::report::RunOutcome;
use crate::staging::quarantine::QuarantinedRecords;
use crate::staging_to_production::difference::TableDifference;

/// What a replay and an undo report alike.
#[derive(Debug, Serialize)]
pub struct RebuildReport {
    /// The id of the replay or undo, which is a run of its own.
    pub run_id: Uuid,
    /// How it ended.
    pub status: RunOutcome,
    /// Why nothing was changed, or would be, or what is not as it should be: one sentence each.
    pub reasons: Vec<String>,
    /// Deletions that were withheld; nothing was changed then.
    pub withheld: Vec<Withheld>,
    /// Whether the difference was only shown.
    pub dry_run: bool,
    /// Records that stage 2 processed again and that are in quarantine. If the database refused them (`partial`),
    /// their rows are not what `tables` says. After an undo, others are there because their newest version that counts
    /// always was, or because their parent is gone.
    pub waiting: Vec<QuarantinedRecords>,
    /// The difference, table by table: `missing` rows are inserted, `surplus` rows are removed.
    pub tables: Vec<TableDifference>,
    /// Rows written or removed.
    pub rows_written: u64,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
}

impl RebuildReport {
    /// What the transaction did; stage 2 and the duration are added later.
    fn new(run_id: Uuid, dry_run: bool, tables: Vec<TableDifference>, result: ApplyResult) -> RebuildReport {
        RebuildReport {
            run_id,
            status: result.status,
            reasons: result.reasons,
            withheld: result.withheld,
            dry_run,
            waiting: Vec::new(),
            tables,
            rows_written: result.applied.map_or(0, |(rows, _)| rows),
            duration_ms: 0,
        }
    }

    /// Whether the transaction was committed.
    fn is_applied(&self) -> bool {
        !self.dry_run && self.status == RunOutcome::Success
    }
}

/// The options that the user chose before the difference was known.
#[derive(Debug, Clone, Copy)]
struct ApplyOptions<'a> {
    /// Show the difference and change nothing.
    dry_run: bool,
    /// Apply it even if it deletes more than the guard allows, or affects rows of users' tables.
    allow_deletions: bool,
    /// Apply no more than was shown for this action.
    action: ForAction<'a>,
}

/// The result of judging and applying a difference.
struct ApplyResult {
    status: RunOutcome,
    /// Why nothing was applied, or would be.
    reasons: Vec<String>,
    /// Deletions that are withheld unless they are allowed.
    withheld: Vec<Withheld>,
    /// Rows written or removed, and whether stage 2 has records to process; none if nothing was applied, and the
    /// transaction is to be rolled back.
    applied: Option<(u64, bool)>,
}

/// The end of the last reason of a command that withholds deletions.
const HOW_TO_ALLOW: &str =
    "; nothing was changed: look at the rows with --dry-run, then repeat with --allow-deletions";

/// What becomes of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// It is shown; nothing is changed.
    Show,
    /// It fails: records could not be rebuilt, and production would lose what it holds of them.
    Refuse,
    /// Nothing is changed until the deletions are allowed.
    Withhold,
    /// All of it is written.
    Apply,
}

/// Step 4. `loses_records`: a record could not be rebuilt; `deletes_too_much`: a guard withholds deletions.
fn decision(options: ApplyOptions<'_>, loses_records: bool, deletes_too_much: bool) -> Decision {
    match (options.dry_run, loses_records, deletes_too_much && !options.allow_deletions) {
        (true, _, _) => Decision::Show,
        (false, true, _) => Decision::Refuse,
        (false, false, true) => Decision::Withhold,
        (false, false, false) => Decision::Apply,
    }
}

/// Steps 4 and 5: applies a difference, unless it is only to be shown or something forbids it.
///
/// # Errors
/// The database's, the refusal of a row as `refused` words it; records that could not be rebuilt.
async fn decide(
    found: &Comparison,
    tx: &FencedTx<'_>,
    settings: &Settings,
    options: ApplyOptions<'_>,
    refused: impl FnOnce(DbError) -> DbError,
) -> Result<ApplyResult, DbError> {
    let (withheld, mut reasons) = found.withheld(tx, settings).await?;
    let refusal = found.refusal();
    let is_withheld = !reasons.is_empty();
    // A page has a button for it.
    if let Some(last) = reasons.last_mut().filter(|_| options.action.id.is_none()) {
        last.push_str(HOW_TO_ALLOW);
    }
    match decision(options, refusal.is_some(), is_withheld) {
        Decision::Show => {
            reasons.extend(refusal);
            return Ok(ApplyResult { status: RunOutcome::Success, reasons, withheld, applied: None });
        }
        Decision::Refuse => return Err(DbError::refused(refusal.unwrap_or_default())),
        Decision::Withhold => {
            return Ok(ApplyResult { status: RunOutcome::Partial, reasons, withheld, applied: None });
        }
        Decision::Apply => {}
    }
    if let Some(more) = options.action.refusal(&found.tables) {
        return Ok(ApplyResult { status: RunOutcome::Partial, reasons: vec![more], withheld, applied: None });
    }
    let applied = found.apply(tx).await.map_err(|error| match error.fault {
        DbErrorClass::Record => refused(error),
        _ => error,
    })?;
    Ok(ApplyResult {
        status: RunOutcome::Success,
        reasons: Vec::new(),
        withheld: Vec::new(),
        applied: Some(applied),
    })
}

/// Executes `work` in one writing transaction with one snapshot, again from the beginning after a conflict with
/// another transaction.
///
/// # Errors
/// Those of `work`; a lease that is lost; conflicts in every attempt, which the error says.
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
        DbErrorClass::Conflict => error.while_doing(&format!(
            "somebody else wrote the same rows during each of {CONFLICT_ATTEMPTS} attempts; nothing was changed, try \
             again later"
        )),
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_written_whole_or_not_at_all() {
        use Decision::{Apply, Refuse, Show, Withhold};
        // Dry run, deletions allowed, records lost, too many deletions.
        for (dry_run, allow_deletions, loses_records, deletes_too_much, expected) in [
            (false, false, false, false, Apply),
            (false, false, false, true, Withhold),
            (false, true, false, true, Apply),
            (false, true, false, false, Apply),
            (false, false, true, false, Refuse),
            (false, false, true, true, Refuse),
            (false, true, true, true, Refuse),
            (true, false, false, false, Show),
            (true, true, true, true, Show),
        ] {
            let options = ApplyOptions { dry_run, allow_deletions, action: ForAction::default() };
            let decided = decision(options, loses_records, deletes_too_much);
            let case = format!("{dry_run} {allow_deletions} {loses_records} {deletes_too_much}");
            assert_eq!(decided, expected, "{case}");
        }
    }
}
