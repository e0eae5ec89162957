//! Real servers on loopback, the program itself, and how a test waits for them.
//!
//! Every port is one that the system chose, every file lies in a folder that goes with its owner, and every process
//! that a test starts ends with the value that stands for it, also when the test fails.

mod alertmanager;
mod daemon;
mod device;
mod hook;
mod http;
mod inetd;
mod metrics;
mod plant;
mod process;
mod prometheus;
mod snmp;
mod ssh;
mod tls;
mod wait;

pub(crate) use alertmanager::Alertmanager;
pub(crate) use daemon::Daemon;
pub(crate) use device::{Agent, Contact, Device, Manner};
pub(crate) use hook::Hook;
pub(crate) use http::{Reply, request};
pub(crate) use metrics::Metrics;
pub(crate) use plant::{Plant, Ran, early};
pub(crate) use process::{Guard, is_root, python, run};
pub(crate) use prometheus::Prometheus;
pub(crate) use snmp::Snmpd;
pub(crate) use ssh::{PASSWORD, SshHost};
pub(crate) use tls::{TlsServer, certificate};
pub(crate) use wait::{never, together, until};
