//! A child of ours: its end, which is told once, and only to us.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;

use nix::errno::Errno;
use nix::libc::{WNOHANG, c_int, waitpid};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::Pid;
use tokio::signal::unix::{self, SignalKind};

use super::pidfd::Pidfd;

/// From now on the system remembers how our children end. It would not where SIGCHLD is ignored, as
/// it is where whoever started us ignored it.
///
/// To be called before anybody handles that signal.
///
/// # Errors
/// Where the system refuses.
pub fn remember_ends() -> io::Result<()> {
    // SAFETY: it sets no handler.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}

/// A child that nobody else waits for. Where this is dropped before the child is over, a thread
/// waits in its stead: what nobody waits for stays a zombie.
#[derive(Debug)]
pub(super) struct Own {
    pid: Pid,
    status: Option<ExitStatus>,
}

impl Own {
    /// The child of that number.
    pub(super) fn new(pid: Pid) -> Self {
        Self { pid, status: None }
    }

    /// Its number, as long as it is not known to be over: then it may be another's.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.status.is_none().then_some(self.pid)
    }

    /// Waits for its end and tells how it ended. The wait may be given up and begun again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        self.wait_for(News::of(self.pid)?).await
    }

    /// The news are there before the first look, so that none is missed between that and the wait.
    async fn wait_for(&mut self, mut news: News) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.reap(WNOHANG)? {
                return Ok(status);
            }
            news.arrive().await?;
        }
    }

    /// How it ended, where it did. Without `WNOHANG` that waits.
    pub(super) fn reap(&mut self, options: c_int) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            let mut status = 0;
            // SAFETY: it writes `status` and nothing else.
            let pid = unsafe { waitpid(self.pid.as_raw(), &raw mut status, options) };
            if Errno::result(pid)? != 0 {
                self.status = Some(ExitStatus::from_raw(status));
            }
        }
        Ok(self.status)
    }
}

impl From<std::process::Child> for Own {
    fn from(child: std::process::Child) -> Self {
        let pid = i32::try_from(child.id()).expect("it was made from such a number");
        Self::new(Pid::from_raw(pid))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Ok(None) = self.reap(WNOHANG) {
            let pid = self.pid;
            // Where the system has no thread for us, it stays a zombie until we end.
            let _ = thread::Builder::new().spawn(move || Self::new(pid).reap(0));
        }
    }
}

/// What tells that a child may be over.
#[derive(Debug)]
enum News {
    /// Of this child.
    Its(Pidfd),
    /// Of any child.
    Any(unix::Signal),
}

impl News {
    fn of(pid: Pid) -> io::Result<Self> {
        Ok(match Pidfd::open(pid) {
            Ok(descriptor) => Self::Its(descriptor),
            Err(_) => Self::any()?,
        })
    }

    fn any() -> io::Result<Self> {
        Ok(Self::Any(unix::signal(SignalKind::child())?))
    }

    async fn arrive(&mut self) -> io::Result<()> {
        match self {
            Self::Its(descriptor) => descriptor.news().await,
            Self::Any(signal) => {
                signal.recv().await;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use nix::sys::signal::kill;

    use super::*;

    fn shell(script: &str) -> (Own, Option<std::process::ChildStdin>) {
        let mut command = Command::new("/bin/sh");
        let mut child = command.args(["-c", script]).stdin(Stdio::piped()).spawn();
        let stdin = child.as_mut().unwrap().stdin.take();
        (Own::from(child.unwrap()), stdin)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn an_end_is_told_again_and_again() {
        let (mut child, _) = shell("exit 3");
        assert!(child.pid().is_some());
        for _ in 0..2 {
            assert_eq!(block_on(child.wait()).unwrap().code(), Some(3));
            assert_eq!(child.pid(), None);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_signal_without_a_name_is_an_end_too() {
        let (mut child, _) = shell("kill -40 $$");
        let status = block_on(child.wait()).unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(40)));
    }

    /// As where there are no descriptors of processes.
    #[test]
    fn an_end_is_found_among_those_of_others() {
        block_on(async {
            let (mut first, stdin) = shell("read word");
            let (mut second, _) = shell("exit 2");
            let ended = second.wait_for(News::any().unwrap()).await.unwrap();
            assert_eq!(ended.code(), Some(2));
            let first = first.wait_for(News::any().unwrap());
            let end = async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                drop(stdin);
            };
            assert_eq!(tokio::join!(first, end).0.unwrap().code(), Some(1));
        });
    }

    #[test]
    fn what_is_dropped_leaves_no_zombie() {
        let (child, stdin) = shell("read word");
        let pid = child.pid().unwrap();
        drop(child);
        assert_eq!(kill(pid, None), Ok(()));
        drop(stdin);
        for _ in 0..3000 {
            if kill(pid, None) == Err(Errno::ESRCH) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it is still there after half a minute");
    }
}
