//! Support periods of products, in the format of endoflife.date.
//!
//! Accepted: API v1 (`{schema_version, generated_at, result}` with a list of products or a single one), and the
//! older API's bare array of cycles, whose product is named by the caller. Unknown fields are ignored, a product
//! of the wrong shape is skipped and counted.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use chrono::{NaiveDate, NaiveTime, TimeZone, Utc};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::model::Time;

/// Largest file; the full list of the public site has about 2 MB.
const MAX_BYTES: usize = super::guard::MAX_BYTES;
/// Most releases of one product.
const MAX_CYCLES: usize = 2_000;

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It cannot be read.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// More than 64 MiB.
    #[error("the file has {0} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge(usize),
    /// No JSON, or nested too deeply.
    #[error("no valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but not this format.
    #[error("{0}")]
    Shape(String),
}

/// Whether a phase of support has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// The table does not say.
    #[default]
    Unknown,
    /// It goes on, without a known end.
    Open,
    /// It ends, or ended, with this day.
    Ends(NaiveDate),
    /// It has ended; the day is not known.
    Ended,
}

impl Phase {
    /// Days from `now` until the end; negative when past. A date means the whole day, in UTC.
    #[must_use]
    pub fn days_left(self, now: Time) -> Option<f64> {
        let Self::Ends(day) = self else { return None };
        let end = Utc.from_utc_datetime(&day.succ_opt()?.and_time(NaiveTime::MIN));
        #[expect(clippy::cast_precision_loss, reason = "seconds of a few centuries fit 53 bits")]
        Some((end - now).num_seconds() as f64 / 86_400.0)
    }

    /// Whether it has ended at `now`; `None` when the table does not say.
    #[must_use]
    pub fn has_ended(self, now: Time) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Open => Some(false),
            Self::Ended => Some(true),
            Self::Ends(_) => self.days_left(now).map(|days| days <= 0.0),
        }
    }
}

/// One release line of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Its name (`12`, `22.04`).
    pub name: String,
    /// Regular security support.
    pub eol: Phase,
    /// Extended, usually paid, security support.
    pub eoes: Phase,
    /// When it came out.
    pub released: Option<NaiveDate>,
    /// Its newest version, and when that came out.
    pub latest: Option<(String, NaiveDate)>,
}

/// A table of support periods.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    generated_at: Option<Time>,
    products: BTreeMap<String, Vec<Cycle>>,
    aliases: BTreeMap<String, String>,
    skipped: usize,
}

#[derive(Deserialize)]
struct Product {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    releases: Vec<Json>,
}

/// The table that the program carries.
const BUILTIN: &[u8] = include_bytes!("../../checks/data/endoflife.json");

