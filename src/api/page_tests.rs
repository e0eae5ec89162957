//! The pages as they leave the server.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};

use super::tests::{Daemon, Setup};
use super::v1::tests::{Hourly, judge, plant};
use super::{WebConfig, v1};
use crate::catalog::Catalog;
use crate::duties::{Book, Incident, Papers, Plant, Significance};
use crate::engine::{Plan, testing};
use crate::feeds::Shelf;
use crate::inventory::Inventory;
use crate::model::{
    Advice, AssetId, Cause, Certificate, CheckId, CheckResult, EntryId, Evidence, Judgement, Kind, Listed, Value,
    Verdict, ZoneId,
};
use crate::store::{Act, ActRecord, Digest, Latest, Seen, Sighting, Store as _};

#[tokio::test]
async fn every_page_is_there_names_what_is_missing_and_loads_nothing_from_elsewhere() {
    let setup = plant(&WebConfig::default()).await;
    let planned = setup.daemon.plan.assets.iter().find(|planned| planned.checks.len() > 3).unwrap();
    let (asset, check) = (&planned.member.asset.id, &planned.checks[0].check.id);
    for path in [
        "/".to_owned(),
        "/assets?q=a&state=fail".to_owned(),
        format!("/assets/{asset}"),
        format!("/assets/{asset}/{check}"),
        "/checks".to_owned(),
        format!("/checks/{check}"),
        "/results?state=fail,unknown&sort=-severity&limit=3".to_owned(),
        "/controls".to_owned(),
        "/baselines?state=proposed,differs".to_owned(),
        "/segmentation".to_owned(),
        "/waivers?state=running".to_owned(),
        "/attestations".to_owned(),
        "/feeds?exploited=true&severity=critical".to_owned(),
        "/calendar?what=certificate,feed".to_owned(),
        "/incidents".to_owned(),
        "/ledger".to_owned(),
    ] {
        let (status, page) = setup.send("GET", &path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(page.contains("&lt;aarhus&gt;") && !page.contains("<aarhus>"), "{path}: a name was taken for markup");
        assert_eq!(page.matches("data-live=\"asof\"").count(), 1, "{path} does not say when it is of");
        assert_eq!(page.matches("<table").count(), page.matches("<table ").count(), "{path}");
        let tables = page.split("<table ").skip(1).map(|rest| rest.split('>').next().unwrap());
        tables.for_each(|table| assert!(table.contains("aria-label="), "{path}: {table} has no name"));
        assert!(!page.contains("src=\"http") && !page.contains("href=\"http") && !page.contains("style=\""), "{path}");
    }
    for path in ["/assets/nobody", "/checks/nothing", &format!("/assets/{asset}/nothing")] {
        let (status, page) = setup.send("GET", path, &[]).await;
        assert!(
            status == StatusCode::NOT_FOUND && page.contains("there is no") | page.contains("no check"),
            "{path}: {page}"
        );
    }
    assert_eq!(setup.send("GET", "/assets?colour=red", &[]).await.0, StatusCode::BAD_REQUEST);
    let (status, page) = setup.send("GET", "/no/such/page", &[("accept", "text/html,*/*")]).await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("href=\"/assets\""), "no way out: {page}");
}

#[tokio::test]
async fn the_asset_page_shows_a_fail_with_its_reason_and_its_fix_first() {
    let setup = plant(&WebConfig::default()).await;
    let planned = setup.daemon.plan.assets.iter().find(|planned| planned.checks.len() > 3).unwrap();
    let (_, page) = setup.send("GET", &format!("/assets/{}", planned.member.asset.id), &[]).await;
    let rows = page
        .split_once("<tbody>")
        .and_then(|(_, rest)| rest.rsplit_once("<h2>Checks</h2>"))
        .map_or(&*page, |(_, rows)| rows);
    let first = rows.find("state fail").expect("a fail");
    assert!(rows.find("state pass").is_none_or(|pass| first < pass));
    assert!(page.contains("as it was found") && page.contains(planned.checks[0].check.fix.split('&').next().unwrap()));
}

