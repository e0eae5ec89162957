//! Against real servers and hostile ones.

mod hostile;
mod login;
mod privilege;
mod visit;
