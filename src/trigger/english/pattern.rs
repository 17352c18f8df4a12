//! From the fields of a cron trigger to what its words are made of.

use super::calendar::{Calendar, Days};
use super::clock::Clock;
use super::words::{ordinal, weekday};
use crate::trigger::cron::{Field, Name, Part};

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
        let given = self.fields.iter().find(|field| field.name() == name);
        let least = self.fields.iter().map(Field::name).max();
        given.map_or_else(|| default(name, least), |field| field.parts().to_vec())
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

/// What a field that is not given means: `*` above the least one given, its minimum below.
fn default(name: Name, least: Option<Name>) -> Vec<Part> {
    let is_any = matches!(name, Name::Week | Name::DayOfWeek) || least > Some(name);
    let (first, _) = name.limits();
    vec![if is_any {
        Part::All { step: 1 }
    } else {
        Part::Range {
            first,
            last: first,
            step: 1,
        }
    }]
}

/// The numbers that the parts name, ascending.
fn numbers(name: Name, parts: &[Part]) -> Vec<u16> {
    let (minimum, maximum) = name.limits();
    let mut numbers: Vec<u16> = Vec::new();
    for part in parts {
        match *part {
            Part::All { step } => numbers.extend((minimum..=maximum).step_by(step.into())),
            Part::Range { first, last, step } => {
                numbers.extend((first..=last).step_by(step.into()));
            }
            Part::Nth { .. } | Part::LastWeekday { .. } | Part::Last => {}
        }
    }
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
