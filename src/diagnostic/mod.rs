//! What is wrong with a user's file: data with a place, collected and reported all at once.
//!
//! Not for errors of the world (a file that cannot be read, a database that is locked): those are
//! `Error`s of the module that met them. Text and JSON are two renderings of the same data.

mod gathered;
pub mod hidden;
pub mod json;
mod near;
pub mod place;
pub mod render;
mod snippet;

use std::borrow::Cow;

pub use gathered::{Gathered, gather};
pub use near::{did_you_mean, near};

/// A piece of the source text, as offsets in bytes; `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset of the byte after the last one.
    pub end: u32,
}

/// Whether a diagnostic makes the file invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The file, or the job, cannot be used as it is.
    Error,
    /// It can be used, but probably means something else than it looks like.
    Warning,
}

/// What kind of fault it is: a stable word that programs may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The file is not YAML, or YAML that is refused.
    Yaml,
    /// The file has no `scheduler` section.
    MissingSection,
    /// The `scheduler` section has no jobs.
    EmptySection,
    /// A key that does not exist there.
    UnknownKey,
    /// A key that is needed and not there.
    MissingKey,
    /// A job's name that names no function.
    BadName,
    /// A value of the wrong type or out of range.
    BadValue,
    /// A time zone that does not exist.
    UnknownZone,
    /// A task that does not exist.
    UnknownTask,
    /// A context manager that does not exist.
    UnknownContextManager,
    /// An error handler that does not exist.
    UnknownErrorHandler,
    /// A key that is given twice.
    DuplicateKey,
    /// A trigger without any fire time.
    NeverFires,
    /// A `date` trigger whose time has passed.
    PastDate,
    /// A plain scalar that means something else than it looks like.
    SurprisingValue,
    /// A key that is accepted and has no effect.
    IgnoredKey,
    /// A value that lies in a cloud's secret store.
    CloudSecret,
    /// A directive of docassemble that `sched` cannot honour.
    Unsupported,
    /// Something that a job needs and that is not on this machine.
    NotFound,
    /// Something that could not be checked.
    Unchecked,
}

/// A second place that belongs to a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where it is.
    pub span: Span,
    /// What is there, a fragment such as `first one`.
    pub note: Cow<'static, str>,
}

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it makes the file invalid.
    pub severity: Severity,
    /// What kind of fault it is.
    pub code: Code,
    /// What is wrong: a lower-case fragment, with what the user wrote in backticks.
    pub message: String,
    /// Where it is; `None` for a fault of the file as a whole.
    pub span: Option<Span>,
    /// A few words beside the caret.
    pub note: Option<Cow<'static, str>>,
    /// Another place that belongs to it.
    pub related: Option<Related>,
    /// The job that it belongs to, by its name.
    pub job: Option<String>,
    /// Ways out, one a line.
    pub help: Vec<String>,
}

impl Span {
    /// The piece from `start` up to, not including, `end`, both in bytes.
    ///
    /// Offsets beyond `u32` are cut off; files that long are refused before they are parsed.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let cut = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: cut(start),
            end: cut(end),
        }
    }

    /// This piece of `text`; empty where the span does not fit the text.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

impl Severity {
    /// The word that people and programs read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Code {
    /// The stable word of this code.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::MissingSection => "missing-section",
            Self::EmptySection => "empty-section",
            Self::UnknownKey => "unknown-key",
            Self::MissingKey => "missing-key",
            Self::BadName => "bad-name",
            Self::BadValue => "bad-value",
            Self::UnknownZone => "unknown-zone",
            Self::UnknownTask => "unknown-task",
            Self::UnknownContextManager => "unknown-contextmanager",
            Self::UnknownErrorHandler => "unknown-error-handler",
            Self::DuplicateKey => "duplicate-key",
            Self::NeverFires => "never-fires",
            Self::PastDate => "past-date",
            Self::SurprisingValue => "surprising-value",
            Self::IgnoredKey => "ignored-key",
            Self::CloudSecret => "cloud-secret",
            Self::Unsupported => "unsupported",
            Self::NotFound => "not-found",
            Self::Unchecked => "unchecked",
        }
    }
}

impl Diagnostic {
    /// An error without a place, to be completed by the `with_…` functions.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: None,
            note: None,
            related: None,
            job: None,
            help: Vec::new(),
        }
    }

    /// A warning without a place, to be completed by the `with_…` functions.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same, at `span`.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same, with a few words beside the caret.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<Cow<'static, str>>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The same, with a second place.
    #[must_use]
    pub fn with_related(mut self, span: Span, note: impl Into<Cow<'static, str>>) -> Self {
        self.related = Some(Related {
            span,
            note: note.into(),
        });
        self
    }

    /// The same, with one more way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same, as a fault of the job of that name.
    #[must_use]
    pub fn of_job(mut self, job: &str) -> Self {
        self.job = Some(job.to_owned());
        self
    }

    /// Whether this makes the file invalid.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
