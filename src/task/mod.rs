//! What a run executes: a Python function, an executable file, a command, a Rust closure.
//!
//! One file per kind. Not for when a task runs or what follows from its end: that is `scheduler`.

mod armed;
mod conversation;
mod exec;
mod handler;
pub mod native;
mod python;
mod resolve;
mod surroundings;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, watch};

pub use exec::{ArgumentError, arguments};
pub use python::interpreter::{Interpreter, InterpreterError};
pub use python::lookup::{CallFault, CallShape, LookupError};
pub use resolve::{Ambiguous, shape};
pub use surroundings::VariablesError;

use armed::Armed;
pub use armed::Ready;
use python::Primed;
use python::servers::{Servers, Wish};
use resolve::Named;

use crate::config::DocassembleContext;
use crate::job::{Job, Task};
use crate::process::{self, Exit, Guard, Launch};
use crate::reason::chain;
use crate::run::{Ended, Level, Order, Outcome, Record, Run, RunError};

/// What the config says that concerns every task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The config file. Relative paths of the config start at its folder.
    pub config_file: PathBuf,
    /// The folder of tasks, where there is one.
    pub tasks_folder: Option<PathBuf>,
    /// The Python interpreter, as written in the config.
    pub python: Option<PathBuf>,
    /// Whether tasks run in docassemble's background context.
    pub docassemble_context: DocassembleContext,
    /// The Python modules that are imported before any run, where Python is kept warm.
    pub preload: Vec<String>,
    /// A folder to remember in, between processes, what Pythons say of themselves.
    pub state_folder: Option<PathBuf>,
    /// The native tasks of this program.
    pub natives: native::Names,
    /// Whether anybody reads lines of ours of the level DEBUG.
    pub debug: bool,
}

/// Everything that can be run.
#[derive(Debug)]
pub struct Tasks {
    setup: Setup,
    interpreter: Mutex<Option<python::interpreter::Remembered>>,
    told_absence: AtomicBool,
    /// Pythons that are kept warm, where that is worth it.
    servers: Option<Servers>,
    armed: Armed,
    guard: Arc<Guard>,
}

