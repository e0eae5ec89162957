//! Secrets by reference: a file, an environment variable or a systemd credential, never a value in the configuration.
//!
//! No message of this module holds a secret, also not one that somebody wrote where a reference belongs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::model::Secret;
use crate::model::document::Step;
use crate::transport::snmp::{AuthProtocol, PrivProtocol};
use crate::transport::{snmp, ssh};

/// Longest secret; a key file is a few KiB.
const LONGEST_SECRET: u64 = 64 << 10;
/// Permission bits that nobody but the owner may have.
const OTHERS: u32 = 0o077;
/// The one of them that `allow_group` permits: read by the group, which Kubernetes sets with `fsGroup`.
const GROUP_READ: u32 = 0o040;

/// The environment the process was started with; passed in, so that a test can have its own.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Environment variables by name.
    pub variables: BTreeMap<String, String>,
}

impl Surroundings {
    /// Those of this process; variables that are no text are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self { variables: std::env::vars_os().filter_map(text).collect() }
    }
}

/// Only the names: a value may be a secret.
impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In a file of its own; a trailing line end does not count.
    File {
        /// Its path, relative to the configuration file.
        path: PathBuf,
        /// Whether the group may read it too.
        allow_group: bool,
    },
    /// In an environment variable.
    Variable(String),
    /// In the directory that systemd names in `CREDENTIALS_DIRECTORY`.
    Systemd(String),
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            file: Option<PathBuf>,
            env: Option<String>,
            credential: Option<String>,
            #[serde(default)]
            allow_group: bool,
        }

        struct Reference;
        impl<'de> Visitor<'de> for Reference {
            type Value = SecretRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference to a secret ({file: PATH}, {env: NAME} or {credential: NAME}), never the secret itself")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRef, A::Error> {
                let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                let allow_group = fields.allow_group;
                match (fields.file, fields.env, fields.credential) {
                    (Some(path), None, None) => Ok(SecretRef::File { path, allow_group }),
                    (None, Some(name), None) => Ok(SecretRef::Variable(name)),
                    (None, None, Some(name)) => Ok(SecretRef::Systemd(name)),
                    _ => Err(serde::de::Error::custom("a secret has exactly one of the keys file, env and credential")),
                }
            }
        }
        deserializer.deserialize_any(Reference)
    }
}

/// Why a secret could not be read, and what to do; neither holds the secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Unreadable {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl SecretRef {
    /// Reads the secret. Relative files lie beside the configuration, in `base`.
    ///
    /// # Errors
    ///
    /// What is wrong with the reference or with what it names.
    pub fn resolve(&self, base: &Path, surroundings: &Surroundings) -> Result<Secret, Unreadable> {
        let secret = match self {
            Self::File { path, allow_group } => read_file(&base.join(path), Some(*allow_group))?,
            Self::Variable(name) => surroundings
                .variables
                .get(name)
                .cloned()
                .ok_or_else(|| Unreadable::new(format!("environment variable {name:?} is not set")))?,
            Self::Systemd(name) => {
                if name.is_empty() || name.contains('/') || name.starts_with('.') {
                    return Err(Unreadable::new(format!("{name:?} is no name of a systemd credential")));
                }
                let unset = || {
                    Unreadable::new("CREDENTIALS_DIRECTORY is not set, so systemd passed no credentials")
                        .hint(format!("add LoadCredential={name}:PATH to the unit"))
                };
                let directory = surroundings.variables.get("CREDENTIALS_DIRECTORY").ok_or_else(unset)?;
                // systemd guards that directory itself, also with access lists that show as group bits
                read_file(&Path::new(directory).join(name), None)?
            }
        };
        let trimmed = secret.strip_suffix('\n').map_or(secret.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        match trimmed {
            "" => Err(Unreadable::new("the secret is empty")),
            text => Ok(Secret::new(text.to_owned())),
        }
    }

    /// Whether it names the file that `ssh-keygen` writes beside a private key.
    fn is_public_half(&self) -> bool {
        matches!(self, Self::File { path, .. } if path.extension().is_some_and(|ending| ending == "pub"))
    }
}

