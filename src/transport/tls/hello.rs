//! Our own `ClientHello`, written by hand.
//!
//! A TLS library offers what it can speak; the question here is what a device still accepts. Pure: values in,
//! bytes out. [RFC 5246], [RFC 8446], SSL 3.0 in [RFC 6101].
//!
//! [RFC 5246]: https://www.rfc-editor.org/rfc/rfc5246
//! [RFC 8446]: https://www.rfc-editor.org/rfc/rfc8446
//! [RFC 6101]: https://www.rfc-editor.org/rfc/rfc6101

use super::suites;

/// Some load balancers hang on a hello whose message is between these lengths (RFC 7685).
const UNLUCKY: std::ops::RangeInclusive<usize> = 256..=511;

/// A protocol version that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Ssl3,
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl Version {
    /// Newest first: what answers with something older answers two questions at once.
    pub(super) const ALL: [Self; 5] = [Self::Tls13, Self::Tls12, Self::Tls11, Self::Tls10, Self::Ssl3];

    /// The word in facts.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ssl3 => "ssl3",
            Self::Tls10 => "1.0",
            Self::Tls11 => "1.1",
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }

    const fn number(self) -> u16 {
        0x0300 + self as u16
    }

    pub(super) fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }
}

/// What is offered.
pub(super) struct Hello<'a> {
    /// The newest version offered; up to 1.2 a server may answer with an older one.
    pub(super) version: Version,
    /// Cipher suites, preferred first.
    pub(super) suites: &'a [u16],
    /// Name for SNI.
    pub(super) name: Option<&'a str>,
    /// Fresh random bytes: nonce and, for 1.3, session id and key share.
    pub(super) random: [u8; 32],
}

impl Hello<'_> {
    /// The record to send.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(512);
        let legacy = self.version.min(Version::Tls12);
        body.extend(legacy.number().to_be_bytes());
        body.extend(self.random);
        // middleboxes want a session id in 1.3 (RFC 8446, appendix D.4)
        let session: &[u8] = if self.version == Version::Tls13 { &self.random } else { &[] };
        prefixed_u8(&mut body, session);
        let suites: Vec<u8> = self.suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        prefixed_u16(&mut body, &suites);
        prefixed_u8(&mut body, &[0]);
        if self.version > Version::Ssl3 {
            let extensions = self.extensions(body.len());
            prefixed_u16(&mut body, &extensions);
        }
        let mut message = vec![CLIENT_HELLO];
        message.extend(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes()[1..]);
        message.extend(body);
        let record = if self.version == Version::Ssl3 { Version::Ssl3 } else { Version::Tls10 };
        let mut bytes = vec![HANDSHAKE];
        bytes.extend(record.number().to_be_bytes());
        prefixed_u16(&mut bytes, &message);
        bytes
    }

    fn extensions(&self, so_far: usize) -> Vec<u8> {
        let mut all = Vec::with_capacity(256);
        if let Some(name) = self.name {
            let mut entry = vec![0];
            prefixed_u16(&mut entry, name.as_bytes());
            let mut list = Vec::new();
            prefixed_u16(&mut list, &entry);
            extension(&mut all, 0, &list);
        }
        // x25519, P-256, P-384, P-521, ffdhe2048
        extension(&mut all, 10, &[0, 10, 0, 29, 0, 23, 0, 24, 0, 25, 1, 0]);
        extension(&mut all, 11, &[1, 0]);
        if self.version >= Version::Tls12 {
            let mut list = Vec::new();
            prefixed_u16(&mut list, &SIGNATURES);
            extension(&mut all, 13, &list);
        }
        // secure renegotiation, first handshake (RFC 5746)
        extension(&mut all, 0xff01, &[0]);
        if self.version == Version::Tls13 {
            extension(&mut all, 43, &[2, 3, 4]);
            extension(&mut all, 45, &[1, 1]);
            // any 32 bytes are a point of x25519; nobody computes the secret
            extension(&mut all, 51, &[&[0, 36, 0, 29, 0, 32][..], &self.random].concat());
        }
        let length = 4 + so_far + 2 + all.len();
        if UNLUCKY.contains(&length) {
            let missing = (*UNLUCKY.end() + 1).saturating_sub(length + 4).max(1);
            extension(&mut all, 21, &vec![0; missing]);
        }
        all
    }
}

/// The record type of handshake messages.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// ECDSA, `EdDSA`, RSA-PSS, RSA and DSA, down to SHA-1: whatever a server signs with is welcome.
const SIGNATURES: [u8; 30] = [4, 3, 5, 3, 6, 3, 8, 7, 8, 8, 8, 4, 8, 5, 8, 6, 8, 9, 4, 1, 5, 1, 6, 1, 2, 3, 2, 1, 2, 2];

/// The hello that asks about one version.
pub(super) fn version_hello(version: Version, name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
    let suites = if version == Version::Tls13 { suites::TLS13 } else { suites::COMMON };
    Hello { version, suites, name: name.filter(|_| version > Version::Ssl3), random }.to_bytes()
}

fn prefixed_u8(into: &mut Vec<u8>, bytes: &[u8]) {
    into.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    into.extend(bytes);
}

fn prefixed_u16(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    into.extend(bytes);
}

fn extension(into: &mut Vec<u8>, kind: u16, body: &[u8]) {
    into.extend(kind.to_be_bytes());
    prefixed_u16(into, body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_avoids_the_lengths_that_load_balancers_hang_on() {
        for version in Version::ALL {
            for name in [None, Some("a.example"), Some("a-very-long-name-of-a-controller.in-a-zone.plant.example")] {
                let hello = version_hello(version, name, [7; 32]);
                assert!(!UNLUCKY.contains(&(hello.len() - 5)), "{version:?} {name:?}: {}", hello.len());
                let (length, rest) = (u16::from_be_bytes([hello[3], hello[4]]), &hello[5..]);
                assert_eq!(usize::from(length), rest.len());
            }
        }
    }
}
