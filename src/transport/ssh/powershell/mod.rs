//! Windows hosts: one exec of PowerShell per visit, whose script comes on standard input.
//!
//! The command line carries only a short bootstrap, so neither the limit of `cmd.exe` (8,191 characters) nor the
//! process list matter. The frame is that of `super::script`, on standard output alone: in the constrained
//! language mode that application control enforces, a script can write nowhere else. So output and errors of one
//! question are two sections. Text of questions is ASCII, because the code page of the pipe is the host's.

mod script;

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

pub use script::Script;

use super::Question as Command;
use crate::model::FactId;

/// Bytes kept of one answer unless the question says otherwise.
const MAX_BYTES: usize = 256 * 1024;
/// Characters of an error text that are sent.
const MAX_ERROR: usize = 4_000;
/// Reads the script from standard input; a cmdlet and an operator, which every language mode allows.
const BOOTSTRAP: &str = "$ProgressPreference = 'SilentlyContinue'; Invoke-Expression (@($input) -join \"`n\")";

/// A PowerShell script that a fact asks, as written under `ask: { powershell: … }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// PowerShell text; errors stop it, and what it writes to the pipeline is the answer.
    pub run: Script,
    /// Bytes of output that are kept; more marks the answer as truncated.
    #[serde(default = "max_bytes")]
    pub max_bytes: usize,
    /// How long it may take.
    #[serde(default, with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

const fn max_bytes() -> usize {
    MAX_BYTES
}

impl Question {
    /// The same as a command of the framed conversation.
    pub(super) fn as_command(&self) -> Command {
        Command {
            run: self.run.text().to_owned(),
            privilege: super::Privilege::None,
            max_bytes: self.max_bytes,
            timeout: self.timeout,
        }
    }
}

/// What is started: plain words for whatever shell the server hands them to.
pub(super) fn command_line(program: &str) -> String {
    let utf16: Vec<u8> = BOOTSTRAP.encode_utf16().flat_map(u16::to_le_bytes).collect();
    format!(
        "{program} -NoProfile -NonInteractive -ExecutionPolicy RemoteSigned -InputFormat Text -OutputFormat Text \
         -EncodedCommand {}",
        STANDARD.encode(utf16)
    )
}

/// Runs one question between its marks; errors stop it. `p` means that access was denied, 127 that a cmdlet is
/// missing; neither depends on the language of the host.
const RUNNER: &str = r#"$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }
function cut($text, $most) { if ($text.Length -gt $most) { $text.Substring(0, $most) } else { $text } }
function ask($i, $most, $text) {
  $said = ''; $why = ''; $end = 's0 c0'
  $global:LASTEXITCODE = 0
  try {
    $said = @(Invoke-Expression $text) -join "`n"
    if ($LASTEXITCODE) {
      $code = $LASTEXITCODE -band 255
      if (-not $code) { $code = 1 }
      $end = "s$code c0"
    }
  } catch {
    $said = ''
    $why = "$_"
    $end = 's1 c0'
    if ("$($_.FullyQualifiedErrorId)" -like 'CommandNotFound*') { $end = 's127 c0' }
    $denied = "$($_.CategoryInfo.Category)" -eq 'PermissionDenied'
    $e = $_.Exception
    while ($e) {
      if (@(-2147024891, -2147217405, -2147023582) -contains $e.HResult) { $denied = $true }
      if (@('AccessDenied', '5') -contains "$($e.NativeErrorCode)") { $denied = $true }
      $e = $e.InnerException
    }
    if ($denied) { $end = 'p' }
  }
  "`n$m B $(2 * $i)`n$(cut $said $most)`n$m E $(2 * $i) $end"
  "`n$m B $(2 * $i + 1)`n$(cut $why @ERROR@)`n$m E $(2 * $i + 1) $end"
}
"#;

/// Builds the script for these questions.
pub(super) fn script(marker: &str, questions: &[(&FactId, &Command)]) -> String {
    let mut text = format!("$m = '{marker}'\n{}", RUNNER.replace("@ERROR@", &MAX_ERROR.to_string()));
    for (index, (_, question)) in questions.iter().enumerate() {
        let most = question.max_bytes.saturating_add(1);
        writeln!(text, "ask {index} {most} {}", quoted(&question.run)).ok();
    }
    text.push_str("\"$m DONE\"\n");
    text
}

/// A verbatim string.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_short_and_needs_no_quotes() {
        let line = command_line("powershell");
        assert!(line.len() < 1_000, "{}", line.len());
        assert!(line.chars().all(|c| c.is_ascii_alphanumeric() || " -+/=".contains(c)), "{line}");
    }

    #[test]
    fn a_question_is_one_verbatim_string_whatever_it_holds() {
        let fact = FactId::parse("windows.x").unwrap();
        let command =
            Question { run: Script::parse("'it''s' \"$x\"\n1").unwrap(), max_bytes: 9, timeout: None }.as_command();
        let text = script("M", &[(&fact, &command)]);
        assert!(text.contains("ask 0 10 '''it''''s'' \"$x\"\n1'\n\"$m DONE\"\n"), "{text}");
    }
}
