//! `sched run-once`

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::folder::{self, Answer, Folder};

const CONFIG: &str = "\
scheduler:
  work.greet: {type: interval, minutes: 1, args: [you], kwargs: {end: '!'}}
  work.greet nightly: {type: cron, hour: 4, args: [all]}
  work.bad: {type: cron, hour: 44}
  shout: {type: cron, hour: 4, command: [echo, loud]}
";

const WORK: &str = "\
import datetime, sys, time
from docassemble.Scheduler.scheduler_logger import log

def greet(whom='world', *more, end=''):
    print('hello', whom, *more, end=end + '\\n')
    log('greeted ' + str(whom))
    return len(more)

def kinds(*args, **kwargs):
    print([type(a).__name__ for a in args], {k: type(v).__name__ for k, v in kwargs.items()})

def fail():
    raise ValueError('no such luck')

def leave(code):
    sys.exit(code)

def sleep():
    print('asleep', flush=True)
    time.sleep(60)
";

fn folder() -> Folder {
    Folder::with_config(CONFIG).file("tasks/work.py", WORK)
}

fn run(line: &str) -> Answer {
    folder().sched(&format!("run-once {line}"))
}

/// What stderr says, but for the complaint about the faulty job and for durations.
fn told(answer: &Answer) -> Vec<String> {
    let lines = answer
        .stderr
        .lines()
        .filter(|line| !line.contains("run `sched validate`"));
    lines
        .map(|line| line.split(" in ").next().unwrap_or_default().to_owned())
        .collect()
}

/// Whoever starts `sched` may ignore SIGCHLD, which is inherited.
#[test]
fn the_end_of_a_job_is_known_where_nobody_wants_to_know_of_ends() {
    let folder =
        Folder::with_config("scheduler:\n  end: {type: cron, hour: 4, command: 'exit 3'}\n");
    let script = "import os, signal, sys\n\
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n\
        os.execv(sys.argv[1], sys.argv[1:])";
    let mut command = folder.command_of("python3".as_ref());
    let command = command.args(["-c", script, env!("CARGO_BIN_EXE_sched"), "run-once", "end"]);
    let answer = folder::run(command).exits(1);
    assert!(answer.stderr.contains("exit code 3"), "{}", answer.stderr);
}

#[test]
fn a_job_runs_as_configured_and_its_output_passes_through() {
    let answer = run("work.greet").exits(0).says("hello you!\n");
    assert_eq!(
        told(&answer),
        [
            "note: 2 jobs call work.greet; running `work.greet` (also `work.greet nightly`)",
            "INFO  greeted you",
            "ok    work.greet",
        ]
    );
}

#[test]
fn how_it_ended_comes_after_what_it_wrote() {
    let folder = folder();
    let path = folder.path("both");
    for _ in 0..20 {
        let line = format!("exec \"$1\" run-once shout >{} 2>&1", path.display());
        let mut shell = folder.command_of(std::path::Path::new("/bin/sh"));
        let shell = shell.args(["-c", &line, "sh"]);
        let status = crate::folder::run(shell.arg(assert_cmd::cargo::cargo_bin!("sched"))).code;
        assert_eq!(status, Some(0));
        let text = std::fs::read_to_string(&path).unwrap();
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with("ok    shout"), "{text}");
    }
}

#[test]
fn quiet_leaves_what_the_task_wrote_and_why_it_failed() {
    run("-q work.greet")
        .exits(0)
        .says("hello you!\n")
        .complains("");
    let failed = run("-q work.fail").exits(1);
    let lines = told(&failed);
    assert_eq!(lines.first().unwrap(), "Traceback (most recent call last):");
    assert_eq!(lines.last().unwrap(), "FAILED work.fail");
}

#[test]
fn of_a_function_that_is_not_there_it_is_said_what_is_missing() {
    run("work.nowhere").exits(2).complains(
        "warning: config.yml has at least 1 error; run `sched validate`\n\
         error: no job is called `work.nowhere`\n\
         help: tasks/work.py has no function `nowhere`\n",
    );
}

#[test]
fn of_a_function_that_cannot_be_looked_up_it_is_said_why() {
    let config = "scheduler:\n  python: /no/python3\n  a.b: {type: cron, hour: 4}\n";
    let folder = Folder::with_config(config).file("tasks/work.py", WORK);
    folder.sched("run-once work.greet").exits(2).complains(
        "error: no job is called `work.greet`\n\
         help: the Python `/no/python3` of the config was not found\n",
    );
    folder
        .sched("run-once greet")
        .exits(2)
        .complains("error: no job is called `greet`\n");
}

