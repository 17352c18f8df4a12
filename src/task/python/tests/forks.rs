//! Runs that are forked from a Python that is kept warm.

use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use crate::job::{Job, Task};
use crate::reach;
use crate::run::{Order, Outcome, Run};
use crate::task::Tasks;
use crate::task::python::servers::{Servers, Wish};
use crate::task::testing::{Bench, Ran, block_on, by_hand, job, ran};

fn warm(bench: &Bench) -> Arc<Tasks> {
    Arc::new(Tasks::kept_warm(bench.setup.clone()))
}

fn function(name: &str) -> Job {
    job(Task::Named(name.to_owned()))
}

async fn run(tasks: &Tasks, name: &str) -> Ran {
    let job = function(name);
    run_as(tasks, &by_hand(&job), &job).await
}

async fn run_as(tasks: &Tasks, run: &Run, job: &Job) -> Ran {
    let (_orders, order) = watch::channel(Order::GoOn);
    ran(tasks, run, job, order).await
}

/// What a run of that function returns.
async fn returned(tasks: &Tasks, name: &str) -> String {
    let ran = run(tasks, name).await;
    ran.ended
        .returned
        .clone()
        .unwrap_or_else(|| panic!("{ran:?}"))
}

/// The number of a process, as text.
fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().unwrap())
}

/// Waits until `done`, or fails after half a minute.
async fn eventually(mut done: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come true within half a minute");
}

