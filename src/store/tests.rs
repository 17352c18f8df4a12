mod retries;
mod writer;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use chrono::TimeDelta;
use tempfile::TempDir;

use super::*;
use crate::job::{Job, Memory, Seen, Task};
use crate::run::{Cause, Ended, Outcome, Recorded, Run, RunError, RunId};
use crate::trigger::{Bounds, Interval, Trigger, Zone};
use crate::value::Value;

fn noon(seconds: i64) -> DateTime<Utc> {
    let noon: DateTime<Utc> = "2026-11-24T12:00:00Z".parse().unwrap();
    noon + TimeDelta::seconds(seconds)
}

fn place(folder: &TempDir) -> Place {
    let state = folder.path().join("state");
    Place::new(state, Path::new("/srv/da/config.yml"))
}

fn open(place: &Place) -> Store {
    let (store, damage) = Store::open(place, noon(0)).unwrap();
    assert!(damage.is_none(), "{damage:?}");
    store
}

fn run(job: &str, seconds: i64) -> Run {
    Run {
        id: RunId::new(noon(seconds), fastrand::u128(..)),
        job: job.to_owned(),
        cause: Cause::Schedule,
        scheduled_for: Some(noon(seconds)),
        started: noon(seconds) + TimeDelta::microseconds(3),
        attempt: 1,
    }
}

fn begun(run: Run) -> Begun {
    Begun {
        run,
        once: false,
        settled: noon(0),
    }
}

fn ended(outcome: Outcome) -> Ended {
    Ended {
        outcome,
        exit_code: Some(7),
        signal: Some(9),
        returned: Some("None?".to_owned()),
        error: Some(RunError {
            class: "ValueError".to_owned(),
            message: "no".to_owned(),
            traceback: "Traceback".to_owned(),
        }),
        stdout: "out\0put\n".to_owned(),
        stderr: "é".to_owned(),
        took: Duration::from_millis(1500),
    }
}

fn all(store: &Store) -> Vec<Entry> {
    store.runs(&Filter::default(), usize::MAX).unwrap()
}

fn outcomes(store: &Store) -> Vec<String> {
    let entries = all(store);
    let word = |entry: &Entry| entry.ended.as_ref().map(|ended| ended.outcome.word());
    let line = |entry: &Entry| format!("{} {}", entry.run.job, word(entry).unwrap_or("runs"));
    entries.iter().map(line).collect()
}

#[test]
fn a_run_comes_back_as_it_was_written() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    let run = Run {
        cause: Cause::Retry,
        attempt: 3,
        ..run("a 'job'; -- %\0\u{202e}", 0)
    };
    assert_eq!(
        store.begin(&run, false, run.scheduled_for, None).unwrap(),
        Recorded::Now
    );
    let going = Filter {
        going_on: true,
        ..Filter::default()
    };
    assert_eq!(store.runs(&going, 9).unwrap().len(), 1);
    let ended = ended(Outcome::Failure);
    store.end(run.id, &ended).unwrap();
    let expected = Entry {
        run,
        took: Some(ended.took),
        ended: Some(ended),
        owner: None,
    };
    assert_eq!(all(&store), std::slice::from_ref(&expected));
    assert_eq!(store.runs(&going, 9).unwrap(), []);
    let reader = Store::read(&place).unwrap().unwrap();
    assert_eq!(all(&reader), std::slice::from_ref(&expected));
    assert!(
        reader
            .begin(&expected.run, false, expected.run.scheduled_for, None)
            .is_err()
    );
}

#[test]
fn a_fire_is_recorded_once() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    let first = run("tick", 0);
    let again = run("tick", 0);
    let retry = Run {
        attempt: 2,
        ..run("tick", 0)
    };
    assert_eq!(
        store
            .begin(&first, false, first.scheduled_for, None)
            .unwrap(),
        Recorded::Now
    );
    assert_eq!(
        store
            .begin(&again, false, again.scheduled_for, None)
            .unwrap(),
        Recorded::Before
    );
    assert_eq!(
        store
            .begin(&retry, false, retry.scheduled_for, None)
            .unwrap(),
        Recorded::Now
    );
    let other = run("tock", 0);
    assert_eq!(
        store
            .begin(&other, false, other.scheduled_for, None)
            .unwrap(),
        Recorded::Now
    );
    store
        .pass(Outcome::Missed, "tick", &[noon(0), noon(60)], noon(60))
        .unwrap();
    let mut found = outcomes(&store);
    found.sort();
    assert_eq!(
        found,
        ["tick missed", "tick runs", "tick runs", "tock runs"]
    );
    let recorded = |after, now| store.recorded("tick", noon(after), noon(now)).unwrap();
    assert_eq!(recorded(-1, 60), [noon(0), noon(60)]);
    assert_eq!(recorded(0, 60), [noon(60)]);
    assert_eq!(recorded(-1, 59), [noon(0)]);
}

