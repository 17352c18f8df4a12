//! Triggers that will not fire any more.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use crate::config::key;
use crate::config::reader::Reader;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::cron::never_fires_reason;
use crate::trigger::{Bounds, Trigger};
use crate::yaml::Node;

/// From the beginning of a day to its last second.
const LAST_SECOND: TimeDelta = TimeDelta::seconds(86_399);

/// Warns of a trigger that will not fire any more, or never would have. `node` has its keys, and
/// `whole` is where to point if none of them is to blame.
///
/// The triggers of a list are warned of one by one, when they are read.
pub(in crate::config) fn warn_of_the_past(
    reader: &mut Reader<'_>,
    trigger: &Trigger,
    whole: Span,
    node: &Node,
) {
    if trigger.next_after(reader.outside.now).is_some() {
        return;
    }
    let place = |names: &[&str]| {
        let entries = node.entries().unwrap_or_default();
        let value = |name| {
            entries
                .iter()
                .rfind(|entry| entry.key.as_str().is_some_and(|key| key::same(key, name)))
        };
        names
            .iter()
            .find_map(|name| value(*name))
            .map_or(whole, |entry| entry.value.span)
    };
    let over = |bounds| over(trigger, bounds, reader.outside.now);
    let diagnostic = match trigger {
        Trigger::Date(_) => Diagnostic::warning(Code::PastDate, "`run_date` lies in the past")
            .at(place(&["run_date"]))
            .with_help(
                "it runs only where `sched watch` knew the job before that time, has not run it, \
                 and `misfire_grace_time` still allows it",
            )
            .with_help("otherwise give it a later date"),
        Trigger::Any(_) => return,
        Trigger::Interval(interval) => over(interval.bounds()).at(place(&["end_date"])),
        Trigger::Cron(cron) => match never_fires_reason(cron) {
            None => over(cron.bounds()).at(place(&["end_date", "year", "day"])),
            Some(reason) => {
                let message = format!("this schedule never fires: {}", reason.message);
                let mut diagnostic = Diagnostic::warning(Code::NeverFires, message).at(place(&[
                    "day",
                    "week",
                    "day_of_week",
                    "month",
                    "year",
                    "expression",
                ]));
                diagnostic.help = reason.help;
                diagnostic
            }
        },
    };
    reader.report(diagnostic);
}

/// That nothing comes between the bounds of `trigger`, as seen at `now`.
fn over(trigger: &Trigger, bounds: Bounds, now: DateTime<Utc>) -> Diagnostic {
    let end = bounds.end.filter(|end| *end >= now);
    let is_ahead = bounds.start.is_some_and(|start| start > now);
    let message = match end {
        Some(_) if trigger.wants_anchor() => {
            "counted from now, this schedule does not fire before its `end_date`"
        }
        Some(_) if is_ahead => {
            "this schedule does not fire between its `start_date` and its `end_date`"
        }
        Some(_) | None => "this schedule does not fire any more",
    };
    let help = match bounds.end.and_then(|end| midnight(trigger, end, now)) {
        Some(help) => help,
        None if end.is_some() && trigger.wants_anchor() => {
            "give it a later end, unless `sched watch` has it going from an earlier time".to_owned()
        }
        None => "give it a later end, or remove the job".to_owned(),
    };
    Diagnostic::warning(Code::NeverFires, message).with_help(help)
}

/// For an end at midnight: what that means, and how to write the end of that day, where the
/// trigger still fires then.
fn midnight(trigger: &Trigger, end: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let local = trigger.zone().local(end).naive_local();
    let date = local.date();
    let whole_day = trigger.clone().until(end + LAST_SECOND);
    let helps = local.time() == NaiveTime::MIN && whole_day.next_after(now).is_some();
    helps.then(|| {
        format!(
            "`end_date: {date}` is 00:00 of that day: for all of it write \
             `end_date: {date} 23:59:59`"
        )
    })
}
