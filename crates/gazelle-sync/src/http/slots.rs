//! The slots for connections. A slot is assigned before anything is read, so many connections must not lock out the
//! legitimate clients: if no slot is free, the connection that has waited longest for a request is evicted.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::loopback;
use crate::metrics::HttpRefusal;

/// All connections at a time.
pub(super) const ALL: usize = 128;
/// Connections from other machines. The rest is reserved for this machine: the supervisor, or a reverse proxy.
pub(super) const ELSEWHERE: usize = 96;
/// Connections from one address of another machine.
pub(super) const ONE_ADDRESS: usize = 16;

/// Why a connection gets no slot: all that it may use are answering requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSlot {
    /// The slots of its address.
    Address,
    /// The slots for other machines.
    Elsewhere,
}

impl NoSlot {
    /// The reason label in metrics.
    pub(super) fn reason(self) -> HttpRefusal {
        match self {
            NoSlot::Address => HttpRefusal::AddressFull,
            NoSlot::Elsewhere => HttpRefusal::ElsewhereFull,
        }
    }
}

/// All slots.
pub(super) struct Slots {
    all: Arc<Semaphore>,
    taken: Arc<Mutex<SlotTable>>,
    is_near: fn(IpAddr) -> bool,
}

/// The slots in use. Connections that wait for a request are in the order in which they began to wait.
#[derive(Default)]
struct SlotTable {
    last_number: u64,
    by: Vec<Holder>,
    /// A new connection waits for a slot and none could be evicted: the next one that becomes idle is.
    is_awaited: bool,
}

/// The connection in a slot.
struct Holder {
    number: u64,
    /// The client's address; `None` for this machine.
    elsewhere: Option<IpAddr>,
    /// Set while the connection waits for a request: evicts it.
    evict: Option<oneshot::Sender<()>>,
}

impl SlotTable {
    fn count(&self, of: impl Fn(IpAddr) -> bool) -> usize {
        self.by.iter().filter(|holder| holder.elsewhere.is_some_and(&of)).count()
    }

    /// Evicts the connection that has waited longest, among those selected. Returns whether there was one.
    fn evict(&mut self, among: impl Fn(Option<IpAddr>) -> bool) -> bool {
        let is_idle = |holder: &Holder| holder.evict.is_some() && among(holder.elsewhere);
        let Some(longest) = self.by.iter().position(is_idle) else { return false };
        // The connection may have ended by itself.
        let _ = self.by.remove(longest).evict.map(|tell| tell.send(()));
        true
    }
}

impl Slots {
    /// All slots free. `is_near` decides which addresses are of this machine.
    pub(super) fn new(is_near: fn(IpAddr) -> bool) -> Slots {
        Slots { all: Arc::new(Semaphore::new(ALL)), taken: Arc::default(), is_near }
    }

    /// Assigns a slot to a client at this address, waiting for one if necessary. Only a client that waits evicts
    /// another.
    pub(super) async fn assign(&self, peer: IpAddr) -> Result<Slot, NoSlot> {
        let elsewhere = (!(self.is_near)(peer)).then(|| counted_address(peer));
        self.evict_if_full(elsewhere)?;
        // The semaphore is never closed.
        let one = self.all.clone().acquire_owned().await.ok();
        let mut taken = lock(&self.taken);
        taken.is_awaited = false;
        taken.last_number += 1;
        let number = taken.last_number;
        taken.by.push(Holder { number, elsewhere, evict: None });
        Ok(Slot { _one: one, number, taken: self.taken.clone() })
    }

    fn evict_if_full(&self, elsewhere: Option<IpAddr>) -> Result<(), NoSlot> {
        let mut taken = lock(&self.taken);
        if let Some(peer) = elsewhere {
            let is_same = |other| other == peer;
            if taken.count(is_same) >= ONE_ADDRESS && !taken.evict(|other| other.is_some_and(is_same)) {
                return Err(NoSlot::Address);
            }
            if taken.count(|_| true) >= ELSEWHERE && !taken.evict(|other| other.is_some()) {
                return Err(NoSlot::Elsewhere);
            }
        }
        // Evicted connections are no longer in the list; their slots become free in a moment.
        taken.is_awaited = taken.by.len() >= ALL && !taken.evict(|_| true);
        Ok(())
    }
}

/// A slot; dropping it frees it.
pub(super) struct Slot {
    _one: Option<OwnedSemaphorePermit>,
    number: u64,
    taken: Arc<Mutex<SlotTable>>,
}

impl Slot {
    /// Records that the connection waits for a request. The receiver fires when the connection is evicted.
    pub(super) fn note_idle(&self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let mut taken = lock(&self.taken);
        match taken.by.iter().position(|holder| holder.number == self.number) {
            Some(at) => {
                let holder = taken.by.remove(at);
                taken.by.push(Holder { evict: Some(tell), ..holder });
            }
            // It was evicted before it listened.
            None => drop(tell.send(())),
        }
        if taken.is_awaited {
            taken.is_awaited = !taken.evict(|_| true);
        }
        told
    }

