//! The time: the only place where the program asks for it.

use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};

use super::timer::Timer;

/// For how long before an instant the clock is watched and not slept by: what sleeps is late by
/// about as much as a processor needs to be awake again.
const WATCHED: Duration = Duration::from_micros(100);

/// What time it is, and waiting for a time.
pub trait Clock {
    /// The wall-clock time.
    fn now(&self) -> DateTime<Utc>;

    /// The time since some fixed moment: it goes on evenly when the wall clock is set.
    fn monotonic(&self) -> Duration;

    /// For how long the machine has been suspended so far, where the system tells.
    fn suspended(&self) -> Duration;

    /// Waits until the wall clock reads `instant`; returns early when the clock was set, so the
    /// caller asks again what time it is.
    fn sleep_until(&mut self, instant: DateTime<Utc>) -> impl Future<Output = ()>;
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock {
    began: Instant,
    timer: Timer,
}

impl SystemClock {
    /// The system's clock, its monotonic time counted from now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            began: instant(),
            timer: Timer::default(),
        }
    }

    /// The wall-clock time, for those who need no more than that.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn wall_time() -> DateTime<Utc> {
        SystemTime::now().into()
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Self::wall_time()
    }

    fn monotonic(&self) -> Duration {
        instant() - self.began
    }

    #[cfg(target_os = "linux")]
    fn suspended(&self) -> Duration {
        use nix::time::{ClockId, clock_gettime};
        // Source: `clock_gettime(2)`: the one counts the time of suspension, the other does not.
        let awake = clock_gettime(ClockId::CLOCK_MONOTONIC);
        let all = clock_gettime(ClockId::CLOCK_BOOTTIME);
        let (Ok(awake), Ok(all)) = (awake, all) else {
            return Duration::ZERO;
        };
        Duration::from(all).saturating_sub(awake.into())
    }

    #[cfg(not(target_os = "linux"))]
    fn suspended(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep_until(&mut self, instant: DateTime<Utc>) {
        let early = instant.checked_sub_signed(TimeDelta::from_std(WATCHED).unwrap_or_default());
        let early = early.unwrap_or(instant);
        self.timer.sleep_until(early, Self::wall_time).await;
        // For so long and no longer, whatever becomes of the wall clock meanwhile.
        let awake = self.monotonic();
        let is_near = || {
            let left = (instant - Self::wall_time()).to_std();
            left.is_ok_and(|left| !left.is_zero() && left <= WATCHED)
        };
        while is_near() && self.monotonic().saturating_sub(awake) < WATCHED {
            std::hint::spin_loop();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn instant() -> Instant {
    Instant::now()
}

/// A clock for tests: it goes on when everything else waits, and can be set.
///
/// It follows tokio's paused time, so a test needs `start_paused`.
#[cfg(test)]
#[derive(Debug, Clone)]
pub(crate) struct ManualClock {
    began: tokio::time::Instant,
    reads: tokio::sync::watch::Sender<DateTime<Utc>>,
    suspended: tokio::sync::watch::Sender<Duration>,
}

#[cfg(test)]
impl ManualClock {
    /// A clock that reads `now`.
    #[expect(clippy::disallowed_methods, reason = "virtual time")]
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self {
            began: tokio::time::Instant::now(),
            reads: tokio::sync::watch::Sender::new(now),
            suspended: tokio::sync::watch::Sender::default(),
        }
    }

    /// Sets the clock: it reads `now`.
    pub(crate) fn set(&self, now: DateTime<Utc>) {
        let passed = self.monotonic();
        self.reads.send_replace(now - passed);
    }

    /// What the suspension of the machine for so long does to the clock.
    pub(crate) fn suspend(&self, length: Duration) {
        self.suspended.send_modify(|total| *total += length);
        self.set(self.now() + length);
    }
}

#[cfg(test)]
impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.reads.borrow() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }

    fn suspended(&self) -> Duration {
        *self.suspended.borrow()
    }

    async fn sleep_until(&mut self, instant: DateTime<Utc>) {
        let mut reads = self.reads.subscribe();
        let wait = (instant - self.now()).to_std().unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = reads.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_clock_wakes_at_the_time_and_not_before() {
        let mut clock = SystemClock::new();
        for millis in [0, 1, 30] {
            let instant = clock.now() + Duration::from_millis(millis);
            clock.sleep_until(instant).await;
            assert!(clock.now() >= instant);
        }
    }

    #[tokio::test]
    async fn a_time_long_past_is_no_wait() {
        let mut clock = SystemClock::new();
        clock.sleep_until(DateTime::UNIX_EPOCH).await;
        clock.sleep_until(DateTime::<Utc>::MIN_UTC).await;
    }

    #[tokio::test]
    async fn a_sleep_may_be_given_up() {
        let mut clock = SystemClock::new();
        for _ in 0..3 {
            let far = clock.sleep_until(DateTime::<Utc>::MAX_UTC);
            tokio::select! {
                () = far => panic!("the year 262142 has not come"),
                () = tokio::time::sleep(Duration::from_millis(2)) => {}
            }
        }
        let soon = clock.now() + Duration::from_millis(10);
        clock.sleep_until(soon).await;
        assert!(clock.now() >= soon);
    }
}
