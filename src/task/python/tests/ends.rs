//! How a run ends, whatever its function does.

use crate::job::Task;
use crate::run::Outcome;
use crate::task::testing::{Bench, job};

/// What one task file does, and how its run must end.
struct Case {
    name: &'static str,
    code: &'static str,
    outcome: Outcome,
    exit_code: Option<i32>,
    class: &'static str,
    message: &'static str,
    returned: Option<&'static str>,
}

const fn case(name: &'static str, code: &'static str, outcome: Outcome) -> Case {
    Case {
        name,
        code,
        outcome,
        exit_code: None,
        class: "",
        message: "",
        returned: None,
    }
}

const fn succeeds(name: &'static str, code: &'static str, returned: Option<&'static str>) -> Case {
    Case {
        exit_code: Some(0),
        returned,
        ..case(name, code, Outcome::Success)
    }
}

const fn fails(
    name: &'static str,
    code: &'static str,
    exit_code: i32,
    class: &'static str,
    message: &'static str,
) -> Case {
    Case {
        exit_code: Some(exit_code),
        class,
        message,
        ..case(name, code, Outcome::Failure)
    }
}

const CASES: &[Case] = &[
    succeeds(
        "a class of classes that answers for its own",
        "class Meta(type):\n    def __getattr__(cls, key): return {}[key]\n\
         class C(metaclass=Meta): pass\nc = C()\ndef f(): return 1",
        Some("1"),
    ),
    fails(
        "an exit code that is no whole number",
        "import sys\ndef f(): sys.exit(0.0)",
        1,
        "SystemExit",
        "0.0",
    ),
    succeeds("nothing", "def f(): pass", None),
    succeeds("value", "def f(): return 3", Some("3")),
    succeeds("false value", "def f(): return 0", Some("0")),
    succeeds(
        "a class",
        "class f: __str__ = lambda self: 'made'",
        Some("made"),
    ),
    succeeds(
        "coroutine",
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 'a'",
        Some("a"),
    ),
    succeeds("generator", "def f(): yield 1", None),
    succeeds("asynchronous generator", "async def f(): yield 1", None),
    succeeds(
        "value without text",
        "class C:\n    def __str__(self): raise ValueError\ndef f(): return C()",
        Some("<C whose text cannot be shown: ValueError>"),
    ),
    succeeds(
        "value without truth",
        "class C:\n    def __bool__(self): raise ValueError\n    __str__ = lambda self: 'c'\ndef f(): return C()",
        Some("c"),
    ),
    succeeds("surrogates", "def f(): return 'a\\ud800b'", Some("a?b")),
    succeeds("exit", "import sys\ndef f(): sys.exit()", None),
    succeeds("exit 0", "import sys\ndef f(): sys.exit(0)", None),
    succeeds("vanished", "import os\ndef f(): os._exit(0)", None),
    succeeds(
        "closed output",
        "import sys\ndef f():\n    print('x')\n    sys.stdout.close()\n    sys.stderr.close()",
        None,
    ),
    succeeds(
        "closed descriptors",
        "import os\ndef f():\n    print('x', end='')\n    os.close(1)\n    os.close(2)",
        None,
    ),
    succeeds(
        "relative import",
        "from ..scheduler_logger import log\nfrom . import t\ndef f(): return t.__name__",
        Some("docassemble.Scheduler.tasks.t"),
    ),
    succeeds(
        "other modules",
        "import docassemble.Scheduler.setup_scheduler\nfrom docassemble.Scheduler.job_data import get_cur_job\ndef f(): return get_cur_job().name",
        Some("t.f"),
    ),
    succeeds(
        "standard input",
        "import sys\ndef f(): return repr(sys.stdin.read())",
        Some("''"),
    ),
    succeeds(
        "daemon thread",
        "import threading, time\ndef f(): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        None,
    ),
    succeeds("exit None", "import sys\ndef f(): sys.exit(None)", None),
    succeeds("exit False", "import sys\ndef f(): sys.exit(False)", None),
    succeeds("quit", "def f(): quit()", None),
    succeeds(
        "exit of a thread",
        "import sys, threading\ndef f():\n    t = threading.Thread(target=sys.exit, args=(3,))\n    t.start(); t.join()\n    return 'on'",
        Some("on"),
    ),
    succeeds(
        "another thread fails",
        "import threading\ndef f():\n    t = threading.Thread(target=lambda: 1 / 0)\n    t.start(); t.join()\n    return 'on'",
        Some("on"),
    ),
    succeeds(
        "a fork that fails",
        "import os\ndef f():\n    child = os.fork()\n    if not child: raise ValueError\n    os.waitpid(child, 0)\n    return 'parent'",
        Some("parent"),
    ),
    succeeds(
        "a fork that exits",
        "import os, sys\ndef f():\n    child = os.fork()\n    if not child: sys.exit(9)\n    return os.waitpid(child, 0)[1] >> 8",
        Some("9"),
    ),
    succeeds(
        "another world",
        "import locale, os\ndef f():\n    os.environ.clear(); os.chdir('/'); os.umask(0o777)\n    locale.setlocale(locale.LC_ALL, 'C')\n    return 'ä'",
        Some("ä"),
    ),
    succeeds(
        "streams that are no streams",
        "import sys\ndef f(): sys.stdout = sys.stderr = None",
        None,
    ),
    fails(
        "exit -1",
        "import sys\ndef f(): sys.exit(-1)",
        255,
        "SystemExit",
        "-1",
    ),
    fails(
        "exit True",
        "import sys\ndef f(): sys.exit(True)",
        1,
        "SystemExit",
        "True",
    ),
    fails(
        "exit of a coroutine",
        "import sys\nasync def f(): sys.exit(4)",
        4,
        "SystemExit",
        "4",
    ),
    fails(
        "exit of a kind of its own",
        "class E(SystemExit): pass\ndef f(): raise E(6)",
        6,
        "E",
        "6",
    ),
    fails("too deep", "def f(): f()", 1, "RecursionError", ""),
    fails(
        "too large",
        "import resource\ndef f():\n    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n    'x' * 2**31",
        1,
        "MemoryError",
        "",
    ),
    fails(
        "a class that lies",
        "class E(Exception):\n    __class__ = property(lambda self: 1 / 0)\ndef f(): raise E('e')",
        1,
        "E",
        "e",
    ),
    fails(
        "exception",
        "def f(): 1 / 0",
        1,
        "ZeroDivisionError",
        "division by zero",
    ),
    fails(
        "base exception",
        "class E(BaseException): pass\ndef f(): raise E('e')",
        1,
        "E",
        "e",
    ),
    fails(
        "interrupt",
        "def f(): raise KeyboardInterrupt",
        1,
        "KeyboardInterrupt",
        "",
    ),
    fails(
        "exception without text",
        "class E(Exception):\n    def __str__(self): raise ValueError\ndef f(): raise E",
        1,
        "E",
        "<E whose text cannot be shown: ValueError>",
    ),
    fails(
        "in a coroutine",
        "async def f(): raise OSError('o')",
        1,
        "OSError",
        "o",
    ),
    fails(
        "exit 3",
        "import sys\ndef f(): sys.exit(3)",
        3,
        "SystemExit",
        "3",
    ),
    fails(
        "exit 256",
        "import sys\ndef f(): sys.exit(256)",
        1,
        "SystemExit",
        "256",
    ),
    fails(
        "exit with text",
        "import sys\ndef f(): sys.exit('why')",
        1,
        "SystemExit",
        "why",
    ),
    fails(
        "import that fails",
        "import nowhere_at_all\ndef f(): pass",
        1,
        "ModuleNotFoundError",
        "No module named 'nowhere_at_all'",
    ),
    fails(
        "import that exits",
        "import sys\nsys.exit(0)",
        1,
        "SystemExit",
        "0",
    ),
    fails("missing name", "def g(): pass", 1, "Unusable", ""),
    fails(
        "no function",
        "f = 1",
        1,
        "Unusable",
        "`t.f` is not callable: it is of type int",
    ),
    fails("bad syntax", "def f(:", 1, "SyntaxError", ""),
    fails(
        "too many arguments",
        "def f(a): pass",
        1,
        "TypeError",
        "f() missing 1 required positional argument: 'a'",
    ),
    fails(
        "crash at exit",
        "import atexit, os\ndef f(): atexit.register(os._exit, 4)",
        4,
        "",
        "",
    ),
    fails(
        "vanished with a code",
        "import os\ndef f(): os._exit(5)",
        5,
        "",
        "",
    ),
    case(
        "segmentation fault",
        "import os\ndef f(): os.kill(os.getpid(), 11)",
        Outcome::Killed,
    ),
    case("aborted", "import os\ndef f(): os.abort()", Outcome::Killed),
    case(
        "a pointer to nowhere",
        "import ctypes\ndef f(): ctypes.string_at(0)",
        Outcome::Killed,
    ),
    case(
        "terminated",
        "import os\ndef f(): os.kill(os.getpid(), 15)",
        Outcome::Killed,
    ),
];

