//! What is not trusted has no say: modules in the way, temporary folders, users without rights.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use nix::unistd::{Uid, User};

use crate::folder::{Answer, Folder, run};
use crate::watch::Watch;

/// Code that leaves a file beside its own when it runs.
const MARKER: &str = "open(__file__ + '-ran', 'w')\ndef f(): pass\n";

/// Modules that Python and our own code load.
const LOADED: [&str; 9] = [
    "json.py",
    "os.py",
    "marshal.py",
    "socket.py",
    "logging.py",
    "ast.py",
    "sitecustomize.py",
    "usercustomize.py",
    "docassemble.py",
];

/// The files that code left in a folder and its tasks.
fn ran(folder: &Path) -> Vec<String> {
    let names = ["", "tasks"].map(|below| fs::read_dir(folder.join(below)).unwrap());
    let names = names.into_iter().flatten().map(|entry| entry.unwrap());
    let names = names.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.ends_with("-ran")).collect()
}

#[test]
fn modules_in_the_way_are_never_loaded() {
    let config = "scheduler:\n  good.f: {type: interval, seconds: 1}\n";
    let folder = Folder::with_config(config).file("tasks/good.py", "def f(): return 'good'\n");
    for name in LOADED {
        folder.write(name, MARKER);
        folder.write(&format!("tasks/{name}"), MARKER);
    }
    for line in [
        "validate",
        "next",
        "run-once good.f",
        "run-once good.f --dry-run",
    ] {
        let _ = folder.sched(line).exits(0);
    }
    assert_eq!(ran(folder.root()), [""; 0]);
    // `watch` keeps its Python warm.
    let inside = tempfile::tempdir().unwrap();
    for name in ["config.yml", "json.py", "os.py", "socket.py", "logging.py"] {
        fs::copy(folder.path(name), inside.path().join(name)).unwrap();
    }
    fs::create_dir(inside.path().join("tasks")).unwrap();
    fs::write(inside.path().join("tasks/sys.py"), MARKER).unwrap();
    for name in ["good.py", "json.py", "socket.py", "logging.py"] {
        let name = format!("tasks/{name}");
        fs::copy(folder.path(&name), inside.path().join(&name)).unwrap();
    }
    let watch = Watch::start_in(inside, &[]);
    watch.expect(" ok     good.f");
    watch.expect(" ok     good.f");
    assert_eq!(ran(&watch.path("")), [""; 0]);
}

#[test]
fn to_look_runs_no_task() {
    let config =
        "scheduler:\n  a.f: {type: cron, hour: 4, contextmanager: a.f, error handler: a.f}\n";
    let folder = Folder::with_config(config).file("tasks/a.py", MARKER);
    for line in [
        "validate",
        "validate --strict -v",
        "next",
        "show",
        "status",
        "history",
        "run-once a.f --dry-run",
        "__jobs",
    ] {
        let _ = folder.sched(line).exits(0);
    }
    assert_eq!(ran(folder.root()), [""; 0]);
    let _ = folder.sched("run-once a.f 1").exits(2);
    assert_eq!(ran(folder.root()), [""; 0]);
    let _ = folder.sched("run-once a.f").exits(1);
    assert_eq!(ran(folder.root()), ["a.py-ran"]);
}

#[test]
fn nothing_needs_a_folder_for_temporary_files() {
    let config = "scheduler:\n  a.f: {type: cron, hour: 4}\n";
    let folder = Folder::with_config(config).file("tasks/a.py", "def f(): pass\n");
    for line in [
        "validate",
        "next",
        "run-once a.f",
        "history",
        "status",
        "show",
    ] {
        let mut command = folder.command();
        command
            .args(line.split(' '))
            .env("TMPDIR", "/nowhere/at/all");
        let _ = run(&mut command).exits(0);
    }
}

