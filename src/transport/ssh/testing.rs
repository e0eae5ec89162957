//! Real and hostile SSH servers for tests, on loopback, each on a port that the system chose.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;

use super::{Access, Ask, Credential, Deadlines, HostKeyPolicy, HostKeys, Question, Topic};
use crate::model::{Answer, AssetId, FactId, Secret, TextAnswer};
use crate::transport::TransportError;
use crate::transport::gate::{Gate, Limits, Setup, Switch};

/// A server that starts one process (or one future) per connection.
pub(crate) struct Server {
    pub(crate) port: u16,
    tasks: JoinSet<()>,
    /// Keys and configuration, gone with the server.
    pub(crate) dir: TempDir,
    /// The client's private key.
    pub(crate) key: String,
    /// The host key's fingerprint.
    pub(crate) fingerprint: String,
}

impl Server {
    /// OpenSSH with these lines added to a configuration that lets the client's key in.
    pub(crate) async fn sshd(extra: &str) -> Self {
        let mut server = Self::with_keys("ed25519").await;
        let dir = server.dir.path();
        let base = format!(
            "{extra}\nHostKey {0}/host\nAuthorizedKeysFile {0}/client.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel QUIET\n",
            dir.display()
        );
        let config = dir.join("sshd_config");
        std::fs::write(&config, base).unwrap();
        // Debian's sshd wants its empty directory, which only its service makes
        std::fs::create_dir_all("/run/sshd").unwrap();
        server.serve_program(vec!["/usr/sbin/sshd".into(), "-i".into(), "-f".into(), config]).await;
        server
    }

    /// Dropbear. It reads the keys of the account, so it gets a home of its own in a mount namespace.
    pub(crate) async fn dropbear() -> Self {
        let mut server = Self::with_keys("ed25519").await;
        let dir = server.dir.path();
        let host = dir.join("dropbear_host").display().to_string();
        let made = run("dropbearkey", &["-t", "ed25519", "-f", &host]).await;
        let fingerprint = made.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap().to_owned();
        std::fs::create_dir_all(dir.join("home/.ssh")).unwrap();
        std::fs::copy(dir.join("client.pub"), dir.join("home/.ssh/authorized_keys")).unwrap();
        run("chmod", &["-R", "go=", &dir.join("home").display().to_string()]).await;
        let start = format!("mount --bind {}/home ~ && exec dropbear -i -r {host}", dir.display());
        server.serve_program(["unshare", "-m", "sh", "-c", &start].map(PathBuf::from).to_vec()).await;
        Self { fingerprint, ..server }
    }

    /// A server that does this with each connection.
    pub(crate) async fn raw<F, Fut>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut server = Self::with_keys("ed25519").await;
        let serve = Arc::new(serve);
        server
            .serve(move |stream| {
                let serve = Arc::clone(&serve);
                async move { serve(stream).await }
            })
            .await;
        server
    }

    async fn with_keys(kind: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        for name in ["host", "client"] {
            run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", "", "-f", &path(name)]).await;
        }
        let shown = run("ssh-keygen", &["-lf", &path("host.pub")]).await;
        let fingerprint = shown.split_whitespace().nth(1).unwrap().to_owned();
        let key = std::fs::read_to_string(path("client")).unwrap();
        Self { port: 0, tasks: JoinSet::new(), dir, key, fingerprint }
    }

    async fn serve_program(&mut self, program: Vec<PathBuf>) {
        self.serve(move |stream| {
            let program = program.clone();
            async move {
                let stream = stream.into_std().unwrap();
                stream.set_nonblocking(false).unwrap();
                let input = std::os::fd::OwnedFd::from(stream.try_clone().unwrap());
                let mut command = Command::new(&program[0]);
                command.args(&program[1..]).kill_on_drop(true).stderr(Stdio::null());
                command.stdin(Stdio::from(input)).stdout(Stdio::from(std::os::fd::OwnedFd::from(stream)));
                let mut child = command.spawn().unwrap();
                drop(command);
                child.wait().await.unwrap();
            }
        })
        .await;
    }

    async fn serve<F, Fut>(&mut self, serve: F)
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
    }

    /// Access to this server: the right key, the right pin, short deadlines.
    pub(crate) fn access(&self) -> Access {
        let key = Credential::Key { pem: Secret::new(self.key.clone()), passphrase: None };
        let deadlines = Deadlines {
            connect: Duration::from_secs(2),
            handshake: Duration::from_secs(4),
            auth: Duration::from_secs(5),
            exec: Duration::from_secs(10),
            whole: Duration::from_secs(20),
        };
        let policy = HostKeyPolicy::Pinned(vec![self.fingerprint.clone()]);
        Access { port: self.port, deadlines, ..Access::new("root", key, policy) }
    }

    /// Asks these commands, unprivileged.
    pub(crate) async fn ask(&self, commands: &[&str]) -> Vec<Result<TextAnswer, TransportError>> {
        ask(&self.access(), commands, &gate()).await
    }
}

/// Asks these commands, unprivileged, over this access.
pub(crate) async fn ask(access: &Access, commands: &[&str], gate: &Gate) -> Vec<Result<TextAnswer, TransportError>> {
    let questions: Vec<_> = commands.iter().map(|run| question(run)).collect();
    ask_questions(access, &questions, gate).await
}

/// Asks these questions, named `test.0` and so on.
pub(crate) async fn ask_questions(
    access: &Access,
    questions: &[Question],
    gate: &Gate,
) -> Vec<Result<TextAnswer, TransportError>> {
    let facts = facts(questions.len());
    let asks: Vec<_> =
        questions.iter().zip(&facts).map(|(question, fact)| Ask { fact, topic: Topic::Run(question) }).collect();
    super::ask(access, &asks, gate, &[], &Memory::default()).await.into_iter().map(|result| result.map(text)).collect()
}

pub(crate) fn text(answer: Answer) -> TextAnswer {
    match answer {
        Answer::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn facts(count: usize) -> Vec<FactId> {
    (0..count).map(|index| FactId::parse(&format!("test.{index}")).unwrap()).collect()
}

pub(crate) fn question(run: &str) -> Question {
    serde_json::from_value(serde_json::json!({ "run": run })).unwrap()
}

pub(crate) fn gate() -> Gate {
    gate_with(Switch::default())
}

pub(crate) fn gate_with(switch: Switch) -> Gate {
    let setup = Setup {
        asset: AssetId::parse("host-1").unwrap(),
        address: "127.0.0.1".into(),
        limits: Limits { gap: Duration::ZERO, ..Limits::STANDARD },
        inactive: None,
        windows: vec![],
        zone: None,
        names: crate::transport::gate::Names::default(),
    };
    Gate::new(setup, switch, chrono::Utc::now)
}

/// Remembers host keys for one test.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Vec<(String, String)>>);

impl HostKeys for Memory {
    fn known(&self, _: &AssetId, endpoint: &str) -> Option<Vec<String>> {
        let learnt = self.0.lock().unwrap();
        let found: Vec<_> = learnt.iter().filter(|(at, _)| at == endpoint).map(|(_, key)| key.clone()).collect();
        (!found.is_empty()).then_some(found)
    }
    fn learn(&self, _: &AssetId, endpoint: &str, fingerprint: &str) {
        self.0.lock().unwrap().push((endpoint.into(), fingerprint.into()));
    }
}

/// Runs a program that must succeed; returns what it printed.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An address of this machine that refuses connections.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    listener.local_addr().unwrap().port()
}
