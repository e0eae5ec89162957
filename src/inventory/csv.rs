//! Assets from a table: the header names the keys, a dot leads into a map (`access.ssh.credential`, `labels.line`).
//!
//! An empty cell says nothing. Lists (`allowed_ports`, `services`, `windows`, `access.ssh.jump`) are separated by `;` or blanks.

use std::path::Path;

use crate::model::document::{Data, Document, Entry, Node, Place};
use crate::model::{Problem, Problems};

/// Columns whose cells are lists.
const LISTS: [&str; 7] = [
    "allowed_ports",
    "services",
    "windows",
    "access.ssh.jump",
    "access.tls.ports",
    "access.http.ports",
    "access.exec.programs",
];
/// Rows of one file; more is no inventory.
const MOST_ROWS: usize = 1_000_000;

/// Reads a table into a document that looks like an asset file.
pub(super) fn parse(file: &Path, text: &str, problems: &mut Problems) -> Document {
    problems.source(file, text);
    let text = text.trim_start_matches('\u{feff}');
    let delimiter = if is_semicolon_separated(text) { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect(),
        Err(error) => {
            problems.push(wrong(file, &error));
            Vec::new()
        }
    };
    check_header(file, &header, problems);
    let mut rows = Vec::new();
    for (index, record) in reader.records().take(MOST_ROWS).enumerate() {
        match record {
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) => rows.push((index, row(&header, &record, text, delimiter))),
            Err(error) => problems.push(wrong(file, &error)),
        }
    }
    Document { file: file.to_owned(), root: Node::new(Place::Text { line: 1, column: 1 }, Data::List(rows)) }
}

/// Tables saved where the comma is the decimal sign are separated by semicolons.
fn is_semicolon_separated(text: &str) -> bool {
    text.lines().next().is_some_and(|header| header.contains(';') && !header.contains(','))
}

fn wrong(file: &Path, error: &csv::Error) -> Problem {
    let line = error.position().map_or(0, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells, the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the row is not UTF-8 text".to_owned(),
        _ => "the row cannot be read".to_owned(),
    };
    Problem::new(file, message).at(usize::try_from(line).unwrap_or(0), 1)
}

fn check_header(file: &Path, header: &[String], problems: &mut Problems) {
    for (at, name) in header.iter().enumerate() {
        if header[..at].contains(name) {
            problems.push(Problem::new(file, format!("column {name:?} is there twice")).at(1, 1).key(name));
        }
    }
}

fn row(header: &[String], record: &csv::StringRecord, text: &str, delimiter: u8) -> Node {
    let line = record.position().map_or(0, csv::Position::line);
    let line = usize::try_from(line).unwrap_or(0);
    let start = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    let columns = columns(text.get(start..).unwrap_or_default(), delimiter);
    let place = |column: usize| Place::Text { line, column: columns.get(column).copied().unwrap_or(1) };
    let mut node = Node::new(Place::Text { line, column: 1 }, Data::Map(Vec::new()));
    for (column, (name, cell)) in header.iter().zip(record).enumerate().filter(|(_, (_, cell))| !cell.is_empty()) {
        let value = cell_value(name, cell, &place(column));
        match split(name) {
            Some(keys) => node.set(&keys, value),
            None => {
                if let Data::Map(entries) = &mut node.data {
                    entries.push(Entry { key: name.clone(), place: place(column), node: value });
                }
            }
        }
    }
    node
}

/// Label names and the names of checks may hold dots themselves, so only as many dots lead on as a map is deep.
fn split(name: &str) -> Option<Vec<&str>> {
    let (head, rest) = name.split_once('.')?;
    match head {
        "labels" | "limits" => Some(vec![head, rest]),
        "params" => Some(std::iter::once(head).chain(rest.splitn(2, '.')).collect()),
        _ => Some(std::iter::once(head).chain(rest.split('.')).collect()),
    }
}

fn cell_value(name: &str, cell: &str, place: &Place) -> Node {
    if !LISTS.contains(&name) {
        return Node::scalar(place.clone(), cell);
    }
    let parts = cell.split([';', ' ']).map(str::trim).filter(|part| !part.is_empty());
    let items = parts.map(|part| Node::scalar(place.clone(), part)).enumerate().collect();
    Node::new(place.clone(), Data::List(items))
}

/// The columns, in characters from 1, at which the cells of the first row of `text` begin.
fn columns(text: &str, delimiter: u8) -> Vec<usize> {
    let mut starts = vec![1];
    let mut quoted = false;
    for (at, c) in text.chars().enumerate() {
        match c {
            '"' => quoted = !quoted,
            '\n' if !quoted => break,
            c if !quoted && c == char::from(delimiter) => starts.push(at + 2),
            _ => {}
        }
    }
    starts
}
