//! From what the wire carries to the values that rules read.

use std::fmt::Write;

use async_snmp::{Value as Wire, VarBind};

use crate::model::{Value, Varbind};

/// One object as [`Varbind`] documents it. Its size is bounded by the datagram it came in.
pub(super) fn varbind(bind: &VarBind) -> Varbind {
    Varbind { oid: bind.oid.to_string(), value: value(&bind.value) }
}

pub(super) fn value(wire: &Wire) -> Value {
    match wire {
        Wire::Integer(number) => Value::Int(i64::from(*number)),
        Wire::Counter32(number) | Wire::Gauge32(number) | Wire::UInteger32(number) | Wire::TimeTicks(number) => {
            Value::Int(i64::from(*number))
        }
        Wire::Counter64(number) => unsigned(*number),
        Wire::OctetString(bytes) => octets(bytes),
        Wire::ObjectIdentifier(oid) => Value::text(oid.to_string()),
        Wire::IpAddress(bytes) => Value::text(std::net::Ipv4Addr::from(*bytes).to_string()),
        Wire::Opaque(bytes) => number_inside(wire).unwrap_or_else(|| Value::text(hex(bytes))),
        Wire::Nsap(bytes) | Wire::Unknown { data: bytes, .. } => Value::text(hex(bytes)),
        // noSuchObject, noSuchInstance, endOfMibView, and an agent's own null
        _ => Value::Null,
    }
}

/// Numbers that net-snmp wraps into an opaque value.
fn number_inside(wire: &Wire) -> Option<Value> {
    if let Some(number) = wire.as_opaque_float() {
        return Some(Value::Float(f64::from(number)));
    }
    if let Some(number) = wire.as_opaque_double() {
        return Some(Value::Float(number));
    }
    if let Some(number) = wire.as_opaque_i64() {
        return Some(Value::Int(number));
    }
    wire.as_opaque_counter64().or_else(|| wire.as_opaque_u64()).map(unsigned)
}

fn unsigned(number: u64) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "documented: beyond i64 a number becomes a float")]
    i64::try_from(number).map_or(Value::Float(number as f64), Value::Int)
}

/// Text when every character can be shown, else hex. One closing NUL is a C programmer's string end, not content.
fn octets(bytes: &[u8]) -> Value {
    let body = match bytes {
        [body @ .., last, 0] if *last != 0 => &bytes[..=body.len()],
        whole => whole,
    };
    let shown = |text: &&str| text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'));
    match std::str::from_utf8(body).ok().filter(shown) {
        Some(text) => Value::text(text),
        None => Value::text(hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("0x"), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use async_snmp::Oid;

    use super::*;

    fn text(bytes: &'static [u8]) -> Value {
        value(&Wire::OctetString(bytes.into()))
    }

    #[test]
    fn octet_strings_are_text_only_when_they_can_be_shown() {
        assert_eq!(text(b"Hall 3, cell 1"), Value::text("Hall 3, cell 1"));
        assert_eq!(text("Århus".as_bytes()), Value::text("Århus"));
        assert_eq!(text(b"line 1\r\nline 2"), Value::text("line 1\r\nline 2"));
        assert_eq!(text(b"C string\0"), Value::text("C string"));
        assert_eq!(text(b""), Value::text(""));
        assert_eq!(text(&[0x00, 0x1b, 0x1b, 0xff, 0x00, 0x01]), Value::text("0x001b1bff0001"));
        assert_eq!(text(&[0, 0]), Value::text("0x0000"));
        assert_eq!(text(b"\x1b[2J"), Value::text("0x1b5b324a"));
        assert_eq!(text(b"\xc5rhus"), Value::text("0xc572687573"));
    }

    #[test]
    fn numbers_keep_their_size_and_only_the_largest_become_floats() {
        assert_eq!(value(&Wire::Integer(-5)), Value::Int(-5));
        assert_eq!(value(&Wire::TimeTicks(u32::MAX)), Value::Int(4_294_967_295));
        assert_eq!(value(&Wire::Counter64(u64::MAX)), Value::Float(18_446_744_073_709_551_615.0));
        assert_eq!(value(&Wire::Counter64(7)), Value::Int(7));
        let opaque_float = Wire::Opaque(vec![0x9f, 0x78, 0x04, 0x3f, 0x80, 0x00, 0x00].into());
        assert_eq!(value(&opaque_float), Value::Float(1.0));
        assert_eq!(value(&Wire::Opaque(vec![0x01, 0x02].into())), Value::text("0x0102"));
    }

    #[test]
    fn addresses_and_identifiers_are_dotted_and_exceptions_are_null() {
        let bind = VarBind::new(Oid::from_slice(&[1, 3, 6, 1]), Wire::IpAddress([10, 0, 0, 7]));
        assert_eq!(varbind(&bind), Varbind { oid: "1.3.6.1".into(), value: Value::text("10.0.0.7") });
        assert_eq!(value(&Wire::ObjectIdentifier(Oid::from_slice(&[1, 3, 6]))), Value::text("1.3.6"));
        assert_eq!(value(&Wire::NoSuchObject), Value::Null);
        assert_eq!(value(&Wire::EndOfMibView), Value::Null);
    }
}
