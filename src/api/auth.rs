//! Basic authentication against bcrypt hashes, with the cost paid once per credential and never with all cores.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// Wrong credentials that are remembered, so that a scraper with an old password costs a hash only once.
const WRONG: usize = 64;
/// Longest wait for the turn to try a password.
const TURN: Duration = Duration::from_secs(5);
/// A hash of cost 10 over a random text, compared against when the user does not exist, so that the answer takes as long.
const DUMMY: &str = "$2b$10$7EqJtq98hPqEX7fNZaFWoOhi5B0a9d5b9pYQ5y8wQ9d6S9yW0rG1K";

/// What stands behind a scheme in an `Authorization` header; schemes are the same in any case (RFC 9110, section 11.1).
pub(super) fn after<'h>(scheme: &str, header: &'h str) -> Option<&'h str> {
    let (said, rest) = header.split_once(' ')?;
    said.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// What trying a password came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Tried {
    /// It is this user's.
    Good(String),
    /// It is nobody's.
    Wrong,
    /// Too many others are being tried.
    Busy,
}

/// Who a password proved.
#[derive(Debug, Clone)]
struct Proof {
    digest: [u8; 32],
    /// What it was proven against; a user with a new password proves it again.
    hash: String,
}

/// Users of the web configuration; cloning shares what was proven.
#[derive(Clone)]
pub struct Users {
    hashes: Arc<BTreeMap<String, String>>,
    /// By user, so that no number of guesses pushes one out.
    proven: Arc<Mutex<BTreeMap<String, Proof>>>,
    wrong: Arc<Mutex<HashSet<[u8; 32]>>>,
    turns: Arc<Semaphore>,
}

impl Default for Users {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

/// A name and a password, as a header says them.
struct Login {
    text: String,
    colon: usize,
    digest: [u8; 32],
}

impl Login {
    fn parse(header: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(after("Basic", header)?).ok()?).ok()?;
        let colon = text.find(':')?;
        Some(Self { digest: Sha256::digest(text.as_bytes()).into(), text, colon })
    }

    fn user(&self) -> &str {
        &self.text[..self.colon]
    }

    fn password(&self) -> &str {
        &self.text[self.colon + 1..]
    }
}

impl Users {
    /// Takes user names and bcrypt hashes.
    #[must_use]
    pub fn new(hashes: BTreeMap<String, String>) -> Self {
        // whoever logs in must leave cores to the loop that visits
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let turns = Arc::new(Semaphore::new((cores / 2).clamp(1, 4)));
        Self { hashes: Arc::new(hashes), proven: Arc::default(), wrong: Arc::default(), turns }
    }

    /// The same with what others proved before, as far as their passwords are still these.
    #[must_use]
    pub fn remembering(self, before: &Self) -> Self {
        Self { proven: Arc::clone(&before.proven), turns: Arc::clone(&before.turns), ..self }
    }

    /// Whether a password is asked at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The user whom an `Authorization` header proved before, so that no password needs to be tried.
    #[must_use]
    pub fn proven(&self, header: &str) -> Option<String> {
        let login = Login::parse(header)?;
        let hash = self.hashes.get(login.user())?;
        let proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        let proof = proven.get(login.user())?;
        (proof.digest == login.digest && proof.hash == *hash).then(|| login.user().to_owned())
    }

    /// Tries what an `Authorization` header says. Runs bcrypt on a blocking thread, a few at a time.
    pub async fn authenticate(&self, header: &str) -> Tried {
        let Some(login) = Login::parse(header) else { return Tried::Wrong };
        if self.wrong.lock().unwrap_or_else(PoisonError::into_inner).contains(&login.digest) {
            return Tried::Wrong;
        }
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Tried::Busy };
        if let Some(user) = self.proven(header) {
            return Tried::Good(user);
        }
        let (user, password) = (login.user().to_owned(), login.password().to_owned());
        let hash = self.hashes.get(&user).cloned();
        let (exists, against) = (hash.is_some(), hash.unwrap_or_else(|| DUMMY.to_owned()));
        let verify = move || {
            let is_right = bcrypt::verify(password, &against).unwrap_or(false);
            // with the work, not with who waits for it: a client that hangs up frees no core
            drop(turn);
            (is_right, against)
        };
        let (is_right, against) = tokio::task::spawn_blocking(verify).await.unwrap_or_default();
        if is_right && exists {
            let proof = Proof { digest: login.digest, hash: against };
            self.proven.lock().unwrap_or_else(PoisonError::into_inner).insert(user.clone(), proof);
            return Tried::Good(user);
        }
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= WRONG {
            wrong.clear();
        }
        wrong.insert(login.digest);
        Tried::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn users(password: &str) -> Users {
        Users::new([("ada".to_owned(), bcrypt::hash(password, 4).unwrap())].into())
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_accepted() {
        let users = users("right");
        let ada = || Tried::Good("ada".to_owned());
        assert_eq!(users.authenticate(&header("ada:right")).await, ada());
        assert_eq!(users.authenticate(&header("ada:right")).await, ada());
        assert_eq!(users.authenticate(&header("ada:right").replace("Basic", "bASIC")).await, ada());
        for wrong in [&header("ada:wrong"), &header("ada:wrong"), &header("bob:right"), "Bearer x", "Basic", ""] {
            assert_eq!(users.authenticate(wrong).await, Tried::Wrong, "{wrong}");
        }
    }

    #[tokio::test]
    async fn no_number_of_guesses_pushes_out_who_was_proven_and_a_new_password_does() {
        let users = users("right");
        assert_eq!(users.proven(&header("ada:right")), None);
        users.authenticate(&header("ada:right")).await;
        for guess in 0..3 * WRONG {
            users.authenticate(&header(&format!("ada:{guess}"))).await;
        }
        assert_eq!(users.proven(&header("ada:right")).as_deref(), Some("ada"));
        assert_eq!(users.proven(&header("ada:5")), None);
        let same = Users { hashes: Arc::clone(&users.hashes), ..Users::default() }.remembering(&users);
        assert_eq!(same.proven(&header("ada:right")).as_deref(), Some("ada"), "a reload locks nobody out");
        let other = self::users("other").remembering(&users);
        assert_eq!(other.proven(&header("ada:right")), None);
        let gone = Users::default().remembering(&users);
        assert_eq!(gone.proven(&header("ada:right")), None);
    }

    #[tokio::test]
    async fn the_wait_for_a_turn_has_an_end() {
        let users = Users { turns: Arc::new(Semaphore::new(1)), ..users("right") };
        let held = Arc::clone(&users.turns).acquire_owned().await.unwrap();
        tokio::time::pause();
        assert_eq!(users.authenticate(&header("ada:right")).await, Tried::Busy);
        tokio::time::resume();
        drop(held);
        assert_eq!(users.authenticate(&header("ada:right")).await, Tried::Good("ada".to_owned()));
    }
}
