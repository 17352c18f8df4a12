//! Which file a dotted name names.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::python::lookup::{self, CallFault, CallShape, LookupError};
use super::{ArgumentError, Setup, Tasks, arguments, chain, surroundings};
use crate::config::{Answer, Lookup, Need, TasksPlace};
use crate::diagnostic::{self, Diagnostic};
use crate::job::{Job, Surroundings, Task};
use crate::process::Launch;

/// The variables that tell Python where modules are.
const PATHS: [&str; 3] = ["PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE"];

/// Several executable files have the name of a task.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` names several executable files: {}", files.join(", "))]
pub struct Ambiguous {
    name: String,
    files: Vec<String>,
}

/// What a dotted name names, as far as that can be told without Python.
pub(super) enum Named {
    /// A closure of this program.
    Native,
    /// An executable file of the tasks folder.
    Executable(PathBuf),
    /// A Python function, if it is anything.
    Python,
}

/// What `name` names.
pub(super) fn named(setup: &Setup, name: &str) -> Result<Named, Ambiguous> {
    if setup.natives.has(name) {
        return Ok(Named::Native);
    }
    let file = executable(setup, name)?;
    Ok(file.map_or(Named::Python, Named::Executable))
}

/// The executable file that `name` names, unless a Python file comes before it.
fn executable(setup: &Setup, name: &str) -> Result<Option<PathBuf>, Ambiguous> {
    let Some((folder, stem)) = program_place(setup, name) else {
        return Ok(None);
    };
    let mut files = files(&folder, stem);
    files.retain(|path| can_run(path));
    if files.len() > 1 {
        let shown = |file: &PathBuf| setup.shown(file).display().to_string();
        return Err(Ambiguous {
            name: name.to_owned(),
            files: files.iter().map(shown).collect(),
        });
    }
    Ok(files.pop())
}

/// The folder of the tasks folder in which a program of that name would be, and the name of its
/// file without an ending; `None` where a Python file comes before it.
fn program_place<'n>(setup: &Setup, name: &'n str) -> Option<(PathBuf, &'n str)> {
    let parts: Vec<_> = name.split('.').collect();
    let (Some(folder), [first, .., last]) = (&setup.tasks_folder, &parts[..]) else {
        return None;
    };
    if !parts.iter().all(|part| is_component(part)) || is_python(folder, first) {
        return None;
    }
    let above: PathBuf = parts[..parts.len() - 1].iter().collect();
    Some((folder.join(above), last))
}

/// Whether `part` is the name of one file: nothing that leads to another folder.
fn is_component(part: &str) -> bool {
    !part.is_empty() && !part.contains(['/', '\0'])
}

/// Whether the first part of a name is a Python file or package of the tasks folder.
fn is_python(folder: &Path, first: &str) -> bool {
    folder.join(format!("{first}.py")).is_file() || folder.join(first).join("__init__.py").is_file()
}

