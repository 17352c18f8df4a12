//! `sched run-once`: one job, now, in the foreground.

pub mod call;
mod diary;
mod outlook;
mod screen;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch::channel;

pub(super) use call::written;
pub(super) use outlook::NATIVE;

use super::arguments::{Format, Global, RunOnce};
use super::load::{self, Loaded};
use super::output::{self, Refusal};
use super::record::Record;
use super::watch::voice::Voice;
use super::{Exit, conceal, faulty, state, trusted, usable};
use crate::alert::{Post, Setup};
use crate::config::{Answer, Config, Lookup};
use crate::job::{Job, Task};
use crate::logging::console::{Console, Marks, Stream};
use crate::logging::{self, Form, Logging};
use crate::paths::{self, Given};
use crate::process::outlive_file_limit;
use crate::run::{Cause, Ended, Order, Outcome, Run, RunId};
use crate::scheduler::clock::SystemClock;
use crate::scheduler::{Event, Journal};
use crate::secret::Secrets;
use crate::store::Place;
use crate::task::native::Names;
use crate::task::{Ready, Tasks};
use call::{Absent, Call};
use diary::Diary;
use outlook::Outlook;
use screen::Screen;

/// How long the mails of the run are tried at the end. They wait for `sched watch` if it is too
/// short.
const LAST_MAILS: Duration = Duration::from_secs(30);

/// Runs one job.
///
/// # Errors
/// Where there is no config, no such job, or the arguments do not fit.
pub(super) fn run(
    global: &Global,
    natives: &Names,
    arguments: &RunOnce,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    let given = global.given();
    let loaded = load::load(&given, now).map_err(Refusal::from)?;
    let Some(config) = usable(&loaded, global) else {
        return Ok(Exit::Failed);
    };
    let job = std::slice::from_ref(&arguments.job);
    if let Some(exit) = faulty::refuse(&loaded, config, job, global) {
        return Ok(exit);
    }
    // The look-up starts the Python that the config names.
    if let Some(warning) = trusted::check(&loaded, &given)? {
        output::warn(&warning, global);
    }
    let tasks = loaded.tasks(&given, natives);
    let call = call::call(config, arguments, |name| find(&tasks, name))?;
    if call.has_own_arguments {
        check(&tasks, &call.job)?;
    }
    if arguments.dry_run {
        let outlook = Outlook::of(&call.job, &loaded, config, &tasks)?;
        return Ok(outlook.tell(arguments.format, &loaded.secrets())?);
    }
    carry_out(global, arguments, &loaded, config, &tasks, &call, now)
}

/// Runs what is called, in the sight of everybody who is told of a run.
fn carry_out(
    global: &Global,
    arguments: &RunOnce,
    loaded: &Loaded,
    config: &Config,
    tasks: &Tasks,
    call: &Call,
    now: DateTime<Utc>,
) -> anyhow::Result<Exit> {
    let given = global.given();
    outlive_file_limit()?;
    let run = begin(&call.job, now);
    let runtime = super::runtime()?;
    // Python takes its time to start, in which we make ready for it.
    let ready = runtime.block_on(tasks.start(&run, &call.job));
    // The state folder is private, and the log's may lie in it: it is made first.
    let place = state::place(&given, &loaded.path);
    let secrets = loaded.secrets();
    let diary = Diary::open(place.clone(), secrets.clone());
    let console = Console::start(Marks::Untouched, Marks::Untouched, SystemClock::wall_time);
    let logging = Arc::new(open_log(&given, config, &console));
    logging.hide(secrets.clone());
    let level = config.settings.log_level;
    let post = open_post(arguments, config, place, secrets.clone())?;
    let screen = Screen::new(
        global,
        arguments.format,
        level,
        console.clone(),
        Arc::clone(&logging),
        post.clone(),
        secrets.clone(),
    );
    call.notes.iter().for_each(|note| screen.note(note));
    let zone = &config.settings.timezone;
    diary.begin(&run, &screen, zone);
    let mut ended = runtime.block_on(execute(tasks, ready, &run, &call.job, &screen))?;
    conceal::output(&mut ended, &secrets);
    diary.end(&run, &ended, &screen);
    let end = Event::Ended {
        run: &run,
        job: &call.job,
        ended: &ended,
        retry: None,
    };
    let config_path = loaded.path.clone();
    Voice::new(Arc::clone(&logging), config_path, zone.clone(), false).note(&end);
    if let Some(post) = &post {
        post.ended(&run, &ended, true);
    }
    // Last comes how it ended, also where both streams go to one place.
    if runtime.block_on(readers(&console))? {
        screen.end(&call.job, &ended);
        runtime.block_on(readers(&console))?;
    }
    let record = Record::new(&run, Some(&ended), zone);
    let answered = answer(arguments.format, &record, &secrets, &console);
    if let Some(trouble) = post.and_then(|post| post.finish(LAST_MAILS)) {
        screen.error(&trouble);
        runtime.block_on(readers(&console))?;
    }
    // A disk that took no line has been complained of, and does not make the run a failure.
    let _ = logging.finish();
    let answered = answered.map_or_else(
        |error| output::refuse(&error, global.color),
        |()| Exit::Done,
    );
    // How the run ended is told first.
    Ok(match exit(ended.outcome) {
        Exit::Done => answered,
        exit => exit,
    })
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
        form: Form::Plain,
        console: console.clone(),
    })
}

