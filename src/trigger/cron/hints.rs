//! What is wrong with a cron field or expression, and what to write instead.
//!
//! A way out is offered only if it would be accepted.

use std::ops::Range;

use super::crontab::Wrong;
use super::field::{Name, Problem};
use crate::trigger::Fault;

/// The fault of one part of a field.
pub(super) fn fault(name: Name, text: &str, part: Range<usize>, problem: &Problem) -> Fault {
    Fault::new(message(name, &text[part.clone()], problem, name.limits())).at(part)
}

pub(super) fn crontab(text: &str, wrong: Wrong) -> Fault {
    let limits = super::crontab::limits(wrong.name);
    Fault::new(message(
        wrong.name,
        &text[wrong.part.clone()],
        &wrong.problem,
        limits,
    ))
    .at(wrong.part)
}

pub(super) fn quartz(name: Name, text: &str, part: Range<usize>) -> Fault {
    Fault::new(format!(
        "`{}` cannot be `{}`",
        name.key(),
        Fault::shown(&text[part.clone()])
    ))
    .at(part)
}

pub(super) fn word(word: &str) -> Fault {
    Fault::new(format!(
        "`{}` is not a known expression",
        Fault::shown(word)
    ))
}

pub(super) fn field_count(text: &str, count: usize) -> Fault {
    Fault::new(format!(
        "`{}` has {count} fields",
        Fault::shown(text.trim_ascii())
    ))
}

fn message(name: Name, part: &str, problem: &Problem, limits: (u16, u16)) -> String {
    let key = name.key();
    let part = Fault::shown(part);
    match problem {
        Problem::OutOfRange(number) => {
            let number = Fault::shown(number);
            format!("`{key}` must be {}-{}, not `{number}`", limits.0, limits.1)
        }
        Problem::Backwards { .. } => format!("`{part}` runs backwards"),
        Problem::ZeroStep => format!("`{part}` has a step of 0"),
        Problem::LongStep { .. } => format!("the step of `{part}` is longer than its range"),
        Problem::Unknown if part.is_empty() => format!("`{key}` has an empty part"),
        Problem::Unknown => format!("`{key}` cannot be `{part}`"),
    }
}
