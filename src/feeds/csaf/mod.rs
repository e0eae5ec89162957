//! Security advisories and VEX statements in CSAF 2.0.
//!
//! A document is read whole, held against itself (ids that are used are defined once, relationships end somewhere) and
//! condensed to what matching needs. <https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>

mod file;
mod label;
mod tree;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use self::file::{File, ProductStatus};
pub use self::label::Label;
pub use self::tree::{Product, Whole};
use super::{FeedError, guard};
use crate::model::Time;

/// Most vulnerabilities of one document.
const MAX_VULNERABILITIES: usize = 20_000;
/// Most statements (a product in a status of a vulnerability) of one document.
const MAX_STATEMENTS: usize = 1_000_000;

/// What a document says of a product and a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The product has it.
    Affected,
    /// The product does not have it, or no longer.
    Cleared,
    /// Nobody knows yet.
    Investigated,
}

/// One vulnerability of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Vulnerability {
    /// Its CVE id, else the id that the document gives it.
    pub id: Box<str>,
    /// Highest base score of CVSS 3 or 2, 0 to 10, by product.
    pub scores: BTreeMap<u32, f32>,
    /// Statements, by the place of the product in [`Document::products`].
    pub statements: Vec<(u32, Status)>,
    /// What can be done, by the place of the product; the place `u32::MAX` stands for all.
    pub remedies: Vec<(u32, Arc<str>)>,
}

/// One document, condensed.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Id that the publisher gave it.
    pub id: Box<str>,
    /// Namespace of the publisher; with the id it names the document in all its versions.
    pub publisher: Box<str>,
    /// What it is about, for people.
    pub title: Box<str>,
    /// Its version.
    pub version: Box<str>,
    /// When this version was published.
    pub released: Time,
    /// A draft says nothing yet.
    pub is_draft: bool,
    /// How far it may be passed on.
    pub label: Label,
    /// What stands in the place of its id where its label forbids to name it; empty for a public one.
    pub handle: Box<str>,
    /// Its products.
    pub products: Vec<Product>,
    /// What it says of them.
    pub vulnerabilities: Vec<Vulnerability>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// It is no CSAF 2.0, contradicts itself, or is too large in any way.
    pub fn parse(bytes: &[u8]) -> Result<Self, FeedError> {
        guard::survey(bytes)?;
        let file: File = serde_json::from_slice(bytes)?;
        let about = file.document;
        if about.csaf_version != "2.0" {
            let version = guard::line(&about.csaf_version);
            return Err(FeedError::Shape(format!("it is CSAF {version}; only 2.0 is read")));
        }
        let tracking = about.tracking;
        let (products, places, groups) = tree::plant(file.product_tree.unwrap_or_default())?;
        if file.vulnerabilities.len() > MAX_VULNERABILITIES {
            return Err(FeedError::Shape(format!("it has more than {MAX_VULNERABILITIES} vulnerabilities")));
        }
        let (mut vulnerabilities, mut statements) = (Vec::new(), 0);
        for one in file.vulnerabilities {
            let one = vulnerability(one, &places, &groups)?;
            statements += one.statements.len();
            if statements > MAX_STATEMENTS {
                return Err(FeedError::Shape(format!("it makes more than {MAX_STATEMENTS} statements")));
            }
            vulnerabilities.push(one);
        }
        let tlp = about.distribution.and_then(|distribution| distribution.tlp).map(|tlp| tlp.label);
        let label = Label::parse(&tlp.unwrap_or_default());
        Ok(Self {
            id: guard::line(&tracking.id).into(),
            publisher: guard::line(&about.publisher.namespace).into(),
            title: guard::line(&about.title).into(),
            version: guard::line(&tracking.version).into(),
            released: tracking.current_release_date,
            is_draft: tracking.status == "draft",
            label,
            handle: handle(label, bytes).into(),
            products,
            vulnerabilities,
        })
    }

    /// What anybody may be shown as its id.
    #[must_use]
    pub fn shown_id(&self) -> &str {
        if self.label.is_public() { &self.id } else { &self.handle }
    }

    /// What anybody may be shown as the id of one of its vulnerabilities.
    #[must_use]
    pub fn shown_vulnerability<'v>(&self, id: &'v str) -> Cow<'v, str> {
        if self.label.is_public() {
            return Cow::Borrowed(id);
        }
        let place = self.vulnerabilities.iter().position(|one| &*one.id == id);
        Cow::Owned(format!("{}-{}", self.handle, place.map_or(0, |place| place + 1)))
    }

    /// Whether it takes the place of another version of itself.
    #[must_use]
    pub fn replaces(&self, other: &Self) -> bool {
        use crate::rule::version::{Scheme, compare};
        let by_number = compare(&self.version, &other.version, Scheme::Numeric).filter(|order| order.is_ne());
        by_number.unwrap_or_else(|| self.released.cmp(&other.released)).is_gt()
    }
}

