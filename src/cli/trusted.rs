//! Whether the config, the tasks and what else decides what runs are in trusted hands, before
//! anything of them runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::load::Loaded;
use super::output::Refusal;
use crate::config::Config;
use crate::job::{Job, Task};
use crate::paths::Given;
use crate::process::Identity;
use crate::trust::{self, Findings};

/// A warning of what others could change, where they could.
///
/// # Errors
/// Where `sched` runs as root and others could change what it runs.
pub(super) fn check(loaded: &Loaded, given: &Given) -> Result<Option<String>, Refusal> {
    let findings = findings(loaded, given);
    match refusal(&findings) {
        Some(refusal) => Err(refusal),
        None => Ok(warning(&findings)),
    }
}

/// Why nothing of `loaded` may run, if that is so.
pub(super) fn distrust(loaded: &Loaded, given: &Given) -> Option<Refusal> {
    refusal(&findings(loaded, given))
}

fn findings(loaded: &Loaded, given: &Given) -> Findings {
    if loaded.is_stdin() {
        return Findings::default();
    }
    let tasks = loaded.tasks_folder(given);
    let others = loaded.config().map(named).unwrap_or_default();
    trust::check(&loaded.path, tasks.as_deref(), &others)
}

/// What the config names by path, besides tasks, that decides what runs as the present user: its
/// Python, and what its jobs name. Many jobs may name the same.
fn named(config: &Config) -> BTreeSet<PathBuf> {
    let python = config.settings.python.iter();
    // A bare name is looked up on PATH, which is whoever's that started us.
    let mut files: BTreeSet<_> = python.filter(|path| is_path(path)).cloned().collect();
    for job in config.jobs.iter().filter(|job| is_ours(job)) {
        files.extend(job.surroundings.environment_file.clone());
        let directory = job.surroundings.directory.as_deref();
        match &job.task {
            Task::Named(_) => {}
            Task::Command(words) => {
                // A program that is missing could be put there by others.
                let program = words.first().map(Path::new).filter(|word| is_path(word));
                files.extend(program.map(|program| placed(program, directory)));
                files.extend(code(words.iter().skip(1).map(String::as_str), directory));
            }
            Task::Shell(text) => files.extend(code(words(text), directory)),
        }
    }
    files
}

/// Whether a job runs as the present user: what it names may belong to whom it runs as.
fn is_ours(job: &Job) -> bool {
    let user = job.surroundings.user.as_deref();
    user.is_none_or(|user| matches!(Identity::of(user), Ok(None)))
}

/// The scripts and programs among the words of a command that starts in `directory`: paths, and
/// names of files there.
fn code<'a>(
    words: impl Iterator<Item = &'a str>,
    directory: Option<&Path>,
) -> impl Iterator<Item = PathBuf> {
    words
        .map(Path::new)
        .filter(move |word| is_path(word) || directory.is_some())
        .map(move |word| placed(word, directory))
        .filter(|path| trust::can_run(path))
}

/// What a shell may take for words in a line of its own, quotes and variables aside.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || ";&|()<>\"'`=".contains(c))
}

fn placed(word: &Path, directory: Option<&Path>) -> PathBuf {
    directory.unwrap_or(Path::new("")).join(word)
}

fn is_path(word: &Path) -> bool {
    word.as_os_str().as_encoded_bytes().contains(&b'/')
}

fn refusal(findings: &Findings) -> Option<Refusal> {
    let first = findings.refused.first()?;
    let others = others(findings.refused.len());
    let message = format!(
        "{}{others}, so others could run code as root",
        first.message()
    );
    let refusal = Refusal::new(message).with_help(first.help());
    Some(refusal.with_help("or run sched as another user than root"))
}

fn warning(findings: &Findings) -> Option<String> {
    let first = findings.doubtful.first()?;
    let others = others(findings.doubtful.len());
    let user = if Uid::effective().is_root() {
        "root"
    } else {
        "this user"
    };
    Some(format!(
        "{}{others}, so others could run code as {user}",
        first.message()
    ))
}

/// ` (and 2 more paths)`, where there are more than the first.
fn others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => " (and 1 more path)".to_owned(),
        more => format!(" (and {} more paths)", more - 1),
    }
}