#[test]
fn a_fire_that_did_not_run_may_run_when_its_time_comes_again() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    for (second, outcome) in [
        (0, Outcome::Missed),
        (1, Outcome::Coalesced),
        (2, Outcome::Skipped),
    ] {
        store
            .pass(outcome, "tick", &[noon(second)], noon(second))
            .unwrap();
        let run = run("tick", second);
        let expected = if outcome == Outcome::Skipped {
            Recorded::Before
        } else {
            Recorded::Now
        };
        assert_eq!(
            store.begin(&run, false, run.scheduled_for, None).unwrap(),
            expected
        );
        store.end(run.id, &ended(Outcome::Success)).unwrap();
    }
    assert_eq!(
        outcomes(&store),
        ["tick skipped", "tick success", "tick success"]
    );
}

#[test]
fn a_short_log_of_changes_may_stay_behind() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let log = place.database().with_extension("db-wal");
    let write = |seconds: std::ops::Range<i64>| {
        let store = Store::join(&place).unwrap();
        for second in seconds {
            let run = run("hand", second);
            store.begin(&run, false, run.scheduled_for, None).unwrap();
        }
        store.leave_log().unwrap();
    };
    write(0..1);
    assert!(log.exists());
    let reader = Store::read(&place).unwrap().unwrap();
    assert_eq!(all(&reader).len(), 1);
    drop(reader);
    write(1..200);
    assert!(!log.exists());
    assert_eq!(all(&Store::read(&place).unwrap().unwrap()).len(), 200);
}

#[test]
fn a_date_has_fired_for_ever() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    let first = run("once", 0);
    assert_eq!(
        store
            .begin(&first, true, first.scheduled_for, None)
            .unwrap(),
        Recorded::Now
    );
    store.end(first.id, &ended(Outcome::Success)).unwrap();
    assert!(!store.prune(noon(100)).unwrap());
    assert_eq!(all(&store), []);
    let again = run("once", 0);
    assert_eq!(
        store
            .begin(&again, true, again.scheduled_for, None)
            .unwrap(),
        Recorded::Before
    );
}

#[test]
fn what_was_going_on_is_interrupted_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let dead = run("tick", 0);
    let by_hand = run("hand", 1);
    {
        let store = open(&place);
        store.begin(&dead, false, dead.scheduled_for, None).unwrap();
        store
            .begin(&by_hand, false, by_hand.scheduled_for, Some(&Owner::this()))
            .unwrap();
    }
    let store = open(&place);
    let entry = all(&store).remove(1);
    assert_eq!(entry.clone().settled(true).ended, None);
    let settled = entry.settled(false).ended.unwrap();
    assert_eq!(settled.outcome, Outcome::Interrupted);
    assert_eq!(
        store.look_back(&[]).unwrap(),
        [("tick".to_owned(), dead.id)]
    );
    assert_eq!(outcomes(&store), ["hand runs", "tick interrupted"]);
    let interrupted = &all(&store)[1];
    assert_eq!(interrupted.took, None);
    let by_hand_still = all(&store).remove(0).settled(false);
    assert_eq!(by_hand_still.ended, None);
    store.end(by_hand.id, &ended(Outcome::Success)).unwrap();
    store.end(dead.id, &ended(Outcome::Success)).unwrap();
    assert_eq!(outcomes(&store), ["hand success", "tick interrupted"]);
}

/// A job of every so many seconds that is first seen at noon.
fn seen(name: &str, every_s: i64) -> Seen {
    let interval = Interval::new(every_s, Bounds::default(), Zone::utc(), 0);
    let task = Task::Named("test.task".to_owned());
    let job = Job::new(name, task, Trigger::Interval(interval));
    Seen {
        job: Arc::new(job),
        anchor: noon(0),
        since: Some(noon(0)),
    }
}

fn memory(name: &str) -> Memory {
    seen(name, 60).memory()
}

