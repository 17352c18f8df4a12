//! Context managers around a call: the job's own and docassemble's.

use crate::config::DocassembleContext;
use crate::job::Task;
use crate::run::Outcome;
use crate::task::testing::{Bench, Ran, job};

const CONTEXTS: &str = "\
import contextlib
from docassemble.Scheduler.scheduler_logger import log
class Plain:
    def __enter__(self): log('in')
    def __exit__(self, kind, value, trace): log(f'out {value!r}')
class Swallows(Plain):
    def __exit__(self, kind, value, trace): return True
class RefusesEntry(Plain):
    def __enter__(self): raise OSError('closed')
class RefusesExit(Plain):
    def __exit__(self, kind, value, trace): raise OSError('stuck')
@contextlib.contextmanager
def made():
    log('begin')
    yield
    log('end')
";

fn run_in(context: &str, code: &str) -> Ran {
    let bench = Bench::of(code).file("tasks/c.py", CONTEXTS);
    let mut job = job(Task::Named("t.f".to_owned()));
    job.contextmanager = Some(format!("c.{context}"));
    bench.run_job(&job)
}

#[test]
fn a_context_surrounds_the_call() {
    let ran = run_in("Plain", "def f(): return 'v'");
    assert_eq!(ran.logged(), ["INFO in", "INFO out None"]);
    assert_eq!(
        ran.notes(),
        [
            "INFO Calling task 't.f'",
            "DEBUG Successfully imported docassemble.Scheduler.tasks.c",
            "DEBUG Successfully started context:'c.Plain'",
            "DEBUG Successfully imported docassemble.Scheduler.tasks.t",
            "INFO 't.f' returned 'v'",
        ]
    );
    assert_eq!(
        run_in("made", "def f(): pass").logged(),
        ["INFO begin", "INFO end"]
    );
}

#[test]
fn a_context_may_handle_an_exception() {
    let fails = "def f(): raise ValueError('v')";
    let ran = run_in("Plain", fails);
    assert_eq!(
        (ran.ended.outcome, ran.error()),
        (Outcome::Failure, ("ValueError", "v"))
    );
    assert_eq!(ran.logged(), ["INFO in", "INFO out ValueError('v')"]);
    assert_eq!(run_in("Swallows", fails).ended.outcome, Outcome::Success);
}

#[test]
fn a_context_may_fail_itself() {
    let works = "def f(): pass";
    assert_eq!(run_in("RefusesEntry", works).error(), ("OSError", "closed"));
    assert_eq!(run_in("RefusesExit", works).error(), ("OSError", "stuck"));
    assert_eq!(run_in("missing", works).error().0, "Unusable");
    let both = run_in("RefusesExit", "def f(): raise ValueError('v')");
    assert_eq!(both.error(), ("OSError", "stuck"));
    assert!(
        both.traceback().contains("ValueError: v"),
        "{}",
        both.traceback()
    );
    assert!(
        !both.traceback().contains("<sched>"),
        "{}",
        both.traceback()
    );
}

#[test]
fn no_context_makes_a_task_exist() {
    for code in [
        "raise ImportError('i')",
        "import sys; sys.exit(0)",
        "def g(): pass",
    ] {
        assert_eq!(
            run_in("Swallows", code).ended.outcome,
            Outcome::Failure,
            "{code}"
        );
    }
}

/// A docassemble whose background context logs what becomes of it, and a task in it.
fn with_docassemble(context: &str, task: &str) -> Ran {
    let mut bench = Bench::of(task)
        .file("site/docassemble/base/__init__.py", "")
        .file(
            "site/docassemble/base/config.py",
            "loaded = None\ndef load(filename=None, in_celery=False):\n    global loaded\n    loaded = filename, in_celery\n",
        )
        .file("site/docassemble/webapp/__init__.py", "")
        .file(&format!("site/docassemble/webapp/{context}"), 
            "import contextlib, sys\nfrom docassemble.base.config import loaded\n\
             import docassemble.Scheduler.setup_scheduler\n\
             print('context', loaded[0].rpartition('/')[2], loaded[1], len(sys.argv))\n\
             @contextlib.contextmanager\ndef bg_context():\n    print('enter')\n\
             \x20   try: yield\n    except BaseException: raise TypeError('instance exception may not have a separate value')\n    print('leave')\n",
        )
        .file("site/docassemble/Scheduler/__init__.py", "raise ImportError('never run')")
        .file("site/docassemble/Scheduler/setup_scheduler.py", "raise ImportError('never run')")
        .file("site/docassemble/Scheduler/extra.py", "word = 'installed'")
        .file("site/docassemble/Scheduler/tasks/shipped.py", "def f(): return 'shipped'");
    bench.setup.docassemble_context = DocassembleContext::Auto;
    let mut job = job(Task::Named("t.f".to_owned()));
    let site = bench.path("site").display().to_string();
    job.surroundings.environment = [("PYTHONPATH".to_owned(), site)].into();
    if task.is_empty() {
        job.task = Task::Named("shipped.f".to_owned());
    }
    bench.run_job(&job)
}

