//! One session with the server, and its count of unanswered statements.

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::db::answers::budget::AnswerBudget;
use crate::db::answers::measured::ProtocolViolation;
use crate::db::connection::dial::LoggedInConnection;
use crate::db::connection::timeouts::Timeouts;

/// A session. Dropping it closes its socket at once.
pub(in crate::db) struct Session {
    pub(in crate::db) client: Client,
    /// The timeouts it started with, once they were read.
    pub(in crate::db) timeouts: Option<Timeouts>,
    unanswered: Unanswered,
    task: JoinHandle<()>,
    generation: u64,
}

/// The unanswered statements of a session. While there is one, the session cannot be used: the late answer would be
/// taken for that of the next statement.
#[derive(Clone)]
pub(in crate::db) struct Unanswered {
    /// Why we closed the connection, if we did.
    pub(in crate::db) refusal: ProtocolViolation,
    /// Their number, and the memory that their answers take.
    pub(in crate::db) budget: AnswerBudget,
}

impl Session {
    pub(in crate::db) fn new(connection: LoggedInConnection, generation: u64) -> Session {
        let LoggedInConnection { client, task, refusal, budget } = connection;
        // The login is over: return its budget.
        budget.release();
        let unanswered = Unanswered { refusal, budget };
        Session { client, timeouts: None, unanswered, task, generation }
    }

    /// The count of unanswered statements, for the caller that uses the client.
    pub(in crate::db) fn unanswered(&self) -> Unanswered {
        self.unanswered.clone()
    }

    /// Whether another statement may be sent: the connection is open, every statement was answered, and the session
    /// belongs to the pool's current generation.
    pub(in crate::db) fn is_usable(&self, generation: u64) -> bool {
        self.generation == generation && !self.client.is_closed() && self.unanswered.budget.is_idle()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Unanswered {
    /// Notes that a statement is sent.
    pub(in crate::db) fn sent(&self) {
        self.budget.sent();
    }

    /// Notes that it was answered.
    pub(in crate::db) fn answered(&self) {
        self.budget.answered();
    }
}
