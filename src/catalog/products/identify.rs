//! From answers to an identity: which files fit a device, and what they make of what it said.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::answers::Answers;
use super::place::Found;
use super::{DESCR, Field, MOST_OBJECTS, Product, Products, Rule};
use crate::model::{Cause, Reading, Value};

/// Under which name sysObjectID and sysDescr are given as sources.
const OBJECT_ID_NAME: &str = "sysObjectID";

/// A file that may be about a device.
pub(super) struct Candidate<'a> {
    product: &'a Product,
    /// How exactly it fits; more is better.
    fit: usize,
    /// The last number of sysObjectID, where it stands below the file's prefix.
    last: Option<String>,
    /// What must be asked for it, besides what others ask.
    pub(super) objects: Vec<String>,
}

impl Candidate<'_> {
    fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Files of one rank that fit equally well contradict each other: what the device proves comes first, then what it
    /// says of itself.
    fn rank(&self) -> (Reverse<usize>, bool, bool) {
        (Reverse(self.fit), self.product.probe.is_none(), self.product.descr.is_none())
    }

    fn is_proved(&self, answers: &Answers<'_>) -> bool {
        self.product.probe.as_ref().is_none_or(|probe| probe.holds(answers, self.last()))
    }

    /// The objects behind these fields that nobody asks yet, and the probe.
    fn ask(&mut self, fields: &BTreeSet<Field>, asked: &BTreeSet<String>) {
        let probe = self.product.probe.as_ref().and_then(|probe| probe.object.of(self.last()));
        let places = fields.iter().flat_map(|field| self.product.places(*field));
        let wanted = probe.into_iter().chain(places.flat_map(|place| place.objects(self.last())));
        let mut new = BTreeSet::new();
        self.objects = wanted.filter(|oid| oid != DESCR && !asked.contains(oid) && new.insert(oid.clone())).collect();
    }
}

impl Products {
    /// The files that fit by sysObjectID and sysDescr, best first, with what must be asked for each. Once a file is
    /// sure, later ones are only asked for fields that it has no rule for. A file that would ask too much is left out.
    pub(super) fn candidates(&self, answers: &Answers<'_>) -> Vec<Candidate<'_>> {
        let mut fitting: Vec<_> = self.0.iter().filter_map(|product| fit(product, answers)).collect();
        fitting.sort_by(|a, b| a.rank().cmp(&b.rank()).then_with(|| a.product.id.cmp(&b.product.id)));
        let mut open: BTreeSet<Field> = Field::ALL.into_iter().collect();
        let mut asked = BTreeSet::new();
        fitting.retain_mut(|candidate| {
            candidate.ask(&open, &asked);
            if asked.len() + candidate.objects.len() > MOST_OBJECTS {
                return false;
            }
            asked.extend(candidate.objects.iter().cloned());
            if candidate.product.probe.is_none() {
                open.retain(|field| candidate.product.rule(*field).is_none());
            }
            true
        });
        fitting
    }

    /// The makers, other than this one, whose devices alone describe themselves as this one does.
    fn contradicts(&self, product: &Product, answers: &Answers<'_>) -> bool {
        let Some(Rule::Fixed(vendor)) = product.rule(Field::Vendor) else { return false };
        let Some(descr) = answers.descr().filter(|_| product.descr.is_none() && product.probe.is_none()) else {
            return false;
        };
        self.0.iter().any(|other| {
            let claims = other.descr.as_ref().is_some_and(|pattern| pattern.regex().is_match(descr));
            claims && matches!(other.rule(Field::Vendor), Some(Rule::Fixed(theirs)) if theirs != vendor)
        })
    }
}

fn fit<'a>(product: &'a Product, answers: &Answers<'_>) -> Option<Candidate<'a>> {
    let object_id = answers.object_id.as_deref();
    let fit = product.prefixes.iter().filter_map(|prefix| prefix.fits(object_id.unwrap_or_default())).max()?;
    if let Some(pattern) = &product.descr
        && !answers.descr().is_some_and(|descr| pattern.regex().is_match(descr))
    {
        return None;
    }
    let numbers = object_id.filter(|oid| fit > 0 && oid.split('.').count() > fit);
    let last = numbers.and_then(|oid| oid.rsplit('.').next()).map(str::to_owned);
    Some(Candidate { product, fit, last, objects: Vec::new() })
}

/// See [`Products::identify`].
pub(super) fn identify(products: &Products, answers: &Answers<'_>) -> Reading {
    if answers.object_id.is_none() && answers.descr().is_none() {
        let what = "the agent shows neither sysDescr nor sysObjectID; add the system group to the view of this login";
        return Reading::missing(Cause::NoData, what);
    }
    let believed = believed(products, answers);
    let mut fields: Vec<(&str, Value)> = Vec::new();
    let mut sources: Vec<(&str, Value)> = Vec::new();
    for field in Field::ALL {
        let Some((candidate, rule)) = believed.iter().find_map(|one| Some((one, one.product.rule(field)?))) else {
            continue;
        };
        if let Some(found) = tell(candidate, field, rule, answers) {
            fields.push((field.key(), Value::Text(found.value)));
            sources.push((field.key(), Value::text(found.source)));
            if let (Field::Version, Some(scheme)) = (field, candidate.product.scheme) {
                fields.push(("scheme", Value::text(scheme.word())));
            }
        }
    }
    if let Some(named) = believed.iter().find(|one| !one.product.family.is_empty()) {
        fields.push(("family", Value::text(&named.product.family)));
    }
    fields.push(("source", Value::map(sources)));
    Reading::Known(Value::map(fields))
}

/// The candidates that hold, best first, without those that another of the same rank or sysDescr contradicts.
fn believed<'a>(products: &'a Products, answers: &Answers<'_>) -> Vec<Candidate<'a>> {
    let mut proved = products.candidates(answers);
    proved.retain(|one| one.is_proved(answers) && !products.contradicts(one.product, answers));
    let ranks: Vec<_> = proved.iter().map(Candidate::rank).collect();
    proved.retain(|one| ranks.iter().filter(|rank| **rank == one.rank()).count() == 1);
    proved
}

fn tell(candidate: &Candidate<'_>, field: Field, rule: &Rule, answers: &Answers<'_>) -> Option<Found> {
    let last = candidate.last();
    match rule {
        Rule::Fixed(text) => {
            let probe = candidate.product.probe.as_ref();
            let source = probe.map_or_else(|| OBJECT_ID_NAME.to_owned(), |probe| probe.label(last));
            Some(Found { value: text.clone(), source })
        }
        Rule::Places(places) => places.iter().find_map(|place| place.find(field.key(), answers, last)),
    }
}
