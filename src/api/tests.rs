//! The endpoints as a browser, a scraper and a stranger see them.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::Utc;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::catalog::Catalog;
use crate::duties::Book;
use crate::engine::{AssetIndex, Cadence, CheckIndex, Plan, Schedules, testing};
use crate::feeds::Shelf;
use crate::output::{Exposition, Own};
use crate::store::{self, Examination, Sqlite};

/// A daemon that does what it is told and remembers it.
#[derive(Default)]
pub(super) struct Daemon {
    pub(super) stopped: AtomicBool,
    pub(super) reloaded: AtomicBool,
    pub(super) mistakes: Option<&'static str>,
    pub(super) plan: Arc<Plan>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) book: Arc<Book>,
    pub(super) carried: Arc<Shelf>,
    pub(super) noted: Mutex<Vec<u64>>,
    pub(super) asked: Mutex<Vec<(AssetIndex, Vec<CheckIndex>)>>,
}

impl Operator for Daemon {
    fn examined(&self) -> Option<Arc<Examination>> {
        None
    }

    fn is_healthy(&self) -> bool {
        true
    }

    fn is_ready(&self) -> bool {
        self.mistakes.is_none()
    }

    fn view(&self) -> Option<View> {
        Some(View {
            approvals_hold: crate::duties::baseline::YEAR,
            site: Some("<aarhus>".into()),
            plan: Arc::clone(&self.plan),
            catalog: Arc::clone(&self.catalog),
            books: Arc::default(),
            loaded_at: Utc::now(),
        })
    }

    fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book)
    }

    fn carried(&self) -> Arc<Shelf> {
        Arc::clone(&self.carried)
    }

    fn noted(&self, act: u64) -> BoxFuture<'_, ()> {
        self.noted.lock().unwrap().push(act);
        Box::pin(async {})
    }

    fn run_now(&self, asset: AssetIndex, checks: Vec<CheckIndex>) -> Result<(), String> {
        self.asked.lock().unwrap().push((asset, checks));
        Ok(())
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), String>> {
        self.reloaded.store(true, Ordering::SeqCst);
        Box::pin(async { self.mistakes.map_or(Ok(()), |text| Err(text.to_owned())) })
    }

    fn traffic_allowed(&self) -> bool {
        !self.stopped.load(Ordering::SeqCst)
    }

    fn set_traffic(&self, allowed: bool, _: &str) -> BoxFuture<'_, Result<(), String>> {
        self.stopped.store(!allowed, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
}

pub(super) struct Setup {
    pub(super) daemon: Arc<Daemon>,
    pub(super) board: Board,
    pub(super) store: Arc<Sqlite>,
    pub(super) door: Arc<ArcSwap<Door>>,
    pub(super) router: Router,
}

impl Setup {
    pub(super) fn new(daemon: Daemon, listens_at: &str, web_config: &WebConfig) -> Self {
        Self::with(daemon, listens_at, web_config, &Access::default())
    }

    pub(super) fn with(daemon: Daemon, listens_at: &str, web_config: &WebConfig, access: &Access) -> Self {
        let daemon = Arc::new(daemon);
        let board = Board::default();
        board.replace(&daemon.plan, &[], &[]);
        let config = store::Config { path: ":memory:".into(), ..store::Config::default() };
        let store = Arc::new(Sqlite::open(&config).unwrap());
        let door = Arc::new(ArcSwap::from_pointee(Door::new(web_config, access)));
        let desk = Desk {
            operator: Arc::clone(&daemon) as Arc<dyn Operator>,
            exposition: Exposition::new(Own::new()),
            board: board.clone(),
            store: Arc::clone(&store) as Arc<dyn store::Store>,
            door: Arc::clone(&door),
            listens_at: listens_at.parse::<IpAddr>().unwrap(),
        };
        Self { daemon, board, store, door, router: router(desk) }
    }

