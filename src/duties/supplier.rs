//! The supplier register: whom the plant depends on, how they are reached, and what they have agreed to.
//!
//! A field that is missing is a finding of a check and no mistake of the file: the register grows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::attestation::Outcome;
use super::page::{self, OneOrMany, Page};
use super::reason::{is_answer, is_reason};
use super::{days_between, end_of};
use crate::model::document::{Data, Node};
use crate::model::{Criticality, EntryId, Problems, Time, Value};

/// The key of the list.
const KEY: &str = "suppliers";
/// What separates products in a cell of a table.
const SEPARATOR: char = ';';
/// Clauses that contracts are asked for (check catalogue, `supplier-contract-clauses`).
const CLAUSES: [&str; 8] = [
    "security_requirements",
    "staff_skills",
    "background_checks",
    "incident_notice",
    "audit_right",
    "vulnerability_handling",
    "subcontracting",
    "exit",
];

/// One supplier.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supplier {
    /// The id that assets name under `supplier`.
    pub id: EntryId,
    /// Name of the company.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it is reached.
    #[serde(default)]
    pub contact: Option<String>,
    /// Where its security people are reached.
    #[serde(default)]
    pub security_contact: Option<String>,
    /// How much depends on it.
    #[serde(default)]
    pub criticality: Option<Criticality>,
    /// What it delivers.
    #[serde(default, deserialize_with = "products")]
    pub products: Vec<Product>,
    /// Last day of the contract.
    #[serde(default, deserialize_with = "page::maybe_day")]
    pub contract_end: Option<NaiveDate>,
    /// What the contract says, clause by clause.
    #[serde(default)]
    pub clauses: BTreeMap<String, Clause>,
    /// The last assessment.
    #[serde(default)]
    pub assessment: Option<Assessment>,
    /// Where its advisories come from.
    #[serde(default)]
    pub advisory_channel: Option<BTreeMap<String, Value>>,
    /// Whether and how it reaches into the plant.
    #[serde(default)]
    pub remote_access: Option<BTreeMap<String, Value>>,
    /// `file:line:column`.
    #[serde(skip)]
    pub declared: Arc<str>,
}

/// A product that a supplier delivers; a bare name, or a map with the end of its support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Name or order number, as assets have it under `product`.
    pub name: String,
    /// Last day of support.
    pub support_end: Option<NaiveDate>,
    /// Where that is written: contract, data sheet, user information.
    pub source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductFields {
    name: String,
    #[serde(default, deserialize_with = "page::maybe_day")]
    support_end: Option<NaiveDate>,
    #[serde(default)]
    source: Option<String>,
}

impl<'de> Deserialize<'de> for Product {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Product;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a name, or { name: …, support_end: … }")
            }
            fn visit_str<E>(self, name: &str) -> Result<Product, E> {
                Ok(Product { name: name.trim().to_owned(), support_end: None, source: None })
            }
            fn visit_i64<E>(self, number: i64) -> Result<Product, E> {
                Ok(Product { name: number.to_string(), support_end: None, source: None })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Product, A::Error> {
                let fields = ProductFields::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Product { name: fields.name, support_end: fields.support_end, source: fields.source })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn products<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Product>, D::Error> {
    Ok(OneOrMany::<Product>::deserialize(deserializer)?.0)
}

/// Whether a contract has a clause; a text says why it does not need one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    /// It has it, or has it not.
    Agreed(bool),
    /// It has it not, for this reason.
    Reasoned(String),
    /// It has it not, and what stands in the place of a reason is none.
    Unreasoned(String),
}

impl<'de> Deserialize<'de> for Clause {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match Value::deserialize(deserializer)? {
            Value::Bool(agreed) => Ok(Self::Agreed(agreed)),
            Value::Text(text) if is_answer(&text) => Err(D::Error::custom("write true or false")),
            Value::Text(text) if is_reason(&text) => Ok(Self::Reasoned(text.to_string())),
            Value::Text(text) if !text.trim().is_empty() => Ok(Self::Unreasoned(text.to_string())),
            _ => Err(D::Error::custom("a clause is true, false, or the reason why the contract does without it")),
        }
    }
}

