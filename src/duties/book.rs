//! The book: what files say and what was done, joined, with as much of the plant as duties speak of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attestation::{Signer, Standing, Statement, current};
use super::deadlines::{Duty, Progress, Stage, duties_of};
use super::deed::Deed;
use super::incident::{Cleared, Incident, Significance};
use super::papers::Papers;
use super::subjects::known_subjects;
use super::supplier::Supplier;
use super::waiver::{Revocation, Waivers};
use crate::catalog::Catalog;
use crate::inventory::Inventory;
use crate::model::{Asset, AssetId, CheckId, EntryId, Severity, Time, Value, ZoneId, ZoneRole};
use crate::store::ActRecord;

/// The check that the assessment in the supplier register answers.
const ASSESSMENT: &str = "supplier-assessment";
/// An assessment of the register names no validity of its own; the check sets the limit.
const NO_LIMIT: u32 = 3_653;

/// What duties must know of the plant.
#[derive(Debug, Clone, Default)]
pub struct Plant {
    /// The assets.
    pub assets: Vec<Arc<Asset>>,
    /// What zones are for.
    pub roles: BTreeMap<ZoneId, ZoneRole>,
    /// How urgent checks are.
    pub severities: BTreeMap<CheckId, Severity>,
}

impl Plant {
    /// Takes it from what was loaded.
    #[must_use]
    pub fn new(inventory: &Inventory, catalog: &Catalog) -> Self {
        Self {
            assets: inventory.members.iter().map(|member| Arc::clone(&member.asset)).collect(),
            roles: inventory.zones.iter().map(|(id, zone)| (id.clone(), zone.role)).collect(),
            severities: catalog.checks.iter().map(|(id, check)| (id.clone(), check.severity)).collect(),
        }
    }
}

/// Everything that people signed and owe.
#[derive(Debug, Clone, Default)]
pub struct Book {
    papers: Arc<Papers>,
    plant: Plant,
    statements: BTreeMap<CheckId, Vec<Statement>>,
    incidents: Vec<Incident>,
    waivers: Waivers,
    complaints: Vec<String>,
    keeps_incidents: bool,
    /// Everything that a statement may be about.
    subjects: BTreeSet<AssetId>,
}

impl Book {
    /// Joins files and ledger. What of the ledger cannot be read, or speaks of an incident that is not there, is left out and
    /// told by [`Book::complaints`].
    #[must_use]
    pub fn new(papers: Arc<Papers>, acts: &[ActRecord], plant: Plant) -> Self {
        let mut book = Self {
            incidents: papers.incidents.clone(),
            waivers: papers.waivers.clone(),
            keeps_incidents: !papers.config.incidents.is_empty(),
            plant,
            ..Self::default()
        };
        let zones = book.plant.roles.keys();
        book.subjects = known_subjects(book.plant.assets.iter().map(|asset| &**asset), zones, &papers);
        papers.statements.iter().cloned().for_each(|statement| book.take(statement));
        papers.suppliers.iter().filter_map(assessed).for_each(|statement| book.take(statement));
        book.papers = papers;
        for record in acts {
            match Deed::read(record) {
                Ok(Some(deed)) => book.follow(deed, record),
                Ok(None) => {}
                Err(error) => book.complaints.push(error.to_string()),
            }
        }
        book
    }

    /// The same files and plant with all acts that there are now.
    #[must_use]
    pub fn with_acts(&self, acts: &[ActRecord]) -> Self {
        Self::new(Arc::clone(&self.papers), acts, self.plant.clone())
    }

    fn take(&mut self, statement: Statement) {
        self.statements.entry(statement.check.clone()).or_default().push(statement);
    }

