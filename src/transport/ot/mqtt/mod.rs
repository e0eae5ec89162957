//! MQTT brokers: whether a port answers without TLS, what TLS is worth where there is some, and whether a client
//! without a name is let in.
//!
//! Two packets exist here, CONNECT and DISCONNECT ([MQTT 3.1.1], [MQTT 5.0]). Nothing is published or subscribed, no
//! session is left behind, and the client identifier is random, because a broker throws out a client whose identifier
//! comes a second time.
//!
//! [MQTT 3.1.1]: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html
//! [MQTT 5.0]: https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html

mod login;
mod packet;

use std::time::Duration;

use serde::Deserialize;

use crate::model::{Answer, Transport, Value};
use crate::transport::gate::Gate;
use crate::transport::tcp::{Reached, reach};
use crate::transport::{Endpoint, TransportError, tls};

/// Most ports of one question.
const MAX_PORTS: usize = 16;

/// What is asked, as written under `ask: mqtt:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// TCP ports that should not answer without TLS.
    pub plain_ports: Vec<u16>,
    /// TCP ports that should speak TLS from the first byte.
    pub tls_ports: Vec<u16>,
    /// Whether to connect as a client without a name. Without it not one byte is sent to a plain port.
    pub login: bool,
    /// Longest wait for each connect, and for each conversation.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Question {
    fn default() -> Self {
        Self { plain_ports: vec![1883], tls_ports: vec![8883], login: false, timeout: Duration::from_secs(5) }
    }
}

impl Question {
    /// Every port with whether it should speak TLS.
    fn ports(&self) -> impl Iterator<Item = (u16, bool)> {
        let plain = self.plain_ports.iter().map(|port| (*port, false));
        plain.chain(self.tls_ports.iter().map(|port| (*port, true)))
    }
}

/// Looks at each port in turn. Without `login`: `plain` and `tls` with a row a port, `plain_open` and `answered`. With
/// it: `brokers` with a row a port, and `answered`.
///
/// # Errors
///
/// The gate refused, the asset cannot be reached at all, or the question names no or too many ports.
pub async fn ask(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    let count = question.plain_ports.len() + question.tls_ports.len();
    if !(1..=MAX_PORTS).contains(&count) {
        return Err(TransportError::Internal {
            endpoint: Endpoint::named(format!("mqtt://{}", gate.address())),
            problem: format!("a question names between 1 and {MAX_PORTS} ports, this one {count}"),
        });
    }
    if question.login { brokers(question, gate).await } else { ports(question, gate).await }
}

async fn ports(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    let (mut plain, mut tls, mut no_way) = (Vec::new(), Vec::new(), None);
    for (port, speaks_tls) in question.ports() {
        if speaks_tls {
            match tls::look(gate, port, question.timeout).await? {
                Ok(row) => tls.push(row),
                Err(error) => {
                    tls.push(row(port, "filtered", vec![]));
                    no_way = Some(error);
                }
            }
        } else {
            let state = plain_state(question, gate, port, &mut no_way).await?;
            plain.push(row(port, state, vec![]));
        }
    }
    let state = |row: &Value| row.get("state").and_then(|state| state.as_text().map(str::to_owned)).unwrap_or_default();
    let answered = plain.iter().chain(&tls).any(|row| state(row) != "filtered");
    if let Some(error) = no_way.filter(|_| !answered) {
        return Err(error);
    }
    let open: Vec<_> =
        plain.iter().filter(|row| state(row) == "open").filter_map(|row| row.get("port").cloned()).collect();
    Ok(Answer::Value(Value::map([
        ("answered", Value::Bool(answered)),
        ("plain_open", Value::list(open)),
        ("plain", Value::list(plain)),
        ("tls", Value::list(tls)),
    ])))
}

async fn plain_state(
    question: &Question,
    gate: &Gate,
    port: u16,
    no_way: &mut Option<TransportError>,
) -> Result<&'static str, TransportError> {
    Ok(match reach(gate, Transport::Mqtt, port, question.timeout).await? {
        Reached::Open(stream) => {
            stream.close().await;
            "open"
        }
        Reached::Closed => "closed",
        Reached::Filtered => "filtered",
        Reached::NoWay(error) => {
            *no_way = Some(error);
            "filtered"
        }
    })
}

async fn brokers(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    let (mut rows, mut no_way, mut answered) = (Vec::new(), None, false);
    for (port, speaks_tls) in question.ports() {
        let found = Box::pin(login::attempt(gate, port, speaks_tls, question.timeout)).await?;
        answered |= found.answered();
        let (state, mut fields) = found.describe();
        fields.push(("tls", Value::Bool(speaks_tls)));
        rows.push(row(port, state, fields));
        if let login::Found::NoWay(error) = found {
            no_way = Some(error);
        }
    }
    if let Some(error) = no_way.filter(|_| !answered) {
        return Err(error);
    }
    Ok(Answer::Value(Value::map([("answered", Value::Bool(answered)), ("brokers", Value::list(rows))])))
}

fn row(port: u16, state: &str, fields: Vec<(&'static str, Value)>) -> Value {
    Value::map([("port", Value::from(port)), ("state", Value::from(state))].into_iter().chain(fields))
}
