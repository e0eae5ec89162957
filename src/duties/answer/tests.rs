use std::sync::Arc;

use super::*;
use crate::duties::tests::{asset, at, papers};
use crate::duties::{Papers, Plant};
use crate::model::ZoneId;

fn book(papers: Papers, assets: Vec<Asset>) -> Book {
    let role = |id: &str, role| (ZoneId::parse(id).unwrap(), role);
    let plant = Plant {
        assets: assets.into_iter().map(Arc::new).collect(),
        roles: [role("office", crate::model::ZoneRole::It), role("cell-1", crate::model::ZoneRole::Production)].into(),
        ..Plant::default()
    };
    Book::new(Arc::new(papers), &[], plant)
}

fn ask(question: &str, asset: &Asset, book: &Book, now: &str) -> Reading {
    let question: Derived = serde_saphyr::from_str(question).unwrap();
    answer(&question, asset, book, &Lifecycle::builtin(), at(now)).unwrap()
}

fn get(reading: &Reading, path: &str) -> String {
    let value = reading.known().unwrap_or_else(|| panic!("{reading:?}"));
    value.at(path).map_or_else(|| "nothing there".to_owned(), Value::to_string)
}

fn statements(entries: &str) -> Papers {
    papers(&[("attestations.yaml", &format!("schema_version: 1\nattestations:\n{entries}"))])
}

fn signed(id: &str, check: &str, subject: &str, on: &str, result: &str) -> String {
    format!(
        "  - {{id: {id}, check: {check}, subject: '{subject}', statement: x, signed_by: {{person: p, role: r}}, signed_at: '{on}T00:00:00Z', valid_days: 100, result: {result}}}\n"
    )
}

#[test]
fn what_nobody_signed_is_missing_and_says_how_to_sign() {
    let org = asset("org", Kind::Org, "none");
    let reading = ask("{attestation: {check: attest-network-plan}}", &org, &Book::default(), "2026-01-01T00:00:00Z");
    let Reading::Missing(missing) = reading else { panic!("{reading:?}") };
    assert_eq!(missing.cause, Cause::NoData);
    assert!(missing.detail.contains("attest sign --check attest-network-plan --subject org"), "{}", missing.detail);
}

#[test]
fn a_statement_about_the_line_speaks_for_the_controller_and_the_newer_one_counts() {
    let plc = asset("plc-7", Kind::Plc, "cell-1");
    let question = "{attestation: {check: plc-mode-attested}}";
    let line = signed("a", "plc-mode-attested", "line:3", "2026-01-01", "confirmed");
    let own = signed("b", "plc-mode-attested", "plc-7", "2026-02-01", "rejected");
    let now = "2026-03-01T00:00:00Z";
    assert_eq!(get(&ask(question, &plc, &book(statements(&line), vec![]), now), "result"), "confirmed");
    assert_eq!(get(&ask(question, &plc, &book(statements(&(line + &own)), vec![]), now), "result"), "rejected");
}

#[test]
fn a_risk_assessment_is_outdated_by_a_later_incident_or_critical_asset() {
    let mut critical = asset("plc-7", Kind::Plc, "cell-1");
    critical.criticality = Criticality::High;
    critical.fields.insert("installed_on".into(), "2026-02-11".into());
    let papers = papers(&[
        (
            "attestations.yaml",
            &format!(
                "schema_version: 1\nattestations:\n{}",
                signed("a", "attest-risk-assessment", "org", "2026-02-01", "confirmed")
            ),
        ),
        (
            "incidents.yaml",
            "schema_version: 1\nincidents: [{id: i, title: t, aware_at: 2026-01-02T00:00:00Z, significant: yes}]\n",
        ),
    ]);
    let org = asset("org", Kind::Org, "none");
    let reading = ask(
        "{attestation: {check: attest-risk-assessment}}",
        &org,
        &book(papers, vec![critical]),
        "2026-03-01T00:00:00Z",
    );
    assert_eq!(get(&reading, "incident_after_days"), "-30");
    assert_eq!(get(&reading, "installed_after_days"), "10");
}

#[test]
fn every_room_is_asked_for_also_one_that_nobody_walked() {
    let mut server = asset("srv-1", Kind::LinuxHost, "office");
    server.fields.insert("room".into(), "hall2".into());
    let walked = signed("a", "attest-physical-access", "room:cellar", "2026-02-01", "confirmed");
    let papers = papers(&[
        ("attestations.yaml", &format!("schema_version: 1\nattestations:\n{walked}")),
        ("rooms.yaml", "schema_version: 1\nrooms: [{id: cellar, class: restricted}]\n"),
    ]);
    let org = asset("org", Kind::Org, "none");
    let question = "{attestation: {check: attest-physical-access, of: rooms}}";
    let reading = ask(question, &org, &book(papers, vec![server]), "2026-03-01T00:00:00Z");
    let rows = reading.known().unwrap().at("rows").unwrap().as_list().unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| format!("{} {}", row.get("subject").unwrap(), row.get("state").unwrap()))
            .collect::<Vec<_>>(),
        ["room:cellar valid", "room:hall2 nothing"]
    );
}

