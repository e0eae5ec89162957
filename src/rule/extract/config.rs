//! Configurations of network devices: statements, and what is to be read from them.
//!
//! Whatever the maker, a configuration becomes whole statements, one a line: an indented line is put behind the
//! lines that it belongs to (`line vty 0 4 access-class MGMT in`). Then every value is a matter of patterns.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::Captures;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::cell::Types;
use super::{Extracted, quote, unreadable};
use crate::model::{Cause, Missing, Value};
use crate::rule::pattern::Pattern;

/// Longest part of a statement that comes from the lines above, in bytes.
const MAX_PARENT: usize = 512;
/// Most statements.
const MAX_STATEMENTS: usize = 100_000;

/// Reads a configuration into a map: the values, `statements` (how many) and `sha256` of the lines that count.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// How lines become statements.
    form: Form,
    /// Signs that begin a line which is no statement.
    #[serde(default)]
    comment: String,
    /// Begins a text that goes on until its group `mark` comes again; the text is no statement.
    #[serde(default)]
    quoted: Option<Pattern>,
    /// Statements without which the configuration is not whole.
    #[serde(default)]
    complete: Vec<Pattern>,
    /// Lines that say that something is hidden from this account.
    #[serde(default)]
    denied: Option<Pattern>,
    /// Free text within a statement (a comment), which is cut out: it may hold words that look like settings.
    #[serde(default)]
    without: Option<Pattern>,
    /// Statements that are switched off and do not count; a group in it is the path of those that it switches off.
    #[serde(default)]
    inactive: Option<Pattern>,
    /// Lines that change by themselves; they do not count for the digest.
    #[serde(default)]
    volatile: Vec<Pattern>,
    /// What is read.
    #[serde(default)]
    values: BTreeMap<Arc<str>, Reader>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// Every line is a whole statement.
    Flat,
    /// A line that is indented more belongs to the one above.
    Indented,
}

/// How one value is read from the statements; exactly one of `first`, `texts`, `each`, `group`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reader {
    /// The first group of the first match, as text; absent when nothing matches.
    first: Option<Pattern>,
    /// The first group of every match, as a list of texts, each once.
    texts: Option<Pattern>,
    /// A row for every statement that one of these patterns matches, of its named groups.
    each: Patterns,
    /// A row for all statements of the same named groups.
    group: Patterns,
    /// Further fields of a row: the first group of the pattern in any of its statements, or true without a group.
    with: BTreeMap<Arc<str>, Pattern>,
    /// Fields of `with` that collect every match.
    lists: Vec<Arc<str>>,
    /// Fields that get a value where they have none.
    defaults: BTreeMap<Arc<str>, Value>,
    /// Fields without which a row is dropped.
    having: Vec<Arc<str>>,
    /// Rows whose field is not in another value (of `texts`) are dropped.
    only: Option<Only>,
    types: Types,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Only {
    field: Arc<str>,
    #[serde(rename = "in")]
    listed: Arc<str>,
}

/// One pattern or several, of which the first that matches counts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "OneOrMany")]
struct Patterns(Vec<Pattern>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Pattern),
    Many(Vec<Pattern>),
}

impl From<OneOrMany> for Patterns {
    fn from(given: OneOrMany) -> Self {
        match given {
            OneOrMany::One(pattern) => Self(vec![pattern]),
            OneOrMany::Many(patterns) => Self(patterns),
        }
    }
}

type Row = BTreeMap<Arc<str>, Value>;

