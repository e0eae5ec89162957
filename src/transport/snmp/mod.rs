//! SNMP: reads objects and subtrees from agents, versions 1, 2c and 3. There is no SET.
//!
//! The protocol is async-snmp's; what is ours is the gate in front of every datagram (`wire`), limits on all that an
//! agent can make us do (`session`, `poll`), and causes that tell an operator what to mend (`failure`).
//! All of it is one async function without tasks of its own, so it runs on any runtime; a current-thread one is the
//! fastest, because the shared socket's answers then need no hand-over between threads.

mod access;
mod engine;
mod failure;
mod poll;
mod question;
mod session;
mod value;
mod versions;
mod wire;

pub use access::{Access, AccessError, AuthProtocol, Credential, PORT, PrivProtocol, Version};
pub use engine::Engine;
pub use question::{OidError, Question, VersionProbe};
pub use versions::probe_versions;

use super::TransportError;
use super::gate::Gate;
use crate::model::{Answer, FactId, Varbind};

/// One fact's question.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Whose question it is.
    pub fact: &'a FactId,
    /// What it wants.
    pub question: &'a Question,
}

/// Says, from what a question brought, what else to read for it; the number is the place of the question.
pub type Sequel<'a> = &'a (dyn Fn(usize, &[Varbind]) -> Option<Question> + Sync);

/// Asks all questions of one visit: one slot at the gate, every object and subtree once, one request at a time.
/// Returns one outcome for each question, in order.
///
/// Tells the gate of refused and accepted SNMPv3 logins; how the contact went is for the caller to tell.
pub async fn ask(
    access: &Access,
    asks: &[Ask<'_>],
    gate: &Gate,
    engine: &Engine,
) -> Vec<Result<Answer, TransportError>> {
    ask_on(access, asks, &|_, _| None, gate, engine).await
}

/// Asks as [`ask`] does, then what follows from the answers, in the same conversation and within its limits. What is
/// read then stands behind the first objects; one that the agent refuses counts as not there, because another may tell
/// the same, but an agent that falls silent takes the whole answer with it.
pub async fn ask_on(
    access: &Access,
    asks: &[Ask<'_>],
    sequel: Sequel<'_>,
    gate: &Gate,
    engine: &Engine,
) -> Vec<Result<Answer, TransportError>> {
    if asks.is_empty() {
        return Vec::new();
    }
    match session::Session::open(access, gate, engine).await {
        Ok(mut session) => {
            let bulk = access.bulk && access.version != Version::V1;
            poll::collect(&mut session, asks, sequel, bulk).await
        }
        Err(error) => asks.iter().map(|_| Err(error.again())).collect(),
    }
}

#[cfg(test)]
mod tests;
