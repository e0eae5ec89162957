//! What may stand under `address:`: one host, never a range, a broadcast or a multicast (rule 1 of the gate).

use std::net::IpAddr;

/// Longest host name (RFC 1035).
const LONGEST_NAME: usize = 253;
/// Longest part of a host name (RFC 1035).
const LONGEST_LABEL: usize = 63;

/// Whether the text names exactly one host.
///
/// # Errors
///
/// What is wrong, and what to write in its place.
pub(super) fn check(text: &str) -> Result<(), (String, Option<String>)> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return check_ip(ip);
    }
    let wrong = |message: &str, hint: &str| Err((message.to_owned(), Some(hint.to_owned())));
    if text.contains("://") {
        return wrong("this is a URL", "write the host only; ports go under access:");
    }
    if text.contains('/') || text.contains('*') || is_range(text) {
        return wrong("this is a range of addresses", "every device has an entry of its own: nothing is swept");
    }
    if let Some(bare) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return wrong("an IPv6 address is written without brackets here", bare);
    }
    if text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        return wrong("the port does not belong here", "write the host only; ports go under access:");
    }
    if text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return wrong("this is no IPv4 address", "four numbers from 0 to 255");
    }
    let good = |label: &str| {
        !label.is_empty()
            && label.len() <= LONGEST_LABEL
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() > LONGEST_NAME || !name.split('.').all(good) {
        return Err(("this is neither an IP address nor a host name".into(), None));
    }
    Ok(())
}

fn check_ip(ip: IpAddr) -> Result<(), (String, Option<String>)> {
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    if ip.is_unspecified() || ip.is_multicast() || broadcast {
        return Err(("this address is no single device".into(), Some("nothing is sent to groups or everybody".into())));
    }
    Ok(())
}

/// `10.0.0.1-20`, `10.0.0.1-10.0.0.20`.
fn is_range(text: &str) -> bool {
    text.contains('-') && text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_is_accepted() {
        for good in ["10.0.0.1", "fd00::7", "hist-01", "plc_3.cell-1.example.", "127.0.0.1", "3com-switch"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let bad = [
            "10.0.0.0/24",
            "10.0.0.1-20",
            "10.0.0.*",
            "10.0.0.1:22",
            "[fd00::7]",
            "http://x",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "0.0.0.0",
            "10.0.0.256",
            "10.0.1",
            "a b",
            "",
            "-x",
            "host;reboot",
            &"a".repeat(300),
        ];
        for bad in bad {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
