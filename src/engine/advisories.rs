//! What the feeds say of an asset: advisories, exploited and likely exploited vulnerabilities, the age of its firmware.
//!
//! Silence is no clearance: an asset whose maker no document speaks of is not covered, and the checks say so.

use super::derive::Sources;
use crate::feeds::{self, Finding, Findings, Identity, Kind, Lifecycle, Shelf};
use crate::model::{Asset, Cause, FactId, Kind as AssetKind, Reading, Time, Value, whole_days};
use crate::rule::version::Scheme;

/// Most rows of a fact; the count tells of all.
const MOST_ROWS: usize = 500;
/// From this score on a vulnerability is critical, by the scale of CVSS.
const CRITICAL: f32 = 9.0;
/// From this score on it is high.
const HIGH: f32 = 7.0;

/// The fact `feeds.advisories`: what is open on the asset, with how each feed stands.
pub(super) fn advisories(device: &FactId, sources: &Sources<'_>) -> Reading {
    sources.of(device, |device| {
        if !sources.carried.is_kept {
            return Reading::missing(Cause::NoData, "no feed folder is configured; give it under feeds: { path: … }");
        }
        let identities = identities(device, sources.asset);
        if identities.iter().all(Identity::is_blank) {
            let advice =
                "maker or product is not known; set vendor and product in the inventory as advisories name them";
            return Reading::missing(Cause::NoData, advice);
        }
        let found = feeds::findings(sources.carried.documents.iter(), &identities);
        Reading::Known(fact(&found, taken_for(device, sources.asset), sources.carried, sources.now))
    })
}

