//! What the supplier register says, and until when products are supported.

use super::{missing, texts};
use crate::duties::supplier::Supplier;
use crate::duties::{Book, end_of};
use crate::feeds::{Lifecycle, Phase};
use crate::model::{Asset, Kind, Reading, SubjectClass, Time, Value, whole_days};

/// The entry behind an asset that stands for a supplier.
fn entry<'b>(asset: &Asset, book: &'b Book) -> Option<&'b Supplier> {
    let id = asset.id.as_str();
    book.papers().supplier(id.strip_prefix("supplier:").unwrap_or(id))
}

/// For a supplier its entry; for the organisation which assets name none, or one that is not there.
pub(super) fn register(asset: &Asset, book: &Book, now: Time) -> Reading {
    if book.papers().config.suppliers.is_empty() {
        return missing("no supplier register is kept; give it under duties: { suppliers: … }".into());
    }
    if asset.kind != Kind::Org {
        return entry(asset, book).map_or_else(
            || missing(format!("{} is not in the supplier register", asset.id)),
            |supplier| Reading::Known(supplier.fact(now)),
        );
    }
    let devices = book.plant().assets.iter().filter(|asset| asset.kind.class() == SubjectClass::Device);
    let (named, unnamed): (Vec<_>, Vec<_>) = devices.partition(|asset| asset.supplier.is_some());
    let strangers = named
        .iter()
        .filter(|asset| asset.supplier.as_deref().is_some_and(|supplier| book.papers().supplier(supplier).is_none()));
    Reading::Known(Value::map([
        ("count", Value::Int(i64::try_from(book.papers().suppliers.len()).unwrap_or(i64::MAX))),
        ("unnamed", texts(unnamed.iter().map(|asset| asset.id.as_str()))),
        ("unknown", texts(strangers.map(|asset| asset.id.as_str()))),
    ]))
}

/// The contract of a supplier as the register has it.
pub(super) fn contract(asset: &Asset, book: &Book, now: Time) -> Reading {
    let Some(supplier) = entry(asset, book) else {
        return missing(format!("{} is not in the supplier register", asset.id));
    };
    if supplier.clauses.is_empty() {
        return missing(format!(
            "the supplier register says nothing of the contract with {}; add clauses:",
            supplier.id
        ));
    }
    let days = supplier.contract_end.and_then(end_of).map(|end| ("contract_days", Value::Float(whole_days(now, end))));
    let fields =
        [("settled", supplier.settled()), ("reasons", supplier.reasons()), ("unreasoned", supplier.unreasoned())];
    Reading::Known(Value::map(fields.into_iter().chain(days)))
}

/// Until when a product is supported: by the asset itself, else by the product of its supplier, else by the lifecycle table.
/// Where nobody says, the one row tells that it is not known, so that the store remembers since when.
pub(super) fn support(asset: &Asset, book: &Book, lifecycle: &Lifecycle, now: Time) -> Reading {
    let of_asset = asset.support_end.map(|day| (day, "inventory".to_owned()));
    let known = of_asset.or_else(|| by_register(asset, book)).or_else(|| by_lifecycle(asset, lifecycle));
    let Some((day, source)) = known else {
        let gap = Value::map([("gap", Value::text("support_end"))]);
        return Reading::Known(Value::map([("dated", Value::Bool(false)), ("rows", Value::list([gap]))]));
    };
    let Some(end) = end_of(day) else { return missing(format!("{day} is beyond the calendar")) };
    Reading::Known(Value::map([
        ("dated", Value::Bool(true)),
        ("end", Value::text(day.to_string())),
        ("days_left", Value::Float(whole_days(now, end))),
        ("source", Value::from(source)),
        ("rows", Value::list([])),
    ]))
}

fn by_register(asset: &Asset, book: &Book) -> Option<(chrono::NaiveDate, String)> {
    let supplier = book.papers().supplier(asset.supplier.as_deref()?)?;
    let product = supplier.product(asset.product.as_deref()?)?;
    let source = product.source.as_deref().map_or(String::new(), |source| format!(": {source}"));
    Some((product.support_end?, format!("supplier register{source}")))
}

fn by_lifecycle(asset: &Asset, lifecycle: &Lifecycle) -> Option<(chrono::NaiveDate, String)> {
    let (_, cycle) = lifecycle.find(asset.product.as_deref()?, asset.version.as_deref()?)?;
    match cycle.eol {
        Phase::Ends(day) => Some((day, "lifecycle table".to_owned())),
        Phase::Unknown | Phase::Open | Phase::Ended => None,
    }
}
