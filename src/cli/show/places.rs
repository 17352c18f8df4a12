//! Where files are, who says so, and what else depends on the machine: comments before what is
//! shown.

use std::env::var_os;
use std::path::{Path, PathBuf};

use crate::clean;
use crate::cli::arguments::Global;
use crate::cli::load::Loaded;
use crate::config::Config;
use crate::paths;
use crate::scheduler;

/// One of the places that a command works with.
struct Place<'a> {
    word: &'static str,
    /// Where it is; `None` where there is none.
    path: Option<PathBuf>,
    /// What the command line, or the environment, says of it.
    given: Option<&'a Path>,
    option: &'static str,
    variable: &'static str,
    /// Whether the config says something.
    is_configured: bool,
}

/// One line for each.
pub(super) fn text(global: &Global, loaded: &Loaded, config: &Config) -> String {
    let given = global.given();
    let (settings, directives) = (&config.settings, &config.directives);
    let places = [
        Place {
            word: "config",
            path: Some(loaded.path.clone()),
            given: global.config.as_deref(),
            option: "--config",
            variable: "SCHED_CONFIG",
            is_configured: false,
        },
        Place {
            word: "tasks",
            path: paths::tasks(&given, &loaded.path, Some(config)),
            given: global.tasks_dir.as_deref(),
            option: "--tasks-dir",
            variable: "SCHED_TASKS_DIR",
            is_configured: settings.tasks_directory.is_some(),
        },
        Place {
            word: "state",
            path: Some(paths::state(&given)),
            given: global.state_dir.as_deref(),
            option: "--state-dir",
            variable: "SCHED_STATE_DIR",
            is_configured: false,
        },
        Place {
            word: "log",
            path: Some(paths::log(&given, config)),
            given: global.log_dir.as_deref(),
            option: "--log-dir",
            variable: "SCHED_LOG_DIR",
            is_configured: settings.log_directory.is_some() || directives.log.is_some(),
        },
    ];
    let places = places.iter().map(Place::line);
    places.chain(workers(config)).collect::<Vec<_>>().concat()
}

/// How many runs may go on at once, where the machine says so: in a config that is shown on
/// another one, the number would be wrong.
fn workers(config: &Config) -> Option<String> {
    let is_default = config.settings.max_workers.is_none();
    let line = || {
        format!(
            "# max workers: {} (default, 4 per core)\n",
            scheduler::workers(config)
        )
    };
    is_default.then(line)
}

impl Place<'_> {
    fn line(&self) -> String {
        let path = self.path.as_ref().map(|path| path.display().to_string());
        let path = path.unwrap_or_else(|| "none".to_owned());
        let line = format!("# {}: {path} ({})", self.word, self.origin());
        format!("{}\n", clean::line(&line))
    }

    /// Who named the place; the variable where it says the same as the option.
    fn origin(&self) -> String {
        match self.given {
            Some(given) if var_os(self.variable).is_some_and(|path| given == Path::new(&path)) => {
                format!("environment variable {}", self.variable)
            }
            Some(_) => self.option.to_owned(),
            None if self.is_configured => "the config".to_owned(),
            None => "default".to_owned(),
        }
    }
}
