//! A fact: how to ask for something and how to read the answer, shared by many checks.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::Question;
use super::ask::{Arguments, Ask};
use super::form::{Form, Spot};
use super::history::History;
use crate::model::document::Document;
use crate::model::{Answer, Cause, FactId, Problems, Reading, Time, Value, whole_days};
use crate::rule::{ReadSpec, Step, apply};

/// One fact file, compiled.
#[derive(Debug, Clone)]
pub struct Fact {
    /// `family.name`.
    pub id: FactId,
    /// What it is, for people.
    pub title: String,
    /// Arguments with their defaults.
    pub args: Arguments,
    /// The question.
    pub ask: Ask,
    /// How the answer is read; `None` when the transport measures a value already.
    pub read: Option<ReadSpec>,
    /// What is done to the rows, in order.
    pub then: Vec<Step>,
    /// Fields that name a row across visits, so that the engine can tell since when it is there.
    pub remember: Option<Remember>,
    /// Numbers that are kept and compared with those of earlier visits.
    pub history: Option<History>,
    /// Facts that a derived one is computed from.
    pub needs: Vec<FactId>,
    /// What one answer may cost the asset.
    pub budget: Budget,
    /// The fields it yields, those of rows too (`rows.name`); a check may use no other. `None` where the file says
    /// `open: true`, because their names are not known before somebody answers.
    pub fields: Option<Vec<String>>,
    /// The file it came from.
    pub origin: Arc<str>,
}

/// What one answer may cost the asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Questions or datagrams.
    pub questions: u32,
    /// Connections besides the session that is open anyway.
    pub connections: u32,
    /// Bytes of answer.
    pub bytes: u64,
}

/// Which fields make two rows of two visits the same thing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remember {
    /// Field names.
    pub key: Vec<String>,
}

impl Remember {
    /// The name of a row across visits: its key fields with a space between them; `None` for a row that lacks one.
    #[must_use]
    pub fn name(&self, row: &Value) -> Option<String> {
        let parts: Option<Vec<String>> = self.key.iter().map(|field| row.at(field).map(Value::to_string)).collect();
        parts.map(|parts| parts.join(" "))
    }

    /// The name under which it is kept since when the fact is watched at all; no row has an empty name.
    pub const WATCH: &str = "";

    /// Adds `first_seen` (RFC 3339), `age_days` and `since_start` to every row of a list, or of the list `rows` in a map.
    /// `first_seen` tells since when a name is known; a row that carries its own time keeps it. `since_start` is true for
    /// what was there when the watch began, at `watched_since`: its age is at least that, and nobody knows how much more.
    pub fn mark(
        &self,
        value: Value,
        now: Time,
        watched_since: Option<Time>,
        first_seen: &mut dyn FnMut(&str) -> Time,
    ) -> Value {
        match value {
            Value::List(rows) => {
                let rows = Arc::unwrap_or_clone(rows).into_iter();
                Value::list(rows.map(|row| self.mark_row(row, now, watched_since, first_seen)))
            }
            Value::Map(mut fields) => {
                if let Some(rows) = Arc::make_mut(&mut fields).get_mut("rows") {
                    *rows = self.mark(std::mem::take(rows), now, watched_since, first_seen);
                }
                Value::Map(fields)
            }
            other => other,
        }
    }

    fn mark_row(
        &self,
        row: Value,
        now: Time,
        watched_since: Option<Time>,
        first_seen: &mut dyn FnMut(&str) -> Time,
    ) -> Value {
        let own = row.get("first_seen").and_then(Value::as_text).and_then(|text| text.parse::<Time>().ok());
        let Some(since) = own.or_else(|| self.name(&row).map(|name| first_seen(&name))) else { return row };
        let Value::Map(mut fields) = row else { return row };
        let change = Arc::make_mut(&mut fields);
        let since_start = own.is_none() && watched_since == Some(since);
        change.insert(Arc::from("since_start"), Value::Bool(since_start));
        change.insert(Arc::from("first_seen"), Value::text(since.to_rfc3339()));
        change.insert(Arc::from("age_days"), Value::Float(whole_days(since, now)));
        Value::Map(fields)
    }
}

/// A fact with what only the load needs.
pub(super) struct FactDraft {
    pub(super) fact: Fact,
    pub(super) document: Document,
    pub(super) needs: Vec<Spot>,
    pub(super) replaces: bool,
}

impl Fact {
    /// Reads an answer: extract, then the row steps. A transport's value is taken as it is.
    #[must_use]
    pub fn reading(&self, answer: &Answer) -> Reading {
        let reading = match (&self.read, answer) {
            (Some(read), answer) => read.extract(answer),
            (None, Answer::Value(value)) => Reading::Known(value.clone()),
            (None, Answer::Varbinds(binds)) if let Question::SnmpProduct(products) = self.ask.standard() => {
                products.identify(binds)
            }
            (None, _) => Reading::missing(
                Cause::Internal,
                format!("fact {} has no `read` for this kind of answer; this is a defect of the fact file", self.id),
            ),
        };
        match reading {
            Reading::Known(value) => Reading::Known(apply(&self.then, value)),
            other => other,
        }
    }

    /// The arguments with those of a check laid over the defaults.
    #[must_use]
    pub fn arguments(&self, with: &Arguments) -> Arguments {
        let mut arguments = self.args.clone();
        arguments.extend(with.iter().map(|(name, value)| (name.clone(), value.clone())));
        arguments
    }