#[test]
fn jobs_are_remembered_as_long_as_they_are_configured() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    store
        .remember(&["a", "b", "c"].map(|name| seen(name, 60)), &[])
        .unwrap();
    store
        .begin(&run("a", 60), false, Some(noon(60)), None)
        .unwrap();
    store
        .pass(Outcome::Skipped, "b", &[noon(60), noon(120)], noon(120))
        .unwrap();
    let fired = |job, seconds| Memory {
        settled: Some(noon(seconds)),
        ..memory(job)
    };
    let expected = [fired("a", 60), fired("b", 120), memory("c")];
    assert_eq!(store.memories().unwrap(), expected);

    let changed = Seen {
        anchor: noon(90),
        ..seen("b", 120)
    };
    let mut other_call = seen("a", 60);
    Arc::make_mut(&mut other_call.job).args.push(Value::Int(1));
    let jobs = [other_call.clone(), changed.clone()];
    store.remember(&jobs, &["c".to_owned()]).unwrap();
    let kept = Memory {
        settled: Some(noon(60)),
        ..other_call.memory()
    };
    assert_ne!(kept.call, memory("a").call);
    let expected = [kept, changed.memory(), memory("c")];
    assert_eq!(store.memories().unwrap(), expected);
    // What is the same is not written again, and nothing is forgotten of it.
    let written = store.connection.total_changes();
    store.remember(&jobs, &["c".to_owned()]).unwrap();
    assert_eq!(store.connection.total_changes(), written);
    assert_eq!(store.memories().unwrap(), expected);
    let back = seen("b", 60);
    let gone = ["c".to_owned()];
    store.amend(std::slice::from_ref(&back), &gone).unwrap();
    let expected = [expected[0].clone(), back.memory()];
    assert_eq!(store.memories().unwrap(), expected);
    store.remember(&[], &[]).unwrap();
    assert_eq!(store.memories().unwrap(), []);
    assert_eq!(store.jobs().unwrap(), ["a", "b", "c"]);
}

#[test]
fn the_history_answers_what_is_asked() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    for (second, outcome) in Outcome::ALL.into_iter().enumerate() {
        let second = i64::try_from(second).unwrap();
        let job = if second % 2 == 0 { "even" } else { "odd" };
        let run = run(job, second);
        if outcome.has_run() {
            store.begin(&run, false, run.scheduled_for, None).unwrap();
            store.end(run.id, &ended(outcome)).unwrap();
        } else {
            store
                .pass(outcome, job, &[noon(second)], noon(second))
                .unwrap();
        }
    }
    let found = |filter: Filter, limit| {
        let entries = store.runs(&filter, limit).unwrap();
        let word = |entry: &Entry| entry.ended.as_ref().unwrap().outcome.word();
        entries.iter().map(word).collect::<Vec<_>>()
    };
    assert_eq!(found(Filter::default(), 2), ["missed", "coalesced"]);
    assert_eq!(found(Filter::default(), 0), [""; 0]);
    let others = (0..40_000).map(|number| format!("other \0 \"{number}"));
    for even in [
        vec!["even".to_owned(), "none".to_owned()],
        others.chain(["even".to_owned()]).collect(),
    ] {
        let even = Filter {
            jobs: even,
            ..Filter::default()
        };
        assert_eq!(
            found(even, 9),
            ["coalesced", "interrupted", "timeout", "success"]
        );
    }
    let window = Filter {
        since: Some(noon(1)),
        until: Some(noon(2)),
        ..Filter::default()
    };
    assert_eq!(found(window, 9), ["timeout", "failure"]);
    let failed = Filter {
        outcomes: vec![Outcome::Failure, Outcome::Killed],
        ..Filter::default()
    };
    assert_eq!(found(failed, 9), ["killed", "failure"]);
    let id = all(&store)[3].run.id.to_string();
    let one = Filter {
        ids: RunId::beginning_with(&id),
        ..Filter::default()
    };
    assert_eq!(found(one, 9), ["interrupted"]);
    for run in all(&store) {
        let begins = |length: usize| Filter {
            ids: RunId::beginning_with(&run.run.id.to_string()[..length]),
            ..Filter::default()
        };
        let length = store.distinct(run.run.id).unwrap();
        assert_eq!(found(begins(length), 9).len(), 1);
        assert!(found(begins(length - 1), 9).len() > 1);
    }
    assert_eq!(store.streak("odd").unwrap(), 2);
    assert_eq!(store.streak("even").unwrap(), 1);
    assert_eq!(store.streak("none").unwrap(), 0);
}

