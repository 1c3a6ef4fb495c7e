//! Counts wrong tokens, limits how often they are logged, and blocks addresses of other machines that send many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::slots::{counted_address, is_near};

/// An address is blocked after this many wrong tokens within [`PAUSE`].
const MANY: u32 = 10;
/// How long an address is blocked, and the shortest time between two log lines about wrong tokens.
pub(super) const PAUSE: Duration = Duration::from_secs(60);
/// The shortest time between two log lines about right tokens, which a supervisor shows several times a minute.
const HOUR: Duration = Duration::from_secs(3600);
/// At most this many addresses are remembered.
const ADDRESSES: usize = 1024;

/// Recent wrong tokens.
#[derive(Default)]
pub(super) struct WrongTokens(Mutex<WrongTokenLog>);

#[derive(Default)]
struct WrongTokenLog {
    of: HashMap<IpAddr, AddressFailures>,
    logged_at: Option<Instant>,
    unlogged: u64,
    right_logged_at: Option<Instant>,
    right: u64,
}

#[derive(Clone, Copy)]
struct AddressFailures {
    since: Instant,
    wrong: u32,
}

impl WrongTokens {
    /// Whether an address is blocked, even with the right token. Never for this machine: a reverse proxy there
    /// speaks for many clients, and any local account could block the supervisor.
    pub(super) fn is_paused(&self, peer: IpAddr) -> bool {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = log.of.get(&counted_address(peer));
        failures.is_some_and(|failures| failures.wrong >= MANY && failures.since.elapsed() < PAUSE)
    }

    /// Counts a right token. Returns the number since the last log line if it is time to log again.
    pub(super) fn right(&self) -> Option<u64> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.right += 1;
        if log.right_logged_at.is_some_and(|at| at.elapsed() < HOUR) {
            return None;
        }
        log.right_logged_at = Some(Instant::now());
        Some(std::mem::take(&mut log.right))
    }

    /// Counts a wrong token. Returns the number since the last log line if it is time to log again.
    pub(super) fn wrong(&self, peer: IpAddr) -> Option<u64> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_near(peer) {
            if log.of.len() >= ADDRESSES {
                log.of.retain(|_, failures| failures.since.elapsed() < PAUSE);
            }
            let counted_address = counted_address(peer);
            if log.of.len() < ADDRESSES || log.of.contains_key(&counted_address) {
                let failures = log
                    .of
                    .entry(counted_address)
                    .or_insert(AddressFailures { since: Instant::now(), wrong: 0 });
                if failures.since.elapsed() >= PAUSE {
                    *failures = AddressFailures { since: Instant::now(), wrong: 0 };
                }
                failures.wrong += 1;
            }
        }
        log.unlogged += 1;
        if log.logged_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        log.logged_at = Some(Instant::now());
        Some(std::mem::take(&mut log.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_guesses_is_not_heard_for_a_while_and_others_are() {
        let wrong_tokens = WrongTokens::default();
        let (guesser, other): (IpAddr, IpAddr) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        for number in 1..=MANY {
            assert!(!wrong_tokens.is_paused(guesser), "{number}");
            assert_eq!(wrong_tokens.wrong(guesser), (number == 1).then_some(1), "told once");
            wrong_tokens.wrong(here);
        }
        assert!(
            wrong_tokens.is_paused(guesser) && wrong_tokens.is_paused("::ffff:192.0.2.7".parse().unwrap())
        );
        assert!(!wrong_tokens.is_paused(other) && !wrong_tokens.is_paused(here));
        tokio::time::advance(PAUSE).await;
        assert!(!wrong_tokens.is_paused(guesser));
        assert_eq!(wrong_tokens.wrong(guesser), Some(u64::from(2 * MANY)), "with those that were not told");
        assert!(!wrong_tokens.is_paused(guesser), "counted anew");
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_addresses_guess_little_is_remembered() {
        let wrong_tokens = WrongTokens::default();
        for number in 0..5_000_u32 {
            wrong_tokens.wrong(IpAddr::V4((0x0a00_0000 + number).into()));
        }
        assert_eq!(wrong_tokens.0.lock().unwrap().of.len(), ADDRESSES);
    }
}
