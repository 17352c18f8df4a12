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
use crate::reach;
use crate::trust::{self, Findings};

/// A warning of what others could change, where they could.
///
/// # Errors
/// Where `sched` runs as root and others could change what it runs.
pub(super) fn check(loaded: &Loaded, given: &Given) -> Result<Option<String>, Refusal> {
    let known = known(loaded, given);
    match refusal(&known) {
        Some(refusal) => Err(refusal),
        None => Ok(warning(&known.findings)),
    }
}

/// Why nothing of `loaded` may run, if that is so.
pub(super) fn distrust(loaded: &Loaded, given: &Given) -> Option<Refusal> {
    refusal(&known(loaded, given))
}

/// What is known of what a config names.
#[derive(Default)]
struct Known {
    findings: Findings,
    /// What decides what runs and does not answer, so that nothing is known of it.
    silent: Option<PathBuf>,
}

fn known(loaded: &Loaded, given: &Given) -> Known {
    if loaded.is_stdin() {
        return Known::default();
    }
    let tasks = loaded.tasks_folder(given);
    let mut named = loaded.config().map(named).unwrap_or_default();
    let silent = reach::silent_among(&named.all());
    named
        .words
        .retain(|path| !silent.contains(path) && trust::can_run(path));
    let (silent, mut others): (BTreeSet<_>, BTreeSet<_>) = named
        .files
        .into_iter()
        .partition(|path| silent.contains(path));
    others.extend(named.words);
    Known {
        findings: trust::check(&loaded.path, tasks.as_deref(), &others),
        silent: silent.into_iter().next(),
    }
}

/// What a config names by path, besides tasks. Many jobs may name the same.
#[derive(Default)]
struct Named {
    /// What decides what runs as the present user: Python, programs, environment files.
    files: BTreeSet<PathBuf>,
    /// Words of commands, which may be scripts.
    words: BTreeSet<PathBuf>,
}

impl Named {
    fn all(&self) -> BTreeSet<PathBuf> {
        self.files.union(&self.words).cloned().collect()
    }
}

fn named(config: &Config) -> Named {
    let mut named = Named::default();
    let python = config.settings.python.iter();
    // A bare name is looked up on PATH, which is whoever's that started us.
    named
        .files
        .extend(python.filter(|path| is_path(path)).cloned());
    for job in config.jobs.iter().filter(|job| is_ours(job)) {
        named
            .files
            .extend(job.surroundings.environment_file.clone());
        let directory = job.surroundings.directory.as_deref();
        match &job.task {
            Task::Named(_) => {}
            Task::Command(words) => {
                // A program that is missing could be put there by others.
                let program = words.first().map(Path::new).filter(|word| is_path(word));
                named
                    .files
                    .extend(program.map(|program| placed(program, directory)));
                let words = words.iter().skip(1).map(String::as_str);
                named.words.extend(paths(words, directory));
            }
            Task::Shell(text) => named.words.extend(paths(words(text), directory)),
        }
    }
    named
}

/// Whether a job runs as the present user: what it names may belong to whom it runs as.
fn is_ours(job: &Job) -> bool {
    let user = job.surroundings.user.as_deref();
    user.is_none_or(|user| matches!(Identity::of(user), Ok(None)))
}

/// What words of a command that starts in `directory` may name: paths, and names of files there.
fn paths<'a>(
    words: impl Iterator<Item = &'a str>,
    directory: Option<&Path>,
) -> impl Iterator<Item = PathBuf> {
    words
        .map(Path::new)
        .filter(move |word| is_path(word) || directory.is_some())
        .map(move |word| placed(word, directory))
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

fn refusal(known: &Known) -> Option<Refusal> {
    let refused = &known.findings.refused;
    let refusal = match (refused.first(), &known.silent) {
        (Some(first), _) => {
            let others = others(refused.len());
            let first_words = first.message();
            let message = format!("{first_words}{others}, so others could run code as root");
            Refusal::new(message).with_help(first.help())
        }
        (None, Some(silent)) if Uid::effective().is_root() => {
            let silent = silent.display();
            let message = format!(
                "the file system of {silent} does not answer, so nobody can tell whether others \
                 could run code as root"
            );
            Refusal::new(message).with_help("see what is mounted there")
        }
        (None, _) => return None,
    };
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::cli::load::understand;
    use crate::source::Source;

    #[test]
    fn root_runs_nothing_that_cannot_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let dead = folder.path().join("dead");
        let silent_as = |job: &str| {
            let job = job.replace("DEAD", &dead.to_string_lossy());
            let text = format!("scheduler:\n  a.b: {{seconds: 1, type: interval, {job}}}\n");
            let source = Source::of_bytes(text.into_bytes());
            let loaded = understand(folder.path().join("c"), source, DateTime::UNIX_EPOCH);
            reach::silence(&dead);
            let silent = known(&loaded, &Given::default()).silent;
            silent.map(|path| path.strip_prefix(&dead).unwrap().to_owned())
        };
        for (job, expected) in [
            ("command: [DEAD/x]", Some("x")),
            ("command: 'true', environment file: DEAD/env", Some("env")),
            ("command: [x/y], directory: DEAD", Some("x/y")),
            // Data may lie where it likes.
            ("command: [rsync, DEAD/x, /]", None),
            ("command: 'true', directory: DEAD", None),
        ] {
            assert_eq!(silent_as(job), expected.map(PathBuf::from), "{job}");
        }
        let refusal = refusal(&Known {
            silent: Some(dead),
            ..Known::default()
        });
        let refused = refusal.map(|refusal| refusal.message);
        let is_told = refused.is_some_and(|refused| refused.contains("dead does not answer"));
        assert_eq!(is_told, Uid::effective().is_root());
    }
}
