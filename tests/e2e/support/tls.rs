//! OpenSSL's test server, and certificates.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Guard;
use super::process::run;

/// Suites that old versions need; the server would not speak them otherwise.
pub(crate) const WEAKEST: [&str; 2] = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"];

/// A running server.
pub(crate) struct TlsServer {
    pub(crate) port: u16,
    _process: Guard,
    _folder: TempDir,
}

/// Makes `NAME.crt` and `NAME.key` in a folder, for 127.0.0.1 and localhost.
pub(crate) fn certificate(folder: &Path, name: &str, days: u32) {
    let (key, certificate) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.crt")));
    let (key, certificate) = (key.to_str().unwrap(), certificate.to_str().unwrap());
    let days = days.to_string();
    let new = ["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=lab", "-days", &days];
    let names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", certificate];
    run("openssl", &[&new[..], &names].concat());
}

impl TlsServer {
    /// Starts one that speaks as `flags` say, with a certificate for so many days.
    pub(crate) fn start(days: u32, flags: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        certificate(folder.path(), "lab", days);
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-www", "-key", "lab.key", "-cert", "lab.crt"]).args(flags);
        // the distribution's own floor must not decide what the server accepts
        command.env("OPENSSL_CONF", "/dev/null").current_dir(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Guard::spawn(&mut command);
        let mut said = BufReader::new(process.child().stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = said.find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.parse().ok());
        std::thread::spawn(move || said.for_each(drop));
        Self { port: port.expect("the server listens"), _process: process, _folder: folder }
    }

    /// One that speaks only versions that nobody should.
    pub(crate) fn old(version: &str) -> Self {
        Self::start(365, &[&[version], &WEAKEST[..]].concat())
    }
}
