//! Executable files and commands, and what surrounds every task.

use tokio::sync::watch;

use crate::config::{Lookup, Need};
use crate::job::{Surroundings, Task};
use crate::reach;
use crate::run::{Order, Outcome};
use crate::task::Tasks;
use crate::task::testing::{Bench, block_on, by_hand, job, text};
use crate::value::Value;

/// What a job of executables and commands gets as arguments.
fn with_arguments(task: Task) -> crate::job::Job {
    let mut job = job(task);
    job.args = vec![
        text("two words"),
        text("$(touch pwn); `x`"),
        text("-v"),
        text(""),
        text("a\nb"),
        text("--config=/etc/passwd"),
        text("@file"),
        text("*"),
        Value::Int(3),
        Value::Bool(true),
        Value::None,
        Value::List(vec![Value::Int(1), text("é")]),
        Value::Date(chrono::NaiveDate::from_ymd_opt(2024, 1, 2).unwrap()),
    ];
    job.kwargs = vec![(text("key_1"), text("a b")), (text("n"), Value::Float(1.5))];
    job
}

const ARGUMENTS: &str = "two words|$(touch pwn); `x`|-v||a\nb|--config=/etc/passwd|@file|*|3|true|null|[1,\"é\"]|2024-01-02|--key_1=a b|--n=1.5|";

#[test]
fn programs_get_their_arguments_as_they_are() {
    let script = "printf '%s|' \"$@\"";
    let bench = Bench::new().executable("tasks/a/b.sh", &format!("#!/bin/sh\n{script}\n"));
    for task in [
        Task::Named("a.b".to_owned()),
        Task::Command(["/bin/sh", "-c", script, "sh"].map(str::to_owned).into()),
        Task::Shell(script.to_owned()),
    ] {
        let ran = bench.run_job(&with_arguments(task));
        assert_eq!(ran.ended.stdout, ARGUMENTS, "{ran:?}");
        assert_eq!(ran.ended.outcome, Outcome::Success);
        assert!(ran.notes()[0].starts_with("INFO Calling task '"));
    }
}

#[test]
fn programs_get_their_arguments_as_json_too() {
    let job = with_arguments(Task::Shell(
        "printf '%s\\n' \"$SCHED_ARGS\" \"$SCHED_KWARGS\"".to_owned(),
    ));
    let ran = Bench::new().run_job(&job);
    let lines: Vec<serde_json::Value> = ran
        .ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            serde_json::json!([
                "two words",
                "$(touch pwn); `x`",
                "-v",
                "",
                "a\nb",
                "--config=/etc/passwd",
                "@file",
                "*",
                3,
                true,
                null,
                [1, "é"],
                "2024-01-02"
            ]),
            serde_json::json!({"key_1": "a b", "n": 1.5}),
        ]
    );
}

#[test]
fn arguments_that_no_program_can_take_are_refused() {
    let mut nul = job(Task::Shell("true".to_owned()));
    nul.args = vec![text("a\0b")];
    let ran = Bench::new().run_job(&nul);
    assert_eq!(
        ran.error(),
        (
            "CannotStart",
            "an argument of a program cannot hold a NUL character"
        )
    );
    let mut key = job(Task::Shell("true".to_owned()));
    key.kwargs = vec![(text("a=b"), Value::Int(1))];
    assert!(Bench::new().run_job(&key).error().1.contains("`a=b`"));
    let mut long = job(Task::Shell("true".to_owned()));
    long.args = vec![text(&"x".repeat(10_000_000))];
    assert!(
        Bench::new()
            .run_job(&long)
            .error()
            .1
            .starts_with("`/bin/sh` cannot be executed: ")
    );
}

#[test]
fn programs_fail_as_their_exit_codes_say() {
    let bench = Bench::new();
    let outcome = |script: &str| bench.run_job(&job(Task::Shell(script.to_owned()))).ended;
    assert_eq!(outcome("exit 3").outcome, Outcome::Failure);
    assert_eq!(outcome("exit 3").exit_code, Some(3));
    assert_eq!(outcome("kill -KILL $$").outcome, Outcome::Killed);
    let missing = bench.run_job(&job(Task::Command(vec!["no-such-program".to_owned()])));
    assert_eq!(
        missing.error(),
        (
            "CannotStart",
            "`no-such-program` cannot be executed: No such file or directory"
        )
    );
    assert_eq!(missing.ended.outcome, Outcome::Failure);
}

