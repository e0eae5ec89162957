//! A PowerShell script that only reads: what is not on these lists does not load.
//!
//! The script is cut into code and texts, and in the code every word that starts a command, every cmdlet and every
//! method must be known to read. Redirections, static members, call operators and names that are computed have no
//! place in it. So a fact that writes cannot be written by mistake; the account of the asset is the fence against
//! whoever means it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize};

/// Cmdlets that read, besides those that begin with `Get-`.
const CMDLETS: [&str; 21] = [
    "select-object",
    "select-string",
    "select-xml",
    "where-object",
    "foreach-object",
    "sort-object",
    "group-object",
    "measure-object",
    "compare-object",
    "test-path",
    "join-path",
    "split-path",
    "resolve-path",
    "convertto-json",
    "convertto-csv",
    "convertto-xml",
    "convertfrom-json",
    "convertfrom-csv",
    "format-list",
    "out-string",
    "write-output",
];
/// Cmdlets that begin with `Get-` and do more than that: one asks a person, one writes a file.
const NOT_READING: [&str; 2] = ["get-credential", "get-windowsupdatelog"];
/// Cmdlets that run what they are given, so it must stand there in braces.
const RUNNING: [&str; 2] = ["where-object", "foreach-object"];
/// Programs with the word that makes them read.
const PROGRAMS: [(&str, &str); 1] = [("auditpol.exe", "/get")];
/// Methods that only compute, and those of a registry key that read.
const METHODS: [&str; 16] = [
    "tostring",
    "substring",
    "trim",
    "trimstart",
    "trimend",
    "toupper",
    "tolower",
    "split",
    "replace",
    "startswith",
    "endswith",
    "contains",
    "indexof",
    "touniversaltime",
    "getvalue",
    "getsubkeynames",
];
/// Words of the language itself.
const KEYWORDS: [&str; 13] = [
    "if", "else", "elseif", "foreach", "for", "while", "switch", "try", "catch", "finally", "function", "return",
    "throw",
];
/// Signs that can do more than read, and why.
const FORBIDDEN: [(&str, &str); 5] = [
    (">", "writes a file"),
    ("&", "calls what is computed"),
    ("`", "hides what is meant"),
    ("#", "may hide what is meant; write comments above the script"),
    ("::", "reaches methods that can do everything"),
];

macro_rules! pattern {
    ($name:ident, $source:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($source).expect("a constant pattern compiles"));
    };
}
pattern!(CMDLET, r"(?i)(?:^|[^\\\w.$-])([a-z]{2,}-[a-z][a-z0-9]+)\b");
pattern!(METHOD, r"\.\s*(\w+)\s*\(");
pattern!(COMPUTED, r#"\.\s*['"$({]|(?i:scriptblock)"#);
pattern!(FUNCTION, r"(?i)\bfunction\s+([a-z]\w*)");

/// PowerShell text of plain letters that only reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Script(String);

impl Script {
    /// Takes a script.
    ///
    /// # Errors
    ///
    /// One line for the writer of the fact: a letter that is no ASCII, a word that may do more than read.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("the script is empty".into());
        }
        if let Some(odd) = text.chars().find(|c| !matches!(c, '\n' | '\t' | ' '..='~')) {
            return Err(format!("the script holds {odd:?}; only ASCII reaches every host unchanged"));
        }
        let code = code(text)?;
        if let Some((sign, why)) = FORBIDDEN.iter().find(|(sign, _)| code.contains(sign)) {
            return Err(format!("{sign:?} has no place in a script that reads: it {why}"));
        }
        if let Some(found) = COMPUTED.find(&code) {
            return Err(format!("{:?} names something that is computed; write its name", found.as_str()));
        }
        let mut methods = METHOD.captures_iter(&code).map(|found| found[1].to_lowercase());
        if let Some(method) = methods.find(|method| !METHODS.contains(&&**method)) {
            return Err(format!("the method {method:?} may do more than read; there are {}", METHODS.join(", ")));
        }
        let mut cmdlets = CMDLET.captures_iter(&code).map(|found| found[1].to_lowercase());
        if let Some(cmdlet) = cmdlets.find(|cmdlet| !reads(cmdlet)) {
            return Err(format!("{cmdlet:?} may do more than read; there are Get-… and {}", CMDLETS.join(", ")));
        }
        commands(&code)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn reads(cmdlet: &str) -> bool {
    CMDLETS.contains(&cmdlet) || (cmdlet.starts_with("get-") && !NOT_READING.contains(&cmdlet))
}

/// The script without its texts; what a text computes (`"$(…)"`) stands behind it as code.
fn code(script: &str) -> Result<String, String> {
    let mut code = String::with_capacity(script.len());
    let mut computed: Vec<&str> = Vec::new();
    let mut rest = script;
    while let Some(at) = rest.find(['\'', '"']) {
        let (before, quoted) = rest.split_at(at);
        code.push_str(before);
        if before.ends_with('@') {
            return Err("a here-string has no place in a script that reads; use a plain text".into());
        }
        code.push_str("''");
        let end = match quoted.strip_prefix('\'') {
            Some(plain) => plain.find('\''),
            None => text_end(quoted, &mut computed)?,
        };
        let end = end.ok_or("a text in the script has no end")?;
        rest = &quoted[end + 2..];
    }
    code.push_str(rest);
    for part in computed {
        code.push('\n');
        code.push_str(&self::code(part)?);
    }
    Ok(code)
}

/// Where a text in double quotes ends, counted behind its first quote; notes what it computes.
fn text_end<'s>(quoted: &'s str, computed: &mut Vec<&'s str>) -> Result<Option<usize>, String> {
    let text = &quoted[1..];
    let mut begun: Option<(usize, usize)> = None;
    for (at, sign) in text.char_indices() {
        begun = match (begun, sign) {
            (Some(_), '"') => return Err("a text within what a text computes is hard to read; use a variable".into()),
            (None, '"') => return Ok(Some(at)),
            (_, '`') => return Err("\"`\" has no place in a script that reads: it hides what is meant".into()),
            (None, '(') if text[..at].ends_with('$') => Some((at + 1, 1)),
            (Some((start, depth)), '(') => Some((start, depth + 1)),
            (Some((start, 1)), ')') => {
                computed.push(&text[start..at]);
                None
            }
            (Some((start, depth)), ')') => Some((start, depth - 1)),
            (other, _) => other,
        };
    }
    Ok(None)
}

