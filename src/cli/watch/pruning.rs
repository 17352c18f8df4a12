//! When old runs are forgotten, and which: a clock that is wrong for a while must not cost the
//! history.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How often old runs are forgotten, and how soon after the start for the first time: a machine
/// that has just booted may still have to learn what time it is.
const EVERY: Duration = Duration::from_secs(3600);
const FIRST: Duration = Duration::from_secs(60);

/// A reading of both clocks.
#[derive(Debug, Clone, Copy)]
struct Reading {
    wall: DateTime<Utc>,
    monotonic: Duration,
}

/// The turns at which runs are forgotten.
#[derive(Debug)]
pub(super) struct Pruning {
    last: Option<Reading>,
    wait: Duration,
}

impl Pruning {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            wait: FIRST,
        }
    }

    /// Where it is time for it, up to when runs are forgotten of which those of the last `keep`
    /// are kept: reckoned from the earlier of the wall clock and what it must read by itself since
    /// the last turn.
    pub(super) fn turn(
        &mut self,
        wall: DateTime<Utc>,
        monotonic: Duration,
        keep: Duration,
    ) -> Option<DateTime<Utc>> {
        let reading = Reading { wall, monotonic };
        let last = *self.last.get_or_insert(reading);
        let passed = monotonic.saturating_sub(last.monotonic);
        if passed < self.wait {
            return None;
        }
        self.last = Some(reading);
        self.wait = EVERY;
        let reckoned = last
            .wall
            .checked_add_signed(TimeDelta::from_std(passed).ok()?)?;
        wall.min(reckoned)
            .checked_sub_signed(TimeDelta::from_std(keep).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(24 * 3600);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn turn(pruning: &mut Pruning, wall: &str, monotonic_s: u64) -> Option<DateTime<Utc>> {
        pruning.turn(at(wall), Duration::from_secs(monotonic_s), KEEP)
    }

    #[test]
    fn runs_are_forgotten_a_minute_after_the_start_and_every_hour() {
        let mut pruning = Pruning::new();
        let turns = [
            ("2026-11-24T12:00:00Z", 7),
            ("2026-11-24T12:00:59Z", 66),
            ("2026-11-24T12:01:00Z", 67),
            ("2026-11-24T13:00:59Z", 3666),
            ("2026-11-24T13:01:00Z", 3667),
        ];
        let turns = turns.map(|(wall, monotonic_s)| turn(&mut pruning, wall, monotonic_s));
        let first = Some(at("2026-11-23T12:01:00Z"));
        let second = Some(at("2026-11-23T13:01:00Z"));
        assert_eq!(turns, [None, None, first, None, second]);
    }

    #[test]
    fn a_clock_that_jumps_ahead_for_a_while_costs_no_history() {
        let mut pruning = Pruning::new();
        assert_eq!(turn(&mut pruning, "2026-11-24T12:00:00Z", 0), None);
        let ahead = turn(&mut pruning, "2036-11-24T12:01:00Z", 60);
        assert_eq!(ahead, Some(at("2026-11-23T12:01:00Z")));
        let back = turn(&mut pruning, "2026-11-24T13:01:00Z", 3660);
        assert_eq!(back, Some(at("2026-11-23T13:01:00Z")));
    }

    #[test]
    fn one_that_is_ahead_at_the_start_costs_none_either() {
        let mut pruning = Pruning::new();
        assert_eq!(turn(&mut pruning, "2036-11-24T12:00:00Z", 0), None);
        let mended = turn(&mut pruning, "2026-11-24T12:01:00Z", 60);
        assert_eq!(mended, Some(at("2026-11-23T12:01:00Z")));
    }

    #[test]
    fn what_is_kept_for_ever_is_never_forgotten() {
        let mut pruning = Pruning::new();
        for monotonic_s in [0, 60, 3660] {
            let now = at("2026-11-24T12:00:00Z");
            let monotonic = Duration::from_secs(monotonic_s);
            assert_eq!(pruning.turn(now, monotonic, Duration::MAX), None);
        }
    }
}