#[test]
fn no_question_goes_through_all_runs() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    let one = Filter {
        jobs: vec!["tick".to_owned()],
        ..Filter::default()
    };
    let many = Filter {
        jobs: vec!["tick".to_owned(), "tock".to_owned()],
        ..Filter::default()
    };
    let going_on = Filter {
        going_on: true,
        ..Filter::default()
    };
    let going_on_of_one = Filter {
        going_on: true,
        ..one.clone()
    };
    let since = Filter {
        since: Some(noon(0)),
        ..Filter::default()
    };
    for (filter, index) in [
        (one, "runs_of_a_job (job=?)"),
        (many, "SCAN runs USING INDEX sqlite_autoindex_runs_1"),
        (going_on, "SCAN runs USING INDEX going_on"),
        (going_on_of_one, "SCAN runs USING INDEX going_on"),
        (since, "(id>?)"),
    ] {
        let (sql, mut values) = filter.query(history::WHOLE, None);
        values.push(Box::new(1));
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let mut plan = store.connection.prepare(&sql).unwrap();
        let steps = plan.query_map(rusqlite::params_from_iter(values), |row| row.get(3));
        let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
        let steps = steps.join("; ");
        assert!(steps.contains(index), "{steps}");
        assert!(!steps.contains("TEMP B-TREE"), "{steps}");
    }
}

#[test]
fn all_runs_are_handed_over_in_order_while_others_write() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    store.connection.execute_batch("BEGIN").unwrap();
    for second in 0..250 {
        let run = run("tick", second);
        store.begin(&run, false, run.scheduled_for, None).unwrap();
        store.end(run.id, &ended(Outcome::Success)).unwrap();
    }
    store.connection.execute_batch("COMMIT").unwrap();
    let reader = Store::read(&place).unwrap().unwrap();
    let mut expected = (0..250).rev().map(noon);
    let told = reader.each(&Filter::default(), |entry| {
        assert_eq!(entry.run.scheduled_for, expected.next());
        // Where a reader stands still, the log of changes is emptied nevertheless.
        let emptied = "PRAGMA wal_checkpoint(truncate)";
        let is_busy = |row: &rusqlite::Row<'_>| row.get::<_, bool>(0);
        let is_busy = store.connection.query_row(emptied, [], is_busy);
        assert_eq!(is_busy, Ok(false));
        std::ops::ControlFlow::<()>::Continue(())
    });
    assert_eq!((told.unwrap(), expected.next()), (None, None));
    let one = |entry: Entry| {
        let is_it = entry.run.scheduled_for == Some(noon(120));
        if is_it {
            std::ops::ControlFlow::Break(entry.run.started)
        } else {
            std::ops::ControlFlow::Continue(())
        }
    };
    let started = noon(120) + TimeDelta::microseconds(3);
    assert_eq!(reader.each(&Filter::default(), one).unwrap(), Some(started));
}

#[test]
fn the_heads_of_runs_leave_out_what_may_be_long() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    let run = run("tick", 0);
    store.begin(&run, false, run.scheduled_for, None).unwrap();
    let ended = ended(Outcome::Failure);
    store.end(run.id, &ended).unwrap();
    let heads = store.heads(&Filter::default(), 9).unwrap();
    let expected = Ended {
        returned: None,
        error: ended.error.map(|error| RunError {
            message: String::new(),
            traceback: String::new(),
            ..error
        }),
        stdout: String::new(),
        stderr: String::new(),
        ..ended
    };
    assert_eq!(heads.len(), 1);
    assert_eq!(heads[0].ended, Some(expected));
    assert_eq!(heads[0].run, run);
}

#[test]
fn a_job_is_found_beside_others_whatever_its_name_is() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    for (second, job) in [(0, "nul \0 \"quoted\" \\ \u{202e}"), (1, "tick")] {
        let run = run(job, second);
        store.begin(&run, false, run.scheduled_for, None).unwrap();
    }
    let both = Filter {
        jobs: store.jobs().unwrap(),
        ..Filter::default()
    };
    assert_eq!(store.runs(&both, 9).unwrap().len(), 2);
}

#[test]
fn an_error_is_told_without_the_query() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    store
        .connection
        .execute_batch("ALTER TABLE jobs RENAME TO other")
        .unwrap();
    let error = store.jobs().unwrap_err().to_string();
    assert!(error.ends_with("no such table: jobs"), "{error}");
}

#[test]
fn old_runs_are_forgotten_and_what_goes_on_is_not() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    let going = run("tick", 0);
    store
        .begin(&going, false, going.scheduled_for, None)
        .unwrap();
    let times: Vec<_> = (1..=700).map(noon).collect();
    store
        .pass(Outcome::Missed, "tick", &times, noon(0))
        .unwrap();
    assert!(store.prune(noon(690)).unwrap());
    assert!(!store.prune(noon(690)).unwrap());
    assert_eq!(all(&store).len(), 12);
}

