//! Whether a failure is the one that was shown before: a storm of one error fills no screen.
//!
//! Only for the terminal: `scheduler.log`, the history and programs get every failure in full.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::job::digest;

/// The last failure of each job, until it succeeds.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    of_jobs: HashMap<String, Streak>,
}

/// A job fails again and again in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Streak {
    /// What is shown of it, as a digest.
    shown: u64,
    /// How often it failed so.
    pub(super) times: u64,
    /// When it first did.
    pub(super) since: DateTime<Utc>,
}

impl Repeats {
    /// The job failed at `now`, of which `shown` would be told; gives the streak where just that
    /// was told before.
    pub(super) fn failed(&mut self, job: &str, shown: &str, now: DateTime<Utc>) -> Option<Streak> {
        let first = Streak {
            shown: digest(shown.as_bytes()),
            times: 1,
            since: now,
        };
        match self.of_jobs.get_mut(job) {
            Some(streak) if streak.shown == first.shown => {
                streak.times += 1;
                Some(*streak)
            }
            Some(streak) => {
                *streak = first;
                None
            }
            None => {
                self.of_jobs.insert(job.to_owned(), first);
                None
            }
        }
    }

    /// The job succeeded, or is gone: its next failure is told in full.
    pub(super) fn forget(&mut self, job: &str) {
        self.of_jobs.remove(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// How often that was told before, and since when; `None` where it is told in full.
    fn fails(
        repeats: &mut Repeats,
        job: &str,
        shown: &str,
        second: i64,
    ) -> Option<(u64, DateTime<Utc>)> {
        let streak = repeats.failed(job, shown, at(second));
        streak.map(|streak| (streak.times, streak.since))
    }

    #[test]
    fn the_same_failure_of_the_same_job_is_told_once() {
        let mut repeats = Repeats::default();
        assert_eq!(fails(&mut repeats, "a", "x", 1), None);
        assert_eq!(fails(&mut repeats, "a", "x", 2), Some((2, at(1))));
        assert_eq!(fails(&mut repeats, "b", "x", 3), None, "another job");
        assert_eq!(fails(&mut repeats, "a", "x", 4), Some((3, at(1))));
    }

    #[test]
    fn a_success_and_another_failure_begin_anew() {
        let mut repeats = Repeats::default();
        for again in ["forget", "another failure"] {
            assert_eq!(fails(&mut repeats, "a", "x", 1), None, "{again}");
            assert_eq!(fails(&mut repeats, "a", "x", 2), Some((2, at(1))));
            if again == "forget" {
                repeats.forget("a");
            } else {
                assert_eq!(fails(&mut repeats, "a", "y", 3), None);
                assert_eq!(fails(&mut repeats, "a", "y", 4), Some((2, at(3))));
            }
        }
        assert_eq!(fails(&mut repeats, "a", "x", 5), None);
    }
}
