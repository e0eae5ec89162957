//! What a certificate says about itself; whether to believe it is for the checks.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Name};
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::model::{Time, Value};
use crate::transport::printable;

/// Longest name kept, in characters.
const MAX_NAME: usize = 256;
/// Most alternative names kept.
const MAX_SANS: usize = 64;
const SECONDS_A_DAY: f64 = 86_400.0;

/// Named fields of a fact.
pub(in crate::transport) type Fields = Vec<(&'static str, Value)>;

/// The fields of the first certificate, and `chain` with a short form of every one, leaf first. Fields that cannot be
/// read are left out.
pub(in crate::transport) fn facts(chain: &[Vec<u8>], now: Time) -> Fields {
    let Some(leaf) = chain.first() else { return Fields::new() };
    let mut fields = describe(leaf, now);
    fields.push(("chain", Value::list(chain.iter().map(|der| Value::map(short(der, now))))));
    fields
}

fn short(der: &[u8], now: Time) -> Fields {
    let kept = ["subject", "not_after", "days_left", "key_type", "key_bits", "signature", "sha256", "detail"];
    describe(der, now).into_iter().filter(|(name, _)| kept.contains(name)).collect()
}

fn describe(der: &[u8], now: Time) -> Fields {
    let mut fields = vec![("sha256", Value::text(hex(&Sha256::digest(der))))];
    match X509Certificate::from_der(der) {
        Ok((_, certificate)) => read(&certificate, now, &mut fields),
        Err(_) => fields.push(("detail", Value::text("the certificate does not parse"))),
    }
    fields
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read(certificate: &X509Certificate<'_>, now: Time, fields: &mut Fields) {
    fields.push(("subject", name(certificate.subject())));
    fields.push(("issuer", name(certificate.issuer())));
    fields.push(("self_signed", Value::Bool(certificate.subject().as_raw() == certificate.issuer().as_raw())));
    fields.push(("sans", alternative_names(certificate)));
    if let Some(at) = DateTime::from_timestamp(certificate.validity().not_before.timestamp(), 0) {
        fields.push(("not_before", rfc3339(at)));
        fields.push(("starts_in_days", days_between(now, at)));
    }
    if let Some(at) = DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0) {
        fields.push(("not_after", rfc3339(at)));
        fields.push(("days_left", days_between(now, at)));
    }
    let (key, bits) = key(certificate.public_key());
    fields.push(("key_type", Value::text(key)));
    fields.extend(bits.map(|bits| ("key_bits", Value::Int(bits))));
    fields.push(("signature", Value::text(signature(&certificate.signature_algorithm))));
}

fn name(name: &X509Name<'_>) -> Value {
    Value::text(printable::line(&name.to_string(), MAX_NAME))
}

fn rfc3339(at: Time) -> Value {
    Value::text(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Days from one time to another, negative when it has passed, in hundredths rounded down: never more than is left.
fn days_between(from: Time, to: Time) -> Value {
    Value::Float(((to - from).as_seconds_f64() / SECONDS_A_DAY * 100.0).floor() / 100.0)
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Value {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Value::list([]) };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some(printable::line(text, MAX_NAME))
        }
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    Value::list(names.take(MAX_SANS).map(Value::from))
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
}

/// The kind of key and its strength in bits, where the kind has one.
fn key(info: &SubjectPublicKeyInfo<'_>) -> (&'static str, Option<i64>) {
    let bits = |bits: usize| i64::try_from(bits).ok();
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => ("rsa", bits(significant_bits(rsa.modulus))),
        Ok(PublicKey::EC(point)) => ("ec", curve_bits(&info.algorithm).or_else(|| bits(point.key_size()))),
        Ok(PublicKey::DSA(_)) => ("dsa", None),
        _ => match info.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => ("ed25519", Some(256)),
            "1.3.101.113" => ("ed448", Some(456)),
            _ => ("unknown", None),
        },
    }
}

fn significant_bits(number: &[u8]) -> usize {
    match number.iter().position(|byte| *byte != 0) {
        Some(at) => (number.len() - at) * 8 - number[at].leading_zeros() as usize,
        None => 0,
    }
}

fn curve_bits(algorithm: &AlgorithmIdentifier<'_>) -> Option<i64> {
    let curve = algorithm.parameters.as_ref()?.as_oid().ok()?;
    match curve.to_id_string().as_str() {
        "1.2.840.10045.3.1.1" => Some(192),
        "1.3.132.0.33" => Some(224),
        "1.2.840.10045.3.1.7" | "1.3.132.0.10" | "1.3.36.3.3.2.8.1.1.7" => Some(256),
        "1.3.132.0.34" | "1.3.36.3.3.2.8.1.1.11" => Some(384),
        "1.3.36.3.3.2.8.1.1.13" => Some(512),
        "1.3.132.0.35" => Some(521),
        _ => None,
    }
}

