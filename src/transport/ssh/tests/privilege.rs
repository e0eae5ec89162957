//! Ways to root: real sudo under a private sudoers file, the collector under several shells, visudo's opinion.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::model::{Cause, FactId};
use crate::transport::ssh::testing::{Server, ask_questions, facts, gate, question, run};
use crate::transport::ssh::transcript::{End, Stream, Transcript};
use crate::transport::ssh::{Access, Elevation, Privilege, Question, collector, collector_script, script, sudoers};

const MARKER: &str = "0123456789abcdef0123456789abcdef";

fn root(run: &str) -> Question {
    Question { privilege: Privilege::Sudo, ..question(run) }
}

/// Commands that an exact line must survive: blanks, quotes, patterns, backslashes, what sudoers itself interprets.
const AWKWARD: [&str; 7] = [
    "id -u",
    "echo 'a  b' x=1,y:z",
    "echo '*' '[a]' '?' '!x'",
    "id -u | tr 0 R",
    "echo \"a\\b\" # not said",
    "printf '%s\\n' 'q\"q' ; id -u",
    "for f in 1 2; do echo \"$f:$((f+1))=x, y\"; done",
];

/// Feeds a script to a program and reads the frames.
async fn framed(program: &mut Command, input: &str, count: usize) -> Transcript {
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.ok();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let mut transcript = Transcript::new(MARKER, vec![1000; count], 100_000);
    transcript.feed(Stream::Out, &output.stdout);
    transcript.feed(Stream::Err, &output.stderr);
    transcript
}

/// `sh -s` as an account without any right, with this file in the place of /etc/sudoers, in a mount namespace of its own.
fn as_nobody(sudoers: &std::path::Path) -> Command {
    let mut command = Command::new("unshare");
    let inner = "mount --bind \"$1\" /etc/sudoers && exec setpriv --reuid=nobody --regid=nogroup --clear-groups sh -s";
    command.args(["-m", "sh", "-c", inner, "sh"]).arg(sudoers);
    command
}

fn elevated_script(questions: &[Question], privilege: Elevation) -> String {
    let server_less = Access {
        privilege,
        ..Access::new(
            "nobody",
            crate::transport::ssh::Credential::Password(crate::model::Secret::new(String::new())),
            crate::transport::ssh::HostKeyPolicy::Learn,
        )
    };
    let facts = facts(questions.len());
    let pairs: Vec<_> = facts.iter().zip(questions).collect();
    script::script(MARKER, &server_less, &pairs)
}

