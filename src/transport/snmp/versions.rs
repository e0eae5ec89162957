//! Which versions an agent answers, with which well-known communities, and without a password.

use async_snmp::{Auth, Client, Error, Oid};
use futures::future::join_all;

use super::access::{Access, Credential, Version};
use super::engine::{Engine, Level};
use super::failure::{self, Failure};
use super::question::VersionProbe;
use super::session::UPTIME;
use super::wire::Wire;
use crate::model::{Answer, Secret, Transport, Value};
use crate::transport::gate::Gate;
use crate::transport::{Endpoint, TransportError};

/// The user name that is shown where none is configured; the agent's log then says who asked.
const OWN_NAME: &str = "nis2watch";
/// Stands in the place of an algorithm where there is none.
const NO_ALGORITHM: &str = "none";
/// Communities that are no secret.
const NO_SECRET: [&str; 2] = ["public", "private"];

/// Probes one agent: at most four datagrams over version 1 and 2c, then version 3 without and, with a full
/// credential, with encryption.
///
/// The value is a map: `v1` and `v2c` (lists of `{community, answered}`), `v3_noauth` and `v3_authpriv` (`answered`,
/// `refused`, `silent`, `not_asked`), `v3_user` (the same of the configured user, whatever its level), `v3_auth` and
/// `v3_privacy` (the algorithms of that user, which work when it is `answered`; `none` without one), `any`, and what the asset's own counters will show of us: `probes_sent`,
/// `community_probes_sent`, `v3_probes_sent`. A community that the agent accepts but shows nothing counts as answered;
/// silence is no proof while `any` is false.
///
/// # Errors
///
/// A refusal of the gate, or an address that cannot be reached. Silence is an answer here.
pub async fn probe_versions(
    access: &Access,
    probe: &VersionProbe,
    gate: &Gate,
    engine: &Engine,
) -> Result<Answer, TransportError> {
    let endpoint = Endpoint::new("snmp", gate.address(), access.port);
    let target = gate.resolve(access.port, &endpoint).await?;
    let slot = gate.converse(Transport::Snmp).await?;
    let wire = engine.wire(target, access.strict_source, slot).await;
    let wire = wire.map_err(|error| internal(&endpoint, &error.to_string()))?;
    let prober = Prober { access, gate, engine, endpoint, wire };
    Ok(Answer::Value(prober.run(probe).await?))
}

struct Prober<'a> {
    access: &'a Access,
    gate: &'a Gate,
    engine: &'a Engine,
    endpoint: Endpoint,
    wire: Wire,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Answered,
    Refused,
    Silent,
    NotAsked,
}

impl Reaction {
    const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::NotAsked => "not_asked",
        }
    }
}

