//! Which algorithms a login may use: three profiles, chosen per asset, never widened by themselves.
//!
//! `modern` is what russh prefers, without SHA-1 signatures. `compat` and `legacy` append older names, so a
//! capable server still negotiates the best. What was negotiated is a fact that checks judge.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{AlgorithmKind, Preferred, cipher, compression, kex, mac};
use serde::{Deserialize, Serialize};

/// Longest part of a device's name list that an error repeats.
const MAX_NAMES: usize = 12;

/// How old the cryptography of an asset may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithms {
    /// No SHA-1, no CBC.
    #[default]
    Modern,
    /// Also hmac-sha1, AES-CBC, group14 with SHA-1 and ssh-rsa signatures.
    Compat,
    /// Also group1 and group exchange with SHA-1, 3DES and DSA: old switches and gateways.
    Legacy,
}

const KEX: [kex::Name; 9] = [
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::DH_GEX_SHA256,
    kex::DH_G18_SHA512,
    kex::DH_G17_SHA512,
    kex::DH_G16_SHA512,
    kex::DH_G15_SHA512,
    kex::DH_G14_SHA256,
];
/// No algorithms: they announce what the client understands, among it the defence against Terrapin.
const EXTENSIONS: [kex::Name; 2] = [kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];
const CIPHERS: [cipher::Name; 5] =
    [cipher::CHACHA20_POLY1305, cipher::AES_256_GCM, cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];
const MACS: [mac::Name; 4] = [mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM, mac::HMAC_SHA512, mac::HMAC_SHA256];

impl Algorithms {
    const ALL: [Self; 3] = [Self::Modern, Self::Compat, Self::Legacy];

    /// The word used in files and facts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Compat => "compat",
            Self::Legacy => "legacy",
        }
    }

    /// The lists as russh wants them. No compression: it only adds a way to send us bombs.
    pub(super) fn preferred(self) -> Preferred {
        Preferred {
            kex: self.kex().into_iter().chain(EXTENSIONS).collect(),
            host_key_certificates: Cow::Borrowed(&[]),
            key: Cow::Owned(self.keys()),
            cipher: Cow::Owned(self.ciphers()),
            mac: Cow::Owned(self.macs()),
            compression: Cow::Borrowed(&[compression::NONE]),
        }
    }

    fn kex(self) -> Vec<kex::Name> {
        let mut names = KEX.to_vec();
        if self != Self::Modern {
            names.push(kex::DH_G14_SHA1);
        }
        if self == Self::Legacy {
            names.extend([kex::DH_GEX_SHA1, kex::DH_G1_SHA1]);
        }
        names
    }

    fn keys(self) -> Vec<Algorithm> {
        let ecdsa = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
        let mut names = vec![Algorithm::Ed25519];
        names.extend(ecdsa.map(|curve| Algorithm::Ecdsa { curve }));
        names.extend([HashAlg::Sha512, HashAlg::Sha256].map(|hash| Algorithm::Rsa { hash: Some(hash) }));
        if self != Self::Modern {
            names.push(Algorithm::Rsa { hash: None });
        }
        if self == Self::Legacy {
            names.push(Algorithm::Dsa);
        }
        names
    }

    fn ciphers(self) -> Vec<cipher::Name> {
        let mut names = CIPHERS.to_vec();
        if self != Self::Modern {
            names.extend([cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC]);
        }
        if self == Self::Legacy {
            names.push(cipher::TRIPLE_DES_CBC);
        }
        names
    }

    fn macs(self) -> Vec<mac::Name> {
        let mut names = MACS.to_vec();
        if self != Self::Modern {
            names.extend([mac::HMAC_SHA1_ETM, mac::HMAC_SHA1]);
        }
        names
    }

    fn names(self, kind: &AlgorithmKind) -> Vec<String> {
        match kind {
            AlgorithmKind::Kex => self.kex().iter().map(|name| name.as_ref().to_owned()).collect(),
            AlgorithmKind::Key => self.keys().iter().map(ToString::to_string).collect(),
            AlgorithmKind::Cipher => self.ciphers().iter().map(|name| name.as_ref().to_owned()).collect(),
            AlgorithmKind::Mac => self.macs().iter().map(|name| name.as_ref().to_owned()).collect(),
            AlgorithmKind::Compression => vec!["none".into()],
        }
    }

    /// Explains that nothing is common, and which profile would help.
    pub(super) fn explain_mismatch(self, kind: &AlgorithmKind, theirs: &[String]) -> String {
        let what = match kind {
            AlgorithmKind::Kex => "key exchange",
            AlgorithmKind::Key => "host key",
            AlgorithmKind::Cipher => "cipher",
            AlgorithmKind::Compression => "compression",
            AlgorithmKind::Mac => "MAC",
        };
        let matches = |wider: &&Self| wider.names(kind).iter().any(|name| theirs.contains(name));
        let advice = match Self::ALL.iter().filter(|wider| **wider as u8 > self as u8).find(matches) {
            Some(wider) => {
                format!("`algorithms: {}` on this asset would match; better update the device", wider.word())
            }
            None => "no profile of ours matches: the device needs an update".to_owned(),
        };
        let (ours, theirs) = (self.names(kind).join(", "), quote_names(theirs));
        format!("no common {what} algorithm: profile {} offers {ours}; it offers {theirs}; {advice}", self.word())
    }
}

/// Names from a device, escaped and bounded.
fn quote_names(names: &[String]) -> String {
    let mut shown: Vec<_> = names.iter().take(MAX_NAMES).map(|name| super::failure::quote(name.as_bytes())).collect();
    if names.len() > MAX_NAMES {
        shown.push(format!("and {} more", names.len() - MAX_NAMES));
    }
    if shown.is_empty() { "nothing".into() } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modern_has_no_sha1_and_legacy_only_appends() {
        let kinds = [
            AlgorithmKind::Kex,
            AlgorithmKind::Key,
            AlgorithmKind::Cipher,
            AlgorithmKind::Mac,
            AlgorithmKind::Compression,
        ];
        for kind in kinds {
            let [modern, compat, legacy] = Algorithms::ALL.map(|profile| profile.names(&kind));
            assert!(modern.iter().all(|name| !name.contains("sha1") && !name.contains("cbc") && name != "ssh-rsa"));
            assert!(compat.starts_with(&modern) && legacy.starts_with(&compat), "{compat:?} {legacy:?}");
        }
    }

    #[test]
    fn a_mismatch_names_both_lists_and_the_narrowest_profile_that_helps() {
        let theirs = ["diffie-hellman-group1-sha1".to_owned(), "x\ny".to_owned()];
        let text = Algorithms::Modern.explain_mismatch(&AlgorithmKind::Kex, &theirs);
        assert!(text.contains("curve25519-sha256") && text.contains("`algorithms: legacy`"), "{text}");
        assert!(text.contains(r"x\ny") && !text.contains('\n'), "{text}");
        let text = Algorithms::Modern.explain_mismatch(&AlgorithmKind::Mac, &["hmac-sha1".into(), "hmac-md5".into()]);
        assert!(text.contains("`algorithms: compat`"), "{text}");
        let text = Algorithms::Legacy.explain_mismatch(&AlgorithmKind::Mac, &["hmac-md5".into()]);
        assert!(text.contains("no profile of ours"), "{text}");
    }
}
