//! One product file, read and checked: every mistake at its key.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::answers::dotted;
use super::place::{Place, Probe};
use super::{DESCR, Field, Prefix, Product, Rule, identity_text};
use crate::catalog::fact::stem;
use crate::catalog::form::{Form, Spot};
use crate::model::Problems;
use crate::model::document::{Data, Document};
use crate::rule::Pattern;
use crate::rule::version::Scheme;

/// Largest file, in bytes; the built-in ones have a few hundred.
pub(in crate::catalog) const LARGEST_FILE: usize = 32 * 1024;
/// Most objects that one file may ask for, in all its places.
const MOST_OBJECTS: usize = 12;
/// Fewest numbers of a prefix: `1.3.6.1.4.1` and the maker's.
const FEWEST_NUMBERS: usize = 7;
/// Descriptions that say nothing about a version; a pattern that takes one out of them guesses.
const BARE: [&str; 6] =
    ["1.2.3", "V1.2.3", "15.2(7)E2", "Switch 24 Ports 1.2.3", "Device 10.1, Rev 2.0", "Linux sw1 4.19.0-6 #1 SMP"];
/// Texts in which an object of its own has no business to find a version: no word before it says which of them it is.
const TALK: [&str; 2] = ["some words 1.2.3 and more", "some words V1.2.3 and more"];

/// A product with what only the load needs.
pub(in crate::catalog) struct ProductDraft {
    pub(in crate::catalog) product: Product,
    pub(in crate::catalog) document: Document,
    pub(in crate::catalog) replaces: bool,
}

/// A text as some device gave it, and what must come out of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    pub(super) text: String,
    vendor: Option<String>,
    os: Option<String>,
    model: Option<String>,
    version: Option<String>,
    serial: Option<String>,
}

