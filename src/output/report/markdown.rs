//! A text for a wiki or a ticket: the same sections as the page, with the lists cut.

use std::fmt::Write as _;

use super::{Report, SHOWN, percent, plural, shown};
use crate::duties::Cleared;
use crate::model::Verdict;

pub(super) fn write(report: &Report) -> String {
    let mut text = String::new();
    head(report, &mut text);
    points(report, &mut text);
    open(report, &mut text);
    exposed(report, &mut text);
    drift(report, &mut text);
    unknown(report, &mut text);
    papers(report, &mut text);
    baselines(report, &mut text);
    incidents(report, &mut text);
    traffic(report, &mut text);
    text.push_str("\n## Method and candour\n\n");
    report.method.iter().for_each(|sentence| _ = writeln!(text, "- {}", cell(sentence)));
    text
}

fn head(report: &Report, text: &mut String) {
    let (summary, period, made) = (&report.summary, report.period, &report.made);
    // writing to a String cannot fail
    writeln!(text, "# Evidence report of {}\n", cell(report.subject())).ok();
    writeln!(text, "{} to {}. **{}.**\n", shown(period.from), shown(period.until), summary.sentence).ok();
    let head = made.head.as_ref().map_or_else(|| "none".to_owned(), |head| format!("{}:{}", head.seq, head.digest));
    let open: Vec<String> =
        summary.open_by_severity.iter().rev().map(|(severity, count)| format!("{count} {severity}")).collect();
    let states: Vec<String> = Verdict::WORDS
        .iter()
        .map(|word| format!("{} {}", summary.states.get(word).copied().unwrap_or_default(), word.replace('_', " ")))
        .collect();
    table(
        text,
        &["what", "value"],
        [
            vec!["assets".to_owned(), summary.assets.to_string()],
            vec!["pairs of an asset and a check".to_owned(), format!("{}: {}", summary.pairs, states.join(", "))],
            vec!["open findings".to_owned(), open.join(", ")],
            vec!["gross score (waived not counted)".to_owned(), percent(summary.gross_score)],
            vec!["net score (waived counted)".to_owned(), percent(summary.net_score)],
            vec!["time in compliance, gross".to_owned(), percent(summary.gross_time)],
            vec!["time in compliance, net".to_owned(), percent(summary.net_time)],
            vec![
                "drift in the period".to_owned(),
                format!("{}, of which {} not back", summary.drifts, summary.drifts_not_back),
            ],
            vec!["never judged".to_owned(), summary.never_judged.to_string()],
            vec!["made".to_owned(), format!("{} by nis2watch {}", shown(made.at), made.version)],
            vec!["ledger head".to_owned(), head],
            vec!["configuration (SHA-256)".to_owned(), made.configuration.clone()],
        ],
        0,
    );
}

fn points(report: &Report, text: &mut String) {
    text.push_str("\n## NIS2, point by point\n\n");
    let rows = report.points.iter().map(|point| {
        let counts = point.counts;
        let records: Vec<String> = point.records.iter().map(|record| record.seq.to_string()).collect();
        let more = point.record_count.saturating_sub(records.len());
        vec![
            point.point.clone(),
            point.text.clone(),
            point.evidence.word().to_owned(),
            counts.measured.to_string(),
            counts.attested.to_string(),
            counts.waived.to_string(),
            counts.open.to_string(),
            counts.unknown.to_string(),
            percent(point.time_in_compliance),
            if more > 0 { format!("{} and {more} more", records.join(", ")) } else { records.join(", ") },
        ]
    });
    let heads =
        ["point", "asks for", "evidence", "measured", "attested", "waived", "open", "unknown", "time met", "records"];
    table(text, &heads, rows, 0);
}

fn open(report: &Report, text: &mut String) {
    text.push_str("\n## Open findings\n\n");
    let rows = report.in_state(|row| row.verdict == Verdict::Fail);
    let more = rows.len().saturating_sub(SHOWN);
    let rows = rows.into_iter().take(SHOWN).map(|row| {
        vec![
            row.severity.to_string(),
            row.asset.to_string(),
            row.info.title.clone(),
            row.reason.clone(),
            row.info.fix.clone(),
            row.since.map_or_else(String::new, shown),
            row.info.nis2.join(", "),
            row.record.as_ref().map_or_else(String::new, |record| record.seq.to_string()),
        ]
    });
    let heads = ["severity", "asset", "requirement", "found", "what to do", "since", "NIS2", "record"];
    table(text, &heads, rows, more);
}

