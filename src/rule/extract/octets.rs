//! Octets that stand for an address or a text, as SNMP carries them in values and in the index of a row.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::Value;

/// A hardware address of six octets, lower-case with colons.
pub(super) fn mac(octets: &[u8]) -> Option<String> {
    let [first, rest @ ..]: [u8; 6] = octets.try_into().ok()?;
    Some(rest.iter().fold(format!("{first:02x}"), |mut text, octet| {
        let _ = write!(text, ":{octet:02x}");
        text
    }))
}

/// The same from a value that was read as text: hex when it could not be shown, else the octets themselves.
pub(super) fn mac_of_text(text: &str) -> Option<String> {
    let whole = text.as_bytes();
    // one closing NUL is taken for the end of a string when a value is read
    let ended = || [whole, &[0]].concat();
    unhex(text).and_then(|octets| mac(&octets)).or_else(|| mac(whole)).or_else(|| mac(&ended()))
}

/// An address as text, by its length.
pub(super) fn address(octets: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(octets).ok().map(|v6| Ipv6Addr::from(v6).to_string())
}

/// Text when every character can be shown, else hex.
pub(super) fn text(octets: &[u8]) -> Value {
    match std::str::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control)) {
        Some(text) => Value::text(text),
        None => Value::text(octets.iter().fold(String::from("0x"), |mut text, octet| {
            let _ = write!(text, "{octet:02x}");
            text
        })),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.is_ascii() && digits.len() % 2 == 0)?;
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_address_is_found_however_its_octets_were_shown() {
        for (text, expected) in [
            ("0x001b1bff0001", "00:1b:1b:ff:00:01"),
            ("ABCDEF", "41:42:43:44:45:46"),
            ("ABCDE", "41:42:43:44:45:00"),
            ("0x1234", "30:78:31:32:33:34"),
        ] {
            assert_eq!(mac_of_text(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "0x", "0x001b1bff00", "0x001b1bff000102", "0xzz1b1bff0001", "é"] {
            assert_eq!(mac_of_text(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_known_by_its_length() {
        assert_eq!(address(&[192, 0, 2, 1]).as_deref(), Some("192.0.2.1"));
        assert_eq!(address(&[0; 16]).as_deref(), Some("::"));
        assert_eq!(address(&[1, 2, 3]), None);
    }

    #[test]
    fn what_cannot_be_shown_is_hex() {
        assert_eq!(text(b"monitor"), Value::text("monitor"));
        assert_eq!(text(&[0x80, 0, 0x1f]), Value::text("0x80001f"));
        assert_eq!(text(b"a\nb"), Value::text("0x610a62"));
    }
}
