//! Points of the law and the standards: which of them exist.

use std::collections::BTreeSet;

use super::Controls;
use crate::catalog::form::{Spot, suggest};
use crate::model::document::{Document, Node};
use crate::model::{ControlId, Problems};

/// Sections of ISO/IEC 27001:2022 Annex A, and how many controls each has.
const ISO_27001_SECTIONS: [(&str, u32); 4] = [("5", 37), ("6", 8), ("7", 14), ("8", 34)];
/// CIS Controls v8 has so many controls.
const CIS_CONTROLS: u32 = 18;

/// A reference with its framework and place, to be verified when all lists are known.
pub(super) struct Citation {
    pub(super) spot: Spot,
    pub(super) framework: &'static str,
    pub(super) text: String,
}

/// Refuses points that are not in their list.
pub(super) fn verify(document: &Document, citations: &[Citation], controls: &Controls, problems: &mut Problems) {
    let points: BTreeSet<&str> = controls.nis2_points.iter().map(|point| point.reference.as_str()).collect();
    let sections: BTreeSet<&str> = controls.cir_sections.iter().map(|section| section.reference.as_str()).collect();
    let bullets: BTreeSet<&str> = controls.seed_bullets.iter().map(|bullet| bullet.id.as_str()).collect();
    for Citation { spot, framework, text } in citations {
        let (exists, known) = match *framework {
            "nis2" => (points.contains(text.as_str()), Some(&points)),
            "cir-2024-2690" => (is_below(text, &sections), Some(&sections)),
            "seed" => (bullets.contains(text.as_str()), Some(&bullets)),
            "iso27001" => (is_iso_27001(text), None),
            "cis-v8" => (is_cis(text), None),
            other => (is_iec_62443(other, text), None),
        };
        if !exists {
            let problem = spot.wrong_about(document, text, format!("{text:?} is no point of {framework}"));
            problems.push(suggest(problem, text, known.into_iter().flatten().copied()));
        }
    }
}

/// Every control that a point, a section or a planned check names must exist.
pub(super) fn verify_index(documents: &[Document], controls: &Controls, problems: &mut Problems) {
    for document in documents {
        for list in ["nis2_points", "cir_sections", "checks"] {
            for (at, item) in document.root.get(list).map(Node::items).unwrap_or_default() {
                for (nth, id) in item.get("controls").map(Node::items).unwrap_or_default() {
                    let name = id.as_text().unwrap_or_default();
                    if !controls.list.contains_key(name) {
                        let path = [list.into(), (*at).into(), "controls".into(), (*nth).into()];
                        let problem = document.wrong(&path, format!("there is no control {name:?}"));
                        problems.push(suggest(problem, name, controls.list.keys().map(ControlId::as_str)));
                    }
                }
            }
        }
    }
}

/// Every check that a part of a duty names must be planned.
pub(super) fn verify_parts(documents: &[Document], controls: &Controls, problems: &mut Problems) {
    let planned: BTreeSet<&str> = controls.planned.iter().map(|planned| planned.id.as_str()).collect();
    for document in documents {
        for (bullet, duty) in items(&document.root, "seed_bullets") {
            for (part, about) in items(duty, "parts") {
                for (nth, check) in items(about, "checks") {
                    let name = check.as_text().unwrap_or_default();
                    if !planned.contains(name) {
                        let above = ["seed_bullets".into(), (*bullet).into(), "parts".into(), (*part).into()];
                        let path: Vec<_> = above.into_iter().chain(["checks".into(), (*nth).into()]).collect();
                        let problem = document.wrong(&path, format!("no planned check is called {name:?}"));
                        problems.push(suggest(problem, name, planned.iter().copied()));
                    }
                }
            }
        }
    }
}

fn items<'n>(node: &'n Node, key: &str) -> &'n [(usize, Node)] {
    node.get(key).map(Node::items).unwrap_or_default()
}

/// Whether `6.6.2` lies in a known section (`6.6`).
fn is_below(text: &str, sections: &BTreeSet<&str>) -> bool {
    let numbers = text.split('.').all(|part| part.parse::<u8>().is_ok());
    numbers && (sections.contains(text) || text.rsplit_once('.').is_some_and(|(above, _)| is_below(above, sections)))
}

fn is_iso_27001(text: &str) -> bool {
    let Some((section, number)) = text.strip_prefix("A.").and_then(|rest| rest.split_once('.')) else { return false };
    let last = ISO_27001_SECTIONS.iter().find(|(name, _)| *name == section).map_or(0, |(_, last)| *last);
    number.parse::<u32>().is_ok_and(|number| (1..=last).contains(&number))
}

fn is_cis(text: &str) -> bool {
    let Some((control, safeguard)) = text.split_once('.') else { return false };
    control.parse::<u32>().is_ok_and(|control| (1..=CIS_CONTROLS).contains(&control))
        && safeguard.parse::<u32>().is_ok_and(|safeguard| (1..=20).contains(&safeguard))
}

fn is_iec_62443(framework: &str, text: &str) -> bool {
    let Some((prefix, number)) = text.split_once(' ') else { return false };
    let prefixes: &[&str] = match framework {
        "iec62443-3-3" => &["SR"],
        "iec62443-4-2" => &["CR", "SAR", "EDR", "HDR", "NDR", "CCSC"],
        _ => &["ORG", "CM", "NET", "COMP", "DATA", "USER", "EVENT", "AVAIL"],
    };
    let parts: Vec<&str> = number.split('.').collect();
    let wanted = if prefix == "CCSC" { 1 } else { 2 };
    prefixes.contains(&prefix)
        && parts.len() == wanted
        && parts.iter().all(|part| part.parse::<u8>().is_ok_and(|n| n > 0))
}
