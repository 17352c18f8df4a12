//! Those who are told of a run by hand: the history, the log, whoever gets mail, the terminal.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::diary::Diary;
use super::screen::Screen;
use super::signals::Signals;
use crate::alert::{Post, Setup};
use crate::cli::arguments::{Format, Global, RunOnce};
use crate::cli::load::Loaded;
use crate::cli::output;
use crate::cli::record::Record;
use crate::cli::watch::voice::Voice;
use crate::cli::{conceal, state};
use crate::config::Config;
use crate::job::Job;
use crate::logging::console::{Console, Marks, Stream};
use crate::logging::{self, Form, Logging};
use crate::paths::{self, Given};
use crate::run::{Ended, Outcome, Run};
use crate::scheduler::clock::SystemClock;
use crate::scheduler::{Event, Journal};
use crate::secret::Secrets;
use crate::store::Place;
use crate::trigger::Zone;

/// How long the mails of the run are tried at the end. They wait for `sched watch` if it is too
/// short.
const LAST_MAILS: Duration = Duration::from_secs(30);

/// How long who reads the output has for it after a signal.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// All of them.
pub(super) struct Audience<'a> {
    diary: Diary,
    logging: Arc<Logging>,
    voice: Voice,
    post: Option<Post>,
    screen: Screen,
    console: Console,
    secrets: Secrets,
    zone: &'a Zone,
    format: Format,
}

impl<'a> Audience<'a> {
    /// Those who are told of a run under `config`, and from whom `secrets` are kept.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn gather(
        global: &Global,
        arguments: &RunOnce,
        loaded: &Loaded,
        config: &'a Config,
        secrets: Secrets,
    ) -> io::Result<Self> {
        let given = global.given();
        // The state folder is private, and the log's may lie in it: it is made first.
        let place = state::place(&given, &loaded.path);
        let diary = Diary::open(place.clone(), secrets.clone());
        let console = Console::start(Marks::Untouched, Marks::Untouched, SystemClock::wall_time);
        let logging = Arc::new(open_log(&given, config, &console));
        logging.hide(secrets.clone());
        let zone = &config.settings.timezone;
        let voice = Voice::new(
            Arc::clone(&logging),
            loaded.path.clone(),
            zone.clone(),
            false,
        );
        let post = open_post(arguments, config, place, secrets.clone())?;
        let screen = Screen::new(
            global,
            arguments.format,
            config.settings.log_level,
            console.clone(),
            Arc::clone(&logging),
            post.clone(),
            secrets.clone(),
        );
        Ok(Self {
            diary,
            logging,
            voice,
            post,
            screen,
            console,
            secrets,
            zone,
            format: arguments.format,
        })
    }

    /// Who sees what the run writes.
    pub(super) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// A run begins, of which there is so much to be noted.
    pub(super) fn begin(&self, run: &Run, notes: &[String]) {
        for note in notes {
            self.screen.note(note);
        }
        self.diary.begin(run, &self.screen, self.zone);
    }

    /// It is over. Gives how it ended, and whether stdout took all that was for it.
    ///
    /// # Errors
    /// Where no thread can be had to wait for the mails.
    pub(super) async fn end(
        mut self,
        run: &Run,
        job: &Job,
        mut ended: Ended,
        signals: &mut Signals,
    ) -> anyhow::Result<(Outcome, anyhow::Result<()>)> {
        conceal::all(&mut ended, &self.secrets);
        self.diary.end(run, &ended, &self.screen);
        self.voice.note(&Event::Ended {
            run,
            job,
            ended: &ended,
            retry: None,
        });
        if let Some(post) = &self.post {
            post.ended(run, &ended, true);
        }
        // Last comes how it ended, also where both streams go to one place.
        if readers(&self.console, signals).await {
            self.screen.end(job, &ended);
            readers(&self.console, signals).await;
        }
        let record = Record::new(run, Some(&ended), self.zone);
        let answered = answer(self.format, &record, &self.secrets, &self.console);
        if let Some(post) = self.post
            && let Some(trouble) = last_mails(post, signals).await?
        {
            self.screen.error(&trouble);
            readers(&self.console, signals).await;
        }
        // A disk that took no line has been complained of, and does not make the run a failure.
        let _ = self.logging.finish();
        Ok((ended.outcome, answered))
    }
}

/// Writes the record for programs.
///
/// # Errors
/// Where stdout does not take it, or has not taken the output of the task.
fn answer(
    format: Format,
    record: &Record<'_>,
    secrets: &Secrets,
    console: &Console,
) -> anyhow::Result<()> {
    if format == Format::Json {
        let record = serde_json::to_string(record)?;
        writeln!(output::stdout(), "{}", secrets.mask(&record))?;
    }
    match console.fault(Stream::Stdout) {
        Some(fault) => Err(output::of_stdout(fault).into()),
        None => Ok(()),
    }
}

/// What sends mail, where that is wanted.
fn open_post(
    arguments: &RunOnce,
    config: &Config,
    place: Place,
    secrets: Secrets,
) -> io::Result<Option<Post>> {
    let setup = Setup::new(config);
    if arguments.no_mail || !setup.is_wanted() {
        return Ok(None);
    }
    Post::start(place, setup, secrets, SystemClock::wall_time, false).map(Some)
}

/// Opens `scheduler.log`; the terminal has its own form of what is said.
fn open_log(given: &Given, config: &Config, console: &Console) -> Logging {
    logging::start(logging::Options {
        folder: paths::log(given, config),
        level: config.settings.log_level,
        terminal_level: None,
        zone: config.settings.timezone.clone(),
        now: SystemClock::wall_time,
        form: Form::Plain { color: false },
        console: console.clone(),
    })
}

/// Waits until the mails are sent, and tells what kept one from it. A signal ends that: they are
/// in the outbox by then.
async fn last_mails(post: Post, signals: &mut Signals) -> io::Result<Option<String>> {
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().spawn(move || tell.send(post.finish(LAST_MAILS)))?;
    tokio::select! {
        // Where it ends without a word, nothing is known to be wrong.
        trouble = told => Ok(trouble.unwrap_or_default()),
        () = signals.end_of_patience() => Ok(Some("mail is not sent yet; `sched watch` sends it".to_owned())),
    }
}

/// Waits until whoever reads the output has read it, and tells whether that is so: the run is
/// over, so nothing waits for that. A signal ends it, but for a moment in which they may still.
async fn readers(console: &Console, signals: &mut Signals) -> bool {
    while !console.finish(Duration::ZERO) {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
            () = signals.end_of_patience() => return console.finish(LAST_WORDS),
        }
    }
    true
}
