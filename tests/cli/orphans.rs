//! `sched watch` where the processes come that nobody waits for: as process 1, as a subreaper.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;

use crate::killed::{children, eventually};
use crate::watch::{SLEEP, Watch, config_of};

const SCHED: &str = env!("CARGO_BIN_EXE_sched");

/// A job that leaves a process behind, which ends when there is a file `go`, or no config any more.
const LEAVE: &str = "  leave:
    type: interval
    hours: 1
    run_at_start: true
    command: 'setsid sh -c \"until test -e go || ! test -e config.yml; do sleep 0.05; done\" & exit 0'
";

/// `sched` to which orphans come that its own children leave, started by somebody who does not want
/// to know how children end, which is inherited.
fn subreaper() -> Command {
    let mut command = Command::new(SCHED);
    // SAFETY: what runs between fork and exec is two system calls.
    unsafe {
        command.pre_exec(|| {
            signal(Signal::SIGCHLD, SigHandler::SigIgn)?;
            Ok(set_child_subreaper(true)?)
        });
    }
    command
}

/// `sched` as process 1; `None` where this user may not have that.
fn first() -> Option<Command> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--pid", "--mount-proc"]);
        command.args(["--fork", "--kill-child"]);
        command
    };
    let allowed = unshare().arg("true").output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no process may be the first of a namespace here");
        return None;
    }
    let mut command = unshare();
    command.arg(SCHED);
    Some(command)
}

fn start(command: Command, jobs: &str) -> Watch {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yml"), config_of(jobs)).unwrap();
    Watch::start_by(command, folder, &["--grace", "1"])
}

fn send(process: u32, signal: Signal) {
    kill(Pid::from_raw(process.try_into().unwrap()), signal).unwrap();
}

/// That `init`, to which orphans come, reaps them and passes TERM on.
fn reaps(mut watch: Watch, init: impl Fn(&Watch) -> u32) {
    watch.expect(" ok     leave");
    let init = init(&watch);
    eventually(|| children(init).len() == 2);
    fs::write(watch.path("go"), "").unwrap();
    eventually(|| children(init).len() == 1);
    send(init, Signal::SIGTERM);
    watch.expect(" stop   nothing runs any more");
    assert!(watch.end().success());
}

#[test]
fn a_subreaper_reaps_orphans() {
    reaps(start(subreaper(), LEAVE), |watch| watch.child.id());
}

#[test]
fn process_1_reaps_orphans() {
    if let Some(command) = first() {
        let init = |watch: &Watch| children(watch.child.id())[0];
        reaps(start(command, LEAVE), init);
    }
}

#[test]
fn it_ends_as_its_child_does() {
    let mut refused = start(subreaper(), "  a: [");
    assert_eq!(refused.end().code(), Some(1));
    let mut killed = start(subreaper(), SLEEP);
    killed.expect(" start  sleep");
    send(children(killed.child.id())[0], Signal::SIGKILL);
    assert_eq!(killed.end().code(), Some(128 + 9));
}

#[test]
fn whoever_goes_on_ends_when_nobody_reaps_any_more() {
    let mut watch = start(subreaper(), SLEEP);
    watch.expect(" start  sleep");
    watch.signal(Signal::SIGKILL);
    watch.expect("1 run is going on (sleep)");
    watch.expect(" stop   nothing runs any more");
    watch.end();
}
