//! Whole lives of the scheduler in virtual time: crashes, restarts, reloads, jumps of the clock and
//! failures at random, held against a slow model that asks each trigger second by second.
//!
//! A failing story is shrunk to a short one and printed.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;

use super::super::clock::ManualClock;
use super::super::testing::{Notebook, config, every, job, noon, reload};
use super::super::*;
use crate::job::{Roster, Seen};
use crate::run::Retry;
use crate::value::Value;

/// Something that happens.
#[derive(Debug, Clone)]
enum Act {
    /// So many seconds pass.
    Live(u64),
    /// The clock jumps ahead: the machine slept.
    Sleep(i64),
    /// The clock is set back.
    Back(i64),
    /// The scheduler is killed, and begins again so many seconds later.
    Crash(i64),
    /// It is asked to stop, and begins again so many seconds later.
    Stop(i64),
    /// The jobs get other arguments.
    Reload,
    /// All jobs are gone, and come back after so many seconds.
    Vanish(u64),
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let policy = (
        1..3_u32,
        any::<bool>(),
        proptest::option::of(0..100_u64),
        0..3_u32,
    );
    let one = (7..90_i64, 0..8_u32, any::<bool>(), policy);
    proptest::collection::vec(one, 1..8).prop_map(|all| {
        let named = all.into_iter().enumerate();
        named
            .map(|(index, (seconds, jitter_s, is_date, policy))| {
                let mut one = job(&format!("job{index}"));
                one.trigger = every(seconds, jitter_s);
                if is_date {
                    one = one.once(noon(5 * seconds));
                }
                let (max_instances, coalesce, grace, retries) = policy;
                one.with(|policy| {
                    policy.max_instances = max_instances;
                    policy.coalesce = coalesce;
                    policy.misfire_grace_time = grace.map(Duration::from_secs);
                    policy.retries = retries;
                    policy.retry_delay = Duration::from_secs(3);
                })
            })
            .collect()
    })
}

fn acts(anything: bool) -> impl Strategy<Value = Vec<Act>> {
    let rarely = u32::from(anything);
    let act = prop_oneof![
        8 => (0..200_u64).prop_map(Act::Live),
        2 => (0..900_i64).prop_map(Act::Sleep),
        3 => (0..900_i64).prop_map(Act::Crash),
        1 => (0..900_i64).prop_map(Act::Stop),
        1 => Just(Act::Reload),
        rarely => (0..900_i64).prop_map(Act::Back),
        rarely => (0..100_u64).prop_map(Act::Vanish),
    ];
    proptest::collection::vec(act, 1..25)
}

/// What the tasks did, and how many were at it.
#[derive(Debug, Clone, Default)]
struct World(Arc<std::sync::Mutex<Doings>>);

#[derive(Debug, Default)]
struct Doings {
    /// Job, fire time, attempt, in the order they began.
    begun: Vec<(String, DateTime<Utc>, u32)>,
    going: HashMap<String, u32>,
    /// When each attempt ended that failed.
    failed: HashMap<(String, DateTime<Utc>, u32), DateTime<Utc>>,
    /// The latest that any clock read.
    latest: DateTime<Utc>,
    /// What must not have happened.
    faults: Vec<String>,
}

/// Carries out runs: how long they take and how they end depends on their fire alone.
struct Chance {
    world: World,
    clock: ManualClock,
    workers: u32,
}

/// A run that is going on, also when it is dropped in the middle.
struct AtWork {
    world: World,
    job: String,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut doings = self.world.0.lock().unwrap();
        *doings.going.get_mut(&self.job).unwrap() -= 1;
    }
}

impl World {
    /// A clock reads `now`.
    fn see(&self, now: DateTime<Utc>) {
        let mut doings = self.0.lock().unwrap();
        doings.latest = doings.latest.max(now);
    }

    fn fail(&self, run: &Run, now: DateTime<Utc>) {
        let fire_time = run.scheduled_for.unwrap();
        let failed = (run.job.clone(), fire_time, run.attempt);
        self.0.lock().unwrap().failed.insert(failed, now);
    }

