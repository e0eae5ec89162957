//! A terminal on the asset: what is typed, what comes back, and when it falls silent.

use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::{Instant, timeout_at};

use super::screen::Screen;
use super::stop::Stop;
use crate::transport::TransportError;
use crate::transport::ssh::{Session, exec};

/// How long a device must be silent before its last line is looked at.
const QUIET: Duration = Duration::from_millis(250);
/// How long an Enter may go unanswered before it is repeated: some devices drop what is typed while they print.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes kept of a greeting or of the answer to an Enter.
pub(super) const SMALL: usize = 16 * 1024;
/// The terminal that is asked for: wide and high, so that little is wrapped or paged.
const TERMINAL: (&str, u32, u32) = ("vt100", 511, 1000);

/// Until when, and how long that is, for messages.
pub(super) type Deadline = (Instant, Duration);

/// One terminal.
pub(super) struct Terminal<'a> {
    pub(super) session: &'a Session,
    channel: Option<(ChannelReadHalf, ChannelWriteHalf<Msg>)>,
    pub(super) screen: Screen,
    /// Bytes that came.
    taken: usize,
    /// When something came last.
    pub(super) heard: Instant,
}

impl<'a> Terminal<'a> {
    /// A terminal that is not open yet.
    pub(super) fn new(session: &'a Session) -> Self {
        Self { session, channel: None, screen: Screen::default(), taken: 0, heard: Instant::now() }
    }

    /// Asks for a terminal and a shell in it.
    pub(super) async fn open(&mut self, (until, wait): Deadline) -> Result<(), Stop> {
        let broken = |error| Stop::Other(self.session.explain(error, wait));
        let opened =
            timeout_at(until, self.session.handle.channel_open_session()).await.map_err(|_| Stop::Late(wait))?;
        let channel = opened.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(why) => Stop::Other(exec::no_channel(self.session, &why)),
            error => broken(error),
        })?;
        let (name, columns, rows) = TERMINAL;
        channel.request_pty(true, name, columns, rows, 0, 0, &[]).await.map_err(broken)?;
        channel.request_shell(true).await.map_err(broken)?;
        self.screen.clear(SMALL);
        self.channel = Some(channel.split());
        Ok(())
    }

    /// Reads until there is an unfinished line and then silence.
    pub(super) async fn line(&mut self, until: Deadline) -> Result<(), Stop> {
        loop {
            let silent = self.silence(until).await?;
            if silent && !self.screen.current().is_empty() {
                return Ok(());
            }
        }
    }

    /// Waits for the next bytes, or as long as an Enter may take.
    pub(super) async fn more(&mut self, until: Deadline) -> Result<(), Stop> {
        self.read(until, Instant::now() + PATIENCE).await.map(|_| ())
    }

    /// Whether nothing came for a while.
    async fn silence(&mut self, until: Deadline) -> Result<bool, Stop> {
        self.read(until, Instant::now() + QUIET).await.map(|came| !came)
    }

    /// Takes one message; whether any came before `pause`.
    async fn read(&mut self, (until, wait): (Instant, Duration), pause: Instant) -> Result<bool, Stop> {
        if Instant::now() >= until {
            return Err(Stop::Late(wait));
        }
        let Some((read, _)) = &mut self.channel else { return Err(Stop::Ended) };
        match timeout_at(pause.min(until), read.wait()).await {
            Err(_) if Instant::now() >= until => Err(Stop::Late(wait)),
            Err(_) => Ok(false),
            Ok(Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. })) => {
                self.taken += data.len();
                self.screen.feed(&data);
                self.heard = Instant::now();
                if self.taken > exec::FLOOD { Err(Stop::Flood) } else { Ok(true) }
            }
            Ok(Some(ChannelMsg::Failure)) => Err(Stop::Other(TransportError::Privilege {
                endpoint: self.session.endpoint().clone(),
                problem: "it gives this account no terminal: allow it an interactive login".into(),
            })),
            Ok(Some(ChannelMsg::Close | ChannelMsg::Eof | ChannelMsg::ExitStatus { .. }) | None) => Err(Stop::Ended),
            Ok(Some(_)) => Ok(true),
        }
    }

    /// Types.
    pub(super) async fn write(&mut self, text: &str) -> Result<(), Stop> {
        let Some((_, write)) = &self.channel else { return Err(Stop::Ended) };
        write.data_bytes(text.as_bytes().to_vec()).await.map_err(|_| Stop::Ended)
    }

    /// Hangs up.
    pub(super) async fn close(self) {
        if let Some((_, write)) = self.channel {
            write.close().await.ok();
        }
    }

    pub(super) fn protocol(&self, problem: String) -> TransportError {
        TransportError::Protocol { endpoint: self.session.endpoint().clone(), problem }
    }
}
