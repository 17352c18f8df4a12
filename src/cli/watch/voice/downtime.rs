//! The words for what came and went while nothing ran.

use super::Voice;
use crate::run::Outcome;
use crate::scheduler::plan::{Downtime, GivenUp, Why};
use crate::words::counted;

/// How many jobs are named in one line.
const MOST_NAMES: usize = 5;

impl Voice {
    /// What was missed while nothing ran, in one line, and what is caught up on.
    pub(super) fn resumed(&self, downtime: &Downtime, mended: bool) {
        for passed in &downtime.coalesced {
            self.passed(Outcome::Coalesced, passed, None);
        }
        self.retries(downtime);
        let missed = &downtime.missed;
        let first = missed.iter().map(|passed| passed.first).min();
        let last = missed.iter().map(|passed| passed.last).max();
        let (Some(first), Some(last)) = (first, last) else {
            return;
        };
        let count: u64 = missed.iter().map(|passed| passed.count).sum();
        let more = missed.iter().any(|passed| passed.and_more);
        let (least, more) = (
            if more { "more than " } else { "" },
            missed.len().saturating_sub(MOST_NAMES),
        );
        let named = missed.iter().take(MOST_NAMES);
        let mut names: Vec<String> = named
            .map(|passed| {
                let least = if passed.and_more { "more than " } else { "" };
                format!("{} ({least}{})", passed.job.name, passed.count)
            })
            .collect();
        if more > 0 {
            names.push(format!("{more} more"));
        }
        let meanwhile = if mended {
            "the job was faulty"
        } else {
            "sched was down"
        };
        let were = if count == 1 { "was" } else { "were" };
        tracing::warn!(
            event = "downtime_missed",
            count,
            "{least}{} {were} missed while {meanwhile} ({}): {}; see `sched history --missed`",
            counted(usize::try_from(count).unwrap_or(usize::MAX), "fire"),
            from_to(self.clock(first), &self.clock(last)),
            names.join(", ")
        );
    }

    /// What becomes of the attempts that waited.
    fn retries(&self, downtime: &Downtime) {
        for fire in &downtime.retried {
            let tries = fire.job.policy.retries.saturating_add(1);
            let short = format!(
                "try {} of {tries} for {} {}: it waited when sched ended",
                fire.attempt,
                self.clock(fire.fire_time),
                self.again(fire.due)
            );
            tracing::info!(
                event = "retry_resumed",
                tag = "retry",
                job = fire.job.name,
                attempt = fire.attempt,
                short,
                "'{}': {short}",
                fire.job.name
            );
        }
        for GivenUp { job, retry, why } in &downtime.given_up {
            let why = match why {
                Why::Gone => "the job is gone".to_owned(),
                Why::Changed => "the job has changed".to_owned(),
                Why::Late => format!("it was due {}", self.clock(retry.due)),
            };
            let short = format!(
                "try {} for {} is not made any more: {why}",
                retry.attempt,
                self.clock(retry.fire_time),
            );
            tracing::warn!(
                event = "retry_given_up",
                tag = "SKIP",
                job,
                attempt = retry.attempt,
                short,
                "'{job}': {short}"
            );
        }
    }
}

/// `02:12:00 to 07:59:00`, or the time of day that both are.
fn from_to(first: String, last: &str) -> String {
    if first == last {
        return first;
    }
    format!("{first} to {last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_is_told_once() {
        let told = |first: &str, last: &str| from_to(first.to_owned(), last);
        assert_eq!(told("03:47:12", "03:47:12"), "03:47:12");
        assert_eq!(told("03:47:12", "03:47:13"), "03:47:12 to 03:47:13");
    }
}
