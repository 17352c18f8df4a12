//! The fields of a cron trigger, prepared for the search.
//!
//! Sets of numbers are bits, so that the next member is found in one step. A month's days depend
//! on its shape alone (the weekday of its first day and its length), of which there are 28; only
//! ISO weeks depend on more. Readings are those of `zone`: seconds since 1970 by the wall clock.

use std::borrow::Cow;

use super::field::{Field, Name, Part};
use super::month::Month;

/// What matches, as sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    /// First, last, step.
    years: Vec<(u16, u16, u16)>,
    /// Bit 1 is January.
    months: u32,
    /// By the weekday of the first day and the length less 28; bit 0 is the first day.
    days: [[u32; 4]; 7],
    /// Bit 1 is week 1; `None` for every week.
    weeks: Option<u64>,
    times: Times,
}

/// The times of day that match: bit 0 is 0 o'clock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Times {
    hours: u64,
    minutes: u64,
    seconds: u64,
    /// The first of them, in seconds of the day.
    first: i64,
}

const DAY_S: i64 = 86_400;

/// After so many years the calendar repeats, weekdays and ISO weeks included.
const CYCLE_YEARS: u16 = 400;

impl Calendar {
    /// Of the given fields; `either` where a day is one of the day field or one of the weekday
    /// field, instead of both.
    pub(super) fn new(fields: &[Field], either: bool) -> Self {
        let parts = |name| parts_of(fields, name);
        let weeks = values(&parts(Name::Week), Name::Week);
        Self {
            years: parts(Name::Year)
                .iter()
                .filter_map(|part| part.values(Name::Year))
                .collect(),
            months: low_bits(values(&parts(Name::Month), Name::Month)),
            days: days(&parts(Name::Day), &parts(Name::DayOfWeek), either),
            weeks: Some(weeks).filter(|weeks| weeks.count_ones() < 53),
            times: Times::new(
                values(&parts(Name::Hour), Name::Hour),
                values(&parts(Name::Minute), Name::Minute),
                values(&parts(Name::Second), Name::Second),
            ),
        }
    }

    /// The first matching reading after `reading`.
    pub(super) fn next_after(&self, reading: i64) -> Option<i64> {
        let earliest = reading.checked_add(1)?.max(0);
        let (today, time) = (earliest / DAY_S, earliest % DAY_S);
        let (month, day) = Month::around(today)?;
        let days = if self.has(&month) {
            self.days_in(&month)
        } else {
            0
        };
        if days >> day & 1 == 1
            && let Some(time) = self.times.from(time)
        {
            return Some(today * DAY_S + time);
        }
        let day = match days & u32::MAX << day << 1 {
            0 => self.first_day_after(month)?,
            later => month.first + i64::from(later.trailing_zeros()),
        };
        Some(day * DAY_S + self.times.first)
    }

    /// Whether any day matches at all.
    pub(super) fn has_days(&self) -> bool {
        self.next_after(-1).is_some()
    }

    /// The first matching day of a later month, in days since 1970.
    fn first_day_after(&self, mut month: Month) -> Option<i64> {
        let mut years_in_a_row = 0;
        loop {
            let next = self.month_after(&month)?;
            if next.year == month.year + 1 {
                years_in_a_row += 1;
            } else if next.year > month.year {
                years_in_a_row = 0;
            }
            // All kinds of years were seen, and none of them has a day that matches.
            if years_in_a_row > CYCLE_YEARS {
                return None;
            }
            let days = self.days_in(&next);
            if days != 0 {
                return Some(next.first + i64::from(days.trailing_zeros()));
            }
            month = next;
        }
    }

    /// The next month whose number and year match.
    fn month_after(&self, month: &Month) -> Option<Month> {
        if self.year_from(month.year)? == month.year
            && let Some(next) = member_from(self.months.into(), month.number + 1)
        {
            return Some(Month::new(month.year, next));
        }
        let year = self.year_from(month.year + 1)?;
        Some(Month::new(year, self.months.trailing_zeros()))
    }

    fn year_from(&self, year: u16) -> Option<u16> {
        self.years
            .iter()
            .filter_map(|&(first, last, step)| {
                let next = match year.saturating_sub(first) {
                    0 => first,
                    _ if step == 1 => year,
                    passed => first.checked_add(passed.div_ceil(step).checked_mul(step)?)?,
                };
                (next <= last).then_some(next)
            })
            .min()
    }

    fn has(&self, month: &Month) -> bool {
        self.months >> month.number & 1 == 1 && self.year_from(month.year) == Some(month.year)
    }

