//! Room in memory for large answers, over all requests of a client: they wait for one another, instead of adding up.
//!
//! Small ones need none: how many of them there can be is bounded by the requests in flight and the pages that wait. A larger one
//! has room for each of its bytes as long as anything holds them. One that finds none free is let go, waits for the room of the
//! longest answer, and is asked for again; while it waits it holds neither room nor a place among the requests in flight.
//!
//! What is kept of an answer while other questions are asked has its own room, for which nobody waits: where there is none, it is
//! not kept.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

const MIB: usize = 1024 * 1024;
/// An answer up to this needs no room.
pub(super) const SMALL: usize = 2 * MIB;

/// What is kept while other questions are asked, in MiB, or as long an answer as there may be.
const KEPT: u32 = 32;

/// After this long one answer more is taken, one at a time: better that much memory than a run that never ends.
const PATIENCE: Duration = Duration::from_secs(300);

/// For what an answer is.
#[derive(Clone, Default)]
pub(in crate::source) enum Purpose {
    /// A question whose answer is let go before another one is asked.
    #[default]
    Question,
    /// A page of a list, which is held until its records are stored. Where that has its turn, large ones are taken only once it
    /// has come: those for which it comes first would find no room.
    Page(Option<watch::Receiver<bool>>),
}

/// The room of a client, in MiB. Pages have their own: whoever holds one may have to ask a question about it.
#[derive(Debug)]
pub(in crate::source) struct Room {
    pages: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    /// For the one that is taken after [`PATIENCE`].
    late: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    /// For the longest answer.
    whole: u32,
}

impl Room {
    /// Room for one answer of the longest kind, or for several that are shorter.
    pub(in crate::source) fn for_answers_of(longest: usize) -> Room {
        let whole = units(longest).max(1);
        let room = |units: u32| Arc::new(Semaphore::new(units as usize));
        let (pages, questions, late) = (room(whole), room(whole), room(whole));
        Room { pages, questions, late, kept: room(whole.max(KEPT)), whole }
    }

    /// None yet, and what is free as it is needed.
    pub(in crate::source) fn as_needed(&self, purpose: &Purpose) -> Taken {
        let of = match purpose {
            Purpose::Question => Some(&self.questions),
            Purpose::Page(turn) => Some(&self.pages).filter(|_| turn.as_ref().is_none_or(has_come)),
        };
        Taken { of: of.cloned(), held: None }
    }

    /// Bytes of their own for who keeps them while other questions are asked; none where too much is kept already.
    pub(in crate::source) fn copy(&self, bytes: &[u8]) -> Option<Bytes> {
        self.keep(bytes.len(), || Bytes::copy_from_slice(bytes))
    }

    /// The same of bytes that are nobody else's.
    pub(in crate::source) fn keep_own(&self, bytes: Bytes) -> Option<Bytes> {
        self.keep(bytes.len(), || bytes)
    }

    fn keep(&self, length: usize, bytes: impl FnOnce() -> Bytes) -> Option<Bytes> {
        if length <= SMALL {
            return Some(bytes());
        }
        let held = self.kept.clone().try_acquire_many_owned(units(length)).ok()?;
        Some(Bytes::from_owner(Kept { bytes: bytes(), _held: held }))
    }

    /// Waits until there is room for the longest answer.
    pub(in crate::source) async fn whole(&self, purpose: &Purpose) -> Taken {
        let of = match purpose {
            Purpose::Question => &self.questions,
            Purpose::Page(turn) => {
                if let Some(mut turn) = turn.clone() {
                    // Where nobody gives turns any more, there is nothing to wait for.
                    let _ = turn.wait_for(|has_come| *has_come).await;
                }
                &self.pages
            }
        };
        let mut in_turn = pin!(of.clone().acquire_many_owned(self.whole));
        if let Ok(held) = timeout(PATIENCE, &mut in_turn).await {
            return Taken { of: Some(of.clone()), held: held.ok() };
        }
        tokio::select! {
            biased;
            held = in_turn => Taken { of: Some(of.clone()), held: held.ok() },
            late = self.late.clone().acquire_many_owned(self.whole) => {
                tracing::warn!(
                    "large answers of the API are held in memory for {} s; going on with one more",
                    PATIENCE.as_secs()
                );
                Taken { of: None, held: late.ok() }
            }
        }
    }
}

