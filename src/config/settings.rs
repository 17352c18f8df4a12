//! The settings of the `scheduler` section.

use std::path::PathBuf;
use std::time::Duration;

use super::call;
use super::directives::Timezone;
use super::job::{self, Defaults};
use super::lookup::Role;
use super::needs::Need;
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
    /// Where `scheduler.log` goes, absolute.
    pub log_directory: Option<PathBuf>,
    /// Where tasks are, absolute.
    pub tasks_directory: Option<PathBuf>,
    /// The Python interpreter: absolute, or a bare name for `PATH`.
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
    /// The names of those that are faulty: what stands in for them was not written.
    pub faulty: Vec<&'static str>,
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

impl Settings {
    /// Puts what held `before` in the place of what is faulty.
    pub fn keep(&mut self, before: &Self) {
        for name in &self.faulty {
            match *name {
                "log directory" => self.log_directory.clone_from(&before.log_directory),
                "tasks directory" => self.tasks_directory.clone_from(&before.tasks_directory),
                "python" => self.python.clone_from(&before.python),
                "timezone" => {
                    self.timezone = before.timezone.clone();
                    self.timezone_from = before.timezone_from;
                }
                "error handler" => self.error_handler.clone_from(&before.error_handler),
                "docassemble context" => self.docassemble_context = before.docassemble_context,
                "preload" => self.preload.clone_from(&before.preload),
                "max workers" => self.max_workers = before.max_workers,
                "keep history" => self.keep_history = before.keep_history,
                "recovery mail" => self.recovery_mail = before.recovery_mail,
                _ => {}
            }
        }
    }

    /// The names of those that are not as they were `before`.
    #[must_use]
    pub fn differences(&self, before: &Self) -> Vec<&'static str> {
        let differences = [
            ("log level", self.log_level != before.log_level),
            ("log directory", self.log_directory != before.log_directory),
            (
                "tasks directory",
                self.tasks_directory != before.tasks_directory,
            ),
            ("python", self.python != before.python),
            ("timezone", self.timezone != before.timezone),
            ("error handler", self.error_handler != before.error_handler),
            (
                "docassemble context",
                self.docassemble_context != before.docassemble_context,
            ),
            ("preload", self.preload != before.preload),
            ("max workers", self.max_workers != before.max_workers),
            (
                "use docassemble database",
                self.use_docassemble_database != before.use_docassemble_database,
            ),
            ("keep history", self.keep_history != before.keep_history),
            ("recovery mail", self.recovery_mail != before.recovery_mail),
        ];
        let different = differences.into_iter().filter(|(_, differs)| *differs);
        different.map(|(name, _)| name).collect()
    }
}

/// Reads one setting after the other, and notes which are faulty.
struct Settler<'r, 'a, 'k, 'n> {
    reader: &'r mut Reader<'a>,
    keys: &'k mut Section<'n>,
    faulty: Vec<&'static str>,
}

