//! What is wrong with a cron field or expression, and what to write instead.
//!
//! A way out is offered only if it would be accepted.

mod spelling;

use std::ops::Range;

use super::crontab::{self, Wrong};
use super::field::{self, Name, Numbers, Problem};
use super::quartz;
use crate::trigger::Fault;

/// Where something is wrong.
struct Place<'a> {
    name: Name,
    text: &'a str,
    part: Range<usize>,
    rules: Rules,
}

/// By which rules a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// Those of APScheduler, of one field.
    Field,
    /// Those of Unix, of a whole expression.
    Crontab,
}

/// The fault of one part of a field.
pub(super) fn field(name: Name, text: &str, part: Range<usize>, problem: &Problem) -> Fault {
    let rules = Rules::Field;
    Place {
        name,
        text,
        part,
        rules,
    }
    .fault(problem)
}

/// The fault of one part of a crontab expression.
pub(super) fn crontab(text: &str, wrong: Wrong) -> Fault {
    let Wrong {
        name,
        part,
        problem,
    } = wrong;
    let rules = Rules::Crontab;
    Place {
        name,
        text,
        part,
        rules,
    }
    .fault(&problem)
}

/// The fault of one field of a Quartz expression.
pub(super) fn quartz(name: Name, text: &str, part: Range<usize>) -> Fault {
    let field = &text[part.clone()];
    let fault = Fault::new(unknown(name, field)).at(part);
    if name == Name::DayOfWeek && field == "L" {
        return fault.help("`L` is Saturday there: write `sat`");
    }
    if field.contains(['L', 'W', '#']) {
        return fault.help(match day_of_quartz(name, field) {
            Some(day) => format!("an expression cannot say that; fields can: `day: {day}`"),
            None => "neither an expression nor a field can say that".to_owned(),
        });
    }
    let values = match name {
        Name::DayOfWeek => "1-7, where 1 is Sunday, and `sun`-`sat`".to_owned(),
        Name::Month => "1-12 and `jan`-`dec`".to_owned(),
        Name::Year => "1970-2100".to_owned(),
        Name::Day | Name::Week | Name::Hour | Name::Minute | Name::Second => {
            let (least, greatest) = name.limits();
            format!("{least}-{greatest}")
        }
    };
    fault
        .help(format!(
            "with seconds, `{}` takes {values}{FORMS}",
            name.key()
        ))
        .help("the fields are second, minute, hour, day, month, day of week and perhaps year")
}

/// What the field `day` says for `L`, `6L` and `6#3`, where it can: Quartz counts from Sunday, 1.
fn day_of_quartz(name: Name, field: &str) -> Option<String> {
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    if !is_of_days(name) {
        return None;
    }
    let digit = field.chars().next().and_then(|first| first.to_digit(10));
    let day = digit.and_then(|digit| DAYS.get(usize::try_from(digit).ok()?.checked_sub(1)?));
    let named = match day.filter(|_| name == Name::DayOfWeek) {
        Some(day) => format!("{day}{}", &field[1..]),
        None => field.to_owned(),
    };
    let mut days = spelling::meant(Name::Day, &named).into_iter();
    days.find(|day| !field.contains(['-', 'W']) && reads(Name::Day, day))
}

/// The fault of a word such as `@reboot`.
pub(super) fn word(word: &str) -> Fault {
    let fault = Fault::new(format!("no expression is called `{}`", Fault::shown(word)));
    let first = word.split_ascii_whitespace().next().unwrap_or_default();
    let lower = first.to_ascii_lowercase();
    let known = match lower.as_str() {
        "@annually" => Some("@yearly"),
        "@midnight" => Some("@daily"),
        "@reboot" => return fault.help(AT_START),
        _ => quartz::WORDS
            .into_iter()
            .find(|known| strsim::damerau_levenshtein(known, &lower) <= 2),
    };
    match known {
        Some(known) => fault.help(format!("write `{}`", assignment("expression", known))),
        None if lower.starts_with("@every") => {
            fault.help("for a beat write `type: interval` and, for example, `minutes: 5`")
        }
        None => fault.help("known are `@yearly`, `@monthly`, `@weekly`, `@daily` and `@hourly`"),
    }
}

