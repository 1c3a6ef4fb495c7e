//! The clock on the wall, which may step, and waiting by it.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time and waits. Tests have one that goes faster.
pub trait Clock: Send + Sync + 'static {
    /// The instant, as the clock on the wall says.
    fn now(&self) -> Timestamp;

    /// Waits until an instant, but never longer than `at_most`: the clock may have been set meanwhile.
    fn wait(&self, until: Timestamp, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&self, until: Timestamp, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
        Box::pin(tokio::time::sleep(left.min(at_most)))
    }
}