fn lives(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn runs_share_a_parent_and_nothing_else() {
    let bench = Bench::of(
        "import os, sys\nseen = []\n\
         def parent(): return os.getppid()\n\
         def once():\n    seen.append(1)\n    sys.modules['json'].mark = 1\n    return len(seen)\n\
         def marked(): return hasattr(__import__('json'), 'mark')\n\
         def session(): return os.getsid(0) == os.getpgrp() == os.getpid()\n\
         def descriptors(): return len(os.listdir('/proc/self/fd')) - 1\n\
         def loaded(): return 'docassemble.Scheduler.tasks.t' in sys.modules, sys.argv, sys.path[0] != ''\n",
    );
    block_on(async {
        let tasks = warm(&bench);
        let parent = returned(&tasks, "t.parent").await;
        assert_eq!(returned(&tasks, "t.parent").await, parent);
        for (name, expected) in [
            ("t.once", "1"),
            ("t.once", "1"),
            ("t.marked", "False"),
            ("t.session", "True"),
            // Standard input, output, error, and the channel.
            ("t.descriptors", "4"),
            ("t.loaded", "(True, ['-c'], True)"),
        ] {
            assert_eq!(returned(&tasks, name).await, expected, "{name}");
        }
        drop(tasks);
        eventually(|| !lives(pid(&parent))).await;
    });
}

#[test]
fn what_surrounds_a_run_is_as_if_it_had_been_started_for_it() {
    let bench = Bench::of(
        "import os, subprocess\n\
         def variables(): return sorted(k for k in os.environ if k.startswith('SCHED_'))\n\
         def marks():\n    id = os.environ['SCHED_RUN_ID']\n    own = open('/proc/self/environ').read()\n\
         \x20   child = subprocess.run(['env'], capture_output=True, text=True).stdout\n\
         \x20   return [f'SCHED_RUN_ID={id}' in text for text in (own, child)]\n\
         def where(): return os.path.basename(os.getcwd())\n\
         def parent(): return os.getppid()\n",
    )
    .file("here/x", "");
    block_on(async {
        let tasks = warm(&bench);
        assert_eq!(
            returned(&tasks, "t.variables").await,
            "['SCHED_ATTEMPT', 'SCHED_JOB', 'SCHED_RUN_ID']"
        );
        assert_eq!(returned(&tasks, "t.marks").await, "[True, True]");
        let mut job = function("t.where");
        job.surroundings.directory = Some("here".into());
        let ran = run_as(&tasks, &by_hand(&job), &job).await;
        assert_eq!(ran.ended.returned.as_deref(), Some("here"));
        job.surroundings.directory = Some("nowhere".into());
        let ran = run_as(&tasks, &by_hand(&job), &job).await;
        assert_eq!(ran.error().0, "CannotStart", "{ran:?}");
        job.surroundings.directory = Some("here".into());
        reach::silence(&bench.path("here"));
        let ran = run_as(&tasks, &by_hand(&job), &job).await;
        assert!(ran.error().1.ends_with("does not answer"), "{ran:?}");
        // What Python itself looks at when it starts is set when it starts.
        let server = returned(&tasks, "t.parent").await;
        let mut job = function("t.parent");
        job.surroundings.environment = [("PYTHONHASHSEED".to_owned(), "1".to_owned())].into();
        let ran = run_as(&tasks, &by_hand(&job), &job).await;
        assert_ne!(ran.ended.returned, Some(server));
    });
}

#[test]
fn an_edited_file_is_used_from_the_next_run_on() {
    let bench = Bench::of("def f(): return 1\n");
    block_on(async {
        let tasks = warm(&bench);
        for value in 1..=5 {
            std::fs::write(
                bench.path("tasks/t.py"),
                format!("def f(): return {value}\n"),
            )
            .unwrap();
            assert_eq!(returned(&tasks, "t.f").await, value.to_string());
        }
        std::fs::write(bench.path("tasks/new.py"), "def f(): return 'new'\n").unwrap();
        assert_eq!(returned(&tasks, "new.f").await, "new");
        std::fs::write(bench.path("tasks/t.py"), "def f(:\n").unwrap();
        assert_eq!(run(&tasks, "t.f").await.error().0, "SyntaxError");
    });
}

#[test]
fn a_folder_that_comes_into_being_is_imported_from() {
    let mut bench = Bench::new();
    bench.setup.tasks_folder = Some(bench.path("later"));
    block_on(async {
        let tasks = warm(&bench);
        let server = returned(&tasks, "os.getppid").await;
        let bench = bench
            .file(
                "later/t.py",
                "import helper, os\ndef f(): return helper.VALUE, os.getppid()\n",
            )
            .file("later/helper.py", "VALUE = 1\n");
        assert_eq!(returned(&tasks, "t.f").await, format!("(1, {server})"));
        drop(bench);
    });
}

#[test]
fn a_folder_of_tasks_that_is_linked_anew_is_read_afresh() {
    let code = "def f(): return type(__loader__).__name__\n";
    let mut bench = Bench::new()
        .file("one/t/__init__.py", "from .g import f\n")
        .file("one/t/g.py", code);
    let link = bench.path("link");
    bench.setup.tasks_folder = Some(link.clone());
    std::os::unix::fs::symlink("one", &link).unwrap();
    block_on(async {
        let tasks = warm(&bench);
        let fresh = "FreshLoader";
        assert_eq!(returned(&tasks, "t.f").await, fresh);
        std::fs::rename(bench.path("one"), bench.path("other")).unwrap();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("other", &link).unwrap();
        assert_eq!(returned(&tasks, "t.f").await, fresh);
    });
}

#[test]
fn a_warning_about_a_file_is_shown_by_each_run() {
    let bench = Bench::of("def f(): return 1 is 1\n");
    block_on(async {
        let tasks = warm(&bench);
        for _ in 0..2 {
            let ran = run(&tasks, "t.f").await;
            assert!(ran.ended.stderr.contains("SyntaxWarning"), "{ran:?}");
        }
        // Once, also where the child has been there before.
        let (job, run) = coming(function("t.f"));
        tasks.prepare([(Arc::clone(&job), run.clone())].into_iter());
        let stderr = run_as(&tasks, &run, &job).await.ended.stderr;
        assert_eq!(stderr.matches("SyntaxWarning").count(), 1, "{stderr}");
    });
}

#[test]
fn what_a_run_leaves_open_is_written_out() {
    let bench = Bench::of(
        "import sys\n\
         def f():\n    global file\n    file = open(sys.path[-1] + '/out', 'w')\n    file.write('all of it')\n\
         class Told:\n    def __del__(self): print('told')\n\
         told = Told()\n\
         def g(): pass\n",
    );
    block_on(async {
        let tasks = warm(&bench);
        assert_eq!(run(&tasks, "t.f").await.ended.stdout, "told\n");
        let out = std::fs::read_to_string(bench.path("tasks/out")).unwrap();
        assert_eq!(out, "all of it");
        assert_eq!(run(&tasks, "t.g").await.ended.stdout, "told\n");
    });
}

#[test]
fn modules_are_preloaded_once_and_a_fault_of_one_is_told_once() {
    let mut bench = Bench::of(
        "import os, sys\n\
         def f():\n    import ahead\n    return ahead.PROCESS == os.getppid(), ahead.VALUE\n",
    )
    .file(
        "tasks/ahead.py",
        "import os\nPROCESS = os.getpid()\nVALUE = 1\nprint('loaded', end='')\n",
    );
    bench.setup.preload = vec!["ahead".to_owned(), "nowhere".to_owned()];
    block_on(async {
        let tasks = warm(&bench);
        let first = run(&tasks, "t.f").await;
        assert_eq!(first.ended.returned.as_deref(), Some("(True, 1)"));
        assert_eq!(first.ended.stdout, "");
        assert_eq!(first.warnings().len(), 1);
        let warning = &first.warnings()[0];
        assert!(
            warning.starts_with("WARNING Could not preload 'nowhere':\nModuleNotFoundError"),
            "{warning}"
        );
        let edited = "import os\nPROCESS = os.getpid()\nVALUE = 22\n";
        std::fs::write(bench.path("tasks/ahead.py"), edited).unwrap();
        let second = run(&tasks, "t.f").await;
        assert_eq!(second.ended.returned.as_deref(), Some("(True, 22)"));
        assert_eq!(second.warnings(), [""; 0]);
    });
}

#[test]
fn a_preloaded_module_that_hangs_holds_up_no_run_for_long() {
    let mut bench = Bench::of("def f(): return 'done'\n")
        .file("tasks/hangs.py", "import time\ntime.sleep(600)\n");
    bench.setup.preload = vec!["hangs".to_owned()];
    block_on(async {
        let tasks = warm(&bench);
        assert_eq!(returned(&tasks, "t.f").await, "done");
        let ran = run(&tasks, "t.f").await;
        assert_eq!(ran.ended.returned.as_deref(), Some("done"));
        assert!(ran.ended.took < Duration::from_secs(20), "{ran:?}");
    });
}

#[test]
fn a_file_that_a_preloaded_module_opened_is_written_out() {
    let mut bench = Bench::of("import ahead\ndef f(): ahead.file.write('of the run')\n").file(
        "tasks/ahead.py",
        "import sys\nfile = open(sys.path[-1] + '/out', 'a')\n",
    );
    bench.setup.preload = vec!["ahead".to_owned()];
    block_on(async {
        let tasks = warm(&bench);
        for _ in 0..2 {
            assert_eq!(run(&tasks, "t.f").await.ended.outcome, Outcome::Success);
        }
    });
    let out = std::fs::read_to_string(bench.path("tasks/out")).unwrap();
    assert_eq!(out, "of the runof the run");
}

#[test]
fn a_python_with_threads_is_not_forked() {
    let mut bench = Bench::of("import sys\ndef f(): return 'ahead' in sys.modules\n").file(
        "tasks/ahead.py",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
    );
    bench.setup.preload = vec!["marshal".to_owned(), "ahead".to_owned()];
    block_on(async {
        let tasks = warm(&bench);
        let first = run(&tasks, "t.f").await;
        assert_eq!(first.ended.returned.as_deref(), Some("False"), "{first:?}");
        assert_eq!(
            first.warnings(),
            [
                "WARNING No Python is kept warm, each run starts its own: `preload` of 'ahead' \
                 leaves threads behind, and a process with threads cannot be forked safely"
            ]
        );
        assert_eq!(run(&tasks, "t.f").await.warnings(), [""; 0]);
    });
}

#[test]
fn the_runs_of_a_server_that_dies_end_as_what_they_were() {
    let bench = Bench::of(
        "import os, time\n\
         def parent(): return os.getppid()\n\
         def orphaned():\n    server = os.getppid()\n\
         \x20   assert 'python' in open(f'/proc/{server}/cmdline').read()\n    os.kill(server, 9)\n\
         \x20   while os.getppid() == server: time.sleep(0.01)\n    time.sleep(0.2)\n    return 'well'\n\
         def failing():\n    orphaned()\n    raise ValueError('no')\n\
         def vanishing():\n    orphaned()\n    os._exit(0)\n",
    );
    block_on(async {
        let tasks = warm(&bench);
        let before = returned(&tasks, "t.parent").await;
        assert_eq!(returned(&tasks, "t.orphaned").await, "well");
        assert_eq!(run(&tasks, "t.failing").await.error(), ("ValueError", "no"));
        let vanished = run(&tasks, "t.vanishing").await.ended;
        assert_eq!(vanished.outcome, Outcome::Failure);
        assert_ne!(returned(&tasks, "t.parent").await, before);
    });
}

#[test]
fn a_server_that_dies_idle_is_missed_by_no_run() {
    let bench = Bench::of("import os\ndef f(): return os.getppid()\n");
    block_on(async {
        let tasks = warm(&bench);
        for _ in 0..3 {
            let server = returned(&tasks, "t.f").await;
            kill(pid(&server), Signal::SIGKILL).unwrap();
        }
    });
}

#[test]
fn a_server_that_cannot_start_is_missed_by_no_run() {
    let mut bench = Bench::of("def f(): return 1\n");
    bench.setup.preload = vec!["exits".to_owned()];
    let bench = bench.file(
        "tasks/exits.py",
        "import os, sys\nopen(os.path.dirname(__file__) + '/starts', 'a').write('x')\n\
         print('no room', file=sys.stderr, flush=True)\nos._exit(3)\n",
    );
    block_on(async {
        let tasks = warm(&bench);
        let mut warnings = Vec::new();
        for _ in 0..4 {
            let ran = run(&tasks, "t.f").await;
            assert_eq!(ran.ended.returned.as_deref(), Some("1"));
            warnings.extend(ran.warnings().iter().map(ToString::to_string));
        }
        assert_eq!(
            warnings,
            [
                "WARNING No Python is kept warm for now, runs start their own: it ended when it \
                 started, with exit code 3: no room"
            ]
        );
    });
    let starts = std::fs::read_to_string(bench.path("tasks/starts")).unwrap();
    // Another one is not tried at once.
    assert!(starts.len() <= 2, "{starts}");
}

#[test]
fn a_server_that_has_stopped_keeps_no_run() {
    let bench = Bench::of(
        "import os, signal\ndef f():\n    os.kill(os.getppid(), signal.SIGSTOP)\n    return os.getppid()\n",
    );
    block_on(async {
        let tasks = warm(&bench);
        let server = returned(&tasks, "t.f").await;
        kill(pid(&server), Signal::SIGKILL).unwrap();
    });
}

#[test]
fn an_edit_while_a_server_loads_is_noticed() {
    let mut bench = Bench::of("import ahead\ndef f(): return ahead.VALUE\n")
        .file("tasks/ahead.py", "VALUE = 1\n")
        .file(
            "tasks/slow.py",
            "import os, time\nfolder = os.path.dirname(__file__)\nopen(folder + '/loads', 'w').close()\n\
             while not os.path.exists(folder + '/edited'): time.sleep(0.01)\n",
        );
    bench.setup.preload = vec!["ahead".to_owned(), "slow".to_owned()];
    block_on(async {
        let tasks = warm(&bench);
        let edit = async {
            eventually(|| bench.path("tasks/loads").exists()).await;
            std::fs::write(bench.path("tasks/ahead.py"), "VALUE = 22\n").unwrap();
            std::fs::write(bench.path("tasks/edited"), "").unwrap();
        };
        tokio::join!(returned(&tasks, "t.f"), edit);
        assert_eq!(returned(&tasks, "t.f").await, "22");
    });
}

#[test]
fn what_preloaded_modules_made_ends_with_their_server() {
    let mut bench = Bench::of(
        "import ahead, os, tempfile\nkept = tempfile.TemporaryDirectory()\n\
         def f(): return [os.path.exists(one) for one in (ahead.temporary.name, ahead.made)], kept.name\n",
    )
    .file(
        "tasks/ahead.py",
        "import atexit, os, shutil, tempfile\ntemporary = tempfile.TemporaryDirectory()\n\
         made = os.path.dirname(__file__) + '/made'\nos.mkdir(made)\natexit.register(shutil.rmtree, made)\n",
    );
    bench.setup.preload = vec!["ahead".to_owned()];
    let made = bench.path("tasks/made");
    block_on(async {
        let tasks = warm(&bench);
        for _ in 0..3 {
            let found = returned(&tasks, "t.f").await;
            let kept = found.strip_prefix("([True, True], '").unwrap();
            // What the run itself made has ended with it.
            assert!(!std::path::Path::new(kept.trim_end_matches("')")).exists());
        }
        assert!(made.exists());
        drop(tasks);
        eventually(|| !made.exists()).await;
    });
}

/// A runtime that ends with all that is done in it, as a process does that is killed.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_server_whose_scheduler_is_killed_spares_others() {
    let bench = Bench::of("import os\ndef f(): return os.getppid()\n");
    let (one, other) = (runtime(), runtime());
    let tasks = warm(&bench);
    let server = pid(&other.block_on(returned(&tasks, "t.f")));
    let servers = Servers::default();
    let waiting: Vec<_> = one.block_on(async {
        let interpreter = tasks.interpreter().await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let wish = Wish {
                names: Vec::new(),
                due: None,
            };
            let forked = servers.fork(&interpreter, &bench.setup, wish).await;
            waiting.push(forked.unwrap());
        }
        waiting
    });
    drop(one);
    // Every process of the server has had time to be killed.
    std::thread::sleep(Duration::from_millis(300));
    assert!(lives(server));
    drop(waiting);
}