impl Prober<'_> {
    async fn run(&self, probe: &VersionProbe) -> Result<Value, TransportError> {
        let v1 = self.communities(Version::V1, probe).await?;
        let v2c = self.communities(Version::V2c, probe).await?;
        let community_probes = self.wire.sent();
        let v3_noauth = self.noauth().await?;
        let v3_user = self.user(v3_noauth).await?;
        let (auth, privacy) = self.algorithms();
        let v3_authpriv = if privacy == NO_ALGORITHM { Reaction::NotAsked } else { v3_user };
        let cleartext = v1.iter().chain(&v2c).any(|(_, answered)| *answered);
        let alive = |reaction| matches!(reaction, Reaction::Answered | Reaction::Refused);
        let sent = self.wire.sent();
        Ok(Value::map([
            ("v1", listed(&v1)),
            ("v2c", listed(&v2c)),
            ("v3_noauth", v3_noauth.word().into()),
            ("v3_authpriv", v3_authpriv.word().into()),
            ("v3_user", v3_user.word().into()),
            ("v3_auth", auth.into()),
            ("v3_privacy", privacy.into()),
            ("any", (cleartext || alive(v3_noauth) || alive(v3_user)).into()),
            ("probes_sent", count(sent)),
            ("community_probes_sent", count(community_probes)),
            ("v3_probes_sent", count(sent - community_probes)),
        ]))
    }

    /// Each community once, without retries; together where the asset bears that.
    async fn communities(&self, version: Version, probe: &VersionProbe) -> Result<Vec<(String, bool)>, TransportError> {
        let ask = async |community: &String| {
            let credential = Credential::Community(Secret::new(community.clone()));
            let answered = self.react(version, &credential, Level::Full, 0).await? == Reaction::Answered;
            Ok((community.clone(), answered))
        };
        if self.access.pace(self.gate.limits()).one_at_a_time {
            let mut found = Vec::new();
            for community in &probe.communities {
                found.push(ask(community).await?);
            }
            return Ok(found);
        }
        join_all(probe.communities.iter().map(ask)).await.into_iter().collect()
    }

    async fn noauth(&self) -> Result<Reaction, TransportError> {
        let name = match &self.access.credential {
            Credential::User { name, .. } => name.clone(),
            _ => OWN_NAME.to_owned(),
        };
        let nobody = Credential::User { name, auth: None, privacy: None, context: String::new() };
        self.react(Version::V3, &nobody, Level::NoAuth, 0).await
    }

    /// The algorithms of the configured user.
    const fn algorithms(&self) -> (&'static str, &'static str) {
        let Credential::User { auth: Some((auth, _)), privacy, .. } = &self.access.credential else {
            return (NO_ALGORITHM, NO_ALGORITHM);
        };
        let privacy = match privacy {
            Some((privacy, _)) => privacy.word(),
            None => NO_ALGORITHM,
        };
        (auth.word(), privacy)
    }

    /// The configured user at its full level; one without a password was asked already.
    async fn user(&self, without_password: Reaction) -> Result<Reaction, TransportError> {
        match &self.access.credential {
            Credential::User { auth: Some(_), .. } => {}
            Credential::User { .. } => return Ok(without_password),
            _ => return Ok(Reaction::NotAsked),
        }
        let retries = self.access.pace(self.gate.limits()).retries;
        let reaction = self.react(Version::V3, &self.access.credential, Level::Full, retries).await?;
        match reaction {
            Reaction::Answered => self.gate.login_accepted(Transport::Snmp),
            Reaction::Refused => self.gate.login_refused(Transport::Snmp),
            _ => {}
        }
        Ok(reaction)
    }

    async fn react(
        &self,
        version: Version,
        credential: &Credential,
        level: Level,
        retries: u32,
    ) -> Result<Reaction, TransportError> {
        let auth = self.engine.auth(version, credential, level);
        let auth = auth.map_err(|error| internal(&self.endpoint, &error.to_string()))?;
        let Some(auth) = auth else { return Ok(Reaction::NotAsked) };
        let client = self.client(auth, retries)?;
        let outcome = Box::pin(client.get(&Oid::from_slice(&UPTIME))).await;
        if let Some(refusal) = self.wire.stopped() {
            return Err(refusal.into());
        }
        let Err(error) = outcome else { return Ok(Reaction::Answered) };
        match failure::sort(&self.endpoint, self.access.pace(self.gate.limits()).timeout, &error) {
            Failure::Status(status, _) if failure::is_denied(status) => Ok(Reaction::Refused),
            Failure::Status(..) => Ok(Reaction::Answered),
            Failure::Ended(TransportError::Auth { .. }) => Ok(Reaction::Refused),
            Failure::Ended(error @ (TransportError::Unreachable { .. } | TransportError::Internal { .. })) => {
                Err(error)
            }
            Failure::Wrong(_) | Failure::Ended(_) => Ok(Reaction::Silent),
        }
    }

    fn client(&self, auth: Auth, retries: u32) -> Result<Client<Wire>, TransportError> {
        let timeout = self.access.pace(self.gate.limits()).timeout;
        let client = self.engine.client(self.wire.clone(), auth, timeout, retries);
        client.map_err(|error: Box<Error>| internal(&self.endpoint, &error.to_string()))
    }
}

fn listed(found: &[(String, bool)]) -> Value {
    Value::list(found.iter().map(|(community, answered)| {
        let shown = if NO_SECRET.contains(&community.as_str()) { community } else { "(own)" };
        Value::map([("community", Value::text(shown)), ("answered", (*answered).into())])
    }))
}

fn count(datagrams: u64) -> Value {
    Value::Int(i64::try_from(datagrams).unwrap_or(i64::MAX))
}

fn internal(endpoint: &Endpoint, problem: &str) -> TransportError {
    TransportError::Internal { endpoint: endpoint.clone(), problem: problem.to_owned() }
}