#[tokio::test]
async fn the_generated_sudoers_lines_allow_exactly_these_commands() {
    let questions = AWKWARD.map(root);
    let facts = facts(questions.len());
    let pairs: Vec<_> = facts.iter().cloned().zip(&questions).collect();
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("sudoers");
    std::fs::write(&file, sudoers(&pairs, "nobody")).unwrap();
    run("chmod", &["0440", file.to_str().unwrap()]).await;
    run("visudo", &["-c", "-f", file.to_str().unwrap()]).await;

    let transcript =
        framed(&mut as_nobody(&file), &elevated_script(&questions, Elevation::Sudo), questions.len()).await;
    for (section, question) in transcript.sections.iter().zip(&questions) {
        let output = String::from_utf8_lossy(&section.stdout);
        let wanted = run("sh", &["-c", &question.run]).await;
        assert_eq!((section.end, output.as_ref()), (Some(End::Status(0)), wanted.as_str()), "{question:?} {section:?}");
    }

    let others =
        ["id", "id -u -r", "echo 'a b' x=1,y:z", "echo a '[a]' '?' '!x'", "id -u | tr 0 S", "cat /etc/sudoers"]
            .map(root);
    let transcript = framed(&mut as_nobody(&file), &elevated_script(&others, Elevation::Sudo), others.len()).await;
    for section in &transcript.sections {
        assert_eq!(section.end, Some(End::Status(1)), "{section:?}");
        assert!(String::from_utf8_lossy(&section.stderr).contains("a password is required"), "{section:?}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_from_one_that_is_not_allowed() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("sudoers");
    std::fs::write(&file, "").unwrap();
    let questions = [root("no-such-program -v"), root("id -u"), question("echo fine")];
    let transcript =
        framed(&mut as_nobody(&file), &elevated_script(&questions, Elevation::Sudo), questions.len()).await;
    let said = |at: usize| String::from_utf8_lossy(&transcript.sections[at].stderr).into_owned();
    assert_eq!(transcript.sections[0].end, Some(End::Status(127)));
    assert!(said(0).contains("no-such-program: not found"), "{}", said(0));
    assert_eq!(transcript.sections[1].end, Some(End::Status(1)));
    assert!(said(1).contains("a password is required"), "{}", said(1));
    assert_eq!(transcript.sections[2].end, Some(End::Status(0)));
}

#[tokio::test]
async fn without_a_way_to_root_nothing_is_run() {
    let questions = [root("id -u"), question("id -u")];
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("sudoers");
    std::fs::write(&file, "").unwrap();
    let transcript = framed(&mut as_nobody(&file), &elevated_script(&questions, Elevation::None), 2).await;
    assert_eq!(transcript.sections[0].end, Some(End::NoPrivilege));
    assert_eq!(
        (transcript.sections[1].end, transcript.sections[1].stdout.as_slice()),
        (Some(End::Status(0)), &b"65534\n"[..])
    );
    // an account that is root needs no way
    let server = Server::sshd("").await;
    for privilege in [Elevation::None, Elevation::Sudo, Elevation::Doas] {
        let answers = ask_questions(&Access { privilege, ..server.access() }, &questions, &gate()).await;
        assert_eq!(answers[0].as_ref().unwrap().stdout, "0\n");
    }
}

#[tokio::test]
async fn a_refusal_of_sudo_names_the_line_that_would_allow_it() {
    // an account that is not root, and a sudo that speaks as the real one does
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("shell");
    let fake = "id() { echo 1000; }\nsudo() { echo 'sudo: a password is required' >&2; return 1; }\neval \"$(cat)\"\n";
    std::fs::write(&file, fake).unwrap();
    let server = Server::sshd(&format!("ForceCommand exec sh {}", file.display())).await;
    let access = Access { privilege: Elevation::Sudo, ..server.access() };
    let long = format!("echo {} | cat", "x".repeat(2_000));
    let asked = [root("sshd -T"), question("echo fine"), root(&long)];
    let answers = ask_questions(&access, &asked, &gate()).await;
    let error = answers[0].as_ref().unwrap_err();
    assert_eq!(error.cause(), Cause::Privilege, "{error}");
    assert!(error.to_string().contains("sudoers: root ALL=(root) NOPASSWD: /usr/sbin/sshd -T"), "{error}");
    assert_eq!(answers[1].as_ref().unwrap().stdout, "fine\n");
    // half a line would allow nothing
    let error = answers[2].as_ref().unwrap_err().to_string();
    assert!(error.contains("`nis2watch catalog handout sudoers --account root`") && !error.contains("xxx"), "{error}");
}

#[tokio::test]
async fn the_script_runs_alike_under_every_shell() {
    let questions = [
        question("echo a; echo b >&2; exit 3"),
        root("printf x"),
        question("head -c 5000 /dev/zero"),
        question("echo 'open"),
    ];
    let text = elevated_script(&questions, Elevation::None);
    for shell in [&["dash"][..], &["bash"], &["bash", "--posix"], &["busybox", "sh"]] {
        let transcript = framed(Command::new(shell[0]).args(&shell[1..]).arg("-s"), &text, 4).await;
        assert!(transcript.is_done(), "{shell:?}");
        let [first, second, third, fourth] = transcript.sections.as_slice() else { panic!() };
        assert_eq!((first.stdout.as_slice(), first.stderr.as_slice()), (&b"a\n"[..], &b"b\n"[..]), "{shell:?}");
        assert_eq!((first.end, second.stdout.as_slice()), (Some(End::Status(3)), &b"x"[..]), "{shell:?}");
        assert!(third.truncated && third.end.is_some(), "{shell:?}");
        assert!(!matches!(fourth.end, None | Some(End::Status(0))), "{shell:?} {fourth:?}");
    }
}

fn collection() -> (Vec<FactId>, [Question; 2], String) {
    let questions = [root("id -u; echo \"it's\" >&2"), question("exit 4")];
    let facts = facts(2);
    let text = collector_script(&facts.iter().cloned().zip(&questions).collect::<Vec<_>>());
    (facts, questions, text)
}

#[tokio::test]
async fn the_collector_answers_by_fact_under_every_shell() {
    let (_, questions, text) = collection();
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("collect").display().to_string();
    std::fs::write(&file, text).unwrap();
    for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
        let mut check = shell.to_vec();
        check.extend(["-n", &file]);
        run(check[0], &check[1..]).await;
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(&file);
        command.env("SSH_ORIGINAL_COMMAND", format!("nis2watch-collect v1 {MARKER} test.1 test.0 test.9"));
        let transcript = framed(&mut command, "", 3).await;
        let ends: Vec<_> = transcript.sections.iter().map(|section| section.end).collect();
        assert_eq!(ends, [Some(End::Status(4)), Some(End::Status(0)), Some(End::UnknownFact)], "{shell:?}");
        assert_eq!(transcript.sections[1].stdout, b"0\n");
        assert_eq!(transcript.sections[1].digest, Some(collector::digest(&questions[0].run)));
    }
}

#[tokio::test]
async fn the_collector_answers_nothing_else() {
    let (_, _, text) = collection();
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("collect");
    std::fs::write(&file, text).unwrap();
    let good = format!("nis2watch-collect v1 {MARKER} test.0");
    for request in [
        "id",
        "",
        &format!("{good}; id"),
        &format!("{good}\nid"),
        "nis2watch-collect v1 xyz test.0",
        "nis2watch-collect v2 a",
        "nis2watch-collect v1",
    ] {
        let output =
            Command::new("sh").arg(&file).env("SSH_ORIGINAL_COMMAND", request).stdin(Stdio::null()).output().await;
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(126), "{request:?} {output:?}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_forced_collector_serves_a_visit() {
    let (_, questions, text) = collection();
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("collect");
    std::fs::write(&file, text).unwrap();
    let server = Server::sshd(&format!("ForceCommand sh {}", file.display())).await;
    let access = Access { privilege: Elevation::Collector, ..server.access() };
    let answers = ask_questions(&access, &questions, &gate()).await;
    let first = answers[0].as_ref().unwrap();
    assert_eq!((first.stdout.as_str(), first.stderr.as_str(), first.exit), ("0\n", "it's\n", Some(0)));
    assert_eq!(answers[1].as_ref().unwrap().exit, Some(4));

    let drifted = [question("something newer"), questions[1].clone(), question("unknown there")];
    let answers = ask_questions(&access, &drifted, &gate()).await;
    assert!(answers[0].as_ref().unwrap_err().to_string().contains("another command for test.0"));
    assert!(answers[1].is_ok());
    let error = answers[2].as_ref().unwrap_err();
    assert!(error.cause() == Cause::NoData && error.to_string().contains("does not know test.2"), "{error}");
}

#[tokio::test]
async fn a_missing_collector_is_named() {
    let server = Server::sshd("").await;
    let access = Access { privilege: Elevation::Collector, ..server.access() };
    let error = ask_questions(&access, &[question("true")], &gate()).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::NoData);
    assert!(error.to_string().contains("the collector did not answer"), "{error}");
}

#[tokio::test]
async fn the_collector_becomes_root_by_its_own_sudoers_line() {
    let (_, _, text) = collection();
    let dir = tempfile::TempDir::new().unwrap();
    let (file, rules) = (dir.path().join("nis2watch-collect"), dir.path().join("sudoers"));
    std::fs::write(&file, text).unwrap();
    std::fs::write(&rules, format!("nobody ALL=(root) NOPASSWD: {} \"\"\n", file.display())).unwrap();
    run("chmod", &["0755", dir.path().to_str().unwrap(), file.to_str().unwrap()]).await;
    run("chmod", &["0440", rules.to_str().unwrap()]).await;
    let request = format!("nis2watch-collect v1 {MARKER} test.0 test.1");
    let start = format!("SSH_ORIGINAL_COMMAND='{request}' {}\n", file.display());
    let transcript = framed(&mut as_nobody(&rules), &start, 2).await;
    assert_eq!(
        (transcript.sections[0].stdout.as_slice(), transcript.sections[0].end),
        (&b"0\n"[..], Some(End::Status(0)))
    );
    assert_eq!(transcript.sections[1].end, Some(End::Status(4)));
}