/// Waits until whoever reads the output has read it, and tells whether that is so: the run is
/// over, so nothing waits for that. A signal ends it.
async fn readers(console: &Console) -> anyhow::Result<bool> {
    let mut signals = signals()?;
    while !console.finish(Duration::ZERO) {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
            () = any(&mut signals) => return Ok(false),
        }
    }
    Ok(true)
}

fn signals() -> io::Result<[Signal; 2]> {
    Ok([
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    ])
}

fn begin(job: &Job, now: DateTime<Utc>) -> Run {
    Run {
        id: RunId::new(now, fastrand::u128(..)),
        job: job.name.clone(),
        cause: Cause::Manual,
        scheduled_for: None,
        started: now,
        attempt: 1,
    }
}

fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Success => Exit::Done,
        Outcome::Timeout => Exit::Timeout,
        Outcome::Interrupted => Exit::Interrupted,
        // A run by hand is always started, so the last three do not happen.
        Outcome::Failure
        | Outcome::Killed
        | Outcome::Skipped
        | Outcome::Coalesced
        | Outcome::Missed => Exit::Failed,
    }
}

/// Finds a function that no job uses.
fn find(tasks: &Tasks, name: &str) -> Result<(), Absent> {
    match tasks.look_up(&[name]).unwrap_or_default().pop() {
        Some(
            Answer::Function { .. }
            | Answer::Executable { .. }
            | Answer::Native
            | Answer::Opaque { .. },
        ) => Ok(()),
        Some(Answer::NoModule { what, near }) => Err(Absent {
            why: name.contains('.').then(|| format!("there is no {what}")),
            near,
        }),
        Some(Answer::NoFunction {
            file,
            function,
            near,
            ..
        }) => Err(Absent {
            why: Some(format!("{} has no function `{function}`", file.display())),
            near,
        }),
        Some(Answer::Unusable { why }) => Err(Absent {
            why: Some(why),
            near: Vec::new(),
        }),
        None => Err(Absent::default()),
    }
}

/// Refuses arguments of the command line that the function cannot take.
fn check(tasks: &Tasks, job: &Job) -> anyhow::Result<()> {
    let Task::Named(name) = &job.task else {
        return Ok(());
    };
    let keywords: Vec<&str> = job
        .kwargs
        .iter()
        .filter_map(|(key, _)| key.as_str())
        .collect();
    // Without a Python to ask, the run itself says what is wrong.
    let Ok(Some(fault)) = tasks.check_call(name, &job.surroundings, job.args.len(), &keywords)
    else {
        return Ok(());
    };
    let place = format!("{}:{}: {}", fault.file, fault.line, fault.source.trim());
    Err(Refusal::new(format!("{}\n{place}", fault.message)).into())
}

/// Runs the job to its end; Ctrl-C ends it, and a second one at once.
async fn execute(
    tasks: &Tasks,
    ready: Ready,
    run: &Run,
    job: &Job,
    screen: &Screen,
) -> anyhow::Result<Ended> {
    let mut signals = signals()?;
    let (orders, order) = channel(Order::GoOn);
    let ended = tasks.run_with(ready, run, job, order, screen);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            ended = &mut ended => return Ok(ended),
            () = any(&mut signals) => orders.send_modify(harden),
        }
    }
}

/// First TERM, then KILL.
fn harden(order: &mut Order) {
    *order = match order {
        Order::GoOn => Order::Terminate,
        Order::Terminate | Order::Kill => Order::Kill,
    };
}

/// Waits for either of two signals.
async fn any([one, other]: &mut [Signal; 2]) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
