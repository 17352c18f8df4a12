//! Reading the config again, on a thread of its own, so that no job is late because of it.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::outlets::Outlets;
use super::short_name;
use crate::cli::load::{self, Loaded};
use crate::cli::output::Refusal;
use crate::cli::trusted;
use crate::config::{Config, ZoneOrigin};
use crate::diagnostic::render;
use crate::paths::{self, Given};
use crate::process::give_back;
use crate::scheduler::Message;
use crate::scheduler::clock::SystemClock;
use crate::scheduler::reload::{Reload, follow, keeps_all};
use crate::source::Source;
use crate::task::native::Names;
use crate::trigger::Zone;
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
    path: PathBuf,
    /// Tells the content that was read last from another.
    digest: u64,
    /// What was read just after a save, and is not used before it is certain that it is whole.
    early: Option<Loaded>,
    /// The config that is in force: its jobs are those that the scheduler has.
    config: Config,
    given: Given,
    natives: Names,
    messages: mpsc::Sender<Message>,
    watcher: Watcher,
    outlets: Outlets,
    /// The faults that have been told; a fault is told again when it returns.
    told: HashSet<String>,
    /// Why the file could not be read, the last time.
    unreadable: Option<String>,
    /// The content that was not used because others could change what it runs, and how that was
    /// told.
    distrusted: Option<(u64, String)>,
}

impl Reader {
    pub(super) fn new(
        loaded: &Loaded,
        config: Config,
        given: Given,
        natives: Names,
        messages: mpsc::Sender<Message>,
        watcher: Watcher,
        outlets: Outlets,
    ) -> Self {
        Self {
            outlets,
            path: loaded.path.clone(),
            digest: loaded.digest,
            early: None,
            config,
            given,
            natives,
            messages,
            watcher,
            told: HashSet::new(),
            unreadable: None,
            distrusted: None,
        }
    }

