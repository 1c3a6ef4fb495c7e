//! Memory for large answers over all requests of a client: they wait for each other instead of adding up.
//!
//! Small answers reserve nothing; their number is limited by the concurrent requests and the pages in progress. A
//! larger one reserves memory for its bytes as long as anything holds them. If none is free, it is dropped, its
//! request waits for memory for the longest answer, and is sent again. While it waits it holds neither memory nor a
//! request slot.
//!
//! Answers that callers keep during further requests have a separate reserve without waiting: if it is full, they
//! are not kept.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

const MIB: usize = 1024 * 1024;
/// Answers up to this size reserve nothing, in bytes.
pub(super) const SMALL: usize = 2 * MIB;

/// The reserve for kept answers in MiB; at least the longest answer fits.
const KEPT_MIB: u32 = 32;

/// After this wait one more answer is accepted, one at a time: exceeding the limit once is better than a run that
/// never ends.
const PATIENCE: Duration = Duration::from_secs(300);

/// The purpose of an answer.
#[derive(Clone, Default)]
pub(in crate::source) enum AnswerPurpose {
    /// An answer that is dropped before the next request.
    #[default]
    Question,
    /// A page of a list, which is held until its records are stored. With a turn, large pages are accepted only
    /// once it has come; otherwise they would take the memory of the pages that are stored before them.
    Page(Option<watch::Receiver<bool>>),
}

/// The memory of a client, in MiB. Pages have a separate reserve, because further requests may be needed to store a
/// page.
#[derive(Debug)]
pub(in crate::source) struct MemoryBudget {
    pages: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    /// For the one answer that is accepted after [`PATIENCE`].
    late: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    /// For the longest answer.
    whole: u32,
}

impl MemoryBudget {
    /// Memory for one answer of the longest size, or several shorter ones.
    pub(in crate::source) fn for_answers_of(longest: usize) -> MemoryBudget {
        let whole = units(longest).max(1);
        let room = |units: u32| Arc::new(Semaphore::new(units as usize));
        let (pages, questions, late) = (room(whole), room(whole), room(whole));
        MemoryBudget { pages, questions, late, kept: room(whole.max(KEPT_MIB)), whole }
    }

    /// An empty reservation that grows as an answer is read.
    pub(in crate::source) fn as_needed(&self, purpose: &AnswerPurpose) -> MemoryReservation {
        let of = match purpose {
            AnswerPurpose::Question => Some(&self.questions),
            AnswerPurpose::Page(turn) => Some(&self.pages).filter(|_| turn.as_ref().is_none_or(has_come)),
        };
        MemoryReservation { of: of.cloned(), held: None }
    }

    /// A copy of the bytes, to be kept during further requests; `None` if too much is kept already.
    pub(in crate::source) fn copy(&self, bytes: &[u8]) -> Option<Bytes> {
        self.keep(bytes.len(), || Bytes::copy_from_slice(bytes))
    }

    /// The same for bytes that are not shared.
    pub(in crate::source) fn keep_own(&self, bytes: Bytes) -> Option<Bytes> {
        self.keep(bytes.len(), || bytes)
    }

    fn keep(&self, length: usize, bytes: impl FnOnce() -> Bytes) -> Option<Bytes> {
        if length <= SMALL {
            return Some(bytes());
        }
        let held = self.kept.clone().try_acquire_many_owned(units(length)).ok()?;
        Some(Bytes::from_owner(KeptBytes { bytes: bytes(), _held: held }))
    }

    /// Waits for memory for the longest answer.
    pub(in crate::source) async fn whole(&self, purpose: &AnswerPurpose) -> MemoryReservation {
        let of = match purpose {
            AnswerPurpose::Question => &self.questions,
            AnswerPurpose::Page(turn) => {
                if let Some(mut turn) = turn.clone() {
                    // If no turn will come any more, it does not wait.
                    let _ = turn.wait_for(|has_come| *has_come).await;
                }
                &self.pages
            }
        };
        let mut in_turn = pin!(of.clone().acquire_many_owned(self.whole));
        if let Ok(held) = timeout(PATIENCE, &mut in_turn).await {
            return MemoryReservation { of: Some(of.clone()), held: held.ok() };
        }
        tokio::select! {
            biased;
            held = in_turn => MemoryReservation { of: Some(of.clone()), held: held.ok() },
            late = self.late.clone().acquire_many_owned(self.whole) => {
                tracing::warn!(
                    "large answers of the API are held in memory for {} s; going on with one more",
                    PATIENCE.as_secs()
                );
                MemoryReservation { of: None, held: late.ok() }
            }
        }
    }
}

