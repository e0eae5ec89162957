//! Mistakes in catalogue files, gathered: a person mends all of them in one go, not one a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tree::Place;
use crate::model::{Problem, Problems, did_you_mean};

/// Every mistake of every file, sorted by file and place; `Display` prints all of them.
pub type LoadErrors = Problems;

/// A list of right words is shown up to this length; longer ones help nobody.
const LONGEST_LIST: usize = 24;

/// One file under a name that a person knows, with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The name in messages.
    pub name: PathBuf,
    /// The text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// Names a text.
    pub fn new(name: impl Into<PathBuf>, text: impl AsRef<str>) -> Self {
        Self { name: name.into(), text: Arc::from(text.as_ref()) }
    }

    /// A mistake at a place of this file, its message brought to one line.
    pub fn mistake(&self, place: Place, key: impl Into<String>, message: impl AsRef<str>) -> Problem {
        Problem::new(&self.name, one_line(message.as_ref())).at(place.line as usize, place.column as usize).key(key)
    }

    /// File name without folders and without `.yaml`.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.name.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    /// Name of the folder it lies in.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.name.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default()
    }
}

/// "did you mean …?", or the list of right words when it is short.
#[must_use]
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() || known.len() > LONGEST_LIST => None,
        None => Some(format!("one of: {}", known.join(", "))),
    }
}

/// Adds the suggestion to a mistake, if there is one.
#[must_use]
pub fn with_suggestion<'a>(problem: Problem, word: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
    match suggestion(word, known) {
        Some(hint) => problem.hint(hint),
        None => problem,
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
    fn a_far_word_gets_the_list_instead() {
        assert_eq!(suggestion("zzzzzz", ["ssh", "snmp"]).unwrap(), "one of: ssh, snmp");
        assert_eq!(suggestion("sshd", ["ssh", "snmp"]).unwrap(), "did you mean `ssh`?");
    }

    #[test]
    fn a_message_is_one_line_without_control_characters() {
        let file = SourceFile::new("checks/linux/a.yaml", "");
        assert_eq!(file.mistake(Place::NONE, "", "a\n\x1b[2Jb").to_string(), "checks/linux/a.yaml: a [2Jb");
        assert_eq!((file.folder(), file.stem()), ("linux", "a"));
    }
}