/// An assessment of a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// When.
    pub on: NaiveDate,
    /// How it ended.
    pub result: Outcome,
    /// SHA-256 of the report.
    #[serde(default)]
    pub evidence_sha256: Option<String>,
}

impl Supplier {
    /// The id of the asset that stands for it.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("supplier:{}", self.id)
    }

    /// The entry as checks read it; what the register does not say is left out, and listed under `missing`.
    #[must_use]
    pub fn fact(&self, now: Time) -> Value {
        let text = |text: &Option<String>| text.as_ref().filter(|text| !text.trim().is_empty()).map(Value::text);
        let list = |products: &[Product]| Value::list(products.iter().map(|product| Value::text(&product.name)));
        let map = |map: &Option<BTreeMap<String, Value>>| {
            map.as_ref().filter(|map| !map.is_empty()).map(|map| Value::map(map.clone()))
        };
        let fields = [
            ("name", text(&self.name)),
            ("contact", text(&self.contact)),
            ("security_contact", text(&self.security_contact)),
            ("criticality", self.criticality.map(|level| Value::text(level.word()))),
            ("products", Some(list(&self.products)).filter(|_| !self.products.is_empty())),
            ("contract_end", self.contract_end.map(|day| Value::text(day.to_string()))),
            ("assessed_on", self.assessment.as_ref().map(|done| Value::text(done.on.to_string()))),
            ("advisory_channel", map(&self.advisory_channel)),
            ("remote_access", map(&self.remote_access)),
            ("clauses", Some(self.settled()).filter(|_| !self.clauses.is_empty())),
        ];
        let (filled, missing): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(_, value)| value.is_some());
        let names = |list: &[(&str, Option<Value>)]| Value::list(list.iter().map(|(name, _)| Value::text(name)));
        let lists = [("filled", names(&filled)), ("missing", names(&missing))];
        let days =
            self.contract_end.and_then(end_of).map(|end| ("contract_days", Value::Float(days_between(now, end))));
        let known = filled.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Value::map(known.chain(lists).chain(days).chain([("id", Value::text(self.id.as_str()))]))
    }

    /// The clauses that the contract has, or does without for a reason.
    pub(super) fn settled(&self) -> Value {
        let is_settled = |clause: &Clause| matches!(clause, Clause::Agreed(true) | Clause::Reasoned(_));
        let settled = self.clauses.iter().filter(|(_, clause)| is_settled(clause));
        Value::list(settled.map(|(name, _)| Value::text(name)))
    }

    /// The reasons for clauses that the contract does without.
    pub(super) fn reasons(&self) -> Value {
        let reasons = self.clauses.iter().filter_map(|(name, clause)| match clause {
            Clause::Reasoned(reason) => Some((name, Value::text(reason))),
            Clause::Agreed(_) | Clause::Unreasoned(_) => None,
        });
        Value::map(reasons)
    }

    /// The clauses that the contract does without, with what stands in the place of a reason and is none.
    pub(super) fn unreasoned(&self) -> Value {
        Value::list(self.clauses.iter().filter_map(|(name, clause)| match clause {
            Clause::Unreasoned(text) => Some(Value::from(format!("{name} ({:?})", text.trim()))),
            Clause::Agreed(_) | Clause::Reasoned(_) => None,
        }))
    }

    /// A product by its name; case does not matter.
    #[must_use]
    pub fn product(&self, name: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.name.eq_ignore_ascii_case(name.trim()))
    }
}

/// Reads the files, tables too.
pub(super) fn load(files: &[PathBuf], problems: &mut Problems) -> Vec<Supplier> {
    let (mut all, mut seen) = (Vec::new(), BTreeMap::new());
    for file in files {
        let Some(mut page) = Page::load(file, KEY, problems) else { continue };
        if file.extension().is_some_and(|ending| ending == "csv") {
            split_products(&mut page.document.root);
        }
        let entries = page.entries::<Supplier>(KEY);
        for found in page.once(entries, &mut seen, |supplier| &supplier.id) {
            for name in found.value.clauses.keys().filter(|name| !CLAUSES.contains(&name.as_str())) {
                let near = crate::model::did_you_mean(name, CLAUSES);
                let hint = near
                    .map_or_else(|| format!("known: {}", CLAUSES.join(", ")), |near| format!("did you mean {near:?}?"));
                page.wrong(&found, "clauses", format!("there is no clause {name:?}"), &hint);
            }
            all.push(Supplier { declared: found.declared, ..found.value });
        }
    }
    all
}

