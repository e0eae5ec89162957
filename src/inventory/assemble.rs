//! From the parts to the whole: every reference is followed, every mistake reported.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;

use super::asset_file::{AssetEntry, Found};
use super::credentials::{CredentialEntry, Credentials, Surroundings};
use super::resolve::{self, Means};
use super::zones::{self, WindowEntry, ZoneEntry};
use super::{Inventory, Member, Overrides, Source, address, sources, vantages};
use crate::model::document::{Document, Node, Step};
use crate::model::{
    Asset, AssetId, Conduit, Kind, Problem, Problems, Profile, SubjectClass, Window, Zone, ZoneId, ZoneRole,
    did_you_mean,
};
use crate::transport::gate::Limits;

/// Longest chain of jump hosts.
const LONGEST_CHAIN: usize = 4;

/// How far a way is followed in search of a circle.
const FARTHEST: usize = 64;

/// Target lists that were fetched, by their URL.
pub type Fetched = BTreeMap<String, String>;

/// What the configuration says about the inventory.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Visits at the same time into a zone, fragile assets aside.
    pub per_zone: u32,
    /// The configuration, for places.
    pub document: &'a Document,
    /// Its directory; relative paths start there.
    pub base: &'a Path,
    /// Where assets come from.
    pub sources: &'a [Source],
    /// Zones as written.
    pub zones: &'a [ZoneEntry],
    /// Conduits.
    pub conduits: &'a [Conduit],
    /// Windows as written.
    pub windows: &'a [WindowEntry],
    /// Credentials as written.
    pub credentials: &'a BTreeMap<String, CredentialEntry>,
    /// Allow-listed programs by name.
    pub plugins: &'a BTreeMap<String, PathBuf>,
    /// Parameters of checks; those of zones are added from the zones.
    pub overrides: &'a Overrides,
    /// Time zone of windows.
    pub timezone: Tz,
    /// Site of everything that names none.
    pub site: Option<&'a Arc<str>>,
    /// What fragile assets tolerate.
    pub fragile: Limits,
    /// What the others tolerate.
    pub standard: Limits,
    /// Whether anything is sent at all.
    pub active: bool,
}

/// Reads all sources and builds the inventory. Mistakes go to `problems`, what is merely suspicious to `warnings`;
/// the result is whole only if `problems` stays empty.
pub fn build(
    settings: &Settings<'_>,
    fetched: &Fetched,
    surroundings: &Surroundings,
    problems: &mut Problems,
    warnings: &mut Problems,
) -> Inventory {
    let document = settings.document;
    let zones = zones::zones(settings.zones, document, problems);
    zones::check_conduits(settings.conduits, &zones, document, problems);
    let windows = zones::windows(settings.windows, settings.timezone, document, problems);
    check_zone_windows(settings, problems);
    let credentials = Credentials::resolve(settings.credentials, settings.base, surroundings, |below, unreadable| {
        let path: Vec<Step> = std::iter::once("credentials".into()).chain(below).collect();
        let problem = document.wrong(&path, unreadable.message);
        problems.push_unless_a_part_is_wrong(unreadable.hint.into_iter().fold(problem, Problem::hint));
    });
    let means = Means {
        credentials: &credentials,
        declared: document
            .root
            .get("credentials")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.key.as_str())
            .collect(),
        plugins: settings.plugins,
    };
    let (found, complete) = sources::read(settings.sources, settings.base, document, fetched, problems);
    let assembly = Assembly {
        settings,
        zones: &zones,
        windows: &windows,
        means: &means,
        found: by_id(&found, problems),
        complete,
        declared_zones: zones::names(document, "zones", "id"),
        declared_windows: zones::names(document, "windows", "name"),
    };
    let mut members: Vec<Arc<Member>> =
        found.iter().map(|found| Arc::new(assembly.member(found, problems, warnings))).collect();
    members.extend(vantages::subjects(&members, &zones));
    vantages::check(&found, &members, problems);
    vantages::check_canaries(settings, &members, problems);
    report_shared_addresses(&found, warnings);
    let mut overrides = settings.overrides.clone();
    for zone in settings.zones {
        for (check, params) in &zone.params {
            overrides
                .zones
                .entry(zone.id.clone())
                .or_default()
                .entry(check.clone())
                .or_default()
                .extend(params.clone());
        }
    }
    let zone_at_once = settings.zones.iter().filter_map(|zone| Some((zone.id.clone(), zone.at_once?))).collect();
    let canaries = settings.zones.iter().filter_map(|zone| Some((zone.id.clone(), zone.canary.clone()?))).collect();
    Inventory {
        members,
        zones,
        zone_at_once,
        per_zone: settings.per_zone,
        conduits: settings.conduits.to_vec(),
        canaries,
        windows,
        overrides,
    }
}

