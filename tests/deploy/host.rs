//! A monitored host for one test: real sshd, real sudo and doas, over a copy of this machine that is gone afterwards.
//!
//! Mounts and network live in namespaces of their own, whose first process listens on a port, so that there is
//! something to see. Every connection gets an sshd inside of them.

use std::process::Stdio;
use std::time::Duration;

use nis2watch::model::{AssetId, FactId, Secret};
use nis2watch::transport::TransportError;
use nis2watch::transport::gate::{Gate, Limits, Names, Setup, Switch};
use nis2watch::transport::ssh::{
    Access, Ask, Credential, Deadlines, Elevation, HostKeyPolicy, HostKeys, Question, Topic, ask,
};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::{repository, run};

/// Which of the two keys logs in.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// The one that `install-host.sh` put behind the collector.
    Forced,
    /// One that may run commands, for the sudoers and doas lines.
    Free,
}

impl Key {
    const fn file(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::Free => "free",
        }
    }
}

pub(crate) struct Host {
    pub(crate) port: u16,
    dir: TempDir,
    fingerprint: String,
    _first: Child,
    _connections: JoinSet<()>,
}

/// Lays a copy over what is written to, installs as `deploy/ssh/README.md` says, and stays.
const BEGIN: &str = r#"
set -e
for place in /etc /usr/local /var/lib; do
  over=$DIR/over$(echo "$place" | tr / _)
  mkdir -p "$over"
  mount -t tmpfs tmpfs "$over"
  mkdir "$over/upper" "$over/work"
  mount -t overlay overlay -o "lowerdir=$place,upperdir=$over/upper,workdir=$over/work" "$place"
done
"$DEPLOY/install-host.sh" --key "$(cat "$DIR/forced.pub")" --from 127.0.0.1 >&2
echo "restrict $(cat "$DIR/free.pub")" >>/var/lib/nis2watch-collect/.ssh/authorized_keys
install -m 440 "$DEPLOY/sudoers" /etc/sudoers.d/nis2watch-sudo
install -m 400 "$DEPLOY/doas.conf" /etc/doas.conf
exec python3 -c 'import socket; s = socket.create_server(("0.0.0.0", 8081)); print("ready", flush=True); input()'
"#;

impl Host {
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        for name in ["host", "forced", "free"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", &path(name)]).await;
        }
        let shown = run("ssh-keygen", &["-lf", &path("host.pub")]).await;
        let fingerprint = shown.split_whitespace().nth(1).unwrap().to_owned();
        let config = format!(
            "HostKey {}\nUsePAM no\nPidFile none\nLogLevel QUIET\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n",
            path("host")
        );
        std::fs::write(path("sshd_config"), config).unwrap();
        // Debian's sshd wants its empty directory, which only its service makes
        std::fs::create_dir_all("/run/sshd").unwrap();
        let first = first_process(&dir).await;
        let (port, connections) = serve(first.id().unwrap(), path("sshd_config")).await;
        Self { port, dir, fingerprint, _first: first, _connections: connections }
    }

    /// Asks these questions by this way to root.
    pub(crate) async fn ask(
        &self,
        key: Key,
        privilege: Elevation,
        questions: &[(FactId, &Question)],
    ) -> Vec<Result<nis2watch::model::Answer, TransportError>> {
        let pem = std::fs::read_to_string(self.dir.path().join(key.file())).unwrap();
        let credential = Credential::Key { pem: Secret::new(pem), passphrase: None };
        let policy = HostKeyPolicy::Pinned(vec![self.fingerprint.clone()]);
        let deadlines = Deadlines { whole: Duration::from_mins(2), ..Deadlines::default() };
        let access = Access { port: self.port, privilege, deadlines, ..Access::new("nis2watch", credential, policy) };
        let asks: Vec<_> = questions.iter().map(|(fact, question)| Ask { fact, topic: Topic::Run(question) }).collect();
        ask(&access, &asks, &gate(), &[], &NoMemory).await
    }

    /// What OpenSSH's own client is told with the forced key: exit status, standard output and error.
    pub(crate) async fn client(&self, arguments: &[&str], command: &str) -> (Option<i32>, String, String) {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]);
        ssh.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes"]);
        ssh.arg("-i").arg(self.dir.path().join("forced")).args(["-p", &self.port.to_string()]).args(arguments);
        ssh.args(["nis2watch@127.0.0.1", command]).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(20), ssh.output()).await.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

async fn first_process(dir: &TempDir) -> Child {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "sh", "-c", BEGIN]);
    command.env("DIR", dir.path()).env("DEPLOY", repository("deploy/ssh"));
    let mut first = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut said).await.unwrap();
    assert_eq!(said, "ready\n", "the host could not be prepared; its messages stand above");
    first
}

/// Starts an sshd inside the namespaces for every connection.
async fn serve(first: u32, config: String) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let stream = stream.into_std().unwrap();
            stream.set_nonblocking(false).unwrap();
            let input = std::os::fd::OwnedFd::from(stream.try_clone().unwrap());
            let mut sshd = Command::new("nsenter");
            sshd.args(["--mount", "--net", "--target", &first.to_string()]);
            sshd.args(["/usr/sbin/sshd", "-i", "-f", &config]).kill_on_drop(true).stderr(Stdio::null());
            sshd.stdin(Stdio::from(input)).stdout(Stdio::from(std::os::fd::OwnedFd::from(stream)));
            let mut child = sshd.spawn().unwrap();
            connections.spawn(async move {
                child.wait().await.unwrap();
            });
        }
    });
    (port, tasks)
}

fn gate() -> Gate {
    let setup = Setup {
        asset: AssetId::parse("host-1").unwrap(),
        address: "127.0.0.1".into(),
        limits: Limits { gap: Duration::ZERO, ..Limits::STANDARD },
        inactive: None,
        windows: vec![],
        zone: None,
        names: Names::default(),
    };
    Gate::new(setup, Switch::default(), chrono::Utc::now)
}

/// The host key is pinned, so nothing is ever learnt.
struct NoMemory;

impl HostKeys for NoMemory {
    fn known(&self, _: &AssetId, _: &str) -> Option<Vec<String>> {
        None
    }
    fn learn(&self, _: &AssetId, _: &str, _: &str) {}
}