    pub(super) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:9762");
        for (name, value) in headers {
            if *name == "host" {
                request.headers_mut().unwrap().remove("host");
            }
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn acts(&self, headers: &[(&str, &str)]) -> bool {
        self.send("POST", "/-/stop-traffic", headers).await.0 == StatusCode::OK
    }
}

fn local() -> Setup {
    Setup::new(Daemon::default(), "127.0.0.1", &WebConfig::default())
}

fn with_user() -> WebConfig {
    let hash = bcrypt::hash("right", 4).unwrap();
    WebConfig { basic_auth_users: [("ada".to_owned(), hash)].into(), ..WebConfig::default() }
}

const ADA: (&str, &str) = ("authorization", "Basic YWRhOnJpZ2h0");

#[tokio::test]
async fn an_operator_on_the_host_stops_traffic_and_lets_it_flow_again() {
    let setup = local();
    assert!(setup.acts(&[]).await);
    assert!(!setup.daemon.traffic_allowed());
    let (_, page) = setup.send("GET", "/", &[]).await;
    assert!(page.contains("Traffic is stopped"), "{page}");
    assert_eq!(setup.send("POST", "/-/resume-traffic", &[]).await.0, StatusCode::OK);
    assert!(setup.daemon.traffic_allowed());
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act_in_an_operators_browser() {
    let setup = local();
    let attempts: [&[(&str, &str)]; 4] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        // a name that its owner bent to 127.0.0.1
        &[("host", "evil.example:9762"), ("origin", "http://evil.example:9762")],
    ];
    for headers in attempts {
        assert!(!setup.acts(headers).await, "{headers:?}");
    }
    assert!(setup.acts(&[("origin", "http://127.0.0.1:9762"), ("sec-fetch-site", "same-origin")]).await);
    assert_eq!(setup.send("GET", "/-/stop-traffic", &[]).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_stranger_on_the_network_cannot_act() {
    let open = Setup::new(Daemon::default(), "0.0.0.0", &WebConfig::default());
    let (status, why) = open.send("POST", "/-/reload", &[]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(why.contains("basic_auth_users"), "{why}");
    assert!(!open.daemon.reloaded.load(Ordering::SeqCst));
    let guarded = Setup::new(Daemon::default(), "0.0.0.0", &with_user());
    assert!(!guarded.acts(&[("host", "monitor.plant:9762")]).await);
    assert!(guarded.acts(&[("host", "monitor.plant:9762"), ADA]).await);
}

#[tokio::test]
async fn users_guard_everything_but_the_probes_of_an_orchestrator() {
    let setup = Setup::new(Daemon::default(), "127.0.0.1", &with_user());
    for path in ["/", "/metrics", "/style.css", "/nowhere"] {
        assert_eq!(setup.send("GET", path, &[]).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(setup.send("GET", path, &[]).await.0, StatusCode::OK, "{path}");
    }
    assert_eq!(setup.send("GET", "/metrics", &[ADA]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_refused_reload_says_every_mistake() {
    let setup = Setup::new(
        Daemon { mistakes: Some("assets.yaml:3:5: unknown key"), ..Daemon::default() },
        "127.0.0.1",
        &WebConfig::default(),
    );
    let (status, text) = setup.send("POST", "/-/reload", &[]).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text.contains("assets.yaml:3:5"), "{text}");
    assert_eq!(setup.send("GET", "/-/ready", &[]).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn names_from_files_are_text_on_the_page() {
    let (status, page) = local().send("GET", "/", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("&lt;aarhus&gt;") && !page.contains("<aarhus>"), "{page}");
}

#[tokio::test]
async fn every_answer_keeps_the_page_to_itself_unless_the_file_says_otherwise() {
    let mut config = WebConfig::default();
    config.http_server_config.headers.insert("X-Frame-Options".into(), "SAMEORIGIN".into());
    let setup = Setup::new(Daemon::default(), "127.0.0.1", &config);
    let request = Request::builder().uri("/nowhere").body(Body::empty()).unwrap();
    let response = setup.router.clone().oneshot(request).await.unwrap();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!((header("x-frame-options"), header("x-content-type-options")), ("SAMEORIGIN", "nosniff"));
}

struct Hourly;

impl Schedules for Hourly {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(std::time::Duration::from_hours(1))))
    }
}

#[tokio::test]
async fn before_the_first_round_the_page_says_that_nothing_was_judged_yet() {
    let plan = Plan::new(&Catalog::load(true, &[]).unwrap(), &testing::inventory(), &Hourly);
    let pairs = plan.pairs().len();
    let daemon = Daemon { plan: Arc::new(plan), ..Daemon::default() };
    let (_, page) = Setup::new(daemon, "127.0.0.1", &WebConfig::default()).send("GET", "/", &[]).await;
    assert!(page.contains(&format!("{pairs} checks have not been judged yet")), "{page}");
    assert!(!page.contains(" more;") && !page.contains("no check fails"), "{page}");
}

/// Whether somebody without a login may look under this name.
async fn is_shown(setup: &Setup, host: &str) -> bool {
    let status = setup.send("GET", "/api/v1/status", &[("host", host)]).await.0;
    assert_eq!(setup.send("GET", "/", &[("host", host)]).await.0, status);
    assert_eq!(setup.send("GET", "/-/healthy", &[("host", host)]).await.0, StatusCode::OK, "probes are never refused");
    status != StatusCode::MISDIRECTED_REQUEST
}

#[tokio::test]
async fn a_name_that_was_bent_to_loopback_shows_nothing() {
    let setup = local();
    let (status, text) = setup.send("GET", "/api/v1/results", &[("host", "evil.example:9762")]).await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    assert!(text.contains("\"wrong_host\"") && text.contains("api.hosts"), "{text}");
    assert!(!is_shown(&setup, "evil.example").await);
    for ours in ["localhost:9762", "127.0.0.1", "[::1]:9762"] {
        assert!(is_shown(&setup, ours).await, "{ours}");
    }
    let hosts = vec![HostName::try_from("monitor.plant".to_owned()).unwrap()];
    let access = Access { hosts, ..Access::default() };
    let named = Setup::with(Daemon::default(), "127.0.0.1", &WebConfig::default(), &access);
    assert!(is_shown(&named, "Monitor.Plant:443").await && !is_shown(&named, "evil.example").await);
    assert!(named.acts(&[("host", "monitor.plant")]).await);
    // whoever shows who they are did not come by a bent name, and beyond loopback names are the network's matter
    let guarded = Setup::new(Daemon::default(), "127.0.0.1", &with_user());
    assert_eq!(guarded.send("GET", "/metrics", &[ADA, ("host", "monitor.plant")]).await.0, StatusCode::OK);
    assert!(is_shown(&Setup::new(Daemon::default(), "0.0.0.0", &WebConfig::default()), "monitor.plant").await);
}

#[tokio::test]
async fn what_is_no_page_and_no_act_says_so_in_words() {
    let setup = local();
    for (method, path, status) in [("GET", "/nowhere", 404), ("POST", "/assets", 405), ("GET", "/assets/%ff", 400)] {
        let (answered, page) = setup.send(method, path, &[]).await;
        assert_eq!(answered.as_u16(), status, "{method} {path}: {page}");
        assert!(page.contains("<nav") && page.contains("href=\"/incidents\""), "{method} {path}: {page}");
    }
    for path in ["/-/stop-traffic", "/-/nothing"] {
        let (_, text) = setup.send("GET", path, &[]).await;
        assert!(!text.is_empty() && !text.contains('<'), "{path}: {text}");
    }
    let guarded = Setup::new(Daemon::default(), "127.0.0.1", &with_user());
    let (status, text) = guarded.send("GET", "/nowhere", &[]).await;
    assert!(status == StatusCode::UNAUTHORIZED && !text.contains("<nav"), "{text}");
    let request = Request::builder().method("POST").uri("/assets").body(Body::empty()).unwrap();
    let response = setup.router.clone().oneshot(request).await.unwrap();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(header("allow").contains("GET") && header("content-type").starts_with("text/html"), "{response:?}");
}

/// Statuses of this many requests at once, each with another wrong password of `ada`.
async fn guess(setup: &Setup, range: std::ops::Range<u32>) -> Vec<StatusCode> {
    use base64::Engine as _;
    let guess = async |guess: u32| {
        let text = base64::engine::general_purpose::STANDARD.encode(format!("ada:guess-{guess}"));
        setup.send("GET", "/metrics", &[("authorization", &format!("Basic {text}"))]).await.0
    };
    futures::future::join_all(range.map(guess)).await
}

#[tokio::test]
async fn sixty_guesses_at_once_are_no_more_than_ten_one_after_another_and_keep_no_proven_user_out() {
    let users =
        [("ada".to_owned(), bcrypt::hash("right", 4).unwrap()), ("bob".to_owned(), bcrypt::hash("right", 4).unwrap())];
    let web = WebConfig { basic_auth_users: users.into(), ..WebConfig::default() };
    let setup = Setup::new(Daemon::default(), "127.0.0.1", &web);
    let (ada, bob) = (("authorization", "Basic YWRhOnJpZ2h0"), ("authorization", "basic Ym9iOnJpZ2h0"));
    for _ in 0..20 {
        assert_eq!(setup.send("GET", "/metrics", &[ada]).await.0, StatusCode::OK, "a good login costs no try");
    }
    let statuses = guess(&setup, 0..60).await;
    let of = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((of(StatusCode::UNAUTHORIZED), of(StatusCode::TOO_MANY_REQUESTS)), (10, 50));
    assert_eq!(setup.send("GET", "/metrics", &[ada]).await.0, StatusCode::OK);
    assert_eq!(
        setup.send("GET", "/metrics", &[bob]).await.0,
        StatusCode::TOO_MANY_REQUESTS,
        "whoever was never proven"
    );
    // a reload brings another door and forgets nobody
    let again = Door::new(&web, &Access::default()).after(&setup.door.load());
    setup.door.store(Arc::new(again));
    assert_eq!(setup.send("GET", "/metrics", &[ada]).await.0, StatusCode::OK);
}
