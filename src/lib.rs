//! nis2watch: does the plant still meet the security rules that NIS2 asks for?
//!
//! Modules stand in one order and import only those before them; `tests/layering.rs` keeps it.

pub mod model;
pub mod store;
pub mod transport;
