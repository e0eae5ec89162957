//! What is open on an asset: every statement of every document about its product, weighed against each other.

use std::collections::BTreeMap;

use super::csaf::{Document, Status};
use super::fit::{Confidence, Fit, Identity};
use crate::model::Time;

/// What the documents say of one vulnerability and one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'d> {
    /// The vulnerability.
    pub id: &'d str,
    /// The document.
    pub document: &'d Document,
    /// A public document that says of the asset that the same is open or undecided, where there is one.
    pub public: Option<&'d Document>,
    /// How the product was recognised.
    pub confidence: Confidence,
    /// Base score, where the document gives one for the product.
    pub score: Option<f32>,
    /// Whether the asset has it, or nobody can tell.
    pub is_certain: bool,
    /// What the document offers: `vendor_fix`, `mitigation`, `workaround`, `none_available`, `no_fix_planned`.
    pub remedies: Vec<&'d str>,
}

/// What documents say of an asset.
#[derive(Debug, Default)]
pub struct Findings<'d> {
    /// How many documents speak of something that its maker made.
    pub documents: usize,
    /// What is open or undecided, one a vulnerability.
    pub open: Vec<Finding<'d>>,
}

/// One document's word on a vulnerability; a certain clearance outweighs everything else that it says.
enum Word<'d> {
    Cleared,
    Open(Finding<'d>),
}

/// Weighs the documents. Of two that both speak with certainty the younger counts; what is undecided never outweighs what is
/// certain, but stays beside a silence.
#[must_use]
pub fn findings<'d>(documents: impl Iterator<Item = &'d Document>, identities: &[Identity]) -> Findings<'d> {
    let mut all = Findings::default();
    let mut words: BTreeMap<&str, (Time, Word<'d>)> = BTreeMap::new();
    let mut public: BTreeMap<&str, &'d Document> = BTreeMap::new();
    for document in documents {
        let of_maker: Vec<&Identity> = identities.iter().filter(|one| one.is_covered_by(document)).collect();
        if of_maker.is_empty() {
            continue;
        }
        all.documents += 1;
        for (id, word) in of_maker.into_iter().flat_map(|identity| said(document, identity)) {
            if matches!(word, Word::Open(_)) && document.label.is_public() {
                public.insert(id, document);
            }
            match words.get(id) {
                Some((at, kept)) if !outweighs(&word, document.released, kept, *at) => {}
                _ => drop(words.insert(id, (document.released, word))),
            }
        }
    }
    let open = words.into_values().filter_map(|(_, word)| match word {
        Word::Open(finding) => Some(Finding { public: public.get(finding.id).copied(), ..finding }),
        Word::Cleared => None,
    });
    all.open = open.collect();
    all
}

fn outweighs(word: &Word<'_>, at: Time, kept: &Word<'_>, since: Time) -> bool {
    let is_certain = |word: &Word<'_>| !matches!(word, Word::Open(Finding { is_certain: false, .. }));
    match (is_certain(word), is_certain(kept)) {
        (true, false) => true,
        (false, true) => false,
        // of the same moment a clearance counts, whichever was read first
        _ => at > since || (at == since && matches!(word, Word::Cleared)),
    }
}

fn said<'d>(document: &'d Document, identity: &Identity) -> Vec<(&'d str, Word<'d>)> {
    let fits: Vec<Fit> = (0..).take(document.products.len()).map(|place| identity.fit(document, place)).collect();
    let words = document.vulnerabilities.iter().filter_map(|one| {
        let fit = |place: u32| fits.get(place as usize).copied().unwrap_or(Fit::No);
        let mut found: Option<Finding<'d>> = None;
        for (place, status) in &one.statements {
            let (confidence, is_certain) = match (fit(*place), status) {
                (Fit::Yes(_), Status::Cleared) => return Some((&*one.id, Word::Cleared)),
                (Fit::No, _) | (Fit::Undecided(_), Status::Cleared) => continue,
                (Fit::Yes(confidence), status) => (confidence, *status == Status::Affected),
                (Fit::Undecided(confidence), _) => (confidence, false),
            };
            let best = found.as_ref().map(|found| (!found.is_certain, found.confidence));
            if best.is_none_or(|best| (!is_certain, confidence) < best) {
                let of = |at: &u32| *at == *place || *at == u32::MAX;
                let remedies = one.remedies.iter().filter(|(at, _)| of(at)).map(|(_, category)| &**category);
                found = Some(Finding {
                    id: &one.id,
                    document,
                    public: None,
                    confidence,
                    score: one.scores.get(place).copied(),
                    is_certain,
                    remedies: remedies.collect(),
                });
            }
        }
        found.map(|found| (&*one.id, Word::Open(found)))
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::version::Scheme;

    fn samples() -> Vec<Document> {
        let files: [&[u8]; 3] = [
            include_bytes!("samples/csaf/nha-2099-001.json"),
            include_bytes!("samples/csaf/ex-2099-014.json"),
            include_bytes!("samples/csaf/ex-2099-021.json"),
        ];
        files.into_iter().map(|bytes| Document::parse(bytes).unwrap()).collect()
    }

    fn open(documents: &[Document], vendor: &str, product: &str, version: Option<&str>) -> String {
        let identity = Identity::new(version, Scheme::Numeric).vendor(Some(vendor)).product(Some(product));
        let found = findings(documents.iter(), &[identity]);
        let words = found.open.iter().map(|one| format!("{}{}", one.id, if one.is_certain { "" } else { "?" }));
        format!("{}: {}", found.documents, words.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_is_fixed_or_cleared_is_not_open_and_what_is_examined_is_undecided() {
        let all = samples();
        assert_eq!(open(&all, "Nordhall Automation", "N7-300", Some("2.8.3")), "1: CVE-2099-10001 CVE-2099-10002");
        assert_eq!(open(&all, "Nordhall Automation", "N7-300", Some("2.8.4")), "1: ");
        assert_eq!(open(&all, "Nordhall Automation", "N7-300", None), "1: CVE-2099-10001? CVE-2099-10002?");
        assert_eq!(open(&all, "Nordhall Automation", "N7-100", Some("1")), "1: CVE-2099-10001");
        assert_eq!(open(&all, "Rivermark", "EdgeLink 40", Some("1.6.2")), "2: ");
        assert_eq!(open(&all, "Rivermark", "EdgeLink 80", Some("1.6.2")), "2: CVE-2099-10004?");
        assert_eq!(open(&all, "Rivermark", "EdgeLink 40", Some("1.5")), "2: CVE-2099-10003");
        assert_eq!(open(&all, "Nobody", "EdgeLink 40", Some("1.5")), "0: ");
    }

    #[test]
    fn of_two_certain_documents_the_younger_counts() {
        let mut all = samples();
        let mut cleared = all[0].clone();
        cleared.id = "VEX".into();
        for one in &mut cleared.vulnerabilities {
            one.statements.iter_mut().for_each(|(_, status)| *status = Status::Cleared);
        }
        cleared.released += chrono::TimeDelta::days(1);
        all.push(cleared);
        assert_eq!(open(&all, "Nordhall Automation", "N7-300", Some("2.8.3")), "2: ");
        all[3].released -= chrono::TimeDelta::days(9);
        assert_eq!(open(&all, "Nordhall Automation", "N7-300", Some("2.8.3")), "2: CVE-2099-10001 CVE-2099-10002");
    }
}
