//! News of the end of a process, whoever's child it is.

use std::io;
use std::os::fd::OwnedFd;

use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor of a process, which only Linux has.
#[derive(Debug)]
pub(super) struct Pidfd(AsyncFd<OwnedFd>);

impl Pidfd {
    /// That of a process that is there.
    ///
    /// # Errors
    /// Where the system has no such descriptors.
    pub(super) fn open(pid: Pid) -> io::Result<Self> {
        let descriptor = open(pid)?;
        // SAFETY: the descriptor is owned, so it stays open and the same until it is dropped.
        let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
        Ok(Self(descriptor?))
    }

    /// Waits until the process is over, also where nobody reaps it. Waiting again is waiting for a
    /// debugger to let go of it, until when its parent may not know.
    pub(super) async fn news(&self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

/// Source: `pidfd_open(2)`, Linux 5.3.
#[cfg(target_os = "linux")]
fn open(pid: Pid) -> io::Result<OwnedFd> {
    use std::os::fd::{FromRawFd, RawFd};

    use nix::errno::Errno;
    use nix::libc::{SYS_pidfd_open, syscall};

    // SAFETY: the call takes two numbers and touches no memory.
    let descriptor = unsafe { syscall(SYS_pidfd_open, pid.as_raw(), 0) };
    let descriptor = RawFd::try_from(Errno::result(descriptor)?).map_err(io::Error::other)?;
    // SAFETY: the kernel just made this descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(not(target_os = "linux"))]
fn open(_pid: Pid) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}
