//! Where copies lie, told from the inventory and from what was judged of the repositories. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::derive::Sources;
use crate::catalog::{Copies, Derived, Statements, Whose};
use crate::duties;
use crate::model::{Asset, AssetId, Kind, Reading, Value, Verdict};
use crate::store::Latest;

/// Fields: `repositories` (names), `rows` (one for each zone and site with devices that need a copy: `place`, `assets`, `state`,
/// `elsewhere`), `offline` (signed statements about media that were put away), and `clear`, absent where one place is `unproven`.
///
/// The state is `elsewhere` (a repository in another zone and at another site takes in backups), `unproven` (one stands there, and
/// nobody knows whether it does, or where it stands) or `here`.
pub(super) fn copies(which: &Copies, assets: &[Arc<Asset>], latest: &[Latest], sources: &Sources<'_>) -> Reading {
    let judged = latest.iter().filter(|one| one.check == which.judged_by);
    let judged: BTreeMap<&AssetId, Verdict> = judged.map(|one| (&one.asset, one.verdict)).collect();
    let repositories: Vec<&Asset> =
        assets.iter().map(|asset| &**asset).filter(|asset| asset.kind == Kind::BackupRepo).collect();
    let mut places: BTreeMap<(&str, Option<&str>), (i64, &Asset)> = BTreeMap::new();
    for asset in assets.iter().filter(|asset| asset.active && needs_a_copy(asset.kind)) {
        places.entry((asset.zone.as_str(), asset.site.as_deref())).or_insert((0, asset)).0 += 1;
    }
    let rows: Vec<(Standing, Value)> = places
        .into_iter()
        .map(|((zone, site), (count, one))| {
            let found = repositories.iter().map(|repository| (stands(one, repository, &judged), *repository));
            let found: Vec<_> = found.collect();
            let state = found.iter().map(|(state, _)| *state).max().unwrap_or(Standing::Here);
            let elsewhere = found.iter().filter(|(state, _)| *state == Standing::Elsewhere);
            let place = format!("zone {zone} at {}", site.unwrap_or("a site that is not named"));
            let row = Value::map([
                ("place", Value::from(place)),
                ("assets", Value::Int(count)),
                ("state", Value::text(state.word())),
                ("elsewhere", Value::list(elsewhere.map(|(_, one)| Value::text(one.id.as_str())))),
            ]);
            (state, row)
        })
        .collect();
    let is_clear = rows.iter().all(|(state, _)| *state != Standing::Unproven);
    let mut fields = vec![
        ("repositories", Value::list(repositories.iter().map(|one| Value::text(one.id.as_str())))),
        ("rows", Value::list(rows.into_iter().map(|(_, row)| row))),
        ("offline", offline(which, sources)),
    ];
    if is_clear {
        fields.push(("clear", Value::Bool(true)));
    }
    Reading::Known(Value::map(fields))
}

/// What a repository means for the devices of a place, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// It stands beside them, or takes in nothing.
    Here,
    /// It may be a copy elsewhere.
    Unproven,
    /// It is one.
    Elsewhere,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Unproven => "unproven",
            Self::Elsewhere => "elsewhere",
        }
    }
}

fn stands(device: &Asset, repository: &Asset, judged: &BTreeMap<&AssetId, Verdict>) -> Standing {
    let is_apart = match (&device.site, &repository.site) {
        (Some(one), Some(other)) => Some(one != other),
        _ => None,
    };
    if device.zone == repository.zone || is_apart == Some(false) {
        return Standing::Here;
    }
    match judged.get(&repository.id) {
        // an accepted fail is still no copy
        Some(Verdict::Fail | Verdict::Waived) => Standing::Here,
        Some(Verdict::Pass | Verdict::Warn) if is_apart == Some(true) => Standing::Elsewhere,
        _ => Standing::Unproven,
    }
}

/// What holds data or a configuration that the plant cannot do without.
const fn needs_a_copy(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LinuxHost
            | Kind::WindowsHost
            | Kind::NetworkDevice
            | Kind::Plc
            | Kind::Hmi
            | Kind::EngineeringStation
            | Kind::Historian
            | Kind::Gateway
    )
}

fn offline(which: &Copies, sources: &Sources<'_>) -> Value {
    let asked = Derived::Attestation(Statements { check: which.signed_for.clone(), of: Whose::All });
    match duties::answer(&asked, sources.asset, sources.book, sources.lifecycle, sources.now) {
        Some(Reading::Known(found)) => found.get("rows").cloned().unwrap_or_else(|| Value::list([])),
        _ => Value::list([]),
    }
}

#[cfg(test)]
mod tests;
