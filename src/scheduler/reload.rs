//! What changed between two configs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::plan::Shift;
use crate::config::Config;
use crate::job::{Job, Policy, Roster};

/// How long a telling of both schedules may be, in characters.
const LONGEST_TELLING: usize = 60;

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The names of the jobs that are new.
    pub added: Vec<String>,
    /// The names of the jobs that are different, each with a few words of what is.
    pub changed: Vec<(String, String)>,
    /// The names of the jobs that are gone.
    pub removed: Vec<String>,
    /// The names of the jobs that are faulty now and keep the form they had.
    pub kept: Vec<String>,
    /// The names of the jobs that are faulty and have no earlier form.
    pub left_out: Vec<String>,
    /// The names of the settings and directives that are different.
    pub settings: Vec<&'static str>,
    /// The names of the settings that are faulty now and stay as they were.
    pub kept_settings: Vec<&'static str>,
    /// How many jobs are as they were.
    pub unchanged: usize,
}

/// What follows on another config, worked out before the loop sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reload {
    /// The config that holds from now on, with the jobs to go on with.
    pub config: Config,
    /// What is different about the jobs.
    pub changes: Changes,
    /// How they stand to those before.
    pub shift: Shift,
}

/// Whether `config` leaves all jobs of `old` there, none of them faulty: a file that is cut off
/// mostly does not.
#[must_use]
pub fn keeps_all(old: &Roster, config: &Config) -> bool {
    let mut likely = 0;
    let known = config.jobs.iter().filter(|job| {
        let place = old.place_near(likely, &job.name);
        likely = place.map_or(likely, |place| place + 1);
        place.is_some()
    });
    known.count() == old.len()
}

/// What follows where `config` comes after `old`.
///
/// A job or a setting that `config` names as faulty keeps its old form.
#[must_use]
pub fn follow(old: &Config, mut config: Config) -> Reload {
    config.keep_settings(&old.settings);
    let (jobs, mut changes) = merge(&old.jobs, &config);
    changes.settings = config.settings.differences(&old.settings);
    let directives = config.directives.differences(&old.directives);
    changes.settings.extend(directives);
    changes.kept_settings.clone_from(&config.settings.faulty);
    Reload {
        shift: Shift::between(&old.jobs, jobs.clone()),
        config: Config { jobs, ..config },
        changes,
    }
}

/// The jobs to go on with, the old one wherever a new one is the same, and what is different.
fn merge(old: &Roster, config: &Config) -> (Roster, Changes) {
    let mut changes = Changes::default();
    let mut jobs = Vec::with_capacity(config.jobs.len());
    let mut met = vec![false; old.len()];
    let mut likely = 0;
    for job in &config.jobs {
        let Some(place) = old.place_near(likely, &job.name) else {
            changes.added.push(job.name.clone());
            jobs.push(Arc::clone(job));
            continue;
        };
        met[place] = true;
        likely = place + 1;
        if let Some(what) = difference(&old[place], job) {
            changes.changed.push((job.name.clone(), what));
            jobs.push(Arc::clone(job));
        } else {
            changes.unchanged += 1;
            jobs.push(Arc::clone(&old[place]));
        }
    }
    for name in &config.faulty {
        if let Some(place) = old.place(name) {
            met[place] = true;
            jobs.push(Arc::clone(&old[place]));
            changes.kept.push(name.clone());
        } else {
            changes.left_out.push(name.clone());
        }
    }
    let gone = old.iter().zip(met).filter(|(_, met)| !met);
    changes.removed = gone.map(|(job, _)| job.name.clone()).collect();
    (jobs.into_iter().collect(), changes)
}

impl Changes {
    /// Whether nothing that matters here is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.changed.is_empty()
            && self.removed.is_empty()
            && self.kept.is_empty()
            && self.left_out.is_empty()
            && self.settings.is_empty()
            && self.kept_settings.is_empty()
    }
}

