//! What a run by hand shows: the task's own output untouched, and two lines of ours.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::alert::Post;
use crate::clean;
use crate::cli::arguments::{Format, Global};
use crate::cli::output::{self, Paint, paint};
use crate::cli::time;
use crate::job::Job;
use crate::logging::console::{Console, Stream};
use crate::logging::{self, Logging};
use crate::run::{Ended, Level, Outcome, Record, Run};
use crate::secret::Secrets;
use crate::task::Output;

/// Where the output of the run goes.
pub(super) struct Screen {
    console: Console,
    logging: Arc<Logging>,
    /// What is not shown. The task's own output passes untouched.
    secrets: Secrets,
    /// Where mail goes, if any is wanted.
    post: Option<Post>,
    /// Whether what is no error is left out.
    quiet: bool,
    color: bool,
    /// The least level of a task's log lines that is shown.
    level: Level,
    /// The least level of our own.
    own_level: Level,
    /// For whom the answer is: a record needs stdout for itself.
    format: Format,
    /// Whether both streams are seen in one place.
    is_one_place: bool,
    /// Whether the task's last line on stderr, or in that place, has no end yet.
    is_amid_line: AtomicBool,
}

impl Screen {
    pub(super) fn new(
        global: &Global,
        format: Format,
        level: Level,
        console: Console,
        logging: Arc<Logging>,
        post: Option<Post>,
        secrets: Secrets,
    ) -> Self {
        let color = output::style(global.color, &io::stderr()).color;
        let (level, own_level) = match (global.verbose, global.quiet) {
            (true, _) => (Level::Debug, Level::Debug),
            (false, true) => (level.max(Level::Error), Level::Error),
            (false, false) => (level, Level::Warning),
        };
        Self {
            console,
            logging,
            post,
            secrets,
            quiet: global.quiet,
            color,
            level,
            own_level,
            format,
            is_one_place: io::stdout().is_terminal() && io::stderr().is_terminal(),
            is_amid_line: AtomicBool::new(false),
        }
    }

    /// Something that the user should know of the run.
    pub(super) fn note(&self, text: &str) {
        if self.quiet {
            return;
        }
        self.say(&format!(
            "{}: {}",
            paint("note", Paint::Help, self.color),
            clean::line(text)
        ));
    }

    /// What went wrong beside the run.
    pub(super) fn error(&self, text: &str) {
        let word = paint("error", Paint::Error, self.color);
        self.say(&format!("{word}: {}", clean::line(text)));
    }

    /// How the run ended.
    pub(super) fn end(&self, job: &Job, ended: &Ended) {
        if self.quiet && ended.outcome == Outcome::Success {
            return;
        }
        if let Some(error) = &ended.error {
            error
                .traceback
                .lines()
                .for_each(|line| self.say(&clean::line(line)));
        }
        let (word, how) = match ended.outcome {
            Outcome::Success => ("ok   ", Paint::Good),
            Outcome::Timeout => ("TIMEOUT", Paint::Error),
            Outcome::Interrupted => ("stopped", Paint::Warning),
            Outcome::Failure
            | Outcome::Killed
            | Outcome::Skipped
            | Outcome::Coalesced
            | Outcome::Missed => ("FAILED", Paint::Error),
        };
        let name = clean::line(&job.name);
        let took = time::span(ended.took);
        let after = if ended.outcome == Outcome::Timeout {
            "after"
        } else {
            "in"
        };
        let why = why(ended).map(|why| format!(": {why}")).unwrap_or_default();
        let word = paint(word, how, self.color);
        let line = format!("{word} {name} {after} {took}{}", clean::line(&why));
        self.write(&self.secrets.mask_around(&line, &name));
    }

    /// One line of ours on stderr.
    fn say(&self, line: &str) {
        self.write(&self.secrets.mask(line));
    }

    fn write(&self, line: &str) {
        let amid = self.is_amid_line.swap(false, Ordering::Relaxed);
        let before = if amid { "\n" } else { "" };
        let line = format!("{before}{line}\n");
        self.console.write(Stream::Stderr, line.into_bytes());
    }

    /// Passes on what the task writes.
    fn pass(&self, stream: Stream, run: &Run, bytes: &[u8]) {
        if let Some(last) = bytes.last()
            && (stream == Stream::Stderr || self.is_one_place)
        {
            self.is_amid_line.store(*last != b'\n', Ordering::Relaxed);
        }
        self.console.pass(stream, run, bytes);
    }
}

/// Why a run did not succeed.
fn why(ended: &Ended) -> Option<String> {
    match (&ended.error, ended.outcome) {
        (_, Outcome::Success | Outcome::Timeout | Outcome::Interrupted) => None,
        (Some(error), _) => Some(format!("{}: {}", error.class, error.message)),
        (None, _) => ended
            .signal
            .map(|signal| format!("ended by signal {signal}"))
            .or_else(|| ended.exit_code.map(|code| format!("exit code {code}"))),
    }
}

impl Output for Screen {
    fn stdout(&self, run: &Run, bytes: &[u8]) {
        let stream = match self.format {
            Format::Text => Stream::Stdout,
            Format::Json => Stream::Stderr,
        };
        self.pass(stream, run, bytes);
    }

    fn stderr(&self, run: &Run, bytes: &[u8]) {
        self.pass(Stream::Stderr, run, bytes);
    }

    fn handled(&self, run: &Run) {
        if let Some(post) = &self.post {
            post.handled(run);
        }
    }

    fn wants_records(&self) -> bool {
        !self.logging.is_behind()
    }

    fn record(&self, run: &Run, record: &Record) {
        logging::task_record(run, record);
        if let (Some(post), Some(alarm)) = (&self.post, &record.alarm) {
            post.critical(run, alarm, record.at);
        }
        let ours = record.file == "sched";
        if record.level < self.level || (ours && record.level < self.own_level) {
            return;
        }
        let (word, how) = match record.level {
            Level::Debug => ("DEBUG", Paint::Dim),
            Level::Info => ("INFO ", Paint::Dim),
            Level::Warning => ("WARN ", Paint::Warning),
            Level::Error => ("ERROR", Paint::Error),
            Level::Critical => ("CRIT ", Paint::Error),
        };
        // As a whole: each line may be a part of a secret.
        let message = self.secrets.mask(&record.message);
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default();
        self.say(&format!(
            "{} {}",
            paint(word, how, self.color),
            clean::line(first)
        ));
        lines.for_each(|line| self.say(&format!("      {}", clean::line(line))));
    }
}
