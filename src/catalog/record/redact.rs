//! Masks for what tells whose plant it is: addresses, names, keys, hashes, serial numbers.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::device;
use crate::model::{Answer, TextAnswer, Value, Varbind};

/// User ids of people on Linux begin here; those below belong to the system and say nothing about anybody.
const FIRST_PERSON: u32 = 1000;
/// `nobody`; it and what is above are no people either.
const NOBODY: u32 = 65534;
/// Shorter words are not searched for in texts: they would hit by chance.
const SHORTEST_WORD: usize = 3;
/// Part behind the `@` of names of algorithms, which are no addresses of people.
const ALGORITHM_DOMAINS: [&str; 4] = ["openssh.com", "libssh.org", "ssh.com", "lysator.liu.se"];
/// Fields whose text is masked whatever it looks like.
const PRIVATE_FIELDS: [&str; 7] = ["serial", "community", "password", "secret", "token", "contact", "location"];

/// `sysContact`, `sysName`, `sysLocation` (RFC 3418); `entPhysicalSerialNum` (RFC 6933).
const PRIVATE_OBJECTS: [(&str, Kind); 4] = [
    ("1.3.6.1.2.1.1.4", Kind::Person),
    ("1.3.6.1.2.1.1.5", Kind::Host),
    ("1.3.6.1.2.1.1.6", Kind::Location),
    ("1.3.6.1.2.1.47.1.1.1.1.11", Kind::Serial),
];
/// Tables whose index ends in an IPv4 address (RFC 4293): `ipAddrTable`, `ipNetToMediaTable`.
const ADDRESS_TABLES: [&str; 2] = ["1.3.6.1.2.1.4.20.1.", "1.3.6.1.2.1.4.22.1."];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Host,
    User,
    Serial,
    Secret,
    Person,
    Location,
    Fingerprint,
    Mac,
    V4,
    V6,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Serial => "serial",
            Self::Secret => "secret",
            Self::Person => "person",
            Self::Location => "location",
            Self::Fingerprint => "fingerprint",
            Self::Mac | Self::V4 | Self::V6 => "address",
        }
    }
}

/// Words that are known to tell something, from the inventory and the credentials.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Host names, ids of assets, domains.
    pub hosts: Vec<String>,
    /// Names of accounts.
    pub users: Vec<String>,
    /// Serial numbers.
    pub serials: Vec<String>,
    /// Communities, passwords.
    pub secrets: Vec<String>,
}

/// Replaces what it knows and what it recognises; the same input becomes the same mask.
pub struct Redactor {
    words: BTreeMap<String, String>,
    masks: BTreeMap<(Kind, String), usize>,
}

