//! Who is asked what, and how often: the catalogue laid over the inventory.
//!
//! Pure. Every pair of an asset and a check that concerns it is in the plan; a pair that cannot be measured
//! stays in it with the reason, and becomes an unknown, so that nothing is left out in silence.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{AssetIndex, Cadence, CheckIndex, survey};
use crate::catalog::{Arguments, Catalog, Check, Fact, Question, Subject};
use crate::inventory::{Inventory, Member, Zoning};
use crate::model::{
    Asset, AssetId, Cause, CheckId, FactId, Impact, Kind, Missing, Params, SubjectClass, Transport, WindowEffect,
    ZoneId,
};
use crate::transport::ssh::Speaks;
use crate::transport::{http, reach, ssh_service, tcp, tls};

/// The place of a fact in its asset's plan.
pub type FactIndex = u16;

/// Everything that is to be measured.
#[derive(Debug, Default)]
pub struct Plan {
    /// The assets, in the order of the inventory; the position is the [`AssetIndex`].
    pub assets: Vec<PlannedAsset>,
    by_id: HashMap<AssetId, AssetIndex>,
}

/// One asset and what is measured on it.
#[derive(Debug)]
pub struct PlannedAsset {
    /// The asset and how it is reached.
    pub member: Arc<Member>,
    /// The zones and the paths between them, one for all.
    pub zoning: Arc<Zoning>,
    /// How many assets of its zone and class may be visited at the same time, itself included.
    pub at_once: u32,
    /// Its checks; one that needs the verdict of another stands behind it.
    pub checks: Vec<PlannedCheck>,
    /// Its facts, each once; a derived fact stands behind those it is derived from.
    pub facts: Vec<PlannedFact>,
    /// Every asset of the inventory, where this one stands for the organisation.
    pub register: Option<Arc<[Arc<Asset>]>>,
    /// Checks for which assets are asked something, one set for all.
    pub asking: Arc<BTreeSet<CheckId>>,
    /// Checks that rest on what was carried in from outside, and are stale when that is; one set for all.
    pub carried: Arc<BTreeSet<CheckId>>,
}

/// One check on one asset.
#[derive(Debug)]
pub struct PlannedCheck {
    /// The check.
    pub check: Arc<Check>,
    /// Its parameters, resolved for this asset.
    pub params: Params,
    /// How often it runs.
    pub cadence: Arc<Cadence>,
    /// The facts it needs.
    pub facts: Vec<FactIndex>,
    /// The checks whose verdicts it reads, as far as they concern this asset.
    pub after: Vec<CheckIndex>,
    /// Why it is not measured, if so.
    pub held: Option<Missing>,
}

/// One fact of one asset: a fact file with its arguments filled in.
#[derive(Debug)]
pub struct PlannedFact {
    /// The fact.
    pub fact: Arc<Fact>,
    /// What is asked, arguments filled in.
    pub question: Arc<Question>,
    /// The facts it is derived from.
    pub from: Vec<FactIndex>,
    /// Why it cannot be asked, if so.
    pub held: Option<Missing>,
}

/// How often a check runs: by the schedule it names, and whether the asset is fragile.
pub trait Schedules {
    /// The cadence of a named schedule; `None` when the name is unknown.
    fn cadence(&self, schedule: &str, fragile: bool) -> Option<Arc<Cadence>>;
}

/// What an argument list looks like once filled in; equal facts with equal arguments are asked once.
type Instance = (FactId, String);

impl Plan {
    /// Lays the catalogue over the inventory. The result is complete: unknown schedules and parameters were
    /// refused when the configuration was loaded, and fall back to six hours and defaults here.
    #[must_use]
    pub fn new(catalog: &Catalog, inventory: &Inventory, schedules: &dyn Schedules) -> Self {
        let zoning = Arc::new(inventory.zoning());
        let (questions, params) = (HashMap::new(), HashMap::new());
        let asking = catalog.checks.values().filter(|check| check.impact != Impact::None);
        let asking = Arc::new(asking.map(|check| check.id.clone()).collect());
        let rests = |check: &&Arc<Check>| catalog.facts_of(check).iter().any(|fact| fact.ask.standard().is_carried());
        let carried = Arc::new(catalog.checks.values().filter(rests).map(|check| check.id.clone()).collect());
        let register = None;
        let mut builder =
            Builder { catalog, inventory, zoning, schedules, questions, params, register, asking, carried };
        let order = dependency_order(catalog);
        let assets: Vec<_> = inventory.members.iter().map(|member| builder.asset(member, &order)).collect();
        let by_id = (0..).zip(&assets).map(|(at, planned)| (planned.member.asset.id.clone(), at)).collect();
        Self { assets, by_id }
    }

