//! A check: a rule over facts, with what a person needs to know about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::ask::Arguments;
use super::drift::{Drift, Lists};
use super::explain::sentences;
use super::fact::{folder, stem};
use super::form::{Form, Spot};
use super::mention::{Mention, mentions};
use super::params::{self, Overrides};
use super::selector::Selector;
use crate::model::document::{Data, Document};
use crate::model::{Asset, CheckId, ControlId, FactId, Impact, Params, Problems, Profile, Severity, Value};
use crate::rule::{Matcher, Rule};

/// A schedule that a check runs on when it names none.
const STANDARD_SCHEDULE: &str = "posture";

/// One check file, compiled.
#[derive(Debug, Clone)]
pub struct Check {
    /// Equals the file name.
    pub id: CheckId,
    /// Folder it lies in.
    pub pack: Arc<str>,
    /// What holds when it passes, one line.
    pub title: String,
    /// Raised when a verdict can change.
    pub version: u32,
    /// How urgent a fail is.
    pub severity: Severity,
    /// How it may disturb a fragile device.
    pub impact: Impact,
    /// What it gives evidence for.
    pub controls: Vec<ControlId>,
    /// Which assets it concerns.
    pub applies_to: Selector,
    /// Facts it reads.
    pub needs: Vec<Need>,
    /// Checks whose verdict on the same asset it reads.
    pub needs_checks: Vec<CheckId>,
    /// Parameters with their defaults.
    pub params: BTreeMap<Arc<str>, Value>,
    /// Other defaults for a profile.
    pub params_by_profile: BTreeMap<Profile, BTreeMap<Arc<str>, Value>>,
    /// What decides.
    pub rule: Rule,
    /// What decides, in words, by the key it stands under.
    pub sentences: Vec<(&'static str, String)>,
    /// How a change is told from a baseline, if it is.
    pub drift: Option<Drift>,
    /// What it leaves for lists over the whole plant, if anything.
    pub lists: Option<Lists>,
    /// What to do about a fail, one line.
    pub fix: String,
    /// Why it matters, one line.
    pub rationale: String,
    /// What a pass does not prove, one line.
    pub proves: String,
    /// Name of a schedule of the configuration.
    pub schedule: String,
    /// Schedules and zones that it names, for whoever knows which there are.
    pub mentions: Vec<Mention>,
    /// Further inventory fields that it reads.
    pub asset_fields: Vec<String>,
    /// The file it came from.
    pub origin: Arc<str>,
}

/// A fact that a check reads, with arguments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Written")]
pub struct Need {
    /// The fact.
    pub fact: FactId,
    /// Arguments that differ from the fact's own: values, or texts such as `params.ports` and `asset.allowed_ports`.
    pub with: Arguments,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(FactId),
    Full(Full),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
    fact: FactId,
    #[serde(default)]
    with: Arguments,
}

impl From<Written> for Need {
    fn from(written: Written) -> Self {
        match written {
            Written::Plain(fact) => Self { fact, with: Arguments::new() },
            Written::Full(Full { fact, with }) => Self { fact, with },
        }
    }
}

impl Need {
    /// The arguments for one asset. A reference to something that the asset does not have is left out, so that
    /// the default of the fact applies.
    #[must_use]
    pub fn resolve(&self, params: &Params, asset: &Asset) -> Arguments {
        let resolved = self.with.iter().filter_map(|(name, value)| {
            let value = match value.as_text().and_then(|text| text.split_once('.')) {
                Some(("params", param)) => params.get(param).cloned(),
                Some(("asset", field)) => asset.field(field),
                _ => Some(value.clone()),
            };
            value.map(|value| (name.clone(), value))
        });
        resolved.collect()
    }
}

/// A check with what only the load needs.
pub(super) struct CheckDraft {
    pub(super) check: Check,
    pub(super) document: Document,
    pub(super) controls: Vec<Spot>,
    pub(super) needs: Vec<Spot>,
    pub(super) needs_checks: Vec<Spot>,
    /// In the order of [`Check::matchers`].
    pub(super) matchers: Vec<Spot>,
    pub(super) replaces: bool,
}

impl Check {
    /// Every matcher, in the order they are tried.
    pub fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        let Rule { not_applicable_when, requires, assert, warn } = &self.rule;
        not_applicable_when.iter().chain(requires).chain(assert).chain(warn)
    }

