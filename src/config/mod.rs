//! From the nodes of a config file to a [`Config`] and diagnostics.
//!
//! Text in, config and faults out: nothing here opens a file or runs a task. Whether a task exists
//! is asked of a [`Lookup`].

mod lookup;

use std::path::PathBuf;
use std::time::Duration;

pub use lookup::{Answer, Lookup};

use crate::diagnostic::Diagnostic;
use crate::job::Job;
use crate::run::Level;
use crate::trigger::Zone;
use crate::value::Value;

/// A config as understood, every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The settings of the `scheduler` section.
    pub settings: Settings,
    /// The directives of docassemble that matter here.
    pub directives: Directives,
    /// The jobs that can be scheduled, in the order of the file.
    pub jobs: Vec<Job>,
    /// The names of the jobs that are left out, because their schedule or policy is faulty.
    pub faulty: Vec<String>,
}

/// The settings of the `scheduler` section.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What is written to `scheduler.log`.
    pub log_level: Level,
    /// Where `scheduler.log` goes, as written.
    pub log_directory: Option<PathBuf>,
    /// Where tasks are, as written.
    pub tasks_directory: Option<PathBuf>,
    /// The Python interpreter, as written.
    pub python: Option<PathBuf>,
    /// The zone of triggers without one, and where it came from.
    pub timezone: Zone,
    /// Where the zone came from: `scheduler`, `docassemble`, `TZ`, `system`.
    pub timezone_from: &'static str,
    /// The function that is told of the failures of every job.
    pub error_handler: Option<String>,
    /// Whether tasks run in docassemble's background context.
    pub docassemble_context: DocassembleContext,
    /// Python modules to import once, before any run.
    pub preload: Vec<String>,
    /// How many runs may go on at once; `None` for 4 per core.
    pub max_workers: Option<u32>,
    /// Whether runs that were missed while `sched` was down are made up for.
    pub use_docassemble_database: bool,
    /// How long the records of runs are kept.
    pub keep_history: Duration,
    /// Whether a recovery after a failure that was mailed is mailed.
    pub recovery_mail: bool,
}

/// Whether tasks run in docassemble's background context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DocassembleContext {
    /// Where docassemble can be imported.
    #[default]
    Auto,
    /// Always; a run fails where docassemble cannot be imported.
    On,
    /// Never.
    Off,
}

/// The directives of docassemble that matter here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Directives {
    /// The name of the application in mails.
    pub appname: Option<String>,
    /// The host name in mails.
    pub external_hostname: Option<String>,
    /// Who gets mails.
    pub error_notification_email: Vec<String>,
    /// How mail is sent, as written. It holds secrets.
    pub mail: Option<Value>,
    /// Where docassemble's logs are.
    pub log: Option<PathBuf>,
    /// The host whose logs docassemble's web interface lists.
    pub log_server: Option<String>,
}

/// What reading a config gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What could be understood; `None` where the text is not YAML or has no usable `scheduler`
    /// section.
    pub config: Option<Config>,
    /// Every fault, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}
