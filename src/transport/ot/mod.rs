//! Industrial protocols, read-only by construction: what a device says it is, and how well its services are guarded.
//!
//! Each file writes the few messages that it needs and no other, so there is no function that could write, program,
//! start or stop anything: not switched off, but absent. Everything that comes back is bounded in bytes, time and
//! count, and is believed only as far as it fits the protocol.
//!
//! - [`opcua`] and [`mqtt`] ask what any client may ask of a service; class low.
//! - [`modbus`], [`s7`], [`enip`] and [`bacnet`] use an identification function of a control protocol; class avoid:
//!   only assets that opted in are asked, inside a window ([`crate::model::Asset::allow_protocol_reads`]).

pub mod bacnet;
mod cursor;
pub mod enip;
mod identity;
pub mod modbus;
pub mod mqtt;
pub mod opcua;
pub mod s7;
mod talk;

#[cfg(test)]
mod tests;
