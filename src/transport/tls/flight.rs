//! Reads what a server says to a hello, as far as it is said in the clear.
//!
//! Pure and bounded, and it never panics, because the bytes come from a device. [RFC 5246], [RFC 8446].
//!
//! [RFC 5246]: https://www.rfc-editor.org/rfc/rfc5246
//! [RFC 8446]: https://www.rfc-editor.org/rfc/rfc8446

use super::hello::Version;

/// Most bytes taken of a server's flight; a chain of certificates fits several times.
pub(super) const MAX_FLIGHT: usize = 64 * 1024;
/// Most certificates kept of a chain.
pub(super) const MAX_CERTIFICATES: usize = 16;
/// Largest record (RFC 5246 section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;

/// The random bytes that mark a `ServerHello` as a `HelloRetryRequest` (RFC 8446, section 4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11,
    0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

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