#[test]
fn a_job_whose_places_do_not_answer_fails_and_says_so() {
    let bench = Bench::new()
        .file("dead/env", "A=1\n")
        .executable("dead/program", "#!/bin/sh\n");
    let command = |word: &str| job(Task::Command(vec![word.to_owned()]));
    let mut in_directory = command("true");
    in_directory.surroundings.directory = Some("dead".into());
    let mut with_file = command("true");
    with_file.surroundings.environment_file = Some("dead/env".into());
    let program = bench.path("dead/program");
    let of_program = command(&program.to_string_lossy());
    for (job, place) in [
        (in_directory, "dead"),
        (with_file, "dead/env"),
        (of_program, "dead/program"),
    ] {
        let path = bench.path(place);
        reach::silence(&path);
        let words = format!("the file system of `{}` does not answer", path.display());
        assert_eq!(bench.run_job(&job).error(), ("CannotStart", &*words));
        let need = match place {
            "dead" => Need::Directory(path.clone()),
            "dead/env" => Need::EnvironmentFile(path.clone()),
            _ => Need::Program(path.clone()),
        };
        let tasks = Tasks::new(bench.setup.clone());
        let lack = tasks.lacks(&need, Some(&job.surroundings));
        assert_eq!(lack.map(|lack| lack.message), Some(words), "{need:?}");
        reach::let_answer(&path);
        assert_eq!(bench.run_job(&job).ended.outcome, Outcome::Success);
        assert_eq!(tasks.lacks(&need, Some(&job.surroundings)), None);
    }
}

#[test]
fn a_task_knows_its_run() {
    let script = "echo $SCHED_JOB $SCHED_RUN_ID ${SCHED_SCHEDULED_FOR-none} $SCHED_ATTEMPT ${SCHED_DUE_NS-none}";
    let job = job(Task::Shell(script.to_owned()));
    let mut run = by_hand(&job);
    let id = run.id.to_string();
    let (_orders, order) = watch::channel(Order::GoOn);
    let bench = Bench::new();
    let by_hand = block_on(bench.running_as(&run, &job, order.clone()));
    assert_eq!(by_hand.ended.stdout, format!("command {id} none 1 none\n"));
    run.scheduled_for = chrono::DateTime::from_timestamp(1_700_000_000, 0);
    run.attempt = 2;
    let scheduled = block_on(bench.running_as(&run, &job, order));
    assert_eq!(
        scheduled.ended.stdout,
        format!("command {id} 2023-11-14T22:13:20Z 2 1700000000000000000\n")
    );
}

#[test]
fn surroundings_are_as_configured() {
    let bench = Bench::new()
        .file("vars.env", "A=file\nB='from file'\n")
        .file("work/here", "");
    let mut job = job(Task::Shell("ls; echo $A $B $SCHED_JOB".to_owned()));
    *job.surroundings = Surroundings {
        environment: [("A", "own"), ("SCHED_JOB", "forged")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        environment_file: Some("vars.env".into()),
        directory: Some("work".into()),
        user: None,
    };
    assert_eq!(
        bench.run_job(&job).ended.stdout,
        "here\nown from file command\n"
    );
    let bench = bench.file("vars.env", "A=1\nhunter2\n");
    let ran = bench.run_job(&job);
    assert!(
        ran.error().1.starts_with("line 2 of the environment file"),
        "{ran:?}"
    );
    assert!(!ran.error().1.contains("hunter2"));
    job.surroundings.environment_file = Some("none.env".into());
    let ran = bench.run_job(&job);
    let (path, said) = (bench.path("none.env"), "No such file or directory");
    let expected = format!(
        "cannot read the environment file `{}`: {said}",
        path.display()
    );
    assert_eq!(ran.error().1, expected);
    *job.surroundings = Surroundings {
        user: Some("no-such-user".to_owned()),
        ..Surroundings::default()
    };
    assert_eq!(
        bench.run_job(&job).error().1,
        "there is no user `no-such-user`"
    );
}

#[test]
fn an_order_interrupts_whatever_the_code() {
    let job = job(Task::Shell(
        "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done".to_owned(),
    ));
    let (orders, order) = watch::channel(Order::GoOn);
    let bench = Bench::new();
    let ran = block_on(async {
        let stop = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            orders.send(Order::Terminate).unwrap();
        };
        tokio::join!(bench.running(&job, order), stop).0
    });
    assert_eq!(ran.ended.outcome, Outcome::Interrupted, "{ran:?}");
}

#[test]
fn what_a_task_leaves_behind_is_told() {
    let ran = Bench::new().run_job(&job(Task::Shell("sleep 600 & echo $!".to_owned())));
    assert_eq!(
        ran.notes()[1],
        "DEBUG 'command' left processes behind that go on"
    );
    let pid: i32 = ran.ended.stdout.trim().parse().unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
}
