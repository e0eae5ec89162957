//! All pages of one plan, and where each asset and check stands in them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Scope;
use super::assets::{self, AssetPage, Identity, Known, Reach};
use super::certificates::{self, Certificates};
use super::law::Law;
use super::pairs::{self, PairPage, State};
use super::parts::Parts;
use super::story::{Standings, Track};
use crate::catalog::Check;
use crate::engine::PlannedAsset;
use crate::model::{AssetId, CheckId, CheckResult, Time, Transport};
use crate::store::{Latest, Visit};

/// Assets of a page: large enough that a scrape hands out few parts, small enough that a copy costs microseconds.
pub(super) const PER_PAGE: usize = 32;

/// The pages of one plan. A reload builds another one; nothing is ever taken out of this one.
#[derive(Debug, Default)]
pub(super) struct Table {
    assets: HashMap<AssetId, u32>,
    checks: HashMap<CheckId, u16>,
    pairs: Vec<PairPage>,
    pages: Vec<AssetPage>,
    law: Law,
}

/// What outlives a reload although no store keeps it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    assets: HashMap<AssetId, (Identity, Reach)>,
    /// Since when pairs wait for their first judgement.
    waiting: HashMap<(AssetId, CheckId), i64>,
}

impl Table {
    /// Renders everything that a plan holds and that is known about it.
    pub(super) fn new(scope: &Scope<'_>, kept: &Kept, now: Time) -> Self {
        let checks = planned_checks(&scope.plan.assets);
        let mut builder = Builder {
            latest: scope.latest.iter().map(|one| ((&one.asset, &one.check), one)).collect(),
            visits: scope.visits.iter().map(|visit| (&visit.asset, visit)).collect(),
            standings: scope.standings,
            certificates: scope.certificates,
            kept,
            now: now.timestamp(),
            checks: checks.iter().zip(0..).map(|(check, number)| (check.id.clone(), number)).collect(),
            law: Law::new(scope.catalog, &checks),
        };
        let pages = scope.plan.assets.chunks(PER_PAGE);
        let (pairs, pages) = pages.map(|assets| (builder.pairs(assets), builder.assets(assets))).unzip();
        let places = scope.plan.assets.iter().zip(0..).map(|(planned, at)| (planned.member.asset.id.clone(), at));
        Self { assets: places.collect(), checks: builder.checks, pairs, pages, law: builder.law }
    }

    /// Shows a judgement; one of a pair that is not in the plan is not shown.
    pub(super) fn judged(&mut self, result: &CheckResult, since: Time) {
        let (verdict, listed) = (result.judgement.verdict, result.evidence.listed.as_ref());
        let Some((page, at)) = self.place(&result.asset) else { return };
        let Some(check) = self.checks.get(&result.check).copied() else { return };
        let Some(row) = self.pairs[page].row(at, check) else { return };
        let old = self.pairs[page].set(row, verdict, since);
        self.pairs[page].show_certificates(row, verdict, certificates::ends(listed));
        self.law.moved(check, old.verdict, verdict);
    }

    /// Shows a visit that ended.
    pub(super) fn visited(&mut self, asset: &AssetId, at: Time, took: Duration, reachable: &[(Transport, bool)]) {
        if let Some((page, row)) = self.place(asset) {
            self.pages[page].visited(row, at, took, reachable);
        }
    }

    /// Shows what a device said about itself.
    pub(super) fn identified(&mut self, asset: &AssetId, identity: Identity) {
        if let Some((page, row)) = self.place(asset) {
            self.pages[page].identified(row, identity);
        }
    }

    /// What the next table should know.
    pub(super) fn kept(&self) -> Kept {
        let mut kept = Kept::default();
        let names: HashMap<u16, &CheckId> = self.checks.iter().map(|(check, number)| (*number, check)).collect();
        for (pairs, page) in self.pairs.iter().zip(&self.pages) {
            for (at, known) in page.known.iter().enumerate() {
                let asset = &known.asset.id;
                kept.assets.insert(asset.clone(), (known.identity.clone(), known.reach));
                for (check, state) in pairs.rows(at).filter(|(_, state)| !state.judged) {
                    if let Some(check) = names.get(&check) {
                        kept.waiting.insert((asset.clone(), CheckId::clone(check)), state.since);
                    }
                }
            }
        }
        kept
    }

