//! One field of a cron trigger, such as `hour: 9-17/2`.

use crate::trigger::Fault;

/// The fields, greatest first: the order matters for the defaults of those not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// 1970 to 9999
    Year,
    /// 1 to 12
    Month,
    /// 1 to 31
    Day,
    /// 1 to 53, ISO
    Week,
    /// 0 to 6, Monday is 0
    DayOfWeek,
    /// 0 to 23
    Hour,
    /// 0 to 59
    Minute,
    /// 0 to 59
    Second,
}

/// One part of a field's comma list, as written; numbers in the field's own range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `*` (step 1) and `*/n`
    All {
        /// Every so many values, from the minimum.
        step: u16,
    },
    /// `a` (first = last, step 1), `a-b`, `a-b/n` and `a/n` (last = the field's maximum)
    Range {
        /// The first value.
        first: u16,
        /// The last value.
        last: u16,
        /// Every so many values, from the first.
        step: u16,
    },
    /// `1st mon` to `5th sun`, of the day field
    Nth {
        /// 1 to 5
        nth: u8,
        /// 0 to 6, Monday is 0
        weekday: u8,
    },
    /// `last mon`, of the day field
    LastWeekday {
        /// 0 to 6, Monday is 0
        weekday: u8,
    },
    /// `last`, of the day field: the month's last day
    Last,
}

/// One field, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: Name,
    text: String,
    parts: Vec<Part>,
}

impl Field {
    /// Reads the text of the field `name` by APScheduler's rules.
    ///
    /// # Errors
    /// What in it cannot be, with the allowed range or what to write instead.
    pub fn parse(_name: Name, _text: &str) -> Result<Self, Fault> {
        todo!()
    }

    /// Which field it is.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its parts, in the order of the text.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}
