//! What happened, for people and programs: `scheduler.log`, and the terminal.
//!
//! Every line is a `tracing` event; its fields say what the forms of the log need:
//!
//! | field | means | where it is not given |
//! | --- | --- | --- |
//! | `message` | the text | |
//! | `short` | the text on the terminal | `message` |
//! | `tag` | the word before it on the terminal | the level |
//! | `event` | the word for programs, one of [`Topic`]'s | `log` |
//! | `job`, `run_id` | what it is about | |
//! | `place` | file, function and line | `sched->run(0)` |
//! | `level` | the level by Python's name, in place of the event's own | |
//! | `at_us` | the time, in microseconds since 1970 | now |
//! | `only` | `file` or `terminal`, where people do not need it in both | both |
//!
//! All other fields are for programs. Events of other crates are not logged.
//!
//! Nothing here blocks whoever logs: the file and each output stream have a thread of their own.

pub mod console;
mod file;
mod form;
mod line;
mod old;
mod queue;
mod topic;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::{Event, Metadata, Subscriber};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::run::{Level, Record, Run};
use crate::secret::Secrets;
use crate::trigger::Zone;
use crate::words::counted;
pub use console::Console;
use console::Stream;
use file::LogFile;
pub use form::{Form, object};
use line::{Line, Only};
use queue::Queue;
pub use topic::Topic;

/// How long to wait at the end for a disk that does not answer.
const LONGEST_END: Duration = Duration::from_secs(10);

/// How to log.
#[derive(Debug)]
pub struct Options {
    /// The folder of `scheduler.log`; made with the first line where it is not there.
    pub folder: PathBuf,
    /// What is logged.
    pub level: Level,
    /// What of that is shown on the terminal; `None` for nothing.
    pub terminal_level: Option<Level>,
    /// The zone of time stamps.
    pub zone: Zone,
    /// What time it is.
    pub now: fn() -> DateTime<Utc>,
    /// How lines look on the terminal.
    pub form: Form,
    /// Where these go: to its stderr.
    pub console: Console,
}

/// The log, while it is open.
#[derive(Debug)]
pub struct Logging {
    settings: Arc<Settings>,
    queue: Queue,
    console: Console,
    _writer: WorkerGuard,
}

/// What may change while the log is open: the one place of the level and the zone.
#[derive(Debug)]
struct Settings {
    current: RwLock<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    folder: Arc<Path>,
    level: Level,
    zone: Zone,
    /// What is shown nowhere.
    secrets: Arc<Secrets>,
}

/// The layer that hands events to the file and the terminal.
struct Log {
    settings: Arc<Settings>,
    now: fn() -> DateTime<Utc>,
    queue: Queue,
    terminal_level: Option<Level>,
    form: Form,
    console: Console,
}

/// Opens the log for all of the program.
///
/// # Panics
/// Where it is called a second time: a bug of the caller.
#[must_use]
pub fn start(options: Options) -> Logging {
    let (logging, subscriber) = open(options);
    tracing::subscriber::set_global_default(subscriber).expect("the log is opened once");
    logging
}

/// Logs what a task said, under its own place and time.
///
/// What `sched` says itself while it runs a task is for the file, unless something is wrong: the
/// terminal is told that a run began and how it ended.
pub fn task_record(run: &Run, record: &Record) {
    let ours = record.file == "sched" && record.level < Level::Warning;
    let place = format!("{}->{}({})", record.file, record.function, record.line);
    tracing::error!(
        level = record.level.word(),
        at_us = record.at.timestamp_micros(),
        event = "task_log",
        job = run.job,
        run_id = %run.id,
        place,
        only = ours.then_some("file"),
        "{}",
        record.message
    );
}

