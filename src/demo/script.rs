//! Reads the script that the product sends over SSH, as far as a device that only plays a part needs it.
//!
//! The script is a runner of shell functions and then one line a question: `r INDEX BYTES COMMAND` for anybody, `p
//! INDEX BYTES COMMAND RAISED` for what needs root. Nothing of it is ever run; the commands are looked up.

/// The variable that holds the marker.
const MARKER: &str = "M=";
/// Most questions of one script.
const MOST: usize = 512;

/// A script, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// What frames the answers.
    pub(super) marker: String,
    /// The questions, in order.
    pub(super) commands: Vec<Command>,
}

/// One question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Its number.
    pub(super) index: String,
    /// Bytes of output that are wanted.
    pub(super) cap: usize,
    /// The text of the fact file.
    pub(super) run: String,
    /// How it becomes root; empty when there is no way; `None` when it need not.
    pub(super) raised: Option<String>,
}

impl Script {
    /// Takes a script apart; `None` when it is not one of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let marker = text.lines().find_map(|line| line.strip_prefix(MARKER))?.to_owned();
        let mut commands = Vec::new();
        let mut rest = text;
        while !rest.is_empty() && commands.len() < MOST {
            let is_question = ["r ", "p "]
                .into_iter()
                .any(|name| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
            if is_question {
                let (words, after) = words(rest)?;
                commands.push(command(words)?);
                rest = after;
            } else {
                rest = rest.split_once('\n').map_or("", |(_, after)| after);
            }
        }
        Some(Self { marker, commands })
    }
}

fn command(words: Vec<String>) -> Option<Command> {
    let mut words = words.into_iter();
    let name = words.next()?;
    let (index, cap, run) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let raised = if name == "p" { Some(words.next()?) } else { None };
    Some(Command { index, cap, run, raised })
}

/// The words of one shell line whose only quoting is `'…'` and `\'`, and what follows the line.
fn words(line: &str) -> Option<(Vec<String>, &str)> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => {
                words.extend(word);
                return Some((words, &line[at + 1..]));
            }
            ' ' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?.1),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()?.1 {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Some((words, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_found_behind_the_runner_and_their_quoting_is_undone() {
        let text = "M=abc\nr() {\nb \"$1\" \"$4\"\n}\nr 0 11 'cat /etc/os-release'\n\
                    p 1 22 'sed '\\''s/a/b/'\\''\nr 9 9 x' 'sudo -n sshd -T'\np 2 3 'id' ''\necho \"$M DONE\"\nexit 0\n";
        let script = Script::parse(text).unwrap();
        assert_eq!(script.marker, "abc");
        let found: Vec<_> =
            script.commands.iter().map(|one| (one.cap, one.run.as_str(), one.raised.as_deref())).collect();
        assert_eq!(
            found,
            [
                (11, "cat /etc/os-release", None),
                (22, "sed 's/a/b/'\nr 9 9 x", Some("sudo -n sshd -T")),
                (3, "id", Some("")),
            ]
        );
    }

    #[test]
    fn what_is_no_script_of_ours_is_refused() {
        for text in ["", "echo hello\n", "M=abc\nr 0 11 'no end\n", "M=abc\nr 0 many 'x'\n"] {
            assert_eq!(Script::parse(text), None, "{text:?}");
        }
    }
}