    /// The place of an asset.
    #[must_use]
    pub fn find(&self, asset: &str) -> Option<AssetIndex> {
        self.by_id.get(asset).copied()
    }

    /// The planned asset at a place.
    #[must_use]
    pub fn asset(&self, at: AssetIndex) -> &PlannedAsset {
        &self.assets[at as usize]
    }

    /// All pairs, for the store to forget the others.
    #[must_use]
    pub fn pairs(&self) -> Vec<(AssetId, CheckId)> {
        let pairs = |planned: &PlannedAsset| {
            let asset = planned.member.asset.id.clone();
            planned.checks.iter().map(move |one| (asset.clone(), one.check.id.clone())).collect::<Vec<_>>()
        };
        self.assets.iter().flat_map(pairs).collect()
    }
}

impl PlannedAsset {
    /// The place of a check.
    #[must_use]
    pub fn check(&self, id: &str) -> Option<CheckIndex> {
        self.checks.iter().position(|one| one.check.id.as_str() == id).and_then(|at| CheckIndex::try_from(at).ok())
    }

    /// These checks and those whose verdicts they read, in plan order.
    #[must_use]
    pub fn with_dependencies(&self, due: &[CheckIndex]) -> Vec<CheckIndex> {
        let mut wanted = vec![false; self.checks.len()];
        let mut open: Vec<_> = due.to_vec();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut wanted[usize::from(at)], true) {
                open.extend(&self.checks[usize::from(at)].after);
            }
        }
        (0..).zip(wanted).filter_map(|(at, wanted)| wanted.then_some(at)).collect()
    }

    /// The facts that these checks need, in plan order, those they are derived from included.
    #[must_use]
    pub fn facts_for(&self, checks: &[CheckIndex]) -> Vec<FactIndex> {
        let measured = checks.iter().map(|at| &self.checks[usize::from(*at)]).filter(|one| one.held.is_none());
        let needed: Vec<FactIndex> = measured.flat_map(|one| one.facts.iter().copied()).collect();
        self.with_sources(&needed)
    }

    /// These facts and those they are derived from, in plan order.
    #[must_use]
    pub fn with_sources(&self, facts: &[FactIndex]) -> Vec<FactIndex> {
        let mut wanted = vec![false; self.facts.len()];
        let mut open = facts.to_vec();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut wanted[usize::from(at)], true) {
                open.extend(&self.facts[usize::from(at)].from);
            }
        }
        (0..).zip(wanted).filter_map(|(at, wanted)| wanted.then_some(at)).collect()
    }
}

/// What the device is belongs to no check alone.
impl PlannedAsset {
    /// The fact that says what the device is.
    fn identity(&self) -> Option<FactIndex> {
        let is_identity = |one: &PlannedFact| one.question.identifies();
        self.facts.iter().position(is_identity).and_then(|at| FactIndex::try_from(at).ok())
    }

    /// The facts of a visit for these checks: what they need, and what the device is wherever it is spoken to in the
    /// same protocol anyway. Where no check ever does, any visit that sends something asks for it besides.
    #[must_use]
    pub fn facts_for_visit(&self, checks: &[CheckIndex]) -> Vec<FactIndex> {
        let mut facts = self.facts_for(checks);
        let Some(identity) = self.identity() else { return facts };
        let sources = &self.facts[usize::from(identity)].from;
        let (own, visit) = (self.spoken(sources), self.spoken(&facts));
        let all: Vec<CheckIndex> = (0..).zip(&self.checks).map(|(at, _)| at).collect();
        let is_orphan = || !visit.is_empty() && self.spoken(&self.facts_for(&all)).is_disjoint(&own);
        if !own.is_disjoint(&visit) || (!own.is_empty() && is_orphan()) {
            facts.extend(sources);
            facts.push(identity);
            facts.sort_unstable();
            facts.dedup();
        }
        facts
    }

    /// The protocols in which the asset is asked for these facts.
    fn spoken(&self, facts: &[FactIndex]) -> BTreeSet<Transport> {
        let facts = facts.iter().map(|at| &self.facts[usize::from(*at)]);
        let asked = facts.filter(|one| one.held.is_none() && one.question.touches_the_wire());
        asked.map(|one| one.question.transport()).collect()
    }
}

