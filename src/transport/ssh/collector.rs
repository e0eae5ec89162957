//! What an administrator installs so that we need no root: exact sudoers or doas lines, or one collector.
//!
//! The collector is a root-owned script behind a forced command. It answers only by fact id, in the frame of
//! [`super::script`], and names a digest of each command, so that a collector of another catalogue shows.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::script::{DONE, PATH, RUNNER, quote, words};
use super::{Privilege, Question};
use crate::model::{FactId, TextAnswer};

/// Name and version of the request; the collector answers to nothing else.
const REQUEST: &str = "nis2watch-collect v1";
/// Where commands live, if the question does not say.
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The command line that asks a collector.
pub(super) fn request<'a>(marker: &str, facts: impl Iterator<Item = &'a FactId>) -> String {
    facts.fold(format!("{REQUEST} {marker}"), |line, fact| format!("{line} {fact}"))
}

/// Names a command in the frame: eight hexadecimal digits of its SHA-256.
pub(super) fn digest(run: &str) -> String {
    Sha256::digest(run.as_bytes()).iter().take(4).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// What a collector prints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// A collector in Rust, for servers that answer from memory: reads a request and frames what `look_up` knows of
/// each fact. An answer without a status ends the reply there. `None` for what is no request.
pub fn reply(request: &str, mut look_up: impl FnMut(&str) -> Option<TextAnswer>) -> Option<Reply> {
    let mut words = request.strip_prefix(REQUEST)?.split_ascii_whitespace();
    let marker =
        words.next().filter(|marker| marker.len() == 32 && marker.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let mut reply = Reply::default();
    for (index, fact) in words.enumerate() {
        let (answer, end) = match look_up(fact) {
            None => (TextAnswer::default(), "u".to_owned()),
            Some(TextAnswer { exit: None, .. }) => return Some(reply),
            Some(answer) => {
                let end = format!("s{} c0", answer.exit.unwrap_or_default() & 0xff);
                (answer, end)
            }
        };
        for (stream, text) in [(&mut reply.stdout, answer.stdout), (&mut reply.stderr, answer.stderr)] {
            stream.extend(format!("\n{marker} B {index}\n{text}\n{marker} E {index} {end}\n").as_bytes());
        }
    }
    for stream in [&mut reply.stdout, &mut reply.stderr] {
        stream.extend(format!("{marker} DONE\n").as_bytes());
    }
    Some(reply)
}

/// The collector for these facts: a POSIX script for `/usr/local/libexec/nis2watch-collect`, owned by root, mode 0755.
///
/// It takes its request from a forced command, from its arguments or from standard input, and becomes root by
/// sudo if it is not.
#[must_use]
pub fn collector_script(facts: &[(FactId, &Question)]) -> String {
    let arms = facts.iter().fold(String::new(), |mut arms, (fact, question)| {
        let (cap, digest, run) = (question.max_bytes.saturating_add(1), digest(&question.run), quote(&question.run));
        writeln!(arms, "{fact}) r \"$i\" {cap} {run} {digest} ;;").ok();
        arms
    });
    COLLECTOR
        .replace("@PATH@", PATH)
        .replace("@REQUEST@", REQUEST)
        .replace("@RUNNER@", RUNNER)
        .replace("@DONE@", DONE)
        .replace("@ARMS@", &arms)
}

/// The frame around the arms; the request is checked before any of it is used.
const COLLECTOR: &str = r#"#!/bin/sh
# nis2watch-collect: answers the questions of nis2watch, and nothing else. Generated; do not edit.
#
# Install as /usr/local/libexec/nis2watch-collect, owner root, mode 0755.
# authorized_keys of the account:
#   restrict,command="/usr/local/libexec/nis2watch-collect",from="MONITOR" ssh-ed25519 AAAA... nis2watch
# sudoers, unless the account is root:
#   nis2watch ALL=(root) NOPASSWD: /usr/local/libexec/nis2watch-collect ""
#
# Words are split on purpose, commands are quoted for eval, and shells that lack ulimit -t go on without it:
# shellcheck disable=SC1003,SC2016,SC2086,SC2116,SC3045
PATH=@PATH@ LC_ALL=C
export PATH LC_ALL
umask 077
ulimit -t 60 2>/dev/null
no() { echo "nis2watch-collect: $1" >&2; exit 126; }
if [ "$SSH_ORIGINAL_COMMAND" ]; then q=$SSH_ORIGINAL_COMMAND
elif [ $# -gt 0 ]; then q="nis2watch-collect $*"
else IFS= read -r q || no "no request"
fi
case $q in
*[!A-Za-z0-9\ ._:-]*) no "not a request" ;;
"@REQUEST@ "*) ;;
*) no "not a request" ;;
esac
if [ "$(id -u </dev/null)" != 0 ]; then
echo "$q" | sudo -n "$0"
exit $?
fi
set -f
set -- $q
set +f
M=$3
case $M in *[!0-9a-f]*) no "not a marker" ;; esac
[ ${#M} -eq 32 ] || no "not a marker"
shift 3
@RUNNER@i=0
for f; do
case $f in
@ARMS@*) b "$i"; echo "nis2watch-collect: unknown fact" >&2; e "$i" u ;;
esac
i=$((i+1))
done
@DONE@exit 0
"#;

/// Sudoers lines that allow exactly the commands of these facts that need root, for `/etc/sudoers.d/nis2watch`.
///
/// A command that is more than one line cannot be allowed exactly; a comment says so.
#[must_use]
pub fn sudoers(facts: &[(FactId, &Question)], user: &str) -> String {
    let mut text = format!(
        "# Generated by nis2watch: exactly the commands that its facts run as root. Check with visudo -c.\n\
         Defaults:{user} !requiretty, !lecture, secure_path=\"{PATH}\"\n"
    );
    for (fact, question) in privileged(facts) {
        match sudoers_line(question, user) {
            Some(line) => writeln!(text, "# {fact}\n{line}"),
            None => writeln!(text, "# {fact}: its command is more than one line; use the collector"),
        }
        .ok();
    }
    text
}

/// The same for `/etc/doas.conf`.
#[must_use]
pub fn doas_conf(facts: &[(FactId, &Question)], user: &str) -> String {
    let mut text =
        "# Generated by nis2watch: exactly the commands that its facts run as root. Check with doas -C.\n".to_owned();
    for (fact, question) in privileged(facts) {
        match doas_line(question, user) {
            Some(line) => writeln!(text, "# {fact}\n{line}"),
            None => {
                writeln!(text, "# {fact}: its command is more than one line, or too long for doas; use the collector")
            }
        }
        .ok();
    }
    text
}

fn privileged<'a>(facts: &'a [(FactId, &'a Question)]) -> impl Iterator<Item = &'a (FactId, &'a Question)> {
    facts.iter().filter(|(_, question)| question.privilege == Privilege::Sudo)
}

/// One sudoers line for one command; `None` if it is more than one line.
pub(super) fn sudoers_line(question: &Question, user: &str) -> Option<String> {
    let argv = argv(question)?;
    let (program, arguments) = argv.split_first()?;
    let arguments = match arguments {
        [] => "\"\"".to_owned(),
        some => some.iter().map(|word| sudoers_escape(word)).collect::<Vec<_>>().join(" "),
    };
    let places = places(program).map(|place| format!("{place} {arguments}")).collect::<Vec<_>>().join(", ");
    Some(format!("{user} ALL=(root) NOPASSWD: {places}"))
}

/// Longest word of a `doas.conf`: its reader keeps 1,024 bytes.
const LONGEST_DOAS_WORD: usize = 1_000;

/// One `doas.conf` line for one command; `None` if it is more than one line or longer than doas reads.
pub(super) fn doas_line(question: &Question, user: &str) -> Option<String> {
    let argv = argv(question)?;
    if argv.iter().any(|word| word.len() > LONGEST_DOAS_WORD) {
        return None;
    }
    let (program, arguments) = argv.split_first()?;
    let quoted = |word: &String| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
    let arguments: Vec<_> = arguments.iter().map(quoted).collect();
    // doas compares the command as it was typed, so one line without a directory is exact
    Some(format!("permit nopass {user} as root cmd {program} args {}", arguments.join(" ")).trim_end().to_owned())
}

/// What sudo is asked to run, word by word.
fn argv(question: &Question) -> Option<Vec<String>> {
    let run = &question.run;
    words(run).or_else(|| (!run.contains('\n')).then(|| vec!["sh".into(), "-c".into(), run.clone()]))
}

/// The paths that a program may have; those that do not exist allow nothing.
fn places(program: &str) -> impl Iterator<Item = String> {
    let given = program.starts_with('/').then(|| program.to_owned());
    let found =
        DIRECTORIES.iter().filter(|_| !program.starts_with('/')).map(move |directory| format!("{directory}/{program}"));
    given.into_iter().chain(found)
}

/// One argument for sudoers(5), matched literally: sudo removes one level of backslashes before `, : = # \` and
/// blanks, and then takes the rest as a pattern of fnmatch(3).
fn sudoers_escape(word: &str) -> String {
    word.chars().fold(String::new(), |mut text, c| {
        match c {
            '\\' => text.push_str(r"\\\\"),
            ',' | ':' | '=' | '#' | ' ' | '\t' | '*' | '?' | '[' | ']' | '!' | '^' => text.extend(['\\', c]),
            other => text.push(other),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::transcript::{End, Stream, Transcript};
    use super::*;

    fn question(run: &str) -> Question {
        Question { run: run.into(), privilege: Privilege::Sudo, max_bytes: 100, timeout: None }
    }

    #[test]
    fn sudoers_lines_are_exact_and_escaped() {
        let line = |run| sudoers_line(&question(run), "n").unwrap();
        assert_eq!(line("/usr/sbin/sshd -T"), "n ALL=(root) NOPASSWD: /usr/sbin/sshd -T");
        assert_eq!(line("/sbin/iptables-save"), "n ALL=(root) NOPASSWD: /sbin/iptables-save \"\"");
        assert!(line("nft list ruleset").contains(": /usr/sbin/nft list ruleset, /usr/bin/nft list ruleset, "));
        assert!(line("a 'x=1,b:*'").ends_with(r"/bin/a x\=1\,b\:\*"));
        assert!(line("a | b").ends_with(r"/bin/sh -c a\ |\ b"));
        assert_eq!(sudoers_line(&question("a\nb"), "n"), None);
    }

    #[test]
    fn a_collector_in_memory_speaks_the_same_frame() {
        let marker = "0123456789abcdef0123456789abcdef";
        let facts = ["a.b", "c.d", "e.f"].map(|fact| FactId::parse(fact).unwrap());
        let look_up = |fact: &str| match fact {
            "a.b" => Some(TextAnswer { stdout: "x\n".into(), stderr: "y".into(), exit: Some(3), truncated: false }),
            "e.f" => Some(TextAnswer::default()),
            _ => None,
        };
        let reply = reply(&request(marker, facts.iter()), look_up).unwrap();
        let mut transcript = Transcript::new(marker, [10; 3], 100);
        transcript.feed(Stream::Out, &reply.stdout);
        transcript.feed(Stream::Err, &reply.stderr);
        let [first, second, third] = transcript.sections.as_slice() else { panic!() };
        assert_eq!((first.stdout.as_slice(), first.stderr.as_slice()), (&b"x\n"[..], &b"y"[..]));
        assert_eq!((first.end, second.end, third.end), (Some(End::Status(3)), Some(End::UnknownFact), None));
        assert!(!transcript.is_done());
        assert_eq!(super::reply("id", |_| None), None);
    }

    #[test]
    fn only_privileged_facts_are_allowed() {
        let (id, with) = (FactId::parse("linux.sshd").unwrap(), question("sshd -T"));
        let without = Question { privilege: Privilege::None, ..question("id") };
        let text = sudoers(&[(id.clone(), &with), (FactId::parse("linux.id").unwrap(), &without)], "n");
        assert!(text.contains("# linux.sshd\n") && !text.contains("linux.id"), "{text}");
        assert!(doas_conf(&[(id, &with)], "n").contains("permit nopass n as root cmd sshd args \"-T\"\n"));
    }
}
