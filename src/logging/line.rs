//! One event, with the fields that the forms of the log know.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tracing::Event;
use tracing::field::{Field, Visit};

use super::topic::Topic;
use crate::run::Level;
use crate::secret::Secrets;

/// One event as all forms of the log see it. Nothing in it is clean yet.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// When it happened.
    pub(super) at: DateTime<Utc>,
    /// How much it matters.
    pub(super) level: Level,
    /// File, function and line.
    pub(super) place: String,
    /// The text.
    pub(super) message: String,
    /// The text on the terminal.
    pub(super) short: Option<String>,
    /// The word before it.
    pub(super) tag: Option<String>,
    /// What it is about, for programs.
    pub(super) topic: Topic,
    /// Where alone it is to be seen, if not everywhere.
    pub(super) only: Option<Only>,
    /// The job it is about.
    pub(super) job: Option<String>,
    /// The run it is about.
    pub(super) run_id: Option<String>,
    /// What else programs may want to know.
    pub(super) facts: Map<String, Value>,
}

/// The one place where a line is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Only {
    /// `scheduler.log`.
    File,
    /// The terminal.
    Terminal,
}

impl Only {
    fn named(word: &str) -> Option<Self> {
        match word {
            "file" => Some(Self::File),
            "terminal" => Some(Self::Terminal),
            _ => None,
        }
    }
}

impl Line {
    /// A line of ours.
    pub(super) fn new(at: DateTime<Utc>, level: Level, topic: Topic, message: String) -> Self {
        Self {
            at,
            level,
            place: "sched->run(0)".to_owned(),
            message,
            short: None,
            tag: None,
            topic,
            only: None,
            job: None,
            run_id: None,
            facts: Map::new(),
        }
    }

    /// What `event` says, at the time that it names, or now.
    pub(super) fn of(event: &Event<'_>, now: fn() -> DateTime<Utc>) -> Self {
        let level = level(*event.metadata().level());
        let mut line = Self::new(now(), level, Topic::default(), String::new());
        event.record(&mut line);
        line
    }

    /// Hides secrets in everything that is text.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        let job = self.job.as_deref().unwrap_or_default();
        let facts = self.facts.values_mut().filter_map(|fact| match fact {
            Value::String(text) => Some(text),
            _ => None,
        });
        for text in [&mut self.message]
            .into_iter()
            .chain(&mut self.short)
            .chain(facts)
        {
            if let Cow::Owned(masked) = secrets.mask_around(text, job) {
                *text = masked;
            }
        }
    }

    fn take(&mut self, field: &str, text: String) {
        match field {
            "message" => self.message = text,
            "short" => self.short = Some(text),
            "tag" => self.tag = Some(text),
            "event" => self.topic = Topic::named(&text).unwrap_or_default(),
            "job" => self.job = Some(text),
            "run_id" => self.run_id = Some(text),
            "place" => self.place = text,
            "only" => self.only = Only::named(&text),
            "level" => self.level = Level::named(&text).unwrap_or_default(),
            other => {
                self.facts.insert(other.to_owned(), text.into());
            }
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "at_us" {
            self.at = DateTime::from_timestamp_micros(value).unwrap_or(self.at);
        } else {
            self.facts.insert(field.name().to_owned(), value.into());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.facts.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.facts.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.facts.insert(field.name().to_owned(), value.into());
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG | tracing::Level::TRACE => Level::Debug,
    }
}