#[tokio::test]
async fn an_unknown_is_told_in_words_with_what_to_do_on_every_page_that_shows_it() {
    let setup = plant(&WebConfig::default()).await;
    let judgement = Judgement::unknown(Cause::Privilege, "the monitor may not read it");
    let asset = judge(&setup, "ssh-root-login", judgement, Evidence::default()).await;
    for path in ["/".to_owned(), format!("/assets/{asset}"), format!("/assets/{asset}/ssh-root-login")] {
        let (_, page) = setup.send("GET", &path, &[]).await;
        let told = format!("{} <code>privilege</code>", Cause::Privilege.meaning());
        assert!(page.contains(&told), "{path}: {page}");
        let advice = [Advice::Permit, Advice::Elevate, Advice::SudoLines, Advice::CollectorLine].map(Advice::sentence);
        assert!(advice.iter().any(|sentence| page.contains(&sentence.replace('"', "&quot;"))), "{path}: {page}");
    }
    let (_, page) = setup.send("GET", "/results?state=unknown&cause=privilege", &[]).await;
    assert!(page.contains("Unknown because: "), "{page}");
}

#[tokio::test]
async fn what_several_assertions_saw_stands_beside_their_names() {
    let setup = plant(&WebConfig::default()).await;
    let place = |way: &str, rule: &str, wanted: &str| {
        Value::map([("way", way), ("rule", rule), ("wanted", wanted)].map(|(name, text)| (name, Value::text(text))))
    };
    let judgement = Judgement {
        verdict: Verdict::Fail,
        observed: Value::list([Value::text("any<thing>"), Value::Bool(false)]),
        expected: Value::list([place("1", "linux.sshd.usepam", "yes"), place("2", "params.mfa_gated_ca", "true")]),
        ..Judgement::unknown(Cause::NoData, "one factor is enough")
    };
    let asset = judge(&setup, "ssh-root-login", judgement, Evidence::default()).await;
    let (_, page) = setup.send("GET", &format!("/assets/{asset}/ssh-root-login"), &[]).await;
    let rows = page.split("What decided").nth(1).expect("the places").split("</table>").next().unwrap();
    let row =
        |rule: &str| rows.split("<tr>").find(|row| row.contains(rule)).unwrap_or_else(|| panic!("{rule}: {rows}"));
    assert!(row("linux.sshd.usepam").contains("any&lt;thing&gt;") && row("linux.sshd.usepam").contains(">yes<"));
    assert!(row("params.mfa_gated_ca").contains("false") && row("params.mfa_gated_ca").contains(">2<"), "{rows}");
    // what an older version wrote has no names, and is shown as it is
    let old = Judgement {
        verdict: Verdict::Fail,
        observed: Value::list([Value::text("any"), Value::Bool(false)]),
        expected: Value::list([Value::text("yes"), Value::Bool(true)]),
        ..Judgement::unknown(Cause::NoData, "one factor is enough")
    };
    judge(&setup, "ssh-root-login", old, Evidence::default()).await;
    let (_, page) = setup.send("GET", &format!("/assets/{asset}/ssh-root-login"), &[]).await;
    assert!(page.contains("Compared with") && !page.contains("What decided"), "{page}");
}

#[tokio::test]
async fn the_page_of_incidents_has_a_form_for_every_act_and_its_clocks_run() {
    let incident = Incident {
        significant: Significance::Yes,
        ..Incident::new(EntryId::parse("inc-1").unwrap(), "<a visitor>".into(), Utc::now())
    };
    let papers = Papers { incidents: vec![incident], ..Papers::default() };
    let book = Book::new(Arc::new(papers), &[], Plant::default());
    let setup = Setup::new(Daemon { book: Arc::new(book), ..Daemon::default() }, "127.0.0.1", &WebConfig::default());
    let (_, page) = setup.send("GET", "/incidents", &[]).await;
    for act in ["/incidents", "/incidents/inc-1/classify", "/incidents/inc-1/reports", "/incidents/inc-1/close"] {
        let described = act.replace("inc-1", "{incident}");
        assert!(page.contains(&format!("data-act=\"/api/v1{act}\"")), "{act}: {page}");
        assert!(v1::OPENAPI.contains(&format!("\"{described}\"")), "{act}");
    }
    assert_eq!(page.matches("name=\"reason\" required").count(), 4, "{page}");
    assert!(page.contains("data-until=") && page.contains("&lt;a visitor&gt;"), "{page}");
}

