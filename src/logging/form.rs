//! How a line looks on the terminal, under a journal, and for programs.

use anstyle::{AnsiColor, Effects, Style};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::line::Line;
use super::topic::Topic;
use crate::clean;
use crate::run::Level;
use crate::trigger::Zone;

/// How wide the words before jobs and texts are: as wide as the widest, `TIMEOUT`.
const TAG_WIDTH: usize = 7;

/// Where the text begins on the lines after the first, in columns: behind a time of day and a tag.
const INDENT: &str = "                 ";

/// How lines look outside of `scheduler.log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// On a terminal: the time of day, short words, colour where that is wanted.
    Screen {
        /// Whether to colour.
        color: bool,
    },
    /// Into a file or a pipe: the same with date and offset.
    Plain {
        /// Whether to colour.
        color: bool,
    },
    /// For systemd's journal: a priority in place of the time, which the journal adds itself.
    Journal,
    /// For programs: one JSON object a line.
    Json,
}

impl Form {
    /// The line as text, with its line break.
    pub(super) fn format(self, line: &Line, zone: &Zone) -> String {
        match self {
            Self::Screen { color } => {
                let time = zone.local(line.at).format("%H:%M:%S");
                timed(&time.to_string(), line, color)
            }
            Self::Plain { color } => {
                let time = zone.local(line.at).format("%Y-%m-%d %H:%M:%S%:z");
                timed(&time.to_string(), line, color)
            }
            Self::Journal => {
                let priority = priority(line.level);
                format!(
                    "<{priority}>{}",
                    told(line, false, &format!("<{priority}>  "))
                )
            }
            Self::Json => json(line, zone),
        }
    }

    /// A warning about the log itself.
    pub(super) fn complaint(self, at: DateTime<Utc>, zone: &Zone, text: &str) -> String {
        match self {
            Self::Screen { .. } | Self::Plain { .. } => format!("warning: {}\n", clean::line(text)),
            Self::Journal => format!("<4>{}\n", clean::line(text)),
            Self::Json => object(at, zone, Level::Warning, Topic::LogFailed, text),
        }
    }
}

/// A line for programs, with its line break.
#[must_use]
pub fn object(at: DateTime<Utc>, zone: &Zone, level: Level, topic: Topic, message: &str) -> String {
    json(&Line::new(at, level, topic, message.to_owned()), zone)
}

/// The line behind its time.
fn timed(time: &str, line: &Line, color: bool) -> String {
    let time = paint(time, Style::new().effects(Effects::DIMMED), color);
    format!("{time} {}", told(line, color, INDENT))
}

/// Tag, job and text; what follows on further lines begins with `indent`.
fn told(line: &Line, color: bool, indent: &str) -> String {
    let tag = line.tag.as_deref().unwrap_or(tag(line.level));
    let tag = paint(
        &format!("{:<TAG_WIDTH$}", clean::line(tag)),
        look(line, tag),
        color,
    );
    let text = line.short.as_deref().unwrap_or(&line.message);
    let mut lines = text.lines().map(clean::line);
    let first = lines.next().unwrap_or_default();
    let first = match &line.job {
        Some(job) if first.is_empty() => format!("{tag} {}", clean::line(job)),
        Some(job) => format!("{tag} {:<27} {first}", clean::line(job)),
        None => format!("{tag} {first}"),
    };
    let further = lines.map(|further| format!("{indent}{further}"));
    let lines: Vec<String> = std::iter::once(first).chain(further).collect();
    format!("{}\n", lines.join("\n"))
}

fn tag(level: Level) -> &'static str {
    match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warning => "WARN",
        Level::Error => "ERROR",
        Level::Critical => "CRIT",
    }
}

fn look(line: &Line, tag: &str) -> Style {
    match line.level {
        Level::Error | Level::Critical => AnsiColor::Red.on_default().effects(Effects::BOLD),
        Level::Warning => AnsiColor::Yellow.on_default(),
        Level::Info | Level::Debug if tag == "ok" => AnsiColor::Green.on_default(),
        Level::Debug => Style::new().effects(Effects::DIMMED),
        Level::Info => Style::new(),
    }
}

fn paint(text: &str, style: Style, color: bool) -> String {
    if color {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

/// Source: `sd-daemon(3)`.
fn priority(level: Level) -> u8 {
    match level {
        Level::Debug => 7,
        Level::Info => 6,
        Level::Warning => 4,
        Level::Error => 3,
        Level::Critical => 2,
    }
}

fn json(line: &Line, zone: &Zone) -> String {
    let time = zone.local(line.at).format("%Y-%m-%dT%H:%M:%S%.3f%:z");
    let mut object = Map::new();
    let mut add = |key: &str, value: Value| object.insert(key.to_owned(), value);
    add("time", time.to_string().into());
    add("level", line.level.word().to_lowercase().into());
    add("event", line.topic.word().into());
    for (key, value) in [("job", &line.job), ("run_id", &line.run_id)] {
        if let Some(value) = value {
            add(key, value.clone().into());
        }
    }
    for (key, value) in &line.facts {
        add(key, value.clone());
    }
    add("message", line.message.clone().into());
    format!("{}\n", Value::Object(object))
}