#[test]
fn production_and_administration_share_a_room_unless_it_is_approved_and_their_cabinets_differ() {
    let server = |id: &str, zone: &str, cabinet: &str| {
        let mut server = asset(id, Kind::LinuxHost, zone);
        server.fields.insert("room".into(), "hall2".into());
        server.fields.insert("cabinet".into(), cabinet.into());
        server
    };
    let org = asset("org", Kind::Org, "none");
    for (approved, cabinets, shared) in
        [(false, ["a", "b"], "true"), (true, ["a", "a"], "true"), (true, ["a", "b"], "false")]
    {
        let papers = papers(&[(
            "rooms.yaml",
            &format!("schema_version: 1\nrooms: [{{id: hall2, class: controlled, shared_approved: {approved}}}]\n"),
        )]);
        let assets = vec![server("mes", "cell-1", cabinets[0]), server("mail", "office", cabinets[1])];
        let reading = ask("{duty: rooms}", &org, &book(papers, assets), "2026-03-01T00:00:00Z");
        let rows = reading.known().unwrap().at("rows").unwrap().as_list().unwrap();
        assert_eq!(rows[0].get("shared").unwrap().to_string(), shared, "{approved} {cabinets:?}");
    }
    let lost = book(Papers::default(), vec![server("mes", "cell-1", "a"), asset("mail", Kind::LinuxHost, "office")]);
    let reading = ask("{duty: rooms}", &org, &lost, "2026-03-01T00:00:00Z");
    assert!(reading.known().unwrap().to_string().contains("unknown, where mail stands"));
}

#[test]
fn support_ends_by_the_inventory_then_the_register_then_the_table() {
    let register = "schema_version: 1\nsuppliers: [{id: nordhall, products: [{name: N7-300, support_end: 2027-06-30, source: contract}]}]\n";
    let mut plc = asset("plc-7", Kind::Plc, "cell-1");
    let now = "2026-06-30T12:00:00Z";
    let source = |plc: &Asset| {
        let book = book(papers(&[("suppliers.yaml", register)]), vec![]);
        let reading = ask("{duty: support}", plc, &book, now);
        format!("{} {}", get(&reading, "dated"), get(&reading, "source"))
    };
    assert_eq!(source(&plc), "false nothing there");
    (plc.product, plc.version) = (Some("debian".into()), Some("12".into()));
    assert_eq!(source(&plc), "true lifecycle table");
    (plc.supplier, plc.product) = (Some("nordhall".into()), Some("n7-300".into()));
    assert_eq!(source(&plc), "true supplier register: contract");
    plc.support_end = Some("2026-06-30".parse().unwrap());
    assert_eq!(source(&plc), "true inventory");
    let reading = ask("{duty: support}", &plc, &Book::default(), now);
    // the last day of support is a whole day
    assert_eq!(get(&reading, "days_left"), "0");
}

#[test]
fn the_organisation_sees_assets_without_a_supplier_and_with_an_unknown_one() {
    let with = |id: &str, supplier: Option<&str>| {
        let mut one = asset(id, Kind::Plc, "cell-1");
        one.supplier = supplier.map(Into::into);
        one
    };
    let assets = vec![with("a", Some("nordhall")), with("b", Some("gone")), with("c", None)];
    let book = book(papers(&[("suppliers.yaml", "schema_version: 1\nsuppliers: [{id: nordhall}]\n")]), assets);
    let reading = ask("{duty: suppliers}", &asset("org", Kind::Org, "none"), &book, "2026-01-01T00:00:00Z");
    assert_eq!((get(&reading, "unnamed"), get(&reading, "unknown")), ("[c]".into(), "[b]".into()));
    let reading =
        ask("{duty: suppliers}", &asset("supplier:nordhall", Kind::Supplier, "none"), &book, "2026-01-01T00:00:00Z");
    assert!(get(&reading, "missing").contains("security_contact"));
}

#[test]
fn an_unkept_register_is_no_empty_one() {
    let org = asset("org", Kind::Org, "none");
    for (question, file) in [("{duty: incidents}", "incidents"), ("{duty: waivers}", "waivers")] {
        let now = "2026-01-01T00:00:00Z";
        assert!(matches!(ask(question, &org, &Book::default(), now), Reading::Missing(_)), "{question}");
        let empty = papers(&[(&format!("{file}.yaml"), &format!("schema_version: 1\n{file}: []\n"))]);
        assert_eq!(get(&ask(question, &org, &book(empty, vec![]), now), "kept"), "true");
    }
}
