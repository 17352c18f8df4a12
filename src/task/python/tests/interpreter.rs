//! Which Python is taken.

use crate::task::testing::{Bench, block_on};
use crate::task::{Interpreter, InterpreterError, Tasks};

/// A bench whose Python is a script.
fn with_python(script: &str) -> Bench {
    let mut bench = Bench::new().executable("bin/python", &format!("#!/bin/sh\n{script}\n"));
    bench.setup.python = Some("bin/python".into());
    bench
}

fn ask(bench: &Bench) -> Result<Interpreter, InterpreterError> {
    block_on(Tasks::new(bench.setup.clone()).interpreter())
}

#[test]
fn a_python_tells_its_version_and_its_own_name() {
    let found = ask(&Bench::new()).unwrap();
    assert!(found.program.is_absolute());
    assert!(found.version.starts_with("3."), "{found:?}");
    let found = ask(&with_python("echo 3 12 1; echo /opt/python")).unwrap();
    assert_eq!(
        found,
        Interpreter {
            program: "/opt/python".into(),
            version: "3.12.1".to_owned(),
            from: "setting",
        }
    );
}

#[test]
fn what_is_no_python_or_too_old_is_refused() {
    let refusal = |script: &str| {
        let bench = with_python(script);
        let error = ask(&bench).unwrap_err().to_string();
        error.replace(&bench.path("bin/python").display().to_string(), "PYTHON")
    };
    assert_eq!(
        refusal("echo 3 7 16; echo /opt/python"),
        "`PYTHON` is Python 3.7.16, but 3.8 or newer is needed"
    );
    assert_eq!(
        refusal("echo 2 7 18; echo /opt/python"),
        "`PYTHON` is Python 2.7.18, but 3.8 or newer is needed"
    );
    for (script, ended) in [
        ("echo hello", "with exit code 0"),
        ("", "with exit code 0"),
        ("echo 3 x 1; echo /p", "with exit code 0"),
        ("echo 3 12 1; echo relative", "with exit code 0"),
        ("yes | head -c 100000", "with exit code 0"),
        // What it answers does not count then.
        (
            "echo 3 12 1; echo /p; echo no library >&2; exit 127",
            "with exit code 127: no library",
        ),
        ("kill -9 $$", "by signal 9"),
    ] {
        assert_eq!(
            refusal(script),
            format!("`PYTHON` does not answer as a Python does: it ended {ended}")
        );
    }
}

#[test]
fn a_python_is_asked_once_while_its_file_stays() {
    let bench = with_python("echo asked >> \"$0.log\"; echo 3 12 1; echo /opt/python");
    let tasks = Tasks::new(bench.setup.clone());
    let asked = || {
        block_on(tasks.interpreter()).unwrap();
        std::fs::read_to_string(bench.path("bin/python.log"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!((asked(), asked()), (1, 1));
    let file = std::fs::File::open(bench.path("bin/python")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!((asked(), asked()), (2, 2));
}

#[test]
fn an_answer_is_remembered_in_the_state_folder() {
    let mut bench =
        with_python("echo asked >> \"$0.log\"; echo 3 12 1; echo \"$0\"").file("state/x", "");
    bench.setup.state_folder = Some(bench.path("state"));
    let asked = || {
        let found = ask(&bench).unwrap();
        assert_eq!(found.program, bench.path("bin/python"));
        let log = std::fs::read_to_string(bench.path("bin/python.log"));
        log.unwrap().lines().count()
    };
    assert_eq!((asked(), asked()), (1, 1));
    let file = std::fs::File::open(bench.path("bin/python")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!((asked(), asked()), (2, 2));
    for nonsense in ["", "[", "{}", "[{\"path\": 1}]"] {
        std::fs::write(bench.path("state/pythons.json"), nonsense).unwrap();
        asked();
    }
    assert_eq!(asked(), 6);
    bench.setup.state_folder = Some(bench.path("nowhere"));
    ask(&bench).unwrap();
    assert!(!bench.path("nowhere").exists());
}

#[test]
fn the_symlink_of_a_virtual_environment_is_not_followed() {
    let mut bench = Bench::new();
    let made = std::process::Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(bench.path("venv"))
        .status();
    assert!(made.unwrap().success());
    bench.setup.python = Some("venv/bin/python3".into());
    let found = ask(&bench).unwrap();
    assert_eq!(found.program, bench.path("venv/bin/python3"));
    let ran = bench
        .file("tasks/t.py", "import sys\ndef f(): return sys.prefix\n")
        .run("t.f");
    assert!(ran.ended.returned.unwrap().ends_with("/venv"));
}

#[test]
fn what_is_kept_of_our_code_is_private_and_may_be_damaged() {
    use std::os::unix::fs::MetadataExt;

    let mut bench = Bench::of("def f(): return 1\n").file("state/x", "");
    bench.setup.state_folder = Some(bench.path("state"));
    let kept = || {
        let files = bench.path("state").read_dir().unwrap().flatten();
        let names = files.map(|entry| entry.path());
        let is_code = |path: &std::path::PathBuf| path.to_string_lossy().contains("/code-");
        names.filter(is_code).collect::<Vec<_>>()
    };
    for damage in [None, Some(&b""[..]), Some(b"\xe3\x00"), Some(b"N")] {
        if let Some(damage) = damage {
            std::fs::write(&kept()[0], damage).unwrap();
        }
        assert_eq!(bench.run("t.f").ended.returned.as_deref(), Some("1"));
        assert_eq!(kept().len(), 1);
        assert_eq!(kept()[0].metadata().unwrap().mode() & 0o777, 0o600);
    }
}
