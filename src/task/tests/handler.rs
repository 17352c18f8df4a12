//! Error handlers, in the process of the task and in one of their own.

use std::time::Duration;

use tokio::sync::watch;

use crate::job::{Job, Task};
use crate::run::{Cause, Order, Outcome};
use crate::task::Tasks;
use crate::task::testing::{Bench, Ran, block_on, by_hand, job, ran};

const HANDLERS: &str = "\
from docassemble.Scheduler.scheduler_logger import log
def takes(error, job): log(f'{type(error).__name__}: {error} in {job.name} {job.error_handler}')
async def waits(error, job): log('waited')
def fails(error, job): raise KeyError('handler')
def vanishes(error, job):
    import os
    os._exit(3)
";

fn handled_by(handler: &str, task: Task) -> Job {
    let mut job = job(task);
    job.error_handler = Some(format!("h.{handler}"));
    job
}

fn run(job: &Job) -> Ran {
    Bench::of("class Own(Exception): pass\ndef f(): raise Own('text')\ndef g(): pass\n")
        .file("tasks/h.py", HANDLERS)
        .run_job(job)
}

fn python(name: &str) -> Task {
    Task::Named(name.to_owned())
}

#[test]
fn a_handler_gets_the_exception_itself() {
    let ran = run(&handled_by("takes", python("t.f")));
    assert_eq!(ran.logged(), ["INFO Own: text in t.f h.takes"]);
    assert!(ran.handled);
    assert_eq!(
        (ran.ended.outcome, ran.error().0),
        (Outcome::Failure, "Own")
    );
    let ran = run(&handled_by("waits", python("t.f")));
    assert_eq!(
        (ran.logged(), ran.handled),
        (vec!["INFO waited".to_owned()], true)
    );
    let ran = run(&handled_by("takes", python("t.missing")));
    assert!(
        ran.handled && ran.logged()[0].starts_with("INFO Unusable: "),
        "{ran:?}"
    );
}

#[test]
fn a_handler_is_not_called_for_nothing() {
    let ran = run(&handled_by("takes", python("t.g")));
    assert!(ran.logged().is_empty() && !ran.handled);
}

#[test]
fn what_leaves_no_exception_is_told_in_another_process() {
    for (script, expected) in [
        (
            "exit 3",
            "INFO ChildProcessError: exit code 3 in command h.takes",
        ),
        (
            "kill -9 $$",
            "INFO ChildProcessError: ended by signal 9 in command h.takes",
        ),
    ] {
        let ran = run(&handled_by("takes", Task::Shell(script.to_owned())));
        assert_eq!(
            (ran.logged(), ran.handled),
            (vec![expected.to_owned()], true),
            "{ran:?}"
        );
        assert_eq!(ran.error(), ("", ""));
    }
    let mut slow = handled_by("takes", Task::Shell("sleep 600".to_owned()));
    slow.policy.timeout = Some(Duration::from_millis(200));
    let ran = run(&slow);
    assert_eq!(ran.ended.outcome, Outcome::Timeout);
    assert!(
        ran.logged()[0].starts_with("INFO TimeoutError: timeout after "),
        "{ran:?}"
    );
    let missing = handled_by("takes", Task::Command(vec!["no-such-program".to_owned()]));
    let said = "INFO ChildProcessError: `no-such-program` cannot be executed: ";
    assert!(run(&missing).logged()[0].starts_with(said));
}

/// A task that waits, and raises something else than what ended it.
const WAITS: &str = "\
import os, signal, sys, time
def f():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))
    open(os.path.dirname(__file__) + '/waits', 'w').close()
    time.sleep(600)
";

#[test]
fn a_handler_is_told_of_a_timeout_whatever_the_task_raises_then() {
    let mut slow = handled_by("takes", python("t.f"));
    slow.policy.timeout = Some(Duration::from_secs(4));
    let bench = Bench::of(WAITS).file("tasks/h.py", HANDLERS);
    let ran = bench.run_job(&slow);
    assert_eq!(ran.ended.outcome, Outcome::Timeout);
    assert_eq!((ran.error(), ran.handled), (("SystemExit", "4"), true));
    let logged = ran.logged();
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert!(
        logged[0].starts_with("INFO TimeoutError: timeout after ")
            && logged[0].ends_with(" s: SystemExit: 4 in t.f h.takes"),
        "{logged:?}"
    );
}

#[test]
fn a_handler_is_not_called_for_a_run_that_is_interrupted() {
    let job = handled_by("takes", python("t.f"));
    let bench = Bench::of(WAITS).file("tasks/h.py", HANDLERS);
    let waits = bench.path("tasks/waits");
    for tasks in [
        Tasks::new(bench.setup.clone()),
        Tasks::kept_warm(bench.setup.clone()),
    ] {
        let (orders, order) = watch::channel(Order::GoOn);
        let stop = async {
            while !waits.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            orders.send_replace(Order::Terminate);
        };
        let run = by_hand(&job);
        let ran = block_on(async { tokio::join!(ran(&tasks, &run, &job, order), stop).0 });
        std::fs::remove_file(&waits).unwrap();
        assert_eq!(ran.ended.outcome, Outcome::Interrupted);
        assert_eq!(ran.error(), ("SystemExit", "4"));
        assert_eq!((ran.logged(), ran.handled), (Vec::new(), false));
    }
}

#[test]
fn a_handler_that_fails_has_not_handled_it() {
    for task in ["t.f", "command"] {
        let task = match task {
            "command" => Task::Shell("exit 3".to_owned()),
            name => python(name),
        };
        for (handler, expected) in [
            ("fails", "KeyError: 'handler'"),
            ("missing", "no function `missing`"),
        ] {
            let ran = run(&handled_by(handler, task.clone()));
            assert!(!ran.handled, "{ran:?}");
            let warnings = ran.warnings();
            assert_eq!(warnings.len(), 1, "{ran:?}");
            assert!(
                warnings[0].starts_with("ERROR The error handler 'h."),
                "{warnings:?}"
            );
            assert!(warnings[0].contains(expected), "{warnings:?}");
        }
    }
    let ran = run(&handled_by("vanishes", Task::Shell("exit 4".to_owned())));
    assert_eq!(
        ran.warnings(),
        ["ERROR The error handler 'h.vanishes' failed: it ended as failure"]
    );
    assert_eq!(ran.ended.exit_code, Some(4));
    // In the process of the task it takes that along, but not what was wrong.
    let ran = run(&handled_by("vanishes", python("t.f")));
    assert_eq!(ran.error(), ("Own", "text"));
    assert_eq!((ran.ended.exit_code, ran.handled), (Some(3), false));
}

#[test]
fn a_handler_is_called_after_the_last_attempt_alone() {
    for task in [python("t.f"), Task::Shell("exit 1".to_owned())] {
        let mut job = handled_by("takes", task);
        job.policy.retries = 1;
        let bench = Bench::of("def f(): raise OSError('o')\n").file("tasks/h.py", HANDLERS);
        let (_orders, order) = watch::channel(Order::GoOn);
        let attempt = |attempt| {
            let mut run = by_hand(&job);
            run.cause = Cause::Schedule;
            run.attempt = attempt;
            block_on(bench.running_as(&run, &job, order.clone())).handled
        };
        assert_eq!((attempt(1), attempt(2)), (false, true));
    }
}
