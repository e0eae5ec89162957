//! The keys of the configuration file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::Ledger;
use super::schedules::ScheduleEntry;
use crate::api::{Access, HostName, Role};
use crate::inventory::{CredentialEntry, Overrides, ParamsByCheck, Source, Timezone, WindowEntry, ZoneEntry};
use crate::model::{Conduit, Kind, Profile, ZoneId};
use crate::output::notify;
use crate::{duties, feeds, store, telemetry, transport::gate};

/// Port of the daemon.
const PORT: u16 = 9762;
/// Longest address of the pages, which becomes a label.
const LONGEST_URL: usize = 200;

/// Everything that the file may say.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the site.
    pub site: Option<Arc<str>>,
    /// Where assets come from.
    pub inventory: Vec<Source>,
    /// Where checks come from.
    pub catalog: Catalog,
    /// Where verdicts are kept.
    pub store: store::Config,
    /// How the past is proven.
    pub ledger: Ledger,
    /// Where the daemon is asked.
    pub api: Api,
    /// Time zone of schedules and windows.
    pub timezone: Timezone,
    /// When checks run, by the name that they refer to.
    pub schedules: BTreeMap<String, ScheduleEntry>,
    /// Logs and traces of the daemon itself.
    pub telemetry: telemetry::Config,
    /// How much is done at once.
    pub limits: Limits,
    /// What assets are asked with, by name.
    pub credentials: BTreeMap<String, CredentialEntry>,
    /// Zones.
    pub zones: Vec<ZoneEntry>,
    /// Allowed paths between them.
    pub conduits: Vec<Conduit>,
    /// Maintenance windows.
    pub windows: Vec<WindowEntry>,
    /// Parameters of checks for all assets.
    pub params: ParamsByCheck,
    /// The same for assets of a kind.
    pub params_by_kind: BTreeMap<Kind, ParamsByCheck>,
    /// The same for assets of a zone; `params:` of the zone itself comes on top.
    pub params_by_zone: BTreeMap<ZoneId, ParamsByCheck>,
    /// The same for assets of a profile.
    pub params_by_profile: BTreeMap<Profile, ParamsByCheck>,
    /// Programs that `exec` facts may run, by name.
    pub plugins: BTreeMap<String, PathBuf>,
    /// Offline data that an operator carries in.
    pub feeds: Feeds,
    /// Registers of what people sign and owe.
    pub duties: duties::Config,
    /// Who is told of transitions by the daemon itself.
    pub notify: Vec<notify::Entry>,
    /// Whether packets are sent at all.
    pub active: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            site: None,
            inventory: Vec::new(),
            catalog: Catalog::default(),
            store: store::Config::default(),
            ledger: Ledger::default(),
            api: Api::default(),
            timezone: Timezone::default(),
            schedules: BTreeMap::new(),
            telemetry: telemetry::Config::default(),
            limits: Limits::default(),
            credentials: BTreeMap::new(),
            zones: Vec::new(),
            conduits: Vec::new(),
            windows: Vec::new(),
            params: ParamsByCheck::new(),
            params_by_kind: BTreeMap::new(),
            params_by_zone: BTreeMap::new(),
            params_by_profile: BTreeMap::new(),
            plugins: BTreeMap::new(),
            feeds: Feeds::default(),
            duties: duties::Config::default(),
            notify: Vec::new(),
            active: true,
        }
    }
}

impl Config {
    /// Makes relative paths start at the directory of the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        let anchor = |path: &mut PathBuf| *path = base.join(&*path);
        super::load::anchored(&mut self.store.path, base);
        self.ledger.anchor(base);
        self.api.web_config.iter_mut().chain(&mut self.api.tokens).for_each(anchor);
        self.feeds.endoflife.iter_mut().chain(&mut self.feeds.path).for_each(anchor);
        self.catalog.extra.iter_mut().for_each(anchor);
        self.plugins.values_mut().for_each(anchor);
        self.duties.anchor(base);
    }

    /// Parameters of checks by level; those of zones themselves are added by the inventory.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            global: self.params.clone(),
            profiles: self.params_by_profile.clone(),
            kinds: self.params_by_kind.clone(),
            zones: self.params_by_zone.clone(),
        }
    }
}

/// Where checks come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// Whether the catalogue inside the binary is used.
    pub builtin: bool,
    /// Directories with further checks and facts.
    pub extra: Vec<PathBuf>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self { builtin: true, extra: Vec::new() }
    }
}

