//! Every so many seconds, counted from an anchor.

use chrono::{DateTime, Utc};

use super::{Bounds, Zone};

/// A trigger that fires at its anchor's beat.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    every_s: i64,
    anchor: Option<DateTime<Utc>>,
    bounds: Bounds,
    zone: Zone,
    jitter_s: u32,
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
    #[must_use]
    pub fn next_after(&self, _after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        todo!()
    }

    /// Whether its beat begins when the job is first seen.
    #[must_use]
    pub fn wants_anchor(&self) -> bool {
        self.bounds.start.is_none()
    }

    /// The same, counted from `anchor` (its whole second) unless it has a `start_date`.
    #[must_use]
    pub fn anchored(self, _anchor: DateTime<Utc>) -> Self {
        todo!()
    }
}
