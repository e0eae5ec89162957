//! Why a conversation is over, and what that means to an operator.

use std::time::Duration;

use super::profile::{asks_for_login, is_pager};
use super::terminal::Terminal;
use crate::transport::ssh::{exec, failure};
use crate::transport::{Endpoint, TransportError};

/// How long a command may take unless its question says otherwise.
pub(super) const COMMAND: Duration = Duration::from_secs(30);
/// Pages of one answer; a pager that never ends is left alone.
pub(super) const MOST_PAGES: usize = 2_000;

/// Why the conversation is over.
pub(super) enum Stop {
    /// Too late.
    Late(Duration),
    /// The device closed it, with an exit status or without.
    Ended,
    /// More bytes than anybody wants.
    Flood,
    /// The pager does not come to an end.
    Pages,
    /// What came is not the echo of what was typed: an earlier output had not ended.
    OutOfStep,
    /// Something else.
    Other(TransportError),
}

impl Stop {
    /// What a stop means to an operator; `prompt` is empty as long as none was learnt.
    pub(super) fn explain(self, terminal: &Terminal<'_>, place: &str, prompt: &str) -> TransportError {
        let last = terminal.screen.current();
        // a line of an answer may hold a secret of the configuration, and what is quoted here is kept and shown
        let tells = prompt.is_empty() || is_pager(&last) || asks_for_login(&last) || last == prompt;
        let said = if last.is_empty() || !tells {
            String::new()
        } else {
            format!(", it ends with {}", failure::quote(last.as_bytes()))
        };
        let no_prompt_yet = prompt.is_empty();
        match self {
            Self::Other(error) => error,
            Self::Late(timeout) if no_prompt_yet && asks_for_login(&last) => {
                match terminal.session.scene(&terminal.session.seen.now()).timeout(timeout) {
                    TransportError::Timeout { endpoint, .. } => TransportError::Auth {
                        endpoint,
                        problem: format!("logged in, and it asks once more{said}; nothing was typed: mend the login"),
                    },
                    other => other,
                }
            }
            Self::Late(timeout) => match terminal.session.scene(&terminal.session.seen.now()).timeout(timeout) {
                TransportError::Timeout { endpoint, timeout } => TransportError::Timeout {
                    endpoint: Endpoint::named(format!("{endpoint} ({place}{said})")),
                    timeout,
                },
                other => other,
            },
            Self::Ended => {
                match terminal.session.scene(&terminal.session.seen.now()).explain(russh::Error::Disconnect, COMMAND) {
                    TransportError::Protocol { .. } => {
                        terminal.protocol(format!("it ended the session: {place} has no end{said}"))
                    }
                    other => other,
                }
            }
            Self::Flood => terminal.protocol(format!(
                "the answer was cut at {} bytes: {place} never ended; see on the asset what it prints",
                exec::FLOOD
            )),
            Self::Pages => terminal.protocol(format!("its pager did not end after {MOST_PAGES} pages of {place}")),
            Self::OutOfStep => terminal.protocol(format!(
                "something else came than the echo of {place}, so the answer before it had not ended and does not count"
            )),
        }
    }
}