/// The fault of a line of a crontab, of which no more than the beginning is an expression; `None`
/// for what is no such line.
pub(super) fn line(text: &str) -> Option<Fault> {
    let count = if text.trim_ascii().starts_with('@') {
        1
    } else {
        5
    };
    let next = crontab::words(text).nth(count)?;
    let words: Vec<_> = text.split_ascii_whitespace().take(count).collect();
    let expression = words.join(" ");
    let is_expression =
        quartz::WORDS.contains(&&*expression) || crontab::read_all(&expression).is_ok();
    if !is_expression || may_be_field(&text[next.clone()]) {
        return None;
    }
    let rest = next.start..text.trim_ascii_end().len();
    let message = format!(
        "`{}` is no part of an expression",
        Fault::shown(&text[rest.clone()])
    );
    let expression = assignment("expression", &expression);
    Some(
        Fault::new(message)
            .at(rest)
            .help(format!("write `{expression}`"))
            .help("what follows belongs into `command`, and a user into `user`"),
    )
}

/// Whether the word could be meant for a field of an expression: programs and users have other
/// letters than those of Quartz.
fn may_be_field(word: &str) -> bool {
    let names = [Name::Month, Name::DayOfWeek, Name::Day];
    let is_meant = |name: Name| {
        let mut meant = spelling::meant(name, word).into_iter();
        meant.any(|guess| reads(name, &guess))
    };
    !word.chars().any(char::is_lowercase) || names.into_iter().any(is_meant)
}

/// The fault of an expression that has `count` fields.
pub(super) fn field_count(text: &str, count: usize) -> Fault {
    let message = match count {
        0 => "an expression must not be empty".to_owned(),
        1 => format!(
            "`{}` is one field, not an expression",
            Fault::shown(text.trim_ascii())
        ),
        _ => format!("`{}` has {count} fields", Fault::shown(text.trim_ascii())),
    };
    Fault::new(message)
        .help("5 fields are Unix crontab: minute, hour, day, month, day of week")
        .help("6 or 7 fields begin with the second and may end with the year")
}

const AT_START: &str = "for a run at each start of `sched watch` alone write `type: date`, \
                        `run_date: 2000-01-01` and `run_at_start: true`";

/// Longer texts are not written anew.
const LONGEST: usize = 200;

const FORMS: &str = ", `*`, `*/n`, `a-b`, `a-b/n`, and lists such as `1,3`";

fn unknown(name: Name, part: &str) -> String {
    format!("`{}` cannot be `{}`", name.key(), Fault::shown(part))
}

/// A line of a config; YAML reads a bare `*` as an alias, and `@` not at all.
fn assignment(key: &str, value: &str) -> String {
    if value.starts_with(['*', '@']) || key == "expression" {
        format!("{key}: \"{value}\"")
    } else {
        format!("{key}: {value}")
    }
}

