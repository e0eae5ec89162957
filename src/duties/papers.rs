//! The files of duties, read as a whole: every mistake of every file in one report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attestation::{self, Statement};
use super::contact::{self, Contact};
use super::deadlines::Deadlines;
use super::incident::{self, Incident};
use super::page::problem_at;
use super::room::{self, Room};
use super::subjects::known_subjects;
use super::supplier::{self, Supplier};
use super::waiver::{self, Waiver, Waivers};
use crate::catalog::{Catalog, Subject};
use crate::inventory::{Inventory, Member};
use crate::model::{AssetId, CheckId, Problem, Problems, ZoneId};

/// Where the registers are, `duties:` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Statements that were signed.
    pub attestations: Vec<PathBuf>,
    /// Accepted fails.
    pub waivers: Vec<PathBuf>,
    /// The supplier register; tables too, when a name ends in `.csv`.
    pub suppliers: Vec<PathBuf>,
    /// Incidents that were noted elsewhere; those of the command line are in the ledger.
    pub incidents: Vec<PathBuf>,
    /// Who is called.
    pub contacts: Vec<PathBuf>,
    /// Rooms and who may enter them.
    pub rooms: Vec<PathBuf>,
    /// Deadlines of a stricter law in the place of the directive's.
    pub deadlines: Option<PathBuf>,
    /// How long the approval of a baseline holds; a year where nothing is said.
    #[serde(with = "humantime_serde")]
    pub baselines_valid_for: Option<Duration>,
}

impl Config {
    /// Makes relative paths start at a directory.
    pub fn anchor(&mut self, base: &Path) {
        let lists = [
            &mut self.attestations,
            &mut self.waivers,
            &mut self.suppliers,
            &mut self.incidents,
            &mut self.contacts,
            &mut self.rooms,
        ];
        for path in lists.into_iter().flatten().chain(&mut self.deadlines) {
            *path = base.join(&*path);
        }
    }

    /// Every file, to notice when one changes.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let lists = [&self.attestations, &self.waivers, &self.suppliers, &self.incidents, &self.contacts, &self.rooms];
        lists.into_iter().flatten().chain(&self.deadlines)
    }

    /// Whether the plant keeps any register.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files().next().is_none()
    }
}

/// What the files say.
#[derive(Debug, Clone, Default)]
pub struct Papers {
    /// Which registers are kept; an empty register says something that a missing one does not.
    pub config: Config,
    /// Signed statements.
    pub statements: Vec<Statement>,
    /// Accepted fails.
    pub waivers: Waivers,
    /// Suppliers.
    pub suppliers: Vec<Supplier>,
    /// Incidents.
    pub incidents: Vec<Incident>,
    /// Contacts.
    pub contacts: Vec<Contact>,
    /// Rooms.
    pub rooms: Vec<Room>,
    /// By when incidents are reported.
    pub deadlines: Deadlines,
}

impl Papers {
    /// Reads all files; what is returned is whole only if `problems` got nothing.
    pub fn load(config: &Config, problems: &mut Problems) -> Self {
        Self {
            statements: attestation::load(&config.attestations, problems),
            waivers: waiver::load(&config.waivers, problems),
            suppliers: supplier::load(&config.suppliers, problems),
            incidents: incident::load(&config.incidents, problems),
            contacts: contact::load(&config.contacts, problems),
            rooms: room::load(&config.rooms, problems),
            deadlines: config
                .deadlines
                .as_ref()
                .map_or_else(|| Some(Deadlines::default()), |file| Deadlines::load(file, problems))
                .unwrap_or_default(),
            config: config.clone(),
        }
    }

    /// The supplier with that id.
    #[must_use]
    pub fn supplier(&self, id: &str) -> Option<&Supplier> {
        self.suppliers.iter().find(|supplier| supplier.id.as_str() == id)
    }

