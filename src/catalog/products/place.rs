//! A place where a device keeps one field: an object, and the pattern that its text must match.

use serde::Deserialize;

use super::answers::{Answers, dotted};
use super::text::CUT_LENGTH;
use super::{DESCR, identity_text};
use crate::rule::Pattern;
use crate::transport::snmp;

/// `entPhysicalEntry` of ENTITY-MIB (RFC 6933).
const ENTITY: &str = "1.3.6.1.2.1.47.1.1.1.1";
/// Stands in an object identifier for the last number of sysObjectID.
const LAST: &str = "{last}";

/// Where something is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// Dotted; may hold `{last}`.
    template: Box<str>,
    /// What people call it.
    label: Option<Box<str>>,
}

impl Object {
    /// The object of one device; `None` when `{last}` stands for nothing, because the device names no model.
    pub(super) fn of(&self, last: Option<&str>) -> Option<String> {
        if self.template.contains(LAST) {
            Some(self.template.replace(LAST, last?))
        } else {
            Some(self.template.to_string())
        }
    }

    fn label(&self, oid: &str) -> String {
        self.label.as_deref().unwrap_or(oid).to_owned()
    }

    /// Whether it is sysDescr, where anything may stand.
    pub(super) fn is_descr(&self) -> bool {
        &*self.template == DESCR
    }
}

/// Text of one object that must match, before something else counts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Draft")]
pub(super) struct Probe {
    pub(super) object: Object,
    pattern: Pattern,
}

impl Probe {
    /// Whether the device answers as it must.
    pub(super) fn holds(&self, answers: &Answers<'_>, last: Option<&str>) -> bool {
        let text = self.object.of(last).and_then(|oid| answers.object(&oid).map(str::trim));
        text.is_some_and(|text| self.pattern.regex().is_match(text))
    }

    /// The object that answered, for people.
    pub(super) fn label(&self, last: Option<&str>) -> String {
        self.object.of(last).map(|oid| self.object.label(&oid)).unwrap_or_default()
    }
}

/// One place of a field.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Draft")]
pub(super) struct Place {
    pub(super) object: Object,
    pub(super) pattern: Pattern,
    /// Counts only where this holds.
    only_if: Option<Box<Probe>>,
}

/// What a place yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) value: std::sync::Arc<str>,
    /// The object it came from, for people.
    pub(super) source: String,
}

impl Place {
    /// Every object that must be asked for it.
    pub(super) fn objects(&self, last: Option<&str>) -> impl Iterator<Item = String> {
        let own = self.object.of(last);
        let other = self.only_if.as_ref().and_then(|probe| probe.object.of(last));
        [other, own].into_iter().flatten()
    }

    /// The value of the group named like the field, if the device keeps it here.
    pub(super) fn find(&self, name: &str, answers: &Answers<'_>, last: Option<&str>) -> Option<Found> {
        if self.only_if.as_ref().is_some_and(|probe| !probe.holds(answers, last)) {
            return None;
        }
        let oid = self.object.of(last)?;
        let value = self.cut_out(name, answers.object(&oid)?)?;
        Some(Found { value, source: self.object.label(&oid) })
    }

    /// The value of the group in one text; not when the text may end in the middle of it.
    pub(super) fn cut_out(&self, name: &str, text: &str) -> Option<std::sync::Arc<str>> {
        let whole = text.trim_end_matches(is_end);
        let group = self.pattern.regex().captures(whole)?.name(name)?;
        let may_be_cut = text.len() >= CUT_LENGTH && group.end() == whole.len();
        if may_be_cut { None } else { identity_text(group.as_str()) }
    }
}

/// What stands behind the last word of a text without saying anything.
fn is_end(c: char) -> bool {
    c == '\0' || c.is_whitespace()
}

/// A place or a probe as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    oid: Option<String>,
    from: Option<Origin>,
    field: Option<Column>,
    index: Option<u32>,
    regex: Pattern,
    #[serde(rename = "if")]
    only_if: Option<Box<Probe>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Origin {
    Descr,
    Entity,
}

/// Columns of ENTITY-MIB that say what a part is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Column {
    Class,
    Hardware,
    Firmware,
    Software,
    Serial,
    Maker,
    Model,
}

impl Column {
    const fn number_and_name(self) -> (u32, &'static str) {
        match self {
            Self::Class => (5, "entPhysicalClass"),
            Self::Hardware => (8, "entPhysicalHardwareRev"),
            Self::Firmware => (9, "entPhysicalFirmwareRev"),
            Self::Software => (10, "entPhysicalSoftwareRev"),
            Self::Serial => (11, "entPhysicalSerialNum"),
            Self::Maker => (12, "entPhysicalMfgName"),
            Self::Model => (13, "entPhysicalModelName"),
        }
    }
}

impl Draft {
    fn object(&self) -> Result<Object, String> {
        match (&self.oid, &self.from, self.field, self.index) {
            (Some(oid), None, None, None) => {
                let example = oid.replace(LAST, "1");
                snmp::Question::parse(&[&example], &[""; 0]).map_err(|error| error.to_string())?;
                let known = dotted(oid).unwrap_or_else(|| oid.strip_prefix('.').unwrap_or(oid).to_owned());
                Ok(Object { template: known.into(), label: None })
            }
            (None, Some(Origin::Descr), None, None) => {
                Ok(Object { template: DESCR.into(), label: Some("sysDescr".into()) })
            }
            (None, Some(Origin::Entity), Some(column), Some(index)) => {
                let (number, name) = column.number_and_name();
                let template = format!("{ENTITY}.{number}.{index}").into();
                Ok(Object { template, label: Some(format!("{name}.{index}").into()) })
            }
            _ => Err("say where: `oid: …`, or `from: descr`, or `from: entity` with `field` and `index`, and nothing \
                      besides but `regex` and `if`"
                .into()),
        }
    }
}

impl TryFrom<Draft> for Place {
    type Error = String;

    fn try_from(draft: Draft) -> Result<Self, String> {
        Ok(Self { object: draft.object()?, pattern: draft.regex, only_if: draft.only_if })
    }
}

impl TryFrom<Draft> for Probe {
    type Error = String;

    fn try_from(draft: Draft) -> Result<Self, String> {
        match draft {
            Draft { only_if: Some(_), .. } => Err("a condition has no condition of its own".into()),
            draft => Ok(Self { object: draft.object()?, pattern: draft.regex }),
        }
    }
}