#[tokio::test]
async fn waivers_and_statements_say_what_they_are_about_and_can_be_ended_and_renewed() {
    let base = plant(&WebConfig::default()).await;
    let attested = base.daemon.catalog.checks.values().find(|check| base.daemon.catalog.is_attested(check)).unwrap();
    let read = |kind, text: &str| {
        let at = Utc::now();
        let body = text.replace("AT", &at.to_rfc3339()).replace("END", &(at + TimeDelta::days(9)).to_rfc3339());
        let act = Act { kind, subject: "x".into(), actor: "ada".into(), reason: "r".into(), body, at };
        ActRecord { seq: 1, act, digest: Digest([0; 32]) }
    };
    let waiver = r#"{"id":"w-1","match":{"check":"kev-exposure","asset":"<b>*","labels":{"line":"3"},"cve":"CVE-2099-10001"},
        "reason":"<i>spare part</i>","approved_by":{"person":"p-014","role":"ciso"},"starts_at":"AT","expires_at":"END"}"#;
    let statement = format!(
        r#"{{"id":"att-1","check":"{}","subject":"org","statement":"<i>reviewed</i>","signed_by":{{"person":"p-014","role":"ciso"}},
        "signed_at":"AT","valid_days":9,"result":"confirmed","evidence":[{{"name":"plan.pdf","sha256":"00"}}]}}"#,
        attested.id
    );
    let acts = [read("waiver.add".into(), waiver), read("attest.sign".into(), &statement)];
    let book = Book::default().with_acts(&acts);
    assert!(book.complaints().is_empty(), "{:?}", book.complaints());
    let (plan, catalog) = (Arc::clone(&base.daemon.plan), Arc::clone(&base.daemon.catalog));
    let daemon = Daemon { plan, catalog, book: Arc::new(book), ..Daemon::default() };
    let setup = Setup::new(daemon, "127.0.0.1", &WebConfig::default());

    let (_, page) = setup.send("GET", "/waivers?state=running&check=kev-exposure", &[]).await;
    for part in
        ["&lt;b&gt;*", "line=3", "only CVE-2099-10001", "p-014, ciso", "&lt;i&gt;spare part", "value=\"kev-exposure\""]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    for act in ["/waivers\"", "/waivers/w-1/revoke\""] {
        assert!(page.contains(&format!("data-act=\"/api/v1{act}")), "{act}: {page}");
    }
    assert_eq!(page.matches("name=\"reason\" required").count(), 2, "{page}");
    let (_, page) = setup.send("GET", "/waivers?state=expired", &[]).await;
    assert!(page.contains("0 waivers") && !page.contains("spare part"), "{page}");

    let (_, page) = setup.send("GET", "/attestations", &[]).await;
    for part in ["&lt;i&gt;reviewed", "plan.pdf", "/api/v1/attestations/att-1/renew\"", "Nobody has signed"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // what rests on evidence is not renewed without
    let renewing = page.split("Sign anew").next().unwrap().rsplit("Renew").next().unwrap();
    assert!(renewing.contains("type=\"file\" multiple name=\"evidence\" required"), "{renewing}");
    for waits in base.daemon.catalog.checks.values().filter(|check| base.daemon.catalog.is_attested(check)) {
        assert!(page.contains(&format!("/checks/{}\"", waits.id)), "{}", waits.id);
    }
}

#[tokio::test]
async fn no_zone_is_said_to_be_closed_off_that_nobody_looked_from() {
    let setup = plant(&WebConfig::default()).await;
    let (_, page) = setup.send("GET", "/segmentation", &[]).await;
    assert!(page.contains("not seen"), "{page}");
}

