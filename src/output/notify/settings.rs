//! `notify:` in the configuration: who is told, of what, and how it is reached.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::alert::{self, Style};
use super::door::Door;
use super::notice::{Kind, Tell};
use crate::inventory::{SecretRef, Surroundings};
use crate::model::document::{Document, Step};
use crate::model::{AssetId, CheckId, EntryId, Problem, Problems, Severity, ZoneId};

/// Longest wait for one answer, when nothing is said; a receiver that is slower is tried again.
const TIMEOUT: Duration = Duration::from_secs(10);
/// No receiver may hold a message longer.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);
/// How often Alertmanager hears of what stands, as Prometheus does it.
const REPEAT: Duration = Duration::from_mins(1);
/// Alertmanager is told at least so often: an alert ends four times later when nothing comes.
const LONGEST_REPEAT: Duration = Duration::from_mins(15);
/// What Alertmanager understands as a name of a label.
const LABEL: &str = "letters, digits and _, not beginning with a digit";

/// One entry of `notify:`, a receiver.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name, a label of metrics; what was told is remembered by it.
    pub name: EntryId,
    /// Where transitions are posted as JSON.
    pub webhook: Option<Target>,
    /// An Alertmanager, API v2.
    pub alertmanager: Option<Target>,
    /// The least severity of a check that is told of.
    pub severity: Option<Severity>,
    /// The zones that are told of; all when there are none.
    #[serde(default)]
    pub zones: Vec<ZoneId>,
    /// The kinds of news that are told.
    #[serde(default = "usual")]
    pub tell: Vec<Kind>,
    /// Address of the page that a notice leads to; `{asset}` and `{check}` stand for those of the notice.
    pub link: Option<Link>,
}

fn usual() -> Vec<Kind> {
    vec![Kind::Drift, Kind::Recovery]
}

/// How a receiver is reached.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `http://` or `https://`, without user and password.
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<SecretRef>,
    /// Another header with a secret.
    pub header: Option<Header>,
    /// Certificates (PEM) that the server is trusted by; those of the system when there is none.
    pub ca: Option<PathBuf>,
    /// Longest wait for one answer.
    #[serde(default, with = "humantime_serde")]
    pub timeout: Option<Duration>,
    /// Alertmanager only: the label `instance`, which must be the one that Prometheus gives to this daemon.
    pub instance: Option<String>,
    /// Alertmanager only: further labels, as `external_labels` of Prometheus.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Alertmanager only: how often it hears of what stands.
    #[serde(default, with = "humantime_serde")]
    pub repeat: Option<Duration>,
    /// Alertmanager only: address of the folder with the pages on alerts, `docs/runbooks`.
    pub runbooks: Option<String>,
}

/// A header with a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: SecretRef,
}

/// The page that a notice leads to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Link(String);

impl TryFrom<String> for Link {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let filled = text.replace("{asset}", "a").replace("{check}", "c");
        if filled.contains(['{', '}']) {
            return Err("only {asset} and {check} are filled in".into());
        }
        let url = Url::parse(&filled).map_err(|error| format!("this is no URL: {error}"))?;
        if matches!(url.scheme(), "http" | "https") { Ok(Self(text)) } else { Err("a page is http or https".into()) }
    }
}

impl Link {
    /// The name of the host that it leads to.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
    }

    /// The page of a verdict below the address of the daemon's own pages.
    fn below(pages: &str) -> Self {
        Self(format!("{pages}/assets/{{asset}}/{{check}}"))
    }

    pub(super) fn to(&self, asset: &AssetId, check: &CheckId) -> String {
        // an id holds no character that means something in a URL, but ':', which is allowed in a path
        self.0.replace("{asset}", asset.as_str()).replace("{check}", check.as_str())
    }
}

/// A receiver, ready for use.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub(super) name: Arc<str>,
    pub(super) door: Door,
    pub(super) way: Way,
    pub(super) severity: Severity,
    pub(super) zones: BTreeSet<ZoneId>,
    pub(super) tell: Tell,
    pub(super) link: Option<Link>,
    pub(super) site: Option<Arc<str>>,
}

/// What a receiver understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// News as it happens.
    Webhook,
    /// What stands, again and again.
    Alertmanager(Style),
}

/// What the entries are read with.
pub struct Scope<'a> {
    /// The configuration.
    pub document: &'a Document,
    /// Its directory.
    pub base: &'a Path,
    /// Where secrets may be.
    pub surroundings: &'a Surroundings,
    /// The zones of the plant.
    pub zones: BTreeSet<ZoneId>,
    /// The site.
    pub site: Option<Arc<str>>,
    /// Where the daemon listens, which is its `instance` where Prometheus runs beside it.
    pub instance: String,
    /// Where the daemon's own pages are, if that is known: notices lead there when an entry names no page.
    pub pages: Option<String>,
}

/// Makes receivers of entries: reads secrets and certificates, and opens nothing.
#[must_use]
pub fn receivers(entries: &[Entry], scope: &Scope<'_>, problems: &mut Problems) -> Vec<Receiver> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut reader = Reader { scope, at, problems };
        if !names.insert(&entry.name) {
            reader.wrong(&["name"], format!("receiver {:?} is named twice", entry.name.as_str()));
        }
        all.extend(reader.receiver(entry));
    }
    all
}

