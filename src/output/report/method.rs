//! How the numbers came about and what they do not show, in sentences that stand in every report.

use super::assemble::Material;
use super::pairs::Row;
use super::{plural, shown};

/// What holds for every report.
const ALWAYS: [&str; 9] = [
    "A check gives evidence for a point of the directive; it does not prove that the point is fulfilled. Whether the evidence is \
     enough is for people to decide.",
    "A control has current evidence when at least one pair of an asset and a check speaks for or against it: pass, warn, fail or \
     waived. An unknown is no evidence, nor is a check that does not concern an asset.",
    "Scores are shares of the pairs that concern their asset. Unknown counts as not met in both. The gross score leaves waived \
     findings out of what is met, the net score counts them in.",
    "Time in compliance is the share of the watched time in which a pair was pass or warn, by the transitions of the ledger. \
     Unknown is watched time in which nothing was met; time before a pair was first judged, and after it left the plan, is not \
     watched. While the daemon does not run, the last state counts on until it is replaced or grows stale.",
    "A judgement older than two intervals of its schedule is shown as unknown (stale), also when no daemon ran to say so.",
    "Drift is a state that was good (pass, warn or waived) and became fail or unknown.",
    "Records are numbers of the hash-chained ledger: nis2watch ledger verify proves them, nis2watch ledger export prints them. \
     Answers are named by the SHA-256 of what the device said.",
    "Known vulnerabilities are those that the advisories in the feed folder named when the asset was last judged before the end of the \
     period. An asset of whose maker no advisory speaks is unknown, not free of them.",
    "Waivers, attestations, suppliers and incidents are those on file when the report was made, reckoned at the end of the period.",
];

/// The sentences of one report.
pub(super) fn method(material: &Material<'_>, rows: &[Row]) -> Vec<String> {
    let mut said: Vec<String> = ALWAYS.iter().map(|sentence| (*sentence).to_owned()).collect();
    match material.kept.changes.iter().map(|change| change.at).min() {
        Some(first) if first > material.period.from => said.push(format!(
            "The ledger knows of nothing before {}; the period began earlier, and that time is not watched.",
            shown(first)
        )),
        Some(_) => {}
        None => said.push("The ledger knows of no change of any pair: nothing was ever judged.".to_owned()),
    }
    let strangers = rows.iter().filter(|row| !row.planned).count();
    if strangers > 0 {
        said.push(format!(
            "{} in the store {} not in this configuration (fetched target lists, or a configuration that the daemon has not yet \
             loaded) and counted as the store has them.",
            plural(strangers, "pair"),
            if strangers == 1 { "is" } else { "are" }
        ));
    }
    if material.target_lists > 0 {
        said.push(format!(
            "{} fetched by the daemon only: what it has never judged of them is not in this report.",
            if material.target_lists == 1 {
                "1 target list is".to_owned()
            } else {
                format!("{} target lists are", material.target_lists)
            }
        ));
    }
    said.extend(
        material.book.complaints().iter().map(|complaint| format!("The ledger could not be followed: {complaint}.")),
    );
    said
}
