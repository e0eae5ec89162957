//! What is wrong with files that people write: every mistake with its place, all of them in one report.
//!
//! A report quotes the line it speaks about, except where that line could hold a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Longest excerpt of a source line, in characters.
const LONGEST_EXCERPT: usize = 160;
/// A line that mentions one of these is never quoted: it may hold a secret, also under a misspelt key.
const CONFIDENTIAL: [&str; 8] = ["pass", "secret", "commun", "token", "priv", "auth", "credential", "phrase"];
/// A section of a file that is never quoted, whatever its lines say.
const CONFIDENTIAL_SECTION: &str = "credentials";

/// One mistake in a file, or in the environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file; for other places what a person would call them (`environment`).
    pub file: PathBuf,
    /// Line, counted from 1, where known.
    pub line: Option<usize>,
    /// Column in characters, counted from 1, where known.
    pub column: Option<usize>,
    /// Path of the key (`zones[1].role`), where there is one.
    pub key: Option<String>,
    /// What is wrong, in one line and without secrets.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A mistake in a file; the builder methods add the place.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None, key: None, message: message.into(), hint: None }
    }

    /// Adds line and column, both counted from 1; a line of 0 means unknown.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        (self.line, self.column) = if line == 0 { (None, None) } else { (Some(line), Some(column.max(1))) };
        self
    }

    /// Adds the path of the key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into()).filter(|key: &String| !key.is_empty());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds "did you mean …?" when one of `known` is close to `word`.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(word, known) {
            Some(close) => self.hint(format!("did you mean {close:?}?")),
            None => self,
        }
    }
}

/// `file:line:column: key: message`, without excerpt and hint.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Mistakes of any number of files. `Display` prints them all, in the order of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    sources: BTreeMap<PathBuf, Source>,
}

/// The text of a file, and whether it may hold secrets by mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    text: Arc<str>,
    guarded: bool,
}

impl Problems {
    /// An empty report.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one mistake; the same one is kept once.
    pub fn push(&mut self, problem: Problem) {
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// Adds a mistake of a whole, unless a part of it has one already, from which this one would only follow.
    pub fn push_unless_a_part_is_wrong(&mut self, problem: Problem) {
        let is_part = |known: &Problem| {
            let rest =
                known.key.as_deref().zip(problem.key.as_deref()).and_then(|(part, whole)| part.strip_prefix(whole));
            known.file == problem.file && rest.is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        if !self.list.iter().any(is_part) {
            self.push(problem);
        }
    }

    /// Remembers the text of a file, so that the report can quote the lines it speaks about; lines that may hold
    /// a secret are not quoted.
    pub fn source(&mut self, file: impl Into<PathBuf>, text: impl Into<Arc<str>>) {
        self.sources.insert(file.into(), Source { text: text.into(), guarded: true });
    }

    /// The same for a file that never holds secrets, such as a check: every line may be quoted.
    pub fn public_source(&mut self, file: impl Into<PathBuf>, text: impl Into<Arc<str>>) {
        self.sources.insert(file.into(), Source { text: text.into(), guarded: false });
    }

    /// Takes over another report.
    pub fn extend(&mut self, other: Self) {
        self.sources.extend(other.sources);
        other.list.into_iter().for_each(|problem| self.push(problem));
    }

    /// Whether there is nothing to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many mistakes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The mistakes, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// Orders them by file, line and column.
    pub fn sort(&mut self) {
        self.list.sort();
    }

    /// `value` when there is nothing to report.
    ///
    /// # Errors
    ///
    /// The report itself, sorted, when it is not empty.
    pub fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            return Ok(value);
        }
        self.sort();
        Err(self)
    }