/// The maximum number of bytes in answers of the API, with this many concurrent small ones: part of the memory
/// limit of the process.
pub fn most_of_answers(longest: usize, small: usize) -> usize {
    let whole = units(longest).max(1);
    // For pages, for requests, for the one accepted after [`PATIENCE`], and for the compressed bytes of the one
    // being decompressed.
    (4 * whole + whole.max(KEPT_MIB)) as usize * MIB + small * SMALL
}

fn has_come(turn: &watch::Receiver<bool>) -> bool {
    *turn.borrow() || turn.has_changed().is_err()
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX)
}

/// A reservation for one answer.
pub(in crate::source) struct MemoryReservation {
    /// Where more may be reserved; `None` for a page whose turn has not come.
    of: Option<Arc<Semaphore>>,
    held: Option<OwnedSemaphorePermit>,
}

impl MemoryReservation {
    /// For answers that are small by their own limit.
    pub(in crate::source) fn none() -> MemoryReservation {
        MemoryReservation { of: None, held: None }
    }

    /// Reserves memory for this many bytes, if it is free now. Small answers need none.
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

    /// Ties the reservation to the bytes: it ends when nothing holds them any more. The part that they do not need
    /// ends at once.
    pub(in crate::source) fn keep(&mut self, bytes: Bytes) -> Bytes {
        let Some(mut held) = self.held.take() else { return bytes };
        let needs = if bytes.len() <= SMALL { 0 } else { units(bytes.len()) as usize };
        let spare = held.num_permits().saturating_sub(needs);
        drop(held.split(spare));
        match needs {
            0 => bytes,
            _ => Bytes::from_owner(KeptBytes { bytes, _held: held }),
        }
    }
}

struct KeptBytes {
    bytes: Bytes,
    _held: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for KeptBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result, if it needs no event other than the clock.
    async fn after_days(room: &MemoryBudget) -> Option<MemoryReservation> {
        let days = Duration::from_secs(3 * 24 * 3600);
        timeout(days, room.whole(&AnswerPurpose::Page(None))).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_long_enough_goes_on_one_at_a_time() {
        let room = MemoryBudget::for_answers_of(8 * MIB);
        let mut held = room.whole(&AnswerPurpose::Page(None)).await.keep(Bytes::from(vec![0; 8 * MIB]));
        for _ in 0..2 {
            let mut late = after_days(&room).await.expect("one more");
            assert!(late.is_room_for(8 * MIB));
            let late = late.keep(Bytes::from(vec![0; 8 * MIB]));
            assert!(after_days(&room).await.is_none(), "a second one more");
            // Requests have a separate reserve, with no more than that one answer beyond it.
            let question = room.whole(&AnswerPurpose::Question).await;
            assert!(timeout(PATIENCE * 9, room.whole(&AnswerPurpose::Question)).await.is_err());
            drop(question);
            drop(held);
            let mut in_turn = after_days(&room).await.expect("its turn");
            held = in_turn.keep(Bytes::from(vec![0; 8 * MIB]));
            drop(late);
        }
    }

    #[test]
    fn what_is_kept_beside_questions_is_bounded_and_nobody_waits_for_it() {
        let room = MemoryBudget::for_answers_of(8 * MIB);
        let bytes = vec![0; 8 * MIB];
        let mut kept: Vec<Bytes> = (0..9).filter_map(|_| room.copy(&bytes)).collect();
        assert_eq!(kept.len(), KEPT_MIB as usize / 8);
        assert!(room.keep_own(Bytes::from(bytes.clone())).is_none());
        assert!(room.copy(&bytes[..SMALL]).is_some());
        // A slice keeps all bytes.
        let part = kept.pop().unwrap().slice(..1);
        assert!(room.copy(&bytes).is_none());
        drop(part);
        assert!(room.copy(&bytes).is_some());
        // Even the longest answer fits.
        assert!(MemoryBudget::for_answers_of(64 * MIB).copy(&vec![0; 64 * MIB]).is_some());
    }
}
