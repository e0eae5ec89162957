//! One asset as people write it, whatever file it comes from: the keys, their types, their defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use serde::Deserialize;

use super::ParamsByCheck;
use super::access::AccessEntry;
use crate::model::document::{Data, Document, Entry, Node, Step};
use crate::model::{AssetId, Criticality, Kind, Problem, Problems, Profile, Value, ZoneId, did_you_mean};

/// Further keys that hold text and are kept for checks under `asset.`.
pub const TEXT_FIELDS: [&str; 12] = [
    "name",
    "description",
    "building",
    "room",
    "cabinet",
    "mac",
    "data_class",
    "contact",
    "purpose",
    "installed_on",
    "order_number",
    "network",
];
/// Further keys that hold true or false.
pub const TRUTH_FIELDS: [&str; 8] = [
    "mfa_required",
    "intermittent",
    "extended_support",
    "allow_multi_zone",
    "allow_login_tests",
    "decommissioned",
    "portable",
    "avoid_probes",
];
/// Further keys that hold a list of words.
pub const LIST_FIELDS: [&str; 1] = ["services"];
/// The words that `services` may hold, and that checks ask for with `applies_to: { service: … }`.
pub const SERVICES: [&str; 23] = [
    "ssh",
    "telnet",
    "ftp",
    "tftp",
    "http",
    "https",
    "snmp",
    "rdp",
    "smb",
    "vnc",
    "dns",
    "ntp",
    "syslog",
    "modbus",
    "s7",
    "enip",
    "bacnet",
    "opcua",
    "opcua-tls",
    "mqtt",
    "mqtts",
    "iec104",
    "dnp3",
];
/// Keys of an asset with a meaning of their own.
pub const KEYS: [&str; 26] = [
    "id",
    "address",
    "zone",
    "kind",
    "site",
    "vendor",
    "product",
    "version",
    "serial",
    "owner",
    "criticality",
    "supplier",
    "supplier_id",
    "support_end",
    "profile",
    "patch_profile",
    "allowed_ports",
    "labels",
    "params",
    "active",
    "allow_intrusive",
    "allow_protocol_reads",
    "vantage",
    "windows",
    "limits",
    "access",
];

/// Every key that an asset may have.
pub(super) fn all_keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(TEXT_FIELDS).chain(TRUTH_FIELDS).chain(LIST_FIELDS)
}

/// Overrides of what an asset tolerates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsEntry {
    /// Connections open at the same time.
    pub at_once: Option<u32>,
    /// Shortest time between connections.
    #[serde(with = "humantime_serde")]
    pub gap: Option<Duration>,
    /// Connections in any hour.
    pub per_hour: Option<u32>,
}

/// An asset, as written.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssetEntry {
    pub(super) id: AssetId,
    pub(super) address: Option<Arc<str>>,
    pub(super) zone: Option<ZoneId>,
    pub(super) kind: Kind,
    pub(super) site: Option<Arc<str>>,
    pub(super) vendor: Option<Arc<str>>,
    pub(super) product: Option<Arc<str>>,
    pub(super) version: Option<Arc<str>>,
    pub(super) serial: Option<Arc<str>>,
    pub(super) owner: Option<Arc<str>>,
    #[serde(default = "medium")]
    pub(super) criticality: Criticality,
    #[serde(alias = "supplier_id")]
    pub(super) supplier: Option<Arc<str>>,
    pub(super) support_end: Option<NaiveDate>,
    #[serde(alias = "patch_profile")]
    pub(super) profile: Option<Profile>,
    pub(super) allowed_ports: Option<BTreeSet<u16>>,
    #[serde(default)]
    pub(super) labels: BTreeMap<Arc<str>, Arc<str>>,
    #[serde(default)]
    pub(super) params: ParamsByCheck,
    #[serde(default = "yes")]
    pub(super) active: bool,
    #[serde(default)]
    pub(super) allow_intrusive: bool,
    #[serde(default)]
    pub(super) allow_protocol_reads: bool,
    #[serde(default)]
    pub(super) vantage: bool,
    #[serde(default)]
    pub(super) windows: Vec<String>,
    #[serde(default)]
    pub(super) limits: LimitsEntry,
    #[serde(default)]
    pub(super) access: AccessEntry,
}

