//! Reads a server's banner and its first packet, RFC 4253 sections 4.2 and 7.1.

use std::io;

use crate::model::Value;
use crate::transport::ssh::quote;

/// Bytes before and including the banner; RFC 4253 lets a server send other lines before it.
const MAX_BANNER_AREA: usize = 16 * 1024;
/// Longest single line of them.
const MAX_LINE: usize = 8 * 1024;
/// Longest packet that an SSH implementation must take, RFC 4253 section 6.1.
const MAX_PACKET: usize = 35_000;
/// Packets that may come before the lists (ignore, debug).
const MAX_OTHER_PACKETS: usize = 4;
/// Names kept of one list.
const MAX_NAMES: usize = 128;
/// Longest name, RFC 4251 section 6.
const MAX_NAME: usize = 64;
/// Longest banner that is kept, RFC 4253 section 4.2.
const MAX_BANNER: usize = 255;

/// Names in the list of key exchanges that are no key exchange but announcements.
const EXTENSIONS: [&str; 2] = ["ext-info-s", STRICT];
/// The defence against prefix truncation (Terrapin, CVE-2023-48795).
const STRICT: &str = "kex-strict-s-v00@openssh.com";

/// Why there is no offer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Something else lives there; quoted.
    NotSsh(String),
    /// It began as SSH and went wrong.
    Protocol(String),
}

impl Broken {
    pub(super) fn io(error: &io::Error, reader: &Reader) -> Self {
        match reader.banner {
            Some(_) => Self::Protocol(format!("the connection failed: {}", error.kind())),
            None => Self::NotSsh(format!("the connection failed ({}){}", error.kind(), reader.said())),
        }
    }

    pub(super) fn ended(reader: &Reader) -> Self {
        match reader.banner {
            Some(_) => Self::Protocol("it closed the connection before it listed its algorithms".into()),
            None => Self::NotSsh(format!("it closed the connection{}", reader.said())),
        }
    }
}

/// Takes bytes as they come.
#[derive(Debug, Default)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    before: usize,
    first_line: Option<Vec<u8>>,
    banner: Option<String>,
    others: usize,
}

/// What a server offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Offer {
    banner: String,
    kex: Vec<String>,
    host_keys: Vec<String>,
    ciphers: Vec<String>,
    macs: Vec<String>,
    compressions: Vec<String>,
}

impl Reader {
    pub(super) fn banner(&self) -> Option<&str> {
        self.banner.as_deref()
    }

    pub(super) fn speaks_version_2(&self) -> bool {
        self.banner.as_deref().is_some_and(version_2)
    }