/// Reads a file that only its owner may read; `allow_group` of `None` leaves the permissions to somebody else.
fn read_file(path: &Path, allow_group: Option<bool>) -> Result<String, Unreadable> {
    let failed = |error: std::io::Error| Unreadable::new(format!("cannot read {}: {error}", path.display()));
    // looked at before it is opened: opening a pipe would wait for its writer
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(Unreadable::new(format!("{} is not a regular file", path.display())));
    }
    if let Some(allow_group) = allow_group {
        let refused = if allow_group { OTHERS & !GROUP_READ } else { OTHERS };
        if about.mode() & refused != 0 {
            let mode = about.mode() & 0o777;
            let hint = if allow_group { "chmod 640" } else { "chmod 600" };
            return Err(Unreadable::new(format!("{} is open to others (mode {mode:03o})", path.display())).hint(
                format!(
                    "{hint} {} (allow_group: true permits the group to read, as Kubernetes needs with fsGroup)",
                    path.display()
                ),
            ));
        }
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(LONGEST_SECRET + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST_SECRET {
        return Err(Unreadable::new(format!("{} is longer than 64 KiB, which no secret is", path.display())));
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::new(format!("{} is not text", path.display())))
}

/// A credential as written; secrets are references.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialEntry {
    /// A login.
    Ssh(SshEntry),
    /// A community or a user.
    Snmp(SnmpEntry),
}

/// A login over SSH, as written: exactly one of key and password.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshEntry {
    user: String,
    key: Option<SecretRef>,
    passphrase: Option<SecretRef>,
    password: Option<SecretRef>,
}

/// SNMP access, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnmpEntry {
    version: Version,
    community: Option<SecretRef>,
    user: Option<String>,
    auth: Option<AuthEntry>,
    privacy: Option<PrivacyEntry>,
    context: Option<String>,
}

/// The words for versions of SNMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Version {
    #[serde(rename = "1", alias = "v1")]
    One,
    #[serde(rename = "2c", alias = "v2c")]
    TwoC,
    #[serde(rename = "3", alias = "v3")]
    Three,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthEntry {
    protocol: AuthProtocol,
    password: SecretRef,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivacyEntry {
    protocol: PrivProtocol,
    password: SecretRef,
}

/// A credential with its secrets; they do not print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A login.
    Ssh {
        /// Who logs in.
        user: String,
        /// What proves it.
        credential: ssh::Credential,
    },
    /// A community or a user.
    Snmp {
        /// The version that goes with it.
        version: snmp::Version,
        /// What is shown to the agent.
        credential: snmp::Credential,
    },
}

impl Credential {
    /// The word for messages.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ssh { .. } => "ssh",
            Self::Snmp { .. } => "snmp",
        }
    }
}

/// All credentials, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials(BTreeMap<String, Credential>);

impl Credentials {
    /// One credential.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Credential> {
        self.0.get(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Reads all secrets. Each mistake is reported with the path below the credential's name.
    pub fn resolve(
        entries: &BTreeMap<String, CredentialEntry>,
        base: &Path,
        surroundings: &Surroundings,
        mut report: impl FnMut(Vec<Step>, Unreadable),
    ) -> Self {
        let mut all = BTreeMap::new();
        for (name, entry) in entries {
            let mut read = Resolver { base, surroundings, at: name, report: &mut report, sound: true };
            let credential = match entry {
                CredentialEntry::Ssh(entry) => entry.resolve(&mut read),
                CredentialEntry::Snmp(entry) => entry.resolve(&mut read),
            };
            if let Some(credential) = credential {
                all.insert(name.clone(), credential);
            }
        }
        Self(all)
    }
}

struct Resolver<'a> {
    base: &'a Path,
    surroundings: &'a Surroundings,
    at: &'a str,
    report: &'a mut dyn FnMut(Vec<Step>, Unreadable),
    sound: bool,
}