/// What the advisories were compared with, in words; of a computer its system first.
fn taken_for(device: &Value, asset: &Asset) -> String {
    let text = |field: &str| device.get(field).and_then(Value::as_text);
    let (vendor, product, version) = (asset.vendor.as_deref(), asset.product.as_deref(), asset.version.as_deref());
    let words: [Option<&str>; 6] = if matches!(asset.kind, AssetKind::LinuxHost | AssetKind::WindowsHost) {
        [text("os"), text("version"), product.and(Some("with")), product.and(vendor), product, product.and(version)]
    } else {
        [text("vendor").or(vendor), text("model").or(product), text("version"), None, None, None]
    };
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What the asset is: by what it says, by what is written down, and for a computer, whose system and whose product are two
/// things, by each alone.
fn identities(device: &Value, asset: &Asset) -> Vec<Identity> {
    let text = |field: &str| device.get(field).and_then(Value::as_text);
    let scheme = text("scheme").and_then(Scheme::from_word).unwrap_or_default();
    let (vendor, product) = (asset.vendor.as_deref(), asset.product.as_deref());
    if matches!(asset.kind, AssetKind::LinuxHost | AssetKind::WindowsHost) {
        let system =
            Identity::new(text("version"), scheme).vendor(text("vendor")).product(text("os")).product(text("model"));
        let installed = Identity::new(asset.version.as_deref(), Scheme::default()).vendor(vendor).product(product);
        return vec![system, installed];
    }
    let own = Identity::new(text("version"), scheme).vendor(text("vendor")).vendor(vendor);
    let own = ["model", "family", "os"].into_iter().fold(own.product(product), |own, field| own.product(text(field)));
    vec![own.serial(text("serial"))]
}

fn fact(found: &Findings<'_>, product: String, carried: &Shelf, now: Time) -> Value {
    let (open, undecided): (Vec<&Finding<'_>>, Vec<_>) = found.open.iter().partition(|one| one.is_certain);
    let rows = |all: &[&Finding<'_>]| Value::list(all.iter().take(MOST_ROWS).map(|one| row(one, carried, now)));
    let count = |of: usize| Value::Int(i64::try_from(of).unwrap_or(i64::MAX));
    let states = [("csaf_state", Kind::Csaf), ("kev_state", Kind::Kev), ("epss_state", Kind::Epss)];
    let states = states.map(|(field, kind)| (field, Value::text(carried.state(kind, now).word())));
    let in_use: Vec<_> = open.iter().copied().filter(|one| exploited(one, carried).is_some()).collect();
    let unclear: Vec<_> = undecided.iter().copied().filter(|one| exploited(one, carried).is_some()).collect();
    let fields = [
        ("product", Value::from(product)),
        ("documents", count(found.documents)),
        ("open", count(open.len())),
        ("rows", rows(&open)),
        ("undecided", rows(&undecided)),
        ("exploited", rows(&in_use)),
        ("exploited_undecided", rows(&unclear)),
    ];
    Value::map(states.into_iter().chain(fields))
}

fn exploited<'s>(one: &Finding<'_>, carried: &'s Shelf) -> Option<&'s feeds::Exploited> {
    carried.kev.as_ref()?.entries.get(one.id)
}

fn row(one: &Finding<'_>, carried: &Shelf, now: Time) -> Value {
    let document = one.document;
    // what only a document says that must not be passed on is named by a handle: nobody knows where a judgement ends up
    let shown = one.public.unwrap_or(document);
    let is_public = shown.label.is_public();
    let severity = match one.score {
        Some(score) if score >= CRITICAL => "critical",
        Some(score) if score < HIGH => "medium",
        // without a score it counts as high
        _ => "high",
    };
    // a score to all its digits would name the vulnerability; rounded up nothing is missed
    let coarse = |score: f64| if is_public { score } else { (score * 10.0).ceil() / 10.0 };
    let epss = carried.epss.as_ref().and_then(|epss| epss.scores.get(one.id)).map(|score| coarse(f64::from(*score)));
    let kev = exploited(one, carried);
    let fields = [
        ("id", Some(Value::text(shown.shown_vulnerability(one.id)))),
        ("advisory", Some(Value::text(shown.shown_id()))),
        ("title", is_public.then(|| Value::text(&*shown.title))),
        ("confidence", Some(Value::text(one.confidence.word()))),
        ("severity", Some(Value::text(severity))),
        ("score", one.score.map(|score| Value::Float((f64::from(score) * 10.0).round() / 10.0))),
        ("open_days", Some(Value::Float(days(now, document.released)))),
        ("remedies", Some(Value::list(one.remedies.iter().map(Value::text)))),
        ("epss", epss.map(Value::Float)),
        (
            "exploited_days",
            kev.and_then(|kev| Some(Value::Float(days(now, kev.added.and_hms_opt(0, 0, 0)?.and_utc())))),
        ),
        ("ransomware", kev.map(|kev| Value::Bool(kev.ransomware))),
        ("due", kev.filter(|_| is_public).and_then(|kev| kev.due).map(|day| Value::text(day.to_string()))),
    ];
    Value::map(fields.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

/// Days since a moment.
fn days(now: Time, since: Time) -> f64 {
    whole_days(since, now)
}

/// The fact `feeds.freshness`: one row a kind that is kept or was refused.
pub(super) fn freshness(sources: &Sources<'_>) -> Reading {
    let (carried, now) = (sources.carried, sources.now);
    if !carried.is_kept {
        return Reading::missing(Cause::NoData, "no feed folder is configured; give it under feeds: { path: … }");
    }
    let rows = Kind::ALL.map(|kind| {
        let ratio = carried.imports.get(&kind).filter(|import| import.before > 0).map(|import| {
            let most = i32::try_from(import.before).unwrap_or(i32::MAX);
            f64::from(i32::try_from(carried.entries(kind)).unwrap_or(i32::MAX)) / f64::from(most)
        });
        let date = carried.date(kind);
        let fields = [
            ("id", Some(Value::text(kind.word()))),
            ("state", Some(Value::text(carried.state(kind, now).word()))),
            ("entries", Some(Value::Int(i64::try_from(carried.entries(kind)).unwrap_or(i64::MAX)))),
            ("date", date.map(|date| Value::text(date.to_rfc3339()))),
            ("age_days", date.map(|date| Value::Float(days(now, date)))),
            ("ratio", ratio.map(Value::Float)),
        ];
        Value::map(fields.into_iter().filter_map(|(name, value)| Some((name, value?))))
    });
    let refused = carried.refused.iter().take(MOST_ROWS).map(|one| {
        let name = one.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Value::map([("name", Value::text(name)), ("why", Value::text(&one.why))])
    });
    Reading::Known(Value::map([("rows", Value::list(rows)), ("refused", Value::list(refused))]))
}

/// The fact `feeds.firmware`: of when the version is that the device runs, and what is newer.
pub(super) fn firmware(device: &FactId, sources: &Sources<'_>) -> Reading {
    sources.of(device, |device| {
        let text = |field: &str| device.get(field).and_then(Value::as_text);
        let Some(version) = text("version") else {
            return Reading::missing(Cause::NoData, "the version that the device runs is not known");
        };
        let names = [text("model"), text("family"), text("os"), sources.asset.product.as_deref()];
        let tables: [Option<&Lifecycle>; 2] = [sources.carried.lifecycle.as_deref(), Some(sources.lifecycle)];
        let found = tables
            .into_iter()
            .flatten()
            .find_map(|table| names.into_iter().flatten().find_map(|name| table.release(name, version)));
        let Some((released, newer)) = found else {
            let advice =
                "no lifecycle table says when this version was released; add the product to one in the feed folder";
            return Reading::missing(Cause::NoData, advice);
        };
        let midnight = |day: chrono::NaiveDate| day.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
        let age = |day| midnight(day).map(|time| Value::Float(days(sources.now, time)));
        let newest = newer.iter().map(|(name, _)| Value::text(name));
        let fields = [
            ("version", Some(Value::text(version))),
            ("released", Some(Value::text(released.to_string()))),
            ("age_days", age(released)),
            ("newer", Some(Value::list(newest))),
            // what has been out longest is what should have been adopted
            ("newer_days", newer.iter().map(|(_, day)| *day).min().and_then(age)),
        ];
        Reading::Known(Value::map(fields.into_iter().filter_map(|(name, value)| Some((name, value?)))))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use super::*;
    use crate::feeds::csaf::Document;
    use crate::feeds::{Epss, Kev};
    use crate::model::{AssetId, Criticality, Profile, ZoneId};

    fn plc() -> Asset {
        Asset {
            id: AssetId::parse("plc-1").unwrap(),
            address: None,
            zone: ZoneId::parse("cell-1").unwrap(),
            kind: AssetKind::Plc,
            site: None,
            vendor: Some("Rivermark".into()),
            product: Some("EdgeLink 40".into()),
            version: None,
            serial: None,
            owner: None,
            criticality: Criticality::Medium,
            supplier: None,
            support_end: None,
            profile: Profile::Ot,
            allowed_ports: None,
            declared_ports: BTreeSet::new(),
            labels: BTreeMap::new(),
            fields: BTreeMap::new(),
            params: BTreeMap::new(),
            active: true,
            allow_intrusive: false,
            allow_protocol_reads: false,
            vantage: false,
        }
    }

    fn shelf() -> Shelf {
        let now: Time = "2099-06-28T00:00:00Z".parse().unwrap();
        let document = Document::parse(include_bytes!("../feeds/samples/csaf/ex-2099-014.json")).unwrap();
        Shelf {
            is_kept: true,
            documents: Arc::new(vec![document]),
            kev: Some(Arc::new(Kev::parse(include_bytes!("../feeds/samples/kev.json")).unwrap())),
            epss: Some(Arc::new(Epss::parse(include_bytes!("../feeds/samples/epss.csv")).unwrap())),
            dates: Kind::ALL.map(|kind| (kind, now)).into(),
            ..Shelf::default()
        }
    }

    fn told(device: Reading, carried: &Shelf, fact: impl Fn(&FactId, &Sources<'_>) -> Reading) -> Reading {
        let id = FactId::parse("device").unwrap();
        let sources = Sources {
            facts: [(id.clone(), device)].into(),
            asked: BTreeSet::new(),
            asset: &plc(),
            zoning: &crate::inventory::Zoning::default(),
            windows: &[],
            carried,
            register: None,
            asking: &BTreeSet::new(),
            dated: &BTreeSet::new(),
            recall: None,
            book: &crate::duties::Book::default(),
            lifecycle: &Lifecycle::default(),
            now: "2099-06-29T00:00:00Z".parse().unwrap(),
        };
        fact(&id, &sources)
    }

    fn device(version: &str) -> Reading {
        Reading::Known(Value::map([("vendor", Value::text("RIVERMARK")), ("version", Value::text(version))]))
    }

    fn text_of(reading: &Reading, path: &str) -> String {
        match reading {
            Reading::Known(value) => value.at(path).map(ToString::to_string).unwrap_or_default(),
            Reading::Missing(missing) => missing.cause.to_string(),
            Reading::Absent(_) => "absent".into(),
        }
    }

    #[test]
    fn an_open_vulnerability_comes_with_its_score_and_whether_it_is_exploited() {
        let told = told(device("1.5"), &shelf(), advisories);
        let row = match &told {
            Reading::Known(value) => value.at("exploited").and_then(Value::as_list).unwrap()[0].to_string(),
            other => panic!("{other:?}"),
        };
        for part in ["id: CVE-2099-10003", "severity: critical", "ransomware: true", "epss: 0.94", "exploited_days: 40"]
        {
            assert!(row.contains(part), "{part} is not in {row}");
        }
        assert_eq!(["open", "documents", "csaf_state"].map(|path| text_of(&told, path)), ["1", "1", "current"]);
    }

    #[test]
    fn what_must_not_be_passed_on_is_judged_and_not_named() {
        let text = include_str!("../feeds/samples/csaf/ex-2099-014.json");
        let labelled = |label: &str| {
            let document = Document::parse(text.replace("\"WHITE\"", &format!("\"{label}\"")).as_bytes()).unwrap();
            Shelf { documents: Arc::new(vec![document]), ..shelf() }
        };
        let plain = Document::parse(text.as_bytes()).unwrap();
        for label in ["RED", "AMBER+STRICT", "AMBER", "GREEN", "PURPLE"] {
            let told = told(device("1.5"), &labelled(label), advisories);
            assert_eq!(
                ["open", "documents", "csaf_state"].map(|path| text_of(&told, path)),
                ["1", "1", "current"],
                "{label}"
            );
            let all = match &told {
                Reading::Known(value) => value.to_string(),
                other => panic!("{other:?}"),
            };
            for secret in ["CVE-", &plain.id, &plain.title, "0.94", "2099-06-10"] {
                assert!(!all.contains(secret), "{label}: {secret} is in {all}");
            }
            // how urgent it is still counts
            for part in ["severity: critical", "ransomware: true", "exploited_days: 40", "id: TLP:"] {
                assert!(all.contains(part), "{label}: {part} is not in {all}");
            }
        }
        // what the public may read elsewhere as well is named
        let mut both = labelled("RED");
        Arc::make_mut(&mut both.documents).push(plain);
        let told = told(device("1.5"), &both, advisories);
        assert_eq!(["open", "documents"].map(|path| text_of(&told, path)), ["1", "2"]);
        assert!(matches!(&told, Reading::Known(value) if value.to_string().contains("CVE-2099-10003")));
    }

    #[test]
    fn what_is_not_known_of_the_device_or_of_the_feeds_is_missing() {
        let silent = Reading::missing(Cause::Timeout, "no answer");
        assert_eq!(text_of(&told(silent, &shelf(), advisories), ""), "timeout");
        assert_eq!(text_of(&told(device("1.5"), &Shelf::default(), advisories), ""), "no_data");
        assert_eq!(text_of(&told(device("1.6.2"), &shelf(), advisories), "open"), "0");
        assert_eq!(text_of(&told(device("1.5"), &shelf(), firmware), ""), "no_data");
    }

    #[test]
    fn firmware_is_as_old_as_the_table_says_of_this_very_version() {
        let table = br#"{"result":[{"name":"edgelink 40","releases":[{"name":"1.5","releaseDate":"2099-05-30"},
            {"name":"1.6.2","releaseDate":"2099-06-19"}]}]}"#;
        let carried = Shelf { lifecycle: Some(Arc::new(Lifecycle::parse(table, "").unwrap())), ..shelf() };
        let told = told(device("1.5"), &carried, firmware);
        let fields = ["age_days", "newer", "newer_days"].map(|path| text_of(&told, path));
        assert_eq!(fields, ["30", "[1.6.2]", "10"]);
    }
}
