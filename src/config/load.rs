//! From a file to everything that can be known without a network.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{Config, Flags, Proof, Schedules, layers};
use crate::api::{Tokens, WebConfig};
use crate::catalog::{self, Mention, Mentioned};
use crate::duties::{self, Papers};
use crate::feeds::{Lifecycle, Shelf};
use crate::inventory::{self, Fetched, HttpSource, Inventory, ParamsByCheck, Source, Surroundings};
use crate::model::document::{Data, Document, Node, Place, Step};
use crate::model::{Problem, Problems, did_you_mean};
use crate::output::notify::{self, Receiver};
use crate::transport::gate;

/// Longest configuration file.
const LONGEST_FILE: u64 = 16 << 20;

/// Most files that a digest is kept of: an act has its bound.
const MOST_FILES: usize = 200;

/// Most files of one folder of checks or feeds that are digested, and how deep they may lie.
const MOST_IN_FOLDERS: usize = 10_000;
const DEEPEST_FOLDER: usize = 8;

/// A configuration that is valid as a whole.
#[derive(Debug)]
pub struct Loaded {
    /// The settings; paths are relative to the working directory or absolute.
    pub config: Config,
    /// The file itself.
    pub file: PathBuf,
    /// When checks run.
    pub schedules: Schedules,
    /// What is watched; without the assets of `http_sd`, which [`Loaded::with_targets`] adds.
    pub inventory: Inventory,
    /// Support periods of products.
    pub lifecycle: Arc<Lifecycle>,
    /// What lies in the feed folder.
    pub carried: Arc<Shelf>,
    /// What people signed and owe, as the files say.
    pub papers: Arc<Papers>,
    /// Users and TLS of the API.
    pub web_config: WebConfig,
    /// How the past is proven.
    pub proof: Proof,
    /// Who is told of transitions.
    pub receivers: Vec<Receiver>,
    /// What is suspicious but no mistake.
    pub warnings: Problems,
    document: Document,
    base: PathBuf,
    surroundings: Surroundings,
}

impl Config {
    /// Reads the file, lays environment and flags over it, reads the inventory and all secrets, and validates
    /// everything. Nothing is started and no socket opened.
    ///
    /// # Errors
    ///
    /// Every mistake of every file, with its place.
    pub fn load(file: &Path, flags: &Flags) -> Result<Loaded, Problems> {
        Self::load_in(file, flags, Surroundings::of_process())
    }

