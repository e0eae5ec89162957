//! The keys that sign heads of the ledger: ed25519, in the PEM files that OpenSSL reads and writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// What precedes the 32 bytes of a private key: PKCS #8, version 1 (RFC 8410).
const PRIVATE: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// What precedes the 32 bytes of a public key: `SubjectPublicKeyInfo` (RFC 8410).
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// Why a key cannot be used; no message holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Another format, or another kind of key.
    #[error(
        "this is no ed25519 private key in PEM (PKCS #8), as `nis2watch ledger keygen` or `openssl genpkey` writes it"
    )]
    NoPrivateKey,
    /// The same of a public key.
    #[error("this is no ed25519 public key in PEM, as `nis2watch ledger keygen` or `openssl pkey -pubout` writes it")]
    NoPublicKey,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// A private key; `Debug` shows the public half.
#[derive(Debug)]
pub struct SigningKey(Ed25519KeyPair);

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// Reads a PEM file's text.
    ///
    /// # Errors
    ///
    /// It holds something else.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let seed = body(pem, "PRIVATE KEY").ok_or(KeyError::NoPrivateKey)?;
        let seed = seed.strip_prefix(&PRIVATE).ok_or(KeyError::NoPrivateKey)?;
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| KeyError::NoPrivateKey)
    }

    /// Makes a new key; returns it as PEM, too.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<(Self, String), KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandomness)?;
        let text = pem("PRIVATE KEY", &[&PRIVATE[..], &seed].concat());
        Ok((Self::from_pem(&text)?, text))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(key)
    }

    pub(super) fn sign(&self, message: &str) -> String {
        STANDARD.encode(self.0.sign(message.as_bytes()))
    }
}

impl PublicKey {
    /// Reads a PEM file's text.
    ///
    /// # Errors
    ///
    /// It holds something else.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let whole = body(pem, "PUBLIC KEY").ok_or(KeyError::NoPublicKey)?;
        let key = whole.strip_prefix(&PUBLIC).and_then(|key| key.try_into().ok());
        key.map(Self).ok_or(KeyError::NoPublicKey)
    }

    /// As a PEM file's text.
    #[must_use]
    pub fn to_pem(self) -> String {
        pem("PUBLIC KEY", &[&PUBLIC[..], &self.0].concat())
    }

    /// Its name: the first 16 hexadecimal digits of the SHA-256 of its DER form.
    #[must_use]
    pub fn id(self) -> String {
        let whole = digest(&SHA256, &[&PUBLIC[..], &self.0].concat());
        let start = whole.as_ref().iter().take(8);
        format!("{:016x}", start.fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn proves(self, message: &str, signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.0).verify(message.as_bytes(), &signature).is_ok()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn body(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (inside, _) = rest.split_once(&format!("-----END {label}-----"))?;
    STANDARD.decode(inside.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file_and_signs_what_only_its_public_half_accepts() {
        let (key, text) = SigningKey::generate().unwrap();
        let (again, public) = (SigningKey::from_pem(&text).unwrap(), key.public());
        assert_eq!(PublicKey::from_pem(&public.to_pem()), Ok(public));
        let signature = again.sign("a head");
        assert!(public.proves("a head", &signature));
        assert!(!public.proves("a hea", &signature) && !public.proves("a head", "no"));
        assert!(!SigningKey::generate().unwrap().0.public().proves("a head", &signature));
        assert_eq!(SigningKey::from_pem(&public.to_pem()).err(), Some(KeyError::NoPrivateKey));
        assert_eq!(PublicKey::from_pem(&text), Err(KeyError::NoPublicKey));
        assert!(!format!("{again:?}").contains(text.lines().nth(1).unwrap()));
    }
}
