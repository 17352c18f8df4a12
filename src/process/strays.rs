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

    /// Sends `signal` to each, or only looks, and tells whether there are any.
    pub(super) async fn signal(&self, signal: Option<Signal>) -> bool {
        let Some(mark) = self.0.clone() else {
            return false;
        };
        let search = tokio::task::spawn_blocking(move || {
            let found = marked(&mark);
            if let Some(signal) = signal {
                send(&found, signal);
            }
            !found.is_empty()
        });
        matches!(timeout(PATIENCE, search).await, Ok(Ok(true)))
    }
}

/// Sends `signal` to the groups of processes, once to each: alone, one might fork another and end
/// between the look and the signal. What a run starts has sessions of its own, so nobody else is
/// in its groups.
fn send(processes: &[Pid], signal: Signal) {
    // Nothing runs between the look and the signal that could give the number away to another
    // process, short of all numbers being used up in that instant.
    let group = |pid: &Pid| getpgid(Some(*pid)).ok();
    let groups: BTreeSet<Pid> = processes.iter().filter_map(group).collect();
    for group in groups.into_iter().filter(|group| *group != getpgrp()) {
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
