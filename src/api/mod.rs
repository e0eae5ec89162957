//! What the daemon answers over HTTP: health, metrics, and the acts of an operator.
//!
//! Nothing is collected inside a scrape. Health and readiness need no password, as probes of an orchestrator
//! have none; everything else does when the web configuration file says so.

mod admit;
mod auth;
mod board;
mod caller;
mod guests;
mod host;
mod intake;
mod operator;
mod patience;
mod router;
mod serve;
mod throttle;
mod tls;
mod tokens;
mod ui;
mod v1;
mod web_config;

pub use auth::{Tried, Users};
pub use board::{Board, Cell, Device, Pair, State, Tally};
pub use caller::Access;
pub use host::HostName;
pub use operator::{Operator, View};
pub use router::{Desk, Door, router};
pub use serve::{ServeError, serve};
pub use tokens::{Role, Token, TokenError, Tokens};
pub use web_config::{WebConfig, WebConfigError};

#[cfg(test)]
mod access_tests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod serve_tests;
#[cfg(test)]
mod tests;
