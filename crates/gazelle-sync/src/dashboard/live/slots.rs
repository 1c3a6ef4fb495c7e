//! Limits the number of open streams: for each session, and for all, so that connections remain for pages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

/// Streams of one session. Another one takes the place of the oldest.
pub(super) const OF_SESSION: usize = 2;
/// Streams of all, of the connections that the service takes.
pub(super) const OF_ALL: usize = 32;

/// Why a stream ends before its time. The page reads the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// The session has newer ones: the page asks from time to time instead.
    Newer,
    /// The session has ended.
    SignedOut,
}

impl CloseReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            CloseReason::Newer => "newer",
            CloseReason::SignedOut => "out",
        }
    }
}

/// All places.
#[derive(Default)]
pub(super) struct StreamSlots(Arc<Mutex<SlotTable>>);

#[derive(Default)]
struct SlotTable {
    last_number: u64,
    taken: Vec<SlotHolder>,
}

/// A stream in its place; the oldest first.
struct SlotHolder {
    number: u64,
    /// None in the demonstration, where nobody signs in.
    session: Option<Uuid>,
    end: oneshot::Sender<CloseReason>,
}

/// A place; dropping it frees it.
pub(super) struct StreamSlot {
    number: u64,
    all: Arc<Mutex<SlotTable>>,
}

impl StreamSlots {
    /// A place for a stream, and what ends it before its time; none if all are taken.
    pub(super) fn take(&self, session: Option<Uuid>) -> Option<(StreamSlot, oneshot::Receiver<CloseReason>)> {
        let mut table = lock(&self.0);
        let of_session = |holder: &SlotHolder| holder.session == session;
        if table.taken.iter().filter(|holder| of_session(holder)).count() >= OF_SESSION
            && let Some(oldest) = table.taken.iter().position(of_session)
        {
            // The stream may have ended by itself.
            let _ = table.taken.remove(oldest).end.send(CloseReason::Newer);
        }
        if table.taken.len() >= OF_ALL {
            return None;
        }
        table.last_number += 1;
        let number = table.last_number;
        let (end, ended) = oneshot::channel();
        table.taken.push(SlotHolder { number, session, end });
        Some((StreamSlot { number, all: self.0.clone() }, ended))
    }

    /// Whether no stream is open.
    pub(super) fn are_empty(&self) -> bool {
        lock(&self.0).taken.is_empty()
    }

    /// The sessions with a stream.
    pub(super) fn sessions(&self) -> Vec<Uuid> {
        lock(&self.0).taken.iter().filter_map(|holder| holder.session).collect()
    }

    /// Ends the streams of the asked sessions that have ended.
    pub(super) fn end(&self, asked: &[Uuid], is_open: impl Fn(&Uuid) -> bool) {
        let mut table = lock(&self.0);
        let has_ended = |holder: &mut SlotHolder| {
            holder.session.is_some_and(|session| asked.contains(&session) && !is_open(&session))
        };
        for holder in table.taken.extract_if(.., has_ended) {
            let _ = holder.end.send(CloseReason::SignedOut);
        }
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        lock(&self.all).taken.retain(|holder| holder.number != self.number);
    }
}

fn lock(table: &Mutex<SlotTable>) -> MutexGuard<'_, SlotTable> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_two_streams_and_all_together_thirty_two() {
        let slots = StreamSlots::default();
        let (one, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let (first, mut first_ends) = slots.take(one).unwrap();
        let (_second, mut second_ends) = slots.take(one).unwrap();
        let (_theirs, mut theirs_ends) = slots.take(other).unwrap();
        let _third = slots.take(one).unwrap();
        assert_eq!(first_ends.try_recv(), Ok(CloseReason::Newer));
        assert!(second_ends.try_recv().is_err() && theirs_ends.try_recv().is_err());
        // It has given up its place already.
        drop(first);
        let more: Vec<_> = (3..).map_while(|n| slots.take(Some(Uuid::from_u128(n)))).collect();
        assert_eq!(more.len(), OF_ALL - 3);
        drop(more);
        assert!(slots.take(other).is_some());
    }

    #[test]
    fn a_stream_ends_with_its_session_and_the_others_go_on() {
        let slots = StreamSlots::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (_one, mut one_ends) = slots.take(Some(one)).unwrap();
        let (_other, mut other_ends) = slots.take(Some(other)).unwrap();
        let (_demo, mut demo_ends) = slots.take(None).unwrap();
        let asked = slots.sessions();
        assert_eq!(asked, [one, other]);
        // A session that was not asked for is open for all that is known.
        slots.end(&asked[..1], |_| false);
        assert_eq!(one_ends.try_recv(), Ok(CloseReason::SignedOut));
        assert!(other_ends.try_recv().is_err() && demo_ends.try_recv().is_err());
        assert!(!slots.are_empty());
    }
}
