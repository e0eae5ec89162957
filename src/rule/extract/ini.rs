//! Sections of `key = value` lines: repository files, systemd units, smb.conf.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::cell::Types;
use super::is_comment;
use super::key_values::{Keys, Quotes};
use crate::model::Value;

/// Reads an INI file into a map of sections; keys before the first section belong to the section `global`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ini {
    comment: String,
    keys: Keys,
    quotes: Quotes,
    types: Types,
}

impl Default for Ini {
    fn default() -> Self {
        Self { comment: "#;".to_owned(), keys: Keys::default(), quotes: Quotes::default(), types: Types::default() }
    }
}

impl Ini {
    pub(super) fn extract(&self, text: &str) -> Value {
        let mut sections: BTreeMap<String, BTreeMap<Arc<str>, Value>> = BTreeMap::new();
        let mut current = "global".to_owned();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line, &self.comment)) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                current = self.keys.spell(name.trim());
                sections.entry(current.clone()).or_default();
                continue;
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let key = self.keys.spell(key.trim());
            let value = self.types.read(&key, self.quotes.apply(value.trim()));
            sections.entry(current.clone()).or_default().insert(Arc::from(key), value);
        }
        Value::map(sections.into_iter().map(|(name, fields)| (name, Value::Map(Arc::new(fields)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_become_maps() {
        let spec: Ini = serde_saphyr::from_str("{keys: lowercase}").unwrap();
        let value = spec.extract("top=1\n[Base]\n; c\nGPGCheck = 1\nname=\"x y\"\nflag\n[empty]\n");
        assert_eq!(value.at("global.top"), Some(&Value::Int(1)));
        assert_eq!(value.at("base.gpgcheck"), Some(&Value::Int(1)));
        assert_eq!(value.at("base.name"), Some(&Value::text("x y")));
        assert_eq!(value.at("base.flag"), Some(&Value::text("")));
        assert_eq!(value.get("empty"), Some(&Value::map::<&str>([])));
    }
}
