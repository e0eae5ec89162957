//! What was seen against what was wanted, of one matcher or of several together.

use super::sentence::{clip, sentence};
use crate::model::Value;

/// What was seen against what was wanted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::rule) struct Finding {
    /// One line for a person.
    pub(in crate::rule) text: String,
    /// The offenders by name, where there can be several.
    pub(in crate::rule) offenders: String,
    /// What was seen; the offenders when it is a set.
    pub(in crate::rule) observed: Value,
    /// What was asked for.
    pub(in crate::rule) expected: Value,
    /// The same, matcher by matcher.
    pub(in crate::rule) parts: Vec<Part>,
}

/// What one matcher without members saw.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::rule) struct Part {
    /// What it looks at.
    rule: String,
    /// What it asks for, in words.
    wanted: String,
    /// What the author of the check says of it.
    says: Option<String>,
    /// Which of the alternatives it belongs to: `2`, or `2.1` where one has alternatives itself. Of several sets of alternatives
    /// beside each other each has a letter. Empty where there is no choice.
    way: String,
    observed: Value,
}

impl Finding {
    /// What one matcher saw: `rule` is what it looks at, `wanted` what it asks for in words.
    pub(in crate::rule) fn alone(text: String, rule: String, wanted: String, observed: Value, expected: Value) -> Self {
        let part = Part { rule, wanted, says: None, way: String::new(), observed: observed.clone() };
        Self { text, offenders: String::new(), observed, expected, parts: vec![part] }
    }

    /// In the author's words.
    pub(super) fn worded(mut self, text: String) -> Self {
        if let [part] = self.parts.as_mut_slice() {
            part.says = Some(text.clone());
        }
        Self { text, ..self }
    }

    /// The finding that what is so must not be so.
    pub(super) fn turned(mut self) -> Self {
        for part in &mut self.parts {
            part.wanted = format!("not {}", part.wanted);
        }
        Self { text: sentence(format!("{}, which must not be", self.text)), expected: Value::Null, ..self }
    }

    /// Findings that count together.
    pub(super) fn together(mut findings: Vec<Self>) -> Option<Self> {
        findings.iter_mut().for_each(Self::fill);
        if findings.iter().filter(|finding| finding.has_ways()).count() > 1 {
            for (finding, letter) in findings.iter_mut().filter(|finding| finding.has_ways()).zip('A'..='Z') {
                let ways = finding.parts.iter_mut().filter(|part| !part.way.is_empty());
                ways.for_each(|part| part.way.insert(0, letter));
            }
        }
        Self::merge(findings)
    }

    /// Findings of which one would have had to hold.
    pub(super) fn instead(mut findings: Vec<Self>) -> Option<Self> {
        findings.iter_mut().for_each(Self::fill);
        if findings.len() > 1 {
            for (finding, way) in findings.iter_mut().zip(1..) {
                for part in &mut finding.parts {
                    part.way = if part.way.is_empty() { format!("{way}") } else { format!("{way}.{}", part.way) };
                }
            }
        }
        Self::merge(findings)
    }

    /// Gives a finding that has only words a place among others: what is left out of `observed` could be waived unseen.
    fn fill(&mut self) {
        if self.parts.is_empty() {
            let part = Part { says: Some(self.text.clone()), observed: self.observed.clone(), ..Part::default() };
            self.parts.push(part);
        }
    }

    fn has_ways(&self) -> bool {
        self.parts.iter().any(|part| !part.way.is_empty())
    }

    fn merge(mut findings: Vec<Self>) -> Option<Self> {
        if findings.len() < 2 {
            return findings.pop();
        }
        let text = findings.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; ");
        let offenders: Vec<&str> =
            findings.iter().map(|finding| finding.offenders.as_str()).filter(|text| !text.is_empty()).collect();
        Some(Self {
            text: sentence(text),
            offenders: sentence(offenders.join(", ")),
            observed: clip(&Value::list(findings.iter().map(|finding| finding.observed.clone()))),
            expected: clip(&Value::list(findings.iter().map(|finding| finding.expected.clone()))),
            parts: findings.into_iter().flat_map(|finding| finding.parts).collect(),
        })
    }

    /// What a judgement keeps as observed and expected. Where several matchers decide these are lists with a place for each:
    /// `observed` what it saw, as a waiver reads it, and `expected` what it is and what it asks for, because a list of bare
    /// values tells nobody what they are.
    pub(in crate::rule) fn kept(self) -> (Value, Value) {
        if self.parts.len() < 2 {
            return (self.observed, self.expected);
        }
        let observed = Value::list(self.parts.iter().map(|part| part.observed.clone()));
        (clip(&observed), clip(&Value::list(self.parts.into_iter().map(Part::described))))
    }
}

impl Part {
    fn described(self) -> Value {
        let fields = [("rule", self.rule), ("wanted", self.wanted), ("way", self.way)];
        let there = fields.into_iter().filter(|(_, text)| !text.is_empty());
        Value::map(there.chain(self.says.map(|says| ("says", says))).map(|(name, text)| (name, Value::text(text))))
    }
}