impl Example {
    fn expected(&self, field: Field) -> Option<&str> {
        match field {
            Field::Vendor => self.vendor.as_deref(),
            Field::Os => self.os.as_deref(),
            Field::Model => self.model.as_deref(),
            Field::Version => self.version.as_deref(),
            Field::Serial => self.serial.as_deref(),
        }
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "any" {
            return Ok(Self::Any);
        }
        let oid = dotted(&text).ok_or_else(|| {
            D::Error::custom(format!("{:?} is no object identifier such as 1.3.6.1.4.1.9.1, nor `any`", cut(&text)))
        })?;
        if oid.split('.').count() < FEWEST_NUMBERS {
            return Err(D::Error::custom(format!(
                "{oid} is too short: it would take the devices of every maker; give at least {FEWEST_NUMBERS} numbers"
            )));
        }
        Ok(Self::Below(oid.into()))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Reads one product file; `None` when it says nothing about which devices it means.
pub(in crate::catalog) fn read(document: Document, problems: &mut Problems) -> Option<ProductDraft> {
    let mut form = Form::new(&document, problems);
    let prefixes: Vec<Prefix> = match form.node("sys_object_id") {
        Some(_) => form.list("sys_object_id").into_iter().map(|(_, prefix)| prefix).collect(),
        None => form.need("sys_object_id").into_iter().collect(),
    };
    let family: Box<str> = if prefixes.contains(&Prefix::Any) {
        form.take("family").unwrap_or_default()
    } else {
        form.need("family").unwrap_or_default()
    };
    let descr = form.take::<Pattern>("descr");
    if descr.as_ref().is_some_and(|pattern| pattern.regex().is_match("")) {
        form.refuse("descr", "it matches every text, so it tells nothing apart");
    }
    let probe = form.take::<Probe>("probe");
    if probe.as_ref().is_some_and(|probe| probe.object.is_descr()) {
        form.refuse("probe", "name an object of the maker; for sysDescr there is `descr`");
    }
    let rules: Vec<(Field, Rule)> =
        Field::ALL.into_iter().filter_map(|field| Some((field, rule(&mut form, field)?))).collect();
    let scheme = form.take::<Scheme>("scheme");
    let examples = form.list::<Example>("examples");
    let replaces = form.replaces();
    let id = Arc::from(stem(&form.document().file));
    let origin = Arc::from(form.document().file.to_string_lossy());
    let (spots, examples): (Vec<Spot>, Vec<Example>) = examples.into_iter().unzip();
    let product = Product { id, family, origin, prefixes, descr, probe, rules, scheme, examples };
    check_examples(&mut form, &product, &spots);
    check_size(&mut form, &product);
    form.finish();
    (!product.prefixes.is_empty()).then_some(ProductDraft { product, document, replaces })
}

/// A word for vendor and os, or places.
fn rule(form: &mut Form<'_>, field: Field) -> Option<Rule> {
    let key = field.key();
    if matches!(form.node(key)?.data, Data::List(_) | Data::Map(_)) {
        let places = form.list::<Place>(key);
        for (spot, place) in &places {
            if let Some(message) = wrong_pattern(field, place) {
                let problem = spot.wrong(form.document(), message);
                form.push(problem);
            }
        }
        return Some(Rule::Places(places.into_iter().map(|(_, place)| place).collect()));
    }
    if !matches!(field, Field::Vendor | Field::Os) {
        form.refuse(key, format!("give places, such as `- {{ oid: …, regex: '^(?P<{key}>…)$' }}`"));
        return None;
    }
    let text = form.take::<String>(key)?;
    let shown = identity_text(&text);
    if shown.is_none() {
        form.refuse(key, "give a name of at most 64 printable characters");
    }
    shown.map(Rule::Fixed)
}

/// What is wrong with the pattern of a place: it must say what it takes, and take nothing without an anchor.
fn wrong_pattern(field: Field, place: &Place) -> Option<String> {
    let key = field.key();
    let names: Vec<&str> = place.pattern.regex().capture_names().flatten().collect();
    if names != [key] {
        return Some(format!("the pattern needs one named group, (?P<{key}>…), and no other"));
    }
    if field != Field::Version {
        return None;
    }
    let takes = |text: &&str| place.pattern.regex().is_match(text);
    if place.object.is_descr() {
        return BARE.iter().find(|text| takes(text)).map(|text| {
            format!("the pattern takes a version out of {text:?}; put the words that stand before the version in front of it")
        });
    }
    let loose = TALK.iter().find(|text| takes(text));
    loose.map(|text| format!("the pattern takes a version out of {text:?}; bind it with ^ and $"))
}

fn check_examples(form: &mut Form<'_>, product: &Product, spots: &[Spot]) {
    for (spot, example) in spots.iter().zip(&product.examples) {
        for field in Field::ALL {
            let Some(expected) = example.expected(field) else { continue };
            let places = product.places(field);
            let found = places.iter().find_map(|place| Some((place, place.cut_out(field.key(), &example.text)?)));
            let (place, found) = found.unzip();
            let takes_the_last = place.is_some_and(|place| field == Field::Version && takes_the_last(place, example));
            let message = match found.as_deref() {
                Some(_) if takes_the_last => {
                    "where two versions stand in sysDescr, the pattern takes the last; put what stands \
                    between the first words and the version in the place of `.*`"
                        .into()
                }
                Some(found) if found == expected => continue,
                Some(found) => format!("the {} that comes out is {found:?}", field.key()),
                None => format!("no pattern of `{}` takes anything out of this text", field.key()),
            };
            let problem = spot.wrong(form.document(), message);
            form.push(problem);
        }
    }
}

/// Whether another version further behind in sysDescr is taken for that of the device.
fn takes_the_last(place: &Place, example: &Example) -> bool {
    let other: String = example.text.chars().map(|c| if c.is_ascii_digit() { other_digit(c) } else { c }).collect();
    let both = place.cut_out(Field::Version.key(), &format!("{} {other}", example.text));
    place.object.is_descr() && both.is_some_and(|found| Some(&*found) != example.version.as_deref())
}

fn other_digit(c: char) -> char {
    if c == '9' { '1' } else { char::from(c as u8 + 1) }
}

fn check_size(form: &mut Form<'_>, product: &Product) {
    let places = Field::ALL.into_iter().flat_map(|field| product.places(field));
    let objects: BTreeSet<String> =
        places.flat_map(|place| place.objects(Some("1"))).filter(|oid| oid != DESCR).collect();
    if objects.len() > MOST_OBJECTS {
        let message = format!("the file asks a device for {} objects; at most {MOST_OBJECTS}", objects.len());
        form.refuse("version", message);
    }
    if product.rules.is_empty() && form.document().root.get("vendor").is_none() {
        form.refuse("vendor", "the file tells nothing: give at least `vendor`");
    }
}
