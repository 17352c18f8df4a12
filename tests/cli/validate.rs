use snapbox::{assert_data_eq, file};

use crate::folder::{Answer, Folder, README, run};

const TASKS: &str = "\
def heartbeat(): pass
def test_raise_exception(): pass
def test_arbitrary_params(*args, **kwargs): pass
";

fn validate(config: &str, line: &str) -> Answer {
    Folder::with_config(config)
        .file("tasks/test.py", TASKS)
        .sched(line)
}

#[test]
fn a_file_with_ten_mistakes_is_told_all_of_them() {
    let answer = Folder::new()
        .file("tasks/test.py", TASKS)
        .file("broken.yml", include_str!("../golden/broken.yml"))
        .sched("validate broken.yml")
        .exits(1)
        .complains("");
    // `SNAPSHOTS=overwrite cargo test --test cli` writes the file anew.
    assert_data_eq!(answer.stdout, file!["../golden/broken.txt"].raw());
}

#[test]
fn a_warning_fails_only_where_that_is_wanted() {
    let answer = validate(README, "validate").exits(0);
    assert!(
        answer
            .stdout
            .ends_with("\n\nconfig.yml is valid: 3 jobs, 1 warning\n")
    );
    let answer = validate(README, "validate --strict").exits(1);
    assert!(
        answer
            .stdout
            .ends_with("\nconfig.yml is not valid: 1 warning (--strict)\n")
    );
    validate(README, "validate -q").exits(0).says("");
}

#[test]
fn programs_get_one_object() {
    let text = include_str!("../golden/broken.yml");
    let answer = validate(text, "validate --format json").exits(1);
    let [report] = &answer.json()[..] else {
        panic!("{}", answer.stdout)
    };
    assert_eq!(
        (&report["config"], &report["valid"]),
        (&"config.yml".into(), &false.into())
    );
    assert_eq!(report["jobs"], 4);
    let found = &report["diagnostics"][2];
    assert_eq!(
        (&found["severity"], &found["code"], &found["job"]),
        (
            &"error".into(),
            &"unknown-task".into(),
            &"test.hartbeat".into()
        )
    );
    assert_eq!((&found["line"], &found["column"]), (&4.into(), &5.into()));
    assert_eq!(found["help"], "did you mean `test.heartbeat`?");
}

#[test]
fn a_config_may_come_from_standard_input() {
    let folder = Folder::new().file("tasks/test.py", TASKS);
    let mut command = folder.command();
    command
        .args(["validate", "-"])
        .write_stdin("scheduler:\n\ttest.heartbeat: {}\n");
    let answer = run(&mut command).exits(1);
    assert!(
        answer.stdout.contains(" --> <stdin>:2:1\n"),
        "{}",
        answer.stdout
    );
    assert!(
        answer.stdout.ends_with("\n<stdin> is not valid: 1 error\n"),
        "{}",
        answer.stdout
    );
}

#[test]
fn an_executable_is_a_task() {
    Folder::with_config("scheduler:\n  report.daily: {type: cron, hour: 4}\n")
        .executable("tasks/report/daily.sh", "#!/bin/sh\n")
        .sched("validate")
        .exits(0)
        .says("config.yml is valid: 1 job\n");
}

#[test]
fn nothing_of_the_tasks_is_run() {
    let folder = Folder::with_config("scheduler:\n  a.b: {type: cron, hour: 4}\n")
        .file("tasks/a.py", "open('ran', 'w')\ndef b(): pass\n");
    for line in ["validate", "validate -v", "next", "show"] {
        folder.sched(line).exits(0);
    }
    assert!(!folder.path("ran").exists() && !folder.path("tasks/ran").exists());
}

#[test]
fn arguments_that_no_program_can_be_given_are_an_error() {
    let config = "scheduler:\n  echo: {type: cron, hour: 4, command: [echo], kwargs: {a b: 1}}\n";
    let folder = Folder::with_config(config);
    let told = folder.sched("validate").exits(1).stdout;
    let fault = "error[bad-value]: each run fails: the keyword argument `a b` cannot be written";
    assert!(told.starts_with(fault), "{told}");
    let outlook = folder.sched("run-once echo --dry-run").exits(0).stdout;
    let fault = "\nfails      the keyword argument `a b` cannot be written";
    assert!(outlook.contains(fault), "{outlook}");
}

