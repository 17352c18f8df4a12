//! What is called, and with which arguments.

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
        (
            "docassemble.Scheduler.tasks.calendar.ignored.f",
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
fn files_beside_the_tasks_are_found() {
    let bench = Bench::of(
        "import os, pkgutil\nimport docassemble.Scheduler.tasks as tasks\n\
         def f(): return pkgutil.get_data('docassemble.Scheduler.tasks', 'data.txt'), os.path.basename(tasks.__file__)\n",
    )
    .file("tasks/data.txt", "words");
    let ran = bench.run("t.f");
    assert_eq!(
        ran.ended.returned.as_deref(),
        Some("(b'words', '__init__.py')"),
        "{ran:?}"
    );
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
    let ran = bench.run("t.f");
    assert_eq!(ran.ended.returned.as_deref(), Some("two"), "{ran:?}");
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
        "import glob\n\
         def f(secret, key):\n\
         \x20   for file in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ'):\n\
         \x20       try: shown = open(file, 'rb').read()\n\
         \x20       except OSError: continue\n\
         \x20       if secret.encode() in shown or key.encode() in shown: return file\n\
         \x20   return 'nowhere'\n",
    );
    let mut job = job(Task::Named("t.f".to_owned()));
    job.args = vec![text(&format!("first-{}", fastrand::u64(..)))];
    job.kwargs = vec![(text("key"), text(&format!("second-{}", fastrand::u64(..))))];
    let ran = bench.run_job(&job);
    assert_eq!(ran.ended.returned.as_deref(), Some("nowhere"), "{ran:?}");
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

#[test]
fn a_virtual_environment_below_the_tasks_keeps_its_compiled_files() {
    let bench = Bench::of("import kept, fresh\ndef f(): return kept.__cached__, fresh.__name__\n")
        .file("tasks/venv/site/kept.py", "")
        .file("tasks/fresh.py", "")
        .file(
            "tasks/docassemble.py",
            "raise OSError('it stood in for the package')",
        );
    let mut job = job(Task::Named("t.f".to_owned()));
    let site = bench.path("tasks/venv/site").display().to_string();
    job.surroundings.environment = [
        ("PYTHONPATH".to_owned(), site),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), String::new()),
    ]
    .into();
    let ran = bench.run_job(&job);
    assert_eq!(ran.ended.outcome, Outcome::Success, "{ran:?}");
    assert!(bench.path("tasks/venv/site/__pycache__").exists());
    assert!(!bench.path("tasks/__pycache__").exists());
}
