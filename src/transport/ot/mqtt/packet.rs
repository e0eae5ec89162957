//! The two packets that leave, and the one that is understood.

use crate::transport::ot::cursor::{Cursor, Problem};

/// CONNECT (section 3.1), CONNACK (3.2) and DISCONNECT (3.14), with their flags.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const DISCONNECT: u8 = 0xE0;
/// A session that ends with the connection; no will, no name, no password.
const CLEAN: u8 = 0x02;
/// Seconds of silence after which the broker may forget us.
const KEEP_ALIVE: u8 = 10;
/// Most bytes of a CONNACK; version 5 may add properties.
pub(super) const MAX_BODY: usize = 4096;

/// Goodbye, without a reason.
pub(super) const GOODBYE: [u8; 2] = [DISCONNECT, 0];

/// The versions of the protocol, in the order they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V3,
    V5,
}

impl Version {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::V3 => "3.1.1",
            Self::V5 => "5.0",
        }
    }
}

/// A client without name and password.
pub(super) fn connect(version: Version, client: &str) -> Vec<u8> {
    let level = if version == Version::V3 { 4 } else { 5 };
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', level, CLEAN, 0, KEEP_ALIVE];
    if version == Version::V5 {
        // no properties
        body.push(0);
    }
    let length = u8::try_from(client.len()).unwrap_or(u8::MAX);
    body.extend([0, length]);
    body.extend(client.bytes().take(usize::from(length)));
    let mut packet = vec![CONNECT, u8::try_from(body.len()).unwrap_or(u8::MAX)];
    packet.extend(body);
    packet
}

/// Whether a packet that begins so is a CONNACK.
pub(super) const fn is_connack(first: u8) -> bool {
    first == CONNACK
}

/// The code of a CONNACK.
pub(super) fn code(body: &[u8]) -> Result<u8, Problem> {
    let mut body = Cursor::new(body);
    let [flags, code] = body.array()?;
    // bit 0 says that a session was there; the others are zero
    if flags & 0xFE != 0 { Err("a CONNACK with unknown flags".into()) } else { Ok(code) }
}

/// What a broker makes of a client without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anonymous {
    Accepted,
    Refused,
    /// It speaks another version.
    OtherVersion,
    /// It refused for a reason that says nothing about names.
    Undecided,
}

impl Anonymous {
    /// Sorts a code; both versions share 0, and the others do not overlap.
    pub(super) const fn of(code: u8) -> Self {
        match code {
            0 => Self::Accepted,
            // bad user name or password, not authorized, bad authentication method
            4 | 5 | 0x86 | 0x87 | 0x8C => Self::Refused,
            1 | 0x84 => Self::OtherVersion,
            _ => Self::Undecided,
        }
    }
}

/// The code in the words of the standard.
pub(super) const fn meaning(code: u8) -> &'static str {
    match code {
        0 => "accepted",
        1 => "unacceptable protocol version",
        2 => "identifier rejected",
        3 => "server unavailable",
        4 => "bad user name or password",
        5 => "not authorized",
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x84 => "unsupported protocol version",
        0x85 => "client identifier not valid",
        0x86 => "bad user name or password (version 5)",
        0x87 => "not authorized (version 5)",
        0x88 => "server unavailable (version 5)",
        0x89 => "server busy",
        0x8A => "banned",
        0x8C => "bad authentication method",
        0x9C => "use another server",
        0x9D => "server moved",
        0x9F => "connection rate exceeded",
        _ => "another reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_carries_no_name_no_password_and_no_will() {
        let packet = connect(Version::V3, "abc");
        assert_eq!(packet, [0x10, 15, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 10, 0, 3, b'a', b'b', b'c']);
        assert_eq!(connect(Version::V5, "abc")[8..13], [5, 2, 0, 10, 0]);
    }

    #[test]
    fn only_reasons_that_speak_of_names_count_as_a_refusal() {
        assert_eq!(Anonymous::of(code(&[0, 0]).unwrap()), Anonymous::Accepted);
        assert_eq!(Anonymous::of(code(&[0, 5]).unwrap()), Anonymous::Refused);
        assert_eq!(Anonymous::of(code(&[0, 0x87, 0]).unwrap()), Anonymous::Refused);
        for other in [2, 3, 0x88, 0x97] {
            assert_eq!(Anonymous::of(other), Anonymous::Undecided, "{other}");
        }
        assert!(code(&[0]).is_err() && code(&[8, 0]).is_err());
    }
}