impl Resolver<'_> {
    fn wrong(&mut self, path: &[&str], problem: Unreadable) {
        self.sound = false;
        let steps = std::iter::once(self.at).chain(path.iter().copied()).map(Step::from).collect();
        (self.report)(steps, problem);
    }

    fn secret(&mut self, path: &[&str], reference: &SecretRef) -> Option<Secret> {
        reference.resolve(self.base, self.surroundings).map_err(|problem| self.wrong(path, problem)).ok()
    }

    fn optional(&mut self, path: &[&str], reference: Option<&SecretRef>) -> Option<Secret> {
        reference.and_then(|reference| self.secret(path, reference))
    }
}

fn unusable(error: &ssh::KeyError) -> Unreadable {
    Unreadable::new(error.to_string()).hint(error.hint())
}

impl SshEntry {
    fn resolve(&self, read: &mut Resolver<'_>) -> Option<Credential> {
        let passphrase = read.optional(&["ssh", "passphrase"], self.passphrase.as_ref());
        if self.passphrase.is_some() && self.key.is_none() {
            read.wrong(&["ssh", "passphrase"], Unreadable::new("a passphrase opens a key, and there is none"));
        }
        let credential = match (&self.key, &self.password) {
            (Some(key), None) => self.resolve_key(key, passphrase, read),
            (None, Some(password)) => read.secret(&["ssh", "password"], password).map(ssh::Credential::Password),
            _ => {
                let problem = Unreadable::new("a login has either a key or a password").hint("key: { file: PATH }");
                read.wrong(&["ssh"], problem);
                None
            }
        }?;
        read.sound.then(|| Credential::Ssh { user: self.user.clone(), credential })
    }

    /// Opens the key once: what is wrong with it would else show at the first visit, as a login that fails everywhere.
    fn resolve_key(
        &self,
        key: &SecretRef,
        passphrase: Option<Secret>,
        read: &mut Resolver<'_>,
    ) -> Option<ssh::Credential> {
        if key.is_public_half() {
            // asked before it is read: it is mostly open to everybody, and making it private is no way out
            read.wrong(&["ssh", "key"], unusable(&ssh::KeyError::Public));
            return None;
        }
        let pem = read.secret(&["ssh", "key"], key)?;
        if self.passphrase.is_some() && passphrase.is_none() {
            return None;
        }
        if let Err(error) = ssh::check_key(&pem, passphrase.as_ref()) {
            let about_passphrase = matches!(error, ssh::KeyError::Passphrase | ssh::KeyError::Plain);
            read.wrong(&["ssh", if about_passphrase { "passphrase" } else { "key" }], unusable(&error));
            return None;
        }
        Some(ssh::Credential::Key { pem, passphrase })
    }
}

impl SnmpEntry {
    fn resolve(&self, read: &mut Resolver<'_>) -> Option<Credential> {
        let (version, credential) = match self.version {
            Version::One => (snmp::Version::V1, self.resolve_community(read)?),
            Version::TwoC => (snmp::Version::V2c, self.resolve_community(read)?),
            Version::Three => (snmp::Version::V3, self.resolve_user(read)?),
        };
        let access = snmp::Access::new(version, credential);
        if let Err(error) = access.check() {
            read.wrong(&["snmp"], Unreadable::new(error.to_string()));
        }
        read.sound.then_some(Credential::Snmp { version, credential: access.credential })
    }

    fn resolve_community(&self, read: &mut Resolver<'_>) -> Option<snmp::Credential> {
        let strangers = [
            ("user", self.user.is_some()),
            ("auth", self.auth.is_some()),
            ("privacy", self.privacy.is_some()),
            ("context", self.context.is_some()),
        ];
        for (key, _) in strangers.iter().filter(|(_, given)| *given) {
            read.wrong(&["snmp", key], Unreadable::new(format!("{key} belongs to version 3")).hint("version: 3"));
        }
        let Some(community) = &self.community else {
            let problem = Unreadable::new("versions 1 and 2c need a community").hint("community: { file: PATH }");
            read.wrong(&["snmp"], problem);
            return None;
        };
        read.secret(&["snmp", "community"], community).map(snmp::Credential::Community)
    }

