//! One cell of a matrix: what a vantage found, what somebody else found, and what both together mean.

use super::Sight;
use crate::model::{Cause, Missing};

/// What became of one connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The connection stood, and was closed again.
    Open,
    /// Somebody answered with a reset: the device, or a firewall in its name.
    Refused,
    /// Nothing came back.
    Filtered,
    /// A router, a firewall or the vantage itself says that there is no way there.
    Unreachable(String),
    /// The vantage may not forward there, which says nothing about the way.
    Prohibited(String),
    /// It was not tried, or nobody can tell what became of it.
    Untried(Missing),
}

impl Found {
    /// Not tried because of what we know already.
    pub(super) fn untried(why: &str) -> Self {
        Self::Untried(Missing::new(Cause::NoData, why))
    }

    /// The word in facts.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::Unreachable(_) => "unreachable",
            Self::Prohibited(_) => "prohibited",
            Self::Untried(_) => "untried",
        }
    }
}

/// What a cell shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The way is open.
    Open,
    /// The way is closed: somebody else got an answer from there.
    Blocked,
    /// The device itself refused, so nothing between keeps the way closed; only the service is missing.
    Refused,
    /// Nothing is shown, and why.
    Unproven(Missing),
}

impl State {
    /// The word in facts.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Unproven(_) => "unproven",
        }
    }
}

/// What was found at one port of one asset.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) found: Found,
    /// The best that was found from elsewhere, and where.
    pub(super) control: Option<(Sight, Found)>,
}

impl Cell {
    pub(super) const fn new(found: Found) -> Self {
        Self { found, control: None }
    }

    /// Whether a look from elsewhere can tell more.
    pub(super) fn wants_control(&self) -> bool {
        let closed = matches!(self.found, Found::Refused | Found::Filtered | Found::Unreachable(_));
        closed && !matches!(self.control, Some((_, Found::Open | Found::Refused)))
    }

    /// Notes what was found from elsewhere; an answer is not displaced by a silence.
    pub(super) fn note(&mut self, place: &Sight, found: Found) {
        if !matches!(self.control, Some((_, Found::Open | Found::Refused))) {
            self.control = Some((place.clone(), found));
        }
    }

    /// What it means. Silence means a closed way only if the device was shown to be alive.
    pub(super) fn state(&self) -> State {
        let control = self.control.as_ref().map(|(_, found)| found);
        match (&self.found, control) {
            (Found::Open, _) => State::Open,
            (Found::Refused, Some(Found::Open))
            | (Found::Filtered | Found::Unreachable(_), Some(Found::Open | Found::Refused)) => State::Blocked,
            (Found::Refused, _) => State::Refused,
            (Found::Filtered, _) => {
                State::Unproven(Missing::new(Cause::Timeout, format!("no answer, {}", self.alone())))
            }
            (Found::Unreachable(why), _) => {
                State::Unproven(Missing::new(Cause::Unreachable, format!("{why}, {}", self.alone())))
            }
            (Found::Prohibited(why), _) => State::Unproven(Missing::new(Cause::Privilege, why.clone())),
            (Found::Untried(missing), _) => State::Unproven(missing.clone()),
        }
    }

    fn alone(&self) -> String {
        match &self.control {
            None => "and there is no other place to look from".to_owned(),
            Some((place, Found::Untried(missing))) => {
                format!("and it could not be tried from {}: {}", place.word(), missing.detail)
            }
            Some((place, found)) => format!("and {} from {} too", found.word(), place.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(found: Found, control: Option<Found>) -> Cell {
        Cell { found, control: control.map(|found| (Sight::Daemon, found)) }
    }

    #[test]
    fn silence_is_a_closed_way_only_where_somebody_else_gets_an_answer() {
        use Found::{Filtered, Open, Refused};
        for (found, control, state) in [
            (Open, None, "open"),
            (Filtered, Some(Open), "blocked"),
            (Filtered, Some(Refused), "blocked"),
            (Filtered, Some(Filtered), "unproven"),
            (Filtered, None, "unproven"),
            (Found::Unreachable("no route".into()), Some(Open), "blocked"),
            (Found::Unreachable("no route".into()), None, "unproven"),
            (Refused, Some(Open), "blocked"),
            (Refused, Some(Refused), "refused"),
            (Refused, None, "refused"),
            (Found::Prohibited("no".into()), Some(Open), "unproven"),
            (Found::untried("no"), Some(Open), "unproven"),
        ] {
            assert_eq!(cell(found.clone(), control.clone()).state().word(), state, "{found:?} {control:?}");
        }
    }

    #[test]
    fn an_answer_from_elsewhere_outlasts_a_silence() {
        let mut cell = cell(Found::Filtered, None);
        cell.note(&Sight::Daemon, Found::Filtered);
        assert!(cell.wants_control());
        let host = Sight::Host(crate::model::AssetId::parse("hmi").unwrap());
        cell.note(&host, Found::Open);
        cell.note(&Sight::Daemon, Found::Filtered);
        assert_eq!(cell.control, Some((host, Found::Open)));
    }
}