    /// The same with an environment of the caller's choice.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn load_in(file: &Path, flags: &Flags, surroundings: Surroundings) -> Result<Loaded, Problems> {
        let (loaded, problems) = Self::survey(file, flags, surroundings);
        match loaded {
            Some(loaded) => problems.or(loaded),
            None => Err(sorted(problems)),
        }
    }

    /// What can be understood of the files, and every mistake in them: whoever has more to look at can add to the
    /// report. Only without mistakes is it a configuration.
    #[must_use]
    pub fn survey(file: &Path, flags: &Flags, surroundings: Surroundings) -> (Option<Loaded>, Problems) {
        let (mut problems, mut warnings) = (Problems::new(), Problems::new());
        let document = read(file, &mut problems).and_then(|document| {
            if matches!(document.root.data, Data::Map(_) | Data::Null) {
                return Some(document);
            }
            problems.push(document.wrong(&[], "a configuration is a map of keys: { inventory: …, zones: … }"));
            None
        });
        let Some(mut document) = document else { return (None, problems) };
        match layers::merge(&document.root, &surroundings.variables, flags) {
            Ok(root) => document.root = root,
            Err(message) => problems.push(Problem::new("environment", message)),
        }
        // what is left of a wrong configuration is looked at as well: all mistakes belong into one report
        let config: Option<Config> = document.salvage(&[], &document.root, &mut problems);
        let Some(mut config) = config else { return (None, problems) };
        let base = file.parent().map_or_else(PathBuf::new, Path::to_owned);
        config.anchor(&base);
        check_numbers(&config, &document, &mut problems);
        for (key, error) in config.telemetry.check() {
            problems.push(document.wrong(&["telemetry".into(), key.into()], error.to_string()));
        }
        let schedules = Schedules::new(&config.schedules, config.timezone.0, |name, message| {
            problems.push(document.wrong(&["schedules".into(), name.into()], message));
        });
        let key = config.ledger.key(&document, &base, &surroundings, &mut problems);
        let proof = config.ledger.proof(&schedules, config.timezone.0, key, |message| {
            let place: [Step; 3] = ["ledger".into(), "anchor".into(), "schedule".into()];
            problems.push(document.wrong(&place, message));
        });
        check_plugins(&config, &document, &mut problems);
        let web_config = web_config(&config, &document, &mut problems);
        check_door(&config, &web_config, &document, &mut problems, &mut warnings);
        let lifecycle = lifecycle(&config, &document, &mut problems);
        let carried = carried(&config, &document, &mut problems, &mut warnings);
        let mut inventory =
            build(&config, &document, &base, &Fetched::new(), &surroundings, &mut problems, &mut warnings);
        let papers = Papers::load(&config.duties, &mut problems);
        duties::add_subjects(&papers, config.site.as_ref(), &mut inventory);
        if inventory.members.is_empty() && !config.inventory.iter().any(|source| matches!(source, Source::HttpSd(_))) {
            let problem = document.wrong(&["inventory".into()], "there is no asset to watch");
            warnings.push(problem.hint("inventory: [assets.yaml]"));
        }
        let receivers = receivers(&config, &inventory, &document, &base, &surroundings, &mut problems);
        let file = file.to_owned();
        let loaded = Loaded {
            config,
            file,
            schedules,
            inventory,
            lifecycle,
            carried,
            papers: Arc::new(papers),
            web_config,
            proof,
            receivers,
            warnings,
            document,
            base,
            surroundings,
        };
        (Some(loaded), problems)
    }
}

fn sorted(mut problems: Problems) -> Problems {
    problems.sort();
    problems
}

pub(super) fn read(file: &Path, problems: &mut Problems) -> Option<Document> {
    match read_text(file) {
        Ok(text) => Document::parse(file, &text, problems),
        Err(message) => {
            problems.push(Problem::new(file, message));
            None
        }
    }
}

/// Makes the path of a store start at the directory of the file; `:memory:` is none.
pub(super) fn anchored(path: &mut PathBuf, base: &Path) {
    if *path != Path::new(":memory:") {
        *path = base.join(&*path);
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read the configuration: {error}");
    if !std::fs::metadata(file).map_err(failed)?.is_file() {
        return Err("this is not a regular file".into());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file).map_err(failed)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err("this is longer than 16 MiB, which no configuration is".into());
    }
    String::from_utf8(bytes).map_err(|_| "this is not UTF-8 text".into())
}

fn check_numbers(config: &Config, document: &Document, problems: &mut Problems) {
    let limits = &config.limits;
    let class = |name: &'static str, class: &super::ClassLimits| {
        [(Some(name), "at_once", class.at_once), (Some(name), "per_hour", class.per_hour)]
    };
    let all = [(None, "visits_in_flight", Some(limits.visits_in_flight)), (None, "per_zone", Some(limits.per_zone))];
    let all = all.into_iter().chain(class("fragile", &limits.fragile)).chain(class("standard", &limits.standard));
    for (class, key, value) in all {
        if value == Some(0) {
            let path: Vec<Step> = ["limits"].into_iter().chain(class).chain([key]).map(Step::from).collect();
            let problem = document.wrong(&path, "0 would let nothing through");
            problems.push(problem.hint("active: false switches everything off"));
        }
    }
}

/// A plug-in that is not there would show as unknown on every asset; it is said here instead.
fn check_plugins(config: &Config, document: &Document, problems: &mut Problems) {
    use std::os::unix::fs::PermissionsExt;
    for (name, path) in &config.plugins {
        let (what, way_out) = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                ("there is no program", "install the plug-in, or take it out of plugins".to_owned())
            }
            Err(error) => ("the program cannot be looked at", format!("{error}; let nis2watch enter its folder")),
            Ok(about) if !about.is_file() => ("this is no program", "name the file of the plug-in itself".to_owned()),
            Ok(about) if about.permissions().mode() & 0o111 == 0 => {
                ("the program cannot be executed", format!("chmod a+x {}", path.display()))
            }
            Ok(about) if about.permissions().mode() & 0o002 != 0 => {
                ("everybody can change the program", format!("chmod o-w {}", path.display()))
            }
            Ok(_) => continue,
        };
        let message = format!("{what} {}", path.display());
        problems.push(document.wrong(&["plugins".into(), name.as_str().into()], message).hint(way_out));
    }
}