    /// Adds all pages to a body.
    pub(super) fn collect(&mut self, parts: &mut Parts) {
        self.law.refresh();
        parts.pages(&pairs::STATE, self.pairs.iter().map(|page| &page.state));
        parts.pages(&pairs::PASS, self.pairs.iter().map(|page| &page.pass));
        parts.pages(&pairs::SINCE, self.pairs.iter().map(|page| &page.since));
        parts.pages(&pairs::UNKNOWN, self.pairs.iter().map(|page| &page.unknown));
        parts.pages(&pairs::FINDING, self.pairs.iter().map(|page| &page.finding));
        parts.pages(&certificates::EXPIRY, self.pairs.iter().map(|page| &page.certificates));
        parts.pages(&assets::INFO, self.pages.iter().map(|page| &page.info));
        parts.pages(&assets::REACHABLE, self.pages.iter().map(|page| &page.reachable));
        parts.pages(&assets::LAST_VISIT, self.pages.iter().map(|page| &page.last_visit));
        parts.pages(&assets::DURATION, self.pages.iter().map(|page| &page.duration));
        self.law.collect(parts);
    }

    /// The page of an asset, and its place there.
    fn place(&self, asset: &AssetId) -> Option<(usize, usize)> {
        let at = *self.assets.get(asset)? as usize;
        Some((at / PER_PAGE, at % PER_PAGE))
    }
}

/// The checks of a plan, each once, by id.
fn planned_checks(assets: &[PlannedAsset]) -> Vec<Arc<Check>> {
    let mut by_id: HashMap<&CheckId, &Arc<Check>> = HashMap::new();
    for one in assets.iter().flat_map(|planned| &planned.checks) {
        by_id.entry(&one.check.id).or_insert(&one.check);
    }
    let mut checks: Vec<_> = by_id.into_values().cloned().collect();
    checks.sort_by(|a, b| a.id.cmp(&b.id));
    checks
}

struct Builder<'a> {
    latest: HashMap<(&'a AssetId, &'a CheckId), &'a Latest>,
    visits: HashMap<&'a AssetId, &'a Visit>,
    standings: &'a Standings,
    certificates: &'a Certificates,
    kept: &'a Kept,
    now: i64,
    checks: HashMap<CheckId, u16>,
    law: Law,
}

impl Builder<'_> {
    fn pairs(&mut self, assets: &[PlannedAsset]) -> PairPage {
        let (mut checks, mut states, mut tracks) = (Vec::new(), Vec::new(), Vec::new());
        for planned in assets {
            for one in &planned.checks {
                let number = self.checks[&one.check.id];
                let (state, track) = self.state(&planned.member.asset.id, &one.check.id);
                self.law.add(number, state.verdict);
                checks.push(number);
                states.push(state);
                tracks.push(track);
            }
        }
        checks.shrink_to_fit();
        states.shrink_to_fit();
        tracks.shrink_to_fit();
        let mut page = PairPage::new(assets, checks, states, tracks);
        page.certificates(|asset, check| self.certificates.of(asset, check), assets);
        page
    }

    fn state(&self, asset: &AssetId, check: &CheckId) -> (State, Track) {
        if let Some(Latest { verdict, since, .. }) = self.latest.get(&(asset, check)) {
            let state = State { verdict: *verdict, since: since.timestamp(), judged: true };
            return (state, self.standings.track(asset, check, *verdict, *since));
        }
        let waiting = self.kept.waiting.get(&(asset.clone(), check.clone()));
        (State::unjudged(waiting.copied().unwrap_or(self.now)), Track::default())
    }

    fn assets(&self, assets: &[PlannedAsset]) -> AssetPage {
        let known = assets.iter().map(|planned| {
            let asset = Arc::clone(&planned.member.asset);
            let (identity, mut reach) = self.kept.assets.get(&asset.id).cloned().unwrap_or_default();
            if let Some(visit) = self.visits.get(&asset.id) {
                reach.note(&visit.reachable);
            }
            Known { asset, identity, reach: reach.keep(assets::transports(planned)) }
        });
        let visits: Vec<_> = assets.iter().map(|planned| self.visits.get(&planned.member.asset.id).copied()).collect();
        AssetPage::new(known.collect(), &visits)
    }
}
