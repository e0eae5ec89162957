//! The names under which a browser may come without a login.
//!
//! A page of another site can have its own name point to loopback ("DNS rebinding"); to the browser it then is one site with us
//! and reads our answers. It cannot change the name that the browser sends in `Host`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A name, such as `monitor.plant`, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName(String);

impl TryFrom<String> for HostName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_address = text.parse::<IpAddr>().is_ok();
        let is_name =
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if is_address || is_name {
            return Ok(Self(small(&text)));
        }
        Err(format!("{text:?} is no host name such as monitor.plant: no scheme, no port, no path"))
    }
}

fn small(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The name in a `Host` header, without its port.
fn name(host: &str) -> String {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    small(bracketed.map_or_else(|| host.split(':').next().unwrap_or_default(), |(address, _)| address))
}

/// Whether a `Host` header names this host: loopback, where we listen, or a name that was allowed.
pub(super) fn is_ours(host: &str, listens_at: IpAddr, allowed: &[HostName]) -> bool {
    let name = name(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback() || address == listens_at)
        || allowed.iter().any(|allowed| allowed.0 == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_the_listener_and_allowed_names_are_ours() {
        let allowed = [HostName::try_from("Monitor.Plant".to_owned()).unwrap()];
        let at = "10.0.0.5".parse().unwrap();
        for ours in [
            "localhost",
            "LOCALHOST.:80",
            "127.0.0.1:9762",
            "127.9.9.9",
            "[::1]:1",
            "[::1]",
            "10.0.0.5:9762",
            "monitor.plant:443",
        ] {
            assert!(is_ours(ours, at, &allowed), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "evil.example:9762",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.6",
            "notlocalhost",
        ] {
            assert!(!is_ours(other, at, &allowed), "{other}");
        }
        for wrong in ["", "http://monitor.plant", "monitor.plant:80", "monitor.plant/x", "*"] {
            assert!(HostName::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
