//! Why a cron trigger never fires.

use super::Cron;
use super::calendar::Calendar;
use super::field::{Field, Name, Part};
use crate::trigger::Fault;
use crate::trigger::english::{joined, month_name};

/// The fields that say which dates match.
const DATES: [Name; 5] = [
    Name::Year,
    Name::Month,
    Name::Day,
    Name::Week,
    Name::DayOfWeek,
];

/// Why no fire is to come, for a trigger of which that is known, with what to write instead.
///
/// `None` where some dates match: then its years or its bounds are over, which depends on when
/// one asks.
#[must_use]
pub fn never_fires_reason(cron: &Cron) -> Option<Fault> {
    let either_day = cron.expression().is_some_and(|one| one.either_day);
    let given: Vec<_> = cron
        .fields()
        .iter()
        .filter(|field| DATES.contains(&field.name()) && *field.parts() != [Part::All { step: 1 }])
        .collect();
    let conflict = (1_u32..1 << given.len())
        .map(|set| {
            let chosen = given
                .iter()
                .enumerate()
                .filter(|(index, _)| set >> index & 1 == 1);
            chosen.map(|(_, field)| *field).collect::<Vec<_>>()
        })
        .filter(|chosen| !has_dates(chosen, either_day))
        .min_by_key(Vec::len)?;
    let is_expression = cron.expression().is_some();
    let short = short_months(&conflict, is_expression);
    Some(short.unwrap_or_else(|| together(&conflict)))
}

/// Whether any date matches these fields, whatever the others say.
fn has_dates(fields: &[&Field], either_day: bool) -> bool {
    let all = |name| Field::new(name, "*", vec![Part::All { step: 1 }]);
    let fields: Vec<_> = DATES
        .into_iter()
        .map(|name| {
            let given = fields.iter().find(|field| field.name() == name);
            given.map_or_else(|| all(name), |field| (*field).clone())
        })
        .collect();
    Calendar::new(&fields, either_day).has_days()
}

/// `February has no day 31`
fn short_months(conflict: &[&Field], is_expression: bool) -> Option<Fault> {
    let [month, day] = conflict else { return None };
    if (month.name(), day.name()) != (Name::Month, Name::Day) {
        return None;
    }
    let months: Vec<_> = (1..=12).filter(|number| includes(month, *number)).collect();
    let names: Vec<_> = months.iter().map(|number| month_name(*number)).collect();
    let verb = if names.len() == 1 { "has" } else { "have" };
    let names = joined(&names, "and");
    let fault = Fault::new(format!("{names} {verb} no day {}", day.text().trim()));
    let help = format!("for the last day of {names} write `day: last`");
    Some(fault.help(if is_expression {
        help + ": a field, and the others beside it, in place of the expression"
    } else {
        help
    }))
}

fn includes(field: &Field, value: u16) -> bool {
    field
        .parts()
        .iter()
        .filter_map(|part| part.values(field.name()))
        .any(|(first, last, step)| {
            (first..=last).contains(&value) && (value - first).is_multiple_of(step)
        })
}

fn together(conflict: &[&Field]) -> Fault {
    let fields: Vec<_> = conflict
        .iter()
        .map(|field| format!("`{}: {}`", field.name().key(), field.text().trim()))
        .collect();
    match fields.as_slice() {
        [one] => Fault::new(format!("no date matches {one}")),
        _ => Fault::new(format!(
            "no date matches {} at once",
            joined(&fields, "and")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::{Bounds, Zone};

    fn reason(fields: &[(Name, &str)]) -> Option<Fault> {
        let fields = fields
            .iter()
            .map(|(name, text)| Field::parse(*name, text).unwrap());
        let cron = Cron::of_fields(fields.collect(), Bounds::default(), Zone::utc(), 0);
        never_fires_reason(&cron)
    }

    #[test]
    fn a_short_month_lacks_the_day() {
        let fault = reason(&[(Name::Month, "feb"), (Name::Day, "31"), (Name::Hour, "4")]).unwrap();
        assert_eq!(fault.message, "February has no day 31");
        assert_eq!(
            fault.help,
            ["for the last day of February write `day: last`"]
        );
        let fault = reason(&[(Name::Month, "4-6/2,nov"), (Name::Day, "31")]).unwrap();
        assert_eq!(fault.message, "April, June and November have no day 31");
        let cron = Cron::of_expression("0 0 31 2 *", Bounds::default(), Zone::utc(), 0).unwrap();
        let fault = never_fires_reason(&cron).unwrap();
        assert_eq!(fault.message, "February has no day 31");
        assert_eq!(
            fault.help,
            [
                "for the last day of February write `day: last`: a field, and the others beside it, \
                 in place of the expression"
            ]
        );
    }

    #[test]
    fn the_fields_that_exclude_each_other_are_named() {
        let fault = reason(&[
            (Name::Year, "2026"),
            (Name::Month, "jul"),
            (Name::Week, "53"),
        ]);
        let message = "no date matches `month: jul` and `week: 53` at once";
        assert_eq!(fault.unwrap().message, message);
        let fault = reason(&[
            (Name::Year, "2001-2003"),
            (Name::Month, "2"),
            (Name::Day, "29"),
        ]);
        let message = "no date matches `year: 2001-2003`, `month: 2` and `day: 29` at once";
        assert_eq!(fault.unwrap().message, message);
    }

    #[test]
    fn what_has_dates_has_no_reason() {
        assert_eq!(reason(&[(Name::Month, "feb"), (Name::Day, "29")]), None);
        assert_eq!(reason(&[(Name::Year, "1999")]), None);
        let either = Cron::of_expression("0 0 31 2 1", Bounds::default(), Zone::utc(), 0).unwrap();
        assert_eq!(never_fires_reason(&either), None);
    }
}
