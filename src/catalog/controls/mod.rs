//! Controls: what the law and the standards ask, as a closed list that checks refer to.
//!
//! A reference that is not in its list cannot load, so that no report ever cites a point of the law that
//! does not exist.

mod points;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use points::{Citation, verify, verify_index, verify_parts};

use super::form::{Form, Spot};
use crate::model::document::Document;
use crate::model::{CheckId, ControlId, Problems};

/// The closed list of controls, and the texts that they refer to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Controls {
    /// Which text each framework name stands for.
    pub sources: BTreeMap<String, String>,
    /// The list of a plant's duties as the project's brief gives them.
    pub seed_bullets: Vec<SeedBullet>,
    /// Articles of Directive (EU) 2022/2555.
    pub nis2_points: Vec<Point>,
    /// Sections of the annex to Implementing Regulation (EU) 2024/2690; a yardstick for manufacturers, not law.
    pub cir_sections: Vec<Section>,
    /// The controls.
    pub list: BTreeMap<ControlId, Control>,
    /// Every check that the project intends, done or not.
    pub planned: Vec<PlannedCheck>,
}

/// One duty of the brief.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedBullet {
    /// `S01` … `S15`.
    pub id: String,
    /// Short name.
    pub key: String,
    /// Heading it stands under.
    pub group: String,
    /// What it asks.
    pub text: String,
    /// What that comes down to; each part needs evidence of its own.
    #[serde(default)]
    pub parts: Vec<SeedPart>,
}

/// One part of a duty of the brief.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPart {
    /// What it is about.
    pub text: String,
    /// Checks of the plan that give evidence for it.
    pub checks: Vec<CheckId>,
}

/// One article or paragraph of the directive.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Such as `Art. 21(2)(b)`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Summary in our words.
    pub text: String,
    /// Controls that touch it.
    pub controls: Vec<ControlId>,
}

/// One section of the annex.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Such as `6.6`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Summary in our words.
    pub title: String,
    /// Letters of Art. 21(2).
    pub point: String,
    /// Controls that touch it.
    pub controls: Vec<ControlId>,
}

/// One control.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Such as `IAM-02`.
    pub id: ControlId,
    /// Its name.
    pub title: String,
    /// What holds when it is met.
    pub objective: String,
    /// Where the law and the standards speak of the same subject.
    pub refs: References,
    /// What to mind when citing it.
    #[serde(default)]
    pub note: Option<String>,
    /// Duties of the brief it serves.
    pub seed: Vec<String>,
    /// Checks that give evidence.
    pub evidence: ControlEvidence,
}

/// Points of the law and the standards on the same subject; "touches", not "is equivalent to".
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct References {
    /// Articles of the directive.
    pub nis2: Vec<String>,
    /// Points of the annex to the implementing regulation.
    pub cir: Vec<String>,
    /// System requirements.
    pub iec62443_3_3: Vec<String>,
    /// Security program elements.
    pub iec62443_2_1: Vec<String>,
    /// Component requirements.
    pub iec62443_4_2: Vec<String>,
    /// Annex A.
    pub iso27001: Vec<String>,
    /// Safeguards.
    pub cis_v8: Vec<String>,
}

impl References {
    /// Framework name (a closed set, used as a label) and its points.
    #[must_use]
    pub fn by_framework(&self) -> [(&'static str, &[String]); 7] {
        [
            ("nis2", &self.nis2),
            ("cir-2024-2690", &self.cir),
            ("iec62443-3-3", &self.iec62443_3_3),
            ("iec62443-2-1", &self.iec62443_2_1),
            ("iec62443-4-2", &self.iec62443_4_2),
            ("iso27001", &self.iso27001),
            ("cis-v8", &self.cis_v8),
        ]
    }
}

/// Checks that a control counts on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlEvidence {
    /// Run by machine.
    pub automated: Vec<CheckId>,
    /// Signed by a person.
    pub attested: Vec<Attested>,
}

/// A signed statement a control counts on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// The check that reads it.
    pub check: CheckId,
    /// Days a signature stays valid.
    pub valid_days: u32,
}

/// A check of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PlannedCheck {
    /// Its id.
    pub id: CheckId,
    /// Pack it belongs to.
    pub pack: String,
    /// Release of the plan it belongs to.
    pub release: u32,
    /// Ways of asking; `attestation` for a signed statement.
    pub transport: Vec<String>,
    /// Controls it gives evidence for.
    pub controls: Vec<ControlId>,
}

/// Reads control files and verifies every reference in them.
pub(super) fn read(documents: &[Document], problems: &mut Problems) -> Controls {
    let mut controls = Controls::default();
    for document in documents {
        let citations = read_file(document, &mut controls, problems);
        verify(document, &citations, &controls, problems);
    }
    verify_index(documents, &controls, problems);
    verify_parts(documents, &controls, problems);
    controls
}