    /// The matching days of a month that matches itself.
    fn days_in(&self, month: &Month) -> u32 {
        let days = self.days[month.weekday][month.length - 28];
        match self.weeks {
            Some(weeks) if days != 0 => days & month.days_of_weeks(weeks),
            _ => days,
        }
    }
}

impl Times {
    fn new(hours: u64, minutes: u64, seconds: u64) -> Self {
        let [hour, minute, second] =
            [hours, minutes, seconds].map(|set| i64::from(set.trailing_zeros()));
        Self {
            hours,
            minutes,
            seconds,
            first: hour * 3_600 + minute * 60 + second,
        }
    }

    /// The first time that is not before `time`, in seconds of the day.
    fn from(&self, time: i64) -> Option<i64> {
        let time = u32::try_from(time).expect("a day has 86,400 seconds");
        let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
        let first_second = self.seconds.trailing_zeros();
        let minute_of = |hour: u32, minute: u32, second: u32| {
            Some(i64::from(hour * 3_600 + minute * 60 + second))
        };
        if self.hours >> hour & 1 == 1 {
            if self.minutes >> minute & 1 == 1
                && let Some(second) = member_from(self.seconds, second)
            {
                return minute_of(hour, minute, second);
            }
            if let Some(minute) = member_from(self.minutes, minute + 1) {
                return minute_of(hour, minute, first_second);
            }
        }
        let hour = member_from(self.hours, hour + 1)?;
        minute_of(hour, self.minutes.trailing_zeros(), first_second)
    }
}

/// The least member of `set` that is at least `least`, which is below 64.
fn member_from(set: u64, least: u32) -> Option<u32> {
    let rest = set >> least;
    (rest != 0).then(|| least + rest.trailing_zeros())
}

/// The parts of the field `name`, or its default: everything where a lesser field is given, else
/// the least value; weeks and weekdays are never restricted by default.
pub(in crate::trigger) fn parts_of(fields: &[Field], name: Name) -> Cow<'_, [Part]> {
    if let Some(field) = fields.iter().find(|field| field.name() == name) {
        return field.parts().into();
    }
    let lesser_is_given = fields.iter().any(|field| field.name() > name);
    if lesser_is_given || matches!(name, Name::Week | Name::DayOfWeek) {
        vec![Part::All { step: 1 }].into()
    } else {
        vec![Part::one(name.limits().0)].into()
    }
}

/// Whether the hours are a wildcard, given or by default.
pub(super) fn is_every_hour(fields: &[Field]) -> bool {
    matches!(parts_of(fields, Name::Hour)[..], [Part::All { .. }])
}

/// The values of the parts as bits; none of `1st mon` and the like.
fn values(parts: &[Part], name: Name) -> u64 {
    parts
        .iter()
        .filter_map(|part| part.values(name))
        .flat_map(|(first, last, step)| (first..=last).step_by(step.into()))
        .fold(0, |set, value| set | 1 << value)
}

fn low_bits(set: u64) -> u32 {
    u32::try_from(set).expect("months, days and weekdays are below 32")
}

/// The matching days of each shape of a month.
fn days(days: &[Part], weekdays: &[Part], either: bool) -> [[u32; 4]; 7] {
    let numbers = low_bits(values(days, Name::Day) >> 1);
    let week = values(weekdays, Name::DayOfWeek);
    // Six weeks in a row: the days of a month are a part of them, wherever it begins.
    let weeks = (0..6).fold(0, |weeks, number| weeks | week << (7 * number));
    let mut shapes = [[0; 4]; 7];
    for (first, lengths) in (0..).zip(&mut shapes) {
        for (length, shape) in (28..).zip(lengths) {
            let by_name = days
                .iter()
                .fold(0, |set, part| set | named_days(*part, first, length));
            let all = (1 << length) - 1;
            let by_weekday = low_bits(weeks >> first & u64::from(all));
            let by_day = (numbers | by_name) & all;
            *shape = if either {
                by_day | by_weekday
            } else {
                by_day & by_weekday
            };
        }
    }
    shapes
}

/// The day that `1st mon`, `last mon` or `last` names in a month whose first day is a `first`.
fn named_days(part: Part, first: u32, length: u32) -> u32 {
    let first_weekday = |weekday: u8| (u32::from(weekday) + 7 - first) % 7;
    let day = match part {
        Part::All { .. } | Part::Range { .. } => return 0,
        Part::Nth { nth, weekday } => first_weekday(weekday) + 7 * (u32::from(nth) - 1),
        Part::LastWeekday { weekday } => {
            let day = first_weekday(weekday);
            day + (length - 1 - day) / 7 * 7
        }
        Part::Last => length - 1,
    };
    // A fifth one may be beyond the month's end.
    if day < length { 1 << day } else { 0 }
}
