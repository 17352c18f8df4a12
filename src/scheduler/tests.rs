mod mended;
mod retries;
mod simulation;

use std::cell::RefCell;
use std::rc::Rc;

use super::clock::ManualClock;
use super::plan::GivenUp;
use super::testing::{Notebook, at, config, job, noon, reload};
use super::*;

/// What the journal was told, one line an event.
type Told = Rc<RefCell<Vec<String>>>;

/// What was told of a suspension.
fn of_suspension(length: Option<Duration>) -> String {
    length.map_or_else(String::new, |length| {
        format!(" (suspended {})", length.as_secs())
    })
}

struct Diary {
    clock: ManualClock,
    told: Told,
}

impl Journal for Diary {
    fn note(&mut self, event: &Event<'_>) {
        let line = match event {
            Event::Planned { plan } => format!("planned {}", plan.jobs().len()),
            Event::Started { run, late } => {
                let late = late.map(|Late { due, by, suspended }| {
                    let other = Some(due).filter(|due| run.scheduled_for != Some(*due));
                    let other = other.map(|due| due.format(", due %H:%M:%S").to_string());
                    let other = other.unwrap_or_default();
                    format!(" late {}{other}{}", by.as_secs(), of_suspension(suspended))
                });
                let of = run.scheduled_for.unwrap().format("%H:%M:%S");
                let cause = run.cause.word();
                format!("{cause} {} {of}{}", run.job, late.unwrap_or_default())
            }
            Event::Ended {
                run, ended, retry, ..
            } => {
                let retry = retry.map(|retry| retry.format(", again %H:%M:%S").to_string());
                let word = ended.outcome.word();
                format!("{word} {}{}", run.job, retry.unwrap_or_default())
            }
            Event::Skipped { fire, since } => {
                let since = since.unwrap().format("%H:%M:%S");
                format!("skipped {}, runs since {since}", fire.job.name)
            }
            Event::Passed {
                outcome,
                passed,
                suspended,
            } => {
                let of = of_suspension(*suspended);
                let word = outcome.word();
                format!("{word} {} {}{of}", passed.job.name, passed.count)
            }
            Event::Resumed { downtime, .. } => {
                let count = |all: &[Passed]| {
                    let named = |one: &Passed| format!("{} {}", one.job.name, one.count);
                    all.iter().map(named).collect::<Vec<_>>().join(", ")
                };
                let retried = |fire: &Fire| format!(" retried {} {}", fire.job.name, fire.attempt);
                let given_up = |GivenUp { job, retry, why }: &GivenUp| {
                    format!(" given up {job} {}: {why:?}", retry.attempt)
                };
                format!(
                    "missed [{}] coalesced [{}]{}{}",
                    count(&downtime.missed),
                    count(&downtime.coalesced),
                    downtime.retried.iter().map(retried).collect::<String>(),
                    downtime.given_up.iter().map(given_up).collect::<String>(),
                )
            }
            Event::Repeated { run } => format!("repeated {}", run.job),
            Event::Dropped { fire } => format!("dropped {}", fire.job.name),
            Event::Reloaded { changes, .. } => format!("reload {changes}"),
            Event::Stopping { runs, grace } => {
                format!("stopping {} within {}", names(runs), grace.as_secs())
            }
            Event::Ending {
                runs,
                at_once: false,
            } => format!("ending {}", names(runs)),
            Event::Ending {
                runs,
                at_once: true,
            } => format!("killing {}", names(runs)),
            // So ends every story: it is not told each time.
            Event::Stopped => return,
        };
        let now = self.clock.now().format("%H:%M:%S");
        self.told.borrow_mut().push(format!("{now} {line}"));
    }
}

fn names(runs: &[&Run]) -> String {
    let names: Vec<&str> = runs.iter().map(|run| run.job.as_str()).collect();
    names.join(" ")
}

