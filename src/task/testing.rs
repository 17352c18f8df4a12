//! A folder of tasks to try things in.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use chrono::DateTime;
use tokio::sync::watch;

use super::native::Names;
use super::{Output, Setup, Tasks};
use crate::config::DocassembleContext;
use crate::job::{Job, Task};
use crate::run::{Cause, Ended, Level, Order, Record, Run, RunId};
use crate::trigger::Trigger;
use crate::value::Value;

/// A config file's folder with a folder of tasks.
pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub(super) setup: Setup,
}

/// A run with everything it said.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) ended: Ended,
    pub(super) records: Vec<Record>,
    pub(super) handled: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// An output that keeps everything.
#[derive(Default)]
struct Kept {
    records: Mutex<Vec<Record>>,
    handled: Mutex<bool>,
    stdout: Mutex<Vec<u8>>,
    stderr: Mutex<Vec<u8>>,
}

impl Output for Kept {
    fn stdout(&self, _run: &Run, bytes: &[u8]) {
        self.stdout.lock().unwrap().extend_from_slice(bytes);
    }

    fn stderr(&self, _run: &Run, bytes: &[u8]) {
        self.stderr.lock().unwrap().extend_from_slice(bytes);
    }

    fn record(&self, _run: &Run, record: &Record) {
        self.records.lock().unwrap().push(record.clone());
    }

    fn handled(&self, _run: &Run) {
        *self.handled.lock().unwrap() = true;
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tasks")).unwrap();
        let setup = Setup {
            config_file: folder.path().join("config.yml"),
            tasks_folder: Some(folder.path().join("tasks")),
            python: None,
            docassemble_context: DocassembleContext::Off,
            preload: Vec::new(),
            state_folder: None,
            natives: Names::default(),
            debug: true,
        };
        Self { folder, setup }
    }

    /// With the task file `tasks/t.py`.
    pub(super) fn of(code: &str) -> Self {
        Self::new().file("tasks/t.py", code)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// With a file of that name and text.
    pub(super) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// With an executable file. Another process writes it: as long as one of ours had it open,
    /// a child of a neighbouring test could hold it open too, and it could not be executed.
    pub(super) fn executable(self, name: &str, text: &str) -> Self {
        let this = self.file(name, text);
        let path = this.path(name);
        let copied = std::process::Command::new("/bin/sh")
            .args([
                "-c",
                "cp \"$1\" \"$1-\" && mv \"$1-\" \"$1\" && chmod 755 \"$1\"",
                "sh",
            ])
            .arg(path)
            .status();
        assert!(copied.unwrap().success());
        this
    }

    /// Runs the function of that name, without arguments.
    pub(super) fn run(&self, name: &str) -> Ran {
        self.run_job(&job(Task::Named(name.to_owned())))
    }

    pub(super) fn run_job(&self, job: &Job) -> Ran {
        let (_orders, order) = watch::channel(Order::GoOn);
        block_on(self.running(job, order))
    }

    /// One run by hand.
    pub(super) async fn running(&self, job: &Job, order: watch::Receiver<Order>) -> Ran {
        self.running_as(&by_hand(job), job, order).await
    }

    pub(super) async fn running_as(
        &self,
        run: &Run,
        job: &Job,
        order: watch::Receiver<Order>,
    ) -> Ran {
        let started = ran(&Tasks::new(self.setup.clone()), run, job, order.clone()).await;
        if *order.borrow() != Order::GoOn || !matches!(job.task, Task::Named(_)) {
            return started;
        }
        // However a run is started, it goes the same way.
        let forked = ran(&Tasks::kept_warm(self.setup.clone()), run, job, order).await;
        assert_eq!(forked.essence(), started.essence());
        forked
    }
}

fn without_address(line: &str) -> &str {
    line.split("0x").next().unwrap_or_default()
}

/// One run of `tasks`.
pub(super) async fn ran(tasks: &Tasks, run: &Run, job: &Job, order: watch::Receiver<Order>) -> Ran {
    let kept = Kept::default();
    let ended = tasks.run(run, job, order, &kept).await;
    Ran {
        ended,
        records: kept.records.into_inner().unwrap(),
        handled: kept.handled.into_inner().unwrap(),
        stdout: kept.stdout.into_inner().unwrap(),
        stderr: kept.stderr.into_inner().unwrap(),
    }
}

impl Ran {
    /// What must be the same each time.
    fn essence(&self) -> impl PartialEq + std::fmt::Debug {
        let ended = Ended {
            took: Duration::ZERO,
            // A crash shows the addresses of threads.
            stderr: self.ended.stderr.lines().map(without_address).collect(),
            ..self.ended.clone()
        };
        // What ends beside the task may or may not be seen to go on.
        let is_sure = |record: &&Record| !record.message.contains("left processes behind");
        (ended, self.handled, self.lines(is_sure).len())
    }

    /// What the task logged, as `LEVEL message`; without our own lines.
    pub(super) fn logged(&self) -> Vec<String> {
        self.lines(|record| record.file != "sched")
    }

    /// Our own lines about the run, as `LEVEL message`.
    pub(super) fn notes(&self) -> Vec<String> {
        self.lines(|record| record.file == "sched")
    }

    /// Our own lines that are a warning or worse.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.lines(|record| record.file == "sched" && record.level >= Level::Warning)
    }

    fn lines(&self, wanted: impl Fn(&&Record) -> bool) -> Vec<String> {
        let records = self.records.iter().filter(wanted);
        records
            .map(|record| format!("{} {}", record.level.word(), record.message))
            .collect()
    }

    /// The class and the text of the exception that ended it.
    pub(super) fn error(&self) -> (&str, &str) {
        let error = self.ended.error.as_ref();
        error.map_or(("", ""), |error| {
            (error.class.as_str(), error.message.as_str())
        })
    }

    pub(super) fn traceback(&self) -> &str {
        let error = self.ended.error.as_ref();
        error.map_or("", |error| error.traceback.as_str())
    }
}

/// A run by hand of `job`, a moment after the beginning of 1970.
pub(super) fn by_hand(job: &Job) -> Run {
    let started = DateTime::UNIX_EPOCH + Duration::from_secs(1);
    Run {
        // By its id, a run that is ended finds what it started: no two may have the same.
        id: RunId::new(started, fastrand::u128(..)),
        job: job.name.clone(),
        cause: Cause::Manual,
        scheduled_for: None,
        started,
        attempt: 1,
    }
}

/// A job that calls `task` without arguments.
pub(super) fn job(task: Task) -> Job {
    let name = match &task {
        Task::Named(name) => name.clone(),
        Task::Command(_) | Task::Shell(_) => "command".to_owned(),
    };
    Job::new(name, task, Trigger::Any(Vec::new()))
}

pub(super) fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
