//! Runs one program on the monitor host: own process group, bounded output, killed at its deadline.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::model::TextAnswer;

/// Where programs are looked for; the environment of the daemon is not passed on.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most bytes kept of the standard error.
const MAX_STDERR: usize = 4096;
/// A process left in the background may hold the pipes open; what it says after the end is not waited for.
const PIPES_AFTER_EXIT: Duration = Duration::from_millis(250);

/// How it ended without an answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// It could not be started.
    Start(io::Error),
    /// It did not end in time and was killed.
    Deadline,
}

/// Kills the whole group when it goes, whichever way the conversation ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // nobody left is the good case
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

/// A program with the environment that every question gets: `PATH`, `LC_ALL=C`, nothing to read.
pub(super) fn program(path: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

/// Runs it to its end. Output beyond `max_bytes` ends it at once: the answer is marked as cut and has no exit status.
pub(super) async fn run(mut command: Command, max_bytes: usize, wait: Duration) -> Result<TextAnswer, Failed> {
    let mut child = command.spawn().map_err(Failed::Start)?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let mut answer = Output::default();
    let ended = timeout(wait, talk(&mut child, &mut answer, max_bytes)).await;
    drop(group);
    let exit = ended.map_err(|_| Failed::Deadline)?.map_err(Failed::Start)?;
    let truncated = answer.stdout.len() > max_bytes;
    answer.stdout.truncate(max_bytes);
    answer.stderr.truncate(MAX_STDERR);
    Ok(TextAnswer {
        stdout: String::from_utf8_lossy(&answer.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&answer.stderr).into_owned(),
        exit: exit.filter(|_| !truncated),
        truncated,
    })
}

#[derive(Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Listens until the program ended and its pipes are empty, or until it said too much. The exit status is `None`
/// when a signal ended it.
async fn talk(child: &mut Child, answer: &mut Output, max_bytes: usize) -> io::Result<Option<i32>> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let Output { stdout: said, stderr: complained } = answer;
    let mut reading = Box::pin(async {
        let enough = async {
            read_to(stdout, said, max_bytes + 1).await;
            if said.len() > max_bytes { Err(TooMuch) } else { Ok(()) }
        };
        // complaints never end it: they are drained, so that the program does not block
        let complaints = async {
            drain(stderr, complained).await;
            Ok(())
        };
        tokio::try_join!(enough, complaints).map(|_| ())
    });
    tokio::select! {
        read = &mut reading => if read.is_err() {
            return Ok(None);
        },
        status = child.wait() => {
            timeout(PIPES_AFTER_EXIT, reading).await.ok();
            return Ok(status?.code());
        }
    }
    Ok(child.wait().await?.code())
}

/// The program said more than it may.
struct TooMuch;

async fn read_to(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, most: usize) {
    if let Some(pipe) = pipe {
        pipe.take(most as u64).read_to_end(into).await.ok();
    }
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = [0_u8; 4096];
    while let Ok(n @ 1..) = pipe.read(&mut chunk).await {
        let room = MAX_STDERR.saturating_sub(into.len()).min(n);
        into.extend_from_slice(&chunk[..room]);
    }
}
