//! From files to a catalogue: read all, join, cross-check, report everything that is wrong at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::check::CheckDraft;
use super::fact::{FactDraft, folder, stem};
use super::names::Known;
use super::products::{self, LARGEST_FILE, ProductDraft, refuse_overlaps};
use super::sources::{Role, SourceFile, gather};
use super::{Catalog, LoadErrors, Pack, Products, check, controls, fact};
use crate::model::document::Document;
use crate::model::{CheckId, FactId, Problem, Problems};

impl Catalog {
    /// Loads the catalogue inside the binary, if wanted, and extra folders of the same layout.
    ///
    /// An id that is there already is a mistake, unless the extra file says `replaces: builtin`.
    ///
    /// # Errors
    ///
    /// Every mistake of every file, with file, line, column, key and advice.
    pub fn load(builtin: bool, extra: &[PathBuf]) -> Result<Self, LoadErrors> {
        let mut problems = Problems::new();
        let catalog = Self::survey(builtin, extra, &mut problems);
        problems.or(catalog)
    }

    /// What can be understood of the files, so that others can be held against it, and every mistake in them. Only
    /// without mistakes is it a catalogue.
    #[must_use]
    pub fn survey(builtin: bool, extra: &[PathBuf], problems: &mut Problems) -> Self {
        let files = gather(builtin, extra, problems);
        compile(files, problems)
    }
}

/// What was read, before it is joined.
#[derive(Default)]
struct Read {
    controls: Vec<Document>,
    packs: BTreeMap<Arc<str>, Pack>,
    /// Folders whose `pack.yaml` is there, right or wrong.
    seen_packs: BTreeSet<String>,
    facts: BTreeMap<FactId, (bool, FactDraft)>,
    checks: BTreeMap<CheckId, (bool, CheckDraft)>,
    products: BTreeMap<Arc<str>, (bool, ProductDraft)>,
    /// Names of files with mistakes, so that nobody is told twice.
    broken: BTreeSet<String>,
    fixtures: Vec<SourceFile>,
}

pub(super) fn compile(files: Vec<SourceFile>, problems: &mut Problems) -> Catalog {
    let mut read = Read::default();
    let mut folders: BTreeMap<Arc<str>, PathBuf> = BTreeMap::new();
    for file in files {
        if let Role::Fixture { .. } = file.role {
            read.fixtures.push(file);
            continue;
        }
        if file.role == Role::Check {
            folders.entry(Arc::from(folder(&file.name))).or_insert_with(|| file.name.clone());
        }
        read.file(&file, problems);
    }
    for (pack, first) in folders {
        if !read.seen_packs.contains(&*pack) {
            let problem = Problem::new(first.with_file_name("pack.yaml"), "the pack has no pack.yaml");
            problems.push(problem.hint(format!("write one with `id: {pack}` and a title")));
        }
    }
    read.join(problems)
}

impl Read {
    fn file(&mut self, file: &SourceFile, problems: &mut Problems) {
        let before = problems.len();
        let document = Document::parse(&file.name, &file.text, problems);
        problems.public_source(&file.name, &*file.text);
        if let Some(document) = document {
            match file.role {
                Role::Controls => self.controls.push(document),
                Role::Pack => self.pack(&document, problems),
                Role::Fact => self.fact(document, file.builtin, problems),
                Role::Check => self.check(document, file.builtin, problems),
                Role::Product if file.text.len() > LARGEST_FILE => {
                    problems.push(document.wrong(&[], format!("larger than {LARGEST_FILE} bytes")));
                }
                Role::Product => self.product(document, file.builtin, problems),
                Role::Fixture { .. } => {}
            }
        }
        if problems.len() > before {
            let name = stem(&file.name);
            self.broken.insert(match file.role {
                Role::Fact => format!("{}.{name}", folder(&file.name)),
                Role::Product => return,
                _ => name,
            });
        }
    }

