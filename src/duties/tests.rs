//! What several tests of duties need.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::model::{Asset, AssetId, Criticality, EntryId, Kind, Problems, Profile, Time, ZoneId};
use crate::store::{ActRecord, Digest};

/// A plain asset; line 3, medium criticality.
pub(super) fn asset(id: &str, kind: Kind, zone: &str) -> Asset {
    Asset {
        id: AssetId::parse(id).unwrap(),
        address: None,
        zone: ZoneId::parse(zone).unwrap(),
        kind,
        site: None,
        vendor: None,
        product: None,
        version: None,
        serial: None,
        owner: None,
        criticality: Criticality::Medium,
        supplier: None,
        support_end: None,
        profile: Profile::It,
        allowed_ports: None,
        declared_ports: std::collections::BTreeSet::new(),
        labels: BTreeMap::from([(Arc::from("line"), Arc::from("3"))]),
        fields: BTreeMap::new(),
        params: BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    }
}

/// Papers of files with these names and texts; there must be no mistake in them.
pub(super) fn papers(files: &[(&str, &str)]) -> Papers {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let list: &mut Vec<PathBuf> = match name.split('.').next().unwrap() {
            "attestations" => &mut config.attestations,
            "waivers" => &mut config.waivers,
            "suppliers" => &mut config.suppliers,
            "incidents" => &mut config.incidents,
            "contacts" => &mut config.contacts,
            "rooms" => &mut config.rooms,
            other => panic!("{other}"),
        };
        list.push(file);
    }
    let mut problems = Problems::new();
    let papers = Papers::load(&config, &mut problems);
    assert_eq!(problems.to_string(), "");
    papers
}

pub(super) fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// The records that these deeds make.
pub(super) fn records(deeds: &[Deed]) -> Vec<ActRecord> {
    let record = |(deed, seq): (&Deed, u64)| ActRecord {
        seq,
        digest: Digest([0; 32]),
        act: deed.act("p-1", "because", at("2026-01-01T00:00:00Z")),
    };
    deeds.iter().zip(1..).map(record).collect()
}

#[test]
fn what_was_done_comes_out_of_the_ledger_as_it_went_in() {
    let id = EntryId::parse("inc-1").unwrap();
    let incident = Incident::new(id.clone(), "Ransomware".into(), at("2026-03-01T06:10:00Z"));
    let deeds = [
        Deed::Open(Box::new(Incident { declared: "ledger record 1".into(), ..incident })),
        Deed::Classify(Classified { incident: id.clone(), significant: Significance::Yes, significant_since: None }),
        Deed::Report(Reported {
            incident: id.clone(),
            stage: Stage::EarlyWarning,
            at: at("2026-03-01T19:00:00Z"),
            requested: false,
            receipt: Some("CSIRT-26-1".into()),
        }),
        Deed::Close(Closed { incident: id, at: at("2026-03-04T00:00:00Z") }),
    ];
    for (record, deed) in records(&deeds).iter().zip(&deeds) {
        assert_eq!(Deed::read(record).unwrap().as_ref(), Some(deed));
    }
    let book = Book::new(Arc::default(), &records(&deeds), Plant::default());
    assert_eq!(book.complaints(), [""; 0]);
    let incident = book.incident("inc-1").unwrap();
    assert_eq!((incident.significant, incident.receipts.len()), (Significance::Yes, 1));
    assert_eq!(incident.early_warning_at, Some(at("2026-03-01T19:00:00Z")));
    assert!(incident.closed_at.is_some());
}

#[test]
fn nobody_can_open_an_incident_anew_to_move_its_clock() {
    let open =
        |aware: &str| Deed::Open(Box::new(Incident::new(EntryId::parse("inc-1").unwrap(), "x".into(), at(aware))));
    let acts = records(&[open("2026-03-01T00:00:00Z"), open("2026-03-09T00:00:00Z")]);
    let book = Book::new(Arc::default(), &acts, Plant::default());
    assert_eq!(book.incidents().len(), 1);
    assert_eq!(book.incident("inc-1").unwrap().aware_at, at("2026-03-01T00:00:00Z"));
    assert_eq!(book.complaints(), ["record 2 of the ledger opens inc-1 again"]);
}