#[test]
fn a_task_runs_in_docassembles_context() {
    for context in ["worker_common.py", "tasks/context.py"] {
        let ran = with_docassemble(
            context,
            "from docassemble.Scheduler.extra import word\ndef f(): return word\n",
        );
        assert_eq!(
            ran.ended.returned.as_deref(),
            Some("installed"),
            "{context}: {ran:?}"
        );
        assert_eq!(
            ran.ended.stdout, "context config.yml True 1\nenter\nleave\n",
            "{context}"
        );
        let ran = with_docassemble(context, "def f(): raise ValueError('mine')\n");
        assert_eq!(ran.error(), ("ValueError", "mine"), "{context}");
        assert_eq!(
            with_docassemble(context, "").ended.returned.as_deref(),
            Some("shipped")
        );
    }
}

#[test]
fn docassemble_is_found_where_what_its_namespace_needs_is_not() {
    let mut bench = Bench::of("def f(): return __import__('docassemble.base').base.word\n")
        .file(
            "site/docassemble/__init__.py",
            "__import__('no_such_resources').declare_namespace(__name__)\n",
        )
        .file("site/docassemble/base/__init__.py", "word = 'found'");
    bench.setup.docassemble_context = DocassembleContext::Auto;
    let mut job = job(Task::Named("t.f".to_owned()));
    let site = bench.path("site").display().to_string();
    job.surroundings.environment = [("PYTHONPATH".to_owned(), site)].into();
    let ran = bench.run_job(&job);
    assert_eq!(ran.ended.returned.as_deref(), Some("found"), "{ran:?}");
}

#[test]
fn a_context_that_cannot_be_entered_names_the_service() {
    let mut bench = Bench::of("def f(): pass\n")
        .file("site/docassemble/base/__init__.py", "")
        .file("site/docassemble/base/config.py", "def load(**kwargs): pass\n")
        .file("site/redis.py", "class ConnectionError(Exception): pass\n")
        .file("site/docassemble/webapp/__init__.py", "")
        .file(
            "site/docassemble/webapp/worker_common.py",
            "import redis\ndef bg_context(): raise redis.ConnectionError('Error 111 connecting to redis:6379')\n",
        );
    bench.setup.docassemble_context = DocassembleContext::Auto;
    let mut job = job(Task::Named("t.f".to_owned()));
    let site = bench.path("site").display().to_string();
    job.surroundings.environment = [("PYTHONPATH".to_owned(), site)].into();
    let ran = bench.run_job(&job);
    assert_eq!(
        ran.error(),
        (
            "ContextError",
            "docassemble's background context cannot be entered: cannot reach redis: ConnectionError \
             (Error 111 connecting to redis:6379); `docassemble context: off` runs tasks without it"
        )
    );
}

#[test]
fn without_docassemble_there_is_no_context_unless_it_is_wanted() {
    let mut bench = Bench::of("def f(): pass\n");
    bench.setup.docassemble_context = DocassembleContext::Auto;
    let ran = bench.run("t.f");
    assert_eq!(
        ran.notes()[0],
        "DEBUG docassemble.webapp is not installed: no context is entered"
    );
    assert_eq!(ran.ended.outcome, Outcome::Success);
    bench.setup.docassemble_context = DocassembleContext::On;
    let ran = bench.run("t.f");
    assert_eq!(ran.error().0, "ContextError", "{ran:?}");
}
