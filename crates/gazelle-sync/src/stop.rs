//! Shutdown: how long work in progress may continue after a signal has cancelled the [`CancellationToken`].
//!
//! A task checks the token wherever it can end: before the next request and between two batches. A request or a batch
//! that has begun is completed first.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long after the request to shut down an outstanding answer is waited for.
pub const GRACE: Duration = Duration::from_secs(10);

/// Waits until shutdown was requested, then for `grace`. If it is called after the request, the whole of `grace` begins
/// with the call.
pub async fn overdue(token: &CancellationToken, grace: Duration) {
    token.cancelled().await;
    tokio::time::sleep(grace).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_has_its_grace_after_the_request() {
        let token = CancellationToken::new();
        let early = tokio::time::timeout(GRACE * 100, overdue(&token, GRACE)).await;
        assert!(early.is_err(), "no shutdown was requested");
        token.cancel();
        for grace in [GRACE, GRACE / 5] {
            let begun = tokio::time::Instant::now();
            overdue(&token, grace).await;
            assert_eq!(begun.elapsed(), grace);
        }
    }
}
