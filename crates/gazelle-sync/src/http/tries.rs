//! Counts wrong tokens, and blocks addresses of other machines that send many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::slots::{counted_address, is_near};
use crate::log_throttle::LogThrottle;

/// An address is blocked after this many wrong tokens within [`PAUSE`].
const MANY: u32 = 10;
/// How long an address is blocked, and the shortest time between two log lines about wrong tokens.
pub(super) const PAUSE: Duration = Duration::from_secs(60);
/// At most this many addresses are remembered.
const ADDRESSES: usize = 1024;

/// Recent wrong tokens.
pub(super) struct WrongTokens {
    of: Mutex<HashMap<IpAddr, AddressFailures>>,
    log: LogThrottle,
}

#[derive(Clone, Copy)]
struct AddressFailures {
    since: Instant,
    wrong: u32,
}

impl WrongTokens {
    pub(super) fn new() -> WrongTokens {
        WrongTokens { of: Mutex::default(), log: LogThrottle::every(PAUSE) }
    }

    /// Whether an address is blocked, even with the right token. Never for this machine: a reverse proxy there
    /// speaks for many clients, and any local account could block the supervisor.
    pub(super) fn is_paused(&self, peer: IpAddr) -> bool {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = of.get(&counted_address(peer));
        failures.is_some_and(|failures| failures.wrong >= MANY && failures.since.elapsed() < PAUSE)
    }

    /// Counts a wrong token. Returns the number since the last log line if it is time to log again.
    pub(super) fn wrong(&self, peer: IpAddr) -> Option<u64> {
        if !is_near(peer) {
            self.count(counted_address(peer));
        }
        self.log.count()
    }

    fn count(&self, address: IpAddr) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= ADDRESSES {
            of.retain(|_, failures| failures.since.elapsed() < PAUSE);
        }
        if of.len() < ADDRESSES || of.contains_key(&address) {
            let failures = of.entry(address).or_insert(AddressFailures { since: Instant::now(), wrong: 0 });
            if failures.since.elapsed() >= PAUSE {
                *failures = AddressFailures { since: Instant::now(), wrong: 0 };
            }
            failures.wrong += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_guesses_is_not_heard_for_a_while_and_others_are() {
        let wrong_tokens = WrongTokens::new();
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
        let wrong_tokens = WrongTokens::new();
        for number in 0..5_000_u32 {
            wrong_tokens.wrong(IpAddr::V4((0x0a00_0000 + number).into()));
        }
        assert_eq!(wrong_tokens.of.lock().unwrap().len(), ADDRESSES);
    }
}
