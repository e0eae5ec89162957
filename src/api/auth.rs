//! Basic authentication against bcrypt hashes, with the cost paid once per credential.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Verified credentials kept; a scraper uses one.
const CACHE: usize = 64;
/// A hash of cost 10 over a random text, compared against when the user does not exist, so that the answer takes as long.
const DUMMY: &str = "$2b$10$7EqJtq98hPqEX7fNZaFWoOhi5B0a9d5b9pYQ5y8wQ9d6S9yW0rG1K";

/// Users of the web configuration; cloning shares the cache.
#[derive(Clone, Default)]
pub struct Users {
    hashes: Arc<BTreeMap<String, String>>,
    verified: Arc<Mutex<HashMap<[u8; 32], bool>>>,
}

impl Users {
    /// Takes user names and bcrypt hashes.
    #[must_use]
    pub fn new(hashes: BTreeMap<String, String>) -> Self {
        Self { hashes: Arc::new(hashes), verified: Arc::default() }
    }

    /// Whether a password is asked at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether an `Authorization` header proved somebody before, so that no password needs to be tried.
    #[must_use]
    pub fn is_verified(&self, header: &str) -> bool {
        let decoded = header.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded.trim()).ok());
        let key: Option<[u8; 32]> = decoded.map(|decoded| Sha256::digest(decoded).into());
        key.is_some_and(|key| self.cache().get(&key) == Some(&true))
    }

    /// The user whom an `Authorization` header proves; `None` when it proves nobody. Runs bcrypt on a blocking thread.
    pub async fn authenticate(&self, header: Option<&str>) -> Option<String> {
        let encoded = header?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        let key: [u8; 32] = Sha256::digest(decoded.as_bytes()).into();
        if let Some(known) = self.cache().get(&key) {
            return known.then(|| user.to_owned());
        }
        let hash = self.hashes.get(user).cloned();
        let password = password.to_owned();
        let exists = hash.is_some();
        let verify = move || bcrypt::verify(password, hash.as_deref().unwrap_or(DUMMY)).unwrap_or(false);
        let good = tokio::task::spawn_blocking(verify).await.unwrap_or(false) && exists;
        let mut cache = self.cache();
        if cache.len() >= CACHE {
            cache.clear();
        }
        cache.insert(key, good);
        good.then(|| user.to_owned())
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], bool>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_accepted() {
        let hash = bcrypt::hash("right", 4).unwrap();
        let users = Users::new([("ada".to_owned(), hash)].into());
        assert_eq!(users.authenticate(Some(&header("ada:right"))).await.as_deref(), Some("ada"));
        assert_eq!(users.authenticate(Some(&header("ada:right"))).await.as_deref(), Some("ada"));
        assert_eq!(users.authenticate(Some(&header("ada:wrong"))).await, None);
        assert_eq!(users.authenticate(Some(&header("bob:right"))).await, None);
        assert_eq!(users.authenticate(Some("Bearer x")).await, None);
        assert_eq!(users.authenticate(None).await, None);
    }
}
