//! Who may look, who may act, and what is left of it in the ledger.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{TimeDelta, Utc};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::tests::{Daemon, Setup};
use super::{Access, Role, Tokens, WebConfig, v1};
use crate::catalog::Drift;
use crate::duties::baseline::Snapshot;
use crate::duties::{Book, Incident, Papers, Plant};
use crate::model::{CheckId, EntryId};
use crate::store::{BaselineFilter, Seen, Sighting, Store as _};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A plant with a token of each role.
struct Guarded {
    setup: Setup,
    tokens: BTreeMap<Role, String>,
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Guarded {
    async fn new(listens_at: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let (mut tokens, mut texts) = (Tokens::default(), BTreeMap::new());
        for role in Role::ALL {
            let text = tokens.create(&format!("one-{}", role.word()), role, None, Utc::now()).unwrap();
            texts.insert(role, text.expose().to_owned());
        }
        tokens.save(&path).unwrap();
        let base = v1::tests::plant(&WebConfig::default()).await;
        let (plan, catalog) = (Arc::clone(&base.daemon.plan), Arc::clone(&base.daemon.catalog));
        let assets = plan.assets.iter().map(|planned| Arc::clone(&planned.member.asset)).collect();
        let id = EntryId::parse("inc-1").unwrap();
        let incident = Incident::new(id, "a visitor".into(), Utc::now() - TimeDelta::hours(3));
        let papers = Papers { incidents: vec![incident], ..Papers::default() };
        let book = Book::new(Arc::new(papers), &[], Plant { assets, ..Plant::default() });
        let daemon = Daemon { plan, catalog, book: Arc::new(book), ..Daemon::default() };
        let access = Access { tokens: Some(path.clone()), ..Access::default() };
        let setup = Setup::with(daemon, listens_at, &WebConfig::default(), &access);
        Self { setup, tokens: texts, _folder: folder, path }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> (StatusCode, Value) {
        let mut request = Request::builder().method("POST").uri(path).header("host", "127.0.0.1:9762");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.setup.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn act(&self, role: Role, path: &str, body: &Value) -> (StatusCode, Value) {
        let token = format!("Bearer {}", self.tokens[&role]);
        self.post(&format!("/api/v1{path}"), &[JSON, ("authorization", &token)], body).await
    }

    async fn kinds(&self) -> Vec<(String, String)> {
        let acts = self.setup.store.acts(0).await.unwrap();
        acts.into_iter().map(|record| (record.act.kind, record.act.actor)).collect()
    }
}

#[tokio::test]
async fn an_act_needs_its_role_and_stands_in_the_ledger_with_who_did_it() {
    let plant = Guarded::new("127.0.0.1").await;
    let planned = plant.setup.daemon.plan.assets.iter().find(|planned| !planned.checks.is_empty()).unwrap();
    let (asset, check) = (&planned.member.asset.id, &planned.checks[0].check.id);
    let attested = plant.setup.daemon.catalog.checks.values();
    let attested = attested.into_iter().find(|check| plant.setup.daemon.catalog.is_attested(check)).unwrap();
    let until = Utc::now() + TimeDelta::days(30);
    let acts = [
        ("/run", Role::Operator, json!({ "asset": asset, "reason": "was repaired" }), "run.now"),
        (
            "/waivers",
            Role::Approver,
            json!({ "id": "w-1", "match": { "check": check, "asset": asset }, "reason": "spare part ordered", "expires_at": until }),
            "waiver.add",
        ),
        ("/attestations", Role::Approver, json!({ "check": attested.id, "statement": "it was done" }), "attest.sign"),
        (
            "/incidents/inc-1/reports",
            Role::Approver,
            json!({ "stage": "early_warning", "reason": "sent by mail", "receipt": "4711" }),
            "incident.report",
        ),
    ];
    for (path, role, body, kind) in &acts {
        for less in Role::ALL.into_iter().filter(|less| less < role) {
            let (status, answer) = plant.act(less, path, body).await;
            assert_eq!(
                (status, answer["error"]["code"].as_str()),
                (StatusCode::FORBIDDEN, Some("forbidden")),
                "{path}"
            );
        }
        let before = plant.kinds().await.len();
        let (status, answer) = plant.act(*role, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        let kinds = plant.kinds().await;
        assert_eq!(kinds.len(), before + 1, "{path}");
        assert_eq!(kinds.last().unwrap(), &((*kind).to_owned(), format!("one-{}", role.word())));
    }
    assert_eq!(plant.setup.daemon.asked.lock().unwrap().len(), 1);
    // what is in the ledger is followed
    let book = plant.setup.daemon.book.with_acts(&plant.setup.store.acts(0).await.unwrap());
    assert!(book.complaints().is_empty(), "{:?}", book.complaints());
    assert!(book.waivers().mean(&planned.member.asset, check));
    assert!(book.incident("inc-1").unwrap().early_warning_at.is_some());
}

#[tokio::test]
async fn a_baseline_is_approved_only_as_it_was_looked_at_and_only_by_who_may() {
    let guarded = Guarded::new("127.0.0.1").await;
    let planned = &guarded.setup.daemon.plan.assets[0];
    let check = CheckId::parse("asset-open-ports").unwrap();
    let drift: Drift = serde_json::from_value(json!({ "baseline": "set", "of": "tcp.ports.open" })).unwrap();
    let see = async |ports: [i64; 2]| {
        let snapshot = Snapshot::of(&drift, &crate::model::Value::list(ports.map(crate::model::Value::Int)));
        let sighting = Sighting {
            asset: planned.member.asset.id.clone(),
            check: check.clone(),
            zone: planned.member.asset.zone.clone(),
            value: serde_json::to_string(&snapshot).unwrap(),
            sha256: snapshot.sha256.clone(),
            standing: "proposed",
            against: None,
            at: Utc::now(),
        };
        let seen = Seen { sightings: vec![sighting], ..Seen::default() };
        guarded.setup.store.record_all(vec![seen]).await.unwrap();
        snapshot.sha256
    };
    let (first, second) = (see([22, 443]).await, see([22, 80]).await);
    let path = format!("/baselines/{}/{check}", planned.member.asset.id);
    let approve = |sha256: &str| json!({ "sha256": sha256, "reason": "as built", "valid_days": 30 });
    let (status, _) = guarded.act(Role::Operator, &format!("{path}/approve"), &approve(&second)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, answer) = guarded.act(Role::Approver, &format!("{path}/approve"), &approve(&first)).await;
    assert_eq!((status, answer["error"]["code"].as_str()), (StatusCode::CONFLICT, Some("conflict")), "{answer}");
    for wrong in
        [json!({ "sha256": second, "reason": " " }), json!({ "sha256": second, "reason": "x", "valid_days": 4000 })]
    {
        let (status, answer) = guarded.act(Role::Approver, &format!("{path}/approve"), &wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    }
    let (status, answer) = guarded.act(Role::Approver, &format!("{path}/revert"), &json!({ "reason": "x" })).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(guarded.kinds().await, []);
    let (status, answer) = guarded.act(Role::Approver, &format!("{path}/approve"), &approve(&second)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let kept = guarded.setup.store.baselines(BaselineFilter::default()).await.unwrap();
    let approval = kept[0].approval.as_ref().unwrap();
    assert_eq!((approval.actor.as_str(), approval.sha256.as_str()), ("one-approver", second.as_str()));
    let ahead = json!({ "ticket": "CHG-1", "until": Utc::now() + TimeDelta::hours(1), "reason": "a new printer" });
    assert_eq!(guarded.act(Role::Approver, &format!("{path}/plan"), &ahead).await.0, StatusCode::OK);
    assert_eq!(
        guarded.act(Role::Approver, &format!("{path}/revert"), &json!({ "reason": "too soon" })).await.0,
        StatusCode::OK
    );
    assert!(guarded.setup.store.baselines(BaselineFilter::default()).await.unwrap()[0].approval.is_none());
    let kinds: Vec<_> = guarded.kinds().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["baseline.approve", "baseline.plan", "baseline.revert"]);
    let (status, _) = guarded.act(Role::Approver, "/baselines/nobody/nothing/revert", &json!({ "reason": "x" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_shift_opens_an_incident_and_an_approver_decides_reports_and_closes() {
    let plant = Guarded::new("127.0.0.1").await;
    let ago = |hours| Utc::now() - TimeDelta::hours(hours);
    let asset = &plant.setup.daemon.plan.assets[0].member.asset.id;
    let open =
        json!({ "id": "inc-2", "title": "Ransomware", "aware_at": ago(5), "affected": [asset], "reason": "a call" });
    let decided = json!({ "id": "inc-2", "title": "Ransomware", "significant": "yes", "reason": "a call" });
    let classify = json!({ "significant": "yes", "since": ago(2), "reason": "production stopped" });
    let warned = json!({ "stage": "early_warning", "reason": "sent by the portal" });
    let close = json!({ "reason": "restored" });
    let (viewer, operator, approver) = (Role::Viewer, Role::Operator, Role::Approver);
    for (role, path, body, status) in [
        (viewer, "/incidents", &open, 403),
        (operator, "/incidents", &decided, 403),
        (operator, "/incidents/inc-1/classify", &classify, 403),
        (operator, "/incidents/inc-1/close", &close, 403),
        (operator, "/incidents", &json!({ "id": "inc-2", "title": "x", "reason": " " }), 400),
        (operator, "/incidents", &json!({ "id": "inc-2", "title": " ", "reason": "x" }), 400),
        (operator, "/incidents", &json!({ "id": "inc-2", "title": "x", "reason": "x", "aware_at": ago(-1) }), 400),
        (operator, "/incidents", &json!({ "id": "inc-2", "title": "x", "reason": "x", "affected": ["nobody"] }), 404),
        (operator, "/incidents", &json!({ "id": "inc-1", "title": "x", "reason": "x" }), 409),
        (approver, "/incidents/inc-1/classify", &json!({ "significant": "yes", "since": ago(9), "reason": "x" }), 400),
        (approver, "/incidents/inc-1/close", &json!({ "reason": "x", "at": ago(9) }), 400),
        (approver, "/incidents/inc-9/close", &close, 404),
    ] {
        let (answered, answer) = plant.act(role, path, body).await;
        assert_eq!(answered.as_u16(), status, "{path} {body}: {answer}");
    }
    assert_eq!(plant.kinds().await, []);
    for (role, path, body, kind) in [
        (operator, "/incidents", &open, "incident.open"),
        (approver, "/incidents/inc-2/classify", &classify, "incident.classify"),
        (approver, "/incidents/inc-2/reports", &warned, "incident.report"),
        (approver, "/incidents/inc-2/close", &close, "incident.close"),
    ] {
        let (status, answer) = plant.act(role, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        let expected = (kind.to_owned(), format!("one-{}", role.word()));
        assert_eq!(plant.kinds().await.last(), Some(&expected));
    }
    // what was noted a moment ago counts, though the daemon has not looked yet
    for (path, body) in
        [("/incidents", &open), ("/incidents/inc-2/reports", &warned), ("/incidents/inc-2/close", &close)]
    {
        assert_eq!(plant.act(approver, path, body).await.0, StatusCode::CONFLICT, "{path}");
    }
    let book = plant.setup.daemon.book.with_acts(&plant.setup.store.acts(0).await.unwrap());
    let incident = book.incident("inc-2").unwrap();
    assert!(book.complaints().is_empty() && incident.closed_at.is_some() && incident.early_warning_at.is_some());
    assert_eq!((incident.affected.as_slice(), incident.clock_starts() > ago(3)), ([asset.clone()].as_slice(), true));
}

#[tokio::test]
async fn a_statement_is_renewed_by_an_approver_and_not_without_what_it_rests_on() {
    let plant = Guarded::new("127.0.0.1").await;
    let catalog = &plant.setup.daemon.catalog;
    let check = &catalog.checks.values().find(|check| catalog.is_attested(check)).unwrap().id;
    let evidence =
        json!([{ "name": "plan.pdf", "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" }]);
    let sign = json!({ "check": check, "statement": "reviewed", "evidence": evidence, "fields": { "minutes": 85 } });
    let (status, signed) = plant.act(Role::Approver, "/attestations", &sign).await;
    assert_eq!(status, StatusCode::OK, "{signed}");
    let path = format!("/attestations/{}/renew", signed["id"].as_str().unwrap());
    let renew = json!({ "reason": "nothing changed", "valid_days": 30, "evidence": evidence });
    for (role, path, body, status) in [
        (Role::Operator, path.as_str(), &renew, 403),
        (Role::Approver, &path, &json!({ "reason": "nothing changed" }), 400),
        (Role::Approver, &path, &json!({ "reason": " ", "evidence": evidence }), 400),
        (Role::Approver, &path, &json!({ "reason": "x", "evidence": [{ "name": "plan.pdf", "sha256": "00" }] }), 400),
        (Role::Approver, "/attestations/att-9/renew", &renew, 404),
    ] {
        let (answered, answer) = plant.act(role, path, body).await;
        assert_eq!(answered.as_u16(), status, "{path} {body}: {answer}");
    }
    assert_eq!(plant.kinds().await.len(), 1);
    let (status, renewed) = plant.act(Role::Approver, &path, &renew).await;
    assert_eq!(status, StatusCode::OK, "{renewed}");
    let book = plant.setup.daemon.book.with_acts(&plant.setup.store.acts(0).await.unwrap());
    let statement = book.statements().find(|one| renewed["id"] == one.id.as_str()).unwrap();
    assert_eq!(statement.renews.as_ref().unwrap().as_str(), signed["id"].as_str().unwrap());
    assert_eq!((statement.valid_days, statement.fields.len(), &*statement.signed_by.person), (30, 1, "one-approver"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_leaves_nothing() {
    let plant = Guarded::new("127.0.0.1").await;
    let ahead = Utc::now() + TimeDelta::days(1);
    for (path, body, status) in [
        ("/run", json!({ "asset": "nobody" }), 404),
        ("/run", json!({ "asset": "nobody", "color": 1 }), 400),
        ("/waivers", json!({ "id": "w-1", "match": { "check": "no-such" }, "reason": "x", "expires_at": ahead }), 404),
        ("/waivers", json!({ "id": "w-1" }), 400),
        ("/waivers/w-9/revoke", json!({ "reason": "x" }), 404),
        ("/waivers/w-9/revoke", json!({ "reason": " " }), 400),
        ("/attestations", json!({ "check": "no-such", "statement": "x" }), 404),
        ("/incidents/inc-9/reports", json!({ "stage": "notification", "reason": "x" }), 404),
        ("/incidents/inc-1/reports", json!({ "stage": "notification", "reason": "x", "at": ahead }), 400),
    ] {
        let (answered, answer) = plant.act(Role::Approver, path, &body).await;
        assert_eq!(answered.as_u16(), status, "{path}: {answer}");
    }
    assert!(plant.kinds().await.is_empty());
}

#[tokio::test]
async fn a_page_of_another_site_or_a_form_cannot_act_with_what_a_browser_adds() {
    let plant = Guarded::new("127.0.0.1").await;
    let token = format!("Bearer {}", plant.tokens[&Role::Approver]);
    let auth = ("authorization", token.as_str());
    let (form, nothing) = (("content-type", "text/plain"), json!({}));
    assert_eq!(plant.post("/api/v1/gate/stop", &[auth, form], &nothing).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for foreign in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        assert_eq!(plant.post("/api/v1/gate/stop", &[auth, JSON, foreign], &nothing).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(plant.post("/api/v1/gate/stop", &[JSON], &nothing).await.0, StatusCode::FORBIDDEN);
    assert_eq!(plant.post("/api/v1/gate/stop", &[auth, JSON], &nothing).await.0, StatusCode::OK);
}

#[tokio::test]
async fn tokens_keep_strangers_out_beyond_loopback_and_only_from_acting_on_it() {
    let (near, far) = (Guarded::new("127.0.0.1").await, Guarded::new("0.0.0.0").await);
    assert_eq!(near.setup.send("GET", "/api/v1/status", &[]).await.0, StatusCode::OK);
    assert_eq!(near.setup.send("POST", "/-/reload", &[]).await.0, StatusCode::FORBIDDEN);
    let (status, answer) = far.setup.send("GET", "/api/v1/status", &[]).await;
    assert!(status == StatusCode::UNAUTHORIZED && answer.contains("unauthenticated"), "{answer}");
    let viewer = format!("Bearer {}", far.tokens[&Role::Viewer]);
    let operator = format!("Bearer {}", far.tokens[&Role::Operator]);
    for path in ["/api/v1/status", "/metrics"] {
        assert_eq!(far.setup.send("GET", path, &[("authorization", &viewer)]).await.0, StatusCode::OK, "{path}");
    }
    assert_eq!(far.setup.send("POST", "/-/reload", &[("authorization", &viewer)]).await.0, StatusCode::FORBIDDEN);
    assert_eq!(far.setup.send("POST", "/-/reload", &[("authorization", &operator)]).await.0, StatusCode::OK);
    std::fs::remove_file(&far.path).unwrap();
    assert_eq!(far.setup.send("GET", "/metrics", &[("authorization", &viewer)]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn users_have_the_roles_that_the_configuration_gives_them() {
    let hash = bcrypt::hash("right", 4).unwrap();
    let users = [("ada".to_owned(), hash.clone()), ("bob".to_owned(), hash)];
    let web = WebConfig { basic_auth_users: users.into(), ..WebConfig::default() };
    let access = Access { roles: [("ada".to_owned(), Role::Operator)].into(), ..Access::default() };
    let setup = Setup::with(Daemon::default(), "0.0.0.0", &web, &access);
    let (ada, bob) = (("authorization", "Basic YWRhOnJpZ2h0"), ("authorization", "Basic Ym9iOnJpZ2h0"));
    assert_eq!(setup.send("POST", "/api/v1/gate/stop", &[JSON, bob]).await.0, StatusCode::FORBIDDEN);
    assert_eq!(setup.send("POST", "/-/stop-traffic", &[bob]).await.0, StatusCode::FORBIDDEN);
    assert_eq!(setup.send("POST", "/api/v1/gate/stop", &[JSON, ada]).await.0, StatusCode::OK);
    assert_eq!(setup.send("POST", "/-/resume-traffic", &[ada]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_who_has_a_key_still_gets_in() {
    let plant = Guarded::new("0.0.0.0").await;
    let mut last = StatusCode::OK;
    for guess in 0..40 {
        last = plant.setup.send("GET", "/metrics", &[("authorization", &format!("Bearer n2w_{guess}"))]).await.0;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let viewer = format!("Bearer {}", plant.tokens[&Role::Viewer]);
    assert_eq!(plant.setup.send("GET", "/metrics", &[("authorization", &viewer)]).await.0, StatusCode::OK);
    for _ in 0..40 {
        last = plant.act(Role::Viewer, "/gate/stop", &json!({})).await.0;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(plant.act(Role::Operator, "/gate/stop", &json!({})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_scheme_is_the_same_in_any_case() {
    let plant = Guarded::new("0.0.0.0").await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let token = format!("{scheme} {}", plant.tokens[&Role::Viewer]);
        assert_eq!(
            plant.setup.send("GET", "/metrics", &[("authorization", &token)]).await.0,
            StatusCode::OK,
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn the_answer_of_an_act_waits_until_the_daemon_goes_by_it() {
    let plant = Guarded::new("127.0.0.1").await;
    let incident = json!({ "id": "inc-2", "title": "Ransomware", "reason": "a call" });
    let (_, answer) = plant.act(Role::Operator, "/incidents", &incident).await;
    assert_eq!(*plant.setup.daemon.noted.lock().unwrap(), [answer["record"]["seq"].as_u64().unwrap()], "{answer}");
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said_with_its_keys_and_without_our_types() {
    let wrong = [json!([]), json!("x"), json!(1), json!({ "x": 1 }), json!({ "reason": [] }), json!({ "checks": {} })];
    let paths = [
        "/run",
        "/gate/stop",
        "/waivers",
        "/waivers/w-1/revoke",
        "/attestations",
        "/attestations/att-1/renew",
        "/incidents",
        "/incidents/inc-1/classify",
        "/incidents/inc-1/close",
        "/incidents/inc-1/reports",
        "/baselines/a/b/approve",
    ];
    let mut said = Vec::new();
    for path in paths {
        // the acts of one name are slowed down
        let plant = Guarded::new("127.0.0.1").await;
        for body in &wrong {
            let (status, answer) = plant.act(Role::Approver, path, body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {answer}");
            said.push(answer["error"]["message"].as_str().unwrap().to_owned());
        }
    }
    let nested = json!({ "check": "x", "statement": "y", "evidence": [{ "name": 1 }], "reason": "x" });
    let fresh = Guarded::new("127.0.0.1").await;
    let (_, answer) = fresh.act(Role::Approver, "/attestations", &nested).await;
    assert_eq!(answer["error"]["message"], "the body: evidence[0].name: expected text, found the number 1");
    for text in &said {
        let leaks = ["struct", "enum", "variant", "invalid", "sequence", "unknown", " field ", "elements", ": x: "];
        assert!(leaks.iter().all(|leak| !text.contains(leak)), "{text}");
    }
}