fn exposed(report: &Report, text: &mut String) {
    let all = &report.exposures.rows;
    writeln!(text, "\n## Known vulnerabilities\n\n{}\n", cell(&report.exposure_sentence())).ok();
    if all.is_empty() {
        return;
    }
    let rows = all.iter().take(SHOWN).map(|one| {
        let what = &one.what;
        let exploited = match (what.ransomware, what.exploited) {
            (true, _) => "used for extortion",
            (false, true) => "exploited",
            _ => "",
        };
        vec![
            what.id.clone(),
            what.advisory.clone(),
            what.severity.clone(),
            exploited.to_owned(),
            one.asset.to_string(),
            one.product.clone(),
            if what.certain { what.confidence.clone() } else { format!("{}, undecided", what.confidence) },
            what.due.clone().unwrap_or_default(),
            one.state.to_owned(),
            one.at.map_or_else(String::new, shown),
        ]
    });
    let heads = [
        "vulnerability",
        "advisory",
        "severity",
        "exploited",
        "asset",
        "product",
        "recognised by",
        "mend by",
        "verdict",
        "seen",
    ];
    table(text, &heads, rows, all.len().saturating_sub(SHOWN));
}

fn baselines(report: &Report, text: &mut String) {
    text.push_str("\n## Baselines\n\n");
    let rows = report.baselines.iter().take(SHOWN).map(|one| {
        vec![
            shown(one.at),
            one.act.to_owned(),
            one.asset.clone(),
            one.check.to_string(),
            one.difference(),
            one.by.clone(),
            one.ticket.as_ref().map_or_else(|| one.reason.clone(), |ticket| format!("{} ({ticket})", one.reason)),
            one.until.map_or_else(String::new, shown),
            one.record.seq.to_string(),
        ]
    });
    let heads = ["when", "act", "asset", "check", "difference", "who", "why", "until", "record"];
    table(text, &heads, rows, report.baselines.len().saturating_sub(SHOWN));
}

fn drift(report: &Report, text: &mut String) {
    text.push_str("\n## Drift\n\n");
    let more = report.drift.len().saturating_sub(SHOWN);
    let rows = report.drift.iter().take(SHOWN).map(|one| {
        vec![
            shown(one.at),
            one.severity.to_string(),
            one.asset.to_string(),
            one.check.to_string(),
            format!("{} to {}", one.from, one.to),
            one.reason.clone(),
            one.back_at.map_or_else(|| "not yet".to_owned(), shown),
            one.record.seq.to_string(),
        ]
    });
    table(text, &["when", "severity", "asset", "check", "change", "found", "back", "record"], rows, more);
}

fn unknown(report: &Report, text: &mut String) {
    text.push_str("\n## What could not be seen\n\n");
    let rows = report.unknown.iter().map(|one| {
        let named: Vec<&str> = one.assets.iter().map(crate::model::AssetId::as_str).collect();
        let more = one.asset_count.saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let advice = one.advice.unwrap_or_default().to_owned();
        vec![one.cause.to_string(), one.pairs.to_string(), format!("{}{more}", named.join(", ")), advice]
    });
    table(text, &["cause", "pairs", "assets", "what helps"], rows, 0);
}

fn papers(report: &Report, text: &mut String) {
    let papers = &report.papers;
    text.push_str("\n## Accepted\n\n");
    let rows = papers.waivers.iter().take(SHOWN).map(|waiver| {
        let checks: Vec<&str> = waiver.checks.iter().map(crate::model::CheckId::as_str).collect();
        vec![
            waiver.id.to_string(),
            waiver.state.to_owned(),
            checks.join(", "),
            waiver.accepts.to_string(),
            waiver.suspended.to_string(),
            format!("{} to {}", shown(waiver.starts_at), shown(waiver.expires_at)),
            format!("{} ({})", waiver.approved_by.person, waiver.approved_by.role),
            waiver.reason.clone(),
        ]
    });
    let heads = ["waiver", "state", "checks", "accepts", "suspended", "from, to", "approved by", "reason"];
    table(text, &heads, rows, papers.waivers.len().saturating_sub(SHOWN));
    text.push_str("\n## Attested\n\n");
    let rows = papers.attestations.iter().take(SHOWN).map(|one| {
        vec![
            one.check.to_string(),
            one.subject.to_string(),
            one.state.to_owned(),
            one.statement.clone(),
            format!("{} ({})", one.signed_by.person, one.signed_by.role),
            shown(one.signed_at),
            shown(one.valid_until),
            one.id.to_string(),
        ]
    });
    let heads = ["check", "about", "state", "statement", "signed by", "signed", "holds until", "id"];
    table(text, &heads, rows, papers.attestations.len().saturating_sub(SHOWN));
    if !papers.unsigned.is_empty() {
        let unsigned: Vec<&str> = papers.unsigned.iter().map(crate::model::CheckId::as_str).collect();
        writeln!(text, "\nNobody has signed: {}.", unsigned.join(", ")).ok();
    }
}

