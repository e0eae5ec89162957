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
/// Stands in the place of the community that the monitor itself shows.
const MONITORS: &str = "(the monitor's)";
/// Unanswered questions in a row after which a fragile asset that has not shown itself is left in peace.
const MOST_SILENT: usize = 3;

/// Probes one agent: version 3 with the credential, if there is one, and without a password, then at most four datagrams over
/// versions 2c and 1, and one more where the monitor itself shows a community.
///
/// A fragile asset that has answered nothing is asked no more than three times; the rest is `not_asked`, or left out of the lists.
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
        let alive = |reaction| matches!(reaction, Reaction::Answered | Reaction::Refused);
        let with_password = self.user().await?;
        let v3_noauth = self.noauth().await?;
        let v3_user = with_password.unwrap_or(v3_noauth);
        let (auth, privacy) = self.algorithms();
        let v3_authpriv = if privacy == NO_ALGORITHM { Reaction::NotAsked } else { v3_user };
        let asked = [with_password, Some(v3_noauth)].into_iter().flatten().filter(|one| *one != Reaction::NotAsked);
        let mut patience = Patience { is_alive: alive(v3_noauth) || alive(v3_user), silent: asked.count() };
        let v3_probes = self.wire.sent();
        let v2c = self.communities(Version::V2c, probe, &mut patience).await?;
        let v1 = self.communities(Version::V1, probe, &mut patience).await?;
        let cleartext = v1.iter().chain(&v2c).any(|(_, answered)| *answered);
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
            ("community_probes_sent", count(sent - v3_probes)),
            ("v3_probes_sent", count(v3_probes)),
        ]))
    }

    /// Each community once, without retries; together where the asset bears that.
    async fn communities(
        &self,
        version: Version,
        probe: &VersionProbe,
        patience: &mut Patience,
    ) -> Result<Vec<(String, bool)>, TransportError> {
        let ask = async |(shown, word): (String, String)| {
            let credential = Credential::Community(Secret::new(word));
            let answered = self.react(version, &credential, Level::Full, 0).await? == Reaction::Answered;
            Ok((shown, answered))
        };
        let words = self.words(version, probe);
        if !self.access.pace(self.gate.limits()).one_at_a_time {
            return join_all(words.into_iter().map(ask)).await.into_iter().collect();
        }
        let mut found: Vec<(String, bool)> = Vec::new();
        for word in words {
            if patience.is_over() {
                break;
            }
            found.push(ask(word).await?);
            patience.note(found.last().is_some_and(|(_, answered)| *answered));
        }
        Ok(found)
    }

    /// What is tried, with the name under which it is told. The monitor's own community is not exempt from the question.
    fn words(&self, version: Version, probe: &VersionProbe) -> Vec<(String, String)> {
        let told = |word: &String| {
            let shown = if NO_SECRET.contains(&word.as_str()) { word } else { "(own)" };
            (shown.to_owned(), word.clone())
        };
        let mut words: Vec<_> = probe.communities.iter().map(told).collect();
        match &self.access.credential {
            Credential::Community(own)
                if self.access.version == version && !probe.communities.iter().any(|word| word == own.expose()) =>
            {
                words.insert(0, (MONITORS.to_owned(), own.expose().to_owned()));
            }
            _ => {}
        }
        words
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

    /// The configured user at its full level; `None` for one without a password, who is asked as nobody.
    async fn user(&self) -> Result<Option<Reaction>, TransportError> {
        match &self.access.credential {
            Credential::User { auth: Some(_), .. } => {}
            Credential::User { .. } => return Ok(None),
            _ => return Ok(Some(Reaction::NotAsked)),
        }
        let retries = self.access.pace(self.gate.limits()).retries;
        let reaction = self.react(Version::V3, &self.access.credential, Level::Full, retries).await?;
        match reaction {
            Reaction::Answered => self.gate.login_accepted(Transport::Snmp),
            Reaction::Refused => self.gate.login_refused(Transport::Snmp),
            _ => {}
        }
        Ok(Some(reaction))
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

/// How long a fragile asset is asked.
struct Patience {
    is_alive: bool,
    silent: usize,
}

impl Patience {
    /// An agent that lives lets strangers wait: its silence is no sign of trouble.
    const fn is_over(&self) -> bool {
        !self.is_alive && self.silent >= MOST_SILENT
    }

    const fn note(&mut self, answered: bool) {
        self.is_alive |= answered;
        self.silent += 1;
    }
}

fn listed(found: &[(String, bool)]) -> Value {
    let row = |(shown, answered): &(String, bool)| {
        Value::map([("community", Value::text(shown)), ("answered", (*answered).into())])
    };
    Value::list(found.iter().map(row))
}

fn count(datagrams: u64) -> Value {
    Value::Int(i64::try_from(datagrams).unwrap_or(i64::MAX))
}

fn internal(endpoint: &Endpoint, problem: &str) -> TransportError {
    TransportError::Internal { endpoint: endpoint.clone(), problem: problem.to_owned() }
}
