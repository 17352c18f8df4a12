//! The config or a task may have changed.
//!
//! Folders are watched, not files: editors and Kubernetes replace files, by renaming over them or
//! by swapping a symlink on the way to them. Not for what changed: whoever is told reads again and
//! compares. That also makes a half-written save harmless, since its second half is told too. What
//! looks like the end of a save is told at once, and again when nothing has followed it.

mod trail;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::reason::chain;
use trail::Trail;

/// How long no more events must come before a change is told.
const QUIET: Duration = Duration::from_millis(100);

/// How often to look for more events meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// How many looks in vain make a quiet time, and after how many it is over in any case.
const QUIET_LOOKS: u128 = QUIET.as_millis() / LOOK.as_millis();
const MOST_LOOKS: u128 = 10 * QUIET_LOOKS;

/// How often a way is followed anew because it changed while it was followed.
const MOST_SWAPS: usize = 10;

/// How often to suspect a change where nothing can be watched.
const POLL: Duration = Duration::from_secs(10);

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The config. Nothing more has happened to it for a moment.
    Config,
    /// The config, which was closed or put in its place just now: most likely it is whole.
    /// [`Self::Config`] follows.
    Saved,
    /// Something in a folder of tasks.
    Tasks,
    /// The file that says which time zone the system is in.
    Zone,
    /// Nothing is known, but changes cannot be seen any more: from now on all other news come
    /// every ten seconds. The text says why.
    Blind(String),
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    signals: Sender<Signal>,
}

/// What the thread is told.
#[derive(Debug)]
enum Signal {
    Seen(notify::Result<notify::Event>),
    Tasks(Vec<PathBuf>),
    Zone(Vec<PathBuf>),
    End,
}

/// The state of the thread.
struct Watch<F> {
    config: PathBuf,
    tasks: Vec<PathBuf>,
    zone: Vec<PathBuf>,
    trails: Trails,
    watched: BTreeSet<PathBuf>,
    system: Option<RecommendedWatcher>,
    blind: bool,
    /// Whether the config was saved, which has not been told.
    saved: bool,
    tell: F,
}

/// The ways to all that is watched.
#[derive(Default, PartialEq, Eq)]
struct Trails {
    config: Trail,
    tasks: Trail,
    zone: Trail,
}

/// What a batch of events is about.
#[derive(Debug, Clone, Copy, Default)]
struct Suspects {
    config: bool,
    tasks: bool,
    zone: bool,
}

impl Watcher {
    /// Watches the file `config` and the folders `tasks`; `tell` is called on a thread of its own.
    ///
    /// When this returns, no change can be missed any more: read the config afterwards.
    ///
    /// # Errors
    /// Where no thread can be had. That nothing can be watched is no error but [`News::Blind`].
    pub fn start(
        config: &Path,
        tasks: Vec<PathBuf>,
        tell: impl FnMut(News) + Send + 'static,
    ) -> io::Result<Self> {
        let (signals, received) = channel();
        let events = signals.clone();
        let system = notify::recommended_watcher(move |event| {
            // Each run of a task opens and reads files: that wakes nobody.
            if matters(&event) {
                // The thread may have ended already.
                let _ = events.send(Signal::Seen(event));
            }
        });
        let mut watch = Watch {
            config: config.to_owned(),
            tasks,
            zone: Vec::new(),
            trails: Trails::default(),
            watched: BTreeSet::new(),
            system: None,
            blind: false,
            saved: false,
            tell,
        };
        match system {
            Ok(system) => watch.system = Some(system),
            Err(error) => watch.go_blind(&error),
        }
        watch.renew();
        let thread = thread::Builder::new().name("watcher".to_owned());
        thread.spawn(move || watch.run(&received))?;
        Ok(Self { signals })
    }

    /// Watches these folders of tasks from now on.
    pub fn set_tasks(&self, tasks: Vec<PathBuf>) {
        // It ends only when this is dropped.
        let _ = self.signals.send(Signal::Tasks(tasks));
    }

    /// Watches these files too, which say in which zone the system is. They are suspected at once:
    /// they may have changed just before.
    pub fn set_zone(&self, files: Vec<PathBuf>) {
        // It ends only when this is dropped.
        let _ = self.signals.send(Signal::Zone(files));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.signals.send(Signal::End);
    }
}

impl<F: FnMut(News)> Watch<F> {
    /// The work of the thread.
    fn run(mut self, signals: &Receiver<Signal>) {
        while let Some(suspects) = self.wait(signals) {
            // First watch the new way to the files, so that what is read then is watched.
            self.renew();
            if suspects.config {
                (self.tell)(News::Config);
            }
            if suspects.tasks {
                (self.tell)(News::Tasks);
            }
            if suspects.zone {
                (self.tell)(News::Zone);
            }
        }
    }

