//! Identifiers that cannot be malformed: parsing is the only door.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest identifier, in bytes; ids become label values and file names.
const MAX_LEN: usize = 128;

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("an id must not be empty")]
    Empty,
    /// More than 128 bytes.
    #[error("an id has at most {MAX_LEN} characters, this one has {0}")]
    TooLong(usize),
    /// A character outside the allowed set.
    #[error(
        "{0:?} is not allowed in an id: use letters, digits, '-', '_', '.' or ':', starting with a letter or digit"
    )]
    BadCharacter(char),
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_LEN {
        return Err(IdError::TooLong(text.len()));
    }
    let bad = |(at, c): &(usize, char)| !(c.is_ascii_alphanumeric() || (*at > 0 && matches!(c, '-' | '_' | '.' | ':')));
    match text.char_indices().find(bad) {
        Some((_, c)) => Err(IdError::BadCharacter(c)),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Accepts ASCII letters, digits, `-`, `_`, `.` and `:`; starts with a letter or digit; 1 to 128 bytes.
            ///
            /// # Errors
            ///
            /// [`IdError`] names the first rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(Arc::from(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id! {
    /// Names one asset, unique in the whole inventory.
    AssetId
}
id! {
    /// Names one check; equals its file name, is never renamed and never reused.
    CheckId
}
id! {
    /// Names one zone.
    ZoneId
}
id! {
    /// Names one fact, `family.name` (`linux.sshd`).
    FactId
}
id! {
    /// Names one entry of a register that people keep: a statement, a waiver, a supplier, an incident.
    EntryId
}
id! {
    /// Names one control of `checks/controls/controls.yaml` (`IAM-02`).
    ControlId
}

impl ZoneId {
    /// The zone of what stands in none, such as the organisation.
    pub const NOWHERE: &'static str = "none";

    /// Whether it is the zone of what stands in none.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        self.as_str() == Self::NOWHERE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_safe_label_and_file_name() {
        assert!(AssetId::parse("plc-7.line_2").is_ok());
        assert_eq!(AssetId::parse(""), Err(IdError::Empty));
        assert_eq!(AssetId::parse("../x"), Err(IdError::BadCharacter('.')));
        assert_eq!(AssetId::parse("a b"), Err(IdError::BadCharacter(' ')));
        assert_eq!(AssetId::parse(&"a".repeat(129)), Err(IdError::TooLong(129)));
    }
}
