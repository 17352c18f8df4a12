//! Threads whose work can wait.

/// While this lives, threads that the present one begins never take the processor from a thread
/// or process that runs: what they do can wait for a run that begins.
///
/// Source: `sched(7)`, `SCHED_BATCH`; it is inherited. Elsewhere than on Linux this does nothing.
#[derive(Debug)]
pub struct Background(());

impl Background {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        set_batch(true);
        Self(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        set_batch(false);
    }
}

#[cfg(target_os = "linux")]
fn set_batch(batch: bool) {
    use nix::libc::{SCHED_BATCH, SCHED_OTHER, sched_param, sched_setscheduler};
    let policy = if batch { SCHED_BATCH } else { SCHED_OTHER };
    // Where the system refuses, nothing but a little time is lost.
    // SAFETY: `parameters` are numbers, the priority 0 and what some systems add; they are read, and
    // nothing is changed but how the present thread is scheduled.
    unsafe {
        let parameters: sched_param = std::mem::zeroed();
        sched_setscheduler(0, policy, &raw const parameters);
    }
}

#[cfg(not(target_os = "linux"))]
fn set_batch(_batch: bool) {}
