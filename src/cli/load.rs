//! From the command line to a config that has been read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::arguments::Global;
use super::hint;
use super::output::Refusal;
use crate::config::{self, Config, DocassembleContext, Reading};
use crate::diagnostic::{Diagnostic, gather, near};
use crate::environment;
use crate::paths::{self, Given, NoConfig};
use crate::reach;
use crate::secret::Secrets;
use crate::source::{self, Source};
use crate::task::native::Names;
use crate::task::{Setup, Tasks};
use crate::words::counted;
use crate::yaml;

/// A config file, read and understood as far as it can be.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// Its text, where it is text.
    pub text: String,
    /// Tells one content from another.
    pub digest: u64,
    /// What it says.
    pub reading: Reading,
}

/// Why there is no config to read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None is given, and none is where one is looked for.
    #[error(transparent)]
    NoConfig(#[from] NoConfig),
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] source::Error),
}

/// Finds and reads the config, at the instant `now`.
///
/// # Errors
/// Where there is none, or it cannot be read. What is wrong with its text is no error but a
/// diagnostic.
pub fn load(given: &Given, now: DateTime<Utc>) -> Result<Loaded, Error> {
    let path = paths::config(given)?;
    let source = if is_stdin(&path) {
        Source::of_stdin()?
    } else {
        Source::read(&path)?
    };
    Ok(understand(path, source, now))
}

/// Reads what a config file holds.
#[must_use]
pub fn understand(path: PathBuf, source: Source, now: DateTime<Utc>) -> Loaded {
    let Source { bytes, digest } = source;
    let (text, reading) = match yaml::decode(&bytes) {
        Ok(text) => {
            drop(bytes);
            let reading = config::read(&text, &paths::outside(&path, now));
            (text, reading)
        }
        Err(diagnostic) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            (text, Reading::of_fault(*diagnostic))
        }
    };
    Loaded {
        path,
        text,
        digest,
        reading,
    }
}

impl Global {
    /// What the command line says of places.
    #[must_use]
    pub fn given(&self) -> Given {
        Given {
            config: self.config.clone(),
            tasks: self.tasks_dir.clone(),
            state: self.state_dir.clone(),
            log: self.log_dir.clone(),
        }
    }
}

/// How messages name the config file at `path`.
#[must_use]
pub fn name(path: &Path) -> String {
    if is_stdin(path) {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

impl Loaded {
    /// Whether it came from standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        is_stdin(&self.path)
    }

    /// How messages name the file.
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.path)
    }

    /// The config, where it has a usable `scheduler` section.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.reading.config.as_ref()
    }

    /// One line that says how much is wrong with the file; `None` where nothing is. To be called
    /// before anything is looked up.
    #[must_use]
    pub fn complaint(&self, global: &Global) -> Option<String> {
        let count = Count::of(&self.reading.diagnostics);
        let (name, least) = (self.name(), self.least());
        let validate = hint::command(global, "validate");
        (count != Count::default()).then(|| format!("{name} has {least}{count}; run `{validate}`"))
    }

    /// The words before a count of faults, as long as nothing was looked up: what the file names
    /// may be faulty too.
    #[must_use]
    pub fn least(&self) -> &'static str {
        if self.reading.references.is_empty() {
            ""
        } else {
            "at least "
        }
    }
}

impl Loaded {
    /// What must not be shown: the secrets of its text, and of the environment files that it names.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        let mut secrets = self.written_secrets();
        let jobs = self.config().into_iter().flat_map(|config| &config.jobs);
        let files = jobs.filter_map(|job| job.surroundings.environment_file.as_deref());
        for file in files.collect::<BTreeSet<_>>() {
            // Where it cannot be read, each run tells so.
            let place = file.to_owned();
            if let Ok(Ok(source)) = reach::wait(file, move || Source::read(&place)) {
                let text = String::from_utf8_lossy(&source.bytes);
                for (key, value) in environment::variables(&text).flatten() {
                    secrets.add_variable(key, value);
                }
            }
        }
        secrets
    }

    /// What must not be shown of the file itself. Its text is read by its looks too: it may not be
    /// YAML, and numbers are shown as they were written.
    #[must_use]
    pub fn written_secrets(&self) -> Secrets {
        let mut secrets = Secrets::of_yaml(&self.text);
        secrets.extend(&self.reading.secrets);
        secrets
    }

    /// The folder of tasks, where there is one.
    #[must_use]
    pub fn tasks_folder(&self, given: &Given) -> Option<PathBuf> {
        paths::tasks(given, &self.path, self.config())
    }

    /// The tasks that the config's jobs call, in a program with these closures.
    #[must_use]
    pub fn tasks(&self, given: &Given, natives: &Names) -> Tasks {
        let settings = self.config().map(|config| &config.settings);
        Tasks::new(Setup {
            config_file: self.path.clone(),
            tasks_folder: self.tasks_folder(given),
            python: settings.and_then(|settings| settings.python.clone()),
            docassemble_context: settings.map_or(DocassembleContext::default(), |settings| {
                settings.docassemble_context
            }),
            preload: settings.map_or_else(Vec::new, |settings| settings.preload.clone()),
            state_folder: Some(paths::state(given)),
            natives: natives.clone(),
            debug: true,
        })
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let mut refusal = Self::new(error.to_string());
        refusal.help.extend(error.help());
        refusal
    }
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let (path, source) = match self {
            Self::NoConfig(_) => {
                return Some("name one with --config, or see `sched help validate`".to_owned());
            }
            Self::Source(source::Error::Io { path, source }) => (path, source),
            Self::Source(source::Error::NotAFile { .. } | source::Error::TooLarge { .. }) => {
                return None;
            }
        };
        let name = path.file_name()?.to_str()?;
        let entries = std::fs::read_dir(paths::folder(path)).ok()?;
        let names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        let near = near(name, names.iter().map(String::as_str));
        let similar = near
            .first()
            .filter(|_| source.kind() == std::io::ErrorKind::NotFound)?;
        Some(format!("a file with a similar name exists: {similar}"))
    }
}

/// How many errors and warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Count {
    /// Counts diagnostics as they are shown.
    #[must_use]
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let shown = gather(diagnostics);
        let errors = shown.iter().filter(|one| one.diagnostic.is_error()).count();
        Self {
            errors,
            warnings: shown.len() - errors,
        }
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [(self.errors, "error"), (self.warnings, "warning")];
        let counted: Vec<String> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, noun)| counted(*n, noun))
            .collect();
        f.write_str(&counted.join(", "))
    }
}
