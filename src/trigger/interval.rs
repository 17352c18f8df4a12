//! Every so many seconds, counted from an anchor.

use std::fmt;

use chrono::{DateTime, Utc};

use super::{Bounds, END_OF_TIME, Fault, Zone, first_second};

/// A trigger that fires at its anchor's beat.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    every_s: i64,
    anchor: Option<DateTime<Utc>>,
    bounds: Bounds,
    zone: Zone,
    jitter_s: u32,
}

/// What an interval is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// 7 days
    Weeks,
    /// 86,400 seconds, also when the clocks change.
    Days,
    /// 3,600 seconds
    Hours,
    /// 60 seconds
    Minutes,
    /// The unit of all of them.
    Seconds,
}

impl Unit {
    /// All units, greatest first.
    pub const ALL: [Self; 5] = [
        Self::Weeks,
        Self::Days,
        Self::Hours,
        Self::Minutes,
        Self::Seconds,
    ];

    /// The key of the config that counts in it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Weeks => "weeks",
            Self::Days => "days",
            Self::Hours => "hours",
            Self::Minutes => "minutes",
            Self::Seconds => "seconds",
        }
    }

    fn in_seconds(self) -> i64 {
        match self {
            Self::Weeks => 604_800,
            Self::Days => 86_400,
            Self::Hours => 3_600,
            Self::Minutes => 60,
            Self::Seconds => 1,
        }
    }

    /// How many seconds `count` of it are; five such numbers can be added without overflow.
    ///
    /// # Errors
    /// Where `count` is negative, or reaches beyond the calendar.
    pub fn seconds(self, count: i64) -> Result<i64, Fault> {
        let key = self.key();
        if count < 0 {
            return Err(Fault::new(format!(
                "`{key}` must not be negative, but this is {count}"
            )));
        }
        count
            .checked_mul(self.in_seconds())
            .filter(|seconds| *seconds <= END_OF_TIME)
            .ok_or_else(|| {
                let most = END_OF_TIME / self.in_seconds();
                Fault::new(format!("`{key}` must be 0-{most}, but this is {count}"))
                    .help("no fire can be later than the year 9999")
            })
    }
}

impl Interval {
    /// A trigger that fires every `every_s` seconds, from `bounds.start` if that is given.
    ///
    /// # Panics
    /// Where `every_s` is not positive: a bug of the caller.
    #[must_use]
    pub fn new(every_s: i64, bounds: Bounds, zone: Zone, jitter_s: u32) -> Self {
        assert!(every_s > 0, "an interval is positive");
        Self {
            every_s,
            anchor: None,
            bounds,
            zone,
            jitter_s,
        }
    }

    /// The first fire time after `after`; `None` once the trigger is spent.
    ///
    /// With a `start_date` the first fire is then, otherwise one interval after the anchor; where
    /// there is no anchor yet, one interval after `after`.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (anchor, first) = match self.bounds.start {
            Some(start) => (first_second(start), 0),
            None => (self.anchor.unwrap_or(after).timestamp(), 1),
        };
        let beats = (after.timestamp() - anchor).div_euclid(self.every_s) + 1;
        let offset_s = beats.max(first).checked_mul(self.every_s)?;
        self.bounds.admit(anchor.checked_add(offset_s)?)
    }

    /// Whether its beat begins when the job is first seen.
    #[must_use]
    pub fn wants_anchor(&self) -> bool {
        self.bounds.start.is_none()
    }

    /// The same, counted from `anchor` (its whole second) unless it has a `start_date`.
    #[must_use]
    pub fn anchored(self, anchor: DateTime<Utc>) -> Self {
        Self {
            anchor: Some(anchor).filter(|_| self.wants_anchor()),
            ..self
        }
    }

    /// The seconds from one fire to the next.
    #[must_use]
    pub fn every_s(&self) -> i64 {
        self.every_s
    }

    /// Between which instants it fires.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The zone in which its bounds are written and its fires shown.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// By how many seconds a fire may be delayed at most.
    #[must_use]
    pub fn jitter_s(&self) -> u32 {
        self.jitter_s
    }
}

impl fmt::Display for Interval {
    /// APScheduler's text, with Python's of a `timedelta`: `interval[1 day, 0:00:00]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.every_s / 86_400, self.every_s % 86_400);
        let (hours, minutes, seconds) = (rest / 3_600, rest / 60 % 60, rest % 60);
        let days = match days {
            0 => String::new(),
            1 => "1 day, ".to_owned(),
            several => format!("{several} days, "),
        };
        write!(f, "interval[{days}{hours}:{minutes:02}:{seconds:02}]")
    }
}
