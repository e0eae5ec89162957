//! What an SSH host of the demo answers: recorded output by the text of the command.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::DemoError;
use super::script::Command;
use crate::catalog::{Catalog, Question};
use crate::model::{Answer, FactId, TextAnswer, Time};
use crate::transport::replay::{Recorded, Transcript};

/// Begins a time that is told from now: `{ago 3d}`.
const AGO: &str = "{ago ";

/// Which fact a command belongs to.
pub(super) type Commands = HashMap<String, FactId>;

/// The commands of all facts that are asked over SSH.
pub(super) fn commands(catalog: &Catalog) -> Commands {
    let command = |fact: &Arc<crate::catalog::Fact>| match fact.ask.standard() {
        Question::Ssh(question) => Some((question.run.clone(), fact.id.clone())),
        _ => None,
    };
    catalog.facts.values().filter_map(command).collect()
}

/// One host: its recordings, and whether its monitor account may become root.
#[derive(Debug)]
pub(super) struct Machine {
    commands: Arc<Commands>,
    usual: BTreeMap<FactId, TextAnswer>,
    drifted: BTreeMap<FactId, TextAnswer>,
    has_drifted: AtomicBool,
    grants_root: bool,
}

/// What a command printed, and how it ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// `None` when it was not run for want of a way to root.
    pub(super) status: Option<u8>,
}

impl Machine {
    /// Reads the recordings: the usual answers, and those that differ while the host has drifted.
    pub(super) fn new(
        name: &'static str,
        commands: Arc<Commands>,
        usual: &str,
        drifted: &str,
        grants_root: bool,
    ) -> Result<Self, DemoError> {
        let answers = |text: &str| answers(text).map_err(|problem| DemoError::Data { name, problem });
        let (usual, drifted) = (answers(usual)?, answers(drifted)?);
        Ok(Self { commands, usual, drifted, has_drifted: AtomicBool::new(false), grants_root })
    }

    /// Lets the host drift, or brings it back.
    pub(super) fn set_drifted(&self, drifted: bool) {
        self.has_drifted.store(drifted, Ordering::SeqCst);
    }

    /// What is recorded for a fact now.
    pub(super) fn answer(&self, fact: &FactId) -> Option<&TextAnswer> {
        let drifted = self.has_drifted.load(Ordering::SeqCst).then(|| self.drifted.get(fact)).flatten();
        drifted.or_else(|| self.usual.get(fact))
    }

    /// Plays one command.
    pub(super) fn run(&self, command: &Command, now: Time) -> Ran {
        match command.raised.as_deref() {
            Some("") => return Ran::default(),
            Some(raised) if !self.grants_root => {
                let program = raised.split(' ').next().unwrap_or("sudo");
                return failed(1, &format!("{program}: a password is required"));
            }
            _ => {}
        }
        let recorded = self.commands.get(&command.run).and_then(|fact| self.answer(fact));
        let Some(answer) = recorded else { return failed(127, "sh: command not found") };
        let mut stdout = told_from(now, &answer.stdout);
        stdout.truncate(stdout.floor_char_boundary(command.cap));
        let status = answer.exit.and_then(|exit| u8::try_from(exit).ok()).or(Some(0));
        Ran { stdout, stderr: answer.stderr.clone(), status }
    }
}

fn failed(status: u8, why: &str) -> Ran {
    Ran { stdout: String::new(), stderr: format!("{why}\n"), status: Some(status) }
}

fn answers(text: &str) -> Result<BTreeMap<FactId, TextAnswer>, String> {
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let transcript = Transcript::parse(text)?;
    let text = |(fact, recorded): (FactId, Recorded)| match recorded {
        Recorded::Answer(Answer::Text(answer)) => Ok((fact, answer)),
        _ => Err(format!("{fact} has no stdout")),
    };
    transcript.facts.into_iter().map(text).collect()
}

/// Replaces `{ago 3d}` (`s`, `h`, `d`) by that time in RFC 3339, `{ago 3H}` by it as programs print it for people, and
/// `{ago 3D}` by its day; anything else is left as it is.
pub(super) fn told_from(now: Time, text: &str) -> String {
    let (mut told, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(AGO) {
        told.push_str(before);
        rest = after;
        match after.split_once('}').and_then(|(span, after)| Some((ago(now, span)?, after))) {
            Some((time, after)) => {
                told.push_str(&time);
                rest = after;
            }
            None => told.push_str(AGO),
        }
    }
    told.push_str(rest);
    told
}

fn ago(now: Time, span: &str) -> Option<String> {
    let (number, unit) = span.split_at_checked(span.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    let (seconds, format) = match unit {
        "s" => (1, "%Y-%m-%dT%H:%M:%SZ"),
        "h" => (3_600, "%Y-%m-%dT%H:%M:%SZ"),
        "d" => (86_400, "%Y-%m-%dT%H:%M:%SZ"),
        "H" => (3_600, "%Y-%m-%d %H:%M:%S +0000"),
        "D" => (86_400, "%Y-%m-%d"),
        _ => return None,
    };
    let time = now.checked_sub_signed(chrono::TimeDelta::from_std(Duration::from_secs(number * seconds)).ok()?)?;
    Some(time.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = "facts:\n  linux.reboot: { stdout: \"since {ago 3d}\\n\" }\n";

    fn machine(grants_root: bool) -> Machine {
        let commands = Arc::new(Commands::from([("reboot?".to_owned(), FactId::parse("linux.reboot").unwrap())]));
        let drifted = "facts:\n  linux.reboot: { stdout: \"now\\n\", exit: 3 }\n";
        Machine::new("test", commands, RECORDED, drifted, grants_root).unwrap()
    }

    fn ask(machine: &Machine, run: &str, raised: Option<&str>) -> Ran {
        let command = Command { index: "0".into(), cap: 100, run: run.into(), raised: raised.map(str::to_owned) };
        machine.run(&command, "2026-11-23T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_host_plays_what_was_recorded_with_times_of_today() {
        let ran = ask(&machine(true), "reboot?", None);
        assert_eq!((ran.stdout.as_str(), ran.status), ("since 2026-11-20T12:00:00Z\n", Some(0)));
    }

    #[test]
    fn a_command_without_a_recording_fails_and_never_succeeds_empty() {
        assert_eq!(ask(&machine(true), "unheard of", None).status, Some(127));
    }

    #[test]
    fn a_host_that_has_drifted_answers_differently_until_it_recovers() {
        let machine = machine(true);
        machine.set_drifted(true);
        assert_eq!(ask(&machine, "reboot?", None).status, Some(3));
        machine.set_drifted(false);
        assert_eq!(ask(&machine, "reboot?", None).status, Some(0));
    }

    #[test]
    fn root_is_refused_where_the_host_grants_none() {
        let refused = ask(&machine(false), "reboot?", Some("sudo -n reboot?"));
        assert_eq!((refused.stderr.as_str(), refused.status), ("sudo: a password is required\n", Some(1)));
        assert_eq!(ask(&machine(true), "reboot?", Some("")).status, None);
        assert_eq!(ask(&machine(true), "reboot?", Some("sudo -n reboot?")).status, Some(0));
    }

    #[test]
    fn what_only_looks_like_a_time_is_left_alone() {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        for text in ["{ago }", "{ago 3y} {ago", "{ago 99999999999999999999d}", "{ago dé}"] {
            assert_eq!(told_from(now, text), text);
        }
    }
}