/// Who is told what a run says, while it says it. None of this may wait: a task never blocks
/// because somebody reads its output slowly.
pub trait Output: Send + Sync {
    /// A piece of its standard output, cut anywhere.
    fn stdout(&self, run: &Run, bytes: &[u8]);
    /// A piece of its standard error, cut anywhere.
    fn stderr(&self, run: &Run, bytes: &[u8]);
    /// A line for the log.
    fn record(&self, run: &Run, record: &Record);
    /// Whether lines for the log are wanted now: where they come faster than the disk takes them,
    /// the task waits, so that none is lost.
    fn wants_records(&self) -> bool {
        true
    }
    /// The variables that a process of the run is about to get from the config and from the job's
    /// environment file, as that is now.
    fn variables(&self, _variables: &[(OsString, Option<OsString>)]) {}
    /// The job's error handler took the failure of the run: nobody needs a mail.
    fn handled(&self, _run: &Run) {}
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system would not start or follow the process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// There is no usable Python.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// The job's name names several files.
    #[error(transparent)]
    Ambiguous(#[from] Ambiguous),
    /// The job's environment file cannot be used.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// An argument cannot be handed to a program.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
}

impl Tasks {
    /// The tasks of a config. Relative paths of `setup` start at the working directory of now.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Self {
            setup: Setup {
                config_file: absolute(setup.config_file),
                tasks_folder: setup.tasks_folder.map(absolute),
                ..setup
            },
            interpreter: Mutex::new(None),
            told_absence: AtomicBool::new(false),
            servers: None,
            armed: Armed::default(),
            guard: Arc::default(),
        }
    }

    /// The tasks of a config, for who will run many of them: Pythons are kept that have loaded
    /// everything and fork a child for each run. They end with this and with the last run.
    #[must_use]
    pub fn kept_warm(setup: Setup) -> Self {
        Self {
            servers: Some(Servers::default()),
            ..Self::new(setup)
        }
    }

    /// Runs one attempt to its end, which its timeout or `order` may bring about.
    ///
    /// Everything that goes wrong is in what it returns: a task that cannot be started is a
    /// failed run with an error of the class `CannotStart`. When the last attempt fails, the job's
    /// error handler is called before this returns.
    pub async fn run(
        &self,
        run: &Run,
        job: &Job,
        order: watch::Receiver<Order>,
        output: &dyn Output,
    ) -> Ended {
        let ready = self.ready(run);
        self.run_with(ready, run, job, order, output).await
    }

    /// As [`Self::run`], with what was made ready for it.
    pub async fn run_with(
        &self,
        ready: Ready,
        run: &Run,
        job: &Job,
        order: watch::Receiver<Order>,
        output: &dyn Output,
    ) -> Ended {
        let told_handler = AtomicBool::new(false);
        let observer = Observer {
            run,
            output,
            told_handler: &told_handler,
        };
        if !job.unusable.is_empty() {
            // Whoever began the run has the first word on it.
            tokio::task::yield_now().await;
        }
        for name in &job.unusable {
            let message = format!("Failed to parse '{}' {name}: called without", job.name);
            observer.note(Level::Error, Duration::ZERO, message);
        }
        let attempt = self.attempt(ready, job, order.clone(), observer).await;
        let ended = attempt.unwrap_or_else(|error| cannot_start(&error));
        if !told_handler.load(Ordering::Relaxed) {
            self.tell_handler(job, &ended, order, observer).await;
        }
        ended
    }

    /// The Python that runs the tasks; asked for its version once, as long as its file stays.
    ///
    /// # Errors
    /// Where none is found, or none that can be used.
    pub async fn interpreter(&self) -> Result<Interpreter, InterpreterError> {
        python::interpreter::find(&self.setup, &self.interpreter).await
    }

    async fn attempt(
        &self,
        mut ready: Ready,
        job: &Job,
        order: watch::Receiver<Order>,
        observer: Observer<'_>,
    ) -> Result<Ended, Error> {
        if let Some(child) = unless_ended(&order, self.armed(&mut ready)).await {
            return self.run_primed(child, order, observer).await;
        }
        let launch = || self.told_launch(job, observer);
        let program = match &job.task {
            Task::Named(name) => match resolve::named(&self.setup, name)? {
                Named::Native => {
                    let launch = launch().await?;
                    return native::run(name, job, launch, order, observer).await;
                }
                Named::Executable(file) => exec::file(file),
                Named::Python => {
                    return self.run_python(ready, name, job, order, observer).await;
                }
            },
            Task::Command(words) => exec::command(words),
            Task::Shell(text) => exec::shell(text),
        };
        exec::run(program, job, launch().await?, order, observer).await
    }

    /// The child that has been made ready, if it is still what would be forked now.
    async fn armed(&self, ready: &mut Ready) -> Option<Primed> {
        let child = ready.child().await?;
        let servers = self.servers.as_ref()?;
        child.is_current(servers).then_some(child)
    }

    /// A child of a warm Python that has been told what it will call, and waits for its start;
    /// `None` where it must be started afresh. It is forked `ahead` where the run is yet to begin.
    async fn fork(
        &self,
        interpreter: &Interpreter,
        job: &Job,
        run: &Run,
        ahead: bool,
    ) -> Option<Primed> {
        let servers = self.servers.as_ref().filter(|_| can_be_forked(job))?;
        let launch = self.launch(run, job).await.ok()?;
        let name = job.function();
        let wish = Wish {
            names: std::iter::once(name)
                .chain(job.contextmanager.as_deref())
                .map(str::to_owned)
                .collect(),
            due: ahead.then(|| run.started.timestamp_micros()),
        };
        let forked = servers.fork(interpreter, &self.setup, wish).await?;
        let call = self.call(name, job, run);
        Some(Primed::new(forked, &call, launch))
    }

    /// The call of the function `name` for a run.
    fn call<'a>(&'a self, name: &'a str, job: &'a Job, run: &Run) -> python::Call<'a> {
        python::Call {
            name,
            job,
            setup: &self.setup,
            is_final: handler::is_final(run, job),
            failure: None,
            tell_absence: false,
        }
    }

    /// Whether nobody has been told before that there is no docassemble.
    fn is_first_to_tell_absence(&self) -> bool {
        !self.told_absence.swap(true, Ordering::Relaxed)
    }

    /// A launch without a program.
    async fn launch(&self, run: &Run, job: &Job) -> Result<Launch, Error> {
        Ok(Launch {
            guard: Some(Arc::clone(&self.guard)),
            ..surroundings::launch(run, job, &self.setup).await?
        })
    }

    /// The same, of which the observer is told.
    async fn told_launch(&self, job: &Job, observer: Observer<'_>) -> Result<Launch, Error> {
        let launch = self.launch(observer.run, job).await?;
        observer.output.variables(&launch.variables);
        Ok(launch)
    }

    async fn run_python(
        &self,
        mut ready: Ready,
        name: &str,
        job: &Job,
        order: watch::Receiver<Order>,
        observer: Observer<'_>,
    ) -> Result<Ended, Error> {
        let interpreter = self.interpreter().await?;
        let run = observer.run;
        let fork = self.fork(&interpreter, job, run, false);
        if let Some(child) = unless_ended(&order, fork).await {
            return self.run_primed(child, order, observer).await;
        }
        self.tell_news(observer);
        let call = python::Call {
            tell_absence: self.is_first_to_tell_absence(),
            ..self.call(name, job, run)
        };
        if let Some(started) = ready.started() {
            return Ok(started.run(&call, order, observer).await?);
        }
        let launch = self.told_launch(job, observer).await?;
        Ok(python::run(&interpreter, &call, launch, order, observer).await?)
    }

    /// Lets a forked child begin; what there is to say of it, and of the Python that it comes
    /// from, is said afterwards.
    async fn run_primed(
        &self,
        mut child: Primed,
        order: watch::Receiver<Order>,
        observer: Observer<'_>,
    ) -> Result<Ended, Error> {
        let is_absent =
            self.setup.docassemble_context == DocassembleContext::Auto && !child.has_context();
        child.go().await?;
        if is_absent && self.is_first_to_tell_absence() {
            observer.note(Level::Debug, Duration::ZERO, python::ABSENCE.to_owned());
        }
        self.tell_news(observer);
        Ok(child.follow(order, observer).await?)
    }

    /// Logs what is to be said of the Pythons that are kept warm and has not been said yet.
    fn tell_news(&self, observer: Observer<'_>) {
        for text in self.servers.iter().flat_map(Servers::news) {
            observer.note(Level::Warning, Duration::ZERO, text);
        }
    }
}