#[test]
fn a_decision_that_takes_overdue_reports_off_an_incident_stays_beside_it_with_its_reason() {
    let id = EntryId::parse("inc-1").unwrap();
    let decide = |significant, since: Option<&str>| {
        Deed::Classify(Classified { incident: id.clone(), significant, significant_since: since.map(at) })
    };
    let open = Deed::Open(Box::new(Incident::new(id.clone(), "x".into(), at("2025-12-28T00:00:00Z"))));
    // each is written on 1 January 2026
    let told = |deeds: &[Deed]| {
        let book = Book::new(Arc::default(), &records(deeds), Plant::default());
        book.incident("inc-1").unwrap().cleared.iter().map(Cleared::words).collect::<Vec<_>>()
    };
    let yes = decide(Significance::Yes, None);
    let later = decide(Significance::Yes, Some("2025-12-30T12:00:00Z"));
    assert!(told(&[open.clone(), yes.clone()]).is_empty());
    assert_eq!(
        told(&[open.clone(), yes.clone(), later]),
        ["overdue until p-1 decided anew on 2026-01-01 00:00 UTC: notification; the reason given: because"]
    );
    assert_eq!(
        told(&[open, yes.clone(), decide(Significance::No, None), yes]),
        [
            "overdue until p-1 decided anew on 2026-01-01 00:00 UTC: early warning, notification; the reason given: because"
        ]
    );
}

#[test]
fn a_register_with_nothing_behind_its_key_does_not_say_that_there_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (text, wanted) in
        [("waivers: []", ""), ("waivers: ~", "nothing is written here"), ("waivers:", "nothing is written here")]
    {
        let file = folder.path().join("waivers.yaml");
        std::fs::write(&file, format!("schema_version: 1\n{text}\n")).unwrap();
        let mut problems = Problems::new();
        crate::duties::waiver::load(&[file], &mut problems);
        assert!(
            problems.to_string().contains(wanted) && problems.is_empty() == wanted.is_empty(),
            "{text}: {problems}"
        );
    }
}

#[test]
fn the_published_samples_of_the_formats_can_be_read() {
    let papers = papers(&[
        ("attestations.yaml", include_str!("samples/attestations.yaml")),
        ("incidents.yaml", include_str!("samples/incidents.yaml")),
        ("suppliers.yaml", include_str!("samples/suppliers.yaml")),
    ]);
    let book = Book::new(Arc::new(papers), &[], Plant::default());
    let now = at("2099-06-28T00:00:00Z");
    let standing: Vec<_> =
        book.all_current(now).into_iter().map(|one| (one.id.to_string(), one.standing(now).word())).collect();
    assert_eq!(
        standing,
        [("att-0007", "valid"), ("att-0009", "rejected"), ("att-0008", "expired"), ("register-nordhall", "valid")]
            .map(|(id, word)| (id.to_owned(), word))
    );
    let open: Vec<_> =
        book.open_deadlines(now).map(|(incident, duty)| format!("{} {}", incident.id, duty.stage.word())).collect();
    assert_eq!(open, ["inc-2099-004 final_report"]);
    assert_eq!(book.open_deadlines(now).next().unwrap().1.due, Some(at("2099-07-08T12:10:00Z")));
    assert_eq!(book.last_significant(), Some(at("2099-06-05T10:10:00Z")));
}

#[test]
fn a_skeleton_asks_for_what_the_law_asks_and_was_sent_to_nobody() {
    let papers = papers(&[
        ("incidents.yaml", include_str!("samples/incidents.yaml")),
        (
            "contacts.yaml",
            "schema_version: 1\ncontacts: [{id: csirt, role: csirt, name: National CSIRT, channel: portal.example, verified_on: 2099-03-01}]\n",
        ),
    ]);
    let book = Book::new(Arc::new(papers), &[], Plant::default());
    let incident = book.incident("inc-2099-004").unwrap();
    let text = skeleton(&book, incident, Stage::FinalReport, ReportShape::Markdown, at("2099-06-20T00:00:00Z"));
    insta::assert_snapshot!(text);
    let json = skeleton(&book, incident, Stage::EarlyWarning, ReportShape::Json, at("2099-06-20T00:00:00Z"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["due"], "2099-06-06T10:10:00Z");
    assert!(json["parts"]["Could have a cross-border impact"].is_string());
}

#[test]
fn the_organisation_and_every_supplier_become_subjects_of_checks() {
    let papers = papers(&[("suppliers.yaml", include_str!("samples/suppliers.yaml"))]);
    let mut inventory = crate::inventory::Inventory::default();
    add_subjects(&papers, None, &mut inventory);
    let ids: Vec<_> = inventory.members.iter().map(|member| (member.asset.id.to_string(), member.asset.kind)).collect();
    let expected = [("org", Kind::Org), ("supplier:nordhall", Kind::Supplier), ("supplier:rivermark", Kind::Supplier)];
    assert_eq!(ids, expected.map(|(id, kind)| (id.to_owned(), kind)));
    // a second look adds nothing
    add_subjects(&papers, None, &mut inventory);
    assert_eq!(inventory.members.len(), 3);
}
