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
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, RawFd};

    use chrono::{DateTime, Utc};
    use nix::errno::Errno;
    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::io::unix::AsyncFd;

    /// A descriptor that can be read when a time has come, or when the clock was set.
    pub(crate) trait Alarm: AsRawFd + Sized {
        /// A new one, for no time yet.
        fn new() -> Result<Self, Errno>;

        /// Sets it to `instant`. `ECANCELED` says that it is set, and that the clock was set since
        /// the last time.
        fn set(&self, instant: DateTime<Utc>) -> Result<(), Errno>;

        /// Reads it, so that it can be waited for again; `ECANCELED` where the clock was set.
        fn read(&self) -> Result<(), Errno>;
    }

    /// An alarm that follows the wall clock through suspends and settings.
    #[derive(Debug)]
    pub(crate) struct Timer<A: Alarm = Kernel> {
        descriptor: Option<AsyncFd<A>>,
    }

    /// The kernel's alarm. Source: `timerfd_create(2)`.
    #[derive(Debug)]
    pub(crate) struct Kernel(TimerFd);

    impl AsRawFd for Kernel {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    impl Alarm for Kernel {
        fn new() -> Result<Self, Errno> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            TimerFd::new(ClockId::CLOCK_REALTIME, flags).map(Self)
        }

        fn set(&self, instant: DateTime<Utc>) -> Result<(), Errno> {
            let nanos = i64::from(instant.timestamp_subsec_nanos());
            self.0.set(
                Expiration::OneShot(TimeSpec::new(instant.timestamp(), nanos)),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET,
            )
        }

        fn read(&self) -> Result<(), Errno> {
            self.0.wait()
        }
    }

    impl<A: Alarm> Default for Timer<A> {
        fn default() -> Self {
            Self { descriptor: None }
        }
    }

    impl<A: Alarm> Timer<A> {
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
                        let _ = guard.get_inner().read();
                        guard.clear_ready();
                    }
                }
            }
        }

        fn arm(&mut self, instant: DateTime<Utc>) -> Result<&AsyncFd<A>, Errno> {
            if self.descriptor.is_none() {
                self.descriptor = Some(watched(A::new()?)?);
            }
            let descriptor = self.descriptor.as_ref().expect("it was just made");
            descriptor.get_ref().set(instant)?;
            Ok(descriptor)
        }
    }

    #[expect(
        deprecated,
        reason = "its successor is `unsafe`; the alarm owns its descriptor, so this is sound"
    )]
    fn watched<A: Alarm>(alarm: A) -> Result<AsyncFd<A>, Errno> {
        AsyncFd::new(alarm)
            .map_err(|error: io::Error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))
    }

    #[cfg(test)]
    mod tests {
        use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
        use std::time::Duration;

        use super::*;

        /// An alarm whose clock a test sets.
        struct Fake {
            rings: PipeReader,
            setting: Arc<Setting>,
        }

        /// Sets that clock.
        struct Setting {
            bell: PipeWriter,
            is_new: AtomicBool,
        }

        impl Setting {
            /// What the kernel does when somebody sets the clock.
            fn set_clock(&self) {
                self.is_new.store(true, SeqCst);
                (&self.bell).write_all(b"!").unwrap();
            }
        }

        impl AsRawFd for Fake {
            fn as_raw_fd(&self) -> RawFd {
                self.rings.as_raw_fd()
            }
        }

        impl Alarm for Fake {
            fn new() -> Result<Self, Errno> {
                let (rings, bell) = pipe().map_err(|_| Errno::EMFILE)?;
                let is_new = AtomicBool::new(false);
                let setting = Arc::new(Setting { bell, is_new });
                Ok(Self { rings, setting })
            }

            fn set(&self, _: DateTime<Utc>) -> Result<(), Errno> {
                if self.setting.is_new.load(SeqCst) {
                    return self.read();
                }
                Ok(())
            }

            fn read(&self) -> Result<(), Errno> {
                assert!(self.setting.is_new.swap(false, SeqCst), "nothing to read");
                (&self.rings).read_exact(&mut [0]).unwrap();
                Err(Errno::ECANCELED)
            }
        }

        fn noon() -> DateTime<Utc> {
            "2026-11-24T12:00:00Z".parse().unwrap()
        }

        /// Sleeps for an hour by a clock that stands still; gives whether that was over soon.
        async fn is_short(timer: &mut Timer<Fake>) -> bool {
            let sleep = timer.sleep_until(noon() + Duration::from_secs(3600), noon);
            let soon = Duration::from_millis(200);
            tokio::time::timeout(soon, sleep).await.is_ok()
        }

        #[tokio::test]
        async fn a_sleep_ends_when_the_clock_is_set_and_the_next_one_does_not() {
            let alarm = Fake::new().unwrap();
            let setting = Arc::clone(&alarm.setting);
            let mut timer = Timer {
                descriptor: Some(watched(alarm).unwrap()),
            };
            assert!(!is_short(&mut timer).await);
            let meanwhile = async {
                tokio::task::yield_now().await;
                setting.set_clock();
            };
            let (was_short, ()) = tokio::join!(is_short(&mut timer), meanwhile);
            assert!(was_short, "the clock was set while it slept");
            assert!(!is_short(&mut timer).await);
            setting.set_clock();
            assert!(is_short(&mut timer).await, "it was set before");
            assert!(!is_short(&mut timer).await);
        }
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