#[test]
fn arguments_that_do_not_fit_the_function_are_warned_of() {
    let config = "\
scheduler:
  a.two: {type: cron, hour: 4, args: [1], kwargs: {password: hunter22, nope: 3}}
  a.fine: {type: cron, hour: 4, args: [1]}
  a.none: {type: cron, hour: 4, kwargs: {1: 2}}
  gone.f: {type: cron, hour: 4, args: [1]}
";
    let folder = Folder::with_config(config).file(
        "tasks/a.py",
        "def two(x, password): pass\ndef fine(*args): pass\ndef none(): pass\n",
    );
    let told =
        "warning[bad-value]: each run fails: two() has no parameter `nope`\n --> config.yml:2:3";
    let answer = folder.sched("validate").exits(1);
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
    let place = "  = help: tasks/a.py:1: def two(x, password): pass\n";
    assert!(answer.stdout.contains(place), "{}", answer.stdout);
    assert!(
        answer.stdout.ends_with("2 errors, 1 warning in 4 jobs\n"),
        "{}",
        answer.stdout
    );
    let outlook = folder.sched("run-once a.two --dry-run").exits(0);
    assert!(
        outlook
            .stdout
            .contains("\nfails      two() has no parameter `nope`\n"),
        "{}",
        outlook.stdout
    );
}

#[test]
fn a_file_outside_the_tasks_folder_is_named_in_full() {
    let folder = Folder::with_config("scheduler:\n  extra.nope: {type: cron, hour: 4}\n")
        .file("tasks/own.py", "")
        .file("lib/extra.py", "");
    let lib = folder.path("lib");
    let answer = run(folder.command().env("PYTHONPATH", &lib).arg("validate")).exits(1);
    let told = format!("{}/extra.py has no function `nope`", lib.display());
    assert!(answer.stdout.contains(&told), "{}", answer.stdout);
}

#[test]
fn a_tasks_folder_that_is_not_there_is_the_first_thing_to_mend() {
    let config =
        "scheduler:\n  json.heartbeat: {type: cron, hour: 4}\n  own.f: {type: cron, hour: 4}\n";
    let folder = Folder::with_config(config);
    let told = |line: &str, name: &str| {
        let answer = folder.sched(line).exits(1);
        let help = format!("  = help: there is no folder {name} for tasks\n");
        assert_eq!(answer.stdout.matches(&help).count(), 2, "{}", answer.stdout);
    };
    told("--tasks-dir /nowhere validate", "/nowhere");
    let file = folder.path("config.yml").display().to_string();
    told(&format!("--tasks-dir {file} validate"), &file);
    let setting = config.replace("scheduler:", "scheduler:\n  tasks directory: /jbos");
    folder.write("config.yml", &setting);
    told("validate", "/jbos");
    folder.write("config.yml", config);
    let answer = folder.sched("validate").exits(1);
    assert!(!answer.stdout.contains("no folder"), "{}", answer.stdout);
    let beside = folder.path("tasks").display().to_string();
    let help = format!("  = help: there is no tasks folder: make {beside} or /");
    assert!(answer.stdout.contains(&help), "{}", answer.stdout);
}

