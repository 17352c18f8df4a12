//! Tasks that do their worst: the scheduler stays small, the other jobs go on, nothing is left.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value as Json, json};

use crate::folder::Folder;
use crate::killed::{children, descendants, eventually, lives};

/// What a flood is made of; in its midst it waits until another job has run once more.
const FLOODS: &str = "\
import os, time

def ticks():
    return os.path.getsize('ticks') if os.path.exists('ticks') else 0

def wait_for_a_tick():
    before = ticks()
    while ticks() == before:
        time.sleep(0.01)

def flood(piece, count):
    for turn in range(2):
        for _ in range(count // 2):
            os.write(1, piece)
        wait_for_a_tick()

def one_line():
    flood(b'x' * 2**20, 1024)

def lines():
    flood(b'a line of the flood\\n' * 1000, 600)

def binary():
    flood(bytes(range(256)) * 256, 256)

def workers():
    for _ in range(50):
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
            os._exit(0)
    time.sleep(600)
";

const CONFIG: &str = "\
scheduler:
  tick: {type: interval, seconds: 1, command: 'echo >> ticks'}
";

/// A running `sched watch` whose output nobody keeps.
struct Watcher {
    folder: Folder,
    child: Child,
}

impl Watcher {
    /// Watches jobs that call these functions at once and never again.
    fn start(functions: &[&str]) -> Self {
        let job = |name: &&str| {
            format!("  t.{name}: {{type: interval, weeks: 9, run_at_start: true, timeout: 2m}}\n")
        };
        let jobs: String = functions.iter().map(job).collect();
        let folder = Folder::with_config(&format!("{CONFIG}{jobs}")).file("tasks/t.py", FLOODS);
        let child = Command::new(env!("CARGO_BIN_EXE_sched"))
            .arg("watch")
            .current_dir(folder.root())
            .env("XDG_STATE_HOME", folder.path("state"))
            .env("SCHED_LOG_DIR", folder.path("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            folder,
            child: child.unwrap(),
        }
    }

    /// The records of a job.
    fn records(&self, job: &str) -> Vec<Json> {
        let line = format!("history {job} -n 1000 --format json");
        self.folder.sched(&line).json()
    }

    /// Whether the job's first run is over.
    fn is_over(&self, job: &str) -> bool {
        let records = self.records(job);
        records.iter().any(|record| !record["outcome"].is_null())
    }

    /// The most memory that it ever had, in KiB.
    fn most_memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.unwrap().parse().unwrap()
    }

    /// Lets it stop at once, and sees that nothing is left of it.
    fn stop(mut self) {
        let all = descendants(self.child.id());
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        for _ in 0..2 {
            kill(pid, Signal::SIGTERM).unwrap();
        }
        assert!(self.child.wait().unwrap().success());
        eventually(|| !all.iter().any(|process| lives(*process)));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most memory that a scheduler may ever have, in KiB.
const MOST_KIB: u64 = 100 * 1024;

#[test]
fn floods_of_output_cost_no_memory_and_hold_nobody() {
    let floods = ["one_line", "lines", "binary"];
    let watcher = Watcher::start(&floods);
    for name in floods {
        let job = format!("t.{name}");
        while !watcher.is_over(&job) {
            sleep(Duration::from_millis(200));
        }
        let record = &watcher.records(&job)[0];
        assert_eq!(record["outcome"], json!("success"), "{record}");
        let kept = record["stdout"].as_str().unwrap().len();
        assert!((60_000..=256 * 1024).contains(&kept), "{name}: {kept}");
    }
    let memory = watcher.most_memory_kib();
    assert!(memory < MOST_KIB, "{memory} KiB");
    // In the midst of each flood, the other job ran.
    watcher.stop();
}

#[test]
fn a_crowd_that_left_its_group_ends_with_its_task() {
    let watcher = Watcher::start(&["workers"]);
    let is_theirs = |process: &u32| children(*process).len() >= 50;
    eventually(|| descendants(watcher.child.id()).iter().any(is_theirs));
    watcher.stop();
}