    /// Records that a request has arrived.
    pub(super) fn note_request(&self) {
        let mut taken = lock(&self.taken);
        if let Some(holder) = taken.by.iter_mut().find(|holder| holder.number == self.number) {
            holder.evict = None;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.taken).by.retain(|holder| holder.number != self.number);
    }
}

fn lock(taken: &Mutex<SlotTable>) -> MutexGuard<'_, SlotTable> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an address is of this machine.
pub(super) fn is_near(peer: IpAddr) -> bool {
    loopback::is_address(peer)
}

/// The address that limits count by. For IPv6 that is the /64 network, because one machine has a whole one.
pub(super) fn counted_address(peer: IpAddr) -> IpAddr {
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
            assert_eq!(
                counted_address(one.parse().unwrap()) == counted_address(other.parse().unwrap()),
                same,
                "{one} {other}"
            );
        }
    }

    #[tokio::test]
    async fn some_places_are_for_each_address_and_some_are_kept_for_this_machine() {
        let slots = Slots::new(is_near);
        let mut occupied = Vec::new();
        let assign = async |peer: &str| slots.assign(peer.parse().unwrap()).await;
        // All of them are answering requests.
        for network in 0..6 {
            for _ in 0..ONE_ADDRESS {
                occupied.push(assign(&format!("2001:db8:0:{network}::7")).await.ok().unwrap());
            }
            let more = assign(&format!("2001:db8:0:{network}::8")).await;
            assert_eq!(more.err(), Some(NoSlot::Address));
        }
        assert_eq!(assign("192.0.2.1").await.err(), Some(NoSlot::Elsewhere));
        for _ in ELSEWHERE..ALL {
            occupied.push(assign("127.0.0.1").await.ok().unwrap());
        }
        assert_eq!(slots.all.available_permits(), 0);
        // A client that disconnects frees its slot.
        occupied.remove(0);
        occupied.push(assign("192.0.2.1").await.ok().unwrap());
        drop(occupied);
        assert_eq!(slots.all.available_permits(), ALL);
        assert!(slots.taken.lock().unwrap().by.is_empty());
    }

    #[tokio::test]
    async fn where_no_place_is_left_the_one_that_has_waited_longest_gives_way() {
        let slots = Slots::new(is_near);
        let assign = async |peer: &str| {
            let slot = slots.assign(peer.parse().unwrap()).await.ok().unwrap();
            (slot.note_idle(), slot)
        };
        let asked = |told: &mut oneshot::Receiver<()>| told.try_recv().is_ok();
        // The others of the address are answering requests.
        let mut at_work = Vec::new();
        for _ in 4..ONE_ADDRESS {
            at_work.push(slots.assign("192.0.2.1".parse().unwrap()).await.ok().unwrap());
        }
        let (mut first, one) = assign("192.0.2.1").await;
        let (mut second, two) = assign("192.0.2.1").await;
        let (mut third, three) = assign("192.0.2.1").await;
        let (mut fourth, four) = assign("192.0.2.1").await;
        // The first receives a request, and the second waits anew.
        one.note_request();
        let mut second_again = two.note_idle();
        let fifth = assign("192.0.2.1").await;
        assert!(asked(&mut third) && !asked(&mut first) && !asked(&mut second) && !asked(&mut fourth));
        drop(three);
        let sixth = assign("192.0.2.1").await;
        assert!(asked(&mut fourth) && !asked(&mut second_again));
        drop(four);
        // The same for this machine, when all slots are used.
        let mut more = Vec::new();
        for _ in ONE_ADDRESS..ALL {
            more.push(assign("127.0.0.1").await);
        }
        assert_eq!(slots.all.available_permits(), 0);
        assert!(second_again.try_recv().is_err(), "for nobody");
        let next = slots.assign(NEAR);
        tokio::pin!(next);
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        assert!(asked(&mut second_again), "it waited longest");
        drop(two);
        assert!(next.await.is_ok());
        drop((one, fifth, sixth, at_work));
    }

    #[tokio::test]
    async fn where_all_are_at_work_the_first_that_is_done_gives_way_to_who_waits() {
        let slots = Slots::new(is_near);
        let mut occupied = Vec::new();
        for _ in 0..ALL {
            occupied.push(slots.assign(NEAR).await.ok().unwrap());
        }
        let next = slots.assign(NEAR);
        tokio::pin!(next);
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        let mut first = occupied[7].note_idle();
        let mut second = occupied[3].note_idle();
        assert!(first.try_recv().is_ok() && second.try_recv().is_err(), "one gives way");
        drop(occupied.remove(7));
        let next = next.await.ok().unwrap();
        // Nobody waits any more.
        assert!(next.note_idle().try_recv().is_err());
    }
}
