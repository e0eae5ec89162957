//! The whole program against real servers on loopback: what an operator, a scraper and a device see of it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test is a program of its own: it starts servers, opens connections and waits"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod at_the_gate;
mod check;
mod daemon;
mod drift;
mod kill_switch;
mod network_services;
mod record;
mod reload;
mod snmp_agents;
mod ssh_hosts;
mod support;
mod targets;
mod validate;
mod web;