/// `hash-key` (`sha256-rsa`), the name of an Edwards curve, or the object identifier.
fn signature(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let oid = algorithm.algorithm.to_id_string();
    let known = match oid.as_str() {
        "1.2.840.113549.1.1.2" => "md2-rsa",
        "1.2.840.113549.1.1.4" => "md5-rsa",
        "1.2.840.113549.1.1.5" => "sha1-rsa",
        "1.2.840.113549.1.1.14" => "sha224-rsa",
        "1.2.840.113549.1.1.11" => "sha256-rsa",
        "1.2.840.113549.1.1.12" => "sha384-rsa",
        "1.2.840.113549.1.1.13" => "sha512-rsa",
        "1.2.840.10045.4.1" => "sha1-ecdsa",
        "1.2.840.10045.4.3.1" => "sha224-ecdsa",
        "1.2.840.10045.4.3.2" => "sha256-ecdsa",
        "1.2.840.10045.4.3.3" => "sha384-ecdsa",
        "1.2.840.10045.4.3.4" => "sha512-ecdsa",
        "1.2.840.10040.4.3" => "sha1-dsa",
        "2.16.840.1.101.3.4.3.2" => "sha256-dsa",
        "1.3.101.112" => "ed25519",
        "1.3.101.113" => "ed448",
        _ => return pss(algorithm).unwrap_or(oid),
    };
    known.into()
}

fn pss(algorithm: &AlgorithmIdentifier<'_>) -> Option<String> {
    let Ok(SignatureAlgorithm::RSASSA_PSS(params)) = SignatureAlgorithm::try_from(algorithm) else { return None };
    let hash = match params.hash_algorithm_oid().to_id_string().as_str() {
        "1.3.14.3.2.26" => "sha1",
        "2.16.840.1.101.3.4.2.4" => "sha224",
        "2.16.840.1.101.3.4.2.1" => "sha256",
        "2.16.840.1.101.3.4.2.2" => "sha384",
        "2.16.840.1.101.3.4.2.3" => "sha512",
        _ => return None,
    };
    Some(format!("{hash}-rsa-pss"))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(key: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["plc-1.example".into(), "10.0.0.5".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "plc-1\nlevel=error");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        params.self_signed(key).unwrap().der().to_vec()
    }

    fn fields(chain: &[Vec<u8>]) -> Value {
        Value::map(facts(chain, "2026-12-30T12:00:00Z".parse().unwrap()))
    }

    #[test]
    fn a_certificate_tells_its_validity_key_and_names() {
        let value = fields(&[certificate(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap())]);
        assert_eq!(value.get("days_left"), Some(&Value::Float(1.5)));
        assert_eq!(value.get("starts_in_days"), Some(&Value::Float(-363.5)));
        assert_eq!(value.get("not_after"), Some(&Value::text("2027-01-01T00:00:00Z")));
        assert_eq!(value.get("self_signed"), Some(&Value::Bool(true)));
        assert_eq!(value.get("key_type"), Some(&Value::text("ec")));
        assert_eq!(value.get("key_bits"), Some(&Value::Int(384)));
        assert_eq!(value.get("signature"), Some(&Value::text("sha384-ecdsa")));
        assert_eq!(value.get("sans"), Some(&Value::list(["plc-1.example".into(), "10.0.0.5".into()])));
        assert_eq!(value.at("chain").unwrap().as_list().unwrap().len(), 1);
        let subject = value.get("subject").unwrap().as_text().unwrap();
        assert!(subject.contains("plc-1") && !subject.contains('\n'), "{subject:?}");
    }

    #[test]
    fn an_edwards_key_is_named_as_such() {
        let value = fields(&[certificate(&KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap())]);
        assert_eq!(value.get("key_type"), Some(&Value::text("ed25519")));
        assert_eq!(value.get("signature"), Some(&Value::text("ed25519")));
    }

    #[test]
    fn a_broken_certificate_has_a_fingerprint_and_no_dates() {
        let value = fields(&[vec![0x30, 0x82, 0xff]]);
        assert!(value.get("sha256").is_some() && value.get("detail").is_some());
        assert_eq!(value.get("days_left"), None);
    }

    #[test]
    fn leading_zeros_are_no_strength() {
        assert_eq!(significant_bits(&[0, 0x80, 0]), 16);
        assert_eq!(significant_bits(&[0x01, 0]), 9);
        assert_eq!(significant_bits(&[]), 0);
    }

    proptest::proptest! {
        #[test]
        fn a_mangled_certificate_never_panics(at in 0_usize..400, byte in 0_u8.., cut in 0_usize..600) {
            let mut der = certificate(&KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap());
            let at = at % der.len();
            der[at] = byte;
            der.truncate(cut);
            fields(&[der]);
        }
    }
}
