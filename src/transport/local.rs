//! The monitor host itself: the questions that `ssh` asks others, answered by its own shell.
//!
//! No packet leaves, so neither pacing nor budgets apply; the kill switch, `active: false` and windows do.

use std::io;
use std::time::Duration;

use super::gate::{Gate, Refusal};
use super::process::{self, Failed};
use super::{Endpoint, TransportError};
use crate::model::{Answer, Transport};

/// One command to run.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// POSIX shell text.
    pub run: &'a str,
    /// Whether it needs root: run as it is when we are root, else through `sudo -n`.
    pub privileged: bool,
    /// Most bytes of standard output; more cuts the answer.
    pub max_bytes: usize,
    /// Longest run.
    pub timeout: Duration,
}

/// Runs the commands one after the other; one result per command, in order.
pub async fn ask(commands: &[Command<'_>], gate: &Gate) -> Vec<Result<Answer, TransportError>> {
    let root = is_root();
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        answers.push(ask_one(command, gate, root).await);
    }
    answers
}

async fn ask_one(command: &Command<'_>, gate: &Gate, root: bool) -> Result<Answer, TransportError> {
    if let Err(refusal @ (Refusal::Inactive(_) | Refusal::Window(_))) = gate.is_open(Transport::Local) {
        return Err(refusal.into());
    }
    let endpoint = Endpoint::named("the monitor host");
    let sudo = command.privileged && !root;
    let mut shell = process::program(if sudo { "sudo" } else { "sh" });
    if sudo {
        // -n: never ask for a password
        shell.args(["-n", "--", "sh"]);
    }
    shell.args(["-c", command.run]);
    match process::run(shell, command.max_bytes, command.timeout).await {
        Ok(answer) if sudo && sudo_refused(&answer.stderr) => Err(TransportError::Privilege {
            endpoint,
            problem: format!(
                "sudo asks for a password; run the daemon as root, or allow it with this line of sudoers, which is all that root may do: {}",
                sudoers_line()
            ),
        }),
        Ok(answer) => Ok(Answer::Text(answer)),
        Err(Failed::Deadline) => Err(TransportError::Timeout { endpoint, timeout: command.timeout }),
        Err(Failed::Start(error)) if sudo && error.kind() == io::ErrorKind::NotFound => {
            let problem = "this needs root, but there is no sudo; run as root or install it".into();
            Err(TransportError::Privilege { endpoint, problem })
        }
        Err(Failed::Start(error)) => {
            Err(TransportError::Internal { endpoint, problem: format!("the shell did not start: {error}") })
        }
    }
}

/// sudo's own refusals start with its name; the command's errors do not.
fn sudo_refused(stderr: &str) -> bool {
    let refusals =
        ["a password is required", "a terminal is required", "is not allowed to execute", "not in the sudoers"];
    stderr.lines().any(|line| {
        (line.starts_with("sudo:") || line.starts_with("Sorry, user")) && refusals.iter().any(|r| line.contains(r))
    })
}

/// The line that lets the daemon ask what needs root: its questions are shell text, so it is a shell.
fn sudoers_line() -> String {
    format!("#{} ALL=(root) NOPASSWD: /bin/sh, /usr/bin/sh", rustix::process::geteuid().as_raw())
}

/// Whether the daemon itself is root.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::model::{Cause, TextAnswer};
    use crate::transport::fixture::{gate, quick, setup};
    use crate::transport::gate::{Limits, Switch};

    async fn ask_sh(run: &str, timeout: Duration, gate: &Gate) -> Result<TextAnswer, TransportError> {
        let command = Command { run, privileged: false, max_bytes: 1000, timeout };
        match ask(&[command], gate).await.remove(0)? {
            Answer::Text(text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }

    async fn sh(run: &str) -> Result<TextAnswer, TransportError> {
        ask_sh(run, Duration::from_secs(10), &gate(quick())).await
    }

    #[tokio::test]
    async fn a_command_answers_with_both_outputs_and_its_exit_status() {
        let answer = sh("echo out; echo err >&2; exit 3").await.unwrap();
        let expected = TextAnswer { stdout: "out\n".into(), stderr: "err\n".into(), exit: Some(3), truncated: false };
        assert_eq!(answer, expected);
    }

    #[tokio::test]
    async fn a_killed_command_has_no_exit_status() {
        assert_eq!(sh("kill -9 $$").await.unwrap().exit, None);
    }

    #[tokio::test]
    async fn endless_output_is_cut_and_has_no_exit_status() {
        let answer = sh("yes").await.unwrap();
        assert_eq!((answer.stdout.len(), answer.truncated, answer.exit), (1000, true, None));
        let answer = sh("yes >&2 & yes | head -c 1000; kill $!").await.unwrap();
        assert_eq!((answer.stdout.len(), answer.truncated, answer.exit), (1000, false, Some(0)));
    }

    #[tokio::test]
    async fn the_deadline_kills_the_children_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let run = format!("sleep 600 & echo $! > {}; sleep 600", file.display());
        let error = ask_sh(&run, Duration::from_millis(500), &gate(quick())).await.unwrap_err();
        assert_eq!(error.cause(), Cause::Timeout);
        let pid = std::fs::read_to_string(file).unwrap();
        let is_gone = || {
            // killed, perhaps not yet collected by its new parent
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let gone = async {
            while !is_gone() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("a child outlived its deadline");
    }

    #[tokio::test]
    async fn a_process_left_in_the_background_does_not_hold_the_answer() {
        let start = Instant::now();
        assert_eq!(sh("sleep 600 & echo done").await.unwrap().stdout, "done\n");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn the_environment_of_the_daemon_is_not_passed_on() {
        let answer = sh("env; cat").await.unwrap();
        assert!(answer.stdout.contains("LC_ALL=C") && !answer.stdout.contains("CARGO"), "{}", answer.stdout);
        assert_eq!(answer.exit, Some(0));
    }

    #[tokio::test]
    async fn an_inactive_host_is_not_asked_but_a_spent_budget_does_not_matter() {
        let inactive =
            super::super::gate::Setup { inactive: Some("asset asset-1".into()), ..setup("127.0.0.1", quick()) };
        let closed = Gate::new(inactive, Switch::default(), chrono::Utc::now);
        assert_eq!(ask_sh("true", Duration::from_secs(5), &closed).await.unwrap_err().cause(), Cause::Inactive);
        let spent = gate(Limits { per_hour: 0, ..quick() });
        assert!(ask_sh("true", Duration::from_secs(5), &spent).await.is_ok());
    }

    #[tokio::test]
    async fn without_root_and_sudo_the_privilege_is_missing_and_nothing_else_is_wrong() {
        let timeout = Duration::from_secs(10);
        let command = Command { run: "id -u", privileged: true, max_bytes: 100, timeout };
        match ask_one(&command, &gate(quick()), false).await {
            // a machine whose sudo asks for no password
            Ok(Answer::Text(answer)) => assert_eq!(answer.stdout, "0\n"),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(error.cause(), Cause::Privilege),
        }
    }

    #[test]
    fn only_sudo_itself_refuses() {
        assert!(sudo_refused("sudo: a password is required\n"));
        assert!(sudo_refused("Sorry, user x is not allowed to execute '/bin/sh' as root on y.\n"));
        assert!(!sudo_refused("tool: a password is required\n"));
    }
}
