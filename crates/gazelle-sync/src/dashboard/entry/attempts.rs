//! Limits how often somebody may try to sign in: by name and by address, in memory of a fixed size.
//!
//! Names and addresses are counted in a fixed number of slots, chosen by a keyed hash, so memory is bounded and no count can
//! be evicted. Two names in one slot share its delay.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::Instant;

use crate::loopback;

/// Attempts a minute with one name.
const OF_NAME: u32 = 5;
/// Attempts a minute from one address.
const OF_ADDRESS: u32 = 20;
/// The time in which attempts are counted, and the first pause.
const MINUTE: Duration = Duration::from_secs(60);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After this long without attempts, the next pause is a minute again.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// The places of names, and as many of addresses.
const PLACES: usize = 4096;

/// The address of a client, which the HTTP server adds to each request.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// The attempts of late.
pub(crate) struct Attempts {
    key: [u8; 32],
    places: Mutex<Box<[AttemptSlot]>>,
}

/// What is known of those who share a place.
#[derive(Debug, Clone, Copy, Default)]
struct AttemptSlot {
    /// When counting began, and how many attempts there were since.
    since: Option<Instant>,
    tries: u32,
    /// The last pause, and when it ends.
    pause: Duration,
    until: Option<Instant>,
}

impl AttemptSlot {
    /// Counts an attempt, or tells how long to wait.
    fn attempt(&mut self, now: Instant, most: u32) -> Result<(), Duration> {
        if let Some(left) = self.until.and_then(|until| until.checked_duration_since(now))
            && !left.is_zero()
        {
            return Err(left);
        }
        if self.since.is_none_or(|since| now.duration_since(since) >= MINUTE) {
            if self.since.is_none_or(|since| now.duration_since(since) >= FORGOTTEN) {
                self.pause = Duration::ZERO;
            }
            (self.since, self.tries) = (Some(now), 0);
        }
        if self.tries < most {
            self.tries += 1;
            return Ok(());
        }
        self.pause = if self.pause.is_zero() { MINUTE } else { (self.pause * 2).min(LONGEST) };
        self.until = Some(now + self.pause);
        // What comes after the pause is counted anew.
        (self.since, self.tries) = (Some(now + self.pause), 0);
        Err(self.pause)
    }
}

impl Attempts {
    /// None yet.
    pub(crate) fn new() -> Attempts {
        let mut key = [0; 32];
        // Without random numbers nobody can sign in either: a session needs them.
        let _ = aws_lc_rs::rand::fill(&mut key);
        Attempts { key, places: Mutex::new(vec![AttemptSlot::default(); 2 * PLACES].into_boxed_slice()) }
    }

    /// Counts an attempt before it is tried, so that many at once are not more than many in turn.
    ///
    /// # Errors
    /// There were too many: how long to wait.
    pub(crate) fn attempt(&self, name: &str, from: Option<IpAddr>) -> Result<(), Duration> {
        let now = Instant::now();
        let (of_name, of_address) = self.places_of(name, from);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places[of_address].attempt(now, OF_ADDRESS)?;
        places[of_name].attempt(now, OF_NAME)
    }

    /// Takes back what was counted, since the passphrase was right: who has it may sign in often.
    pub(crate) fn was_right(&self, name: &str, from: Option<IpAddr>) {
        let (of_name, of_address) = self.places_of(name, from);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places[of_name] = AttemptSlot::default();
        places[of_address].tries = places[of_address].tries.saturating_sub(1);
    }

    fn places_of(&self, name: &str, from: Option<IpAddr>) -> (usize, usize) {
        let place = |text: &str| {
            let hash = blake3::keyed_hash(&self.key, text.as_bytes());
            let [a, b, ..] = *hash.as_bytes();
            usize::from(u16::from_le_bytes([a, b])) % PLACES
        };
        // A name in another case is the same person.
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let address = from.map_or_else(String::new, |from| counted(from).to_string());
        (place(&name), PLACES + place(&address))
    }
}

/// The address of the client. A proxy on this machine speaks for others, and puts the address of its client last.
pub(crate) fn address(headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
    let passed_on =
        headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = passed_on.and_then(|text| text.rsplit(',').next()).and_then(|text| text.trim().parse().ok());
    peer.filter(|peer| !loopback::is_address(*peer)).or(last).or(peer)
}

/// The address that attempts are counted by: of IPv6 the network, because one machine has a whole one.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_tried_five_times_a_minute_and_then_waits_twice_as_long_each_time() {
        let attempts = Attempts::new();
        let mut waits = Vec::new();
        for round in 0..7 {
            for at in 0..5 {
                // Each from an address of its own, and however the name is written.
                let name = ["Ana", "ana", " ANA "][at % 3];
                assert_eq!(attempts.attempt(name, address((10 * round + at) as u8)), Ok(()), "{round} {at}");
            }
            let wait = attempts.attempt("ana", address(250)).unwrap_err();
            assert_eq!(attempts.attempt("ana", address(251)), Err(wait), "asking does not make it longer");
            waits.push(wait.as_secs() / 60);
            tokio::time::advance(wait).await;
        }
        assert_eq!(waits, [1, 2, 4, 8, 15, 15, 15]);
        tokio::time::advance(FORGOTTEN).await;
        (0..5).for_each(|_| assert_eq!(attempts.attempt("ana", address(252)), Ok(())));
        assert_eq!(attempts.attempt("ana", address(252)), Err(MINUTE), "a minute again");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_tries_twenty_times_a_minute_whatever_the_names() {
        let attempts = Attempts::new();
        for at in 0..20 {
            assert_eq!(attempts.attempt(&format!("name {at}"), address(7)), Ok(()), "{at}");
        }
        assert_eq!(attempts.attempt("Ana", address(7)), Err(MINUTE));
        assert_eq!(attempts.attempt("Ana", address(8)), Ok(()), "others go on");
        tokio::time::advance(MINUTE).await;
        assert_eq!(attempts.attempt("Ana", address(7)), Ok(()));
    }

    #[test]
    fn only_a_proxy_on_this_machine_tells_the_address_of_its_client() {
        let headers = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.append("x-forwarded-for", text.parse().unwrap());
            headers
        };
        let of = |text: &str, peer: &str| {
            super::address(&headers(text), Some(peer.parse().unwrap())).unwrap().to_string()
        };
        assert_eq!(of("198.51.100.1, 192.0.2.7", "127.0.0.1"), "192.0.2.7");
        assert_eq!(of("192.0.2.7", "192.0.2.9"), "192.0.2.9");
        assert_eq!(of("unknown", "127.0.0.1"), "127.0.0.1");
        assert_eq!(super::address(&HeaderMap::new(), None), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_the_passphrase_may_sign_in_often() {
        let attempts = Attempts::new();
        for _ in 0..100 {
            assert_eq!(attempts.attempt("Ana", address(7)), Ok(()));
            attempts.was_right("Ana", address(7));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_names_are_tried_nobodys_count_is_pushed_out() {
        let attempts = Attempts::new();
        (0..5).for_each(|_| assert_eq!(attempts.attempt("Ana", None), Ok(())));
        for at in 0..20_000_u32 {
            let from = IpAddr::V6(Ipv6Addr::from_bits(u128::from(at) << 64));
            let _ = attempts.attempt(&format!("name {at}"), Some(from));
        }
        assert!(attempts.attempt("Ana", address(9)).is_err());
        assert_eq!(attempts.places.lock().unwrap().len(), 2 * PLACES);
    }
}