macro_rules! pattern {
    ($name:ident, $source:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($source).expect("a constant pattern compiles"));
    };
}
pattern!(PEM, r"(?s)-----BEGIN ([A-Z0-9 ]{1,40})-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\z)");
pattern!(SETTING, r"(?i)\b((?:password|secret|community|psk|api[_-]?key|token)\b[ \t]*[=:][ \t]*)[^\s]+");
pattern!(CRYPT, r"\$(y|gy|7|2[abxy]?|5|6|1|md5|sha1|argon2id?)\$[./0-9A-Za-z$=,+-]+");
pattern!(DES, r"(?m)^([^:\s]+):[./0-9A-Za-z]{13}:");
pattern!(SSH_KEY, r"((?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]+) AAAA[0-9A-Za-z+/=]+(?: [^\n,]*)?");
pattern!(FINGERPRINT, r"SHA256:[0-9A-Za-z+/]{43}=?");
pattern!(MAIL, r"\b[0-9A-Za-z._%+-]+@([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+)");
pattern!(MAC, r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b");
pattern!(MAC_HEX, r"^0x([0-9A-Fa-f]{12})$");
pattern!(V4, r"(?i)(version|firmware|release|\bv)?([ :=]{0,2})((?:[0-9]+\.)+[0-9]+)");
pattern!(V6, r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*");
pattern!(PASSWD, r"(?m)^([^:\s]+):([^:\n]*):([0-9]+):([0-9]+):([^:\n]*):([^:\n]*):([^:\n]*)$");

impl Redactor {
    /// Starts with words that are known to tell something.
    #[must_use]
    pub fn new(known: &Known) -> Self {
        let mut redactor = Self { words: BTreeMap::new(), masks: BTreeMap::new() };
        for (kind, words) in [
            (Kind::Secret, &known.secrets),
            (Kind::Serial, &known.serials),
            (Kind::Host, &known.hosts),
            (Kind::User, &known.users),
        ] {
            for word in words {
                redactor.know(kind, word);
            }
        }
        redactor
    }

    fn know(&mut self, kind: Kind, word: &str) {
        let system = kind == Kind::User && matches!(word, "root" | "daemon" | "nobody");
        if word.len() >= SHORTEST_WORD && !system && word.parse::<std::net::IpAddr>().is_err() {
            let mask = self.mask(kind, word);
            self.words.entry(word.to_owned()).or_insert(mask);
        }
    }

    /// Looks through an answer for names of people, so that they are masked in the other answers too.
    pub fn learn(&mut self, answer: &Answer) {
        match answer {
            Answer::Text(text) => {
                if device::is_device(&text.stdout) {
                    device::accounts(&text.stdout).for_each(|name| self.know(Kind::User, name));
                    device::hosts(&text.stdout).for_each(|name| self.know(Kind::Host, name));
                }
                for row in PASSWD.captures_iter(&text.stdout) {
                    let person = row[3].parse::<u32>().is_ok_and(|uid| (FIRST_PERSON..NOBODY).contains(&uid));
                    if person {
                        self.know(Kind::User, &row[1]);
                        row[5].split(',').for_each(|name| self.know(Kind::Person, name.trim()));
                    }
                }
            }
            Answer::Varbinds(varbinds) => {
                for varbind in varbinds {
                    if let (Some(kind), Some(text)) = (object_kind(&varbind.oid), varbind.value.as_text()) {
                        self.know(kind, text);
                    }
                }
            }
            Answer::Value(_) => {}
        }
    }

    /// Masks one answer.
    #[must_use]
    pub fn answer(&mut self, answer: &Answer) -> Answer {
        match answer {
            Answer::Text(text) => Answer::Text(TextAnswer {
                stdout: self.text(&text.stdout),
                stderr: self.text(&text.stderr),
                ..text.clone()
            }),
            Answer::Varbinds(varbinds) => {
                Answer::Varbinds(varbinds.iter().map(|varbind| self.varbind(varbind)).collect())
            }
            Answer::Value(value) => Answer::Value(self.value(value)),
        }
    }

    fn varbind(&mut self, varbind: &Varbind) -> Varbind {
        let value = match (object_kind(&varbind.oid), varbind.value.as_text()) {
            (Some(kind), Some(text)) if !text.is_empty() => Value::text(self.mask(kind, text)),
            _ => self.value(&varbind.value),
        };
        Varbind { oid: self.oid(&varbind.oid), value }
    }

    /// Masks the address at the end of an index.
    fn oid(&mut self, oid: &str) -> String {
        if !ADDRESS_TABLES.iter().any(|table| oid.starts_with(table)) {
            return oid.to_owned();
        }
        let dots: Vec<usize> = oid.rmatch_indices('.').map(|(at, _)| at).collect();
        match dots.get(3).map(|at| oid.split_at(*at + 1)) {
            Some((head, address)) => format!("{head}{}", self.v4(address)),
            None => oid.to_owned(),
        }
    }

    /// Masks every text in a value; fields with telling names as a whole.
    #[must_use]
    pub fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Text(text) => match MAC_HEX.captures(text) {
                Some(found) => Value::text(format!("0x{}", self.mac(&found[1], ""))),
                None => Value::text(self.text(text)),
            },
            Value::List(items) => Value::list(items.iter().map(|item| self.value(item)).collect::<Vec<_>>()),
            Value::Map(fields) => {
                let masked: Vec<(String, Value)> = fields.iter().map(|(key, value)| self.field(key, value)).collect();
                Value::map(masked)
            }
            other => other.clone(),
        }
    }

    fn field(&mut self, key: &str, value: &Value) -> (String, Value) {
        let lower = key.to_lowercase();
        let private = PRIVATE_FIELDS.iter().any(|word| lower.contains(word));
        let value = match value {
            Value::Text(text) if private && !matches!(&**text, "" | "public" | "private") => {
                Value::text(self.mask(if lower.contains("serial") { Kind::Serial } else { Kind::Secret }, text))
            }
            other => self.value(other),
        };
        (self.text(key), value)
    }

    /// Masks a text.
    #[must_use]
    pub fn text(&mut self, text: &str) -> String {
        let of_device = device::is_device(text).then(|| device::without_secrets(text));
        let text =
            PEM.replace_all(of_device.as_deref().unwrap_or(text), "-----BEGIN $1-----\nredacted\n-----END $1-----");
        let text = SETTING.replace_all(&text, "${1}redacted");
        let text = CRYPT.replace_all(&text, |found: &Captures<'_>| crypt(&found[0]));
        let text = DES.replace_all(&text, "$1:xxREDACTEDDES:");
        let text = SSH_KEY.replace_all(&text, "$1 AAAAredacted");
        let text = FINGERPRINT
            .replace_all(&text, |found: &Captures<'_>| format!("SHA256:{}", self.mask(Kind::Fingerprint, &found[0])));
        let text = PASSWD.replace_all(&text, |row: &Captures<'_>| {
            let person = row[3].parse::<u32>().is_ok_and(|uid| (FIRST_PERSON..NOBODY).contains(&uid));
            let about = if person { "" } else { &row[5] };
            format!("{}:{}:{}:{}:{about}:{}:{}", &row[1], &row[2], &row[3], &row[4], &row[6], &row[7])
        });
        let text = self.known_words(&text);
        let text = MAIL.replace_all(&text, |found: &Captures<'_>| {
            if ALGORITHM_DOMAINS.contains(&&found[1]) { found[0].to_owned() } else { "someone@example.org".to_owned() }
        });
        let text = MAC.replace_all(&text, |found: &Captures<'_>| {
            let separator = if found[0].contains('-') { "-" } else { ":" };
            self.mac(&found[0].replace(separator, ""), separator)
        });
        let text = V6.replace_all(&text, |found: &Captures<'_>| self.v6(&found[0]));
        let text = V4.replace_all(&text, |found: &Captures<'_>| match found.get(1) {
            Some(_) => found[0].to_owned(),
            None => format!("{}{}", &found[2], self.v4(&found[3])),
        });
        text.into_owned()
    }

    /// Replaces known words where they stand alone, the longest first.
    fn known_words(&self, text: &str) -> String {
        let mut words: Vec<(&String, &String)> = self.words.iter().collect();
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        let mut text = text.to_owned();
        for (word, mask) in words {
            if text.contains(word.as_str()) {
                text = replace_whole(&text, word, mask);
            }
        }
        text
    }

    fn number(&mut self, kind: Kind, text: &str) -> usize {
        let next = self.masks.keys().filter(|(other, _)| *other == kind).count() + 1;
        *self.masks.entry((kind, text.to_owned())).or_insert(next)
    }

    fn mask(&mut self, kind: Kind, text: &str) -> String {
        format!("{}-{}", kind.word(), self.number(kind, text))
    }

    /// A locally administered address.
    fn mac(&mut self, digits: &str, separator: &str) -> String {
        let digits = digits.to_lowercase();
        if digits.bytes().all(|digit| digit == digits.as_bytes()[0]) {
            return spaced(&digits, separator);
        }
        let number = self.number(Kind::Mac, &digits);
        spaced(&format!("02{number:010x}"), separator)
    }

    /// An address of the documentation ranges (RFC 5737); masks, loopback and the like stay.
    fn v4(&mut self, text: &str) -> String {
        let Ok(address) = text.parse::<Ipv4Addr>() else { return text.to_owned() };
        let bits = u32::from(address);
        let is_mask = bits.leading_ones() + bits.trailing_zeros() >= 32;
        if address.is_loopback() || address.is_multicast() || address.is_documentation() || is_mask {
            return text.to_owned();
        }
        let number = self.number(Kind::V4, text) - 1;
        let network = ["192.0.2", "198.51.100", "203.0.113"][(number / 254) % 3];
        format!("{network}.{}", number % 254 + 1)
    }

    /// An address of the documentation range (RFC 3849).
    fn v6(&mut self, text: &str) -> String {
        let Ok(address) = text.parse::<Ipv6Addr>() else { return text.to_owned() };
        if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
            return text.to_owned();
        }
        let number = self.number(Kind::V6, &address.to_string());
        format!("2001:db8::{number:x}")
    }
}