#[test]
fn a_server_that_loads_ends_when_its_scheduler_is_killed() {
    let mut bench = Bench::new().file(
        "tasks/hangs.py",
        "import os, time\nfile = os.path.dirname(__file__) + '/pid'\n\
         open(file + '.new', 'w').write(str(os.getpid()))\nos.rename(file + '.new', file)\ntime.sleep(600)\n",
    );
    bench.setup.preload = vec!["hangs".to_owned()];
    let (runtime, servers) = (runtime(), Servers::default());
    let tasks = warm(&bench);
    let file = bench.path("tasks/pid");
    runtime.block_on(async {
        let interpreter = tasks.interpreter().await.unwrap();
        servers.warm(&interpreter, &bench.setup, 1);
        eventually(|| file.exists()).await;
    });
    let server = pid(&std::fs::read_to_string(&file).unwrap());
    drop(runtime);
    block_on(eventually(|| !lives(server)));
}

#[test]
fn children_need_not_look_through_what_their_server_has_made() {
    let bench = Bench::new();
    block_on(async {
        // No task file: nothing is compiled for it.
        let count = returned(&warm(&bench), "gc.get_freeze_count").await;
        assert!(count.parse::<u32>().unwrap() > 1000, "{count}");
    });
}

#[test]
fn modules_that_act_at_forks_and_ends_do_so_in_who_imports_them() {
    let bench = Bench::of(
        "import os, sys\n\
         LOADED = 'import sys; print([one in sys.modules for one in (\"logging\", \"threading\")])'\n\
         def loaded():\n    here = str([one in sys.modules for one in ('logging', 'threading')])\n    import subprocess\n\
         \x20   return here == subprocess.check_output([sys.executable, '-c', LOADED], text=True).strip()\n\
         def fork():\n    import threading, time\n    mine, theirs = os.pipe()\n\
         \x20   threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n\
         \x20   if not os.fork():\n        os.write(theirs, b'%d' % threading.active_count())\n        os._exit(0)\n\
         \x20   os.wait()\n    return threading.active_count(), os.read(mine, 9)\n\
         def spec():\n    import logging\n    return logging.__spec__.origin == logging.__file__\n\
         def flush():\n    import logging.handlers\n\
         \x20   target = logging.StreamHandler(sys.stdout)\n    log = logging.getLogger('theirs')\n\
         \x20   log.addHandler(logging.handlers.MemoryHandler(9, target=target))\n    log.warning('kept')\n",
    );
    block_on(async {
        let tasks = warm(&bench);
        for (name, expected) in [
            ("t.loaded", "True"),
            ("t.fork", "(2, b'1')"),
            ("t.spec", "True"),
        ] {
            assert_eq!(returned(&tasks, name).await, expected, "{name}");
        }
        assert_eq!(run(&tasks, "t.flush").await.ended.stdout, "kept\n");
    });
}

