//! What became of each question: its answer, or why there is none and what to do about it.

use super::exec::{Commands, Ending, FLOOD};
use super::failure::quote;
use super::transcript::{End, Section, Transcript};
use super::{Access, Elevation, Privilege, Question, Session, collector};
use crate::model::{Answer, FactId, TextAnswer};
use crate::transport::{Endpoint, TransportError};

/// Longest line of sudoers or doas.conf that is shown whole, in bytes.
const MAX_LINE: usize = 600;

/// Everything that decides what became of a question.
pub(super) struct Report<'a> {
    pub(super) session: &'a Session,
    pub(super) access: &'a Access,
    pub(super) commands: &'a Commands<'a>,
    pub(super) transcript: &'a Transcript,
    pub(super) ending: &'a Ending,
}

impl Report<'_> {
    pub(super) fn answer(&self, index: usize) -> Result<Answer, TransportError> {
        let (fact, question) = self.commands[index];
        let section = &self.transcript.sections[index];
        let Some(end) = section.end else { return Err(self.unfinished(index)) };
        if section.digest.as_ref().is_some_and(|digest| *digest != collector::digest(&question.run)) {
            return Err(self.no_data(format!(
                "the collector there runs another command for {fact} than this catalogue asks for: generate it anew and install it"
            )));
        }
        match end {
            End::Status(status) if self.lacks_privilege(question, section, status) => {
                Err(self.privilege(self.way_out(fact, question, &section.stderr)))
            }
            End::Status(status) => Ok(Answer::Text(TextAnswer {
                stdout: String::from_utf8_lossy(&section.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&section.stderr).into_owned(),
                exit: Some(status),
                truncated: section.truncated,
            })),
            End::NoPrivilege if self.access.speaks.powershell().is_some() => Err(self.privilege(format!(
                "account {:?} was denied access to {fact} ({}): give it the right to read this, most of it needs an administrator",
                self.access.user,
                quote(&section.stderr)
            ))),
            End::NoPrivilege => Err(self.privilege(format!(
                "{fact} needs root and account {:?} is not: set `privilege: sudo`, `doas` or `collector` in its SSH access",
                self.access.user
            ))),
            End::UnknownFact => Err(self.no_data(format!(
                "the collector there does not know {fact}: generate it anew and install it"
            ))),
            End::CapFailed => Err(self.no_data(format!(
                "`head -c` does not work there, so the output of {fact} cannot be bounded; errors: {}",
                quote(&section.stderr)
            ))),
        }
    }

    /// Whether sudo or doas itself refused. Both speak English here: the script sets the locale.
    fn lacks_privilege(&self, question: &Question, section: &Section, status: i32) -> bool {
        if question.privilege == Privilege::None || status == 0 {
            return false;
        }
        let program = match self.access.privilege {
            Elevation::Sudo => "sudo",
            Elevation::Doas => "doas",
            Elevation::None | Elevation::Collector => return false,
        };
        String::from_utf8_lossy(&section.stderr).lines().any(|line| refuses(program, line))
    }

    fn way_out(&self, fact: &FactId, question: &Question, stderr: &[u8]) -> String {
        let user = &self.access.user;
        let line = match self.access.privilege {
            Elevation::Doas => collector::doas_line(question, user),
            _ => collector::sudoers_line(question, user),
        };
        let (handout, file) = match self.access.privilege {
            Elevation::Doas => ("doas", "doas.conf"),
            _ => ("sudoers", "sudoers"),
        };
        // half a line allows nothing, so a long one is pointed at
        let advice = match line {
            Some(line) if line.len() <= MAX_LINE => format!("allow it with this line of {file}: {line}"),
            Some(_) => format!(
                "allow it with the line under \"# {fact}\" of deploy/ssh/{file}, which `nis2watch catalog handout {handout} --account {user}` prints too"
            ),
            None => format!("it is more than one line, which {file} cannot allow exactly: use `privilege: collector`"),
        };
        format!("{fact} was refused ({}): {advice}", quote(stderr))
    }

    /// Why a section has no end.
    fn unfinished(&self, index: usize) -> TransportError {
        let (ending, sections) = (self.ending, &self.transcript.sections);
        let running = sections.iter().position(|section| section.end.is_none()).unwrap_or(index);
        let fact = self.commands[index].0;
        let place = if index == running {
            fact.to_string()
        } else {
            format!("{fact}, waiting behind {}", self.commands[running].0)
        };
        if let Some(timeout) = ending.deadline {
            let endpoint = Endpoint::named(format!("{} ({place})", self.session.endpoint()));
            return match self.session.scene(&self.session.seen.now()).timeout(timeout) {
                TransportError::Timeout { .. } => TransportError::Timeout { endpoint, timeout },
                other => other,
            };
        }
        if ending.refused {
            return self.privilege(
                "it does not run commands for this account (exec refused): allow them, or use a collector".into(),
            );
        }
        if ending.flood {
            return self.protocol(format!(
                "the answer was cut at {FLOOD} bytes: {place} never ended; see on the asset what its login shell or this command prints"
            ));
        }
        if ending.lost && ending.status.is_none() {
            return match self.session.explain(russh::Error::Disconnect, self.access.deadlines.exec) {
                TransportError::Protocol { problem, .. } => self.protocol(format!("{problem}; {place} has no end")),
                other => other,
            };
        }
        if sections.iter().all(|section| !section.begun) {
            return self.never_began();
        }
        let how = match (&ending.signal, ending.status) {
            (Some(signal), _) => format!("the command was killed by signal {signal}"),
            (None, Some(status)) => format!("the command ended early with status {status}"),
            (None, None) => "the command ended without a status".to_owned(),
        };
        self.protocol(format!("{how}; {place} has no end"))
    }

    /// Not even the first mark came: no shell, a forced command that is another, a missing collector.
    fn never_began(&self) -> TransportError {
        let said = quote(&self.transcript.stray);
        let text = String::from_utf8_lossy(&self.transcript.stray);
        let collector = self.access.privilege == Elevation::Collector;
        let powershell = self.access.speaks.powershell();
        match self.ending.status {
            Some(1 | 127 | 9009) if powershell.is_some() => self.no_data(format!(
                "{} did not run there (status {:?}, {said}): is it installed, and does the asset speak it?",
                powershell.unwrap_or_default(),
                self.ending.status
            )),
            Some(126 | 127) if collector => self.no_data(format!(
                "the collector did not answer (status {:?}, {said}): install it and its forced command",
                self.ending.status
            )),
            Some(_) if text.lines().any(|line| refuses("sudo", line)) => {
                self.privilege(format!("the collector may not become root ({said}): add its sudoers line"))
            }
            Some(127) => self.no_data(format!("there is no POSIX shell `sh` there: {said}")),
            // a shell's way to say that a signal ended its child
            Some(status) if status > 128 => {
                self.protocol(format!("the session was killed before it took our command (status {status}, {said})"))
            }
            Some(status) if status != 0 => self.privilege(format!(
                "the account may not run a shell (status {status}, {said}): give it a login shell, or use a collector"
            )),
            status => {
                let status = status.map_or("no status".to_owned(), |status| format!("status {status}"));
                self.protocol(format!("it ran something else than our command ({status}, {said}): a forced command?"))
            }
        }
    }

    fn privilege(&self, problem: String) -> TransportError {
        TransportError::Privilege { endpoint: self.session.endpoint().clone(), problem }
    }

    fn no_data(&self, problem: String) -> TransportError {
        TransportError::NoData { endpoint: self.session.endpoint().clone(), problem }
    }

    fn protocol(&self, problem: String) -> TransportError {
        TransportError::Protocol { endpoint: self.session.endpoint().clone(), problem }
    }
}

