//! Scores that say how likely a vulnerability is to be exploited, in the CSV format of EPSS.

use std::collections::BTreeMap;

use super::{FeedError, guard};
use crate::model::Time;

/// Most scores; the public list has some 300,000.
const MAX_SCORES: usize = 2_000_000;

/// The scores of one day.
#[derive(Debug, Clone, Default)]
pub struct Epss {
    /// The day, as the file says it.
    pub scored: Option<Time>,
    /// Probability of exploitation in the next 30 days, 0 to 1, by CVE id.
    pub scores: BTreeMap<Box<str>, f32>,
    /// Rows that could not be read.
    pub skipped: usize,
}

impl Epss {
    /// Reads a list: a comment with `score_date:`, a header, rows of `cve,epss,percentile`.
    ///
    /// # Errors
    ///
    /// It is no such list, has no date, or is too long.
    pub fn parse(bytes: &[u8]) -> Result<Self, FeedError> {
        let text = std::str::from_utf8(bytes).map_err(|_| FeedError::Shape("this is not UTF-8 text".into()))?;
        let mut lines = text.lines().enumerate();
        let first = lines.next().map(|(_, line)| line).unwrap_or_default();
        let date = first.split("score_date:").nth(1).filter(|_| first.starts_with('#'));
        let scored = date.and_then(|text| time(text.split(',').next()?.trim()));
        let Some(scored) = scored else {
            return Err(FeedError::Shape("the first line names no score_date".into()));
        };
        if !lines.next().is_some_and(|(_, line)| line.starts_with("cve,epss")) {
            return Err(FeedError::Shape("the second line is not the header cve,epss,percentile".into()));
        }
        let mut list = Self { scored: Some(scored), ..Self::default() };
        for (_, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let mut cells = line.split(',');
            let cve = cells.next().filter(|cve| guard::is_cve(cve));
            let score = cells.next().and_then(|cell| cell.parse::<f32>().ok());
            match (cve, score.filter(|score| (0.0..=1.0).contains(score))) {
                (Some(cve), Some(score)) => drop(list.scores.insert(cve.into(), score)),
                _ => list.skipped += 1,
            }
            if list.scores.len() > MAX_SCORES {
                return Err(FeedError::Shape(format!("it has more than {MAX_SCORES} scores")));
            }
        }
        if list.scores.is_empty() {
            return Err(FeedError::Shape("no score could be read".into()));
        }
        Ok(list)
    }
}

/// A time with an offset in either spelling, `+00:00` or `+0000`.
fn time(text: &str) -> Option<Time> {
    text.parse().ok().or_else(|| Some(chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z").ok()?.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_its_day_and_its_scores() {
        let list = Epss::parse(include_bytes!("samples/epss.csv")).unwrap();
        assert_eq!(list.scored.unwrap().to_rfc3339(), "2099-06-28T00:00:00+00:00");
        assert!(list.scores["CVE-2099-10003"] > 0.94 && list.scores.len() == 4);
    }

    #[test]
    fn a_list_without_a_day_or_header_is_refused_and_a_broken_row_is_counted() {
        assert!(Epss::parse(b"cve,epss,percentile\n").is_err() && Epss::parse(b"\xff").is_err());
        let rows = b"#model_version:v1,score_date:2099-06-28T00:00:00+0000\ncve,epss,percentile\nCVE-2099-1234,0.5,1\nx,1,1\nCVE-2099-1235,7,1\n";
        let list = Epss::parse(rows).unwrap();
        assert_eq!((list.scores.len(), list.skipped), (1, 2));
    }
}
