//! Determines what an id means: a run to undo, or an undo to lift.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::staging::notes::whole_since;

/// What an undo does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoOperation {
    /// The versions of this run are withdrawn.
    Undid(Uuid),
    /// The versions of this run count again.
    Lifted {
        /// The run.
        run: Uuid,
        /// The undo that had withdrawn them.
        undo: Uuid,
    },
}

impl UndoOperation {
    /// The run whose versions are withdrawn or restored.
    pub(super) fn run(self) -> Uuid {
        match self {
            UndoOperation::Undid(run) | UndoOperation::Lifted { run, .. } => run,
        }
    }
}

/// A recorded undo.
#[derive(Debug, Clone, Copy)]
struct KnownUndo {
    undo: Uuid,
    /// The run that it undid.
    run: Uuid,
    at: Timestamp,
    /// The run that lifted it; none while it is in force.
    lifted_by: Option<Uuid>,
}

impl From<&Row> for KnownUndo {
    fn from(row: &Row) -> KnownUndo {
        KnownUndo {
            undo: row.get("undo_id"),
            run: row.get("run_id"),
            at: row.get("undone_at"),
            lifted_by: row.get("lifted_by"),
        }
    }
}

/// Determines what an id names: a run to undo, or an undo in force to lift. To undo a lifting is to undo the run
/// again.
///
/// # Errors
/// An id that names nothing that can be undone or lifted; the database's.
pub(super) async fn find_step(db: &Db, id: Uuid, lift: bool) -> Result<UndoOperation, DbError> {
    let rows = db.query(include_str!("undos_of.sql"), &[(&id, Type::UUID)]).await?;
    let known: Vec<KnownUndo> = rows.iter().map(KnownUndo::from).collect();
    if let Some(step) = step_of(id, lift, &known).map_err(DbError::refused)? {
        return Ok(step);
    }
    let runs = db.query("SELECT 1 FROM {schema}.sync_runs WHERE run_id = $1", &[(&id, Type::UUID)]).await?;
    match runs.is_empty() {
        true => Err(DbError::refused(format!(
            "no run has the id {id}; `gazelle-sync status` lists the last ones"
        ))),
        false => Ok(UndoOperation::Undid(id)),
    }
}

/// What an id means, given the undos that name it, the newest first; none for an id that no undo names. The error
/// is a message if there is nothing to undo or to lift.
fn step_of(id: Uuid, lift: bool, known: &[KnownUndo]) -> Result<Option<UndoOperation>, String> {
    let in_force = known.iter().find(|known| known.lifted_by.is_none());
    match (lift, in_force) {
        (true, Some(KnownUndo { undo, run, .. })) => {
            Ok(Some(UndoOperation::Lifted { run: *run, undo: *undo }))
        }
        (true, None) => Err(format!("the run {id} is not undone: there is nothing to lift")),
        (false, Some(KnownUndo { undo, run, .. })) if *undo == id => {
            Ok(Some(UndoOperation::Lifted { run: *run, undo: *undo }))
        }
        (false, Some(KnownUndo { undo, run, at, .. })) => Err(format!(
            "the run {run} is undone already, by {undo} at {at}; `gazelle-sync undo --lift {run}` takes that back"
        )),
        (false, None) => match known.first() {
            Some(KnownUndo { undo, run, lifted_by: Some(lifted_by), .. }) if *undo == id => Err(format!(
                "this undo of the run {run} was lifted already, by {lifted_by}; `gazelle-sync undo {run}` undoes the run again"
            )),
            // The id is the lifting, or the run itself, whose undo has been lifted.
            Some(KnownUndo { run, .. }) => Ok(Some(UndoOperation::Undid(*run))),
            None => Ok(None),
        },
    }
}

/// Refuses to undo a run from before versions were deleted by `retention`: the versions that were current before it
/// may be missing, and its records would be removed instead of being restored.
pub(super) async fn refuse_what_retention_dropped(db: &Db, step: UndoOperation) -> Result<(), DbError> {
    let (UndoOperation::Undid(run), Some(whole)) = (step, whole_since::read(db).await?) else {
        return Ok(());
    };
    let rows = db
        .query("SELECT started_at FROM {schema}.sync_runs WHERE run_id = $1", &[(&run, Type::UUID)])
        .await?;
    match rows.first().map(|row| row.get::<_, Timestamp>(0)) {
        Some(started_at) if started_at < whole => Err(DbError::refused(format!(
            "the run {run} began at {started_at}, and what stood before it is no longer whole: by the setting `retention`, \
             superseded versions from before {whole} were dropped"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_a_run_to_undo_or_an_undo_to_lift() {
        let [run, undo, lifting] = [1, 2, 3].map(Uuid::from_u128);
        let in_force = KnownUndo { undo, run, at: Timestamp::UNIX_EPOCH, lifted_by: None };
        let lifted = KnownUndo { lifted_by: Some(lifting), ..in_force };
        let (undid, lift) = (Some(UndoOperation::Undid(run)), Some(UndoOperation::Lifted { run, undo }));
        for (id, lifts, known, meant) in [
            (run, false, vec![], Ok(None)),
            (run, true, vec![], Err("is not undone: there is nothing to lift")),
            (run, true, vec![in_force], Ok(lift)),
            (undo, true, vec![in_force], Ok(lift)),
            // Undoing an undo is lifting it.
            (undo, false, vec![in_force], Ok(lift)),
            (run, false, vec![in_force], Err("is undone already")),
            (run, false, vec![lifted], Ok(undid)),
            (lifting, false, vec![lifted], Ok(undid)),
            (undo, false, vec![lifted], Err("was lifted already")),
            (run, true, vec![lifted], Err("is not undone: there is nothing to lift")),
            (run, false, vec![in_force, lifted], Err("is undone already")),
        ] {
            let case = format!("{id} {lifts} {known:?}");
            match (step_of(id, lifts, &known), meant) {
                (Ok(step), Ok(meant)) => assert_eq!(step, meant, "{case}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{case}: {message}"),
                (step, meant) => panic!("{case}: {step:?}, expected {meant:?}"),
            }
        }
    }
}
