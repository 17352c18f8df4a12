//! When old runs are forgotten, and which: a clock that is wrong must not cost the history.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How soon after the start old runs are forgotten for the first time, and how often then.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(3600);

/// The turns at which runs are forgotten.
#[derive(Debug)]
pub(super) struct Pruning {
    /// A time that has been for certain: of the start, or of the last run that was recorded before
    /// it, whichever is earlier.
    certain: DateTime<Utc>,
    /// When the next turn is, counted from the start.
    next: Duration,
}

impl Pruning {
    /// Turns of a watcher that starts at `now`, where the last run began at `newest`.
    pub(super) fn new(now: DateTime<Utc>, newest: Option<DateTime<Utc>>) -> Self {
        Self {
            certain: newest.map_or(now, |newest| newest.min(now)),
            next: FIRST,
        }
    }

    /// Where it is time for it, `passed` after the start, up to when runs are forgotten of which
    /// those of the last `keep` are kept.
    ///
    /// That is reckoned from what the clock reads, `now`, and no later than from the time that is
    /// certain and what has passed since: a clock that is ahead, from the start or later on, makes
    /// no run old.
    pub(super) fn turn(
        &mut self,
        now: DateTime<Utc>,
        passed: Duration,
        keep: Duration,
    ) -> Option<DateTime<Utc>> {
        if passed < self.next {
            return None;
        }
        self.next = passed + EVERY;
        let certain = self
            .certain
            .checked_add_signed(TimeDelta::from_std(passed).ok()?)?;
        now.min(certain)
            .checked_sub_signed(TimeDelta::from_std(keep).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn turn(pruning: &mut Pruning, now: &str, passed_s: u64) -> Option<DateTime<Utc>> {
        pruning.turn(at(now), Duration::from_secs(passed_s), DAY)
    }

    #[test]
    fn runs_are_forgotten_a_minute_after_the_start_and_every_hour() {
        let mut pruning = Pruning::new(at("2026-11-24T12:00:00Z"), None);
        let turns = [
            ("2026-11-24T12:00:59Z", 59),
            ("2026-11-24T12:01:00Z", 60),
            ("2026-11-24T13:00:59Z", 3659),
            ("2026-11-24T13:01:00Z", 3660),
        ];
        let turns = turns.map(|(now, passed_s)| turn(&mut pruning, now, passed_s));
        let first = Some(at("2026-11-23T12:01:00Z"));
        let second = Some(at("2026-11-23T13:01:00Z"));
        assert_eq!(turns, [None, first, None, second]);
    }

    #[test]
    fn a_clock_that_jumps_ahead_makes_no_run_old_however_long_it_is_wrong() {
        let mut pruning = Pruning::new(at("2026-11-24T12:00:00Z"), None);
        for hour in 0..48 {
            let passed_s = 60 + 3600 * hour;
            let cutoff = turn(&mut pruning, "2036-11-24T12:01:00Z", passed_s).unwrap();
            let right = at("2026-11-23T12:00:00Z") + Duration::from_secs(passed_s);
            assert_eq!(cutoff, right);
        }
    }

    #[test]
    fn neither_does_one_that_is_ahead_from_the_start() {
        let newest = Some(at("2026-11-24T11:00:00Z"));
        let mut pruning = Pruning::new(at("2036-11-24T12:00:00Z"), newest);
        let ahead = turn(&mut pruning, "2036-11-24T12:01:00Z", 60);
        assert_eq!(ahead, Some(at("2026-11-23T11:01:00Z")));
        // The next watcher's clock is right, and the last run was recorded by the wrong one.
        let newest = Some(at("2036-11-24T12:01:00Z"));
        let mut pruning = Pruning::new(at("2026-11-24T14:00:00Z"), newest);
        let right = turn(&mut pruning, "2026-11-24T14:01:00Z", 60);
        assert_eq!(right, Some(at("2026-11-23T14:01:00Z")));
    }

    #[test]
    fn one_that_is_set_back_makes_none_old() {
        let mut pruning = Pruning::new(at("2026-11-24T12:00:00Z"), None);
        let back = turn(&mut pruning, "2026-11-20T12:01:00Z", 60);
        assert_eq!(back, Some(at("2026-11-19T12:01:00Z")));
    }

    #[test]
    fn what_is_kept_for_ever_is_never_forgotten() {
        let now = at("2026-11-24T12:00:00Z");
        let mut pruning = Pruning::new(now, None);
        for passed_s in [0, 60, 3660] {
            let passed = Duration::from_secs(passed_s);
            assert_eq!(pruning.turn(now, passed, Duration::MAX), None);
        }
    }
}