    fn resolve_user(&self, read: &mut Resolver<'_>) -> Option<snmp::Credential> {
        if self.community.is_some() {
            let problem = Unreadable::new("version 3 has users, not communities").hint("version: 2c, or user and auth");
            read.wrong(&["snmp", "community"], problem);
        }
        let Some(name) = self.user.clone() else {
            read.wrong(&["snmp"], Unreadable::new("version 3 needs a user"));
            return None;
        };
        let auth = self.auth.as_ref().and_then(|auth| {
            let password = read.secret(&["snmp", "auth", "password"], &auth.password)?;
            Some((auth.protocol, password))
        });
        let privacy = self.privacy.as_ref().and_then(|privacy| {
            let password = read.secret(&["snmp", "privacy", "password"], &privacy.password)?;
            Some((privacy.protocol, password))
        });
        if self.privacy.is_some() && self.auth.is_none() {
            let problem =
                Unreadable::new("privacy without auth: SNMPv3 encrypts only for users that prove who they are");
            read.wrong(&["snmp", "privacy"], problem.hint("add auth: { protocol: sha256, password: { file: PATH } }"));
        }
        let context = self.context.clone().unwrap_or_default();
        // a password that could not be read is reported already; leaving it out would look like another mistake
        read.sound.then_some(snmp::Credential::User { name, auth, privacy, context })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings { variables: [("COMMUNITY".to_owned(), "hunter2hunter2\n".to_owned())].into() }
    }

    fn file(directory: &tempfile::TempDir, text: &[u8], mode: u32) -> PathBuf {
        let path = directory.path().join(format!("secret-{mode:o}-{}", text.len()));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn resolve(path: PathBuf, allow_group: bool) -> Result<Secret, Unreadable> {
        SecretRef::File { path, allow_group }.resolve(Path::new("/"), &surroundings())
    }

    #[test]
    fn a_secret_comes_from_a_file_or_a_variable_without_its_line_end() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(resolve(file(&directory, b"hunter2\r\n", 0o600), false).unwrap().expose(), "hunter2");
        let variable = SecretRef::Variable("COMMUNITY".into());
        assert_eq!(variable.resolve(Path::new("/"), &surroundings()).unwrap().expose(), "hunter2hunter2");
        let unset = SecretRef::Variable("NOT_SET".into()).resolve(Path::new("/"), &surroundings()).unwrap_err();
        assert_eq!(unset.message, "environment variable \"NOT_SET\" is not set");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for mode in [0o640, 0o604, 0o620] {
            let refused = resolve(file(&directory, b"hunter2", mode), false).unwrap_err();
            assert!(refused.hint.unwrap().starts_with("chmod 600"), "{mode:o}");
        }
        assert!(resolve(file(&directory, b"hunter2", 0o640), true).is_ok());
        assert!(resolve(file(&directory, b"hunter2", 0o644), true).is_err());
        assert!(resolve(file(&directory, b"hunter2", 0o660), true).is_err());
    }

    #[test]
    fn what_is_no_secret_is_refused_in_words() {
        let directory = tempfile::tempdir().unwrap();
        let long = resolve(file(&directory, &vec![b'x'; (64 << 10) + 1], 0o600), false).unwrap_err();
        assert!(long.message.ends_with("is longer than 64 KiB, which no secret is"), "{long:?}");
        assert!(resolve(file(&directory, b"\xff\xfe", 0o600), false).unwrap_err().message.ends_with("is not text"));
        assert_eq!(resolve(file(&directory, b"\n", 0o600), false).unwrap_err().message, "the secret is empty");
        assert!(resolve(directory.path().to_owned(), false).unwrap_err().message.ends_with("is not a regular file"));
        assert!(SecretRef::Systemd("../x".into()).resolve(Path::new("/"), &surroundings()).is_err());
    }
}
