//! The product tree: every branch walked from its root, every relationship followed to its parts.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::file::{Branch, FullName, ProductTree};
use crate::feeds::range::Range;
use crate::feeds::{FeedError, guard};

/// Most products of one document, relationships included.
const MAX_PRODUCTS: usize = 200_000;
/// Longest chain of relationships.
const MAX_CHAIN: usize = 8;

/// One product of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Its maker, where a branch names one.
    pub vendor: Option<Arc<str>>,
    /// Families and product names on the way to it, outermost first; shared with its neighbours.
    pub names: Arc<[Arc<str>]>,
    /// Its full name, as a name of last resort; empty where the way to it says all that matching asks for.
    pub full: Box<str>,
    /// Its versions.
    pub range: Range,
    /// Model numbers and order numbers, with `*` and `?`.
    pub numbers: Box<[Box<str>]>,
    /// Serial numbers, with `*` and `?`.
    pub serials: Box<[Box<str>]>,
    /// What it is put together from, where it is a relationship.
    pub whole: Option<Whole>,
}

/// A product that is two: both must fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// Place of what is installed or contained.
    pub part: u32,
    /// Place of what it is installed on or contained in.
    pub base: u32,
    /// Whether the part runs the base (`installed_on`), so that the version of the one is that of the other; a component
    /// has a version of its own that nobody reads.
    pub is_installed: bool,
}

#[derive(Default)]
struct Planting {
    products: Vec<Product>,
    places: HashMap<String, u32>,
}

type Planted = (Vec<Product>, HashMap<String, u32>, BTreeMap<String, BTreeSet<u32>>);

/// The products, their places by id, and the members of groups.
pub(super) fn plant(tree: ProductTree) -> Result<Planted, FeedError> {
    let mut planting = Planting::default();
    for branch in tree.branches {
        planting.walk(branch, &Path::default())?;
    }
    for name in tree.full_product_names {
        planting.add(name, &Path::default(), None)?;
    }
    // a relationship may be defined before what it refers to
    let mut open = Vec::new();
    for one in tree.relationships {
        let place = planting.add(one.full_product_name, &Path::default(), None)?;
        open.push((place, one.category, one.product_reference, one.relates_to_product_reference));
    }
    for (place, category, part, base) in open {
        let refer = |id: &String| {
            let known = planting.places.get(id).copied();
            known.ok_or_else(|| FeedError::Shape(format!("product {:?} is used and nowhere defined", guard::line(id))))
        };
        let is_installed = matches!(category.as_str(), "installed_on" | "installed_with");
        let whole = Whole { part: refer(&part)?, base: refer(&base)?, is_installed };
        planting.products[place as usize].whole = Some(whole);
    }
    (0..planting.products.len()).try_for_each(|at| planting.ends(at, MAX_CHAIN))?;
    let mut groups = BTreeMap::new();
    for group in tree.product_groups {
        let members = group.product_ids.iter().filter_map(|id| planting.places.get(id).copied());
        groups.insert(group.group_id, members.collect());
    }
    Ok((planting.products, planting.places, groups))
}

fn lines<'t>(texts: impl Iterator<Item = &'t String>) -> Box<[Box<str>]> {
    texts.map(|text| guard::line(text).into()).collect()
}

/// What was passed on the way from the root.
#[derive(Clone, Default)]
struct Path {
    vendor: Option<Arc<str>>,
    names: Arc<[Arc<str>]>,
    range: Option<Range>,
}

impl Planting {
    /// Takes the tree apart as it goes, so that it and what becomes of it are not there both at once.
    fn walk(&mut self, branch: Branch, path: &Path) -> Result<(), FeedError> {
        let mut path = path.clone();
        let name = || Arc::from(guard::line(&branch.name));
        match branch.category.as_str() {
            "vendor" => path.vendor = Some(name()),
            "product_family" | "product_name" => {
                path.names = path.names.iter().cloned().chain([name()]).collect();
            }
            "product_version" => path.range = Some(Range::exactly(&branch.name)),
            "product_version_range" => path.range = Some(Range::parse(&branch.name)),
            _ => {}
        }
        if let Some(product) = branch.product {
            self.add(product, &path, path.range.clone())?;
        }
        // the depth of the tree is bounded by that of the JSON text
        branch.branches.into_iter().try_for_each(|branch| self.walk(branch, &path))
    }

    fn add(&mut self, name: FullName, path: &Path, range: Option<Range>) -> Result<u32, FeedError> {
        let place = u32::try_from(self.products.len()).unwrap_or(u32::MAX);
        if self.products.len() >= MAX_PRODUCTS {
            return Err(FeedError::Shape(format!("it has more than {MAX_PRODUCTS} products")));
        }
        let helper = name.product_identification_helper.unwrap_or_default();
        let full = guard::line(&name.name);
        // a document may have hundreds of thousands of products, and most full names repeat what the branches say
        let says_all = path.vendor.is_some() && !path.names.is_empty() && !full.to_lowercase().contains("firmware");
        self.products.push(Product {
            vendor: path.vendor.clone(),
            names: Arc::clone(&path.names),
            full: if says_all { Box::default() } else { full.into() },
            range: range.unwrap_or(Range::Unstated),
            numbers: lines(helper.model_numbers.iter().chain(&helper.skus)),
            serials: lines(helper.serial_numbers.iter()),
            whole: None,
        });
        match self.places.entry(name.product_id) {
            Entry::Occupied(known) => {
                Err(FeedError::Shape(format!("product {:?} is defined twice", guard::line(known.key()))))
            }
            Entry::Vacant(free) => Ok(*free.insert(place)),
        }
    }

    /// Whether a product is put together from a bounded number of others, none of them itself.
    fn ends(&self, at: usize, left: usize) -> Result<(), FeedError> {
        let product = &self.products[at];
        let Some(whole) = product.whole else { return Ok(()) };
        if left == 0 {
            let name = &product.full;
            return Err(FeedError::Shape(format!("the relationships of {name:?} go in a circle or on without end")));
        }
        self.ends(whole.part as usize, left - 1)?;
        self.ends(whole.base as usize, left - 1)
    }
}
