//! `sched watch`: the scheduler in the foreground.
//!
//! Only wiring: the loop is `scheduler`, and what it does not know is given to it here.

mod book;
mod carrier;
mod heading;
mod reader;
mod systemd;
mod teller;
pub(super) mod voice;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::arguments::{Format, Global, Watch};
use super::load::{self, Loaded};
use super::output::{self, Refusal};
use super::pulse::Pulse;
use super::{Exit, state, usable};
use crate::alert::{Post, Setup};
use crate::config::Config;
use crate::diagnostic::render;
use crate::logging::console::{Console, Marks};
use crate::logging::{self, Form, Logging};
use crate::paths;
use crate::process::leave_orphans;
use crate::run::Level;
use crate::scheduler::clock::SystemClock;
use crate::scheduler::{Message, Scheduler};
use crate::secret::Secrets;
use crate::watcher::Watcher;
use book::State;
use carrier::{Carrier, Passage};
use heading::Heading;
use reader::{Errand, Exits, Reader};
use systemd::Manager;
use teller::Teller;
use voice::Voice;

/// How long the last mails are tried at the end. They wait for the next start if it is too short.
const LAST_MAILS: Duration = Duration::from_secs(2);

/// Runs jobs until a signal asks to stop.
///
/// # Errors
/// Where there is no config to watch, or the system refuses what watching needs.
pub(super) fn run(global: &Global, arguments: &Watch, now: DateTime<Utc>) -> anyhow::Result<Exit> {
    // Before anything else: there must be no other thread yet.
    if let Some(code) = leave_orphans().context("cannot start a process to reap orphans")? {
        std::process::exit(code.into());
    }
    let given = global.given();
    let path = paths::config(&given).map_err(load::Error::from);
    let path = path.map_err(Refusal::from)?;
    if path == Path::new("-") {
        return Err(Refusal::new("only a file can be watched, not standard input").into());
    }
    // Watched before it is read: what changes in between is told.
    let (errands, received) = std::sync::mpsc::channel();
    let news = errands.clone();
    let watcher = Watcher::start(&path, Vec::new(), move |one| {
        // The reader goes on until the program ends.
        let _ = news.send(Errand::News(one));
    })?;
    let mut loaded = load::load(&given, now).map_err(Refusal::from)?;
    let Some(config) = config_to_start_with(&mut loaded, global, arguments.strict) else {
        return Ok(Exit::Failed);
    };
    let zone = config.settings.timezone.clone();
    let console = console();
    // The state folder is private, and the log's may lie in it: it is made first.
    let state = State::open(state::place(&given, &path), now);
    let mut state = state.map_err(|error| state::refuse_second(error, now, &zone))?;
    let logging = Arc::new(open_log(global, arguments, &config, &console));
    let secrets = Secrets::of_yaml(&loaded.text);
    logging.hide(secrets.clone());
    state.look_back(&config, now);
    let mut voice = Voice::new(Arc::clone(&logging), path.clone(), zone, global.verbose);
    if arguments.log_format == Format::Text && !global.quiet {
        let width = output::style(global.color, &io::stderr()).width;
        let heading = Heading::new(&loaded, &config, &given, width);
        voice = voice.with_heading(heading, console.clone());
    }
    let (messages, mut inbox) = mpsc::channel(4);
    let known = std::mem::take(&mut state.known);
    let socket = state.socket();
    let book = state.book(secrets.clone())?;
    let setup = Setup::new(&config);
    let place = state::place(&given, &path);
    let post = Post::start(place, setup, secrets, SystemClock::wall_time, true)?;
    let manager = Manager::from_environment();
    let reader = Reader::new(
        loaded,
        given.clone(),
        messages.clone(),
        watcher,
        Exits {
            masks: book.masks(),
            post: post.clone(),
            logging: Arc::clone(&logging),
        },
        manager.clone(),
    );
    reader.start(received)?;
    let passage = Passage {
        console,
        logging: Arc::clone(&logging),
        post: post.clone(),
    };
    let teller = Teller {
        voice,
        post: post.clone(),
        manager: manager.clone(),
    };
    let carrier = Carrier::new(&path, given, &config, passage, global.verbose);
    super::runtime()?.block_on(async {
        tokio::spawn(Signals::new()?.pass_on(messages, errands));
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
        // The console has ended; where stderr is gone too, nobody is left to tell.
        let _ = writeln!(io::stderr(), "warning: scheduler.log has not all lines");
    }
    Ok(Exit::Done)
}

/// The config, where it is good enough to start with; where it is not, that is told.
fn config_to_start_with(loaded: &mut Loaded, global: &Global, strict: bool) -> Option<Config> {
    usable(loaded, global)?;
    if strict && !is_valid(loaded, global) {
        return None;
    }
    loaded.reading.config.clone()
}

/// Answers `sched status --check` for as long as the loop goes round.
fn answer_on(socket: &Path) {
    match Pulse::new(socket) {
        Ok(pulse) => drop(tokio::spawn(pulse.beat())),
        Err(error) => tracing::warn!(
            event = "pulse_failed",
            "`sched status --check` gets no answer: {}: {error}",
            socket.display()
        ),
    }
}

/// Whether the config has no error, also none in what it names; where it has, they are told.
fn is_valid(loaded: &mut Loaded, global: &Global) -> bool {
    let tasks = loaded.tasks(&global.given());
    loaded.reading.look_up(&tasks);
    let valid = loaded.reading.is_valid();
    if !valid {
        let style = output::style(global.color, &io::stderr());
        let faults = &loaded.reading.diagnostics;
        let text = render::render(faults, &loaded.text, &loaded.name(), style);
        // Where stderr is gone, nobody is left to tell.
        let _ = io::stderr().write_all(text.as_bytes());
    }
    valid
}

/// The program's streams; what tasks write is made harmless where a person looks at it.
fn console() -> Console {
    let marks = |terminal| {
        if terminal {
            Marks::MarkedAndClean
        } else {
            Marks::Marked
        }
    };
    Console::start(
        marks(io::stdout().is_terminal()),
        marks(io::stderr().is_terminal()),
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
        most_waiting: 100_000,
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
        Format::Text if io::stderr().is_terminal() || color => Form::Screen { color },
        Format::Text => Form::Plain,
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
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Passes signals on for as long as anybody listens.
    async fn pass_on(
        mut self,
        messages: mpsc::Sender<Message>,
        errands: std::sync::mpsc::Sender<Errand>,
    ) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                _ = self.hangup.recv() => {
                    if errands.send(Errand::Again).is_err() {
                        return;
                    }
                    continue;
                }
            }
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