    /// The parameters for one asset: asset > zone > kind > profile > whole file > default of the profile > default.
    /// Fields of a map are set one by one. Names that the check does not have are left out; [`super::Catalog::check_params`] refuses them at load.
    #[must_use]
    pub fn resolve_params(
        &self,
        asset: &Asset,
        zone: Option<&Overrides>,
        kind: Option<&Overrides>,
        profile: Option<&Overrides>,
        global: Option<&Overrides>,
    ) -> Params {
        let mut resolved = self.params.clone();
        let shipped = self.params_by_profile.get(&asset.profile);
        let configured = [global, profile, kind, zone, Some(&asset.params)];
        let layers = configured.into_iter().flatten().filter_map(|layer| layer.get(&self.id));
        for (name, value) in shipped.into_iter().chain(layers).flatten() {
            if let Some(slot) = resolved.get_mut(name) {
                *slot = params::overlay(slot, value);
            }
        }
        Arc::new(resolved)
    }

    /// Who sets a parameter for one asset, the most special of them where several set fields of it; layers as in
    /// [`Check::resolve_params`], from the most special to the most general.
    #[must_use]
    pub fn origin_of(
        &self,
        name: &str,
        asset: &Asset,
        layers: [(&'static str, Option<&Overrides>); 4],
    ) -> &'static str {
        let sets = |layer: &Overrides| layer.get(&self.id).is_some_and(|params| params.contains_key(name));
        let own = [("the asset", Some(&asset.params))];
        let found = own.into_iter().chain(layers).find(|(_, layer)| layer.is_some_and(sets));
        let shipped = || self.params_by_profile.get(&asset.profile).is_some_and(|params| params.contains_key(name));
        match found {
            Some((who, _)) => who,
            None if shipped() => "default of the profile",
            None => "default",
        }
    }
}

/// Reads one check file; `None` when it has no usable id.
pub(super) fn read(document: Document, problems: &mut Problems) -> Option<CheckDraft> {
    let mut form = Form::new(&document, problems);
    let id = form.need::<CheckId>("id");
    let name = stem(&document.file);
    if let Some(id) = id.as_ref().filter(|id| id.as_str() != name) {
        form.refuse("id", format!("{:?} is not the name of the file, {name:?}", id.as_str()));
    }
    let title = form.need("title").unwrap_or_default();
    let version = form.need("version").unwrap_or_default();
    let severity = form.need("severity").unwrap_or(Severity::Info);
    let impact = form.need("impact").unwrap_or(Impact::None);
    let (controls_at, controls) = form.list::<ControlId>("controls").into_iter().unzip();
    let applies_to = form.take("applies_to").unwrap_or_default();
    let (needs_at, needs) = form.list::<Need>("needs").into_iter().unzip();
    let (needs_checks_at, needs_checks) = form.list::<CheckId>("needs_checks").into_iter().unzip();
    let params: BTreeMap<Arc<str>, Value> = form.take("params").unwrap_or_default();
    let params_by_profile = params::read_by_profile(&mut form, &params);
    let (matchers_at, rule) = read_rule(&mut form);
    let sentences = sentences(&document.root);
    let (drift, lists) = (form.take("drift"), form.take("lists"));
    let fix = form.need("fix").unwrap_or_default();
    let rationale = form.take("rationale").unwrap_or_default();
    let proves = form.take("proves").unwrap_or_default();
    let schedule = form.take("schedule").unwrap_or_else(|| STANDARD_SCHEDULE.to_owned());
    let asset_fields = form.take("asset_fields").unwrap_or_default();
    let replaces = form.replaces();
    form.finish();
    let check = Check {
        id: id?,
        pack: Arc::from(folder(&document.file)),
        title,
        version,
        severity,
        impact,
        controls,
        applies_to,
        needs,
        needs_checks,
        params,
        params_by_profile,
        rule,
        sentences,
        drift,
        lists,
        fix,
        rationale,
        proves,
        schedule,
        mentions: mentions(&document),
        asset_fields,
        origin: Arc::from(document.file.to_string_lossy()),
    };
    let read = CheckDraft {
        check,
        document,
        controls: controls_at,
        needs: needs_at,
        needs_checks: needs_checks_at,
        matchers: matchers_at,
        replaces,
    };
    Some(read)
}

fn read_rule(form: &mut Form<'_>) -> (Vec<Spot>, Rule) {
    let mut spots = Vec::new();
    let mut part = |key| {
        let (at, matchers): (Vec<Spot>, Vec<Matcher>) = form.list(key).into_iter().unzip();
        spots.extend(at);
        matchers
    };
    let rule = Rule {
        not_applicable_when: part("not_applicable_when"),
        requires: part("requires"),
        assert: part("assert"),
        warn: part("warn"),
    };
    let empty = |key| match form.document().root.get(key).map(|node| &node.data) {
        None | Some(Data::Null) => true,
        Some(Data::List(items)) => items.is_empty(),
        Some(_) => false,
    };
    if empty("assert") && empty("warn") {
        form.refuse("assert", "nothing is asserted, so the check could never fail");
    }
    (spots, rule)
}
