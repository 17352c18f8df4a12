//! What somebody may have meant by a part of a cron field.
//!
//! These are guesses, the likeliest first; who asks checks whether one would be accepted.

use crate::trigger::cron::field::{Name, ORDINALS, WEEKDAYS, position};

/// Longer parts are no misspelt ones.
const LONGEST: usize = 40;

/// What the part may have meant, in the words of APScheduler.
pub(super) fn meant(name: Name, part: &str) -> Vec<String> {
    if part.len() > LONGEST {
        return Vec::new();
    }
    let part = part.trim().to_lowercase();
    let mut guesses = vec![tidied(&part)];
    guesses.extend(wildcard(name, &part));
    guesses.extend(hexadecimal(&part));
    guesses.extend(by_number(name, &part));
    guesses.extend(custom(name, &part));
    if name == Name::Day {
        guesses.extend(day(&part));
    } else {
        guesses.push(short(name.words(), &tidied(&part)));
    }
    guesses
}

/// Without spaces at signs, with commas for what else parts values.
fn tidied(part: &str) -> String {
    let part = part.replace([';', '|', '&'], ",");
    let part = part
        .replace(" to ", "-")
        .replace(" and ", ",")
        .replace(['–', '—'], "-");
    let mut tidied = String::new();
    for word in part.split_whitespace() {
        let signs = |c| matches!(c, '-' | '/' | ',');
        if !tidied.is_empty() && !tidied.ends_with(signs) && !word.starts_with(signs) {
            tidied.push(',');
        }
        tidied.push_str(word);
    }
    tidied
}

/// `every 5 minutes`, `/5`, `*5`, `?`, `5-*`, `*-5`, `1-5/`
fn wildcard(name: Name, part: &str) -> Option<String> {
    let (least, greatest) = name.limits();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if matches!(part, "?" | "**" | "any" | "all" | "every" | "each") {
        return Some("*".to_owned());
    }
    if let Some(words) = part.strip_prefix("every ") {
        let step = words.split(' ').next().filter(|word| digits(word))?;
        return Some(format!("*/{step}"));
    }
    if let Some(first) = part.strip_suffix("-*").or_else(|| part.strip_suffix('-')) {
        return Some(format!("{first}-{greatest}"));
    }
    if let Some(last) = part.strip_prefix("*-") {
        return Some(format!("{least}-{last}"));
    }
    if let Some(step) = part.strip_prefix(['*', '/']).filter(|step| digits(step)) {
        return Some(format!("*/{step}"));
    }
    part.strip_suffix('/').map(str::to_owned)
}

/// `0x10`
fn hexadecimal(part: &str) -> Option<String> {
    let number = u16::from_str_radix(part.strip_prefix("0x")?, 16).ok()?;
    Some(number.to_string())
}

/// `mon-fri/2` and `jan/3` in numbers, `mon-5` in words.
fn by_number(name: Name, part: &str) -> Option<String> {
    let words = name.words();
    let number =
        |word: &str| position(words, word).map(|index| index + usize::from(name.limits().0));
    if let Some((range, step)) = part.split_once('/') {
        let numbers: Vec<_> = range
            .split('-')
            .map(|word| number(word).map(|number| number.to_string()))
            .collect::<Option<_>>()?;
        return Some(format!("{}/{step}", numbers.join("-")));
    }
    let (first, last) = part.split_once('-')?;
    let word = |text: &str| {
        let index = text
            .parse::<usize>()
            .ok()?
            .checked_sub(name.limits().0.into())?;
        words.get(index).copied()
    };
    let named = |text| word(text).unwrap_or(text);
    Some(format!("{}-{}", named(first), named(last)))
}

/// What people call some values.
fn custom(name: Name, part: &str) -> Option<String> {
    let value = match (name, part) {
        (Name::DayOfWeek, "weekday" | "weekdays" | "workday" | "workdays" | "working days") => {
            "mon-fri"
        }
        (Name::DayOfWeek, "weekend" | "weekends") => "sat,sun",
        (Name::DayOfWeek, "daily" | "everyday") => "*",
        (Name::Hour, "midnight") => "0",
        (Name::Hour, "noon" | "midday") => "12",
        (Name::Hour, _) => return twelve_hours(part),
        _ => return None,
    };
    Some(value.to_owned())
}

