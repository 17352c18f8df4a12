//! Asking whether what the config names exists.

use std::path::PathBuf;

use super::needs::Need;
use crate::diagnostic::{Code, Diagnostic, Span, did_you_mean};
use crate::job::{Roster, Surroundings, Task};

/// Tells whether dotted names name something that can be called, without running a line of it.
pub trait Lookup {
    /// One answer for each of `names`, in their order.
    ///
    /// # Errors
    /// Why nothing could be looked up at all, as a fragment such as `python3 was not found`.
    fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String>;

    /// Where task files are looked for, for people.
    fn tasks_place(&self) -> Option<TasksPlace> {
        None
    }

    /// What a job with these surroundings has not of what it needs, a fault without a place; `None`
    /// where it has all, and where that cannot be told.
    fn lacks(&self, _need: &Need, _surroundings: Option<&Surroundings>) -> Option<Diagnostic> {
        None
    }

    /// Whether a Python process with these surroundings finds other modules than are looked up.
    fn finds_others(&self, surroundings: &Surroundings) -> bool;
}

/// Where task files are looked for, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TasksPlace {
    /// In a folder.
    Folder(PathBuf),
    /// In a folder that is named and is not there.
    Gone(PathBuf),
    /// In no folder, for none of these is there.
    Nowhere([PathBuf; 2]),
}

/// What a dotted name names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A name that a Python file binds.
    Function {
        /// The file, from the name of the tasks folder on where it lies in that; else absolute.
        file: PathBuf,
        /// The line of its definition, from 1.
        line: u32,
    },
    /// An executable file.
    Executable {
        /// The file.
        file: PathBuf,
    },
    /// A closure of this program.
    Native,
    /// No file, package or module of the first part's name.
    NoModule {
        /// The name that was not found, such as `tasks/tost.py` or "module `foo.bar`".
        what: String,
        /// Whole dotted names that exist and are near.
        near: Vec<String>,
    },
    /// The module is there and does not bind the name.
    NoFunction {
        /// The file that was searched.
        file: PathBuf,
        /// The name that is missing in it.
        function: String,
        /// Whole dotted names that exist and are near.
        near: Vec<String>,
    },
    /// A file of the tasks folder that would be run if it were executable.
    NotExecutable {
        /// The file, from the name of the tasks folder on.
        file: PathBuf,
        /// Its whole path.
        path: PathBuf,
    },
    /// Something is there that cannot be used.
    Unusable {
        /// Why, a fragment such as `tasks/test.py is not Python (line 3: invalid syntax)`.
        why: String,
    },
    /// It cannot be looked into without running it.
    Opaque {
        /// Why, a fragment.
        why: String,
    },
}

/// A dotted name in the config that must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The dotted name.
    pub name: String,
    /// Where it is in the file.
    pub span: Span,
    /// What it is used as.
    pub role: Role,
    /// The job that it belongs to; `None` for a setting.
    pub job: Option<String>,
}

/// What a dotted name is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// What a job calls.
    Task,
    /// The context that it is called in.
    ContextManager,
    /// What is told of a failure.
    ErrorHandler,
}

impl Role {
    fn code(self) -> Code {
        match self {
            Self::Task => Code::UnknownTask,
            Self::ContextManager => Code::UnknownContextManager,
            Self::ErrorHandler => Code::UnknownErrorHandler,
        }
    }
}

/// The faults of `references`, as `lookup` sees them: each name is asked for once, all in one go.
pub(super) fn check(
    references: &[Reference],
    jobs: &Roster,
    lookup: &dyn Lookup,
) -> Vec<Diagnostic> {
    if references.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<&str> = references.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let answers = match lookup.look_up(&names) {
        Ok(answers) => answers,
        Err(why) => {
            let help = "the setting `python` names the interpreter that runs them";
            return vec![unchecked(&why).with_help(help)];
        }
    };
    let job_of = |reference: &Reference| jobs.named(reference.job.as_deref()?);
    let answer_to = |name: &str| answers.get(names.binary_search(&name).ok()?);
    let is_elsewhere = |reference: &Reference| {
        job_of(reference).is_some_and(|job| lookup.finds_others(&job.surroundings))
    };
    let is_ignored = |reference: &Reference| {
        let job = job_of(reference).filter(|_| reference.role == Role::ContextManager);
        job.is_some_and(|job| !may_be_python(&job.task, answer_to))
    };
    let place = lookup.tasks_place();
    references
        .iter()
        .filter_map(|reference| {
            let fault = match answer_to(&reference.name)? {
                answer if answer.may_be_elsewhere() && is_elsewhere(reference) => {
                    fault(reference, &elsewhere())
                }
                answer if answer.may_be_elsewhere() => {
                    fault(reference, answer).map(|fault| with_place(fault, answer, place.as_ref()))
                }
                answer => fault(reference, answer),
            };
            fault.or_else(|| is_ignored(reference).then(|| ignored(reference)))
        })
        .collect()
}

