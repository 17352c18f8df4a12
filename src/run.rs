//! What happened: the record of one run, in the words of the contract.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The name of one run: a ULID, which sorts by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(u128);

/// Why a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its fire time came.
    Schedule,
    /// Its fire time passed while `sched` was down.
    CatchUp,
    /// The attempt before it failed.
    Retry,
    /// Somebody asked for it.
    Manual,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The task returned.
    Success,
    /// An exception, or an exit code that is not zero.
    Failure,
    /// It ran into its timeout.
    Timeout,
    /// A signal ended it.
    Killed,
    /// `sched` stopped or died while it ran.
    Interrupted,
    /// Not started: `max_instances` runs of the job were going on.
    Skipped,
    /// Not started: a later fire ran in its stead.
    Coalesced,
    /// Not started: later than its `misfire_grace_time`.
    Missed,
}

/// The exception that ended a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// The class of the exception, such as `ValueError`.
    pub class: String,
    /// Its text.
    pub message: String,
    /// The whole traceback, with causes.
    pub traceback: String,
}

/// How one attempt ended, with all that it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code of its process, where it exited.
    pub exit_code: Option<i32>,
    /// The signal that ended its process, by number.
    pub signal: Option<i32>,
    /// `str()` of what the function returned, at most 10,000 characters; `None` for `None`.
    pub returned: Option<String>,
    /// The exception that ended it.
    pub error: Option<RunError>,
    /// The last 64 KiB of its standard output.
    pub stdout: String,
    /// The last 64 KiB of its standard error.
    pub stderr: String,
    /// How long it took, by the monotonic clock.
    pub took: Duration,
}

/// How much a log line matters, in the order of Python's `logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Level {
    /// For who looks for a fault.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What may be wrong.
    Warning,
    /// What is wrong.
    Error,
    /// What somebody must be told of.
    Critical,
}

/// One line that a task logs with `log(…)` or Python's `logging`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How much it matters.
    pub level: Level,
    /// When it was made, by the task's clock.
    pub at: DateTime<Utc>,
    /// The name of the file of the caller, such as `test.py`.
    pub file: String,
    /// The name of the function that called.
    pub function: String,
    /// The line of the call, from 1.
    pub line: u32,
    /// The text; it may have several lines.
    pub message: String,
}

/// What the scheduler wants of a run that is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Order {
    /// Nothing.
    #[default]
    GoOn,
    /// TERM to its process group, and KILL five seconds later.
    Terminate,
    /// KILL to its process group, now.
    Kill,
}

/// One attempt at one fire: what is known when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The job's name.
    pub job: String,
    /// Why it began.
    pub cause: Cause,
    /// The fire time; `None` for a run by hand.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When it began, by the wall clock.
    pub started: DateTime<Utc>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

impl RunId {
    /// The name of a run that began at `at`, told apart from others by 80 bits of `random`.
    ///
    /// Source: the ULID specification (48 bits of milliseconds since 1970, 80 random bits).
    #[must_use]
    pub fn new(at: DateTime<Utc>, random: u128) -> Self {
        let millis =
            u128::from(u64::try_from(at.timestamp_millis()).unwrap_or(0) & 0xFFFF_FFFF_FFFF);
        Self(millis << 80 | random & ((1 << 80) - 1))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        (0..26).rev().try_for_each(|digit| {
            let index = usize::try_from(self.0 >> (5 * digit) & 31).expect("five bits fit");
            write!(f, "{}", char::from(CROCKFORD[index]))
        })
    }
}

impl Cause {
    /// The word that people and programs read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::CatchUp => "catch-up",
            Self::Retry => "retry",
            Self::Manual => "manual",
        }
    }
}

impl Level {
    /// Python's name of it, as it stands in `scheduler.log`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    /// The level of that name, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [
            Self::Debug,
            Self::Info,
            Self::Warning,
            Self::Error,
            Self::Critical,
        ]
        .into_iter()
        .find(|level| level.word().eq_ignore_ascii_case(word))
    }
}

impl Outcome {
    /// The word that people and programs read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
            Self::Killed => "killed",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
            Self::Coalesced => "coalesced",
            Self::Missed => "missed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_is_a_ulid_that_sorts_by_time() {
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        // The example of the ULID specification: 01ARYZ6S41 is 1469918176385.
        assert_eq!(
            RunId::new(at(1_469_918_176_385), 0).to_string(),
            "01ARYZ6S410000000000000000"
        );
        assert!(RunId::new(at(1), u128::MAX) < RunId::new(at(2), 0));
    }
}