    fn begin(&self, run: &Run, most: u32, workers: u32) -> AtWork {
        let mut doings = self.0.lock().unwrap();
        let fire_time = run.scheduled_for.unwrap();
        let begun = (run.job.clone(), fire_time, run.attempt);
        doings.begun.push(begun);
        let going = doings.going.entry(run.job.clone()).or_default();
        *going += 1;
        let overlaps = *going > most;
        let all: u32 = doings.going.values().sum();
        let faults = [
            ("early", fire_time > doings.latest),
            ("overlaps", overlaps),
            ("too many at once", all > workers),
        ];
        let faults = faults.into_iter().filter(|(_, is_one)| *is_one);
        let faults = faults.map(|(what, _)| format!("{what}: {run:?}"));
        doings.faults.extend(faults);
        AtWork {
            world: self.clone(),
            job: run.job.clone(),
        }
    }
}

impl Runner for Chance {
    fn start(
        &mut self,
        job: Arc<Job>,
        run: Run,
        mut orders: watch::Receiver<Order>,
    ) -> impl Future<Output = Ended> + Send + 'static {
        let (world, clock, workers) = (self.world.clone(), self.clock.clone(), self.workers);
        async move {
            let most = job.policy.max_instances;
            let _at_work = {
                world.see(clock.now());
                world.begin(&run, most, workers)
            };
            let mut hasher = DefaultHasher::new();
            (&run.job, run.scheduled_for, run.attempt).hash(&mut hasher);
            let chance = hasher.finish();
            let outcome = if chance.is_multiple_of(3) {
                Outcome::Failure
            } else {
                Outcome::Success
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(chance / 3 % 40)) => {
                    if outcome == Outcome::Failure {
                        world.fail(&run, clock.now());
                    }
                }
                _ = orders.wait_for(|order| *order != Order::GoOn) => {}
            }
            Ended {
                outcome,
                ..Ended::of(Outcome::Interrupted)
            }
        }
    }

    fn configure(&mut self, _: &Config) {}
}

/// Nobody listens.
struct Silence;

impl Journal for Silence {
    fn note(&mut self, _: &Event<'_>) {}
}

/// Something to write into the notebook.
type Entry = Box<dyn FnOnce(&mut Notebook) + Send>;

/// A ledger that hands over to a writer, who takes his time. What he has not written when the
/// scheduler is killed is lost.
struct Desk {
    notebook: Notebook,
    entries: mpsc::UnboundedSender<Entry>,
}

impl Desk {
    fn hand_over(&self, entry: impl FnOnce(&mut Notebook) + Send + 'static) {
        // After a crash nobody writes.
        let _ = self.entries.send(Box::new(entry));
    }
}

async fn write(
    mut notebook: Notebook,
    mut entries: mpsc::UnboundedReceiver<Entry>,
    takes: Duration,
) {
    while let Some(entry) = entries.recv().await {
        tokio::time::sleep(takes).await;
        entry(&mut notebook);
    }
}

impl Ledger for Desk {
    fn begin(
        &mut self,
        run: &Run,
        once: bool,
        settled: DateTime<Utc>,
    ) -> impl Future<Output = Recorded> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        let run = run.clone();
        self.hand_over(move |notebook| {
            // Where its run was ended meanwhile, nobody waits for the answer.
            let _ = answer.send(notebook.write_begin(&run, once, settled));
        });
        async { answered.await.unwrap() }
    }

    fn end(&mut self, run: &Run, ended: &Ended, retry: Option<DateTime<Utc>>) {
        let (run, ended) = (run.clone(), ended.clone());
        self.hand_over(move |notebook| notebook.end(&run, &ended, retry));
    }

    fn give_up(&mut self, job: &str, retry: &Retry) {
        let (job, retry) = (job.to_owned(), *retry);
        self.hand_over(move |notebook| notebook.give_up(&job, &retry));
    }

    fn leave(&mut self, job: &str, fire_time: DateTime<Utc>) {
        let job = job.to_owned();
        self.hand_over(move |notebook| notebook.leave(&job, fire_time));
    }

    fn pass(
        &mut self,
        outcome: Outcome,
        job: &str,
        fire_times: &[DateTime<Utc>],
        settled: DateTime<Utc>,
    ) {
        let (job, fire_times) = (job.to_owned(), fire_times.to_vec());
        self.hand_over(move |notebook| notebook.pass(outcome, &job, &fire_times, settled));
    }

    fn remember(&mut self, jobs: Vec<Seen>, faulty: &[String], settings: &Settings) {
        // Nothing comes before it; and a job that was never written down was never seen.
        self.notebook.remember(jobs, faulty, settings);
    }

    fn amend(
        &mut self,
        news: Vec<Seen>,
        gone: Vec<String>,
        faulty: &[String],
        settings: &Settings,
    ) {
        let (faulty, settings) = (faulty.to_vec(), settings.clone());
        self.hand_over(move |notebook| notebook.amend(news, gone, &faulty, &settings));
    }
}

