//! What a device is, by data: a product file names the sysObjectID of a family and the places where its devices keep
//! model, version and serial number.
//!
//! First the system group is asked; it picks the files, and those say what else to ask, so that a device is only ever
//! asked for objects of its own maker. A field without an anchored place is left out: a wrong version is worse than
//! none. Everything here is pure; the answers come from `transport::snmp` or a recording.

mod answers;
mod file;
mod identify;
mod join;
mod place;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer};

pub(super) use file::{LARGEST_FILE, ProductDraft, read};
pub(super) use join::refuse_overlaps;
pub use text::identity_text;

use crate::model::{Reading, Varbind};
use crate::rule::Pattern;
use crate::rule::version::Scheme;
use crate::transport::snmp;
use answers::Answers;
use place::{Place, Probe};

/// `sysDescr.0`.
pub(super) const DESCR: &str = "1.3.6.1.2.1.1.1.0";
/// `sysObjectID.0`.
pub(super) const OBJECT_ID: &str = "1.3.6.1.2.1.1.2.0";
/// Most objects that one device is asked for beside the system group: three datagrams.
const MOST_OBJECTS: usize = 30;

/// The first question to every device.
static SYSTEM: LazyLock<snmp::Question> =
    LazyLock::new(|| snmp::Question { get: vec![DESCR.into(), OBJECT_ID.into()], walk: Vec::new() });

/// One thing that a device is asked about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// Its maker.
    Vendor,
    /// Its operating system.
    Os,
    /// What the maker calls it.
    Model,
    /// The release of its firmware.
    Version,
    /// Its serial number.
    Serial,
}

impl Field {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [Self::Vendor, Self::Os, Self::Model, Self::Version, Self::Serial];

    /// The key in a product file and in the fact, and the name of the group in its patterns.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Os => "os",
            Self::Model => "model",
            Self::Version => "version",
            Self::Serial => "serial",
        }
    }
}

/// How a file tells one field.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// By itself: whatever device it fits has this.
    Fixed(Arc<str>),
    /// From the first of these places whose pattern matches.
    Places(Vec<Place>),
}

/// Which sysObjectIDs a file is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Prefix {
    /// Every one: the last resort.
    Any,
    /// This one and all below it, dotted, whole numbers only.
    Below(Box<str>),
}

impl Prefix {
    /// How many numbers fit; `None` when it is another branch.
    fn fits(&self, object_id: &str) -> Option<usize> {
        match self {
            Self::Any => Some(0),
            Self::Below(prefix) => {
                let rest = object_id.strip_prefix(&**prefix)?;
                (rest.is_empty() || rest.starts_with('.')).then(|| prefix.split('.').count())
            }
        }
    }
}

/// One family of products: how its devices are known, and where they keep what they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Name of the file.
    pub id: Arc<str>,
    /// Name of the family, for people; empty for the file that is about every device.
    pub family: Box<str>,
    /// The file it came from.
    pub origin: Arc<str>,
    prefixes: Vec<Prefix>,
    descr: Option<Pattern>,
    probe: Option<Probe>,
    rules: Vec<(Field, Rule)>,
    scheme: Option<Scheme>,
    examples: Vec<file::Example>,
}

impl Product {
    fn rule(&self, field: Field) -> Option<&Rule> {
        self.rules.iter().find_map(|(of, rule)| (*of == field).then_some(rule))
    }

    fn places(&self, field: Field) -> &[Place] {
        match self.rule(field) {
            Some(Rule::Places(places)) => places,
            _ => &[],
        }
    }

    /// Whether the file has a rule for versions that no example shows at work.
    pub(super) fn lacks_example(&self) -> bool {
        !self.places(Field::Version).is_empty() && self.examples.is_empty()
    }
}

/// Every product file; cheap to clone. Written as `{}` in a fact file, the catalogue fills it in.
#[derive(Clone, Default, PartialEq)]
pub struct Products(Arc<[Arc<Product>]>);

impl Products {
    pub(super) fn new(list: impl IntoIterator<Item = Product>) -> Self {
        Self(list.into_iter().map(Arc::new).collect())
    }

    /// The files, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Product> {
        self.0.iter().map(|product| &**product)
    }

    /// What every device is asked first.
    #[must_use]
    pub fn first_question(&self) -> &'static snmp::Question {
        &SYSTEM
    }

    /// What a device is asked next, by what it answered first; at most thirty objects, all of them its maker's or
    /// of a public MIB. `None` when nothing it said leads anywhere.
    #[must_use]
    pub fn next_question(&self, first: &[Varbind]) -> Option<snmp::Question> {
        let get: Vec<String> = self.candidates(&Answers::new(first)).into_iter().flat_map(|one| one.objects).collect();
        (!get.is_empty()).then_some(snmp::Question { get, walk: Vec::new() })
    }

    /// What the device is, from all that it answered: `vendor`, `family`, `os`, `model`, `version`, `serial`, `scheme`
    /// (how its versions are ordered) and `source` (the object behind each), as far as an anchored text says so.
    /// Missing when it shows nothing of its system group.
    #[must_use]
    pub fn identify(&self, binds: &[Varbind]) -> Reading {
        identify::identify(self, &Answers::new(binds))
    }
}

impl fmt::Debug for Products {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} product files", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Products {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        Nothing::deserialize(deserializer).map(|Nothing {}| Self::default())
    }
}
