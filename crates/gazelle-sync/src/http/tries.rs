//! Wrong tokens: counted, told now and then, and an address elsewhere that shows many of them is not heard for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::places::{is_near, whom};

/// So many wrong tokens within a pause's time, and the address is not heard.
const MANY: u32 = 10;
/// For how long, and how often wrong tokens are told at most.
pub(super) const PAUSE: Duration = Duration::from_secs(60);
/// More addresses are not remembered at a time.
const ADDRESSES: usize = 1024;

/// Wrong tokens of late.
#[derive(Default)]
pub(super) struct Tries(Mutex<Late>);

#[derive(Default)]
struct Late {
    of: HashMap<IpAddr, Tried>,
    told_at: Option<Instant>,
    untold: u64,
}

#[derive(Clone, Copy)]
struct Tried {
    since: Instant,
    wrong: u32,
}

impl Tries {
    /// Whether an address has shown so many wrong tokens that it is not heard, whatever it shows now. Never so on this machine:
    /// a proxy there speaks for others, and any account could keep the supervisor away.
    pub(super) fn is_paused(&self, peer: IpAddr) -> bool {
        let late = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = late.of.get(&whom(peer));
        tried.is_some_and(|tried| tried.wrong >= MANY && tried.since.elapsed() < PAUSE)
    }

    /// Notes a wrong token. Says how many there were since the last time that it said so, where it is time to tell them.
    pub(super) fn wrong(&self, peer: IpAddr) -> Option<u64> {
        let mut late = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_near(peer) {
            if late.of.len() >= ADDRESSES {
                late.of.retain(|_, tried| tried.since.elapsed() < PAUSE);
            }
            let whom = whom(peer);
            if late.of.len() < ADDRESSES || late.of.contains_key(&whom) {
                let tried = late.of.entry(whom).or_insert(Tried { since: Instant::now(), wrong: 0 });
                if tried.since.elapsed() >= PAUSE {
                    *tried = Tried { since: Instant::now(), wrong: 0 };
                }
                tried.wrong += 1;
            }
        }
        late.untold += 1;
        if late.told_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        late.told_at = Some(Instant::now());
        Some(std::mem::take(&mut late.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_guesses_is_not_heard_for_a_while_and_others_are() {
        let tries = Tries::default();
        let (guesser, other): (IpAddr, IpAddr) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        for number in 1..=MANY {
            assert!(!tries.is_paused(guesser), "{number}");
            assert_eq!(tries.wrong(guesser), (number == 1).then_some(1), "told once");
            tries.wrong(here);
        }
        assert!(tries.is_paused(guesser) && tries.is_paused("::ffff:192.0.2.7".parse().unwrap()));
        assert!(!tries.is_paused(other) && !tries.is_paused(here));
        tokio::time::advance(PAUSE).await;
        assert!(!tries.is_paused(guesser));
        assert_eq!(tries.wrong(guesser), Some(u64::from(2 * MANY)), "with those that were not told");
        assert!(!tries.is_paused(guesser), "counted anew");
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_addresses_guess_little_is_remembered() {
        let tries = Tries::default();
        for number in 0..5_000_u32 {
            tries.wrong(IpAddr::V4((0x0a00_0000 + number).into()));
        }
        assert_eq!(tries.0.lock().unwrap().of.len(), ADDRESSES);
    }
}
