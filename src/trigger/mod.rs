//! When a job is due: pure rules that yield instants.
//!
//! Not for how a trigger is written down (that is `config`), nor for what happens to a fire that
//! is late (that is `scheduler`). Nothing here reads a clock.

pub mod bound;
pub mod cron;
mod date;
mod english;
mod interval;
pub mod zone;

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, Utc};

pub use cron::Cron;
pub use date::Date;
pub use interval::Interval;
pub use zone::Zone;

/// A rule that yields fire times.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Every so many seconds.
    Interval(Interval),
    /// When the wall clock reads so.
    Cron(Box<Cron>),
    /// Once.
    Date(Date),
    /// When any of several triggers fires, once per instant.
    Any(Vec<Trigger>),
}

/// Something in a trigger that cannot be: a value of one of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong: a lower-case fragment, with what the user wrote in backticks.
    pub message: String,
    /// Ways out, one a line.
    pub help: Vec<String>,
    /// Which bytes of the value's text are meant; `None` for all of it.
    pub part: Option<Range<usize>>,
}

/// The first and the last instant at which a trigger may fire, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Not before.
    pub start: Option<DateTime<Utc>>,
    /// Not after.
    pub end: Option<DateTime<Utc>>,
}

impl Trigger {
    /// The first fire time after `after`, exclusive; `None` once the trigger is spent.
    ///
    /// Fire times are whole seconds. An interval that has no anchor yet counts from `after`.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Interval(interval) => interval.next_after(after),
            Self::Cron(cron) => cron.next_after(after),
            Self::Date(date) => date.next_after(after),
            Self::Any(triggers) => triggers
                .iter()
                .filter_map(|one| one.next_after(after))
                .min(),
        }
    }

    /// Whether it counts from an anchor that it does not name itself: an interval without
    /// `start_date`, or a list with such an interval.
    #[must_use]
    pub fn wants_anchor(&self) -> bool {
        match self {
            Self::Interval(interval) => interval.wants_anchor(),
            Self::Cron(_) | Self::Date(_) => false,
            Self::Any(triggers) => triggers.iter().any(Self::wants_anchor),
        }
    }

    /// The same trigger, its intervals without `start_date` counted from `anchor`.
    #[must_use]
    pub fn anchored(self, anchor: DateTime<Utc>) -> Self {
        match self {
            Self::Interval(interval) => Self::Interval(interval.anchored(anchor)),
            Self::Cron(_) | Self::Date(_) => self,
            Self::Any(triggers) => Self::Any(
                triggers
                    .into_iter()
                    .map(|one| one.anchored(anchor))
                    .collect(),
            ),
        }
    }

    /// The zone in which it reads and writes wall-clock times; of a list, the first one's.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        todo!()
    }

    /// By how many seconds a fire at `fire_time` may be delayed at most; 0 for none.
    ///
    /// Of several triggers that fire then, the least.
    #[must_use]
    pub fn jitter_s(&self, _fire_time: DateTime<Utc>) -> u32 {
        todo!()
    }

    /// The trigger in plain English, such as `at 00:01 on day 1 of every month`.
    ///
    /// Two triggers with the same text have the same fire times (in the same zone, between the
    /// same bounds, from the same anchor).
    #[must_use]
    pub fn english(&self) -> String {
        english::trigger(self)
    }
}

impl fmt::Display for Trigger {
    /// APScheduler's text, such as `cron[day='1', hour='0', minute='1']` or `interval[0:01:00]`;
    /// of a list, its triggers' texts joined by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}
