//! An interval, as the config writes it.

use super::{Frame, report};
use crate::config::reader::Reader;
use crate::config::section::{Item, Section};
use crate::config::{duration, key, scalar};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::{Interval, Trigger, Unit};
use crate::value::Value;
use crate::yaml::{self, Node};

/// Takes the keys of an interval; `place` is where its type is.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    frame: &Frame,
    place: Span,
) -> Option<Trigger> {
    let mut given = Vec::new();
    for unit in Unit::ALL {
        let item = keys.take(unit.key());
        given.extend(
            item.filter(|item| !item.value.is_null())
                .map(|item| (unit, item)),
        );
    }
    let Some((_, last)) = given.last() else {
        report_missing(reader, keys, place);
        return None;
    };
    let amounts: Vec<_> = given
        .iter()
        .map(|(unit, item)| amount(reader, *item, *unit))
        .collect();
    let every_s = amounts.into_iter().sum::<Option<i64>>()?;
    if every_s == 0 {
        reader.bad_value(
            last.value.span,
            "an interval must be longer than zero",
            None,
        );
        return None;
    }
    let Frame {
        bounds,
        zone,
        jitter_s,
        ..
    } = frame;
    Some(Trigger::Interval(Interval::new(
        every_s,
        *bounds,
        zone.clone(),
        *jitter_s,
    )))
}

fn report_missing(reader: &mut Reader<'_>, keys: &Section<'_>, place: Span) {
    if keys.has_near(key::INTERVAL) {
        reader.job_is_faulty();
        return;
    }
    let message = "an interval needs `weeks`, `days`, `hours`, `minutes` or `seconds`";
    let help = "write, for example, `minutes: 5`";
    reader.report(
        Diagnostic::error(Code::MissingKey, message)
            .at(place)
            .with_help(help),
    );
}

/// How many seconds that many of a unit are.
fn amount(reader: &mut Reader<'_>, item: Item<'_>, unit: Unit) -> Option<i64> {
    if let Some(count) = scalar::whole_number(item.value) {
        let seconds = unit.seconds(count);
        if seconds.is_ok() {
            scalar::warn_of_number(reader, item, count);
        }
        let report_fault = |fault| report(reader, item, fault, Code::BadValue);
        return seconds.map_err(report_fault).ok();
    }
    let help = way_out(item.value, unit)
        .or_else(|| yaml::explain(item.value, reader.text))
        .unwrap_or_else(|| format!("write, for example, `{}: 5`", unit.key()));
    reader.bad_value(
        item.value.span,
        format!("`{}` must be a whole number", item.name),
        Some(help),
    );
    None
}

/// For `minutes: 1.5`, `minutes: 5m` and `minutes: "+5"`: how to write it.
fn way_out(node: &Node, unit: Unit) -> Option<String> {
    // The seconds of a unit are few enough for a float.
    let unit_s = unit
        .seconds(1)
        .ok()
        .and_then(|seconds| u32::try_from(seconds).ok())
        .map(f64::from)?;
    let seconds = match node.value()? {
        Value::Float(number) => number * unit_s,
        Value::Str(text) => match text.trim().parse::<f64>() {
            Ok(number) => number * unit_s,
            Err(_) => duration::meant(text)?.as_secs_f64(),
        },
        _ => return None,
    };
    if !(1.0..1e12).contains(&seconds) || seconds.fract() != 0.0 {
        return None;
    }
    let count = seconds / unit_s;
    Some(if count.fract() == 0.0 {
        format!("write `{}: {count}`", unit.key())
    } else {
        format!("for {seconds} seconds write `seconds: {seconds}`")
    })
}
