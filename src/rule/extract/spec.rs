//! The text under `read:`: one extractor and the keys that all share.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::by_profile::ByProfile;
use super::capture::Capture;
use super::config::Config;
use super::ini::Ini;
use super::json::Json;
use super::key_values::KeyValues;
use super::lines::Lines;
use super::nagios::Nagios;
use super::sections::Sections;
use super::snmp::Snmp;
use super::table::Table;
use super::{DEFAULT_MAX_ROWS, Empty, HARD_MAX_ROWS};
use crate::rule::pattern::Pattern;

/// How an answer is read; compiled when the file is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadSpec {
    pub(super) part: Part,
    pub(super) ok_exits: Option<Vec<i32>>,
    pub(super) absent_exits: Vec<i32>,
    /// What every good output has, so that another text is not taken for one without findings.
    pub(super) expect: Option<Pattern>,
    pub(super) max_rows: usize,
}

impl ReadSpec {
    /// Exit codes after which the output counts: 0, or those that the fact names; a plug-in has four.
    pub(super) fn ok_exits(&self) -> &[i32] {
        match (&self.ok_exits, &self.part.extractor) {
            (Some(exits), _) => exits,
            (None, Extractor::Nagios(_)) => &[0, 1, 2, 3],
            (None, _) => &[0],
        }
    }
}

/// One extractor and what an empty result means.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) extractor: Extractor,
    pub(super) empty: Empty,
}

/// The ways of reading.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Extractor {
    /// Lines of key and value.
    KeyValues(KeyValues),
    /// One row a line.
    Lines(Lines),
    /// Columns.
    Table(Table),
    /// Named groups of one pattern.
    Regex(Capture),
    /// JSON.
    Json(Json),
    /// Sections of keys and values.
    Ini(Ini),
    /// SNMP objects.
    Snmp(Snmp),
    /// A monitoring plug-in.
    Nagios(Nagios),
    /// Several blocks.
    Sections(Sections),
    /// The configuration of a network device.
    Config(Config),
    /// What a command line says, by its profile.
    ByProfile(ByProfile),
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    #[serde(rename = "key_values")]
    Pairs,
    Lines,
    Table,
    Regex,
    Json,
    Ini,
    Snmp,
    Nagios,
    Sections,
    Config,
    ByProfile,
    OkExits,
    AbsentExits,
    Empty,
    Expect,
    MaxRows,
}

/// A pattern that finds nothing finds it in a complaint too.
const NO_MATCH_IS_NO_PROOF: &str = "with `all` and `empty: ok` any text without a match would prove that there are none; \
    say with `expect` what every good output has";

const KINDS: &str = "key_values, lines, table, regex, json, ini, snmp, nagios, sections, config, by_profile";

impl Extractor {
    fn read<'de, A: MapAccess<'de>>(key: Key, map: &mut A) -> Result<Self, A::Error> {
        let extractor = match key {
            Key::Pairs => Self::KeyValues(map.next_value()?),
            Key::Lines => Self::Lines(map.next_value()?),
            Key::Table => Self::Table(map.next_value()?),
            Key::Regex => Self::Regex(map.next_value()?),
            Key::Json => Self::Json(map.next_value()?),
            Key::Ini => Self::Ini(map.next_value()?),
            Key::Snmp => Self::Snmp(map.next_value()?),
            Key::Nagios => Self::Nagios(map.next_value()?),
            Key::Config => Self::Config(map.next_value()?),
            Key::ByProfile => Self::ByProfile(map.next_value()?),
            _ => Self::Sections(map.next_value()?),
        };
        extractor.check().map_err(A::Error::custom)?;
        Ok(extractor)
    }

    /// Whether it makes an empty list of a text that has nothing to do with it.
    fn finds_in_any_text(&self) -> bool {
        matches!(self, Self::Regex(capture) if capture.takes_all())
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Lines(spec) => spec.check(),
            Self::Table(spec) => spec.check(),
            Self::Regex(spec) => spec.check(),
            Self::Snmp(spec) => spec.check(),
            Self::Sections(spec) => spec.check(),
            Self::Config(spec) => spec.check(),
            Self::ByProfile(spec) => spec.check(),
            Self::KeyValues(_) | Self::Json(_) | Self::Ini(_) | Self::Nagios(_) => Ok(()),
        }
    }
}

/// What a map under `read:` holds, before it is known whether it is a whole or a part.
#[derive(Default)]
struct Draft {
    extractor: Option<Extractor>,
    empty: Option<Empty>,
    ok_exits: Option<Vec<i32>>,
    absent_exits: Option<Vec<i32>>,
    expect: Option<Pattern>,
    max_rows: Option<usize>,
}

impl Draft {
    fn read<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut draft = Self::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::OkExits => draft.ok_exits = Some(map.next_value()?),
                Key::AbsentExits => draft.absent_exits = Some(map.next_value()?),
                Key::Empty => draft.empty = Some(map.next_value()?),
                Key::Expect => draft.expect = Some(map.next_value()?),
                Key::MaxRows => draft.max_rows = Some(map.next_value()?),
                kind if draft.extractor.is_none() => draft.extractor = Some(Extractor::read(kind, &mut map)?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(A::Error::custom(format!("two extractors; name exactly one of {KINDS}")));
                }
            }
        }
        Ok(draft)
    }

    fn part<E: Error>(&mut self) -> Result<Part, E> {
        let extractor =
            self.extractor.take().ok_or_else(|| E::custom(format!("no extractor; name exactly one of {KINDS}")))?;
        Ok(Part { extractor, empty: self.empty.unwrap_or_default() })
    }
}

struct DraftVisitor;

impl<'de> Visitor<'de> for DraftVisitor {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map with one of {KINDS}")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Draft, A::Error> {
        Draft::read(map)
    }
}

impl<'de> Deserialize<'de> for ReadSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut draft = deserializer.deserialize_map(DraftVisitor)?;
        let part = draft.part()?;
        if part.empty == Empty::Ok && draft.expect.is_none() && part.extractor.finds_in_any_text() {
            return Err(D::Error::custom(NO_MATCH_IS_NO_PROOF));
        }
        let max_rows = draft.max_rows.unwrap_or(DEFAULT_MAX_ROWS);
        if max_rows == 0 || max_rows > HARD_MAX_ROWS {
            return Err(D::Error::custom(format!("max_rows lies between 1 and {HARD_MAX_ROWS}, not at {max_rows}")));
        }
        Ok(Self {
            part,
            ok_exits: draft.ok_exits,
            absent_exits: draft.absent_exits.unwrap_or_default(),
            expect: draft.expect,
            max_rows,
        })
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut draft = deserializer.deserialize_map(DraftVisitor)?;
        let whole =
            [draft.ok_exits.is_some(), draft.absent_exits.is_some(), draft.expect.is_some(), draft.max_rows.is_some()];
        if whole.contains(&true) {
            return Err(D::Error::custom(
                "ok_exits, absent_exits, expect and max_rows belong to the whole answer, not to a part",
            ));
        }
        let part = draft.part()?;
        match part.extractor {
            Extractor::Snmp(_) | Extractor::Nagios(_) | Extractor::Sections(_) | Extractor::ByProfile(_) => {
                Err(D::Error::custom("a part cannot be snmp, nagios, sections or by_profile"))
            }
            _ => Ok(part),
        }
    }
}