    fn follow(&mut self, deed: Deed, record: &ActRecord) {
        let seq = record.seq;
        match deed {
            Deed::Sign(statement) => self.take(*statement),
            Deed::Open(incident) => {
                self.keeps_incidents = true;
                // the first one of an id counts: nobody may open it anew to move its clock
                if self.incident(incident.id.as_str()).is_some() {
                    self.complaints.push(format!("record {seq} of the ledger opens {} again", incident.id));
                } else {
                    self.incidents.push(*incident);
                }
            }
            Deed::Classify(deed) => {
                let papers = Arc::clone(&self.papers);
                self.change(&deed.incident, seq, |incident| {
                    let overdue = |incident: &Incident| -> BTreeSet<Stage> {
                        let owed = duties_of(incident, &papers.deadlines, record.act.at).into_iter();
                        owed.filter(|duty| duty.progress == Progress::Overdue).map(|duty| duty.stage).collect()
                    };
                    let before = overdue(incident);
                    incident.significant = deed.significant;
                    incident.significant_since = deed.significant_since;
                    let stages: Vec<Stage> = before.difference(&overdue(incident)).copied().collect();
                    if !stages.is_empty() {
                        let (by, reason) = (record.act.actor.clone(), record.act.reason.clone());
                        incident.cleared.push(Cleared { at: record.act.at, by, reason, stages });
                    }
                });
            }
            Deed::Report(deed) => self.change(&deed.incident, seq, |incident| {
                incident.receipts.extend(deed.receipt);
                if deed.requested {
                    incident.intermediate_requested_at = Some(deed.at);
                } else {
                    incident.note(deed.stage, deed.at);
                }
            }),
            Deed::Waive(waiver) => {
                if self.waivers.0.iter().any(|known| known.id == waiver.id) {
                    self.complaints.push(format!("record {seq} of the ledger writes the waiver {} again", waiver.id));
                } else {
                    self.waivers.0.push(*waiver);
                }
            }
            Deed::Revoke(deed) => match self.waivers.0.iter_mut().find(|known| known.id == deed.waiver) {
                Some(waiver) => {
                    waiver.expires_at = waiver.expires_at.min(deed.at);
                    let (by, reason) = (record.act.actor.as_str().into(), record.act.reason.as_str().into());
                    waiver.revocation.get_or_insert(Revocation { at: deed.at, by, reason });
                }
                None => {
                    self.complaints
                        .push(format!("record {seq} of the ledger ends {}, which is no waiver", deed.waiver));
                }
            },
            Deed::Close(deed) => self.change(&deed.incident, seq, |incident| incident.closed_at = Some(deed.at)),
        }
    }

    fn change(&mut self, id: &EntryId, seq: u64, change: impl FnOnce(&mut Incident)) {
        match self.incidents.iter_mut().find(|incident| incident.id == *id) {
            Some(incident) => change(incident),
            None => self.complaints.push(format!("record {seq} of the ledger speaks of {id}, which nobody opened")),
        }
    }

    /// What of the ledger could not be followed.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// What the files say.
    #[must_use]
    pub fn papers(&self) -> &Papers {
        &self.papers
    }

    /// What is known of the plant.
    #[must_use]
    pub const fn plant(&self) -> &Plant {
        &self.plant
    }

    /// The accepted fails.
    #[must_use]
    pub const fn waivers(&self) -> &Waivers {
        &self.waivers
    }

    /// The incidents, in the order they were noted.
    #[must_use]
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// Whether anybody keeps a register of incidents: without one, nobody can say that there are none.
    #[must_use]
    pub const fn keeps_incidents(&self) -> bool {
        self.keeps_incidents
    }

