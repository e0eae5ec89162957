//! Keeps the one downward order of modules: a module may import only those before it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::fs;
use std::path::{Path, PathBuf};

/// Bottom first.
const ORDER: [&str; 16] = [
    "model",
    "telemetry",
    "rule",
    "transport",
    "inventory",
    "catalog",
    "store",
    "feeds",
    "duties",
    "engine",
    "output",
    "api",
    "config",
    "app",
    "demo",
    "cli",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top-level modules that a source text names as `crate::x` or inside `use crate::{x, …}`.
fn imports(text: &str) -> Vec<&'static str> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut named: Vec<_> = ORDER.into_iter().filter(|module| code.contains(&format!("crate::{module}"))).collect();
    for group in code.split("use crate::{").skip(1) {
        let group = group.split(';').next().unwrap_or_default();
        named.extend(ORDER.into_iter().filter(|module| {
            group.split([',', '{', '}', ' ', '\n']).any(|word| word.split("::").next() == Some(*module))
        }));
    }
    named
}

#[test]
fn no_module_imports_a_higher_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut broken = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let module = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        let Some(level) = ORDER.iter().position(|name| *name == module) else { continue };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            if ORDER.iter().position(|name| *name == import).unwrap() > level {
                broken.push(format!("{} imports {import}", inside.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        assert!(
            matches!(name.as_str(), "lib" | "main") || ORDER.contains(&name.as_str()),
            "{name} has no place in the order"
        );
    }
}