/// `9am`, `5 pm`
fn twelve_hours(part: &str) -> Option<String> {
    let (hour, noon) = match part.strip_suffix("am") {
        Some(hour) => (hour, 0),
        None => (part.strip_suffix("pm")?, 12),
    };
    let hour: u8 = hour.trim().parse().ok()?;
    (1..=12)
        .contains(&hour)
        .then(|| (hour % 12 + noon).to_string())
}

/// Names as they are known here, each for the one that it is near to.
fn short(words: &[&str], part: &str) -> String {
    let mut short = String::new();
    for piece in part.split_inclusive(['-', ',', '/']) {
        let word = piece.trim_end_matches(['-', ',', '/']);
        short.push_str(near(words, word).unwrap_or(word));
        short.push_str(&piece[word.len()..]);
    }
    short
}

/// The one of `words` that this one begins with, abbreviates, or misspells by a letter.
fn near<'a>(words: &[&'a str], word: &str) -> Option<&'a str> {
    let alphabetic = !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || c == '.');
    let only = |mut found: Vec<&'a str>| (found.len() == 1).then(|| found.remove(0));
    let all = |fits: &dyn Fn(&str) -> bool| words.iter().copied().filter(|one| fits(one)).collect();
    if !alphabetic || word.len() < 2 {
        return None;
    }
    only(all(&|one| word.starts_with(one) || one.starts_with(word))).or_else(|| {
        only(all(&|one| {
            word.len() > 2 && strsim::damerau_levenshtein(one, word) == 1
        }))
    })
}

/// `last monday`, `first mon`, `1stmon`, `mon#2`, `fril`, `1st mon-fri`, `l`, `last-1`
fn day(part: &str) -> Vec<String> {
    let mut guesses = Vec::new();
    if matches!(part, "l" | "-1" | "last day" | "end" | "eom" | "ultimo") {
        guesses.push("last".to_owned());
    }
    if let Some((weekday, nth)) = part.split_once('#') {
        guesses.extend(position_of(nth).and_then(|nth| weekdays(nth, numbered(weekday))));
    }
    if let Some(weekday) = part.strip_suffix('l') {
        guesses.extend(weekdays("last", numbered(weekday)));
    }
    let split = part.split_once([' ', '-', '_']).or_else(|| {
        let which = ORDINALS
            .iter()
            .chain(&["last"])
            .find(|which| part.starts_with(**which))?;
        part.split_at_checked(which.len())
    });
    if let Some((which, weekday)) = split {
        guesses.extend(position_of(which).and_then(|which| weekdays(which, weekday.trim())));
    }
    if part.starts_with("last") || part.starts_with("l-") {
        guesses.push("last".to_owned());
    }
    guesses
}

/// `1st` for `1`, `1.`, `first` and the like.
fn position_of(which: &str) -> Option<&'static str> {
    const WORDS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    if matches!(which, "last" | "l") {
        return Some("last");
    }
    let index = position(&ORDINALS, which)
        .or_else(|| position(&WORDS, which))
        .or_else(|| {
            let number = which.trim_end_matches(|c: char| !c.is_ascii_digit());
            number.parse::<usize>().ok()?.checked_sub(1)
        })?;
    ORDINALS.get(index).copied()
}

/// The name of a weekday that is written as a number, where Sunday is 0 and 7.
fn numbered(weekday: &str) -> &str {
    match weekday.parse::<usize>() {
        Ok(number) if number <= 7 => WEEKDAYS[(number + 6) % 7],
        _ => weekday,
    }
}

/// `which` of a weekday, or of each of a range of weekdays.
fn weekdays(which: &str, weekday: &str) -> Option<String> {
    let index = |word: &str| position(&WEEKDAYS, near(&WEEKDAYS, word)?);
    let (first, last) = weekday.split_once('-').unwrap_or((weekday, weekday));
    let days: Vec<_> = WEEKDAYS
        .get(index(first)?..=index(last)?)?
        .iter()
        .map(|day| format!("{which} {day}"))
        .collect();
    (!days.is_empty()).then(|| days.join(","))
}