    /// Holds the files against the checks and the inventory: names that do not exist are mistakes, a waiver that accepts
    /// nothing is a warning.
    pub fn check(&self, catalog: &Catalog, inventory: &Inventory, problems: &mut Problems, warnings: &mut Problems) {
        let known = |check: &CheckId, declared: &str, key: &str, problems: &mut Problems| {
            if !catalog.names(check) {
                let problem = problem_at(declared, format!("there is no check {:?}", check.as_str())).key(key);
                problems.push(problem.suggest(check.as_str(), catalog.checks.keys().map(CheckId::as_str)));
            }
        };
        let assets = inventory.members.iter().map(|member| &*member.asset);
        let subjects = known_subjects(assets, inventory.zones.keys(), self);
        for statement in &self.statements {
            known(&statement.check, &statement.declared, "check", problems);
            if !subjects.contains(&statement.subject) {
                let message = format!("statement {} is about {}, which is not there", statement.id, statement.subject);
                let problem = problem_at(&statement.declared, message).key("subject");
                let problem =
                    problem.hint("no check reads it; org, an asset, room:, line:, zone: or supplier: and a name");
                warnings.push(problem.suggest(statement.subject.as_str(), subjects.iter().map(AssetId::as_str)));
            }
        }
        for waiver in self.waivers.iter() {
            let before = problems.len();
            waiver.checks().iter().for_each(|check| known(check, &waiver.declared, "match.check", problems));
            for zone in waiver.zones().iter().filter(|zone| !inventory.zones.contains_key(*zone)) {
                let problem = problem_at(&waiver.declared, format!("zone {:?} is not declared", zone.as_str()));
                let names = inventory.zones.keys().map(ZoneId::as_str);
                problems.push(problem.key("match.zone").suggest(zone.as_str(), names));
            }
            for one in &waiver.compensating {
                known(&one.check, &waiver.declared, "compensating", problems);
                if let Some(problem) = one.asset.as_ref().and_then(|asset| stranger(asset, waiver, inventory)) {
                    problems.push(problem);
                }
            }
            // what is misspelt is told already
            if problems.len() > before {
                continue;
            }
            if !accepts_anything(waiver, catalog, inventory) {
                let problem =
                    problem_at(&waiver.declared, format!("waiver {} matches nothing", waiver.id)).key("match");
                warnings.push(problem.hint("no asset of the inventory is meant by it and concerned by its checks"));
            } else if let Some(why) = stays_suspended(waiver, catalog, inventory) {
                let problem =
                    problem_at(&waiver.declared, format!("waiver {} is suspended for good: {why}", waiver.id));
                warnings.push(problem.key("compensating").hint("CHECK@ASSET names a check of another asset"));
            }
        }
    }
}

fn stranger(asset: &AssetId, waiver: &Waiver, inventory: &Inventory) -> Option<Problem> {
    if inventory.find(asset.as_str()).is_some() {
        return None;
    }
    let problem = problem_at(&waiver.declared, format!("there is no asset {:?}", asset.as_str())).key("compensating");
    Some(problem.suggest(asset.as_str(), inventory.members.iter().map(|member| member.asset.id.as_str())))
}

fn accepts_anything(waiver: &Waiver, catalog: &Catalog, inventory: &Inventory) -> bool {
    inventory.members.iter().any(|member| is_meant(waiver, member, catalog))
}

/// Whether a waiver accepts a fail that an asset could have.
fn is_meant(waiver: &Waiver, member: &Member, catalog: &Catalog) -> bool {
    waiver.checks().iter().any(|check| waiver.means(&member.asset, check) && concerns(check, member, catalog))
}

fn concerns(check: &CheckId, member: &Member, catalog: &Catalog) -> bool {
    let subject = Subject { asset: &member.asset, zone_role: member.zone_role, has: &member.has };
    catalog.checks.get(check).is_some_and(|check| check.applies_to.concerns(subject).is_ok())
}

/// Why what is to make up for it can never be green, if so.
fn stays_suspended(waiver: &Waiver, catalog: &Catalog, inventory: &Inventory) -> Option<String> {
    waiver.compensating.iter().find_map(|one| {
        let is_on = |member: &Member| match &one.asset {
            Some(asset) => member.asset.id == *asset,
            None => is_meant(waiver, member, catalog),
        };
        let mut on = inventory.members.iter().filter(|member| is_on(member));
        let (check, itself) = (&one.check, waiver.checks().contains(&one.check));
        on.find_map(|member| {
            let asset = &member.asset.id;
            if itself && waiver.means(&member.asset, check) {
                return Some(format!("{check} on {asset} cannot make up for its own fail"));
            }
            (!concerns(check, member, catalog)).then(|| format!("{check} does not concern {asset}"))
        })
    })
}