/// Runs take as many seconds as `retry_delay` of their job has, and fail where the job has retries
/// left; a job called `stubborn` ends with KILL only, one called `bug` panics.
struct Script;

/// A runner that keeps the names of the runs that it was told of, and of those that began.
#[derive(Default)]
struct Register {
    foreseen: Rc<RefCell<Vec<RunId>>>,
    begun: Rc<RefCell<Vec<RunId>>>,
}

impl Runner for Register {
    fn start(
        &mut self,
        job: Arc<Job>,
        run: Run,
        orders: watch::Receiver<Order>,
    ) -> impl Future<Output = Ended> + Send + 'static {
        self.begun.borrow_mut().push(run.id);
        carry_out(job, run, orders)
    }

    fn prepare(&mut self, soon: &[Coming]) {
        let mut foreseen = self.foreseen.borrow_mut();
        foreseen.extend(soon.iter().map(|coming| coming.id));
    }

    fn configure(&mut self, _: &Config) {}
}

impl Runner for Script {
    fn start(
        &mut self,
        job: Arc<Job>,
        run: Run,
        orders: watch::Receiver<Order>,
    ) -> impl Future<Output = Ended> + Send + 'static {
        carry_out(job, run, orders)
    }

    fn configure(&mut self, _: &Config) {}
}

async fn carry_out(job: Arc<Job>, run: Run, mut orders: watch::Receiver<Order>) -> Ended {
    assert_ne!(job.name, "bug", "a fault of the runner");
    let obeys = if job.name == "stubborn" {
        Order::Kill
    } else {
        Order::Terminate
    };
    tokio::select! {
        () = tokio::time::sleep(job.policy.retry_delay) => {
            if run.attempt <= job.policy.retries {
                Ended::of(Outcome::Failure)
            } else {
                Ended::of(Outcome::Success)
            }
        }
        _ = orders.wait_for(|order| *order >= obeys) => Ended::of(Outcome::Killed),
    }
}

/// A job whose runs take so many seconds.
fn takes(seconds: u64, name: &str) -> Job {
    job(name).with(|policy| policy.retry_delay = Duration::from_secs(seconds))
}

/// Lets a scheduler of `jobs` begin at noon while `script` goes on, then asks it to stop. Gives
/// what it told.
async fn tell<S: Future<Output = ()>>(
    jobs: impl IntoIterator<Item = Job>,
    script: impl FnOnce(ManualClock, mpsc::Sender<Message>) -> S,
) -> Vec<String> {
    tell_on(&Notebook::default(), noon(0), config(jobs), script).await
}

/// The same with what is in the notebook, at another time.
async fn tell_on<S: Future<Output = ()>>(
    notebook: &Notebook,
    now: DateTime<Utc>,
    config: Config,
    script: impl FnOnce(ManualClock, mpsc::Sender<Message>) -> S,
) -> Vec<String> {
    let clock = ManualClock::new(now);
    let told = Told::default();
    let diary = Diary {
        clock: clock.clone(),
        told: Rc::clone(&told),
    };
    notebook.recover();
    let known = notebook.known(&config.jobs, now);
    let ledger = notebook.clone();
    let mut scheduler = Scheduler::new(config, known, clock.clone(), Script, diary, ledger);
    let (sender, mut messages) = mpsc::channel(9);
    let script = script(clock, sender.clone());
    let script = async {
        script.await;
        // It may have stopped already.
        let _ = sender.send(Message::Stop).await;
    };
    tokio::join!(
        scheduler.run(&mut messages, Duration::from_secs(20)),
        script
    );
    drop(scheduler);
    Rc::try_unwrap(told).unwrap().into_inner()
}

