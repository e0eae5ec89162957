//! What somebody can do about an unknown: worked out from the plan where a result is shown, and stored nowhere.

use super::plan::{PlannedAsset, PlannedCheck, PlannedFact};
use crate::catalog::{Derived, DutyRegister, Question};
use crate::model::{Advice, Cause, CheckResult, EvidenceItem, Impact, SubjectClass, Transport, WindowEffect};
use crate::transport::ssh::{Elevation, Privilege, Speaks};

impl PlannedAsset {
    /// What to do about a result of this asset; `None` when it is not unknown.
    #[must_use]
    pub fn advice(&self, result: &CheckResult) -> Option<Advice> {
        let cause = result.judgement.verdict.cause()?;
        let place = self.check(result.check.as_str());
        let Some(one) = place.and_then(|at| self.checks.get(usize::from(at))) else { return Some(cause.advice(None)) };
        let silent = self.silent(one, result, cause);
        Some(match cause {
            Cause::Gated => self.gated(one, result, silent),
            Cause::NoData => self.without_data(silent),
            Cause::Privilege => self.unprivileged(silent),
            // no fact of its own is silent in this way: a check that it reads is
            Cause::Timeout | Cause::Refused | Cause::Unreachable | Cause::Auth | Cause::HostKey
                if silent.is_none() && !one.after.is_empty() =>
            {
                Advice::SettleFirst
            }
            _ => cause.advice(silent.or_else(|| self.first_asked(one)).map(|fact| self.over(fact))),
        })
    }

    /// The fact that is missing for this cause; where it is computed, the one that it is computed from.
    fn silent(&self, one: &PlannedCheck, result: &CheckResult, cause: Cause) -> Option<&PlannedFact> {
        let items = &result.evidence.items;
        let is_silent = |fact: &&PlannedFact| {
            let is_it = |item: &EvidenceItem| item.fact == fact.fact.id && item.cause == Some(cause);
            fact.held.as_ref().is_some_and(|held| held.cause == cause) || items.iter().any(is_it)
        };
        let fact = one.facts.iter().map(|at| &self.facts[usize::from(*at)]).find(is_silent)?;
        Some(self.source(fact, cause))
    }

    fn source<'a>(&'a self, fact: &'a PlannedFact, cause: Cause) -> &'a PlannedFact {
        let from = || fact.from.iter().map(|at| &self.facts[usize::from(*at)]);
        let held = from().find(|one| one.held.as_ref().is_some_and(|held| held.cause == cause));
        // what the registers lack is theirs to say, not that of a fact that they may look at besides
        let is_paper = matches!(&*fact.question, Question::Derived(Derived::Attestation(_) | Derived::Duty(_)));
        match held.or_else(|| from().find(|one| one.question.touches_the_wire())) {
            Some(source) if !is_paper && (cause != Cause::NoData || source.held.is_some()) => source,
            _ => fact,
        }
    }

    /// The first fact of a check for which the asset is asked.
    fn first_asked(&self, one: &PlannedCheck) -> Option<&PlannedFact> {
        let facts = self.with_sources(&one.facts);
        facts.into_iter().map(|at| &self.facts[usize::from(at)]).find(|fact| fact.question.touches_the_wire())
    }

    fn over(&self, fact: &PlannedFact) -> Transport {
        match fact.question.transport() {
            Transport::Ssh if self.member.access.local => Transport::Local,
            other => other,
        }
    }

    fn gated(&self, one: &PlannedCheck, result: &CheckResult, silent: Option<&PlannedFact>) -> Advice {
        let asset = &self.member.asset;
        let mut asked = one.facts.iter().map(|at| &self.facts[usize::from(*at)].question);
        let only_reads = asked.all(|question| !question.touches_the_wire() || question.is_protocol_read());
        let reads = only_reads || silent.is_some_and(|fact| fact.question.is_protocol_read());
        let was_sent = result.evidence.items.iter().any(|item| !item.question.is_empty());
        let waits = one.check.impact == Impact::Avoid || silent.is_some_and(|fact| fact.question.is_protocol_read());
        let opted_in = asset.allow_intrusive || (reads && asset.allow_protocol_reads);
        let has_window = self.member.windows.iter().any(|window| window.effects.contains(&WindowEffect::Intrusive));
        match (waits && !was_sent, opted_in) {
            (true, false) if reads => Advice::OptInReads,
            (true, false) => Advice::OptIn,
            (true, true) if !has_window => Advice::DeclareWindow,
            (true, true) => Advice::AwaitWindow,
            // an asset that the running daemon alone may ask has no evidence yet
            (false, _) if result.evidence.items.is_empty() => Advice::AwaitDaemon,
            (false, _) => Advice::Patience,
        }
    }

    fn without_data(&self, silent: Option<&PlannedFact>) -> Advice {
        let Some(fact) = silent else { return Advice::Declare };
        match &*fact.question {
            Question::Derived(Derived::Attestation(_)) => return Advice::Sign,
            Question::Derived(Derived::Duty(register)) if *register != DutyRegister::Support => return Advice::Sign,
            Question::Derived(Derived::Lifecycle(_)) => return Advice::Lifecycle,
            Question::Reach(_) if fact.held.is_some() => return Advice::AddVantage,
            _ => {}
        }
        let (access, asset) = (&self.member.access, &self.member.asset);
        match (fact.question.transport(), fact.held.is_some()) {
            (_, true) if asset.kind.class() == SubjectClass::Paper => Advice::Declare,
            (Transport::Ssh, true) if access.ssh.is_none() && !access.local => Advice::AddSsh,
            (Transport::Snmp, true) if access.snmp.is_none() => Advice::AddSnmp,
            (Transport::Exec, true) if access.exec.is_none() => Advice::AddExec,
            (_, true) if asset.address.is_none() => Advice::AddAddress,
            (Transport::Ssh, true) => Advice::Language,
            (Transport::Snmp, false) => Advice::Agent,
            _ => Advice::Declare,
        }
    }

    fn unprivileged(&self, silent: Option<&PlannedFact>) -> Advice {
        let Some(fact) = silent else { return Advice::Permit };
        let over = self.over(fact);
        let Some(ssh) = self.member.access.ssh.as_deref().filter(|_| over == Transport::Ssh) else {
            return if over == Transport::Exec { Advice::Declare } else { Cause::Privilege.advice(Some(over)) };
        };
        let needs_root = matches!(&*fact.question, Question::Ssh(question) if question.privilege == Privilege::Sudo);
        match ssh.privilege {
            _ if ssh.speaks != Speaks::Posix => Advice::PermitCommand,
            Elevation::Collector => Advice::CollectorLine,
            _ if !needs_root => Advice::Permit,
            Elevation::None => Advice::Elevate,
            Elevation::Sudo => Advice::SudoLines,
            Elevation::Doas => Advice::DoasLines,
        }
    }
}

#[cfg(test)]
mod tests;
