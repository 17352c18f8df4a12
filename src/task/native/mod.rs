//! Native tasks: closures of a Rust program that has `sched` as its library.
//!
//! A program registers them under dotted names and leaves the command line to `sched`:
//! `examples/native.rs` shows it. Each run is a process of its own, as of every task: the program
//! starts itself with a word that is no command, and in that process the closure is called. So its
//! timeout, its output and its crashes are those of any task.

mod serve;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::watch;

pub use serve::serve;

use super::conversation::{Conversation, conclusion};
use super::{Error, Observer};
use crate::job::Job;
use crate::process::{self, Channel, Launch};
use crate::run::{Ended, Level, Order};
use crate::value::{FromValue, TypeError, Value};
use serve::Pen;

/// The word by which the program starts itself for a run.
pub const COMMAND: &str = "__native";

/// Why a native task failed: any error, with its causes.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The native tasks of a program, by their names.
#[derive(Default)]
pub struct Natives(BTreeMap<String, Closure>);

type Closure = Box<dyn Fn(&Call) -> Result<Value, Failure>>;

/// The names of a program's native tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Arc<BTreeSet<String>>);

/// What a native task is called with.
#[derive(Debug)]
pub struct Call {
    /// The job's `args`.
    pub args: Vec<Value>,
    /// The job's `kwargs`.
    pub kwargs: Vec<(Value, Value)>,
    job: String,
    task: String,
    pen: Pen,
}

/// An argument is not what the task wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// A positional argument.
    #[error("argument {} {fault}", index + 1)]
    Positional {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        fault: TypeError,
    },
    /// A keyword argument.
    #[error("argument `{key}` {fault}")]
    Keyword {
        /// Its key.
        key: String,
        /// What is wrong with it.
        fault: TypeError,
    },
}

/// What the process of a run is told on its standard input.
#[derive(Serialize, Deserialize)]
struct Request {
    channel: i32,
    task: String,
    job: String,
    args: Json,
    kwargs: Json,
}

impl Natives {
    /// No tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With `task` under `name`, which jobs call as they call a Python function. It comes before
    /// whatever a tasks folder has under that name.
    ///
    /// What it returns is logged unless it is empty, as of every task. An error is a failed run, and
    /// so is a panic.
    ///
    /// # Panics
    /// Where the name is taken, or has not two or more parts with dots between them.
    #[must_use]
    pub fn with<V: Into<Value>>(
        mut self,
        name: &str,
        task: impl Fn(&Call) -> Result<V, Failure> + 'static,
    ) -> Self {
        assert!(is_name(name), "`{name}` does not have the form PART.PART");
        let closure = move |call: &Call| task(call).map(Into::into);
        let before = self.0.insert(name.to_owned(), Box::new(closure));
        assert!(before.is_none(), "`{name}` is registered twice");
        self
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Names {
        Names(Arc::new(self.0.keys().cloned().collect()))
    }
}

impl fmt::Debug for Natives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Whether a job can be called so: behind a space, its name only tells it apart.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.contains(['/', ' ', '\0']);
    name.contains('.') && name.split('.').all(is_part)
}

impl Names {
    /// Whether `name` is one of them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// All of them, sorted.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Call {
    /// The positional argument at `index`, from 0; where there is none, only an `Option` will do.
    ///
    /// # Errors
    /// Where it has another type.
    pub fn arg<T: FromValue>(&self, index: usize) -> Result<T, ArgumentError> {
        let value = self.args.get(index).unwrap_or(&Value::None);
        T::from_value(value).map_err(|fault| ArgumentError::Positional { index, fault })
    }

    /// The keyword argument `key`; where there is none, only an `Option` will do.
    ///
    /// # Errors
    /// Where it has another type.
    pub fn kwarg<T: FromValue>(&self, key: &str) -> Result<T, ArgumentError> {
        let mut entries = self.kwargs.iter();
        let entry = entries.find(|(known, _)| known.as_str() == Some(key));
        let value = entry.map_or(&Value::None, |(_, value)| value);
        T::from_value(value).map_err(|fault| ArgumentError::Keyword {
            key: key.to_owned(),
            fault,
        })
    }

    /// The name of the job that makes the call.
    #[must_use]
    pub fn job(&self) -> &str {
        &self.job
    }

    /// Writes a line into `scheduler.log`, in the name of whoever calls this. A critical one is
    /// mailed, too.
    #[track_caller]
    pub fn log(&self, level: Level, text: &str) {
        let function = self.task.rsplit('.').next().unwrap_or_default();
        self.pen.log(level, text, function, Location::caller());
    }
}

/// Runs the native task `name` with the job's arguments.
pub(super) async fn run(
    name: &str,
    job: &Job,
    launch: Launch,
    mut order: watch::Receiver<Order>,
    observer: Observer<'_>,
) -> Result<Ended, Error> {
    let program = this_program();
    let channel = Channel::new().map_err(|source| process::Error::System {
        program: program.clone(),
        source,
    })?;
    let request = Request {
        channel: channel.child_descriptor(),
        task: name.to_owned(),
        job: job.name.clone(),
        args: Value::List(job.args.clone()).to_json(),
        kwargs: Value::Map(job.kwargs.clone()).to_json(),
    };
    let request = serde_json::to_vec(&request).expect("texts and numbers have a JSON form");
    let launch = Launch {
        program,
        args: vec![OsString::from(COMMAND)],
        input: Some(request),
        channel: Some(channel),
        ..launch
    };

    observer.note_call();
    let mut conversation = Conversation::with(observer);
    let exit = process::run(launch, &mut order, &mut conversation).await?;
    observer.note_end(&exit);
    Ok(conclusion(exit, conversation.report, observer))
}

/// The file of this program. Where another one has taken its place, the kernel still has the one
/// that runs: the closures of a run are those of its scheduler.
fn this_program() -> PathBuf {
    let file = std::env::current_exe().and_then(|path| {
        let is_there = path.try_exists()?;
        is_there
            .then_some(path)
            .ok_or(io::ErrorKind::NotFound.into())
    });
    file.unwrap_or_else(|_| PathBuf::from("/proc/self/exe"))
}
