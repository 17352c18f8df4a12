//! Once, at one instant.

use std::fmt;

use chrono::{DateTime, Utc};

use super::Zone;

/// A trigger that fires once, ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Date {
    at: DateTime<Utc>,
    zone: Zone,
    jitter_s: u32,
}

impl Date {
    /// A trigger that fires at `at`.
    #[must_use]
    pub fn new(at: DateTime<Utc>, zone: Zone, jitter_s: u32) -> Self {
        Self { at, zone, jitter_s }
    }

    /// Its one fire time, if that is after `after`.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self.at > after).then_some(self.at)
    }

    /// Its one fire time.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// The zone in which it is written and shown.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// By how many seconds its fire may be delayed at most.
    #[must_use]
    pub fn jitter_s(&self) -> u32 {
        self.jitter_s
    }
}

impl fmt::Display for Date {
    /// APScheduler's text, such as `date[2026-12-24 18:00:00 EST]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.zone.local(self.at).format("%Y-%m-%d %H:%M:%S");
        write!(f, "date[{local} {}]", self.zone.abbreviation(self.at))
    }
}