/// What `future` gives; `None` where the run is to end before: it need not wait for what it would
/// begin with.
async fn unless_ended<T>(
    order: &watch::Receiver<Order>,
    future: impl Future<Output = Option<T>>,
) -> Option<T> {
    let mut order = order.clone();
    tokio::select! {
        biased;
        found = future => found,
        Ok(_) = order.wait_for(|order| *order != Order::GoOn) => None,
    }
}

/// Whether a child of a warm Python does for this job: what surrounds it must not be what a Python
/// is started with.
fn can_be_forked(job: &Job) -> bool {
    let surroundings = &job.surroundings;
    surroundings.environment.is_empty()
        && surroundings.environment_file.is_none()
        && surroundings.user.is_none()
}

/// The output of one run.
#[derive(Clone, Copy)]
struct Observer<'a> {
    run: &'a Run,
    output: &'a dyn Output,
    /// Whether the process of the run has called the error handler, with the exception itself.
    told_handler: &'a AtomicBool,
}

impl Observer<'_> {
    /// Logs a line of our own, `after` the start of the run.
    fn note(&self, level: Level, after: Duration, message: String) {
        let record = Record {
            level,
            at: self.run.started + after,
            file: "sched".to_owned(),
            function: "run".to_owned(),
            line: 0,
            message,
            alarm: None,
        };
        self.output.record(self.run, &record);
    }

    /// Logs that the task is called.
    fn note_call(&self) {
        let message = format!("Calling task '{}'", self.run.job);
        self.note(Level::Info, Duration::ZERO, message);
    }

    /// Logs what a process left behind.
    fn note_end(&self, exit: &Exit) {
        if exit.left_behind {
            let message = format!("'{}' left processes behind that go on", self.run.job);
            self.note(Level::Debug, exit.took, message);
        }
    }
}

/// What is left of a process that ended, before any message that it sent.
fn ended(exit: Exit) -> Ended {
    Ended {
        outcome: exit.outcome(),
        exit_code: exit.code,
        signal: exit.signal,
        returned: None,
        error: None,
        stdout: exit.stdout,
        stderr: exit.stderr,
        took: exit.took,
    }
}

/// The failed run of a task that could not be started.
fn cannot_start(error: &Error) -> Ended {
    Ended {
        error: Some(RunError {
            class: "CannotStart".to_owned(),
            message: chain(error),
            traceback: String::new(),
        }),
        ..Ended::of(Outcome::Failure)
    }
}
