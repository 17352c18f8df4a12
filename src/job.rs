//! What the config says of one job: its name, its task, its triggers, its policy.

mod roster;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use roster::Roster;

use crate::diagnostic::Span;
use crate::trigger::Trigger;
use crate::value::Value;

/// One entry of the config, every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name: the key as written, with `#2` behind the second of a doubled key.
    pub name: String,
    /// Where its key is in the file.
    pub span: Span,
    /// What it calls.
    pub task: Task,
    /// When it is due, intervals not yet anchored.
    pub trigger: Trigger,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Keyword arguments; keys that are not strings make the call fail, as in Python.
    pub kwargs: Vec<(Value, Value)>,
    /// The dotted name of the context manager to call it in.
    pub contextmanager: Option<String>,
    /// The dotted name of the function that is told of a failure.
    pub error_handler: Option<String>,
    /// How its fires are treated.
    pub policy: Common<Policy>,
    /// Its process's surroundings.
    pub surroundings: Common<Surroundings>,
    /// What the administrator says about it.
    pub description: Option<String>,
    /// Which of `args` and `kwargs` are given and cannot be used: it is called without these.
    pub unusable: Vec<&'static str>,
}

/// Something that most jobs have in common: it is held once until somebody changes his own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Common<T>(Arc<T>);

/// What a job calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A dotted name: a Python function, or an executable file of the tasks folder.
    Named(String),
    /// A command, run without a shell: a program and its first arguments.
    Command(Vec<String>),
    /// A command for `/bin/sh -c`.
    Shell(String),
}

/// How the fires of a job are treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How many runs of it may go on at once.
    pub max_instances: u32,
    /// Whether of several late fires only the latest runs.
    pub coalesce: bool,
    /// How late a fire may run; `None` for at any lateness while `sched` runs.
    pub misfire_grace_time: Option<Duration>,
    /// After how long a run is ended.
    pub timeout: Option<Duration>,
    /// How many more attempts a failed run gets.
    pub retries: u32,
    /// How long to wait before the first of them; doubles each time, up to an hour.
    pub retry_delay: Duration,
    /// Whether it also fires once when `watch` starts.
    pub run_at_start: bool,
    /// Whether it fires at all.
    pub enabled: bool,
}

/// What surrounds a job's process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Environment variables to add.
    pub environment: BTreeMap<String, String>,
    /// A file of `KEY=VALUE` lines to add, read at each run.
    pub environment_file: Option<PathBuf>,
    /// The working directory; `None` for where `sched` was started.
    pub directory: Option<PathBuf>,
    /// The user to run as; `None` for the user of `sched`.
    pub user: Option<String>,
}

/// A job that is to be remembered from one start of the scheduler to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The job.
    pub job: Arc<Job>,
    /// [`Memory::anchor`].
    pub anchor: DateTime<Utc>,
    /// [`Memory::since`].
    pub since: Option<DateTime<Utc>>,
}

/// What is remembered of a job from one start of the scheduler to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// The job's name.
    pub job: String,
    /// [`Trigger::identity`]; with another trigger the job starts anew.
    pub trigger: String,
    /// [`Job::call_digest`].
    pub call: String,
    /// From when its intervals count: when it was first seen with this trigger.
    pub anchor: DateTime<Utc>,
    /// Its fires up to here concern nobody; `None` while it is disabled.
    pub since: Option<DateTime<Utc>>,
    /// Every fire up to here is decided; `None` where none is. Later ones may be, too.
    pub settled: Option<DateTime<Utc>>,
}

impl<T: PartialEq> Common<T> {
    /// This value, which is held once where it is the same as `usual`.
    #[must_use]
    pub fn like(value: T, usual: &Self) -> Self {
        if value == *usual.0 {
            Self(Arc::clone(&usual.0))
        } else {
            value.into()
        }
    }
}

impl<T> From<T> for Common<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Common<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Common<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl Seen {
    /// What is to be remembered, but for the fires that have been decided.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            job: self.job.name.clone(),
            trigger: self.job.trigger.identity(),
            call: self.job.call_digest(),
            anchor: self.anchor,
            since: self.since,
            settled: None,
        }
    }
}

impl Memory {
    /// Up to where all fires are decided or concern nobody; `None` where it does not fire.
    #[must_use]
    pub fn decided_until(&self) -> Option<DateTime<Utc>> {
        let since = self.since?;
        Some(self.settled.map_or(since, |settled| settled.max(since)))
    }
}

impl Default for Policy {
    /// The contract's defaults.
    fn default() -> Self {
        Self {
            max_instances: 1,
            coalesce: true,
            misfire_grace_time: None,
            timeout: None,
            retries: 0,
            retry_delay: Duration::from_secs(10),
            run_at_start: false,
            enabled: true,
        }
    }
}

impl Job {
    /// A job of which nothing else is said.
    #[must_use]
    pub fn new(name: impl Into<String>, task: Task, trigger: Trigger) -> Self {
        Self {
            name: name.into(),
            span: Span::default(),
            task,
            trigger,
            args: Vec::new(),
            kwargs: Vec::new(),
            contextmanager: None,
            error_handler: None,
            policy: Common::default(),
            surroundings: Common::default(),
            description: None,
            unusable: Vec::new(),
        }
    }

    /// A few characters that are the same as long as `args` and `kwargs` are.
    #[must_use]
    pub fn call_digest(&self) -> String {
        let kwargs = Value::Map(self.kwargs.clone());
        let text = Value::Tuple(vec![Value::List(self.args.clone()), kwargs]).repr();
        format!("{:016x}", digest(text.as_bytes()))
    }

    /// What `sched next test.heartbeat` compares with: the dotted function, or the command's job
    /// name.
    #[must_use]
    pub fn function(&self) -> &str {
        match &self.task {
            Task::Named(function) => function,
            Task::Command(_) | Task::Shell(_) => &self.name,
        }
    }
}

/// The dotted function that a job's name begins with: up to the first space, without `#2`, also
/// where one was written and another added.
#[must_use]
pub fn function_of(name: &str) -> &str {
    let mut function = name.split_whitespace().next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    while let Some((before, number)) = function.rsplit_once('#')
        && is_number(number)
    {
        function = before;
    }
    function
}

/// A number that is the same for the same bytes, in every version of the program.
///
/// Source: FNV-1a, 64 bits.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
