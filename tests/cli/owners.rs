//! What others could change is not run as root, and warned of otherwise.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use crate::folder::{Answer, Folder};
use crate::watch::{Watch, config_of};

const CONFIG: &str = "scheduler:\n  t.touch: {type: interval, hours: 1}\n";
const TASK: &str = "def touch():\n    open('ran', 'w').close()\n";

fn folder() -> Folder {
    Folder::with_config(CONFIG).file("tasks/t.py", TASK)
}

fn set_mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[track_caller]
fn is_refused(folder: &Folder, answer: Answer, message: &str) {
    if is_root() {
        let answer = answer.exits(2);
        assert!(answer.stderr.contains(message), "{}", answer.stderr);
        assert!(answer.stderr.contains("help: `ch"), "{}", answer.stderr);
        assert!(!folder.path("ran").exists(), "it ran all the same");
    } else {
        let answer = answer.exits(0);
        let warned = answer
            .stderr
            .lines()
            .filter(|line| line.starts_with("warning: "))
            .count();
        assert_eq!(warned, 1, "{}", answer.stderr);
        assert!(answer.stderr.contains(message), "{}", answer.stderr);
    }
}

#[test]
fn what_everybody_can_write_is_not_run() {
    for (name, mode) in [
        ("config.yml", 0o646),
        ("tasks", 0o777),
        ("tasks/t.py", 0o666),
    ] {
        let folder = folder();
        set_mode(&folder, name, mode);
        let answer = folder.sched("run-once t.touch");
        is_refused(
            &folder,
            answer,
            &format!("{name} can be changed by everybody"),
        );
        if is_root() {
            let answer = folder.sched("watch");
            is_refused(
                &folder,
                answer,
                &format!("{name} can be changed by everybody"),
            );
        }
    }
}

#[test]
fn what_everybody_can_write_is_not_run_behind_a_link_either() {
    let folder = Folder::with_config("scheduler:\n  p.t.touch: {type: interval, hours: 1}\n")
        .file("tasks/other.py", "")
        .file("elsewhere/t.py", TASK);
    symlink("../elsewhere", folder.path("tasks/p")).unwrap();
    let _ = folder.sched("run-once p.t.touch").exits(0);
    fs::remove_file(folder.path("ran")).unwrap();
    for (name, mode, message) in [
        (
            "elsewhere/t.py",
            0o666,
            "p/t.py can be changed by everybody",
        ),
        ("elsewhere", 0o777, "elsewhere can be changed by everybody"),
    ] {
        set_mode(&folder, name, mode);
        let answer = folder.sched("run-once p.t.touch");
        is_refused(&folder, answer, message);
        set_mode(&folder, name, 0o755);
    }
}

/// What the config names besides tasks.
const NAMING: &str = "\
scheduler:
  python: here/python3
  with file: {type: interval, hours: 1, command: 'touch ran', environment file: here/job.env}
  program: {type: interval, hours: 1, command: [here/program]}
  script: {type: interval, hours: 1, command: [sh, ./script.sh, ./data.csv, a/b], directory: here}
";

fn folder_that_names() -> Folder {
    Folder::with_config(NAMING)
        .file("here/job.env", "A=1\n")
        .executable("here/python3", "#!/bin/sh\nexec python3 \"$@\"\n")
        .executable("here/program", "#!/bin/sh\n")
        .file("here/script.sh", "")
        .file("here/data.csv", "")
}

#[test]
fn what_the_config_lets_decide_what_runs_is_not_everybodys() {
    let folder = folder_that_names();
    let _ = folder.sched("run-once program -q").exits(0).complains("");
    for (name, usual) in [
        ("here/job.env", 0o600),
        ("here/python3", 0o755),
        ("here/program", 0o755),
        ("here/script.sh", 0o644),
        ("here", 0o755),
    ] {
        set_mode(&folder, name, usual | 0o022);
        let answer = folder.sched("run-once program -q");
        is_refused(&folder, answer, "can be changed by everybody");
        set_mode(&folder, name, usual);
    }
    set_mode(&folder, "here/data.csv", 0o666);
    let _ = folder.sched("run-once program -q").exits(0).complains("");
}

#[test]
fn programs_in_a_line_for_a_shell_are_not_everybodys() {
    let folder = Folder::with_config(
        "scheduler:\n  path: {type: interval, hours: 1, command: \"true; here/program --all\"}\n  \
         name: {type: interval, hours: 1, command: [sh, script.sh], directory: here}\n",
    )
    .executable("here/program", "#!/bin/sh\n")
    .file("here/script.sh", "true\n")
    .file("here/true", "no code\n");
    for (name, usual) in [("here/program", 0o755), ("here/script.sh", 0o644)] {
        let _ = folder.sched("run-once path -q").exits(0).complains("");
        set_mode(&folder, name, usual | 0o022);
        let answer = folder.sched("run-once name -q");
        is_refused(&folder, answer, "can be changed by everybody");
        set_mode(&folder, name, usual);
    }
    set_mode(&folder, "here/true", 0o666);
    let _ = folder.sched("run-once name -q").exits(0).complains("");
}