impl Place<'_> {
    fn part(&self) -> &str {
        &self.text[self.part.clone()]
    }

    fn limits(&self) -> (u16, u16) {
        match self.rules {
            Rules::Field => self.name.limits(),
            Rules::Crontab => crontab::limits(self.name),
        }
    }

    fn fault(&self, problem: &Problem) -> Fault {
        let mut fault = Fault::new(self.message(problem)).at(self.part.clone());
        fault.help = match problem {
            Problem::OutOfRange(number) => self.in_range(number),
            Problem::Backwards { first, last } => self.forwards(*first, *last),
            Problem::ZeroStep => self.write("a step is at least 1", &self.without_step()),
            Problem::LongStep { first } => {
                let one = first.to_string();
                self.write(&format!("only {one} would match"), &one)
            }
            Problem::Unknown => self.spelled(),
        };
        fault
    }

    fn message(&self, problem: &Problem) -> String {
        let key = self.name.key();
        let part = Fault::shown(self.part());
        match problem {
            Problem::OutOfRange(number) => {
                let (least, greatest) = self.limits();
                format!(
                    "`{key}` must be {least}-{greatest}, not {}",
                    Fault::shown(number)
                )
            }
            Problem::Backwards { .. } => format!("the range `{part}` runs backwards"),
            Problem::ZeroStep => format!("`{part}` has a step of 0"),
            Problem::LongStep { .. } => {
                format!("the step of `{part}` is longer than its range")
            }
            Problem::Unknown if part.is_empty() => format!("`{key}` has an empty part"),
            Problem::Unknown => unknown(self.name, self.part()),
        }
    }

    /// The whole text with `new` in place of the part, if that would be accepted.
    fn instead(&self, new: &str) -> Option<String> {
        let (mut before, mut after) = (&self.text[..self.part.start], &self.text[self.part.end..]);
        if new.is_empty() {
            // An empty part goes with one of its commas.
            match after.strip_prefix(',') {
                Some(rest) => after = rest,
                None => before = before.trim_end_matches(' ').strip_suffix(',')?,
            }
        }
        let text = format!("{before}{new}{after}").trim().to_owned();
        if text.len() > LONGEST {
            return None;
        }
        let accepted = match self.rules {
            Rules::Field => reads(self.name, &text),
            Rules::Crontab => {
                crontab::words(&text).count() == 5 && crontab::read_all(&text).is_ok()
            }
        };
        accepted.then_some(text)
    }

    fn key(&self) -> &'static str {
        match self.rules {
            Rules::Field => self.name.key(),
            Rules::Crontab => "expression",
        }
    }

    /// The reason, and the way out if there is one.
    fn write(&self, reason: &str, new: &str) -> Vec<String> {
        vec![match self.instead(new) {
            Some(text) => format!("{reason}: write `{}`", assignment(self.key(), &text)),
            None => reason.to_owned(),
        }]
    }

    fn without_step(&self) -> String {
        let part = self.part();
        part.split_once('/')
            .map_or(part, |(range, _)| range)
            .to_owned()
    }

    fn in_range(&self, number: &str) -> Vec<String> {
        let part = self.part();
        let single = part == number;
        if self.name == Name::DayOfWeek && self.rules == Rules::Field {
            return vec!["Monday is 0 and Sunday 6; `mon` to `sun` say it more clearly".to_owned()];
        }
        if self.name == Name::Hour && part == "24" {
            return self.write("midnight is hour 0", "0");
        }
        if self.name == Name::Year && single && number.len() == 2 {
            return self.write("a year has four digits", &format!("20{number}"));
        }
        let is_late_day = self.name == Name::Day && single && !number.trim_matches('0').is_empty();
        let way = match self.instead("last").filter(|_| is_late_day) {
            Some(text) => {
                let last = assignment(self.key(), &text);
                Some(format!("for the last day of every month write `{last}`"))
            }
            None => self.clamped(),
        };
        way.into_iter().collect()
    }

    /// A range that begins within the limits, up to where they end.
    fn clamped(&self) -> Option<String> {
        let (first, Some(_)) = Numbers::of(self.part())?.range? else {
            return None;
        };
        let text = self.instead(&format!("{first}-{}", self.limits().1))?;
        Some(format!("write `{}`", assignment(self.key(), &text)))
    }

    /// A range through the end of the week, the year, the day, as two.
    fn forwards(&self, first: u16, last: u16) -> Vec<String> {
        let reason = "there is no wrap-around";
        let (lowest, greatest) = self.name.limits();
        if self.part().contains('/') {
            return vec![reason.to_owned()];
        }
        if self.name == Name::Year {
            return self.write("the lesser year comes first", &self.range(last, first));
        }
        if self.rules == Rules::Crontab && self.name == Name::DayOfWeek && last == 0 {
            return self.write("Sunday is also 7", &format!("{first}-7"));
        }
        if first > greatest {
            return self.write("Sunday is also 0", &self.range(lowest, last));
        }
        let wrapped = format!(
            "{},{}",
            self.range(first, greatest),
            self.range(lowest, last)
        );
        self.write(reason, &wrapped)
    }

    fn range(&self, first: u16, last: u16) -> String {
        match (self.value(first), self.value(last)) {
            (first, last) if first == last => first,
            (first, last) => format!("{first}-{last}"),
        }
    }

    /// A value, as a word where the user wrote words.
    fn value(&self, value: u16) -> String {
        let words = match self.rules {
            Rules::Field => self.name.words(),
            Rules::Crontab => crontab::names(self.name),
        };
        let index = usize::from(value - self.name.limits().0);
        match words.get(index) {
            Some(word) if !self.part().starts_with(|c: char| c.is_ascii_digit()) => {
                (*word).to_owned()
            }
            _ => value.to_string(),
        }
    }

    /// What a part of an unknown form may have meant.
    fn spelled(&self) -> Vec<String> {
        if self.rules == Rules::Field
            && let Some(expression) = as_expression(self.text.trim())
        {
            return vec![expression];
        }
        let mut meant = spelling::meant(self.name, self.part()).into_iter();
        if let Some(text) = meant.find_map(|new| self.instead(&new)) {
            let numbered = self.name == Name::DayOfWeek && self.part().ends_with(char::is_numeric);
            let reason = if numbered && self.rules == Rules::Field && !self.part().contains('/') {
                "numbers count from Monday, which is 0: "
            } else {
                ""
            };
            return vec![format!("{reason}write `{}`", assignment(self.key(), &text))];
        }
        let elsewhere = match self.rules {
            Rules::Field => elsewhere(self.name, self.text.trim()),
            Rules::Crontab => spelling::meant(Name::Day, self.part())
                .into_iter()
                .find(|day| is_of_days(self.name) && reads(Name::Day, day))
                .map(|day| format!("an expression cannot say that; fields can: `day: {day}`")),
        };
        vec![elsewhere.unwrap_or_else(|| self.allowed())]
    }

    fn allowed(&self) -> String {
        let (least, greatest) = self.limits();
        let names = match self.name {
            Name::Month => ", `jan`-`dec`",
            Name::DayOfWeek => ", `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`",
            Name::Day if self.rules == Rules::Field => ", `last`, `1st mon`, `last fri`",
            Name::Day | Name::Year | Name::Week | Name::Hour | Name::Minute | Name::Second => "",
        };
        format!(
            "`{}` takes {least}-{greatest}{names}{FORMS}",
            self.name.key()
        )
    }
}

