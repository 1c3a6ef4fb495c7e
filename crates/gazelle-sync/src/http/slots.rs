//! Who gets one of the places for connections. Places are given before anything is read, so that whoever takes many of them
//! must not keep out those whom the service is for: where none is left, the connection that has waited longest for a request gives way.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Connections at the same time.
const ALL: usize = 32;
/// Those from elsewhere: the rest is for this machine, where the supervisor is, or a proxy that speaks for others.
const ELSEWHERE: usize = 24;
/// Those of one address elsewhere.
const ONE_ADDRESS: usize = 4;

/// Why a connection gets no place: all that are for it are at work on requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Those of its address.
    Address,
    /// Those of all addresses elsewhere.
    Elsewhere,
}

impl Full {
    /// Its name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Full::Address => "address_full",
            Full::Elsewhere => "elsewhere_full",
        }
    }
}

/// All places.
pub(super) struct Places {
    all: Arc<Semaphore>,
    taken: Arc<Mutex<Taken>>,
    is_near: fn(IpAddr) -> bool,
}

/// The places that are taken; those that wait for a request in the order in which they began to.
#[derive(Default)]
struct Taken {
    last_number: u64,
    by: Vec<Holder>,
    /// Somebody waits for a place, and nobody could give way: the next that would wait for a request does.
    is_wanted: bool,
}

/// Who has a place.
struct Holder {
    number: u64,
    /// None on this machine.
    elsewhere: Option<IpAddr>,
    /// There while it waits for a request.
    give_way: Option<oneshot::Sender<()>>,
}

impl Taken {
    fn count(&self, of: impl Fn(IpAddr) -> bool) -> usize {
        self.by.iter().filter(|holder| holder.elsewhere.is_some_and(&of)).count()
    }

    /// Takes the place of the one that has waited longest, among some; says whether there was one.
    fn give_way(&mut self, among: impl Fn(Option<IpAddr>) -> bool) -> bool {
        let waits = |holder: &Holder| holder.give_way.is_some() && among(holder.elsewhere);
        let Some(longest) = self.by.iter().position(waits) else { return false };
        // It may have ended by itself.
        let _ = self.by.remove(longest).give_way.map(|tell| tell.send(()));
        true
    }
}

impl Places {
    /// None is taken yet. `is_near` says which addresses are of this machine.
    pub(super) fn new(is_near: fn(IpAddr) -> bool) -> Places {
        Places { all: Arc::new(Semaphore::new(ALL)), taken: Arc::default(), is_near }
    }

    /// Gives a place to whoever is at this address, and waits until there is one. Only somebody who is there makes another
    /// give way.
    pub(super) async fn give(&self, peer: IpAddr) -> Result<Place, Full> {
        let elsewhere = (!(self.is_near)(peer)).then(|| whom(peer));
        self.make_room(elsewhere)?;
        // The semaphore is never closed.
        let one = self.all.clone().acquire_owned().await.ok();
        let mut taken = lock(&self.taken);
        taken.is_wanted = false;
        taken.last_number += 1;
        let number = taken.last_number;
        taken.by.push(Holder { number, elsewhere, give_way: None });
        Ok(Place { _one: one, number, taken: self.taken.clone() })
    }

    fn make_room(&self, elsewhere: Option<IpAddr>) -> Result<(), Full> {
        let mut taken = lock(&self.taken);
        if let Some(peer) = elsewhere {
            let is_same = |other| other == peer;
            if taken.count(is_same) >= ONE_ADDRESS && !taken.give_way(|other| other.is_some_and(is_same)) {
                return Err(Full::Address);
            }
            if taken.count(|_| true) >= ELSEWHERE && !taken.give_way(|other| other.is_some()) {
                return Err(Full::Elsewhere);
            }
        }
        // Those who were told to give way are not among them any more, and leave in a moment.
        taken.is_wanted = taken.by.len() >= ALL && !taken.give_way(|_| true);
        Ok(())
    }
}

/// A place, until it is dropped.
pub(super) struct Place {
    _one: Option<OwnedSemaphorePermit>,
    number: u64,
    taken: Arc<Mutex<Taken>>,
}

impl Place {
    /// Notes that a request is waited for from now on. What is returned says when the place is given to another.
    pub(super) fn waits(&self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let mut taken = lock(&self.taken);
        match taken.by.iter().position(|holder| holder.number == self.number) {
            Some(at) => {
                let holder = taken.by.remove(at);
                taken.by.push(Holder { give_way: Some(tell), ..holder });
            }
            // Told to give way already, when it did not listen.
            None => drop(tell.send(())),
        }
        if taken.is_wanted {
            taken.is_wanted = !taken.give_way(|_| true);
        }
        told
    }