#[test]
fn arguments_replace_those_of_the_config_and_keywords_are_added() {
    let answer = run("work.greet Ann 2 [a] --kwarg end=.").exits(0);
    assert_eq!(answer.stdout, "hello Ann 2 ['a'].\n");
}

#[test]
fn values_are_read_as_yaml() {
    let line = "work.kinds 2 no 2024-01-01 1.5 ~ [1] --kwarg a={b: 1}";
    let command = line.split_inclusive("a=");
    let mut words: Vec<&str> = command.flat_map(|part| part.split_whitespace()).collect();
    // `a={b: 1}` is one word.
    let last = words.len() - 3..;
    words.splice(last, ["a={b: 1}"]);
    let folder = folder();
    let output = folder
        .command()
        .arg("run-once")
        .args(words)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        stdout,
        "['int', 'bool', 'date', 'float', 'NoneType', 'list'] {'a': 'dict'}\n"
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("note: `no` is the boolean False in YAML"),
        "{stderr}"
    );
}

#[test]
fn a_failure_is_exit_code_1_with_the_traceback_of_the_task() {
    let answer = run("work.fail").exits(1);
    let lines = told(&answer);
    assert_eq!(lines.last().unwrap(), "FAILED work.fail");
    assert!(
        answer.stderr.contains("work.py\", line 13, in fail"),
        "{}",
        answer.stderr
    );
    assert!(
        !answer.stderr.contains("<sched>"),
        "no frame of ours: {}",
        answer.stderr
    );
}

#[test]
fn arguments_that_do_not_fit_are_refused_before_anything_runs() {
    let answer = run("work.fail please").exits(2);
    assert_eq!(
        told(&answer),
        [
            "error: fail() takes no positional arguments, but 1 was given",
            "  tasks/work.py:12: def fail():",
        ]
    );
}

#[test]
fn a_dry_run_says_what_it_would_call_and_calls_nothing() {
    let answer = run("work.greet Ann --dry-run --timeout 5m").exits(0);
    let lines: Vec<&str> = answer.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "would run  greet('Ann', end='!')",
            "from       tasks/work.py:4"
        ]
    );
    assert!(lines[2].starts_with("with       "), "{}", answer.stdout);
    assert!(
        lines[3].starts_with("limits     timeout 5m"),
        "{}",
        answer.stdout
    );
    assert!(!answer.stdout.contains("hello"));
}

#[test]
fn a_dry_run_tells_programs_the_same() {
    let answer = run("work.greet Ann --dry-run --timeout 5m --format json");
    let told = answer.exits(0).json().remove(0);
    assert_eq!(told["job"], "work.greet");
    assert_eq!(told["call"], "greet('Ann', end='!')");
    assert_eq!(told["from"], "tasks/work.py:4");
    assert!(
        told["python"]["version"]
            .as_str()
            .unwrap()
            .starts_with("3.")
    );
    assert!(told["python"]["error"].is_null());
    assert_eq!(told["timeout"], 300.0);
    assert_eq!(told["retries"], 0);
    let program = "scheduler:\n  list:\n    type: interval\n    hours: 1\n    command: [ls, -l]\n";
    let answer = Folder::with_config(program)
        .sched("run-once list --kwarg token=hunter22 --dry-run --format json");
    let expected = serde_json::json!({
        "job": "list", "call": "ls -l '--token=********'", "from": null, "fault": null, "python": null,
        "timeout": null,
        "retries": 0, "directory": null, "user": null, "environment_file": null,
        "config": "config.yml",
    });
    assert_eq!(answer.exits(0).json(), [expected]);
}

#[test]
fn a_dry_run_tells_what_surrounds_the_process() {
    let answer = Folder::with_config(
        "scheduler:\n  list: {type: cron, hour: 4, command: ls, directory: /srv, user: nobody, \
         environment file: /etc/list.env}\n",
    )
    .sched("run-once list --dry-run")
    .exits(0);
    let told = "\nin         /srv\nas         the user nobody\nvariables  /etc/list.env\n";
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
}

