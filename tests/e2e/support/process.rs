//! Processes that end with their owner.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, getuid, kill_process};

use super::until;

/// The Python that the packages of tests/install.sh are made for.
const PYTHON: &str = "/usr/bin/python3";

/// A process; it is killed, by its id, when this is dropped.
pub(crate) struct Guard(Child);

impl Guard {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        Self(command.spawn().unwrap_or_else(|error| panic!("{name}: {error}; run tests/install.sh")))
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        // not yet waited for, so the id is still its own
        assert!(self.is_running(), "the process has ended already");
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self, limit: Duration) -> ExitStatus {
        until("the process ends", limit, || self.0.try_wait().unwrap())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs a program that must succeed; returns what it printed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; run tests/install.sh"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a few lines of Python that must succeed; returns what they printed.
pub(crate) fn python(script: &str, arguments: &[&str]) -> String {
    run(PYTHON, &[&["-c", script], arguments].concat())
}

pub(crate) fn is_root() -> bool {
    getuid().is_root()
}
