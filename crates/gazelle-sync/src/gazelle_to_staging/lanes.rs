//! Staging what a walk receives, in lanes side by side, a transaction a batch.
//!
//! All versions of a record are in the same lane, so that their order holds. Where stage 2 is part of the run,
//! lanes wait until it is their entity's turn and hand it each batch inside the transaction that stages it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::{Fetch, FetchError};
use crate::db::{DbError, Fault};
use crate::display::EntityProgress;
use crate::entities::Entity;
use crate::staging::versions::Received;
use crate::staging::{bookmarks, versions};
use crate::staging_to_production::direct::{self, Direct};
use crate::staging_to_production::{CONFLICT_ATTEMPTS, Ground, lane_of};

/// Transactions side by side: one for each of two processors.
const LANES: usize = 2;
/// Parts of pages that may wait for a lane, so that memory stays bounded.
const PARTS_WAITING: usize = 2;
/// How long records wait for more of them to share their transaction.
const LINGER: Duration = Duration::from_millis(200);

/// Whether stage 2 is at an entity: its parents are in production, and nothing older of it is pending. The sender
/// goes away when stage 2 will not come to it.
pub type Turn = watch::Receiver<bool>;

/// The lanes of a walk. Dropping them ends what is under way, uncommitted.
pub(super) struct Lanes {
    stager: Stager,
    queues: Vec<mpsc::Sender<Vec<Received>>>,
    running: JoinSet<Result<(Direct, Vec<Received>), DbError>>,
}

impl Lanes {
    pub(super) fn open(
        fetch: &Fetch,
        entity: &'static Entity,
        turn: Option<Turn>,
        progress: &EntityProgress,
    ) -> Lanes {
        let ground = Arc::new(Ground::new(fetch.known.clone()));
        let stager = Stager { fetch: fetch.clone(), entity, turn, ground, progress: progress.clone() };
        let mut lanes = Lanes { stager, queues: Vec::new(), running: JoinSet::new() };
        for _ in 0..LANES {
            let (queue, arriving) = mpsc::channel(PARTS_WAITING);
            lanes.running.spawn(run(lanes.stager.clone(), arriving).in_current_span());
            lanes.queues.push(queue);
        }
        lanes
    }

    /// Whether the database held nothing of the entity when the first of this was staged.
    pub(super) fn began_with_nothing(&self) -> bool {
        self.stager.ground.was_bare()
    }

    /// Hands records to their lanes; waits where these have enough to do.
    pub(super) async fn take(&mut self, records: Vec<Received>) -> Result<(), FetchError> {
        let mut parts: Vec<Vec<Received>> = vec![Vec::new(); self.queues.len()];
        for record in records {
            parts[lane_of(&record.external_id, LANES)].push(record);
        }
        for (queue, part) in self.queues.iter().zip(parts) {
            if !part.is_empty() && queue.send(part).await.is_err() {
                // The lane has ended by an error, which its end tells.
                self.queues.clear();
                self.last_of_each().await?;
                break;
            }
        }
        Ok(())
    }

    /// Stages all that was taken. The last of it is staged in one transaction, and if the walk was complete the
    /// bookmark moves in the same one, to when the walk started.
    pub(super) async fn finish(mut self, bookmark: Option<(Timestamp, &str)>) -> Result<Direct, FetchError> {
        self.queues.clear();
        let (mut done, rest) = self.last_of_each().await?;
        if !rest.is_empty() || bookmark.is_some() {
            done += self.stager.stage(&rest, bookmark).await?;
        }
        Ok(done)
    }

