//! What was seen, as the value of a fact.

use super::cell::{Cell, Found, State};
use super::{Question, Sample, Seen, SeenCanary, no_data};
use crate::model::{Answer, Value};
use crate::transport::TransportError;
use crate::transport::gate::Gate;

/// The answer to one question. A question with samples has none when the canary was not seen before and after: a
/// vantage that cannot see must never look like a closed firewall.
pub(super) fn answer(question: &Question, seen: &Seen, gate: &Gate) -> Result<Answer, TransportError> {
    let Some(canary) = &seen.canary else { return Err(no_data(gate, "no canary was tried")) };
    let state = canary.cell.state();
    let samples = &question.task.samples;
    if !samples.is_empty() && state != State::Open {
        let open = &canary.asked.open;
        let problem = format!(
            "the positive control failed: {} port {}, which must answer, is {} from here",
            open.target,
            open.port,
            canary.cell.found.word()
        );
        return Err(no_data(gate, problem));
    }
    let rows = samples.iter().filter_map(|sample| Some(row(sample, seen.cell(sample)?)));
    let blank = question
        .task
        .blank
        .iter()
        .map(|(zone, why)| Value::map([("zone", Value::text(zone.as_str())), ("why", Value::text(why))]));
    Ok(Answer::Value(Value::map([
        ("answered", Value::Bool(canary.cell.found == Found::Open)),
        ("canary", open_canary(canary, &state)),
        ("closed", closed_canary(canary)),
        ("rows", Value::list(rows)),
        ("blank", Value::list(blank)),
    ])))
}

fn open_canary(canary: &SeenCanary, state: &State) -> Value {
    let mut fields = cell(&canary.asked.open, &canary.cell);
    fields.push(("again", canary.after.as_ref().map_or(Value::Null, |after| Value::text(after.word()))));
    fields.push(("state", Value::text(state.word())));
    Value::map(fields)
}

fn closed_canary(canary: &SeenCanary) -> Value {
    Value::map([
        ("target", Value::text(canary.asked.open.target.as_str())),
        ("port", Value::from(canary.asked.closed)),
        ("found", Value::text(canary.closed.word())),
    ])
}

fn row(sample: &Sample, cell: &Cell) -> Value {
    Value::map(self::cell(sample, cell))
}

/// The fields of a cell: `target`, `zone`, `port`, `found`, `state`, of an unproven one `cause` and `detail`, and
/// `control` with `control_from` where somebody else looked too.
fn cell(sample: &Sample, cell: &Cell) -> Vec<(&'static str, Value)> {
    let state = cell.state();
    let mut fields = vec![
        ("target", Value::text(sample.target.as_str())),
        ("zone", Value::text(sample.zone.as_str())),
        ("port", Value::from(sample.port)),
        ("found", Value::text(cell.found.word())),
        ("state", Value::text(state.word())),
    ];
    if let State::Unproven(missing) = state {
        fields.push(("cause", Value::text(missing.cause.word())));
        fields.push(("detail", Value::text(missing.detail)));
    }
    if let Some((place, found)) = &cell.control {
        fields.push(("control", Value::text(found.word())));
        fields.push(("control_from", Value::text(place.word())));
    }
    fields
}
