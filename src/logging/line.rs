//! One event, with the fields that the forms of the log know.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use super::topic::Topic;
use crate::run::Level;
use crate::secret::Secrets;

/// How much room a text is given, in bytes, so that it need not grow.
const USUAL_BYTES: usize = 128;

/// The field that tells the level in place of the event's own.
const LEVEL: &str = "level";

/// One event as all forms of the log see it. Nothing in it is clean yet.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// When it happened.
    pub(super) at: DateTime<Utc>,
    /// How much it matters.
    pub(super) level: Level,
    /// File, function and line.
    pub(super) place: Cow<'static, str>,
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
            place: "sched->run(0)".into(),
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
        let level = level_of_event(event.metadata());
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

    fn take(&mut self, field: &str, text: Cow<'_, str>) {
        match field {
            "message" => self.message = text.into_owned(),
            "short" => self.short = Some(text.into_owned()),
            "tag" => self.tag = Some(text.into_owned()),
            "event" => self.topic = Topic::named(&text).unwrap_or_default(),
            "job" => self.job = Some(text.into_owned()),
            "run_id" => self.run_id = Some(text.into_owned()),
            "place" => self.place = text.into_owned().into(),
            "only" => self.only = Only::named(&text),
            LEVEL => self.level = Level::named(&text).unwrap_or_default(),
            other => {
                self.facts.insert(other.to_owned(), text.into());
            }
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::with_capacity(USUAL_BYTES);
        write!(text, "{value:?}").expect("a String takes all");
        self.take(field.name(), text.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.into());
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

/// How much an event matters, where that shows before its fields are read.
pub(super) fn level(event: &Metadata<'_>) -> Option<Level> {
    let has_own = event.fields().field(LEVEL).is_some();
    (!has_own).then(|| level_of_event(event))
}

fn level_of_event(event: &Metadata<'_>) -> Level {
    match *event.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG | tracing::Level::TRACE => Level::Debug,
    }
}
