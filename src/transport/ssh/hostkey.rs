//! Which host key an asset must show before any credential leaves us.

use crate::model::AssetId;

/// How a host key is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// One of these fingerprints, as `ssh-keygen -lf` prints them (`SHA256:…`).
    Pinned(Vec<String>),
    /// The one seen first is remembered and expected from then on.
    Learn,
}

/// The memory of learnt host keys. Called during a login, so it must answer at once and must not block.
pub trait HostKeys: Send + Sync {
    /// The fingerprints learnt for an asset's endpoint (`address:port`); `None` when it was never seen.
    fn known(&self, asset: &AssetId, endpoint: &str) -> Option<Vec<String>>;
    /// Remembers the fingerprint of a first contact.
    fn learn(&self, asset: &AssetId, endpoint: &str, fingerprint: &str);
}

impl HostKeyPolicy {
    /// The fingerprints that are acceptable; `None` when any is, because it is the first contact.
    pub(in crate::transport) fn expected(
        &self,
        memory: &dyn HostKeys,
        asset: &AssetId,
        endpoint: &str,
    ) -> Option<Vec<String>> {
        match self {
            Self::Pinned(fingerprints) => Some(fingerprints.iter().map(|text| normal(text)).collect()),
            Self::Learn => memory.known(asset, endpoint),
        }
    }
}

/// Forgives what people paste: blanks around it, a missing prefix, base64 padding.
fn normal(text: &str) -> String {
    let digest = text.trim().trim_end_matches('=');
    format!("SHA256:{}", digest.strip_prefix("SHA256:").unwrap_or(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;
    impl HostKeys for Nothing {
        fn known(&self, _: &AssetId, _: &str) -> Option<Vec<String>> {
            None
        }
        fn learn(&self, _: &AssetId, _: &str, _: &str) {}
    }

    #[test]
    fn an_empty_list_of_pins_accepts_nothing_and_pasted_pins_are_forgiven() {
        let asset = AssetId::parse("a").unwrap();
        let expected = |pins: &[&str]| {
            HostKeyPolicy::Pinned(pins.iter().map(ToString::to_string).collect()).expected(&Nothing, &asset, "a:22")
        };
        assert_eq!(expected(&[]), Some(vec![]));
        assert_eq!(expected(&[" SHA256:abc= ", "abc"]), Some(vec!["SHA256:abc".into(), "SHA256:abc".into()]));
    }
}
