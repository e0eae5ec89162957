//! The conversation: find the prompt, turn the pager off, then one command after the other.

use std::time::Duration;

use tokio::time::Instant;

use super::profile::is_pager;
use super::stop::{COMMAND, MOST_PAGES, Stop};
use super::terminal::{Deadline, PATIENCE, SMALL, Terminal};
use super::{HEADING, Profile, Question, refusal};
use crate::model::{Answer, FactId, TextAnswer};
use crate::transport::TransportError;
use crate::transport::ssh::failure::quote;
use crate::transport::ssh::{Access, Session};

/// Enters that are typed to see the end of one answer.
const MOST_ENTERS: usize = 4;
/// Lines that a device prints with each prompt, above it.
const MOST_BETWEEN: usize = 3;
/// Enter.
const ENTER: &str = "\r";

/// The questions of one visit.
type Asks<'a> = [(&'a FactId, &'a Question)];

/// One command that is typed once, for all the facts that ask it.
struct Job<'a> {
    /// As in the fact file, for messages.
    text: &'a str,
    typed: String,
    max_bytes: usize,
    wait: Duration,
    /// Places of the questions.
    places: Vec<usize>,
}

/// Asks all questions in one session of the command line; one result per question, in order.
pub(in crate::transport::ssh) async fn run(
    session: &Session,
    access: &Access,
    profile: Profile,
    asks: &Asks<'_>,
) -> Vec<Result<Answer, TransportError>> {
    let jobs = jobs(profile, asks);
    let mut answers: Vec<Option<Result<Answer, TransportError>>> = asks.iter().map(|_| None).collect();
    let mut done: Vec<Result<TextAnswer, TransportError>> = Vec::new();
    if !jobs.is_empty() {
        let mut talk = Talk::new(session, access, profile);
        if let Err((stop, place)) = Box::pin(talk.all(&jobs, &mut done)).await {
            let error = stop.explain(&talk.terminal, &place, &talk.prompt);
            done.resize_with(jobs.len(), || Err(error.again()));
        }
        talk.terminal.close().await;
    }
    for (job, result) in jobs.iter().zip(&done) {
        for place in &job.places {
            answers[*place] = Some(match result {
                Ok(answer) => Ok(Answer::Text(answer.clone())),
                Err(error) => Err(error.again()),
            });
        }
    }
    let silent = |fact: &FactId| TransportError::NoData {
        endpoint: session.endpoint().clone(),
        problem: format!("{fact} knows no command for a device that speaks {profile}"),
    };
    answers.into_iter().zip(asks).map(|(answer, (fact, _))| answer.unwrap_or_else(|| Err(silent(fact)))).collect()
}

/// Equal commands become one.
fn jobs<'a>(profile: Profile, asks: &Asks<'a>) -> Vec<Job<'a>> {
    let mut jobs: Vec<Job<'a>> = Vec::new();
    for (place, (_, question)) in asks.iter().enumerate() {
        let Some(command) = question.run.of(profile) else { continue };
        let typed = command.typed(profile);
        let wait = question.timeout.unwrap_or(COMMAND);
        if let Some(job) = jobs.iter_mut().find(|job| job.typed == typed) {
            job.max_bytes = job.max_bytes.max(question.max_bytes);
            job.wait = job.wait.max(wait);
            job.places.push(place);
        } else {
            let (text, places) = (command.text(), vec![place]);
            jobs.push(Job { text, typed, max_bytes: question.max_bytes, wait, places });
        }
    }
    jobs
}

struct Talk<'a> {
    session: &'a Session,
    access: &'a Access,
    profile: Profile,
    terminal: Terminal<'a>,
    prompt: String,
    /// What comes between an Enter and the prompt.
    between: Vec<String>,
    /// Whether what is typed comes back; not known before the first command.
    echo: Option<bool>,
}

impl<'a> Talk<'a> {
    fn new(session: &'a Session, access: &'a Access, profile: Profile) -> Self {
        Self {
            session,
            access,
            profile,
            terminal: Terminal::new(session),
            prompt: String::new(),
            between: Vec::new(),
            echo: None,
        }
    }