    /// Takes some bytes; the offer, once it is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Option<Offer>, Broken> {
        self.buffer.extend_from_slice(bytes);
        while self.banner.is_none() {
            if !self.line()? {
                return Ok(None);
            }
        }
        if !self.speaks_version_2() {
            // version 1 has no such lists
            return Ok(Some(Offer { banner: self.banner.clone().unwrap_or_default(), ..Offer::default() }));
        }
        self.packets()
    }

    /// Takes one line; whether there was one.
    fn line(&mut self) -> Result<bool, Broken> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            return if self.buffer.len() > MAX_LINE { Err(self.not_ssh("a line without end")) } else { Ok(false) };
        };
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        self.before += line.len();
        let line = line.trim_ascii_end();
        if line.starts_with(b"SSH-") {
            self.banner = Some(printable(&line[..line.len().min(MAX_BANNER)]));
        } else {
            self.first_line.get_or_insert_with(|| line[..line.len().min(MAX_BANNER)].to_vec());
        }
        if self.before > MAX_BANNER_AREA || line.len() > MAX_LINE {
            return Err(self.not_ssh("lines without end"));
        }
        Ok(true)
    }

    fn packets(&mut self) -> Result<Option<Offer>, Broken> {
        loop {
            let Some((head, _)) = self.buffer.split_first_chunk::<5>() else { return Ok(None) };
            let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let padding = usize::from(head[4]);
            if length > MAX_PACKET || length < padding + 2 {
                return Err(Broken::Protocol(format!("its first packet claims a length of {length}")));
            }
            if self.buffer.len() < 4 + length {
                return Ok(None);
            }
            let packet: Vec<u8> = self.buffer.drain(..4 + length).collect();
            let payload = &packet[5..4 + length - padding];
            match payload.first() {
                Some(20) => {
                    return self
                        .offer(payload)
                        .map(Some)
                        .ok_or_else(|| Broken::Protocol("its list of algorithms is malformed".into()));
                }
                Some(1) => {
                    return Err(Broken::Protocol(format!(
                        "it hung up, saying {}",
                        quote(payload.get(9..).unwrap_or_default())
                    )));
                }
                Some(2 | 4) if self.others < MAX_OTHER_PACKETS => self.others += 1,
                other => {
                    return Err(Broken::Protocol(format!(
                        "its first packet is of type {other:?}, not the list of algorithms"
                    )));
                }
            }
        }
    }

    fn offer(&self, payload: &[u8]) -> Option<Offer> {
        // type and cookie
        let mut rest = payload.get(17..)?;
        let mut list = || {
            let (length, tail) = rest.split_first_chunk::<4>()?;
            let (names, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            rest = tail;
            Some(names)
        };
        let kex = names(&[list()?]);
        let host_keys = names(&[list()?]);
        let ciphers = names(&[list()?, list()?]);
        let macs = names(&[list()?, list()?]);
        let compressions = names(&[list()?, list()?]);
        Some(Offer { banner: self.banner.clone()?, kex, host_keys, ciphers, macs, compressions })
    }

    fn not_ssh(&self, what: &str) -> Broken {
        Broken::NotSsh(format!("{what}{}", self.said()))
    }

    fn said(&self) -> String {
        let line = self.first_line.as_deref().unwrap_or(&self.buffer);
        if line.is_empty() {
            " without a word".into()
        } else {
            format!(", beginning with {}", quote(&line[..line.len().min(MAX_BANNER)]))
        }
    }
}

impl Offer {
    pub(super) fn speaks_version_2(&self) -> bool {
        version_2(&self.banner)
    }

    /// The fields of the answer. Lists of version 1 are not empty but unknown, so they are absent.
    pub(super) fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut parts = self.banner.splitn(3, '-').skip(1);
        let protocol = parts.next().unwrap_or_default();
        let software = parts.next().and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let mut fields = vec![
            ("banner", Value::text(&self.banner)),
            ("protocol", Value::text(protocol)),
            ("software", Value::text(software)),
        ];
        if self.speaks_version_2() {
            let list = |names: &[String]| Value::list(names.iter().map(Value::text));
            let kex: Vec<_> = self.kex.iter().filter(|name| !EXTENSIONS.contains(&name.as_str())).cloned().collect();
            fields.extend([
                ("kex", list(&kex)),
                ("host_keys", list(&self.host_keys)),
                ("ciphers", list(&self.ciphers)),
                ("macs", list(&self.macs)),
                ("compressions", list(&self.compressions)),
                ("strict_kex", Value::from(self.is_strict())),
                ("terrapin", Value::from(self.is_open_to_terrapin())),
            ]);
        }
        fields
    }

    fn is_strict(&self) -> bool {
        self.kex.iter().any(|name| name == STRICT)
    }

    /// CVE-2023-48795: without strict key exchange, `ChaCha20-Poly1305` and CBC with encrypt-then-MAC lose packets unseen.
    fn is_open_to_terrapin(&self) -> bool {
        let chacha = self.ciphers.iter().any(|name| name == "chacha20-poly1305@openssh.com");
        let cbc = self.ciphers.iter().any(|name| name.ends_with("-cbc"));
        let etm = self.macs.iter().any(|name| name.contains("-etm@"));
        !self.is_strict() && (chacha || (cbc && etm))
    }
}

