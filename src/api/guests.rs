//! Places at the listener: so many in all, and so many for one neighbourhood of addresses.
//!
//! Nobody is turned away while somebody else only sits there. A newcomer beyond a limit gets the place of the connection that
//! has been silent longest: among its own neighbours at their limit, else among those of the address that holds most. So whoever
//! takes all places and leaves them open loses them to those who speak, and a probe or a scraper is always let in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How much and how long the listener puts up with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Connections that keep their places.
    pub(super) places: usize,
    /// Further ones that are accepted while those that lost their places come to their end.
    pub(super) reserve: usize,
    /// Connections of one neighbourhood: room for a control room behind one address, a quarter of all.
    pub(super) neighbours: usize,
    /// Longest TLS handshake.
    pub(super) handshake: Duration,
    /// Longest time from the first byte of a head to its last; a new connection has as long to begin.
    pub(super) head: Duration,
    /// How long a connection that was answered may wait with its next request; a scraper comes each minute.
    pub(super) idle: Duration,
    /// Longest time for the whole body of a request.
    pub(super) body: Duration,
    /// Longest time in which nothing of an answer is taken.
    pub(super) stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            places: 480,
            reserve: 32,
            neighbours: 128,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body: Duration::from_secs(10),
            stall: Duration::from_secs(20),
        }
    }
}

/// The addresses that one client may well have: one of version 4, a network of version 6.
pub(super) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

/// How far a request of a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of the next one has come.
    Idle,
    /// Its head is coming.
    Head,
    /// Its head is there, and it is not answered yet.
    Asked,
}

/// One connection, as all who deal with it see it; cloning shares it.
#[derive(Debug, Clone)]
pub(super) struct Seat(Arc<Place>);

#[derive(Debug)]
struct Place {
    patience: Patience,
    since: Instant,
    /// Milliseconds after `since` at which a byte moved last.
    stirred: AtomicU64,
    stage: AtomicU8,
    /// Whether we, not the client, are who is waited for.
    is_served: AtomicBool,
    lost: CancellationToken,
}

impl Seat {
    fn new(patience: Patience, since: Instant) -> Self {
        let place = Place {
            patience,
            since,
            stirred: AtomicU64::default(),
            stage: AtomicU8::new(Stage::Head as u8),
            is_served: AtomicBool::default(),
            lost: CancellationToken::new(),
        };
        let seat = Self(Arc::new(place));
        seat.stir();
        seat
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.0.patience
    }

    /// Notes that a byte moved.
    pub(super) fn stir(&self) {
        let after = u64::try_from(self.0.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.stirred.store(after, Ordering::Relaxed);
    }

    pub(super) fn stage(&self) -> Stage {
        match self.0.stage.load(Ordering::Relaxed) {
            0 => Stage::Idle,
            1 => Stage::Head,
            _ => Stage::Asked,
        }
    }

    pub(super) fn turn(&self, stage: Stage) {
        self.0.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Keeps the place for as long as what comes back lives: an act is not cut off for a newcomer.
    pub(super) fn serve(&self) -> Served {
        self.0.is_served.store(true, Ordering::Relaxed);
        Served(self.clone())
    }

    /// Waits until somebody else got the place.
    pub(super) async fn lost(&self) {
        self.0.lost.cancelled().await;
    }
}

/// A request that is being answered.
pub(super) struct Served(Seat);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.0.is_served.store(false, Ordering::Relaxed);
    }
}

/// All connections.
#[derive(Debug)]
pub(super) struct Guests {
    patience: Patience,
    since: Instant,
    seats: Mutex<HashMap<IpAddr, Vec<Seat>>>,
}

impl Guests {
    pub(super) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self { patience, since: Instant::now(), seats: Mutex::default() })
    }

    /// A place for a newcomer; `None` when everybody who would have to make room is being answered.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Guest> {
        let from = neighbourhood(peer);
        let seat = Seat::new(self.patience, self.since);
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(theirs) = seats.get_mut(&from).filter(|theirs| theirs.len() >= self.patience.neighbours) {
            make_room(theirs)?;
        } else if seats.values().map(Vec::len).sum::<usize>() >= self.patience.places {
            let mut all: Vec<_> = seats.values_mut().collect();
            all.sort_by_key(|held| std::cmp::Reverse(held.len()));
            all.into_iter().find_map(make_room)?;
        }
        seats.entry(from).or_default().push(seat.clone());
        Some(Guest { guests: Arc::clone(self), from, seat })
    }
}

/// Takes the place of whoever has been silent longest; `None` when all are being answered.
fn make_room(held: &mut Vec<Seat>) -> Option<()> {
    let waiting = held.iter().enumerate().filter(|(_, seat)| !seat.0.is_served.load(Ordering::Relaxed));
    let (at, _) = waiting.min_by_key(|(_, seat)| seat.0.stirred.load(Ordering::Relaxed))?;
    held.swap_remove(at).0.lost.cancel();
    Some(())
}

/// Somebody who has a place; dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Arc<Guests>,
    from: IpAddr,
    pub(super) seat: Seat,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut seats = self.guests.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(theirs) = seats.get_mut(&self.from) else { return };
        theirs.retain(|seat| !Arc::ptr_eq(&seat.0, &self.seat.0));
        if theirs.is_empty() {
            seats.remove(&self.from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn has_lost(guest: &Guest) -> bool {
        guest.seat.0.lost.is_cancelled()
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_takes_the_place_of_the_neighbour_who_was_silent_longest() {
        let guests = Guests::new(Patience { neighbours: 3, ..Patience::default() });
        let mut theirs = Vec::new();
        for _ in 0..3 {
            theirs.push(guests.admit(address("10.0.0.1")).unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        theirs[0].seat.stir();
        let served = theirs[1].seat.serve();
        let other = guests.admit(address("10.0.0.2")).unwrap();
        let next = guests.admit(address("10.0.0.1")).unwrap();
        assert_eq!(theirs.iter().map(has_lost).collect::<Vec<_>>(), [false, false, true]);
        assert!(!has_lost(&other) && !has_lost(&next));
        drop(served);
        let all_served: Vec<_> = [&theirs[0], &theirs[1], &next].map(|guest| guest.seat.serve()).into();
        assert!(guests.admit(address("10.0.0.1")).is_none(), "nobody who is being answered makes room");
        drop(all_served);
        drop((theirs, next, other));
        assert!(guests.seats.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_places_are_taken_whoever_holds_most_makes_room() {
        let guests = Guests::new(Patience { places: 5, neighbours: 4, ..Patience::default() });
        let quiet = guests.admit(address("10.0.0.9")).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let crowd: Vec<_> = (0..4).map(|_| guests.admit(address("2001:db8::1")).unwrap()).collect();
        let probe = guests.admit(address("10.0.0.7")).unwrap();
        assert_eq!(crowd.iter().filter(|one| has_lost(one)).count(), 1);
        assert!(!has_lost(&quiet) && !has_lost(&probe), "who holds one place keeps it");
    }

    #[test]
    fn neighbours_are_one_address_or_one_network_of_version_six() {
        for (one, other, is_same) in [
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::1", "::2", false),
        ] {
            assert_eq!(neighbourhood(address(one)) == neighbourhood(address(other)), is_same, "{one} {other}");
        }
    }
}