/// The files of `folder` that are called `name`, with any ending, sorted.
fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let fits = |path: &PathBuf| {
        let file = path
            .file_name()
            .and_then(|file| file.to_str())
            .unwrap_or_default();
        file == name
            || file
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(fits)
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

fn can_run(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

impl Lookup for Tasks {
    /// Native tasks and executable files are found here, the rest by one Python process. It works beside a running
    /// runtime too, and takes as long as Python does to start.
    fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String> {
        let mut answers: Vec<_> = names.iter().map(|name| self.without_python(name)).collect();
        let open = answers
            .iter()
            .zip(names)
            .filter(|(answer, _)| answer.is_none());
        let open: Vec<_> = open.map(|(_, name)| *name).collect();
        if !open.is_empty() {
            let found = apart(self.look_up_python(&open)).map_err(|error| chain(&error))?;
            let missing = answers.iter_mut().filter(|answer| answer.is_none());
            for (answer, (found, name)) in missing.zip(found.into_iter().zip(&open)) {
                *answer = Some(self.with_hints(name, found));
            }
        }
        let missing = || "Python left a name without an answer".to_owned();
        answers
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(missing)
    }

    fn tasks_place(&self) -> Option<TasksPlace> {
        Some(match &self.setup.tasks_folder {
            Some(folder) if folder.is_dir() => TasksPlace::Folder(folder.clone()),
            Some(folder) => TasksPlace::Gone(folder.clone()),
            None => {
                let beside = self.setup.config_file.parent()?;
                let above = beside.parent().unwrap_or(beside);
                TasksPlace::Nowhere([beside, above].map(|folder| folder.join("tasks")))
            }
        })
    }

    fn lacks(&self, need: &Need, surroundings: Option<&Surroundings>) -> Option<Diagnostic> {
        surroundings::lacks(need, surroundings, &self.setup)
    }

    fn finds_others(&self, surroundings: &Surroundings) -> bool {
        surroundings::variables(surroundings, &self.setup)
            .is_ok_and(|variables| variables.iter().any(|(name, _)| PATHS.contains(&&**name)))
    }
}

impl Tasks {
    /// What is wrong with each of these calls of Python functions, in the environment of a job;
    /// `None` also where nothing can be told without running a module. It works beside a running
    /// runtime too, and takes as long as Python does to start.
    ///
    /// # Errors
    /// Why Python could not be asked.
    pub fn check_calls(
        &self,
        surroundings: &Surroundings,
        calls: &[CallShape<'_>],
    ) -> Result<Vec<Option<CallFault>>, LookupError> {
        apart(async {
            let (interpreter, setup) = (self.interpreter().await?, &self.setup);
            let launch = surroundings::question(surroundings, setup)?;
            lookup::check_calls(&interpreter, setup, launch, calls).await
        })
    }

    /// What is wrong with the call of a job, as [`Self::check_calls`] tells; `None` also where it
    /// calls no Python function.
    ///
    /// # Errors
    /// Why Python could not be asked.
    pub fn check_call(&self, job: &Job) -> Result<Option<CallFault>, LookupError> {
        match shape(job).filter(|shape| self.without_python(shape.name).is_none()) {
            Some(shape) => Ok(self
                .check_calls(&job.surroundings, &[shape])?
                .pop()
                .flatten()),
            None => Ok(None),
        }
    }

    /// Why the arguments of a job cannot be handed to its program; `None` also where it calls none.
    #[must_use]
    pub fn argument_fault(&self, job: &Job) -> Option<ArgumentError> {
        let is_program = match &job.task {
            Task::Shell(_) | Task::Command(_) => true,
            Task::Named(name) => matches!(named(&self.setup, name), Ok(Named::Executable(_))),
        };
        let words = is_program.then(|| arguments(&job.args, &job.kwargs))?;
        words.err()
    }

    /// What a name names in the environment of a job. It works beside a running runtime too, and
    /// takes as long as Python does to start.
    ///
    /// # Errors
    /// Why Python could not be asked.
    pub fn look_up_for(
        &self,
        surroundings: &Surroundings,
        name: &str,
    ) -> Result<Option<Answer>, LookupError> {
        if let Some(answer) = self.without_python(name) {
            return Ok(Some(answer));
        }
        let answers = apart(async {
            let (interpreter, setup) = (self.interpreter().await?, &self.setup);
            let launch = surroundings::question(surroundings, setup)?;
            lookup::look_up(&interpreter, setup, launch, &[name]).await
        });
        Ok(answers?.pop().map(|answer| self.with_hints(name, answer)))
    }

    async fn look_up_python(&self, names: &[&str]) -> Result<Vec<Answer>, LookupError> {
        let interpreter = self.interpreter().await?;
        lookup::look_up(&interpreter, &self.setup, Launch::default(), names).await
    }

    fn without_python(&self, name: &str) -> Option<Answer> {
        Some(match named(&self.setup, name) {
            Ok(Named::Native) => Answer::Native,
            Ok(Named::Executable(file)) => Answer::Executable {
                file: self.setup.shown(&file).to_owned(),
            },
            Ok(Named::Python) => return None,
            Err(ambiguous) => Answer::Unusable {
                why: ambiguous.to_string(),
            },
        })
    }

    /// The answer for a name that Python does not find may be that a native task was meant, or a
    /// program.
    fn with_hints(&self, name: &str, answer: Answer) -> Answer {
        let is_missing = matches!(answer, Answer::NoModule { .. });
        let answer = match self.missing_program(name).filter(|_| is_missing) {
            Some(program) => program,
            None => answer,
        };
        self.with_near_natives(name, answer)
    }

    /// What a folder of the tasks folder has not, whose program `name` could be.
    fn missing_program(&self, name: &str) -> Option<Answer> {
        let (folder, stem) = program_place(&self.setup, name)?;
        let shown = |path: &Path| self.setup.shown(path).to_owned();
        let mut files = files(&folder, stem).into_iter();
        // A Python file in a folder that is no package is more likely a module than a program.
        let file = files.find(|file| file.extension().is_none_or(|ending| ending != "py"));
        if let Some(file) = file {
            return Some(Answer::NotExecutable {
                file: shown(&file),
                path: file,
            });
        }
        let (program, folder) = (
            shown(&folder.join(stem)),
            folder.is_dir().then_some(folder)?,
        );
        Some(Answer::NoModule {
            what: format!(
                "executable {program} or {program}.*, and no {}",
                shown(&folder.join("__init__.py")).display(),
                program = program.display()
            ),
            near: Vec::new(),
        })
    }

    /// The answer for a name that Python does not find may be that a native task was meant.
    fn with_near_natives(&self, name: &str, mut answer: Answer) -> Answer {
        if let Answer::NoModule { near, .. } | Answer::NoFunction { near, .. } = &mut answer {
            let natives = diagnostic::near(name, self.setup.natives.all());
            near.splice(0..0, natives.into_iter().map(str::to_owned));
        }
        answer
    }
}

/// How the function of a job is called; `None` for a job without one, and where a keyword is no
/// text, which is told elsewhere.
#[must_use]
pub fn shape(job: &Job) -> Option<CallShape<'_>> {
    let Task::Named(name) = &job.task else {
        return None;
    };
    let keywords = job.kwargs.iter().map(|(key, _)| key.as_str());
    Some(CallShape {
        name,
        positional: job.args.len(),
        keywords: keywords.collect::<Option<_>>()?,
    })
}

/// Runs a future to its end on a thread of its own, whether or not this one runs futures too.
fn apart<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let work = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a system that starts threads has a descriptor to spare")
            .block_on(future)
    };
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

impl Setup {
    /// A file as people should read it: one of the tasks folder with that folder's name and no
    /// more before it.
    pub(super) fn shown<'a>(&self, file: &'a Path) -> &'a Path {
        let folder = self.tasks_folder.as_deref();
        let folder = folder.filter(|folder| file.starts_with(folder));
        let above = folder.and_then(Path::parent);
        above
            .and_then(|above| file.strip_prefix(above).ok())
            .unwrap_or(file)
    }

    /// The folders that Python looks for task files in.
    pub(super) fn python_folders(&self) -> Vec<String> {
        let folder = self.tasks_folder.iter();
        folder
            .map(|folder| folder.to_string_lossy().into_owned())
            .collect()
    }
}
