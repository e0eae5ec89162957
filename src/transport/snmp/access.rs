//! How one asset is reached over SNMP: version, credential, and how gently.

use std::time::Duration;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::Secret;
use crate::transport::gate::Limits;

/// The port agents listen on (RFC 3430, RFC 3417).
pub const PORT: u16 = 161;
/// Shortest password that a key may be derived from (RFC 3414 section 11.2).
const SHORTEST_PASSWORD: usize = 8;
/// Longest user name (RFC 3414 section 5).
const LONGEST_USER: usize = 32;
/// Longest community or context name that fits every agent.
const LONGEST_NAME: usize = 255;
/// Most rows that one GETBULK may ask for.
const MOST_REPETITIONS: u32 = 100;
/// Most retries; more only hides a broken network.
const MOST_RETRIES: u32 = 5;

/// The version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// The first: cleartext, no GETBULK.
    V1,
    /// 2c: cleartext.
    V2c,
    /// 3, with the user-based security model.
    V3,
}

/// How a user proves who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthProtocol {
    /// HMAC-MD5-96; broken, still found in plants.
    Md5,
    /// HMAC-SHA-96.
    Sha1,
    /// RFC 7860.
    Sha224,
    /// RFC 7860.
    Sha256,
    /// RFC 7860.
    Sha384,
    /// RFC 7860.
    Sha512,
}

impl AuthProtocol {
    /// The word of the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

/// How the contents are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PrivProtocol {
    /// DES-CBC; broken, still found in plants.
    #[serde(rename = "des")]
    Des,
    /// Triple DES (Cisco).
    #[serde(rename = "3des")]
    Des3,
    /// AES-128 (RFC 3826).
    #[serde(rename = "aes128")]
    Aes128,
    /// AES-192 with the Blumenthal key extension (net-snmp).
    #[serde(rename = "aes192")]
    Aes192,
    /// AES-256 with the Blumenthal key extension (net-snmp).
    #[serde(rename = "aes256")]
    Aes256,
    /// AES-192 with the Reeder key extension (Cisco).
    #[serde(rename = "aes192c")]
    Aes192Cisco,
    /// AES-256 with the Reeder key extension (Cisco).
    #[serde(rename = "aes256c")]
    Aes256Cisco,
}

impl PrivProtocol {
    /// The word of the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Des => "des",
            Self::Des3 => "3des",
            Self::Aes128 => "aes128",
            Self::Aes192 => "aes192",
            Self::Aes256 => "aes256",
            Self::Aes192Cisco => "aes192c",
            Self::Aes256Cisco => "aes256c",
        }
    }
}

/// What is shown to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nothing: only a version probe can be asked.
    None,
    /// The shared word of version 1 and 2c, readable by everybody on the path.
    Community(Secret),
    /// A user of version 3.
    User {
        /// Security name.
        name: String,
        /// How messages are signed; none means noAuthNoPriv.
        auth: Option<(AuthProtocol, Secret)>,
        /// How they are encrypted; needs `auth`.
        privacy: Option<(PrivProtocol, Secret)>,
        /// Context name, mostly empty.
        context: String,
    },
}

/// Resolved settings of one asset. `None` takes what suits the gate: 25 repetitions and three tries of 2 s, or for a
/// fragile asset 10 repetitions and two tries of 5 s. A fragile asset never gets more than 10 repetitions or one retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// UDP port of the agent.
    pub port: u16,
    /// Version that questions are asked with.
    pub version: Version,
    /// Rows that one GETBULK asks for.
    pub max_repetitions: Option<u32>,
    /// Whether GETBULK may be used at all; some agents lose it silently.
    pub bulk: bool,
    /// Whether answers must come from the address asked; multi-homed devices may need `false`.
    pub strict_source: bool,
    /// Wait for one answer, each try.
    pub timeout: Option<Duration>,
    /// Tries after the first.
    pub retries: Option<u32>,
    /// What is shown to the agent.
    pub credential: Credential,
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Version and credential do not fit.
    #[error("SNMP version {version} needs {needs}")]
    Mismatch {
        /// As configured.
        version: &'static str,
        /// What it would need.
        needs: &'static str,
    },
    /// Encryption without a signature does not exist.
    #[error("SNMPv3 privacy needs auth as well (there is no encryption without authentication)")]
    PrivacyAlone,
    /// The password cannot be turned into a key.
    #[error("the SNMPv3 {0} password has fewer than 8 characters; no agent accepts that (RFC 3414)")]
    ShortPassword(&'static str),
    /// A name is empty or too long.
    #[error("the SNMP {0} must have 1 to {1} bytes")]
    Name(&'static str, usize),
    /// A number is out of range.
    #[error("{0} must be between {1} and {2}")]
    Range(&'static str, u32, u32),
}

/// What the gate leaves of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) repetitions: u32,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    /// Variables that one visit may ask for.
    pub(super) variables: usize,
    pub(super) one_at_a_time: bool,
}

impl Version {
    /// The word of the configuration: `1`, `2c`, `3`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2c => "2c",
            Self::V3 => "3",
        }
    }

    /// Reads the word of the configuration, with or without a `v`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word.trim_start_matches(['v', 'V']) {
            "1" => Self::V1,
            "2c" | "2C" | "2" => Self::V2c,
            "3" => Self::V3,
            _ => return None,
        })
    }
}

impl Access {
    /// Settings with the defaults of every field but the credential.
    #[must_use]
    pub fn new(version: Version, credential: Credential) -> Self {
        Self {
            port: PORT,
            version,
            max_repetitions: None,
            bulk: true,
            strict_source: true,
            timeout: None,
            retries: None,
            credential,
        }
    }