/// A cell of a table is one text: products are separated by semicolons.
fn split_products(root: &mut Node) {
    let mut rows = root.get(KEY).cloned().unwrap_or_default();
    if let Data::List(items) = &mut rows.data {
        for (_, row) in items {
            let Some(cell) = row.get("products").cloned() else { continue };
            let text = cell.as_text().unwrap_or_default();
            let parts = text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty());
            let list = parts.map(|part| Node::new(cell.place.clone(), Data::Text(part.to_owned()))).enumerate();
            row.set(&["products"], Node::new(cell.place.clone(), Data::List(list.collect())));
        }
    }
    root.set(&[KEY], rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> (Vec<Supplier>, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let mut problems = Problems::new();
        let all = load(&[file], &mut problems);
        let said = problems.to_string().replace(&folder.path().display().to_string(), "");
        (all, said)
    }

    #[test]
    fn a_table_reads_like_the_file() {
        let (all, said) = read(
            "s.csv",
            "id,name,security_contact,criticality,products,assessment.on,assessment.result,clauses.exit,contract_end\n\
             nordhall,Nordhall,psirt@nordhall.example,high,N7-300; N7-100,2098-11-05,accepted,true,2101-12-31\n",
        );
        assert_eq!(said, "");
        assert_eq!(all[0].products.len(), 2);
        assert_eq!(all[0].assessment.as_ref().unwrap().result, Outcome::Confirmed);
        assert_eq!(all[0].clauses["exit"], Clause::Agreed(true));
        let fact = all[0].fact("2101-12-31T23:00:00Z".parse().unwrap());
        assert_eq!(fact.get("missing").unwrap().to_string(), "[contact, advisory_channel, remote_access]");
        // the last day of a contract is a whole day
        assert!(matches!(fact.get("contract_days"), Some(Value::Float(days)) if *days > 0.0));
    }

    #[test]
    fn a_placeholder_in_the_place_of_a_reason_settles_nothing() {
        let (all, said) = read(
            "s.csv",
            "id,clauses.exit,clauses.audit_right,clauses.subcontracting,clauses.incident_notice\n\
             nordhall,n/a,certified every year,TBD,true\n",
        );
        assert_eq!(said, "");
        assert_eq!(all[0].settled().to_string(), "[audit_right, incident_notice]");
        assert_eq!(all[0].unreasoned().to_string(), "[exit (\"n/a\"), subcontracting (\"TBD\")]");
        let (_, said) = read("s.csv", "id,clauses.exit,clauses.audit_right\nnordhall,NO,nein\n");
        assert_eq!(said.matches("write true or false").count(), 2, "{said}");
    }

    #[test]
    fn every_mistake_has_its_line() {
        let (_, said) = read(
            "s.yaml",
            "schema_version: 1\nsuppliers:\n  - {id: a, criticality: huge}\n  - {id: b, clauses: {exitt: true}}\n  - {id: c, clauses: {exit: yes}}\n  - {id: b}\n  - {id: d, contract_end: 31.12.2027}\n  - {id: e, mail: x}\n",
        );
        for wanted in [
            "suppliers[0].criticality",
            "suppliers[1].clauses: there is no clause \"exitt\"",
            "did you mean \"exit\"?",
            "suppliers[2].clauses.exit: write true or false",
            "suppliers[3].id: \"b\" is there twice, first at /s.yaml:4:5",
            "\"31.12.2027\" is no day such as 2026-11-26",
            "suppliers[5].mail: unknown key \"mail\"",
        ] {
            assert!(said.contains(wanted), "{wanted} is not in\n{said}");
        }
    }
}
