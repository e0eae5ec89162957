//! Whether a product of an advisory is the one that an asset is.
//!
//! Names are compared as wholes, after letters, spaces and the legal form of a firm; nothing is guessed from likeness. A
//! product that fits and whose version cannot be told is undecided, which is never "not affected".

use super::Range;
use super::csaf::{Document, Product};
use crate::rule::version::Scheme;

/// Legal forms at the end of a firm's name, which say nothing about who it is.
const FORMS: [&str; 20] = [
    "ag",
    "gmbh",
    "co",
    "kg",
    "se",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "ltd",
    "limited",
    "llc",
    "plc",
    "sa",
    "bv",
    "ab",
    "as",
    "oy",
    "spa",
    "nv",
];
/// Most steps that one comparison with `*` may take.
const MAX_STEPS: usize = 20_000;

/// What an asset is, as far as advisories may speak of it.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    vendors: Vec<String>,
    names: Vec<String>,
    numbers: Vec<String>,
    serial: Option<String>,
    version: Option<String>,
    scheme: Scheme,
}

/// Why a product was taken for the asset's, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// By model, order or serial number.
    Number,
    /// By the names of maker and product, and the version.
    Name,
    /// By the names of maker and product alone.
    NameOnly,
}

impl Confidence {
    /// The word in facts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Name => "name+version",
            Self::NameOnly => "name",
        }
    }
}

/// Whether a product is the asset's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is another, or another version of it.
    No,
    /// It is this one.
    Yes(Confidence),
    /// It may be: the version, or whether a part is there, cannot be told.
    Undecided(Confidence),
}

impl Identity {
    /// An asset with this version, ordered like this.
    #[must_use]
    pub fn new(version: Option<&str>, scheme: Scheme) -> Self {
        Self { version: version.map(str::to_owned), scheme, ..Self::default() }
    }

    /// Adds a name of its maker.
    #[must_use]
    pub fn vendor(mut self, name: Option<&str>) -> Self {
        self.vendors.extend(name.map(firm).filter(|name| !name.is_empty()));
        self
    }

    /// Adds a name of the product, which may be its order number as well.
    #[must_use]
    pub fn product(mut self, name: Option<&str>) -> Self {
        self.names.extend(name.map(plain).filter(|name| !name.is_empty()));
        self.numbers.extend(name.map(number).filter(|name| !name.is_empty()));
        self
    }

    /// Sets its serial number.
    #[must_use]
    pub fn serial(mut self, serial: Option<&str>) -> Self {
        self.serial = serial.map(number);
        self
    }

