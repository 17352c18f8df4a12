//! The words for fires that come late, or not at all.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Voice;
use crate::cli::time;
use crate::run::{Outcome, Run};
use crate::scheduler::Late;
use crate::scheduler::clock::SystemClock;
use crate::scheduler::plan::{Fire, Passed};
use crate::words::counted;

impl Voice {
    /// That a run begins late.
    pub(super) fn late(&self, run: &Run, late: Late) {
        let Late { due, by, suspended } = late;
        let why = suspension(suspended).map(|why| format!(" ({why})"));
        let short = format!(
            "due {}, started {} late{}",
            self.clock(due),
            time::span(by),
            why.unwrap_or_default()
        );
        tracing::warn!(
            event = "run_late",
            tag = "late",
            job = run.job,
            run_id = %run.id,
            late_s = by.as_secs_f64(),
            suspended_s = suspended.map(|length| length.as_secs_f64()),
            short,
            "'{}' was {short}",
            run.job
        );
    }

    /// That a fire does not run while others of its job do, the oldest since `since`.
    pub(super) fn skipped(&self, fire: &Fire, since: Option<DateTime<Utc>>) {
        let most = fire.job.policy.max_instances;
        let since = since.map(|since| {
            let going = (SystemClock::wall_time() - since).to_std();
            let going = time::about(going.unwrap_or_default());
            format!(" since {} ({going})", self.clock(since))
        });
        let short = format!(
            "previous run still going{}, max_instances {most}",
            since.unwrap_or_default()
        );
        tracing::warn!(
            event = "run_skipped",
            tag = "SKIP",
            job = fire.job.name,
            scheduled_for = self.rfc3339(fire.fire_time),
            short,
            "Skipped job '{}' execution event of '{}': {short}",
            fire.job.name,
            self.upstream_time(fire.fire_time)
        );
    }

    /// That fires do not run: coalesced, missed, or skipped because their job has changed.
    pub(super) fn passed(&self, outcome: Outcome, passed: &Passed, suspended: Option<Duration>) {
        let name = &passed.job.name;
        let range = self.range(passed);
        let more = if passed.and_more { "more than " } else { "" };
        let count = passed.count;
        let fires = counted(usize::try_from(count).unwrap_or(usize::MAX), "fire");
        let why = suspension(suspended).map(|why| format!("; {why}"));
        let why = why.unwrap_or_default();
        let suspended_s = suspended.map(|length| length.as_secs_f64());
        if outcome == Outcome::Coalesced {
            tracing::info!(
                event = "run_coalesced",
                tag = "late",
                job = name,
                count,
                suspended_s,
                short = format!("{more}{fires} coalesced into the latest ({range}){why}"),
                "{more}{fires} of '{name}' coalesced into the latest ({range}){why}"
            );
        } else if outcome == Outcome::Skipped {
            let short = format!("{more}{fires}, owed before the job changed ({range}){why}");
            tracing::warn!(
                event = "run_skipped",
                tag = "SKIP",
                job = name,
                count,
                suspended_s,
                short,
                "'{name}': {short}"
            );
        } else {
            let message = match passed.latest.first() {
                Some(only) if count == 1 => format!(
                    "Missed job '{name}' execution event of '{}'",
                    self.upstream_time(*only)
                ),
                Some(_) | None => format!("{more}{fires} of '{name}' were missed ({range})"),
            };
            tracing::warn!(
                event = "run_missed",
                tag = "MISSED",
                job = name,
                count,
                suspended_s,
                short = format!("{more}{fires}, too late to run ({range}){why}"),
                "{message}{why}"
            );
        }
    }

    /// The times of fires: the only one, or the first and the last.
    fn range(&self, passed: &Passed) -> String {
        let last = self.clock(passed.last);
        if passed.count == 1 {
            return last;
        }
        format!("{} to {last}", self.clock(passed.first))
    }
}

/// What is said of a machine that was suspended.
fn suspension(length: Option<Duration>) -> Option<String> {
    let length = time::about(length?);
    Some(format!("the machine was suspended for {length}"))
}
