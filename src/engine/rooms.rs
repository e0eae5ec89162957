//! How many visits a zone takes at the same time. A visit that finds its zone full waits outside, where it takes no
//! place from other zones.

use std::collections::{HashMap, VecDeque};

use super::{AssetIndex, CheckIndex, Plan};
use crate::model::{Time, ZoneId};

/// The zones of a plan; fragile assets of a zone have a room of their own, with its own limit.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: Vec<Room>,
    /// The room of each asset.
    of: Vec<usize>,
}

#[derive(Debug)]
struct Room {
    limit: usize,
    inside: usize,
    outside: VecDeque<Visitor>,
}

/// A visit that waits.
#[derive(Debug)]
struct Visitor {
    asset: AssetIndex,
    checks: Vec<CheckIndex>,
    since: Time,
}

impl Rooms {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut places: HashMap<(&ZoneId, bool), usize> = HashMap::new();
        let mut all = Self::default();
        for planned in &plan.assets {
            let member = &planned.member;
            let place = *places.entry((&member.asset.zone, member.fragile)).or_insert_with(|| {
                let limit = planned.at_once.max(1) as usize;
                all.rooms.push(Room { limit, inside: 0, outside: VecDeque::new() });
                all.rooms.len() - 1
            });
            all.of.push(place);
        }
        all
    }

    /// Lets a visit in, or keeps it outside; what is let in comes back.
    pub(super) fn enter(
        &mut self,
        asset: AssetIndex,
        checks: Vec<CheckIndex>,
        now: Time,
    ) -> Option<(AssetIndex, Vec<CheckIndex>)> {
        let room = &mut self.rooms[self.of[asset as usize]];
        if room.inside < room.limit {
            room.inside += 1;
            return Some((asset, checks));
        }
        room.outside.push_back(Visitor { asset, checks, since: now });
        None
    }

    /// Ends a visit; the one that waited longest for its place comes in.
    pub(super) fn leave(&mut self, asset: AssetIndex) -> Option<(AssetIndex, Vec<CheckIndex>)> {
        let room = &mut self.rooms[self.of[asset as usize]];
        let next = room.outside.pop_front();
        if next.is_none() {
            room.inside = room.inside.saturating_sub(1);
        }
        next.map(|visitor| (visitor.asset, visitor.checks))
    }

    /// Sends away who waits outside: nobody is let in any more.
    pub(super) fn close(&mut self) {
        for room in &mut self.rooms {
            room.outside.clear();
        }
    }

    /// Since when the longest waiting visit stands outside.
    pub(super) fn waiting_since(&self) -> Option<Time> {
        self.rooms.iter().filter_map(|room| room.outside.front()).map(|visitor| visitor.since).min()
    }
}