/// Whether a task is a Python function, as far as can be told.
fn may_be_python<'a>(task: &Task, answer_to: impl Fn(&str) -> Option<&'a Answer>) -> bool {
    match task {
        Task::Command(_) | Task::Shell(_) => false,
        Task::Named(name) => !matches!(
            answer_to(name),
            Some(Answer::Executable { .. } | Answer::Native)
        ),
    }
}

/// Says that nothing is called in a context that is none of a Python function.
fn ignored(reference: &Reference) -> Diagnostic {
    let message = "`contextmanager` has no effect: what this job runs is no Python function";
    let mut diagnostic = Diagnostic::warning(Code::IgnoredKey, message)
        .at(reference.span)
        .with_help("remove it");
    diagnostic.job.clone_from(&reference.job);
    diagnostic
}

/// The answer where the job's own Python may find what ours does not.
fn elsewhere() -> Answer {
    Answer::Opaque {
        why: "the job's environment says where its Python finds modules".to_owned(),
    }
}

impl Answer {
    /// Why there is nothing to call, as a fragment; `None` where there is, or that cannot be told.
    #[must_use]
    pub fn lack(&self) -> Option<String> {
        match self {
            Self::NoModule { what, .. } => Some(format!("there is no {what}")),
            Self::NoFunction { file, function, .. } => {
                Some(format!("{} has no function `{function}`", file.display()))
            }
            Self::NotExecutable { file, .. } => {
                Some(format!("{} is not executable", file.display()))
            }
            Self::Unusable { why } => Some(why.clone()),
            Self::Function { .. }
            | Self::Executable { .. }
            | Self::Native
            | Self::Opaque { .. } => None,
        }
    }

    /// Whole dotted names that exist and are near.
    #[must_use]
    pub fn near(&self) -> &[String] {
        match self {
            Self::NoModule { near, .. } | Self::NoFunction { near, .. } => near,
            Self::Function { .. }
            | Self::Executable { .. }
            | Self::Native
            | Self::NotExecutable { .. }
            | Self::Unusable { .. }
            | Self::Opaque { .. } => &[],
        }
    }

    /// Whether another module of that name could be found first. The tasks folder comes before all.
    fn may_be_elsewhere(&self) -> bool {
        match self {
            Self::NoModule { .. } => true,
            Self::NoFunction { file, .. } => file.is_absolute(),
            Self::Function { .. }
            | Self::Executable { .. }
            | Self::Native
            | Self::NotExecutable { .. }
            | Self::Unusable { .. }
            | Self::Opaque { .. } => false,
        }
    }
}

/// Says that nothing was looked up.
pub(super) fn unchecked(why: &str) -> Diagnostic {
    Diagnostic::warning(Code::Unchecked, format!("tasks were not looked up: {why}"))
}

fn fault(reference: &Reference, answer: &Answer) -> Option<Diagnostic> {
    let error = |message: String| Diagnostic::error(reference.role.code(), message);
    let mut diagnostic = match answer {
        Answer::Function { .. } => return None,
        Answer::Executable { .. } | Answer::Native if reference.role == Role::Task => return None,
        Answer::Executable { .. } | Answer::Native => {
            error(format!("`{}` is no Python function", reference.name))
        }
        Answer::Opaque { why } => {
            let message = format!("`{}` was not looked up: {why}", reference.name);
            Diagnostic::warning(Code::Unchecked, message)
        }
        Answer::NoModule { .. }
        | Answer::NoFunction { .. }
        | Answer::NotExecutable { .. }
        | Answer::Unusable { .. } => {
            let mut fault = error(answer.lack().unwrap_or_default());
            fault.help.extend(did_you_mean(answer.near()));
            if let Answer::NotExecutable { path, .. } = answer {
                fault
                    .help
                    .push(format!("run `chmod +x {}`", path.display()));
            }
            fault
        }
    };
    diagnostic.span = Some(reference.span);
    diagnostic.job.clone_from(&reference.job);
    Some(diagnostic)
}

/// Where the tasks folder is not there, that is the first thing to mend; where nothing near is
/// there, it may be another folder than was meant.
fn with_place(mut fault: Diagnostic, answer: &Answer, place: Option<&TasksPlace>) -> Diagnostic {
    let is_module = matches!(answer, Answer::NoModule { .. });
    let help = match place {
        Some(TasksPlace::Gone(folder)) => {
            format!("there is no folder {} for tasks", folder.display())
        }
        Some(TasksPlace::Nowhere([one, other])) if is_module => format!(
            "there is no tasks folder: make {} or {}, or name one with `tasks directory`",
            one.display(),
            other.display()
        ),
        Some(TasksPlace::Folder(folder)) if is_module && fault.help.is_empty() => {
            format!("the tasks folder is {}", folder.display())
        }
        Some(TasksPlace::Folder(_) | TasksPlace::Nowhere(_)) | None => return fault,
    };
    fault.help.insert(0, help);
    fault
}