fn web_config(config: &Config, document: &Document, problems: &mut Problems) -> WebConfig {
    let Some(path) = &config.api.web_config else { return WebConfig::default() };
    WebConfig::load(path).unwrap_or_else(|error| {
        problems.push(document.wrong(&["api".into(), "web_config".into()], error.to_string()));
        WebConfig::default()
    })
}

/// Whether strangers could look at the plant, or names and passwords could be read on the way.
fn check_door(config: &Config, web: &WebConfig, document: &Document, problems: &mut Problems, warnings: &mut Problems) {
    let (api, place) = (&config.api, |key: &'static str| -> [Step; 2] { ["api".into(), key.into()] });
    if let Some(path) = &api.tokens
        && let Err(error) = Tokens::load(path)
    {
        let problem = document.wrong(&place("tokens"), error.to_string());
        problems.push(problem.hint("nis2watch token create --role viewer --name NAME makes the first"));
    }
    let knows_nobody = web.basic_auth_users.is_empty() && api.tokens.is_none();
    let is_plain = web.tls_server_config.is_none();
    if api.listen.ip().is_loopback() || api.insecure_listen {
        return;
    }
    if knows_nobody && is_plain {
        let message =
            format!("{} can be reached from other hosts, and neither TLS nor users nor tokens guard it", api.listen);
        let hint = "api.web_config adds TLS and users, api.tokens adds tokens; api.insecure_listen: true opens it to everybody, to look";
        problems.push(document.wrong(&place("listen"), message).hint(hint));
    } else if is_plain {
        let message = "passwords and tokens cross the network in the clear";
        let hint = "tls_server_config in the file of api.web_config, or a proxy with TLS on the same host";
        warnings.push(document.wrong(&place("listen"), message).hint(hint));
    }
}

fn lifecycle(config: &Config, document: &Document, problems: &mut Problems) -> Arc<Lifecycle> {
    let Some(path) = &config.feeds.endoflife else { return Arc::new(Lifecycle::builtin()) };
    match Lifecycle::load(path) {
        Ok(table) => Arc::new(table),
        Err(error) => {
            let message = format!("cannot use {}: {error}", path.display());
            let problem = document.wrong(&["feeds".into(), "endoflife".into()], message);
            problems.push(problem.hint("without this key the table inside the program is used"));
            Arc::default()
        }
    }
}

fn receivers(
    config: &Config,
    inventory: &Inventory,
    document: &Document,
    base: &Path,
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> Vec<Receiver> {
    let of_members = inventory.members.iter().map(|member| &member.asset.zone);
    let zones = inventory.zones.keys().chain(of_members).cloned().collect();
    let (site, instance) = (config.site.clone(), config.api.listen.to_string());
    let pages = config.api.external_url.clone();
    let scope = notify::Scope { document, base, surroundings, zones, site, instance, pages };
    notify::receivers(&config.notify, &scope, problems)
}

/// A file that is refused makes checks unknown and is warned about; a folder that cannot be read is a mistake.
fn carried(config: &Config, document: &Document, problems: &mut Problems, warnings: &mut Problems) -> Arc<Shelf> {
    let Some(path) = &config.feeds.path else { return Arc::default() };
    match Shelf::load(path, &config.feeds.ages()) {
        Ok(carried) => {
            for one in carried.refused.iter() {
                warnings.push(Problem::new(&one.file, format!("the feed was refused: {}", one.why)));
            }
            for one in carried.passed_over.iter() {
                warnings.push(Problem::new(&one.path, format!("in the feed folder, and not read: {}", one.why)));
            }
            Arc::new(carried)
        }
        Err(error) => {
            let message = format!("cannot use {}: {error}", path.display());
            problems.push(document.wrong(&["feeds".into(), "path".into()], message));
            Arc::default()
        }
    }
}

fn build(
    config: &Config,
    document: &Document,
    base: &Path,
    fetched: &Fetched,
    surroundings: &Surroundings,
    problems: &mut Problems,
    warnings: &mut Problems,
) -> Inventory {
    let overrides = config.overrides();
    let settings = inventory::Settings {
        document,
        base,
        sources: &config.inventory,
        zones: &config.zones,
        conduits: &config.conduits,
        windows: &config.windows,
        credentials: &config.credentials,
        plugins: &config.plugins,
        overrides: &overrides,
        timezone: config.timezone.0,
        site: config.site.as_ref(),
        fragile: config.limits.fragile.over(gate::Limits::FRAGILE),
        standard: config.limits.standard.over(gate::Limits::STANDARD),
        active: config.active,
        per_zone: config.limits.per_zone,
    };
    for zone in config.params_by_zone.keys().filter(|zone| !config.zones.iter().any(|entry| entry.id == **zone)) {
        let problem = document.wrong(
            &["params_by_zone".into(), zone.as_str().into()],
            format!("zone {:?} is not declared", zone.as_str()),
        );
        problems.push(problem.suggest(zone.as_str(), config.zones.iter().map(|entry| entry.id.as_str())));
    }
    inventory::build(&settings, fetched, surroundings, problems, warnings)
}

impl Loaded {
    /// Target lists that have to be fetched, with the directory that their certificates are relative to.
    #[must_use]
    pub fn http_sources(&self) -> (Vec<&HttpSource>, &Path) {
        let sources = self.config.inventory.iter().filter_map(|source| match source {
            Source::HttpSd(source) => Some(source),
            _ => None,
        });
        (sources.collect(), &self.base)
    }

    /// The target files of `file_sd` and the registers of duties as they are now, to notice when one changes.
    #[must_use]
    pub fn watched_files(&self) -> Vec<PathBuf> {
        let targets = self.config.inventory.iter().flat_map(|source| source.target_files(&self.base));
        targets.chain(self.config.duties.files().cloned()).collect()
    }

    /// SHA-256 over the settings as they were merged from file, environment and flags, hexadecimal. Secrets are references
    /// there, so none is in it.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(format!("{:?}", self.config).as_bytes())
    }

    /// SHA-256 of the files behind the settings, by name: the configuration, asset files, target files, registers. A file that
    /// cannot be read now has none; beyond 200 the rest is left out.
    #[must_use]
    pub fn file_digests(&self) -> BTreeMap<String, Option<String>> {
        let sources = self.config.inventory.iter().filter_map(|source| match source {
            Source::File(path) => Some(self.base.join(path)),
            Source::FileSd(_) | Source::HttpSd(_) => None,
        });
        let own = std::iter::once(self.file.clone()).chain(self.config.api.web_config.clone());
        let files = own.chain(sources).chain(self.watched_files());
        let digest = |file: PathBuf| (file.display().to_string(), file_digest(&file));
        files.take(MOST_FILES).map(digest).collect()
    }

    /// The same for the folders of further checks and of feeds, each as a whole: SHA-256 of a line for each file in it, its digest
    /// and its path inside, as `sha256sum` writes them, in the order of the paths. A folder that cannot be read to its end has none.
    #[must_use]
    pub fn folder_digests(&self) -> BTreeMap<String, Option<String>> {
        let folders = self.config.catalog.extra.iter().chain(&self.config.feeds.path);
        folders.map(|folder| (folder.display().to_string(), folder_digest(folder))).collect()
    }

    /// Whether the store can be where it is wanted. Only a daemon needs that, so loading does not ask.
    #[must_use]
    pub fn check_store(&self) -> Problems {
        let mut problems = Problems::new();
        if let Some(obstacle) = self.config.store.obstacle() {
            let problem = self.document.wrong(&["store".into(), "path".into()], obstacle.what);
            problems.push(problem.hint(obstacle.way_out));
        }
        problems
    }

    /// The inventory with fetched target lists, and the registers of duties; files and secrets are read again.
    ///
    /// # Errors
    ///
    /// Every mistake; the caller keeps what it has.
    pub fn with_targets(
        &self,
        fetched: &Fetched,
        catalog: &catalog::Catalog,
    ) -> Result<(Inventory, Arc<Papers>), Problems> {
        let (mut problems, mut warnings) = (Problems::new(), Problems::new());
        let (config, document) = (&self.config, &self.document);
        let mut inventory =
            build(config, document, &self.base, fetched, &self.surroundings, &mut problems, &mut warnings);
        let papers = Papers::load(&config.duties, &mut problems);
        duties::add_subjects(&papers, config.site.as_ref(), &mut inventory);
        papers.check(catalog, &inventory, &mut problems, &mut warnings);
        problems.or((inventory, Arc::new(papers)))
    }

    /// What in the registers of duties does not fit the catalogue and the inventory; what is merely suspicious joins the
    /// warnings.
    pub fn check_papers(&mut self, catalog: &catalog::Catalog) -> Problems {
        let (mut problems, mut suspicious) = (Problems::new(), Problems::new());
        self.papers.check(catalog, &self.inventory, &mut problems, &mut suspicious);
        // an asset that only a target list names may be what a waiver means: that it matches nothing is then not known
        if self.http_sources().0.is_empty() {
            self.warnings.extend(suspicious);
        }
        problems
    }

    /// What does not fit the catalogue: parameters of checks that do not exist or have another type, schedules
    /// and zones that checks name and nobody declares.
    #[must_use]
    pub fn check_against(&self, catalog: &catalog::Catalog) -> Problems {
        let mut problems = Problems::new();
        let config = &self.config;
        self.check_params(catalog, &["params".into()], &config.params, &mut problems);
        for (kind, params) in &config.params_by_kind {
            self.check_params(catalog, &["params_by_kind".into(), kind.word().into()], params, &mut problems);
        }
        for (zone, params) in &config.params_by_zone {
            self.check_params(catalog, &["params_by_zone".into(), zone.as_str().into()], params, &mut problems);
        }
        for (profile, params) in &config.params_by_profile {
            self.check_params(catalog, &["params_by_profile".into(), profile.word().into()], params, &mut problems);
        }
        for (at, zone) in config.zones.iter().enumerate() {
            self.check_params(catalog, &["zones".into(), at.into(), "params".into()], &zone.params, &mut problems);
        }
        for member in &self.inventory.members {
            for mistake in catalog.check_params(&member.asset.params) {
                let key = param_path(&mistake).join(".");
                let place = place_of_param(&member.declared, &mistake);
                let problem = problem_at(place.as_deref().unwrap_or(&member.declared), mistake.message);
                let problem = problem.key(format!("{}.params.{key}", member.asset.id));
                problems.push(mistake.hint.into_iter().fold(problem, Problem::hint));
            }
        }
        for mention in catalog.checks.values().flat_map(|check| &check.mentions) {
            if let Some(problem) = self.check_mention(mention) {
                problems.push(problem);
            }
        }
        problems
    }

    /// A schedule or a zone that a check names and nobody declares: the check would never run, or concern nobody.
    fn check_mention(&self, mention: &Mention) -> Option<Problem> {
        let (what, names, way_out) = match mention.what {
            Mentioned::Schedule => {
                // one that is written wrongly is told already
                let written = self.document.root.get("schedules").map(Node::entries).unwrap_or_default();
                let names: BTreeSet<&str> =
                    self.schedules.names().chain(written.iter().map(|entry| entry.key.as_str())).collect();
                ("schedule", names, format!("define it under schedules: in {}", self.file.display()))
            }
            Mentioned::Zone => {
                let declared = self.document.root.get("zones").map(Node::items).unwrap_or_default();
                let names = declared.iter().filter_map(|(_, zone)| zone.get("id")?.as_text()).collect();
                ("zone", names, format!("declare it under zones: in {}", self.file.display()))
            }
        };
        if names.contains(mention.name.as_str()) {
            return None;
        }
        let names: Vec<&str> = names.into_iter().collect();
        let problem = mention.wrong(format!("{what} {:?} is not known", mention.name));
        let known = format!("known: {}; or {way_out}", names.join(", "));
        Some(problem.hint(match did_you_mean(&mention.name, names.iter().copied()) {
            Some(close) => format!("did you mean {close:?}? {known}"),
            None => known,
        }))
    }

    fn check_params(&self, catalog: &catalog::Catalog, at: &[Step], params: &ParamsByCheck, problems: &mut Problems) {
        for mistake in catalog.check_params(params) {
            let below = param_path(&mistake).into_iter().map(Step::from);
            let path: Vec<Step> = at.iter().cloned().chain(below).collect();
            let problem = self.document.wrong(&path, mistake.message);
            problems.push(mistake.hint.into_iter().fold(problem, Problem::hint));
        }
    }
}

fn file_digest(file: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file).ok()?.take(LONGEST_FILE).read_to_end(&mut bytes).ok()?;
    Some(hex(&bytes))
}