/// Whether a field of that name says on which days.
fn is_of_days(name: Name) -> bool {
    matches!(name, Name::Day | Name::DayOfWeek)
}

/// Whether the whole text of a field would be accepted.
fn reads(name: Name, text: &str) -> bool {
    field::pieces(text).all(|piece| field::read(name, &text[piece]).is_ok())
}

/// An expression that was written as a field.
fn as_expression(text: &str) -> Option<String> {
    let is_expression = quartz::WORDS.contains(&text)
        || crontab::words(text).count() == 5 && crontab::read_all(text).is_ok();
    let expression = assignment("expression", text);
    is_expression.then(|| format!("in place of the fields, write `{expression}`"))
}

/// Other keys under which the text would say something.
fn elsewhere(name: Name, text: &str) -> Option<String> {
    if let Some((hour, minute)) = text.split_once(':')
        && matches!(name, Name::Hour | Name::Minute)
        && [(Name::Hour, hour), (Name::Minute, minute)]
            .iter()
            .all(|(name, number)| !number.is_empty() && reads(*name, number))
    {
        return Some(format!("write `hour: {hour}` and `minute: {minute}`"));
    }
    // The last of something else is not that of a month.
    let is_last = text.eq_ignore_ascii_case("last") && !is_of_days(name);
    let key = [Name::Month, Name::DayOfWeek, Name::Day]
        .into_iter()
        .find(|other| *other != name && !is_last && reads(*other, text))
        .map(|other| format!("write `{}`", assignment(other.key(), text)));
    let day = || {
        let days = spelling::meant(Name::Day, text);
        let day = days.into_iter().find(|day| reads(Name::Day, day))?;
        (name == Name::DayOfWeek).then(|| format!("write `{}`", assignment("day", &day)))
    };
    key.or_else(day)
}

#[cfg(test)]
mod tests;
