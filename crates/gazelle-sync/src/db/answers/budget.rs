//! Limits the memory that database answers take, over all connections of this process.
//!
//! Small answers never wait. Larger ones take from a shared budget. When it is used up, one answer at a time may go
//! beyond it to its end, and the others are not read further until it is complete. That one needs nothing that the
//! waiting ones hold, so there is no deadlock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

const MIB: u64 = 1024 * 1024;
/// The most bytes of an answer, in one message or many. This limit does not depend on other answers.
pub(in crate::db) const ANSWER: u64 = 192 * MIB;
/// The budget shared by all answers, in bytes.
const SHARED: u64 = 64 * MIB;
/// What each connection may take without the shared budget, in bytes.
const SMALL: u64 = MIB;

static ALL: LazyLock<Arc<Mutex<TotalUsage>>> = LazyLock::new(Arc::default);

/// What all connections have taken.
#[derive(Debug, Default)]
struct TotalUsage {
    shared: u64,
    /// Whether one of them is beyond the shared budget.
    is_beyond: bool,
    waiting: Vec<Waker>,
}

/// The budget of one connection. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::db) struct AnswerBudget(Arc<ConnectionBudget>);

#[derive(Debug)]
struct ConnectionBudget {
    all: Arc<Mutex<TotalUsage>>,
    own: Mutex<ConnectionUsage>,
    /// The number of statements that are not answered yet.
    unanswered: AtomicUsize,
}

#[derive(Debug, Default)]
struct ConnectionUsage {
    /// Bytes of the answers in progress.
    sum: u64,
    shared: u64,
    /// Whether it is the one that may go beyond the shared budget.
    is_beyond: bool,
    is_waiting: bool,
}

/// An answer exceeds [`ANSWER`].
#[derive(Debug, PartialEq, Eq)]
pub(in crate::db) struct TooLong;

impl AnswerBudget {
    /// The budget of a new connection.
    pub(in crate::db) fn new() -> AnswerBudget {
        AnswerBudget::of(&ALL)
    }

    fn of(all: &Arc<Mutex<TotalUsage>>) -> AnswerBudget {
        AnswerBudget(Arc::new(ConnectionBudget {
            all: all.clone(),
            own: Mutex::default(),
            unanswered: AtomicUsize::new(0),
        }))
    }

    /// A budget that shares with no other.
    #[cfg(test)]
    pub(in crate::db) fn alone() -> AnswerBudget {
        AnswerBudget::of(&Arc::default())
    }

    /// What all connections of this budget hold of the shared part.
    #[cfg(test)]
    pub(in crate::db) fn shared(&self) -> u64 {
        lock(&self.0.all).shared
    }

    /// Notes that a statement is sent.
    pub(in crate::db) fn sent(&self) {
        self.0.unanswered.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes that a statement was answered. Answers to statements sent together are released together.
    pub(in crate::db) fn answered(&self) {
        if self.0.unanswered.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.release();
        }
    }

    /// Whether every statement was answered.
    pub(in crate::db) fn is_idle(&self) -> bool {
        self.0.unanswered.load(Ordering::SeqCst) == 0
    }

    /// Takes budget for `more` bytes of an answer, once there is some.
    ///
    /// # Errors
    /// The answer exceeds [`ANSWER`].
    pub(in crate::db) fn poll_reserve(&self, more: u64, cx: &Context<'_>) -> Poll<Result<(), TooLong>> {
        let mut own = lock(&self.0.own);
        let sum = own.sum + more;
        if sum > ANSWER {
            return Poll::Ready(Err(TooLong));
        }
        if sum > SMALL && !own.is_beyond {
            let wanted = sum - SMALL - own.shared;
            let mut all = lock(&self.0.all);
            if all.shared + wanted <= SHARED {
                all.shared += wanted;
                own.shared += wanted;
            } else if all.is_beyond {
                all.waiting.push(cx.waker().clone());
                own.is_waiting = true;
                return Poll::Pending;
            } else {
                (all.is_beyond, own.is_beyond) = (true, true);
            }
        }
        (own.sum, own.is_waiting) = (sum, false);
        Poll::Ready(Ok(()))
    }

    /// Returns the connection's whole budget: no answer is in progress, or none will come.
    pub(in crate::db) fn release(&self) {
        let own = std::mem::take(&mut *lock(&self.0.own));
        if own.shared == 0 && !own.is_beyond {
            return;
        }
        let mut all = lock(&self.0.all);
        all.shared -= own.shared;
        all.is_beyond &= !own.is_beyond;
        let waiting = std::mem::take(&mut all.waiting);
        drop(all);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether its reading is paused because of other connections.
    pub(in crate::db) fn is_waiting(&self) -> bool {
        lock(&self.0.own).is_waiting
    }
}

/// Upper bound of the bytes of database answers in transit, over this many connections.
pub fn most_of_answers(connections: usize) -> u64 {
    SHARED + ANSWER + connections as u64 * SMALL
}

/// The counts stay consistent after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(budget: &AnswerBudget, mib: u64) -> Poll<Result<(), TooLong>> {
        budget.poll_reserve(mib * MIB, &Context::from_waker(Waker::noop()))
    }

    #[test]
    fn one_answer_goes_on_beyond_what_is_shared_and_the_others_wait_for_its_end() {
        let all = Arc::default();
        let [one, other, third] = [(); 3].map(|()| AnswerBudget::of(&all));
        let fine = Poll::Ready(Ok(()));
        assert_eq!(take(&one, 40), fine);
        assert_eq!(take(&other, 20), fine);
        // Both need more than is left: one may go on, up to the longest answer allowed.
        assert_eq!(take(&one, 20), fine);
        assert_eq!(take(&other, 20), Poll::Pending);
        assert!(other.is_waiting() && !one.is_waiting());
        assert_eq!(take(&one, 132), fine);
        assert_eq!(take(&third, 1), fine);
        assert_eq!(take(&third, 30), Poll::Pending);
        // An answer that is too long fails with or without others.
        assert_eq!(take(&one, 1), Poll::Ready(Err(TooLong)));
        assert_eq!(take(&other, 200), Poll::Ready(Err(TooLong)));
        one.release();
        assert_eq!(take(&other, 20), fine);
        assert!(!other.is_waiting());
        assert_eq!(take(&third, 30), fine);
        other.release();
        third.release();
        let left = lock(&all);
        assert!(left.shared == 0 && !left.is_beyond && left.waiting.is_empty(), "{left:?}");
    }
}
