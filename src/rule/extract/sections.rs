//! Several blocks in the output of one command, each after a line `== name`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{Empty, Extracted, Part, unreadable};
use crate::model::{Cause, Missing, Value};

/// Reads each named block with its own extractor.
///
/// A block that is missing, cannot be read or is empty leaves its field absent, so that whatever needs it
/// becomes unknown; `empty: ok` inside a part keeps an empty block as an empty value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sections {
    #[serde(default = "marker")]
    marker: String,
    parts: BTreeMap<Arc<str>, Part>,
}

fn marker() -> String {
    "== ".to_owned()
}

impl Sections {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.marker.trim().is_empty() {
            return Err("`marker` must not be blank: nothing would tell the blocks apart".to_owned());
        }
        if self.parts.is_empty() {
            return Err("`parts` names no block".to_owned());
        }
        let bad = self.parts.keys().find(|name| self.name(&format!("{}{name}", self.marker)).is_none());
        bad.map_or(Ok(()), |name| Err(format!("a part is named with letters, digits, '_', '-' and '.', not {name:?}")))
    }

    pub(super) fn extract(&self, text: &str) -> Extracted {
        let blocks = self.blocks(text)?;
        let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        let mut problem = None;
        for (name, part) in &self.parts {
            let Some(block) = blocks.get(&**name) else { continue };
            match part.extractor.of_text(block, 0) {
                Ok(value) if part.empty == Empty::Ok || !super::is_empty(&value) => {
                    fields.insert(name.clone(), value);
                }
                Ok(_) => {}
                Err(error) => problem = problem.or(Some((name, error))),
            }
        }
        match problem {
            // one broken block among good ones is its own field's matter
            Some((name, error)) if fields.is_empty() => {
                Err(Missing::new(error.cause, format!("block `{name}`: {}", error.detail)))
            }
            _ if blocks.is_empty() => Err(Missing::new(
                Cause::NoData,
                format!("the output has no block that starts with a line `{}name`", self.marker),
            )),
            _ => Ok(Value::Map(Arc::new(fields))),
        }
    }

    fn blocks<'a>(&self, text: &'a str) -> Result<BTreeMap<&'a str, String>, Missing> {
        let mut blocks: BTreeMap<&str, String> = BTreeMap::new();
        let mut current = None;
        for line in text.lines() {
            if let Some(name) = self.name(line) {
                if blocks.insert(name, String::new()).is_some() {
                    return Err(unreadable(format!("the block {} comes twice", super::quote(name))));
                }
                current = Some(name);
            } else if let Some(block) = current.and_then(|name| blocks.get_mut(name)) {
                block.push_str(line);
                block.push('\n');
            }
        }
        Ok(blocks)
    }

    /// The name in a marker line; any other line that happens to start like one belongs to its block.
    fn name<'a>(&self, line: &'a str) -> Option<&'a str> {
        let name = line.strip_prefix(&self.marker)?.trim_end();
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        (!name.is_empty() && name.bytes().all(known)).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "
parts:
  os: { key_values: { separator: '=' } }
  ports: { lines: {} }
  users: { lines: {}, empty: ok }
  gone: { lines: {} }
";

    fn sections() -> Sections {
        serde_saphyr::from_str(SPEC).unwrap()
    }

    #[test]
    fn every_block_is_read_with_its_own_extractor() {
        let value = sections().extract("motd\n== os\nID=debian\n== ports\n== users\n== other\nx\n").unwrap();
        assert_eq!(value.at("os.ID"), Some(&Value::text("debian")));
        assert_eq!(value.get("ports"), None, "an empty block proves nothing");
        assert_eq!(value.get("users"), Some(&Value::list([])), "unless the fact says so");
        assert_eq!(value.get("gone"), None);
    }

    #[test]
    fn a_line_that_only_looks_like_a_marker_stays_in_its_block() {
        let value = sections().extract("== ports\n== not a name ==\n22\n").unwrap();
        assert_eq!(value.get("ports"), Some(&Value::list(["== not a name ==".into(), "22".into()])));
    }

    #[test]
    fn a_repeated_or_missing_marker_is_not_guessed_at() {
        assert_eq!(sections().extract("== os\nA=1\n== os\nA=2\n").unwrap_err().cause, Cause::Parse);
        assert_eq!(sections().extract("sh: not found\n").unwrap_err().cause, Cause::NoData);
    }
}