/// Looks at every word that starts a command.
fn commands(code: &str) -> Result<(), String> {
    let functions: BTreeSet<String> = FUNCTION.captures_iter(code).map(|found| found[1].to_lowercase()).collect();
    // whether each open brace is that of a table, whose keys are no commands
    let mut tables: Vec<bool> = Vec::new();
    let (mut starts, mut before, mut at) = (true, ' ', 0);
    while let Some(sign) = code[at..].chars().next() {
        let word = bare_word(&code[at..]);
        if word.is_empty() {
            match sign {
                '{' => tables.push(before == '@'),
                '}' => {
                    tables.pop();
                }
                _ => {}
            }
            if starts && !" \t\n;|{}()[]=$@'!,+-".contains(sign) && !sign.is_ascii_digit() {
                return Err(format!("{sign:?} starts no command that reads"));
            }
            starts = "\n;|{}(=".contains(sign) || (starts && sign.is_ascii_whitespace());
            (before, at) = (sign, at + sign.len_utf8());
            continue;
        }
        let after = &code[at + word.len()..];
        let is_part = before.is_ascii_alphanumeric() || "$.-_:[/\\%".contains(before);
        let lower = word.to_lowercase();
        if starts && !is_part {
            let key = tables.last() == Some(&true) && after.trim_start_matches([' ', '\t']).starts_with('=');
            if !key {
                command(&lower, after.trim_start(), &functions)?;
            }
        }
        // a pipeline may stand behind these
        starts = !is_part && matches!(&*lower, "in" | "return" | "throw");
        (before, at) = (word.chars().next_back().unwrap_or(' '), at + word.len());
    }
    Ok(())
}

/// The letters at the head of a text that can be the name of a command.
fn bare_word(text: &str) -> &str {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return "";
    }
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '\\' | ':');
    &text[..text.find(|c| !inside(c)).unwrap_or(text.len())]
}

fn command(word: &str, after: &str, functions: &BTreeSet<String>) -> Result<(), String> {
    let known = match word {
        "foreach" => after.starts_with('('),
        _ if KEYWORDS.contains(&word) || functions.contains(word) => true,
        _ if RUNNING.contains(&word) => after.starts_with('{'),
        _ => reads(word) || PROGRAMS.iter().any(|(program, reading)| *program == word && after.starts_with(reading)),
    };
    if known { Ok(()) } else { Err(format!("{word:?}, as it stands there, may do more than read")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_read_are_taken() {
        for good in [
            "Get-HotFix | Sort-Object InstalledOn -Descending | Select-Object -First 1 | ConvertTo-Json",
            "$d = (Get-Date).ToString('yyyy-MM-ddTHH:mm:ssZ'); $d",
            "auditpol.exe /get /category:* /r | Where-Object { $_ }",
            "$server = 'HKLM:\\SYSTEM\\WinStations\\RDP-Tcp'",
            "function v($p) { if (Test-Path $p) { (Get-Item $p).GetValue('x') } }\n@{ a = v 'b'; c = \"$($_.Name)\" }",
            "foreach ($c in @(Get-Service)) { if ($c.Type -eq 'Exe') { $n = \"$($c.Mode)\" } else { return 1 } }",
            "try { $g = Get-CimInstance -Namespace root/x -ClassName y } catch { throw }",
            "$x = [int]\"$($c.Y)\"; -not ($x -band 0x10); 'it''s > that & `such`'",
        ] {
            assert_eq!(Script::parse(good).err(), None, "{good}");
        }
    }

    #[test]
    fn whatever_may_do_more_is_refused() {
        for bad in [
            "Set-NetFirewallProfile -Enabled False",
            "get-item x | remove-item",
            "Invoke-WebRequest http://x",
            "Start-Process calc",
            "Write-Host x | Out-File y",
            "Format-Volume -DriveLetter D",
            "Test-NetConnection 10.0.0.1",
            "Get-WindowsUpdateLog",
            "New-Object -ComObject Shell.Application",
            "Get-Date > x",
            "& $x",
            ". $x",
            "$x = 'calc'; %{ $x }",
            "net.exe user eve /add",
            "$x = reg.exe add HKLM",
            "if (1) { shutdown /r }",
            "if (1) {} shutdown /r",
            "foreach ($x in shutdown) {}",
            "return shutdown",
            "@{ a = shutdown }",
            "shutdown = 1",
            "\"$(shutdown)\"",
            "auditpol.exe /set /subcategory:x",
            "(Get-Item x).Delete()",
            "(Get-Item x).'Delete'()",
            "(Get-Item x).$m()",
            "[IO.File]::Delete('x')",
            "Get-Item x | ForEach-Object Delete",
            "Get-Item x | foreach Delete",
            "Get-Item x | Where-Object $s",
            "Get-Item x | Select-Object @{ n = 'a'; e = [scriptblock]'calc' }",
            "# it's\nshutdown # '",
            "@'\nx\n'@",
            "'no end",
            "'\u{2019}'",
            "  ",
        ] {
            assert!(Script::parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in "[ -~\n\t]{0,80}") {
            let _ = Script::parse(&text);
        }
    }
}
