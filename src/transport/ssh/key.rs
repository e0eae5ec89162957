//! Whether a private key can be used at all, told when it is loaded instead of at the first login.

use russh::keys::{Algorithm, Error, PrivateKey, decode_secret_key};

use crate::model::Secret;

/// How texts begin that are the public half of a key.
const PUBLIC: [&str; 6] =
    ["ssh-", "ecdsa-", "sk-", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY", "---- BEGIN SSH2 PUBLIC KEY"];
/// Words in the head of a key that is encrypted; the OpenSSH format says it inside.
const ENCRYPTED: [&str; 2] = ["-----BEGIN ENCRYPTED ", "Proc-Type: 4,ENCRYPTED"];
/// How keys of `PuTTY` begin.
const PUTTY: &str = "PuTTY-User-Key-File-";

/// Why a text is no private key to log in with; nothing of the text is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The other half.
    #[error("this is a public key; a login is proved with the private one")]
    Public,
    /// Something else.
    #[error("this is no private key")]
    Foreign,
    /// The beginning of one.
    #[error("the private key is cut off: its last line, -----END …, is missing")]
    CutOff,
    /// A passphrase is missing.
    #[error("the private key is encrypted, and no passphrase is given")]
    Encrypted,
    /// Another passphrase, or damage that shows in the same way.
    #[error("the passphrase does not open the private key")]
    Passphrase,
    /// A passphrase for a key that has none.
    #[error("a passphrase is given, and the private key is not encrypted")]
    Plain,
    /// The key lives in a token, and this file is its handle.
    #[error("the private key is the handle of a hardware token, which wants a touch at every login")]
    Token,
    /// Damaged, or of a kind that is not known.
    #[error("the private key cannot be read: {0}")]
    Unreadable(&'static str),
}

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Public => "name the file without .pub; the public key goes into authorized_keys of the assets",
            Self::Foreign => "it begins with a line such as -----BEGIN OPENSSH PRIVATE KEY-----",
            Self::CutOff => "copy the whole file again",
            Self::Encrypted => "passphrase: { file: PATH } beside key",
            Self::Passphrase => "ssh-keygen -y -f FILE shows whether a passphrase is the right one",
            Self::Plain => "leave passphrase out",
            Self::Token => "make a key for the monitor: ssh-keygen -t ed25519 -N '' -f FILE",
            Self::Unreadable(_) => {
                "ssh-keygen -y -f FILE shows whether it is sound; ssh-keygen -p -f FILE writes it anew as OpenSSH does"
            }
        }
    }
}

/// Opens a private key as a login will, and drops it. An encrypted key costs the time that its maker wanted it to cost.
///
/// # Errors
///
/// Why it cannot be used.
pub fn check_key(pem: &Secret, passphrase: Option<&Secret>) -> Result<(), KeyError> {
    let text = pem.expose().trim_start();
    if PUBLIC.iter().any(|start| text.starts_with(start)) {
        return Err(KeyError::Public);
    }
    if !text.starts_with(PUTTY) {
        let (begins, ends) = (text.contains("-----BEGIN "), text.contains("\n-----END "));
        match (begins, ends) {
            (false, _) => return Err(KeyError::Foreign),
            (true, false) => return Err(KeyError::CutOff),
            (true, true) => {}
        }
    }
    let encrypted = is_encrypted(text);
    match (encrypted, passphrase) {
        (true, None) => return Err(KeyError::Encrypted),
        (false, Some(_)) => return decode(text, None).and(Err(KeyError::Plain)),
        _ => {}
    }
    decode(text, passphrase).map(drop).map_err(|error| if encrypted { KeyError::Passphrase } else { error })
}

/// Reads a key, and refuses one that cannot sign without a person.
pub(super) fn decode(text: &str, passphrase: Option<&Secret>) -> Result<PrivateKey, KeyError> {
    let key = decode_secret_key(text.trim_start(), passphrase.map(Secret::expose))
        .map_err(|error| KeyError::Unreadable(reason(&error)))?;
    match key.algorithm() {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Err(KeyError::Token),
        _ => Ok(key),
    }
}

/// Our own words: those of the parser quote lines of a `PuTTY` key.
const fn reason(error: &Error) -> &'static str {
    match error {
        Error::Decode(_) => "what stands between its first and last line is no base64",
        Error::UnsupportedKeyType { .. } | Error::UnknownAlgorithm(_) => "it is of a kind that is not known",
        Error::KeyIsEncrypted => "it is encrypted",
        _ => "it is damaged, or written in a form that is not known",
    }
}

fn is_encrypted(text: &str) -> bool {
    if text.starts_with(PUTTY) {
        return !text.lines().any(|line| line.trim() == "Encryption: none");
    }
    ENCRYPTED.iter().any(|word| text.contains(word))
        || matches!(decode_secret_key(text, None), Err(Error::KeyIsEncrypted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ssh::testing::run;

    fn check(text: &str, passphrase: Option<&str>) -> Result<(), KeyError> {
        check_key(&Secret::new(text.to_owned()), passphrase.map(|text| Secret::new(text.to_owned())).as_ref())
    }

    #[tokio::test]
    async fn keys_of_every_format_are_opened_and_what_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, format, passphrase) in [
            ("ed25519", "RFC4716", ""),
            ("ed25519", "RFC4716", "hunter2"),
            ("rsa", "PEM", ""),
            ("rsa", "PKCS8", "hunter2"),
            ("ecdsa", "PKCS8", ""),
        ] {
            let path = folder.path().join(format!("{kind}-{format}-{passphrase}")).display().to_string();
            run("ssh-keygen", &["-q", "-t", kind, "-m", format, "-N", passphrase, "-f", &path]).await;
            let text = std::fs::read_to_string(&path).unwrap();
            let public = std::fs::read_to_string(format!("{path}.pub")).unwrap();
            let right = Some(passphrase).filter(|word| !word.is_empty());
            assert_eq!(check(&text, right), Ok(()), "{path}");
            assert_eq!(check(text.trim_end(), right), Ok(()), "{path} without its line end");
            let (other, expected) =
                if right.is_some() { (None, KeyError::Encrypted) } else { (Some("x"), KeyError::Plain) };
            assert_eq!(check(&text, other), Err(expected), "{path}");
            if right.is_some() {
                assert_eq!(check(&text, Some("hunter3")), Err(KeyError::Passphrase), "{path}");
            }
            assert_eq!(check(&public, right), Err(KeyError::Public), "{path}");
            assert_eq!(check(&text[..text.len() / 2], right), Err(KeyError::CutOff), "{path}");
        }
    }

    #[test]
    fn what_is_no_key_is_told_without_repeating_it() {
        assert_eq!(check("hunter2", None), Err(KeyError::Foreign));
        for text in [
            "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN DSA PRIVATE KEY-----\nhunter2\n-----END DSA PRIVATE KEY-----\n",
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nhunter2\n",
        ] {
            let error = check(text, None).unwrap_err();
            assert!(matches!(error, KeyError::Unreadable(_)), "{error:?}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
