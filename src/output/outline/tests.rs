//! The plan as an OT engineer reads it before anything is sent.

use std::sync::{Arc, LazyLock};

use super::*;
use crate::engine::{Schedules, testing};
use crate::inventory::{Inventory, Member};
use crate::model::{Asset, Calendar, Kind, Value};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());

struct Daily;

impl Schedules for Daily {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(DAY)))
    }
}

fn controller(change: impl FnOnce(&mut Asset)) -> Member {
    let member = testing::member("plc-1", "cell-1", Kind::Plc, &[502]);
    let mut asset = Asset::clone(&member.asset);
    asset.fields.insert("services".into(), Value::list([Value::text("modbus")]));
    change(&mut asset);
    Member { asset: Arc::new(asset), ..member }
}

fn text(member: Member) -> String {
    let inventory = Inventory { members: vec![Arc::new(member)], per_zone: 8, ..Inventory::default() };
    let plan = Plan::new(&CATALOG, &inventory, &Daily);
    Outline::new(plan.asset(0), None, "2026-11-26T08:00:00Z".parse().unwrap()).text()
}

/// The lines about one question, from its first.
fn about<'t>(text: &'t str, title: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|line| !line.contains(title));
    let more = |line: &&str| line.starts_with("                  ");
    lines.clone().take(1).chain(lines.skip(1).take_while(more)).collect()
}

#[test]
fn a_read_that_is_held_back_says_so_and_why() {
    let text = text(controller(|_| {}));
    let read = about(&text, "Modbus").join("\n");
    assert!(read.trim_start().starts_with("held back") && read.contains("not asked (gated)"), "{read}");
    assert!(read.contains("allow_protocol_reads: true") && read.contains("for modbus-identity"), "{read}");
    assert!(!read.contains("next "), "{read}");
}

#[test]
fn a_read_that_waits_for_a_window_names_it() {
    let mut member = controller(|asset| asset.allow_protocol_reads = true);
    let opens = Calendar::parse("0 6 * * 6", "Europe/Copenhagen".parse().unwrap()).unwrap();
    let effects = vec![WindowEffect::Intrusive];
    member.windows = vec![crate::model::Window { name: "saturday".into(), opens, lasts: DAY, effects }];
    let text = text(member);
    let read = about(&text, "Modbus").join("\n");
    assert!(
        read.contains("every 1d") && read.contains("only in a window with the effect intrusive: saturday"),
        "{read}"
    );
}

#[test]
fn no_line_of_a_plan_is_left_open() {
    for kind in Kind::ALL {
        let mut member = testing::member("a-1", "office", *kind, &[22]);
        member.access.local = true;
        for line in text(member).lines() {
            assert!(!line.contains("every 0s") && !line.trim_end().ends_with("for"), "{kind}: {line}");
        }
    }
}

#[test]
fn ports_that_two_questions_name_are_told_and_counted_once() {
    let text = text(controller(|_| {}));
    let shared = text.lines().find(|line| line.contains("share their connects")).unwrap();
    let count = |text: &str| text.split_whitespace().find_map(|word| word.parse::<u64>().ok()).unwrap();
    let connects = count(shared.split("connects: ").nth(1).unwrap());
    let ports: Vec<_> = shared.rsplit(": ").next().unwrap().split(' ').collect();
    assert_eq!(connects, ports.len() as u64);
    assert_eq!(ports.iter().filter(|port| **port == "502").count(), 1, "{shared}");
    let day = text.lines().find(|line| line.contains("in a day at most")).unwrap();
    assert!(count(day.split(", ").nth(1).unwrap()) < 76, "{day}");
}

#[test]
fn what_is_switched_off_is_sent_nothing_and_at_no_time() {
    let mut member = controller(|_| {});
    member.inactive = Some("asset plc-1".into());
    let text = text(member);
    assert!(text.contains("nothing is sent: asset plc-1 is switched off (active: false)"), "{text}");
    assert!(text.contains("in a day at most 0 questions, 0 connections") && !text.contains(", next "), "{text}");
}
