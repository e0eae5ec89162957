//! What a device says instead of an answer.

use super::Profile;

/// Lines at the head of an output that may be a refusal; further down they are somebody's text.
const HEAD: usize = 3;

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The account may not.
    Forbidden,
    /// The device does not know it, or hides it from this account.
    Unknown,
    /// The device knows only a part of it: the fact does not fit.
    Misfit,
}

/// Words in lower case, for all profiles: makers copy each other.
const WORDS: [(&str, Refusal); 23] = [
    ("authorization failed", Refusal::Forbidden),
    ("permission denied", Refusal::Forbidden),
    ("not enough permissions", Refusal::Forbidden),
    ("not authorized", Refusal::Forbidden),
    ("insufficient privilege", Refusal::Forbidden),
    ("access denied", Refusal::Forbidden),
    ("no permission", Refusal::Forbidden),
    ("% invalid input", Refusal::Unknown),
    ("%invalid input", Refusal::Unknown),
    ("% invalid command", Refusal::Unknown),
    ("% bad ip address or host name", Refusal::Unknown),
    ("% unknown command", Refusal::Unknown),
    ("unknown command", Refusal::Unknown),
    ("% unrecognized command", Refusal::Unknown),
    ("error: unrecognized command", Refusal::Unknown),
    ("error: command is not valid", Refusal::Unknown),
    ("invalid input:", Refusal::Unknown),
    ("bad command name", Refusal::Unknown),
    ("% incomplete command", Refusal::Misfit),
    ("% ambiguous command", Refusal::Misfit),
    ("expected end of command", Refusal::Misfit),
    ("expected command name", Refusal::Misfit),
    ("syntax error", Refusal::Misfit),
];

/// The refusal at the head of an output, with the line that says so.
pub(super) fn find(output: &str) -> Option<(Refusal, &str)> {
    let head = output.lines().map(str::trim).filter(|line| !line.is_empty()).take(HEAD);
    head.filter(|line| !line.starts_with('!')).find_map(|line| {
        let lower: String = line.chars().take(120).collect::<String>().to_lowercase();
        // a sentence, not a setting that holds such words
        let found = WORDS.iter().find(|(words, _)| lower.starts_with(words) || is_said(&lower, words));
        found.map(|(_, refusal)| (*refusal, line))
    })
}

/// A refusal may follow the name of who speaks: `error: permission denied`, `Command authorization failed.`
fn is_said(line: &str, words: &str) -> bool {
    let speakers = ["error: ", "% ", "command ", "% command ", "failure: ", "error: failure: ", "user is "];
    speakers.iter().any(|speaker| line.strip_prefix(speaker).is_some_and(|rest| rest.starts_with(words)))
}

impl Refusal {
    /// What it means and what to do about it.
    pub(super) fn advice(self, command: &str, profile: Profile, said: &str) -> String {
        match self {
            Self::Forbidden => format!("{command:?} is not allowed to this account ({said}): allow it for reading"),
            Self::Unknown => format!(
                "{command:?} was not accepted ({said}): this account may not see it, or the device has no such command ({profile})"
            ),
            Self::Misfit => {
                format!("{command:?} was not understood ({said}): the fact does not fit this device ({profile})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_found_at_the_head_only() {
        for (output, refusal) in [
            ("     ^\n% Invalid input detected at '^' marker.\n", Refusal::Unknown),
            ("Command authorization failed.\n", Refusal::Forbidden),
            ("% Authorization failed.\n", Refusal::Forbidden),
            ("error: permission denied: configuration\n", Refusal::Forbidden),
            ("unknown command.\n", Refusal::Unknown),
            ("bad command name foo (line 1 column 1)\n", Refusal::Unknown),
            ("not enough permissions (9)\n", Refusal::Forbidden),
            ("syntax error, expecting <command>.\n", Refusal::Misfit),
            ("% Incomplete command.\n", Refusal::Misfit),
        ] {
            assert_eq!(find(output).map(|(found, _)| found), Some(refusal), "{output}");
        }
        for output in [
            "hostname sw1\nversion 15\na\nbanner motd\n% Invalid input\n",
            "%NTP is not enabled.\n",
            "! permission denied\nversion 15\n",
            "description permission denied since 2020\n",
            "",
        ] {
            assert_eq!(find(output), None, "{output}");
        }
    }
}