    /// Whether nothing is known that an advisory could name.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.vendors.is_empty() || self.names.is_empty()
    }

    /// Whether a document speaks of anything that the asset's maker made.
    #[must_use]
    pub fn is_covered_by(&self, document: &Document) -> bool {
        document.products.iter().any(|product| match &product.vendor {
            Some(name) => self.is_of(name),
            // some documents name the maker in the full name only
            None => self.begins(&plain(&product.full)).is_some(),
        })
    }

    fn is_of(&self, vendor: &str) -> bool {
        self.vendors.contains(&firm(vendor))
    }

    /// What follows the asset's maker in a name, where it stands first.
    fn begins<'n>(&self, name: &'n str) -> Option<&'n str> {
        let after = |vendor: &String| name.strip_prefix(vendor.as_str())?.strip_prefix(' ');
        self.vendors.iter().find_map(after)
    }

    /// Whether a product of a document is the asset's.
    #[must_use]
    pub fn fit(&self, document: &Document, place: u32) -> Fit {
        let Some(product) = document.products.get(place as usize) else { return Fit::No };
        let Some(whole) = product.whole else { return self.fit_one(product) };
        let base = match document.products.get(whole.base as usize) {
            // hardware is named without a version: that of what is installed on it counts
            Some(base) if whole.is_installed && base.whole.is_none() && base.range == Range::Unstated => {
                self.named(base).map_or(Fit::No, Fit::Yes)
            }
            _ => self.fit(document, whole.base),
        };
        let (confidence, is_certain) = match base {
            Fit::No => return Fit::No,
            Fit::Yes(confidence) => (confidence, true),
            Fit::Undecided(confidence) => (confidence, false),
        };
        let Some(part) = document.products.get(whole.part as usize) else { return Fit::No };
        if part.vendor.as_deref().is_some_and(|name| !self.is_of(name)) && part.whole.is_none() {
            // a part of another maker: whether it is there, and in which version, nobody reads
            return Fit::Undecided(confidence);
        }
        let is_firmware = whole.is_installed && (is_firmware(part) || self.named(part).is_some());
        match self.within(&part.range).filter(|_| is_firmware) {
            Some(false) => Fit::No,
            Some(true) if is_certain => Fit::Yes(confidence.min(Confidence::Name)),
            _ => Fit::Undecided(confidence),
        }
    }

    fn fit_one(&self, product: &Product) -> Fit {
        let Some(confidence) = self.named(product) else { return Fit::No };
        match self.within(&product.range) {
            Some(true) => Fit::Yes(confidence),
            Some(false) => Fit::No,
            None => Fit::Undecided(if confidence == Confidence::Number { confidence } else { Confidence::NameOnly }),
        }
    }

    fn within(&self, range: &Range) -> Option<bool> {
        match (range, &self.version) {
            (Range::All, _) => Some(true),
            (range, Some(version)) => range.contains(version, self.scheme),
            (_, None) => None,
        }
    }

    /// How a product is named that is the asset's, whatever its version.
    fn named(&self, product: &Product) -> Option<Confidence> {
        if product.vendor.as_deref().is_some_and(|name| !self.is_of(name)) {
            return None;
        }
        let has = |patterns: &[Box<str>], text: &str| patterns.iter().any(|pattern| fits(&number(pattern), text));
        if self.serial.as_ref().is_some_and(|serial| has(&product.serials, serial))
            || self.numbers.iter().any(|text| has(&product.numbers, text))
        {
            return Some(Confidence::Number);
        }
        let own = product.names.last().map(|name| plain(name));
        let family = product
            .names
            .len()
            .checked_sub(2)
            .map(|at| format!("{} {}", plain(&product.names[at]), plain(&product.names[at + 1])));
        let full = product.names.is_empty().then(|| plain(&product.full));
        let names = own.into_iter().chain(family).chain(full);
        // without a maker in the tree only a full name that begins with the asset's maker is believed
        let mut told = names.map(|name| match self.begins(&name) {
            Some(rest) => (rest.to_owned(), true),
            None => (name, product.vendor.is_some()),
        });
        told.any(|(name, is_of_maker)| is_of_maker && self.names.iter().any(|own| self.same(own, &name)))
            .then_some(Confidence::Name)
    }

    /// Equal names, the maker before the asset's own left out.
    fn same(&self, own: &str, name: &str) -> bool {
        own == name
            || self
                .vendors
                .iter()
                .any(|vendor| own.strip_prefix(vendor.as_str()).is_some_and(|own| own.trim_start() == name))
    }
}

/// Whether a part is the software that makes its base what it is.
fn is_firmware(part: &Product) -> bool {
    let says = |text: &str| plain(text).split(' ').any(|word| word == "firmware");
    part.names.iter().any(|name| says(name)) || says(&part.full)
}

