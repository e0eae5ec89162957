//! One attempt to prove who we are. A second one on the same connection does not exist: fail counters of the
//! asset would climb, and sshd 9.8 and newer lock out a source that fails repeatedly.

use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Reply};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};

use super::client::Client;
use super::{Access, Algorithms, Credential, key};
use crate::model::Secret;

/// Rounds of keyboard-interactive that we play along; PAM needs two.
const MAX_ROUNDS: usize = 4;

/// Why nobody is logged in.
pub(super) enum Failure {
    /// The asset refused the credential: pause before the next attempt.
    Refused(String),
    /// The credential cannot be used here; it was not sent.
    Unusable(String),
    /// The connection failed.
    Broken(russh::Error),
}

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        Self::Broken(error)
    }
}

/// Logs in; returns the method that was accepted.
pub(super) async fn login(handle: &mut Handle<Client>, access: &Access) -> Result<&'static str, Failure> {
    match &access.credential {
        Credential::Key { pem, passphrase } => with_key(handle, access, pem, passphrase.as_ref()).await,
        Credential::Password(password) => with_password(handle, &access.login(), password).await,
    }
}

async fn with_key(
    handle: &mut Handle<Client>,
    access: &Access,
    pem: &Secret,
    passphrase: Option<&Secret>,
) -> Result<&'static str, Failure> {
    let key = key::decode(pem.expose(), passphrase)
        .map_err(|error| Failure::Unusable(format!("{error}; it was not sent: check the file and its passphrase")))?;
    let mut hash = None;
    if key.algorithm().is_rsa() {
        hash = match handle.best_supported_rsa_hash().await? {
            Some(hash) => hash,
            // no word from the server: SHA-1 only where the operator asked for old cryptography
            None if access.algorithms == Algorithms::Modern => Some(HashAlg::Sha256),
            None => None,
        };
    }
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    judge("publickey", handle.authenticate_publickey(access.login(), key).await?)
}

/// Asks what is offered (with the method `none`, which holds no credential), then sends the password once.
async fn with_password(handle: &mut Handle<Client>, user: &str, password: &Secret) -> Result<&'static str, Failure> {
    let offered = match handle.authenticate_none(user).await? {
        AuthResult::Success => return Ok("none"),
        AuthResult::Failure { .. } if handle.is_closed() => return Err(Failure::Broken(russh::Error::Disconnect)),
        AuthResult::Failure { remaining_methods, .. } => remaining_methods,
    };
    if offered.contains(&MethodKind::Password) {
        judge("password", handle.authenticate_password(user, password.expose()).await?)
    } else if offered.contains(&MethodKind::KeyboardInteractive) {
        keyboard_interactive(handle, user, password).await
    } else {
        Err(Failure::Unusable(format!(
            "it takes no password (it offers {}); the password was not sent",
            list(&offered)
        )))
    }
}

async fn keyboard_interactive(
    handle: &mut Handle<Client>,
    user: &str,
    password: &Secret,
) -> Result<&'static str, Failure> {
    let mut reply = handle.authenticate_keyboard_interactive_start(user, None).await?;
    let mut sent = false;
    for _ in 0..MAX_ROUNDS {
        let prompts = match reply {
            Reply::Success => return Ok("keyboard-interactive"),
            Reply::Failure { remaining_methods, partial_success } => {
                return Err(refused("keyboard-interactive", &remaining_methods, partial_success));
            }
            Reply::InfoRequest { prompts, .. } => prompts,
        };
        let answers = match prompts.as_slice() {
            [] => vec![],
            [prompt] if !sent && !prompt.echo => vec![password.expose().to_owned()],
            _ if sent => {
                return Err(Failure::Refused(
                    "it asks for more than the password (a second factor, a new password)".into(),
                ));
            }
            _ => return Err(Failure::Unusable("it asks for more than a password; the password was not sent".into())),
        };
        sent |= !answers.is_empty();
        reply = handle.authenticate_keyboard_interactive_respond(answers).await?;
    }
    Err(Failure::Refused(format!("it kept asking after {MAX_ROUNDS} rounds of keyboard-interactive")))
}

fn judge(method: &'static str, result: AuthResult) -> Result<&'static str, Failure> {
    match result {
        AuthResult::Success => Ok(method),
        AuthResult::Failure { remaining_methods, partial_success } => {
            Err(refused(method, &remaining_methods, partial_success))
        }
    }
}

fn refused(method: &str, remaining: &MethodSet, partial: bool) -> Failure {
    Failure::Refused(if partial {
        format!(
            "{method} was accepted, but it also wants {}: exempt this account from the second step, or use a collector key",
            list(remaining)
        )
    } else if remaining.is_empty() {
        format!("{method} was refused and the connection closed")
    } else {
        format!("{method} was refused; it would take {}", list(remaining))
    })
}

fn list(methods: &MethodSet) -> String {
    if methods.is_empty() {
        return "nothing that we know".into();
    }
    methods.iter().map(<&str>::from).collect::<Vec<_>>().join(", ")
}