/// Bytes that answers of the API take at most, with so many small ones on their way: for who adds up what the process may take.
pub fn most_of_answers(longest: usize, small: usize) -> usize {
    let whole = units(longest).max(1);
    // For pages, for questions, for one of those that had waited long enough, and for the packed bytes of the one that is unpacked.
    (4 * whole + whole.max(KEPT)) as usize * MIB + small * SMALL
}

fn has_come(turn: &watch::Receiver<bool>) -> bool {
    *turn.borrow() || turn.has_changed().is_err()
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX)
}

/// Room that an answer has.
pub(in crate::source) struct Taken {
    /// Where more of it may be free; none for a page whose turn has not come.
    of: Option<Arc<Semaphore>>,
    held: Option<OwnedSemaphorePermit>,
}

impl Taken {
    /// For answers that are small by their own limit.
    pub(in crate::source) fn none() -> Taken {
        Taken { of: None, held: None }
    }

    /// Whether it has room for so many bytes, now. A small answer needs none.
    pub(super) fn is_room_for(&mut self, bytes: usize) -> bool {
        if bytes <= SMALL {
            return true;
        }
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let lacks = units(bytes).saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
        if lacks == 0 {
            return true;
        }
        let more = self.of.clone().and_then(|of| of.try_acquire_many_owned(lacks).ok());
        match (more, &mut self.held) {
            (None, _) => false,
            (Some(more), Some(held)) => {
                held.merge(more);
                true
            }
            (more, held) => {
                *held = more;
                true
            }
        }
    }

    /// Bytes with their room, which is free again when nothing holds them any more; what they do not need of it is free at once.
    pub(in crate::source) fn keep(&mut self, bytes: Bytes) -> Bytes {
        let Some(mut held) = self.held.take() else { return bytes };
        let needs = if bytes.len() <= SMALL { 0 } else { units(bytes.len()) as usize };
        let spare = held.num_permits().saturating_sub(needs);
        drop(held.split(spare));
        match needs {
            0 => bytes,
            _ => Bytes::from_owner(Kept { bytes, _held: held }),
        }
    }
}

struct Kept {
    bytes: Bytes,
    _held: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is there, without waiting for anything but the clock.
    async fn after_days(room: &Room) -> Option<Taken> {
        let days = Duration::from_secs(3 * 24 * 3600);
        timeout(days, room.whole(&Purpose::Page(None))).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_long_enough_goes_on_one_at_a_time() {
        let room = Room::for_answers_of(8 * MIB);
        let mut held = room.whole(&Purpose::Page(None)).await.keep(Bytes::from(vec![0; 8 * MIB]));
        for _ in 0..2 {
            let mut late = after_days(&room).await.expect("one more");
            assert!(late.is_room_for(8 * MIB));
            let late = late.keep(Bytes::from(vec![0; 8 * MIB]));
            assert!(after_days(&room).await.is_none(), "a second one more");
            // A question has its own room, and no more than that one beyond it.
            let question = room.whole(&Purpose::Question).await;
            assert!(timeout(PATIENCE * 9, room.whole(&Purpose::Question)).await.is_err());
            drop(question);
            drop(held);
            let mut in_turn = after_days(&room).await.expect("its turn");
            held = in_turn.keep(Bytes::from(vec![0; 8 * MIB]));
            drop(late);
        }
    }

    #[test]
    fn what_is_kept_beside_questions_is_bounded_and_nobody_waits_for_it() {
        let room = Room::for_answers_of(8 * MIB);
        let bytes = vec![0; 8 * MIB];
        let mut kept: Vec<Bytes> = (0..9).filter_map(|_| room.copy(&bytes)).collect();
        assert_eq!(kept.len(), KEPT as usize / 8);
        assert!(room.keep_own(Bytes::from(bytes.clone())).is_none());
        assert!(room.copy(&bytes[..SMALL]).is_some());
        // A part of it holds all of it.
        let part = kept.pop().unwrap().slice(..1);
        assert!(room.copy(&bytes).is_none());
        drop(part);
        assert!(room.copy(&bytes).is_some());
        // As long an answer as there may be.
        assert!(Room::for_answers_of(64 * MIB).copy(&vec![0; 64 * MIB]).is_some());
    }
}