/// Whether the asset can say itself what it is.
fn can_be_identified(member: &Member) -> bool {
    let (access, kind) = (&member.access, member.asset.kind);
    let logs_in = kind == Kind::LinuxHost && (access.ssh.is_some() || access.local);
    kind.class() == SubjectClass::Device && (access.snmp.is_some() || access.replay.is_some() || logs_in)
}

/// Checks in an order in which each stands behind those it depends on; the loader has refused cycles.
fn dependency_order(catalog: &Catalog) -> Vec<Arc<Check>> {
    fn place(id: &CheckId, catalog: &Catalog, done: &mut BTreeMap<CheckId, bool>, order: &mut Vec<Arc<Check>>) {
        let Some(check) = catalog.checks.get(id) else { return };
        if done.insert(id.clone(), true).is_some() {
            return;
        }
        for needed in &check.needs_checks {
            place(needed, catalog, done, order);
        }
        order.push(Arc::clone(check));
    }
    let (mut done, mut order) = (BTreeMap::new(), Vec::new());
    for id in catalog.checks.keys() {
        place(id, catalog, &mut done, &mut order);
    }
    order
}

struct Builder<'a> {
    catalog: &'a Catalog,
    inventory: &'a Inventory,
    zoning: Arc<Zoning>,
    schedules: &'a dyn Schedules,
    /// Questions by instance, shared by all assets: 10,000 assets ask the same few dozen.
    questions: HashMap<Instance, Result<Arc<Question>, String>>,
    /// Parameters of assets that override none themselves, by check, zone, kind and profile.
    params: HashMap<(CheckId, ZoneId, &'static str, &'static str), Params>,
    register: Option<Arc<[Arc<Asset>]>>,
    asking: Arc<BTreeSet<CheckId>>,
    carried: Arc<BTreeSet<CheckId>>,
}

