//! A folder of its own for each test, and `sched` run in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// docassemble.Scheduler's README example: the third job's key is the first one's again.
pub(crate) const README: &str = "\
scheduler:
  log level: debug
  test.heartbeat:
    type: interval
    minutes: 1
  test.heartbeat:
    type: cron
    day: 1
    hour: 0
    minute: 1
  test.test_arbitrary_params:
    type: interval
    minutes: 1
    args:
      - positional_value_1
    kwargs:
      optional_param: optional_value
";

/// A temporary folder with `config.yml` and `tasks/`, in which `sched` runs in New York.
pub(crate) struct Folder {
    root: TempDir,
}

/// What a command left.
pub(crate) struct Answer {
    /// Its exit code; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it wrote to stdout.
    pub(crate) stdout: String,
    /// What it wrote to stderr.
    pub(crate) stderr: String,
}

impl Folder {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self {
            root: TempDir::new().unwrap(),
        }
    }

    /// A folder with that `config.yml`.
    pub(crate) fn with_config(text: &str) -> Self {
        Self::new().file("config.yml", text)
    }

    /// The same, with a file of that text.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.write(name, text);
        self
    }

    /// The same, with an executable file of that text.
    pub(crate) fn executable(self, name: &str, text: &str) -> Self {
        self.write(name, text);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(name), executable).unwrap();
        self
    }

    /// Writes a file, whole and at once.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let folder = path.parent().unwrap();
        fs::create_dir_all(folder).unwrap();
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        // Whatever the umask of the tests: as root, `sched` runs nothing that others can write.
        if folder != self.root() {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::set_permissions(&new, fs::Permissions::from_mode(0o644)).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Its own path.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// `sched`, to be given its arguments: nothing of the environment that it would heed is left.
    pub(crate) fn command(&self) -> Command {
        self.command_of(assert_cmd::cargo::cargo_bin!("sched"))
    }

    /// The same of another program with this command line.
    pub(crate) fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("state"))
            // Where the machine has docassemble, the log of that is not for tests.
            .env("SCHED_LOG_DIR", self.path("state/sched/log"))
            .env("TZ", "America/New_York");
        command
    }

    /// What `scheduler.log` has.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("state/sched/log/scheduler.log")).unwrap()
    }

    /// Runs `sched` with the words of `line`, which white space parts.
    pub(crate) fn sched(&self, line: &str) -> Answer {
        run(self.command().args(line.split_whitespace()))
    }
}

/// Runs a command made by [`Folder::command`].
pub(crate) fn run(command: &mut Command) -> Answer {
    Answer::from(command.output().unwrap())
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Answer {
    /// The same; the exit code must be `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// The same; stdout must be this text.
    #[track_caller]
    pub(crate) fn says(self, stdout: &str) -> Self {
        assert_eq!(self.stdout, stdout, "stderr: {}", self.stderr);
        self
    }

    /// The same; stderr must be this text.
    #[track_caller]
    pub(crate) fn complains(self, stderr: &str) -> Self {
        assert_eq!(self.stderr, stderr, "stdout: {}", self.stdout);
        self
    }

    /// The JSON of each line of stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