impl Config {
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, reader) in &self.values {
            reader.check().map_err(|problem| format!("`{name}`: {problem}"))?;
            let lists = |other: &Arc<str>| self.values.get(other).is_some_and(|reader| reader.texts.is_some());
            if let Some(only) = reader.only.as_ref().filter(|only| !lists(&only.listed)) {
                return Err(format!("`{name}`: {:?} is no value that is read with `texts`", only.listed));
            }
            if matches!(&**name, "statements" | "sha256") {
                return Err(format!("`{name}` is there already"));
            }
        }
        match &self.quoted {
            Some(quoted) if !quoted.regex().capture_names().flatten().any(|name| name == "mark") => {
                Err("`quoted` needs a group (?P<mark>…)".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn extract(&self, text: &str) -> Extracted {
        if let Some(found) = self.denied.as_ref().and_then(|denied| denied.regex().find(text)) {
            // the words that say so and not their line, which may hold a secret
            let said = quote(found.as_str().trim());
            let detail = format!("the device hides a part of its configuration from this account ({said})");
            return Err(Missing::new(Cause::Privilege, detail));
        }
        let statements = self.statements(text)?;
        if statements.is_empty() {
            return Ok(Value::Null);
        }
        let has = |pattern: &&Pattern| statements.iter().any(|statement| pattern.regex().is_match(statement));
        if let Some(lacking) = self.complete.iter().find(|pattern| !has(pattern)) {
            let detail = format!(
                "the configuration is not whole, nothing in it matches {lacking:?}: this account may see only a part of it"
            );
            return Err(Missing::new(Cause::Privilege, detail));
        }
        let mut values: Row =
            self.values.iter().filter_map(|(name, reader)| Some((name.clone(), reader.read(&statements)?))).collect();
        for (name, reader) in &self.values {
            if let Some(only) = &reader.only {
                let listed = values.get(&only.listed).cloned().unwrap_or_default();
                let listed = listed.as_list().unwrap_or_default();
                if let Some(Value::List(rows)) = values.get_mut(name) {
                    Arc::make_mut(rows).retain(|row| row.get(&only.field).is_some_and(|field| listed.contains(field)));
                }
            }
        }
        values.insert(Arc::from("statements"), Value::Int(i64::try_from(statements.len()).unwrap_or(i64::MAX)));
        values.insert(Arc::from("sha256"), Value::text(self.digest(text)));
        Ok(Value::Map(Arc::new(values)))
    }

    fn is_comment(&self, line: &str) -> bool {
        super::is_comment(line, &self.comment)
    }

    /// The statements, each with the lines that it belongs to in front.
    fn statements(&self, text: &str) -> Result<Vec<String>, Missing> {
        let mut statements: Vec<String> = Vec::new();
        let mut above: Vec<(usize, usize)> = Vec::new();
        let mut until: Option<String> = None;
        for line in text.lines() {
            if let Some(mark) = &until {
                if line.contains(&**mark) {
                    until = None;
                }
                continue;
            }
            let words = line.trim();
            if words.is_empty() || self.is_comment(words) {
                continue;
            }
            if statements.len() == MAX_STATEMENTS {
                return Err(unreadable(format!("the configuration has more than {MAX_STATEMENTS} statements")));
            }
            until = self.opens_text(words);
            let indent = line.len() - line.trim_start().len();
            let statement = match self.form {
                Form::Flat => words.to_owned(),
                Form::Indented => {
                    above.retain(|(outer, _)| *outer < indent);
                    let parent = above.last().map(|(_, place)| clipped(&statements[*place]));
                    above.push((indent, statements.len()));
                    parent.map_or_else(|| words.to_owned(), |parent| format!("{parent} {words}"))
                }
            };
            statements.push(statement);
        }
        match until {
            Some(mark) => Err(unreadable(format!("a text in the configuration is not closed by {}", quote(&mark)))),
            None => Ok(self.active(statements)),
        }
    }

    /// The statements that count, without their free text.
    fn active(&self, mut statements: Vec<String>) -> Vec<String> {
        if let Some(without) = &self.without {
            for statement in &mut statements {
                if let Cow::Owned(shorter) = without.regex().replace_all(statement, "") {
                    *statement = shorter;
                }
            }
        }
        let Some(inactive) = &self.inactive else { return statements };
        let off: BTreeSet<String> = statements.iter().filter_map(|statement| group(inactive, statement)).collect();
        statements.retain(|statement| !inactive.regex().is_match(statement) && !is_below(statement, &off));
        statements
    }

    /// The mark that ends the text which this line begins, unless it ends in the same line.
    fn opens_text(&self, line: &str) -> Option<String> {
        let found = self.quoted.as_ref()?.regex().captures(line)?;
        let mark = found.name("mark")?;
        (!line[mark.end()..].contains(mark.as_str())).then(|| mark.as_str().to_owned())
    }

    fn digest(&self, text: &str) -> String {
        use std::fmt::Write as _;
        let counts = |line: &&str| {
            let words = line.trim();
            !words.is_empty()
                && !self.is_comment(words)
                && !self.volatile.iter().any(|pattern| pattern.regex().is_match(words))
        };
        let mut hash = Sha256::new();
        for line in text.lines().map(str::trim_end).filter(counts) {
            hash.update(line.as_bytes());
            hash.update(b"\n");
        }
        hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        })
    }
}

/// Whether the words after the first begin with one of these paths.
fn is_below(statement: &str, paths: &BTreeSet<String>) -> bool {
    let Some((_, words)) = statement.split_once(' ') else { return false };
    let ends = words.match_indices(' ').map(|(at, _)| at).chain([words.len()]);
    !paths.is_empty() && ends.into_iter().any(|end| paths.contains(&words[..end]))
}

