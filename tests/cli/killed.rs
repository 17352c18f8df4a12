//! What runs ends when `sched` itself is killed.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::watch::Watch;

/// Sleeps, as does a child of it that has left its group; both write down their numbers.
const PYTHON: &str = "\
import os, subprocess, sys, time
def f():
    child = os.fork()
    if child == 0:
        os.setsid()
    else:
        subprocess.Popen(['setsid', 'sleep', '600'])
    name = os.environ['SCHED_JOB'].partition(' ')[2]
    with open(os.path.dirname(__file__) + f'/../pids/{name}-{os.getpid()}', 'w'): pass
    time.sleep(600)
";

const JOBS: &str = "
  t.f forked: {type: interval, hours: 1, run_at_start: true}
  t.f fresh: {type: interval, hours: 1, run_at_start: true, environment: {A: b}}
  shell:
    type: interval
    hours: 1
    run_at_start: true
    command: 'touch pids/shell-$$; setsid sh -c \"touch pids/shell-\\$\\$; exec sleep 600\" & sleep 600'
";

#[test]
fn no_process_of_a_task_survives() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    fs::create_dir(root.join("tasks")).unwrap();
    fs::create_dir(root.join("pids")).unwrap();
    fs::write(root.join("tasks/t.py"), PYTHON).unwrap();
    fs::write(root.join("config.yml"), format!("scheduler:{JOBS}")).unwrap();
    let mut watch = Watch::start_in(folder, &[]);
    eventually(|| pids(&root).len() == 6);
    let own = descendants(watch.child.id());
    assert!(own.len() >= 6, "{own:?}");
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    eventually(|| !pids(&root).iter().chain(&own).any(|pid| lives(*pid)));
}

/// The processes that wrote down their numbers.
fn pids(root: &Path) -> Vec<u32> {
    let names = fs::read_dir(root.join("pids")).unwrap().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| name.split('-').next_back()?.parse().ok())
        .collect()
}

/// The children of a process, also those that are over and wait to be reaped.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let list = format!("/proc/{process}/task/{process}/children");
    let list = fs::read_to_string(list).unwrap_or_default();
    list.split_whitespace().flat_map(str::parse).collect()
}

/// The children of a process, and theirs, and so on.
pub(crate) fn descendants(process: u32) -> Vec<u32> {
    let children = children(process).into_iter();
    children
        .flat_map(|child: u32| [vec![child], descendants(child)].concat())
        .collect()
}

/// Whether a process is there and not over.
pub(crate) fn lives(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Waits until `done`, or fails after half a minute.
pub(crate) fn eventually(done: impl Fn() -> bool) {
    for _ in 0..1500 {
        if done() {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("it did not come true within half a minute");
}
