//! A key exchange and the request `none`: what a server tells before anybody logs in.

use std::time::Duration;

use russh::Disconnect;
use russh::client::AuthResult;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::connect::Opener;
use super::session::GOODBYE;
use super::{Access, Algorithms, Credential, Deadlines, HostKeyPolicy};
use crate::model::{Secret, Transport};
use crate::transport::TransportError;
use crate::transport::gate::Gate;

/// The account that asks for login methods; it never logs in.
const VISITOR: &str = "nis2watch";

/// What a key exchange and the request `none` tell about a server.
pub(in crate::transport) struct Knock {
    pub(in crate::transport) key_type: String,
    pub(in crate::transport) fingerprint: String,
    pub(in crate::transport) methods: Vec<&'static str>,
    /// What the server says to everybody before login; empty when it says nothing.
    pub(in crate::transport) notice: String,
}

/// Asks for login methods without a credential. Any host key is taken and any algorithm, for nothing is said
/// that must be kept from anybody.
pub(in crate::transport) async fn knock(gate: &Gate, port: u16, wait: Duration) -> Result<Knock, TransportError> {
    let nothing = Credential::Password(Secret::new(String::new()));
    let access = Access {
        port,
        algorithms: Algorithms::Legacy,
        deadlines: Deadlines { connect: wait, handshake: wait, auth: wait, ..Deadlines::default() },
        ..Access::new(VISITOR, nothing, HostKeyPolicy::Learn)
    };
    let mut opener = Opener::new(&access, gate);
    opener.transport = Transport::SshService;
    let cut = CancellationToken::new();
    let _cut_at_the_end = cut.clone().drop_guard();
    let mut handle = opener.exchange_keys(opener.line(None, &cut).await?).await?;
    let asked = timeout(wait, Box::pin(handle.authenticate_none(VISITOR))).await;
    let seen = opener.shared.now();
    let methods = match asked {
        Ok(Ok(AuthResult::Success)) => vec!["none"],
        Ok(Ok(AuthResult::Failure { .. })) if handle.is_closed() => {
            return Err(opener.scene(&seen).explain(russh::Error::Disconnect, wait));
        }
        Ok(Ok(AuthResult::Failure { remaining_methods, .. })) => remaining_methods.iter().map(<&str>::from).collect(),
        Ok(Err(error)) => return Err(opener.scene(&seen).explain(error, wait)),
        Err(_) => return Err(opener.scene(&seen).timeout(wait)),
    };
    let goodbye = async {
        handle.disconnect(Disconnect::ByApplication, "", "").await.ok();
        handle.await.ok();
    };
    timeout(GOODBYE, goodbye).await.ok();
    let key_type = seen.names.map(|names| names.key.to_string()).unwrap_or_default();
    let (fingerprint, notice) = (seen.fingerprint.unwrap_or_default(), seen.notice.unwrap_or_default());
    Ok(Knock { key_type, fingerprint, methods, notice })
}