/// Longer than any jitter.
const AGES: TimeDelta = TimeDelta::minutes(10);

/// One story: the jobs and what is written down of them.
struct Story {
    jobs: Vec<Job>,
    lenient: bool,
    workers: u32,
    /// How long it takes to write one thing down.
    writing: Duration,
    notebook: Notebook,
    world: World,
}

impl Story {
    fn config(&self) -> Config {
        let mut config = config(self.jobs.clone());
        config.settings.use_docassemble_database = self.lenient;
        config.settings.max_workers = Some(self.workers);
        config
    }

    /// One life from `now` on; gives when it ended, and what is left of the acts.
    async fn live<'a>(
        &mut self,
        now: DateTime<Utc>,
        acts: &'a [Act],
    ) -> (DateTime<Utc>, &'a [Act]) {
        let clock = ManualClock::new(now);
        self.world.see(now);
        self.notebook.recover();
        let runner = Chance {
            world: self.world.clone(),
            clock: clock.clone(),
            workers: self.workers,
        };
        let known = self.notebook.known(&self.jobs, now);
        let config = self.config();
        let before = config.clone();
        let (entries, received) = mpsc::unbounded_channel();
        let notebook = self.notebook.clone();
        let writer = tokio::spawn(write(notebook.clone(), received, self.writing));
        let desk = Desk { notebook, entries };
        let mut scheduler = Scheduler::new(config, known, clock.clone(), runner, Silence, desk);
        let (sender, mut messages) = mpsc::channel(9);
        let script = self.act(&clock, sender, before, acts);
        let mut life = Box::pin(scheduler.run(&mut messages, Duration::from_secs(10)));
        let mut ended = None;
        tokio::select! {
            biased;
            () = &mut life => {}
            left = script => ended = Some(left),
        }
        let (down, left, is_stop) = ended.expect("it lives as long as there are acts");
        if is_stop {
            life.as_mut().await;
        }
        drop(life);
        drop(scheduler);
        if is_stop {
            writer.await.unwrap();
        } else {
            writer.abort();
        }
        (clock.now() + TimeDelta::seconds(down), left)
    }

    /// Carries out acts up to the end of this life; gives how long the next is away, what is left,
    /// and whether the end is an orderly one.
    async fn act<'a>(
        &mut self,
        clock: &ManualClock,
        sender: mpsc::Sender<Message>,
        mut before: Config,
        acts: &'a [Act],
    ) -> (i64, &'a [Act], bool) {
        for (index, act) in acts.iter().enumerate() {
            self.world.see(clock.now());
            let left = &acts[index + 1..];
            match act {
                Act::Live(seconds) => pass(*seconds).await,
                Act::Sleep(seconds) => clock.set(clock.now() + TimeDelta::seconds(*seconds)),
                Act::Back(seconds) => clock.set(clock.now() - TimeDelta::seconds(*seconds)),
                Act::Crash(seconds) => return (*seconds, left, false),
                Act::Stop(seconds) => {
                    sender.send(Message::Stop).await.unwrap();
                    return (*seconds, left, true);
                }
                Act::Reload => {
                    for job in &mut self.jobs {
                        job.args.push(Value::None);
                    }
                    let next = reload(&mut before, self.config());
                    sender.send(next).await.unwrap();
                }
                Act::Vanish(seconds) => {
                    let mut none = self.config();
                    none.jobs = Roster::default();
                    sender.send(reload(&mut before, none)).await.unwrap();
                    pass(*seconds).await;
                    let next = reload(&mut before, self.config());
                    sender.send(next).await.unwrap();
                }
            }
        }
        (0, &[], false)
    }

    /// All of it, and one more start that leaves nothing open; gives when that was.
    async fn tell(&mut self, mut acts: &[Act]) -> DateTime<Utc> {
        let mut now = noon(0);
        loop {
            (now, acts) = self.live(now, acts).await;
            if acts.is_empty() {
                break;
            }
        }
        for job in &mut self.jobs {
            job.policy.misfire_grace_time = None;
            job.policy.max_instances = 1_000;
        }
        self.lenient = false;
        self.workers = 1_000;
        // What still waited is over then, too.
        self.notebook.notes().waiting.clear();
        self.live(now + AGES, &[Act::Stop(0)]).await;
        self.notebook.recover();
        now
    }

    /// No attempt is made twice, each that is made has a record, and a retry follows a failure.
    fn check_runs(&self) {
        let doings = self.world.0.lock().unwrap();
        let notes = self.notebook.notes();
        assert!(doings.faults.is_empty(), "{:#?}", doings.faults);
        let distinct: BTreeSet<_> = doings.begun.iter().collect();
        assert_eq!(
            distinct.len(),
            doings.begun.len(),
            "twice: {:?}",
            doings.begun
        );
        for begun in distinct {
            let outcome = notes.records.get(begun).copied().flatten();
            assert!(
                outcome.is_some_and(Outcome::has_run),
                "{begun:?}: {outcome:?}"
            );
        }
        for ((job, at, attempt), _) in notes.records.iter().filter(|(key, _)| key.2 > 1) {
            let before = notes.records.get(&(job.clone(), *at, attempt - 1));
            assert_eq!(
                before,
                Some(&Some(Outcome::Failure)),
                "{job} {at} {attempt}"
            );
        }
    }

    /// Every failure was tried again if that was due by `end` and retries were left.
    fn check_retries(&self, end: DateTime<Utc>) {
        let doings = self.world.0.lock().unwrap();
        let notes = self.notebook.notes();
        for ((name, at, attempt), ended) in &doings.failed {
            let job = self.jobs.iter().find(|job| job.name == *name).unwrap();
            let key = |attempt| (name.clone(), *at, attempt);
            // It may have ended in the moment of a crash, and nobody saw it.
            let was_seen = notes.records[&key(*attempt)] == Some(Outcome::Failure);
            let due = *ended + TimeDelta::seconds(3 << (attempt - 1));
            if was_seen && *attempt <= job.policy.retries && due <= end {
                let next = notes.records.get(&key(attempt + 1));
                assert!(next.is_some(), "{name} {at} was not tried again at {due}");
            }
        }
    }

    /// Every fire time up to `end` has a record, and nothing else up to then has.
    fn check_fires(&self, end: DateTime<Utc>) {
        let notes = self.notebook.notes();
        for job in &self.jobs {
            let own = notes.records.keys();
            let own = own.filter(|(name, at, _)| *name == job.name && *at <= end);
            let recorded: BTreeSet<DateTime<Utc>> = own.map(|(_, at, _)| *at).collect();
            let expected: BTreeSet<DateTime<Utc>> = fire_times(job, end).collect();
            let lost: Vec<_> = expected.difference(&recorded).collect();
            let made_up: Vec<_> = recorded.difference(&expected).collect();
            assert!(
                lost.is_empty() && made_up.is_empty(),
                "{}: {lost:?} {made_up:?}",
                job.name
            );
        }
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// The fire times of a job from the beginning to `end`, found second by second.
fn fire_times(job: &Job, end: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let trigger = job.trigger.clone().anchored(noon(0));
    let seconds = 1..=(end - noon(0)).num_seconds();
    seconds
        .map(noon)
        .filter(move |at| trigger.next_after(*at - TimeDelta::seconds(1)) == Some(*at))
}

fn tell(
    jobs: Vec<Job>,
    acts: &[Act],
    (workers, writing_ms): (u32, u64),
    lenient: bool,
) -> (Story, DateTime<Utc>) {
    let mut story = Story {
        writing: Duration::from_millis(writing_ms),
        jobs,
        lenient,
        workers,
        notebook: Notebook::default(),
        world: World::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let end = runtime.block_on(story.tell(acts));
    (story, end)
}

/// How many run at once, and how many milliseconds it takes to write one thing down.
fn crew() -> impl Strategy<Value = (u32, u64)> {
    (1..5_u32, prop_oneof![Just(0), 1..2_000_u64])
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Crashes, restarts, sleep, reloads: no fire and no retry is lost, doubled or early.
    #[test]
    fn every_fire_has_one_record(
        jobs in jobs(), acts in acts(false), crew in crew(), lenient in any::<bool>(),
    ) {
        let (story, end) = tell(jobs, &acts, crew, lenient);
        story.check_runs();
        story.check_retries(end);
        story.check_fires(end);
    }

    /// Also where the clock is set back, and jobs come and go, nothing runs twice.
    #[test]
    fn nothing_runs_twice(
        jobs in jobs(), acts in acts(true), crew in crew(), lenient in any::<bool>(),
    ) {
        let (story, _) = tell(jobs, &acts, crew, lenient);
        story.check_runs();
    }
}
