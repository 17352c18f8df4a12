//! Runs are carried out by `task`, and what they say is passed on.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::alert::{Post, Setup};
use crate::cli::conceal;
use crate::config::Config;
use crate::job::Job;
use crate::logging::console::{Console, Stream};
use crate::logging::{self, Logging};
use crate::paths::{self, Given};
use crate::run::{Ended, Level, Order, Record, Run};
use crate::scheduler::{Coming, Runner};
use crate::task::native::Names;
use crate::task::{self, Output, Tasks};

/// Carries out runs with the tasks of the config that holds.
pub(super) struct Carrier {
    path: PathBuf,
    given: Given,
    /// Whether everything is wanted in the log.
    verbose: bool,
    natives: Names,
    setup: task::Setup,
    tasks: Arc<Tasks>,
    output: Arc<Passage>,
}

/// What runs say goes to the console and to the log, and what is critical to the post.
pub(super) struct Passage {
    pub(super) console: Console,
    pub(super) logging: Arc<Logging>,
    pub(super) post: Post,
}

impl Carrier {
    pub(super) fn new(
        path: &Path,
        given: Given,
        config: &Config,
        natives: Names,
        output: Passage,
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
            output: Arc::new(output),
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
        let output = Arc::clone(&self.output);
        let ready = tasks.ready(&run);
        async move {
            let mut ended = tasks.run_with(ready, &run, &job, orders, &*output).await;
            output.console.ended(&run);
            conceal::output(&mut ended, &output.logging.secrets());
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
        self.output.post.configure(Setup::new(config));
        let setup = setup(&self.path, &self.given, config, &self.natives, self.verbose);
        // Tasks remember which Python they found: they are made anew only where that may differ.
        if setup != self.setup {
            self.tasks = Arc::new(Tasks::kept_warm(setup.clone()));
            self.setup = setup;
        }
    }
}

impl Output for Passage {
    fn stdout(&self, run: &Run, bytes: &[u8]) {
        self.console.pass(Stream::Stdout, run, bytes);
    }

    fn stderr(&self, run: &Run, bytes: &[u8]) {
        self.console.pass(Stream::Stderr, run, bytes);
    }

    fn record(&self, run: &Run, record: &Record) {
        logging::task_record(run, record);
        if let Some(alarm) = &record.alarm {
            self.post.critical(run, alarm, record.at);
        }
    }

    fn handled(&self, run: &Run) {
        self.post.handled(run);
    }

    fn wants_records(&self) -> bool {
        !self.logging.is_behind()
    }
}
