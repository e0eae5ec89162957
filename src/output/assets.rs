//! Pages of assets: what each is, when it was last visited and which transports answered.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::family::{Family, Type, clean, sample};
use super::lines::Lines;
use crate::engine::PlannedAsset;
use crate::model::{Asset, Time, Transport, Value};
use crate::store;

pub(super) static INFO: Family = Family::new(
    Type::Info,
    "nis2watch_asset_info",
    "What an asset is: by the inventory, and by what the device says about itself.",
);
pub(super) static REACHABLE: Family = Family::new(
    Type::Gauge,
    "nis2watch_asset_reachable",
    "Whether an asset answered over a transport when it was last asked: 1 or 0.",
);
pub(super) static LAST_VISIT: Family =
    Family::new(Type::Gauge, "nis2watch_asset_last_visit_timestamp_seconds", "When the last visit to an asset ended.");
pub(super) static DURATION: Family =
    Family::new(Type::Gauge, "nis2watch_asset_visit_duration_seconds", "How long the last visit to an asset took.");

/// What a device said about itself; outlives a reload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    vendor: Option<Arc<str>>,
    model: Option<Arc<str>>,
    version: Option<Arc<str>>,
}

impl Identity {
    /// Takes the fields of the fact `device`, cleaned.
    pub(super) fn of(device: &Value) -> Self {
        let field = |name: &str| {
            let text = clean(device.get(name)?.as_text()?);
            (!text.is_empty()).then(|| Arc::from(text))
        };
        Self { vendor: field("vendor"), model: field("model"), version: field("version") }
    }
}

/// Which transports were asked, and which of them answered last; a bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reach {
    asked: u32,
    answered: u32,
}

impl Reach {
    pub(super) fn note(&mut self, transports: &[(Transport, bool)]) {
        for (transport, answered) in transports {
            let bit = bit(*transport);
            self.asked |= bit;
            self.answered = if *answered { self.answered | bit } else { self.answered & !bit };
        }
    }

    /// Forgets the transports that an asset is no longer asked over.
    pub(super) fn keep(self, mask: u32) -> Self {
        Self { asked: self.asked & mask, answered: self.answered & mask }
    }
}

const fn bit(transport: Transport) -> u32 {
    1 << transport as u32
}

/// The transports that a planned asset can be asked over.
pub(super) fn transports(planned: &PlannedAsset) -> u32 {
    let asked = planned.facts.iter().filter(|fact| fact.held.is_none() && fact.question.touches_the_wire());
    let access = &planned.member.access;
    let mut mask = asked.fold(0, |mask, fact| mask | bit(fact.question.transport()));
    if access.local {
        mask |= bit(Transport::Local);
    }
    if access.replay.is_some() {
        mask |= bit(Transport::Replay);
    }
    mask
}

/// What is known of one asset beside its checks.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) asset: Arc<Asset>,
    pub(super) identity: Identity,
    pub(super) reach: Reach,
}

/// Up to 32 assets.
#[derive(Debug)]
pub(super) struct AssetPage {
    pub(super) info: Lines,
    pub(super) reachable: Lines,
    pub(super) last_visit: Lines,
    pub(super) duration: Lines,
    pub(super) known: Vec<Known>,
}

impl AssetPage {
    /// Renders some assets; a visit is given for each that ever had one.
    pub(super) fn new(known: Vec<Known>, visits: &[Option<&store::Visit>]) -> Self {
        let rows = known.len();
        Self {
            info: Lines::build(rows, |row, out| info_line(out, &known[row])),
            reachable: Lines::build(rows, |row, out| reach_lines(out, &known[row])),
            last_visit: Lines::build(rows, |row, out| {
                if let Some(visit) = visits[row] {
                    visit_line(out, &known[row], visit.at);
                }
            }),
            duration: Lines::build(rows, |row, out| {
                if let Some(visit) = visits[row] {
                    duration_line(out, &known[row], visit.duration);
                }
            }),
            known,
        }
    }

    /// Shows a visit that ended.
    pub(super) fn visited(&mut self, row: usize, at: Time, took: Duration, reachable: &[(Transport, bool)]) {
        let known = &mut self.known[row];
        known.reach.note(reachable);
        let mut line = Vec::new();
        let mut show = |page: &mut Lines, write: &dyn Fn(&mut Vec<u8>)| {
            line.clear();
            write(&mut line);
            page.set(row, &line);
        };
        show(&mut self.reachable, &|out| reach_lines(out, known));
        show(&mut self.last_visit, &|out| visit_line(out, known, at));
        show(&mut self.duration, &|out| duration_line(out, known, took));
    }

    /// Shows what a device said about itself.
    pub(super) fn identified(&mut self, row: usize, identity: Identity) {
        if self.known[row].identity != identity {
            self.known[row].identity = identity;
            let mut line = Vec::new();
            info_line(&mut line, &self.known[row]);
            self.info.set(row, &line);
        }
    }
}

fn info_line(out: &mut Vec<u8>, known: &Known) {
    let (asset, identity) = (&known.asset, &known.identity);
    let given = |text: &Option<Arc<str>>| text.as_deref().map(clean).unwrap_or_default();
    let said = |said: &Option<Arc<str>>, declared| said.as_deref().map_or_else(|| given(declared), str::to_owned);
    let labels = [
        ("asset", asset.id.as_str()),
        ("zone", asset.zone.as_str()),
        ("site", &*given(&asset.site)),
        ("kind", asset.kind.word()),
        ("vendor", &*said(&identity.vendor, &asset.vendor)),
        ("model", &*said(&identity.model, &asset.product)),
        ("version", &*said(&identity.version, &asset.version)),
        ("owner", &*given(&asset.owner)),
        ("criticality", asset.criticality.word()),
    ];
    sample(out, INFO.name, &labels, 1);
}

fn reach_lines(out: &mut Vec<u8>, known: &Known) {
    for transport in Transport::ALL.iter().filter(|transport| known.reach.asked & bit(**transport) != 0) {
        let labels = [("asset", known.asset.id.as_str()), ("transport", transport.word())];
        sample(out, REACHABLE.name, &labels, u8::from(known.reach.answered & bit(*transport) != 0));
    }
}

fn visit_line(out: &mut Vec<u8>, known: &Known, at: Time) {
    sample(out, LAST_VISIT.name, &[("asset", known.asset.id.as_str())], at.timestamp());
}

fn duration_line(out: &mut Vec<u8>, known: &Known, took: Duration) {
    let mut value = String::new();
    write!(value, "{}.{:03}", took.as_secs(), took.subsec_millis()).ok();
    sample(out, DURATION.name, &[("asset", known.asset.id.as_str())], value);
}
