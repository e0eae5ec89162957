//! From a live visit to a fixture that may be shown: what was answered, with everything that tells whose plant it was masked.
//!
//! Masks are consistent within one recording, so that what was equal stays equal. A person reads a recording
//! before it leaves the house all the same: free text of a device can hold anything.

mod device;
mod redact;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::SubsecRound;

pub use redact::{Known, Redactor};

use crate::model::{Answer, Asset, FactId, Missing, Time, Value};
use crate::transport::replay::{Origin, Recorded, Transcript};

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
    let facts = answers.iter().map(|(id, answer)| (id.clone(), recorded(answer, redactor))).collect();
    let described = [("vendor", &asset.vendor), ("product", &asset.product), ("version", &asset.version)];
    let mut about = BTreeMap::from([(Arc::from("kind"), Value::text(asset.kind.word()))]);
    for (key, text) in described {
        if let Some(text) = text {
            about.insert(Arc::from(key), Value::text(redactor.text(text)));
        }
    }
    let now = now.trunc_subsecs(0);
    let transcript =
        Transcript { origin: Origin::Recorded, now: Some(now), asset: about, facts, ..Transcript::default() };
    let text = transcript.to_yaml()?;
    Ok(format!("# Recorded and masked by nis2watch; read it before you share it.\n{text}"))
}

fn recorded(answer: &Result<Answer, Missing>, redactor: &mut Redactor) -> Recorded {
    match answer {
        Ok(answer) => Recorded::Answer(redactor.answer(answer)),
        Err(missing) => Recorded::Failed(Missing::new(missing.cause, redactor.text(&missing.detail))),
    }
}
