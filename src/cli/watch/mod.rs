//! `sched watch`: the scheduler in the foreground.
//!
//! Only wiring: the loop is `scheduler`, and what it does not know is given to it here.

mod book;
mod carrier;
mod early;
mod failure;
mod heading;
mod outlets;
mod pruning;
mod reader;
mod repeats;
mod systemd;
mod teller;
pub(super) mod voice;

use std::io::{self, IsTerminal};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::arguments::{Format, Global, Watch};
use super::load::{self, Loaded};
use super::output::{self, Refusal};
use super::pulse::Pulse;
use super::stop::Stops;
use super::{Exit, state, trusted};
use crate::alert::{Post, Setup};
use crate::config::Config;
use crate::logging::console::{Console, Marks};
use crate::logging::{self, Form, Logging};
use crate::paths::{self, Given};
use crate::process::{Background, give_back, leave_orphans, outlive_file_limit};
use crate::reason::chain;
use crate::run::Level;
use crate::scheduler::clock::SystemClock;
use crate::scheduler::{Message, Scheduler};
use crate::task::native::Names;
use crate::watcher::Watcher;
use book::State;
use carrier::Carrier;
use early::Early;
use heading::Heading;
use outlets::Outlets;
use reader::{Errand, Reader};
use systemd::Manager;
use teller::Teller;
use voice::Voice;

/// How long the last mails are tried at the end. They wait for the next start if it is too short.
const LAST_MAILS: Duration = Duration::from_secs(2);

/// Runs jobs until a signal asks to stop; where there is no config to watch, or the system refuses
/// what watching needs, that is told.
pub(super) fn run(global: &Global, natives: &Names, arguments: &Watch, now: DateTime<Utc>) -> Exit {
    let early = Early::new(global, natives, arguments);
    watch(global, natives, arguments, early, now).unwrap_or_else(|error| early.refuse(&error))
}

fn watch(
    global: &Global,
    natives: &Names,
    arguments: &Watch,
    early: Early<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    // Before anything else: there must be no other thread yet.
    if let Some(code) = leave_orphans().context("cannot start a process to reap orphans")? {
        std::process::exit(code.into());
    }
    let background = Background::begin();
    outlive_file_limit().context("cannot prepare for files that may not grow")?;
    let Some(beginning) = Beginning::read(global, early, now)? else {
        return Ok(Exit::Failed);
    };
    let Beginning {
        path,
        loaded,
        config,
        watcher,
        errands,
        received,
    } = beginning;
    let given = global.given();
    // The state folder is private, and the log's may lie in it: it is made first.
    let place = state::place(&given, &path);
    let open = || State::open(place.clone(), now);
    let (state, secrets) = both(open, || loaded.secrets());
    let zone = &config.settings.timezone;
    let mut state = state.map_err(|error| state::refuse_second(error, global, now, zone))?;
    let console = console(arguments.log_format);
    let logging = Arc::new(open_log(global, arguments, &config, &console));
    logging.hide(secrets.clone());
    state.look_back(&config, now);
    let known = std::mem::take(&mut state.known);
    let stopped_by = Arc::new(OnceLock::new());
    let (messages, mut inbox) = mpsc::channel(4);
    let book = state.book(secrets.clone(), Arc::clone(&stopped_by), messages.clone())?;
    let socket = place.socket();
    let setup = Setup::new(&config);
    let outlets = Outlets {
        post: Post::start(place, setup, secrets, SystemClock::wall_time, true)?,
        console,
        logging,
        manager: Manager::from_environment(),
        masks: book.masks(),
        hiding: Arc::default(),
    };
    let teller = Teller {
        voice: voice(global, arguments, &loaded, &config, &outlets),
        outlets: outlets.clone(),
    };
    let reader = Reader::new(
        &loaded,
        config.clone(),
        given.clone(),
        natives.clone(),
        messages.clone(),
        watcher,
        outlets.clone(),
    );
    reader.start(loaded, received)?;
    let carrier = Carrier::new(
        &path,
        given,
        &config,
        natives.clone(),
        outlets.clone(),
        global.verbose,
    );
    give_back();
    drop(background);
    let Outlets {
        post,
        logging,
        manager,
        ..
    } = outlets;
    super::runtime()?.block_on(async {
        tokio::spawn(Signals::new(stopped_by)?.pass_on(messages, errands));
        answer_on(&socket);
        tokio::spawn(manager.beat());
        let clock = SystemClock::new();
        let mut scheduler = Scheduler::new(config, known, clock, carrier, teller, book);
        let grace = Duration::from_secs(arguments.grace);
        scheduler.run(&mut inbox, grace).await;
        io::Result::Ok(())
    })?;
    post.finish(LAST_MAILS);
    if !logging.finish() {
        early.incomplete();
    }
    Ok(Exit::Done)
}

/// The config to start with. It has been watched since before it was read: what changes in between
/// is told.
struct Beginning {
    path: PathBuf,
    loaded: Loaded,
    config: Config,
    watcher: Watcher,
    errands: Sender<Errand>,
    received: Receiver<Errand>,
}

