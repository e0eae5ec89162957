//! How an asset may be asked: settings of each transport, as the inventory declares them.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::model::AssetId;

/// What `access:` of an asset holds.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Login and commands.
    pub ssh: Option<SshSettings>,
    /// SNMP.
    pub snmp: Option<SnmpSettings>,
    /// The asset is the monitor host itself.
    pub local: Option<LocalSettings>,
    /// Allow-listed programs on the monitor host may ask about it.
    pub exec: Option<ExecSettings>,
    /// TLS services.
    pub tls: Option<TlsSettings>,
    /// HTTP services.
    pub http: Option<HttpSettings>,
    /// A recorded transcript that answers instead of the asset, relative to the inventory file.
    pub replay: Option<PathBuf>,
}

impl Access {
    /// Whether answers come without a packet to an address.
    #[must_use]
    pub const fn needs_no_address(&self) -> bool {
        self.local.is_some() || self.replay.is_some()
    }
}

/// SSH.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshSettings {
    /// Name of an ssh credential.
    pub credential: String,
    /// TCP port.
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// How the server is recognised.
    #[serde(default)]
    pub host_key: HostKey,
    /// Which algorithms may be spoken.
    #[serde(default)]
    pub algorithms: Algorithms,
    /// How commands that need root get it.
    #[serde(default)]
    pub privilege: Privilege,
    /// Assets to go through, nearest to the monitor first; what they themselves go through comes before them.
    #[serde(default)]
    pub jump: Vec<AssetId>,
    /// Longest wait for connection and login.
    #[serde(default, with = "humantime_serde")]
    pub connect_timeout: Option<Duration>,
    /// Longest wait for one batch of commands.
    #[serde(default, with = "humantime_serde")]
    pub command_timeout: Option<Duration>,
}

const fn ssh_port() -> u16 {
    22
}

/// How an SSH server is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HostKey {
    /// The first key seen is remembered; another one later is refused.
    #[default]
    Learn,
    /// Only keys with one of these fingerprints, `SHA256:…`.
    Pinned(Vec<String>),
}

/// Base64 letters of a SHA-256 digest without padding.
const FINGERPRINT_LETTERS: usize = 43;

fn fingerprint<E: serde::de::Error>(text: &str) -> Result<String, E> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let digest = text.strip_prefix("SHA256:").map(|digest| digest.trim_end_matches('='));
    match digest {
        Some(digest) if digest.len() == FINGERPRINT_LETTERS && digest.chars().all(letter) => {
            Ok(format!("SHA256:{digest}"))
        }
        _ => Err(E::custom(
            "a host key is the word learn or a fingerprint SHA256:…, as ssh-keyscan HOST | ssh-keygen -lf - prints it",
        )),
    }
}

impl<'de> Deserialize<'de> for HostKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = HostKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the word learn, a fingerprint SHA256:… or a list of them")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<HostKey, E> {
                if text == "learn" { Ok(HostKey::Learn) } else { Ok(HostKey::Pinned(vec![fingerprint(text)?])) }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<HostKey, A::Error> {
                let mut keys = Vec::new();
                while let Some(text) = seq.next_element::<String>()? {
                    keys.push(fingerprint(&text)?);
                }
                if keys.is_empty() {
                    return Err(serde::de::Error::custom("an empty list accepts no key at all"));
                }
                Ok(HostKey::Pinned(keys))
            }
        }
        deserializer.deserialize_any(Keys)
    }
}

/// Which SSH algorithms may be spoken; each set contains the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithms {
    /// What is good today.
    #[default]
    Modern,
    /// Also SHA-1 based ones, for appliances.
    Compat,
    /// Also what is broken, for plant devices that know nothing else.
    Legacy,
}

/// How a command that needs root gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// Not at all; such facts stay unknown, unless the user is root.
    #[default]
    None,
    /// `sudo -n`.
    Sudo,
    /// `doas -n`.
    Doas,
    /// A forced command of the key collects as root.
    Collector,
}

/// SNMP.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnmpSettings {
    /// Name of an snmp credential.
    pub credential: String,
    /// UDP port.
    #[serde(default = "snmp_port")]
    pub port: u16,
    /// Rows of one bulk answer; fragile assets get 10 at most.
    pub max_repetitions: Option<u8>,
    /// Whether GETBULK is used; some old agents answer it wrongly.
    #[serde(default = "yes")]
    pub bulk: bool,
    /// Whether an answer must come from the address that was asked; some devices answer from another one.
    #[serde(default = "yes")]
    pub strict_source: bool,
    /// Longest wait for one answer.
    #[serde(default, with = "humantime_serde")]
    pub timeout: Option<Duration>,
    /// Repetitions of an unanswered request, at most 3.
    pub retries: Option<u8>,
}

const fn snmp_port() -> u16 {
    161
}

const fn yes() -> bool {
    true
}

/// The monitor host itself.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalSettings {
    /// How commands that need root get it.
    pub privilege: Privilege,
}

/// Allow-listed programs.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecSettings {
    /// Names of the programs that may run for this asset; empty means all that are allow-listed.
    pub programs: Vec<String>,
}

/// TLS services.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// TCP ports, in place of those that a fact asks by default.
    pub ports: Vec<u16>,
    /// Name sent in the handshake; the asset's address when it is a name.
    pub sni: Option<String>,
}

/// HTTP services.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// TCP ports, in place of those that a fact asks by default.
    pub ports: Vec<u16>,
    /// Host header; the address by default.
    pub host: Option<String>,
}