fn folder_digest(folder: &Path) -> Option<String> {
    let mut found = BTreeMap::new();
    collect(folder, "", 0, &mut found)?;
    let lines = found.into_iter().fold(String::new(), |text, (path, digest)| text + &digest + "  " + &path + "\n");
    Some(hex(lines.as_bytes()))
}

/// The files of a folder by their path inside, with their digests; `None` where one cannot be read, or where they are too many.
fn collect(folder: &Path, inside: &str, depth: usize, found: &mut BTreeMap<String, String>) -> Option<()> {
    if depth > DEEPEST_FOLDER {
        return None;
    }
    for entry in std::fs::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let (path, name) = (entry.path(), format!("{inside}{}", entry.file_name().display()));
        // behind links too: Kubernetes hangs every file of a folder on one
        if path.is_dir() {
            collect(&path, &format!("{name}/"), depth + 1, found)?;
        } else if found.len() < MOST_IN_FOLDERS {
            found.insert(name, file_digest(&path)?);
        } else {
            return None;
        }
    }
    Some(())
}

fn hex(bytes: &[u8]) -> String {
    crate::store::Digest(Sha256::digest(bytes).into()).to_string()
}

/// A mistake at `file:line:column`.
fn problem_at(place: &str, message: String) -> Problem {
    let mut parts = place.rsplitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    match (number(), number(), parts.next()) {
        (Some(column), Some(line), Some(file)) => Problem::new(file, message).at(line, column),
        _ => Problem::new(place, message),
    }
}