#[test]
#[cfg(target_os = "linux")]
fn one_who_joins_does_not_take_away_the_lock_of_another() {
    let folder = TempDir::new().unwrap();
    let first = open(&place(&folder));
    let (_, inode) = files::identity(first.path()).unwrap();
    let is_locked = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let (lock, process) = (format!(":{inode} "), format!(" {} ", std::process::id()));
        let mut locks = locks.lines();
        locks.any(|line| line.contains(&lock) && line.contains(&process))
    };
    assert_eq!(all(&first).len(), 0);
    assert!(is_locked());
    let second = Store::join(&place(&folder)).unwrap();
    assert!(is_locked());
    drop(second);
    assert!(is_locked());
}

#[test]
fn a_secret_does_not_reach_the_file_and_a_long_text_only_its_end() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&place(&folder));
    store.set_secrets(Secrets::of_yaml("password: hunter22\n"));
    let run = run("tick", 0);
    store.begin(&run, false, run.scheduled_for, None).unwrap();
    let secret = || "the hunter22 of it".to_owned();
    let ended = Ended {
        returned: Some(secret()),
        error: Some(RunError {
            class: secret(),
            message: secret(),
            traceback: secret(),
        }),
        stdout: secret(),
        stderr: format!("{}hunter22", "é".repeat(100_000)),
        ..ended(Outcome::Failure)
    };
    store.end(run.id, &ended).unwrap();
    let entries = all(&store);
    let stderr = &entries[0].ended.as_ref().unwrap().stderr;
    assert!(stderr.len() <= 64 * 1024 && stderr.ends_with("é********"));
    drop(store);
    let state = folder.path().join("state");
    for file in fs::read_dir(state).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter22"));
    }
}

#[test]
fn nobody_else_can_read_it() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    store
        .begin(&run("tick", 0), false, Some(noon(0)), None)
        .unwrap();
    let lock = Lock::take(&place, noon(0)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.folder()), 0o700);
    let files: Vec<_> = fs::read_dir(place.folder()).unwrap().collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    drop((store, lock));

    fs::set_permissions(place.folder(), fs::Permissions::from_mode(0o770)).unwrap();
    let error = Store::open(&place, noon(0)).unwrap_err();
    assert!(matches!(error, Error::Exposed(_)), "{error}");
}

#[test]
fn a_state_folder_of_somebody_else_has_a_way_out() {
    let path = PathBuf::from("/var/lib/sched");
    let io = |kind: std::io::ErrorKind| Error::io(&path)(kind.into()).help();
    let denied = io(std::io::ErrorKind::PermissionDenied).unwrap();
    assert!(
        denied.contains("--state-dir or SCHED_STATE_DIR"),
        "{denied}"
    );
    assert_eq!(io(std::io::ErrorKind::StorageFull), None);
    let foreign = Error::Foreign(path.clone()).help().unwrap();
    for way in ["--state-dir", "/var/lib/sched/sched", "`chown`"] {
        assert!(foreign.contains(way), "{foreign}");
    }
}

#[test]
fn no_symbolic_link_is_followed() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    drop(open(&place));
    let canary = folder.path().join("canary");
    let database = place.database();
    let log = PathBuf::from(format!("{}-wal", database.display()));
    for planted in [&database, &log, &place.lock()] {
        fs::write(&canary, "untouched").unwrap();
        let _ = fs::remove_file(planted);
        symlink(&canary, planted).unwrap();
        if *planted == place.lock() {
            assert!(Lock::take(&place, noon(0)).is_err());
            assert!(Lock::holder(&place).is_err());
        } else {
            let error = Store::open(&place, noon(0)).unwrap_err();
            assert!(!error.is_damage(), "{error}");
        }
        if *planted == database {
            assert!(Store::read(&place).is_err());
        }
        assert_eq!(fs::read_to_string(&canary).unwrap(), "untouched");
        fs::remove_file(planted).unwrap();
    }
}

#[test]
fn reading_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    assert!(Store::read(&place).unwrap().is_none());
    assert!(!place.folder().exists());
    let store = open(&place);
    store
        .begin(&run("tick", 0), false, Some(noon(0)), None)
        .unwrap();
    drop(store);
    let files = || {
        let entries = fs::read_dir(place.folder()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    assert_eq!(before.len(), 1, "{before:?}");
    let reader = Store::read(&place).unwrap().unwrap();
    assert_eq!(outcomes(&reader), ["tick runs"]);
    assert_eq!(files(), before);
}

#[test]
fn a_database_that_is_just_being_made_is_none() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    drop(open(&place));
    fs::remove_file(place.database()).unwrap();
    let made = rusqlite::Connection::open(place.database()).unwrap();
    assert!(Store::read(&place).unwrap().is_none(), "empty");
    made.pragma_update(None, "journal_mode", "wal").unwrap();
    assert!(Store::read(&place).unwrap().is_none(), "without tables");
    made.execute_batch("BEGIN IMMEDIATE; CREATE TABLE jobs (key INTEGER) STRICT")
        .unwrap();
    assert!(Store::read(&place).unwrap().is_none(), "not yet committed");
}

