//! Files against each other: no device may be claimed by two.

use std::collections::BTreeMap;

use super::file::ProductDraft;
use super::{Prefix, Product};
use crate::model::Problems;

/// Most product files; more is a folder given by mistake.
const MOST_FILES: usize = 2_000;

/// Notes every file that cannot be told from another with the same prefix.
pub(in crate::catalog) fn refuse_overlaps(drafts: &[&ProductDraft], problems: &mut Problems) {
    if let Some(beyond) = drafts.get(MOST_FILES) {
        problems.push(beyond.document.wrong(&[], format!("more than {MOST_FILES} product files")));
        return;
    }
    let mut by_prefix: BTreeMap<&Prefix, Vec<&ProductDraft>> = BTreeMap::new();
    for draft in drafts {
        for prefix in &draft.product.prefixes {
            by_prefix.entry(prefix).or_default().push(draft);
        }
    }
    for (_, same) in by_prefix {
        for (at, draft) in same.iter().enumerate() {
            for earlier in &same[..at] {
                if let Some((key, message)) = clash(&earlier.product, &draft.product) {
                    problems.push(draft.document.wrong(&[key.into()], message));
                }
            }
        }
    }
}

/// What makes two files with one prefix claim the same device, and the key to blame.
fn clash(earlier: &Product, later: &Product) -> Option<(&'static str, String)> {
    let origin = &earlier.origin;
    if earlier.descr == later.descr && earlier.probe == later.probe {
        let message = format!("{origin} claims the same devices; tell them apart with `descr` or `probe`");
        return Some(("sys_object_id", message));
    }
    let (Some(one), Some(other)) = (&earlier.descr, &later.descr) else { return None };
    if earlier.probe.is_some() != later.probe.is_some() {
        return None;
    }
    let examples = earlier.examples.iter().chain(&later.examples);
    let both = |text: &&str| one.regex().is_match(text) && other.regex().is_match(text);
    let text = examples.map(|example| example.text.as_str()).find(both)?;
    Some(("descr", format!("it matches {text:?}, and so does that of {origin}")))
}