#[test]
fn a_dry_run_says_why_the_run_would_fail() {
    let config = "scheduler:\n  work.greet: {type: cron, hour: 4, environment file: no.env}\n";
    let folder = Folder::with_config(config).file("tasks/work.py", WORK);
    let answer = folder.sched("run-once work.greet --dry-run").exits(0);
    let told = "\nfails      cannot read the environment file `";
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
    let text = "scheduler:\n  work.greet: {type: cron, hour: 4, contextmanager: work.none}\n";
    folder.write("config.yml", text);
    let answer = folder.sched("run-once work.greet --dry-run").exits(0);
    let told = "\nfails      context manager: tasks/work.py has no function `none`\n";
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
    folder.write(
        "config.yml",
        "scheduler:\n  python: /no/python3\n  work.greet: {type: cron, hour: 4}\n",
    );
    let answer = folder.sched("run-once work.greet --dry-run").exits(0);
    assert!(!answer.stdout.contains("from "), "{}", answer.stdout);
}

#[test]
fn a_timeout_is_exit_code_124() {
    let answer = run("work.sleep --timeout 1").exits(124).says("asleep\n");
    assert!(
        answer.stderr.contains("TIMEOUT work.sleep after 1."),
        "{}",
        answer.stderr
    );
}

#[test]
fn an_exit_code_of_the_task_is_told_and_is_not_ours() {
    let answer = run("work.leave 7").exits(1);
    assert!(answer.stderr.contains("SystemExit: 7"), "{}", answer.stderr);
    run("work.leave 0").exits(0);
}

#[test]
fn a_program_gets_one_record_and_the_tasks_output_goes_to_stderr() {
    let answer = run("work.greet Ann Bob --format json").exits(0);
    let record = &answer.json()[0];
    assert_eq!(record["job"], "work.greet");
    assert_eq!(record["cause"], "manual");
    assert_eq!(record["scheduled_for"], serde_json::Value::Null);
    assert_eq!(record["outcome"], "success");
    assert_eq!(record["returned"], "1");
    assert_eq!(record["stdout"], "hello Ann Bob!\n");
    assert_eq!(record["run_id"].as_str().unwrap().len(), 26);
    assert!(answer.stderr.contains("hello Ann Bob!"));
    let failed = run("work.fail --format json -q").exits(1);
    assert_eq!(failed.json()[0]["error"]["type"], "ValueError");
    assert_eq!(failed.json()[0]["error"]["message"], "no such luck");
}

#[test]
fn an_unknown_job_names_near_ones_of_the_config_and_of_the_tasks() {
    let answer = run("work.gret").exits(2);
    assert_eq!(
        told(&answer),
        [
            "error: no job is called `work.gret`",
            "help: did you mean `work.greet`?"
        ]
    );
    let answer = run("work.kidns").exits(2);
    assert_eq!(told(&answer)[1], "help: did you mean `work.kinds`?");
}

#[test]
fn a_faulty_job_is_not_run_and_its_fault_is_told() {
    let answer = run("work.bad").exits(1);
    assert!(
        answer.stderr.contains("`hour` must be 0-23, not 44"),
        "{}",
        answer.stderr
    );
    assert!(answer.stderr.contains("config.yml:4:"), "{}", answer.stderr);
    let numbered = CONFIG.replace("work.bad", "work.bad#2");
    let answer = Folder::with_config(&numbered)
        .sched("run-once work.bad")
        .exits(1);
    assert!(answer.stderr.contains("not 44"), "{}", answer.stderr);
}

#[test]
fn a_fault_around_a_job_that_leaves_it_out_is_told_by_every_command_that_names_it() {
    let folder = Folder::with_config(
        "scheduler:\n  timezone: Asia/Tokio\n  job: {type: cron, hour: 4, command: 'true'}\n  other: \
         {type: corn}\n",
    );
    for command in [
        "run-once job",
        "run-once --format json job",
        "next job",
        "show job",
    ] {
        let answer = folder.sched(command).exits(1).says("");
        let told = answer.stderr.matches("error[").count();
        assert_eq!(told, 1, "{command}: {}", answer.stderr);
        let zone = "error[unknown-zone]: ";
        assert!(answer.stderr.contains(zone), "{command}: {}", answer.stderr);
    }
    folder.sched("history job").exits(0).says("no runs\n");
}