/// `file:line:column` of the key in the parameters that stand at `declared`. The file is read once more for it: an inventory
/// would hold the places of all its keys for the sake of the few that are wrong.
fn place_of_param(declared: &str, mistake: &catalog::ParamMistake) -> Option<String> {
    let mut parts = declared.rsplitn(3, ':');
    let mut number = || parts.next()?.parse::<usize>().ok();
    let (column, line) = (number()?, number()?);
    let file = Path::new(parts.next()?);
    let document = read(file, &mut Problems::new())?;
    let params = at_place(&document.root, &Place::Text { line, column })?;
    let check = params.entries().iter().find(|entry| entry.key == mistake.check.as_str())?;
    let param = mistake.param.as_deref().and_then(|name| check.node.entries().iter().find(|entry| entry.key == name));
    match &param.unwrap_or(check).place {
        Place::Text { line, column } => Some(format!("{}:{line}:{column}", file.display())),
        _ => None,
    }
}

/// The map that begins there: the innermost, for a map without brackets begins where its first key does.
fn at_place<'n>(node: &'n Node, place: &Place) -> Option<&'n Node> {
    let below = node.entries().iter().map(|entry| &entry.node).chain(node.items().iter().map(|(_, item)| item));
    let mut below = below.filter_map(|node| at_place(node, place));
    below.next().or_else(|| (node.place == *place && matches!(node.data, Data::Map(_))).then_some(node))
}

fn param_path(mistake: &catalog::ParamMistake) -> Vec<&str> {
    std::iter::once(mistake.check.as_str()).chain(mistake.param.as_deref()).collect()
}