impl Builder<'_> {
    fn asset(&mut self, member: &Arc<Member>, order: &[Arc<Check>]) -> PlannedAsset {
        let mut planned = PlannedAsset {
            member: Arc::clone(member),
            zoning: Arc::clone(&self.zoning),
            at_once: self.inventory.at_once(member),
            checks: Vec::new(),
            facts: Vec::new(),
            register: (member.asset.kind == Kind::Org).then(|| self.register()),
            asking: Arc::clone(&self.asking),
            carried: Arc::clone(&self.carried),
        };
        let mut places: HashMap<Instance, FactIndex> = HashMap::new();
        for check in order {
            let subject = Subject { asset: &member.asset, zone_role: member.zone_role, has: &member.has };
            if check.applies_to.concerns(subject).is_err() {
                continue;
            }
            let params = self.resolve(check, member);
            let facts: Vec<FactIndex> = check
                .needs
                .iter()
                .filter_map(|need| {
                    let args = need.resolve(&params, &member.asset);
                    self.fact(&need.fact, &args, member, &mut planned.facts, &mut places)
                })
                .collect();
            let after = check.needs_checks.iter().filter_map(|id| planned.check(id.as_str())).collect();
            let cadence = self
                .schedules
                .cadence(&check.schedule, member.fragile)
                .unwrap_or_else(|| Arc::new(Cadence::Every(std::time::Duration::from_hours(6))));
            let held = Self::held(check, &facts, &planned.facts, member);
            planned.checks.push(PlannedCheck { check: Arc::clone(check), params, cadence, facts, after, held });
        }
        let device = self.catalog.facts.values().find(|fact| fact.ask.standard().identifies());
        if let Some(fact) = device.filter(|_| can_be_identified(member)) {
            self.fact(&fact.id, &Arguments::new(), member, &mut planned.facts, &mut places);
        }
        planned.checks.shrink_to_fit();
        planned.facts.shrink_to_fit();
        planned
    }

    /// Every asset; shared, because an inventory may have several subjects that stand for all.
    fn register(&mut self) -> Arc<[Arc<Asset>]> {
        let all = || self.inventory.members.iter().map(|member| Arc::clone(&member.asset)).collect();
        Arc::clone(self.register.get_or_insert_with(all))
    }

    fn resolve(&mut self, check: &Arc<Check>, member: &Member) -> Params {
        let asset = &member.asset;
        let all = &self.inventory.overrides;
        let resolve =
            || check.resolve_params(asset, all.zone(asset), all.kind(asset), all.profile(asset), Some(&all.global));
        if asset.params.contains_key(&check.id) {
            return resolve();
        }
        let key = (check.id.clone(), asset.zone.clone(), asset.kind.word(), asset.profile.word());
        self.params.entry(key).or_insert_with(resolve).clone()
    }

    /// The place of a fact with these arguments, added with everything it is derived from when it is new.
    fn fact(
        &mut self,
        id: &FactId,
        args: &Arguments,
        member: &Member,
        facts: &mut Vec<PlannedFact>,
        places: &mut HashMap<Instance, FactIndex>,
    ) -> Option<FactIndex> {
        let fact = self.catalog.facts.get(id)?;
        let instance = (id.clone(), serde_json::to_string(args).unwrap_or_default());
        if let Some(place) = places.get(&instance) {
            return Some(*place);
        }
        let from: Vec<_> = fact
            .needs
            .iter()
            .filter(|needed| fact.ask.standard().reads_from(needed, member.asset.kind))
            .filter_map(|needed| self.fact(needed, &self.handed_down(fact, needed, args), member, facts, places))
            .collect();
        let bind = || fact.ask.bind(&fact.arguments(args)).map(Arc::new).map_err(|problems| problems.to_string());
        let (question, held) = match self.questions.entry(instance.clone()).or_insert_with(bind) {
            Ok(question) => match &**question {
                Question::Reach(asked) => {
                    let task = survey::task(member, asked, self.inventory);
                    let question = Question::Reach(reach::Question { task, ..asked.clone() });
                    (Arc::new(question), nowhere_to_look_from(member))
                }
                _ => (with_declared_ports(question, member), unreachable(question, member)),
            },
            Err(problem) => (
                Arc::new(fact.ask.standard().clone()),
                Some(Missing::new(Cause::Internal, format!("the arguments of {id} do not fit: {problem}"))),
            ),
        };
        let place = FactIndex::try_from(facts.len()).ok()?;
        facts.push(PlannedFact { fact: Arc::clone(fact), question, from, held });
        places.insert(instance, place);
        Some(place)
    }

    /// The arguments of a derived fact that what it is computed from has too.
    fn handed_down(&self, fact: &Fact, needed: &FactId, args: &Arguments) -> Arguments {
        let Some(needed) = self.catalog.facts.get(needed) else { return Arguments::new() };
        fact.arguments(args).into_iter().filter(|(name, _)| needed.args.contains_key(name)).collect()
    }

    /// Why a check is not measured on an asset, beyond what its facts say themselves.
    fn held(check: &Check, needed: &[FactIndex], facts: &[PlannedFact], member: &Member) -> Option<Missing> {
        let asset = &member.asset;
        if check.impact != Impact::Avoid {
            return None;
        }
        // identity reads have a switch of their own, which their facts ask for
        let mut wired = needed.iter().map(|at| &facts[usize::from(*at)].question).filter(|it| it.touches_the_wire());
        let only_reads = wired.all(|question| question.is_protocol_read());
        let opted_in = asset.allow_intrusive || (only_reads && asset.allow_protocol_reads);
        if !opted_in {
            let switch = if only_reads { "allow_protocol_reads" } else { "allow_intrusive" };
            let why = format!("this check can disturb weak devices; it runs only where the asset says {switch}: true");
            return Some(Missing::new(Cause::Gated, why));
        }
        if member.windows.iter().any(|window| window.effects.contains(&WindowEffect::Intrusive)) {
            return None;
        }
        let why = "this check runs only in a window with the effect intrusive, and none concerns this asset";
        Some(Missing::new(Cause::Gated, why))
    }
}

/// The question with the services that the inventory declares: TLS ports take the place of the usual ones; HTTP ports
/// are asked besides, because a check of clear text must never ask less than its parameters say, and not at all where those
/// say that nothing is asked. The SSH service that we log in to is looked at wherever it stands.
fn with_declared_ports(question: &Arc<Question>, member: &Member) -> Arc<Question> {
    let tls = member.tls.as_ref().map(|tls| &tls.ports).filter(|ports| !ports.is_empty());
    let http = member.http.as_ref().map(|http| &http.ports).filter(|ports| !ports.is_empty());
    let ssh = member.access.ssh.as_deref().filter(|_| member.jump.is_empty()).map(|ssh| ssh.port);
    match (&**question, tls, http) {
        (Question::Tcp(asked), ..) if asked.declared => {
            let approved = member.asset.allowed_ports.iter().flatten().copied();
            let declared = approved.chain(ssh).chain(tls.into_iter().chain(http).flatten().copied());
            // first, because a fragile device that is silent on what it should answer is not pressed further
            let mut ports = with_further(&[], declared);
            ports = with_further(&ports, asked.ports.iter().copied());
            Arc::new(Question::Tcp(tcp::Question { ports, ..asked.clone() }))
        }
        (Question::SshService(asked), ..) if !asked.ports.is_empty() => {
            let ports = with_further(&asked.ports, ssh);
            Arc::new(Question::SshService(ssh_service::Question { ports, ..asked.clone() }))
        }
        (Question::Tls(asked), Some(ports), _) => {
            Arc::new(Question::Tls(tls::Question { ports: ports.clone(), ..asked.clone() }))
        }
        (Question::Http(asked), _, Some(ports)) if !asked.tls && !asked.ports.is_empty() => {
            let ports = with_further(&asked.ports, ports.iter().copied());
            Arc::new(Question::Http(http::Question { ports, ..asked.clone() }))
        }
        _ => Arc::clone(question),
    }
}

