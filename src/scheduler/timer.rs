//! Waiting for the wall clock.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long to wait at most where the system does not tell that its clock was set.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

#[cfg(target_os = "linux")]
pub(super) use linux::Timer;

#[cfg(not(target_os = "linux"))]
pub(super) use bounded::Timer;

/// A sleep until `instant` that ends early after [`LONGEST_SLEEP`].
async fn bounded_sleep(instant: DateTime<Utc>, now: DateTime<Utc>) {
    let left = (instant - now).to_std().unwrap_or_default();
    tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, AsRawFd, RawFd};

    use chrono::{DateTime, Utc};
    use nix::errno::Errno;
    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::io::unix::AsyncFd;

    /// A timer of the kernel that follows the wall clock through suspends and settings.
    #[derive(Debug, Default)]
    pub(crate) struct Timer {
        descriptor: Option<AsyncFd<Descriptor>>,
    }

    #[derive(Debug)]
    struct Descriptor(TimerFd);

    impl AsRawFd for Descriptor {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    impl Timer {
        /// Waits until the clock, which `now` reads, has come to `instant` or was set.
        pub(crate) async fn sleep_until(
            &mut self,
            instant: DateTime<Utc>,
            now: fn() -> DateTime<Utc>,
        ) {
            if instant <= now() {
                return;
            }
            match self.arm(instant) {
                // The kernel arms the timer and reports that the clock was set since the last
                // time it was armed.
                Err(Errno::ECANCELED) => {}
                Err(_) => super::bounded_sleep(instant, now()).await,
                Ok(descriptor) => {
                    if let Ok(mut guard) = descriptor.readable().await {
                        // Only reading makes it wait again. Arming it anew does so too, hence a
                        // failure to read is no matter.
                        let _ = guard.get_inner().0.wait();
                        guard.clear_ready();
                    }
                }
            }
        }

        fn arm(&mut self, instant: DateTime<Utc>) -> Result<&AsyncFd<Descriptor>, Errno> {
            if self.descriptor.is_none() {
                let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
                let timer = TimerFd::new(ClockId::CLOCK_REALTIME, flags)?;
                self.descriptor = Some(watched(timer)?);
            }
            let descriptor = self.descriptor.as_ref().expect("it was just made");
            let nanos = i64::from(instant.timestamp_subsec_nanos());
            descriptor.get_ref().0.set(
                Expiration::OneShot(TimeSpec::new(instant.timestamp(), nanos)),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET,
            )?;
            Ok(descriptor)
        }
    }

    #[expect(
        deprecated,
        reason = "its successor is `unsafe`; the timer owns its descriptor, so this is sound"
    )]
    fn watched(timer: TimerFd) -> Result<AsyncFd<Descriptor>, Errno> {
        AsyncFd::new(Descriptor(timer))
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))
    }
}

#[cfg(not(target_os = "linux"))]
mod bounded {
    use chrono::{DateTime, Utc};

    /// A sleep in pieces: between them, whoever sleeps sees that the clock was set.
    #[derive(Debug, Default)]
    pub(crate) struct Timer;

    impl Timer {
        /// Waits until the clock, which `now` reads, has come to `instant`, or for ten seconds.
        pub(crate) async fn sleep_until(
            &mut self,
            instant: DateTime<Utc>,
            now: fn() -> DateTime<Utc>,
        ) {
            super::bounded_sleep(instant, now()).await;
        }
    }
}
