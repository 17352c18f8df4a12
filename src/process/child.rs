//! The process that is followed: our own child, or one that a child of ours forked for us.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::sync::oneshot;

use super::own::Own;
use super::pidfd::Pidfd;

/// How often to look whether a process is gone where nothing tells of it.
const GLANCE: Duration = Duration::from_millis(20);

/// How long a process has gone on before anything but its parent is asked for its end.
const MOST: Duration = Duration::from_secs(5);

/// How long after the end of a process its parent may take to tell of it. One that cannot go on, as
/// its file system does not answer, would never.
const WORD: Duration = Duration::from_millis(500);

/// A process whose end can be waited for.
#[derive(Debug)]
pub(super) enum Child {
    /// A child of ours.
    Own(Own),
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
            Self::Own(own) => own.pid(),
            Self::Foster(foster) => Some(foster.pid),
        }
    }

    /// Waits for its end and tells how it ended; `None` where nobody knows. The wait may be given
    /// up and begun again.
    pub(super) async fn wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match self {
            Self::Own(own) => own.wait().await.map(Some),
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
            self.end = tokio::select! {
                biased;
                told = status => told.map_or(End::Untold, |status| {
                    End::Over(Some(ExitStatus::from_raw(status)))
                }),
                () = untold(self.pid) => End::Untold,
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

/// Waits until a process is over and its parent has had its time to tell of it.
async fn untold(pid: Pid) {
    // Most end sooner, and need no descriptor.
    tokio::time::sleep(MOST).await;
    if over(pid).await.is_err() {
        // To look again and again is too much while its parent may tell.
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(WORD).await;
}

/// Waits until a process that is no child of ours is over, be it that nobody reaps it.
async fn gone(pid: Pid) {
    if over(pid).await.is_ok() {
        return;
    }
    while kill(pid, None).is_ok() {
        tokio::time::sleep(GLANCE).await;
    }
}

/// Waits until a process is over, where the system tells that of any.
async fn over(pid: Pid) -> io::Result<()> {
    Pidfd::open(pid)?.news().await
}
