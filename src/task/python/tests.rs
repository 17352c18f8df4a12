//! Task files of every kind, run by a real Python.

use crate::run::{Level, Outcome};
use crate::task::testing::{Bench, job, text};

#[test]
fn a_function_is_called_with_its_arguments() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log\n\
         def f(*pargs, **kwargs):\n    log(f'pargs={pargs} kwargs={kwargs}')\n    return 'done'\n",
    );
    let mut job = job(crate::job::Task::Named("t.f".to_owned()));
    job.args = vec![text("one"), crate::value::Value::Int(2)];
    job.kwargs = vec![(text("key"), text("value"))];
    let ran = bench.run_job(&job);
    assert_eq!(ran.ended.outcome, Outcome::Success, "{ran:?}");
    assert_eq!(
        ran.logged(),
        ["INFO pargs=('one', 2) kwargs={'key': 'value'}"]
    );
    assert_eq!(
        ran.notes(),
        [
            "INFO Calling task 't.f'",
            "DEBUG Successfully imported docassemble.Scheduler.tasks.t",
            "INFO 't.f' returned 'done'",
        ]
    );
    let record = ran.records.iter().find(|record| record.file != "sched");
    let record = record.unwrap();
    assert_eq!(
        (record.file.as_str(), record.function.as_str(), record.line),
        ("t.py", "f", 3)
    );
    assert_eq!(record.level, Level::Info);
    assert_eq!(ran.ended.returned.as_deref(), Some("done"));
}

#[test]
fn an_exception_is_a_failure_that_shows_the_users_file() {
    let bench = Bench::of("def f():\n    raise ValueError('no')\n");
    let ran = bench.run("t.f");
    assert_eq!(ran.ended.outcome, Outcome::Failure);
    assert_eq!(ran.ended.exit_code, Some(1));
    assert_eq!(ran.error(), ("ValueError", "no"));
    let file = bench.path("tasks/t.py");
    assert_eq!(
        ran.traceback(),
        format!(
            "Traceback (most recent call last):\n  File \"{}\", line 2, in f\n    \
             raise ValueError('no')\nValueError: no\n",
            file.display()
        )
    );
}
