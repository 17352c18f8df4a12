//! When a job is due: pure rules that yield instants.
//!
//! Not for how a trigger is written down (that is `config`), nor for what happens to a fire that
//! is late (that is `scheduler`). Nothing here reads a clock.

pub mod bound;
pub mod cron;
mod date;
mod english;
mod identity;
mod interval;
pub mod zone;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

pub use cron::Cron;
pub use date::Date;
pub use english::ordinal;
pub use interval::{Interval, Unit};
pub use zone::Zone;

/// A rule that yields fire times.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Every so many seconds.
    Interval(Interval),
    /// When the wall clock reads so. Jobs of the same schedule may share it.
    Cron(Arc<Cron>),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Bounds {
    /// Not before.
    pub start: Option<DateTime<Utc>>,
    /// Not after.
    pub end: Option<DateTime<Utc>>,
}

/// The last second of the year 9999: no search reaches further.
const END_OF_TIME: i64 = 253_402_300_799;

impl Fault {
    /// A fault without a way out, of the whole value.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Vec::new(),
            part: None,
        }
    }

    /// The same, with one more way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same, of these bytes of the value's text only.
    #[must_use]
    pub fn at(mut self, part: Range<usize>) -> Self {
        self.part = Some(part);
        self
    }

    /// What the user wrote, cut where it is too long to read, control characters made visible.
    fn shown(text: &str) -> String {
        const LONGEST: usize = 60;
        let mut shown = String::new();
        for (index, c) in text.chars().enumerate() {
            if index == LONGEST {
                shown.push('…');
                break;
            }
            if c.is_control() {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        shown
    }
}

impl Bounds {
    /// The bounds of a trigger's `start_date` and `end_date`.
    ///
    /// # Errors
    /// Where the end is before the start.
    pub fn new(start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> Result<Self, Fault> {
        match (start, end) {
            (Some(start), Some(end)) if end < start => {
                Err(Fault::new("`end_date` is before `start_date`")
                    .help("a trigger fires from `start_date` up to and including `end_date`"))
            }
            _ => Ok(Self { start, end }),
        }
    }

    /// The whole second after which the first fire may come, for a search that begins after
    /// `after`.
    fn search_after(&self, after: DateTime<Utc>) -> i64 {
        // Fire times are whole seconds: one is later than a moment within a second exactly if it
        // is later than the second's beginning.
        let after = after.timestamp();
        self.start
            .map_or(after, |start| after.max(first_second(start) - 1))
    }

    /// The fire time `at`, unless it is too late for these bounds or the calendar.
    fn admit(&self, at: i64) -> Option<DateTime<Utc>> {
        let at = DateTime::from_timestamp(at, 0).filter(|_| at <= END_OF_TIME)?;
        self.end.is_none_or(|end| at <= end).then_some(at)
    }
}

/// The first whole second that is not before `at`.
fn first_second(at: DateTime<Utc>) -> i64 {
    at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0)
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

    /// The same trigger with that `end_date`; dates and lists of triggers have none.
    #[must_use]
    pub fn until(self, end: DateTime<Utc>) -> Self {
        match self {
            Self::Interval(interval) => Self::Interval(interval.until(end)),
            Self::Cron(cron) => Self::Cron(Arc::new(Arc::unwrap_or_clone(cron).until(end))),
            Self::Date(_) | Self::Any(_) => self,
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

    /// The anchor not later than `now` that gives the same fires as `anchor`; for a list of
    /// triggers, with beats that need not fit each other, `now` where `anchor` is later.
    #[must_use]
    pub fn anchor_until(&self, anchor: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Interval(interval) => interval.anchor_until(anchor, now),
            Self::Cron(_) | Self::Date(_) | Self::Any(_) => anchor.min(now),
        }
    }

    /// The zone in which it reads and writes wall-clock times; of a list, the first one's.
    ///
    /// # Panics
    /// Where a list is empty: the caller has reported that.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        match self {
            Self::Interval(interval) => interval.zone(),
            Self::Cron(cron) => cron.zone(),
            Self::Date(date) => date.zone(),
            Self::Any(triggers) => triggers
                .first()
                .expect("a list of triggers has at least one")
                .zone(),
        }
    }

    /// By how many seconds a fire at `fire_time` may be delayed at most; 0 for none.
    ///
    /// Of several triggers that fire then, the least.
    #[must_use]
    pub fn jitter_s(&self, fire_time: DateTime<Utc>) -> u32 {
        match self {
            Self::Interval(interval) => interval.jitter_s(),
            Self::Cron(cron) => cron.jitter_s(),
            Self::Date(date) => date.jitter_s(),
            Self::Any(triggers) => triggers
                .iter()
                .filter(|one| one.fires_at(fire_time))
                .map(|one| one.jitter_s(fire_time))
                .min()
                .unwrap_or(0),
        }
    }

    /// By how many seconds any fire may be delayed at most.
    #[must_use]
    pub fn longest_jitter_s(&self) -> u32 {
        match self {
            Self::Interval(interval) => interval.jitter_s(),
            Self::Cron(cron) => cron.jitter_s(),
            Self::Date(date) => date.jitter_s(),
            Self::Any(triggers) => {
                let each = triggers.iter().map(Self::longest_jitter_s);
                each.max().unwrap_or(0)
            }
        }
    }

    /// Whether `fire_time` is that of a date, which fires once, ever.
    #[must_use]
    pub fn is_once(&self, fire_time: DateTime<Utc>) -> bool {
        match self {
            Self::Interval(_) | Self::Cron(_) => false,
            Self::Date(date) => date.at() == fire_time,
            Self::Any(triggers) => triggers.iter().any(|one| one.is_once(fire_time)),
        }
    }

    /// A text that is the same as long as the fire times are, an interval's anchor aside.
    #[must_use]
    pub fn identity(&self) -> String {
        identity::of(self)
    }

    /// Whether it fires at other times than `other`. An interval in another zone fires when it did.
    #[must_use]
    pub fn fires_otherwise(&self, other: &Self) -> bool {
        self != other && self.identity() != other.identity()
    }

    /// Whether it fires at other times than `other`, or may be delayed by more or less.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        self != other && identity::with_jitter(self) != identity::with_jitter(other)
    }

    /// The wall-clock time that was asked for where it does not exist that day, and the fire at
    /// `fire_time` is in its stead.
    #[must_use]
    pub fn skipped_reading(&self, fire_time: DateTime<Utc>) -> Option<NaiveDateTime> {
        match self {
            Self::Cron(cron) => cron.skipped_reading(fire_time),
            Self::Interval(_) | Self::Date(_) => None,
            Self::Any(triggers) => triggers
                .iter()
                .filter(|one| one.fires_at(fire_time))
                .filter_map(|one| one.skipped_reading(fire_time))
                .min(),
        }
    }

    /// Whether that is one of its fire times.
    #[must_use]
    pub fn fires_at(&self, fire_time: DateTime<Utc>) -> bool {
        fire_time
            .checked_sub_signed(TimeDelta::nanoseconds(1))
            .is_some_and(|before| self.next_after(before) == Some(fire_time))
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
        match self {
            Self::Interval(interval) => interval.fmt(f),
            Self::Cron(cron) => cron.fmt(f),
            Self::Date(date) => date.fmt(f),
            Self::Any(triggers) => triggers.iter().enumerate().try_for_each(|(index, one)| {
                let comma = if index == 0 { "" } else { ", " };
                write!(f, "{comma}{one}")
            }),
        }
    }
}

#[cfg(test)]
mod tests;