/// A job, and a run of it that comes at a time that does not matter: nothing here waits for it.
fn coming(job: Job) -> (Arc<Job>, Run) {
    let run = by_hand(&job);
    (Arc::new(job), run)
}

/// The children of a process.
fn children(parent: Pid) -> Vec<String> {
    let list = format!("/proc/{parent}/task/{parent}/children");
    let list = std::fs::read_to_string(list).unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_child_waits_for_its_fire_and_runs_nothing_before() {
    let bench = Bench::of(
        "import os\nopen(os.path.dirname(__file__) + '/imported', 'w')\n\
         def f(): return os.getppid(), os.getpid()\n\
         def server(): return os.getppid()\n",
    );
    let imported = bench.path("tasks/imported");
    block_on(async {
        let tasks = warm(&bench);
        let server = pid(&returned(&tasks, "t.server").await);
        std::fs::remove_file(&imported).unwrap();
        let (job, run) = coming(function("t.f"));
        let soon = || [(Arc::clone(&job), run.clone())].into_iter();
        tasks.prepare(soon());
        eventually(|| !children(server).is_empty()).await;
        let armed = children(server);
        // It is told again of what it knows.
        tasks.prepare(soon());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(
            (children(server), imported.exists()),
            (armed.clone(), false)
        );
        // An edit in the last moment counts.
        let edited = "import os\ndef f(): return os.getpid(), 'edited'\n";
        std::fs::write(bench.path("tasks/t.py"), edited).unwrap();
        let ran = run_as(&tasks, &run, &job).await;
        assert_eq!(
            ran.ended.returned.unwrap(),
            format!("({}, 'edited')", armed[0])
        );
    });
}

#[test]
fn a_child_whose_fire_does_not_come_is_dropped_unseen() {
    let bench = Bench::of("import os\ndef f(): return os.getppid()\n");
    block_on(async {
        let tasks = warm(&bench);
        let server = pid(&returned(&tasks, "t.f").await);
        let (one, other) = (coming(function("t.f")), coming(function("t.other")));
        tasks.prepare([one.clone(), other].into_iter());
        eventually(|| children(server).len() == 2).await;
        let job = Arc::clone(&one.0);
        tasks.prepare([one].into_iter());
        eventually(|| children(server).len() == 1).await;
        let ran = run_as(&tasks, &by_hand(&job), &job).await;
        assert_eq!(ran.ended.outcome, Outcome::Success);
        tasks.prepare(std::iter::empty());
        eventually(|| children(server).is_empty()).await;
        assert!(lives(server));
    });
}

#[test]
fn a_child_of_a_server_that_is_gone_is_replaced() {
    let bench = Bench::of("import os\ndef f(): return os.getppid()\n");
    block_on(async {
        let tasks = warm(&bench);
        let server = pid(&returned(&tasks, "t.f").await);
        let (job, run) = coming(function("t.f"));
        tasks.prepare([(Arc::clone(&job), run.clone())].into_iter());
        eventually(|| !children(server).is_empty()).await;
        kill(server, Signal::SIGKILL).unwrap();
        eventually(|| !lives(server)).await;
        let ran = run_as(&tasks, &run, &job).await;
        assert_eq!(ran.ended.outcome, Outcome::Success, "{ran:?}");
    });
}