fn version_2(banner: &str) -> bool {
    banner.starts_with("SSH-2.0-") || banner.starts_with("SSH-1.99-")
}

/// The names of both directions, each once, in order.
fn names(lists: &[&[u8]]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in lists.iter().flat_map(|list| list.split(|byte| *byte == b',')) {
        let name = printable(&name[..name.len().min(MAX_NAME)]);
        if !name.is_empty() && names.len() < MAX_NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn printable(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, lists: &[&str]) -> Vec<u8> {
        let mut payload = vec![kind];
        payload.extend([7; 16]);
        for list in lists {
            payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            payload.extend(list.as_bytes());
        }
        payload.extend([0; 5]);
        let mut packet = u32::try_from(payload.len() + 5).unwrap().to_be_bytes().to_vec();
        packet.push(4);
        packet.extend(payload);
        packet.extend([0; 4]);
        packet
    }

    fn server() -> Vec<u8> {
        let lists = [
            "curve25519-sha256,ext-info-s",
            "ssh-ed25519",
            "aes256-cbc",
            "3des-cbc,aes256-cbc",
            "hmac-sha2-256-etm@openssh.com",
            "hmac-sha1",
            "none",
            "none",
            "",
            "",
        ];
        [b"hello\r\nSSH-2.0-Dev_1.0 comment\r\n".to_vec(), packet(20, &lists)].concat()
    }

    #[test]
    fn every_split_reads_the_same_offer() {
        for step in 1..60 {
            let mut reader = Reader::default();
            let offers: Vec<_> = server().chunks(step).filter_map(|part| reader.feed(part).unwrap()).collect();
            let fields = Value::map(offers[0].fields());
            let names = |field| fields.get(field).unwrap().to_string();
            assert_eq!((names("software"), names("protocol")), ("Dev_1.0".into(), "2.0".into()));
            assert_eq!(
                (names("kex"), names("ciphers")),
                ("[curve25519-sha256]".into(), "[aes256-cbc, 3des-cbc]".into())
            );
            assert_eq!((names("strict_kex"), names("terrapin")), ("false".into(), "true".into()));
        }
    }

    #[test]
    fn version_1_has_a_banner_and_no_lists() {
        let offer = Reader::default().feed(b"SSH-1.5-Cisco-1.25\n").unwrap().unwrap();
        let fields = Value::map(offer.fields());
        assert_eq!(fields.get("protocol").unwrap().as_text(), Some("1.5"));
        assert_eq!(fields.get("software").unwrap().as_text(), Some("Cisco-1.25"));
        assert_eq!(fields.get("kex"), None);
    }

    #[test]
    fn bounds_hold() {
        let endless = Reader::default().feed(&[b'x'; MAX_LINE + 1]).unwrap_err();
        assert!(matches!(endless, Broken::NotSsh(_)));
        let lines = b"spam\n".repeat(MAX_BANNER_AREA / 5 + 1);
        assert!(matches!(Reader::default().feed(&lines), Err(Broken::NotSsh(_))));
        for claimed in [[0x7f, 0xff, 0xff, 0xff, 4], [0, 0, 0, 1, 4], [0, 0, 0x88, 0xb9, 4]] {
            let bytes = [b"SSH-2.0-x\r\n".as_slice(), &claimed].concat();
            assert!(matches!(Reader::default().feed(&bytes), Err(Broken::Protocol(_))));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, kind: u8) {
            let _ = Reader::default().feed(&bytes);
            let _ = Reader::default().feed(&[b"SSH-2.0-x\n", bytes.as_slice()].concat());
            let mut whole = b"SSH-2.0-x\n".to_vec();
            whole.extend(u32::try_from(bytes.len() + 2).unwrap().to_be_bytes());
            whole.extend([0, kind]);
            whole.extend(&bytes);
            let _ = Reader::default().feed(&whole);
        }
    }
}