impl fmt::Display for Changes {
    /// Such as `+ new   ~ other (args)   - old   = 1 unchanged`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no change (comments or order only)");
        }
        for name in &self.added {
            write!(f, "+ {name}   ")?;
        }
        for (name, what) in &self.changed {
            write!(f, "~ {name} ({what})   ")?;
        }
        for name in &self.removed {
            write!(f, "- {name}   ")?;
        }
        for name in &self.kept {
            write!(f, "! {name} (faulty, keeps its earlier form)   ")?;
        }
        for name in &self.left_out {
            write!(f, "! {name} (faulty, left out)   ")?;
        }
        for name in &self.settings {
            write!(f, "~ {name}   ")?;
        }
        for name in &self.kept_settings {
            write!(f, "! {name} (faulty, stays as it was)   ")?;
        }
        write!(f, "= {} unchanged", self.unchanged)
    }
}

/// What is different about a job, in a few words; `None` where nothing but its place is.
fn difference(old: &Job, new: &Job) -> Option<String> {
    let mut words = Vec::new();
    if new.trigger.differs(&old.trigger) {
        words.push(schedules(old, new));
    }
    if old.policy != new.policy {
        words.extend(policies(&old.policy, &new.policy));
    }
    let others = [
        ("task", old.task != new.task),
        ("args", old.args != new.args),
        ("kwargs", old.kwargs != new.kwargs),
        ("contextmanager", old.contextmanager != new.contextmanager),
        ("error handler", old.error_handler != new.error_handler),
        ("environment", old.surroundings != new.surroundings),
        ("description", old.description != new.description),
    ];
    let others = others.into_iter().filter(|(_, changed)| *changed);
    words.extend(others.map(|(word, _)| word.to_owned()));
    (!words.is_empty()).then(|| words.join(", "))
}

/// Both schedules, where they differ in words and are short.
fn schedules(old: &Job, new: &Job) -> String {
    let (before, after) = (old.trigger.english(), new.trigger.english());
    let told = format!("{before} → {after}");
    if before == after || told.chars().count() > LONGEST_TELLING {
        return "schedule".to_owned();
    }
    told
}

/// The policy keys that changed, each with its old and new value.
fn policies(old: &Policy, new: &Policy) -> impl Iterator<Item = String> {
    let values = |policy: &Policy| {
        [
            ("enabled", policy.enabled.to_string()),
            ("max_instances", policy.max_instances.to_string()),
            ("coalesce", policy.coalesce.to_string()),
            ("misfire_grace_time", seconds(policy.misfire_grace_time)),
            ("timeout", seconds(policy.timeout)),
            ("retries", policy.retries.to_string()),
            ("retry_delay", seconds(Some(policy.retry_delay))),
            ("run_at_start", policy.run_at_start.to_string()),
        ]
    };
    let pairs = values(old).into_iter().zip(values(new));
    pairs.filter_map(|((key, before), (_, after))| {
        (before != after).then(|| format!("{key} {before} → {after}"))
    })
}

