//! What a device answered, by object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::text::is_readable;
use super::{DESCR, OBJECT_ID};
use crate::model::{Value, Varbind};
use crate::transport::snmp;

/// The answers of one device. What it does not have, and what is no text to look at, is not in it.
pub(super) struct Answers<'a> {
    /// sysObjectID, dotted.
    pub(super) object_id: Option<String>,
    objects: BTreeMap<&'a str, Cow<'a, str>>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(binds: &'a [Varbind]) -> Self {
        let text = |value: &'a Value| match value {
            Value::Text(text) => is_readable(text).then_some(Cow::Borrowed(&**text)),
            Value::Int(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        };
        let objects: BTreeMap<_, _> = binds
            .iter()
            .filter_map(|bind| Some((bind.oid.strip_prefix('.').unwrap_or(&bind.oid), text(&bind.value)?)))
            .collect();
        let object_id = objects.get(OBJECT_ID).and_then(|text| dotted(text.trim()));
        Self { object_id, objects }
    }

    /// sysDescr.
    pub(super) fn descr(&self) -> Option<&str> {
        self.object(DESCR)
    }

    /// The text of one object.
    pub(super) fn object(&self, oid: &str) -> Option<&str> {
        self.objects.get(oid).map(|text| &**text)
    }
}

/// An object identifier as this house writes it; `None` for what is none.
pub(super) fn dotted(text: &str) -> Option<String> {
    snmp::Question::parse(&[text], &[""; 0]).ok()?.get.pop()
}
