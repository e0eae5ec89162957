//! The lists of checks and facts as tables for `docs/checks.md`.

use std::fmt::Write;

use super::{Catalog, Check, Fact, Question};
use crate::transport::ssh::Privilege;

impl Catalog {
    /// Every check, pack by pack, then every fact, as Markdown tables.
    #[must_use]
    pub fn reference(&self) -> String {
        let mut text = String::new();
        for (id, pack) in &self.packs {
            let checks: Vec<_> = self.checks.values().filter(|check| check.pack == *id).collect();
            if checks.is_empty() {
                continue;
            }
            writeln!(text, "### {}\n\n{CHECKS}", pack.title).ok();
            for check in checks {
                self.check_row(check, &mut text);
            }
            text.push('\n');
        }
        writeln!(text, "### Facts\n\n{FACTS}").ok();
        for fact in self.facts.values() {
            fact_row(fact, &mut text);
        }
        text
    }

    fn check_row(&self, check: &Check, text: &mut String) {
        let points = self.controls.points_of(&check.controls).into_iter();
        let nis2: Vec<_> = points.filter(|(framework, _)| *framework == "nis2").map(|(_, point)| point).collect();
        let facts: Vec<_> = check.needs.iter().map(|need| format!("`{}`", need.fact)).collect();
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            check.id,
            cell(&check.title),
            check.severity.word(),
            check.impact.word(),
            cell(&check.applies_to.to_string()),
            facts.join(", "),
            nis2.join(", "),
        )
        .ok();
    }
}

const CHECKS: &str = "| check | what holds when it passes | severity | impact | concerns | reads | NIS2 |\n\
                      | --- | --- | --- | --- | --- | --- | --- |";
const FACTS: &str = "| fact | what it is | asked over | root | arguments |\n| --- | --- | --- | --- | --- |";

fn fact_row(fact: &Fact, text: &mut String) {
    let question = fact.ask.standard();
    let root = match question {
        Question::Ssh(question) if question.privilege == Privilege::Sudo => "yes",
        _ => "",
    };
    let arguments: Vec<_> = fact.args.keys().map(|name| format!("`{name}`")).collect();
    let title = cell(&fact.title);
    writeln!(text, "| `{}` | {title} | {} | {root} | {} |", fact.id, question.word(), arguments.join(", ")).ok();
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_and_every_fact_has_one_row() {
        let catalog = Catalog::load(true, &[]).unwrap();
        let text = catalog.reference();
        let rows = |id: &str| text.lines().filter(|line| line.starts_with(&format!("| `{id}` |"))).count();
        assert!(catalog.checks.keys().all(|id| rows(id.as_str()) == 1));
        assert!(catalog.facts.keys().all(|id| rows(id.as_str()) == 1));
    }
}
