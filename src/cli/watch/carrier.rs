//! Runs are carried out by `task`, and what they say is passed on.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::outlets::Outlets;
use crate::alert::Setup;
use crate::cli::conceal;
use crate::config::Config;
use crate::job::Job;
use crate::paths::{self, Given};
use crate::run::{Ended, Level, Order, Run};
use crate::scheduler::{Coming, Runner};
use crate::task::native::Names;
use crate::task::{self, Tasks};

/// Carries out runs with the tasks of the config that holds.
pub(super) struct Carrier {
    path: PathBuf,
    given: Given,
    /// Whether everything is wanted in the log.
    verbose: bool,
    natives: Names,
    setup: task::Setup,
    tasks: Arc<Tasks>,
    outlets: Arc<Outlets>,
}

impl Carrier {
    pub(super) fn new(
        path: &Path,
        given: Given,
        config: &Config,
        natives: Names,
        outlets: Outlets,
        verbose: bool,
    ) -> Self {
        let setup = setup(path, &given, config, &natives, verbose);
        Self {
            natives,
            verbose,
            path: path.to_owned(),
            given,
            tasks: Arc::new(Tasks::kept_warm(setup.clone())),
            setup,
            outlets: Arc::new(outlets),
        }
    }
}

fn setup(
    path: &Path,
    given: &Given,
    config: &Config,
    natives: &Names,
    verbose: bool,
) -> task::Setup {
    task::Setup {
        config_file: path.to_owned(),
        tasks_folder: paths::tasks(given, path, Some(config)),
        python: config.settings.python.clone(),
        docassemble_context: config.settings.docassemble_context,
        preload: config.settings.preload.clone(),
        state_folder: Some(paths::state(given)),
        natives: natives.clone(),
        debug: verbose || config.settings.log_level == Level::Debug,
    }
}

impl Runner for Carrier {
    fn start(
        &mut self,
        job: Arc<Job>,
        run: Run,
        orders: watch::Receiver<Order>,
    ) -> impl Future<Output = Ended> + Send + 'static {
        let tasks = Arc::clone(&self.tasks);
        let outlets = Arc::clone(&self.outlets);
        let ready = tasks.ready(&run);
        async move {
            let mut ended = tasks.run_with(ready, &run, &job, orders, &*outlets).await;
            outlets.console.ended(&run);
            conceal::all(&mut ended, &outlets.logging.secrets());
            ended
        }
    }

    fn prepare(&mut self, soon: &[Coming]) {
        let runs = soon.iter().map(|Coming { fire, id }| {
            let run = fire.run(*id, fire.due);
            (Arc::clone(&fire.job), run)
        });
        self.tasks.prepare(runs);
    }

    fn configure(&mut self, config: &Config) {
        self.outlets.post.configure(Setup::new(config));
        let folder = paths::log(&self.given, config);
        self.outlets.logging.set_folder(&folder);
        let setup = setup(&self.path, &self.given, config, &self.natives, self.verbose);
        // Tasks remember which Python they found: they are made anew only where that may differ.
        if setup != self.setup {
            self.tasks = Arc::new(Tasks::kept_warm(setup.clone()));
            self.setup = setup;
        }
    }
}
