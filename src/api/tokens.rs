//! Bearer tokens: who may ask and act without a password. Only their digests are kept.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{Secret, Time};
use crate::store::Digest;

/// What every token begins with, so that scanners of repositories know one when they see it.
const PREFIX: &str = "n2w_";
/// Bytes of chance in a token.
const CHANCE: usize = 32;
/// Longest file of tokens.
const LONGEST: u64 = 1 << 20;

/// What somebody may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    #[default]
    Viewer,
    /// Stop and resume traffic, reload, visit now.
    Operator,
    /// Accept fails, sign statements, note reports of incidents.
    Approver,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Approver];

    /// The word in files and commands.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
        }
    }

    /// The role that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// One token, without what opens the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Who or what holds it; stands in the ledger as the actor.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// SHA-256 of the token, 64 hexadecimal digits.
    pub sha256: String,
    /// When it was made.
    pub created_at: Time,
    /// When it ends by itself.
    #[serde(default)]
    pub expires_at: Option<Time>,
}

/// Why a file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is no file of tokens.
    #[error("{path} is no file of tokens: {problem}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A name that is taken.
    #[error("there is a token named {0:?} already; revoke it first")]
    Taken(String),
    /// A name that does not exist.
    #[error("there is no token named {0:?}")]
    Stranger(String),
    /// The system gives no chance.
    #[error("the system gives no random numbers: {0}")]
    Chance(String),
}

/// All tokens of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// In the order they were made.
    pub tokens: Vec<Token>,
}

impl Tokens {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is not there, can be changed by others than its owner, or is no such file.
    pub fn load(path: &Path) -> Result<Self, TokenError> {
        let file = |source| TokenError::File { path: path.to_owned(), source };
        let invalid = |problem: String| TokenError::Invalid { path: path.to_owned(), problem };
        let about = std::fs::metadata(path).map_err(file)?;
        if about.permissions().mode() & 0o022 != 0 {
            return Err(invalid("others than its owner can change it; chmod go-w".to_owned()));
        }
        if about.len() > LONGEST {
            return Err(invalid("it is longer than 1 MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(file)?;
        serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))
    }

    /// Writes the file anew, whole or not at all, readable by its owner and group.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TokenError> {
        let file = |source| TokenError::File { path: path.to_owned(), source };
        let beside = path.with_extension("new");
        let text = serde_json::to_string_pretty(self).map_err(|error| file(error.into()))?;
        let mode = std::fs::metadata(path).map_or(0o640, |about| about.permissions().mode() & 0o640);
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside);
        let written = opened.and_then(|mut opened| writeln!(opened, "{text}").and_then(|()| opened.sync_all()));
        written.and_then(|()| std::fs::rename(&beside, path)).map_err(file)
    }

    /// Makes a token; the text that is returned opens the door and is kept nowhere.
    ///
    /// # Errors
    ///
    /// The name is taken.
    pub fn create(
        &mut self,
        name: &str,
        role: Role,
        expires_at: Option<Time>,
        now: Time,
    ) -> Result<Secret, TokenError> {
        if self.tokens.iter().any(|token| token.name == name) {
            return Err(TokenError::Taken(name.to_owned()));
        }
        let mut chance = [0; CHANCE];
        rand::rngs::OsRng.try_fill_bytes(&mut chance).map_err(|error| TokenError::Chance(error.to_string()))?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(chance));
        let sha256 = digest(&text);
        self.tokens.push(Token { name: name.to_owned(), role, sha256, created_at: now, expires_at });
        Ok(Secret::new(text))
    }

    /// Takes a token away.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    pub fn revoke(&mut self, name: &str) -> Result<(), TokenError> {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.name != name);
        if self.tokens.len() == before { Err(TokenError::Stranger(name.to_owned())) } else { Ok(()) }
    }

    /// The token that a text opens the door with, unless it has ended.
    #[must_use]
    pub fn find(&self, text: &str, now: Time) -> Option<&Token> {
        let sha256 = digest(text);
        // digests of chance are compared: how long that takes tells nobody anything
        let found = self.tokens.iter().find(|token| token.sha256.eq_ignore_ascii_case(&sha256))?;
        found.expires_at.is_none_or(|end| now < end).then_some(found)
    }
}

fn digest(text: &str) -> String {
    Digest(Sha256::digest(text.as_bytes()).into()).to_string()
}

/// A file of tokens that is read again when it changed: what was revoked no longer opens the door.
#[derive(Debug, Clone)]
pub(super) struct TokenFile {
    path: PathBuf,
    read: Arc<Mutex<(Option<SystemTime>, Arc<Tokens>)>>,
}

impl TokenFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read: Arc::default() }
    }

    /// The tokens as they are now. A file that cannot be read opens the door to nobody.
    pub(super) fn current(&self) -> Arc<Tokens> {
        let changed = std::fs::metadata(&self.path).and_then(|about| about.modified()).ok();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.0 != changed || changed.is_none() {
            let tokens = Tokens::load(&self.path).unwrap_or_else(|error| {
                tracing::error!(%error, "the tokens cannot be read: no token is accepted");
                Tokens::default()
            });
            *read = (changed, Arc::new(tokens));
        }
        Arc::clone(&read.1)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::*;

    #[test]
    fn a_token_opens_until_it_ends_or_is_revoked_and_is_kept_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let (mut tokens, now) = (Tokens::default(), Utc::now());
        let lasting = tokens.create("scraper", Role::Viewer, None, now).unwrap();
        let ending = tokens.create("shift", Role::Operator, Some(now + TimeDelta::hours(8)), now).unwrap();
        assert!(matches!(tokens.create("shift", Role::Viewer, None, now), Err(TokenError::Taken(_))));
        tokens.save(&path).unwrap();
        let file = TokenFile::new(&path);
        let role = |text: &str, at| file.current().find(text, at).map(|token| token.role);
        assert_eq!(role(lasting.expose(), now), Some(Role::Viewer));
        assert_eq!(role(ending.expose(), now), Some(Role::Operator));
        assert_eq!(role(ending.expose(), now + TimeDelta::hours(8)), None);
        assert_eq!(role("n2w_guess", now), None);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(lasting.expose()) && !text.contains(&lasting.expose()[PREFIX.len()..]), "{text}");
        tokens.revoke("scraper").unwrap();
        tokens.save(&path).unwrap();
        std::fs::File::open(&path)
            .unwrap()
            .set_modified(SystemTime::now() + std::time::Duration::from_secs(5))
            .unwrap();
        assert_eq!(role(lasting.expose(), now), None);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(role(ending.expose(), now), None, "without its file no token opens");
    }

    #[test]
    fn a_file_that_others_can_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        Tokens::default().save(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(Tokens::load(&path).unwrap_err().to_string().contains("chmod"));
    }
}
