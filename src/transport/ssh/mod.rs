//! SSH: one login and one command per visit, whatever the number of questions.
//!
//! All questions become one POSIX script, fed to `sh -s` on standard input. A random marker frames every
//! answer on both streams, so that each has its own output, errors and exit status, and nothing that the asset
//! prints can pass for the end of an answer: the marker is never on a command line, where `ps` would show it.
//! An answer without its end is an error, never an empty success.
//!
//! What the other side understands is said per asset ([`Speaks`]): a POSIX shell, PowerShell ([`powershell`]) or the
//! command line of a network device ([`cli`]). A question in another language than the asset's is not asked.

mod access;
mod algorithms;
mod auth;
pub mod cli;
mod client;
mod collector;
mod connect;
mod exec;
mod failure;
mod hostkey;
mod key;
mod knock;
mod line;
pub mod powershell;
mod report;
mod script;
mod session;
mod speaks;
mod transcript;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use serde::{Deserialize, Serialize};

pub use access::{Access, Credential, Deadlines, Elevation};
pub use algorithms::Algorithms;
pub use collector::{Reply, collector_script, doas_conf, reply, sudoers};
pub use connect::open;
pub(in crate::transport) use failure::quote;
pub use hostkey::{HostKeyPolicy, HostKeys};
pub use key::{KeyError, check_key};
pub(in crate::transport) use knock::{Knock, knock};
pub use session::Session;
pub use speaks::Speaks;

use super::gate::Gate;
use super::{Endpoint, TransportError};
use crate::model::{Answer, FactId};

/// Bytes kept of one answer unless the question says otherwise.
const MAX_BYTES: usize = 256 * 1024;

/// What a fact asks over SSH, as written under `ask: { ssh: … }`; `local` asks the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// POSIX shell text. Its standard input is empty, its PATH begins with the system's directories, its
    /// locale is C.
    pub run: String,
    /// Whether it needs root.
    #[serde(default)]
    pub privilege: Privilege,
    /// Bytes of standard output that are kept; more marks the answer as truncated.
    #[serde(default = "max_bytes")]
    pub max_bytes: usize,
    /// How long it may take. The timeouts of all questions of a visit add up to one deadline for all.
    #[serde(default, with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// What a command needs in order to see everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// Nothing: any account sees the same.
    #[default]
    None,
    /// Root, however it is got ([`Elevation`]).
    Sudo,
}

/// The question of `ask: { ssh_session: {} }`: what was negotiated at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionQuestion {}

/// One question of a visit.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The fact it is for.
    pub fact: &'a FactId,
    /// What is asked.
    pub topic: Topic<'a>,
}

/// What one login can tell.
#[derive(Debug, Clone, Copy)]
pub enum Topic<'a> {
    /// The output of a command of a POSIX shell.
    Run(&'a Question),
    /// The output of a PowerShell script.
    PowerShell(&'a powershell::Question),
    /// The output of a command of a network device.
    Cli(&'a cli::Question),
    /// What was negotiated.
    Session,
}

/// One jump host: its gate counts what goes through it.
#[derive(Clone)]
pub struct Hop {
    /// The jump host's own gate.
    pub gate: Gate,
    /// How it is logged in to.
    pub access: Arc<Access>,
}

/// Asks everything in one login and at most one command; one result per question, in order.
///
/// Every question fails alike when there is no session. Answers that were complete before a deadline or the
/// end of the connection are delivered.
pub async fn ask(
    access: &Access,
    asks: &[Ask<'_>],
    gate: &Gate,
    hops: &[Hop],
    host_keys: &dyn HostKeys,
) -> Vec<Result<Answer, TransportError>> {
    if asks.is_empty() {
        return Vec::new();
    }
    // russh runs in a task of its own; this catches what it does in ours
    let visit = AssertUnwindSafe(Box::pin(visit(access, asks, gate, hops, host_keys))).catch_unwind().await;
    let error = match visit {
        Ok(Ok(answers)) => return answers,
        Ok(Err(error)) => error,
        Err(_) => defect(Endpoint::new("ssh", gate.address(), access.port)),
    };
    asks.iter().map(|_| Err(error.again())).collect()
}

async fn visit(
    access: &Access,
    asks: &[Ask<'_>],
    gate: &Gate,
    hops: &[Hop],
    host_keys: &dyn HostKeys,
) -> Result<Vec<Result<Answer, TransportError>>, TransportError> {
    let mut session = open(access, gate, hops, host_keys).await?;
    let mut ran = run(&session, access, asks).await.into_iter();
    let mut answer = |ask: &Ask<'_>| match ask.topic {
        Topic::Session => Ok(Answer::Value(session.facts())),
        _ if !access.speaks.understands(&ask.topic) => Err(access.speaks.stranger(session.endpoint(), ask)),
        _ => ran.next().unwrap_or_else(|| {
            Err(TransportError::Internal {
                endpoint: session.endpoint().clone(),
                problem: "an answer went missing".into(),
            })
        }),
    };
    let mut answers: Vec<_> = asks.iter().map(&mut answer).collect();
    if session.panicked() {
        let defect = defect(session.endpoint().clone());
        answers.iter_mut().filter(|answer| answer.is_err()).for_each(|answer| *answer = Err(defect.again()));
    }
    session.close().await;
    Ok(answers)
}

/// The answers to the questions in the language of the asset, in order.
async fn run(session: &Session, access: &Access, asks: &[Ask<'_>]) -> Vec<Result<Answer, TransportError>> {
    if let Some(profile) = access.speaks.profile() {
        let questions: Vec<_> = asks
            .iter()
            .filter_map(|ask| match ask.topic {
                Topic::Cli(question) => Some((ask.fact, question)),
                _ => None,
            })
            .collect();
        return Box::pin(cli::run(session, access, profile, &questions)).await;
    }
    let scripts: Vec<_> = asks
        .iter()
        .filter_map(|ask| match ask.topic {
            Topic::PowerShell(question) => Some((ask.fact, question.as_command())),
            _ => None,
        })
        .collect();
    let commands: Vec<_> = match access.speaks {
        Speaks::Posix => asks
            .iter()
            .filter_map(|ask| match ask.topic {
                Topic::Run(question) => Some((ask.fact, question)),
                _ => None,
            })
            .collect(),
        _ => scripts.iter().map(|(fact, question)| (*fact, question)).collect(),
    };
    exec::run(session, access, &commands).await
}

fn defect(endpoint: Endpoint) -> TransportError {
    let problem = "the SSH client panicked: this is a defect of nis2watch, please report it".into();
    TransportError::Internal { endpoint, problem }
}

const fn max_bytes() -> usize {
    MAX_BYTES
}

#[cfg(test)]
pub(in crate::transport) mod testing;
#[cfg(test)]
mod tests;
