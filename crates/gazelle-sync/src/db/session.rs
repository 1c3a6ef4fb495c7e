//! One session with the server, and what is known of the statements sent through it.

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::dial::Reached;
use super::measured::Refusal;
use super::room::Room;
use super::timeouts::Timeouts;

/// A session. Dropping it closes its socket at once.
pub(super) struct Session {
    pub(super) client: Client,
    /// What it began with, once that was asked for.
    pub(super) timeouts: Option<Timeouts>,
    unanswered: Unanswered,
    task: JoinHandle<()>,
    generation: u64,
}

/// Statements sent through a session whose answers have not come. One that stays makes the session useless: its late
/// answer would be in the way of the next statement.
#[derive(Clone)]
pub(super) struct Unanswered {
    /// Why none will come any more.
    pub(super) refusal: Refusal,
    /// How many they are, and what the answers hold.
    pub(super) room: Room,
}

impl Session {
    pub(super) fn new(reached: Reached, generation: u64) -> Session {
        let Reached { client, task, refusal, room } = reached;
        // That of the login is over.
        room.release();
        let unanswered = Unanswered { refusal, room };
        Session { client, timeouts: None, unanswered, task, generation }
    }

    /// The count of unanswered statements, for who borrows the client.
    pub(super) fn unanswered(&self) -> Unanswered {
        self.unanswered.clone()
    }

    /// Whether another statement may be sent: the connection is open, every statement was answered, and the session
    /// is not older than the settings that it was started with are believed.
    pub(super) fn is_usable(&self, generation: u64) -> bool {
        self.generation == generation && !self.client.is_closed() && self.unanswered.room.is_idle()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Unanswered {
    /// Notes that a statement is sent.
    pub(super) fn sent(&self) {
        self.room.sent();
    }

    /// Notes that it was answered.
    pub(super) fn answered(&self) {
        self.room.answered();
    }
}
