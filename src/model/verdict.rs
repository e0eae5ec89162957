//! What a check concludes, and why nothing could be concluded.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cause, Params, Value};

/// What one check concluded about one asset.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The requirement is met, with positive evidence.
    Pass,
    /// Met, but something wants attention; counts as compliant.
    Warn,
    /// Not met; the reason quotes what was observed.
    Fail,
    /// Nothing can be said: neither good nor bad news.
    Unknown(Cause),
    /// A fail that a valid waiver accepts.
    Waived,
    /// The check positively does not concern this asset.
    NotApplicable,
}

impl Verdict {
    /// The number in `nis2watch_check_state`; 0..3 are those of Nagios.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Warn => 1,
            Self::Fail => 2,
            Self::Unknown(_) => 3,
            Self::Waived => 4,
            Self::NotApplicable => 5,
        }
    }

    /// The word used in JSON, labels and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self.code() as usize]
    }

    /// All six words, in the order of [`Self::code`].
    pub const WORDS: [&'static str; 6] = ["pass", "warn", "fail", "unknown", "waived", "not_applicable"];

    /// The value of `nis2watch_check_pass`: none while unknown or not applicable.
    #[must_use]
    pub const fn passes(self) -> Option<bool> {
        match self {
            Self::Pass | Self::Warn | Self::Waived => Some(true),
            Self::Fail => Some(false),
            Self::Unknown(_) | Self::NotApplicable => None,
        }
    }

    /// Whether it says by itself how things stand. A fail may be new or a drift, and what is unknown stands as it stood.
    #[must_use]
    pub const fn is_conclusive(self) -> bool {
        !matches!(self, Self::Fail | Self::Unknown(_))
    }

    /// Whether to go from here to `to` is drift: away from pass, by no decision of the operator. What is switched off is not seen,
    /// which is unknown, but nothing has changed there.
    #[must_use]
    pub fn drifts_to(self, to: Self) -> bool {
        let is_decided = matches!(to, Self::NotApplicable | Self::Unknown(Cause::Inactive));
        self.passes() == Some(true) && to.passes() != Some(true) && !is_decided
    }

    /// Why it is unknown, if it is.
    #[must_use]
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Unknown(cause) => Some(cause),
            _ => None,
        }
    }

    /// Reads the two words that storage and fixtures use.
    #[must_use]
    pub fn from_words(state: &str, cause: Option<&str>) -> Option<Self> {
        Some(match state {
            "pass" => Self::Pass,
            "warn" => Self::Warn,
            "fail" => Self::Fail,
            "unknown" => Self::Unknown(cause.and_then(Cause::from_word).unwrap_or(Cause::Internal)),
            "waived" => Self::Waived,
            "not_applicable" => Self::NotApplicable,
            _ => return None,
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in files, labels and logs.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The member that this word names.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}
pub(super) use words;

words! {
    /// How urgent a fail is.
    Severity {
        /// For the record.
        Info = "info",
        /// Report only.
        Low = "low",
        /// Within the week.
        Medium = "medium",
        /// Within the day.
        High = "high",
        /// At once.
        Critical = "critical",
    }
}

words! {
    /// How a check may disturb a fragile device.
    Impact {
        /// No packet reaches the device.
        None = "none",
        /// Few, well-formed packets of a protocol that the device already serves.
        Low = "low",
        /// Can disturb weak devices: off unless the asset opts in, and then only in a maintenance window.
        Avoid = "avoid",
    }
}

words! {
    /// The ways of asking; a label of the gate's books.
    Transport {
        /// Login and one batched command.
        Ssh = "ssh",
        /// SNMP v1, v2c or v3.
        Snmp = "snmp",
        /// Plain TCP connect.
        Tcp = "tcp",
        /// TLS handshakes.
        Tls = "tls",
        /// One HTTP request.
        Http = "http",
        /// SSH key exchange without login.
        SshService = "ssh_service",
        /// Modbus/TCP device identification.
        Modbus = "modbus",
        /// OPC UA discovery.
        OpcUa = "opcua",
        /// MQTT connects.
        Mqtt = "mqtt",
        /// Identity of an S7 controller.
        S7 = "s7",
        /// `EtherNet/IP` identity.
        Enip = "enip",
        /// BACnet/IP identity.
        Bacnet = "bacnet",
        /// The monitor host itself.
        Local = "local",
        /// An allow-listed program on the monitor host.
        Exec = "exec",
        /// A recorded transcript.
        Replay = "replay",
        /// Computed, no packet.
        Derived = "derived",
    }
}

/// A verdict with everything that explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The conclusion.
    pub verdict: Verdict,
    /// One line for a person: what was observed against what was expected, or why nothing can be said.
    pub reason: String,
    /// What the deciding assertion saw; offenders when it is a set.
    pub observed: Value,
    /// What it asked for.
    pub expected: Value,
    /// The parameters that applied, resolved.
    pub params: Params,
}

impl Judgement {
    /// An unknown with its cause and a sentence that says what to do about it.
    pub fn unknown(cause: Cause, reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown(cause),
            reason: reason.into(),
            observed: Value::Null,
            expected: Value::Null,
            params: Params::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_is_neither_compliant_nor_failing() {
        assert_eq!(Verdict::Unknown(Cause::Timeout).passes(), None);
        assert_eq!(Verdict::Unknown(Cause::Timeout).code(), 3);
    }

    #[test]
    fn every_state_and_cause_survives_its_words() {
        for cause in Cause::ALL {
            let verdict = Verdict::Unknown(*cause);
            assert_eq!(Verdict::from_words(verdict.word(), Some(cause.word())), Some(verdict));
        }
        for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Waived, Verdict::NotApplicable] {
            assert_eq!(Verdict::from_words(verdict.word(), None), Some(verdict));
        }
    }
}
