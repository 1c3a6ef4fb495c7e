//! Limits the memory that database answers take, over all connections of this process.
//!
//! Small answers never wait. A longer one is read by one connection at a time, and as long as its transaction lasts: what
//! was answered is kept by whoever asked, who may be waiting for the next answer. The others are not read further until
//! that transaction has ended.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

const MIB: u64 = 1024 * 1024;
/// The most bytes of an answer, in one message or many. This limit does not depend on other answers.
pub(in crate::db) const ANSWER: u64 = 192 * MIB;
/// What an answer on any connection may take while another one is longer, in bytes.
const SMALL: u64 = 6 * MIB;

static ALL: LazyLock<Arc<Mutex<TotalUsage>>> = LazyLock::new(Arc::default);

/// What the connections share.
#[derive(Debug, Default)]
struct TotalUsage {
    /// Whether one of them takes more than [`SMALL`].
    is_large: bool,
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
    /// Whether it is the one that may take more than [`SMALL`].
    is_large: bool,
    /// Whether a transaction is open, whose answers are kept.
    is_in_transaction: bool,
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

    /// The bytes of the answers in progress.
    #[cfg(test)]
    pub(in crate::db) fn taken(&self) -> u64 {
        lock(&self.0.own).sum
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
        if sum > SMALL && !own.is_large {
            let mut all = lock(&self.0.all);
            if all.is_large {
                all.waiting.push(cx.waker().clone());
                own.is_waiting = true;
                return Poll::Pending;
            }
            (all.is_large, own.is_large) = (true, true);
        }
        (own.sum, own.is_waiting) = (sum, false);
        Poll::Ready(Ok(()))
    }

    /// Returns what the answers in progress took: they are complete, or none is in progress. A long one is kept until
    /// the transaction has ended.
    pub(in crate::db) fn release(&self) {
        let mut own = lock(&self.0.own);
        (own.sum, own.is_waiting) = (0, false);
        if own.is_large && !own.is_in_transaction {
            own.is_large = false;
            drop(own);
            self.next();
        }
    }

    /// Notes that a transaction begins.
    pub(in crate::db) fn begin_transaction(&self) {
        lock(&self.0.own).is_in_transaction = true;
    }

    /// Notes that the transaction has ended. An answer that is still in progress is nobody's any more, and its connection
    /// is not used again.
    pub(in crate::db) fn end_transaction(&self) {
        lock(&self.0.own).is_in_transaction = false;
        if self.is_idle() {
            self.release();
        }
    }

    /// Returns everything: the connection is closed.
    pub(in crate::db) fn close(&self) {
        lock(&self.0.own).is_in_transaction = false;
        self.release();
    }

    /// Lets another connection have a long answer.
    fn next(&self) {
        let mut all = lock(&self.0.all);
        all.is_large = false;
        let waiting = std::mem::take(&mut all.waiting);
        drop(all);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether its reading is paused because of other connections.
    pub(in crate::db) fn is_waiting(&self) -> bool {
        lock(&self.0.own).is_waiting
    }
}

/// Upper bound of the bytes of the answers that are in progress or were the last of open transactions, over this many
/// connections.
pub fn most_of_answers(connections: usize) -> u64 {
    ANSWER + connections as u64 * SMALL
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

    const FINE: Poll<Result<(), TooLong>> = Poll::Ready(Ok(()));

    #[test]
    fn one_answer_is_long_at_a_time_and_the_others_wait_for_its_end() {
        let all = Arc::default();
        let [one, other, third] = [(); 3].map(|()| AnswerBudget::of(&all));
        assert_eq!(take(&one, 6), FINE);
        assert_eq!(take(&other, 6), FINE);
        // Both need more than is small: one may go on, up to the longest answer allowed.
        assert_eq!(take(&one, 20), FINE);
        assert_eq!(take(&other, 1), Poll::Pending);
        assert!(other.is_waiting() && !one.is_waiting());
        assert_eq!(take(&one, 166), FINE);
        assert_eq!(take(&third, 6), FINE);
        // An answer that is too long fails with or without others.
        assert_eq!(take(&one, 1), Poll::Ready(Err(TooLong)));
        assert_eq!(take(&other, 200), Poll::Ready(Err(TooLong)));
        one.release();
        assert_eq!(take(&other, 1), FINE);
        assert!(!other.is_waiting());
        other.close();
        third.close();
        let left = lock(&all);
        assert!(!left.is_large && left.waiting.is_empty(), "{left:?}");
    }

    #[test]
    fn what_a_transaction_was_answered_counts_until_it_ends() {
        let all = Arc::default();
        let [one, other] = [(); 2].map(|()| AnswerBudget::of(&all));
        one.begin_transaction();
        one.sent();
        assert_eq!(take(&one, 150), FINE);
        one.answered();
        // Whoever asked has it, and another answer of the same transaction may be as long.
        assert_eq!(take(&other, 7), Poll::Pending);
        one.sent();
        assert_eq!(take(&one, 150), FINE);
        one.answered();
        assert_eq!(take(&other, 7), Poll::Pending);
        one.end_transaction();
        assert_eq!(take(&other, 7), FINE);
        // An answer that is in progress when its transaction is dropped counts until the connection is closed.
        other.begin_transaction();
        other.sent();
        other.end_transaction();
        assert_eq!(take(&one, 7), Poll::Pending);
        other.close();
        assert_eq!(take(&one, 7), FINE);
    }
}