#[test]
fn a_command_to_type_next_is_about_the_same_config() {
    let folder = Folder::new().file(
        "my config.yml",
        "scheduler:\n  it is: {type: cron, hour: 4, command: 'true'}\n  bad: {type: corn}\n",
    );
    let sched = |words: &[&str]| {
        let config = ["-c", "my config.yml"];
        folder::run(folder.command().args(config).args(words))
    };
    let answer = sched(&["run-once", "it is"]).exits(0);
    let validate = "run `sched -c 'my config.yml' validate`\n";
    assert!(answer.stderr.contains(validate), "{}", answer.stderr);
    let runs = sched(&["history", "--format", "json"]).json();
    let id = runs[0]["run_id"].as_str().unwrap();
    let answer = sched(&["history", id]).exits(0);
    let again = "\n  again: sched -c 'my config.yml' run-once 'it is'\n";
    assert!(answer.stdout.ends_with(&again[1..]), "{}", answer.stdout);
}

#[test]
fn a_command_gets_arguments_as_they_are() {
    let answer = run("shout --kwarg level=3 -- --no;rm").exits(0);
    assert_eq!(answer.stdout, "loud --no;rm --level=3\n");
}

#[test]
fn what_happened_is_in_the_log_file() {
    let folder = folder();
    folder.sched("run-once work.greet").exits(0);
    folder.sched("run-once work.fail").exits(1);
    let log = std::fs::read_to_string(folder.path("state/sched/log/scheduler.log")).unwrap();
    assert!(
        log.contains(" INFO work.py->greet(6) greeted you\n"),
        "{log}"
    );
    assert!(log.contains("ERROR sched->run(0) scheduler: The job crashed:<class 'ValueError'>"));
}

