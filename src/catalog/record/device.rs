//! What the command lines of network devices tell: secrets of configurations, and the names in them.
//!
//! A line is read word by word. Behind a word that introduces a secret, everything is masked but the few words that
//! the makers' grammars put there; a word too many is masked rather than one too few.

use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

/// What stands in the place of a secret.
const MASK: &str = "redacted";
/// Words that introduce a secret; so do those that end like one of [`ENDINGS`].
const SECRETS: [&str; 13] = [
    "key",
    "md5",
    "sha",
    "sha-1",
    "sha-256",
    "sha-512",
    "sha1",
    "sha256",
    "sha512",
    "des",
    "3des",
    "aes",
    "trap-group",
];
/// Endings of words that introduce a secret: `enable secret`, `pre-shared-key`, `wpa-psk`, `key-string`.
const ENDINGS: [&str; 10] = [
    "password",
    "password-value",
    "passwd",
    "secret",
    "passphrase",
    "passcode",
    "psk",
    "-key",
    "key-string",
    "privatekey",
];
/// Words of a grammar that may stand between the word that introduces a secret and the secret.
const GRAMMAR: [&str; 40] = [
    "level",
    "type",
    "value",
    "version",
    "address",
    "hostname",
    "local",
    "remote",
    "ascii",
    "ascii-text",
    "hex",
    "hexadecimal",
    "plain-text",
    "plaintext",
    "encrypted",
    "traps",
    "informs",
    "noauth",
    "auth",
    "priv",
    "md5",
    "sha",
    "sha1",
    "sha256",
    "sha512",
    "aes",
    "des",
    "3des",
    "128",
    "192",
    "256",
    "chain",
    "generate",
    "rsa",
    "ipv4",
    "port",
    "timeout",
    "retransmit",
    "auth-port",
    "acct-port",
];
/// Words behind which a line is plain again.
const PLAIN: [&str; 4] = ["access", "privilege", "role", "view"];
/// Accounts whose names say nothing about anybody.
const ACCOUNTS: [&str; 4] = ["admin", "operator", "monitor", "remote"];
/// Words by which RouterOS introduces the name of a thing that is a secret itself.
const SECRET_MENUS: [&str; 2] = ["/snmp community", "/snmp/community"];