/// Assets by id; the second of a name is reported with the place of the first.
fn by_id<'a>(found: &'a [Found], problems: &mut Problems) -> HashMap<&'a str, &'a Found> {
    let mut all: HashMap<&str, &Found> = HashMap::new();
    for asset in found.iter().filter(|asset| asset.has_id) {
        if let Some(first) = all.get(asset.entry.id.as_str()) {
            let id = asset.entry.id.as_str();
            let message = format!("asset {id:?} is declared twice, first at {}", first.whereabouts());
            problems.push(asset.wrong(&["id".into()], message));
        } else {
            all.insert(asset.entry.id.as_str(), asset);
        }
    }
    all
}

fn check_zone_windows(settings: &Settings<'_>, problems: &mut Problems) {
    let declared = zones::names(settings.document, "windows", "name");
    for (at, zone) in settings.zones.iter().enumerate() {
        for (index, name) in zone.windows.iter().enumerate().filter(|(_, name)| !declared.contains(name.as_str())) {
            let path = ["zones".into(), at.into(), "windows".into(), index.into()];
            problems.push(unknown_window(settings.document.wrong(&path, String::new()), name, settings.windows));
        }
    }
}

fn unknown_window(mut problem: Problem, name: &str, declared: &[WindowEntry]) -> Problem {
    problem.message = format!("window {name:?} is not declared");
    match did_you_mean(name, declared.iter().map(|window| window.name.as_str())) {
        Some(close) => problem.hint(format!("did you mean {close:?}?")),
        None => problem.hint("declare it under windows: in the configuration"),
    }
}

/// Two assets behind one address are mostly one asset written twice; loopback is for trying things out.
fn report_shared_addresses(found: &[Found], warnings: &mut Problems) {
    let mut all: HashMap<String, &Found> = HashMap::new();
    for asset in found {
        let Some(address) = asset.entry.address.as_deref() else { continue };
        let is_loopback = address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) || address == "localhost";
        if is_loopback {
            continue;
        }
        if let Some(first) = all.get(&address.to_lowercase()) {
            let message =
                format!("asset {:?} has the same address (at {})", first.entry.id.as_str(), first.whereabouts());
            warnings.push(asset.wrong(&["address".into()], message));
        } else {
            all.insert(address.to_lowercase(), asset);
        }
    }
}

struct Assembly<'a> {
    settings: &'a Settings<'a>,
    zones: &'a BTreeMap<ZoneId, Zone>,
    windows: &'a BTreeMap<String, Window>,
    means: &'a Means<'a>,
    found: HashMap<&'a str, &'a Found>,
    /// Whether every file of assets could be read.
    complete: bool,
    declared_zones: BTreeSet<&'a str>,
    declared_windows: BTreeSet<&'a str>,
}

