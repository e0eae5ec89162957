//! Nagios plug-ins: an allow-listed program on the monitor host that talks to the asset itself.
//!
//! The program is named, never given by path, and gets its arguments as they are, without a shell. What it sends
//! is outside the gate's sight, so it counts as one connection and takes the asset's slot while it runs; a fragile
//! asset is not handed to a program that nobody vouched for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::gate::Gate;
use super::process::{self, Failed};
use super::{Endpoint, TransportError};
use crate::model::{Answer, FactId, TextAnswer, Transport};

/// Most bytes of output; plug-ins say one line, some a page.
const MAX_BYTES: usize = 64 * 1024;
/// Stands for the asset's address in an argument.
const ADDRESS: &str = "{address}";

/// Which program to run, as written under `ask: exec:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Name of an allow-listed program.
    pub program: String,
    /// Its arguments; `{address}` stands for the asset's address.
    #[serde(default)]
    pub args: Vec<String>,
    /// Longest run.
    #[serde(default = "default_timeout", with = "humantime_serde")]
    pub timeout: Duration,
}

/// What Nagios plug-ins themselves give up after.
fn default_timeout() -> Duration {
    Duration::from_secs(10)
}

/// One question and the fact it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The fact.
    pub fact: &'a FactId,
    /// What to ask.
    pub question: &'a Question,
}

/// What may be run.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Programs by name.
    pub allowed: BTreeMap<String, PathBuf>,
    /// Whether the operator vouches for them towards fragile assets.
    pub on_fragile: bool,
}

/// Runs the programs one after the other; one result per ask, in order.
pub async fn ask(access: &Access, asks: &[Ask<'_>], gate: &Gate) -> Vec<Result<Answer, TransportError>> {
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        answers.push(ask_one(access, ask.question, gate).await.map(Answer::Text));
    }
    answers
}

async fn ask_one(access: &Access, question: &Question, gate: &Gate) -> Result<TextAnswer, TransportError> {
    let endpoint = || Endpoint::named(format!("plug-in {:?}", question.program));
    let Some(path) = access.allowed.get(&question.program) else {
        let problem = "it is not allow-listed; name it with its path in the configuration".into();
        return Err(TransportError::Privilege { endpoint: endpoint(), problem });
    };
    if gate.limits().fragile && !access.on_fragile {
        let problem = "plug-ins are not run against fragile assets, because what they send cannot be paced; \
                       allow it explicitly if this one is harmless";
        return Err(TransportError::Privilege { endpoint: endpoint(), problem: problem.into() });
    }
    let mut command = process::program(path);
    command.args(question.args.iter().map(|arg| arg.replace(ADDRESS, gate.address())));
    let slot = gate.converse(Transport::Exec).await?;
    slot.connection();
    let ran = tokio::select! {
        biased;
        () = slot.stop().cancelled() => {
            gate.is_open(Transport::Exec)?;
            let problem = "the kill switch ended it".into();
            return Err(TransportError::Internal { endpoint: endpoint(), problem });
        }
        ran = process::run(command, MAX_BYTES, question.timeout) => ran,
    };
    ran.map_err(|failed| match failed {
        Failed::Deadline => TransportError::Timeout { endpoint: endpoint(), timeout: question.timeout },
        Failed::Start(error) => {
            let problem = format!("{} did not start: {error}", path.display());
            TransportError::Internal { endpoint: endpoint(), problem }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;
    use crate::transport::fixture::{gate, quick, setup};
    use crate::transport::gate::{Limits, Switch};

    fn access() -> Access {
        let allowed = [("echo", "/bin/echo"), ("sh", "/bin/sh"), ("gone", "/nonexistent/check_x")];
        Access { allowed: allowed.map(|(name, path)| (name.into(), path.into())).into(), on_fragile: false }
    }

    async fn run(program: &str, args: &[&str], access: &Access, gate: &Gate) -> Result<TextAnswer, TransportError> {
        let args = args.iter().map(ToString::to_string).collect();
        let question = Question { program: program.into(), args, timeout: Duration::from_millis(500) };
        let fact = FactId::parse("exec.x").unwrap();
        match ask(access, &[Ask { fact: &fact, question: &question }], gate).await.remove(0)? {
            Answer::Text(text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn arguments_reach_the_program_without_a_shell_and_with_the_address() {
        let gate = gate(quick());
        let answer = run("echo", &["-H", "{address}", "$(id); *"], &access(), &gate).await.unwrap();
        assert_eq!(answer.stdout, "-H 127.0.0.1 $(id); *\n");
        assert_eq!(gate.books().entry(Transport::Exec).connections, 1);
    }

    #[tokio::test]
    async fn the_exit_status_is_part_of_the_answer() {
        assert_eq!(run("sh", &["-c", "exit 2"], &access(), &gate(quick())).await.unwrap().exit, Some(2));
    }

    #[tokio::test]
    async fn only_allow_listed_names_run() {
        for program in ["/bin/echo", "../echo", "cat"] {
            let gate = gate(quick());
            assert_eq!(run(program, &[], &access(), &gate).await.unwrap_err().cause(), Cause::Privilege);
            assert_eq!(gate.books().entry(Transport::Exec).connections, 0);
        }
    }

    #[tokio::test]
    async fn a_fragile_asset_is_left_alone_unless_allowed() {
        let gate = gate(Limits { fragile: true, ..quick() });
        assert_eq!(run("echo", &[], &access(), &gate).await.unwrap_err().cause(), Cause::Privilege);
        assert!(run("echo", &[], &Access { on_fragile: true, ..access() }, &gate).await.is_ok());
    }

    #[tokio::test]
    async fn a_slow_or_missing_program_is_no_answer() {
        let gate = gate(quick());
        assert_eq!(run("sh", &["-c", "sleep 600"], &access(), &gate).await.unwrap_err().cause(), Cause::Timeout);
        assert_eq!(run("gone", &[], &access(), &gate).await.unwrap_err().cause(), Cause::Internal);
    }

    #[tokio::test]
    async fn the_kill_switch_ends_a_running_program() {
        let switch = Switch::default();
        let gate = Gate::new(setup("127.0.0.1", quick()), switch.clone(), chrono::Utc::now);
        let question = Question {
            program: "sh".into(),
            args: vec!["-c".into(), "sleep 600".into()],
            timeout: Duration::from_mins(1),
        };
        let running = tokio::spawn({
            let gate = gate.clone();
            async move { ask_one(&access(), &question, &gate).await }
        });
        while gate.books().entry(Transport::Exec).connections == 0 {
            tokio::task::yield_now().await;
        }
        switch.turn_off();
        assert_eq!(running.await.unwrap().unwrap_err().cause(), Cause::Inactive);
    }
}
