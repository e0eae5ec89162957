//! When certificates end that checks saw, as far as a rule needs it: by pair and port, without the words of a device.

use std::collections::{BTreeMap, HashMap};

use super::family::{Family, Type, put};
use super::lines::labels;
use super::pairs::STATE;
use super::story::Standings;
use crate::catalog::Lists;
use crate::engine::Plan;
use crate::model::{AssetId, CheckId, Listed, Time, Verdict};
use crate::store::{Latest, Store, StoreError};

pub(super) static EXPIRY: Family = Family::new(
    Type::Gauge,
    "nis2watch_certificate_expiry_timestamp_seconds",
    "When the first certificate ends that a check last saw on a port; kept while it cannot be seen.",
);

/// Ports of a pair that are shown, those whose certificates end first.
const MOST_PORTS: usize = 16;
/// Earlier judgements that are looked through for what was last seen of a pair that is unknown now.
const LOOK_BACK: usize = 8;

/// The ends that a pair shows: the first one on each port.
pub(super) type Ends = Vec<(Option<u16>, Time)>;

/// What was last seen of each pair.
#[derive(Debug, Clone, Default)]
pub struct Certificates(HashMap<(AssetId, CheckId), Ends>);

impl Certificates {
    /// Reads from the store what the checks of a plan last saw.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn read(
        store: &dyn Store,
        plan: &Plan,
        latest: &[Latest],
        standings: &Standings,
    ) -> Result<Self, StoreError> {
        let states: HashMap<_, _> = latest.iter().map(|one| ((&one.asset, &one.check), one)).collect();
        let mut pairs = Vec::new();
        let mut unseen = Vec::new();
        for planned in &plan.assets {
            let lists = |lists: &Lists| matches!(lists, Lists::Certificates(_));
            for one in planned.checks.iter().filter(|one| one.check.lists.as_ref().is_some_and(lists)) {
                let (asset, check) = (&planned.member.asset.id, &one.check.id);
                match states.get(&(asset, check)).map(|latest| (latest.verdict, latest.since)) {
                    // who never answered showed nothing that could be looked for
                    Some((verdict @ Verdict::Unknown(_), since)) => {
                        let was_seen = standings.track(asset, check, verdict, since).was_seen();
                        unseen.extend(was_seen.then(|| (asset.clone(), check.clone())));
                    }
                    Some(_) => pairs.push((asset.clone(), check.clone())),
                    None => {}
                }
            }
        }
        let mut all = HashMap::new();
        for stored in store.judgements(pairs).await? {
            if let Some(ends) = ends(stored.result.evidence.listed.as_ref()) {
                all.insert((stored.result.asset, stored.result.check), ends);
            }
        }
        for (asset, check) in unseen {
            let past = store.evidence(&asset, &check, LOOK_BACK).await?;
            if let Some(ends) = past.iter().find_map(|stored| ends(stored.result.evidence.listed.as_ref())) {
                all.insert((asset, check), ends);
            }
        }
        Ok(Self(all))
    }

    pub(super) fn of(&self, asset: &AssetId, check: &CheckId) -> Ends {
        self.0.get(&(asset.clone(), check.clone())).cloned().unwrap_or_default()
    }
}

/// The ends in a list, if it is one of certificates.
pub(super) fn ends(listed: Option<&Listed>) -> Option<Ends> {
    let Some(Listed::Certificates { rows, .. }) = listed else { return None };
    let mut first: BTreeMap<Option<u16>, Time> = BTreeMap::new();
    for one in rows {
        let end = first.entry(one.port).or_insert(one.ends);
        *end = one.ends.min(*end);
    }
    let mut ends: Ends = first.into_iter().collect();
    ends.sort_by_key(|(_, end)| *end);
    ends.truncate(MOST_PORTS);
    Some(ends)
}

/// The labels are those of the state line and the port.
pub(super) fn lines(out: &mut Vec<u8>, state: &[u8], ends: &Ends) {
    for (port, end) in ends {
        out.extend_from_slice(EXPIRY.name.as_bytes());
        out.extend_from_slice(labels(state, STATE.name));
        if let Some(port) = port {
            put(out, format_args!(",port=\"{port}\""));
        }
        put(out, format_args!("}} {}\n", end.timestamp()));
    }
}
