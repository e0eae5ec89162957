//! What counts as a copy elsewhere.

use std::collections::BTreeMap;

use super::*;
use crate::duties::Book;
use crate::engine::matrix::testing::member;
use crate::feeds::{Lifecycle, Shelf};
use crate::inventory::Zoning;
use crate::model::{Cause, CheckId, Time};

fn asset(id: &str, zone: &str, kind: Kind, site: Option<&str>) -> Arc<Asset> {
    Arc::new(Asset { site: site.map(Into::into), ..Asset::clone(&member(id, zone, kind, &[22]).asset) })
}

/// The state of the only place, and whether all is clear, with a repository that was judged so.
fn state(repository: impl Into<Option<Arc<Asset>>>, verdict: Option<Verdict>) -> (String, bool) {
    let repository = repository.into();
    let now: Time = "2026-11-23T12:00:00Z".parse().unwrap();
    let check = |id: &str| CheckId::parse(id).unwrap();
    let which = Copies { judged_by: check("backup-last-success"), signed_for: check("backup-offsite") };
    let host = asset("srv-1", "office", Kind::LinuxHost, Some("aarhus"));
    let latest = repository.iter().zip(verdict).map(|(one, verdict)| Latest {
        asset: one.id.clone(),
        check: which.judged_by.clone(),
        verdict,
        since: now,
        at: now,
    });
    let latest: Vec<Latest> = latest.collect();
    let org = asset("plant", "office", Kind::Org, Some("aarhus"));
    let assets: Vec<Arc<Asset>> = std::iter::once(host).chain(repository).collect();
    let reading = copies(
        &which,
        &assets,
        &latest,
        &Sources {
            facts: BTreeMap::new(),
            asked: [].into(),
            asset: &org,
            zoning: &Zoning::default(),
            windows: &[],
            register: None,
            asking: &[].into(),
            dated: &[].into(),
            recall: None,
            book: &Book::default(),
            lifecycle: &Lifecycle::default(),
            carried: &Shelf::default(),
            now,
        },
    );
    let found = reading.known().unwrap().to_json();
    (found["rows"][0]["state"].as_str().unwrap().to_owned(), found["clear"] == true)
}

fn repository(zone: &str, site: Option<&str>) -> Arc<Asset> {
    asset("repo", zone, Kind::BackupRepo, site)
}

#[test]
fn a_repository_counts_in_another_zone_at_another_site_while_it_takes_in_backups() {
    assert_eq!(state(repository("dmz2", Some("odense")), Some(Verdict::Pass)), ("elsewhere".into(), true));
    assert_eq!(state(repository("dmz2", Some("odense")), Some(Verdict::Fail)), ("here".into(), true));
    assert_eq!(state(repository("dmz2", Some("odense")), Some(Verdict::Waived)), ("here".into(), true));
}

#[test]
fn a_repository_beside_the_devices_is_no_copy_elsewhere() {
    assert_eq!(state(repository("dmz2", Some("aarhus")), Some(Verdict::Pass)), ("here".into(), true));
    assert_eq!(state(repository("office", Some("odense")), Some(Verdict::Pass)), ("here".into(), true));
    assert_eq!(state(None, None), ("here".into(), true));
}

#[test]
fn what_nobody_knows_of_a_repository_is_unproven() {
    let stale = Verdict::Unknown(Cause::Stale);
    assert_eq!(state(repository("dmz2", Some("odense")), Some(stale)), ("unproven".into(), false));
    assert_eq!(state(repository("dmz2", Some("odense")), None), ("unproven".into(), false));
    assert_eq!(state(repository("dmz2", None), Some(Verdict::Pass)), ("unproven".into(), false));
}