struct Reader<'a> {
    scope: &'a Scope<'a>,
    at: usize,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn place(&self, keys: &[&'static str]) -> Vec<Step> {
        ["notify".into(), Step::Index(self.at)].into_iter().chain(keys.iter().map(|key| (*key).into())).collect()
    }

    fn problem(&self, keys: &[&'static str], message: impl Into<String>) -> Problem {
        self.scope.document.wrong(&self.place(keys), message)
    }

    fn wrong(&mut self, keys: &[&'static str], message: impl Into<String>) {
        let problem = self.problem(keys, message);
        self.problems.push(problem);
    }

    fn receiver(&mut self, entry: &Entry) -> Option<Receiver> {
        self.check_filters(entry);
        let (key, target) = match (&entry.webhook, &entry.alertmanager) {
            (Some(target), None) => ("webhook", target),
            (None, Some(target)) => ("alertmanager", target),
            _ => {
                self.wrong(&[], "a receiver has exactly one of the keys webhook and alertmanager");
                return None;
            }
        };
        let way = if key == "webhook" { self.webhook(target) } else { self.alertmanager(entry, target) };
        let door = self.door(key, target)?;
        Some(Receiver {
            name: entry.name.as_str().into(),
            door,
            way,
            severity: entry.severity.unwrap_or(Severity::Info),
            zones: entry.zones.iter().cloned().collect(),
            // what does not stand any more is no matter of choice for Alertmanager
            tell: Tell(entry.tell.iter().copied().chain((key == "alertmanager").then_some(Kind::Recovery)).collect()),
            link: entry.link.clone().or_else(|| Some(Link::below(self.scope.pages.as_ref()?))),
            site: self.scope.site.clone(),
        })
    }

    fn check_filters(&mut self, entry: &Entry) {
        if entry.tell.is_empty() {
            self.wrong(&["tell"], "a receiver that is told nothing is none");
        }
        if entry.tell.contains(&Kind::Flapping) {
            self.wrong(&["tell"], "flapping is told to whom drift or fail is told, and needs no word here");
        }
        for zone in entry.zones.iter().filter(|zone| !self.scope.zones.contains(*zone)) {
            let problem = self.problem(&["zones"], format!("zone {:?} is not declared", zone.as_str()));
            let known = self.scope.zones.iter().map(ZoneId::as_str);
            self.problems.push(problem.suggest(zone.as_str(), known));
        }
    }

    fn webhook(&mut self, target: &Target) -> Way {
        let is_alertmanager = target.instance.is_some() || !target.labels.is_empty();
        if is_alertmanager || target.repeat.is_some() || target.runbooks.is_some() {
            self.wrong(&["webhook"], "instance, labels, repeat and runbooks belong to alertmanager");
        }
        Way::Webhook
    }

    fn alertmanager(&mut self, entry: &Entry, target: &Target) -> Way {
        if entry.tell.contains(&Kind::Unknown) {
            self.wrong(&["tell"], "unknown is told to webhooks only: Alertmanager hears of what stands");
        }
        let mut labels = BTreeMap::new();
        for (name, value) in &target.labels {
            let of_name =
                |(at, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit());
            if name.is_empty() || !name.char_indices().all(of_name) {
                self.wrong(&["alertmanager", "labels"], format!("{name:?} is no label: {LABEL}"));
            }
            if alert::OWN.contains(&name.as_str()) {
                self.wrong(&["alertmanager", "labels"], format!("the label {name} is set by the alert itself"));
            }
            labels.insert(name.clone(), value.clone());
        }
        labels.insert("instance".into(), target.instance.clone().unwrap_or_else(|| self.scope.instance.clone()));
        let repeat = target.repeat.unwrap_or(REPEAT);
        if repeat < Duration::from_secs(1) || repeat > LONGEST_REPEAT {
            self.wrong(&["alertmanager", "repeat"], "what stands is repeated every 1s to 15m");
        }
        let repeat = repeat.clamp(Duration::from_secs(1), LONGEST_REPEAT);
        let own = || self.scope.pages.as_ref().map(|pages| format!("{pages}/runbooks"));
        Way::Alertmanager(Style { labels, repeat, runbooks: target.runbooks.clone().or_else(own) })
    }

    fn door(&mut self, key: &'static str, target: &Target) -> Option<Door> {
        let timeout = target.timeout.unwrap_or(TIMEOUT);
        if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
            self.wrong(&[key, "timeout"], "a receiver has up to 1m for its answer, and more than nothing");
        }
        let url = parse(&target.url).map_err(|message| self.wrong(&[key, "url"], message)).ok();
        let mut secrets = Vec::new();
        let bearer = target.token.as_ref().map(|token| ("authorization", "Bearer ", token, [key, "token"].to_vec()));
        let header = target
            .header
            .as_ref()
            .map(|header| (header.name.as_str(), "", &header.value, [key, "header", "value"].to_vec()));
        for (name, before, reference, place) in bearer.into_iter().chain(header) {
            match reference.resolve(self.scope.base, self.scope.surroundings) {
                Ok(secret) => secrets.push((name.to_owned(), before, secret, place)),
                Err(unreadable) => {
                    let problem = self.problem(&place, unreadable.message);
                    self.problems.push(unreadable.hint.into_iter().fold(problem, Problem::hint));
                }
            }
        }
        let mut url = url?;
        if key == "alertmanager" {
            let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        let ca = target.ca.as_ref().map(|ca| self.scope.base.join(ca));
        let mut door = match Door::new(url, timeout, ca.as_deref()) {
            Ok(door) => door,
            Err(message) => {
                self.wrong(&[key, if ca.is_some() { "ca" } else { "url" }], message);
                return None;
            }
        };
        for (name, before, secret, place) in secrets {
            if let Err(message) = door.show(&name, before, &secret) {
                self.wrong(&place, message);
            }
        }
        Some(door)
    }
}

fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("this is no URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with user or password would put a secret into this file; use token or header".into());
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("only http://… and https://… are known here".into());
    }
    Ok(url)
}