#[test]
fn a_damaged_file_is_moved_aside() {
    let junk = |length: usize| -> Vec<u8> { (0..length).map(|_| fastrand::u8(..)).collect() };
    for length in [1, 100, 512, 20_000] {
        let folder = TempDir::new().unwrap();
        let place = place(&folder);
        drop(open(&place));
        fs::write(place.database(), junk(length)).unwrap();
        assert!(Store::read(&place).is_err(), "{length}");
        let (store, damage) = Store::open(&place, noon(0)).unwrap();
        let damage = damage.expect("junk is no database").to_string();
        assert!(damage.contains(".db.damaged-20261124T120000"), "{damage}");
        store
            .begin(&run("tick", 0), false, Some(noon(0)), None)
            .unwrap();
    }
}

#[test]
fn a_truncated_or_hostile_file_never_panics() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    let times: Vec<_> = (0..500).map(noon).collect();
    store
        .pass(Outcome::Missed, "tick", &times, noon(0))
        .unwrap();
    drop(store);
    let whole = fs::read(place.database()).unwrap();
    for round in 0..60 {
        let mut bytes = whole.clone();
        if round % 2 == 0 {
            bytes.truncate(whole.len() * round / 60);
        } else {
            for _ in 0..20 * round {
                let at = fastrand::usize(100..bytes.len());
                bytes[at] = fastrand::u8(..);
            }
        }
        fs::write(place.database(), bytes).unwrap();
        if let Ok(Some(reader)) = Store::read(&place) {
            let _ = reader.runs(&Filter::default(), usize::MAX);
            let _ = reader.memories();
        }
        let (store, _) = Store::open(&place, noon(round.try_into().unwrap())).unwrap();
        let _ = store.look_back(&[]);
        let _ = store.memories();
        let _ = store.begin(&run("tick", 1_000), false, Some(noon(1_000)), None);
    }
}

#[test]
fn what_no_run_can_be_is_an_error() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    store
        .begin(&run("tick", 0), false, Some(noon(0)), None)
        .unwrap();
    for change in [
        "outcome = 'eaten'",
        "cause = ''",
        "id = x'00'",
        "attempt = -1",
    ] {
        let sql = format!("UPDATE runs SET {change}");
        store.connection.execute_batch(&sql).unwrap();
        assert!(store.runs(&Filter::default(), 9).is_err(), "{change}");
    }
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    store
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(store);
    assert!(matches!(Store::read(&place), Err(Error::Newer(_))));
    let error = Store::open(&place, noon(0)).unwrap_err();
    assert!(matches!(error, Error::Newer(_)), "{error}");
}

#[test]
fn there_is_one_watcher() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    assert!(matches!(Lock::holder(&place), Ok(None)));
    let lock = Lock::take(&place, noon(0)).unwrap();
    let holder = Lock::holder(&place).unwrap().flatten().unwrap();
    assert_eq!((holder.pid, holder.since), (std::process::id(), noon(0)));
    let error = Lock::take(&place, noon(5)).unwrap_err();
    let expected = format!("this config is already watched by process {}", holder.pid);
    assert!(error.to_string().starts_with(&expected), "{error}");
    drop(lock);
    assert!(matches!(Lock::holder(&place), Ok(None)));
    drop(Lock::take(&place, noon(9)).unwrap());
    // Whatever stands in the file is told at most.
    fs::write(place.lock(), "1\n2\n3").unwrap();
    drop(Lock::take(&place, noon(9)).unwrap());
}

fn mail(recipient: &str, seconds: i64) -> Mail {
    Mail {
        id: RunId::new(noon(seconds), fastrand::u128(..)),
        recipient: recipient.to_owned(),
        subject: "it failed".to_owned(),
        body: "with hunter22\n".to_owned(),
        written: noon(seconds),
    }
}

