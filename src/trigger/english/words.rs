//! Numbers and lists in words. Each text names one set of numbers, exactly.

/// Weekdays, Monday is 0.
pub(super) const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The name of a weekday, Monday is 0.
pub(super) fn weekday(number: u16) -> String {
    WEEKDAYS
        .get(usize::from(number))
        .map_or_else(|| number.to_string(), ToString::to_string)
}

/// The name of a month, January is 1.
pub(in crate::trigger) fn month(number: u16) -> String {
    let name = usize::from(number)
        .checked_sub(1)
        .and_then(|index| MONTHS.get(index));
    name.map_or_else(|| number.to_string(), ToString::to_string)
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`
#[must_use]
pub fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `a`, `a and b`, `a, b and c`, with `last` for `and`.
pub(in crate::trigger) fn joined(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// Ascending numbers by their names, three or more in a row as `June to August`.
pub(super) fn listed(numbers: &[u16], name: impl Fn(u16) -> String, last: &str) -> String {
    let mut items = Vec::new();
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        match run {
            [first, _, .., end] if run.len() > 2 => {
                items.push(format!("{} to {}", name(*first), name(*end)));
            }
            _ => items.extend(run.iter().map(|number| name(*number))),
        }
    }
    joined(&items, last)
}

/// `minute 5`, `minutes 0 and 30`, `every 2nd minute from 1 to 59`
pub(super) fn counted(noun: &str, numbers: &[u16]) -> String {
    if let Some(every) = every_nth(noun, numbers) {
        return every;
    }
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!(
        "{noun}{plural} {}",
        listed(numbers, |number| number.to_string(), "and")
    )
}

/// `every 2nd minute from 1 to 59`, where five or more numbers lie equally far apart.
pub(super) fn every_nth(noun: &str, numbers: &[u16]) -> Option<String> {
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    let step = step(numbers).filter(|step| *step > 1 && numbers.len() > 4)?;
    Some(format!(
        "every {} {noun} from {first} to {last}",
        ordinal(step.into())
    ))
}

/// The distance between ascending numbers, where it is the same everywhere.
pub(super) fn step(numbers: &[u16]) -> Option<u16> {
    let step = numbers.get(1)? - numbers.first()?;
    numbers
        .windows(2)
        .all(|pair| pair[1] - pair[0] == step)
        .then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_follow_english() {
        let all = [1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 112].map(ordinal);
        let expected = [
            "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "103rd", "112th",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn lists_name_runs_of_three() {
        assert_eq!(
            listed(&[6, 7, 8, 11, 12], month, "and"),
            "June to August, November and December"
        );
        assert_eq!(listed(&[0, 1], weekday, "or"), "Monday or Tuesday");
        assert_eq!(counted("minute", &[5]), "minute 5");
        assert_eq!(
            counted("minute", &[0, 15, 30, 45]),
            "minutes 0, 15, 30 and 45"
        );
        assert_eq!(
            counted("minute", &[1, 3, 5, 7, 9]),
            "every 2nd minute from 1 to 9"
        );
    }
}