    fn pack(&mut self, document: &Document, problems: &mut Problems) {
        let name = folder(&document.file);
        self.seen_packs.insert(name.clone());
        let Some(pack) = document.read::<Pack>(&[], &document.root, problems) else { return };
        if *pack.id != *name {
            problems
                .push(document.wrong(&["id".into()], format!("{:?} is not the name of the folder, {name:?}", pack.id)));
        }
        self.packs.entry(Arc::from(name)).or_insert(pack);
    }

    fn fact(&mut self, document: Document, builtin: bool, problems: &mut Problems) {
        let Some(draft) = fact::read(document, problems) else { return };
        let before = self.facts.get(&draft.fact.id).map(|(builtin, draft)| (*builtin, &*draft.fact.origin));
        if may_stand(before, builtin, draft.replaces, &draft.document, problems) {
            self.facts.insert(draft.fact.id.clone(), (builtin, draft));
        }
    }

    fn check(&mut self, document: Document, builtin: bool, problems: &mut Problems) {
        let Some(draft) = check::read(document, problems) else { return };
        let before = self.checks.get(&draft.check.id).map(|(builtin, draft)| (*builtin, &*draft.check.origin));
        if may_stand(before, builtin, draft.replaces, &draft.document, problems) {
            self.checks.insert(draft.check.id.clone(), (builtin, draft));
        }
    }

    fn product(&mut self, document: Document, builtin: bool, problems: &mut Problems) {
        let Some(draft) = products::read(document, problems) else { return };
        let id = Arc::clone(&draft.product.id);
        let before = self.products.get(&id).map(|(builtin, draft)| (*builtin, &*draft.product.origin));
        if may_stand(before, builtin, draft.replaces, &draft.document, problems) {
            self.products.insert(id, (builtin, draft));
        }
    }

    fn join(mut self, problems: &mut Problems) -> Catalog {
        let controls = controls::read(&self.controls, problems);
        let known = Known {
            controls: &controls,
            facts: self.facts.iter().map(|(id, (_, draft))| (id.clone(), &draft.fact)).collect(),
            checks: self.checks.iter().map(|(id, (_, draft))| (id.clone(), &draft.check)).collect(),
            broken: &self.broken,
        };
        self.facts.values().for_each(|(_, draft)| known.verify_fact(draft, problems));
        self.checks.values().for_each(|(_, draft)| known.verify_check(draft, problems));
        drop(known);
        refuse_overlaps(&self.products.values().map(|(_, draft)| draft).collect::<Vec<_>>(), problems);
        let products = Products::new(self.products.into_values().map(|(_, draft)| draft.product));
        self.facts.values_mut().for_each(|(_, draft)| draft.fact.ask.equip(&products));
        Catalog {
            controls,
            packs: self.packs,
            products,
            facts: self.facts.into_iter().map(|(id, (_, draft))| (id, Arc::new(draft.fact))).collect(),
            checks: self.checks.into_iter().map(|(id, (_, draft))| (id, Arc::new(draft.check))).collect(),
            fixtures: self.fixtures,
            broken: self.broken,
        }
    }
}

/// Whether a file may take the place of the one that already has its id.
fn may_stand(
    before: Option<(bool, &str)>,
    builtin: bool,
    replaces: bool,
    document: &Document,
    problems: &mut Problems,
) -> bool {
    let wrong = |key: &str, message: String| document.wrong(&[key.into()], message);
    match before {
        _ if builtin && replaces => {
            problems.push(wrong("replaces", "a built-in file replaces nothing".into()));
            true
        }
        Some((true, _)) if replaces => true,
        Some((was_builtin, origin)) => {
            let problem = wrong("id", format!("this id is taken by {origin}"));
            let hint = if was_builtin && !builtin {
                "choose another id, or write `replaces: builtin` to put this file in its place"
            } else {
                "choose another id"
            };
            problems.push(problem.hint(hint));
            false
        }
        None if replaces => {
            problems.push(wrong("replaces", "no built-in file has this id".into()));
            true
        }
        None => true,
    }
}
