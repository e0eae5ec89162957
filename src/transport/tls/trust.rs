//! Whether a chain leads to a certificate that the operator trusts, and names the asset.
//!
//! The handshake itself trusts everything; this is looked at afterwards, for the evidence.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, RootCertStore};
use serde::{Deserialize, Deserializer};

use super::certificate::Fields;
use super::handshake::{PROVIDER, server_name};
use crate::model::{Time, Value};
use crate::transport::printable;

/// Most trusted certificates of one question.
const MAX_ANCHORS: usize = 32;
/// Longest problem that is kept, in characters.
const MAX_PROBLEM: usize = 200;

/// Certificates that a chain may end in, from their PEM text.
#[derive(Debug, Clone)]
pub struct Anchors {
    written: Vec<String>,
    roots: Arc<RootCertStore>,
}

impl Default for Anchors {
    fn default() -> Self {
        Self { written: Vec::new(), roots: Arc::new(RootCertStore::empty()) }
    }
}

impl PartialEq for Anchors {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Anchors {}

impl<'de> Deserialize<'de> for Anchors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Vec::<String>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Anchors {
    fn parse(written: Vec<String>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for (at, text) in written.iter().enumerate() {
            let wrong = |problem: String| format!("trust anchor {} cannot be read: {problem}", at + 1);
            let mut any = false;
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
                any = true;
            }
            if !any {
                return Err(wrong("it is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----".into()));
            }
        }
        if roots.len() > MAX_ANCHORS {
            return Err(format!("more than {MAX_ANCHORS} trust anchors"));
        }
        Ok(Self { written, roots: Arc::new(roots) })
    }

    /// `trusted`, with `trust_problem` when it is not, and `name_matches` when it is; nothing when nobody is trusted.
    pub(super) fn judge(&self, chain: &[Vec<u8>], name: &str, now: Time) -> Fields {
        let Some((leaf, rest)) = chain.split_first().filter(|_| !self.roots.is_empty()) else { return Fields::new() };
        let rest: Vec<CertificateDer<'_>> = rest.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let provider = Arc::clone(&PROVIDER);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), provider).build();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let outcome = match verifier {
            Ok(verifier) => verifier
                .verify_server_cert(&CertificateDer::from(leaf.as_slice()), &rest, &server_name(name), &[], time)
                .map(|_| ()),
            Err(error) => Err(rustls::Error::General(error.to_string())),
        };
        let trusted = |name_matches: bool| vec![("trusted", true.into()), ("name_matches", name_matches.into())];
        match outcome {
            Ok(()) => trusted(true),
            // the name is looked at last
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => trusted(false),
            Err(error) => {
                let problem = printable::line(&error.to_string(), MAX_PROBLEM);
                vec![("trusted", false.into()), ("trust_problem", Value::from(problem))]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    fn now() -> Time {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn params(names: &[&str]) -> CertificateParams {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        params
    }

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn judge(anchor: &CertifiedIssuer<'_, KeyPair>, chain: &[Vec<u8>], name: &str) -> Value {
        let anchors = Anchors::parse(vec![anchor.pem()]).unwrap();
        Value::map(anchors.judge(chain, name, now()))
    }

    #[test]
    fn a_chain_to_a_trusted_certificate_is_told_from_one_that_only_shows_it() {
        let (ours, other) = (authority(), authority());
        let key = KeyPair::generate().unwrap();
        let issued = params(&["plc-1.example"]).signed_by(&key, &ours).unwrap().der().to_vec();
        let found = judge(&ours, std::slice::from_ref(&issued), "plc-1.example");
        assert_eq!(found.get("trusted"), Some(&true.into()));
        assert_eq!(found.get("name_matches"), Some(&true.into()));
        let found = judge(&ours, std::slice::from_ref(&issued), "plc-2.example");
        assert_eq!((found.get("trusted"), found.get("name_matches")), (Some(&true.into()), Some(&false.into())));
        let found = judge(&other, &[issued, other.der().to_vec()], "plc-1.example");
        assert_eq!(found.get("trusted"), Some(&false.into()), "a trusted certificate is shown but signed nothing");
        assert!(found.get("trust_problem").is_some());
    }

    #[test]
    fn without_anchors_nothing_is_said() {
        assert_eq!(Anchors::default().judge(&[vec![0x30]], "plc-1.example", now()), vec![]);
        let found = judge(&authority(), &[vec![0x30, 0x82]], "plc-1.example");
        assert_eq!(found.get("trusted"), Some(&false.into()), "what does not parse is not trusted");
    }

    #[test]
    fn an_anchor_that_is_none_does_not_load() {
        for bad in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "plant-ca.pem"] {
            assert!(Anchors::parse(vec![bad.into()]).is_err(), "{bad}");
        }
    }
}