#[test]
fn what_a_job_of_another_user_names_is_that_users_affair() {
    if !is_root() {
        println!("not tested: only root can run a job as somebody else");
        return;
    }
    let config = "scheduler:\n  a: {type: interval, hours: 1, command: [id, -un], \
                  environment file: a.env, user: USER}\n";
    for (user, code) in [("nobody", 0), ("root", 2)] {
        let folder = Folder::with_config(&config.replace("USER", user)).file("a.env", "A=1\n");
        chown(folder.path("a.env"), Some(33), None).unwrap();
        let _ = folder.sched("run-once a").exits(code);
    }
}

#[test]
fn data_beside_the_tasks_may_be_anybodys() {
    let folder = folder().file("tasks/data.csv", "a,b\n");
    set_mode(&folder, "tasks/data.csv", 0o666);
    folder.sched("run-once t.touch -q").exits(0).complains("");
    assert!(folder.path("ran").exists());
}

#[test]
fn what_runs_nothing_does_not_care() {
    let folder = folder();
    set_mode(&folder, "config.yml", 0o666);
    for line in ["validate", "next", "show", "history", "status"] {
        let answer = folder.sched(line).exits(0);
        assert!(
            !answer.stderr.contains("can be changed"),
            "{line}: {}",
            answer.stderr
        );
    }
}

#[test]
fn a_sticky_folder_is_safe() {
    let folder = folder();
    set_mode(&folder, "tasks", 0o1777);
    folder.sched("run-once t.touch -q").exits(0).complains("");
}

#[test]
fn the_owner_of_the_configs_folder_is_warned_of() {
    let folder = folder();
    if !is_root() {
        println!("not tested: only root can give files away");
        return;
    }
    for name in ["", "config.yml", "tasks", "tasks/t.py"] {
        chown(folder.path(name), Some(33), None).unwrap();
    }
    let answer = folder.sched("run-once t.touch").exits(0);
    assert!(answer.stderr.contains("warning: "), "{}", answer.stderr);
    assert!(answer.stderr.contains("belongs to"), "{}", answer.stderr);
    assert!(folder.path("ran").exists());

    chown(folder.path("tasks/t.py"), Some(34), None).unwrap();
    fs::remove_file(folder.path("ran")).unwrap();
    let answer = folder.sched("run-once t.touch");
    is_refused(&folder, answer, "tasks/t.py belongs to");
}

#[test]
fn no_python_of_others_is_started_as_root() {
    if !is_root() {
        println!("not tested: only root refuses what others can write");
        return;
    }
    let folder =
        Folder::with_config("scheduler:\n  python: ./python\n  t.f: {type: cron, hour: 4}\n")
            .file("tasks/t.py", "def f(): pass\n")
            .executable("python", "#!/bin/sh\ntouch \"$0-ran\"\n");
    fs::set_permissions(folder.path("config.yml"), fs::Permissions::from_mode(0o666)).unwrap();
    let answer = folder.sched("validate -v").exits(0);
    let told = "warning[unchecked]: tasks were not looked up: ";
    assert!(answer.stdout.starts_with(told), "{}", answer.stdout);
    for line in ["run-once t.f --dry-run", "run-once t.g", "watch --strict"] {
        let answer = folder.sched(line).exits(2);
        assert!(
            answer.stderr.contains("others could run code as root"),
            "{}",
            answer.stderr
        );
    }
    assert!(!folder.path("python-ran").exists());
    fs::set_permissions(folder.path("config.yml"), fs::Permissions::from_mode(0o644)).unwrap();
    let _ = folder.sched("validate").exits(0);
    assert!(folder.path("python-ran").exists());
}

#[test]
fn a_config_that_was_refused_is_used_once_nobody_else_can_change_it() {
    if !is_root() {
        println!("not tested: only root refuses what others can write");
        return;
    }
    let one = "  one: {type: interval, hours: 1, command: 'true'}\n";
    let watch = Watch::start(one, &[]);
    watch.expect("Save the file");
    let open = |name: &str, mode: u32| {
        fs::set_permissions(watch.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::write(
        watch.path("new.yml"),
        config_of(&one.replace("one", "two")) + one,
    )
    .unwrap();
    open("new.yml", 0o664);
    fs::rename(watch.path("new.yml"), watch.path("config.yml")).unwrap();
    let told = watch.expect("config.yml can be changed by group");
    assert!(told.contains("; `chmod go-w "), "{told}");
    watch.expect("nothing changed");
    open("config.yml", 0o646);
    watch.expect("config.yml can be changed by everybody");
    open("config.yml", 0o644);
    watch.expect("+ two");
    let refusals = watch.log().matches("others could run code").count();
    assert_eq!(refusals, 2);
}