    /// Notes that a request is there.
    pub(super) fn works(&self) {
        let mut taken = lock(&self.taken);
        if let Some(holder) = taken.by.iter_mut().find(|holder| holder.number == self.number) {
            holder.give_way = None;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.taken).by.retain(|holder| holder.number != self.number);
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an address is one of this machine alone.
pub(super) fn is_near(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

/// Whom an address stands for: with IPv6 one machine has a whole network of addresses.
pub(super) fn whom(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn this_machine_is_its_loopback_addresses_however_they_are_written() {
        for (address, near) in [
            ("127.0.0.1", true),
            ("127.9.8.7", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.0.2.1", false),
            ("::ffff:192.0.2.1", false),
            ("10.0.0.1", false),
            ("fe80::1", false),
            ("2001:db8::1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(is_near(address.parse().unwrap()), near, "{address}");
        }
        for (one, other, same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:1:2:3", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            assert_eq!(whom(one.parse().unwrap()) == whom(other.parse().unwrap()), same, "{one} {other}");
        }
    }

    #[tokio::test]
    async fn some_places_are_for_each_address_and_some_are_kept_for_this_machine() {
        let places = Places::new(is_near);
        let mut held = Vec::new();
        let give = async |peer: &str| places.give(peer.parse().unwrap()).await;
        // All of them at work on requests.
        for network in 0..6 {
            for _ in 0..ONE_ADDRESS {
                held.push(give(&format!("2001:db8:0:{network}::7")).await.ok().unwrap());
            }
            let more = give(&format!("2001:db8:0:{network}::8")).await;
            assert_eq!(more.err(), Some(Full::Address));
        }
        assert_eq!(give("192.0.2.1").await.err(), Some(Full::Elsewhere));
        for _ in ELSEWHERE..ALL {
            held.push(give("127.0.0.1").await.ok().unwrap());
        }
        assert_eq!(places.all.available_permits(), 0);
        // Who leaves gives the place back.
        held.remove(0);
        held.push(give("192.0.2.1").await.ok().unwrap());
        drop(held);
        assert_eq!(places.all.available_permits(), ALL);
        assert!(places.taken.lock().unwrap().by.is_empty());
    }

    #[tokio::test]
    async fn where_no_place_is_left_the_one_that_has_waited_longest_gives_way() {
        let places = Places::new(is_near);
        let give = async |peer: &str| {
            let place = places.give(peer.parse().unwrap()).await.ok().unwrap();
            (place.waits(), place)
        };
        let asked = |told: &mut oneshot::Receiver<()>| told.try_recv().is_ok();
        let (mut first, one) = give("192.0.2.1").await;
        let (mut second, two) = give("192.0.2.1").await;
        let (mut third, three) = give("192.0.2.1").await;
        let (mut fourth, four) = give("192.0.2.1").await;
        // The first has a request, and the second waits anew.
        one.works();
        let mut second_again = two.waits();
        let fifth = give("192.0.2.1").await;
        assert!(asked(&mut third) && !asked(&mut first) && !asked(&mut second) && !asked(&mut fourth));
        drop(three);
        let sixth = give("192.0.2.1").await;
        assert!(asked(&mut fourth) && !asked(&mut second_again));
        drop(four);
        // On this machine too, where all places are taken.
        let mut more = Vec::new();
        for _ in 4..ALL {
            more.push(give("127.0.0.1").await);
        }
        assert_eq!(places.all.available_permits(), 0);
        assert!(second_again.try_recv().is_err(), "for nobody");
        let next = places.give(NEAR);
        tokio::pin!(next);
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        assert!(asked(&mut second_again), "it waited longest");
        drop(two);
        assert!(next.await.is_ok());
        drop((one, fifth, sixth));
    }

    #[tokio::test]
    async fn where_all_are_at_work_the_first_that_is_done_gives_way_to_who_waits() {
        let places = Places::new(is_near);
        let mut held = Vec::new();
        for _ in 0..ALL {
            held.push(places.give(NEAR).await.ok().unwrap());
        }
        let next = places.give(NEAR);
        tokio::pin!(next);
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        let mut first = held[7].waits();
        let mut second = held[3].waits();
        assert!(first.try_recv().is_ok() && second.try_recv().is_err(), "one gives way");
        drop(held.remove(7));
        let next = next.await.ok().unwrap();
        // Nobody waits any more.
        assert!(next.waits().try_recv().is_err());
    }
}
