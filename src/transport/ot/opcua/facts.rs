//! From the endpoints of servers to a fact: one flat row an endpoint, each certificate once.

use std::collections::BTreeMap;

use super::read::{self, Endpoint};
use crate::model::{Time, Value};
use crate::transport::ot::identity::clean;
use crate::transport::{printable, tls};

/// Most endpoints of one server; a hostile one could make rows without end.
const MAX_ENDPOINTS: usize = 256;
/// Longest address or name of a policy, in characters.
const MAX_URI: usize = 160;
/// Most tokens of one endpoint.
const MAX_TOKENS: usize = 32;
/// Most certificates looked at.
const MAX_CERTIFICATES: usize = 16;
/// The common beginning of the names of policies.
const POLICY: &str = "http://opcfoundation.org/UA/SecurityPolicy#";

type Fields = Vec<(&'static str, Value)>;

/// What is known of one port.
pub(super) struct Server {
    port: u16,
    state: &'static str,
    detail: Option<String>,
    application: Fields,
    endpoints: Vec<Fields>,
    certificates: Vec<Fields>,
}

impl Server {
    /// A port that did not let us in.
    pub(super) const fn silent(port: u16, state: &'static str) -> Self {
        Self { port, state, detail: None, application: vec![], endpoints: vec![], certificates: vec![] }
    }

    /// A port that answered, but told no endpoints.
    pub(super) fn failed(port: u16, why: String) -> Self {
        Self { detail: Some(why), ..Self::silent(port, "error") }
    }

    /// A server that told its endpoints; none of them is left out, or all of them are.
    pub(super) fn read(port: u16, body: &[u8], now: Time) -> Self {
        match read::endpoints(body) {
            Err(problem) => Self::failed(port, problem),
            Ok(Err(status)) => Self::failed(port, self::status(status)),
            Ok(Ok(endpoints)) if endpoints.len() > MAX_ENDPOINTS => {
                Self::failed(port, format!("it lists {} endpoints, more than {MAX_ENDPOINTS}", endpoints.len()))
            }
            Ok(Ok(endpoints)) if endpoints.is_empty() => Self::failed(port, "it lists no endpoints".into()),
            Ok(Ok(endpoints)) => Self {
                application: application(&endpoints),
                endpoints: endpoints.iter().map(|endpoint| self::endpoint(port, endpoint)).collect(),
                certificates: certificates(port, &endpoints, now),
                ..Self::silent(port, "opcua")
            },
        }
    }

    fn answered(&self) -> bool {
        self.state != "filtered"
    }

    fn row(&self) -> Value {
        let mut fields = vec![("port", Value::from(self.port)), ("state", Value::from(self.state))];
        fields.extend(self.detail.as_deref().map(|detail| ("detail", Value::from(detail))));
        if self.state == "opcua" {
            fields.push(("endpoints", Value::Int(i64::try_from(self.endpoints.len()).unwrap_or(i64::MAX))));
        }
        Value::map(fields.into_iter().chain(self.application.iter().cloned()))
    }
}

/// The fact: rows of all ports side by side.
pub(super) fn value(servers: &[Server]) -> Value {
    let rows = |of: fn(&Server) -> &Vec<Fields>| {
        Value::list(servers.iter().flat_map(of).map(|fields| Value::map(fields.iter().cloned())))
    };
    Value::map([
        ("answered", Value::Bool(servers.iter().any(Server::answered))),
        ("servers", Value::list(servers.iter().map(Server::row))),
        ("endpoints", rows(|server| &server.endpoints)),
        ("certificates", rows(|server| &server.certificates)),
    ])
}

/// Who the server says it is; all endpoints of a server say the same.
fn application(endpoints: &[Endpoint<'_>]) -> Fields {
    let Some(first) = endpoints.first() else { return vec![] };
    vec![
        ("name", Value::text(clean(first.application.name))),
        ("application_uri", uri(first.application.uri)),
        ("product_uri", uri(first.application.product)),
    ]
}

fn endpoint(port: u16, endpoint: &Endpoint<'_>) -> Fields {
    let mode = match endpoint.mode {
        1 => "none",
        2 => "sign",
        3 => "sign_and_encrypt",
        _ => "invalid",
    };
    let tokens = endpoint.tokens.iter().take(MAX_TOKENS).map(|token| {
        Value::from(match token.kind {
            0 => "anonymous",
            1 => "username",
            2 => "certificate",
            3 => "issued",
            _ => "unknown",
        })
    });
    // a token that names no policy is protected by that of the endpoint (OPC 10000-4, section 7.41)
    let token_policies = endpoint
        .tokens
        .iter()
        .take(MAX_TOKENS)
        .map(|token| policy(if token.policy.is_empty() { endpoint.policy } else { token.policy }));
    vec![
        ("port", Value::from(port)),
        ("url", uri(endpoint.url)),
        ("mode", Value::from(mode)),
        ("policy", policy(endpoint.policy)),
        ("tokens", Value::list(tokens)),
        ("token_policies", Value::list(token_policies)),
        ("transport", uri(endpoint.transport)),
        ("level", Value::Int(i64::from(endpoint.level))),
    ]
}

fn uri(bytes: &[u8]) -> Value {
    Value::text(printable::line(&String::from_utf8_lossy(bytes), MAX_URI))
}

/// The short name of a policy of the standard, or the whole name of another; `None` has a policy of that name.
fn policy(bytes: &[u8]) -> Value {
    let name = String::from_utf8_lossy(bytes);
    Value::text(printable::line(name.strip_prefix(POLICY).unwrap_or(&name), MAX_URI))
}

/// Each certificate once, with the endpoints' port and how many of them show it.
fn certificates(port: u16, endpoints: &[Endpoint<'_>], now: Time) -> Vec<Fields> {
    let mut shown: BTreeMap<&[u8], i64> = BTreeMap::new();
    for endpoint in endpoints.iter().filter(|endpoint| !endpoint.certificate.is_empty()) {
        *shown.entry(endpoint.certificate).or_default() += 1;
    }
    let describe = |(der, count): (&[u8], i64)| {
        // some servers put their chain behind the certificate
        let behind = x509_parser::parse_x509_certificate(der).map_or(0, |(rest, _)| rest.len());
        let mut fields = tls::certificate_facts(&[der[..der.len() - behind].to_vec()], now);
        fields.retain(|(name, _)| *name != "chain");
        fields.extend([("port", Value::from(port)), ("endpoints", Value::Int(count))]);
        fields
    };
    shown.into_iter().take(MAX_CERTIFICATES).map(describe).collect()
}

/// A status in words, where plants meet it.
pub(super) fn status(code: u32) -> String {
    let name = match code {
        0x8002_0000 => "BadInternalError",
        0x8004_0000 => "BadResourceUnavailable",
        0x800B_0000 => "BadServiceUnsupported",
        0x800D_0000 => "BadServerNotConnected",
        0x8013_0000 => "BadSecurityChecksFailed",
        0x8054_0000 => "BadSecurityModeRejected",
        0x8055_0000 => "BadSecurityPolicyRejected",
        0x807D_0000 => "BadTcpServerTooBusy",
        0x807E_0000 => "BadTcpMessageTypeInvalid",
        0x8080_0000 => "BadTcpMessageTooLarge",
        0x8083_0000 => "BadTcpEndpointUrlInvalid",
        _ => return format!("the server answered with status {code:#010x}"),
    };
    format!("the server answered {name}")
}