fn incidents(report: &Report, text: &mut String) {
    let papers = &report.papers;
    text.push_str("\n## Incidents\n\n");
    if !papers.incidents_kept {
        text.push_str("No register of incidents is kept, so nobody can say that there were none.\n");
        return;
    }
    let rows = papers.incidents.iter().take(SHOWN).map(|incident| {
        let owed = incident.deadlines.iter().map(|one| {
            let due = one.due.map_or_else(|| "no time set".to_owned(), |due| format!("due {}", shown(due)));
            format!("{} {} ({due})", one.stage.replace('_', " "), one.state)
        });
        vec![
            incident.id.to_string(),
            incident.title.clone(),
            shown(incident.aware_at),
            incident.significant.word().to_owned(),
            owed.chain(incident.cleared.iter().map(Cleared::words)).collect::<Vec<_>>().join("; "),
            incident.closed_at.map_or_else(|| "open".to_owned(), shown),
        ]
    });
    let heads = ["incident", "what", "aware since", "significant", "deadlines", "handled"];
    table(text, &heads, rows, papers.incidents.len().saturating_sub(SHOWN));
}

fn traffic(report: &Report, text: &mut String) {
    let traffic = &report.traffic;
    let day = traffic.at_most_a_day;
    text.push_str("\n## What we sent to your devices\n\n");
    writeln!(
        text,
        "{} of {} answered in their last visit. In a day at most {}, {} and {} bytes of answers are asked for.{} {}\n",
        traffic.reached,
        plural(traffic.devices, "device"),
        plural(usize::try_from(day.questions).unwrap_or(usize::MAX), "question"),
        plural(usize::try_from(day.connections).unwrap_or(usize::MAX), "connection"),
        day.bytes,
        if traffic.stopped { " All traffic is stopped now." } else { "" },
        traffic.covers
    )
    .ok();
    let rows = traffic.assets.iter().take(SHOWN).map(|row| {
        let words: Vec<&str> = row.answered.iter().map(|transport| transport.word()).collect();
        vec![
            row.asset.to_string(),
            row.class.to_owned(),
            row.last_visit.map_or_else(|| "never".to_owned(), shown),
            words.join(", "),
            row.at_most_a_day.questions.to_string(),
            row.at_most_a_day.connections.to_string(),
        ]
    });
    let heads = ["device", "class", "last visit", "answered", "questions a day, at most", "connections a day, at most"];
    table(text, &heads, rows, traffic.assets.len().saturating_sub(SHOWN));
}

/// A table, or that there is nothing; `more` rows were left out.
fn table(text: &mut String, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>, more: usize) {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        text.push_str("None.\n");
        return;
    }
    writeln!(text, "| {} |\n|{}", heads.join(" | "), " --- |".repeat(heads.len())).ok();
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        writeln!(text, "| {} |", cells.join(" | ")).ok();
    }
    if more > 0 {
        writeln!(text, "\nand {more} more, see CSV or JSON").ok();
    }
}

/// A text that a renderer shows as it is: no markup, no HTML, no new cell.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '[' | ']' | '!' | '~' | '#' => safe.extend(['\\', c]),
            // inside of a word an underscore is one
            '_' if safe.is_empty() || safe.ends_with(' ') => safe.push_str("\\_"),
            c if c.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn what_a_device_says_stays_text_in_its_cell() {
        assert_eq!(cell("a|b\n<img src=x>[c](http://d)`"), "a\\|b &lt;img src=x&gt;\\[c\\](http://d)\\`");
        assert_eq!(cell("snmp_v3 _x_"), "snmp_v3 \\_x_");
    }
}