#[test]
fn a_mail_waits_until_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    let mut store = open(&place);
    store.set_secrets(Secrets::of_yaml("password: hunter22"));
    assert!(store.post(&mail("a@example.org", 0)).unwrap());
    assert!(store.post(&mail("b@example.org", 1)).unwrap());
    assert_eq!(store.claim_mail(noon(-1)).unwrap(), None, "not due yet");
    let first = store.claim_mail(noon(2)).unwrap().unwrap();
    assert_eq!(first.mail.recipient, "a@example.org");
    assert_eq!(first.mail.body, "with ********\n");
    store.put_off_mail(&first, noon(60), true).unwrap();
    assert_eq!(store.claim_mail(noon(59)).unwrap(), None, "nor the other");
    assert_eq!(store.next_mail().unwrap(), Some(noon(60)));

    let store = open(&place);
    store.hurry_mail(noon(3)).unwrap();
    let first = store.claim_mail(noon(3)).unwrap().unwrap();
    assert_eq!(first.tries, 1);
    store.settle_mail(&first).unwrap();
    let second = store.claim_mail(noon(3)).unwrap().unwrap();
    assert_eq!(
        (second.mail.recipient.as_str(), second.tries),
        ("b@example.org", 0)
    );
    let late = noon(3 * 86_400 + 2);
    assert_eq!(store.expire_mail(late).unwrap(), [second.mail]);
    assert_eq!(store.next_mail().unwrap(), None);
}

#[test]
fn a_mail_that_another_process_sends_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&place(&folder));
    store.post(&mail("a@example.org", 0)).unwrap();
    let set = |sender: &str| {
        let update = "UPDATE outbox SET sender = ?1";
        store.connection.execute(update, [sender]).unwrap();
    };
    // The first process of a system is another one, and alive.
    let birth = runs::born(1);
    set(&format!("1 {birth}"));
    assert_eq!(store.claim_mail(noon(1)).unwrap(), None);
    set("1 of another boot");
    assert!(store.claim_mail(noon(1)).unwrap().is_some());
}

#[test]
fn a_mail_that_is_moved_while_it_is_sent_is_settled_where_it_is_then() {
    let (aside, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (aside, new) = (open(&place(&aside)), open(&place(&folder)));
    let own = mail("own@example.org", 5);
    assert!(new.post(&own).unwrap());
    for recipient in ["one@example.org", "other@example.org"] {
        assert!(aside.post(&mail(recipient, 0)).unwrap());
    }
    let one = aside.claim_mail(noon(1)).unwrap().unwrap();
    assert_eq!(aside.move_mails(&new).unwrap(), 0);
    assert_eq!(aside.next_mail().unwrap(), None);
    new.put_off_mail(&one, noon(9), false).unwrap();
    new.settle_mail(&one).unwrap();
    let left = new.claim_mail(noon(1)).unwrap().unwrap();
    assert_eq!(left.mail.recipient, "other@example.org");
    new.settle_mail(&left).unwrap();
    assert_eq!(new.claim_mail(noon(9)).unwrap().unwrap().mail, own);
}

#[test]
fn mails_that_find_no_room_where_they_are_moved_to_are_counted() {
    let (aside, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (aside, new) = (open(&place(&aside)), open(&place(&folder)));
    for second in 0..2 {
        let mut long = mail("a@example.org", second);
        long.body = "x".repeat(9 << 20);
        assert!(new.post(&long).unwrap());
        assert!(aside.post(&mail("b@example.org", second)).unwrap());
    }
    assert_eq!(aside.move_mails(&new).unwrap(), 2);
}

#[test]
fn a_mail_can_be_claimed_whatever_others_write_meanwhile() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    assert!(store.post(&mail("one@example.org", 0)).unwrap());
    let other = open(&place);
    let writes = std::thread::spawn(move || {
        for second in 0..500 {
            let run = run("tick", second);
            other.begin(&run, false, None, None).unwrap();
        }
    });
    while !writes.is_finished() {
        let waiting = store.claim_mail(noon(9)).unwrap().unwrap();
        store.put_off_mail(&waiting, noon(0), false).unwrap();
    }
    writes.join().unwrap();
}

#[test]
fn the_outbox_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&place(&folder));
    let mut long = mail("a@example.org", 0);
    long.body = "x".repeat(9 << 20);
    let mut posted = Vec::new();
    for _ in 0..3 {
        long.id = RunId::new(noon(0), fastrand::u128(..));
        posted.push(store.post(&long).unwrap());
    }
    assert_eq!(posted, [true, true, false]);
    store.connection.execute("DELETE FROM outbox", []).unwrap();
    let posted = (0..1_001).filter(|n| store.post(&mail("a@example.org", *n)).unwrap());
    assert_eq!(posted.count(), 1_000);
}

#[test]
fn a_failure_is_known_until_the_job_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&place(&folder));
    let taken = || store.take_mailed("a.b", Ok).unwrap();
    assert_eq!(taken(), None);
    store.note_mailed("a.b", noon(1)).unwrap();
    store.note_mailed("a.b", noon(2)).unwrap();
    let full = |_| -> Result<(), Error> { Err(Error::Watched(None)) };
    assert!(store.take_mailed("a.b", full).is_err(), "it is not told");
    assert_eq!(taken(), Some(Some(noon(1))));
    assert_eq!(taken(), None);
}

