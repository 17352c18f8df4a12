//! The processes that a child and all it started form, as far as they stay in its group.

use std::ffi::OsString;
use std::sync::Arc;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::child::Child;
use super::guard::Guard;

/// The process group of a child. It is killed when this is dropped, unless released before.
#[derive(Debug)]
pub(super) struct Group {
    leader: Option<Pid>,
    guard: Option<Arc<Guard>>,
}

impl Group {
    /// The group that `child` leads, on the list of a guard with a mark.
    pub(super) fn of(child: &Child, guarded: Option<(Arc<Guard>, OsString)>) -> Self {
        let leader = child.pid();
        if let (Some(leader), Some((guard, mark))) = (leader, &guarded) {
            guard.keep(leader, &mark.to_string_lossy());
        }
        let guard = guarded.map(|(guard, _)| guard);
        Self { leader, guard }
    }

    /// Sends `signal` to every process of the group; an empty group is none the worse for it.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // It fails only where nobody is left, or where a member changed its user.
            let _ = killpg(leader, signal);
        }
    }

    /// Whether any process of the group is left.
    pub(super) fn exists(&self) -> bool {
        self.leader
            .is_some_and(|leader| killpg(leader, None).is_ok())
    }

    /// Lets what is left of the group live, and tells whether anything is.
    pub(super) fn release(&mut self) -> bool {
        let exists = self.exists();
        self.forget();
        exists
    }
}

impl Group {
    /// It is nobody's matter any more.
    fn forget(&mut self) {
        if let (Some(leader), Some(guard)) = (self.leader.take(), self.guard.take()) {
            guard.forget(leader);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        self.forget();
    }
}
