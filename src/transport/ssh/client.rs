//! What a server shows of itself during a session, and the judgement of its host key.

use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{self, ChannelOpenHandle, DisconnectReason};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{ChannelOpenFailure, Names};

/// Longest text of a server that is kept, in characters.
const MAX_WORDS: usize = 256;
/// Longest notice before login that is kept, in characters: legal texts are long.
const MAX_NOTICE: usize = 4096;

/// What a session learnt about its peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) expected: Option<Vec<String>>,
    pub(super) fingerprint: Option<String>,
    pub(super) farewell: Option<String>,
    /// Why the youngest of the channels that were not opened was not, in the peer's words, and its number.
    pub(super) no_channel: Option<(u32, String)>,
    pub(super) banner: String,
    /// What the server says to everybody before login (RFC 4252, section 5.4).
    pub(super) notice: Option<String>,
    pub(super) names: Option<Names>,
}

/// [`Seen`], written by russh's task, read by ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Seen>>);

impl Shared {
    pub(super) fn now(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Answers russh's callbacks.
pub(super) struct Client(pub(super) Shared);

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let mut welcome = false;
        self.0.note(|seen| {
            // a first contact is held to its own key from here on, should it exchange keys again
            welcome = seen.expected.get_or_insert_with(|| vec![fingerprint.clone()]).contains(&fingerprint);
            seen.fingerprint = Some(fingerprint);
        });
        Ok(welcome)
    }

    async fn auth_banner(&mut self, notice: &str, _: &mut client::Session) -> Result<(), Self::Error> {
        self.0.note(|seen| {
            let before = seen.notice.get_or_insert_default();
            let room = MAX_NOTICE.saturating_sub(before.chars().count());
            before.extend(notice.chars().take(room));
        });
        Ok(())
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &Names,
        session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let banner = String::from_utf8_lossy(session.remote_sshid()).into_owned();
        self.0.note(|seen| (seen.names, seen.banner) = (Some(names.clone()), banner));
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        channel: russh::ChannelId,
        _: ChannelOpenFailure,
        description: &str,
        _: &str,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let number = u32::from(channel);
        self.0.note(|seen| {
            // a channel that we gave up on may fail later than one that was asked for after it
            if seen.no_channel.as_ref().is_none_or(|(youngest, _)| *youngest <= number) {
                seen.no_channel = Some((number, description.chars().take(MAX_WORDS).collect()));
            }
        });
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: russh::Channel<client::Msg>,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        // russh accepts by default; dropping the handle refuses
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.0.note(|seen| seen.farewell = Some(info.message.chars().take(MAX_WORDS).collect()));
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}
