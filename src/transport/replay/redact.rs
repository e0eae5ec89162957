//! Takes out of a recording what must not leave the plant.

use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::{Recorded, Transcript};
use crate::model::{Answer, Secret, Value};

/// What stands in the place of a secret.
const REMOVED: &str = "[redacted]";

/// Password hashes of crypt(3), private keys, and passwords and communities in configuration lines.
static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\$(?:1|2[abxy]?|5|6|7|y|gy|sha1|md5|argon2i?d?)\$[./A-Za-z0-9$=,+]+",
        r"|(?s:-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z))",
        r#"|((?i:\b(?:password|passwd|secret|community|psk|api[_-]?key|token)\b"?\s*[=:]\s*"?))[^\s"]+"#,
    ))
    .expect("a constant pattern")
});

/// What to take out beside the usual: names and addresses of the plant, each with its stand-in, and known secrets.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    replace: Vec<(String, String)>,
}

impl Redaction {
    /// Replaces a name, an address or a serial number by a harmless one.
    #[must_use]
    pub fn name(mut self, name: &str, stand_in: &str) -> Self {
        if !name.is_empty() {
            self.replace.push((name.to_owned(), stand_in.to_owned()));
        }
        self
    }

    /// Removes a secret wherever it stands.
    #[must_use]
    pub fn secret(self, secret: &Secret) -> Self {
        self.name(secret.expose(), REMOVED)
    }

    /// One text without what must not leave the plant.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut longest_first: Vec<_> = self.replace.iter().collect();
        longest_first.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let text = SECRETS.replace_all(text, format!("${{1}}{REMOVED}")).into_owned();
        longest_first.into_iter().fold(text, |text, (name, stand_in)| text.replace(name.as_str(), stand_in))
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Text(text) => Value::text(self.text(text)),
            Value::List(items) => Value::list(items.iter().map(|item| self.value(item))),
            Value::Map(fields) => Value::map(fields.iter().map(|(key, value)| (self.text(key), self.value(value)))),
            other => other.clone(),
        }
    }

    fn recorded(&self, recorded: &mut Recorded) {
        match recorded {
            Recorded::Answer(Answer::Text(text)) => {
                text.stdout = self.text(&text.stdout);
                text.stderr = self.text(&text.stderr);
            }
            Recorded::Answer(Answer::Varbinds(varbinds)) => {
                for varbind in varbinds {
                    varbind.value = self.value(&varbind.value);
                }
            }
            Recorded::Answer(Answer::Value(value)) => *value = self.value(value),
            Recorded::Absent(how) => *how = Arc::from(self.text(how)),
            Recorded::Failed(missing) => missing.detail = self.text(&missing.detail),
        }
    }
}

impl Transcript {
    /// Takes out what must not leave the plant. What remains is still to be read by a person before it is shared.
    pub fn redact(&mut self, redaction: &Redaction) {
        for recorded in self.facts.values_mut() {
            redaction.recorded(recorded);
        }
        for value in self.asset.values_mut().chain(self.params.values_mut()) {
            *value = redaction.value(value);
        }
        self.note = self.note.take().map(|note| redaction.text(&note));
    }
}