fn open(options: Options) -> (Logging, impl Subscriber + Send + Sync) {
    let settings = Arc::new(Settings {
        current: RwLock::new(Current {
            folder: options.folder.into(),
            level: options.level,
            zone: options.zone,
            secrets: Arc::default(),
        }),
    });
    let (now, form) = (options.now, options.form);
    options.console.set_zone(settings.current().zone);
    let complaints = options.console.clone();
    let zone_of_complaints = Arc::clone(&settings);
    let complain = move |text: &str| {
        let zone = zone_of_complaints.current().zone;
        complaints.say(form.complaint(now(), &zone, text));
    };
    let zone_of = Arc::clone(&settings);
    let day_of = move |at: Option<DateTime<Utc>>| {
        let zone = zone_of.current().zone;
        zone.local(at.unwrap_or_else(now)).date_naive()
    };
    let place = Arc::clone(&settings);
    let path_of = move || place.current().folder.join("scheduler.log");
    let file = LogFile::new(Box::new(path_of), Box::new(day_of), Box::new(complain));
    let (queue, guard) = Queue::to(file);
    let log = Log {
        settings: Arc::clone(&settings),
        now,
        queue: queue.clone(),
        terminal_level: options.terminal_level,
        form,
        console: options.console.clone(),
    };
    let logging = Logging {
        settings,
        queue,
        console: options.console,
        _writer: guard,
    };
    (logging, tracing_subscriber::registry().with(log))
}

impl Logging {
    /// Writes into that folder from now on.
    pub fn set_folder(&self, folder: &Path) {
        self.settings
            .change(|current| current.folder = folder.into());
    }

    /// Logs from now on what is at least that important.
    pub fn set_level(&self, level: Level) {
        self.settings.change(|current| current.level = level);
    }

    /// Writes time stamps in that zone from now on.
    pub fn set_zone(&self, zone: Zone) {
        self.console.set_zone(zone.clone());
        self.settings.change(|current| current.zone = zone);
    }

    /// Hides these from now on, wherever they turn up in a line.
    pub fn hide(&self, secrets: Secrets) {
        let secrets = Arc::new(secrets);
        self.console.hide(Arc::clone(&secrets));
        self.settings.change(|current| current.secrets = secrets);
    }

    /// What it hides.
    #[must_use]
    pub fn secrets(&self) -> Arc<Secrets> {
        self.settings.current().secrets
    }

    /// Whether so many lines wait for the disk that whoever can wait should, so that none is lost.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.queue.is_behind()
    }

    /// Waits until every line so far is in the file and on the terminal: ten seconds for a disk,
    /// two for a reader that does not answer.
    ///
    /// Gives whether the file has all of them.
    #[must_use]
    pub fn finish(&self) -> bool {
        let written = self.queue.reach(LONGEST_END) && self.queue.take_lost() == 0;
        // What a reader leaves unread is the reader's loss.
        let _ = self.console.finish(Duration::from_secs(2));
        written
    }
}

impl Settings {
    fn change(&self, change: impl FnOnce(&mut Current)) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut current);
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

impl Log {
    /// Hands a line to the file's thread, and a note if earlier ones were lost.
    fn write(&self, line: &Line, zone: &Zone) {
        let mut text = file::format(line, zone);
        let lost = self.queue.take_lost();
        if lost > 0 {
            let note = counted(lost, "line") + " lost: the disk does not keep up";
            let note = Line::new(line.at, Level::Warning, Topic::LogFailed, note);
            text.push_str(&file::format(&note, zone));
        }
        if !self.queue.send(text.as_bytes()) {
            self.queue.lose(lost + 1);
        }
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let root = metadata.target().split("::").next();
        root == Some(env!("CARGO_CRATE_NAME"))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Current {
            level,
            zone,
            secrets,
            ..
        } = self.settings.current();
        // A config of many jobs has many lines that nobody wants.
        if line::level(event.metadata()).is_some_and(|known| known < level) {
            return;
        }
        let mut line = Line::of(event, self.now);
        if line.level < level {
            return;
        }
        line.hide(&secrets);
        if line.only != Some(Only::Terminal) {
            self.write(&line, &zone);
        }
        let hidden = line.only == Some(Only::File) && self.form != Form::Json;
        if self.terminal_level.is_some_and(|least| line.level >= least) && !hidden {
            self.console.say(self.form.format(&line, &zone));
        }
    }
}

impl Console {
    /// Shows a line of ours.
    fn say(&self, line: String) {
        self.write(Stream::Stderr, line.into_bytes());
    }
}

#[cfg(test)]
mod tests;
