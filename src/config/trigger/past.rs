//! Triggers that will not fire any more.

use chrono::NaiveDate;

use crate::config::key;
use crate::config::reader::Reader;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::Trigger;
use crate::trigger::cron::never_fires_reason;
use crate::yaml::Node;

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
    let today = trigger.zone().local(reader.outside.now).date_naive();
    let over = || {
        let place = place(&["end_date", "year", "day"]);
        Diagnostic::warning(Code::NeverFires, "this schedule does not fire any more")
            .at(place)
            .with_help(
                midnight(place.of(reader.text), today)
                    .unwrap_or_else(|| "give it a later end, or remove the job".to_owned()),
            )
    };
    let diagnostic = match trigger {
        Trigger::Date(_) => Diagnostic::warning(Code::PastDate, "`run_date` lies in the past")
            .at(place(&["run_date"]))
            .with_help(
                "it runs only where `sched watch` knew the job before that time, has not run it, \
                 and `misfire_grace_time` still allows it",
            )
            .with_help("otherwise give it a later date"),
        Trigger::Any(_) => return,
        Trigger::Interval(_) => over(),
        Trigger::Cron(cron) => match never_fires_reason(cron) {
            None => over(),
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

/// For an end that is a date alone, and not over: what that means, and how to write the end of
/// that day.
fn midnight(written: &str, today: NaiveDate) -> Option<String> {
    let date: NaiveDate = written.trim_matches(['"', '\'']).parse().ok()?;
    let help = format!(
        "`end_date: {date}` is 00:00 of that day: for all of it write `end_date: {date} 23:59:59`"
    );
    (date >= today).then_some(help)
}
