//! A question with holes: `args.NAME` in a fact file, filled per check and asset.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Products;
use super::form::suggest;
use super::question::Question;
use crate::model::document::{Data, Document, Entry, Node, Place, Step, path_text};
use crate::model::{Problems, Value};

/// Arguments of a fact by name, resolved for one asset.
pub type Arguments = BTreeMap<Arc<str>, Value>;

/// A question with holes for arguments.
#[derive(Debug, Clone)]
pub struct Ask {
    template: Document,
    standard: Question,
    /// What a question about the product is asked with.
    products: Products,
}

impl Ask {
    /// Reads the branch `ask` of a fact file with the default arguments filled in.
    pub(super) fn read(file: &Document, ask: &Node, defaults: &Arguments, problems: &mut Problems) -> Option<Self> {
        let template = Document { file: file.file.clone(), root: ask.clone() };
        let standard = bind(&template, defaults, problems)?;
        Some(Self { template, standard, products: Products::default() })
    }

    /// Hands over the product files, which are known once all files are read.
    pub(super) fn equip(&mut self, products: &Products) {
        self.products = products.clone();
        if let Question::SnmpProduct(known) = &mut self.standard {
            *known = products.clone();
        }
    }

    /// The question with default arguments.
    #[must_use]
    pub const fn standard(&self) -> &Question {
        &self.standard
    }

    /// The question with these arguments.
    ///
    /// # Errors
    ///
    /// An argument is missing or of the wrong type; the report says which, at the line of the fact file.
    pub fn bind(&self, arguments: &Arguments) -> Result<Question, Problems> {
        let mut problems = Problems::new();
        let question = bind(&self.template, arguments, &mut problems).ok_or(problems)?;
        Ok(match question {
            Question::SnmpProduct(_) => Question::SnmpProduct(self.products.clone()),
            question => question,
        })
    }

    /// Names of the arguments that it uses.
    #[must_use]
    pub fn arguments(&self) -> BTreeSet<Arc<str>> {
        let mut names = BTreeSet::new();
        collect(&self.template.root, &mut names);
        names
    }
}

fn collect(node: &Node, into: &mut BTreeSet<Arc<str>>) {
    into.extend(argument(node).map(Arc::from));
    node.items().iter().for_each(|(_, item)| collect(item, into));
    node.entries().iter().for_each(|entry| collect(&entry.node, into));
}

fn argument(node: &Node) -> Option<&str> {
    node.as_text()?.strip_prefix("args.")
}

fn bind(template: &Document, arguments: &Arguments, problems: &mut Problems) -> Option<Question> {
    let mut root = template.root.clone();
    let unknown = problems.len();
    fill(template, &mut root, &mut vec!["ask".into()], arguments, problems);
    if problems.len() > unknown {
        return None;
    }
    template.read(&["ask".into()], &root, problems)
}

/// Replaces every text `args.NAME` by that argument.
fn fill(file: &Document, node: &mut Node, path: &mut Vec<Step>, arguments: &Arguments, problems: &mut Problems) {
    if let Some(name) = argument(node) {
        if let Some(value) = arguments.get(name) {
            *node = planted(value, &node.place);
        } else {
            let message = format!("no argument {name:?} is declared under \"args\"");
            let problem = file.wrong_at(&node.place, &path_text(path), message);
            problems.push(suggest(problem, name, arguments.keys().map(|name| &**name)));
        }
        return;
    }
    match &mut node.data {
        Data::List(items) => {
            for (at, item) in items {
                path.push((*at).into());
                fill(file, item, path, arguments, problems);
                path.pop();
            }
        }
        Data::Map(entries) => {
            for entry in entries {
                path.push(Step::Key(entry.key.clone()));
                fill(file, &mut entry.node, path, arguments, problems);
                path.pop();
            }
        }
        _ => {}
    }
}

/// A value as a tree that stands at one place as a whole.
fn planted(value: &Value, place: &Place) -> Node {
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(truth) => Data::Bool(*truth),
        Value::Int(number) => Data::Int(*number),
        Value::Float(number) => Data::Float(*number),
        Value::Text(text) => Data::Text(text.to_string()),
        Value::List(items) => Data::List(items.iter().map(|item| planted(item, place)).enumerate().collect()),
        Value::Map(fields) => {
            let entry = |(key, value): (&Arc<str>, &Value)| Entry {
                key: key.to_string(),
                place: place.clone(),
                node: planted(value, place),
            };
            Data::Map(fields.iter().map(entry).collect())
        }
    };
    Node::new(place.clone(), data)
}
