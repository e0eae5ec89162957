//! From what the inventory writes under `access:` to what the transports want, secrets included.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::access::{AccessEntry, ExecSettings, SnmpSettings, SshSettings};
use super::asset_file::Found;
use super::{Access, Credential, Credentials, sources};
use crate::model::document::{Document, Step};
use crate::model::{Kind, Problem, Problems, Transport, did_you_mean};
use crate::transport::ssh::Speaks;
use crate::transport::{exec, replay, snmp, ssh};

/// What is the same for all assets.
pub(super) struct Means<'a> {
    pub(super) credentials: &'a Credentials,
    /// Names that are declared, also those whose secrets could not be read, which is reported elsewhere.
    pub(super) declared: BTreeSet<&'a str>,
    pub(super) plugins: &'a BTreeMap<String, PathBuf>,
}

/// Resolves the access of one asset and reports what does not fit.
pub(super) fn access(found: &Found, means: &Means<'_>, problems: &mut Problems) -> Access {
    let entry: &AccessEntry = &found.entry.access;
    Access {
        ssh: entry.ssh.as_ref().and_then(|settings| ssh(found, settings, means, problems)).map(Arc::new),
        snmp: entry.snmp.as_ref().and_then(|settings| snmp(found, settings, means, problems)).map(Arc::new),
        exec: plugins(found, entry.exec.as_ref(), means, problems).map(Arc::new),
        local: entry.local.is_some(),
        replay: entry.replay.as_ref().and_then(|file| transcript(found, file, problems)).map(Arc::new),
    }
}

/// Ways of asking that need a credential or a recording; selectors look at them.
pub(super) fn has(access: &Access) -> BTreeSet<Transport> {
    let ways = [
        (Transport::Ssh, access.ssh.is_some()),
        (Transport::Snmp, access.snmp.is_some()),
        (Transport::Local, access.local),
        (Transport::Replay, access.replay.is_some()),
    ];
    ways.into_iter().filter(|(_, given)| *given).map(|(way, _)| way).collect()
}

fn at(keys: &[&str]) -> Vec<Step> {
    std::iter::once("access").chain(keys.iter().copied()).map(Step::from).collect()
}

fn credential<'a>(
    found: &Found,
    way: &str,
    name: &str,
    means: &'a Means<'_>,
    problems: &mut Problems,
) -> Option<&'a Credential> {
    match means.credentials.get(name) {
        Some(credential) if credential.word() == way => Some(credential),
        Some(other) => {
            let message = format!("credential {name:?} is for {}, not for {way}", other.word());
            problems.push(found.wrong(&at(&[way, "credential"]), message));
            None
        }
        None if means.declared.contains(name) => None,
        None => {
            let problem = found.wrong(&at(&[way, "credential"]), format!("credential {name:?} is not declared"));
            problems.push(match did_you_mean(name, means.declared.iter().copied()) {
                Some(close) => problem.hint(format!("did you mean {close:?}?")),
                None => problem.hint("declare it under credentials: in the configuration"),
            });
            None
        }
    }
}

/// Port 0 fits into the type and is no port.
fn port(found: &Found, keys: &[&str], port: u16, problems: &mut Problems) {
    if port == 0 {
        problems.push(found.wrong(&at(keys), "0 is no port").hint("a port is a number from 1 to 65535"));
    }
}

fn ssh(found: &Found, settings: &SshSettings, means: &Means<'_>, problems: &mut Problems) -> Option<ssh::Access> {
    port(found, &["ssh", "port"], settings.port, problems);
    let Credential::Ssh { user, credential } = credential(found, "ssh", &settings.credential, means, problems)? else {
        return None;
    };
    let speaks = settings.speaks.unwrap_or_else(|| usual(found.entry.kind));
    if speaks != Speaks::Posix && settings.privilege != ssh::Elevation::None {
        let message = format!("a way to root is for a POSIX shell, and this asset speaks {}", speaks.word());
        problems.push(
            found.wrong(&at(&["ssh", "privilege"]), message).hint("leave it out; the account itself may read or not"),
        );
    }
    Some(ssh::Access {
        port: settings.port,
        speaks,
        privilege: settings.privilege,
        algorithms: settings.algorithms,
        deadlines: settings.timeouts,
        ..ssh::Access::new(user.clone(), credential.clone(), settings.host_key.0.clone())
    })
}

/// What is spoken where the inventory does not say.
const fn usual(kind: Kind) -> Speaks {
    match kind {
        Kind::WindowsHost => Speaks::Powershell,
        _ => Speaks::Posix,
    }
}

fn snmp(found: &Found, settings: &SnmpSettings, means: &Means<'_>, problems: &mut Problems) -> Option<snmp::Access> {
    port(found, &["snmp", "port"], settings.port, problems);
    let Credential::Snmp { version, credential } = credential(found, "snmp", &settings.credential, means, problems)?
    else {
        return None;
    };
    let access = snmp::Access {
        port: settings.port,
        version: *version,
        max_repetitions: settings.max_repetitions,
        bulk: settings.bulk,
        strict_source: settings.strict_source,
        timeout: settings.timeout,
        retries: settings.retries,
        credential: credential.clone(),
    };
    if let Err(error) = access.check() {
        if settings.port != 0 {
            problems.push(found.wrong(&at(&["snmp"]), error.to_string()));
        }
        return None;
    }
    Some(access)
}

fn plugins(
    found: &Found,
    settings: Option<&ExecSettings>,
    means: &Means<'_>,
    problems: &mut Problems,
) -> Option<exec::Access> {
    let default = ExecSettings::default();
    let settings = settings.unwrap_or(&default);
    for (index, name) in settings.programs.iter().enumerate().filter(|(_, name)| !means.plugins.contains_key(*name)) {
        let path = [at(&["exec", "programs"]), vec![Step::Index(index)]].concat();
        let problem: Problem = found.wrong(&path, format!("plug-in {name:?} is not declared"));
        let problem = problem.hint("allow-list it under plugins: in the configuration, with its path");
        problems.push(problem.suggest(name, means.plugins.keys().map(String::as_str)));
    }
    let wanted = |name: &String| settings.programs.is_empty() || settings.programs.contains(name);
    let allowed: BTreeMap<_, _> = means
        .plugins
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, path)| (name.clone(), path.clone()))
        .collect();
    (!allowed.is_empty()).then_some(exec::Access { allowed, on_fragile: settings.on_fragile })
}

/// Reads the recording that stands for the asset.
fn transcript(found: &Found, file: &Path, problems: &mut Problems) -> Option<replay::Transcript> {
    let file = found.base.join(file);
    let text =
        sources::read_text(&file).map_err(|message| problems.push(found.wrong(&at(&["replay"]), message))).ok()?;
    let document = Document::parse(&file, &text, problems)?;
    document.read(&[], &document.root, problems)
}