/// Judges every look of a place alike.
async fn look(setup: &Setup, from: &str, verdict: Verdict, observed: &str) {
    let planned = setup.daemon.plan.asset(setup.daemon.plan.find(from).unwrap());
    let looks = planned.checks.iter().filter(|one| *one.check.pack == *"segmentation");
    let results = looks.map(|one| CheckResult {
        asset: planned.member.asset.id.clone(),
        zone: planned.member.asset.zone.clone(),
        check: one.check.id.clone(),
        check_version: one.check.version,
        severity: one.check.severity,
        controls: one.check.controls.clone(),
        judgement: Judgement {
            verdict,
            observed: Value::list([Value::text(observed)]),
            ..Judgement::unknown(Cause::Timeout, "as it was looked")
        },
        evidence: Evidence::default(),
        at: Utc::now(),
        duration_ms: 3,
    });
    setup.store.record(results.collect()).await.unwrap();
    let latest = setup.store.latest().await.unwrap();
    setup.board.replace(&setup.daemon.plan, &latest, &[]);
}

/// The cells of the row that looks from a zone, as class and words.
fn cells<'p>(page: &'p str, from: &str) -> Vec<(&'p str, &'p str)> {
    let row = page.split(&format!("<th scope=\"row\">{from}<br>")).nth(1).unwrap_or_else(|| panic!("{page}"));
    let row = row.split("</tr>").next().unwrap();
    let cell = |cell: &'p str| {
        let (class, rest) = cell.split_once('"').unwrap();
        (class, rest.rsplit("<small>").next().unwrap().split("</small>").next().unwrap())
    };
    row.split("<td class=\"").skip(1).map(cell).collect()
}

#[tokio::test]
async fn a_cell_of_the_matrix_is_closed_open_or_not_seen_as_the_looks_from_its_zone_found() {
    let setup = plant(&WebConfig::default()).await;
    let (closed, unseen, open) = ("closed where it was tried", "not seen", "open beyond that");
    // the zones are cell1, cell9, dmz, office; a zone is not looked at from itself
    look(&setup, "vantage-ws1", Verdict::Pass, "").await;
    look(&setup, "daemon", Verdict::Unknown(Cause::Timeout), "").await;
    let (_, page) = setup.send("GET", "/segmentation", &[]).await;
    assert_eq!(cells(&page, "office")[..3], [("pass", closed); 3], "{page}");
    assert_eq!(cells(&page, "dmz")[..2], [("unknown", unseen); 2]);
    assert_eq!(cells(&page, "cell1")[1..], [("unknown", unseen); 3], "nobody looks from there");
    let offender = "office to cell1: plc1 port 80, from vantage-ws1";
    look(&setup, "vantage-ws1", Verdict::Fail, offender).await;
    let (_, page) = setup.send("GET", "/segmentation", &[]).await;
    assert_eq!(cells(&page, "office")[0], ("fail", open), "{page}");
    assert_eq!(cells(&page, "office")[1..3], [("unknown", unseen); 2], "a failing look clears nothing beside it");
    look(&setup, "vantage-ws1", Verdict::Unknown(Cause::Stale), "").await;
    let (_, page) = setup.send("GET", "/segmentation", &[]).await;
    assert_eq!(cells(&page, "office")[0], ("unknown", unseen), "an old look proves nothing");
}

