//! How one job stands.

use chrono::{DateTime, Utc};

use crate::cli::history::result;
use crate::cli::output::Paint;
use crate::cli::{state, time};
use crate::config::Config;
use crate::job::Job;
use crate::run::{Ended, Outcome};
use crate::store::{Entry, Error, Filter, Store};
use crate::trigger::Zone;

/// How often in a row a job must fail before that is worth a note.
const STREAK: u32 = 2;

/// One job, as it stands.
pub(super) struct Standing<'a> {
    pub(super) name: String,
    /// What the config says of it.
    form: Form<'a>,
    /// Its last result.
    pub(super) last: Option<Entry>,
    /// The last run that came to an end of its own, and in how many such runs in a row it ended as
    /// well or as badly: what was missed or interrupted mends nothing.
    telling: Option<Entry>,
    streak: u32,
    /// When it last went well, where it does not now.
    last_ok: Option<DateTime<Utc>>,
    /// Its runs that go on, the newest first.
    pub(super) running: Vec<Entry>,
}

/// What the config says of a job.
enum Form<'a> {
    Sound {
        job: &'a Job,
        next: Option<DateTime<Utc>>,
    },
    /// It is faulty. A watcher that knew it before goes on with what it knew.
    Faulty,
    /// Nothing, as it cannot be read. A watcher goes on with all its jobs.
    Unread,
}

/// How all jobs stand: those of the config, faulty ones last; those that a watcher had, where there
/// is no config to read.
///
/// # Errors
/// Where the state cannot be read.
pub(super) fn standings<'a>(
    config: Option<&'a Config>,
    store: Option<&Store>,
    watched: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Standing<'a>>, Error> {
    let mut standings = match (config, store) {
        (Some(config), _) => configured(config, store, now)?,
        (None, Some(store)) => {
            let memories = store.memories()?.into_iter();
            let unread = memories.map(|memory| Standing::new(memory.job, Form::Unread));
            unread.collect()
        }
        (None, None) => Vec::new(),
    };
    if let Some(store) = store {
        for standing in &mut standings {
            standing.look_up(store, watched)?;
        }
    }
    Ok(standings)
}

fn configured<'a>(
    config: &'a Config,
    store: Option<&Store>,
    now: DateTime<Utc>,
) -> Result<Vec<Standing<'a>>, Error> {
    let anchors = store.map(|store| state::anchors(store, config, now));
    let anchors = anchors.transpose()?.unwrap_or_default();
    let sound = config.jobs.iter().map(|job| {
        let anchor = anchors.get(&job.name).copied().unwrap_or(now);
        let trigger = job.trigger.clone().anchored(anchor);
        let next = trigger.next_after(now).filter(|_| job.policy.enabled);
        Standing::new(job.name.clone(), Form::Sound { job, next })
    });
    let faulty = config.faulty.iter();
    let faulty = faulty.map(|name| Standing::new(name.clone(), Form::Faulty));
    Ok(sound.chain(faulty).collect())
}

impl<'a> Standing<'a> {
    fn new(name: String, form: Form<'a>) -> Self {
        Self {
            name,
            form,
            last: None,
            telling: None,
            streak: 0,
            last_ok: None,
            running: Vec::new(),
        }
    }
}