const fn medium() -> Criticality {
    Criticality::Medium
}
const fn yes() -> bool {
    true
}

/// An asset that was read, with its place for later mistakes. Of a wrong one it holds what is left, so that the rest is
/// looked at as well; the report is not empty then, and nobody is watched by it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) entry: AssetEntry,
    /// Whether the id is the one that was written.
    pub(super) has_id: bool,
    /// Whether the kind is the one that was written.
    pub(super) has_kind: bool,
    pub(super) fields: BTreeMap<Arc<str>, Value>,
    pub(super) base: Arc<Path>,
    document: Arc<Document>,
    node: Node,
    prefix: Vec<Step>,
}

impl Found {
    /// A mistake at a value of the asset.
    pub(super) fn wrong(&self, path: &[Step], message: impl Into<String>) -> Problem {
        let node = (0..=path.len()).rev().find_map(|depth| self.node.at(&path[..depth]));
        let place = node.map(|node| node.place.clone()).unwrap_or_default();
        let key: Vec<Step> = self.prefix.iter().chain(path).cloned().collect();
        self.document.wrong_at(&place, &crate::model::document::path_text(&key), message)
    }

    /// Whether something is written there, rightly or not: what is wrong is not missing as well.
    pub(super) fn says(&self, path: &[&str]) -> bool {
        let path: Vec<Step> = path.iter().map(|key| Step::from(*key)).collect();
        self.node.at(&path).is_some()
    }

    /// `file:line:column` of its parameters, or of the asset where it has none.
    pub(super) fn declared(&self) -> Arc<str> {
        let problem = self.wrong(&["params".into()], "");
        let place = problem.line.zip(problem.column).map(|(line, column)| format!(":{line}:{column}"));
        format!("{}{}", problem.file.display(), place.unwrap_or_default()).into()
    }

    /// `file:line` of the asset, for mistakes that concern two of them.
    pub(super) fn whereabouts(&self) -> String {
        let problem = self.wrong(&["id".into()], "");
        let line = problem.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}", problem.file.display())
    }
}

/// Reads one asset, or what is left of it; `None` for what is no asset at all. `base` is the directory that its relative
/// paths start from; `defaults` fills what it does not say.
pub(super) fn read(
    document: &Arc<Document>,
    index: usize,
    mut node: Node,
    defaults: Option<&Node>,
    base: &Arc<Path>,
    problems: &mut Problems,
) -> Option<Found> {
    if !matches!(node.data, Data::Map(_)) {
        problems.push(document.wrong_at(
            &node.place,
            &format!("[{index}]"),
            "an asset is a map of keys: { id: …, kind: … }",
        ));
        return None;
    }
    let id = node.get("id").and_then(Node::as_text).map(str::to_owned);
    let prefix = vec![id.map_or(Step::Index(index), Step::Key)];
    if let Some(defaults) = defaults {
        fill(&mut node, defaults);
    }
    let whole = node.clone();
    let fields = take_fields(document, &prefix, &mut node, problems);
    report_empty_access(document, &prefix, &node, problems);
    let mut left = document.salvage(&prefix, &node, problems);
    let mut stood_in = [false; 2];
    for (at, (key, word)) in [("id", format!("asset-{index}")), ("kind", STAND_IN.word().to_owned())].iter().enumerate()
    {
        if left.is_none() && !is_readable(document, key, &node) {
            stood_in[at] = true;
            let place = node.place.clone();
            node.set(&[key], Node::new(place, Data::Text(word.clone())));
            // what was reported already is not reported twice
            left = document.salvage(&prefix, &node, problems);
        }
    }
    let [no_id, no_kind] = stood_in;
    left.map(|entry| Found {
        entry,
        has_id: !no_id,
        has_kind: !no_kind,
        fields,
        base: Arc::clone(base),
        document: Arc::clone(document),
        node: whole,
        prefix,
    })
}

/// In the place of a kind that could not be read.
const STAND_IN: Kind = Kind::LinuxHost;

