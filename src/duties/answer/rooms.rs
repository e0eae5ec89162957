//! What stands in which room, and whether somebody walked it.

use std::collections::{BTreeMap, BTreeSet};

use super::{missing, room_subject};
use crate::duties::{Book, Room};
use crate::model::{Asset, CheckId, Criticality, Kind, Reading, SubjectClass, Time, Value, ZoneRole};

/// The check whose statements tell that a room was walked.
const WALKED: &str = "attest-physical-access";

/// Kinds that count as servers.
const fn is_server(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LinuxHost
            | Kind::WindowsHost
            | Kind::Historian
            | Kind::EngineeringStation
            | Kind::BackupRepo
            | Kind::WebService
    )
}

/// Which of the two worlds a server belongs to; what stands between them belongs to neither.
fn world(asset: &Asset, book: &Book) -> Option<World> {
    match book.plant().roles.get(&asset.zone)? {
        ZoneRole::Production | ZoneRole::Control | ZoneRole::Field => Some(World::Production),
        ZoneRole::It | ZoneRole::Administrative => Some(World::Administration),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum World {
    Production,
    Administration,
}

/// The devices by the room that they name; under nothing those that name none.
fn by_room(book: &Book) -> BTreeMap<Option<String>, Vec<&Asset>> {
    let mut rooms: BTreeMap<Option<String>, Vec<&Asset>> = BTreeMap::new();
    for asset in book.plant().assets.iter().filter(|asset| asset.kind.class() == SubjectClass::Device) {
        let room = asset.field("room").and_then(|room| room.as_text().map(str::to_owned));
        rooms.entry(room).or_default().push(asset);
    }
    rooms
}

/// Every room that assets or the register name, with what stands there.
pub(super) fn register(book: &Book, now: Time) -> Reading {
    let mut rooms = by_room(book);
    let unplaced = rooms.remove(&None).unwrap_or_default();
    if rooms.is_empty() {
        return missing("no asset names a room; add room: to the assets".into());
    }
    let check = CheckId::parse(WALKED).expect("a plain word is an id");
    let placed = rooms.iter().filter_map(|(room, assets)| Some(row(room.as_deref()?, assets, book, &check, now)));
    // a server that stands nobody knows where may stand in the wrong room: nothing can be said of it
    let lost = unplaced.iter().filter(|asset| is_server(asset.kind)).map(|asset| {
        Value::map([
            ("room", Value::from(format!("unknown, where {} stands", asset.id))),
            ("shared", Value::Null),
            ("critical", Value::Bool(asset.criticality == Criticality::High)),
            ("class", Value::Null),
            ("walked", Value::Null),
        ])
    });
    Reading::Known(Value::map([("rows", Value::list(placed.chain(lost)))]))
}

fn row(name: &str, assets: &[&Asset], book: &Book, check: &CheckId, now: Time) -> Value {
    let room = book.papers().rooms.iter().find(|room| room.id.as_str() == name);
    let walked = book.room_standing(check, name, now);
    Value::map([
        ("room", Value::text(name)),
        ("shared", Value::Bool(is_shared(assets, room, book))),
        ("critical", Value::Bool(assets.iter().any(|asset| asset.criticality == Criticality::High))),
        ("class", room.map_or(Value::Null, |room| Value::text(room.class.word()))),
        ("walked", walked.map_or(Value::Null, |standing| Value::text(standing.word()))),
    ])
}

/// Whether servers of both worlds stand in one room, unless that was approved and their cabinets are not the same.
fn is_shared(assets: &[&Asset], room: Option<&Room>, book: &Book) -> bool {
    let cabinets = |wanted: World| -> Vec<Option<Value>> {
        let servers = assets.iter().filter(|asset| is_server(asset.kind) && world(asset, book) == Some(wanted));
        servers.map(|asset| asset.field("cabinet")).collect()
    };
    let (production, administration) = (cabinets(World::Production), cabinets(World::Administration));
    if production.is_empty() || administration.is_empty() {
        return false;
    }
    let names = |cabinets: &[Option<Value>]| -> Option<BTreeSet<String>> {
        cabinets.iter().map(|cabinet| cabinet.as_ref().map(ToString::to_string)).collect()
    };
    let are_apart =
        names(&production).zip(names(&administration)).is_some_and(|(left, right)| left.is_disjoint(&right));
    !(are_apart && room.is_some_and(|room| room.shared_approved))
}

/// The newest statement about every room; one that nobody signed for has no state.
pub(super) fn attested(check: &CheckId, book: &Book, now: Time) -> Reading {
    let of_assets = by_room(book).into_keys().flatten();
    let of_register = book.papers().rooms.iter().map(|room| room.id.to_string());
    let rooms: BTreeSet<String> = of_assets.chain(of_register).collect();
    if rooms.is_empty() {
        return missing("no room is known; add room: to the assets, or give rooms under duties: { rooms: … }".into());
    }
    let row = |name: &String| {
        let subject = crate::duties::room::subject(name);
        let statement = subject.and_then(|subject| book.current(check, &[subject], now));
        let fact = statement.map(|statement| statement.fact(now));
        let get = |key: &str| fact.as_ref().and_then(|fact| fact.get(key)).cloned().unwrap_or_default();
        Value::map([
            ("subject", Value::from(room_subject(name))),
            ("state", get("state")),
            ("age_days", get("age_days")),
            ("days_left", get("days_left")),
        ])
    };
    Reading::Known(Value::map([("rows", Value::list(rooms.iter().map(row)))]))
}