macro_rules! pattern {
    ($name:ident, $source:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($source).expect("a constant pattern compiles"));
    };
}
pattern!(HASH, r#"\$(?:8|9|14)\$[^\s";]+"#);
pattern!(USER, r"(?m)^(?:username |set system login user |\d+ .*?\bname=)(\S+)");
pattern!(HOST, r"(?m)^(?:hostname |set system host-name |/system identity set name=)(\S+)");
pattern!(MAC, r"\b[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\b");

/// Whether a text is what the command line of a network device said: it begins with its profile.
pub(super) fn is_device(text: &str) -> bool {
    ["== cisco_ios\n", "== junos\n", "== mikrotik\n", "== generic\n"].iter().any(|heading| text.starts_with(heading))
}

/// Names of accounts that may be people's.
pub(super) fn accounts(text: &str) -> impl Iterator<Item = &str> {
    let names = USER.captures_iter(text).filter_map(|found| found.get(1)).map(|name| name.as_str().trim_matches('"'));
    names.filter(|name| !ACCOUNTS.contains(name))
}

/// What the device calls itself.
pub(super) fn hosts(text: &str) -> impl Iterator<Item = &str> {
    HOST.captures_iter(text).filter_map(|found| found.get(1)).map(|name| name.as_str().trim_matches('"'))
}

/// Masks secrets and the addresses in Cisco's form.
pub(super) fn without_secrets(text: &str) -> String {
    let masked: String = text.split_inclusive('\n').map(line).collect();
    let masked = HASH.replace_all(&masked, "$$9$$redacted");
    MAC.replace_all(&masked, "0200.0000.0001").into_owned()
}

/// How much of a line is still to be masked.
#[derive(Clone, Copy, PartialEq)]
enum Hide {
    Nothing,
    /// The next word.
    Next,
    /// Everything up to the end of a quoted text, then nothing.
    Quoted,
    /// Everything but grammar.
    Rest,
}

fn line(line: &str) -> String {
    let start = line.trim_start();
    let secret_names = SECRET_MENUS.iter().any(|menu| start.starts_with(menu));
    let mut hide = Hide::Nothing;
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let blank = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        if hide != Hide::Quoted || rest[..blank].contains('\n') {
            masked.push_str(&rest[..blank]);
        }
        rest = &rest[blank..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if !word.is_empty() {
            hide = take(word, rest.trim().is_empty(), hide, secret_names, &mut masked);
        }
    }
    // the community of a trap receiver stands behind its address, without a word that introduces it
    if start.starts_with("snmp-server host ") { trap_receiver(&masked) } else { masked }
}

/// Writes one word, masked or not, and tells what of the rest is to be masked.
fn take(word: &str, last: bool, hide: Hide, secret_names: bool, masked: &mut String) -> Hide {
    let bare = word.trim_matches(['"', ';', ',']).to_lowercase();
    if hide == Hide::Nothing
        && let Some((name, value)) = word.split_once('=')
    {
        let secret = introduces(name) || name.ends_with("community") || (secret_names && name == "name");
        masked.push_str(name);
        masked.push('=');
        masked.push_str(if secret && !value.is_empty() && value != "\"\"" { MASK } else { value });
        let open = value.starts_with('"') && (value.len() == 1 || !value.ends_with('"'));
        return if secret && open { Hide::Quoted } else { Hide::Nothing };
    }
    match hide {
        Hide::Quoted => return if word.ends_with('"') { Hide::Nothing } else { Hide::Quoted },
        Hide::Next => {
            masked.push_str(MASK);
            let open = word.starts_with('"') && (word.len() == 1 || !word.ends_with('"'));
            return if open { Hide::Quoted } else { Hide::Nothing };
        }
        Hide::Rest if PLAIN.contains(&&*bare) && !last => {
            masked.push_str(word);
            return Hide::Nothing;
        }
        Hide::Rest if last || !is_grammar(&bare) => masked.push_str(MASK),
        Hide::Nothing | Hide::Rest => masked.push_str(word),
    }
    match hide {
        Hide::Nothing if bare == "community" && !secret_names => Hide::Next,
        Hide::Nothing if introduces(&bare) => Hide::Rest,
        other => other,
    }
}

fn introduces(word: &str) -> bool {
    let word = word.to_lowercase();
    let word = word.rsplit('.').next().unwrap_or_default();
    SECRETS.contains(&word) || ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// A number of two digits is a kind of encryption, a level or the number of a key.
fn is_grammar(word: &str) -> bool {
    GRAMMAR.contains(&word)
        || introduces(word)
        || word.parse::<IpAddr>().is_ok()
        || (word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit()))
}

fn trap_receiver(line: &str) -> String {
    let keep = ["traps", "informs", "version", "1", "2c", "3", "auth", "noauth", "priv", "vrf", "udp-port"];
    let words = line.trim_end().split(' ').enumerate();
    let masked: Vec<&str> =
        words.map(|(at, word)| if at < 3 || word.is_empty() || keep.contains(&word) { word } else { MASK }).collect();
    format!("{}{}", masked.join(" "), &line[line.trim_end().len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_any_maker_survives() {
        for (line, left) in [
            ("username anna privilege 15 secret 9 $9$hunter2", "username anna privilege 15 secret 9 redacted"),
            ("enable secret hunter2", "enable secret redacted"),
            ("enable password level 7 hunter2", "enable password level 7 redacted"),
            ("enable password 7 08", "enable password 7 redacted"),
            (" key hunter2", " key redacted"),
            (" key-string 7 hunter2", " key-string 7 redacted"),
            ("tacacs-server host 10.0.0.1 key 7 hunter2", "tacacs-server host 10.0.0.1 key 7 redacted"),
            ("radius-server key hunter2", "radius-server key redacted"),
            ("crypto isakmp key hunter2 address 10.0.0.1", "crypto isakmp key redacted address redacted"),
            (" pre-shared-key address 10.0.0.1 key 6 hunter2", " pre-shared-key address 10.0.0.1 key 6 redacted"),
            ("ntp authentication-key 1 md5 hunter2 7", "ntp authentication-key 1 md5 redacted redacted"),
            (" ip ospf message-digest-key 1 md5 7 hunter2", " ip ospf message-digest-key 1 md5 7 redacted"),
            (" wpa-psk ascii 0 hunter2", " wpa-psk ascii 0 redacted"),
            ("snmp-server community hunter2 RO MGMT", "snmp-server community redacted RO MGMT"),
            ("snmp-server community \"hun ter2\" RO 10", "snmp-server community redacted RO 10"),
            ("snmp-server host 10.0.0.1 version 2c hunter2", "snmp-server host 10.0.0.1 version 2c redacted"),
            ("snmp-server host 10.0.0.1 hunter2", "snmp-server host 10.0.0.1 redacted"),
            (
                "snmp-server user x G v3 auth sha hunter2 priv aes 128 hunter2 access MGMT",
                "snmp-server user x G v3 auth sha redacted priv aes 128 redacted access MGMT",
            ),
            (
                "set system radius-server 10.0.0.1 secret \"hunter2\"",
                "set system radius-server 10.0.0.1 secret redacted",
            ),
            (
                "set snmp community hunter2 authorization read-only",
                "set snmp community redacted authorization read-only",
            ),
            (
                "set x authentication plain-text-password-value h2",
                "set x authentication plain-text-password-value redacted",
            ),
            ("set x authentication encrypted-password hunter2", "set x authentication encrypted-password redacted"),
            (
                "set x ike pre-shared-key ascii-text \"hun ter2\"",
                "set x ike pre-shared-key ascii-text redacted redacted",
            ),
            ("/radius add secret=hunter2 service=login", "/radius add secret=redacted service=login"),
            ("/x set security.passphrase=\"hun ter2\" a=b", "/x set security.passphrase=redacted a=b"),
            ("/x set wpa2-pre-shared-key=hunter2", "/x set wpa2-pre-shared-key=redacted"),
            ("/snmp community add name=hunter2", "/snmp community add name=redacted"),
            ("/interface wireguard add private-key=\"hunter2=\"", "/interface wireguard add private-key=redacted"),
        ] {
            assert_eq!(super::line(line), left, "{line}");
        }
    }

    #[test]
    fn what_is_judged_stays() {
        for line in [
            "service password-encryption",
            "aaa authentication login default group tacacs+ local",
            "snmp-server group PLANT v3 priv access MGMT",
            " access-class MGMT in",
            " permit tcp 10.0.0.0 0.0.0.255 host 10.0.0.1 eq 443",
            "set system authentication-order tacplus",
            "/ip firewall filter add action=accept chain=forward connection-state=established,related",
            "0 name=ssh port=22 address=10.0.0.0/24",
            "",
            "\n",
        ] {
            assert_eq!(super::line(line), line);
        }
        assert_eq!(without_secrets("a\n\n b 0011.2233.4455\n"), "a\n\n b 0200.0000.0001\n");
    }

    #[test]
    fn names_of_people_and_of_the_device_are_found() {
        let text = "hostname sw1\nusername anna secret x\nusername admin secret x\n0 name=mette group=full\n";
        assert_eq!(accounts(text).collect::<Vec<_>>(), ["anna", "mette"]);
        assert_eq!(hosts(text).collect::<Vec<_>>(), ["sw1"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_masked_without_panic(text: String) {
            let _ = without_secrets(&text);
        }
    }
}