    /// Waits for the ends of the lanes: what they did, and what they were left with.
    async fn last_of_each(&mut self) -> Result<(Direct, Vec<Received>), FetchError> {
        let (mut done, mut rest) = (Direct::default(), Vec::new());
        while let Some(joined) = self.running.join_next().await {
            match joined {
                Ok(end) => {
                    let (of_lane, left) = end?;
                    done += of_lane;
                    rest.extend(left);
                }
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        Ok((done, rest))
    }
}

/// One lane, until nothing more arrives: what it did, and the records that fill no batch.
async fn run(
    mut stager: Stager,
    mut arriving: mpsc::Receiver<Vec<Received>>,
) -> Result<(Direct, Vec<Received>), DbError> {
    let batch = (stager.fetch.batch_size / LANES).max(1);
    let mut done = Direct::default();
    let mut waiting: Vec<Received> = Vec::new();
    loop {
        if waiting.is_empty() {
            match arriving.recv().await {
                Some(records) => waiting = records,
                None => return Ok((done, waiting)),
            }
        }
        let linger = tokio::time::sleep(LINGER);
        tokio::pin!(linger);
        while waiting.len() < batch {
            tokio::select! {
                more = arriving.recv() => match more {
                    Some(records) => waiting.extend(records),
                    None => return Ok((done, waiting)),
                },
                () = &mut linger => break,
            }
        }
        let rest = waiting.split_off(waiting.len().min(batch));
        done += stager.stage(&waiting, None).await?;
        waiting = rest;
    }
}

/// How a batch is staged, from the fastest way to the one that never fails by a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With stage 2, and without a question where the walk began with nothing.
    AskingNothing,
    /// With stage 2.
    Asking,
    /// As pending: stage 2 comes later.
    Pending,
}

/// Stages batches, each in a transaction.
#[derive(Clone)]
struct Stager {
    fetch: Fetch,
    entity: &'static Entity,
    turn: Option<Turn>,
    ground: Arc<Ground>,
    progress: EntityProgress,
}

impl Stager {
    /// Stages a batch; reconciled at once where stage 2 is there and the database refuses none of it.
    async fn stage(
        &mut self,
        batch: &[Received],
        bookmark: Option<(Timestamp, &str)>,
    ) -> Result<Direct, DbError> {
        let with_stage_two = match &mut self.turn {
            Some(turn) => turn.wait_for(|is_ours| *is_ours).await.is_ok(),
            None => false,
        };
        let mut way = if with_stage_two { Way::AskingNothing } else { Way::Pending };
        let mut conflicts = 0;
        let done = loop {
            match self.transaction(batch, bookmark, way).await {
                Err(DbError { fault: Fault::Conflict, .. }) if conflicts < CONFLICT_ATTEMPTS => {
                    conflicts += 1
                }
                Err(DbError { fault: Fault::Record | Fault::Conflict, .. }) if way != Way::Pending => {
                    conflicts = 0;
                    way = match way {
                        Way::AskingNothing if self.ground.was_bare() => Way::Asking,
                        // Stage 2 finds out which record it is.
                        _ => Way::Pending,
                    };
                }
                other => break other?,
            }
        };
        self.progress.staged(done.staged.staged);
        self.progress.reconciled(done.applied.processed).errors(done.applied.errors);
        Ok(done)
    }

    async fn transaction(
        &self,
        batch: &[Received],
        bookmark: Option<(Timestamp, &str)>,
        way: Way,
    ) -> Result<Direct, DbError> {
        let Fetch { db, fence, run_id, .. } = &self.fetch;
        let mut connection = db.connection().await?;
        let tx = connection.begin().await?;
        fence.check(&tx).await?;
        let done = if way == Way::Pending {
            self.ground.meet(batch);
            let staged = versions::stage(&tx, self.entity, *run_id, batch).await?;
            Direct { staged, left: staged.staged, ..Direct::default() }
        } else {
            let asks_nothing = way == Way::AskingNothing;
            direct::stage_and_reconcile(&tx, self.entity, *run_id, batch, &self.ground, asks_nothing).await?
        };
        if let Some((walk_started_at, walk)) = bookmark {
            bookmarks::advance(&tx, self.entity, walk_started_at, walk, *run_id).await?;
        }
        tx.commit().await?;
        Ok(done)
    }
}