impl Assembly<'_> {
    fn member(&self, found: &Found, problems: &mut Problems, warnings: &mut Problems) -> Member {
        let entry = &found.entry;
        let zone = self.zone(found, problems);
        let role = zone.map(|zone| zone.role);
        let fragile = entry.kind.is_fragile() || role.is_some_and(ZoneRole::is_fragile);
        check_address(found, problems);
        check_ports(found, problems);
        let access = resolve::access(found, self.means, problems);
        let asset = self.asset(found, zone);
        Member {
            zone_role: role,
            fragile,
            limits: self.limits(found, fragile, problems, warnings),
            has: resolve::has(&access),
            jump: self.jump(found, problems),
            looks_from: vantages::looks_from(entry),
            windows: self.windows_of(found, zone, problems),
            inactive: self.inactive(&asset, zone),
            declared: found.declared(),
            access,
            tls: entry.access.tls.clone(),
            http: entry.access.http.clone(),
            asset: Arc::new(asset),
        }
    }

    fn zone(&self, found: &Found, problems: &mut Problems) -> Option<&Zone> {
        let own = (found.entry.kind == Kind::Zone).then(|| ZoneId::parse(found.entry.id.as_str()).ok()).flatten();
        let id = match (&found.entry.zone, own) {
            (Some(id), _) => id.clone(),
            (None, Some(own)) => own,
            (None, None) => {
                if found.has_kind && found.entry.kind.class() == SubjectClass::Device && !found.says(&["zone"]) {
                    let names: Vec<_> = self.zones.keys().map(ZoneId::as_str).collect();
                    let problem = found.wrong(&[], "key \"zone\" is missing");
                    problems.push(problem.hint(format!("declared zones: {}", names.join(", "))));
                }
                return None;
            }
        };
        let zone = self.zones.get(&id);
        if zone.is_none() && !self.declared_zones.contains(id.as_str()) {
            problems.push(zones::unknown_zone(found.wrong(&["zone".into()], String::new()), &id, self.zones));
        }
        zone
    }

    fn asset(&self, found: &Found, zone: Option<&Zone>) -> Asset {
        let entry = found.entry.clone();
        let nowhere = || ZoneId::parse(ZoneId::NOWHERE).unwrap_or_else(|_| unreachable!("a plain word is an id"));
        let zone_id = zone.map(|zone| zone.id.clone()).or(entry.zone).unwrap_or_else(nowhere);
        let site =
            entry.site.or_else(|| zone.and_then(|zone| zone.site.clone())).or_else(|| self.settings.site.cloned());
        Asset {
            profile: entry.profile.unwrap_or_else(|| profile(&found.entry, zone)),
            id: entry.id,
            address: entry.address,
            zone: zone_id,
            kind: entry.kind,
            site,
            vendor: entry.vendor,
            product: entry.product,
            version: entry.version,
            serial: entry.serial,
            owner: entry.owner,
            criticality: entry.criticality,
            supplier: entry.supplier,
            support_end: entry.support_end,
            allowed_ports: entry.allowed_ports,
            declared_ports: entry.access.declared_ports(),
            labels: entry.labels,
            fields: found.fields.clone(),
            params: entry.params,
            active: entry.active,
            allow_intrusive: entry.allow_intrusive,
            allow_protocol_reads: entry.allow_protocol_reads,
            vantage: entry.vantage,
        }
    }

    fn limits(&self, found: &Found, fragile: bool, problems: &mut Problems, warnings: &mut Problems) -> Limits {
        let class = if fragile { self.settings.fragile } else { self.settings.standard };
        let own = &found.entry.limits;
        let limits = Limits {
            at_once: own.at_once.unwrap_or(class.at_once),
            gap: own.gap.unwrap_or(class.gap),
            per_hour: own.per_hour.unwrap_or(class.per_hour),
            fragile,
        };
        for (key, value) in [("at_once", limits.at_once), ("per_hour", limits.per_hour)] {
            if value == 0 {
                let problem = found.wrong(&["limits".into(), key.into()], "0 would let nothing through");
                problems.push(problem.hint("active: false switches an asset off"));
            }
        }
        let hard = Limits::FRAGILE;
        let is_loose = limits.at_once > hard.at_once || limits.gap < hard.gap || limits.per_hour > hard.per_hour;
        let has_own = own.at_once.is_some() || own.gap.is_some() || own.per_hour.is_some();
        if fragile && has_own && is_loose {
            let message = "the limits are looser than the rules for fragile devices (one connection at a time, 5 s apart, 60 an hour)";
            warnings.push(found.wrong(&["limits".into()], message));
        }
        limits
    }

    fn windows_of(&self, found: &Found, zone: Option<&Zone>, problems: &mut Problems) -> Vec<Window> {
        for (at, name) in
            found.entry.windows.iter().enumerate().filter(|(_, name)| !self.declared_windows.contains(name.as_str()))
        {
            let problem = found.wrong(&["windows".into(), at.into()], String::new());
            problems.push(unknown_window(problem, name, self.settings.windows));
        }
        let of_zone = zone.and_then(|zone| self.settings.zones.iter().find(|entry| entry.id == zone.id));
        let of_zone = of_zone.map(|entry| entry.windows.as_slice()).unwrap_or_default();
        let everywhere = self.settings.windows.iter().filter(|window| window.everywhere).map(|window| &window.name);
        let names: BTreeSet<&String> = found.entry.windows.iter().chain(of_zone).chain(everywhere).collect();
        names.into_iter().filter_map(|name| self.windows.get(name)).cloned().collect()
    }

    fn inactive(&self, asset: &Asset, zone: Option<&Zone>) -> Option<String> {
        match zone {
            _ if !self.settings.active => Some("the whole plant".into()),
            _ if !asset.active => Some(format!("asset {}", asset.id)),
            Some(zone) if !zone.active => Some(format!("zone {}", zone.id)),
            _ => None,
        }
    }

    /// The chain of jump hosts, the first reached directly.
    fn jump(&self, found: &Found, problems: &mut Problems) -> Vec<AssetId> {
        let Some(ssh) = &found.entry.access.ssh else { return Vec::new() };
        let sound = self.check_jump_hosts(found, &ssh.jump, problems);
        let path: [Step; 3] = ["access".into(), "ssh".into(), "jump".into()];
        match self.way(found.entry.id.as_str(), &ssh.jump) {
            Err(circle) => {
                let problem = found.wrong(&path, format!("the way goes in a circle: {circle}"));
                problems.push(problem.hint("one of them must be reached without the others"));
                Vec::new()
            }
            Ok(way) if way.len() > LONGEST_CHAIN => {
                let message = format!("more than {LONGEST_CHAIN} jump hosts in a row");
                problems.push(found.wrong(&path, message).hint("run a probe in that zone instead"));
                Vec::new()
            }
            Ok(way) if sound => way,
            Ok(_) => Vec::new(),
        }
    }

    /// Reports jump hosts that are not there or that nobody can log in to.
    fn check_jump_hosts(&self, found: &Found, jump: &[AssetId], problems: &mut Problems) -> bool {
        let mut sound = true;
        for (at, id) in jump.iter().enumerate() {
            let wrong =
                |message: String| found.wrong(&["access".into(), "ssh".into(), "jump".into(), at.into()], message);
            match self.found.get(id.as_str()) {
                None if !self.complete => {}
                None => {
                    let problem = wrong(format!("jump host {:?} is not in the inventory", id.as_str()));
                    problems.push(problem.suggest(id.as_str(), self.found.keys().copied()));
                }
                Some(host) if host.entry.access.ssh.is_none() => {
                    if !host.says(&["access", "ssh"]) {
                        let problem = wrong(format!("jump host {:?} has no access over ssh", id.as_str()));
                        problems.push(problem.hint("give it access: { ssh: { credential: … } }"));
                    }
                }
                Some(_) => continue,
            }
            sound = false;
        }
        sound
    }

    /// What is gone through: what the first jump host goes through comes before it.
    ///
    /// # Errors
    ///
    /// The circle in which the way goes.
    fn way(&self, asset: &str, jump: &[AssetId]) -> Result<Vec<AssetId>, String> {
        let (mut parts, mut passed) = (vec![jump], BTreeSet::from([asset]));
        while let Some(part) = parts.last().copied().filter(|part| !part.is_empty()) {
            let reached =
                if parts.len() == 1 { Some(asset) } else { parts[parts.len() - 2].first().map(AssetId::as_str) };
            for id in part {
                if !passed.insert(id.as_str()) {
                    let through: Vec<&str> = part.iter().map(AssetId::as_str).collect();
                    return Err(format!("{} is reached through {}", reached.unwrap_or_default(), through.join(", ")));
                }
            }
            if passed.len() > FARTHEST {
                break;
            }
            let host = part.first().and_then(|first| self.found.get(first.as_str()));
            let before = host.and_then(|host| host.entry.access.ssh.as_ref()).map(|ssh| ssh.jump.as_slice());
            parts.push(before.unwrap_or_default());
        }
        Ok(parts.into_iter().rev().flatten().cloned().collect())
    }
}