    /// An incident by its id.
    #[must_use]
    pub fn incident(&self, id: &str) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.id.as_str() == id)
    }

    /// What is owed for an incident now.
    #[must_use]
    pub fn duties(&self, incident: &Incident, now: Time) -> Vec<Duty> {
        duties_of(incident, &self.papers.deadlines, now)
    }

    /// Deadlines that still run or have passed without a report, of all significant incidents.
    pub fn open_deadlines(&self, now: Time) -> impl Iterator<Item = (&Incident, Duty)> {
        self.incidents.iter().flat_map(move |incident| {
            let owed = self.duties(incident, now).into_iter();
            owed.filter(|duty| matches!(duty.progress, Progress::Due | Progress::Overdue))
                .map(move |duty| (incident, duty))
        })
    }

    /// When something in it begins, ends or falls due next.
    #[must_use]
    pub fn next_turn(&self, now: Time) -> Option<Time> {
        let statements = self.statements().map(Statement::valid_until);
        let waivers = self.waivers.iter().flat_map(|waiver| [waiver.starts_at, waiver.expires_at]);
        let deadlines = self.open_deadlines(now).filter_map(|(_, duty)| duty.due);
        statements.chain(waivers).chain(deadlines).filter(|at| *at > now).min()
    }

    /// Every statement ever signed, by check, in the order of files and ledger.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.statements.values().flatten()
    }

    /// The statement that counts for a check about any of these names of one subject.
    #[must_use]
    pub fn current(&self, check: &CheckId, subjects: &[AssetId], now: Time) -> Option<&Statement> {
        let about = self.statements.get(check)?.iter().filter(|statement| subjects.contains(&statement.subject));
        current(about, now)
    }

    /// The statements that count for a check, one a subject.
    #[must_use]
    pub fn currents(&self, check: &CheckId, now: Time) -> Vec<&Statement> {
        let mut by_subject: BTreeMap<&AssetId, Vec<&Statement>> = BTreeMap::new();
        for statement in self.statements.get(check).into_iter().flatten() {
            by_subject.entry(&statement.subject).or_default().push(statement);
        }
        by_subject.into_values().filter_map(|all| current(all, now)).collect()
    }

    /// Whether there is what a statement is about.
    #[must_use]
    pub fn knows(&self, subject: &AssetId) -> bool {
        self.subjects.contains(subject)
    }

    /// Everything that a statement may be about.
    pub fn subjects(&self) -> impl Iterator<Item = &AssetId> {
        self.subjects.iter()
    }

    /// The statements that count, of all checks.
    #[must_use]
    pub fn all_current(&self, now: Time) -> Vec<&Statement> {
        self.statements.keys().flat_map(|check| self.currents(check, now)).collect()
    }

    /// When the plant last became aware of a significant incident.
    #[must_use]
    pub fn last_significant(&self) -> Option<Time> {
        let significant = self.incidents.iter().filter(|incident| incident.significant == Significance::Yes);
        significant.map(Incident::clock_starts).max()
    }

    /// Whether a statement about a room holds.
    pub(super) fn room_standing(&self, check: &CheckId, room: &str, now: Time) -> Option<Standing> {
        let subject = super::room::subject(room)?;
        self.current(check, &[subject], now).map(|statement| statement.standing(now))
    }
}

/// An assessment in the register is a statement about the supplier.
fn assessed(supplier: &Supplier) -> Option<Statement> {
    let done = supplier.assessment.as_ref()?;
    let evidence = done
        .evidence_sha256
        .iter()
        .map(|sha256| super::EvidenceFile { name: "assessment".to_owned(), sha256: sha256.clone() });
    Some(Statement {
        id: EntryId::parse(&format!("register-{}", supplier.id)).ok()?,
        check: CheckId::parse(ASSESSMENT).ok()?,
        subject: AssetId::parse(&supplier.subject()).ok()?,
        statement: format!("Assessment of {} in the supplier register", supplier.id),
        signed_by: Signer { person: "supplier register".to_owned(), role: String::new() },
        signed_at: done.on.and_time(chrono::NaiveTime::MIN).and_utc(),
        valid_days: NO_LIMIT,
        result: done.result,
        owner: None,
        evidence: evidence.collect(),
        fields: BTreeMap::<Arc<str>, Value>::new(),
        renews: None,
        declared: Arc::clone(&supplier.declared),
    })
}
