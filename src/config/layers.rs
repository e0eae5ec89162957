//! Defaults < file < environment < flags, without forgetting where a value came from.
//!
//! Figment merges; what it merged is laid back onto the tree of the file, so that a mistake still names its line,
//! its variable or the command line.

use std::collections::BTreeMap;
use std::sync::Arc;

use figment::providers::Serialized;
use figment::value::{Dict, Map, Num, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::Flags;
use crate::model::document::{Data, Entry, Node, Place};

/// What our variables begin with. Two underscores, because Kubernetes itself sets `NIS2WATCH_SERVICE_HOST`.
const PREFIX: &str = "NIS2WATCH__";

/// Where a value that is not from the file came from, by its path.
type Origins = BTreeMap<Vec<String>, (Place, Option<String>)>;

/// Lays environment and flags over the file.
pub(super) fn merge(file: &Node, variables: &BTreeMap<String, String>, flags: &Flags) -> Result<Node, String> {
    let (mut environment, mut origins) = (Dict::new(), Origins::new());
    for (name, text) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        // never fails: what is no number, truth, list or map is text
        let Ok(value) = text.parse::<Value>();
        insert(&mut environment, &path, value);
        origins.insert(path, (Place::Variable(Arc::from(name.as_str())), Some(text.clone())));
    }
    let mut over = Dict::new();
    for (path, value) in flag_values(flags) {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        insert(&mut over, &path, Value::from(value));
        origins.insert(path, (Place::Flag, None));
    }
    let merged: Dict = Figment::new()
        .merge(FileLayer(file))
        .merge(Serialized::globals(&environment))
        .merge(Serialized::globals(&over))
        .extract()
        .map_err(|error| error.to_string())?;
    Ok(lay_back(Some(file), &Value::from(merged), &mut Vec::new(), &origins, &Place::Nowhere))
}

fn flag_values(flags: &Flags) -> Vec<([&'static str; 2], String)> {
    // a path on the command line is relative to where the person stands, not to the configuration
    let absolute = |path: &std::path::PathBuf| {
        if path == std::path::Path::new(":memory:") {
            return path.display().to_string();
        }
        std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
    };
    let values = [
        (["api", "listen"], flags.listen.clone()),
        (["api", "web_config"], flags.web_config.as_ref().map(absolute)),
        (["store", "path"], flags.store.as_ref().map(absolute)),
        (["telemetry", "log"], flags.log.clone()),
    ];
    values.into_iter().filter_map(|(path, value)| Some((path, value?))).collect()
}

/// Adds a value at a path of keys.
fn insert(dict: &mut Dict, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        dict.insert(first.clone(), value);
        return;
    }
    let slot = dict.entry(first.clone()).or_insert_with(|| Value::from(Dict::new()));
    if !matches!(slot, Value::Dict(..)) {
        *slot = Value::from(Dict::new());
    }
    if let Value::Dict(_, inner) = slot {
        insert(inner, rest, value);
    }
}

/// The file as a layer of figment.
struct FileLayer<'a>(&'a Node);

impl Provider for FileLayer<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named("configuration file")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let dict = match value(self.0) {
            Value::Dict(_, dict) => dict,
            _ => Dict::new(),
        };
        Ok(Profile::Global.collect(dict))
    }
}

fn value(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::from(figment::value::Empty::None),
        Data::Bool(truth) => Value::from(*truth),
        Data::Int(number) => Value::from(*number),
        Data::Float(number) => Value::from(*number),
        Data::Text(text) => Value::from(text.as_str()),
        Data::List(items) => Value::from(items.iter().map(|(_, item)| value(item)).collect::<Vec<_>>()),
        Data::Map(entries) => {
            Value::from(entries.iter().map(|entry| (entry.key.clone(), value(&entry.node))).collect::<Dict>())
        }
    }
}

/// The merged value as a tree: what the file said is taken from the file, the rest gets the place of its origin.
fn lay_back(file: Option<&Node>, merged: &Value, path: &mut Vec<String>, origins: &Origins, above: &Place) -> Node {
    let own = origins.get(path.as_slice());
    let below = origins.keys().find(|origin| origin.starts_with(path));
    let place = match (own, file, below) {
        (Some((place, _)), ..) => place.clone(),
        (None, Some(node), _) => node.place.clone(),
        (None, None, Some(origin)) => origins[origin].0.clone(),
        (None, None, None) => above.clone(),
    };
    match (merged, file) {
        (_, Some(node)) if own.is_none() && below.is_none() => node.clone(),
        (Value::Dict(_, dict), _) => {
            let order = |key: &str| {
                file.and_then(|node| node.entries().iter().position(|entry| entry.key == key)).unwrap_or(usize::MAX)
            };
            let mut keys: Vec<&String> = dict.keys().collect();
            keys.sort_by_key(|key| order(key));
            let entry = |key: &String| {
                let before = file.and_then(|node| node.entries().iter().find(|entry| entry.key == *key));
                path.push(key.clone());
                let node = lay_back(before.map(|entry| &entry.node), &dict[key], path, origins, &place);
                path.pop();
                let place = before.map_or_else(|| node.place.clone(), |entry| entry.place.clone());
                Entry { key: key.clone(), place, node }
            };
            Node::new(place.clone(), Data::Map(keys.into_iter().map(entry).collect()))
        }
        _ => leaf(merged, &place, own.and_then(|(_, text)| text.as_deref())),
    }
}

fn leaf(merged: &Value, place: &Place, written: Option<&str>) -> Node {
    let node = |data| Node::new(place.clone(), data);
    let scalar = |data| match written {
        Some(text) => node(data).with_raw(text),
        None => node(data),
    };
    match merged {
        Value::String(_, text) => node(Data::Text(text.clone())),
        Value::Char(_, letter) => node(Data::Text(letter.to_string())),
        Value::Bool(_, truth) => scalar(Data::Bool(*truth)),
        Value::Num(_, number) => scalar(number_data(number)),
        Value::Empty(..) => node(Data::Null),
        Value::Array(_, items) => {
            node(Data::List(items.iter().map(|item| leaf(item, place, None)).enumerate().collect()))
        }
        Value::Dict(_, dict) => {
            let entry = |(key, value): (&String, &Value)| Entry {
                key: key.clone(),
                place: place.clone(),
                node: leaf(value, place, None),
            };
            node(Data::Map(dict.iter().map(entry).collect()))
        }
    }
}

fn number_data(number: &Num) -> Data {
    let whole = number.to_i128().or_else(|| number.to_u128().and_then(|n| i128::try_from(n).ok()));
    match (whole.and_then(|n| i64::try_from(n).ok()), number.to_f64()) {
        (Some(whole), _) => Data::Int(whole),
        (None, Some(float)) => Data::Float(float),
        (None, None) => Data::Null,
    }
}
