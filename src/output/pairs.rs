//! Pages of (asset, check) pairs: state, pass, since, unknown, and what stands against a pair.

use super::certificates::{self, Ends};
use super::family::{Family, Type, put, sample};
use super::lines::{Lines, labels};
use super::story::{Standing, Track};
use crate::engine::PlannedAsset;
use crate::model::{AssetId, Cause, CheckId, Time, Verdict};

pub(super) static STATE: Family = Family::new(
    Type::Gauge,
    "nis2watch_check_state",
    "State of a check on an asset: 0 pass, 1 warn, 2 fail, 3 unknown, 4 waived, 5 not applicable.",
);
pub(super) static PASS: Family = Family::new(
    Type::Gauge,
    "nis2watch_check_pass",
    "1 for pass, warn and waived, 0 for fail; absent while unknown or not applicable.",
);
pub(super) static SINCE: Family = Family::new(
    Type::Gauge,
    "nis2watch_check_state_since_timestamp_seconds",
    "When the state of a check on an asset began.",
);
pub(super) static UNKNOWN: Family =
    Family::new(Type::Gauge, "nis2watch_check_unknown", "1 for each check whose state is unknown, with the cause.");
pub(super) static FINDING: Family = Family::new(
    Type::Gauge,
    "nis2watch_check_finding_since_timestamp_seconds",
    "When a check began to fail on an asset; kept while it cannot be seen, until it passes, is waived or does not apply. \
     The kind is drifted where it passed before, else found.",
);

/// What is shown of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// The verdict.
    pub(super) verdict: Verdict,
    /// When it began, in seconds since 1970.
    pub(super) since: i64,
    /// Whether it was ever judged.
    pub(super) judged: bool,
}

impl State {
    /// A pair that waits for its first judgement: shown as unknown, so that nothing is silently missing.
    pub(super) const fn unjudged(since: i64) -> Self {
        Self { verdict: Verdict::Unknown(Cause::NoData), since, judged: false }
    }
}

/// The pairs of up to 32 assets. The families change at different rates and lie in pages of their own.
#[derive(Debug)]
pub(super) struct PairPage {
    pub(super) state: Lines,
    pub(super) pass: Lines,
    pub(super) since: Lines,
    pub(super) unknown: Lines,
    pub(super) finding: Lines,
    pub(super) certificates: Lines,
    states: Vec<State>,
    tracks: Vec<Track>,
    /// The number of the check in each row.
    checks: Vec<u16>,
    /// Where the rows of each asset begin, and where the last one's end.
    starts: Vec<u32>,
}

impl PairPage {
    /// Renders the pairs of some assets; `checks`, `states` and `tracks` are given row by row.
    pub(super) fn new(assets: &[PlannedAsset], checks: Vec<u16>, states: Vec<State>, tracks: Vec<Track>) -> Self {
        let mut starts = vec![0];
        for planned in assets {
            let rows = starts.last().copied().unwrap_or_default() + planned.checks.len();
            starts.push(rows);
        }
        let pairs: Vec<_> =
            assets.iter().flat_map(|asset| asset.checks.iter().map(move |one| (&asset.member.asset, one))).collect();
        let state = Lines::build(pairs.len(), |row, out| {
            let (asset, one) = &pairs[row];
            let labels = [
                ("asset", asset.id.as_str()),
                ("check", one.check.id.as_str()),
                ("zone", asset.zone.as_str()),
                ("severity", one.check.severity.word()),
            ];
            sample(out, STATE.name, &labels, states[row].verdict.code());
        });
        let since = Lines::build(pairs.len(), |row, out| {
            let (asset, one) = &pairs[row];
            let labels = [("asset", asset.id.as_str()), ("check", one.check.id.as_str())];
            sample(out, SINCE.name, &labels, states[row].since);
        });
        let pass = Lines::build(pairs.len(), |row, out| pass_line(out, state.row(row), states[row].verdict));
        let unknown = Lines::build(pairs.len(), |row, out| unknown_line(out, since.row(row), states[row].verdict));
        let finding = Lines::build(pairs.len(), |row, out| finding_line(out, state.row(row), tracks[row]));
        let starts = starts.into_iter().map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect();
        let certificates = Lines::build(pairs.len(), |_, _| ());
        Self { state, pass, since, unknown, finding, certificates, states, tracks, checks, starts }
    }