#[tokio::test]
async fn the_calendar_shows_certificates_and_feeds_with_what_is_left() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/feeds/samples");
    let carried = Arc::new(Shelf::load(&folder, &[].into()).unwrap());
    let catalog = Arc::new(Catalog::load(true, &[]).unwrap());
    let plan = Arc::new(Plan::new(&catalog, &testing::inventory(), &Hourly));
    let daemon = Daemon { plan, catalog, carried, ..Daemon::default() };
    let setup = Setup::new(daemon, "127.0.0.1", &WebConfig::default());
    let end = |days: i64, subject: &str| Certificate {
        subject: subject.into(),
        port: Some(443),
        ends: Utc::now() + chrono::TimeDelta::days(days),
    };
    let rows = vec![end(-2, "CN=<old>"), end(10, "CN=soon")];
    let evidence = Evidence { listed: Some(Listed::Certificates { total: 2, rows }), ..Evidence::default() };
    let judgement = Judgement { verdict: Verdict::Fail, ..Judgement::unknown(Cause::NoData, "ended") };
    let asset = judge(&setup, "tls-cert-expiry", judgement, evidence).await;
    let (_, page) = setup.send("GET", "/calendar", &[]).await;
    let (old, soon) = (page.find("CN=&lt;old&gt;"), page.find(&format!("{asset}:443 CN=soon")));
    assert!(old.is_some() && old < soon && page.contains("ended 2d"), "{page}");
    assert!(page.contains("known exploited vulnerabilities"), "{page}");
    let (_, page) = setup.send("GET", "/calendar?what=certificate", &[]).await;
    assert!(page.contains("CN=soon") && !page.contains("known exploited vulnerabilities"), "{page}");
}

#[tokio::test]
async fn the_baselines_page_shows_twenty_five_and_leads_to_the_next() {
    let setup = plant(&WebConfig::default()).await;
    let seen = (0..30).map(|at| {
        let asset = AssetId::parse(&format!("plc-{at:02}")).unwrap();
        Seen {
            sightings: vec![Sighting {
                asset,
                check: CheckId::parse("asset-open-ports").unwrap(),
                zone: ZoneId::parse("cell1").unwrap(),
                value: "{}".into(),
                sha256: "00".into(),
                standing: "proposed",
                against: None,
                at: Utc::now(),
            }],
            ..Seen::default()
        }
    });
    setup.store.record_all(seen.collect()).await.unwrap();
    let (_, page) = setup.send("GET", "/baselines", &[]).await;
    assert_eq!(page.matches("href=\"/assets/plc-").count(), 50, "asset and check of each of 25");
    assert!(page.contains("1 to 25 of 30") && page.contains("href=\"/baselines?offset=25\""), "{page}");
    let (_, page) = setup.send("GET", "/baselines?offset=25", &[]).await;
    assert!(page.contains("26 to 30 of 30") && page.contains("plc-29"), "{page}");
}

#[tokio::test]
async fn the_overview_of_ten_thousand_assets_does_not_read_the_store_through() {
    let catalog = Arc::new(Catalog::load(true, &[]).unwrap());
    let members =
        (0..10_000).map(|n| Arc::new(testing::member(&format!("host-{n}"), "office", Kind::LinuxHost, &[22])));
    let inventory = Inventory { members: members.collect(), ..testing::inventory() };
    let plan = Arc::new(Plan::new(&catalog, &inventory, &Hourly));
    let now = Utc::now();
    let latest = |verdict| {
        let pairs = plan.pairs().into_iter();
        pairs.map(move |(asset, check)| Latest { asset, check, verdict, since: now, at: now }).collect::<Vec<_>>()
    };
    let setup = Setup::new(
        Daemon { plan: Arc::clone(&plan), catalog, ..Daemon::default() },
        "127.0.0.1",
        &WebConfig::default(),
    );
    setup.board.replace(&plan, &latest(Verdict::Fail), &[]);
    let pairs = plan.pairs().len();
    let begun = Instant::now();
    let (status, page) = setup.send("GET", "/", &[]).await;
    let took = begun.elapsed();
    assert!(status == StatusCode::OK && page.contains(&format!("{pairs} fail")), "{page}");
    eprintln!("{pairs} pairs: the overview took {took:?}");
    // an optimised build needs a tenth of this
    assert!(took.as_secs_f64() < 3.0, "{took:?}");
    let again = Instant::now();
    assert_eq!(setup.send("GET", "/", &[]).await.0, StatusCode::OK);
    assert!(again.elapsed() < took, "a second look was not shared");
}
