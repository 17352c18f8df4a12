//! An interval, as the config writes it.

use super::Frame;
use crate::config::reader::Reader;
use crate::config::section::{Item, Section};
use crate::config::{key, scalar};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::{Interval, Trigger};
use crate::value::Value;
use crate::yaml::{self, Node};

/// Takes the keys of an interval; `place` is where its type is.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    frame: &Frame,
    place: Span,
) -> Option<Trigger> {
    const SECONDS: [i64; 5] = [604_800, 86_400, 3600, 60, 1];
    // Longer than the calendar: whoever writes that means something else.
    const LONGEST_S: i64 = 8000 * 366 * 86_400;
    let (mut sum, mut good, mut last) = (0_i64, true, None);
    for (name, unit) in key::INTERVAL.iter().zip(SECONDS) {
        let Some(item) = keys.take(name).filter(|item| !item.value.is_null()) else {
            continue;
        };
        let number = amount(reader, item, unit);
        good &= number.is_some();
        sum = sum.saturating_add(number.unwrap_or(0).saturating_mul(unit));
        last = Some(item);
    }
    let Some(last) = last else {
        if keys.has_near(key::INTERVAL) {
            reader.job_is_faulty();
            return None;
        }
        let message = "an interval needs `weeks`, `days`, `hours`, `minutes` or `seconds`";
        let help = "write, for example, `minutes: 5`";
        reader.report(
            Diagnostic::error(Code::MissingKey, message)
                .at(place)
                .with_help(help),
        );
        return None;
    };
    if good && !(1..=LONGEST_S).contains(&sum) {
        let wrong = if sum == 0 {
            "longer than zero"
        } else {
            "shorter than 8,000 years"
        };
        reader.bad_value(
            last.value.span,
            format!("an interval must be {wrong}"),
            None,
        );
        good = false;
    }
    let Frame {
        bounds,
        zone,
        jitter_s,
        ..
    } = frame;
    good.then(|| Trigger::Interval(Interval::new(sum, *bounds, zone.clone(), *jitter_s)))
}

/// How many of a unit that has `unit` seconds.
fn amount(reader: &mut Reader<'_>, item: Item<'_>, unit: i64) -> Option<i64> {
    if let Some(number) = scalar::whole_number(item.value).filter(|number| *number >= 0) {
        return Some(number);
    }
    let name = item.name;
    let message = format!(
        "`{name}` must be a whole number{}",
        match item.value.value() {
            Some(Value::Int(_)) => " of 0 or more",
            _ => "",
        }
    );
    let help = in_seconds(item.value, unit).or_else(|| yaml::explain(item.value, reader.text));
    reader.bad_value(item.value.span, message, help);
    None
}

/// For `minutes: 1.5`: how to write it.
fn in_seconds(node: &Node, unit: i64) -> Option<String> {
    let number = match node.value()? {
        Value::Float(number) => *number,
        Value::Str(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a unit has at most 604,800 seconds"
    )]
    let seconds = number * unit as f64;
    let whole = (1.0..1e12).contains(&seconds) && seconds.fract() == 0.0 && unit > 1;
    whole.then(|| format!("for {seconds} seconds write `seconds: {seconds}`"))
}
