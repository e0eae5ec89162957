//! The families of command lines that are spoken: their prompts, their pagers, the words that read.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// A family of command lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Cisco's IOS, `IOS XE` and what follows their ways.
    CiscoIos,
    /// Juniper Junos.
    Junos,
    /// MikroTik RouterOS.
    Mikrotik,
    /// Anything with a prompt that ends in `>`, `#`, `$`, `%` or `]`.
    Generic,
}

macro_rules! pattern {
    ($name:ident, $source:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($source).expect("a constant pattern compiles"));
    };
}
pattern!(CISCO, r"^[A-Za-z0-9][A-Za-z0-9_.\-/:@()+~]{0,79}[>#]$");
pattern!(JUNOS, r"^[A-Za-z0-9_.\-]{1,64}@[A-Za-z0-9_.\-]{1,64}(?::[^ ]{0,64})? ?[>%#]$");
pattern!(ROUTEROS, r"^\[[^\[\]]{1,120}\](?: [a-z0-9/ \-]{1,60})? ?(?:<[A-Za-z]{1,10}>)?>$");
pattern!(GENERIC, r"^[A-Za-z0-9_\[(<!*][^\x00-\x1f]{0,78}[>#$%\]]$");
pattern!(MODE_THAT_CHANGES, r"(?i)\((?:conf|cfg|edit)[^)]{0,60}\) ?[>#]$|^\[~?\*?edit");
pattern!(
    PAGER,
    r"(?i)^(?:.{0,20}-{1,4} ?\(?more\b.{0,60}|<-{2,4} ?more ?-{2,4}>|-- \[q quit.{0,60}|press any key .{0,60}|.{0,30}press (?:space|enter|return) .{0,60}|.{0,20}\(q\)uit.{0,60})$"
);
pattern!(LOGIN, r"(?i)(?:user ?name|login|pass(?:word|code|phrase)|pin|token)[^:\n]{0,40}:$");

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CiscoIos, Self::Junos, Self::Mikrotik, Self::Generic];

    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CiscoIos => "cisco_ios",
            Self::Junos => "junos",
            Self::Mikrotik => "mikrotik",
            Self::Generic => "generic",
        }
    }

    /// First words that only read.
    pub(super) const fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::CiscoIos | Self::Junos => &["show"],
            Self::Mikrotik => &["print", "export", "get"],
            Self::Generic => &["show", "display", "print", "get"],
        }
    }

    /// Words behind a bar that only choose lines or their form.
    pub(super) const fn filters(self) -> &'static [&'static str] {
        match self {
            Self::CiscoIos => &["include", "exclude", "begin", "section", "count"],
            Self::Junos => &["display", "match", "except", "find", "count", "last", "trim", "no-more"],
            Self::Mikrotik => &[],
            Self::Generic => &["include", "exclude", "begin", "section", "match", "except", "grep", "count", "no-more"],
        }
    }

    /// What turns the pager off for this session alone, where that is more than an option of each command.
    pub(super) const fn preparation(self) -> &'static [&'static str] {
        match self {
            Self::CiscoIos => &["terminal length 0"],
            Self::Junos | Self::Mikrotik | Self::Generic => &[],
        }
    }

    /// What is added to the account: RouterOS takes there whether to colour, to probe the terminal, and its size.
    pub(in crate::transport::ssh) const fn login_suffix(self) -> &'static str {
        match self {
            Self::Mikrotik => "+ct511w1000h",
            _ => "",
        }
    }

    /// Whether a line can be the prompt.
    pub(super) fn is_prompt(self, line: &str) -> bool {
        let pattern: &Regex = match self {
            Self::CiscoIos => &CISCO,
            Self::Junos => &JUNOS,
            Self::Mikrotik => &ROUTEROS,
            Self::Generic => &GENERIC,
        };
        pattern.is_match(line) && !is_pager(line)
    }

    /// Why nothing is typed at this prompt, if so.
    pub(super) fn forbids(self, prompt: &str) -> Option<&'static str> {
        if MODE_THAT_CHANGES.is_match(prompt) || (self == Self::Junos && prompt.ends_with('#')) {
            return Some(
                "the session opens in a mode that changes the configuration; give the account a login that reads",
            );
        }
        let shell = self == Self::Junos && prompt.ends_with('%');
        shell.then_some("the session opens a Unix shell; use an account whose shell is the command line (no root)")
    }
}

/// Whether a line waits for a key before more is shown.
pub(super) fn is_pager(line: &str) -> bool {
    PAGER.is_match(line.trim())
}

/// Whether a line asks for a name or a secret.
pub(super) fn asks_for_login(line: &str) -> bool {
    LOGIN.is_match(line.trim())
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_told_from_other_lines() {
        for (profile, yes) in [
            (Profile::CiscoIos, &["sw1#", "sw-1.plant>", "RP/0/RSP0/CPU0:r1#"][..]),
            (Profile::Junos, &["ro@ex2300>", "ro@fw-1:node0>"]),
            (Profile::Mikrotik, &["[ro@MikroTik] >", "[ro@gw 1] /ip/service>", "[ro@gw] <SAFE>>"]),
            (Profile::Generic, &["<sw1>", "(Hirschmann) >", "!*(RSP) #", "FGT60 #", "sw$", "[~sw1]"]),
        ] {
            for line in yes {
                assert!(profile.is_prompt(line), "{profile}: {line}");
            }
        }
        for line in ["", "Password:", "Welcome to sw1", "--More--", "interface Gi1/0/1", "two words#"] {
            assert!(!Profile::CiscoIos.is_prompt(line), "{line}");
        }
        assert!(!Profile::Generic.is_prompt("<--- More --->"));
    }

    #[test]
    fn nothing_is_typed_where_configuration_changes() {
        for line in ["sw1(config)#", "sw1(config-if)#"] {
            assert!(Profile::CiscoIos.is_prompt(line) && Profile::CiscoIos.forbids(line).is_some(), "{line}");
        }
        assert!(Profile::Junos.forbids("ro@ex#").is_some() && Profile::Junos.forbids("root@ex:~ %").is_some());
        assert!(Profile::Generic.forbids("(RSP) (Config)#").is_some());
        assert!(Profile::CiscoIos.forbids("sw1#").is_none());
    }

    #[test]
    fn pagers_of_many_makers_are_seen() {
        for line in [
            " --More-- ",
            "--More--",
            "---(more)---",
            "---(more 42%)---",
            "  ---- More ----",
            "<--- More --->",
            "-- MORE --, next page: Space, next line: Enter, quit: Control-C",
            "-- [Q quit|D dump|down]",
            "Press any key to continue",
            "--More-- or (q)uit",
        ] {
            assert!(is_pager(line), "{line}");
        }
        for line in ["description more ports", "sw1#", ""] {
            assert!(!is_pager(line), "{line}");
        }
    }
}