    fn excerpt(&self, problem: &Problem) -> Option<(usize, String, usize)> {
        let source = self.sources.get(&problem.file)?;
        let (number, column) = (problem.line?, problem.column?);
        let line = source.text.lines().nth(number - 1)?;
        if source.guarded && is_confidential(&source.text, number, line) {
            return None;
        }
        let clean = |c: char| if c == '\t' || !c.is_control() { c } else { '\u{fffd}' };
        let shown: String = line.chars().map(clean).map(|c| if c == '\t' { ' ' } else { c }).collect();
        let shown = shown.trim_end();
        let length = shown.chars().count();
        (column <= LONGEST_EXCERPT && column <= length + 1).then(|| {
            let cut: String = shown.chars().take(LONGEST_EXCERPT).collect();
            (number, cut, column - 1)
        })
    }
}

/// Whether a line may hold a secret: by its own words, or because it stands in the section for credentials.
fn is_confidential(source: &str, number: usize, line: &str) -> bool {
    let lower = line.to_lowercase();
    let before: Vec<&str> = source.lines().take(number).collect();
    let is_section = |line: &&&str| line.starts_with(|c: char| c.is_alphabetic() || c == '"' || c == '\'');
    let section = before.iter().rev().find(is_section).map_or("", |line| line.trim_start_matches(['"', '\'']));
    section.starts_with(CONFIDENTIAL_SECTION) || CONFIDENTIAL.iter().any(|word| lower.contains(word))
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted: Vec<&Problem> = self.list.iter().collect();
        sorted.sort();
        for (at, problem) in sorted.into_iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
            if let Some((number, line, indent)) = self.excerpt(problem) {
                write!(f, "\n{number:>6} | {line}\n       | {:indent$}^", "")?;
            }
            if let Some(hint) = &problem.hint {
                write!(f, "\n       = {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: vec![problem], sources: BTreeMap::new() }
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// The one of `known` that `word` most likely stands for; `None` when nothing is close.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words; `-` and `_` count as the same letter, two swapped neighbours as one edit.
fn distance(left: &str, right: &str) -> usize {
    let letters = |text: &str| text.chars().take(64).map(|c| if c == '-' { '_' } else { c }).collect::<Vec<_>>();
    let (left, right) = (letters(left), letters(right));
    let mut rows = vec![(0..=right.len()).collect::<Vec<_>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let same = usize::from(left[i - 1] != right[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_quotes_the_line_and_points_at_the_column() {
        let mut problems = Problems::new();
        problems.source("a.yaml", "zones:\n  - id: x\n    rule: it\n");
        problems.push(
            Problem::new("a.yaml", "unknown key \"rule\"")
                .at(3, 5)
                .key("zones[0].rule")
                .suggest("rule", ["id", "role"]),
        );
        let expected = "a.yaml:3:5: zones[0].rule: unknown key \"rule\"\n     3 |     rule: it\n       |     ^\n       = did you mean \"role\"?";
        assert_eq!(problems.to_string(), expected);
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_quoted() {
        for text in [
            "pasword: x\npassword: hunter2",
            "credentials:\n  a: { snmp: { x: hunter2 } }\n",
            "a: 1\nb: {communty: hunter2}",
        ] {
            let mut problems = Problems::new();
            problems.source("a.yaml", text);
            problems.push(Problem::new("a.yaml", "wrong").at(2, 3));
            assert_eq!(problems.to_string(), "a.yaml:2:3: wrong");
        }
    }

    #[test]
    fn mistakes_are_reported_once_in_the_order_of_the_file() {
        let mut problems = Problems::new();
        problems.push(Problem::new("b", "late").at(9, 1));
        problems.push(Problem::new("a", "second").at(10, 1));
        problems.push(Problem::new("a", "first").at(9, 1));
        problems.push(Problem::new("a", "first").at(9, 1));
        assert_eq!(problems.or(()).unwrap_err().to_string(), "a:9:1: first\na:10:1: second\nb:9:1: late");
    }

    #[test]
    fn only_a_close_word_is_suggested() {
        assert_eq!(did_you_mean("zoen", ["zone", "kind"]), Some("zone"));
        assert_eq!(did_you_mean("allowed-ports", ["allowed_ports"]), Some("allowed_ports"));
        assert_eq!(did_you_mean("colour", ["zone", "kind"]), None);
    }
}
