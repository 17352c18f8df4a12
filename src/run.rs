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

/// How much of a stream and of other long texts is kept, in bytes: their end.
pub const KEPT_BYTES: usize = 64 * 1024;

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
    /// The last [`KEPT_BYTES`] of its standard output.
    pub stdout: String,
    /// The last [`KEPT_BYTES`] of its standard error.
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
    /// What the mail about a critical line of a task says: the exception that was being handled
    /// there, or the class `Exception` and the text, and how the task came there.
    pub alarm: Option<Box<RunError>>,
}

/// What became of writing down that a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recorded {
    /// It is written down for good: the run may begin.
    Now,
    /// That attempt at that fire was written down before: it must not run again.
    Before,
    /// It could not be written down. Jobs go on all the same.
    Not,
}

/// An attempt that is still to be made: the one before it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The fire time.
    pub fire_time: DateTime<Utc>,
    /// The number of the attempt, from 2.
    pub attempt: u32,
    /// When it is to begin.
    pub due: DateTime<Utc>,
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

    /// The first and the last name that begin with `prefix`, in any case; `None` where no name
    /// does.
    ///
    /// Source: Crockford's base 32, 26 digits of which the first is at most 7.
    #[must_use]
    pub fn beginning_with(prefix: &str) -> Option<(Self, Self)> {
        let missing = 26_usize
            .checked_sub(prefix.len())
            .filter(|missing| *missing < 26)?;
        let mut digits: u128 = 0;
        for (place, byte) in prefix.bytes().enumerate() {
            let digit = CROCKFORD
                .iter()
                .position(|c| c.eq_ignore_ascii_case(&byte))?;
            if place == 0 && digit > 7 {
                return None;
            }
            digits = digits << 5 | digit as u128;
        }
        let rest = 5 * missing;
        let first = digits << rest;
        Some((Self(first), Self(first | ((1 << rest) - 1))))
    }

    /// With how many characters its name begins that the name of `other` begins with too.
    #[must_use]
    pub fn alike(self, other: Self) -> usize {
        let alike = (self.0 ^ other.0).leading_zeros() as usize;
        // The 26 digits have five bits each, two more than a name: these come first, and are zero.
        (alike + 2) / 5
    }

    /// Its sixteen bytes, which sort as it does.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The name with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

/// The digits of a run's name.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..26).rev().try_for_each(|digit| {
            let index = usize::try_from(self.0 >> (5 * digit) & 31).expect("five bits fit");
            write!(f, "{}", char::from(CROCKFORD[index]))
        })
    }
}

impl Ended {
    /// An end of which no more is known than how it was.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            exit_code: None,
            signal: None,
            returned: None,
            error: None,
            stdout: String::new(),
            stderr: String::new(),
            took: Duration::ZERO,
        }
    }
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::Schedule, Self::CatchUp, Self::Retry, Self::Manual];

    /// The cause of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }

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
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Failure,
        Self::Timeout,
        Self::Killed,
        Self::Interrupted,
        Self::Skipped,
        Self::Coalesced,
        Self::Missed,
    ];

    /// The outcome of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    /// Whether the job did not do what it was meant to, without anybody having asked it to end.
    #[must_use]
    pub fn is_failure(self) -> bool {
        match self {
            Self::Failure | Self::Timeout | Self::Killed => true,
            Self::Success | Self::Interrupted | Self::Skipped | Self::Coalesced | Self::Missed => {
                false
            }
        }
    }

    /// Whether a process was started.
    #[must_use]
    pub fn has_run(self) -> bool {
        match self {
            Self::Success | Self::Failure | Self::Timeout | Self::Killed | Self::Interrupted => {
                true
            }
            Self::Skipped | Self::Coalesced | Self::Missed => false,
        }
    }

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

    #[test]
    fn a_run_is_found_by_the_beginning_of_its_name() {
        let at = DateTime::from_timestamp_millis(1_469_918_176_385).unwrap();
        let id = RunId::new(at, 0x1234_5678_9abc_def0);
        let (first, last) = RunId::beginning_with("01aryz6s").unwrap();
        assert!(first <= id && id <= last);
        assert_eq!(first.to_string(), "01ARYZ6S000000000000000000");
        assert_eq!(last.to_string(), "01ARYZ6SZZZZZZZZZZZZZZZZZZ");
        let whole = RunId::beginning_with(&id.to_string());
        assert_eq!(whole, Some((id, id)));
        assert_eq!(RunId::from_bytes(id.to_bytes()), id);
        for none in ["", "8", "test.heartbeat", "U", "ü", &"0".repeat(27)] {
            assert_eq!(RunId::beginning_with(none), None, "{none}");
        }
        for length in 1..26 {
            let (first, last) = RunId::beginning_with(&id.to_string()[..length]).unwrap();
            assert_eq!(first.alike(last), length);
        }
        assert_eq!(id.alike(id), 26);
        let most = RunId::beginning_with("7").unwrap().1;
        assert_eq!(most, RunId(u128::MAX));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::named(outcome.word()), Some(outcome));
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::named(cause.word()), Some(cause));
        }
        assert_eq!(Outcome::named("ok"), None);
    }
}
