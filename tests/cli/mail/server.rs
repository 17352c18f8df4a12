//! A real mail server for the tests: aiosmtpd, in a virtual environment of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// What is installed.
const PACKAGES: [&str; 3] = ["aiosmtpd==1.4.6", "atpublic==5.1", "attrs==25.4.0"];

/// How long to wait for what must come.
pub(super) const A_WHILE: Duration = Duration::from_secs(60);

/// A mail server on this computer.
pub(super) struct Server {
    child: Child,
    events: Receiver<Value>,
    pub(super) port: u16,
}

/// A certificate authority, and a certificate of it in files.
pub(super) struct Certificates {
    folder: TempDir,
}

impl Server {
    /// A server of that mode on any port; `None` where none can be installed.
    pub(super) fn start(mode: &str) -> Option<Self> {
        Self::start_with(mode, 0, None)
    }

    /// A server of that mode at that port, with a certificate.
    pub(super) fn start_with(
        mode: &str,
        port: u16,
        certificates: Option<&Certificates>,
    ) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/mail/server.py");
        let mut command = Command::new(python()?);
        command.arg(script).arg(mode).arg(port.to_string());
        if let Some(certificates) = certificates {
            let path = |name| certificates.folder.path().join(name);
            command.args([path("certificate.pem"), path("key.pem")]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            // It tells of every broken connection, which is what some tests are about.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, events) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut server = Self {
            child,
            events,
            port: 0,
        };
        let ready = server.next("ready");
        server.port = u16::try_from(ready["port"].as_u64().unwrap()).unwrap();
        Some(server)
    }

    /// Waits for an event of that name.
    #[track_caller]
    pub(super) fn next(&self, name: &str) -> Value {
        let event = self.events.recv_timeout(A_WHILE);
        let event = event.unwrap_or_else(|_| panic!("there is no `{name}`"));
        assert_eq!(event["event"], name, "{event}");
        event
    }

    /// What was told so far and not taken.
    pub(super) fn rest(&self) -> Vec<Value> {
        self.events.try_iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Certificates {
    /// For a server of that name.
    pub(super) fn of(name: &str) -> Self {
        Self::until(name, 2999)
    }

    /// For a server of that name, valid until that year begins.
    pub(super) fn until(name: &str, year: i32) -> Self {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let folder = tempfile::tempdir().unwrap();
        let write = |name, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        write("authority.pem", authority.pem());
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        write("certificate.pem", certificate.pem());
        write("key.pem", key.serialize_pem());
        Self { folder }
    }

    /// For a server of that name, signed by itself.
    pub(super) fn self_signed(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let write = |name, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("certificate.pem", pair.cert.pem());
        write("key.pem", pair.signing_key.serialize_pem());
        Self { folder }
    }

    /// The file of the authority that is to be trusted.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
}

/// The Python that has the server; `None`, and a word about it, where no package index answers.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON.get_or_init(install).as_deref()
}

fn install() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail-server");
    let python = venv.join("bin/python");
    if has_server(&python) {
        return Some(python);
    }
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&venv)
        .output();
    let made = made.unwrap();
    assert!(made.status.success(), "no virtual environment: {made:?}");
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let installed = Command::new(&python).args(pip).args(PACKAGES).output();
    if has_server(&python) {
        return Some(python);
    }
    let said = String::from_utf8(installed.unwrap().stderr).unwrap();
    let no_index = "No matching distribution";
    assert!(
        said.contains(no_index),
        "aiosmtpd cannot be installed: {said}"
    );
    eprintln!("SKIPPED: no package index has aiosmtpd: {said}");
    None
}

fn has_server(python: &Path) -> bool {
    let asked = Command::new(python)
        .args(["-c", "import aiosmtpd.smtp"])
        .output();
    asked.is_ok_and(|asked| asked.status.success())
}
