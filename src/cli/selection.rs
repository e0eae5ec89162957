//! Which pairs of an asset and a check a command is about.

use std::collections::BTreeSet;

use clap::Args;

use super::CliError;
use crate::engine::{CheckIndex, Plan, PlannedAsset};
use crate::model::{CheckResult, did_you_mean};

/// What to look at; everything when nothing is said.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Selection {
    /// Only this asset; may be given several times.
    #[arg(long = "asset", value_name = "ID")]
    assets: Vec<String>,
    /// Only this check; may be given several times.
    #[arg(long = "check", value_name = "ID")]
    checks: Vec<String>,
    /// Only assets of this zone; may be given several times.
    #[arg(long = "zone", value_name = "ID")]
    zones: Vec<String>,
}

/// A selection whose names all exist.
#[derive(Debug)]
pub(super) struct Chosen(Selection);

/// Refuses an asset that is not there.
pub(super) fn known_assets(named: &[String], plan: &Plan) -> Result<(), CliError> {
    known("asset", named, &plan.assets.iter().map(|planned| planned.member.asset.id.as_str()).collect())
}

impl Selection {
    /// Looks whether there is something behind every name.
    pub(super) fn of(&self, plan: &Plan) -> Result<Chosen, CliError> {
        let assets: BTreeSet<_> = plan.assets.iter().map(|planned| planned.member.asset.id.as_str()).collect();
        let zones: BTreeSet<_> = plan.assets.iter().map(|planned| planned.member.asset.zone.as_str()).collect();
        let checks = plan.assets.iter().flat_map(|planned| planned.checks.iter().map(|one| one.check.id.as_str()));
        known("asset", &self.assets, &assets)?;
        known("zone with assets", &self.zones, &zones)?;
        known("check that concerns an asset here", &self.checks, &checks.collect())?;
        let chosen = Chosen(self.clone());
        if plan.assets.iter().all(|planned| chosen.due(planned).is_empty()) {
            let message = if plan.assets.is_empty() {
                "the inventory is empty".to_owned()
            } else {
                "nothing is left to check; nis2watch plan --excluded says why a check does not concern an asset"
                    .to_owned()
            };
            return Err(CliError::Unknown(message));
        }
        Ok(chosen)
    }
}

/// Refuses a name that nothing stands behind.
pub(super) fn known(what: &str, named: &[String], there: &BTreeSet<&str>) -> Result<(), CliError> {
    let Some(stranger) = named.iter().find(|name| !there.contains(name.as_str())) else { return Ok(()) };
    let hint = did_you_mean(stranger, there.iter().copied());
    let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    Err(CliError::Unknown(format!("there is no {what} named {stranger:?}{hint}")))
}

impl Chosen {
    /// Whether an asset is meant.
    pub(super) fn means(&self, planned: &PlannedAsset) -> bool {
        let asset = &planned.member.asset;
        allows(&self.0.assets, asset.id.as_str()) && allows(&self.0.zones, asset.zone.as_str())
    }

    /// The checks of an asset that are meant.
    pub(super) fn due(&self, planned: &PlannedAsset) -> Vec<CheckIndex> {
        if !self.means(planned) {
            return Vec::new();
        }
        let checks = (0..).zip(&planned.checks);
        checks.filter(|(_, one)| allows(&self.0.checks, one.check.id.as_str())).map(|(at, _)| at).collect()
    }

    /// Whether a result is of a check that is meant.
    pub(super) fn has(&self, result: &CheckResult) -> bool {
        allows(&self.0.checks, result.check.as_str())
    }
}

fn allows(named: &[String], name: &str) -> bool {
    named.is_empty() || named.iter().any(|one| one == name)
}