/// A name that stays as long as the document does, and that only those can tell who have the document: ids and titles can be
/// guessed and tried, all of its bytes cannot.
fn handle(label: Label, bytes: &[u8]) -> String {
    const LENGTH: usize = 8;
    const PURPOSE: &[u8] = b"nis2watch: the handle of a document that must not be named\n";
    if label.is_public() {
        return String::new();
    }
    let digest = guard::hex(&Sha256::new().chain_update(PURPOSE).chain_update(bytes).finalize());
    format!("{}-{}", label.word(), &digest[..LENGTH])
}

fn vulnerability(
    one: file::Vulnerability,
    places: &HashMap<String, u32>,
    groups: &BTreeMap<String, BTreeSet<u32>>,
) -> Result<Vulnerability, FeedError> {
    let place = |id: &String| {
        let known = places.get(id).copied();
        known.ok_or_else(|| FeedError::Shape(format!("product {:?} is used and nowhere defined", guard::line(id))))
    };
    let status = one.product_status.unwrap_or_default();
    let ProductStatus { first_affected, known_affected, last_affected, .. } = &status;
    let affected = [first_affected, known_affected, last_affected];
    let cleared = [&status.first_fixed, &status.fixed, &status.known_not_affected];
    let lists = affected.into_iter().map(|list| (list, Status::Affected));
    let lists = lists.chain(cleared.into_iter().map(|list| (list, Status::Cleared)));
    let mut statements = Vec::new();
    for (list, status) in lists.chain([(&status.under_investigation, Status::Investigated)]) {
        for id in list {
            statements.push((place(id)?, status));
        }
    }
    let mut scores = BTreeMap::new();
    for score in &one.scores {
        let bases = [&score.cvss_v3, &score.cvss_v2].into_iter().flatten().filter_map(|cvss| cvss.base_score);
        let Some(base) = bases.filter(|base| (0.0..=10.0).contains(base)).reduce(f32::max) else { continue };
        for id in &score.products {
            let kept = scores.entry(place(id)?).or_insert(base);
            *kept = kept.max(base);
        }
    }
    let mut remedies = Vec::new();
    for remedy in &one.remediations {
        let category: Arc<str> = guard::line(&remedy.category).into();
        let mut of: BTreeSet<u32> = BTreeSet::new();
        for group in &remedy.group_ids {
            let known = groups.get(group);
            let missing = || FeedError::Shape(format!("group {:?} is nowhere defined", guard::line(group)));
            of.extend(known.ok_or_else(missing)?);
        }
        for id in &remedy.product_ids {
            of.insert(place(id)?);
        }
        if remedy.group_ids.is_empty() && remedy.product_ids.is_empty() {
            of.insert(u32::MAX);
        }
        remedies.extend(of.into_iter().map(|place| (place, Arc::clone(&category))));
    }
    let given = one.cve.or_else(|| one.ids.into_iter().next().map(|id| id.text));
    let id = given.or(one.title).unwrap_or_else(|| "a vulnerability without an id".into());
    statements.shrink_to_fit();
    Ok(Vulnerability { id: guard::line(&id).into(), scores, statements, remedies })
}

#[cfg(test)]
mod tests;
