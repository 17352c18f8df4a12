//! Names that are looked up without running anything.

use std::path::PathBuf;

use crate::config::{Answer, Lookup};
use crate::job::Surroundings;
use crate::task::testing::Bench;
use crate::task::{CallFault, CallShape, Tasks};

fn look_up(bench: &Bench, names: &[&str]) -> Vec<Answer> {
    Tasks::new(bench.setup.clone()).look_up(names).unwrap()
}

fn check_call(
    tasks: &Tasks,
    name: &str,
    surroundings: &Surroundings,
    positional: usize,
    keywords: &[&str],
) -> Option<CallFault> {
    let shape = CallShape {
        name,
        positional,
        keywords: keywords.to_vec(),
    };
    let mut faults = tasks.check_calls(surroundings, &[shape]).unwrap();
    faults.pop().unwrap()
}

fn function(file: &str, line: u32) -> Answer {
    Answer::Function {
        file: file.into(),
        line,
    }
}

fn no_function(file: &str, function: &str, near: &[&str]) -> Answer {
    Answer::NoFunction {
        file: file.into(),
        function: function.to_owned(),
        near: near.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn whatever_binds_a_name_makes_a_function() {
    let bench = Bench::of(
        "import os, json.decoder\nfrom os import path as p\ndef d(): inner = 1\nasync def a(): pass\nclass C: x = 1\n\
         v = 1\nt, (u, *w) = 1, (2, 3)\nn: int = 1\nm: int\nif (q := 1): pass\nfor i in []: pass\n\
         with open('x') as h: pass\ntry:\n    def g(): pass\nexcept E as e: pass\nelse:\n    k = 1\n\
         s = [y for y in [] if (z := y)]\ndel v\n",
    );
    let bound = [
        "os", "json", "p", "d", "a", "C", "v", "t", "u", "w", "n", "q", "i", "h", "g", "k", "s",
        "z",
    ];
    let names: Vec<_> = bound.iter().map(|name| format!("t.{name}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for (name, answer) in names.iter().zip(look_up(&bench, &names)) {
        assert!(
            matches!(answer, Answer::Function { .. }),
            "{name}: {answer:?}"
        );
    }
    let unbound = ["t.inner", "t.x", "t.m", "t.e", "t.y", "t.decoder"];
    for (name, answer) in unbound.iter().zip(look_up(&bench, &unbound)) {
        assert!(
            matches!(answer, Answer::NoFunction { .. }),
            "{name}: {answer:?}"
        );
    }
}

#[test]
fn patterns_bind_names() {
    let bench = Bench::of("match {}:\n    case {**rest}: pass\n    case [*items] as whole: pass\n");
    for answer in look_up(&bench, &["t.rest", "t.items", "t.whole"]) {
        // Before Python 3.10, this is no syntax.
        let is_there = matches!(answer, Answer::Function { .. } | Answer::Unusable { .. });
        assert!(is_there, "{answer:?}");
    }
}

#[test]
fn files_packages_and_modules_are_found() {
    let bench = Bench::new()
        .file("tasks/test.py", "\ndef heartbeat(): pass\n")
        .file("tasks/my-task.py", "def run(): pass\n")
        .file("tasks/pkg/__init__.py", "from .deep import f\n")
        .file("tasks/pkg/deep.py", "def f(): pass\n")
        .file("tasks/space/mod.py", "def f(): pass\n")
        .file("tasks/star.py", "from os.path import *\n")
        .file("tasks/lazy.py", "def __getattr__(name): pass\n")
        .file("tasks/calendar.py", "def mine(): pass\n");
    let names = [
        "test.heartbeat",
        "test.ignored.heartbeat",
        "my-task.run",
        "pkg.f",
        "pkg.deep.f",
        "space.mod.f",
        "star.join",
        "lazy.anything",
        "calendar.mine",
        "docassemble.Scheduler.tasks.test.heartbeat",
        "docassemble.Scheduler.tasks.test.ignored.heartbeat",
    ];
    let files = [
        ("tasks/test.py", 2),
        ("tasks/test.py", 2),
        ("tasks/my-task.py", 1),
        ("tasks/pkg/__init__.py", 1),
        ("tasks/pkg/deep.py", 1),
        ("tasks/space/mod.py", 1),
        ("tasks/star.py", 1),
        ("tasks/lazy.py", 1),
        ("tasks/calendar.py", 1),
        ("tasks/test.py", 2),
        ("tasks/test.py", 2),
    ];
    let expected: Vec<_> = files
        .iter()
        .map(|(file, line)| function(file, *line))
        .collect();
    assert_eq!(look_up(&bench, &names), expected);

    let installed = look_up(
        &bench,
        &[
            "json.decoder.JSONDecoder",
            "shutil.rmtree",
            "json.nothing",
            "runpy.run_path",
        ],
    );
    assert!(matches!(&installed[3], Answer::Function { .. }));
    assert!(matches!(&installed[0], Answer::Function { file, .. } if file.is_absolute()));
    assert!(matches!(&installed[1], Answer::Function { .. }));
    assert!(matches!(&installed[2], Answer::NoFunction { .. }));
}

#[test]
fn what_is_missing_is_named_with_what_is_near() {
    let bench = Bench::new()
        .file(
            "tasks/test.py",
            "def heartbeat(): pass\ndef other(): pass\n",
        )
        .file("tasks/pkg/__init__.py", "");
    let answers = look_up(
        &bench,
        &[
            "test.hartbeat",
            "tets.heartbeet",
            "nowhere.f",
            "pkg.sub.f",
            "os.path.join",
            "test.xyz",
        ],
    );
    assert_eq!(
        answers[0],
        no_function("tasks/test.py", "hartbeat", &["test.heartbeat"])
    );
    let no_module = |what: &str, near: &[&str]| Answer::NoModule {
        what: what.to_owned(),
        near: near.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(answers[1], no_module("tasks/tets.py", &["test.heartbeat"]));
    assert_eq!(answers[2], no_module("tasks/nowhere.py", &[]));
    assert_eq!(answers[3], no_module("module `pkg.sub`", &[]));
    // Where Python 3.8 to 3.10 have it, a module says so itself.
    assert!(
        matches!(&answers[4], Answer::Function { .. } | Answer::Opaque { .. }),
        "{:?}",
        answers[4]
    );
    assert_eq!(answers[5], no_function("tasks/test.py", "xyz", &[]));
    assert_eq!(
        look_up(&bench, &["tost.heartbeat"]),
        [no_module("tasks/tost.py", &["test.heartbeat"])]
    );
}

#[test]
fn what_cannot_be_used_says_why() {
    let bench = Bench::new()
        .file("tasks/broken.py", "def f(): pass\n\ndef g(:\n")
        .file("tasks/nul.py", "a = 1\0")
        .file(
            "tasks/deep.py",
            &format!("x = {}1{}", "(".repeat(5000), ")".repeat(5000)),
        )
        .file("tasks/dynamic.py", "globals()['f'] = print\n");
    let names = [
        "broken.f",
        "nul.a",
        "deep.x",
        "dynamic.f",
        "math.sin",
        "docassemble.playground1.m.f",
    ];
    let answers = look_up(&bench, &names);
    let Answer::Unusable { why } = &answers[0] else {
        panic!("{:?}", answers[0]);
    };
    assert!(
        why.starts_with("tasks/broken.py is not Python (line 3: "),
        "{why}"
    );
    for answer in &answers[1..3] {
        assert!(
            matches!(answer, Answer::Unusable { .. } | Answer::Opaque { .. }),
            "{answer:?}"
        );
    }
    for answer in &answers[3..] {
        assert!(matches!(answer, Answer::Opaque { .. }), "{answer:?}");
    }
}

#[test]
fn no_name_leaves_the_tasks_folder() {
    let bench = Bench::new().file("outside.py", "def f(): pass\n");
    let bench = bench.executable("evil", "#!/bin/sh\n");
    let names = [
        "../outside.f",
        "/etc/passwd.f",
        "a/b.c",
        "..f",
        "a..f",
        ".f",
        "f",
        "",
        "a\0.b",
        "...",
        "tasks/../outside.f",
        "..evil",
        "../evil",
        "é/ü.f",
    ];
    for (name, answer) in names.iter().zip(look_up(&bench, &names)) {
        assert!(
            matches!(answer, Answer::Unusable { .. }),
            "{name:?}: {answer:?}"
        );
    }
    let long = format!("{}.f", "x".repeat(100_000));
    assert!(matches!(
        &look_up(&bench, &[&long])[0],
        Answer::NoModule { .. } | Answer::Opaque { .. }
    ));
}

#[test]
fn no_code_of_the_user_runs() {
    let marker = "open(__file__ + '.ran', 'w')\n";
    let bench = Bench::new()
        .file("tasks/t.py", &format!("{marker}def f(): pass\n"))
        .file("tasks/pkg/__init__.py", marker)
        .file("tasks/pkg/sub.py", marker)
        .file("tasks/json.py", marker)
        .file("tasks/sitecustomize.py", marker);
    look_up(
        &bench,
        &["t.f", "pkg.sub.f", "pkg.f", "json.f", "sitecustomize.f"],
    );
    for file in [
        "t.py",
        "pkg/__init__.py",
        "pkg/sub.py",
        "json.py",
        "sitecustomize.py",
    ] {
        assert!(
            !bench.path(&format!("tasks/{file}.ran")).exists(),
            "{file} ran"
        );
    }
    assert!(!bench.path("tasks/__pycache__").exists());
}

#[test]
fn executable_files_are_found() {
    let bench = Bench::new()
        .executable("tasks/backup/db.sh", "#!/bin/sh\n")
        .executable("tasks/backup/two.sh", "#!/bin/sh\n")
        .executable("tasks/backup/two.py", "#!/bin/sh\n")
        .file("tasks/backup/plain.sh", "#!/bin/sh\n")
        .file("tasks/both.py", "def f(): pass\n")
        .executable("tasks/both/f", "#!/bin/sh\n");
    let answers = look_up(
        &bench,
        &[
            "backup.db",
            "backup.two",
            "backup.plain",
            "both.f",
            "backup.none",
        ],
    );
    assert_eq!(
        answers[0],
        Answer::Executable {
            file: PathBuf::from("tasks/backup/db.sh")
        }
    );
    assert_eq!(
        answers[1],
        Answer::Unusable {
            why: "`backup.two` names several executable files: tasks/backup/two.py, tasks/backup/two.sh"
                .to_owned()
        }
    );
    assert_eq!(
        answers[2],
        Answer::NotExecutable {
            file: PathBuf::from("tasks/backup/plain.sh"),
            path: bench.path("tasks/backup/plain.sh"),
        }
    );
    let Answer::NoModule { what, .. } = &answers[4] else {
        panic!("{:?}", answers[4]);
    };
    assert_eq!(
        what,
        "executable tasks/backup/none or tasks/backup/none.*, and no tasks/backup/__init__.py"
    );
    assert_eq!(answers[3], function("tasks/both.py", 1));
}

#[test]
fn ten_thousand_names_are_one_question() {
    let code: Vec<_> = (0..1000).map(|n| format!("def f{n}(): pass\n")).collect();
    let bench = Bench::of(&code.concat());
    let names: Vec<_> = (0..10_000).map(|n| format!("t.f{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let answers = look_up(&bench, &names);
    assert_eq!(answers.len(), 10_000);
    assert_eq!(answers[999], function("tasks/t.py", 1000));
    assert!(matches!(&answers[9999], Answer::NoFunction { .. }));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a slow answer is told by the clock"
)]
fn suggestions_take_little_of_the_time() {
    let code: Vec<_> = (0..4000)
        .map(|n| format!("def function_number_{n:05}(): pass\n"))
        .collect();
    let bench = Bench::of(&code.concat());
    let names: Vec<_> = (0..90)
        .map(|n| format!("t.functoin_number_{n:05}"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let start = std::time::Instant::now();
    let answers = look_up(&bench, &names);
    // All of them would take half a minute and more.
    assert!(start.elapsed() < std::time::Duration::from_secs(15));
    for (name, answer) in names.iter().zip(answers) {
        assert!(
            matches!(answer, Answer::NoFunction { .. }),
            "{name}: {answer:?}"
        );
    }
}

#[test]
fn a_call_is_checked_against_the_functions_head() {
    let bench = Bench::of(
        "def heartbeat():\n    pass\ndef two(a, b=1): pass\ndef any_of(*args, **kwargs): pass\n\
         def only(*, key): pass\ndef place(a, /, b): pass\n@wrapped\ndef decorated(): pass\n",
    );
    let tasks = Tasks::new(bench.setup.clone());
    let own = Surroundings::default();
    let check = |name: &str, positional, keywords: &[&str]| {
        let fault = check_call(&tasks, name, &own, positional, keywords);
        fault.map(|fault| fault.message).unwrap_or_default()
    };
    let fault = check_call(&tasks, "t.heartbeat", &own, 1, &[]).unwrap();
    assert_eq!(
        (
            fault.message.as_str(),
            fault.file.as_str(),
            fault.line,
            fault.source.as_str()
        ),
        (
            "heartbeat() takes no positional arguments, but 1 was given",
            "tasks/t.py",
            1,
            "def heartbeat():"
        )
    );
    assert_eq!(
        check("t.two", 3, &[]),
        "two() takes at most 2 positional arguments, but 3 were given"
    );
    assert_eq!(check("t.two", 0, &["b"]), "two() needs a value for `a`");
    assert_eq!(
        check("t.two", 1, &["a"]),
        "two() gets several values for `a`"
    );
    assert_eq!(check("t.two", 1, &["c"]), "two() has no parameter `c`");
    assert_eq!(check("t.only", 0, &[]), "only() needs a value for `key`");
    assert_eq!(check("t.place", 1, &["a"]), "place() has no parameter `a`");
    for (name, positional, keywords) in [
        ("t.two", 1, &[][..]),
        ("t.two", 1, &["b"]),
        ("t.any_of", 9, &["x"]),
        ("t.only", 0, &["key"]),
        ("t.decorated", 5, &[]),
        ("t.missing", 5, &[]),
        ("nowhere.f", 5, &[]),
    ] {
        assert_eq!(check(name, positional, keywords), "", "{name}");
    }
}

#[test]
fn an_environment_may_say_where_modules_are() {
    let bench = Bench::of("").file("path.env", "PYTHONPATH=/srv/lib\n");
    let tasks = Tasks::new(bench.setup.clone());
    let with = |key: &str| Surroundings {
        environment: [(key.to_owned(), "/srv/lib".to_owned())].into(),
        ..Surroundings::default()
    };
    assert!(tasks.finds_others(&with("PYTHONPATH")));
    assert!(!tasks.finds_others(&with("PATH")));
    assert!(tasks.finds_others(&Surroundings {
        environment_file: Some("path.env".into()),
        ..Surroundings::default()
    }));
}

#[test]
fn a_call_is_checked_in_the_jobs_own_environment() {
    let bench = Bench::of("")
        .file("lib/one/mod.py", "def f(): pass\n")
        .file("path.env", "PYTHONPATH=one\n");
    let tasks = Tasks::new(bench.setup.clone());
    let own = Surroundings {
        environment_file: Some("path.env".into()),
        directory: Some("lib".into()),
        ..Surroundings::default()
    };
    let fault = check_call(&tasks, "mod.f", &own, 1, &[]).unwrap();
    assert!(
        fault.message.starts_with("f() takes no positional"),
        "{fault:?}"
    );
    let found = tasks.look_up_for(&own, "mod.f").unwrap().unwrap();
    assert!(
        matches!(found, Answer::Function { line: 1, .. }),
        "{found:?}"
    );
    let none = Surroundings::default();
    assert_eq!(check_call(&tasks, "mod.f", &none, 1, &[]), None);
}

#[test]
fn without_python_nothing_can_be_looked_up() {
    let mut bench = Bench::of("");
    bench.setup.python = Some(PathBuf::from("no/such/python"));
    let error = Tasks::new(bench.setup.clone())
        .look_up(&["t.f"])
        .unwrap_err();
    assert_eq!(
        error,
        "the Python `no/such/python` of the config was not found"
    );
    bench.setup.python = Some(PathBuf::from("/bin/sh"));
    let error = Tasks::new(bench.setup.clone())
        .look_up(&["t.f"])
        .unwrap_err();
    let expected = "`/bin/sh` does not answer as a Python does: it ended with exit code ";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn files_are_shown_from_the_tasks_folder_on() {
    for (folder, file, shown) in [
        ("/srv/da/tasks", "/srv/da/tasks/a/b.py", "tasks/a/b.py"),
        ("/srv/da/tasks", "/srv/da/lib/b.py", "/srv/da/lib/b.py"),
        ("/tasks", "/tasks/b.py", "tasks/b.py"),
        ("/tasks", "/usr/lib/b.py", "/usr/lib/b.py"),
        ("tasks", "tasks/b.py", "tasks/b.py"),
    ] {
        let mut setup = Bench::new().setup.clone();
        setup.tasks_folder = Some(folder.into());
        assert_eq!(setup.shown(file.as_ref()), PathBuf::from(shown), "{folder}");
    }
}

#[test]
fn names_that_are_made_when_a_module_runs_are_not_denied() {
    let bench = Bench::new()
        .file(
            "tasks/setattr.py",
            "import sys\nsetattr(sys.modules[__name__], 'f', print)\n",
        )
        .file("tasks/locals.py", "locals()['f'] = print\n")
        .file(
            "tasks/replaced.py",
            "import sys\nsys.modules[__name__] = object()\n",
        )
        .file(
            "tasks/nested.py",
            "def make(): globals()['f'] = print\nmake()\n",
        )
        .file(
            "tasks/declared.py",
            "def make():\n    global f\n    f = print\nmake()\n",
        )
        .file(
            "tasks/plain.py",
            "def g(x): setattr(x, 'f', 1); return vars(x)\n",
        )
        .file(
            "tasks/registered.py",
            "import sys\ndef task(name):\n    def add(made):\n        \
             setattr(sys.modules[__name__], name, made)\n        return made\n    return add\n\
             @task('f')\ndef other(): pass\n",
        );
    let names = [
        "registered.f",
        "setattr.f",
        "locals.f",
        "replaced.f",
        "nested.f",
        "declared.f",
        "plain.f",
    ];
    let answers = look_up(&bench, &names);
    for answer in &answers[..5] {
        assert!(matches!(answer, Answer::Opaque { .. }), "{answer:?}");
    }
    assert_eq!(answers[5], function("tasks/declared.py", 2));
    assert_eq!(answers[6], no_function("tasks/plain.py", "f", &[]));
}

#[test]
fn folders_in_folders_need_no_init_file() {
    let file = "tasks/jobs/daily/report.py";
    let bench = Bench::new().file(file, "def f(): pass\n");
    let answers = look_up(&bench, &["jobs.daily.report.f", "jobs.daily.report.typo"]);
    assert_eq!(answers[0], function(file, 1));
    assert_eq!(answers[1], no_function(file, "typo", &[]));
}
