//! Task files of every kind, run by a real Python.

use crate::config::DocassembleContext;
use crate::job::Task;
use crate::run::{Level, Outcome};
use crate::task::testing::{Bench, job, text};
use crate::value::Value;

#[test]
fn a_function_is_called_with_its_arguments() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log\n\
         def f(*pargs, **kwargs):\n    log(f'pargs={pargs} kwargs={kwargs}')\n    return 'done'\n",
    );
    let mut job = job(Task::Named("t.f".to_owned()));
    job.args = vec![text("one"), Value::Int(2)];
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
        "'t.f' is not callable: it is of type int",
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
        ["WARNING 't.f' returned a generator: none of its code ran, because it has a `yield`"]
    );
}

#[test]
fn a_segmentation_fault_leaves_its_stack() {
    let ran = Bench::of("import os\ndef f(): os.kill(os.getpid(), 11)").run("t.f");
    assert_eq!(ran.ended.signal, Some(11));
    assert!(ran.ended.stderr.contains("Segmentation fault"), "{ran:?}");
    assert!(ran.ended.stderr.contains("t.py\", line 2 in f"), "{ran:?}");
}

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

fn run_in(context: &str, code: &str) -> crate::task::testing::Ran {
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

#[test]
fn names_are_found_as_upstream_finds_them() {
    let reply = "def f(): return __name__\n";
    let bench = Bench::new()
        .file("tasks/calendar.py", reply)
        .file("tasks/my-task.py", reply)
        .file("tasks/pkg/__init__.py", reply)
        .file("tasks/pkg/deep.py", "from . import f as above\nfrom ..calendar import f as other\ndef f(): return above(), other()\n")
        .file("tasks/space/mod.py", reply)
        .file("tasks/uses.py", "import helper\ndef f(): return helper.f()\n")
        .file("tasks/helper.py", reply);
    for (name, returned) in [
        ("calendar.f", "docassemble.Scheduler.tasks.calendar"),
        (
            "calendar.ignored.parts.f",
            "docassemble.Scheduler.tasks.calendar",
        ),
        ("my-task.f", "docassemble.Scheduler.tasks.my-task"),
        ("pkg.f", "docassemble.Scheduler.tasks.pkg"),
        (
            "pkg.deep.f",
            "('docassemble.Scheduler.tasks.pkg', 'docassemble.Scheduler.tasks.calendar')",
        ),
        ("space.mod.f", "space.mod"),
        ("uses.f", "helper"),
        (
            "os.getcwd",
            &std::env::current_dir().unwrap().display().to_string(),
        ),
    ] {
        let ran = bench.run(name);
        assert_eq!(
            ran.ended.returned.as_deref(),
            Some(returned),
            "{name}: {ran:?}"
        );
    }
    assert!(!bench.path("tasks/__pycache__").exists());
    assert!(!bench.path("tasks/pkg/__pycache__").exists());
}

#[test]
fn no_name_runs_a_file_outside() {
    let bench = Bench::new().file("outside.py", "def f(): return 'out'\n");
    for name in ["../outside.f", "..outside.f", "/outside.f", "f", "", "a..f"] {
        let ran = bench.run(name);
        assert_eq!(
            (ran.ended.outcome, ran.error().0),
            (Outcome::Failure, "Unusable"),
            "{name}"
        );
    }
}

#[test]
fn a_compiled_file_is_never_believed() {
    let bench = Bench::of("def f(): return 'one'\n");
    let stale = std::process::Command::new("python3")
        .args(["-m", "py_compile"])
        .arg(bench.path("tasks/t.py"))
        .status();
    assert!(stale.unwrap().success());
    let path = bench.path("tasks/t.py");
    let modified = path.metadata().unwrap().modified().unwrap();
    std::fs::write(&path, "def f(): return 'two'\n").unwrap();
    std::fs::File::open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(bench.run("t.f").ended.returned.as_deref(), Some("two"));
}

#[test]
fn arguments_arrive_as_the_values_that_yaml_made() {
    let bench =
        Bench::of("def f(*args, **kwargs): return f'{args!r} {sorted(kwargs.items())!r}'\n");
    let yaml = "- 1\n- 1180591620717411303424\n- 1.5\n- .inf\n- 2024-01-02\n- 2024-01-02 03:04:05.6 +02:00\n\
                - 2024-01-02 03:04:05\n- !!binary AP8=\n- !!set {a: }\n- !!python/tuple [1, [2]]\n- {1: x, $y: z}\n\
                - {$int: '5'}\n- ~\n- yes\n- 'é€'\n";
    let Value::List(args) = crate::yaml::parse(yaml).unwrap().root.to_value() else {
        panic!("it is a list");
    };
    let mut job = job(Task::Named("t.f".to_owned()));
    job.args = args;
    job.kwargs = vec![(text("k"), Value::Bytes(vec![1]))];
    let ran = bench.run_job(&job);
    assert_eq!(
        ran.ended.returned.as_deref(),
        Some(
            "(1, 1180591620717411303424, 1.5, inf, datetime.date(2024, 1, 2), \
             datetime.datetime(2024, 1, 2, 3, 4, 5, 600000, \
             tzinfo=datetime.timezone(datetime.timedelta(seconds=7200))), \
             datetime.datetime(2024, 1, 2, 3, 4, 5), b'\\x00\\xff', {'a'}, (1, [2]), {1: 'x', '$y': 'z'}, \
             {'$int': '5'}, None, True, 'é€') [('k', b'\\x01')]"
        ),
        "{ran:?}"
    );
    job.args = Vec::new();
    job.kwargs = vec![(Value::Int(1), text("x"))];
    assert_eq!(bench.run_job(&job).error().0, "TypeError");
}

#[test]
fn arguments_are_seen_by_nobody_else() {
    let bench = Bench::of(
        "def f(secret):\n    own = open('/proc/self/cmdline').read() + open('/proc/self/environ').read()\n    return secret in own\n",
    );
    let mut job = job(Task::Named("t.f".to_owned()));
    job.args = vec![text("hunter2hunter2")];
    assert_eq!(bench.run_job(&job).ended.returned.as_deref(), Some("False"));
}

#[test]
fn every_way_of_logging_arrives() {
    let bench = Bench::of(
        "import logging, logging.config\n\
         from docassemble.Scheduler.scheduler_logger import log, get_logger, error_notification\n\
         def f():\n\
         \x20   log('plain')\n\
         \x20   log('loud', 'WARNING')\n\
         \x20   log('named', level='error')\n\
         \x20   log(message='keyword', message_level='debug')\n\
         \x20   log('unknown', 'shout')\n\
         \x20   log('100% %s {}')\n\
         \x20   log(None, lvl='critical')\n\
         \x20   get_logger().info('%d %s', 1, 'two')\n\
         \x20   logging.getLogger('scheduler').warning('bad %d', 'x')\n\
         \x20   logging.disable(logging.CRITICAL)\n\
         \x20   logging.config.dictConfig({'version': 1})\n\
         \x20   log('still heard')\n\
         \x20   error_notification(ValueError('told'))\n\
         \x20   try: 1 / 0\n\
         \x20   except ZeroDivisionError: get_logger().exception('caught')\n",
    );
    let ran = bench.run("t.f");
    let logged = ran.logged();
    let (last, others) = logged.split_last().unwrap();
    assert_eq!(
        others,
        [
            "INFO plain",
            "WARNING loud",
            "ERROR named",
            "DEBUG keyword",
            "INFO unknown",
            "INFO 100% %s {}",
            "CRITICAL None",
            "INFO 1 two",
            "WARNING bad %d",
            "INFO still heard",
            "CRITICAL ValueError: told",
        ],
        "{ran:?}"
    );
    assert!(last.starts_with("ERROR caught\nTraceback"), "{last}");
    assert!(
        last.ends_with("ZeroDivisionError: division by zero"),
        "{last}"
    );
    let records = ran.records.iter().filter(|record| record.file != "sched");
    for (record, line) in records.zip([4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 18]) {
        let place = (record.file.as_str(), record.function.as_str(), record.line);
        assert_eq!(place, ("t.py", "f", line));
    }
}

#[test]
fn lines_of_threads_and_forks_arrive_whole_and_one_result() {
    let bench = Bench::of(
        "import os, threading\n\
         from docassemble.Scheduler.scheduler_logger import log\n\
         def say(letter):\n    for _ in range(20): log(letter * 10000)\n\
         def f():\n\
         \x20   threads = [threading.Thread(target=say, args=(letter,)) for letter in 'ab']\n\
         \x20   for thread in threads: thread.start()\n\
         \x20   child = os.fork()\n\
         \x20   say('c' if child else 'd')\n\
         \x20   if child: os.waitpid(child, 0)\n\
         \x20   for thread in threads: thread.join()\n\
         \x20   return 'parent' if child else 'child'\n",
    );
    let ran = bench.run("t.f");
    assert_eq!(
        ran.ended.returned.as_deref(),
        Some("parent"),
        "{:?}",
        ran.ended
    );
    let mut counts = std::collections::BTreeMap::new();
    for record in ran.records.iter().filter(|record| record.file != "sched") {
        assert_eq!(record.message.len(), 10_000);
        let letter = record.message.chars().next().unwrap();
        assert!(record.message.chars().all(|c| c == letter));
        *counts.entry(letter).or_insert(0) += 1;
    }
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [('a', 20), ('b', 20), ('c', 20), ('d', 20)]
    );
}

