//! The processes that a child and all it started form, as far as they stay in its group.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::child::Child;

/// The process group of a child. It is killed when this is dropped, unless released before.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group that `child` leads.
    pub(super) fn of(child: &Child) -> Self {
        Self(child.pid())
    }

    /// Sends `signal` to every process of the group; an empty group is none the worse for it.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // It fails only where nobody is left, or where a member changed its user.
            let _ = killpg(leader, signal);
        }
    }

    /// Whether any process of the group is left.
    pub(super) fn exists(&self) -> bool {
        self.0.is_some_and(|leader| killpg(leader, None).is_ok())
    }

    /// Lets what is left of the group live, and tells whether anything is.
    pub(super) fn release(&mut self) -> bool {
        let exists = self.exists();
        self.0 = None;
        exists
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
