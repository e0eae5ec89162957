//! OpenSSH and dropbear, each on a machine of its own as far as its sessions can see.
//!
//! Where the tests run as root, every connection is served in a mount namespace with its own `/etc/ssh`, accounts and
//! sudoers; the machine's own files are never touched. Otherwise the server runs as whoever runs the tests, and only its
//! sessions get their own `/etc/ssh`, in a user namespace.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::inetd::Inetd;
use super::is_root;
use super::process::run;

/// Settings that let the test's key in and nobody else.
const SETTINGS: &str = "AuthorizedKeysFile /etc/ssh/client.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
                        PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel QUIET\n";
/// An account that may become root, and one that may not.
const ACCOUNTS: [(&str, u32); 2] = [("watcher", 4711), ("guest", 4712)];
/// Their password.
pub(crate) const PASSWORD: &str = "correct-horse";
const SUDOERS: &str = "root ALL=(ALL:ALL) ALL\nwatcher ALL=(root) NOPASSWD: ALL\n";

/// A host that is reached over SSH.
pub(crate) struct SshHost {
    server: Inetd,
    folder: TempDir,
}

impl SshHost {
    /// OpenSSH with these settings before the usual ones.
    pub(crate) fn openssh(settings: &str) -> Self {
        let host = Self::prepare(|folder| format!("exec /usr/sbin/sshd -i -f {}/ssh/sshd_config\n", folder.display()));
        host.configure(settings);
        host
    }

    /// Dropbear, as root only: it reads the keys of the account, so the account gets another home.
    pub(crate) fn dropbear() -> Self {
        assert!(is_root());
        let host = Self::prepare(|folder| {
            let (home, key) = (folder.join("home"), folder.join("dropbear_host"));
            run("dropbearkey", &["-t", "ed25519", "-f", key.to_str().unwrap()]);
            std::fs::create_dir_all(home.join(".ssh")).unwrap();
            std::fs::copy(folder.join("ssh/client.pub"), home.join(".ssh/authorized_keys")).unwrap();
            run("chmod", &["-R", "go=", home.to_str().unwrap()]);
            format!("mount --bind {} ~\nexec dropbear -i -r {}\n", home.display(), key.display())
        });
        host.configure("");
        host
    }

    /// Keys, accounts, and a server that `launch`, lines of a shell, becomes for each connection.
    fn prepare(launch: impl Fn(&Path) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        // accounts other than ours read their keys there
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        for inside in ["ssh", "etc"] {
            std::fs::create_dir(path.join(inside)).unwrap();
        }
        for name in ["host", "client"] {
            new_key(&path.join("ssh").join(name));
        }
        std::fs::rename(path.join("ssh/client"), path.join("client")).unwrap();
        write_accounts(&path.join("etc"));
        if is_root() {
            // Debian's sshd wants its empty directory, which only its service makes
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let script = path.join("launch.sh");
        let enter = if is_root() { mounts(path) } else { String::new() };
        std::fs::write(&script, format!("{enter}{}", launch(path))).unwrap();
        let server = Inetd::start(move || {
            let mut command = Command::new(if is_root() { "unshare" } else { "sh" });
            command.args(if is_root() { &["-m", "sh"][..] } else { &[] }).arg(&script);
            command
        });
        Self { server, folder }
    }

    /// Writes the server's configuration anew; it holds for the next connection.
    pub(crate) fn configure(&self, settings: &str) {
        let folder = self.folder.path();
        let mut text = format!("{settings}\n{SETTINGS}HostKey {}/ssh/host\n", folder.display());
        if !is_root() {
            text = self.enclosed(&text);
        }
        std::fs::write(folder.join("ssh/sshd_config"), text).unwrap();
    }

    /// The same settings for a server that runs as one of us: its sessions, forced or not, enter a namespace.
    fn enclosed(&self, text: &str) -> String {
        let folder = self.folder.path().display();
        let (forced, others): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("ForceCommand "));
        let command = forced.first().and_then(|line| line.strip_prefix("ForceCommand "));
        let command = command.unwrap_or("exec sh -c \"$SSH_ORIGINAL_COMMAND\"");
        // sshd -T believes to be root there and wants a directory of root's
        let mounts =
            format!("mount --bind {folder}/ssh /etc/ssh && mount -t tmpfs none /run && mkdir -m 755 /run/sshd");
        self.write("session.sh", command);
        self.write("enter.sh", &format!("exec unshare -rm sh -c '{mounts} && exec sh {folder}/session.sh'"));
        let keys = others.join("\n").replace("/etc/ssh/client.pub", &format!("{folder}/ssh/client.pub"));
        format!("ForceCommand sh {folder}/enter.sh\n{keys}\n")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Gives the server another host key.
    pub(crate) fn change_host_key(&self) {
        let key = self.folder.path().join("ssh/host");
        std::fs::remove_file(&key).unwrap();
        new_key(&key);
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// Who logs in unless a test needs another account.
    pub(crate) fn user() -> String {
        if is_root() { "root".into() } else { run("id", &["-un"]).trim().to_owned() }
    }

    /// The private key that is let in.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.path().join("client")
    }

    /// The public halves of both keys, without the words around them.
    pub(crate) fn public_keys(&self) -> Vec<String> {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join("ssh").join(name)).unwrap();
        ["host.pub", "client.pub"].map(|name| read(name).split(' ').nth(1).unwrap().to_owned()).to_vec()
    }

