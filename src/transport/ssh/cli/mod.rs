//! Command lines of network devices: a terminal, a prompt that is learnt, one command at a time.
//!
//! For devices whose SSH has no usable exec. Only the commands of fact files are typed, and those only if they
//! begin with a word that reads ([`Command::parse`]); besides them a bare Enter, the key that a pager waits for,
//! and the profile's own word that turns the pager off. Nobody ever enters a privileged or a configuration mode.
//!
//! A command line frames nothing: where an answer ends must be seen. An answer is over when the learnt prompt
//! stands alone at the end, and a bare Enter brings exactly one more of it; and it counts only when the echo of
//! the next command, or one more Enter, shows that nothing was still to come.

mod command;
mod conversation;
mod profile;
mod refusal;
mod screen;
mod stop;
mod terminal;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use command::Command;
pub(super) use conversation::run;
pub use profile::Profile;

/// Bytes kept of one answer unless the question says otherwise.
const MAX_BYTES: usize = 256 * 1024;
/// Begins the line that tells the profile at the head of every answer.
const HEADING: &str = "== ";

/// What a fact asks of a command line, as written under `ask: { cli: … }`.
///
/// The answer begins with a line `== PROFILE`, so that one fact reads the words of several makers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// One command for all profiles that have such a command, or one each.
    pub run: Commands,
    /// Bytes of output that are kept; more marks the answer as truncated.
    #[serde(default = "max_bytes")]
    pub max_bytes: usize,
    /// How long the command may take; 30 seconds when left out.
    #[serde(default, with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

const fn max_bytes() -> usize {
    MAX_BYTES
}

/// Commands by profile, each of which only reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Commands(BTreeMap<Profile, Command>);

impl Commands {
    /// The command for a device of this profile, if the fact has one.
    #[must_use]
    pub fn of(&self, profile: Profile) -> Option<&Command> {
        self.0.get(&profile)
    }

    /// A text for every profile that has such a command.
    fn everywhere(text: &str) -> Result<Self, String> {
        let parsed = Profile::ALL.map(|profile| (profile, Command::parse(profile, text)));
        let first = parsed.iter().find_map(|(_, command)| command.as_ref().err().cloned());
        let commands: BTreeMap<_, _> =
            parsed.into_iter().filter_map(|(profile, command)| Some((profile, command.ok()?))).collect();
        if commands.is_empty() { Err(first.unwrap_or_default()) } else { Ok(Self(commands)) }
    }
}

impl fmt::Display for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said: Vec<&str> = Vec::new();
        for command in self.0.values().map(Command::text) {
            if !said.contains(&command) {
                said.push(command);
            }
        }
        f.write_str(&said.join(" / "))
    }
}

impl<'de> Deserialize<'de> for Commands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a command, or a map from profile (cisco_ios, junos, mikrotik, generic) to command"
        )]
        enum Written {
            One(String),
            Each(BTreeMap<Profile, String>),
        }
        let read = match Written::deserialize(deserializer)? {
            Written::One(text) => Self::everywhere(&text),
            Written::Each(texts) if texts.is_empty() => Err("no profile has a command".to_owned()),
            Written::Each(texts) => texts
                .into_iter()
                .map(|(profile, text)| Ok((profile, Command::parse(profile, &text)?)))
                .collect::<Result<_, String>>()
                .map(Self),
        };
        read.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(json: &str) -> Result<Question, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn one_command_is_for_the_profiles_that_have_such_a_command() {
        let asked = question(r#"{"run": "show version"}"#).unwrap();
        let of = |profile| asked.run.of(profile).map(Command::text);
        assert_eq!((of(Profile::CiscoIos), of(Profile::Mikrotik)), (Some("show version"), None));
        assert_eq!(asked.run.to_string(), "show version");
        assert_eq!(asked.max_bytes, MAX_BYTES);
    }

    #[test]
    fn a_command_that_does_not_only_read_does_not_load() {
        for bad in [
            r#"{"run": "configure terminal"}"#,
            r#"{"run": {"cisco_ios": "show version", "junos": "request system reboot"}}"#,
            r#"{"run": {}}"#,
            r#"{"run": {"ios": "show version"}}"#,
            r#"{"runs": "show version"}"#,
        ] {
            assert!(question(bad).is_err(), "{bad}");
        }
        assert!(question(r#"{"run": "enable"}"#).unwrap_err().contains("show"));
    }
}