    /// Looks on a thread at what `loaded` names, then reads until nobody can send errands any more.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn start(mut self, loaded: Loaded, errands: Receiver<Errand>) -> io::Result<()> {
        let thread = thread::Builder::new().name("reader".to_owned());
        thread.spawn(move || {
            self.look_up(loaded);
            give_back();
            for errand in errands {
                self.take(errand);
                give_back();
            }
        })?;
        Ok(())
    }

    fn take(&mut self, errand: Errand) {
        match errand {
            Errand::News(News::Saved) => self.read_early(),
            Errand::News(News::Config) => self.read(false),
            Errand::Again => {
                // Whoever asks wants to hear it again.
                self.unreadable = None;
                self.distrusted = None;
                self.read(true);
            }
            Errand::News(News::Tasks) => self.look_again(),
            Errand::News(News::Zone) => self.look_at_zone(),
            Errand::News(News::Blind(why)) => tracing::warn!(
                event = "watch_blind",
                "changes of files cannot be seen, they are looked for every 10 seconds: {why}"
            ),
        }
    }

    /// Reads the config again where it follows the system's time zone, and that is another one.
    fn look_at_zone(&mut self) {
        let Some(before) = system_zone(&self.config) else {
            return;
        };
        let (zone, from) = paths::zone();
        if zone != before {
            tracing::warn!(
                event = "zone_changed",
                tag = "zone",
                "the time zone is {} now ({}), and was {}",
                zone.name(),
                from.word(),
                before.name()
            );
            self.read(true);
        }
    }

    /// Reads the config, and lets the scheduler go on with it where it is usable.
    fn read(&mut self, even_if_same: bool) {
        let source = match Source::read(&self.path) {
            Ok(source) => source,
            Err(error) => return self.tell_unreadable(error.to_string()),
        };
        let was_unreadable = self.unreadable.take().is_some();
        let early = self.early.take();
        if source.digest == self.digest && !even_if_same && !was_unreadable {
            self.distrusted = None;
            return;
        }
        self.outlets.manager.reloading();
        let early = early.filter(|early| early.digest == source.digest && !even_if_same);
        let loaded = early.unwrap_or_else(|| self.understand(source));
        self.go_on_with(loaded);
    }

    /// Reads a config that was saved just now. It is used at once where nothing is wrong with it and
    /// no job is gone; else more of it may be to come, and [`Self::read`] will tell.
    fn read_early(&mut self) {
        self.early = None;
        let Ok(source) = Source::read(&self.path) else {
            return;
        };
        if source.digest == self.digest {
            return;
        }
        let loaded = self.understand(source);
        let is_whole = |config| loaded.reading.is_valid() && keeps_all(&self.config.jobs, config);
        if loaded.config().is_some_and(is_whole)
            && trusted::distrust(&loaded, &self.given).is_none()
        {
            self.unreadable = None;
            self.outlets.manager.reloading();
            self.go_on_with(loaded);
        } else {
            self.early = Some(loaded);
        }
    }

    /// Lets the scheduler go on with a config where it is usable.
    fn go_on_with(&mut self, mut loaded: Loaded) {
        let is_usable = loaded.config().is_some();
        let distrust = is_usable.then(|| trusted::distrust(&loaded, &self.given));
        if let Some(refusal) = distrust.flatten() {
            return self.tell_distrusted(loaded.digest, &refusal);
        }
        self.distrusted = None;
        // The same bytes are not told twice.
        self.digest = loaded.digest;
        if !is_usable {
            return self.refuse(&tellings(&loaded).join("\n"));
        }
        self.outlets.hide(&loaded.secrets());
        if let Some(config) = loaded.reading.config.take() {
            let reload = follow(&self.config, config);
            loaded.reading.config = Some(reload.config.clone());
            self.pass_on(reload);
        }
        self.look_up(loaded);
    }

    /// Lets the scheduler go on with another config, and waits until it does. What held before is
    /// freed then: here, not where runs would wait for that.
    fn pass_on(&mut self, reload: Reload) {
        let config = reload.config.clone();
        let reload = Box::new(reload);
        let (done, holds) = oneshot::channel();
        // Once the scheduler has ended, nobody needs it.
        let _ = self
            .messages
            .blocking_send(Message::Reload { reload, done });
        let _ = holds.blocking_recv();
        self.config = config;
    }

    fn understand(&self, source: Source) -> Loaded {
        load::understand(self.path.clone(), source, SystemClock::wall_time())
    }

    fn tell_unreadable(&mut self, error: String) {
        if self.unreadable.as_ref() != Some(&error) {
            self.outlets.manager.reloading();
            self.refuse(&error);
            self.unreadable = Some(error);
        }
    }

    /// Tells once that others could change what a config runs. It is looked at again with every
    /// news: to mend that changes none of its bytes.
    fn tell_distrusted(&mut self, digest: u64, refusal: &Refusal) {
        let why = format!("{}; {}", refusal.message, refusal.help.join(", "));
        let now = Some((digest, why.clone()));
        if self.distrusted == now {
            self.outlets.manager.ready(STAYS);
        } else {
            self.refuse(&why);
            self.distrusted = now;
        }
    }

    /// Tells that a config cannot be used, and what follows from that.
    fn refuse(&self, why: &str) {
        tracing::error!(event = "reload_refused", "{why}\n{STAYS}");
        self.outlets.manager.ready(STAYS);
    }

    /// Looks whether the tasks exist, now that one may have changed.
    fn look_again(&mut self) {
        match Source::read(&self.path) {
            Ok(source) if source.digest == self.digest => self.look_up(self.understand(source)),
            // Perhaps it was a task that others could change.
            Ok(_) if self.distrusted.is_some() => self.read(false),
            // News of it is on the way.
            Ok(_) | Err(_) => {}
        }
    }

    /// Looks whether the tasks exist, and tells every error of the config that is new.
    fn look_up(&mut self, mut loaded: Loaded) {
        if loaded.reading.config.is_none() {
            return;
        }
        let tasks = loaded.tasks(&self.given, &self.natives);
        let folder = loaded.tasks_folder(&self.given);
        self.watcher
            .set_tasks(folder.into_iter().collect::<Vec<PathBuf>>());
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

/// The zone of a config that leaves it to the system.
fn system_zone(config: &Config) -> Option<Zone> {
    match config.settings.timezone_from {
        ZoneOrigin::Scheduler | ZoneOrigin::Docassemble => None,
        ZoneOrigin::Tz | ZoneOrigin::System => Some(config.settings.timezone.clone()),
    }
}

/// The errors of a config, one line each: `config.yml:7:15: what is wrong; what to do`.
pub(super) fn tellings(loaded: &Loaded) -> Vec<String> {
    let errors = loaded.reading.diagnostics.iter();
    let errors = errors.filter(|one| one.is_error());
    let lines = render::lines(errors, &loaded.text, &short_name(&loaded.path));
    let secrets = loaded.secrets();
    let masked = lines.iter().map(|line| secrets.mask(line).into_owned());
    masked.collect()
}
