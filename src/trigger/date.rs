//! Once, at one instant.

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
}