/// These ports and the further ones that are not among them, each once.
fn with_further(ports: &[u16], further: impl IntoIterator<Item = u16>) -> Vec<u16> {
    let mut all = ports.to_vec();
    for port in further {
        if !all.contains(&port) {
            all.push(port);
        }
    }
    all
}

/// Why nothing can be looked at from this subject.
fn nowhere_to_look_from(member: &Member) -> Option<Missing> {
    if member.looks_from.is_some() || member.access.replay.is_some() {
        return None;
    }
    let why = match member.asset.kind {
        Kind::Zone => format!(
            "no vantage stands in zone {}, so nothing tells what can be reached from it; mark an SSH host there with vantage: true",
            member.asset.zone
        ),
        _ => "only a vantage can look at others; mark the asset with vantage: true".to_owned(),
    };
    Some(Missing::new(Cause::NoData, why))
}

/// Why a question cannot be asked of this asset at all.
fn unreachable(question: &Question, member: &Member) -> Option<Missing> {
    let transport = question.transport();
    if !question.touches_the_wire() {
        return None;
    }
    if member.asset.kind.class() == SubjectClass::Paper {
        return Some(Missing::new(Cause::NoData, format!("a {} is no device that can be asked", member.asset.kind)));
    }
    let access = &member.access;
    if access.replay.is_some() {
        return None;
    }
    if question.is_protocol_read() && !member.asset.allow_protocol_reads {
        let why = format!(
            "{transport} is a control protocol; it is asked only where the asset says allow_protocol_reads: true"
        );
        return Some(Missing::new(Cause::Gated, why));
    }
    let given = match transport {
        Transport::Ssh => access.ssh.is_some() || access.local,
        Transport::Snmp => access.snmp.is_some(),
        Transport::Exec => access.exec.is_some(),
        _ => true,
    };
    // the monitor host may be asked without an address, but nothing can be sent to nowhere
    let on_this_host = transport == Transport::Exec || (transport == Transport::Ssh && access.local);
    if member.asset.address.is_none() && !on_this_host {
        let why = format!("the asset has no address to be asked at over {transport}; add address:");
        return Some(Missing::new(Cause::NoData, why));
    }
    if given {
        return access.ssh.as_deref().and_then(|ssh| in_another_language(question, ssh.speaks, member));
    }
    let what = match transport {
        Transport::Ssh => "access: { ssh: { credential: … } }, or access: { local: {} } for the monitor host itself",
        Transport::Snmp => "access: { snmp: { credential: … } }",
        _ => "the plug-in under plugins:",
    };
    Some(Missing::new(
        Cause::NoData,
        format!("no way to ask over {transport} is configured for this asset; add {what}"),
    ))
}

/// Why a question is not asked of an asset that can be logged in to: it is in another language.
fn in_another_language(question: &Question, speaks: Speaks, member: &Member) -> Option<Missing> {
    let advice = match question {
        // the monitor host itself is a POSIX shell
        Question::Ssh(_) if speaks != Speaks::Posix && !member.access.local => "posix",
        Question::Powershell(_) if !matches!(speaks, Speaks::Powershell | Speaks::Pwsh) => "powershell",
        Question::Cli(_) if speaks.profile().is_none() => "cisco_ios, junos, mikrotik or generic",
        _ => return None,
    };
    let detail = format!(
        "this asset speaks {}, which has no answer to this; if that is wrong, set `speaks: {advice}` under access.ssh",
        speaks.word()
    );
    Some(Missing::new(Cause::NoData, detail))
}