    /// Carries out all jobs; on a stop, `done` holds what is certain, and the place of the stop is told.
    async fn all(
        &mut self,
        jobs: &[Job<'_>],
        done: &mut Vec<Result<TextAnswer, TransportError>>,
    ) -> Result<(), (Stop, String)> {
        let first = self.deadline(self.access.deadlines.auth);
        self.terminal.open(first).await.map_err(|stop| (stop, "opening a terminal".to_owned()))?;
        self.learn(first).await.map_err(|stop| (stop, "waiting for a prompt".to_owned()))?;
        for command in self.profile.preparation() {
            // only a courtesy: a device that does not know it is paged through
            let until = self.deadline(COMMAND);
            self.ask(command, SMALL, until).await.map_err(|stop| (stop, format!("{command:?}")))?;
        }
        let mut budget = self.access.max_bytes;
        for job in jobs {
            let until = self.deadline(job.wait);
            let output = match self.ask(&job.typed, job.max_bytes.min(budget), until).await {
                Ok(output) => output,
                Err(stop) => {
                    if matches!(stop, Stop::OutOfStep) {
                        done.pop();
                    }
                    return Err((stop, format!("{:?}", job.text)));
                }
            };
            budget = budget.saturating_sub(output.text.len());
            done.push(self.judge(job, &output));
        }
        let until = self.deadline(COMMAND);
        let last = self.in_step(until).await;
        last.map_err(|stop| {
            done.pop();
            (stop, format!("the end of {:?}", jobs.last().map(|job| job.text).unwrap_or_default()))
        })
    }

    /// The earlier of so long from now and the end of the whole visit.
    fn deadline(&self, wait: Duration) -> Deadline {
        let end = self.session.started + self.access.deadlines.whole;
        let wait = wait.min(end.saturating_duration_since(Instant::now()));
        (Instant::now() + wait, wait)
    }

    /// Finds the prompt: two Enters in a row must bring the same line, with the same lines above it.
    async fn learn(&mut self, until: Deadline) -> Result<(), Stop> {
        loop {
            self.terminal.line(until).await?;
            let seen = self.terminal.screen.current();
            if is_pager(&seen) {
                self.terminal.screen.wipe_line();
                self.terminal.write(" ").await?;
                continue;
            }
            if !self.profile.is_prompt(&seen) {
                self.terminal.more(until).await?;
                continue;
            }
            if let Some(why) = self.profile.forbids(&seen) {
                return Err(Stop::Other(self.terminal.protocol(format!("{why} (prompt {})", quote(seen.as_bytes())))));
            }
            let first = self.enter(until).await?;
            if self.terminal.screen.current() != seen {
                continue;
            }
            let second = self.enter(until).await?;
            if self.terminal.screen.current() == seen && first == second && first.len() <= MOST_BETWEEN {
                (self.prompt, self.between) = (seen, first);
                return Ok(());
            }
        }
    }

    /// Presses Enter on a clear screen and tells what stands above the line that it brings.
    async fn enter(&mut self, until: Deadline) -> Result<Vec<String>, Stop> {
        self.terminal.screen.clear(SMALL);
        self.terminal.write(ENTER).await?;
        self.terminal.line(until).await?;
        Ok(self.terminal.screen.tail.iter().filter(|line| !line.is_empty()).cloned().collect())
    }

    /// That nothing was still to come: one more Enter brings one more prompt and nothing else.
    async fn in_step(&mut self, until: Deadline) -> Result<(), Stop> {
        let above = self.enter(until).await?;
        if self.terminal.screen.current() == self.prompt && above == self.between {
            Ok(())
        } else {
            Err(Stop::OutOfStep)
        }
    }

    /// Types one command and reads its output.
    async fn ask(&mut self, typed: &str, most: usize, until: Deadline) -> Result<Output, Stop> {
        // the echo, the prompts around the output and what is between them are no output
        let around = typed.len() + 4 * (self.prompt.len() + 2) + self.between.iter().map(String::len).sum::<usize>();
        self.terminal.screen.clear(most.saturating_add(around));
        self.terminal.write(&format!("{typed}{ENTER}")).await?;
        let (mut pages, mut enters) = (0, 0);
        loop {
            self.terminal.line(until).await?;
            let seen = self.terminal.screen.current();
            if enters > 0 && self.is_over(&seen) {
                break;
            }
            if is_pager(&seen) {
                pages += 1;
                if pages > MOST_PAGES {
                    return Err(Stop::Pages);
                }
                let key = if self.terminal.screen.truncated { "q" } else { " " };
                self.terminal.screen.wipe_line();
                self.terminal.write(key).await?;
            } else if seen == self.prompt
                && (enters == 0 || self.terminal.heard.elapsed() >= PATIENCE)
                && enters < MOST_ENTERS
            {
                enters += 1;
                self.terminal.heard = Instant::now();
                self.terminal.write(ENTER).await?;
            } else {
                self.terminal.more(until).await?;
            }
        }
        self.output(typed, most, enters)
    }

    /// Whether the prompt stands twice at the end, with nothing but what always is between.
    fn is_over(&self, seen: &str) -> bool {
        if seen != self.prompt {
            // no echo, not even of the Enter: both stand in one line
            return seen.strip_prefix(&*self.prompt).is_some_and(|rest| rest.trim() == self.prompt);
        }
        let mut above = self.terminal.screen.tail.iter().rev().filter(|line| !line.is_empty());
        self.between.iter().rev().all(|line| above.next() == Some(line)) && above.next() == Some(&self.prompt)
    }

    /// Cuts the echo off the head and the prompts off the end.
    fn output(&mut self, typed: &str, most: usize, enters: usize) -> Result<Output, Stop> {
        let mut lines = std::mem::take(&mut self.terminal.screen.kept);
        let truncated = self.terminal.screen.truncated;
        if !truncated {
            let prompts = if self.terminal.screen.current() == self.prompt { enters } else { 0 };
            for _ in 0..prompts {
                pop_all(&mut lines, &self.between);
                pop_all(&mut lines, std::slice::from_ref(&self.prompt));
            }
            pop_all(&mut lines, &self.between);
            while lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
        }
        let echoed = lines.first().is_some_and(|line| self.is_echo(line, typed));
        if echoed {
            lines.remove(0);
        }
        match self.echo {
            Some(true) if !echoed => return Err(Stop::OutOfStep),
            Some(false) if !echoed => {}
            _ => self.echo = Some(echoed),
        }
        let mut text = String::new();
        for line in &lines {
            // no line of a device may pass for the heading
            text.push_str(if line.starts_with(HEADING) { " " } else { "" });
            text.push_str(line);
            text.push('\n');
        }
        let cut = text.len() > most;
        while text.len() > most {
            text.pop();
        }
        Ok(Output { text, truncated: truncated || cut })
    }

    /// Whether a line is what was typed, alone or behind the prompt; a narrow terminal shows only its end.
    fn is_echo(&self, line: &str, typed: &str) -> bool {
        let line = line.strip_prefix(&*self.prompt).unwrap_or(line).trim();
        let end = &typed[typed.len().saturating_sub(12)..];
        line == typed || (line.starts_with('$') && line.ends_with(end))
    }

    fn judge(&self, job: &Job<'_>, output: &Output) -> Result<TextAnswer, TransportError> {
        if let Some((refusal, line)) = refusal::find(&output.text) {
            let (endpoint, said) = (self.session.endpoint().clone(), quote(line.as_bytes()));
            let problem = refusal.advice(job.text, self.profile, &said);
            return Err(match refusal {
                refusal::Refusal::Forbidden | refusal::Refusal::Unknown => {
                    TransportError::Privilege { endpoint, problem }
                }
                refusal::Refusal::Misfit => TransportError::NoData { endpoint, problem },
            });
        }
        Ok(TextAnswer {
            stdout: format!("{HEADING}{}\n{}", self.profile, output.text),
            stderr: String::new(),
            exit: Some(0),
            truncated: output.truncated,
        })
    }
}

/// What a command printed.
struct Output {
    text: String,
    truncated: bool,
}

/// Takes these lines off the end if they are there, with empty ones around.
fn pop_all(lines: &mut Vec<String>, end: &[String]) {
    if end.is_empty() {
        return;
    }
    let filled = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let Some(start) = filled.checked_sub(end.len()) else { return };
    if lines[start..filled] == *end {
        lines.truncate(start);
    }
}