impl Standing<'_> {
    fn look_up(&mut self, store: &Store, watched: bool) -> Result<(), Error> {
        let of_job = || Filter {
            jobs: vec![self.name.clone()],
            ..Filter::default()
        };
        let going_on = Filter {
            going_on: true,
            ..of_job()
        };
        // That a run is skipped because another goes on is no result of the job.
        let is_result = |outcome: &Outcome| outcome.has_run() || *outcome == Outcome::Missed;
        let is_telling = |outcome: &Outcome| outcome.has_run() && *outcome != Outcome::Interrupted;
        let over = |is_meant: fn(&Outcome) -> bool| Filter {
            outcomes: Outcome::ALL.into_iter().filter(is_meant).collect(),
            ..of_job()
        };
        let running = store.runs(&going_on, usize::MAX)?;
        let (running, dead): (Vec<Entry>, Vec<Entry>) = running
            .into_iter()
            .map(|run| run.settled(watched))
            .partition(|run| run.ended.is_none());
        let last = store.runs(&over(is_result), 1)?.into_iter().chain(dead);
        self.last = last.max_by_key(|run| run.run.id);
        self.telling = store.runs(&over(is_telling), 1)?.pop();
        self.streak = store.streak(&self.name)?;
        self.running = running;
        if self.is_failing() {
            let ok = Filter {
                outcomes: vec![Outcome::Success],
                ..of_job()
            };
            self.last_ok = store.runs(&ok, 1)?.pop().map(|run| run.run.started);
        }
        Ok(())
    }

    /// `3 times in a row`, where that is worth a note.
    pub(super) fn often(&self) -> Option<String> {
        let failing = self.is_failing() && self.streak >= STREAK;
        failing.then(|| format!("{} times in a row", self.streak))
    }

    /// Whether it failed the last time that it came to an end.
    pub(super) fn is_failing(&self) -> bool {
        self.failure().is_some()
    }

    /// How it failed then.
    pub(super) fn failure(&self) -> Option<&Ended> {
        let ended = self.telling.as_ref()?.ended.as_ref();
        ended.filter(|ended| ended.outcome.is_failure())
    }

    /// In how many runs in a row it ended as in its last result; 0 where that is no end of a run.
    pub(super) fn streak(&self) -> u32 {
        if self.is_telling() { self.streak } else { 0 }
    }

    /// Whether its last result is that of the last run that came to an end.
    fn is_telling(&self) -> bool {
        let id = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.run.id);
        id(&self.last) == id(&self.telling)
    }

    /// How it does, and when it began to do so.
    pub(super) fn result(&self) -> ((String, Paint), Option<DateTime<Utc>>) {
        match (self.running.last(), &self.last) {
            (Some(running), _) => (result(None), Some(running.run.started)),
            (None, Some(last)) => (result(last.ended.as_ref()), Some(last.run.started)),
            (None, None) => (("-".to_owned(), Paint::Dim), None),
        }
    }

    /// The job, where the config has a sound one.
    fn job(&self) -> Option<&Job> {
        match self.form {
            Form::Sound { job, .. } => Some(job),
            Form::Faulty | Form::Unread => None,
        }
    }

    /// When it fires next, as far as the config tells.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        match self.form {
            Form::Sound { next, .. } => next,
            Form::Faulty | Form::Unread => None,
        }
    }

    /// When it fires next, or why that cannot be told.
    fn beat(&self, now: DateTime<Utc>, zone: &Zone) -> String {
        match self.form {
            Form::Sound {
                job,
                next: Some(next),
            } => {
                let away = time::relative(next, now);
                let next = time::of_job(next, now, zone, job.trigger.zone());
                format!("{next}  {away}")
            }
            Form::Sound { job, next: None } if !job.policy.enabled => "disabled".to_owned(),
            Form::Sound { next: None, .. } => "never".to_owned(),
            Form::Faulty => "faulty".to_owned(),
            Form::Unread => "unknown".to_owned(),
        }
    }

    pub(super) fn row(&self, now: DateTime<Utc>, zone: &Zone) -> [String; 6] {
        let ((result, _), at) = self.result();
        let ok = |at| format!("last ok {}", time::of_day(at, now, zone));
        let before = self.failure().filter(|_| !self.is_telling());
        let before = before.map(|ended| format!("before that {}", self::result(Some(ended)).0));
        let note: Vec<String> = before
            .into_iter()
            .chain(self.often())
            .chain(self.last_ok.map(ok))
            .collect();
        [
            self.name.clone(),
            result,
            at.map(|at| time::relative(at, now)).unwrap_or_default(),
            self.beat(now, zone),
            note.join(", "),
            self.job()
                .map(|job| job.trigger.english())
                .unwrap_or_default(),
        ]
    }
}
