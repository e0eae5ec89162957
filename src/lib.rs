//! nis2watch: does the plant still meet the security rules that NIS2 asks for?
//!
//! Modules stand in one order and import only those before them; `tests/layering.rs` keeps it.

pub mod api;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod demo;
pub mod engine;
pub mod feeds;
pub mod inventory;
pub mod model;
pub mod output;
pub mod rule;
pub mod store;
pub mod telemetry;
pub mod transport;
