//! Real snmpd, and agents that mean harm.

mod agent;
mod hostile;
mod sequel;
mod snmpd;

use std::time::Duration;

use agent::Agent;

use super::*;
use crate::model::{AssetId, Cause, Secret, Transport, Value, Varbind};
use crate::transport::gate::{Gate, Limits, Setup, Switch};

fn gate(limits: Limits) -> Gate {
    switched_gate(limits, Switch::default())
}

fn switched_gate(limits: Limits, switch: Switch) -> Gate {
    gate_to("127.0.0.1", limits, switch)
}

fn gate_to(address: &str, limits: Limits, switch: Switch) -> Gate {
    let setup = Setup {
        asset: AssetId::parse("sw-1").unwrap(),
        address: address.into(),
        limits: Limits { gap: Duration::ZERO, ..limits },
        inactive: None,
        windows: vec![],
        zone: None,
        names: crate::transport::gate::Names::default(),
    };
    Gate::new(setup, switch, chrono::Utc::now)
}

fn v2c(port: u16) -> Access {
    let credential = Credential::Community(Secret::new("public".into()));
    let timeout = Some(Duration::from_millis(200));
    Access { port, timeout, retries: Some(1), ..Access::new(Version::V2c, credential) }
}

/// Asks one question through a gate of its own.
async fn ask_one(access: &Access, get: &[&str], walk: &[&str]) -> Result<Vec<Varbind>, TransportError> {
    ask_through(&gate(Limits::STANDARD), access, get, walk).await
}

async fn ask_through(
    gate: &Gate,
    access: &Access,
    get: &[&str],
    walk: &[&str],
) -> Result<Vec<Varbind>, TransportError> {
    let fact = FactId::parse("snmp.test").unwrap();
    let question = Question::parse(get, walk).unwrap();
    let asks = [Ask { fact: &fact, question: &question }];
    let mut answers = ask(access, &asks, gate, &Engine::new()).await;
    assert_eq!(answers.len(), 1);
    match answers.remove(0)? {
        Answer::Varbinds(binds) => Ok(binds),
        other => panic!("{other:?}"),
    }
}
