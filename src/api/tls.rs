//! The server's side of TLS, read again for each new connection when its files changed.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};

use super::web_config::{ClientAuth, MinVersion, TlsServerConfig};

/// Longest name of a holder that is kept, in characters.
const LONGEST_NAME: usize = 128;

/// Builds the configuration; the message names the file that is wrong.
pub(super) fn server_config(tls: &TlsServerConfig) -> Result<ServerConfig, String> {
    let chain = certificates(&tls.cert_file)?;
    let key =
        PrivateKeyDer::from_pem_file(&tls.key_file).map_err(|error| format!("{}: {error}", tls.key_file.display()))?;
    let versions: &[&rustls::SupportedProtocolVersion] = match tls.min_version {
        MinVersion::TLS12 => rustls::ALL_VERSIONS,
        MinVersion::TLS13 => &[&rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?;
    let builder = match (&tls.client_ca_file, tls.client_auth_type) {
        (None, _) | (_, ClientAuth::NoClientCert) => builder.with_no_client_auth(),
        (Some(file), wanted) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(file)? {
                roots.add(authority).map_err(|error| format!("{}: {error}", file.display()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier =
                if wanted == ClientAuth::VerifyClientCertIfGiven { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| format!("{}: {error}", file.display()))?)
        }
    };
    builder.with_single_cert(chain, key).map_err(|error| format!("{}: {error}", tls.cert_file.display()))
}

/// When one of the files was changed last; a new time means that a certificate was renewed.
pub(super) fn changed(tls: &TlsServerConfig) -> Option<SystemTime> {
    let files = [Some(&tls.cert_file), Some(&tls.key_file), tls.client_ca_file.as_ref()];
    files.into_iter().flatten().filter_map(|file| std::fs::metadata(file).and_then(|data| data.modified()).ok()).max()
}

/// Whether a verified client certificate carries one of the allowed names; true when no name is demanded.
pub(super) fn has_allowed_name(tls: &TlsServerConfig, certificate: Option<&CertificateDer<'_>>) -> bool {
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
    if tls.client_allowed_sans.is_empty() {
        return true;
    }
    let Some(Ok((_, parsed))) = certificate.map(|der| X509Certificate::from_der(der)) else { return false };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|name| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            tls.client_allowed_sans.iter().any(|allowed| allowed == name)
        }
        _ => false,
    })
}

/// The name that a verified client certificate gives its holder: the first of its alternative names, else the common name.
pub(super) fn name(certificate: &CertificateDer<'_>) -> Option<String> {
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let first = names.and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
                Some((*name).to_owned())
            }
            _ => None,
        })
    });
    let common = || parsed.subject().iter_common_name().find_map(|name| name.as_str().ok().map(str::to_owned));
    first.or_else(common).map(|name| name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: rustls::pki_types::pem::Error| format!("{}: {error}", file.display());
    let all = CertificateDer::pem_file_iter(file).map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if all.is_empty() { Err(format!("{}: no certificate in it", file.display())) } else { Ok(all) }
}
