//! Answers of command lines: the first line tells the profile, and each profile has a reader of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{Empty, Extracted, Part, quote, unreadable};
use crate::model::{Cause, Missing, Value};

/// Begins the first line.
const HEADING: &str = "== ";

/// Reads what stands below the line `== profile` with the reader of that profile. The value is a map with the field
/// `profile`; what is no map itself stands in `rows`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct ByProfile(BTreeMap<String, Part>);

impl ByProfile {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.0.is_empty() {
            return Err("no profile has a reader".to_owned());
        }
        match self.0.iter().find(|(_, part)| part.empty == Empty::Absent) {
            Some((profile, _)) => Err(format!("`{profile}`: an empty answer is missing or ok here, not absent")),
            None => Ok(()),
        }
    }

    pub(super) fn extract(&self, text: &str) -> Extracted {
        let (heading, body) = text.split_once('\n').unwrap_or((text, ""));
        let profile = heading.strip_prefix(HEADING).map(str::trim_end).ok_or_else(|| {
            unreadable(format!("the answer does not begin with its profile but with {}", quote(heading)))
        })?;
        let Some(part) = self.0.get(profile) else {
            let detail = format!("the fact has no reader for what {} says", quote(profile));
            return Err(Missing::new(Cause::NoData, detail));
        };
        let value = part.extractor.of_text(body, 0)?;
        if part.empty == Empty::Missing && super::is_empty(&value) {
            return Ok(Value::Null);
        }
        let mut fields = match value {
            Value::Map(fields) => Arc::unwrap_or_clone(fields),
            other => BTreeMap::from([(Arc::from("rows"), other)]),
        };
        fields.insert(Arc::from("profile"), Value::text(profile));
        Ok(Value::Map(Arc::new(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Extracted {
        let spec = "{a: {regex: {pattern: 'v(?P<v>\\d+)'}}, b: {lines: {}, empty: ok}, c: {lines: {}}}";
        let spec: ByProfile = serde_saphyr::from_str(spec).unwrap();
        spec.check().unwrap();
        spec.extract(text)
    }

    #[test]
    fn each_profile_is_read_in_its_own_way() {
        assert_eq!(read("== a\nv15\n").unwrap().to_json(), serde_json::json!({"v": 15, "profile": "a"}));
        assert_eq!(read("== b\nx\n").unwrap().to_json(), serde_json::json!({"rows": ["x"], "profile": "b"}));
        assert_eq!(read("== b\n").unwrap().to_json(), serde_json::json!({"rows": [], "profile": "b"}));
        assert_eq!(read("== c\n").unwrap(), Value::Null);
    }

    #[test]
    fn a_stranger_or_no_heading_is_not_guessed_at() {
        assert_eq!(read("== d\nx\n").unwrap_err().cause, Cause::NoData);
        assert_eq!(read("v15\n").unwrap_err().cause, Cause::Parse);
        assert!(serde_saphyr::from_str::<ByProfile>("{}").unwrap().check().is_err());
    }
}
