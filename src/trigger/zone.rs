//! Time zones: wall-clock readings, gaps and folds. The only place that knows the zone database.

mod names;
mod spans;

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetName, Tz};

pub(super) use spans::Span;
use spans::Spans;

use super::Fault;

/// A time zone of the IANA database.
#[derive(Clone)]
pub struct Zone {
    tz: Tz,
    spans: &'static Spans,
}

/// A change of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The first instant with the new offset.
    pub at: DateTime<Utc>,
    /// The offset before it.
    pub before: FixedOffset,
    /// The offset from then on.
    pub after: FixedOffset,
}

/// The tables of the zones that were asked for: a config has few, and each is built once.
static TABLES: LazyLock<Mutex<HashMap<Tz, &'static Spans>>> = LazyLock::new(Mutex::default);

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self::of(Tz::UTC)
    }

    /// The zone of that IANA name, such as `America/New_York`.
    ///
    /// # Errors
    /// Where no zone has that name; the fault names near ones, also in the wrong case.
    pub fn named(name: &str) -> Result<Self, Fault> {
        let tz = name.parse().map_err(|_| names::unknown(name))?;
        Ok(Self::of(tz))
    }

    fn of(tz: Tz) -> Self {
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = tables
            .entry(tz)
            .or_insert_with(|| Box::leak(Box::new(Spans::of(tz))));
        Self { tz, spans }
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.tz.name()
    }

    /// The wall-clock reading at `at`, with the offset in force.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&offset(self.spans.since(at.timestamp())[0]))
    }

    /// What people call the zone at `at`, such as `EST`, or `+03` where it has no such name.
    #[must_use]
    pub fn abbreviation(&self, at: DateTime<Utc>) -> String {
        self.tz
            .offset_from_utc_datetime(&at.naive_utc())
            .abbreviation()
            .map_or_else(|| self.local(at).offset().to_string(), str::to_owned)
    }

    /// When the wall clock first reads `reading`: in a fold the first pass, in a gap the first
    /// instant after it. `None` beyond the calendar.
    #[must_use]
    pub fn instant(&self, reading: NaiveDateTime) -> Option<DateTime<Utc>> {
        let at = self.first_reached(reading.and_utc().timestamp());
        let fraction = TimeDelta::nanoseconds(reading.and_utc().timestamp_subsec_nanos().into());
        let at = DateTime::from_timestamp(at, 0)?;
        // A skipped reading has no fraction of a second that could still pass.
        if self.local(at).naive_local() > reading {
            return Some(at);
        }
        at.checked_add_signed(fraction)
    }

    /// The last change of the clocks after `from` and up to `to`.
    #[must_use]
    pub fn last_change(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Change> {
        let last = self.spans.since(to.timestamp())[0];
        let at = DateTime::from_timestamp(last.start, 0).filter(|at| *at > from)?;
        let before = self.spans.since(last.start - 1)[0];
        Some(Change {
            at,
            before: offset(before),
            after: offset(last),
        })
    }

    /// The span of constant offset in which `at` lies, and all after it.
    pub(super) fn spans_since(&self, at: i64) -> &'static [Span] {
        self.spans.since(at)
    }

    /// The greatest reading that the clock reached or skipped up to and at `at`.
    pub(super) fn reached(&self, at: i64) -> i64 {
        self.spans.reached(at)
    }

    /// The first instant at which the clock reaches or passes `reading`.
    pub(super) fn first_reached(&self, reading: i64) -> i64 {
        self.spans.first_reached(reading)
    }
}

fn offset(span: Span) -> FixedOffset {
    i32::try_from(span.offset_s)
        .ok()
        .and_then(FixedOffset::east_opt)
        .expect("the database's offsets are less than a day")
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.tz == other.tz
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}