impl Beginning {
    /// Reads it; `None` where it is not good enough to start with, which has been told then.
    fn read(global: &Global, early: Early<'_>, now: DateTime<Utc>) -> anyhow::Result<Option<Self>> {
        let given = global.given();
        let path = config_file(&given)?;
        let (errands, received) = channel();
        let watcher = watcher(&path, errands.clone())?;
        let mut loaded = load::load(&given, now).map_err(Refusal::from)?;
        // A look-up starts the Python that the config names.
        if let Some(warning) = trusted::check(&loaded, &given)? {
            early.warn(&warning);
        }
        let config = early.config_to_start_with(&mut loaded);
        Ok(config.map(|config| Self {
            path,
            loaded,
            config,
            watcher,
            errands,
            received,
        }))
    }
}

/// Who finds the words, and shows the first lines where a person looks at them.
fn voice(
    global: &Global,
    arguments: &Watch,
    loaded: &Loaded,
    config: &Config,
    outlets: &Outlets,
) -> Voice {
    let zone = config.settings.timezone.clone();
    let logging = Arc::clone(&outlets.logging);
    let voice = Voice::new(logging, loaded.path.clone(), zone, global.verbose);
    if arguments.log_format == Format::Json || global.quiet {
        return voice;
    }
    let width = output::style(global.color, &io::stderr()).width;
    let heading = Heading::new(loaded, config, &global.given(), width);
    voice.with_heading(heading, outlets.console.clone())
}

/// What two pieces of work give that need nothing of each other: the second is done beside the
/// first if the system has a thread for it.
fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, &second);
        let first = first();
        let second = match beside.map(ScopedJoinHandle::join) {
            Ok(Ok(second)) => second,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => second(),
        };
        (first, second)
    })
}

/// The config file, which must be one.
fn config_file(given: &Given) -> Result<PathBuf, Refusal> {
    let path = paths::config(given).map_err(load::Error::from)?;
    if path == Path::new("-") {
        return Err(Refusal::new(
            "only a file can be watched, not standard input",
        ));
    }
    Ok(path)
}

/// Tells the reader whenever the config, a task or the system's zone may have changed.
fn watcher(path: &Path, errands: Sender<Errand>) -> anyhow::Result<Watcher> {
    let watcher = Watcher::start(path, Vec::new(), move |news| {
        // The reader goes on until the program ends.
        let _ = errands.send(Errand::News(news));
    })?;
    watcher.set_zone(paths::zone_files());
    Ok(watcher)
}

/// Answers `sched status --check` for as long as the loop goes round.
fn answer_on(socket: &Path) {
    match Pulse::new(socket) {
        Ok(pulse) => drop(tokio::spawn(pulse.beat())),
        Err(error) => tracing::warn!(
            event = "pulse_failed",
            "`sched status --check` gets no answer: {}: {}",
            socket.display(),
            chain(&error)
        ),
    }
}

/// The program's streams: an object a line for programs, and what tasks write made harmless where
/// a person looks at it.
fn console(format: Format) -> Console {
    let marks = |terminal| match (format, terminal) {
        (Format::Json, _) => Marks::Json,
        (Format::Text, true) => Marks::MarkedAndClean,
        (Format::Text, false) => Marks::Marked,
    };
    Console::start(
        marks(io::stdout().is_terminal()),
        marks(io::stderr().is_terminal()),
        SystemClock::wall_time,
    )
}

fn open_log(global: &Global, arguments: &Watch, config: &Config, console: &Console) -> Logging {
    let level = config.settings.log_level;
    logging::start(logging::Options {
        folder: paths::log(&global.given(), config),
        level: if global.verbose { Level::Debug } else { level },
        terminal_level: Some(if global.quiet {
            Level::Error
        } else {
            Level::Debug
        }),
        zone: config.settings.timezone.clone(),
        now: SystemClock::wall_time,
        form: form(global, arguments),
        console: console.clone(),
    })
}

/// How lines look: for programs, for a journal, for a person, for a file.
fn form(global: &Global, arguments: &Watch) -> Form {
    let color = output::style(global.color, &io::stderr()).color;
    match arguments.log_format {
        Format::Json => Form::Json,
        Format::Text if is_journal() => Form::Journal,
        Format::Text if io::stderr().is_terminal() => Form::Screen { color },
        Format::Text => Form::Plain { color },
    }
}

/// Whether stderr is the journal's socket.
///
/// Source: `systemd.exec(5)`, `$JOURNAL_STREAM`: device and inode of the stream.
fn is_journal() -> bool {
    let Some(named) = std::env::var_os("JOURNAL_STREAM") else {
        return false;
    };
    let stat = nix::sys::stat::fstat(io::stderr());
    stat.is_ok_and(|stat| *named == *format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// The signals that the scheduler listens to.
struct Signals {
    stops: Stops,
    hangup: Signal,
    /// The first that asked to stop.
    stopped_by: Arc<OnceLock<&'static str>>,
}

impl Signals {
    fn new(stopped_by: Arc<OnceLock<&'static str>>) -> io::Result<Self> {
        Ok(Self {
            stopped_by,
            stops: Stops::new()?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Passes signals on for as long as anybody listens.
    async fn pass_on(mut self, messages: mpsc::Sender<Message>, errands: Sender<Errand>) {
        loop {
            let name = tokio::select! {
                name = self.stops.next() => name,
                _ = self.hangup.recv() => {
                    if errands.send(Errand::Again).is_err() {
                        return;
                    }
                    continue;
                }
            };
            // The first one is the reason.
            let _ = self.stopped_by.set(name);
            if messages.send(Message::Stop).await.is_err() {
                return;
            }
        }
    }
}

/// How the config is named in a line: its file's name.
fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