#[tokio::test(start_paused = true)]
async fn a_run_has_the_name_that_was_foreseen() {
    let clock = ManualClock::new(noon(0));
    let diary = Diary {
        clock: clock.clone(),
        told: Told::default(),
    };
    let register = Register::default();
    let (foreseen, begun) = (Rc::clone(&register.foreseen), Rc::clone(&register.begun));
    let config = config([takes(1, "tick"), takes(1, "tock")]);
    let ledger = Notebook::default();
    let mut scheduler = Scheduler::new(config, Vec::new(), clock, register, diary, ledger);
    let (sender, mut messages) = mpsc::channel(1);
    let stop = async {
        seconds(130).await;
        sender.send(Message::Stop).await.unwrap();
    };
    tokio::join!(scheduler.run(&mut messages, Duration::ZERO), stop);
    let begun = begun.borrow();
    assert_eq!(begun.len(), 4);
    let names: std::collections::HashSet<_> = begun.iter().collect();
    assert_eq!(names.len(), 4, "each has its own");
    assert!(begun.iter().all(|id| foreseen.borrow().contains(id)));
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn jobs_run_at_their_beat_until_a_stop() {
    let told = tell([takes(1, "tick")], |_, _| seconds(130)).await;
    assert_eq!(
        told,
        [
            "12:00:00 planned 1",
            "12:01:00 schedule tick 12:01:00",
            "12:01:01 success tick",
            "12:02:00 schedule tick 12:02:00",
            "12:02:01 success tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_is_remembered_or_has_a_record() {
    let at_start = |name| takes(90, name).with(|policy| policy.run_at_start = true);
    let one_worker = || {
        let mut config = config([at_start("start"), at_start("other"), takes(1, "tick")]);
        config.settings.max_workers = Some(1);
        config
    };
    let notebook = Notebook::default();
    tell_on(&notebook, noon(0), one_worker(), |_, _| seconds(30)).await;
    let other = ("other".to_owned(), noon(0), 1);
    assert_eq!(notebook.notes().records[&other], Some(Outcome::Missed));
    assert!(
        notebook.notes().waiting.is_empty(),
        "it does not come again"
    );
    tell_on(&notebook, noon(100), one_worker(), |_, _| seconds(70)).await;
    let waiting = notebook.notes().waiting.clone();
    let at = ["other", "tick"].map(|name| (name.to_owned(), noon(120)));
    assert_eq!(waiting.into_iter().collect::<Vec<_>>(), at);
}

#[tokio::test(start_paused = true)]
async fn a_year_takes_a_moment() {
    let told = tell([takes(5, "tick").every(3600)], |_, _| {
        seconds(365 * 86_400 + 1)
    })
    .await;
    let began = told.iter().filter(|line| line.contains("schedule"));
    assert_eq!(began.count(), 365 * 24);
}

#[tokio::test(start_paused = true)]
async fn overlapping_fires_are_skipped() {
    let told = tell([takes(100, "tick")], |_, _| seconds(185)).await;
    assert_eq!(
        told[1..4],
        [
            "12:01:00 schedule tick 12:01:00",
            "12:02:00 skipped tick, runs since 12:01:00",
            "12:02:40 success tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_is_tried_again() {
    let failing = takes(3, "tick").with(|policy| policy.retries = 2);
    let told = tell([failing.every(3600)], |_, _| seconds(3700)).await;
    assert_eq!(
        told[1..],
        [
            "13:00:00 schedule tick 13:00:00",
            "13:00:03 failure tick, again 13:00:06",
            "13:00:06 retry tick 13:00:00",
            "13:00:09 failure tick, again 13:00:15",
            "13:00:15 retry tick 13:00:00",
            "13:00:18 success tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_late_because_the_machine_was_suspended_is_told_so() {
    let strict = takes(1, "strict").with(|policy| {
        policy.misfire_grace_time = Some(Duration::from_secs(2));
    });
    let told = tell([takes(1, "tick"), strict], |clock, _| async move {
        seconds(10).await;
        clock.suspend(Duration::from_secs(60));
        seconds(60).await;
        // Now it is late for another reason.
        clock.set(noon(190));
        seconds(2).await;
    })
    .await;
    assert_eq!(
        told[1..],
        [
            "12:01:10 missed strict 1 (suspended 60)",
            "12:01:10 schedule tick 12:01:00 late 10 (suspended 60)",
            "12:01:11 success tick",
            "12:02:00 schedule tick 12:02:00",
            "12:02:00 schedule strict 12:02:00",
            "12:02:01 success tick",
            "12:02:01 success strict",
            "12:03:10 missed strict 1",
            "12:03:10 schedule tick 12:03:00 late 10",
            "12:03:11 success tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_makes_fires_late_and_wakes_the_loop() {
    let told = tell([takes(1, "tick")], |clock, _| async move {
        seconds(10).await;
        clock.set(noon(190));
        seconds(2).await;
        clock.set(noon(20));
        seconds(150).await;
        clock.set(noon(239));
        seconds(5).await;
    })
    .await;
    assert_eq!(
        told[1..],
        [
            "12:03:10 coalesced tick 2",
            "12:03:10 schedule tick 12:03:00 late 10",
            "12:03:11 success tick",
            // 12:01 and 12:02 had not run, 12:03 had.
            "12:01:00 schedule tick 12:01:00",
            "12:01:01 success tick",
            "12:02:00 schedule tick 12:02:00",
            "12:02:01 success tick",
            "12:04:00 schedule tick 12:04:00",
            "12:04:01 success tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_jobs_and_lets_runs_finish() {
    let first = config([takes(90, "gone"), takes(1, "same"), takes(1, "faulty")]);
    let mut before = first.clone();
    let script = |_, messages: mpsc::Sender<Message>| async move {
        seconds(70).await;
        let mut next = config([takes(1, "new"), takes(1, "same")]);
        next.faulty = vec!["faulty".to_owned(), "never".to_owned()];
        messages.send(reload(&mut before, next)).await.unwrap();
        seconds(85).await;
    };
    let told = tell_on(&Notebook::default(), noon(0), first, script).await;
    let after: Vec<_> = told
        .iter()
        .filter(|line| line.as_str() > "12:01:02")
        .collect();
    assert_eq!(
        after,
        [
            "12:01:10 reload + new   - gone   ! faulty (faulty, keeps its earlier form)   \
             ! never (faulty, left out)   = 1 unchanged",
            "12:02:00 schedule same 12:02:00",
            "12:02:00 schedule faulty 12:02:00",
            "12:02:01 success same",
            "12:02:01 success faulty",
            "12:02:10 schedule new 12:02:10",
            "12:02:11 success new",
            "12:02:30 success gone",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_runs() {
    let told = tell([takes(15, "tick"), takes(2, "tock")], |_, _| seconds(61)).await;
    assert_eq!(
        told[3..],
        [
            "12:01:01 stopping tick tock within 20",
            "12:01:02 success tock",
            "12:01:15 success tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_grace_runs_are_ended_and_not_tried_again() {
    let slow = takes(3600, "tick").with(|policy| policy.retries = 3);
    let told = tell([slow], |_, _| seconds(61)).await;
    assert_eq!(
        told[2..],
        [
            "12:01:01 stopping tick within 20",
            "12:01:21 ending tick",
            "12:01:21 interrupted tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_ends_runs_at_once() {
    let told = tell([takes(3600, "stubborn")], |_, messages| async move {
        seconds(61).await;
        messages.send(Message::Stop).await.unwrap();
        seconds(4).await;
    })
    .await;
    assert_eq!(
        told[2..],
        [
            "12:01:01 stopping stubborn within 20",
            "12:01:05 killing stubborn",
            "12:01:05 interrupted stubborn",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_comes_through_while_a_long_backlog_is_worked_off() {
    let told = tell(
        [takes(0, "second").every(1).in_order()],
        |clock, messages| async move {
            clock.set(at("2027-11-24T12:00:00Z"));
            messages.send(Message::Stop).await.unwrap();
        },
    )
    .await;
    assert!(told.len() < 100, "{}", told.len());
}

#[tokio::test(start_paused = true)]
async fn nobody_left_to_send_messages_is_a_stop() {
    let clock = ManualClock::new(noon(0));
    let diary = Diary {
        clock: clock.clone(),
        told: Told::default(),
    };
    let config = config([job("tick")]);
    let ledger = Notebook::default();
    let mut scheduler = Scheduler::new(config, Vec::new(), clock, Script, diary, ledger);
    let (_, mut messages) = mpsc::channel(1);
    scheduler.run(&mut messages, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_runner_harms_its_run_alone() {
    let told = tell([job("bug"), takes(1, "tick")], |_, _| seconds(62)).await;
    assert_eq!(
        told[1..],
        [
            "12:01:00 schedule bug 12:01:00",
            "12:01:00 schedule tick 12:01:00",
            "12:01:00 failure bug",
            "12:01:01 success tick",
        ]
    );
}

/// The records of a notebook, one line each: `12:01:00 success tick`.
fn records(notebook: &Notebook) -> Vec<String> {
    let notes = notebook.notes();
    let mut lines: Vec<String> = notes
        .records
        .iter()
        .map(|((job, at, attempt), outcome)| {
            let word = outcome.map_or("runs", Outcome::word);
            let again = if *attempt > 1 { " again" } else { "" };
            format!("{} {word} {job}{again}", at.format("%H:%M:%S"))
        })
        .collect();
    lines.sort();
    lines
}

#[tokio::test(start_paused = true)]
async fn every_fire_has_a_record() {
    let notebook = Notebook::default();
    let jobs = [
        takes(100, "slow"),
        takes(2, "fails")
            .every(200)
            .with(|policy| policy.retries = 1),
    ];
    tell_on(&notebook, noon(0), config(jobs), |clock, _| async move {
        seconds(210).await;
        clock.set(noon(500));
        seconds(1).await;
    })
    .await;
    assert_eq!(
        records(&notebook),
        [
            "12:01:00 success slow",
            "12:02:00 skipped slow",
            "12:03:00 interrupted slow",
            "12:03:20 failure fails",
            "12:03:20 success fails again",
            "12:04:00 coalesced slow",
            "12:05:00 coalesced slow",
            "12:06:00 coalesced slow",
            "12:06:40 failure fails",
            "12:07:00 coalesced slow",
            "12:08:00 skipped slow",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_beat_and_names_what_was_missed() {
    let notebook = Notebook::default();
    let jobs = || config([takes(1, "tick")]);
    tell_on(&notebook, noon(0), jobs(), |_, _| seconds(70)).await;
    let told = tell_on(&notebook, noon(200), jobs(), |_, _| seconds(50)).await;
    assert_eq!(
        told[1..],
        [
            "12:03:20 missed [tick 2] coalesced []",
            "12:04:00 schedule tick 12:04:00",
            "12:04:01 success tick",
        ]
    );
    assert_eq!(
        records(&notebook),
        [
            "12:01:00 success tick",
            "12:02:00 missed tick",
            "12:03:00 missed tick",
            "12:04:00 success tick",
        ]
    );
}

/// What a scheduler of `config` tells that begins 200 seconds after noon, where one of `before` ran
/// for the first 70 seconds.
async fn after_a_pause(before: Config, config: Config) -> Vec<String> {
    let notebook = Notebook::default();
    tell_on(&notebook, noon(0), before, |_, _| seconds(70)).await;
    let mut told = tell_on(&notebook, noon(200), config, |_, _| seconds(9)).await;
    told.remove(0);
    told
}

#[tokio::test(start_paused = true)]
async fn a_fire_of_the_down_time_runs_within_its_grace() {
    let after = |job: Job| after_a_pause(config([job.clone()]), config([job]));
    assert_eq!(
        after(takes(1, "tick").grace(90)).await,
        [
            "12:03:20 missed [] coalesced [tick 1]",
            "12:03:20 catch-up tick 12:03:00 late 20",
            "12:03:21 success tick",
        ]
    );
    assert_eq!(
        after(takes(1, "tick").grace(30)).await,
        [
            "12:03:20 missed [tick 1] coalesced []",
            "12:03:20 catch-up tick 12:03:00 late 20",
            "12:03:21 success tick",
        ]
    );
    assert_eq!(
        after(takes(1, "tick").grace(90).in_order()).await,
        [
            "12:03:20 catch-up tick 12:02:00 late 80",
            "12:03:21 success tick",
            "12:03:21 catch-up tick 12:03:00 late 21",
            "12:03:22 success tick",
        ]
    );
    assert_eq!(
        after(takes(1, "tick").grace(10)).await,
        ["12:03:20 missed [tick 2] coalesced []"]
    );
}

/// A config with `use docassemble database`.
fn with_database(job: Job) -> Config {
    let mut config = config([job]);
    config.settings.use_docassemble_database = true;
    config
}

#[tokio::test(start_paused = true)]
async fn with_a_database_an_unchanged_job_runs_once_at_any_lateness() {
    let after = |job: Job| after_a_pause(config([takes(1, "tick")]), with_database(job));
    assert_eq!(
        after(takes(1, "tick")).await,
        [
            "12:03:20 missed [] coalesced [tick 1]",
            "12:03:25 catch-up tick 12:03:00",
            "12:03:26 success tick",
        ]
    );
    assert_eq!(
        after(takes(1, "tick").grace(10)).await,
        [
            "12:03:20 missed [tick 1] coalesced []",
            "12:03:25 catch-up tick 12:03:00",
            "12:03:26 success tick",
        ]
    );
    let mut other_call = takes(1, "tick");
    other_call.args.push(crate::value::Value::None);
    assert_eq!(
        after(other_call).await,
        ["12:03:20 missed [tick 2] coalesced []"]
    );
    assert_eq!(after(takes(1, "tick").every(61)).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_did_not_fire_before_is_not_missed() {
    let off = || takes(1, "tick").with(|policy| policy.enabled = false);
    let on = || takes(1, "tick");
    assert_eq!(
        after_a_pause(config([off()]), config([on()])).await,
        [""; 0]
    );
    assert_eq!(
        after_a_pause(config([on()]), config([off()])).await,
        [""; 0]
    );
    assert_eq!(after_a_pause(config([]), config([on()])).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_date_of_the_down_time_is_owed_and_fires_once_ever() {
    let notebook = Notebook::default();
    let jobs = || config([takes(1, "once").once(noon(100)).grace(3600)]);
    tell_on(&notebook, noon(0), jobs(), |_, _| seconds(70)).await;
    let told = tell_on(&notebook, noon(200), jobs(), |_, _| seconds(9)).await;
    assert_eq!(told[1], "12:03:20 catch-up once 12:01:40 late 100");
    // The clock is set back, and the job is removed for a while.
    for jobs in [jobs(), config([]), jobs()] {
        tell_on(&notebook, noon(50), jobs, |_, _| seconds(100)).await;
    }
    assert_eq!(records(&notebook), ["12:01:40 success once"]);
}

#[tokio::test(start_paused = true)]
async fn a_fire_of_the_down_time_survives_another_crash() {
    let notebook = Notebook::default();
    let jobs = || with_database(takes(1, "tick").every(2));
    tell_on(&notebook, noon(0), jobs(), |_, _| seconds(3)).await;
    // It ends before the five seconds are over.
    tell_on(&notebook, noon(21), jobs(), |_, _| seconds(4)).await;
    tell_on(&notebook, noon(25), jobs(), |_, _| seconds(8)).await;
    let records = records(&notebook);
    assert_eq!(records.len(), 16, "{records:#?}");
    assert!(!records.iter().any(|record| record.contains("missed")));
}
