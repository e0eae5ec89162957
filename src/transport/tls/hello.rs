//! Our own `ClientHello`, and a reader of what a server says to it in the clear.
//!
//! A TLS library offers what it can speak; the question here is what a device still accepts, so the offer is
//! written by hand and the conversation ends with the server's first words. Pure: bytes in, bytes out, never a
//! panic, and bounded, because the bytes come from a device. [RFC 5246], [RFC 8446], SSL 3.0 in [RFC 6101].
//!
//! [RFC 5246]: https://www.rfc-editor.org/rfc/rfc5246
//! [RFC 8446]: https://www.rfc-editor.org/rfc/rfc8446
//! [RFC 6101]: https://www.rfc-editor.org/rfc/rfc6101

use super::suites;

/// Most bytes taken of a server's flight; a chain of certificates fits several times.
pub(super) const MAX_FLIGHT: usize = 64 * 1024;
/// Most certificates kept of a chain.
pub(super) const MAX_CERTIFICATES: usize = 16;
/// Largest record (RFC 5246 section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;
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

    fn from_number(number: u16) -> Option<Self> {
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

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;

/// ECDSA, EdDSA, RSA-PSS, RSA and DSA, down to SHA-1: whatever a server signs with is welcome.
const SIGNATURES: [u8; 30] = [4, 3, 5, 3, 6, 3, 8, 7, 8, 8, 8, 4, 8, 5, 8, 6, 8, 9, 4, 1, 5, 1, 6, 1, 2, 3, 2, 1, 2, 2];

/// The random bytes that mark a `ServerHello` as a `HelloRetryRequest` (RFC 8446, section 4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11,
    0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

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

/// What the server chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// The version it will speak.
    pub(super) version: Version,
    /// The cipher suite.
    pub(super) suite: u16,
    /// Whether it asked for another key share first (1.3).
    pub(super) retry: bool,
}

/// How the flight ended, as far as the bytes tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Everything that is sent in the clear has come.
    Complete,
    /// A fatal alert with this description.
    Alert(u8),
    /// The first bytes are no TLS record.
    NotTls,
    /// TLS, but broken; the text says where.
    Broken(&'static str),
}

/// Reads a server's flight as it comes in.
#[derive(Debug, Default)]
pub(super) struct Flight {
    records: Vec<u8>,
    messages: Vec<u8>,
    taken: usize,
    seen_record: bool,
    /// The choice, once a `ServerHello` came.
    pub(super) choice: Option<Choice>,
    /// The chain, leaf first, as far as it came in the clear.
    pub(super) certificates: Vec<Vec<u8>>,
}

impl Flight {
    /// Whether anything that is TLS was seen.
    pub(super) fn is_tls(&self) -> bool {
        self.seen_record
    }

