//! One check, printed for a person: what is asked of whom, what decides, and what to do about it.

use std::fmt::Write as _;

use super::{Catalog, Check, Fact, Question};
use crate::model::CheckId;
use crate::model::document::{Data, Node};

/// Keys of a check file that hold matchers, in the order they are tried.
const RULE_PARTS: [&str; 4] = ["not_applicable_when", "requires", "assert", "warn"];

impl Catalog {
    /// The check in words; `None` when there is no such check.
    #[must_use]
    pub fn explain(&self, id: &CheckId) -> Option<String> {
        let check = self.checks.get(id)?;
        let mut text = String::new();
        // writing to a String cannot fail
        let _ = self.write(check, &mut text);
        Some(text)
    }

    fn write(&self, check: &Check, out: &mut String) -> std::fmt::Result {
        writeln!(out, "{}\n{}\n", check.title, "=".repeat(check.title.chars().count().min(100)))?;
        writeln!(out, "check      {} version {}, pack {}", check.id, check.version, check.pack)?;
        writeln!(out, "severity   {}, impact {}, schedule {}", check.severity, check.impact, check.schedule)?;
        writeln!(out, "concerns   {}", check.applies_to)?;
        for (name, line) in [("why", &check.rationale), ("fix", &check.fix), ("limits", &check.proves)] {
            if !line.is_empty() {
                writeln!(out, "{name:<10} {line}")?;
            }
        }
        self.write_questions(check, out)?;
        write_rule(check, out)?;
        write_params(check, out)?;
        self.write_controls(check, out)
    }

    fn write_questions(&self, check: &Check, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nWhat is asked")?;
        for fact in self.facts_of(check) {
            writeln!(out, "  {}: {}", fact.id, fact.title)?;
            let question = asked(check, fact);
            write_question(&question, out)?;
            write_cost(fact, out)?;
        }
        for id in &check.needs_checks {
            writeln!(out, "  the verdict of {id} on the same asset")?;
        }
        Ok(())
    }

    fn write_controls(&self, check: &Check, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nGives evidence for (touches the same subject, does not prove it)")?;
        for control in check.controls.iter().filter_map(|id| self.controls.get(id)) {
            writeln!(out, "  {} {}", control.id, control.title)?;
            for (framework, points) in control.refs.by_framework() {
                if !points.is_empty() {
                    writeln!(out, "    {framework:<14} {}", points.join(", "))?;
                }
            }
        }
        Ok(())
    }
}

/// The question with the default parameters of the check; what only an asset can tell stays at the fact's default.
fn asked(check: &Check, fact: &Fact) -> Question {
    let standard = fact.ask.standard().clone();
    let Some(need) = check.needs.iter().find(|need| need.fact == fact.id) else { return standard };
    let mut arguments = fact.args.clone();
    for (name, value) in &need.with {
        match value.as_text().and_then(|text| text.split_once('.')) {
            Some(("params", param)) => {
                arguments.extend(check.params.get(param).map(|value| (name.clone(), value.clone())));
            }
            Some(("asset", _)) => {}
            _ => drop(arguments.insert(name.clone(), value.clone())),
        }
    }
    fact.ask.bind(&arguments).unwrap_or(standard)
}

/// One line; a command that is longer is printed whole, because it is what the host will run.
fn write_question(question: &Question, out: &mut String) -> std::fmt::Result {
    let script = match question {
        Question::Ssh(command) => &*command.run,
        Question::Powershell(script) => script.run.text(),
        _ => "",
    };
    if script.trim().contains('\n') {
        writeln!(out, "    over {}:", question.word())?;
        return script.trim_end().lines().try_for_each(|line| writeln!(out, "      | {line}"));
    }
    writeln!(out, "    over {}: {question}", question.word())
}

fn write_cost(fact: &Fact, out: &mut String) -> std::fmt::Result {
    match fact.ask.standard() {
        Question::Ssh(question) if question.privilege == crate::transport::ssh::Privilege::Sudo => {
            writeln!(out, "    needs root, by sudo, doas or the collector")?;
        }
        _ => {}
    }
    if !fact.touches_the_wire() {
        return writeln!(out, "    costs the device nothing: it is computed");
    }
    let budget = fact.budget;
    writeln!(
        out,
        "    costs at most: questions {}, further connections {}, bytes {}",
        budget.questions, budget.connections, budget.bytes
    )
}

fn write_rule(check: &Check, out: &mut String) -> std::fmt::Result {
    let titles = ["Not applicable when any of", "Unknown unless all of", "Fails unless all of", "Warns unless all of"];
    for (part, title) in RULE_PARTS.iter().zip(titles) {
        let mut said = check.sentences.iter().filter(|(key, _)| key == part).peekable();
        if said.peek().is_some() {
            writeln!(out, "\n{title}")?;
            said.try_for_each(|(_, sentence)| writeln!(out, "  - {sentence}"))?;
        }
    }
    Ok(())
}

fn write_params(check: &Check, out: &mut String) -> std::fmt::Result {
    if check.params.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nParameters (limits are set by your policy, not by the directive)")?;
    for (name, default) in &check.params {
        write!(out, "  {name} = {default}")?;
        for (profile, params) in &check.params_by_profile {
            if let Some(value) = params.get(name) {
                write!(out, "; {profile}: {value}")?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Every matcher of a check file in words, with the key it stands under.
pub(super) fn sentences(root: &Node) -> Vec<(&'static str, String)> {
    let matchers = |part: &&'static str| {
        let part = *part;
        let node = root.get(part).filter(|node| node.data != Data::Null)?;
        let said: Vec<(&'static str, String)> = match &node.data {
            Data::List(items) => items.iter().map(|(_, item)| (part, sentence(item))).collect(),
            _ => vec![(part, sentence(node))],
        };
        Some(said)
    };
    RULE_PARTS.iter().filter_map(matchers).flatten().collect()
}

/// One matcher: its subject, then operators and guards as they are called.
fn sentence(matcher: &Node) -> String {
    let (mut subject, mut field) = (String::new(), String::new());
    let (mut tests, mut guards) = (Vec::new(), Vec::new());
    for entry in matcher.entries() {
        let words = words(&entry.node);
        match entry.key.as_str() {
            "say" | "absent" | "cause" => {}
            "fact" => subject = words,
            "expr" => tests.push(words),
            "field" => field = words,
            "all" | "any" | "none" => {
                let inner: Vec<String> = entry.node.items().iter().map(|(_, item)| sentence(item)).collect();
                tests.push(format!("{} of: {}", entry.key, inner.join("; ")));
            }
            "when" => guards.push(format!("when {}", sentence(&entry.node))),
            "where" | "where_not" | "except" | "scheme" => {
                guards.push(format!("{} {words}", entry.key.replace('_', " ")));
            }
            operator => tests.push(format!("{} {words}", operator.replace('_', " "))),
        }
    }
    if !field.is_empty() {
        subject = format!("{field} of {subject}");
    }
    let parts = std::iter::once(subject).chain(tests).chain(guards);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn words(node: &Node) -> String {
    match &node.data {
        Data::List(items) => format!("[{}]", items.iter().map(|(_, item)| words(item)).collect::<Vec<_>>().join(", ")),
        Data::Map(entries) => {
            let pairs: Vec<String> =
                entries.iter().map(|entry| format!("{}: {}", entry.key, words(&entry.node))).collect();
            pairs.join(", ")
        }
        Data::Null => "nothing".to_owned(),
        _ => node.as_text().unwrap_or_default().to_owned(),
    }
}