/// Whether this line is sudo's or doas' own refusal, or the shell's that there is no such program.
fn refuses(program: &str, line: &str) -> bool {
    let missing = format!("{program}: not found");
    let missing_too = format!("{program}: command not found");
    match line.strip_prefix(program).and_then(|rest| rest.strip_prefix(": ")) {
        Some(own) => !own.ends_with("command not found") && !own.starts_with("unable to resolve host"),
        None => {
            line.contains(&missing)
                || line.contains(&missing_too)
                || (program == "sudo"
                    && ["is not allowed to execute", "may not run sudo", "not in the sudoers file"]
                        .iter()
                        .any(|text| line.contains(text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::refuses;

    #[test]
    fn a_refusal_of_sudo_is_told_from_a_failure_of_the_command() {
        for line in [
            "sudo: a password is required",
            "sudo: a terminal is required to read the password; either use the -S option",
            "Sorry, user nis2watch is not allowed to execute '/usr/sbin/sshd -T' as root on host.",
            "nis2watch is not in the sudoers file.",
            "sh: 24: eval: sudo: not found",
            "sh: line 9: sudo: command not found",
        ] {
            assert!(refuses("sudo", line), "{line}");
        }
        for line in [
            "sudo: sshd: command not found",
            "sudo: unable to resolve host a: Name or service not known",
            "cat: /x: Permission denied",
            "",
        ] {
            assert!(!refuses("sudo", line), "{line}");
        }
        assert!(refuses("doas", "doas: Operation not permitted"));
    }
}
