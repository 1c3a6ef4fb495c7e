//! Limits how many lists are open at the same time: each holds pages, and records that the API fails at, in memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The most lists that are open at the same time, however many entities there are.
pub const MOST_OPEN: usize = 4;

/// Lets lists be opened in the order in which their entities queue. An open list may wait until stage 2 reaches its
/// entity. Since stage 2 reaches the entities in the same order, the list that it follows is always open.
#[derive(Debug)]
pub struct OpenLists {
    room: Arc<Semaphore>,
    last: Option<oneshot::Receiver<()>>,
}

/// The place of a list in the queue.
#[derive(Debug)]
pub struct QueuedList {
    room: Arc<Semaphore>,
    /// Ends when the list before it was opened.
    before: Option<oneshot::Receiver<()>>,
    opened: oneshot::Sender<()>,
}

/// A list that is open until this is dropped.
#[derive(Debug)]
pub struct OpenList(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl Default for OpenLists {
    fn default() -> OpenLists {
        OpenLists { room: Arc::new(Semaphore::new(MOST_OPEN)), last: None }
    }
}

impl OpenLists {
    /// Queues a list behind those that were queued before.
    pub fn queue(&mut self) -> QueuedList {
        let (opened, is_open) = oneshot::channel();
        QueuedList { room: self.room.clone(), before: self.last.replace(is_open), opened }
    }
}

impl QueuedList {
    /// Waits until every list before it was opened, or given up, and there is room for this one.
    pub async fn open(self) -> OpenList {
        if let Some(before) = self.before {
            // An error: the walk of the list before ended without opening it.
            let _ = before.await;
        }
        // The semaphore is never closed.
        let room = self.room.acquire_owned().await.ok();
        let _ = self.opened.send(());
        OpenList(room)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Polls all, the last first, until no more are opened. Returns which are open now.
    fn opened(
        queued: &mut [Option<Pin<Box<impl Future<Output = OpenList>>>>],
        open: &mut [Option<OpenList>],
    ) -> Vec<usize> {
        for _ in 0..queued.len() {
            for index in (0..queued.len()).rev() {
                let Some(list) = &mut queued[index] else { continue };
                if let Poll::Ready(list) = list.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    (open[index], queued[index]) = (Some(list), None);
                }
            }
        }
        (0..open.len()).filter(|index| open[*index].is_some()).collect()
    }

    #[test]
    fn lists_are_opened_in_their_order_and_no_more_than_there_is_room_for() {
        let mut lists = OpenLists::default();
        let mut queued: Vec<_> = (0..8).map(|_| Some(Box::pin(lists.queue().open()))).collect();
        let mut open: Vec<Option<OpenList>> = (0..8).map(|_| None).collect();
        assert_eq!(opened(&mut queued, &mut open), [0, 1, 2, 3]);
        open[2] = None;
        assert_eq!(opened(&mut queued, &mut open), [0, 1, 3, 4]);
        // A walk that is aborted keeps nobody waiting.
        queued[5] = None;
        open[0] = None;
        assert_eq!(opened(&mut queued, &mut open), [1, 3, 4, 6]);
        (open[1], open[3]) = (None, None);
        assert_eq!(opened(&mut queued, &mut open), [4, 6, 7]);
    }
}