fn read_file(document: &Document, into: &mut Controls, problems: &mut Problems) -> Vec<Citation> {
    let mut form = Form::new(document, problems);
    if let Some(version) = form.take::<u32>("schema_version").filter(|version| *version != 1) {
        form.refuse("schema_version", format!("version {version} is not known; this program reads 1"));
    }
    for described in ["catalogue", "reporting_deadlines"] {
        let _ = form.node(described);
    }
    into.sources.extend(form.take::<BTreeMap<String, String>>("sources").unwrap_or_default());
    into.seed_bullets.extend(values(form.list("seed_bullets")));
    into.nis2_points.extend(values(form.list("nis2_points")));
    into.cir_sections.extend(values(form.list("cir_sections")));
    into.planned.extend(values(form.list("checks")));
    let mut citations = Vec::new();
    for (spot, control) in form.list::<Control>("controls") {
        for (framework, points) in control.refs.by_framework() {
            citations.extend(points.iter().map(|text| Citation { spot: spot.clone(), framework, text: text.clone() }));
        }
        let seed =
            control.seed.iter().map(|text| Citation { spot: spot.clone(), framework: "seed", text: text.clone() });
        citations.extend(seed);
        if let Some(twice) = into.list.insert(control.id.clone(), control) {
            form.push(spot.wrong(document, format!("control {} is defined twice", twice.id)));
        }
    }
    form.finish();
    citations
}

fn values<T>(read: Vec<(Spot, T)>) -> impl Iterator<Item = T> {
    read.into_iter().map(|(_, value)| value)
}

impl Controls {
    /// The ten letters of Art. 21(2) that exist in the list, with their text.
    pub fn letters(&self) -> impl Iterator<Item = (char, &Point)> {
        self.nis2_points.iter().filter_map(|point| {
            let letter = point.reference.strip_prefix("Art. 21(2)(")?.strip_suffix(')')?;
            letter.chars().next().filter(|_| letter.len() == 1).map(|letter| (letter, point))
        })
    }

    /// A control by its id.
    #[must_use]
    pub fn get(&self, id: &ControlId) -> Option<&Control> {
        self.list.get(id)
    }

    /// Points of every framework that these controls touch, each once, in the order of the frameworks.
    #[must_use]
    pub fn points_of<'a>(&'a self, ids: impl IntoIterator<Item = &'a ControlId>) -> Vec<(&'static str, Arc<str>)> {
        let mut found: Vec<(&'static str, Arc<str>)> = Vec::new();
        for control in ids.into_iter().filter_map(|id| self.list.get(id)) {
            for (framework, points) in control.refs.by_framework() {
                for point in points {
                    if !found.iter().any(|(name, known)| *name == framework && **known == **point) {
                        found.push((framework, Arc::from(point.as_str())));
                    }
                }
            }
        }
        found.sort_by_key(|(framework, _)| {
            References::default().by_framework().iter().position(|(name, _)| name == framework)
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn load(text: &str) -> (Controls, Problems) {
        let mut problems = Problems::new();
        let document = Document::parse(Path::new("checks/controls/controls.yaml"), text, &mut problems).unwrap();
        (read(&[document], &mut problems), problems)
    }

    #[test]
    fn the_list_of_the_house_loads_without_a_mistake() {
        let (controls, problems) = load(include_str!("../../../checks/controls/controls.yaml"));
        assert_eq!(problems.to_string(), "");
        assert_eq!(controls.list.len(), 80);
        assert_eq!(controls.letters().map(|(letter, _)| letter).collect::<String>(), "abcdefghij");
    }

    #[test]
    fn a_point_that_does_not_exist_cannot_load() {
        let good = |refs: &str| {
            format!(
                "seed_bullets: [{{id: S01, key: k, group: g, text: t}}]\n\
                 nis2_points: [{{ref: \"Art. 21(2)(a)\", text: t, controls: [X-01]}}]\n\
                 cir_sections: [{{ref: \"6.6\", title: t, point: e, controls: []}}]\n\
                 controls:\n  - {{id: X-01, title: t, objective: o, refs: {{{refs}}}, seed: [S01], evidence: {{}}}}\n"
            )
        };
        let right = "nis2: [\"Art. 21(2)(a)\"], cir: [\"6.6.2\"], iso27001: [A.8.34], cis_v8: [\"18.1\"], \
                     iec62443_3_3: [SR 1.1], iec62443_4_2: [CCSC 2], iec62443_2_1: [ORG 1.3]";
        assert_eq!(load(&good(right)).1.to_string(), "");
        for wrong in [
            "nis2: [21.2.k]",
            "nis2: [\"Art. 21(2)(k)\"]",
            "cir: [\"6.7.1\"]",
            "cir: [6.6.x]",
            "iso27001: [A.8.35]",
            "iso27001: [A.9.1]",
            "cis_v8: [\"19.1\"]",
            "iec62443_3_3: [CR 1.1]",
            "iec62443_4_2: [CR 1]",
            "iec62443_2_1: [FOO 1.1]",
        ] {
            let (_, problems) = load(&good(wrong));
            assert!(problems.to_string().contains("is no point of"), "{wrong}: {problems}");
        }
    }

    #[test]
    fn a_part_of_a_duty_names_checks_of_the_plan_only() {
        let bullet = "seed_bullets: [{id: S01, key: k, group: g, text: t, parts: [{text: p, checks: [a-check]}]}]\n";
        let plan = "checks: [{id: a-check, pack: p, release: 1, transport: [ssh], controls: []}]\n";
        assert_eq!(load(&format!("{bullet}{plan}")).1.to_string(), "");
        let (_, problems) = load(bullet);
        assert!(problems.to_string().contains("no planned check is called \"a-check\""), "{problems}");
    }

    #[test]
    fn points_sections_and_plans_name_existing_controls_only() {
        let (_, problems) = load("nis2_points: [{ref: \"Art. 20(1)\", text: t, controls: [GOV-01]}]\n");
        assert!(problems.to_string().contains("there is no control \"GOV-01\""), "{problems}");
    }
}
