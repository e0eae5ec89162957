//! `record`: from a live visit to a fixture.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use clap::Args;

use super::{CliError, Files, Listen, print};
use crate::app::Once;
use crate::catalog::{Known, Redactor, record};
use crate::engine::FactIndex;
use crate::inventory::Member;
use crate::transport::snmp;

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    files: Files,
    /// The asset to visit.
    #[arg(long, value_name = "ID")]
    asset: String,
    /// The check whose facts are recorded; all that concern the asset when left out.
    #[arg(long, value_name = "ID")]
    check: Option<String>,
    /// Where to write it; standard output when left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let setup = options.files.load(&Listen::default())?;
    super::runtime()?.block_on(async {
        options.files.start_log(&setup)?;
        let once = Once::open(&setup).await?;
        let plan = &once.plant.plan;
        super::selection::known_assets(std::slice::from_ref(&options.asset), plan)?;
        let Some(at) = plan.find(&options.asset) else { return Err(CliError::Unknown("no such asset".into())) };
        let planned = plan.asset(at);
        if !once.may_ask(planned) {
            return Err(CliError::Unknown("a fragile asset is left to the running daemon; stop it first".into()));
        }
        let facts: Vec<FactIndex> = match &options.check {
            None => (0..).zip(&planned.facts).map(|(place, _)| place).collect(),
            Some(check) => {
                let place = planned.check(check);
                let stranger = || CliError::Unknown(format!("no check {check:?} concerns {}", options.asset));
                planned.facts_for(&planned.with_dependencies(&[place.ok_or_else(stranger)?]))
            }
        };
        let answers = once.visitor.answers(planned, &once.plant.contacts[at as usize], &facts).await;
        let mut redactor = Redactor::new(&known(&planned.member));
        let text = record(&planned.member.asset, &answers, Utc::now(), &mut redactor).map_err(CliError::Unknown)?;
        match &options.output {
            None => print(&text)?,
            Some(file) => {
                std::fs::write(file, text).map_err(|error| {
                    CliError::Unknown(format!("cannot write {}: {error}; {}", file.display(), way_out(file)))
                })?;
                eprintln!(
                    "nis2watch: wrote {}; read it, then name it <case>.<verdict>.yaml under the fixtures of a check",
                    file.display()
                );
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// What helps where a file cannot be written.
fn way_out(file: &Path) -> String {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.is_dir() {
        return "that is a folder; name a file in it".to_owned();
    }
    if folder.is_dir() {
        return format!("see who may write into {}, or leave -o out", folder.display());
    }
    format!("mkdir -p {}", folder.display())
}

/// What the inventory says about this asset and must not leave the house.
fn known(member: &Member) -> Known {
    let asset = &member.asset;
    let mut hosts = vec![asset.id.to_string()];
    hosts.extend(asset.address.iter().map(ToString::to_string));
    hosts.extend(asset.site.iter().map(ToString::to_string));
    let users = member.access.ssh.iter().map(|access| access.user.clone());
    let serials = asset.serial.iter().map(ToString::to_string).collect();
    let secrets = member.access.snmp.iter().filter_map(|access| match &access.credential {
        snmp::Credential::Community(community) => Some(community.expose().to_owned()),
        _ => None,
    });
    Known { hosts, users: users.collect(), serials, secrets: secrets.collect() }
}
