//! Where orphans come to us, as to process 1 of a container, a process of its own reaps them.
//!
//! A process that nobody waits for becomes a child of such a one. To reap it beside our own children
//! we would have to know at every instant which is which; so one process does nothing else, and its
//! only child goes on in our place.

use std::io;

/// Parts the program in two where orphans come to it. `None` for whoever goes on, with orphans or
/// without; for the one who reaped them, the exit code with which it is to end now.
///
/// To be called before there is any other thread.
///
/// # Errors
/// Where the system allows no other process.
pub fn leave_orphans() -> io::Result<Option<u8>> {
    #[cfg(target_os = "linux")]
    if linux::gets_orphans() {
        return Ok(linux::part()?);
    }
    Ok(None)
}

#[cfg(target_os = "linux")]
mod linux {
    use nix::errno::Errno;
    use nix::libc::SI_KERNEL;
    use nix::sys::prctl;
    use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
    use nix::sys::signalfd::{SfdFlags, SignalFd};
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::{ForkResult, Pid, fork};

    /// The exit code where nobody knows how the child ended.
    const UNKNOWN: u8 = 255;

    /// Whether orphans become our children: those of a container, or those of a subreaper.
    pub(super) fn gets_orphans() -> bool {
        Pid::this() == Pid::from_raw(1) || prctl::get_child_subreaper().unwrap_or_default()
    }

    pub(super) fn part() -> nix::Result<Option<u8>> {
        // Blocked before there is a child, so that no signal is lost.
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        // SAFETY: there is one thread, so the child has all that its memory says it has.
        match unsafe { fork() }? {
            ForkResult::Child => {
                // Alone it would go on unseen.
                prctl::set_pdeathsig(Signal::SIGTERM)?;
                before.thread_set_mask()?;
                Ok(None)
            }
            ForkResult::Parent { child } => serve(child).map(Some),
        }
    }

    /// Reaps orphans and passes signals on until the child is over; gives its exit code.
    fn serve(child: Pid) -> nix::Result<u8> {
        let signals = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC)?;
        loop {
            if let Some(code) = reap(child)? {
                return Ok(code);
            }
            let Some(told) = signals.read_signal()? else {
                continue;
            };
            // The kernel sends the keys of a terminal to the whole group: the child has them too.
            if told.ssi_code != SI_KERNEL {
                pass_on(child, told.ssi_signo);
            }
        }
    }

    fn pass_on(child: Pid, number: u32) {
        let signal = i32::try_from(number).map(Signal::try_from);
        if let Ok(Ok(signal)) = signal
            && signal != Signal::SIGCHLD
        {
            // It fails only where the child is over, which is about to be told.
            let _ = kill(child, signal);
        }
    }

    /// Reaps all that is over; gives the exit code as a shell would where the child is.
    fn reap(child: Pid) -> nix::Result<Option<u8>> {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                    return Ok(Some(u8::try_from(code).unwrap_or(UNKNOWN)));
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                    return Ok(Some(u8::try_from(128 + signal as i32).unwrap_or(UNKNOWN)));
                }
                Ok(WaitStatus::StillAlive) => return Ok(None),
                Err(Errno::ECHILD) => return Ok(Some(UNKNOWN)),
                // An orphan; EINVAL is one that a signal without a name ended.
                Ok(_) | Err(Errno::EINTR | Errno::EINVAL) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
