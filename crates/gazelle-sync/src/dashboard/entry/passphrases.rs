//! Hashes passphrases, at most two at once, so that whoever posts many takes no more memory.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::people::secrets;

/// Hashes at once: 7 MiB each.
const AT_ONCE: usize = 2;
/// Who waits longer for a turn is told to try again.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// The turns.
pub(crate) struct Passphrases(Arc<Semaphore>);

impl Passphrases {
    pub(crate) fn new() -> Passphrases {
        Passphrases(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// The hash of a passphrase.
    ///
    /// # Errors
    /// No turn came in time, or the machine gives no random numbers or no memory.
    pub(crate) async fn hash(&self, passphrase: SecretString) -> Result<String> {
        self.in_turn(move || secrets::hash(&passphrase)).await?
    }

    /// Whether a passphrase has this hash; it takes as long without one.
    ///
    /// # Errors
    /// No turn came in time.
    pub(crate) async fn is_right(&self, passphrase: SecretString, stored: Option<String>) -> Result<bool> {
        self.in_turn(move || secrets::is_right(&passphrase, stored.as_deref())).await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = tokio::time::timeout(LONGEST_WAIT, self.0.clone().acquire_owned()).await;
        let turn = turn.context("too many sign in at once")??;
        // The turn ends with the work, also if nobody waits for the answer any more.
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        Ok(worked.await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_than_two_are_hashed_at_once_even_if_nobody_waits_any_more() {
        static AT_WORK: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let passphrases = Arc::new(Passphrases::new());
        let mut tasks = Vec::new();
        for _ in 0..12 {
            let passphrases = passphrases.clone();
            tasks.push(tokio::spawn(async move {
                passphrases
                    .in_turn(|| {
                        MOST.fetch_max(AT_WORK.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        let hash = secrets::hash(&SecretString::from("marteau feutre étouffoir"));
                        AT_WORK.fetch_sub(1, Ordering::SeqCst);
                        hash.is_ok()
                    })
                    .await
            }));
        }
        // Some clients leave.
        tasks.iter().step_by(4).for_each(tokio::task::JoinHandle::abort);
        for task in tasks {
            if let Ok(done) = task.await {
                // In time, or told that it was not.
                assert!(done.is_err() || done.is_ok_and(|hashed| hashed));
            }
        }
        assert!((1..=AT_ONCE).contains(&MOST.load(Ordering::SeqCst)), "{MOST:?}");
    }
}
