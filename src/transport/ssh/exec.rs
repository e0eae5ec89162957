//! Sends the script and reads the answers, within bounds of time and bytes.

use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::{Instant, timeout};

use super::failure::quote;
use super::report::Report;
use super::transcript::{Stream, Transcript};
use super::{Access, Elevation, Question, Session, collector, powershell, script};
use crate::model::{Answer, FactId};
use crate::transport::TransportError;

/// Bytes taken from an asset in one visit before we hang up; what is kept is far less.
pub(super) const FLOOD: usize = 32 * 1024 * 1024;

/// The questions of one visit.
pub(super) type Commands<'a> = [(&'a FactId, &'a Question)];

/// How the conversation ended.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// We stopped waiting after this long.
    pub(super) deadline: Option<Duration>,
    pub(super) status: Option<u32>,
    pub(super) signal: Option<String>,
    pub(super) flood: bool,
    /// The connection ended before the channel did.
    pub(super) lost: bool,
    /// The asset does not run commands for this account.
    pub(super) refused: bool,
}

/// Asks all of them with one command.
pub(super) async fn run(
    session: &Session,
    access: &Access,
    commands: &Commands<'_>,
) -> Vec<Result<Answer, TransportError>> {
    if commands.is_empty() {
        return Vec::new();
    }
    let started = Instant::now();
    let marker = format!("{:032x}", rand::random::<u128>());
    let caps = commands.iter().map(|(_, question)| question.max_bytes);
    let mut transcript = match access.speaks.powershell() {
        Some(_) => Transcript::of_pairs(&marker, caps, access.max_bytes),
        None => Transcript::new(&marker, caps, access.max_bytes),
    };
    let wait = deadline(session, access, commands, started);
    let mut ending = Ending::default();
    let talk = Box::pin(talk(session, access, commands, &marker, &mut transcript, &mut ending));
    match timeout(wait, talk).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return commands.iter().map(|_| Err(error.again())).collect(),
        Err(_) => ending.deadline = Some(wait),
    }
    transcript.join_pairs();
    let report = Report { session, access, commands, transcript: &transcript, ending: &ending };
    (0..commands.len()).map(|index| report.answer(index)).collect()
}

/// The commands' own timeouts may lengthen the time for all of them, but never beyond the whole visit.
fn deadline(session: &Session, access: &Access, commands: &Commands<'_>, now: Instant) -> Duration {
    let own: Duration = commands.iter().filter_map(|(_, question)| question.timeout).sum();
    let left = access.deadlines.whole.saturating_sub(now.duration_since(session.started));
    access.deadlines.exec.max(own).min(left)
}

async fn talk(
    session: &Session,
    access: &Access,
    commands: &Commands<'_>,
    marker: &str,
    transcript: &mut Transcript,
    ending: &mut Ending,
) -> Result<(), TransportError> {
    let broken = |error| session.explain(error, access.deadlines.exec);
    let channel = session.handle.channel_open_session().await.map_err(|error| match error {
        russh::Error::ChannelOpenFailure(why) => no_channel(session, &why),
        error => broken(error),
    })?;
    let (mut read, write) = channel.split();
    let (command, input) = if let Some(program) = access.speaks.powershell() {
        (powershell::command_line(program), powershell::script(marker, commands))
    } else if access.privilege == Elevation::Collector {
        (collector::request(marker, commands.iter().map(|(fact, _)| *fact)), String::new())
    } else {
        // on standard input: any login shell can start it, no length limit, and no marker in the process list
        ("exec sh -s".to_owned(), script::script(marker, access, commands))
    };
    write.exec(true, command).await.map_err(broken)?;
    let send = async {
        send(&write, input).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = follow(&mut read, transcript, ending) => {}
        () = send => {}
    }
    write.close().await.ok();
    Ok(())
}

/// An asset that no longer reads shows in what it answers, so an error here says nothing new.
async fn send(write: &ChannelWriteHalf<Msg>, input: String) {
    if write.data_bytes(input.into_bytes()).await.is_ok() {
        write.eof().await.ok();
    }
}

async fn follow(read: &mut ChannelReadHalf, transcript: &mut Transcript, ending: &mut Ending) {
    let mut taken = 0;
    loop {
        let Some(message) = read.wait().await else {
            ending.lost = true;
            break;
        };
        match message {
            ChannelMsg::Data { data } => {
                taken += data.len();
                transcript.feed(Stream::Out, &data);
            }
            ChannelMsg::ExtendedData { data, ext: 1 } => {
                taken += data.len();
                transcript.feed(Stream::Err, &data);
            }
            ChannelMsg::ExitStatus { exit_status } => ending.status = Some(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => {
                let name: String = format!("{signal_name:?}").chars().take(32).collect();
                ending.signal = Some(name.escape_debug().to_string());
            }
            ChannelMsg::Failure => {
                ending.refused = true;
                break;
            }
            ChannelMsg::Close => break,
            _ => {}
        }
        ending.flood = taken > FLOOD;
        if transcript.is_done() || ending.flood {
            break;
        }
    }
}

pub(super) fn no_channel(session: &Session, why: &ChannelOpenFailure) -> TransportError {
    let words = session.seen.now().no_channel.map(|(_, words)| words).unwrap_or_default();
    let said = quote(words.as_bytes());
    TransportError::Privilege {
        endpoint: session.endpoint().clone(),
        problem: format!(
            "logged in, but it opens no session ({why:?}, {said}): raise MaxSessions, or allow sessions for the account"
        ),
    }
}
