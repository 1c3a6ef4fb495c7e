//! The wish that the program ends, on its way from a signal to those at work.
//!
//! Whoever works looks at [`Stop`] where it may leave off: before the next request, between two batches. What
//! has begun is finished, so that nothing is left half done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long an answer under way is still waited for once the end is wished.
pub const GRACE: Duration = Duration::from_secs(10);

/// Asks all holders of its [`Stop`]s to come to an end. Clones ask the same.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<watch::Sender<bool>>);

/// Says whether the end is wished. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// Nobody is asked to stop yet.
    #[allow(clippy::new_without_default, reason = "a default would hide that nobody holds the other end")]
    pub fn new() -> Stopper {
        Stopper(Arc::new(watch::Sender::new(false)))
    }

    /// Asks to stop; once and for all.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// What those at work look at.
    pub fn stop(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

impl Stop {
    /// The end is never wished: of a command that runs until it is done.
    pub fn never() -> Stop {
        Stop(watch::Sender::new(false).subscribe())
    }

    /// Whether the end is wished.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the end is wished.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the end is wished and what was under way had its [`GRACE`].
    pub async fn overdue(&self) {
        self.overdue_after(GRACE).await;
    }

    /// The same, with a grace of one's own; what begins after the end was wished has the whole of it too.
    pub async fn overdue_after(&self, grace: Duration) {
        self.asked().await;
        tokio::time::sleep(grace).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_heard_by_all_and_is_overdue_after_its_grace() {
        let stopper = Stopper::new();
        let (stop, other) = (stopper.stop(), stopper.stop());
        assert!(!stop.is_asked());
        stopper.ask();
        assert!(stop.is_asked() && other.is_asked());
        other.asked().await;
        let begun = tokio::time::Instant::now();
        stop.overdue().await;
        assert_eq!(begun.elapsed(), GRACE);
        let begun = tokio::time::Instant::now();
        stop.overdue_after(GRACE / 5).await;
        assert_eq!(begun.elapsed(), GRACE / 5);
        assert!(tokio::time::timeout(GRACE * 100, Stop::never().asked()).await.is_err());
    }
}
