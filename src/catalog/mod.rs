//! The catalogue: what can be asked (facts) and what is required (checks), as data files.
//!
//! Files come from the copy inside the binary and from extra folders. Everything is read, compiled and
//! cross-checked at load, and every mistake of every file is reported at once: a catalogue that loads has no
//! unknown fact, control, parameter or name left in it. Nothing here asks, schedules or stores.

mod problem;
mod tree;
mod typed;

pub use problem::LoadErrors;
