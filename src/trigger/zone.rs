//! Time zones: wall-clock readings, gaps and folds. The only place that knows the zone database.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};

use super::Fault;

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone(chrono_tz::Tz);

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

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self(chrono_tz::UTC)
    }

    /// The zone of that IANA name, such as `America/New_York`.
    ///
    /// # Errors
    /// Where no zone has that name; the fault names near ones, also in the wrong case.
    pub fn named(_name: &str) -> Result<Self, Fault> {
        todo!()
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The wall-clock reading at `at`, with the offset in force.
    #[must_use]
    pub fn local(&self, _at: DateTime<Utc>) -> DateTime<FixedOffset> {
        todo!()
    }

    /// What people call the zone at `at`, such as `EST`, or `+03` where it has no such name.
    #[must_use]
    pub fn abbreviation(&self, _at: DateTime<Utc>) -> String {
        todo!()
    }

    /// When the wall clock first reads `reading`: in a fold the first pass, in a gap the first
    /// instant after it. `None` beyond the calendar.
    #[must_use]
    pub fn instant(&self, _reading: NaiveDateTime) -> Option<DateTime<Utc>> {
        todo!()
    }

    /// The last change of the clocks after `from` and up to `to`.
    #[must_use]
    pub fn last_change(&self, _from: DateTime<Utc>, _to: DateTime<Utc>) -> Option<Change> {
        todo!()
    }
}
