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
pub(super) enum Farewell {
    /// The session has newer ones: the page asks from time to time instead.
    Newer,
    /// The session has ended.
    SignedOut,
}

impl Farewell {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Farewell::Newer => "newer",
            Farewell::SignedOut => "out",
        }
    }
}

/// All places.
#[derive(Default)]
pub(super) struct Seats(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    last_number: u64,
    taken: Vec<Holder>,
}

/// A stream in its place; the oldest first.
struct Holder {
    number: u64,
    /// None in the demonstration, where nobody signs in.
    session: Option<Uuid>,
    end: oneshot::Sender<Farewell>,
}

/// A place; dropping it frees it.
pub(super) struct Seat {
    number: u64,
    all: Arc<Mutex<Table>>,
}

impl Seats {
    /// A place for a stream, and what ends it before its time; none if all are taken.
    pub(super) fn take(&self, session: Option<Uuid>) -> Option<(Seat, oneshot::Receiver<Farewell>)> {
        let mut table = lock(&self.0);
        let of_session = |holder: &Holder| holder.session == session;
        if table.taken.iter().filter(|holder| of_session(holder)).count() >= OF_SESSION
            && let Some(oldest) = table.taken.iter().position(of_session)
        {
            // The stream may have ended by itself.
            let _ = table.taken.remove(oldest).end.send(Farewell::Newer);
        }
        if table.taken.len() >= OF_ALL {
            return None;
        }
        table.last_number += 1;
        let number = table.last_number;
        let (end, ended) = oneshot::channel();
        table.taken.push(Holder { number, session, end });
        Some((Seat { number, all: self.0.clone() }, ended))
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
        let has_ended = |holder: &mut Holder| {
            holder.session.is_some_and(|session| asked.contains(&session) && !is_open(&session))
        };
        for holder in table.taken.extract_if(.., has_ended) {
            let _ = holder.end.send(Farewell::SignedOut);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.all).taken.retain(|holder| holder.number != self.number);
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_two_streams_and_all_together_thirty_two() {
        let seats = Seats::default();
        let (one, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let (first, mut first_ends) = seats.take(one).unwrap();
        let (_second, mut second_ends) = seats.take(one).unwrap();
        let (_theirs, mut theirs_ends) = seats.take(other).unwrap();
        let _third = seats.take(one).unwrap();
        assert_eq!(first_ends.try_recv(), Ok(Farewell::Newer));
        assert!(second_ends.try_recv().is_err() && theirs_ends.try_recv().is_err());
        // It has given up its place already.
        drop(first);
        let more: Vec<_> = (3..).map_while(|n| seats.take(Some(Uuid::from_u128(n)))).collect();
        assert_eq!(more.len(), OF_ALL - 3);
        drop(more);
        assert!(seats.take(other).is_some());
    }

    #[test]
    fn a_stream_ends_with_its_session_and_the_others_go_on() {
        let seats = Seats::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (_one, mut one_ends) = seats.take(Some(one)).unwrap();
        let (_other, mut other_ends) = seats.take(Some(other)).unwrap();
        let (_demo, mut demo_ends) = seats.take(None).unwrap();
        let asked = seats.sessions();
        assert_eq!(asked, [one, other]);
        // A session that was not asked for is open for all that is known.
        seats.end(&asked[..1], |_| false);
        assert_eq!(one_ends.try_recv(), Ok(Farewell::SignedOut));
        assert!(other_ends.try_recv().is_err() && demo_ends.try_recv().is_err());
        assert!(!seats.are_empty());
    }
}
