//! From the fields of a cron trigger to what its words are made of.

use super::calendar::{Calendar, Days};
use super::clock::Clock;
use super::words::{ordinal, weekday};
use crate::trigger::cron::{Field, Name, Part, parts_of};

/// The parts of each field, in the order of [`Name`]; those not given have their defaults.
struct Pattern<'a> {
    fields: &'a [Field],
}

/// The times and the days of a trigger with these fields.
///
/// `either` is crontab's rule: it is enough that the day or the weekday matches.
pub(super) fn of_fields(fields: &[Field], either: bool) -> (Clock, Calendar) {
    let pattern = Pattern { fields };
    let clock = Clock {
        hours: pattern.all(Name::Hour),
        wildcard: wildcard(&pattern.parts(Name::Hour)),
        minutes: pattern.all(Name::Minute),
        seconds: pattern.all(Name::Second),
    };
    let days = days(&pattern.parts(Name::Day));
    let weekdays = pattern.some(Name::DayOfWeek);
    let any_day = either && (days.is_none() || weekdays.is_none());
    let calendar = Calendar {
        years: pattern.some(Name::Year),
        months: pattern.some(Name::Month),
        days: days.filter(|_| !any_day),
        weeks: pattern.some(Name::Week),
        weekdays: weekdays.filter(|_| !any_day),
        either,
    };
    (clock, calendar)
}

impl Pattern<'_> {
    fn parts(&self, name: Name) -> Vec<Part> {
        parts_of(self.fields, name).into_owned()
    }

    fn all(&self, name: Name) -> Vec<u16> {
        numbers(name, &self.parts(name))
    }

    /// The numbers, unless they are all that there are.
    fn some(&self, name: Name) -> Option<Vec<u16>> {
        let parts = self.parts(name);
        // Most often `*`: not worth counting, least of all the years.
        if wildcard(&parts) == Some(1) {
            return None;
        }
        let (first, last) = name.limits();
        Some(numbers(name, &parts)).filter(|numbers| numbers.len() <= usize::from(last - first))
    }
}

/// The numbers that the parts name, ascending.
fn numbers(name: Name, parts: &[Part]) -> Vec<u16> {
    let values = parts.iter().filter_map(|part| part.values(name));
    let numbers = values.flat_map(|(first, last, step)| (first..=last).step_by(step.into()));
    let mut numbers: Vec<u16> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn days(parts: &[Part]) -> Option<Days> {
    let numbers = numbers(Name::Day, parts);
    let mut others: Vec<String> = parts.iter().copied().filter_map(other_day).collect();
    others.sort();
    others.dedup();
    (numbers.len() < 31).then_some(Days { numbers, others })
}

fn other_day(part: Part) -> Option<String> {
    match part {
        Part::Nth { nth, weekday: day } => Some(format!(
            "the {} {}",
            ordinal(nth.into()),
            weekday(day.into())
        )),
        Part::LastWeekday { weekday: day } => Some(format!("the last {}", weekday(day.into()))),
        Part::Last => Some("the last day".to_owned()),
        Part::All { .. } | Part::Range { .. } => None,
    }
}

/// The step of a field that is `*` or `*/n` and nothing else.
fn wildcard(parts: &[Part]) -> Option<u16> {
    match parts {
        [Part::All { step }] => Some(*step),
        _ => None,
    }
}