/// A run by hand whose task has begun: it wrote `first`.
fn begun(folder: &Folder, job: &str, first: [u8; 6]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sched"))
        .args(["run-once", job])
        .current_dir(folder.root())
        .env("XDG_STATE_HOME", folder.path("state"))
        .env("SCHED_LOG_DIR", folder.path("log"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut written = [0; 6];
    let stdout = child.stdout.as_mut().unwrap();
    stdout.read_exact(&mut written).unwrap();
    assert_eq!(written, first);
    child
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, signal).unwrap();
}

#[test]
fn an_interrupt_ends_the_task_and_is_exit_code_130() {
    let folder = folder();
    let mut child = begun(&folder, "work.sleep", *b"asleep");
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(stderr.contains("stopped work.sleep"), "{stderr}");
}

#[test]
fn a_signal_that_comes_twice_at_once_lets_the_task_end_itself() {
    let folder = Folder::with_config(
        "scheduler:\n  one:\n    type: interval\n    hours: 1\n    \
         command: trap 'echo asked; exit' TERM; echo ready; while true; do sleep 0.1; done\n",
    );
    let mut child = begun(&folder, "one", *b"ready\n");
    signal(&child, Signal::SIGTERM);
    signal(&child, Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "asked\n");
}

#[test]
fn the_log_of_another_day_is_kept_under_its_day() {
    let folder = Folder::with_config(
        "scheduler:\n  one:\n    command: [\"true\"]\n    type: interval\n    hours: 1\n",
    );
    folder.sched("run-once one").exits(0);
    let log = folder.path("state/sched/log/scheduler.log");
    let first = std::fs::read_to_string(&log).unwrap();
    // Half past ten in the evening in New York, and the next day elsewhere.
    let evening: chrono::DateTime<chrono::Utc> = "2026-01-02T03:30:00Z".parse().unwrap();
    let file = std::fs::File::options().append(true).open(&log).unwrap();
    file.set_modified(evening.into()).unwrap();
    folder.sched("run-once one").exits(0);
    let old = log.with_file_name("scheduler.log.2026-01-01");
    assert_eq!(std::fs::read_to_string(old).unwrap(), first);
    assert_eq!(
        std::fs::read_to_string(&log).unwrap().lines().count(),
        first.lines().count()
    );
}

#[test]
fn relative_paths_start_at_the_folder_of_the_config() {
    let config = "scheduler:\n  job:\n    type: interval\n    hours: 1\n    \
                  environment file: ./job.env\n    directory: ./work\n    command: echo $X; ls\n";
    let folder = Folder::with_config("scheduler: {}\n")
        .file("sub/config.yml", config)
        .file("sub/job.env", "X=7\n")
        .file("sub/work/here", "");
    folder
        .sched("-c sub/config.yml run-once job")
        .exits(0)
        .says("7\nhere\n");
    std::fs::remove_file(folder.path("sub/job.env")).unwrap();
    let answer = folder.sched("-c sub/config.yml run-once job").exits(1);
    assert!(
        answer.stderr.contains("/sub/job.env`: No such file"),
        "{}",
        answer.stderr
    );
    assert!(!answer.stderr.contains("/./"), "{}", answer.stderr);
}

#[test]
fn each_run_tells_of_arguments_that_cannot_be_used() {
    let folder =
        Folder::with_config("scheduler:\n  a.b: {type: cron, hour: 4, args: 5, kwargs: [1]}\n")
            .file("tasks/a.py", "def b(*args): print('ran')\n");
    let answer = folder.sched("run-once a.b").exits(0);
    assert_eq!(answer.stdout, "ran\n");
    for name in ["args", "kwargs"] {
        let told = format!("ERROR Failed to parse 'a.b' {name}: called without\n");
        assert!(answer.stderr.contains(&told), "{}", answer.stderr);
    }
    let answer = folder.sched("run-once a.b 5").exits(0);
    assert!(!answer.stderr.contains("'a.b' args"), "{}", answer.stderr);
}

#[test]
fn our_line_begins_anew_where_the_task_left_its_last_one_open() {
    let answer = folder()
        .file(
            "tasks/open.py",
            "import sys\ndef f(): sys.stderr.write('half')\n",
        )
        .sched("run-once open.f")
        .exits(0);
    let told: Vec<_> = answer.stderr.lines().rev().take(2).collect();
    assert_eq!(told[1], "half", "{}", answer.stderr);
    assert!(told[0].starts_with("ok    open.f"), "{}", answer.stderr);
}

#[test]
fn a_call_of_the_command_line_is_refused_where_it_cannot_be() {
    for (line, why) in [
        ("work.leave", "leave() needs a value for `code`"),
        (
            "shout --kwarg a.b=1",
            "the keyword argument `a.b` cannot be written",
        ),
        (
            "work.greet --kwarg contextmanager=plain",
            "`contextmanager` must be the dotted name of a context manager, not 'plain'",
        ),
    ] {
        let answer = run(line).exits(2);
        assert!(answer.stderr.contains(why), "{line}: {}", answer.stderr);
    }
}

#[test]
fn a_context_manager_may_be_given_among_the_keywords() {
    let answer = folder()
        .file(
            "tasks/around.py",
            "import contextlib\n@contextlib.contextmanager\ndef it():\n    print('in')\n    yield\n",
        )
        .sched("run-once work.kinds --kwarg contextmanager=around.it --kwarg a=1e3")
        .exits(0)
        .says("in\n[] {'a': 'str'}\n");
    let note = "note: `1e3` is text in YAML 1.1, not a number";
    assert!(answer.stderr.contains(note), "{}", answer.stderr);
}

#[test]
fn a_run_within_a_run_has_no_arguments_of_it() {
    let show = "import os\ndef f(): print(os.environ.get('SCHED_ARGS'), os.environ['SCHED_JOB'])\n";
    let outer =
        "  outer: {type: cron, hour: 4, command: '\"$SCHED\" -q run-once show.f', args: [one]}\n";
    let folder = Folder::with_config(&format!("scheduler:\n{outer}")).file("tasks/show.py", show);
    let mut command = folder.command();
    command.env("SCHED", env!("CARGO_BIN_EXE_sched"));
    folder::run(command.args(["run-once", "outer"]))
        .exits(0)
        .says("None show.f\n");
}

#[test]
fn of_a_program_that_cannot_be_run_the_run_says_why() {
    let config = "\
scheduler:
  bin.tool: {type: cron, hour: 4}
  bin.gone: {type: cron, hour: 4}
";
    let folder = Folder::with_config(config).file("tasks/bin/tool.sh", "#!/bin/sh\n");
    let told = |job: &str| folder.sched(&format!("run-once {job}")).exits(1).stderr;
    assert!(told("bin.tool").contains("bin/tool.sh is not executable: chmod +x makes it so"));
    assert!(told("bin.gone").contains("there is no executable "));
}