#[test]
fn texts_of_megabytes_are_cut() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n    log('l' * 5000000)\n    return 'r' * 5000000\n\
         def g(): raise ValueError('e' * 5000000)\n",
    );
    let ran = bench.run("t.f");
    assert!(
        ran.records
            .iter()
            .all(|record| record.message.len() < 300_000)
    );
    let returned = ran.ended.returned.unwrap();
    assert!(returned.len() <= 10_000, "{}", returned.len());
    let ran = bench.run("t.g");
    assert!(ran.error().1.len() < 100_000 && ran.traceback().len() < 100_000);
    assert!(ran.traceback().starts_with("Traceback"));
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
fn output_arrives_as_it_is_printed_and_apart_from_results() {
    let bench = Bench::of(
        "import sys, json\n\
         def f():\n    print('out')\n    print('err', file=sys.stderr)\n    sys.stdout.buffer.write(b'\\xff')\n\
         \x20   print(json.dumps({'kind': 'result', 'returned': 'forged', 'error': None}))\n",
    );
    let ran = bench.run("t.f");
    assert!(ran.stdout.starts_with(b"out\n"));
    assert_eq!(ran.stderr, b"err\n");
    assert_eq!(ran.ended.returned, None);
    assert!(
        ran.ended.stdout.starts_with("out\n\u{FFFD}{\"kind\""),
        "{}",
        ran.ended.stdout
    );
}

