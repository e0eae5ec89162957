//! Output that is JSON already: `lsblk -J`, `nft -j`, `aa-status --json`.

use serde::Deserialize;

use super::{Extracted, unreadable};
use crate::model::{Cause, Missing, Value};

/// Reads JSON; nesting is bounded by the parser at 128 levels.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Json {
    at: String,
}

impl Json {
    pub(super) fn extract(&self, text: &str) -> Extracted {
        let value: Value =
            serde_json::from_str(text).map_err(|error| unreadable(format!("this is no JSON: {error}")))?;
        self.pick(&value)
    }

    /// The value at the path, also of an answer that is typed already.
    pub(super) fn pick(&self, value: &Value) -> Extracted {
        value.at(&self.at).cloned().ok_or_else(|| {
            Missing::new(Cause::NoData, format!("the answer has nothing at `{}`; check the path in the fact", self.at))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(at: &str) -> Json {
        Json { at: at.to_owned() }
    }

    #[test]
    fn a_path_picks_a_part() {
        assert_eq!(json("a.b").extract(r#"{"a":{"b":[1]}}"#).unwrap(), Value::list([Value::Int(1)]));
        assert_eq!(json("").extract("3").unwrap(), Value::Int(3));
        assert_eq!(json("x").extract("{}").unwrap_err().cause, Cause::NoData);
    }

    #[test]
    fn broken_or_deep_json_is_a_parse_error() {
        assert_eq!(json("").extract("{").unwrap_err().cause, Cause::Parse);
        assert_eq!(json("").extract(&"[".repeat(100_000)).unwrap_err().cause, Cause::Parse);
    }
}