/// Words in small letters with single spaces.
fn plain(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name of a firm without its legal form.
fn firm(text: &str) -> String {
    let dotless: String = text.chars().filter(|c| !matches!(c, '.' | '/')).collect();
    let name = plain(&dotless);
    let mut words: Vec<&str> = name.split(' ').collect();
    while words.len() > 1 && words.last().is_some_and(|word| FORMS.contains(word)) {
        words.pop();
    }
    words.join(" ")
}

/// An order number without spaces, in capitals.
fn number(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}

/// Whether a number fits a pattern in which `?` is one character and `*` any number of them.
fn fits(pattern: &str, text: &str) -> bool {
    // a pattern of stars alone names nothing
    if !pattern.contains(|c: char| c.is_alphanumeric()) {
        return false;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen, mut star) = (0, 0, None);
    for _ in 0..MAX_STEPS {
        if seen == text.len() {
            return pattern[at..].iter().all(|c| *c == '*');
        }
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((back, from)) = star else { return false };
                star = Some((back, from + 1));
                at = back + 1;
                seen = from + 1;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn identity(vendor: &str, product: &str, version: Option<&str>) -> Identity {
        Identity::new(version, Scheme::Numeric).vendor(Some(vendor)).product(Some(product))
    }

    fn nordhall() -> Document {
        Document::parse(include_bytes!("samples/csaf/nha-2099-001.json")).unwrap()
    }

    #[test]
    fn a_maker_is_known_whatever_its_legal_form_and_by_nothing_less_than_its_name() {
        for name in ["Siemens", "SIEMENS AG", "Siemens  A.G."] {
            assert_eq!(firm(name), "siemens");
        }
        assert_eq!(firm("Phoenix Contact GmbH & Co. KG"), "phoenix contact");
        assert!(firm("Siemens Energy") != firm("Siemens"));
        assert!(!identity("Nordhall", "N7-300", Some("1")).is_covered_by(&nordhall()));
    }

    #[test]
    fn an_order_number_fits_before_a_name_and_both_need_the_version() {
        let fit = |product: &str, version| identity("Nordhall Automation AG", product, version).fit(&nordhall(), 0);
        assert_eq!(fit("N7-300-2DI", Some("2.8.3")), Fit::Yes(Confidence::Number));
        assert_eq!(fit("N7-300", Some("V2.8.3")), Fit::Yes(Confidence::Name));
        assert_eq!(fit("N7-300", Some("2.8.4")), Fit::No);
        assert_eq!(fit("N7-300", None), Fit::Undecided(Confidence::NameOnly));
        assert_eq!(fit("N7-300", Some("beta")), Fit::Undecided(Confidence::NameOnly));
        assert_eq!(fit("N7-3000", Some("2.8.3")), Fit::No);
        assert_eq!(identity("Other", "N7-300", Some("2.8.3")).fit(&nordhall(), 0), Fit::No);
        assert_eq!(identity("Nordhall Automation", "N7-100", None).fit(&nordhall(), 2), Fit::Yes(Confidence::Name));
    }

    #[test]
    fn firmware_on_hardware_needs_the_hardware_and_the_version() {
        let document = Document::parse(include_bytes!("samples/csaf/ex-2099-014.json")).unwrap();
        let at = document
            .products
            .iter()
            .position(|product| product.full.contains("<1.6.2 installed on EdgeLink 40"))
            .unwrap();
        let fit =
            |product: &str, version| identity("Rivermark", product, version).fit(&document, u32::try_from(at).unwrap());
        assert_eq!(fit("EdgeLink 40", Some("1.5")), Fit::Yes(Confidence::Name));
        assert_eq!(fit("RM-EL40", Some("1.5")), Fit::Yes(Confidence::Number));
        assert_eq!(fit("EdgeLink 80", Some("1.5")), Fit::No);
        assert_eq!(fit("EdgeLink 40", Some("1.6.2")), Fit::No);
        assert_eq!(fit("EdgeLink 40", None), Fit::Undecided(Confidence::Name));
    }

    #[test]
    fn a_document_without_branches_is_read_by_its_full_names() {
        let mut document = nordhall();
        let product = &mut document.products[0];
        (product.vendor, product.names, product.numbers) = (None, Arc::default(), Box::default());
        product.full = "Nordhall Automation N7-300".into();
        document.products.truncate(1);
        let asset = identity("Nordhall Automation", "N7-300", Some("2.8.3"));
        assert!(asset.is_covered_by(&document));
        assert_eq!(asset.fit(&document, 0), Fit::Yes(Confidence::Name));
        assert!(!identity("Nord", "N7-300", Some("2.8.3")).is_covered_by(&document));
    }

    #[test]
    fn numbers_have_wildcards_that_end() {
        assert!(fits("6ES7 51?-*".replace(' ', "").as_str(), "6ES7515-2AM01"));
        assert!(fits("N7-300", "N7-300") && !fits("N7-300", "N7-3000") && !fits("*", "X") && !fits("?", "X"));
        assert!(!fits(&"*A".repeat(200), &"B".repeat(5_000)));
    }
}
