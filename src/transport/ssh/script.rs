//! The script that carries all questions of a visit, and what a shell line means to sudo.

use std::fmt::Write;

use super::{Access, Elevation, Privilege, Question};
use crate::model::FactId;

/// Processor seconds after which the asset itself ends a command that runs wild.
const CPU_SECONDS: u32 = 60;

/// Runs one command between its marks. `r INDEX BYTES COMMAND [DIGEST]`: the exit status of the command (`s`)
/// is taken before the pipe that caps its output, whose own status (`c`) is reported beside it; a command with
/// a syntax error spoils only its own answer. `echo` is a builtin everywhere, so no process shows the marker.
pub(super) const RUNNER: &str = r#"b() { echo; echo "$M B $1 $2"; { echo; echo "$M B $1 $2"; } >&2; }
e() { echo; echo "$M E $1 $2"; { echo; echo "$M E $1 $2"; } >&2; }
r() {
b "$1" "$4"
x=$({ { (eval "$3") 3>&- 4>&- </dev/null; echo "s$?" >&3; } | { head -c "$2" >&4; echo "c$?" >&3; }; } 3>&1)
e "$1" "$(echo $x)"
}
exec 4>&1
"#;
/// The last words on both streams.
pub(super) const DONE: &str = "echo \"$M DONE\"\necho \"$M DONE\" >&2\n";
/// PATH as root expects it: an SSH login of others lacks sbin, and tools there would seem not installed.
pub(super) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether there is such a program, also one that only root may run, where sudo and doas look: they refuse a program that
/// does not exist as one that is not allowed, and the account would be told to ask for a right that helps nothing.
const HAVE: &str = r#"h() {
IFS=:
for d in $PATH:/usr/local/sbin:/usr/local/bin; do [ -e "$d/$1" ] && unset IFS && return 0; done
echo "$1: not found" >&2
exit 127
}
"#;

/// Builds the script for these questions.
pub(super) fn script(marker: &str, access: &Access, questions: &[(&FactId, &Question)]) -> String {
    let mut text = format!(
        "M={marker}\nPATH={PATH}:$PATH LC_ALL=C\nexport PATH LC_ALL\numask 077\nulimit -t {CPU_SECONDS} 2>/dev/null\n{RUNNER}"
    );
    if questions.iter().any(|(_, question)| question.privilege == Privilege::Sudo) {
        text.push_str(HAVE);
        text.push_str("u=$(id -u </dev/null)\n");
        text.push_str("p() { if [ \"$u\" = 0 ]; then r \"$1\" \"$2\" \"$3\"; elif [ \"$4\" ]; then r \"$1\" \"$2\" \"$4\"; else b \"$1\"; e \"$1\" p; fi; }\n");
    }
    for (index, (_, question)) in questions.iter().enumerate() {
        let (cap, run) = (question.max_bytes.saturating_add(1), quote(&question.run));
        match question.privilege {
            Privilege::None => writeln!(text, "r {index} {cap} {run}"),
            Privilege::Sudo => {
                let raised = quote(&elevated(&question.run, access.privilege).unwrap_or_default());
                writeln!(text, "p {index} {cap} {run} {raised}")
            }
        }
        .ok();
    }
    text.push_str(DONE);
    text.push_str("exit 0\n");
    text
}

/// The same command by way of sudo or doas; `None` where there is no such way.
fn elevated(run: &str, by: Elevation) -> Option<String> {
    let program = match by {
        Elevation::Sudo => "sudo -n",
        Elevation::Doas => "doas -n",
        Elevation::None | Elevation::Collector => return None,
    };
    Some(match words(run) {
        Some(words) if words[0].contains('/') => format!("{program} {}", run.trim()),
        Some(words) => format!("h {}; {program} {}", words[0], run.trim()),
        None => format!("{program} sh -c {}", quote(run)),
    })
}

/// One word for any POSIX shell.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The words of a command that any shell passes on as they stand: a program of the file system and plain or
/// simply quoted arguments. `None` for everything that needs a shell.
pub(super) fn words(run: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = run.trim().chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        end if end == c => break,
                        '$' | '`' | '\\' if c == '"' => return None,
                        '\n' => return None,
                        inner => word.push(inner),
                    }
                }
            }
            c if c.is_ascii_alphanumeric() || "/._-+:=,@%^".contains(c) => word.get_or_insert_default().push(c),
            _ => return None,
        }
    }
    words.extend(word);
    let program = words.first()?;
    let plain = !program.contains('=') && !program.starts_with('-') && !SHELL_WORDS.contains(&program.as_str());
    plain.then_some(words)
}

/// First words that mean something to the shell itself.
const SHELL_WORDS: [&str; 30] = [
    "", ".", ":", "alias", "break", "case", "cd", "command", "continue", "do", "done", "elif", "else", "eval", "exec",
    "exit", "export", "fi", "for", "if", "read", "set", "shift", "then", "trap", "type", "ulimit", "umask", "until",
    "while",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_command_goes_to_sudo_as_written_and_the_rest_to_a_shell() {
        let sudo = |run| elevated(run, Elevation::Sudo).unwrap();
        assert_eq!(sudo("sshd -T"), "h sshd; sudo -n sshd -T");
        assert_eq!(sudo("/usr/sbin/sshd -T"), "sudo -n /usr/sbin/sshd -T");
        assert_eq!(sudo("dpkg-query -W -f '${Package}\\n'"), "h dpkg-query; sudo -n dpkg-query -W -f '${Package}\\n'");
        assert_eq!(sudo("cat /etc/shadow | wc -l"), "sudo -n sh -c 'cat /etc/shadow | wc -l'");
        assert_eq!(sudo("cd /; ls"), "sudo -n sh -c 'cd /; ls'");
        assert_eq!(sudo("echo 'a'b; id"), r"sudo -n sh -c 'echo '\''a'\''b; id'");
        assert_eq!(elevated("id", Elevation::None), None);
    }

    #[test]
    fn words_refuse_whatever_a_shell_would_interpret() {
        assert_eq!(words("cat '/a b' -x\"y z\"").unwrap(), ["cat", "/a b", "-xy z"]);
        for shell in [
            "", "a|b", "a;b", "a&", "$A", "a `b`", "a *", "a ?", "a [b]", "a {b,c}", "A=1 b", "a >b", "a\nb", "~/a",
            "if a", "'a", "a \"$b\"", "a #b", "a \\b", "!a",
        ] {
            assert_eq!(words(shell), None, "{shell:?}");
        }
    }
}
