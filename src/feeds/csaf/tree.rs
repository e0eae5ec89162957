//! The product tree: every branch walked from its root, every relationship followed to its parts.

use std::collections::{BTreeMap, BTreeSet};

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
    pub vendor: Option<Box<str>>,
    /// Families and product names on the way to it, outermost first.
    pub names: Vec<Box<str>>,
    /// Its full name, for people and as a name of last resort.
    pub full: Box<str>,
    /// Its versions.
    pub range: Range,
    /// Model numbers and order numbers, with `*` and `?`.
    pub numbers: Vec<Box<str>>,
    /// Serial numbers, with `*` and `?`.
    pub serials: Vec<Box<str>>,
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
    places: BTreeMap<String, u32>,
}

type Planted = (Vec<Product>, BTreeMap<String, u32>, BTreeMap<String, BTreeSet<u32>>);

/// The products, their places by id, and the members of groups.
pub(super) fn plant(tree: ProductTree) -> Result<Planted, FeedError> {
    let mut planting = Planting::default();
    for branch in &tree.branches {
        planting.walk(branch, &Path::default())?;
    }
    for name in &tree.full_product_names {
        planting.add(name, &Path::default(), None)?;
    }
    // a relationship may be defined before what it refers to
    let mut open = Vec::new();
    for one in &tree.relationships {
        let place = planting.add(&one.full_product_name, &Path::default(), None)?;
        open.push((place, one));
    }
    for (place, one) in open {
        let refer = |id: &String| {
            let known = planting.places.get(id).copied();
            known.ok_or_else(|| FeedError::Shape(format!("product {:?} is used and nowhere defined", guard::line(id))))
        };
        let whole = Whole {
            part: refer(&one.product_reference)?,
            base: refer(&one.relates_to_product_reference)?,
            is_installed: matches!(one.category.as_str(), "installed_on" | "installed_with"),
        };
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

/// What was passed on the way from the root.
#[derive(Clone, Default)]
struct Path {
    vendor: Option<Box<str>>,
    names: Vec<Box<str>>,
    range: Option<Range>,
}

impl Planting {
    fn walk(&mut self, branch: &Branch, path: &Path) -> Result<(), FeedError> {
        let mut path = path.clone();
        let name: Box<str> = guard::line(&branch.name).into();
        match branch.category.as_str() {
            "vendor" => path.vendor = Some(name),
            "product_family" | "product_name" => path.names.push(name),
            "product_version" => path.range = Some(Range::exactly(&branch.name)),
            "product_version_range" => path.range = Some(Range::parse(&branch.name)),
            _ => {}
        }
        if let Some(product) = &branch.product {
            self.add(product, &path, path.range.clone())?;
        }
        // the depth of the tree is bounded by that of the JSON text
        branch.branches.iter().try_for_each(|branch| self.walk(branch, &path))
    }

    fn add(&mut self, name: &FullName, path: &Path, range: Option<Range>) -> Result<u32, FeedError> {
        let place = u32::try_from(self.products.len()).unwrap_or(u32::MAX);
        if self.products.len() >= MAX_PRODUCTS {
            return Err(FeedError::Shape(format!("it has more than {MAX_PRODUCTS} products")));
        }
        if self.places.insert(name.product_id.clone(), place).is_some() {
            return Err(FeedError::Shape(format!("product {:?} is defined twice", guard::line(&name.product_id))));
        }
        let helper = name.product_identification_helper.as_ref();
        let lines = |texts: Vec<&String>| texts.into_iter().map(|text| guard::line(text).into()).collect();
        let numbers = helper.map(|helper| helper.model_numbers.iter().chain(&helper.skus).collect());
        self.products.push(Product {
            vendor: path.vendor.clone(),
            names: path.names.clone(),
            full: guard::line(&name.name).into(),
            range: range.unwrap_or(Range::Unstated),
            numbers: lines(numbers.unwrap_or_default()),
            serials: lines(helper.map(|helper| helper.serial_numbers.iter().collect()).unwrap_or_default()),
            whole: None,
        });
        Ok(place)
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