impl Lifecycle {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, is too large, or is not in this format.
    pub fn load(path: &Path) -> Result<Self, FeedError> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        let product = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Self::parse(&bytes, &product)
    }

    /// The table that the program carries.
    ///
    /// # Panics
    ///
    /// Never: the table is part of the program, and a test reads it.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse(BUILTIN, "all").expect("the table inside the program was read by a test")
    }

    /// Reads a file. `product` names the product of the older API's bare array, usually the file's stem.
    ///
    /// # Errors
    ///
    /// [`FeedError`] when the file as a whole cannot be read; single broken entries are only counted.
    pub fn parse(bytes: &[u8], product: &str) -> Result<Self, FeedError> {
        if bytes.len() > MAX_BYTES {
            return Err(FeedError::TooLarge(bytes.len()));
        }
        super::guard::survey(bytes)?;
        let mut table = Self::default();
        match serde_json::from_slice(bytes)? {
            Json::Array(cycles) => table.add(product, vec![], &cycles),
            Json::Object(mut envelope) => {
                let time = ["generated_at", "last_modified"].iter().find_map(|key| envelope.get(*key)?.as_str());
                table.generated_at = time.and_then(|text| text.parse().ok());
                match envelope.remove("result") {
                    Some(Json::Array(products)) => products.into_iter().for_each(|product| table.add_product(product)),
                    Some(product @ Json::Object(_)) => table.add_product(product),
                    _ => return Err(FeedError::Shape("no `result`: this is no endoflife API v1 answer".into())),
                }
            }
            _ => return Err(FeedError::Shape("neither an API v1 answer nor a list of cycles".into())),
        }
        if table.products.is_empty() {
            return Err(FeedError::Shape("no product could be read".into()));
        }
        Ok(table)
    }

    /// When the data was made; `None` when the file does not say.
    #[must_use]
    pub fn generated_at(&self) -> Option<Time> {
        self.generated_at
    }

    /// Products read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// Entries that could not be read.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The product of that name or alias and the release line that a version belongs to: the line of the same
    /// name, else the longest whose name is a dotted prefix (`22.04` for `22.04.3`, never `1` for `12`).
    #[must_use]
    pub fn find(&self, product: &str, version: &str) -> Option<(&str, &Cycle)> {
        let wanted = product.to_ascii_lowercase();
        let name = self.aliases.get(&wanted).unwrap_or(&wanted);
        let (name, cycles) = self.products.get_key_value(name)?;
        let covers = |cycle: &&Cycle| {
            version == cycle.name || version.strip_prefix(cycle.name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        cycles.iter().filter(covers).max_by_key(|cycle| cycle.name.len()).map(|cycle| (name.as_str(), cycle))
    }

    /// When exactly this version of a product came out, and what came out after it in the same line: with a line a version,
    /// as firmware tables have it, in all lines.
    #[must_use]
    pub fn release(&self, product: &str, version: &str) -> Option<(NaiveDate, Vec<(&str, NaiveDate)>)> {
        let wanted = product.to_ascii_lowercase();
        let cycles = self.products.get(self.aliases.get(&wanted).unwrap_or(&wanted))?;
        if let Some(released) = cycles.iter().find(|cycle| cycle.name == version).and_then(|cycle| cycle.released) {
            let dated = cycles.iter().filter_map(|cycle| Some((cycle.name.as_str(), cycle.released?)));
            return Some((released, dated.filter(|(_, day)| *day > released).collect()));
        }
        let latest = cycles.iter().filter_map(|cycle| cycle.latest.as_ref());
        latest.into_iter().find(|(name, _)| name == version).map(|(_, day)| (*day, Vec::new()))
    }

    /// Takes the products of `other` over one's own: an operator's newer file replaces what it knows better.
    pub fn replace_with(&mut self, other: Self) {
        self.generated_at = other.generated_at.or(self.generated_at);
        self.products.extend(other.products);
        self.aliases.extend(other.aliases);
        self.skipped += other.skipped;
    }

    fn add_product(&mut self, product: Json) {
        match Product::deserialize(product) {
            Ok(product) => self.add(&product.name, product.aliases, &product.releases),
            Err(_) => self.skipped += 1,
        }
    }

    fn add(&mut self, name: &str, aliases: Vec<String>, cycles: &[Json]) {
        let name = name.to_ascii_lowercase();
        let read: Vec<_> = cycles.iter().take(MAX_CYCLES).filter_map(cycle).collect();
        self.skipped += cycles.len() - read.len();
        for alias in aliases {
            self.aliases.insert(alias.to_ascii_lowercase(), name.clone());
        }
        self.products.insert(name, read);
    }
}

fn cycle(json: &Json) -> Option<Cycle> {
    // API v1: name, isEol/eolFrom, isEoes/eoesFrom; older: cycle, eol and extendedSupport as a date or a truth value
    let name = match json.get("name").or_else(|| json.get("cycle"))? {
        Json::String(name) => name.clone(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    let released = json.get("releaseDate").and_then(date);
    if json.get("cycle").is_some() {
        let newest = json.get("latest").and_then(Json::as_str).zip(json.get("latestReleaseDate").and_then(date));
        let latest = newest.map(|(name, day)| (name.to_owned(), day));
        let (eol, eoes) = (old_phase(json.get("eol")), old_phase(json.get("extendedSupport")));
        return Some(Cycle { name, eol, eoes, released, latest });
    }
    let newest =
        json.get("latest").and_then(|latest| Some((latest.get("name")?.as_str()?, date(latest.get("date")?)?)));
    let latest = newest.map(|(name, day)| (name.to_owned(), day));
    let (eol, eoes) = (phase(json, "isEol", "eolFrom"), phase(json, "isEoes", "eoesFrom"));
    Some(Cycle { name, eol, eoes, released, latest })
}

fn phase(json: &Json, flag: &str, from: &str) -> Phase {
    let ended = json.get(flag).and_then(Json::as_bool);
    match (json.get(from).and_then(date), ended) {
        (Some(day), _) => Phase::Ends(day),
        (None, Some(true)) => Phase::Ended,
        (None, Some(false)) => Phase::Open,
        (None, None) => Phase::Unknown,
    }
}

fn old_phase(json: Option<&Json>) -> Phase {
    match json {
        Some(Json::Bool(true)) => Phase::Ended,
        Some(Json::Bool(false)) => Phase::Open,
        Some(text) => date(text).map_or(Phase::Unknown, Phase::Ends),
        None => Phase::Unknown,
    }
}

fn date(json: &Json) -> Option<NaiveDate> {
    json.as_str()?.get(..10)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = r#"{"schema_version":"1.2.0","generated_at":"2026-11-23T00:00:00+00:00","total":2,"result":[
        {"name":"example-linux","aliases":["exlinux"],"releases":[
            {"name":"9","isEol":false,"eolFrom":"2026-12-31","isEoes":null,"eoesFrom":"2028-05-31"},
            {"name":"22.04","isEol":true,"eolFrom":null},
            {"name":"1","isEol":false,"eolFrom":null},
            {"broken":1}]},
        {"nonsense":true}]}"#;

    fn now() -> Time {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_table_inside_the_program_can_be_read_and_says_of_when_it_is() {
        assert!(Lifecycle::builtin().generated_at.is_some());
    }

    #[test]
    fn a_version_belongs_to_its_longest_line() {
        let table = Lifecycle::parse(V1.as_bytes(), "").unwrap();
        assert_eq!(table.find("exlinux", "9.4").unwrap().1.name, "9");
        assert_eq!(table.find("Example-Linux", "22.04.3").unwrap().1.name, "22.04");
        assert!(table.find("exlinux", "12").is_none());
        assert!(table.find("other", "9").is_none());
        assert_eq!(table.skipped(), 2);
    }

    #[test]
    fn a_flag_without_a_date_still_speaks() {
        let table = Lifecycle::parse(V1.as_bytes(), "").unwrap();
        assert_eq!(table.find("exlinux", "22.04").unwrap().1.eol.has_ended(now()), Some(true));
        assert_eq!(table.find("exlinux", "1").unwrap().1.eol.has_ended(now()), Some(false));
        let days = table.find("exlinux", "9").unwrap().1.eol.days_left(now()).unwrap();
        assert!((days - 38.5).abs() < 0.01, "{days}");
    }

    #[test]
    fn the_older_format_is_read_too() {
        let table =
            Lifecycle::parse(br#"[{"cycle":"3.18","eol":"2025-05-09"},{"cycle":"edge","eol":false}]"#, "alpine")
                .unwrap();
        assert_eq!(table.find("alpine", "3.18.4").unwrap().1.eol.has_ended(now()), Some(true));
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert!(Lifecycle::parse(b"{}", "").is_err());
        assert!(Lifecycle::parse(b"[", "").is_err());
        assert!(Lifecycle::parse("[".repeat(100_000).as_bytes(), "").is_err());
        assert!(Lifecycle::parse(br#"{"result":[]}"#, "").is_err());
    }
}
