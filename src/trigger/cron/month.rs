//! A month as the search sees it.

use chrono::{Datelike, Days, NaiveDate};

/// A month of a year.
pub(super) struct Month {
    pub(super) year: u16,
    /// 1 to 12
    pub(super) number: u32,
    /// Its first day, in days since 1970.
    pub(super) first: i64,
    /// The weekday of its first day, Monday is 0.
    pub(super) weekday: usize,
    /// How many days it has.
    pub(super) length: usize,
}

impl Month {
    pub(super) fn new(year: u16, number: u32) -> Self {
        let first = NaiveDate::from_ymd_opt(year.into(), number, 1).expect("a month is 1 to 12");
        Self::beginning(year, first, first.to_epoch_days().into())
    }

    /// The month of a day, and which of its days that is, from 0; `None` beyond the calendar.
    pub(super) fn around(day: i64) -> Option<(Self, u32)> {
        let date = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
        let year = u16::try_from(date.year()).ok()?;
        let first = day - i64::from(date.day0());
        Some((Self::beginning(year, date, first), date.day0()))
    }

    /// The month of `date`, whose first day is `first`.
    fn beginning(year: u16, date: NaiveDate, first: i64) -> Self {
        Self {
            year,
            number: date.month(),
            first,
            // 1970 began with a Thursday.
            weekday: usize::try_from((first + 3).rem_euclid(7)).expect("0 to 6"),
            length: length(date),
        }
    }

    /// Those of its days that lie in one of these ISO weeks.
    pub(super) fn days_of_weeks(&self, weeks: u64) -> u32 {
        let mut days = 0;
        let mut day =
            NaiveDate::from_ymd_opt(self.year.into(), self.number, 1).expect("a month is 1 to 12");
        while day.month() == self.number {
            let in_week = 7 - day.weekday().num_days_from_monday();
            if weeks >> day.iso_week().week() & 1 == 1 {
                days |= ((1 << in_week) - 1) << day.day0();
            }
            day = day + Days::new(in_week.into());
        }
        days & ((1 << self.length) - 1)
    }
}

fn length(date: NaiveDate) -> usize {
    match date.month() {
        2 if date.leap_year() => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