fn clipped(text: &str) -> &str {
    let mut end = text.len().min(MAX_PARENT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Reader {
    fn check(&self) -> Result<(), String> {
        let rows = !self.each.0.is_empty() || !self.group.0.is_empty();
        let ways = [self.first.is_some(), self.texts.is_some(), !self.each.0.is_empty(), !self.group.0.is_empty()];
        if ways.into_iter().filter(|given| *given).count() != 1 {
            return Err("name exactly one of first, texts, each and group".to_owned());
        }
        if let Some(pattern) = self.first.iter().chain(&self.texts).find(|pattern| pattern.regex().captures_len() < 2) {
            return Err(format!("{pattern:?} needs a group (…), which is what is read"));
        }
        let fields =
            !self.with.is_empty() || !self.having.is_empty() || !self.defaults.is_empty() || self.only.is_some();
        if !rows && fields {
            return Err("with, having, defaults and only belong to rows (each, group)".to_owned());
        }
        match self.lists.iter().find(|field| !self.with.contains_key(*field)) {
            Some(field) => Err(format!("`lists` names {field:?}, which is not under `with`")),
            None => Ok(()),
        }
    }

    fn read(&self, statements: &[String]) -> Option<Value> {
        if let Some(pattern) = &self.first {
            return statements.iter().find_map(|statement| group(pattern, statement)).map(Value::from);
        }
        if let Some(pattern) = &self.texts {
            let mut seen = BTreeSet::new();
            let found = statements.iter().filter_map(|statement| group(pattern, statement));
            return Some(Value::list(found.filter(|text| seen.insert(text.clone())).map(Value::from)));
        }
        let mut rows: Vec<(Row, Row)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for statement in statements {
            let Some(named) = self.named(statement) else { continue };
            let place = if self.group.0.is_empty() {
                rows.len()
            } else {
                *places.entry(format!("{named:?}")).or_insert(rows.len())
            };
            if place == rows.len() {
                rows.push((named, Row::new()));
            }
            self.add(statement, &mut rows[place].1);
        }
        let row = |(named, further): (Row, Row)| {
            let mut row = further;
            row.extend(named);
            for (field, value) in &self.defaults {
                row.entry(field.clone()).or_insert_with(|| value.clone());
            }
            self.having.iter().all(|field| row.contains_key(field)).then(|| Value::Map(Arc::new(row)))
        };
        Some(Value::list(rows.into_iter().filter_map(row)))
    }

    /// The named groups of the first pattern that matches.
    fn named(&self, statement: &str) -> Option<Row> {
        let mut patterns = self.each.0.iter().chain(&self.group.0);
        let (pattern, found): (&Pattern, Captures<'_>) =
            patterns.find_map(|pattern| Some((pattern, pattern.regex().captures(statement)?)))?;
        let names = pattern.regex().capture_names().flatten();
        Some(
            names
                .filter_map(|name| Some((Arc::from(name), self.types.read(name, found.name(name)?.as_str().trim()))))
                .collect(),
        )
    }

    fn add(&self, statement: &str, row: &mut Row) {
        for (field, pattern) in &self.with {
            let value = if pattern.regex().captures_len() < 2 {
                pattern.regex().is_match(statement).then_some(Value::Bool(true))
            } else {
                group(pattern, statement).map(|text| self.types.read(field, &text))
            };
            let Some(value) = value else { continue };
            if self.lists.contains(field) {
                let Value::List(items) = row.entry(field.clone()).or_insert_with(|| Value::list([])) else { continue };
                Arc::make_mut(items).push(value);
            } else {
                row.entry(field.clone()).or_insert(value);
            }
        }
    }
}

/// The first group that took part in the match.
fn group(pattern: &Pattern, statement: &str) -> Option<String> {
    let found = pattern.regex().captures(statement)?;
    found.iter().skip(1).flatten().next().map(|group| group.as_str().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r"
form: indented
comment: '!'
quoted: '^banner \S+ (?P<mark>\^C)'
complete: ['^hostname ', '^line vty ']
denied: ACCESS-DENIED
volatile: ['^ntp clock-period']
values:
  name: { first: '^hostname (\S+)' }
  users: { each: '^username (?P<user>\S+)(?: privilege (?P<level>\d+))?' }
  lines: { group: '^line vty (?P<range>\d+ \d+)', with: { acl: ' access-class (\S+) in$', ssh: ' transport input ssh$' } }
  bound: { texts: '^line vty .* access-class (\S+) in$' }
  entries:
    each: '^ip access-list standard (?P<acl>\S+) permit (?P<source>.+)$'
    types: { source: network }
    only: { field: acl, in: bound }
";
    const TEXT: &str = "Building configuration...
!
hostname sw1
ntp clock-period 1
username admin privilege 15 secret 9 x
username ro
banner motd ^C
username eve
line vty 9 9
^C
ip access-list standard MGMT
 permit 10.0.0.0 0.0.0.255
 permit any
ip access-list standard OTHER
 permit any
line vty 0 4
 access-class MGMT in
 transport input ssh
line vty 5 15
 transport input ssh
end
";

    fn config() -> Config {
        let config: Config = serde_saphyr::from_str(SPEC).unwrap();
        config.check().unwrap();
        config
    }

    #[test]
    fn blocks_become_statements_and_statements_values() {
        let value = config().extract(TEXT).unwrap().to_json();
        assert_eq!(value["name"], "sw1");
        assert_eq!(value["users"], serde_json::json!([{"user": "admin", "level": 15}, {"user": "ro"}]));
        assert_eq!(
            value["lines"],
            serde_json::json!([{"range": "0 4", "acl": "MGMT", "ssh": true}, {"range": "5 15", "ssh": true}])
        );
        assert_eq!(
            value["entries"],
            serde_json::json!([{"acl": "MGMT", "source": "10.0.0.0/24"}, {"acl": "MGMT", "source": "0.0.0.0/0"}])
        );
    }

    #[test]
    fn the_digest_sees_every_change_but_comments_and_what_changes_by_itself() {
        let digest = |text: &str| config().extract(text).unwrap().get("sha256").unwrap().clone();
        let first = digest(TEXT);
        assert_eq!(
            digest(&TEXT.replace("clock-period 1", "clock-period 2").replace("!\n", "! saved at noon\n\n")),
            first
        );
        for (old, new) in [("permit any", "permit 10.1.1.1"), (" access-class", "access-class"), ("username eve", "x")]
        {
            assert_ne!(digest(&TEXT.replacen(old, new, 1)), first, "{old}");
        }
    }

    #[test]
    fn what_is_switched_off_or_only_a_comment_does_not_count() {
        let read = |spec: &str, text: &str| {
            let config: Config = serde_saphyr::from_str(spec).unwrap();
            config.check().unwrap();
            config.extract(text).unwrap().to_json()["x"].clone()
        };
        let junos = "{form: flat, inactive: '^deactivate (.+)$', values: {x: {texts: '^set system radius (\\S+)'}}}";
        let text = "set system radius a secret s\nset system radius ab\ndeactivate system radius a\n";
        assert_eq!(read(junos, text), serde_json::json!(["ab"]));
        let routeros = r#"{form: flat, without: ' comment=(?:"(?:[^"\\]|\\.)*"|\S+)', inactive: ' disabled=yes(?: |$)',
            values: {x: {texts: '^/f add (.+)$'}}}"#;
        let text = "/f add a=1\n/f add a=2 comment=\"it \\\" disabled=yes \" b=3\n/f add a=4 disabled=yes c=5\n";
        assert_eq!(read(routeros, text), serde_json::json!(["a=1", "a=2 b=3"]));
    }

    #[test]
    fn a_line_with_something_hidden_is_not_quoted() {
        let detail = config().extract("set secret hunter2 ## ACCESS-DENIED\n").unwrap_err().detail;
        assert!(detail.contains("ACCESS-DENIED") && !detail.contains("hunter2"), "{detail}");
    }

    #[test]
    fn a_part_of_a_configuration_is_no_configuration() {
        let cause = |text: &str| config().extract(text).unwrap_err().cause;
        assert_eq!(cause("hostname sw1\nend\n"), Cause::Privilege);
        assert_eq!(cause(&format!("{TEXT}# ACCESS-DENIED\n")), Cause::Privilege);
        assert_eq!(cause("hostname a\nline vty 0 4\nbanner motd ^Cnever closed\n"), Cause::Parse);
        assert_eq!(config().extract("!\n\n").unwrap(), Value::Null);
    }

    #[test]
    fn a_reader_that_says_too_little_or_too_much_is_refused() {
        for bad in [
            "{form: flat, values: {a: {}}}",
            "{form: flat, values: {a: {first: x}}}",
            "{form: flat, values: {a: {first: (x), texts: (y)}}}",
            "{form: flat, values: {a: {first: (x), having: [b]}}}",
            "{form: flat, values: {a: {each: (x), lists: [b]}}}",
            "{form: flat, values: {a: {each: (x), only: {field: b, in: c}}}}",
            "{form: flat, values: {sha256: {first: (x)}}}",
            "{form: flat, quoted: x}",
        ] {
            assert!(serde_saphyr::from_str::<Config>(bad).unwrap().check().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let _ = config().extract(&text);
        }
    }
}
