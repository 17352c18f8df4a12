//! `PyYAML` and `APScheduler` in a Python process that answers questions.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// What is asked, and what it needs.
const PACKAGES: [&str; 6] = [
    "PyYAML==6.0.2",
    "APScheduler==3.10.4",
    "pytz==2026.6",
    "six==1.17.0",
    "tzdata==2026.6",
    "tzlocal==5.4.5",
];

/// A process that answers; it ends with this value.
pub(crate) struct Oracle {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts it, in a virtual environment that is made once.
    pub(crate) fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/oracle.py");
        let mut process = Command::new(python())
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the environment has a Python");
        let questions = process.stdin.take().expect("it is piped");
        let answers = process.stdout.take().expect("it is piped");
        Self {
            process,
            questions,
            answers: BufReader::new(answers),
        }
    }

    /// The answer to a question; `oracle.py` says what can be asked.
    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").expect("the oracle listens");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the oracle answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}: {question}"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The Python of an environment that has the packages. Two tests may not make it at once.
fn python() -> PathBuf {
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = LOCK.lock().expect("who held it did not panic");
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    let python = venv.join("bin/python");
    if has_packages(&python) {
        return python;
    }
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&venv)
        .output();
    let made = made.expect("there is a `python3`");
    assert!(made.status.success(), "no virtual environment: {made:?}");
    let pip = ["-m", "pip", "install", "--disable-pip-version-check"];
    let installed = Command::new(&python).args(pip).args(PACKAGES).output();
    assert!(has_packages(&python), "not installed: {installed:?}");
    python
}

fn has_packages(python: &Path) -> bool {
    let versions = "import yaml, apscheduler, pytz; print(yaml.__version__, apscheduler.version, pytz.VERSION)";
    let asked = Command::new(python).args(["-c", versions]).output();
    asked.is_ok_and(|asked| asked.stdout == b"6.0.2 3.10.4 2026.6\n")
}
