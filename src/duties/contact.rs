//! Who is called when something happens, and when somebody last made sure that the call gets through.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::days_between;
use super::page::{self, Page};
use crate::model::{EntryId, Problems, Time, Value};

/// The key of the list.
const KEY: &str = "contacts";

/// One contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Unique.
    pub id: EntryId,
    /// What it is for: `csirt`, `authority`, `phone-tree`, `supplier-psirt` or a word of the plant's own.
    pub role: String,
    /// Name of the body or the person.
    pub name: String,
    /// How it is reached: portal, telephone, mail.
    pub channel: String,
    /// Who holds the login, or calls.
    #[serde(default)]
    pub holder: Option<String>,
    /// Who stands in.
    #[serde(default)]
    pub deputy: Option<String>,
    /// When somebody last called or logged in.
    #[serde(default, deserialize_with = "page::maybe_day")]
    pub verified_on: Option<NaiveDate>,
    /// Who did.
    #[serde(default)]
    pub verified_by: Option<String>,
    /// `file:line:column`.
    #[serde(skip)]
    pub declared: Arc<str>,
}

impl Contact {
    /// The entry as checks read it. One that was never verified has no `age_days`, and `verified` is false.
    #[must_use]
    pub fn fact(&self, now: Time) -> Value {
        // the day counts as a whole: verified today is not ahead of now
        let age = self.verified_on.map(|day| days_between(day.and_time(chrono::NaiveTime::MIN).and_utc(), now));
        let known = age.filter(|age| *age >= 0.0);
        let fields = [
            ("id", Some(Value::text(self.id.as_str()))),
            ("role", Some(Value::text(&self.role))),
            ("verified", Some(Value::Bool(known.is_some()))),
            ("verified_on", self.verified_on.map(|day| Value::text(day.to_string()))),
            ("age_days", known.map(Value::Float)),
            ("holder", self.holder.as_ref().map(Value::text)),
            ("deputy", self.deputy.as_ref().map(Value::text)),
        ];
        Value::map(fields.into_iter().filter_map(|(name, value)| Some((name, value?))))
    }
}

/// Reads the files.
pub(super) fn load(files: &[PathBuf], problems: &mut Problems) -> Vec<Contact> {
    let (mut all, mut seen) = (Vec::new(), BTreeMap::new());
    for file in files {
        let Some(mut page) = Page::load(file, KEY, problems) else { continue };
        let entries = page.entries::<Contact>(KEY);
        for found in page.once(entries, &mut seen, |contact| &contact.id) {
            if found.value.channel.trim().is_empty() {
                page.wrong(&found, "channel", "nothing says how it is reached", "");
            }
            all.push(Contact { declared: found.declared, ..found.value });
        }
    }
    all
}