    /// Whether packets reach the asset for it.
    #[must_use]
    pub const fn touches_the_wire(&self) -> bool {
        self.ask.standard().touches_the_wire()
    }

    /// Whether it yields this field, as far as its file says: one that is declared, or a part of one, or what holds one.
    #[must_use]
    pub fn yields(&self, path: &str) -> bool {
        let Some(fields) = self.fields.as_ref().filter(|_| !path.is_empty()) else { return true };
        let own = path.strip_prefix("rows.").unwrap_or(path);
        fields.iter().any(|field| holds(field, path) || holds(path, field))
            || (self.remember.is_some() && matches!(own, "first_seen" | "age_days" | "since_start"))
            || (self.history.is_some() && holds("change", path))
    }

    /// The fields that its file declares, or those below a path, without it.
    #[must_use]
    pub fn fields_below(&self, path: &str) -> Vec<&str> {
        let fields = self.fields.iter().flatten().map(String::as_str);
        if path.is_empty() {
            return fields.collect();
        }
        fields.filter_map(|field| field.strip_prefix(path)?.strip_prefix('.')).collect()
    }
}

/// Whether the first path is the second or leads to it.
fn holds(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Reads one fact file; `None` when it has no usable id or question.
pub(super) fn read(document: Document, problems: &mut Problems) -> Option<FactDraft> {
    let mut form = Form::new(&document, problems);
    let id = form.need::<FactId>("id");
    let title = form.need::<String>("title").unwrap_or_default();
    let args = form.take::<Arguments>("args").unwrap_or_default();
    let ask = form.ask(&args);
    let read = form.take::<ReadSpec>("read");
    let then = form.list::<Step>("then").into_iter().map(|(_, step)| step).collect();
    let remember = form.take::<Remember>("remember");
    let history = form.take::<History>("history");
    let (needs_at, needs) = form.list::<FactId>("needs").into_iter().unzip();
    let budget = form.take::<Budget>("budget").unwrap_or_default();
    let fields = read_fields(&mut form);
    let replaces = form.replaces();
    if let Some(id) = &id {
        check_name(&mut form, id);
    }
    if let Some(ask) = &ask {
        check_extractor(&mut form, ask);
    }
    form.finish();
    let origin = Arc::from(document.file.to_string_lossy());
    let ask = ask?;
    let fact = Fact { id: id?, title, args, ask, read, then, remember, history, needs, budget, fields, origin };
    Some(FactDraft { fact, document, needs: needs_at, replaces })
}

impl Form<'_> {
    fn ask(&mut self, args: &Arguments) -> Option<Ask> {
        match self.node("ask") {
            Some(node) => self.with_problems(|document, problems| Ask::read(document, node, args, problems)),
            None => self.need::<Value>("ask").and(None),
        }
    }

    /// `replaces: builtin` lets an extra folder put its own file in the place of a built-in one.
    pub(super) fn replaces(&mut self) -> bool {
        matches!(self.take("replaces"), Some(Replaces::Builtin))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Replaces {
    Builtin,
}

/// The closed list of fields, or `None` for `open: true`. Without either a misspelt field in a check would be a fact that
/// never comes: unknown for ever, instead of a mistake at load.
fn read_fields(form: &mut Form<'_>) -> Option<Vec<String>> {
    let fields = form.take::<Vec<String>>("fields");
    let open = form.take::<bool>("open").unwrap_or_default();
    let is_written = form.document().root.get("fields").is_some();
    let problem = match (is_written, open) {
        (true, true) => {
            let problem = form.document().wrong(&["open".into()], "an open fact has no closed list of fields");
            Some(problem.hint("leave one of open and fields out"))
        }
        (false, false) => {
            let problem = form.document().wrong(&[], "key \"fields\" is missing");
            Some(problem.hint(
                "list the fields that the answer has, those of rows too, so that a misspelt one in a check is found: \
                 fields: [NAME, rows.NAME]; [] for a value without any; or open: true where nobody can know their names",
            ))
        }
        _ => None,
    };
    if let Some(problem) = problem {
        form.push(problem);
    }
    // what could not be read closes nothing: its mistake is told, those that would follow from it are not
    fields.filter(|_| !open)
}

/// `facts/linux/sshd.yaml` is `linux.sshd`, `facts/device/device.yaml` may be `device`.
fn check_name(form: &mut Form<'_>, id: &FactId) {
    let (family, name) = (folder(&form.document().file), stem(&form.document().file));
    let full = format!("{family}.{name}");
    if id.as_str() != full && !(family == name && id.as_str() == name) {
        form.refuse("id", format!("a fact in {family}/{name}.yaml is called {full:?}, not {:?}", id.as_str()));
    }
}

fn check_extractor(form: &mut Form<'_>, ask: &Ask) {
    let question = ask.standard();
    let has_read = form.document().root.get("read").is_some();
    if question.answers_with_a_value() && has_read {
        form.refuse("read", format!("{} answers with a value already, there is nothing to read", question.word()));
    }
    if !question.answers_with_a_value() && !has_read {
        form.refuse("read", "key \"read\" is missing: it says how the answer becomes a value");
    }
}

/// File name without `.yaml`.
pub(super) fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Name of the folder that a file lies in.
pub(super) fn folder(file: &Path) -> String {
    file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}
