//! Whether the machine was suspended: then fires are late, and nothing is at fault.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A shorter suspension is none: no system wakes so soon.
const SHORTEST: Duration = Duration::from_secs(1);

/// When the machine was last seen to have been suspended, and for how long.
#[derive(Debug)]
pub(super) struct Suspension {
    /// How long it was suspended in all, when that was looked at.
    total: Duration,
    last: Option<(DateTime<Utc>, Duration)>,
}

impl Suspension {
    /// None yet, where the machine was suspended for `total` before.
    pub(super) fn new(total: Duration) -> Self {
        Self { total, last: None }
    }

    /// Takes note that at `now` it has been suspended for `total` in all.
    pub(super) fn look(&mut self, now: DateTime<Utc>, total: Duration) {
        let length = total.saturating_sub(self.total);
        if length >= SHORTEST {
            self.last = Some((now, length));
            self.total = total;
        }
    }

    /// For how long the machine was suspended, where that ended after `due`.
    pub(super) fn since(&self, due: DateTime<Utc>) -> Option<Duration> {
        let (seen, length) = self.last?;
        (due <= seen).then_some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_due_before_the_end_of_a_suspension_is_late_because_of_it() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let length = Duration::from_secs;
        let mut suspension = Suspension::new(length(100));
        suspension.look(at(10), length(100));
        suspension.look(at(11), length(100) + Duration::from_millis(3));
        assert_eq!(suspension.since(at(0)), None);
        suspension.look(at(60), length(140));
        suspension.look(at(61), length(140));
        for due in [0, 30, 60] {
            assert_eq!(suspension.since(at(due)), Some(length(40)), "{due}");
        }
        assert_eq!(suspension.since(at(61)), None, "it was awake by then");
        suspension.look(at(90), length(145));
        assert_eq!(suspension.since(at(80)), Some(length(5)));
    }
}