    /// Waits for events that matter, and for a moment of quiet after them; `None` at the end.
    fn wait(&mut self, signals: &Receiver<Signal>) -> Option<Suspects> {
        let mut suspects = Suspects::default();
        while !suspects.any() {
            let signal = if self.blind {
                signals.recv_timeout(POLL)
            } else {
                signals.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match signal {
                Ok(signal) => suspects = self.take(signal)?,
                Err(RecvTimeoutError::Timeout) => return Some(Suspects::all()),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        let mut quiet = 0;
        for _ in 0..MOST_LOOKS {
            if std::mem::take(&mut self.saved) {
                self.renew();
                (self.tell)(News::Saved);
            }
            thread::sleep(LOOK);
            let mut more = Suspects::default();
            while let Ok(signal) = signals.try_recv() {
                more = more.and(self.take(signal)?);
            }
            quiet = if more.any() { 0 } else { quiet + 1 };
            if quiet == QUIET_LOOKS {
                break;
            }
            suspects = suspects.and(more);
        }
        Some(suspects)
    }

    /// What a signal is about; `None` for the end.
    fn take(&mut self, signal: Signal) -> Option<Suspects> {
        match signal {
            Signal::Seen(event) => {
                let suspects = self.suspects(&event);
                let ends_save = event.is_ok_and(|event| ends_save(event.kind));
                self.saved |= suspects.config && ends_save;
                Some(suspects)
            }
            Signal::Tasks(tasks) => {
                self.tasks = tasks;
                self.renew();
                Some(Suspects::default())
            }
            Signal::Zone(files) => {
                self.zone = files;
                self.renew();
                Some(Suspects {
                    zone: true,
                    ..Suspects::default()
                })
            }
            Signal::End => None,
        }
    }

    /// What an event is about.
    fn suspects(&self, event: &notify::Result<notify::Event>) -> Suspects {
        let Ok(event) = event else {
            return Suspects::all();
        };
        if event.need_rescan() {
            return Suspects::all();
        }
        Suspects {
            config: event
                .paths
                .iter()
                .any(|path| self.trails.config.meets(path)),
            tasks: event.paths.iter().any(|path| self.is_task(path)),
            zone: event.paths.iter().any(|path| self.trails.zone.meets(path)),
        }
    }

    /// Whether a path is on the way to a folder of tasks, or a task in one.
    fn is_task(&self, path: &Path) -> bool {
        let name = path.file_name().map(OsStr::to_string_lossy);
        let scratch = name.is_some_and(|name| {
            name.starts_with('.') || name.ends_with('~') || name == "__pycache__"
        });
        let inside = path
            .parent()
            .is_some_and(|folder| self.trails.tasks.ends.contains(folder));
        self.trails.tasks.meets(path) || inside && !scratch
    }

    /// Follows the ways to the files anew, and watches the folders on them.
    fn renew(&mut self) {
        for _ in 0..MOST_SWAPS {
            self.trails = self.follow();
            self.watch_folders();
            // What was swapped before its folder was watched has not been seen.
            if self.trails == self.follow() {
                break;
            }
        }
    }

    /// The ways to the files as they are now.
    fn follow(&self) -> Trails {
        Trails {
            config: Trail::of([self.config.as_path()]),
            tasks: Trail::of(self.tasks.iter().map(PathBuf::as_path)),
            zone: Trail::of(self.zone.iter().map(PathBuf::as_path)),
        }
    }

    /// Watches the folders on the ways, and no others any more.
    fn watch_folders(&mut self) {
        let Some(mut system) = self.system.take() else {
            return;
        };
        let folders = self.trails.folders();
        for gone in self.watched.difference(&folders) {
            // It went away by itself, most likely.
            let _ = system.unwatch(gone);
        }
        let mut trouble = None;
        // Those that are watched already are watched again: one may be another folder by now.
        for folder in &folders {
            if let Err(error) = system.watch(folder, RecursiveMode::NonRecursive) {
                let limit = matches!(error.kind, ErrorKind::MaxFilesWatch);
                if (limit || self.trails.needs(folder)) && folder.exists() {
                    trouble = Some(error);
                }
            }
        }
        self.watched = folders;
        self.system = Some(system);
        match trouble {
            Some(error) => self.go_blind(&error),
            None => self.blind = false,
        }
    }

    fn go_blind(&mut self, error: &notify::Error) {
        if !std::mem::replace(&mut self.blind, true) {
            let why = match error.kind {
                ErrorKind::MaxFilesWatch => "the system's limit of watched files is reached \
                     (fs.inotify.max_user_watches, max_user_instances)"
                    .to_owned(),
                _ => chain(error),
            };
            (self.tell)(News::Blind(why));
        }
    }
}

impl Trails {
    /// The folders to watch: those on the ways, and those of tasks.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let ends = self.tasks.ends.iter().filter(|end| end.is_dir());
        let ways = self.all().into_iter().flat_map(|trail| &trail.folders);
        ways.chain(ends).cloned().collect()
    }

    /// Whether a change in `folder` could go unseen without watching it.
    fn needs(&self, folder: &Path) -> bool {
        self.all().iter().any(|trail| trail.needs(folder))
    }

    fn all(&self) -> [&Trail; 3] {
        [&self.config, &self.tasks, &self.zone]
    }
}

/// Whether an event may be a change: to open, to read and to close is none, unless it ends a write.
fn matters(event: &notify::Result<notify::Event>) -> bool {
    let Ok(event) = event else {
        return true;
    };
    let harmless = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    };
    event.need_rescan() || !harmless
}

/// Whether an event is the last of those of a save: who writes closes the file, or renames another
/// one to it.
fn ends_save(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To))
    )
}

impl Suspects {
    fn all() -> Self {
        Self {
            config: true,
            tasks: true,
            zone: true,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            config: self.config || other.config,
            tasks: self.tasks || other.tasks,
            zone: self.zone || other.zone,
        }
    }

    fn any(self) -> bool {
        self.config || self.tasks || self.zone
    }
}
