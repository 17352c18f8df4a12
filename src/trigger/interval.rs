//! Every so many seconds, counted from an anchor.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

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

    /// How many seconds it has.
    #[must_use]
    pub fn in_seconds(self) -> i64 {
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

    /// The same, up to and including `end`.
    #[must_use]
    pub fn until(mut self, end: DateTime<Utc>) -> Self {
        self.bounds.end = Some(end);
        self
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

    /// The anchor not later than `now` that gives the same beat as `anchor`: one in the future was
    /// read from a clock that went wrong, or this clock does.
    #[must_use]
    pub fn anchor_until(&self, anchor: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let ahead = anchor.timestamp() - now.timestamp();
        if ahead <= 0 {
            return anchor.min(now);
        }
        let beats = (ahead + self.every_s - 1) / self.every_s;
        let earlier = TimeDelta::try_seconds(beats.saturating_mul(self.every_s));
        let earlier = earlier.and_then(|earlier| anchor.checked_sub_signed(earlier));
        earlier.unwrap_or(now)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn every(seconds: i64, start: Option<i64>, end: Option<i64>) -> Interval {
        let bounds = Bounds::new(start.map(at), end.map(at)).unwrap();
        Interval::new(seconds, bounds, Zone::utc(), 0)
    }

    #[test]
    fn with_a_start_it_fires_then_and_at_its_beat() {
        let interval = every(60, Some(30), Some(150));
        assert!(!interval.wants_anchor());
        let interval = interval.anchored(at(7));
        assert_eq!(interval.next_after(at(-1_000)), Some(at(30)));
        assert_eq!(interval.next_after(at(29)), Some(at(30)));
        assert_eq!(interval.next_after(at(30)), Some(at(90)));
        assert_eq!(interval.next_after(at(149)), Some(at(150)));
        assert_eq!(interval.next_after(at(150)), None);
    }

    #[test]
    fn without_a_start_it_counts_from_its_anchor() {
        let interval = every(60, None, None);
        assert!(interval.wants_anchor());
        assert_eq!(interval.next_after(at(100)), Some(at(160)));
        let half = chrono::TimeDelta::milliseconds(500);
        let interval = interval.anchored(at(7) + half);
        assert_eq!(interval.next_after(at(-1_000)), Some(at(67)));
        assert_eq!(interval.next_after(at(7)), Some(at(67)));
        assert_eq!(interval.next_after(at(66) + half), Some(at(67)));
        assert_eq!(interval.next_after(at(67) + half), Some(at(127)));
    }

    #[test]
    fn an_anchor_of_the_future_keeps_its_beat() {
        let weekly = every(604_800, None, None);
        for (anchor, now, until) in [
            (100, 100, 100),
            (100, 200, 100),
            (604_900, 604_899, 100),
            (604_900, 100, 100),
            (604_900, 99, 100 - 604_800),
        ] {
            assert_eq!(weekly.anchor_until(at(anchor), at(now)), at(until));
        }
        let next = |anchor, now| {
            let anchor = weekly.anchor_until(at(anchor), at(now));
            weekly.clone().anchored(anchor).next_after(at(now))
        };
        assert_eq!(next(604_900, 99), Some(at(100)));
    }

    #[test]
    fn no_fire_is_later_than_the_year_9999() {
        let interval = every(END_OF_TIME, Some(1), None);
        assert_eq!(interval.next_after(at(0)), Some(at(1)));
        assert_eq!(interval.next_after(at(1)), None);
        let longest = every(i64::MAX, None, None);
        for moment in [DateTime::<Utc>::MIN_UTC, at(0), DateTime::<Utc>::MAX_UTC] {
            assert_eq!(longest.next_after(moment), None);
            assert_eq!(
                every(1, None, None)
                    .anchored(moment)
                    .next_after(DateTime::<Utc>::MAX_UTC),
                None
            );
        }
    }

    #[test]
    fn a_count_is_within_the_calendar() {
        assert_eq!(Unit::Weeks.seconds(2), Ok(1_209_600));
        assert_eq!(Unit::Seconds.seconds(0), Ok(0));
        let fault = Unit::Weeks.seconds(1_000_000_000_000).unwrap_err();
        let message = "`weeks` must be 0-418985, but this is 1000000000000";
        assert_eq!(fault.message, message);
        assert!(Unit::Weeks.seconds(i64::MAX).is_err());
        let fault = Unit::Days.seconds(-1).unwrap_err();
        assert_eq!(fault.message, "`days` must not be negative, but this is -1");
    }

    #[test]
    fn its_text_is_that_of_python() {
        assert_eq!(every(60, None, None).to_string(), "interval[0:01:00]");
        assert_eq!(
            every(86_400, None, None).to_string(),
            "interval[1 day, 0:00:00]"
        );
        assert_eq!(
            every(183_845, None, None).to_string(),
            "interval[2 days, 3:04:05]"
        );
    }
}
