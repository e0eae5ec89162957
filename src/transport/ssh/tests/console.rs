//! A scripted command line behind a real SSH server: what it says is up to each test, what was typed is written down.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::server::{Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, Pty};
use tokio::sync::mpsc;

use crate::transport::ssh::testing::Server;
use crate::transport::ssh::{Access, HostKeyPolicy, Speaks};

type Act = Arc<dyn Fn(Io) -> Pin<Box<dyn Future<Output = Option<()>> + Send>> + Send + Sync>;

/// Everything that the monitor typed, line by line and key by key, and the accounts that it came as.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed(Arc<Mutex<Vec<String>>>);

impl Typed {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

/// The device's side of a terminal. `None` of any method means that the monitor is gone.
pub(super) struct Io {
    handle: Handle,
    id: ChannelId,
    keys: mpsc::UnboundedReceiver<u8>,
    typed: Typed,
    /// Whether keys come back as they are read.
    pub(super) echo: bool,
}

impl Io {
    pub(super) async fn say(&mut self, text: &str) -> Option<()> {
        self.handle.data(self.id, text.as_bytes().to_vec()).await.ok()
    }

    /// Says it byte by byte.
    pub(super) async fn drip(&mut self, text: &str) -> Option<()> {
        for byte in text.as_bytes() {
            self.handle.data(self.id, vec![*byte]).await.ok()?;
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        Some(())
    }

    pub(super) async fn wait(&mut self, milliseconds: u64) -> Option<()> {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        Some(())
    }

    pub(super) async fn key(&mut self) -> Option<u8> {
        let key = self.keys.recv().await?;
        self.typed.note(&format!("key {:?}", char::from(key)));
        Some(key)
    }

    /// Reads a line as a command line does: what was typed meanwhile waits.
    pub(super) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.keys.recv().await? {
                b'\r' | b'\n' => break,
                key => line.push(key),
            }
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        self.typed.note(&line);
        if self.echo {
            self.say(&format!("{line}\r\n")).await?;
        }
        Some(line)
    }

    pub(super) async fn hang_up(&mut self) -> Option<()> {
        self.handle.close(self.id).await.ok()
    }
}

#[derive(Clone)]
struct Console {
    act: Act,
    typed: Typed,
    terminal: bool,
    keys: Option<mpsc::UnboundedSender<u8>>,
}

impl Handler for Console {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, user: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.typed.note(&format!("login {user}"));
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.terminal { session.channel_success(id) } else { session.channel_failure(id) }
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        let (sender, keys) = mpsc::unbounded_channel();
        self.keys = Some(sender);
        let io = Io { handle: session.handle(), id, keys, typed: self.typed.clone(), echo: true };
        let act = (self.act)(io);
        tokio::spawn(act);
        Ok(())
    }

    async fn data(&mut self, _: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Self::Error> {
        if let Some(keys) = &self.keys {
            for key in data {
                keys.send(*key).ok();
            }
        }
        Ok(())
    }
}

/// A server whose terminals act like this.
pub(super) async fn console<F, Fut>(act: F) -> (Server, Typed)
where
    F: Fn(Io) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<()>> + Send + 'static,
{
    serve(true, act).await
}

/// A server that gives nobody a terminal.
pub(super) async fn without_terminal() -> (Server, Typed) {
    serve(false, |_| async { None }).await
}

async fn serve<F, Fut>(terminal: bool, act: F) -> (Server, Typed)
where
    F: Fn(Io) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<()>> + Send + 'static,
{
    let key = russh::keys::PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519);
    let config = Arc::new(Config { keys: vec![key.unwrap()], ..Config::default() });
    let typed = Typed::default();
    let act: Act = Arc::new(move |io| Box::pin(act(io)));
    let console = Console { act, typed: typed.clone(), terminal, keys: None };
    let server = Server::raw(move |stream| {
        let (config, console) = (config.clone(), console.clone());
        async move {
            if let Ok(session) = run_stream(config, stream, console).await {
                session.await.ok();
            }
        }
    })
    .await;
    (server, typed)
}

/// Access to such a server.
pub(super) fn access(server: &Server, speaks: Speaks) -> Access {
    let mut access = Access { host_key: HostKeyPolicy::Learn, speaks, ..server.access() };
    access.user = "ro".into();
    access
}
