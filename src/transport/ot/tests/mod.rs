//! Real servers, peers that mean harm, and a record of every byte that leaves.

mod hostile;
mod real;
mod recorder;
mod scripted;
mod server;

use std::time::Duration;

use crate::model::{Answer, Value};
use crate::transport::TransportError;
use crate::transport::gate::Gate;
use crate::transport::ot::{bacnet, enip, modbus, mqtt, opcua, s7};

/// Long enough for a slow machine, short enough that a peer that never answers costs little.
const PATIENCE: Duration = Duration::from_secs(10);
/// For peers that never answer.
const IMPATIENCE: Duration = Duration::from_millis(300);

fn value(answer: Result<Answer, TransportError>) -> Value {
    match answer {
        Ok(Answer::Value(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn text(value: &Value, path: &str) -> String {
    value.at(path).unwrap_or_else(|| panic!("no {path} in {value}")).to_string()
}

/// The first row of a list.
fn first(value: &Value, list: &str) -> Value {
    value.at(list).and_then(Value::as_list).and_then(|rows| rows.first()).unwrap_or_else(|| panic!("{value}")).clone()
}

async fn ask_modbus(gate: &Gate, port: u16, timeout: Duration) -> Result<Answer, TransportError> {
    modbus::ask(&modbus::Question { port, timeout, ..modbus::Question::default() }, gate).await
}

async fn ask_opcua(gate: &Gate, port: u16, timeout: Duration) -> Result<Answer, TransportError> {
    opcua::ask(&opcua::Question { ports: vec![port], timeout }, gate).await
}

async fn ask_s7(gate: &Gate, port: u16, timeout: Duration) -> Result<Answer, TransportError> {
    s7::ask(&s7::Question { port, timeout, slots: vec![2], ..s7::Question::default() }, gate).await
}

async fn ask_enip(gate: &Gate, port: u16, timeout: Duration) -> Result<Answer, TransportError> {
    enip::ask(&enip::Question { port, timeout }, gate).await
}

async fn ask_bacnet(gate: &Gate, port: u16, timeout: Duration) -> Result<Answer, TransportError> {
    bacnet::ask(&bacnet::Question { port, timeout }, gate).await
}

async fn log_in(gate: &Gate, port: u16, tls: bool, timeout: Duration) -> Result<Answer, TransportError> {
    let (plain_ports, tls_ports) = if tls { (vec![], vec![port]) } else { (vec![port], vec![]) };
    mqtt::ask(&mqtt::Question { plain_ports, tls_ports, login: true, timeout }, gate).await
}
