//! Mistakes in catalogue files, gathered: a person mends all of them in one go, not one a run.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::tree::Place;

/// Source lines longer than this are cut around the caret.
const LINE_WIDTH: usize = 110;
/// No more than this many mistakes are printed; the rest is counted.
const MAX_SHOWN: usize = 200;

/// One mistake in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// File, as the person knows it (`checks/…` for the copy inside the binary).
    pub file: Arc<str>,
    /// Line, from 1; 0 when it concerns the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 when it concerns the whole file.
    pub column: u32,
    /// Dotted path of the key (`assert[0].in`); empty for the whole file.
    pub key: String,
    /// What is wrong, one line.
    pub message: String,
    /// What to do about it, one line.
    pub hint: Option<String>,
    /// The source line, where there is one.
    pub source: Option<Arc<str>>,
}

impl fmt::Display for Mistake {
    /// Position, message, the source line with a caret, the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())?;
        if let Some(source) = self.source.as_deref().filter(|_| self.line > 0) {
            let (text, caret) = window(source, self.column as usize);
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            write!(f, "\n  {margin} |\n  {number} | {text}\n  {margin} | {}^", " ".repeat(caret))?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

impl Mistake {
    /// One line, without source and hint: `file:line:column: key: message`.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut text = self.file.to_string();
        if self.line > 0 {
            let _ = write!(text, ":{}:{}", self.line, self.column);
        }
        if !self.key.is_empty() {
            let _ = write!(text, ": {}", self.key);
        }
        let _ = write!(text, ": {}", self.message);
        text
    }
}

/// The part of a line around a column, with everything that could move a terminal's cursor replaced,
/// and the place of the column in it.
fn window(line: &str, column: usize) -> (String, usize) {
    let clean: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let at = column.saturating_sub(1).min(clean.len());
    if clean.len() <= LINE_WIDTH {
        return (clean.into_iter().collect(), at);
    }
    let start = at.saturating_sub(LINE_WIDTH / 2);
    let end = (start + LINE_WIDTH).min(clean.len());
    let mut text: String = if start > 0 { "…".into() } else { String::new() };
    let caret = at - start + text.chars().count();
    text.extend(&clean[start..end]);
    if end < clean.len() {
        text.push('…');
    }
    (text, caret)
}

/// Every mistake of every file, sorted by file and place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadErrors {
    mistakes: Vec<Mistake>,
}

impl LoadErrors {
    /// All of them, sorted.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// One line a mistake, for logs.
    #[must_use]
    pub fn plain(&self) -> String {
        self.mistakes.iter().map(Mistake::plain).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in self.mistakes.iter().take(MAX_SHOWN) {
            write!(f, "{mistake}\n\n")?;
        }
        if let Some(more) = self.mistakes.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
            write!(f, "… and {more} more\n\n")?;
        }
        let files: BTreeSet<&str> = self.mistakes.iter().map(|mistake| &*mistake.file).collect();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (mistakes, files) = (self.mistakes.len(), files.len());
        write!(f, "{mistakes} mistake{} in {files} file{}", plural(mistakes), plural(files))
    }
}

/// Gathers mistakes while files are read.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<Mistake>,
}

impl Problems {
    /// Notes one mistake.
    pub fn push(&mut self, mistake: Mistake) {
        self.found.push(mistake);
    }

    /// How many there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `value`, unless something was wrong.
    ///
    /// # Errors
    ///
    /// All mistakes, sorted, each once.
    pub fn or<T>(self, value: T) -> Result<T, LoadErrors> {
        let mut mistakes = self.found;
        if mistakes.is_empty() {
            return Ok(value);
        }
        mistakes.sort();
        mistakes.dedup();
        Err(LoadErrors { mistakes })
    }
}

/// One file under a name that a person knows, with its text for the source line of a message.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The name in messages.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// Names a text.
    pub fn new(name: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        Self { name: Arc::from(name.as_ref()), text: Arc::from(text.as_ref()) }
    }

    /// A mistake at a place of this file.
    pub fn mistake(&self, place: Place, key: impl Into<String>, message: impl Into<String>) -> Mistake {
        let line = (place.line as usize).checked_sub(1).and_then(|at| self.text.lines().nth(at));
        Mistake {
            file: self.name.clone(),
            line: place.line,
            column: place.column,
            key: key.into(),
            message: one_line(&message.into()),
            hint: None,
            source: line.map(Arc::from),
        }
    }
}

impl Mistake {
    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(one_line(&hint.into()));
        self
    }

    /// Adds "did you mean", if one of `known` is near `word`; else lists them when they are few.
    #[must_use]
    pub fn did_you_mean<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match suggestion(word, known) {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

/// "did you mean …?", or the short list of what would be right.
#[must_use]
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: BTreeSet<&str> = known.into_iter().collect();
    let distance = |name: &&str| strsim::osa_distance(&word.to_lowercase(), &name.to_lowercase());
    let reach = (word.chars().count() / 3).clamp(1, 3);
    match known.iter().copied().min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= reach => Some(format!("did you mean `{nearest}`?")),
        Some(_) if known.len() <= 24 => {
            Some(format!("one of: {}", known.into_iter().collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    }
}

fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_printed_sorted_with_their_line_and_a_caret() {
        let file = SourceFile::new("checks/a.yaml", "id: a\nseverty: high\n");
        let mut problems = Problems::default();
        problems.push(file.mistake(Place::NONE, "", "no title"));
        problems.push(
            file.mistake(Place { line: 2, column: 1 }, "severty", "unknown key").did_you_mean("severty", ["severity", "id"]),
        );
        let errors = problems.or(()).unwrap_err();
        insta::assert_snapshot!(errors, @r"
        checks/a.yaml: no title

        checks/a.yaml:2:1: severty: unknown key
            |
          2 | severty: high
            | ^
          help: did you mean `severity`?

        2 mistakes in 1 file
        ");
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let line = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let (text, caret) = window(&line, 301);
        assert_eq!(text.chars().nth(caret), Some('X'));
        assert!(text.chars().count() <= LINE_WIDTH + 2);
    }

    #[test]
    fn a_far_word_gets_the_list_instead() {
        assert_eq!(suggestion("zzz", ["ssh", "snmp"]).unwrap(), "one of: snmp, ssh");
        assert_eq!(suggestion("sshd", ["ssh", "snmp"]).unwrap(), "did you mean `ssh`?");
    }
}
