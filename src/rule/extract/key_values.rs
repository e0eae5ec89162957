//! `key value` lines: `sshd -T`, `/etc/os-release`, `sysctl -a`, `login.defs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::cell::Types;
use super::is_comment;
use crate::model::Value;

/// How keys are spelled in the fact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Keys {
    /// As the asset spells them.
    #[default]
    AsIs,
    /// In lower case.
    Lowercase,
}

impl Keys {
    pub(super) fn spell(self, key: &str) -> String {
        match self {
            Self::AsIs => key.to_owned(),
            Self::Lowercase => key.to_lowercase(),
        }
    }
}

/// What happens to quotation marks around a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Quotes {
    /// One pair around the whole value is taken off.
    #[default]
    Strip,
    /// They belong to the value.
    Keep,
}

impl Quotes {
    pub(super) fn apply(self, text: &str) -> &str {
        let inner = |mark| text.strip_prefix(mark)?.strip_suffix(mark);
        match self {
            Self::Strip => inner('"').or_else(|| inner('\'')).unwrap_or(text),
            Self::Keep => text,
        }
    }
}

/// Which value counts when a key comes more than once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Repeated {
    /// The last.
    #[default]
    Last,
    /// The first, as in `sshd_config`.
    First,
    /// All, as a list; a key that comes once keeps its plain value unless its type is `list`.
    List,
}

/// Reads lines of a key, a separator and a value into a map. Lines without the separator are left out,
/// except with blanks as separator, where they are keys with an empty value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct KeyValues {
    separator: String,
    keys: Keys,
    comment: String,
    quotes: Quotes,
    repeated: Repeated,
    defaults: BTreeMap<Arc<str>, Value>,
    types: Types,
}

impl Default for KeyValues {
    fn default() -> Self {
        Self {
            separator: " ".to_owned(),
            keys: Keys::default(),
            comment: "#".to_owned(),
            quotes: Quotes::default(),
            repeated: Repeated::default(),
            defaults: BTreeMap::new(),
            types: Types::default(),
        }
    }
}

impl KeyValues {
    pub(super) fn extract(&self, text: &str) -> Value {
        let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line, &self.comment));
        for (key, value) in lines.filter_map(|line| self.split(line)) {
            let key = self.keys.spell(key);
            let value = self.types.read(&key, self.quotes.apply(value));
            self.put(&mut fields, &key, value);
        }
        if fields.is_empty() {
            return Value::map::<&str>([]);
        }
        for (key, value) in &self.defaults {
            fields.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Value::Map(Arc::new(fields))
    }

    fn split<'a>(&self, line: &'a str) -> Option<(&'a str, &'a str)> {
        if self.separator.trim().is_empty() {
            let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            return Some((key, value.trim()));
        }
        let (key, value) = line.split_once(&self.separator)?;
        (!key.trim().is_empty()).then_some((key.trim(), value.trim()))
    }

    fn put(&self, fields: &mut BTreeMap<Arc<str>, Value>, key: &str, value: Value) {
        let Some(earlier) = fields.get_mut(key) else {
            fields.insert(Arc::from(key), value);
            return;
        };
        match self.repeated {
            Repeated::Last => *earlier = value,
            Repeated::First => {}
            Repeated::List => join(earlier, value, self.types.is_list(key)),
        }
    }
}

/// Appends to the value collected so far, which becomes a list if it is none yet.
fn join(earlier: &mut Value, value: Value, flat: bool) {
    if !matches!(earlier, Value::List(_)) {
        *earlier = Value::list([std::mem::take(earlier)]);
    }
    let Value::List(items) = earlier else { return };
    let items = Arc::make_mut(items);
    match value {
        Value::List(more) if flat => items.extend(more.iter().cloned()),
        other => items.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: &str, text: &str) -> Value {
        let spec: KeyValues = serde_saphyr::from_str(spec).unwrap();
        spec.extract(text)
    }

    #[test]
    fn sshd_settings_are_read_in_lower_case() {
        let value = read(
            "{separator: ' ', keys: lowercase, types: {ciphers: list}}",
            "Port 22\npermitrootlogin  no\nciphers a,b\nbanner\n\n",
        );
        assert_eq!(value.get("port"), Some(&Value::Int(22)));
        assert_eq!(value.get("permitrootlogin"), Some(&Value::text("no")));
        assert_eq!(value.get("ciphers"), Some(&Value::list(["a".into(), "b".into()])));
        assert_eq!(value.get("banner"), Some(&Value::text("")));
    }

    #[test]
    fn os_release_loses_its_quotes_and_comments() {
        let value = read("{separator: '='}", "# x\nNAME=\"Debian GNU/Linux\"\nID=debian\nURL='a=b'\nnonsense\n");
        assert_eq!(value.get("NAME"), Some(&Value::text("Debian GNU/Linux")));
        assert_eq!(value.get("URL"), Some(&Value::text("a=b")));
        assert_eq!(value.as_map().unwrap().len(), 3);
        assert_eq!(read("{separator: '=', quotes: keep}", "A=\"b\"").get("A"), Some(&Value::text("\"b\"")));
    }

    #[test]
    fn repeated_keys_follow_the_rule() {
        let text = "port 22\nport 2222\nuser a";
        assert_eq!(read("{}", text).get("port"), Some(&Value::Int(2222)));
        assert_eq!(read("{repeated: first}", text).get("port"), Some(&Value::Int(22)));
        let all = read("{repeated: list, types: {user: list}}", text);
        assert_eq!(all.get("port"), Some(&Value::list([Value::Int(22), Value::Int(2222)])));
        assert_eq!(all.get("user"), Some(&Value::list(["a".into()])));
        let flat = read("{repeated: list, types: {a: list}}", "a b c\na d");
        assert_eq!(flat.get("a"), Some(&Value::list(["b".into(), "c".into(), "d".into()])));
    }

    #[test]
    fn defaults_fill_gaps_but_not_silence() {
        assert_eq!(read("{defaults: {maxauthtries: 6}}", "port 22").get("maxauthtries"), Some(&Value::Int(6)));
        assert_eq!(read("{defaults: {maxauthtries: 6}}", "# nothing\n"), Value::map::<&str>([]));
    }
}
