//! How one asset is logged in to: settings with their secrets, already resolved.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Algorithms, HostKeyPolicy, Speaks};
use crate::model::Secret;

/// Everything a login needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Account on the asset.
    pub user: String,
    /// TCP port.
    pub port: u16,
    /// What proves who we are; exactly one attempt is made with it per connection.
    pub credential: Credential,
    /// Which host key is acceptable.
    pub host_key: HostKeyPolicy,
    /// What the other side understands.
    pub speaks: Speaks,
    /// How questions that need root get it.
    pub privilege: Elevation,
    /// How old the cryptography may be.
    pub algorithms: Algorithms,
    /// How long each step may take.
    pub deadlines: Deadlines,
    /// Bytes of output kept from one visit, both streams of all questions together.
    pub max_bytes: usize,
}

impl Access {
    /// Bytes kept from one visit unless the asset says otherwise.
    pub const MAX_BYTES: usize = 4 * 1024 * 1024;

    /// An access with the default port, profile, deadlines and bounds, without privilege.
    #[must_use]
    pub fn new(user: impl Into<String>, credential: Credential, host_key: HostKeyPolicy) -> Self {
        Self {
            user: user.into(),
            port: 22,
            credential,
            host_key,
            speaks: Speaks::default(),
            privilege: Elevation::default(),
            algorithms: Algorithms::default(),
            deadlines: Deadlines::default(),
            max_bytes: Self::MAX_BYTES,
        }
    }

    /// The account as it is given at login: a command line may take settings of the terminal there.
    pub(super) fn login(&self) -> String {
        format!("{}{}", self.user, self.speaks.profile().map_or("", super::cli::Profile::login_suffix))
    }
}

/// What proves who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A private key: OpenSSH, PKCS#1, PKCS#8 or SEC1 text.
    Key {
        /// The text of the key file.
        pem: Secret,
        /// What the key file is encrypted with.
        passphrase: Option<Secret>,
    },
    /// A password, sent by the `password` method, or by `keyboard-interactive` where only that is offered.
    Password(Secret),
}

/// How questions that need root get it. An account that is root needs none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elevation {
    /// They are not asked; their facts are missing for want of privilege.
    #[default]
    None,
    /// `sudo -n`, with sudoers lines that allow exactly these commands.
    Sudo,
    /// `doas -n`.
    Doas,
    /// Every question goes to the collector behind a forced command.
    Collector,
}

/// How long each step of a visit may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// TCP connect.
    #[serde(with = "humantime_serde")]
    pub connect: Duration,
    /// Banner and key exchange.
    #[serde(with = "humantime_serde")]
    pub handshake: Duration,
    /// Login; PAM adds two to four seconds to a refusal.
    #[serde(with = "humantime_serde")]
    pub auth: Duration,
    /// All commands together, unless the sum of their own timeouts is longer.
    #[serde(with = "humantime_serde")]
    pub exec: Duration,
    /// The whole visit, from the moment the gate lets it through: the last word.
    #[serde(with = "humantime_serde")]
    pub whole: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            auth: Duration::from_secs(15),
            exec: Duration::from_secs(30),
            whole: Duration::from_mins(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let key =
            Credential::Key { pem: Secret::new("hunter2".into()), passphrase: Some(Secret::new("hunter2".into())) };
        let shown = format!("{:?}", Access::new("root", key, HostKeyPolicy::Learn));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn deadlines_read_like_the_configuration_and_refuse_what_they_do_not_know() {
        let read: Deadlines = serde_json::from_str(r#"{"exec": "2m"}"#).unwrap();
        assert_eq!(read, Deadlines { exec: Duration::from_mins(2), ..Deadlines::default() });
        assert!(serde_json::from_str::<Deadlines>(r#"{"exce": "2m"}"#).is_err());
    }
}
