//! The web configuration file, in the format that all Prometheus servers share
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Why the file was refused.
#[derive(Debug, thiserror::Error)]
pub enum WebConfigError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It cannot be understood.
    #[error("{path}: {problem}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        problem: String,
    },
}

/// TLS, mutual TLS and passwords of the listener.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// TLS; plain HTTP without it.
    pub tls_server_config: Option<TlsServerConfig>,
    /// Further settings of the server.
    pub http_server_config: HttpServerConfig,
    /// User names and bcrypt hashes; no password is asked without any.
    pub basic_auth_users: BTreeMap<String, String>,
}

/// Certificate of the server and what it asks of clients.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsServerConfig {
    /// Certificate chain, PEM.
    pub cert_file: PathBuf,
    /// Private key, PEM.
    pub key_file: PathBuf,
    /// What is asked of clients.
    #[serde(default)]
    pub client_auth_type: ClientAuth,
    /// Authorities that sign client certificates, PEM.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    /// A client certificate must carry one of these names.
    #[serde(default)]
    pub client_allowed_sans: Vec<String>,
    /// Lowest version, `TLS12` (default) or `TLS13`.
    #[serde(default)]
    pub min_version: MinVersion,
    /// Accepted for compatibility; only `TLS13` has an effect on nothing, as it is the highest we speak.
    #[serde(default)]
    pub max_version: Option<String>,
    /// Accepted for compatibility: the TLS library offers only strong suites.
    #[serde(default)]
    pub cipher_suites: Vec<String>,
    /// Accepted for compatibility.
    #[serde(default)]
    pub curve_preferences: Vec<String>,
    /// Accepted for compatibility.
    #[serde(default)]
    pub prefer_server_cipher_suites: Option<bool>,
}

/// What is asked of clients, in the words of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum ClientAuth {
    /// Nothing.
    #[default]
    #[serde(alias = "")]
    NoClientCert,
    /// A certificate may be shown; it is verified then.
    #[serde(alias = "RequestClientCert")]
    VerifyClientCertIfGiven,
    /// A certificate of the given authorities must be shown.
    #[serde(alias = "RequireAnyClientCert")]
    RequireAndVerifyClientCert,
}

/// Lowest version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum MinVersion {
    /// TLS 1.2.
    #[default]
    TLS12,
    /// TLS 1.3.
    TLS13,
}

/// Further settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpServerConfig {
    /// Accepted for compatibility: HTTP/1.1 is spoken.
    pub http2: Option<bool>,
    /// Headers added to every answer.
    pub headers: BTreeMap<String, String>,
}

impl WebConfig {
    /// Whether nobody gets in without a client certificate.
    #[must_use]
    pub fn asks_for_certificates(&self) -> bool {
        let tls = self.tls_server_config.as_ref();
        tls.is_some_and(|tls| tls.client_auth_type == ClientAuth::RequireAndVerifyClientCert)
    }

    /// Reads the file; relative paths in it resolve against its folder.
    ///
    /// # Errors
    ///
    /// [`WebConfigError`] names the file and, where known, line and key.
    pub fn load(path: &Path) -> Result<Self, WebConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| WebConfigError::Read { path: path.to_owned(), source })?;
        let invalid = |problem: String| WebConfigError::Invalid { path: path.to_owned(), problem };
        let mut config: Self = if text.trim().is_empty() {
            Self::default()
        } else {
            serde_saphyr::from_str(&text).map_err(|error| invalid(error.to_string()))?
        };
        if let Some(tls) = &mut config.tls_server_config {
            let folder = path.parent().unwrap_or(Path::new("."));
            tls.cert_file = folder.join(&tls.cert_file);
            tls.key_file = folder.join(&tls.key_file);
            tls.client_ca_file = tls.client_ca_file.take().map(|file| folder.join(file));
            if tls.client_auth_type != ClientAuth::NoClientCert && tls.client_ca_file.is_none() {
                return Err(invalid("tls_server_config: client_auth_type needs client_ca_file".into()));
            }
        }
        for (user, hash) in &config.basic_auth_users {
            if hash.parse::<bcrypt::HashParts>().is_err() {
                return Err(invalid(format!(
                    "basic_auth_users: the hash of {user:?} is no bcrypt hash; make one with: htpasswd -nBC 10 \"\""
                )));
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<WebConfig, WebConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.yml");
        std::fs::write(&file, text).unwrap();
        WebConfig::load(&file)
    }

    #[test]
    fn a_password_that_is_no_hash_is_refused() {
        let error = load("basic_auth_users: { admin: secret }\n").unwrap_err().to_string();
        assert!(error.contains("admin") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn mutual_tls_needs_an_authority() {
        let error =
            load("tls_server_config: { cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert }\n");
        assert!(error.unwrap_err().to_string().contains("client_ca_file"));
    }

    #[test]
    fn an_unknown_key_is_refused_and_an_empty_file_is_plain_http() {
        assert!(load("tls_sever_config: {}\n").is_err());
        assert!(load("").unwrap().tls_server_config.is_none());
    }
}