/// A folder that everybody can read, with a job that runs as `user`.
fn folder_of(user: &str) -> Folder {
    let config = format!(
        "scheduler:\n  \
         who:\n    type: cron\n    hour: 4\n    user: {user}\n    \
         command: 'id -un; id -u; id -G; test -w /etc/passwd && echo writes'\n  \
         t.who: {{type: cron, hour: 4, user: {user}}}\n"
    );
    let tasks = "import os\ndef who():\n    try: os.setuid(0)\n    \
                 except PermissionError: return os.getuid(), os.environ['HOME']\n";
    let folder = Folder::with_config(&config).file("tasks/t.py", tasks);
    fs::set_permissions(folder.root(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn root_runs_a_job_as_its_user() {
    if !Uid::effective().is_root() {
        eprintln!("skipped: only root can run a job as somebody else");
        return;
    }
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let folder = folder_of("nobody");
    let answer = folder.sched("run-once who");
    let said: Vec<&str> = answer.stdout.lines().collect();
    assert_eq!(said[..2], ["nobody", &nobody.uid.to_string()]);
    assert!(said[2].split(' ').all(|group| group != "0"), "{said:?}");
    assert_eq!(said.len(), 3, "{said:?}");
    let python = "/usr/bin/python3";
    if !fs::exists(python).unwrap() {
        eprintln!("skipped in part: {python}, which others can run, is missing");
        return;
    }
    let mut command = folder.command();
    command.args(["run-once", "t.who", "--format", "json"]);
    let answer = run(command.env("PATH", "/usr/bin:/bin")).exits(0);
    let expected = format!("({}, '{}')", nobody.uid, nobody.dir.display());
    assert_eq!(answer.json()[0]["returned"], serde_json::json!(expected));
}

/// Jobs of another user that look at their PATH.
const PATHS: &str = "\
scheduler:
  usual: {type: cron, hour: 4, user: nobody, command: 'echo $PATH'}
  own: {type: cron, hour: 4, user: nobody, command: 'echo $PATH', environment: {PATH: '/bin:/own'}}
  filed: {type: cron, hour: 4, user: nobody, command: 'echo $PATH', environment file: job.env}
  ours: {type: cron, hour: 4, user: root, command: 'echo $PATH'}
  tool: {type: cron, hour: 4, user: nobody, command: [tool]}
";

#[test]
fn another_user_does_not_get_the_path_of_root() {
    if !Uid::effective().is_root() {
        eprintln!("skipped: only root can run a job as somebody else");
        return;
    }
    let folder = Folder::with_config(PATHS)
        .file("job.env", "PATH=/bin:/filed\n")
        .executable("bin/tool", "#!/bin/sh\necho root\n");
    fs::set_permissions(folder.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path("bin").display());
    let say = |job| {
        let mut command = folder.command();
        run(command.args(["run-once", job]).env("PATH", &path))
    };
    let usual = "/usr/local/bin:/usr/bin:/bin";
    for (job, expected) in [
        ("usual", usual),
        ("own", "/bin:/own"),
        ("filed", "/bin:/filed"),
        ("ours", &path),
    ] {
        let _ = say(job).exits(0).says(&format!("{expected}\n"));
    }
    let answer = say("tool").exits(1).says("");
    let told = "`tool` cannot be executed: No such file";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
}

/// What `sched` with the words of `line` answers to whoever is not root.
fn as_nobody(folder: &Folder, line: &str) -> Answer {
    // Copied, as the way to the built program may be closed to others.
    fs::copy(env!("CARGO_BIN_EXE_sched"), folder.path("sched")).unwrap();
    fs::create_dir(folder.path("state")).unwrap();
    let mut command = Command::new("/bin/sh");
    let line = format!("exec ./sched {line} --state-dir state --log-dir state/log --no-mail");
    command.args(["-c", &line]).current_dir(folder.root());
    command.env_remove("SCHED_CONFIG");
    if Uid::effective().is_root() {
        let nobody = User::from_name("nobody").unwrap().unwrap();
        nix::unistd::chown(&folder.path("state"), Some(nobody.uid), Some(nobody.gid)).unwrap();
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.path("state"), private).unwrap();
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
    }
    let output: Output = command.output().unwrap();
    Answer::from(output)
}

#[test]
fn whoever_is_not_root_runs_nothing_as_somebody_else() {
    let folder = folder_of("root");
    let answer = as_nobody(&folder, "run-once who").exits(1).says("");
    let refusal = "only root can run a job as the user `root`";
    assert!(answer.stderr.contains(refusal), "{}", answer.stderr);
}

#[test]
fn a_directory_that_is_closed_is_named() {
    let config = "scheduler:\n  a: {type: cron, hour: 4, command: [id, -u], directory: closed}\n";
    let folder = Folder::with_config(config).file("closed/file", "");
    fs::set_permissions(folder.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let root = Uid::effective().is_root();
    let mode = if root { 0o700 } else { 0 };
    fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(mode)).unwrap();
    let answer = as_nobody(&folder, "run-once a").exits(1).says("");
    fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    let told = "/closed` cannot be entered: Permission denied";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
}