    /// Whether these settings can work at all; the inventory asks when it is loaded.
    ///
    /// # Errors
    ///
    /// The first that cannot.
    pub fn check(&self) -> Result<(), AccessError> {
        in_range("port", u32::from(self.port), 1, u32::from(u16::MAX))?;
        in_range("max_repetitions", self.max_repetitions.unwrap_or(1), 1, MOST_REPETITIONS)?;
        in_range("retries", self.retries.unwrap_or(0), 0, MOST_RETRIES)?;
        let seconds = self.timeout.map_or(1, |timeout| timeout.as_millis().div_ceil(1000));
        in_range("timeout in seconds", u32::try_from(seconds).unwrap_or(u32::MAX), 1, 60)?;
        match (self.version, &self.credential) {
            (_, Credential::None) => Ok(()),
            (Version::V1 | Version::V2c, Credential::Community(community)) => {
                named("community", community.expose(), LONGEST_NAME)
            }
            (Version::V3, Credential::User { name, auth, privacy, context }) => {
                named("user", name, LONGEST_USER)?;
                if context.len() > LONGEST_NAME {
                    return Err(AccessError::Name("context", LONGEST_NAME));
                }
                if privacy.is_some() && auth.is_none() {
                    return Err(AccessError::PrivacyAlone);
                }
                long_enough("auth", auth.as_ref().map(|(_, password)| password))?;
                long_enough("privacy", privacy.as_ref().map(|(_, password)| password))
            }
            (Version::V3, Credential::Community(_)) => Err(AccessError::Mismatch { version: "3", needs: "a user" }),
            (version, Credential::User { .. }) => {
                Err(AccessError::Mismatch { version: version.word(), needs: "a community" })
            }
        }
    }

    /// The settings under the limits of the asset's gate (catalogue section 1, rule 4).
    pub(super) fn pace(&self, limits: Limits) -> Pace {
        if limits.fragile {
            return Pace {
                repetitions: self.max_repetitions.unwrap_or(10).clamp(1, 10),
                timeout: self.timeout.unwrap_or(Duration::from_secs(5)),
                retries: self.retries.unwrap_or(1).min(1),
                variables: 200,
                one_at_a_time: true,
            };
        }
        Pace {
            repetitions: self.max_repetitions.unwrap_or(25).clamp(1, MOST_REPETITIONS),
            timeout: self.timeout.unwrap_or(Duration::from_secs(2)),
            retries: self.retries.unwrap_or(2).min(MOST_RETRIES),
            variables: usize::MAX,
            one_at_a_time: false,
        }
    }
}

fn in_range(what: &'static str, value: u32, least: u32, most: u32) -> Result<(), AccessError> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(AccessError::Range(what, least, most)) }
}

fn named(what: &'static str, name: &str, most: usize) -> Result<(), AccessError> {
    if (1..=most).contains(&name.len()) { Ok(()) } else { Err(AccessError::Name(what, most)) }
}

fn long_enough(what: &'static str, password: Option<&Secret>) -> Result<(), AccessError> {
    match password {
        Some(password) if password.expose().len() < SHORTEST_PASSWORD => Err(AccessError::ShortPassword(what)),
        _ => Ok(()),
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Reads `3`, `"3"`, `2c`, `"v2c"`: YAML makes a number of some of them.
impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Version;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("1, 2c or 3")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Version, E> {
                Version::parse(word).ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Version, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Version, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    fn user(auth: Option<&str>, privacy: Option<&str>) -> Access {
        let credential = Credential::User {
            name: "monitor".into(),
            auth: auth.map(|password| (AuthProtocol::Sha256, secret(password))),
            privacy: privacy.map(|password| (PrivProtocol::Aes128, secret(password))),
            context: String::new(),
        };
        Access::new(Version::V3, credential)
    }

    #[test]
    fn settings_that_cannot_work_are_found_before_anything_is_sent() {
        assert_eq!(user(Some("long-enough"), Some("long-enough")).check(), Ok(()));
        assert_eq!(user(None, Some("long-enough")).check(), Err(AccessError::PrivacyAlone));
        assert_eq!(user(Some("short"), None).check(), Err(AccessError::ShortPassword("auth")));
        let v3_with_community = Access::new(Version::V3, Credential::Community(secret("public")));
        assert!(matches!(v3_with_community.check(), Err(AccessError::Mismatch { .. })));
        assert!(matches!(
            Access { version: Version::V2c, ..user(None, None) }.check(),
            Err(AccessError::Mismatch { .. })
        ));
        assert!(Access { max_repetitions: Some(0), ..user(None, None) }.check().is_err());
    }

    #[test]
    fn a_fragile_asset_is_never_asked_for_more_than_the_rules_allow() {
        let access = Access { max_repetitions: Some(50), retries: Some(4), ..user(None, None) };
        let pace = access.pace(Limits::FRAGILE);
        assert_eq!((pace.repetitions, pace.retries, pace.variables), (10, 1, 200));
        assert_eq!(pace.timeout, Duration::from_secs(5));
        assert_eq!(access.pace(Limits::STANDARD).repetitions, 50);
    }

    #[test]
    fn secrets_do_not_print_themselves() {
        let printed = format!("{:?}", user(Some("hunter2hunter2"), Some("hunter3hunter3")));
        assert!(!printed.contains("hunter"), "{printed}");
    }

    #[test]
    fn a_version_is_read_from_a_number_or_a_word() {
        assert_eq!(serde_json::from_str::<Version>("3").unwrap(), Version::V3);
        assert_eq!(serde_json::from_str::<Version>("\"2c\"").unwrap(), Version::V2c);
        assert!(serde_json::from_str::<Version>("4").is_err());
        assert_eq!(serde_json::from_str::<PrivProtocol>("\"aes256c\"").unwrap(), PrivProtocol::Aes256Cisco);
    }
}