    /// Takes what came; the end, once there is one. After it nothing more is to be pushed.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<End> {
        self.taken += bytes.len();
        self.records.extend_from_slice(bytes);
        while let Some(record) = self.next_record() {
            let ended = match record {
                Ok((HANDSHAKE, body)) => {
                    self.messages.extend(body);
                    self.read_messages()
                }
                Ok((ALERT, body)) => match body[..] {
                    // a warning is not the end
                    [1, _] => None,
                    [_, description] => Some(End::Alert(description)),
                    _ => Some(End::Broken("an alert of wrong length")),
                },
                // after a ServerHello of 1.3 everything is encrypted; a ChangeCipherSpec may come before
                Ok(_) if self.choice.is_some() => Some(End::Complete),
                Ok(_) => Some(End::Broken("data before the server's hello")),
                Err(end) => Some(end),
            };
            if ended.is_some() {
                return ended;
            }
        }
        (self.taken > MAX_FLIGHT).then_some(End::Broken("more than a handshake needs"))
    }

    /// The next whole record: its type and body.
    fn next_record(&mut self) -> Option<Result<(u8, Vec<u8>), End>> {
        let looks = |at: usize, good: fn(u8) -> bool| self.records.get(at).is_none_or(|byte| good(*byte));
        if !looks(0, |kind| (20..=23).contains(&kind)) || !looks(1, |major| major == 3) || !looks(2, |minor| minor <= 4)
        {
            return Some(Err(if self.seen_record { End::Broken("a record of unknown kind") } else { End::NotTls }));
        }
        let [kind, _, _, high, low, rest @ ..] = &self.records[..] else { return None };
        let (kind, length) = (*kind, usize::from(u16::from_be_bytes([*high, *low])));
        if length > MAX_RECORD {
            return Some(Err(if self.seen_record { End::Broken("an oversized record") } else { End::NotTls }));
        }
        let body = rest.get(..length)?.to_vec();
        self.records.drain(..5 + length);
        self.seen_record = true;
        Some(Ok((kind, body)))
    }

    fn read_messages(&mut self) -> Option<End> {
        while let [kind, a, b, c, rest @ ..] = &self.messages[..] {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            if length > MAX_FLIGHT {
                return Some(End::Broken("an oversized message"));
            }
            let (kind, body) = (*kind, rest.get(..length)?.to_vec());
            self.messages.drain(..4 + length);
            let ended = match kind {
                SERVER_HELLO if self.choice.is_some() => Some(End::Broken("two hellos")),
                SERVER_HELLO => match choice(&body) {
                    None => Some(End::Broken("a hello that does not read")),
                    Some(choice) => {
                        self.choice = Some(choice);
                        (choice.version == Version::Tls13).then_some(End::Complete)
                    }
                },
                _ if self.choice.is_none() => Some(End::Broken("a message before the server's hello")),
                CERTIFICATE => match certificates(&body) {
                    None => Some(End::Broken("a certificate list that does not read")),
                    Some(chain) => {
                        self.certificates = chain;
                        None
                    }
                },
                SERVER_HELLO_DONE => Some(End::Complete),
                _ => None,
            };
            if ended.is_some() {
                return ended;
            }
        }
        None
    }
}

/// Reads big-endian fields and never beyond the end.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn u16(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    fn prefixed(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

fn choice(body: &[u8]) -> Option<Choice> {
    let mut fields = Fields(body);
    let legacy = fields.u16()?;
    let random = fields.take(32)?;
    fields.prefixed(1)?;
    let suite = fields.u16()?;
    fields.take(1)?;
    let selected = if fields.0.is_empty() { None } else { selected_version(fields.prefixed(2)?)? };
    let version = Version::from_number(selected.unwrap_or(legacy))?;
    Some(Choice { version, suite, retry: random == RETRY })
}

/// The version in the `supported_versions` extension, if there is one; `None` when the extensions do not read.
#[expect(clippy::option_option, reason = "absent and unreadable are two things")]
fn selected_version(extensions: &[u8]) -> Option<Option<u16>> {
    let (mut fields, mut selected) = (Fields(extensions), None);
    while !fields.0.is_empty() {
        let kind = fields.u16()?;
        let body = fields.prefixed(2)?;
        if kind == 43 {
            selected = Some(u16::from_be_bytes(body.try_into().ok()?));
        }
    }
    Some(selected)
}

fn certificates(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Fields(Fields(body).prefixed(3)?);
    let mut chain = Vec::new();
    while !list.0.is_empty() && chain.len() < MAX_CERTIFICATES {
        chain.push(list.prefixed(3)?.to_vec());
    }
    Some(chain)
}

/// The hello that asks about one version.
pub(super) fn version_hello(version: Version, name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
    let suites = if version == Version::Tls13 { suites::TLS13 } else { suites::COMMON };
    Hello { version, suites, name: name.filter(|_| version > Version::Ssl3), random }.to_bytes()
}

/// The name of an alert (RFC 8446, section 6, and its predecessors).
pub(super) fn alert_name(description: u8) -> String {
    match description {
        0 => "close_notify".into(),
        10 => "unexpected_message".into(),
        40 => "handshake_failure".into(),
        47 => "illegal_parameter".into(),
        50 => "decode_error".into(),
        70 => "protocol_version".into(),
        71 => "insufficient_security".into(),
        80 => "internal_error".into(),
        112 => "unrecognized_name".into(),
        116 => "certificate_required".into(),
        other => format!("alert {other}"),
    }
}

#[cfg(test)]
mod tests;
