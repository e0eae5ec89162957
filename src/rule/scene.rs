//! A stage for tests: facts, parameters and an asset written as JSON and YAML.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::matcher::Outcome;
use super::{Context, Matcher, Rule, judge};
use crate::model::{
    Asset, AssetId, Cause, CheckId, Criticality, FactId, Judgement, Kind, Params, Profile, Reading, Time, Value,
    Verdict, ZoneId,
};

pub(super) struct Scene {
    facts: BTreeMap<FactId, Reading>,
    params: Params,
    asset: Asset,
    verdicts: BTreeMap<CheckId, Verdict>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self { facts: BTreeMap::new(), params: Params::default(), asset: asset(), verdicts: BTreeMap::new() }
    }

    /// One fact `t.f` with this value.
    pub(super) fn of(json: &str) -> Self {
        Self::new().fact("t.f", json)
    }

    pub(super) fn fact(mut self, id: &str, json: &str) -> Self {
        let value: Value = serde_json::from_str(json).unwrap();
        self.facts.insert(FactId::parse(id).unwrap(), Reading::Known(value));
        self
    }

    pub(super) fn reading(mut self, id: &str, reading: Reading) -> Self {
        self.facts.insert(FactId::parse(id).unwrap(), reading);
        self
    }

    pub(super) fn missing(self, id: &str, cause: Cause) -> Self {
        self.reading(id, Reading::missing(cause, "try again"))
    }

    pub(super) fn params(mut self, json: &str) -> Self {
        let fields: BTreeMap<Arc<str>, Value> = serde_json::from_str(json).unwrap();
        self.params = Arc::new(fields);
        self
    }

    pub(super) fn verdict(mut self, check: &str, verdict: Verdict) -> Self {
        self.verdicts.insert(CheckId::parse(check).unwrap(), verdict);
        self
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context { facts: &self.facts, params: &self.params, asset: &self.asset, verdicts: &self.verdicts, now: now() }
    }

    pub(super) fn judge(&self, rule: &str) -> Judgement {
        let rule: Rule = serde_saphyr::from_str(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
        judge(&rule, &self.context())
    }

    pub(super) fn outcome(&self, matcher: &str) -> Outcome {
        let matcher: Matcher = serde_saphyr::from_str(matcher).unwrap_or_else(|error| panic!("{matcher}: {error}"));
        matcher.evaluate(&self.context())
    }

    /// The outcome in one word: `holds`, `vacuous`, `offends` or the cause.
    pub(super) fn word(&self, matcher: &str) -> &'static str {
        match self.outcome(matcher) {
            Outcome::Holds => "holds",
            Outcome::Vacuous => "vacuous",
            Outcome::Offends(_) => "offends",
            Outcome::Missing(missing) => missing.cause.word(),
        }
    }

    /// The sentence of an offence, or the detail of what is missing.
    pub(super) fn text(&self, matcher: &str) -> String {
        match self.outcome(matcher) {
            Outcome::Offends(finding) => finding.text,
            Outcome::Missing(missing) => missing.detail,
            other => panic!("{matcher} gives {other:?}"),
        }
    }
}

pub(super) fn now() -> Time {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn asset() -> Asset {
    Asset {
        id: AssetId::parse("host-1").unwrap(),
        address: Some("192.0.2.1".into()),
        zone: ZoneId::parse("office").unwrap(),
        kind: Kind::LinuxHost,
        site: None,
        vendor: Some("Example".into()),
        product: None,
        version: None,
        serial: None,
        owner: None,
        criticality: Criticality::Low,
        supplier: None,
        support_end: None,
        profile: Profile::It,
        allowed_ports: Some([22, 443].into()),
        declared_ports: std::collections::BTreeSet::new(),
        labels: [("line".into(), "3".into())].into(),
        fields: BTreeMap::new(),
        params: BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    }
}
