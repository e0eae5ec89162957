//! A small SSH server that lets the monitor in with its key and answers its script from recordings.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, Preferred, SshId, cipher, compression, kex, mac};
use tokio::net::TcpStream;

use super::recording::Machine;
use super::script::Script;

/// Account of the monitor on every host.
pub(super) const USER: &str = "nis2watch";
/// What the product starts.
const SHELL: &[u8] = b"exec sh -s";
/// What a host in good order says before login.
const NOTICE: &str = "Property of the plant. Use without permission is forbidden; sessions are recorded.\n";
/// Longest script.
const LONGEST_SCRIPT: usize = 1 << 20;
/// A client that says nothing for so long is let go.
const IDLE: Duration = Duration::from_secs(30);

const KEX: [kex::Name; 6] = [
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::DH_G16_SHA512,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];
const OLD_KEX: [kex::Name; 2] = [kex::DH_G14_SHA256, kex::DH_G14_SHA1];
const CIPHERS: [cipher::Name; 3] = [cipher::CHACHA20_POLY1305, cipher::AES_256_GCM, cipher::AES_256_CTR];
const OLD_CIPHERS: [cipher::Name; 2] = [cipher::AES_256_CBC, cipher::AES_128_CBC];
const MACS: [mac::Name; 2] = [mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM];
const OLD_MACS: [mac::Name; 2] = [mac::HMAC_SHA256, mac::HMAC_SHA1];

/// How old the cryptography is that a host offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Nothing weak.
    Modern,
    /// Also SHA-1 and CBC; it can still be asked with modern algorithms.
    Old,
}

/// Makes a key that no other run has.
pub(super) fn new_key() -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&rand::random()))
}

/// The key as a file holds it.
pub(super) fn key_file(key: &PrivateKey) -> Result<String, russh::keys::ssh_key::Error> {
    Ok(key.to_openssh(LineEnding::LF)?.to_string())
}

/// The fingerprint as `ssh-keygen -lf` prints it.
pub(super) fn fingerprint(key: &PrivateKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Everything that a connection needs.
#[derive(Clone)]
pub(super) struct Host {
    config: Arc<Config>,
    machine: Arc<Machine>,
    visitor: PublicKey,
    notice: Option<&'static str>,
}

impl Host {
    /// A host that calls itself `banner`, has this key and lets this visitor in.
    pub(super) fn new(
        banner: &'static str,
        age: Age,
        key: PrivateKey,
        visitor: PublicKey,
        machine: Arc<Machine>,
    ) -> Self {
        let config = Config {
            server_id: SshId::Standard(Cow::Borrowed(banner)),
            keys: vec![key],
            preferred: preferred(age),
            inactivity_timeout: Some(IDLE),
            max_auth_attempts: 3,
            nodelay: true,
            ..Config::default()
        };
        let notice = (age == Age::Modern).then_some(NOTICE);
        Self { config: Arc::new(config), machine, visitor, notice }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        let visit =
            Visit { machine: self.machine, visitor: self.visitor, notice: self.notice, shell: None, input: Vec::new() };
        match russh::server::run_stream(self.config, stream, visit).await {
            Ok(session) => {
                session.await.ok();
            }
            Err(error) => tracing::debug!(%error, "a demo host lost its visitor before the login"),
        }
    }
}

fn preferred(age: Age) -> Preferred {
    let (mut kex, mut cipher, mut mac) = (KEX.to_vec(), CIPHERS.to_vec(), MACS.to_vec());
    if age == Age::Old {
        kex.extend(OLD_KEX);
        cipher.extend(OLD_CIPHERS);
        mac.extend(OLD_MACS);
    }
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Borrowed(&[Algorithm::Ed25519]),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Owned(cipher),
        mac: Cow::Owned(mac),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// One connection.
struct Visit {
    machine: Arc<Machine>,
    visitor: PublicKey,
    /// Said before the login.
    notice: Option<&'static str>,
    /// The channel that a shell was started on.
    shell: Option<ChannelId>,
    input: Vec<u8>,
}

impl Visit {
    fn answer(&self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        let script = std::str::from_utf8(&self.input).ok().and_then(Script::parse);
        let status = if let Some(script) = script {
            let now = chrono::Utc::now();
            let (mut out, mut err) = (String::new(), String::new());
            let marker = &script.marker;
            for command in &script.commands {
                let (ran, index) = (self.machine.run(command, now), &command.index);
                let end = ran.status.map_or("p".to_owned(), |status| format!("s{status} c0"));
                for (stream, said) in [(&mut out, &ran.stdout), (&mut err, &ran.stderr)] {
                    write!(stream, "\n{marker} B {index} \n{said}\n{marker} E {index} {end}\n").ok();
                }
            }
            session.data(channel, format!("{out}{marker} DONE\n"))?;
            session.extended_data(channel, 1, format!("{err}{marker} DONE\n"))?;
            0
        } else {
            session.extended_data(channel, 1, "sh: syntax error\n")?;
            2
        };
        session.exit_status_request(channel, status)?;
        session.eof(channel)?;
        session.close(channel)
    }
}

impl Handler for Visit {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.notice.map(ToOwned::to_owned))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = user == USER && key.public_key.key_data() == self.visitor.key_data();
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if command != SHELL || self.shell.is_some() {
            return session.channel_failure(channel);
        }
        self.shell = Some(channel);
        session.channel_success(channel)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        if self.shell != Some(channel) || self.input.len() + data.len() > LONGEST_SCRIPT {
            return session.close(channel);
        }
        self.input.extend_from_slice(data);
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        if self.shell == Some(channel) { self.answer(channel, session) } else { Ok(()) }
    }
}
