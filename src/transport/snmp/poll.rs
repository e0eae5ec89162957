//! Reading what the questions of one visit want: every object and every subtree once, then dealt out.

use std::collections::{BTreeMap, BTreeSet};

use async_snmp::{ErrorStatus, Oid, Value as Wire, VarBind};

use super::failure::{self, Failure};
use super::session::{Request, Session};
use super::{Ask, Question, Sequel, question, value};
use crate::model::{Answer, Value, Varbind};
use crate::transport::TransportError;

/// Objects in one GET; more overflow small agents.
const OBJECTS_A_REQUEST: usize = 10;
/// Rows of one walk; more is no table that a check can judge.
const ROWS_A_WALK: usize = 10_000;

/// What was read so far.
struct Harvest {
    objects: BTreeMap<Oid, Result<Value, TransportError>>,
    walks: BTreeMap<Oid, Result<Vec<Varbind>, TransportError>>,
    /// Variables that may still be asked for.
    left: usize,
    repetitions: u32,
    bulk: bool,
}

/// Reads everything once and answers each question.
pub(super) async fn collect(
    session: &mut Session<'_>,
    asks: &[Ask<'_>],
    sequel: Sequel<'_>,
    bulk: bool,
) -> Vec<Result<Answer, TransportError>> {
    let gets: BTreeSet<Oid> = asks.iter().flat_map(|ask| &ask.question.get).filter_map(|text| oid(text)).collect();
    let roots: BTreeSet<Oid> = asks.iter().flat_map(|ask| &ask.question.walk).filter_map(|text| oid(text)).collect();
    let mut harvest = Harvest {
        objects: BTreeMap::new(),
        walks: BTreeMap::new(),
        left: session.pace.variables,
        repetitions: session.pace.repetitions,
        bulk,
    };
    let ended = harvest.read(session, gets.into_iter().collect(), roots).await.err();
    let mut answers: Vec<_> = asks.iter().map(|ask| harvest.deal(session, ask, ended.as_ref())).collect();
    for (place, answer) in answers.iter_mut().enumerate() {
        let Ok(Answer::Varbinds(binds)) = answer else { continue };
        let Some(question) = sequel(place, binds) else { continue };
        let more = match &ended {
            None => harvest.follow(session, &question).await,
            Some(error) => Err(error.again()),
        };
        match more {
            Ok(more) => binds.extend(more),
            Err(error) => *answer = Err(error),
        }
    }
    answers
}

fn oid(text: &str) -> Option<Oid> {
    question::arcs(text).ok().map(Oid::new)
}

impl Harvest {
    /// Stops at the error that ends the visit; what was read before it stays.
    async fn read(
        &mut self,
        session: &mut Session<'_>,
        gets: Vec<Oid>,
        roots: BTreeSet<Oid>,
    ) -> Result<(), TransportError> {
        for batch in gets.chunks(OBJECTS_A_REQUEST) {
            self.get(session, batch.to_vec()).await?;
        }
        for root in roots {
            let rows = match self.walk(session, &root).await {
                Ok(rows) => Ok(rows),
                Err(Failure::Ended(error)) => return Err(error),
                Err(Failure::Wrong(error)) => Err(error),
                Err(Failure::Status(status, oid)) => {
                    Err(failure::status(&session.endpoint, status, Some(oid.as_ref().unwrap_or(&root))))
                }
            };
            self.walks.insert(root, rows);
        }
        Ok(())
    }

    /// One batch; an object that the agent complains about is set aside and the others are asked again.
    async fn get(&mut self, session: &mut Session<'_>, mut batch: Vec<Oid>) -> Result<(), TransportError> {
        for beyond in batch.split_off(batch.len().min(self.left)) {
            self.objects.insert(beyond, Err(too_many(session)));
        }
        self.left -= batch.len();
        while !batch.is_empty() {
            match session.call(&Request::Get(&batch)).await {
                Ok(binds) => {
                    self.keep(session, std::mem::take(&mut batch), &binds);
                }
                Err(Failure::Status(status, about)) => {
                    let at = about.and_then(|oid| batch.iter().position(|asked| *asked == oid));
                    let at = at.or((batch.len() == 1).then_some(0));
                    let blamed = match at {
                        Some(at) => vec![batch.remove(at)],
                        None => std::mem::take(&mut batch),
                    };
                    for oid in blamed {
                        let outcome = refused(session, status, &oid);
                        self.objects.insert(oid, outcome);
                    }
                }
                Err(Failure::Wrong(error)) => {
                    for oid in std::mem::take(&mut batch) {
                        self.objects.insert(oid, Err(error.again()));
                    }
                }
                Err(Failure::Ended(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn keep(&mut self, session: &Session<'_>, asked: Vec<Oid>, binds: &[VarBind]) {
        for oid in asked {
            let found = binds.iter().find(|bind| bind.oid == oid).map(|bind| value::value(&bind.value));
            let found = found.ok_or_else(|| session.broken(format!("the answer leaves out {oid}")));
            self.objects.insert(oid, found);
        }
    }

    /// Follows one subtree to its end. Rows must strictly increase (RFC 3416 section 4.2.2), and there is a limit.
    async fn walk(&mut self, session: &mut Session<'_>, root: &Oid) -> Result<Vec<Varbind>, Failure> {
        let (mut rows, mut after) = (Vec::new(), root.clone());
        loop {
            if self.left == 0 {
                return Err(Failure::Wrong(too_many(session)));
            }
            let Some(binds) = self.following(session, &after).await? else { return Ok(rows) };
            self.left = self.left.saturating_sub(binds.len());
            if binds.is_empty() {
                return Err(Failure::Wrong(session.broken(format!("an empty answer in the walk of {root}"))));
            }
            for bind in &binds {
                if matches!(bind.value, Wire::EndOfMibView | Wire::NoSuchObject | Wire::NoSuchInstance) {
                    return Ok(rows);
                }
                if bind.oid <= after {
                    let problem = format!("the walk of {root} does not increase: {} after {after}", bind.oid);
                    return Err(Failure::Wrong(session.broken(problem)));
                }
                if !bind.oid.starts_with(root) {
                    return Ok(rows);
                }
                if rows.len() == ROWS_A_WALK {
                    return Err(Failure::Wrong(session.broken(format!("more than {ROWS_A_WALK} rows under {root}"))));
                }
                after = bind.oid.clone();
                rows.push(value::varbind(bind));
            }
        }
    }

    /// The rows after one, by GETBULK while the agent bears it; `None` at the end of a version 1 agent.
    async fn following(&mut self, session: &mut Session<'_>, after: &Oid) -> Result<Option<Vec<VarBind>>, Failure> {
        while self.bulk {
            let rows = self.repetitions.min(u32::try_from(self.left).unwrap_or(u32::MAX));
            match session.call(&Request::Bulk(after, rows)).await {
                Err(Failure::Status(ErrorStatus::TooBig, _)) if self.repetitions > 1 => self.repetitions /= 2,
                Err(Failure::Status(status, _)) if !failure::is_denied(status) => self.bulk = false,
                // it lives: large answers get lost, or it ignores GETBULK
                Err(Failure::Ended(TransportError::Timeout { .. })) if session.alive() => self.bulk = false,
                outcome => return outcome.map(Some),
            }
        }
        match session.call(&Request::Next(after)).await {
            Err(Failure::Status(ErrorStatus::NoSuchName, _)) => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// Reads what follows from a first answer, as far as it was not read already.
    async fn follow(&mut self, session: &mut Session<'_>, question: &Question) -> Result<Vec<Varbind>, TransportError> {
        let new = |text: &String| oid(text).filter(|oid| !self.objects.contains_key(oid));
        let gets: BTreeSet<Oid> = question.get.iter().filter_map(new).collect();
        if gets.len() > self.left {
            return Err(too_many(session));
        }
        let roots: BTreeSet<Oid> = question.walk.iter().filter_map(|text| oid(text)).collect();
        let roots = roots.into_iter().filter(|root| !self.walks.contains_key(root)).collect();
        self.read(session, gets.into_iter().collect(), roots).await?;
        let mut binds = Vec::new();
        for text in &question.get {
            let found = oid(text).and_then(|oid| self.objects.get(&oid)?.as_ref().ok().cloned());
            binds.push(Varbind { oid: text.clone(), value: found.unwrap_or_default() });
        }
        for text in &question.walk {
            let rows = oid(text).and_then(|oid| self.walks.get(&oid)?.as_ref().ok());
            binds.extend(rows.into_iter().flatten().cloned());
        }
        Ok(binds)
    }

    /// One question's objects in its own order, then its rows; one missing part makes the whole answer missing.
    fn deal(
        &self,
        session: &Session<'_>,
        ask: &Ask<'_>,
        ended: Option<&TransportError>,
    ) -> Result<Answer, TransportError> {
        let lost = || ended.map_or_else(|| session.broken("not read"), TransportError::again);
        let mut binds = Vec::new();
        for text in &ask.question.get {
            let outcome = oid(text).and_then(|oid| self.objects.get(&oid)).ok_or_else(lost)?;
            let value = outcome.as_ref().map_err(TransportError::again)?.clone();
            binds.push(Varbind { oid: text.clone(), value });
        }
        for text in &ask.question.walk {
            let outcome = oid(text).and_then(|oid| self.walks.get(&oid)).ok_or_else(lost)?;
            binds.extend(outcome.as_ref().map_err(TransportError::again)?.iter().cloned());
        }
        Ok(Answer::Varbinds(binds))
    }
}

fn refused(session: &Session<'_>, status: ErrorStatus, oid: &Oid) -> Result<Value, TransportError> {
    match status {
        // version 1 has no other way to say that there is no such object
        ErrorStatus::NoSuchName => Ok(Value::Null),
        status => Err(failure::status(&session.endpoint, status, Some(oid))),
    }
}

fn too_many(session: &Session<'_>) -> TransportError {
    let most = session.pace.variables;
    session.broken(format!(
        "more than {most} rows, which is all that a fragile asset is asked for in one visit; spread its checks over \
         several schedules"
    ))
}