    pub(crate) fn fingerprint(&self) -> String {
        let key = self.folder.path().join("ssh/host.pub");
        run("ssh-keygen", &["-lf", key.to_str().unwrap()]).split_whitespace().nth(1).unwrap().to_owned()
    }

    /// A credential of this name for the configuration.
    pub(crate) fn credential(&self, name: &str, user: &str) -> String {
        format!("  {name}: {{ ssh: {{ user: {user}, key: {{ file: {} }} }} }}\n", self.key_file().display())
    }

    /// An asset of this host for the inventory; `access` goes on after the port.
    pub(crate) fn asset(&self, id: &str, credential: &str, access: &str) -> String {
        format!(
            "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: linux-host, access: {{ ssh: {{ credential: {credential}, port: {}{access} }} }} }}\n",
            self.port()
        )
    }
}

fn new_key(path: &Path) {
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path.to_str().unwrap()]);
}

/// The machine's accounts and two more.
fn write_accounts(etc: &Path) {
    let copy = |name: &str, line: &dyn Fn(&str, u32) -> String| {
        let mut text = std::fs::read_to_string(Path::new("/etc").join(name)).unwrap_or_default();
        text.extend(ACCOUNTS.iter().map(|(account, id)| line(account, *id)));
        std::fs::write(etc.join(name), text).unwrap();
    };
    copy("passwd", &|name, id| format!("{name}:x:{id}:{id}::/tmp:/bin/sh\n"));
    copy("group", &|name, id| format!("{name}:x:{id}:\n"));
    let hash = run("openssl", &["passwd", "-6", "-salt", "lab", PASSWORD]);
    copy("shadow", &|name, _| format!("{name}:{}:19700:0:99999:7:::\n", hash.trim()));
    std::fs::write(etc.join("sudoers"), SUDOERS).unwrap();
    for (name, mode) in [("shadow", 0o600), ("sudoers", 0o440)] {
        std::fs::set_permissions(etc.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// The lines of a shell that turn a mount namespace into another machine.
fn mounts(folder: &Path) -> String {
    let files = ["passwd", "group", "shadow", "sudoers"];
    let folder = folder.display();
    let lines = files.map(|file| format!("mount --bind {folder}/etc/{file} /etc/{file}\n"));
    format!("set -e\nmount --bind {folder}/ssh /etc/ssh\n{}", lines.concat())
}