#[test]
fn a_database_of_the_first_version_gets_an_outbox_and_keeps_its_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    let store = open(&place);
    let run = run("a.b", 0);
    store.begin(&run, false, run.scheduled_for, None).unwrap();
    let undo = "DROP TABLE outbox; DROP TABLE mailed; DROP TABLE last_mails;
                DROP INDEX waiting_retries; ALTER TABLE runs DROP COLUMN retry;
                ALTER TABLE jobs DROP COLUMN waiting; PRAGMA user_version = 1";
    store.connection.execute_batch(undo).unwrap();
    drop(store);
    let store = open(&place);
    assert!(store.post(&mail("a@example.org", 0)).unwrap());
    assert_eq!(all(&store)[0].run, run);
}

#[test]
fn many_may_begin_a_database_and_a_job_at_the_same_time() {
    for _ in 0..5 {
        let folder = TempDir::new().unwrap();
        let start = Arc::new(std::sync::Barrier::new(6));
        let threads = [0, 1, 2, 3, 4, 5].map(|seconds| {
            let (start, place) = (Arc::clone(&start), place(&folder));
            std::thread::spawn(move || {
                start.wait();
                let store = Store::join(&place).unwrap();
                let run = Run {
                    scheduled_for: None,
                    cause: Cause::Manual,
                    ..run("tick", seconds)
                };
                let recorded = store.begin(&run, false, None, None).unwrap();
                assert_eq!(recorded, Recorded::Now);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(all(&open(&place(&folder))).len(), 6);
    }
}

#[test]
fn who_carried_a_run_out_knows_best_how_it_ended() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    let run = run("tick", 0);
    let unseen = Owner::of("1 of another container".to_owned());
    store.begin(&run, false, None, Some(&unseen)).unwrap();
    store.look_back([]).unwrap();
    assert_eq!(outcomes(&store), ["tick interrupted"]);
    store.end(run.id, &ended(Outcome::Success)).unwrap();
    assert_eq!(outcomes(&store), ["tick success"]);
    store.end(run.id, &ended(Outcome::Failure)).unwrap();
    assert_eq!(outcomes(&store), ["tick success"]);
}

#[test]
fn a_run_that_waits_to_be_tried_again_is_not_forgotten() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    for seconds in [0, 60] {
        let run = run("tick", seconds);
        store.begin(&run, false, None, None).unwrap();
        store.end(run.id, &ended(Outcome::Failure)).unwrap();
        if seconds == 60 {
            store.await_retry(run.id, noon(600)).unwrap();
        }
    }
    assert!(!store.prune(noon(300)).unwrap());
    assert_eq!(all(&store).len(), 1);
    assert_eq!(store.retries().unwrap().len(), 1);
}

#[test]
fn a_database_that_begins_to_change_while_it_is_read_is_read_on() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    store.begin_transaction().unwrap();
    for seconds in 0..350 {
        let run = run("tick", seconds);
        store.begin(&run, false, None, None).unwrap();
        store.end(run.id, &ended(Outcome::Success)).unwrap();
    }
    store.commit().unwrap();
    drop(store);
    let read = Store::read(&place).unwrap().unwrap();
    let mut writer = None;
    let mut count = 0;
    let stopped: Option<()> = read
        .each(&Filter::default(), |_| {
            count += 1;
            if count == 50 {
                let store = open(&place);
                while store.prune(noon(100)).unwrap() {}
                store.connection.execute_batch("VACUUM").unwrap();
                writer = Some(store);
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((stopped, count), (None, 250));
}

#[test]
fn what_was_earlier_stays_where_the_trigger_is_the_same() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    let first_seen = |every_s, at| Seen {
        anchor: at,
        since: Some(at),
        ..seen("tick", every_s)
    };
    let kept = |one: Seen| {
        store.remember(&[one], &[]).unwrap();
        let memory = store.memories().unwrap().remove(0);
        (memory.anchor, memory.since)
    };
    let both = |seconds| (noon(seconds), Some(noon(seconds)));
    assert_eq!(kept(first_seen(60, noon(10))), both(10));
    assert_eq!(kept(first_seen(60, noon(90))), both(10));
    assert_eq!(kept(first_seen(60, noon(5))), both(5));
    assert_eq!(kept(first_seen(7, noon(90))), both(90));
    let disabled = Seen {
        since: None,
        ..first_seen(7, noon(100))
    };
    assert_eq!(kept(disabled), (noon(90), None));
    assert_eq!(kept(first_seen(7, noon(120))), (noon(90), Some(noon(120))));
}
