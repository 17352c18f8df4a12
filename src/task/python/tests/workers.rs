//! Functions that have workers: other processes, by every way that Python has of starting them.

use crate::run::Outcome;
use crate::task::testing::Bench;

/// A pool whose workers call a function of the task file, which logs and prints there.
const POOL: &str = "\
import multiprocessing, os, sys
from docassemble.Scheduler.scheduler_logger import log

def square(number):
    log('squared %d' % number)
    os.write(1, b'worker\\n')
    return number * number

def pool(method):
    with multiprocessing.get_context(method).Pool(2) as workers:
        return sorted(workers.map(square, range(4)))

def fork(): return pool('fork')
def spawn(): return pool('spawn')
def forkserver(): return pool('forkserver')
";

#[test]
fn workers_of_a_pool_know_the_task_file() {
    let bench = Bench::of(POOL);
    for method in ["fork", "spawn", "forkserver"] {
        let ran = bench.run(&format!("t.{method}"));
        assert_eq!(ran.ended.outcome, Outcome::Success, "{method}: {ran:?}");
        assert_eq!(
            ran.ended.returned.as_deref(),
            Some("[0, 1, 4, 9]"),
            "{method}"
        );
        assert_eq!(ran.ended.stdout, "worker\n".repeat(4), "{method}");
        let mut logged = ran.logged();
        logged.sort();
        let squared = (0..4).map(|number| format!("INFO squared {number}"));
        assert_eq!(logged, squared.collect::<Vec<_>>(), "{method}");
    }
}
