//! Every Python of the machine runs tasks.

use std::path::{Path, PathBuf};

use crate::job::Task;
use crate::run::Outcome;
use crate::task::testing::{Bench, job};
use crate::task::{InterpreterError, Tasks};
use crate::value::Value;

const CODE: &str = "\
import asyncio, atexit, logging, multiprocessing, os, sys, threading
from docassemble.Scheduler.scheduler_logger import log
async def waits(*args, **kwargs):
    await asyncio.sleep(0)
    log('said', 'warning')
    logging.getLogger('scheduler').info('said too')
    print('printed')
    threading.Thread(target=print, args=('later',)).start()
    atexit.register(print, 'last')
    return args, kwargs
def fails(): raise ValueError('no')
def exits(): sys.exit(3)
def crashes(): os.kill(os.getpid(), 9)
def square(number): return number * number
def spawns():
    return [squared_by(method) for method in ('spawn', 'forkserver')]
def squared_by(method):
    with multiprocessing.get_context(method).Pool(1) as pool: return pool.map(square, [3])
";

/// The Pythons on `PATH` and those of pyenv.
pub(in crate::task::python) fn pythons() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Some(home) = std::env::var_os("HOME") {
        let versions = Path::new(&home).join(".pyenv/versions").read_dir();
        let versions = versions.into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
    }
    let names = (8..20).map(|minor| format!("python3.{minor}"));
    let files = names.flat_map(|name| folders.iter().map(move |folder| folder.join(&name)));
    files.filter(|file| file.is_file()).collect()
}

#[test]
fn every_python_of_the_machine_runs_tasks() {
    let mut bench = Bench::of(CODE);
    for python in pythons() {
        bench.setup.python = Some(python.clone());
        let found = Tasks::new(bench.setup.clone());
        // A shim of a version that is not installed.
        if let Err(InterpreterError::Strange { .. }) =
            crate::task::testing::block_on(found.interpreter())
        {
            continue;
        }
        let mut called = job(Task::Named("t.waits".to_owned()));
        called.args = vec![Value::Date(
            chrono::NaiveDate::from_ymd_opt(2024, 1, 2).unwrap(),
        )];
        let ran = bench.run_job(&called);
        let name = python.display();
        let returned = "((datetime.date(2024, 1, 2),), {})";
        assert_eq!(
            ran.ended.returned.as_deref(),
            Some(returned),
            "{name}: {ran:?}"
        );
        assert_eq!(ran.ended.stdout, "printed\nlater\nlast\n", "{name}");
        assert_eq!(ran.logged(), ["WARNING said", "INFO said too"], "{name}");
        assert_eq!(bench.run("t.fails").error(), ("ValueError", "no"), "{name}");
        assert_eq!(
            bench.run("t.spawns").ended.returned.as_deref(),
            Some("[[9], [9]]"),
            "{name}"
        );
        assert_eq!(bench.run("t.exits").ended.exit_code, Some(3), "{name}");
        assert_eq!(
            bench.run("t.crashes").ended.outcome,
            Outcome::Killed,
            "{name}"
        );
    }
}
