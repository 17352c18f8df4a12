//! When the wall clock reads so: APScheduler's cron fields, Unix crontab, Quartz expressions.

mod calendar;
mod crontab;
pub mod field;
mod hints;
mod month;
mod never;
mod quartz;

use std::fmt;
use std::hash::{Hash, Hasher};

use chrono::{DateTime, NaiveDateTime, Utc};

pub(super) use calendar::parts_of;
pub use field::{Field, Name, Part};
pub use never::never_fires_reason;

use super::{Bounds, Fault, Zone};
use calendar::Calendar;

/// A trigger that fires when all its fields match the wall clock.
#[derive(Debug, Clone)]
pub struct Cron {
    fields: Vec<Field>,
    expression: Option<Expression>,
    calendar: Calendar,
    every_hour: bool,
    bounds: Bounds,
    zone: Zone,
    jitter_s: u32,
}

/// What a cron trigger was written as, where not as fields.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expression {
    /// Its text, its words parted by one space.
    pub text: String,
    /// By whose rules it was read.
    pub kind: Kind,
    /// Whether a day matches if either the day or the weekday does, instead of both.
    pub either_day: bool,
}

/// The kinds of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 5 fields of Unix.
    Crontab,
    /// 6 or 7 fields of Quartz, or a word such as `@daily`.
    Quartz,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.made_of() == other.made_of()
    }
}

impl Eq for Cron {}

impl Hash for Cron {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.made_of().hash(state);
    }
}

impl Cron {
    /// A trigger of the given fields, at most one a name; the others take their defaults.
    ///
    /// # Panics
    /// Where `fields` is empty: the caller has reported that.
    #[must_use]
    pub fn of_fields(fields: Vec<Field>, bounds: Bounds, zone: Zone, jitter_s: u32) -> Self {
        assert!(!fields.is_empty(), "a cron trigger has a field");
        Self::new(fields, None, bounds, zone, jitter_s)
    }

    /// A trigger of a crontab expression: 5 fields are Unix crontab, 6 or 7 and `@…` are Quartz.
    ///
    /// # Errors
    /// The first part of it that cannot be.
    pub fn of_expression(
        text: &str,
        bounds: Bounds,
        zone: Zone,
        jitter_s: u32,
    ) -> Result<Self, Fault> {
        let or_line = |fault| hints::line(text).unwrap_or(fault);
        let (kind, (fields, either_day)) = Self::read(text).map_err(or_line)?;
        let expression = Expression {
            text: text.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
            kind,
            either_day,
        };
        Ok(Self::new(fields, Some(expression), bounds, zone, jitter_s))
    }

    /// The kind of an expression, its fields, and whether a day matches if either the day or the
    /// weekday does.
    fn read(text: &str) -> Result<(Kind, (Vec<Field>, bool)), Fault> {
        let count = text.split_ascii_whitespace().count();
        Ok(match count {
            5 => (Kind::Crontab, crontab::fields(text)?),
            6 | 7 => (Kind::Quartz, (quartz::fields(text)?, false)),
            _ if text.trim_ascii().starts_with('@') => (Kind::Quartz, (quartz::word(text)?, false)),
            _ => return Err(hints::field_count(text, count)),
        })
    }

    fn new(
        mut fields: Vec<Field>,
        expression: Option<Expression>,
        bounds: Bounds,
        zone: Zone,
        jitter_s: u32,
    ) -> Self {
        fields.sort_by_key(Field::name);
        let either_day = expression.as_ref().is_some_and(|one| one.either_day);
        Self {
            calendar: Calendar::new(&fields, either_day),
            every_hour: calendar::is_every_hour(&fields),
            fields,
            expression,
            bounds,
            zone,
            jitter_s,
        }
    }

    /// The same, up to and including `end`.
    #[must_use]
    pub fn until(mut self, end: DateTime<Utc>) -> Self {
        self.bounds.end = Some(end);
        self
    }

    /// What it was made of, from which all else follows.
    fn made_of(&self) -> (&[Field], Option<&Expression>, Bounds, &Zone, u32) {
        let expression = self.expression.as_ref();
        (
            &self.fields,
            expression,
            self.bounds,
            &self.zone,
            self.jitter_s,
        )
    }

    /// The first fire time after `after`; `None` once the trigger is spent.
    ///
    /// A wildcard hour fires at every instant whose reading matches, also twice where clocks go
    /// back; a fixed hour once for each matching reading, when the clock first reaches or passes
    /// it.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = self.bounds.search_after(after);
        let at = if self.every_hour {
            self.next_elapsed(after)
        } else {
            let reading = self.calendar.next_after(self.zone.reached(after))?;
            Some(self.zone.first_reached(reading))
        };
        self.bounds.admit(at?)
    }

    /// The first instant after `after` whose reading matches.
    fn next_elapsed(&self, after: i64) -> Option<i64> {
        // No reading between these two matches; so that most spans need no search of their own.
        let (mut searched, mut next) = (i64::MAX, i64::MAX);
        for span in self.zone.spans_since(after) {
            let before = after.max(span.start.saturating_sub(1)) + span.offset_s;
            if before < searched || next <= before {
                searched = before;
                next = self.calendar.next_after(before).unwrap_or(i64::MAX);
            }
            if next < span.end.saturating_add(span.offset_s) {
                return Some(next - span.offset_s);
            }
        }
        None
    }

    /// The matching reading that the clock skipped, for which it fires at `fire_time`; the first
    /// of several. `None` where the clock reads then what was asked for.
    #[must_use]
    pub fn skipped_reading(&self, fire_time: DateTime<Utc>) -> Option<NaiveDateTime> {
        let at = fire_time.timestamp();
        let due = self.calendar.next_after(self.zone.reached(at - 1))?;
        let skipped = !self.every_hour && due < self.zone.reached(at);
        Some(DateTime::from_timestamp(due, 0)?.naive_utc()).filter(|_| skipped)
    }

    /// The fields, greatest first: those given, or those of the expression.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The expression that it was written as, if it was.
    #[must_use]
    pub fn expression(&self) -> Option<&Expression> {
        self.expression.as_ref()
    }

    /// Between which instants it fires.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The zone whose wall clock it reads.
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

impl fmt::Display for Cron {
    /// APScheduler's text, such as `cron[day='1', hour='0']`, or `cron[expression='0 4 * * *']`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(expression) = &self.expression {
            return write!(f, "cron[expression='{}']", expression.text);
        }
        let fields: Vec<_> = self.fields.iter().map(Field::to_string).collect();
        write!(f, "cron[{}]", fields.join(", "))
    }
}

#[cfg(test)]
mod tests;
