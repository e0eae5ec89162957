//! What the other side of a login understands.

use serde::{Deserialize, Serialize};

use super::cli::Profile;
use super::{Ask, Topic};
use crate::transport::{Endpoint, TransportError};

/// The language of an asset, `speaks:` in its SSH access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// A POSIX shell, by exec.
    #[default]
    Posix,
    /// Windows PowerShell, by exec.
    Powershell,
    /// PowerShell 7 and newer, by exec.
    Pwsh,
    /// The command line of Cisco IOS, in a terminal.
    CiscoIos,
    /// The command line of Junos, in a terminal.
    Junos,
    /// The command line of RouterOS, in a terminal.
    Mikrotik,
    /// Another command line with a prompt, in a terminal.
    Generic,
}

impl Speaks {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match (self.profile(), self) {
            (Some(profile), _) => profile.word(),
            (None, Self::Powershell) => "powershell",
            (None, Self::Pwsh) => "pwsh",
            (None, _) => "posix",
        }
    }

    /// The family of its command line, if it has one.
    #[must_use]
    pub const fn profile(self) -> Option<Profile> {
        match self {
            Self::CiscoIos => Some(Profile::CiscoIos),
            Self::Junos => Some(Profile::Junos),
            Self::Mikrotik => Some(Profile::Mikrotik),
            Self::Generic => Some(Profile::Generic),
            Self::Posix | Self::Powershell | Self::Pwsh => None,
        }
    }

    /// The program that runs PowerShell scripts, where there is one.
    pub(super) const fn powershell(self) -> Option<&'static str> {
        match self {
            Self::Powershell => Some("powershell"),
            Self::Pwsh => Some("pwsh"),
            _ => None,
        }
    }

    /// Whether a question is in its language; what was negotiated needs none.
    #[must_use]
    pub const fn understands(self, topic: &Topic<'_>) -> bool {
        match topic {
            Topic::Session => true,
            Topic::Run(_) => matches!(self, Self::Posix),
            Topic::PowerShell(_) => self.powershell().is_some(),
            Topic::Cli(_) => self.profile().is_some(),
        }
    }

    pub(super) fn stranger(self, endpoint: &Endpoint, ask: &Ask<'_>) -> TransportError {
        let problem = format!(
            "{} is not asked in the language of this asset, which speaks {}: set `speaks` in its SSH access",
            ask.fact,
            self.word()
        );
        TransportError::NoData { endpoint: endpoint.clone(), problem }
    }
}
