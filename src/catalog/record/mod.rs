//! From a live visit to a fixture that may be shown: what was answered, with everything that tells whose plant it was masked.
//!
//! Masks are consistent within one recording, so that what was equal stays equal. A person reads a recording
//! before it leaves the house all the same: free text of a device can hold anything.

mod redact;

use std::collections::BTreeMap;

use serde::Serialize;

pub use redact::{Known, Redactor};

use crate::model::{Answer, Asset, FactId, Missing, Time, Value};

/// Masks the answers of one visit and writes them as a fixture; the verdict and the parameters are for a person to add.
///
/// # Errors
///
/// The text of the YAML writer, for a value that YAML cannot hold.
pub fn record(
    asset: &Asset,
    answers: &[(FactId, Result<Answer, Missing>)],
    now: Time,
    redactor: &mut Redactor,
) -> Result<String, String> {
    for (_, answer) in answers {
        if let Ok(answer) = answer {
            redactor.learn(answer);
        }
    }
    let facts = answers.iter().map(|(id, answer)| (id.to_string(), recorded(answer, redactor))).collect();
    let described = [("vendor", &asset.vendor), ("product", &asset.product), ("version", &asset.version)];
    let mut about = BTreeMap::from([("kind", Value::text(asset.kind.word()))]);
    for (key, text) in described {
        if let Some(text) = text {
            about.insert(key, Value::text(redactor.text(text)));
        }
    }
    let fixture = Fixture { now: now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true), asset: about, facts };
    let text = serde_saphyr::to_string(&fixture).map_err(|error| error.to_string())?;
    Ok(format!("# Recorded and masked by nis2watch; read it before you share it.\n{text}"))
}

#[derive(Serialize)]
struct Fixture {
    now: String,
    asset: BTreeMap<&'static str, Value>,
    facts: BTreeMap<String, Recorded>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Recorded {
    Text {
        #[serde(skip_serializing_if = "String::is_empty")]
        stdout: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        stderr: String,
        exit: Option<i32>,
        #[serde(skip_serializing_if = "is_false")]
        truncated: bool,
    },
    Varbinds {
        varbinds: Vec<(String, Value)>,
    },
    Value {
        value: Value,
    },
    Error {
        error: &'static str,
        detail: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_false(truth: &bool) -> bool {
    !*truth
}

fn recorded(answer: &Result<Answer, Missing>, redactor: &mut Redactor) -> Recorded {
    match answer.as_ref().map(|answer| redactor.answer(answer)) {
        Ok(Answer::Text(text)) => {
            Recorded::Text { stdout: text.stdout, stderr: text.stderr, exit: text.exit, truncated: text.truncated }
        }
        Ok(Answer::Varbinds(varbinds)) => {
            Recorded::Varbinds { varbinds: varbinds.into_iter().map(|varbind| (varbind.oid, varbind.value)).collect() }
        }
        Ok(Answer::Value(value)) => Recorded::Value { value },
        Err(missing) => Recorded::Error { error: missing.cause.word(), detail: redactor.text(&missing.detail) },
    }
}
