//! Programs with native tasks: `examples/native.rs`, and one that ends in every way.

mod program;

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};

use crate::folder::Folder;
use crate::watch::Watch;
use program::Program;

const CONFIG: &str = "\
scheduler:
  inbox.check: {type: interval, minutes: 10, args: [inbox], kwargs: {most: 2}}
";

/// The example, in a folder where `files` wait.
fn inbox(files: usize) -> Program {
    let folder = Folder::with_config(CONFIG).file("inbox/1", "");
    for number in 2..=files {
        folder.write(&format!("inbox/{number}"), "");
    }
    Program::new("native", folder)
}

#[test]
fn the_example_checks_shows_and_runs() {
    let program = inbox(2);
    let _ = program.run("validate").exits(0);
    let understood = program.run("validate -v").exits(0).stdout;
    assert!(
        understood.contains("native task check('inbox', most=2)"),
        "{understood}"
    );
    let next = program.run("next -n 1").exits(0).stdout;
    assert!(next.starts_with("inbox.check — every 10 minutes"), "{next}");
    let answer = program.run("run-once inbox.check").exits(0);
    assert!(
        answer.stderr.starts_with("WARN  inbox fills up\n"),
        "{}",
        answer.stderr
    );
    let history = program.run("history --format json").exits(0).json();
    assert_eq!(history[0]["returned"], json!("2 files wait"));
    let _ = program.run("status").exits(0);
}

#[test]
fn the_example_watches() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("minutes: 10", "seconds: 1");
    std::fs::write(folder.path().join("config.yml"), config).unwrap();
    std::fs::create_dir(folder.path().join("inbox")).unwrap();
    let command = Command::new(inbox(0).path);
    let mut watch = Watch::start_by(command, folder, &[]);
    watch.expect(" ok     inbox.check");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    assert!(
        watch
            .log()
            .contains("'inbox.check' returned '0 files wait'")
    );
}

#[test]
fn the_example_fails_where_too_many_files_wait() {
    let answer = inbox(3).run("run-once inbox.check --format json").exits(1);
    let record = &answer.json()[0];
    assert_eq!(record["outcome"], json!("failure"));
    assert_eq!(
        record["error"]["message"],
        json!("3 files wait in inbox, 2 may")
    );
}

#[test]
fn a_task_that_no_job_uses_can_be_run_with_arguments_of_its_type() {
    let program = inbox(2);
    let answer = program
        .run("run-once inbox.count inbox --format json")
        .exits(0);
    assert_eq!(answer.json()[0]["returned"], json!("2"));
    let answer = program.run("run-once inbox.count 7 --format json").exits(1);
    assert_eq!(
        answer.json()[0]["error"]["message"],
        json!("argument 1 must be text, but this is 7")
    );
}

#[test]
fn a_name_that_is_none_is_an_error_that_names_a_near_one() {
    let text = "scheduler:\n  inbox.chek: {type: interval, minutes: 1}\n";
    let program = Program::new("native", Folder::with_config(text));
    let answer = program.run("validate").exits(1);
    assert!(
        answer.stdout.contains("did you mean `inbox.check`?"),
        "{}",
        answer.stdout
    );
}

#[test]
fn a_closure_is_no_context_manager_and_no_error_handler() {
    let text = "\
scheduler:
  inbox.check: {type: interval, minutes: 1, contextmanager: inbox.count}
  inbox.count: {type: interval, minutes: 1, error handler: inbox.check}
";
    let program = Program::new("native", Folder::with_config(text));
    let answer = program.run("validate").exits(1);
    for name in ["inbox.check", "inbox.count"] {
        let fault = format!("`{name}` is no Python function");
        assert!(answer.stdout.contains(&fault), "{}", answer.stdout);
    }
}

#[test]
fn a_dry_run_says_that_it_is_a_native_task() {
    let answer = inbox(1).run("run-once inbox.check --dry-run").exits(0);
    let said: Vec<&str> = answer.stdout.lines().take(2).collect();
    assert_eq!(
        said,
        [
            "would run  check('inbox', most=2)",
            "from       native task of this program",
        ]
    );
    assert!(!answer.stdout.contains("Python"), "{}", answer.stdout);
}