#[test]
fn a_run_ends_as_its_function_does() {
    for case in CASES {
        let ran = Bench::of(case.code).run("t.f");
        let ended = &ran.ended;
        let seen = (
            ended.outcome,
            ended.exit_code,
            ran.error().0,
            ended.returned.as_deref(),
        );
        let expected = (case.outcome, case.exit_code, case.class, case.returned);
        assert_eq!(seen, expected, "{}: {ran:?}", case.name);
        if !case.message.is_empty() {
            assert_eq!(ran.error().1, case.message, "{}", case.name);
        }
        assert!(
            !ran.traceback().contains("<sched>"),
            "{}: {}",
            case.name,
            ran.traceback()
        );
    }
}

#[test]
fn what_looks_done_but_is_not_is_warned_about() {
    let vanished = Bench::of("import os\ndef f(): os._exit(0)").run("t.f");
    assert_eq!(
        vanished.warnings(),
        ["WARNING 't.f' ended its process with exit code 0 and without a result"]
    );
    let generator = Bench::of("def f(): yield 1").run("t.f");
    assert_eq!(
        generator.warnings(),
        [
            "WARNING 't.f' returned a generator, through which nobody goes: a function with a `yield` \
          runs none of its code"
        ]
    );
}

#[test]
fn a_segmentation_fault_leaves_its_stack() {
    let ran = Bench::of("import os\ndef f(): os.kill(os.getpid(), 11)").run("t.f");
    assert_eq!(ran.ended.signal, Some(11));
    assert!(ran.ended.stderr.contains("Segmentation fault"), "{ran:?}");
    assert!(ran.ended.stderr.contains("t.py\", line 2 in f"), "{ran:?}");
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

#[test]
fn causes_are_part_of_a_traceback() {
    let bench = Bench::of(
        "def f():\n    try: 1 / 0\n    except ZeroDivisionError as e: raise ValueError('v') from e\n",
    );
    let ran = bench.run("t.f");
    let traceback = ran.traceback();
    assert!(traceback.contains(
        "ZeroDivisionError: division by zero\n\nThe above exception was the direct cause"
    ));
    assert!(traceback.ends_with("ValueError: v\n"));
    let endless = Bench::of(
        "def f():\n    e = ValueError(0)\n    for n in range(5000):\n        new = ValueError(n)\n        new.__cause__ = e\n        e = new\n    raise e\n",
    );
    assert_eq!(endless.run("t.f").error(), ("ValueError", "4999"));
}

#[test]
fn a_task_that_closes_everything_still_ends_well() {
    let ran =
        Bench::of("import os\ndef f():\n    os.closerange(3, 64)\n    open('/dev/null', 'w')\n")
            .run("t.f");
    assert_eq!(ran.ended.outcome, Outcome::Success, "{ran:?}");
}

#[test]
fn threads_are_waited_for() {
    let bench = Bench::of(
        "import threading, time\n\
         def late():\n    time.sleep(0.3)\n    print('late')\n\
         def f(): threading.Thread(target=late).start()\n",
    );
    assert_eq!(bench.run("t.f").ended.stdout, "late\n");
}

#[test]
fn a_timeout_ends_a_task_that_ignores_it() {
    let bench = Bench::of(
        "import signal, time\ndef f():\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    print('x')\n    time.sleep(600)\n",
    );
    let mut job = job(Task::Named("t.f".to_owned()));
    job.policy.timeout = Some(std::time::Duration::from_secs(4));
    let ran = bench.run_job(&job);
    assert_eq!(
        (ran.ended.outcome, ran.ended.signal),
        (Outcome::Timeout, Some(9))
    );
    assert_eq!(ran.ended.stdout, "x\n");
}

#[test]
fn a_task_without_python_fails_and_says_so() {
    let mut bench = Bench::of("def f(): pass");
    bench.setup.python = Some("no/python".into());
    let ran = bench.run("t.f");
    assert_eq!(ran.ended.outcome, Outcome::Failure);
    assert_eq!(
        ran.error(),
        (
            "CannotStart",
            "the Python `no/python` of the config was not found"
        )
    );
}

#[test]
fn a_fault_at_import_shows_its_place() {
    let bench = Bench::of("def f(:\n")
        .file("tasks/uses.py", "from .t import f\n")
        .file("tasks/raises.py", "def g(): raise OSError('o')\ng()\n");
    let path = |file: &str| bench.path(file).display().to_string();
    let ran = bench.run("uses.f");
    let start = format!(
        "Traceback (most recent call last):\n  File \"{}\", line 1, in <module>\n    \
         from .t import f\n  File \"{}\", line 1\n    def f(:\n",
        path("tasks/uses.py"),
        path("tasks/t.py")
    );
    assert!(ran.traceback().starts_with(&start), "{}", ran.traceback());
    let ran = bench.run("raises.f");
    let start = format!(
        "Traceback (most recent call last):\n  File \"{}\", line 2, in <module>\n    g()\n",
        path("tasks/raises.py")
    );
    assert!(ran.traceback().starts_with(&start), "{}", ran.traceback());
    assert!(
        !ran.traceback().contains("importlib"),
        "{}",
        ran.traceback()
    );
}

#[test]
fn what_a_library_holds_back_is_written_at_the_end() {
    let code =
        "import ctypes\ndef f():\n    ctypes.CDLL(None).puts(b'from C')\n    print('printed')\n";
    let mut called = job(Task::Named("t.f".to_owned()));
    // Else nothing is held back.
    let unbuffered = ("PYTHONUNBUFFERED".to_owned(), String::new());
    called.surroundings.environment.extend([unbuffered]);
    let ran = Bench::of(code).run_job(&called);
    let stdout = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(stdout.contains("from C\n"), "{stdout}");
    assert!(stdout.contains("printed\n"), "{stdout}");
}

#[test]
fn a_database_that_is_written_at_the_end_of_a_process_is_written() {
    // Not every Python has one of that kind.
    let bench = Bench::of(
        "import os\ntry: import dbm.ndbm as kind\nexcept ImportError: import dbm.dumb as kind\n\
         store = kind.open(os.path.dirname(__file__) + '/store', 'c')\n\
         def f(): store[b'k'] = b'v'\ndef g(): return store[b'k']\n",
    );
    assert_eq!(bench.run("t.f").ended.outcome, Outcome::Success);
    assert_eq!(bench.run("t.g").ended.returned.as_deref(), Some("b'v'"));
}

#[test]
fn a_child_that_a_task_forks_says_nothing_of_the_run() {
    let code = "import os\nfrom docassemble.Scheduler.scheduler_logger import log\n\
                def f():\n    child = os.fork()\n    if child: os.waitpid(child, 0)\n    return 5\n\
                def g():\n    child = os.fork()\n    if not child: raise ValueError('of the child')\n    \
                os.waitpid(child, 0)\n\
                def h(error, job): log('handled', 'warning')\n";
    let bench = Bench::of(code);
    let ran = bench.run("t.f");
    let told = ran.notes();
    let told = told.iter().filter(|line| line.contains("returned '5'"));
    assert_eq!(told.count(), 1, "{:?}", ran.notes());
    let mut called = job(Task::Named("t.g".to_owned()));
    called.error_handler = Some("t.h".to_owned());
    let ran = bench.run_job(&called);
    assert_eq!(ran.ended.outcome, Outcome::Success);
    assert_eq!(ran.logged(), [""; 0]);
}

#[test]
fn an_exception_that_nobody_else_hears_of_is_on_standard_error() {
    let bench = Bench::of(
        "import os, sys\ndef child(ends):\n    child = os.fork()\n    if not child: ends()\n\
         \x20   os.waitpid(child, 0)\n\
         def fail(): raise ValueError('of the child')\n\
         def f(): child(fail)\n\
         def g(): child(lambda: sys.exit('bye'))\n\
         def h(): child(lambda: sys.exit(3))\n\
         def alone():\n    os.closerange(3, 256)\n    fail()\n",
    );
    let stderr = |name| bench.run(name).ended.stderr;
    let told = stderr("t.f");
    assert_eq!(told.matches("Traceback").count(), 1, "{told}");
    assert!(told.ends_with("\nValueError: of the child\n"), "{told}");
    assert_eq!((&*stderr("t.g"), &*stderr("t.h")), ("bye\n", ""));
    let alone = stderr("t.alone");
    assert!(alone.ends_with("\nValueError: of the child\n"), "{alone}");
}
