//! Room in memory for large answers, over all requests of a client: they wait for one another, instead of adding up.
//!
//! Small ones need none: how many of them there can be is bounded by the requests in flight and the pages that wait. A larger one
//! has room for each of its bytes as long as anything holds them. One that finds none free is let go, waits for the room of the
//! longest answer, and is asked for again; while it waits it holds neither room nor a place among the requests in flight.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

const MIB: usize = 1024 * 1024;
/// An answer up to this needs no room.
pub(super) const SMALL: usize = 2 * MIB;

/// After this long an answer is taken without room: better that much memory than a run that never ends.
const PATIENCE: Duration = Duration::from_secs(300);

/// For what an answer is.
#[derive(Clone, Default)]
pub(super) enum Purpose {
    /// A question whose answer is let go before another one is asked.
    #[default]
    Question,
    /// A page of a list, which is held until its records are stored. Where that has its turn, large ones are taken only once it
    /// has come: those for which it comes first would find no room.
    Page(Option<watch::Receiver<bool>>),
}

/// The room of a client, in MiB. Pages have their own: whoever holds one may have to ask a question about it.
#[derive(Debug)]
pub(super) struct Room {
    pages: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    /// For the longest answer.
    whole: u32,
}

impl Room {
    /// Room for one answer of the longest kind, or for several that are shorter.
    pub(super) fn for_answers_of(longest: usize) -> Room {
        let whole = units(longest).max(1);
        let room = || Arc::new(Semaphore::new(whole as usize));
        Room { pages: room(), questions: room(), whole }
    }

    /// None yet, and what is free as it is needed.
    pub(super) fn as_needed(&self, purpose: &Purpose) -> Taken {
        let of = match purpose {
            Purpose::Question => Some(&self.questions),
            Purpose::Page(turn) => Some(&self.pages).filter(|_| turn.as_ref().is_none_or(has_come)),
        };
        Taken { of: of.cloned(), held: None, is_granted: false }
    }

    /// Waits until there is room for the longest answer.
    pub(super) async fn whole(&self, purpose: &Purpose) -> Taken {
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
        match timeout(PATIENCE, of.clone().acquire_many_owned(self.whole)).await {
            Ok(held) => Taken { of: Some(of.clone()), held: held.ok(), is_granted: false },
            Err(_) => {
                tracing::warn!(
                    "large answers of the API are held in memory for {} s; going on with one more",
                    PATIENCE.as_secs()
                );
                Taken { of: None, held: None, is_granted: true }
            }
        }
    }
}

fn has_come(turn: &watch::Receiver<bool>) -> bool {
    *turn.borrow() || turn.has_changed().is_err()
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX)
}

/// Room that an answer has.
pub(super) struct Taken {
    /// Where more of it may be free; none for a page whose turn has not come.
    of: Option<Arc<Semaphore>>,
    held: Option<OwnedSemaphorePermit>,
    /// Nothing is counted.
    is_granted: bool,
}

impl Taken {
    /// For answers that are small by their own limit.
    pub(super) fn none() -> Taken {
        Taken { of: None, held: None, is_granted: false }
    }

    /// Whether it has room for so many bytes, now. A small answer needs none.
    pub(super) fn is_room_for(&mut self, bytes: usize) -> bool {
        if bytes <= SMALL || self.is_granted {
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
    pub(super) fn keep(&mut self, bytes: Bytes) -> Bytes {
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