#[test]
fn a_hundred_thousand_lines_arrive() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n    for n in range(100000): print('line', n)\n    for n in range(10000): log(n)\n",
    );
    let ran = bench.run("t.f");
    let lines = ran.stdout.split(|byte| *byte == b'\n').count() - 1;
    assert_eq!(lines, 100_000);
    assert_eq!(ran.logged().len(), 10_000);
    assert!(ran.ended.stdout.ends_with("line 99999\n"));
}

#[test]
fn a_task_may_change_its_world() {
    let bench = Bench::of(
        "import os, time\nfrom docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n    before = time.time()\n    os.environ['TZ'] = 'Asia/Tokyo'; time.tzset(); os.chdir('/'); os.umask(0o777)\n\
         \x20   log('late')\n    return int(before)\n",
    );
    let ran = bench.run("t.f");
    let before: i64 = ran.ended.returned.as_deref().unwrap().parse().unwrap();
    let record = ran
        .records
        .iter()
        .find(|record| record.message == "late")
        .unwrap();
    assert!((0..600).contains(&(record.at.timestamp() - before)));
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
    job.policy.timeout = Some(std::time::Duration::from_secs(2));
    let ran = bench.run_job(&job);
    assert_eq!(
        (ran.ended.outcome, ran.ended.signal),
        (Outcome::Timeout, Some(9))
    );
    assert_eq!(ran.ended.stdout, "x\n");
}

#[test]
fn the_working_directory_and_the_tasks_hide_no_module() {
    let marker = "open(__file__ + '.ran', 'w')\n";
    let mut bench = Bench::of("import json, email\ndef f(): return json.dumps(1)\n");
    for file in [
        "tasks/json.py",
        "tasks/email.py",
        "here/sitecustomize.py",
        "here/json.py",
        "here/base64.py",
        "here/sys.py",
    ] {
        bench = bench.file(file, marker);
    }
    let mut job = job(Task::Named("t.f".to_owned()));
    job.surroundings.directory = Some("here".into());
    job.surroundings.environment = [("PYTHONPATH".to_owned(), ":/nowhere:".to_owned())].into();
    let ran = bench.run_job(&job);
    assert_eq!(ran.ended.returned.as_deref(), Some("1"), "{ran:?}");
    for file in [
        "tasks/json.py",
        "tasks/email.py",
        "here/sitecustomize.py",
        "here/json.py",
        "here/base64.py",
        "here/sys.py",
    ] {
        assert!(!bench.path(&format!("{file}.ran")).exists(), "{file} ran");
    }
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

/// A docassemble whose background context logs what becomes of it, and a task in it.
fn with_docassemble(context: &str, task: &str) -> crate::task::testing::Ran {
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

#[test]
fn the_example_tasks_work() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tasks");
    let mut bench = Bench::new();
    bench.setup.tasks_folder = Some(examples);
    let ran = bench.run("test.heartbeat");
    assert!(ran.logged()[0].starts_with("INFO heartbeat="), "{ran:?}");
    let ran = bench.run("test.test_raise_exception");
    assert_eq!(
        ran.error(),
        ("Exception", "Called test_raise_exception exc")
    );
    assert_eq!(ran.logged(), ["CRITICAL Called test_raise_exception log"]);
    let mut job = job(Task::Named("test.test_arbitrary_params".to_owned()));
    job.contextmanager = Some("test_context.SchedulerContext".to_owned());
    job.args = vec![text("positional")];
    assert_eq!(
        bench.run_job(&job).logged(),
        [
            "INFO Entering the context",
            "INFO pargs=('positional',) kwargs={}",
            "INFO Leaving the context, exception=None",
        ]
    );
}