/// Where the daemon is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// Address and port.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// Prometheus' own web configuration file: TLS, client certificates, users.
    pub web_config: Option<PathBuf>,
    /// File of bearer tokens, made by `nis2watch token create`.
    pub tokens: Option<PathBuf>,
    /// Roles by the name of a user of the web configuration or of a client certificate; who is not named is a viewer.
    pub roles: BTreeMap<String, Role>,
    /// Whether everybody who reaches the listener may look, without TLS, users or tokens, beyond loopback.
    pub insecure_listen: bool,
    /// Names beside those of loopback under which a listener on loopback may be looked at without a login.
    pub hosts: Vec<HostName>,
    /// Address of the pages as those who are called reach them, without a slash at the end: alerts and notices lead there.
    #[serde(deserialize_with = "external_url")]
    pub external_url: Option<String>,
}

impl Config {
    /// Who may do what. Where notices and alerts lead to is a name of this host, too.
    #[must_use]
    pub fn access(&self) -> Access {
        let linked = self.notify.iter().filter_map(|entry| entry.link.as_ref()?.host()?.try_into().ok());
        let pages = self.api.external_url.as_deref().and_then(|url| Url::parse(url).ok());
        let pages = pages.and_then(|url| url.host_str()?.trim_matches(['[', ']']).to_owned().try_into().ok());
        let hosts = self.api.hosts.iter().cloned().chain(linked).chain(pages).collect();
        Access { roles: self.api.roles.clone(), tokens: self.api.tokens.clone(), hosts }
    }
}

impl Default for Api {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], PORT));
        Self {
            listen,
            web_config: None,
            tokens: None,
            roles: BTreeMap::new(),
            insecure_listen: false,
            hosts: Vec::new(),
            external_url: None,
        }
    }
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let example = format!("127.0.0.1:{PORT}");
        D::Error::custom(format!("{text:?} is no IP address with a port from 0 to 65535, such as {example}"))
    })
}

/// An address to which paths are added.
fn external_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let wrong = |why: &str| D::Error::custom(format!("{text:?} {why}, such as https://nis2watch.example.net"));
    let url = Url::parse(&text).map_err(|_| wrong("is no URL"))?;
    let is_secret = !url.username().is_empty() || url.password().is_some();
    if !matches!(url.scheme(), "http" | "https") || is_secret || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("is no address of pages: http:// or https://, without user, query and fragment"));
    }
    if url.as_str().len() > LONGEST_URL {
        return Err(wrong("is too long for a label"));
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

/// Offline data that an operator carries in; each stands in for what the program itself carries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feeds {
    /// Support periods of products, in the format of endoflife.date (API v1).
    pub endoflife: Option<PathBuf>,
    /// A folder with advisories (CSAF), exploited vulnerabilities (KEV), scores (EPSS) and support periods.
    pub path: Option<PathBuf>,
    /// How old a kind of feed may be before the checks that rest on it no longer count.
    pub max_age: BTreeMap<feeds::Kind, Age>,
}

/// A length of time, such as `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Age(#[serde(with = "humantime_serde")] pub Duration);

impl Feeds {
    /// How old each kind may be, where it is said.
    #[must_use]
    pub fn ages(&self) -> BTreeMap<feeds::Kind, Duration> {
        self.max_age.iter().map(|(kind, age)| (*kind, age.0)).collect()
    }
}

/// How much is done at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Visits at the same time.
    pub visits_in_flight: u32,
    /// Visits at the same time into one zone that is not fragile.
    pub per_zone: u32,
    /// What a fragile asset tolerates.
    pub fragile: ClassLimits,
    /// What any other asset tolerates.
    pub standard: ClassLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self { visits_in_flight: 64, per_zone: 8, fragile: ClassLimits::default(), standard: ClassLimits::default() }
    }
}

/// What the assets of a class tolerate; what is not said is as in the catalogue's common rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassLimits {
    /// Connections open at the same time.
    pub at_once: Option<u32>,
    /// Shortest time between connections.
    #[serde(with = "humantime_serde")]
    pub gap: Option<Duration>,
    /// Connections in any hour.
    pub per_hour: Option<u32>,
}

impl ClassLimits {
    /// The class with these settings over its own.
    #[must_use]
    pub fn over(&self, class: gate::Limits) -> gate::Limits {
        gate::Limits {
            at_once: self.at_once.unwrap_or(class.at_once),
            gap: self.gap.unwrap_or(class.gap),
            per_hour: self.per_hour.unwrap_or(class.per_hour),
            fragile: class.fragile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_pages_is_one_that_paths_can_be_added_to() {
        let read = |url: &str| serde_json::from_value::<Api>(serde_json::json!({ "external_url": url }));
        let url = read("https://watch.example.net/nis2/").unwrap().external_url;
        assert_eq!(url.as_deref(), Some("https://watch.example.net/nis2"));
        assert_eq!(serde_json::from_str::<Api>("{}").unwrap().external_url, None);
        for wrong in ["watch", "ftp://watch/", "https://user:word@watch/", "https://watch/?a=b", "https://watch/#a"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
