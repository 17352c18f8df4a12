//! When the wall clock reads so: APScheduler's cron fields, Unix crontab, Quartz expressions.

pub mod field;

use chrono::{DateTime, Utc};

pub use field::{Field, Name};

use super::{Bounds, Fault, Zone};

/// A trigger that fires when all its fields match the wall clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    bounds: Bounds,
    zone: Zone,
    jitter_s: u32,
}

impl Cron {
    /// A trigger of the given fields, at most one a name; the others take their defaults.
    ///
    /// # Panics
    /// Where `fields` is empty: the caller has reported that.
    #[must_use]
    pub fn of_fields(_fields: Vec<Field>, _bounds: Bounds, _zone: Zone, _jitter_s: u32) -> Self {
        todo!()
    }

    /// A trigger of a crontab expression: 5 fields are Unix crontab, 6 or 7 and `@…` are Quartz.
    ///
    /// # Errors
    /// The first part of it that cannot be.
    pub fn of_expression(
        _text: &str,
        _bounds: Bounds,
        _zone: Zone,
        _jitter_s: u32,
    ) -> Result<Self, Fault> {
        todo!()
    }

    /// The first fire time after `after`; `None` once the trigger is spent.
    #[must_use]
    pub fn next_after(&self, _after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        todo!()
    }
}