impl<'a, 'n> Settler<'_, 'a, '_, 'n> {
    /// What `read` makes of the setting of that name, where it is given and not faulty.
    fn take<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Reader<'a>, Item<'n>) -> Option<T>,
    ) -> Option<T> {
        let item = self.keys.take(name)?;
        let before = self.reader.errors();
        let value = read(self.reader, item);
        if self.reader.errors() > before {
            self.faulty.push(name);
        }
        value
    }

    fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        self.take(name, |reader, item| {
            scalar::text(reader, item).map(|text| reader.path(text))
        })
    }

    /// The interpreter: a bare name is looked for on PATH, so it is no path below the config's
    /// folder.
    fn python(&mut self) -> Option<PathBuf> {
        self.take("python", |reader, item| {
            let text = scalar::text(reader, item)?;
            reader.need(Need::Python, item.value.span);
            Some(if text.contains('/') {
                reader.path(text)
            } else {
                text.into()
            })
        })
    }

    /// The zone of triggers without one: the scheduler's, else docassemble's, else that of the
    /// world outside. Where the one that counts is faulty, triggers have none, and times are told
    /// in the next.
    fn zone(&mut self, directive: Timezone) -> (Zone, ZoneOrigin) {
        let mut is_given = false;
        let own = self.take("timezone", |reader, item| {
            is_given = !item.value.is_null();
            is_given.then(|| named_zone(reader, item)).flatten()
        });
        if !is_given && matches!(directive, Timezone::Faulty) {
            self.faulty.push("timezone");
        }
        let outside = self.reader.outside;
        let (zone, from) = match (own, directive) {
            (Some(zone), _) => (zone, ZoneOrigin::Scheduler),
            (None, Timezone::Zone(zone)) => (zone, ZoneOrigin::Docassemble),
            (None, Timezone::Faulty | Timezone::Absent) => {
                (outside.zone.clone(), outside.zone_from)
            }
        };
        self.reader.zone = self.faulty.is_empty().then(|| zone.clone());
        if from == ZoneOrigin::System && self.reader.zone.is_some() {
            self.warn_of_unknown_zone(&zone);
        }
        (zone, from)
    }

    /// Warns where `TZ` should have said the zone, and what it says means none.
    fn warn_of_unknown_zone(&mut self, system: &Zone) {
        let outside = self.reader.outside;
        if let Some(fault) = &outside.environment.unknown_zone {
            let message = format!(
                "{}, as `TZ` says; the system's is used, {}",
                fault.message,
                system.name()
            );
            let mut warning = Diagnostic::warning(Code::BadValue, message);
            warning.help.clone_from(&fault.help);
            self.reader.report(warning);
        }
    }
}

/// Reads the settings; `directive` is what docassemble's own `timezone` says.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    directive: Timezone,
) -> (Settings, Defaults) {
    let mut settler = Settler {
        reader,
        keys,
        faulty: Vec::new(),
    };
    let (timezone, timezone_from) = settler.zone(directive);
    let settings = Settings {
        log_level: settler
            .take("log level", |reader, item| Some(log_level(reader, item)))
            .unwrap_or(Level::Info),
        log_directory: settler.path("log directory"),
        tasks_directory: settler.path("tasks directory"),
        python: settler.python(),
        timezone,
        timezone_from,
        error_handler: settler.take("error handler", |reader, item| {
            call::function_of(reader, item, Role::ErrorHandler)
        }),
        docassemble_context: settler
            .take("docassemble context", docassemble_context)
            .unwrap_or_default(),
        preload: settler.take("preload", preload).unwrap_or_default(),
        max_workers: settler.take("max workers", |reader, item| {
            let number = scalar::whole(reader, item, 1..=i64::from(u32::MAX))?;
            u32::try_from(number).ok()
        }),
        use_docassemble_database: settler
            .take("use docassemble database", |reader, item| {
                Some(truth(reader, item))
            })
            .unwrap_or_default(),
        keep_history: settler
            .take("keep history", scalar::duration)
            .unwrap_or(KEEP_HISTORY),
        recovery_mail: settler
            .take("recovery mail", scalar::boolean)
            .unwrap_or(true),
        faulty: settler.faulty,
    };
    let defaults = keys
        .take("job defaults")
        .map(|item| job::defaults(reader, item))
        .unwrap_or_default();
    (settings, defaults)
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

fn preload(reader: &mut Reader<'_>, item: Item<'_>) -> Option<Vec<String>> {
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
    names
}

fn is_module(name: &str) -> bool {
    name.split('.')
        .all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
}

/// Python's truth of any value, as docassemble.Scheduler takes it.
fn truth(reader: &mut Reader<'_>, item: Item<'_>) -> bool {
    reader.understand(item.value.span);
    if item.value.as_str().is_some_and(|text| !text.is_empty()) {
        let message = format!("`{}` must be true or false; text counts as true", item.name);
        reader.report(
            Diagnostic::warning(Code::BadValue, message)
                .at(item.value.span)
                .with_help("write true or false, unquoted"),
        );
    }
    item.value.to_value().is_true()
}