/// What a run of the task of that name leaves.
fn record(line: &str) -> Json {
    let folder = Folder::with_config("scheduler: {}\n");
    let program = Program::new("native-ends", folder);
    let answer = program.run(&format!("run-once {line} --format json"));
    answer.json().remove(0)
}

#[test]
fn a_run_ends_as_its_closure_does() {
    for (line, outcome, exit_code, signal, class) in [
        ("end.well", "success", json!(0), json!(null), json!(null)),
        (
            "end.in_error",
            "failure",
            json!(1),
            json!(null),
            json!("Error"),
        ),
        (
            "end.in_panic",
            "failure",
            json!(101),
            json!(null),
            json!("Panic"),
        ),
        (
            "end.in_thread",
            "success",
            json!(0),
            json!(null),
            json!(null),
        ),
        ("end.in_abort", "killed", json!(null), json!(6), json!(null)),
        (
            "end.in_exit 3",
            "failure",
            json!(3),
            json!(null),
            json!(null),
        ),
        (
            "end.in_exit 0",
            "success",
            json!(0),
            json!(null),
            json!(null),
        ),
        (
            "end.never --timeout 1s",
            "timeout",
            json!(null),
            json!(15),
            json!(null),
        ),
    ] {
        let record = record(line);
        assert_eq!(record["outcome"], json!(outcome), "{line}: {record}");
        assert_eq!(record["exit_code"], exit_code, "{line}: {record}");
        assert_eq!(record["signal"], signal, "{line}: {record}");
        assert_eq!(record["error"]["type"], class, "{line}: {record}");
    }
}

#[test]
fn an_error_handler_is_told_of_a_failed_closure() {
    let config = "\
scheduler:
  end.in_error: {type: interval, minutes: 1, error handler: alerts.tell}
";
    let alerts = "def tell(error, job): print(type(error).__name__, error, job.name)\n";
    let folder = Folder::with_config(config).file("tasks/alerts.py", alerts);
    let answer = Program::new("native-ends", folder).run("run-once end.in_error");
    let told = "ChildProcessError no such luck end.in_error\n";
    let _ = answer.exits(1).says(told);
}

#[test]
fn a_panic_tells_its_place_and_its_text() {
    let record = record("end.in_panic");
    let text = "index out of bounds: the len is 0 but the index is 0";
    assert_eq!(record["error"]["message"], json!(text));
    let traceback = record["error"]["traceback"].as_str().unwrap();
    let place = "panicked at tests/cli/native/ends.rs:";
    assert!(
        traceback.contains(place) && traceback.contains(text),
        "{traceback}"
    );
    assert!(
        record["stderr"].as_str().unwrap().contains(place),
        "{record}"
    );
}

#[test]
fn arguments_and_results_go_by_a_way_of_their_own() {
    let line = "run-once end.well 1 [a,2024-01-02] --kwarg k=1.5 --format json";
    let folder = Folder::with_config("scheduler: {}\n");
    let program = Program::new("native-ends", folder);
    let answer = program.run(line).exits(0);
    let record = &answer.json()[0];
    assert_eq!(record["returned"], json!("end.well"));
    assert_eq!(
        record["stdout"],
        json!("[Int(1), List([Str(\"a\"), Date(2024-01-02)])] [(Str(\"k\"), Float(1.5))]\n")
    );
    let log = program.folder.log();
    assert!(log.contains("WARNING ends.rs->well("), "{log}");
    assert!(log.contains("'end.well' returned 'end.well'"), "{log}");
}

#[test]
fn a_large_result_is_cut() {
    let record = record("end.large");
    let returned = record["returned"].as_str().unwrap();
    assert!(
        returned.contains("\n[990032 characters left out]\n"),
        "{returned}"
    );
    assert!(returned.chars().count() <= 10_000);
}

#[test]
fn a_run_that_is_started_by_hand_is_refused() {
    let folder = Folder::with_config("scheduler: {}\n");
    let answer = Program::new("native", folder).run("__native").exits(2);
    let _ = answer.complains("error: `__native` is no command\n");
}
