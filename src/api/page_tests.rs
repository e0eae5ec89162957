//! The pages as they leave the server.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use chrono::Utc;

use super::WebConfig;
use super::tests::{Daemon, Setup};
use super::v1::tests::{Hourly, plant};
use crate::catalog::Catalog;
use crate::engine::{Plan, testing};
use crate::inventory::Inventory;
use crate::model::{Kind, Verdict};
use crate::store::Latest;

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
        "/feeds?exploited=true&severity=critical".to_owned(),
        "/calendar".to_owned(),
        "/incidents".to_owned(),
        "/ledger".to_owned(),
    ] {
        let (status, page) = setup.send("GET", &path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(page.contains("&lt;aarhus&gt;") && !page.contains("<aarhus>"), "{path}: a name was taken for markup");
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
async fn no_zone_is_said_to_be_closed_off_that_nobody_looked_from() {
    let setup = plant(&WebConfig::default()).await;
    let (_, page) = setup.send("GET", "/segmentation", &[]).await;
    assert!(page.contains("not seen"), "{page}");
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
