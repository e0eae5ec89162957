//! Against real servers and hostile ones.

mod command_line;
mod console;
mod hostile;
mod login;
mod privilege;
mod visit;
mod windows;
