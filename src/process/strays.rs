//! Processes that left their group, found by a mark in the environment that they inherited.
//!
//! A child that starts a session of its own escapes every signal to the group. Only Linux shows
//! the environment of a process; elsewhere such a process stays.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgid, getpgrp};
use tokio::time::timeout;

use super::group::Group;

/// How long one search may take. The kernel lets a reader wait for a process that is stuck.
const PATIENCE: Duration = Duration::from_secs(1);

/// The processes with a mark, such as `SCHED_RUN_ID=01ARYZ6S410000000000000000`.
#[derive(Debug)]
pub(super) struct Strays(Option<OsString>);

impl Strays {
    /// The processes whose environment has the entry `mark`; none without a mark.
    pub(super) fn of(mark: Option<OsString>) -> Self {
        Self(mark)
    }

    /// Sends `signal` to each that is not in `group`, which gets its signals apart from them.
    pub(super) async fn signal(&self, signal: Signal, group: &Group) {
        let others = [group.leader(), Some(getpgrp())];
        self.search(move |found| send(found, signal, &others)).await;
    }

    /// Whether there are any, be it in the group.
    pub(super) async fn exist(&self) -> bool {
        self.search(|found| !found.is_empty()).await == Some(true)
    }

    /// What `then` makes of them; `None` where that took too long, or there is no mark.
    async fn search<T: Send + 'static>(
        &self,
        then: impl FnOnce(&[Pid]) -> T + Send + 'static,
    ) -> Option<T> {
        let mark = self.0.clone()?;
        let search = tokio::task::spawn_blocking(move || then(&marked(&mark)));
        timeout(PATIENCE, search).await.ok()?.ok()
    }
}

/// Sends `signal` to the groups of processes, once to each: alone, one might fork another and end
/// between the look and the signal. What a run starts has sessions of its own, so nobody else is
/// in its groups.
fn send(processes: &[Pid], signal: Signal, others: &[Option<Pid>]) {
    // Nothing runs between the look and the signal that could give the number away to another
    // process, short of all numbers being used up in that instant.
    let group = |pid: &Pid| getpgid(Some(*pid)).ok();
    let groups: BTreeSet<Pid> = processes.iter().filter_map(group).collect();
    for group in groups
        .into_iter()
        .filter(|group| !others.contains(&Some(*group)))
    {
        let _ = killpg(group, signal);
    }
}

/// The processes that live with `mark` in their environment.
fn marked(mark: &OsString) -> Vec<Pid> {
    let processes = Path::new("/proc")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(|pid| has(*pid, mark.as_bytes()))
        .collect()
}

/// Whether an entry of the environment is `mark`. That of a process that has ended is empty.
fn has(pid: Pid, mark: &[u8]) -> bool {
    std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == mark)
    })
}
