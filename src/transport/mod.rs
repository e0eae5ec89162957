//! Conversations with assets: ask questions, get back what the asset said.
//!
//! Nothing here schedules or judges. One file per protocol; the enums below are the only place that
//! knows them all, so the compiler lists what a new protocol must fill in. Every socket is opened by
//! [`gate`], which is the only module that may: what the gate does not allow is not sent.

mod error;
pub mod exec;
#[cfg(test)]
mod fixture;
pub mod gate;
pub mod http;
pub mod local;
pub mod ot;
mod printable;
mod process;
pub mod replay;
pub mod snmp;
pub mod ssh;
pub mod ssh_service;
pub mod tcp;
pub mod tls;

pub use error::{Endpoint, TransportError};
