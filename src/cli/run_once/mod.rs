//! `sched run-once`: one job, now, in the foreground.

mod audience;
pub mod call;
mod diary;
mod outlook;
mod screen;
mod signals;

use chrono::{DateTime, Utc};
use tokio::sync::watch::channel;

pub(super) use call::written;
pub(super) use outlook::NATIVE;

use super::arguments::{Global, RunOnce};
use super::load::{self, Loaded};
use super::output::{self, Refusal};
use super::{Exit, faulty, trusted, usable};
use crate::config::{Answer, Config, Lookup};
use crate::job::Job;
use crate::process::outlive_file_limit;
use crate::run::{Cause, Ended, Order, Outcome, Run, RunId};
use crate::secret::Secrets;
use crate::task::native::Names;
use crate::task::{Ready, Tasks};
use audience::Audience;
use call::{Absent, Call};
use outlook::Outlook;
use screen::Screen;
use signals::Signals;

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
    if call.is_own {
        check(&tasks, &call.job)?;
    }
    if arguments.dry_run {
        let outlook = Outlook::of(&call.job, &loaded, config, &tasks)?;
        return Ok(outlook.tell(arguments.format, &secrets(&loaded, &call.job))?);
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
    outlive_file_limit()?;
    let (job, run) = (&call.job, begin(&call.job, now));
    super::runtime()?.block_on(async {
        // Python takes its time to start, in which we make ready for it.
        let ready = tasks.start(&run, job).await;
        let mut signals = Signals::new()?;
        let audience = Audience::gather(global, arguments, loaded, config, secrets(loaded, job))?;
        audience.begin(&run, &call.notes);
        let ended = execute(tasks, ready, &run, job, audience.screen(), &mut signals).await;
        let (outcome, answered) = audience.end(&run, job, ended, &mut signals).await?;
        let answered = answered.map_or_else(
            |error| output::refuse(&error, global.color),
            |()| Exit::Done,
        );
        // How the run ended is told first.
        Ok(match exit(outcome) {
            Exit::Done => answered,
            exit => exit,
        })
    })
}

/// What must not be shown: what the config hides, and the secrets among the keyword arguments.
fn secrets(loaded: &Loaded, job: &Job) -> Secrets {
    let mut secrets = loaded.secrets();
    secrets.add_entries(&job.kwargs);
    secrets
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
    let absent = |why, near| Err(Absent { why, near });
    // What has no dot is meant as the name of a job.
    let of_function = |why| name.contains('.').then_some(why);
    match tasks.look_up(&[name]).map(|mut answers| answers.pop()) {
        Ok(Some(answer)) => match answer.lack() {
            None => Ok(()),
            Some(why) if matches!(answer, Answer::NoModule { .. }) => {
                absent(of_function(why), answer.near().to_vec())
            }
            why => absent(why, answer.near().to_vec()),
        },
        Err(why) => absent(of_function(why), Vec::new()),
        Ok(None) => Err(Absent::default()),
    }
}

/// Refuses a call of the command line that the function, or the program, cannot take.
fn check(tasks: &Tasks, job: &Job) -> anyhow::Result<()> {
    let fault = match (tasks.argument_fault(job), tasks.check_call(job)) {
        (Some(fault), _) => fault.to_string(),
        (None, Ok(Some(fault))) => format!("{}\n{}", fault.message, fault.place()),
        // Without a Python to ask, the run itself says what is wrong.
        (None, Ok(None) | Err(_)) => return Ok(()),
    };
    Err(Refusal::new(fault).into())
}

/// Runs the job to its end; Ctrl-C ends it, and a second one at once.
async fn execute(
    tasks: &Tasks,
    ready: Ready,
    run: &Run,
    job: &Job,
    screen: &Screen,
    signals: &mut Signals,
) -> Ended {
    let (orders, order) = channel(Order::GoOn);
    let ended = tasks.run_with(ready, run, job, order, screen);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            ended = &mut ended => return ended,
            () = signals.next() => orders.send_modify(harden),
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
