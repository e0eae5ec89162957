//! The catalogue of known exploited vulnerabilities, in the JSON format of CISA.
//!
//! Joined by CVE id alone; the names of makers and products in it are text for people.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{FeedError, guard};
use crate::model::Time;

/// Remarks that are kept.
const REMARKS: usize = 20;

/// What the catalogue says of one vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exploited {
    /// Since when it stands in the catalogue.
    pub added: NaiveDate,
    /// By when authorities of the United States must have acted; shown, not enforced.
    pub due: Option<NaiveDate>,
    /// Whether it is known to serve extortion.
    pub ransomware: bool,
}

/// The catalogue.
#[derive(Debug, Clone, Default)]
pub struct Kev {
    /// When it was published.
    pub released: Option<Time>,
    /// By CVE id.
    pub entries: BTreeMap<String, Exploited>,
    /// What could not be read of entries that count all the same; the first ones.
    pub remarks: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "dateReleased")]
    released: Time,
    #[serde(default)]
    count: Option<usize>,
    vulnerabilities: Vec<Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
    date_added: NaiveDate,
    #[serde(default)]
    due_date: Option<String>,
    #[serde(default)]
    known_ransomware_campaign_use: Option<String>,
}

impl Kev {
    /// Reads a catalogue.
    ///
    /// # Errors
    ///
    /// It is no such catalogue, has an entry that cannot be read, or holds another number of entries than it says: a cut one would hide the rest.
    pub fn parse(bytes: &[u8]) -> Result<Self, FeedError> {
        guard::survey(bytes)?;
        let file: File = serde_json::from_slice(bytes)?;
        if let Some(count) = file.count.filter(|count| *count != file.vulnerabilities.len()) {
            let found = file.vulnerabilities.len();
            return Err(FeedError::Shape(format!("it announces {count} entries and holds {found}")));
        }
        let (mut entries, mut remarks) = (BTreeMap::new(), Vec::new());
        for (at, entry) in file.vulnerabilities.into_iter().enumerate() {
            let entry = Entry::deserialize(entry).ok().filter(|entry| guard::is_cve(&entry.cve));
            let Some(entry) = entry else {
                // the one that is left out could be the one that is open here
                return Err(FeedError::Shape(format!("entry {} has no CVE id or no date", at + 1)));
            };
            let due = entry.due_date.as_deref().map(str::parse);
            if let Some(Err(_)) = due
                && remarks.len() < REMARKS
            {
                let said = guard::line(entry.due_date.as_deref().unwrap_or_default());
                remarks.push(format!("{}: its dueDate {said:?} is no day of the calendar and is left out", entry.cve));
            }
            let one = Exploited {
                added: entry.date_added,
                due: due.and_then(Result::ok),
                ransomware: entry.known_ransomware_campaign_use.is_some_and(|word| word.eq_ignore_ascii_case("known")),
            };
            entries.insert(entry.cve, one);
        }
        if entries.is_empty() {
            return Err(FeedError::Shape("no entry could be read".into()));
        }
        Ok(Self { released: Some(file.released), entries, remarks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = include_bytes!("samples/kev.json");

    #[test]
    fn the_sample_says_since_when_and_whether_it_serves_extortion() {
        let kev = Kev::parse(SAMPLE).unwrap();
        assert!(kev.entries["CVE-2099-10003"].ransomware);
        let other = &kev.entries["CVE-2099-20001"];
        assert_eq!((other.added.to_string().as_str(), other.ransomware), ("2099-06-28", false));
    }

    #[test]
    fn a_day_that_does_not_exist_is_told() {
        let text =
            String::from_utf8_lossy(SAMPLE).replace("\"dueDate\": \"2099-06-10\"", "\"dueDate\": \"2099-02-30\"");
        let kev = Kev::parse(text.as_bytes()).unwrap();
        assert_eq!((kev.entries.len(), kev.remarks.len()), (2, 1));
        assert!(kev.remarks[0].contains("is no day of the calendar"), "{}", kev.remarks[0]);
        assert!(Kev::parse(SAMPLE).unwrap().remarks.is_empty());
    }

    #[test]
    fn a_catalogue_that_is_cut_or_of_another_kind_is_refused() {
        let cut = String::from_utf8_lossy(SAMPLE).replace("\"count\": 2", "\"count\": 3");
        assert!(Kev::parse(cut.as_bytes()).unwrap_err().to_string().contains("announces 3"));
        let odd = String::from_utf8_lossy(SAMPLE).replace("CVE-2099-20001", "CVE");
        assert!(Kev::parse(odd.as_bytes()).unwrap_err().to_string().contains("entry 2"));
        assert!(Kev::parse(b"{}").is_err() && Kev::parse(b"[").is_err() && Kev::parse(&SAMPLE[..900]).is_err());
    }
}
