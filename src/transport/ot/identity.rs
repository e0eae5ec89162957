//! What a device says it is: a few short texts, made fit to be shown and compared.

use crate::model::{Answer, Value};
use crate::transport::printable;

/// Longest text of an identity, in characters; they become labels of `nis2watch_asset_info`.
const MAX_TEXT: usize = 64;

/// The fields of an identity. `vendor`, `model`, `version` and `serial` mean the same in every protocol; a text that
/// the device left empty is not there.
#[derive(Debug, Default)]
pub(super) struct Identity(Vec<(&'static str, Value)>);

impl Identity {
    /// Adds a text of the device; empty ones and fillers are left out.
    pub(super) fn text(&mut self, name: &'static str, bytes: &[u8]) {
        let text = clean(bytes);
        if !text.is_empty() {
            self.value(name, Value::text(text));
        }
    }

    /// Adds a value of our own making.
    pub(super) fn value(&mut self, name: &'static str, value: Value) {
        self.0.push((name, value));
    }

    /// Adds a copy of the first of `from` that is there.
    pub(super) fn first_of(&mut self, name: &'static str, from: &[&str]) {
        let found = from.iter().find_map(|wanted| self.0.iter().find(|(name, _)| name == wanted));
        if let Some(value) = found.map(|(_, value)| value.clone()) {
            self.value(name, value);
        }
    }

    /// The answer of a device that told what it is.
    pub(super) fn told(self) -> Answer {
        answer(self.0.into_iter().chain([("identified", Value::Bool(true))]))
    }
}

/// The answer of a device that is there and speaks the protocol, but does not tell what it is; `why` is ours.
pub(super) fn untold(why: String) -> Answer {
    answer([("identified", Value::Bool(false)), ("detail", Value::from(why))])
}

fn answer(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Answer {
    Answer::Value(Value::map(fields.into_iter().chain([("answered", Value::Bool(true))])))
}

/// One short line: padding, control characters and what is no text do not get through.
pub(super) fn clean(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    printable::line(&String::from_utf8_lossy(&bytes[..end]), MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_short_clean_text_or_not_there() {
        assert_eq!(clean(b"6ES7 315-2EH14-0AB0 \0\0\0"), "6ES7 315-2EH14-0AB0");
        assert_eq!(clean(b"PLC\nlevel=error\x1b[2J"), "PLC level=error [2J");
        assert_eq!(clean(&[b'x'; 5000]).len(), 64);
        let mut identity = Identity::default();
        identity.text("vendor", b"\0Siemens");
        identity.text("name", b"press");
        identity.first_of("model", &["vendor", "name"]);
        let Answer::Value(value) = identity.told() else { panic!() };
        assert_eq!((value.get("vendor"), value.get("model")), (None, Some(&Value::text("press"))));
    }
}
