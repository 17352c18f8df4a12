//! Reading the config again, on a thread of its own, so that no job is late because of it.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;

use tokio::sync::mpsc;

use super::short_name;
use super::systemd::Manager;
use crate::alert::Post;
use crate::cli::load::{self, Loaded};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::place::Lines;
use crate::logging::Logging;
use crate::paths::Given;
use crate::scheduler::Message;
use crate::scheduler::clock::SystemClock;
use crate::secret::Secrets;
use crate::source::Source;
use crate::store::Masks;
use crate::watcher::{News, Watcher};

/// What follows from a config that cannot be used.
const STAYS: &str = "nothing changed: the config that was read before stays in force";

/// What the reader is asked for.
#[derive(Debug)]
pub(super) enum Errand {
    /// Look whether what changed concerns us.
    News(News),
    /// Read the config again, whatever happened (SIGHUP).
    Again,
}

/// Whoever reads the config when it may have changed.
pub(super) struct Reader {
    loaded: Loaded,
    given: Given,
    messages: mpsc::Sender<Message>,
    watcher: Watcher,
    exits: Exits,
    manager: Manager,
    /// The faults that have been told; a fault is told again when it returns.
    told: HashSet<String>,
    /// Why the file could not be read, the last time.
    unreadable: Option<String>,
}

/// Where text goes out, and secrets must not.
pub(super) struct Exits {
    pub(super) masks: Masks,
    pub(super) post: Post,
    pub(super) logging: Arc<Logging>,
}

impl Exits {
    fn hide(&self, secrets: &Secrets) {
        self.masks.set(secrets.clone());
        self.post.hide(secrets.clone());
        self.logging.hide(secrets.clone());
    }
}

impl Reader {
    pub(super) fn new(
        loaded: Loaded,
        given: Given,
        messages: mpsc::Sender<Message>,
        watcher: Watcher,
        exits: Exits,
        manager: Manager,
    ) -> Self {
        Self {
            exits,
            manager,
            loaded,
            given,
            messages,
            watcher,
            told: HashSet::new(),
            unreadable: None,
        }
    }

    /// Reads on a thread until nobody can send errands any more.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn start(mut self, errands: Receiver<Errand>) -> io::Result<()> {
        let thread = thread::Builder::new().name("reader".to_owned());
        thread.spawn(move || {
            self.look_up();
            for errand in errands {
                self.take(errand);
            }
        })?;
        Ok(())
    }

    fn take(&mut self, errand: Errand) {
        match errand {
            Errand::News(News::Config) => self.read(false),
            Errand::Again => {
                // Whoever asks wants to hear it again.
                self.unreadable = None;
                self.read(true);
            }
            Errand::News(News::Tasks) => self.look_up(),
            Errand::News(News::Blind(why)) => tracing::warn!(
                event = "watch_blind",
                "changes of files cannot be seen, they are looked for every 10 seconds: {why}"
            ),
        }
    }

    /// Reads the config, and lets the scheduler go on with it where it is usable.
    fn read(&mut self, even_if_same: bool) {
        let path = self.loaded.path.clone();
        let source = match Source::read(&path) {
            Ok(source) => source,
            Err(error) => return self.tell_unreadable(error.to_string()),
        };
        let was_unreadable = self.unreadable.take().is_some();
        if source.digest == self.loaded.digest && !even_if_same && !was_unreadable {
            return;
        }
        self.manager.reloading();
        let loaded = load::understand(path, &source, SystemClock::wall_time());
        if let Some(config) = &loaded.reading.config {
            self.exits.hide(&loaded.secrets());
            let message = Message::Reload(Box::new(config.clone()));
            self.loaded = loaded;
            // Once the scheduler has ended, nobody needs it.
            let _ = self.messages.blocking_send(message);
            self.look_up();
        } else {
            // The same bytes are not told twice.
            self.loaded.digest = loaded.digest;
            self.refuse(&tellings(&loaded).join("\n"));
        }
    }

    fn tell_unreadable(&mut self, error: String) {
        if self.unreadable.as_ref() != Some(&error) {
            self.manager.reloading();
            self.refuse(&error);
            self.unreadable = Some(error);
        }
    }

    /// Tells that a config cannot be used, and what follows from that.
    fn refuse(&self, why: &str) {
        tracing::error!(event = "reload_refused", "{why}\n{STAYS}");
        self.manager.ready(STAYS);
    }

    /// Looks whether the tasks exist, and tells every error of the config that is new.
    fn look_up(&mut self) {
        let tasks = self.loaded.tasks(&self.given);
        let folder = self.loaded.tasks_folder(&self.given);
        self.watcher
            .set_tasks(folder.into_iter().collect::<Vec<PathBuf>>());
        let mut loaded = self.loaded.clone();
        loaded.reading.look_up(&tasks);
        let faults = tellings(&loaded);
        for fault in &faults {
            if !self.told.contains(fault) {
                tracing::error!(event = "config_fault", "{fault}");
            }
        }
        self.told = faults.into_iter().collect();
    }
}

/// The errors of a config, one line each: `config.yml:7:15: what is wrong; what to do`.
pub(super) fn tellings(loaded: &Loaded) -> Vec<String> {
    let lines = Lines::of(&loaded.text);
    let secrets = loaded.secrets();
    let name = short_name(&loaded.path);
    let errors = loaded.reading.diagnostics.iter();
    errors
        .filter(|one| one.is_error())
        .map(|one| secrets.mask(&telling(one, &lines, &name)).into_owned())
        .collect()
}

fn telling(diagnostic: &Diagnostic, lines: &Lines<'_>, name: &str) -> String {
    let place = diagnostic.span.map_or_else(
        || name.to_owned(),
        |span| {
            let position = lines.position(span.start);
            format!("{name}:{}:{}", position.line, position.column)
        },
    );
    let help = diagnostic.help.first();
    let help = help.map(|help| format!("; {help}")).unwrap_or_default();
    format!("{place}: {}{help}", diagnostic.message)
}