    /// Shows the certificates that were last seen, when the page is new.
    pub(super) fn certificates(&mut self, of: impl Fn(&AssetId, &CheckId) -> Ends, assets: &[PlannedAsset]) {
        let pairs = assets.iter().flat_map(|asset| asset.checks.iter().map(move |one| (&asset.member.asset.id, one)));
        let ends: Vec<_> = pairs.map(|(asset, one)| of(asset, &one.check.id)).collect();
        let state = &self.state;
        self.certificates = Lines::build(ends.len(), |row, out| certificates::lines(out, state.row(row), &ends[row]));
    }

    /// Shows the certificates that a judgement saw. What cannot be seen now ends all the same.
    pub(super) fn show_certificates(&mut self, row: usize, verdict: Verdict, ends: Option<Ends>) {
        if ends.is_none() && matches!(verdict, Verdict::Unknown(_)) {
            return;
        }
        let mut line = Vec::new();
        certificates::lines(&mut line, self.state.row(row), &ends.unwrap_or_default());
        self.certificates.set(row, &line);
    }

    /// The row of a check on the `asset`-th asset of the page.
    pub(super) fn row(&self, asset: usize, check: u16) -> Option<usize> {
        let (start, end) = (self.starts[asset] as usize, self.starts[asset + 1] as usize);
        self.checks[start..end].iter().position(|one| *one == check).map(|at| start + at)
    }

    /// Shows that a row was judged, and returns its state before.
    pub(super) fn set(&mut self, row: usize, verdict: Verdict, since: Time) -> State {
        let new = State { verdict, since: since.timestamp(), judged: true };
        let old = std::mem::replace(&mut self.states[row], new);
        if old.since != new.since {
            self.since.set_value(row, &new.since.to_string());
        }
        let mut line = Vec::new();
        if !old.judged || old.verdict.code() != verdict.code() {
            self.tracks[row].go(old.judged.then_some(old.verdict), verdict, since);
            finding_line(&mut line, self.state.row(row), self.tracks[row]);
            self.finding.set(row, &line);
        }
        if old.verdict == new.verdict {
            return old;
        }
        line.clear();
        if old.verdict.code() != new.verdict.code() {
            self.state.set_value(row, &new.verdict.code().to_string());
            pass_line(&mut line, self.state.row(row), new.verdict);
            self.pass.set(row, &line);
        }
        line.clear();
        unknown_line(&mut line, self.since.row(row), new.verdict);
        self.unknown.set(row, &line);
        old
    }

    /// The rows of the `asset`-th asset: number of the check, state.
    pub(super) fn rows(&self, asset: usize) -> impl Iterator<Item = (u16, State)> {
        let span = self.starts[asset] as usize..self.starts[asset + 1] as usize;
        self.checks[span.clone()].iter().copied().zip(self.states[span].iter().copied())
    }
}

/// The labels are those of the state line.
fn pass_line(out: &mut Vec<u8>, state: &[u8], verdict: Verdict) {
    let Some(passes) = verdict.passes() else { return };
    out.extend_from_slice(PASS.name.as_bytes());
    out.extend_from_slice(labels(state, STATE.name));
    put(out, format_args!("}} {}\n", u8::from(passes)));
}

/// The labels are those of the state line and the kind.
fn finding_line(out: &mut Vec<u8>, state: &[u8], track: Track) {
    let kind = match track.standing {
        Standing::Clear | Standing::Lost => return,
        Standing::Found => "found",
        Standing::Drifted => "drifted",
    };
    let Some(since) = track.since else { return };
    out.extend_from_slice(FINDING.name.as_bytes());
    out.extend_from_slice(labels(state, STATE.name));
    put(out, format_args!(",kind=\"{kind}\"}} {}\n", since.timestamp()));
}

/// The labels are those of the since line and the cause.
fn unknown_line(out: &mut Vec<u8>, since: &[u8], verdict: Verdict) {
    let Some(cause) = verdict.cause() else { return };
    out.extend_from_slice(UNKNOWN.name.as_bytes());
    out.extend_from_slice(labels(since, SINCE.name));
    put(out, format_args!(",cause=\"{cause}\"}} 1\n"));
}