fn object_kind(oid: &str) -> Option<Kind> {
    let below = |object: &str| oid.strip_prefix(object).is_some_and(|rest| rest.starts_with('.'));
    PRIVATE_OBJECTS.iter().find(|(object, _)| below(object)).map(|(_, kind)| *kind)
}

/// Keeps the scheme and its cost, which checks judge; the rest goes.
fn crypt(hash: &str) -> String {
    let parts: Vec<&str> = hash.split('$').collect();
    let cost = |part: &&str| part.starts_with("rounds=") || part.starts_with("m=") || part.len() <= 3;
    let kept = 2 + usize::from(parts.len() > 3 && parts.get(2).is_some_and(cost));
    let masked = parts.iter().enumerate().map(|(at, part)| if at < kept { *part } else { "redacted" });
    masked.collect::<Vec<_>>().join("$")
}

fn spaced(digits: &str, separator: &str) -> String {
    let pairs: Vec<&str> = (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2)).collect();
    pairs.join(separator)
}

fn replace_whole(text: &str, word: &str, mask: &str) -> String {
    let inside = |c: char| c.is_alphanumeric();
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let previous = before.chars().next_back().or_else(|| result.chars().next_back());
        let whole = !previous.is_some_and(inside) && !after.chars().next().is_some_and(inside);
        result.push_str(before);
        result.push_str(if whole { mask } else { word });
        rest = after;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&Known {
            hosts: vec!["hist-01".into(), "10.0.0.5".into()],
            users: vec!["jens".into(), "root".into()],
            serials: vec!["SN12345".into()],
            secrets: vec!["pl4nt-community".into()],
        })
    }

    #[test]
    fn configurations_of_devices_lose_secrets_hashes_and_the_names_of_people() {
        let config = "== cisco_ios\nusername anna privilege 15 secret 9 $9$abc$def\nenable password 7 0822455D0A16\n\
                      tacacs server T1\n key 7 046E1F\n key hunter2hunter2\nsnmp-server community hunter2 RO 10\n\
                      snmp-server user x G v3 auth sha hunter2 priv aes 128 hunter2\nservice password-encryption\n\
                      set system radius-server 1.2.3.4 secret \"$9$hunter2\"\ndescription for anna\n";
        let answer = Answer::Text(TextAnswer { stdout: config.into(), ..TextAnswer::default() });
        let mut redactor = Redactor::new(&Known::default());
        redactor.learn(&answer);
        let shown = redactor.text(config);
        for secret in ["abc", "0822455D0A16", "046E1F", "hunter2", "anna"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        assert!(shown.contains("service password-encryption") && shown.contains("privilege 15"), "{shown}");
        assert!(shown.starts_with("== cisco_ios\n"), "{shown}");
    }

    #[test]
    fn what_tells_whose_plant_it_is_goes_and_what_is_judged_stays() {
        let mut redactor = redactor();
        let mut mask = |text: &str| redactor.text(text);
        assert_eq!(
            mask("listen 10.1.2.3:22 and 10.1.2.4, again 10.1.2.3"),
            "listen 192.0.2.1:22 and 192.0.2.2, again 192.0.2.1"
        );
        assert_eq!(mask("127.0.0.1 0.0.0.0 255.255.255.0"), "127.0.0.1 0.0.0.0 255.255.255.0");
        assert_eq!(mask("version 4.1.0.12, v1.2.3.4, 1.3.6.1.2.1"), "version 4.1.0.12, v1.2.3.4, 1.3.6.1.2.1");
        assert_eq!(mask("fe80::1ff:fe23:4567:890a ::1 12:34:56"), "2001:db8::1 ::1 12:34:56");
        assert_eq!(mask("link aa:bb:cc:dd:ee:ff"), "link 02:00:00:00:00:01");
        assert_eq!(mask("jens on hist-01 (SN12345), root"), "user-1 on host-1 (serial-1), root");
        assert_eq!(mask("com2sec pl4nt-community"), "com2sec secret-1");
        assert_eq!(mask("mail jens@plant.example.com"), "mail someone@example.org");
        assert_eq!(mask("ciphers aes128-gcm@openssh.com"), "ciphers aes128-gcm@openssh.com");
        assert_eq!(mask("ssh-ed25519 AAAAC3NzaC1 jens@laptop"), "ssh-ed25519 AAAAredacted");
    }

    #[test]
    fn a_hash_keeps_its_scheme_and_cost() {
        let mut redactor = redactor();
        let shadow =
            "a:$y$j9T$salt$hashhash:1:\nb:$6$rounds=5000$salt$hash:1:\nc:$6$salt$hash:1:\nd:abcdefghijklm:1:\ne:!*:1:";
        insta::assert_snapshot!(redactor.text(shadow), @r"
        a:$y$j9T$redacted$redacted:1:
        b:$6$rounds=5000$redacted$redacted:1:
        c:$6$redacted$redacted:1:
        d:xxREDACTEDDES:1:
        e:!*:1:
        ");
    }

    #[test]
    fn people_are_masked_in_every_answer_and_the_system_stays() {
        let mut redactor = redactor();
        let passwd = "root:x:0:0:root:/root:/bin/bash\nmette:x:1001:1001:Mette Hansen,,,:/home/mette:/bin/bash\n";
        redactor.learn(&Answer::Text(TextAnswer { stdout: passwd.into(), ..TextAnswer::default() }));
        insta::assert_snapshot!(redactor.text(passwd), @r"
        root:x:0:0:root:/root:/bin/bash
        user-2:x:1001:1001::/home/user-2:/bin/bash
        ");
        assert_eq!(redactor.text("mette:!:19000"), "user-2:!:19000");
        assert_eq!(redactor.text("palette"), "palette");
    }

    #[test]
    fn private_objects_and_fields_are_masked_whatever_they_hold() {
        let mut redactor = redactor();
        let varbind = |oid: &str, value: Value| Varbind { oid: oid.into(), value };
        let answer = Answer::Varbinds(vec![
            varbind("1.3.6.1.2.1.1.5.0", "switch-a".into()),
            varbind("1.3.6.1.2.1.2.2.1.6.1", "0xaabbccddeeff".into()),
            varbind("1.3.6.1.2.1.4.20.1.1.10.9.8.7", "10.9.8.7".into()),
            varbind("1.3.6.1.2.1.1.3.0", Value::Int(5)),
        ]);
        let Answer::Varbinds(masked) = redactor.answer(&answer) else { panic!() };
        assert_eq!(masked[0].value, Value::text("host-2"));
        assert_eq!(masked[1].value, Value::text("0x020000000001"));
        assert_eq!(masked[2], varbind("1.3.6.1.2.1.4.20.1.1.192.0.2.1", "192.0.2.1".into()));
        assert_eq!(masked[3].value, Value::Int(5));
        let value = Value::map([("serial_number", Value::text("X1")), ("community", Value::text("public"))]);
        assert_eq!(
            redactor.value(&value),
            Value::map([("serial_number", "serial-2".into()), ("community", Value::text("public"))])
        );
    }

    #[test]
    fn a_private_key_never_survives() {
        let text = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
        assert!(!redactor().text(text).contains("b3Bl"));
        assert!(!redactor().text("-----BEGIN PRIVATE KEY-----\nb3Bl cut").contains("b3Bl"));
        assert_eq!(redactor().text("password = hunter2\nport = 1"), "password = redacted\nport = 1");
        assert_eq!(
            redactor().text("passwd: files\npasswordauthentication no"),
            "passwd: files\npasswordauthentication no"
        );
    }
}
