//! How an asset may be asked, as the inventory writes it under `access:`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::model::AssetId;
use crate::transport::{snmp, ssh};
use ssh::HostKeyPolicy;

/// What `access:` of an asset holds.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AccessEntry {
    /// Login and commands.
    pub(super) ssh: Option<SshSettings>,
    /// SNMP.
    pub(super) snmp: Option<SnmpSettings>,
    /// The asset is the monitor host itself.
    pub(super) local: Option<LocalSettings>,
    /// Allow-listed programs on the monitor host may ask about it.
    pub(super) exec: Option<ExecSettings>,
    /// TLS services.
    pub(super) tls: Option<TlsSettings>,
    /// HTTP services.
    pub(super) http: Option<HttpSettings>,
    /// A recorded transcript that answers instead of the asset, relative to the inventory file.
    pub(super) replay: Option<PathBuf>,
}

impl AccessEntry {
    /// Whether answers come without a packet to an address.
    #[must_use]
    pub(super) const fn needs_no_address(&self) -> bool {
        self.local.is_some() || self.replay.is_some()
    }

    /// TCP ports on which the asset is said to serve something. Behind a jump host its SSH port is not ours to see.
    #[must_use]
    pub(super) fn declared_ports(&self) -> BTreeSet<u16> {
        let ssh = self.ssh.iter().filter(|ssh| ssh.jump.is_empty()).map(|ssh| ssh.port);
        let tls = self.tls.iter().flat_map(|tls| tls.ports.iter().copied());
        ssh.chain(tls).chain(self.http.iter().flat_map(|http| http.ports.iter().copied())).collect()
    }
}

/// SSH.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SshSettings {
    /// Name of an ssh credential.
    pub(super) credential: String,
    /// TCP port.
    #[serde(default = "ssh_port")]
    pub(super) port: u16,
    /// How the server is recognised.
    #[serde(default)]
    pub(super) host_key: HostKey,
    /// Which algorithms may be spoken.
    #[serde(default)]
    pub(super) algorithms: ssh::Algorithms,
    /// What the other side understands; the usual for the kind when left out.
    #[serde(default)]
    pub(super) speaks: Option<ssh::Speaks>,
    /// How commands that need root get it.
    #[serde(default)]
    pub(super) privilege: ssh::Elevation,
    /// Assets to go through, nearest to the monitor first; what they themselves go through comes before them.
    #[serde(default)]
    pub(super) jump: Vec<AssetId>,
    /// How long each step may take.
    #[serde(default)]
    pub(super) timeouts: ssh::Deadlines,
}

const fn ssh_port() -> u16 {
    22
}

/// How an SSH server is recognised: the word `learn`, a fingerprint or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostKey(pub(super) HostKeyPolicy);

impl Default for HostKey {
    fn default() -> Self {
        Self(HostKeyPolicy::Learn)
    }
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
                let policy = if text == "learn" {
                    HostKeyPolicy::Learn
                } else {
                    HostKeyPolicy::Pinned(vec![fingerprint(text)?])
                };
                Ok(HostKey(policy))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<HostKey, A::Error> {
                let mut keys = Vec::new();
                while let Some(text) = seq.next_element::<String>()? {
                    keys.push(fingerprint(&text)?);
                }
                if keys.is_empty() {
                    return Err(serde::de::Error::custom("an empty list accepts no key at all"));
                }
                Ok(HostKey(HostKeyPolicy::Pinned(keys)))
            }
        }
        deserializer.deserialize_any(Keys)
    }
}

/// SNMP.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SnmpSettings {
    /// Name of an snmp credential.
    pub(super) credential: String,
    /// UDP port.
    #[serde(default = "snmp_port")]
    pub(super) port: u16,
    /// Rows of one bulk answer; fragile assets get 10 at most.
    pub(super) max_repetitions: Option<u32>,
    /// Whether GETBULK is used; some old agents answer it wrongly.
    #[serde(default = "yes")]
    pub(super) bulk: bool,
    /// Whether an answer must come from the address that was asked; some devices answer from another one.
    #[serde(default = "yes")]
    pub(super) strict_source: bool,
    /// Longest wait for one answer.
    #[serde(default, with = "humantime_serde")]
    pub(super) timeout: Option<Duration>,
    /// Repetitions of an unanswered request.
    pub(super) retries: Option<u32>,
}

const fn snmp_port() -> u16 {
    snmp::PORT
}

const fn yes() -> bool {
    true
}

/// The monitor host itself.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LocalSettings {}

/// Plug-ins.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExecSettings {
    /// Names of the plug-ins that may run for this asset; empty means all of `plugins:`.
    pub(super) programs: Vec<String>,
    /// Whether they may run although the asset is fragile.
    pub(super) on_fragile: bool,
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
    /// TCP ports that serve plain HTTP, asked besides those that a fact asks by default.
    pub ports: Vec<u16>,
    /// Host header; the address by default.
    pub host: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<SshSettings, String> {
        serde_saphyr::from_str(text).map_err(|error: serde_saphyr::Error| error.without_snippet().to_string())
    }

    #[test]
    fn an_asset_says_what_it_speaks_in_one_word() {
        let speaks = |text: &str| settings(text).map(|settings| settings.speaks);
        assert_eq!(speaks("{ credential: x }"), Ok(None));
        assert_eq!(speaks("{ credential: x, speaks: cisco_ios }"), Ok(Some(ssh::Speaks::CiscoIos)));
        assert_eq!(speaks("{ credential: x, speaks: powershell }"), Ok(Some(ssh::Speaks::Powershell)));
        assert!(speaks("{ credential: x, speaks: klingon }").unwrap_err().contains("mikrotik"));
    }
}
