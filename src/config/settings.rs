//! The settings of the `scheduler` section.

use std::path::PathBuf;
use std::time::Duration;

use super::call;
use super::directives::Timezone;
use super::job::{self, Defaults};
use super::lookup::Role;
use super::reader::Reader;
use super::scalar;
use super::section::{Item, Section};
use super::trigger::named_zone;
use crate::diagnostic::{Code, Diagnostic, did_you_mean, near};
use crate::run::Level;
use crate::trigger::Zone;
use crate::value::Value;

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
    /// The zone of triggers without one.
    pub timezone: Zone,
    /// Where that zone came from.
    pub timezone_from: ZoneOrigin,
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

/// Where the zone of triggers without one came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ZoneOrigin {
    /// The setting `timezone`.
    Scheduler,
    /// Docassemble's directive `timezone`.
    Docassemble,
    /// The environment variable `TZ`.
    Tz,
    /// The system.
    System,
}

impl DocassembleContext {
    /// The word that the config has for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

impl ZoneOrigin {
    /// What people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Docassemble => "docassemble",
            Self::Tz => "TZ",
            Self::System => "system",
        }
    }
}

const KEEP_HISTORY: Duration = Duration::from_secs(90 * 86_400);
const LEVELS: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

/// Reads the settings; `directive` is what docassemble's own `timezone` says.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    directive: Timezone,
) -> (Settings, Defaults) {
    let (zone, timezone_from) = zone(reader, keys, directive);
    reader.zone.clone_from(&zone);
    let mut text =
        |reader: &mut Reader<'_>, name| keys.take(name).and_then(|item| scalar::text(reader, item));
    let log_directory = text(reader, "log directory").map(|text| reader.path(text));
    let tasks_directory = text(reader, "tasks directory").map(|text| reader.path(text));
    // A bare name is looked for on PATH, so it is no path below the config's folder.
    let python = text(reader, "python").map(|text| {
        if text.contains('/') {
            reader.path(text)
        } else {
            text.into()
        }
    });
    let settings = Settings {
        log_level: keys
            .take("log level")
            .map_or(Level::Info, |item| log_level(reader, item)),
        log_directory,
        tasks_directory,
        python,
        timezone: zone.unwrap_or_else(Zone::utc),
        timezone_from,
        error_handler: call::function(reader, keys, "error handler", Role::ErrorHandler),
        docassemble_context: keys
            .take("docassemble context")
            .and_then(|item| docassemble_context(reader, item))
            .unwrap_or_default(),
        preload: keys
            .take("preload")
            .map(|item| preload(reader, item))
            .unwrap_or_default(),
        max_workers: keys
            .take("max workers")
            .and_then(|item| scalar::whole(reader, item, 1..=i64::from(u32::MAX)))
            .and_then(|number| u32::try_from(number).ok()),
        use_docassemble_database: keys
            .take("use docassemble database")
            .is_some_and(|item| truth(reader, item)),
        keep_history: keys
            .take("keep history")
            .and_then(|item| scalar::duration(reader, item))
            .unwrap_or(KEEP_HISTORY),
        recovery_mail: keys
            .take("recovery mail")
            .and_then(|item| scalar::boolean(reader, item))
            .unwrap_or(true),
    };
    let defaults = keys
        .take("job defaults")
        .map(|item| job::defaults(reader, item))
        .unwrap_or_default();
    (settings, defaults)
}

/// The zone of triggers without one: the scheduler's, else docassemble's, else that of the world
/// outside. `None` where the one that counts is faulty.
fn zone(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    directive: Timezone,
) -> (Option<Zone>, ZoneOrigin) {
    if let Some(item) = keys.take("timezone").filter(|item| !item.value.is_null()) {
        return (named_zone(reader, item), ZoneOrigin::Scheduler);
    }
    match directive {
        Timezone::Zone(zone) => (Some(zone), ZoneOrigin::Docassemble),
        Timezone::Faulty => (None, ZoneOrigin::Docassemble),
        Timezone::Absent => (Some(reader.outside.zone.clone()), reader.outside.zone_from),
    }
}

/// The level by `str(value)` in any case, as docassemble.Scheduler reads it.
fn log_level(reader: &mut Reader<'_>, item: Item<'_>) -> Level {
    reader.understand(item.value.span);
    let word = item.value.value().map(Value::str).unwrap_or_default();
    if let Some(level) = Level::named(word.trim()) {
        return level;
    }
    let written = item.value.span.of(reader.text);
    let message = format!("unknown log level `{written}`; INFO is used");
    let list = LEVELS.join(", ");
    let help = match did_you_mean(&near(&word, LEVELS)) {
        Some(help) => format!("{help} ({list})"),
        None => format!("it is one of {list}"),
    };
    reader.report(
        Diagnostic::warning(Code::BadValue, message)
            .at(item.value.span)
            .with_help(help),
    );
    Level::Info
}

/// `auto`, `on` or `off`; a plain `on` or `off` is a boolean in YAML 1.1.
fn docassemble_context(reader: &mut Reader<'_>, item: Item<'_>) -> Option<DocassembleContext> {
    let context = match item.value.value() {
        Some(Value::Bool(true)) => Some(DocassembleContext::On),
        Some(Value::Bool(false)) => Some(DocassembleContext::Off),
        Some(Value::Str(word)) => match word.to_lowercase().as_str() {
            "auto" => Some(DocassembleContext::Auto),
            "on" => Some(DocassembleContext::On),
            "off" => Some(DocassembleContext::Off),
            _ => None,
        },
        _ => None,
    };
    reader.understand(item.value.span);
    if context.is_none() {
        let message = format!(
            "`docassemble context` must be auto, on or off{}",
            scalar::but_this_is(item.value)
        );
        reader.bad_value(item.value.span, message, None);
    }
    context
}

fn preload(reader: &mut Reader<'_>, item: Item<'_>) -> Vec<String> {
    let name = |node: &crate::yaml::Node| {
        node.as_str()
            .filter(|name| is_module(name))
            .map(str::to_owned)
    };
    let names = match item.value.items() {
        Some(nodes) => nodes.iter().map(name).collect::<Option<Vec<_>>>(),
        None => name(item.value).map(|name| vec![name]),
    };
    if names.is_none() && !item.value.is_null() {
        let message = "`preload` must be a list of Python modules";
        let help = "write `preload: [docassemble.base.util, numpy]`".to_owned();
        reader.bad_value(item.value.span, message, Some(help));
    }
    names.unwrap_or_default()
}

fn is_module(name: &str) -> bool {
    name.split('.')
        .all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
}

/// Python's truth of any value, as docassemble.Scheduler takes it.
fn truth(reader: &mut Reader<'_>, item: Item<'_>) -> bool {
    reader.understand(item.value.span);
    item.value.to_value().is_true()
}
