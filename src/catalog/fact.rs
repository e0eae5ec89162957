//! A fact: how to ask for something and how to read the answer, shared by many checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::form::Form;
use super::problem::SourceFile;
use super::question::{Arguments, Ask, BindError};
use super::tree::{Node, Place};
use crate::model::{Answer, FactId, Problems, Reading, Value};
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
    /// Facts that a derived one is computed from.
    pub needs: Vec<FactId>,
    /// What one answer may cost the asset.
    pub budget: Budget,
    /// The fields it yields, when the file declares them; a check may then use no other.
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

/// A fact with what only the load needs.
pub(super) struct FactDraft {
    pub fact: Fact,
    pub file: SourceFile,
    pub id_place: Place,
    pub needs_places: Vec<Place>,
    pub replaces: bool,
}

impl Fact {
    /// Reads an answer: extract, then the row steps. A transport's value is taken as it is.
    #[must_use]
    pub fn reading(&self, answer: &Answer) -> Reading {
        let reading = match (&self.read, answer) {
            (Some(read), answer) => read.extract(answer),
            (None, Answer::Value(value)) => Reading::Known(value.clone()),
            (None, _) => Reading::missing(
                crate::model::Cause::Internal,
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

    /// Whether it yields this field, as far as its file says.
    #[must_use]
    pub fn yields(&self, path: &str) -> bool {
        let Some(fields) = self.fields.as_ref().filter(|_| !path.is_empty()) else { return true };
        let below = |field: &String| path.strip_prefix(field.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        fields.iter().any(below) || (self.remember.is_some() && matches!(path, "first_seen" | "age_days"))
    }
}

/// Reads one fact file; `None` when it has no usable id or question.
pub(super) fn read(file: &SourceFile, node: &Node, problems: &mut Problems) -> Option<FactDraft> {
    let mut form = Form::new(file, node, "", problems);
    let id = form.need::<FactId>("id");
    let title = form.need::<String>("title").unwrap_or_default();
    let args = form.take::<BTreeMap<Arc<str>, Value>>("args").unwrap_or_default();
    let ask = read_ask(&mut form, &args);
    let read = form.take::<ReadSpec>("read");
    let then = form.list::<Step>("then").into_iter().map(|(_, step)| step).collect();
    let remember = form.take::<Remember>("remember");
    let (needs_places, needs) = form.list::<FactId>("needs").into_iter().map(|(spot, id)| (spot.place, id)).unzip();
    let budget = form.take::<Budget>("budget").unwrap_or_default();
    let fields = form.take::<Vec<String>>("fields");
    let replaces = read_replaces(&mut form);
    if let Some(id) = &id {
        check_name(&mut form, file, node, id);
    }
    if let Some(ask) = &ask {
        check_extractor(&mut form, node, ask, read.is_some());
    }
    form.finish();
    let origin = Arc::from(file.name.to_string_lossy());
    let (id, ask) = (id?, ask?);
    let id_place = node.get("id").map_or(Place::NONE, |node| node.place);
    let fact = Fact { id, title, args, ask, read, then, remember, needs, budget, fields, origin };
    Some(FactDraft { fact, file: file.clone(), id_place, needs_places, replaces })
}

fn read_ask(form: &mut Form<'_>, args: &Arguments) -> Option<Ask> {
    let Some(template) = form.node("ask") else {
        let _ = form.need::<Value>("ask");
        return None;
    };
    match Ask::read(template.clone(), args) {
        Ok(ask) => Some(ask),
        Err(error) => {
            form.bind_error("ask", error, args);
            None
        }
    }
}

impl Form<'_> {
    /// Words why a question cannot be put together.
    pub(super) fn bind_error(&mut self, key: &str, error: BindError, args: &Arguments) {
        let path = self.path(key);
        let problem = match error {
            BindError::Argument { place, ref name } => {
                let known = args.keys().map(|name| &**name);
                super::problem::with_suggestion(self.file().mistake(place, path, error.to_string()), name, known)
            }
            BindError::Type(error) => error.mistake(self.file(), &path),
        };
        self.push(problem);
    }
}

/// `replaces: builtin` lets an extra folder put its own file in the place of a built-in one.
pub(super) fn read_replaces(form: &mut Form<'_>) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Replaces {
        Builtin,
    }
    matches!(form.take::<Replaces>("replaces"), Some(Replaces::Builtin))
}

/// `facts/linux/sshd.yaml` is `linux.sshd`, `facts/device/device.yaml` may be `device`.
fn check_name(form: &mut Form<'_>, file: &SourceFile, node: &Node, id: &FactId) {
    let (family, name) = (file.folder(), file.stem());
    let full = format!("{family}.{name}");
    if id.as_str() != full && !(family == name && id.as_str() == name) {
        let place = node.get("id").map_or(node.place, |node| node.place);
        form.refuse(place, "id", format!("a fact in {family}/{name}.yaml is called {full:?}, not {:?}", id.as_str()));
    }
}

fn check_extractor(form: &mut Form<'_>, node: &Node, ask: &Ask, has_read: bool) {
    let question = ask.standard();
    let place = node.get("read").or_else(|| node.get("ask")).map_or(node.place, |node| node.place);
    match (question.answers_with_a_value(), has_read || node.get("read").is_some()) {
        (true, true) => {
            let message = format!("`{}` answers with a value already, so there is nothing to read", question.transport());
            form.refuse(place, "read", message);
        }
        (false, false) => form.refuse(place, "read", "key `read` is missing: say how the answer is read"),
        _ => {}
    }
}
