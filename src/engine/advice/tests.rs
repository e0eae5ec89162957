//! Every piece of advice, as it follows from the inventory and from what came of the questions.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::*;
use crate::catalog::Catalog;
use crate::engine::matrix::testing::member;
use crate::engine::unasked::bare_result;
use crate::engine::{Cadence, Plan, Schedules};
use crate::inventory::{Inventory, Member};
use crate::model::{Asset, FactId, Kind, Secret, Time};
use crate::transport::ssh;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());

struct Often;

impl Schedules for Often {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(Duration::from_hours(1))))
    }
}

fn host() -> Member {
    member("srv-1", "office", Kind::LinuxHost, &[22])
}

fn over_ssh(privilege: Elevation) -> Member {
    let credential = ssh::Credential::Password(Secret::new("x".into()));
    let access = ssh::Access { privilege, ..ssh::Access::new("n", credential, ssh::HostKeyPolicy::Learn) };
    let mut member = host();
    member.access.ssh = Some(Arc::new(access));
    member
}

fn with(member: Member, change: impl FnOnce(&mut Asset)) -> Member {
    let mut asset = Asset::clone(&member.asset);
    change(&mut asset);
    Member { asset: Arc::new(asset), ..member }
}

fn plan(member: Member) -> Plan {
    let inventory = Inventory { members: vec![Arc::new(member)], per_zone: 8, ..Inventory::default() };
    Plan::new(&CATALOG, &inventory, &Often)
}

/// The advice for a check that is unknown for a cause, with a question that was asked in vain for a fact, if any.
fn advice(member: Member, check: &str, cause: Cause, asked: Option<&str>) -> Advice {
    let plan = plan(member);
    let planned = plan.asset(0);
    let at = planned.check(check).unwrap_or_else(|| panic!("{check} is not planned"));
    let now: Time = "2026-11-26T08:00:00Z".parse().unwrap();
    let mut result = bare_result(planned, at, cause, "why".into(), now);
    result.evidence.items.extend(asked.map(|fact| EvidenceItem {
        fact: FactId::parse(fact).unwrap(),
        transport: Transport::Ssh,
        question: "cat".into(),
        answer_sha256: String::new(),
        asked_at: now,
        took_ms: 1,
        cause: Some(cause),
    }));
    planned.advice(&result).unwrap()
}

#[test]
fn what_is_missing_for_root_depends_on_how_the_asset_gives_it() {
    let of = |privilege| advice(over_ssh(privilege), "empty-passwords", Cause::Privilege, Some("linux.shadow"));
    assert_eq!(of(Elevation::None), Advice::Elevate);
    assert_eq!(of(Elevation::Sudo), Advice::SudoLines);
    assert_eq!(of(Elevation::Doas), Advice::DoasLines);
    assert_eq!(of(Elevation::Collector), Advice::CollectorLine);
    assert!(Advice::Elevate.sentence().contains("deploy/ssh") && Advice::SudoLines.sentence().contains("sudoers"));
    let mut local = host();
    local.access.local = true;
    assert_eq!(advice(local, "empty-passwords", Cause::Privilege, Some("linux.shadow")), Advice::RunAsRoot);
}

#[test]
fn a_way_that_is_not_configured_names_the_key_to_add() {
    assert_eq!(advice(host(), "empty-passwords", Cause::NoData, None), Advice::AddSsh);
    assert!(Advice::AddSsh.sentence().contains("access:"));
    let switch = || member("sw-1", "office", Kind::NetworkDevice, &[22]);
    assert_eq!(advice(switch(), "device-unexpected-reboot", Cause::NoData, Some("snmp.restart")), Advice::AddSnmp);
    let nowhere = member("sw-2", "office", Kind::NetworkDevice, &[]);
    assert_eq!(advice(nowhere, "asset-open-ports", Cause::NoData, None), Advice::AddAddress);
}

#[test]
fn what_the_registers_lack_is_signed_and_not_asked_of_a_device() {
    let org = member("org", "office", Kind::Org, &[]);
    let check = "attest-secure-development";
    assert_eq!(advice(org, check, Cause::NoData, Some("duties.attestation")), Advice::Sign);
}

#[test]
fn a_parameter_that_nobody_set_is_the_operators_to_set() {
    assert_eq!(advice(over_ssh(Elevation::Sudo), "leaver-accounts", Cause::NoData, None), Advice::Declare);
}

#[test]
fn no_answer_is_told_apart_by_the_way_that_was_tried() {
    let ssh = |cause| advice(over_ssh(Elevation::Sudo), "empty-passwords", cause, Some("linux.shadow"));
    assert_eq!(ssh(Cause::Timeout), Advice::ReachOrWait);
    assert_eq!(ssh(Cause::Refused), Advice::StartSsh);
    assert_eq!(ssh(Cause::Auth), Advice::SshCredential);
    assert_eq!(ssh(Cause::HostKey), Advice::HostKey);
    let tcp = advice(over_ssh(Elevation::Sudo), "asset-open-ports", Cause::Timeout, None);
    assert_eq!(tcp, Advice::Reach, "no port answered: the rule itself says timeout, of a fact that is known");
    let switch = member("sw-1", "office", Kind::NetworkDevice, &[22]);
    let snmp = advice(switch, "device-unexpected-reboot", Cause::Timeout, Some("snmp.restart"));
    assert_eq!(snmp, Advice::SnmpSilence, "a derived fact is asked the way that it is derived from");
}

#[test]
fn what_the_gate_holds_back_says_whether_somebody_must_do_something() {
    let plc = || {
        let services = crate::model::Value::list([crate::model::Value::text("modbus")]);
        with(member("plc-1", "office", Kind::Plc, &[502]), |asset| {
            asset.fields.insert("services".into(), services);
        })
    };
    let of = |member| advice(member, "modbus-identity", Cause::Gated, None);
    assert_eq!(of(plc()), Advice::OptInReads);
    let opted = || with(plc(), |asset| asset.allow_protocol_reads = true);
    assert_eq!(of(opted()), Advice::DeclareWindow);
    let web = || member("web-1", "office", Kind::WebService, &[443]);
    assert_eq!(advice(web(), "tls-weak-ciphers", Cause::Gated, None), Advice::OptIn);
    let busy = advice(over_ssh(Elevation::Sudo), "empty-passwords", Cause::Gated, Some("linux.shadow"));
    assert_eq!(busy, Advice::Patience);
    assert_eq!(advice(over_ssh(Elevation::Sudo), "empty-passwords", Cause::Gated, None), Advice::AwaitDaemon);
}

#[test]
fn what_is_known_needs_no_advice() {
    let plan = plan(host());
    let planned = plan.asset(0);
    let mut result = bare_result(planned, 0, Cause::NoData, "why".into(), "2026-11-26T08:00:00Z".parse().unwrap());
    result.judgement.verdict = crate::model::Verdict::Fail;
    assert_eq!(planned.advice(&result), None);
}
