//! Why there is no answer, in words an operator can act on.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::model::Cause;

/// Where a packet goes: address, port and protocol, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Names an endpoint (`tcp://10.0.0.5:22`, `snmp://10.0.0.5:161`).
    pub fn new(scheme: &str, host: impl fmt::Display, port: u16) -> Self {
        Self(format!("{scheme}://{host}:{port}"))
    }

    /// Names the monitor host itself or a file.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an asset gave no answer. Any of these means unknown, never fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nothing came back in time.
    #[error("no answer from {endpoint} within {timeout:?}")]
    Timeout {
        /// Who was asked.
        endpoint: Endpoint,
        /// How long we waited.
        timeout: Duration,
    },
    /// The port answered with a reset.
    #[error("{endpoint} refused the connection")]
    Refused {
        /// Who was asked.
        endpoint: Endpoint,
    },
    /// No route, or the name does not resolve.
    #[error("{endpoint} cannot be reached: {source}")]
    Unreachable {
        /// Who was asked.
        endpoint: Endpoint,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The credential was not accepted, or none is configured.
    #[error("{endpoint} did not accept the credential: {problem}")]
    Auth {
        /// Who was asked.
        endpoint: Endpoint,
        /// What exactly, without the secret.
        problem: String,
    },
    /// Logged in, but not allowed to ask this.
    #[error("{endpoint}: missing privilege: {problem}")]
    Privilege {
        /// Who was asked.
        endpoint: Endpoint,
        /// What is missing and how to grant it.
        problem: String,
    },
    /// The asset answered, but not in the protocol's terms.
    #[error("{endpoint} broke the protocol: {problem}")]
    Protocol {
        /// Who was asked.
        endpoint: Endpoint,
        /// What was wrong, bounded and without bytes of the device that could forge a line.
        problem: String,
    },
    /// The host key is not the expected one. No credential was sent.
    #[error("{endpoint} showed host key {seen}, expected {expected}")]
    HostKey {
        /// Who was asked.
        endpoint: Endpoint,
        /// Fingerprint shown.
        seen: String,
        /// Fingerprints expected.
        expected: String,
    },
    /// The answer is positively empty where something was needed.
    #[error("{endpoint}: {problem}")]
    NoData {
        /// Who was asked.
        endpoint: Endpoint,
        /// What is missing and what to do.
        problem: String,
    },
    /// The gate did not let it through.
    #[error(transparent)]
    Refusal(#[from] super::gate::Refusal),
    /// A defect on our side, or a setting that cannot work.
    #[error("{endpoint}: {problem}")]
    Internal {
        /// Who was to be asked.
        endpoint: Endpoint,
        /// What went wrong.
        problem: String,
    },
}

impl TransportError {
    /// The word for labels.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Timeout { .. } => Cause::Timeout,
            Self::Refused { .. } => Cause::Refused,
            Self::Unreachable { .. } => Cause::Unreachable,
            Self::Auth { .. } => Cause::Auth,
            Self::Privilege { .. } => Cause::Privilege,
            Self::Protocol { .. } => Cause::Protocol,
            Self::HostKey { .. } => Cause::HostKey,
            Self::NoData { .. } => Cause::NoData,
            Self::Refusal(refusal) => refusal.cause(),
            Self::Internal { .. } => Cause::Internal,
        }
    }

    /// Sorts an error of the operating system.
    #[must_use]
    pub fn from_io(endpoint: Endpoint, timeout: Duration, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout { endpoint, timeout },
            io::ErrorKind::ConnectionRefused => Self::Refused { endpoint },
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData => Self::Protocol { endpoint, problem: source.kind().to_string() },
            _ => Self::Unreachable { endpoint, source },
        }
    }

    /// The same error again, for each question of a batch that one failure ended.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Timeout { endpoint, timeout } => Self::Timeout { endpoint: endpoint.clone(), timeout: *timeout },
            Self::Refused { endpoint } => Self::Refused { endpoint: endpoint.clone() },
            Self::Unreachable { endpoint, source } => Self::Unreachable {
                endpoint: endpoint.clone(),
                source: io::Error::new(source.kind(), source.to_string()),
            },
            Self::Auth { endpoint, problem } => Self::Auth { endpoint: endpoint.clone(), problem: problem.clone() },
            Self::Privilege { endpoint, problem } => {
                Self::Privilege { endpoint: endpoint.clone(), problem: problem.clone() }
            }
            Self::Protocol { endpoint, problem } => {
                Self::Protocol { endpoint: endpoint.clone(), problem: problem.clone() }
            }
            Self::HostKey { endpoint, seen, expected } => {
                Self::HostKey { endpoint: endpoint.clone(), seen: seen.clone(), expected: expected.clone() }
            }
            Self::NoData { endpoint, problem } => Self::NoData { endpoint: endpoint.clone(), problem: problem.clone() },
            Self::Refusal(refusal) => Self::Refusal(refusal.clone()),
            Self::Internal { endpoint, problem } => {
                Self::Internal { endpoint: endpoint.clone(), problem: problem.clone() }
            }
        }
    }
}
