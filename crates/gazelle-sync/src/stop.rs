//! Shutdown: how much time is left after a [`CancellationToken`] was cancelled by a signal.
//!
//! Whoever works checks the token where it may leave off: before the next request, between two batches. What
//! has begun is finished, so that nothing is left half done.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long an answer under way is still waited for after shutdown was requested.
pub const GRACE: Duration = Duration::from_secs(10);

/// Waits until shutdown was requested and `grace` has passed. What begins after the request has the whole of it too.
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
        assert!(early.is_err(), "nobody has asked");
        token.cancel();
        for grace in [GRACE, GRACE / 5] {
            let begun = tokio::time::Instant::now();
            overdue(&token, grace).await;
            assert_eq!(begun.elapsed(), grace);
        }
    }
}
