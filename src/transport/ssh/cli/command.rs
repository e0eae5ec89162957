//! A command that only reads: what is not on these lists is not typed.

use serde::{Serialize, Serializer};

use super::Profile;

/// Longest command; older devices cut a line at 254 characters.
const LONGEST: usize = 200;
/// Signs that mean more than themselves to some command line: lists, redirection, substitution, help.
const MEANINGFUL: &str = ";&<>`$?!\\{}[]\"'";
/// What a RouterOS menu is left by, besides reading.
const ROUTEROS_ACTS: [&str; 22] = [
    "add",
    "set",
    "remove",
    "unset",
    "enable",
    "disable",
    "move",
    "edit",
    "comment",
    "reset",
    "reset-configuration",
    "reboot",
    "shutdown",
    "import",
    "run",
    "fetch",
    "ping",
    "monitor",
    "upgrade",
    "downgrade",
    "install",
    "backup",
];
/// What may follow the verb of RouterOS; none of it writes a file, waits or computes.
const ROUTEROS_OPTIONS: [&str; 9] =
    ["brief", "compact", "count-only", "detail", "hide-sensitive", "terse", "value-list", "verbose", "without-paging"];
/// Verbs of RouterOS that read.
const ROUTEROS_VERBS: [&str; 3] = ["print", "export", "get"];
/// Reports for a maker's support, which keep a small device busy for minutes.
const HEAVY: [&str; 3] = ["tech", "tech-support", "diagnostic-information"];

/// One line that only reads. There is no other way to make one than [`Command::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command(String);

impl Command {
    /// Takes a command that begins with a word that reads, and whose filters only filter.
    ///
    /// # Errors
    ///
    /// One line that says what is not allowed and what is.
    pub fn parse(profile: Profile, text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return Err(format!("a command has 1 to {LONGEST} characters, this one has {}", text.len()));
        }
        if let Some(bad) = text.chars().find(|c| !matches!(c, ' '..='~') || MEANINGFUL.contains(*c)) {
            return Err(format!("a command holds no {bad:?}: it could do more than read"));
        }
        if profile == Profile::Mikrotik { routeros(text) } else { lines(profile, text) }?;
        Ok(Self(text.to_owned()))
    }

    /// The command as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The command as it is typed: Junos turns its pager off command by command.
    pub(super) fn typed(&self, profile: Profile) -> String {
        match profile {
            Profile::Junos if !self.0.contains("no-more") => format!("{} | no-more", self.0),
            _ => self.0.clone(),
        }
    }
}

fn lines(profile: Profile, text: &str) -> Result<(), String> {
    let mut parts = text.split('|').map(str::trim);
    let mut words = parts.next().unwrap_or_default().split_whitespace();
    let (verb, verbs) = (words.next().unwrap_or_default(), profile.verbs());
    if !verbs.contains(&verb) {
        return Err(format!("{verb:?} may do more than read; a command of {profile} begins with {}", verbs.join(", ")));
    }
    if let Some(heavy) = words.find(|word| HEAVY.contains(word)) {
        return Err(format!("{heavy:?} keeps a device busy for minutes; ask for the part that is needed"));
    }
    for part in parts {
        let (filter, filters) = (part.split_whitespace().next().unwrap_or_default(), profile.filters());
        if !filters.contains(&filter) {
            return Err(format!("{filter:?} behind a bar may do more than filter; there are {}", filters.join(", ")));
        }
    }
    Ok(())
}

fn routeros(text: &str) -> Result<(), String> {
    let mut words = text.split([' ', '/']).filter(|word| !word.is_empty());
    let plain =
        |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    for word in words.by_ref() {
        if ROUTEROS_VERBS.contains(&word) {
            return match words.find(|word| !ROUTEROS_OPTIONS.contains(word)) {
                None => Ok(()),
                Some(other) => {
                    Err(format!("{other:?} is no option that only reads; there are {}", ROUTEROS_OPTIONS.join(", ")))
                }
            };
        }
        if ROUTEROS_ACTS.contains(&word) || !plain(&word) {
            return Err(format!("{word:?} is no menu that is only read"));
        }
    }
    Err(format!("a command of mikrotik is a menu and one of {}", ROUTEROS_VERBS.join(", ")))
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Profile::{CiscoIos, Generic, Junos, Mikrotik};

    #[test]
    fn commands_that_read_are_taken() {
        for (profile, text) in [
            (CiscoIos, "show running-config"),
            (CiscoIos, "show running-config | include ^username"),
            (Junos, "show configuration | display set | no-more"),
            (Mikrotik, "/ip service print terse without-paging"),
            (Mikrotik, "/ip/service/print terse"),
            (Mikrotik, "/export terse"),
            (Generic, "display current-configuration"),
            (Generic, "get system status"),
            (Generic, "show ntp | grep sync"),
        ] {
            assert_eq!(Command::parse(profile, text).map(|command| command.0), Ok(text.to_owned()));
        }
    }

    #[test]
    fn whatever_may_do_more_is_refused() {
        for (profile, text) in [
            (CiscoIos, "configure terminal"),
            (CiscoIos, "enable"),
            (CiscoIos, "copy running-config startup-config"),
            (CiscoIos, "shows"),
            (CiscoIos, "sh run"),
            (CiscoIos, "show running-config | redirect flash:x"),
            (CiscoIos, "show running-config | include a|redirect flash:x"),
            (CiscoIos, "show running-config |tee flash:x"),
            (CiscoIos, "show running-config > flash:x"),
            (CiscoIos, "show version\nreload"),
            (CiscoIos, "show version\rreload"),
            (CiscoIos, "show ver?"),
            (CiscoIos, "show tech-support"),
            (Junos, "show configuration | save x"),
            (Junos, "request system reboot"),
            (Junos, "show configuration | display set | tee x"),
            (Mikrotik, "/system reboot"),
            (Mikrotik, "/ip service set telnet disabled=yes"),
            (Mikrotik, "/export file=x"),
            (Mikrotik, "/ip service print file=x"),
            (Mikrotik, "/ip service print interval=1"),
            (Mikrotik, "/user add print"),
            (Mikrotik, "/ip service"),
            (Mikrotik, ":put [/user print]"),
            (Mikrotik, "show version"),
            (Generic, "reload"),
            (Generic, "show version; reload"),
            (Generic, "show $(reboot)"),
            (Generic, "show x | sh"),
            (Generic, "show x && reboot"),
            (Generic, ""),
            (Generic, "show \u{e4}"),
        ] {
            assert!(Command::parse(profile, text).is_err(), "{profile}: {text:?}");
        }
        assert!(Command::parse(Generic, &format!("show {}", "x".repeat(LONGEST))).is_err());
    }

    #[test]
    fn junos_gets_its_pager_turned_off_by_the_command_itself() {
        let typed = |text| Command::parse(Junos, text).unwrap().typed(Junos);
        assert_eq!(typed("show version"), "show version | no-more");
        assert_eq!(typed("show version | no-more"), "show version | no-more");
    }
}