#[test]
fn what_a_job_needs_and_has_not_is_a_warning() {
    let folder = Folder::with_config(
        "\
scheduler:
  fine:
    type: interval
    hours: 1
    command: [sh, -c, 'true']
    directory: here
    environment file: fine.env
    user: root
  lost:
    type: interval
    hours: 1
    command: [no-such-program, x]
    directory: nowhere
    environment file: broken.env
    user: nobody-by-that-name
  elsewhere:
    type: interval
    hours: 1
    command: [mine, x]
    environment: {PATH: here/bin}
",
    )
    .file("here/a", "")
    .executable("here/bin/mine", "#!/bin/sh\n")
    .file("fine.env", "A=1\n")
    .file("broken.env", "A=1\nhunter22secret\n");
    // A file that is there is broken for every run, on every machine.
    let answer = folder.sched("validate").exits(1);
    for told in [
        "there is no directory `",
        "/nowhere`",
        "error[bad-value]: line 2 of the environment file `",
        "does not have the form KEY=VALUE",
        "there is no user `nobody-by-that-name`",
        "warning[not-found]",
    ] {
        assert!(answer.stdout.contains(told), "{told}: {}", answer.stdout);
    }
    assert!(!answer.stdout.contains("hunter22"), "{}", answer.stdout);
    let count = "1 error, 2 warnings";
    assert!(answer.stdout.contains(count), "{}", answer.stdout);
    folder.write(
        "config.yml",
        "scheduler:\n  a: {type: interval, hours: 1, command: [no-such-program, x]}\n",
    );
    let answer = folder.sched("validate").exits(0);
    let told = "there is no program `no-such-program`";
    assert!(answer.stdout.contains(told), "{}", answer.stdout);
    folder.sched("validate --strict").exits(1);
    for (program, help) in [
        ("no-such-program", "on `PATH`"),
        ("./no-such", "where `sched` is started, now "),
        ("./no-such, directory: bin", "help: it is looked for in /"),
    ] {
        let (program, directory) = program.split_once(',').unwrap_or((program, ""));
        let job = format!("{{type: interval, hours: 1, command: [{program}], {directory}}}");
        folder.write("config.yml", &format!("scheduler:\n  a: {job}\n"));
        let answer = folder.sched("validate").exits(0);
        assert!(answer.stdout.contains(help), "{}", answer.stdout);
    }
}

#[test]
fn quiet_hides_no_warning_that_makes_a_config_invalid() {
    let folder =
        Folder::with_config("scheduler:\n  a.b: {type: cron, month: 2, day: 30, command: x}\n");
    folder.sched("validate -q").exits(0).says("");
    let loud = folder.sched("validate --strict").exits(1).stdout;
    assert!(loud.contains("warning[never-fires]"), "{loud}");
    folder.sched("validate -q --strict").exits(1).says(&loud);
    folder.write(
        "config.yml",
        "scheduler:\n  log level: loud\n  a.b: {type: corn}\n",
    );
    let errors = folder.sched("validate -q --strict").exits(1).stdout;
    assert!(
        errors.contains("error[") && !errors.contains("warning["),
        "{errors}"
    );
}

#[test]
fn a_tz_that_names_no_zone_is_warned_of_once_and_only_where_it_would_count() {
    let config = "scheduler:\n  a: {type: cron, hour: 4, command: 'true'}\n";
    let folder = Folder::with_config(config);
    let lines = |tz: &str, line: &str| {
        let mut command = folder.command();
        run(command.env("TZ", tz).args(line.split(' '))).exits(0)
    };
    let told = lines("America/NewYork", "validate").stdout;
    let head = "warning[bad-value]: no time zone is called `America/NewYork`, as `TZ` says; the \
                system's is used, ";
    assert!(told.starts_with(head), "{told}");
    assert!(told.contains("did you mean `America/New_York`?"), "{told}");
    assert!(
        told.ends_with("config.yml is valid: 1 job, 1 warning\n"),
        "{told}"
    );
    let next = lines("CET-1CEST", "next -n 1").stderr;
    assert_eq!(
        next,
        "warning: config.yml has 1 warning; run `sched validate`\n"
    );
    let link = folder.path("zone");
    std::os::unix::fs::symlink("/usr/share/zoneinfo/Asia/Tokyo", &link).unwrap();
    let link = format!(":{}", link.display());
    for tz in [
        "Europe/Berlin",
        ":Europe/Berlin",
        "UTC",
        "",
        ":",
        "/etc/localtime",
        &link,
    ] {
        let told = lines(tz, "validate").stdout;
        assert_eq!(told, "config.yml is valid: 1 job\n", "{tz}");
    }
    folder.write("config.yml", &format!("timezone: Asia/Tokyo\n{config}"));
    let told = lines("America/NewYork", "validate").stdout;
    assert_eq!(told, "config.yml is valid: 1 job\n");
}
