//! Bodies of acts, and what is wrong with them in words of ours: a reader of the API knows its keys, not our types.

use axum::body::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Refusal;

/// What is said of a key that is not known; the path to it then names the key itself.
const STRANGE: &str = "there is no key";

/// Reads the body of an act; an empty one is an act without further words.
pub(super) fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    if bytes.is_empty() {
        return read(json!({}));
    }
    let said: Value = serde_json::from_slice(bytes).map_err(|error| {
        Refusal::InvalidValue(format!("the body is no JSON, from line {} column {} on", error.line(), error.column()))
    })?;
    read(said)
}

/// Reads what a body says.
pub(super) fn read<T: DeserializeOwned>(said: Value) -> Result<T, Refusal> {
    if !said.is_object() {
        return Err(Refusal::InvalidValue(
            "the body: expected an object with keys, such as {\"reason\": \"…\"}".into(),
        ));
    }
    serde_path_to_error::deserialize(said).map_err(|error| {
        let (path, words) = (error.path().to_string(), words(&error.inner().to_string()));
        let path =
            if words.starts_with(STRANGE) { path.rsplit_once('.').map_or("", |(outer, _)| outer) } else { &path };
        let path = if path.is_empty() || path == "." { String::new() } else { format!("{path}: ") };
        Refusal::InvalidValue(format!("the body: {path}{words}"))
    })
}

/// What serde says, without its names for things and ours.
fn words(error: &str) -> String {
    if let Some((found, expected)) = error
        .strip_prefix("invalid type: ")
        .or_else(|| error.strip_prefix("invalid value: "))
        .or_else(|| error.strip_prefix("invalid length "))
        .and_then(|rest| rest.split_once(", expected "))
    {
        return format!("expected {}, found {}", thing(expected), thing(found));
    }
    if let Some((name, known)) = error.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        return format!("there is no {name}, only {}", known.trim_start_matches("one of "));
    }
    if let Some((name, known)) = error.strip_prefix("unknown field ").and_then(|rest| rest.split_once(", ")) {
        if known.starts_with("there are no") {
            return format!("{STRANGE} {name} here");
        }
        let known = known.trim_start_matches("expected ").trim_start_matches("one of ");
        return format!("{STRANGE} {name}, only {known}");
    }
    if let Some(name) = error.strip_prefix("missing field ") {
        return format!("the key {name} is missing");
    }
    if let Some(name) = error.strip_prefix("duplicate field ") {
        return format!("the key {name} is given twice");
    }
    if error.starts_with("data did not match any variant") {
        return "this has none of the forms that are known here".into();
    }
    error.to_owned()
}

/// What serde calls a value, as JSON calls it.
fn thing(name: &str) -> String {
    match name.split_once(' ').map_or(name, |(first, _)| first) {
        "struct" | "map" | "enum" => "an object with keys".into(),
        "tuple" | "sequence" => "a list".into(),
        "unit" | "null" => "nothing".into(),
        "newtype" => "a value".into(),
        "string" => name.replacen("string", "the text", 1),
        "integer" | "floating" => name
            .rsplit_once(' ')
            .map_or_else(|| name.into(), |(_, number)| format!("the number {}", number.trim_matches('`'))),
        "boolean" => name.replacen("boolean ", "", 1).replace('`', ""),
        "a" if name.starts_with("a map") => "an object with keys".into(),
        "a" if matches!(name, "a sequence" | "a tuple") => "a list".into(),
        "a" if matches!(name, "a string" | "a borrowed string" | "a character") => "text".into(),
        "a" if name == "a boolean" => "true or false".into(),
        first if first.parse::<u64>().is_ok() => format!("a list of {first}"),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        _ => name.into(),
    }
}
