//! Threads whose work can wait.

/// While this lives, threads that the present one begins never take the processor from a thread
/// or process that runs: what they do can wait for a run that begins.
///
/// Where whoever started us chose how we are scheduled, as `chrt` and systemd can, that stays, for
/// tasks inherit it.
///
/// Source: `sched(7)`, `SCHED_BATCH`; it is inherited. Elsewhere than on Linux this does nothing.
#[derive(Debug)]
pub struct Background {
    is_ours: bool,
}

impl Background {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        let is_ours = policy::get() == policy::USUAL;
        if is_ours {
            policy::set(policy::BATCH);
        }
        Self { is_ours }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.is_ours {
            policy::set(policy::USUAL);
        }
    }
}

/// How the present thread is scheduled.
#[cfg(target_os = "linux")]
mod policy {
    use nix::libc::{
        SCHED_BATCH, SCHED_OTHER, sched_getscheduler, sched_param, sched_setscheduler,
    };

    pub(super) const USUAL: i32 = SCHED_OTHER;
    pub(super) const BATCH: i32 = SCHED_BATCH;

    /// The policy, with its flags; -1 where the system does not tell.
    pub(super) fn get() -> i32 {
        // SAFETY: it takes a number and touches no memory.
        unsafe { sched_getscheduler(0) }
    }

    /// Where the system refuses, nothing but a little time is lost.
    pub(super) fn set(policy: i32) {
        // SAFETY: `parameters` are numbers, the priority 0 and what some systems add; they are read,
        // and nothing is changed but how the present thread is scheduled.
        unsafe {
            let parameters: sched_param = std::mem::zeroed();
            sched_setscheduler(0, policy, &raw const parameters);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod policy {
    pub(super) const USUAL: i32 = 0;
    pub(super) const BATCH: i32 = USUAL;

    pub(super) fn get() -> i32 {
        USUAL
    }

    pub(super) fn set(_policy: i32) {}
}

// This C library knows no policies.
#[cfg(all(target_os = "linux", not(target_env = "musl")))]
#[cfg(test)]
mod tests {
    use nix::libc::SCHED_IDLE;

    use super::policy::{BATCH, USUAL, get, set};
    use super::*;

    /// The policy within a background and after it, in a thread with that policy before.
    fn around(before: i32) -> (i32, i32) {
        let thread = std::thread::spawn(move || {
            set(before);
            let background = Background::begin();
            let within = std::thread::spawn(get).join().unwrap();
            drop(background);
            (within, get())
        });
        thread.join().unwrap()
    }

    #[test]
    fn what_begins_in_the_background_waits_for_others() {
        assert_eq!(around(USUAL), (BATCH, USUAL));
    }

    #[test]
    fn a_policy_that_we_were_started_with_stays() {
        assert_eq!(around(SCHED_IDLE), (SCHED_IDLE, SCHED_IDLE));
        assert_eq!(around(BATCH), (BATCH, BATCH));
    }
}