/// Whether one of the two keys that every asset must have holds what it should.
fn is_readable(document: &Document, key: &str, node: &Node) -> bool {
    let Some(value) = node.get(key) else { return false };
    let (path, mut told) = ([Step::from(key)], Problems::new());
    match key {
        "id" => document.read::<AssetId>(&path, value, &mut told).is_some(),
        _ => document.read::<Kind>(&path, value, &mut told).is_some(),
    }
}

/// Takes the further fields and the unknown keys out of the map.
fn take_fields(
    document: &Document,
    prefix: &[Step],
    node: &mut Node,
    problems: &mut Problems,
) -> BTreeMap<Arc<str>, Value> {
    let Data::Map(entries) = &mut node.data else { return BTreeMap::new() };
    let mut fields = BTreeMap::new();
    let mut keep = |entry: &Entry| {
        let key = entry.key.as_str();
        if KEYS.contains(&key) {
            return true;
        }
        let path: Vec<Step> = prefix.iter().cloned().chain([Step::from(key)]).collect();
        let value = if TEXT_FIELDS.contains(&key) {
            document.read::<Option<String>>(&path, &entry.node, problems).flatten().map(Value::from)
        } else if TRUTH_FIELDS.contains(&key) {
            document.read::<bool>(&path, &entry.node, problems).map(Value::from)
        } else if LIST_FIELDS.contains(&key) {
            let words = document.read::<Vec<String>>(&path, &entry.node, problems);
            report_unknown_services(document, &path, &entry.node, problems);
            words.map(|words| Value::list(words.into_iter().map(Value::from)))
        } else {
            let key_text = crate::model::document::path_text(&path);
            let problem = document.wrong_at(&entry.place, &key_text, format!("unknown key {key:?}"));
            let problem = problem.hint("fields of your own go under labels:").suggest(key, all_keys());
            problems.push(problem);
            None
        };
        if let Some(value) = value {
            fields.insert(Arc::from(key), value);
        }
        false
    };
    entries.retain(|entry| keep(entry));
    fields
}

/// A service that no check could ask for: the checks that the asset was meant for would leave it out in silence.
fn report_unknown_services(document: &Document, path: &[Step], node: &Node, problems: &mut Problems) {
    let unknown = |node: &Node| node.as_text().filter(|word| !SERVICES.contains(word)).map(str::to_owned);
    for (index, word) in node.items().iter().filter_map(|(index, item)| Some((*index, unknown(item)?))) {
        let key = crate::model::document::path_text(&[path, &[Step::Index(index)]].concat());
        let place = node.at(&[Step::Index(index)]).map(|item| item.place.clone()).unwrap_or_default();
        let problem = document.wrong_at(&place, &key, format!("service {word:?} is not known"));
        let known = format!("known: {}; words of your own go under labels:", SERVICES.join(", "));
        problems.push(match did_you_mean(&word, SERVICES) {
            Some(close) => problem.hint(format!("did you mean {close:?}? {known}")),
            None => problem.hint(known),
        });
    }
}

/// `ssh:` with nothing after it would silently mean no SSH at all.
fn report_empty_access(document: &Document, prefix: &[Step], node: &Node, problems: &mut Problems) {
    for entry in node.get("access").map(Node::entries).unwrap_or_default() {
        if matches!(entry.node.data, Data::Null) {
            let path: Vec<Step> = prefix.iter().cloned().chain(["access".into(), entry.key.as_str().into()]).collect();
            let key = crate::model::document::path_text(&path);
            let problem = document.wrong_at(&entry.place, &key, "no settings follow");
            problems.push(problem.hint(format!("write {}: {{}} where the defaults are meant", entry.key)));
        }
    }
}

/// Adds what `defaults` has and `node` has not, map by map.
fn fill(node: &mut Node, defaults: &Node) {
    let Data::Map(entries) = &mut node.data else { return };
    for default in defaults.entries() {
        match entries.iter_mut().find(|entry| entry.key == default.key) {
            Some(own) => fill(&mut own.node, &default.node),
            None => entries.push(default.clone()),
        }
    }
}
