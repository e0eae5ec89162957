//! From the facts of a check to what its judgement leaves for lists over the whole plant (`lists:` of a check).
//!
//! Only what is known is listed: without the fact there is no list, which is not the same as an empty one.

use super::{FactIndex, PlannedAsset, PlannedCheck};
use crate::catalog::Lists;
use crate::model::{Certificate, Listed, MOST_LISTED, Reading, Time, Value, Vulnerability};
use crate::rule::split_fact;

/// Longest id, subject or name, in characters; documents and certificates are foreign words.
const LONGEST: usize = 100;

/// What a check leaves for lists; none where it leaves nothing or its fact is not known.
pub(super) fn of<'r>(
    planned: &PlannedAsset,
    one: &PlannedCheck,
    reading: &dyn Fn(FactIndex) -> Option<&'r Reading>,
) -> Option<Listed> {
    let lists = one.check.lists.as_ref()?;
    let id = |at: FactIndex| planned.facts[usize::from(at)].fact.id.as_str();
    let (fact, path) = split_fact(lists.of(), |name| one.facts.iter().any(|at| id(*at) == name))?;
    let at = one.facts.iter().find(|at| id(**at) == fact)?;
    let Reading::Known(value) = reading(*at)? else { return None };
    let value = if path.is_empty() { value } else { value.at(path)? };
    Some(match lists {
        Lists::Vulnerabilities(_) => vulnerabilities(value),
        Lists::Certificates(_) => certificates(value),
    })
}

fn text(value: &Value, field: &str) -> Option<String> {
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    value.get(field).and_then(Value::as_text).map(clean)
}

fn rows<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value.get(field).and_then(Value::as_list).unwrap_or_default().iter()
}

fn vulnerabilities(value: &Value) -> Listed {
    let row = |row: &Value, certain: bool| {
        Some(Vulnerability {
            id: text(row, "id")?,
            advisory: text(row, "advisory").unwrap_or_default(),
            confidence: text(row, "confidence").unwrap_or_default(),
            certain,
            severity: text(row, "severity").unwrap_or_default(),
            exploited: row.get("ransomware").is_some(),
            ransomware: row.get("ransomware") == Some(&Value::Bool(true)),
            due: text(row, "due"),
        })
    };
    let open = rows(value, "rows").filter_map(|one| row(one, true));
    let mut all: Vec<_> = open.chain(rows(value, "undecided").filter_map(|one| row(one, false))).collect();
    let severity = |word: &str| ["critical", "high"].iter().position(|known| *known == word).unwrap_or(2);
    all.sort_by_cached_key(|one| (!one.exploited, !one.certain, severity(&one.severity), one.id.clone()));
    let total = all.len();
    all.truncate(MOST_LISTED);
    Listed::Vulnerabilities { product: text(value, "product").unwrap_or_default(), total, rows: all }
}

fn certificates(value: &Value) -> Listed {
    let row = |row: &Value| {
        let ends = chrono::DateTime::parse_from_rfc3339(row.get("not_after")?.as_text()?).ok()?;
        let port = match row.get("port") {
            Some(Value::Int(port)) => u16::try_from(*port).ok(),
            _ => None,
        };
        Some(Certificate { subject: text(row, "subject").unwrap_or_default(), port, ends: Time::from(ends) })
    };
    let mut all: Vec<_> = value.as_list().unwrap_or_default().iter().filter_map(row).collect();
    all.sort_by_key(|one| one.ends);
    let total = all.len();
    all.truncate(MOST_LISTED);
    Listed::Certificates { total, rows: all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exploited_stands_first_and_the_total_tells_of_what_was_cut() {
        let row = |id: String, more: &[(&str, Value)]| {
            let fields = [("id", Value::from(id)), ("severity", Value::text("critical"))];
            Value::map(fields.into_iter().chain(more.iter().cloned()))
        };
        let many = (0..60).map(|at| row(format!("CVE-{at:03}"), &[]));
        let exploited =
            row("CVE-999\u{7}".into(), &[("ransomware", Value::Bool(false)), ("due", Value::text("2099-06-01"))]);
        let fact = Value::map([
            ("product", Value::text("Rivermark EdgeLink 40 1.5")),
            ("rows", Value::list(many)),
            ("undecided", Value::list([exploited])),
        ]);
        let Listed::Vulnerabilities { product, total, rows } = vulnerabilities(&fact) else { panic!() };
        assert_eq!((product.as_str(), total, rows.len()), ("Rivermark EdgeLink 40 1.5", 61, MOST_LISTED));
        let first = &rows[0];
        assert_eq!((first.id.as_str(), first.exploited, first.ransomware), ("CVE-999", true, false));
        assert_eq!((first.certain, first.due.as_deref()), (false, Some("2099-06-01")));
    }

    #[test]
    fn a_port_without_a_certificate_is_no_row() {
        let service = |port: i64, end: Option<&str>| {
            let end = end.map(|end| ("not_after", Value::text(end)));
            Value::map([("port", Value::Int(port)), ("subject", Value::text("CN=plc"))].into_iter().chain(end))
        };
        let fact = Value::list([
            service(443, Some("2099-02-01T00:00:00Z")),
            service(636, None),
            service(8443, Some("2099-01-01T00:00:00Z")),
        ]);
        let Listed::Certificates { total, rows } = certificates(&fact) else { panic!() };
        assert_eq!((total, rows.iter().map(|one| one.port).collect::<Vec<_>>()), (2, vec![Some(8443), Some(443)]));
    }
}
