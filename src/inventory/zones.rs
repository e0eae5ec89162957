//! Zones, conduits and windows as the configuration declares them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use ipnet::IpNet;
use serde::Deserialize;

use super::ParamsByCheck;
use crate::model::document::{Document, Node, Step};
use crate::model::{
    AssetId, Calendar, Conduit, Problem, Problems, Window, WindowEffect, Zone, ZoneId, ZoneRole, did_you_mean,
};

/// A zone, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneEntry {
    /// Its name.
    pub id: ZoneId,
    /// What it is for.
    pub role: ZoneRole,
    /// Site it lies in, where that differs from the configuration's own.
    pub site: Option<Arc<str>>,
    /// Its networks.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// What a vantage in the zone must be able to reach; chosen among the assets of the zone where it is left out.
    pub canary: Option<CanaryEntry>,
    /// Whether packets may be sent into it.
    #[serde(default = "yes")]
    pub active: bool,
    /// Parameters of checks for the assets of the zone.
    #[serde(default)]
    pub params: ParamsByCheck,
    /// Windows that concern all its assets.
    #[serde(default)]
    pub windows: Vec<String>,
    /// Fragile assets of the zone that may be spoken to at the same time.
    pub at_once: Option<u32>,
}

/// The positive control of the vantages of a zone, as written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryEntry {
    /// An asset that answers, and that is not the vantage itself.
    pub asset: AssetId,
    /// A TCP port that is open on it.
    pub port: u16,
    /// A TCP port that nobody serves on it.
    #[serde(default = "tcpmux")]
    pub closed: u16,
}

/// Assigned (RFC 1078) and served by hardly anybody.
const fn tcpmux() -> u16 {
    1
}

const fn yes() -> bool {
    true
}

/// A window, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowEntry {
    /// Its name, by which assets and zones refer to it.
    pub name: String,
    /// Cron line of its begin.
    pub opens: String,
    /// How long it stays open.
    #[serde(with = "humantime_serde")]
    pub lasts: Duration,
    /// What it changes.
    pub effects: Vec<WindowEffect>,
    /// Whether it concerns every asset, without being named there.
    #[serde(default)]
    pub everywhere: bool,
    /// Time zone of the cron line, where that differs from the configuration's own.
    pub timezone: Option<Timezone>,
}

/// A time zone by its name in the IANA database (`Europe/Copenhagen`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Timezone(pub Tz);

impl Default for Timezone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl TryFrom<String> for Timezone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| {
            match did_you_mean(&name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
                Some(close) => format!("time zone {name:?} is not known; did you mean {close:?}?"),
                None => format!("time zone {name:?} is not known; a name such as Europe/Copenhagen or UTC is expected"),
            }
        })
    }
}

/// Zones by id; a duplicate is a mistake.
pub(super) fn zones(entries: &[ZoneEntry], document: &Document, problems: &mut Problems) -> BTreeMap<ZoneId, Zone> {
    let mut zones = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let zone = Zone {
            id: entry.id.clone(),
            role: entry.role,
            site: entry.site.clone(),
            networks: entry.networks.clone(),
            active: entry.active,
        };
        if zones.insert(entry.id.clone(), zone).is_some() {
            let path = ["zones".into(), at.into(), "id".into()];
            problems.push(document.wrong(&path, format!("zone {:?} is declared twice", entry.id.as_str())));
        }
        if entry.at_once == Some(0) {
            let path = ["zones".into(), at.into(), "at_once".into()];
            problems
                .push(document.wrong(&path, "0 would let nothing through").hint("active: false switches a zone off"));
        }
    }
    zones
}

/// Reports conduits that lead to unknown zones.
pub(super) fn check_conduits(
    conduits: &[Conduit],
    zones: &BTreeMap<ZoneId, Zone>,
    document: &Document,
    problems: &mut Problems,
) {
    let declared = names(document, "zones", "id");
    for (at, conduit) in conduits.iter().enumerate() {
        for (key, zone) in [("from", &conduit.from), ("to", &conduit.to)] {
            if !declared.contains(zone.as_str()) {
                let path = ["conduits".into(), at.into(), key.into()];
                problems.push(unknown_zone(document.wrong(&path, String::new()), zone, zones));
            }
        }
    }
}

/// What the entries of a list are called, also of those that could not be read, which is reported elsewhere.
pub(super) fn names<'a>(document: &'a Document, list: &str, key: &str) -> BTreeSet<&'a str> {
    let entries = document.root.get(list).map(Node::items).unwrap_or_default();
    entries.iter().filter_map(|(_, entry)| entry.get(key)?.as_text()).collect()
}

/// Words the mistake of a zone that is not declared.
pub(super) fn unknown_zone(mut problem: Problem, zone: &ZoneId, zones: &BTreeMap<ZoneId, Zone>) -> Problem {
    problem.message = format!("zone {:?} is not declared", zone.as_str());
    match did_you_mean(zone.as_str(), zones.keys().map(ZoneId::as_str)) {
        Some(close) => problem.hint(format!("did you mean {close:?}?")),
        None => problem.hint(format!("declare it under zones: in the configuration: {{ id: {zone}, role: … }}")),
    }
}

/// Windows by name.
pub(super) fn windows(
    entries: &[WindowEntry],
    timezone: Tz,
    document: &Document,
    problems: &mut Problems,
) -> BTreeMap<String, Window> {
    let mut windows = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut wrong = |key: &str, message: String| {
            problems.push(document.wrong(&["windows".into(), Step::Index(at), key.into()], message));
        };
        if entry.effects.is_empty() {
            wrong("effects", "a window without effects changes nothing".into());
        }
        if entry.lasts.is_zero() {
            wrong("lasts", "a window of no length never opens".into());
        }
        let opens = match Calendar::parse(&entry.opens, entry.timezone.map_or(timezone, |own| own.0)) {
            Ok(opens) => opens,
            Err(error) => {
                wrong("opens", error.to_string());
                continue;
            }
        };
        let (lasts, effects) = (entry.lasts, entry.effects.clone());
        let window = Window { name: entry.name.clone(), opens, lasts, effects };
        if windows.insert(entry.name.clone(), window).is_some() {
            wrong("name", format!("window {:?} is declared twice", entry.name));
        }
    }
    windows
}
