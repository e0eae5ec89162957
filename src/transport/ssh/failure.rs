//! russh's errors in our words. What a device said is quoted, escaped and bounded.

use std::io;
use std::time::Duration;

use super::Algorithms;
use super::client::Seen;
use super::line::Opening;
use crate::model::Transport;
use crate::transport::gate::{Gate, Refusal};
use crate::transport::{Endpoint, TransportError};

/// Longest quotation of a device, in characters.
const MAX_QUOTE: usize = 120;

/// Device bytes for a message: on one line, escaped, bounded.
pub(in crate::transport) fn quote(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_QUOTE)]);
    let mut quoted: String = text.trim().chars().take(MAX_QUOTE).collect();
    if quoted.len() < text.trim().len() {
        quoted.push('…');
    }
    format!("{quoted:?}")
}

/// What is known about a connection when it fails.
pub(super) struct Scene<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) gate: &'a Gate,
    pub(super) algorithms: Algorithms,
    pub(super) opening: &'a Opening,
    pub(super) seen: &'a Seen,
}

impl Scene<'_> {
    /// A step took too long.
    pub(super) fn timeout(&self, timeout: Duration) -> TransportError {
        let opening = self.opening.bytes();
        if opening.starts_with(b"SSH-1.") && !opening.starts_with(b"SSH-1.99") {
            return self.protocol(format!(
                "it speaks only SSH version 1 ({}): update the device",
                quote(first_line(&opening))
            ));
        }
        if let Some(stopped) = self.stopped() {
            return stopped;
        }
        // lines may come before the banner (RFC 4253 section 4.2), but then a banner has to come
        let is_ssh = self.seen.fingerprint.is_some() || opening.windows(4).any(|part| part == b"SSH-");
        if !is_ssh && !opening.is_empty() {
            return self.protocol(format!("it answers, but not as an SSH server{}", self.said()));
        }
        TransportError::Timeout { endpoint: self.endpoint.clone(), timeout }
    }

    /// A step failed in russh.
    pub(super) fn explain(&self, error: russh::Error, timeout: Duration) -> TransportError {
        if let Some(stopped) = self.stopped() {
            return stopped;
        }
        match error {
            russh::Error::UnknownKey => self.wrong_key(),
            russh::Error::NoCommonAlgo { kind, theirs, .. } => {
                self.protocol(self.algorithms.explain_mismatch(&kind, &theirs))
            }
            russh::Error::IO(error) => self.io(error, timeout),
            russh::Error::ConnectionTimeout
            | russh::Error::KeepaliveTimeout
            | russh::Error::InactivityTimeout
            | russh::Error::Elapsed(_) => self.timeout(timeout),
            russh::Error::Join(error) => TransportError::Internal {
                endpoint: self.endpoint.clone(),
                problem: format!("the SSH session ended by a defect of ours: {error}"),
            },
            russh::Error::Version => self.protocol(format!("this is no SSH server{}", self.said())),
            russh::Error::Disconnect | russh::Error::HUP | russh::Error::SendError | russh::Error::RecvError => {
                self.protocol(format!("it closed the connection{}", self.said()))
            }
            other => self.protocol(format!("{}{}", escape(&other.to_string()), self.said())),
        }
    }

    pub(super) fn protocol(&self, problem: String) -> TransportError {
        TransportError::Protocol { endpoint: self.endpoint.clone(), problem }
    }

    /// The kill switch explains every failure that follows it.
    fn stopped(&self) -> Option<TransportError> {
        match self.gate.is_open(Transport::Ssh) {
            Err(refusal @ Refusal::Inactive(_)) => Some(TransportError::Refusal(refusal)),
            _ => None,
        }
    }

    fn io(&self, error: io::Error, timeout: Duration) -> TransportError {
        match TransportError::from_io(self.endpoint.clone(), timeout, error) {
            TransportError::Protocol { problem, .. } => self.protocol(format!("{problem}{}", self.said())),
            other => other,
        }
    }

    fn wrong_key(&self) -> TransportError {
        let expected = self.seen.expected.as_deref().unwrap_or_default();
        TransportError::HostKey {
            endpoint: self.endpoint.clone(),
            seen: self.seen.fingerprint.clone().unwrap_or_else(|| "none".into()),
            expected: if expected.is_empty() {
                "none: the list of pins is empty".into()
            } else {
                expected.join(" or ")
            },
        }
    }

    /// Its last words, or else its first, unless those are a plain SSH banner.
    fn said(&self) -> String {
        if let Some(farewell) = &self.seen.farewell {
            return format!(", saying {}", quote(farewell.as_bytes()));
        }
        let opening = self.opening.bytes();
        match first_line(&opening) {
            [] => " without a word".into(),
            line if line.starts_with(b"SSH-2.0-") => String::new(),
            line => format!(" that begins with {}", quote(line)),
        }
    }
}

fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.chars().take(2 * MAX_QUOTE).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_one_bounded_line_whatever_the_device_sent() {
        let quoted = quote(&b"\x1b[2Jok\nnis2watch: pass\xff".repeat(100));
        assert!(quoted.chars().count() < 700 && !quoted.contains(['\n', '\x1b']), "{quoted}");
        assert_eq!(quote(b" plain \r\n"), "\"plain\"");
    }
}
