//! What there is to watch: assets, zones, conduits, windows, and the credentials to ask with.
//!
//! Sources are asset files in YAML, JSON or CSV, directories of them, and Prometheus target lists from files or over
//! HTTP. Everything is read and checked as a whole: every mistake of every file comes in one report, and nothing
//! starts before it is empty. Secrets are references; their values never leave [`Credentials`] in a message.

mod access;
mod address;
mod assemble;
mod asset_file;
mod credentials;
mod csv;
mod http_sd;
mod resolve;
mod sources;
mod targets;
mod vantages;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use access::{HttpSettings, TlsSettings};
pub use assemble::{Fetched, Settings, build};
pub use asset_file::{KEYS, LIST_FIELDS, LimitsEntry, SERVICES, TEXT_FIELDS, TRUTH_FIELDS};
pub use credentials::{Credential, CredentialEntry, Credentials, SecretRef, Surroundings, Unreadable};
pub use csv::parse as table;
pub use http_sd::{FetchError, fetch};
pub use sources::{HttpSource, Source};
pub use vantages::Zoning;
pub use zones::{CanaryEntry, Timezone, WindowEntry, ZoneEntry};

use crate::model::{Asset, CheckId, Conduit, Kind, Profile, Transport, Value, Window, Zone, ZoneId, ZoneRole};
use crate::transport::gate::Limits;
use crate::transport::reach::Sight;
use crate::transport::{exec, replay, snmp, ssh};

/// Parameters of checks, as any level of the configuration sets them.
pub type ParamsByCheck = BTreeMap<CheckId, BTreeMap<Arc<str>, Value>>;

/// Everything that is watched.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The assets, in the order of the sources.
    pub members: Vec<Arc<Member>>,
    /// The zones.
    pub zones: BTreeMap<ZoneId, Zone>,
    /// Fragile assets of a zone that may be spoken to at the same time, where the configuration says so.
    pub zone_at_once: BTreeMap<ZoneId, u32>,
    /// Visits at the same time into a zone, fragile assets aside.
    pub per_zone: u32,
    /// The allowed paths between zones.
    pub conduits: Vec<Conduit>,
    /// What vantages of a zone must be able to reach, where the configuration says so.
    pub canaries: BTreeMap<ZoneId, CanaryEntry>,
    /// The windows, by name.
    pub windows: BTreeMap<String, Window>,
    /// Parameters of checks beside those of single assets.
    pub overrides: Overrides,
}

impl Inventory {
    /// How many assets of its class may be visited at the same time in the zone of a member.
    #[must_use]
    pub fn at_once(&self, member: &Member) -> u32 {
        if member.fragile { self.zone_at_once.get(&member.asset.zone).copied().unwrap_or(1) } else { self.per_zone }
    }

    /// The member with that id.
    #[must_use]
    pub fn find(&self, asset: &str) -> Option<&Arc<Member>> {
        self.members.iter().find(|member| member.asset.id.as_str() == asset)
    }
}

/// One asset and everything that decides how it may be asked.
#[derive(Debug, Clone)]
pub struct Member {
    /// The asset itself.
    pub asset: Arc<Asset>,
    /// Role of its zone; paper subjects may stand in none.
    pub zone_role: Option<ZoneRole>,
    /// Whether the hard rules for fragile devices hold: by its kind or by the role of its zone.
    pub fragile: bool,
    /// How much it tolerates.
    pub limits: Limits,
    /// How it is reached.
    pub access: Access,
    /// Its TLS services, where they are declared.
    pub tls: Option<TlsSettings>,
    /// Its HTTP services, where they are declared.
    pub http: Option<HttpSettings>,
    /// Ways it can be asked with a credential or as the monitor host itself; selectors look at them.
    pub has: BTreeSet<Transport>,
    /// Assets whose SSH server is gone through, in order, the first one reached directly.
    pub jump: Vec<crate::model::AssetId>,
    /// Where a vantage looks from; `None` for all other assets.
    pub looks_from: Option<Sight>,
    /// Windows that concern it: its own, those of its zone and those that hold everywhere.
    pub windows: Vec<Window>,
    /// Why nothing is sent to it, if so (`asset plc-1`, `zone cell-1`, `the whole plant`).
    pub inactive: Option<String>,
    /// `file:line:column` of its parameters, which the catalogue judges later, or of the asset where it has none.
    pub declared: Arc<str>,
}

/// How an asset is reached, secrets included; they do not print. What is `None` is not configured.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Login over SSH.
    pub ssh: Option<Arc<ssh::Access>>,
    /// SNMP.
    pub snmp: Option<Arc<snmp::Access>>,
    /// Plug-ins that may be run about it.
    pub exec: Option<Arc<exec::Access>>,
    /// It is the monitor host itself.
    pub local: bool,
    /// A recording answers in its place.
    pub replay: Option<Arc<replay::Transcript>>,
}

/// Parameters of checks by level. A single asset's own come before all of them; then zone, kind, profile, global.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// For all assets.
    pub global: ParamsByCheck,
    /// For the assets of a profile.
    pub profiles: BTreeMap<Profile, ParamsByCheck>,
    /// For the assets of a kind.
    pub kinds: BTreeMap<Kind, ParamsByCheck>,
    /// For the assets of a zone.
    pub zones: BTreeMap<ZoneId, ParamsByCheck>,
}

impl Overrides {
    /// The level of the asset's zone.
    #[must_use]
    pub fn zone(&self, asset: &Asset) -> Option<&ParamsByCheck> {
        self.zones.get(&asset.zone)
    }
    /// The level of the asset's kind.
    #[must_use]
    pub fn kind(&self, asset: &Asset) -> Option<&ParamsByCheck> {
        self.kinds.get(&asset.kind)
    }
    /// The level of the asset's profile.
    #[must_use]
    pub fn profile(&self, asset: &Asset) -> Option<&ParamsByCheck> {
        self.profiles.get(&asset.profile)
    }
}

#[cfg(test)]
mod tests;