fn seconds(duration: Option<Duration>) -> String {
    duration.map_or_else(
        || "none".to_owned(),
        |duration| format!("{} s", duration.as_secs_f64()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, every, job};
    use super::*;
    use crate::value::Value;

    fn roster(jobs: impl IntoIterator<Item = Job>) -> Roster {
        jobs.into_iter().map(Arc::new).collect()
    }

    fn told(old: impl IntoIterator<Item = Job>, new: Config) -> (Vec<String>, String) {
        let reload = follow(&config(old), new);
        let jobs = reload.config.jobs.iter();
        let names = jobs.map(|job| job.name.clone()).collect();
        (names, reload.changes.to_string())
    }

    #[test]
    fn jobs_come_go_and_stay() {
        let (jobs, told) = told(
            [job("gone"), job("same"), job("moved")],
            config([job("moved"), job("new"), job("same")]),
        );
        assert_eq!(jobs, ["moved", "new", "same"]);
        assert_eq!(told, "+ new   - gone   = 2 unchanged");
    }

    #[test]
    fn what_is_the_same_stays_the_very_same() {
        let old = config([job("a"), job("b")]);
        let mut moved = job("a");
        moved.span = crate::diagnostic::Span::new(7, 8);
        let new = follow(&old, config([job("b").every(5), moved])).config.jobs;
        assert!(Arc::ptr_eq(&new[1], &old.jobs[0]));
        assert_eq!(*new[0], job("b").every(5));
    }

    #[test]
    fn a_config_without_a_job_that_was_there_does_not_keep_all() {
        let old = roster([job("a"), job("b")]);
        let keeps = |jobs: &[&str]| keeps_all(&old, &config(jobs.iter().map(|name| job(name))));
        assert!(keeps(&["a", "b"]));
        assert!(keeps(&["new", "b", "other", "a"]));
        assert!(!keeps(&["a"]));
        assert!(!keeps(&["b", "c"]));
        assert!(!keeps(&[]));
    }

    #[test]
    fn where_nothing_changed_that_is_said() {
        let (_, told) = told([job("a"), job("b")], config([job("b"), job("a")]));
        assert_eq!(told, "no change (comments or order only)");
    }

    #[test]
    fn a_change_is_told_in_a_few_words() {
        let mut all = job("all").every(300);
        all.args.push(Value::Int(1));
        all.description = Some("why".to_owned());
        let strict = job("strict")
            .grace(90)
            .with(|policy| policy.max_instances = 2);
        let mut jitter = job("jitter");
        jitter.trigger = every(60, 5);
        let (_, told) = told(
            [job("all"), job("strict"), job("jitter")],
            config([all, strict, jitter]),
        );
        assert_eq!(
            told,
            "~ all (every minute → every 5 minutes, args, description)   \
             ~ strict (max_instances 1 → 2, misfire_grace_time none → 90 s)   \
             ~ jitter (every minute → every minute, up to 5 s later)   = 0 unchanged"
        );
    }

    #[test]
    fn settings_that_changed_and_those_that_are_faulty_are_named() {
        let before = config([job("a")]);
        let mut next = config([job("a")]);
        next.settings.max_workers = Some(7);
        next.settings.keep_history = Duration::ZERO;
        next.settings.faulty = vec!["keep history"];
        let reload = follow(&before, next);
        assert_eq!(
            reload.changes.to_string(),
            "~ max workers   ! keep history (faulty, stays as it was)   = 1 unchanged"
        );
        let settings = reload.config.settings;
        assert_eq!(settings.keep_history, before.settings.keep_history);
    }

    #[test]
    fn a_faulty_handler_of_all_jobs_stays_that_of_all_jobs() {
        let mut before = config([job("a")]);
        before.settings.error_handler = Some("alerts.tell".to_owned());
        let before = follow(&before, before.clone()).config;
        assert_eq!(before.jobs[0].error_handler.as_deref(), Some("alerts.tell"));
        let mut next = config([job("a")]);
        next.settings.faulty = vec!["error handler"];
        let reload = follow(&before, next);
        assert_eq!(
            reload.changes.to_string(),
            "! error handler (faulty, stays as it was)   = 1 unchanged"
        );
        assert_eq!(
            reload.config.jobs[0].error_handler,
            before.jobs[0].error_handler
        );
    }

    #[test]
    fn directives_that_changed_are_named() {
        let before = config([job("a")]);
        let mut next = config([job("a")]);
        next.directives.error_notification_email = vec!["a@example.org".to_owned()];
        next.directives.log = Some("/var/log".into());
        assert_eq!(
            follow(&before, next).changes.to_string(),
            "~ error notification email   ~ log   = 1 unchanged"
        );
    }

    #[test]
    fn a_faulty_job_keeps_its_form_if_it_had_one() {
        let mut new = config([job("fine")]);
        new.faulty = vec!["old".to_owned(), "never".to_owned()];
        let (jobs, told) = told([job("old"), job("fine")], new);
        assert_eq!(jobs, ["fine", "old"]);
        assert_eq!(
            told,
            "! old (faulty, keeps its earlier form)   ! never (faulty, left out)   = 1 unchanged"
        );
    }
}