/// Production systems are patched in windows: they get the limits for OT unless the asset says otherwise.
fn profile(entry: &AssetEntry, zone: Option<&Zone>) -> Profile {
    let role = zone.map(|zone| zone.role);
    let in_production = role.is_some_and(|role| role.is_fragile() || role == ZoneRole::Production);
    let is_industrial = entry.kind.is_fragile() || matches!(entry.kind, Kind::EngineeringStation | Kind::Historian);
    if in_production || is_industrial { Profile::Ot } else { Profile::It }
}

/// Ways of access that need no address.
const LOCAL: &[&str] = &["access", "local"];
const REPLAY: &[&str] = &["access", "replay"];

fn check_address(found: &Found, problems: &mut Problems) {
    let entry = &found.entry;
    match entry.address.as_deref() {
        Some(text) => {
            if let Err((message, hint)) = address::check(text) {
                let problem = found.wrong(&["address".into()], message);
                problems.push(hint.into_iter().fold(problem, Problem::hint));
            }
        }
        None if entry.kind.class() == SubjectClass::Paper || entry.access.needs_no_address() => {}
        None if !found.has_kind || [&["address"][..], LOCAL, REPLAY].iter().any(|way| found.says(way)) => {}
        None => {
            let problem = found.wrong(&[], "key \"address\" is missing");
            problems
                .push(problem.hint("an IP address or a host name; the monitor host itself has access: { local: {} }"));
        }
    }
}

fn check_ports(found: &Found, problems: &mut Problems) {
    let entry = &found.entry;
    let mut zero = |path: &[Step]| {
        problems.push(found.wrong(path, "0 is no port").hint("a port is a number from 1 to 65535"));
    };
    if entry.allowed_ports.as_ref().is_some_and(|ports| ports.contains(&0)) {
        zero(&["allowed_ports".into()]);
    }
    if entry.access.tls.as_ref().is_some_and(|tls| tls.ports.contains(&0)) {
        zero(&["access".into(), "tls".into(), "ports".into()]);
    }
    if entry.access.http.as_ref().is_some_and(|http| http.ports.contains(&0)) {
        zero(&["access".into(), "http".into(), "ports".into()]);
    }
}
