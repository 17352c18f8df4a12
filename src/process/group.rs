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

    /// The number of the group.
    pub(super) fn leader(&self) -> Option<Pid> {
        self.leader
    }

    /// Sends `signal` to every process of the group; an empty group is none the worse for it.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // It fails only where nobody is left, or where a member changed its user.
            let _ = killpg(leader, signal);
        }
    }

    /// Whether any process of the group is left, be it one that only waits to be reaped.
    pub(super) fn exists(&self) -> bool {
        self.leader
            .is_some_and(|leader| killpg(leader, None).is_ok())
    }

    /// Whether any process of the group goes on. That may mean to look at every process.
    pub(super) fn lives(&self) -> bool {
        self.exists() && !self.leader.is_some_and(is_dead)
    }

    /// Lets what is left of the group live, and tells whether anything is.
    pub(super) fn release(&mut self) -> bool {
        let lives = self.lives();
        self.forget();
        lives
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

/// Whether the group has zombies only. Where nobody reaps orphans, as in many containers, they
/// would stay and seem to need killing.
///
/// Source: `proc_pid_stat(5)`: state and group are the third and the fifth field.
#[cfg(target_os = "linux")]
fn is_dead(group: Pid) -> bool {
    let stats = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let states = stats.filter_map(|stat| state_in(group, &stat));
    let mut states = states.peekable();
    states.peek().is_some() && states.all(|state| matches!(state, 'Z' | 'X'))
}

/// The state of a process, by its `stat`, where it is of the group.
#[cfg(target_os = "linux")]
fn state_in(group: Pid, stat: &str) -> Option<char> {
    // Behind the name, which may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next();
    let is_member = fields.nth(1)?.parse() == Ok(group.as_raw());
    state.filter(|_| is_member)
}

#[cfg(not(target_os = "linux"))]
fn is_dead(_group: Pid) -> bool {
    false
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        self.forget();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_of_its_group_whatever_its_name() {
        let group = Pid::from_raw(7);
        assert_eq!(state_in(group, "8 (a) R 1 7) Z 1 7 7 0"), Some('Z'));
        assert_eq!(state_in(group, "8 (sh) S 7 9 7 0"), None);
        assert_eq!(state_in(group, ""), None);
    }
}
