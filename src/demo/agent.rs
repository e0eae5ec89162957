//! SNMP agents that answer from tables. They can be read and never written.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use async_snmp::agent::{AgentBuilder, SecurityModel, VacmBuilder};
use async_snmp::{
    Agent, AuthProtocol, AuthoritativeEngine, BoxFuture, GetNextResult, GetResult, HandlerResult, MibHandler, Oid,
    OidTable, PrivProtocol, RequestContext, SecurityLevel, Value, VarBind, generate_engine_id,
};

use super::DemoError;
use super::serve::Servers;

/// Requests that an agent answers at the same time.
const AT_ONCE: usize = 32;
/// Everything that MIBs hold.
const ALL: [u32; 4] = [1, 3, 6, 1];
/// The user of version 3.
pub(super) const USER: &str = "monitor";

/// Who may ask.
#[derive(Debug, Clone, Copy)]
pub(super) enum Door {
    /// Everybody who says this word, over version 1 and 2c.
    Community(&'static str),
    /// The monitor's user with signature and encryption, over version 3; nobody else.
    User,
}

/// Passwords of the user.
#[derive(Clone)]
pub(super) struct Passwords {
    pub(super) auth: String,
    pub(super) privacy: String,
}

/// Objects by identifier.
struct Table(OidTable<Value>);

impl MibHandler for Table {
    fn get<'a>(&'a self, _: &'a RequestContext, oid: &'a Oid) -> BoxFuture<'a, HandlerResult<GetResult>> {
        let found = self.0.get(oid).cloned().map_or(GetResult::NoSuchObject, GetResult::Value);
        Box::pin(std::future::ready(Ok(found)))
    }

    fn get_next<'a>(&'a self, _: &'a RequestContext, oid: &'a Oid) -> BoxFuture<'a, HandlerResult<GetNextResult>> {
        let next = self.0.get_next(oid).map_or(GetNextResult::EndOfMibView, |(oid, value)| {
            GetNextResult::Value(VarBind::new(oid.clone(), value.clone()))
        });
        Box::pin(std::future::ready(Ok(next)))
    }
}

/// Starts an agent; it ends with the plant.
pub(super) async fn start(
    name: &'static str,
    (address, port): (Ipv4Addr, u16),
    door: Door,
    recorded: &str,
    passwords: &Passwords,
    servers: &Servers,
) -> Result<(), DemoError> {
    let table = table(recorded).map_err(|problem| DemoError::Data { name, problem })?;
    let builder = Agent::builder()
        .bind(format!("{address}:{port}"))
        .handler(Oid::from_slice(&ALL), Arc::new(Table(table)))
        .max_concurrent_requests(Some(AT_ONCE))
        .recv_buffer_size(None)
        .cancellation_token(servers.stop().clone());
    let agent = Box::pin(
        opened(builder, door, passwords).map_err(|problem| DemoError::Agent { asset: name, problem })?.build(),
    );
    let agent = agent.await.map_err(|error| DemoError::agent(name, &*error))?;
    servers.spawn(async move {
        if let Err(error) = agent.run().await {
            tracing::warn!(asset = name, %error, "a demo agent ended");
        }
    });
    Ok(())
}

fn opened(builder: AgentBuilder, door: Door, passwords: &Passwords) -> Result<AgentBuilder, String> {
    let all = |rules: VacmBuilder| rules.view("all", |view| view.include(Oid::from_slice(&ALL)));
    Ok(match door {
        Door::Community(word) => builder.community(word).vacm(|rules| {
            [SecurityModel::V1, SecurityModel::V2c].into_iter().fold(all(rules), |rules, model| {
                let rules = rules.group(word, model, "readers");
                rules.access("readers", model, SecurityLevel::NoAuthNoPriv, |access| access.read_view("all"))
            })
        }),
        Door::User => {
            // the boot counter need not survive: the next run is another engine
            let engine = generate_engine_id()
                .and_then(|id| AuthoritativeEngine::install(id, |_| Ok::<(), Infallible>(())))
                .map_err(|error| error.to_string())?;
            let (auth, privacy) = (&passwords.auth, &passwords.privacy);
            let builder = builder
                .usm_user(USER, |user| user.auth_priv(AuthProtocol::Sha256, auth, PrivProtocol::Aes128, privacy))
                .map_err(|error| error.to_string())?;
            builder.authoritative_engine(engine).vacm(|rules| {
                let rules = all(rules).group(USER, SecurityModel::Usm, "readers");
                rules.access("readers", SecurityModel::Usm, SecurityLevel::AuthPriv, |access| access.read_view("all"))
            })
        }
    })
}

/// Reads lines `OID|TAG|VALUE`, the tag being that of BER in decimal, as SNMP simulators write them.
fn table(recorded: &str) -> Result<OidTable<Value>, String> {
    let lines = recorded.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| object(line).ok_or_else(|| format!("{line:?} is no object"))).collect()
}

fn object(line: &str) -> Option<(Oid, Value)> {
    let (oid, rest) = line.split_once('|')?;
    let (tag, value) = rest.split_once('|')?;
    let value = match tag {
        "2" => Value::Integer(value.parse().ok()?),
        "4" => Value::OctetString(value.to_owned().into()),
        "6" => Value::ObjectIdentifier(Oid::parse(value).ok()?),
        "66" => Value::Gauge32(value.parse().ok()?),
        "67" => Value::TimeTicks(value.parse().ok()?),
        _ => return None,
    };
    Some((Oid::parse(oid).ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_table_reads_with_its_types_or_says_which_line_does_not() {
        let table = table("# a device\n1.3.6.1.2.1.1.3.0|67|100\n1.3.6.1.2.1.1.1.0|4|a|b\n").unwrap();
        assert_eq!(table.len(), 2);
        let next = table.get_next(&Oid::from_slice(&[1, 3, 6, 1, 2, 1, 1, 1, 0])).unwrap();
        assert_eq!(next.1, &Value::TimeTicks(100));
        assert!(super::table("1.3.6.1|2|many").unwrap_err().contains("many"));
    }
}
