//! Networks as devices write them, brought to one form.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// `any`, `host 10.0.0.1`, `10.0.0.0 0.0.0.255`, `10.0.0.0 255.255.255.0`, `10.0.0.0/24` or `fd00::/8`, as address
/// and length; `None` for what is none of these.
pub(super) fn network(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let net = match *words.as_slice() {
        ["any" | "any4"] => return Some("0.0.0.0/0".into()),
        ["any6"] => return Some("::/0".into()),
        ["host", address] | [address] => {
            address.parse::<IpNet>().or_else(|_| address.parse::<IpAddr>().map(IpNet::from)).ok()?
        }
        [address, mask] => masked(address.parse().ok()?, mask.parse().ok()?)?,
        _ => return None,
    };
    Some(net.trunc().to_string())
}

/// The mask tells by its first bit whether it is one of networks or of wildcards; where both read, the wider counts.
fn masked(address: Ipv4Addr, mask: Ipv4Addr) -> Option<IpNet> {
    let bits = u32::from(mask);
    let length = match bits {
        _ if address.is_unspecified() && (bits == 0 || bits == u32::MAX) => 0,
        0 => 32,
        u32::MAX => 0,
        _ if bits.leading_ones() > 0 => {
            (bits.leading_ones() + bits.trailing_zeros() == 32).then(|| bits.leading_ones())?
        }
        _ => (bits.leading_zeros() + bits.trailing_ones() == 32).then(|| bits.leading_zeros())?,
    };
    Ipv4Net::new(address, u8::try_from(length).ok()?).ok().map(IpNet::from)
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn every_spelling_becomes_one() {
        for (text, net) in [
            ("any", "0.0.0.0/0"),
            ("host 10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.0 0.0.0.255", "10.1.2.0/24"),
            ("10.1.2.9 0.0.0.255", "10.1.2.0/24"),
            ("10.1.2.0 255.255.255.0", "10.1.2.0/24"),
            ("10.1.2.0/24", "10.1.2.0/24"),
            ("0.0.0.0 255.255.255.255", "0.0.0.0/0"),
            ("0.0.0.0 0.0.0.0", "0.0.0.0/0"),
            ("10.1.2.3 0.0.0.0", "10.1.2.3/32"),
            ("10.1.2.3 255.255.255.255", "0.0.0.0/0"),
            ("fd00::/8", "fd00::/8"),
        ] {
            assert_eq!(network(text).as_deref(), Some(net), "{text}");
        }
        for text in ["", "object-group X", "10.0.0.0 0.0.255.0", "10.0.0.0 255.0.255.0", "10.0.0", "a b c"] {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
