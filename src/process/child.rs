//! The process that is followed: our own child, or one that a child of ours forked for us.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::sync::oneshot;

/// How often to look whether a process is gone where nothing tells of it.
const GLANCE: Duration = Duration::from_millis(20);

/// A process whose end can be waited for.
#[derive(Debug)]
pub(super) enum Child {
    /// A child of ours.
    Own(tokio::process::Child),
    /// A child of a child.
    Foster(Foster),
}

/// A process that another process of ours forked, and whose end that one tells.
#[derive(Debug)]
pub struct Foster {
    pid: Pid,
    end: End,
}

/// What is known of the end of a process.
#[derive(Debug)]
enum End {
    /// Its parent will tell its wait status.
    Told(oneshot::Receiver<i32>),
    /// Its parent is gone, so nobody can tell how it ends.
    Untold,
    /// It is over.
    Over(Option<ExitStatus>),
}

impl Child {
    /// Its number, as long as it is not known to be over.
    pub(super) fn pid(&self) -> Option<Pid> {
        match self {
            Self::Own(child) => child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .map(Pid::from_raw),
            Self::Foster(foster) => Some(foster.pid),
        }
    }

    /// Waits for its end and tells how it ended; `None` where nobody knows. The wait may be given
    /// up and begun again.
    pub(super) async fn wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match self {
            Self::Own(child) => child.wait().await.map(Some),
            Self::Foster(foster) => Ok(foster.wait().await),
        }
    }
}

impl Foster {
    /// The process `pid`, which leads a group of its own; its parent sends its wait status.
    #[must_use]
    pub fn new(pid: i32, status: oneshot::Receiver<i32>) -> Self {
        Self {
            pid: Pid::from_raw(pid),
            end: End::Told(status),
        }
    }

    async fn wait(&mut self) -> Option<ExitStatus> {
        if let End::Told(status) = &mut self.end {
            self.end = match status.await {
                Ok(status) => End::Over(Some(ExitStatus::from_raw(status))),
                Err(_) => End::Untold,
            };
        }
        if let End::Untold = self.end {
            gone(self.pid).await;
            self.end = End::Over(None);
        }
        match self.end {
            End::Over(status) => status,
            End::Told(_) | End::Untold => None,
        }
    }
}

/// Waits until a process that is no child of ours is over.
async fn gone(pid: Pid) {
    #[cfg(target_os = "linux")]
    if let Ok(descriptor) = linux::open(pid) {
        // It becomes readable when the process ends, also where nobody reaps it.
        let _ = descriptor.readable().await;
        return;
    }
    while kill(pid, None).is_ok() {
        tokio::time::sleep(GLANCE).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{FromRawFd, OwnedFd, RawFd};

    use nix::libc;
    use nix::unistd::Pid;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A descriptor of a process.
    ///
    /// Source: `pidfd_open(2)`, Linux 5.3.
    pub(super) fn open(pid: Pid) -> io::Result<AsyncFd<OwnedFd>> {
        // SAFETY: the call takes two numbers and touches no memory.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
        let descriptor = RawFd::try_from(descriptor).unwrap_or(-1);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor, and nobody else knows of it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        // SAFETY: the descriptor is owned, so it stays open and the same until it is dropped.
        Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
    }
}
