use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::console::Marks;
use super::console::tests::{Shown, console};
use super::*;
use crate::run::{Cause, RunId};

fn now() -> DateTime<Utc> {
    "2023-05-14T08:00:00.123456Z".parse().unwrap()
}

fn run() -> Run {
    Run {
        id: RunId::new(now(), 1),
        job: "test.heartbeat".to_owned(),
        cause: Cause::Schedule,
        scheduled_for: Some(now()),
        started: now(),
        attempt: 1,
    }
}

fn record(level: Level, message: &str) -> Record {
    Record {
        level,
        at: now(),
        file: "test.py".to_owned(),
        function: "heartbeat".to_owned(),
        line: 15,
        message: message.to_owned(),
        alarm: None,
    }
}

/// Lets `work` log; gives what the file has and what the terminal showed.
fn log_in(folder: &Path, form: Form, work: impl FnOnce(&Logging)) -> (String, String) {
    let shown = Shown::default();
    let (logging, subscriber) = open(Options {
        folder: folder.to_owned(),
        level: Level::Info,
        terminal_level: Some(Level::Debug),
        zone: Zone::named("America/New_York").unwrap(),
        now,
        form,
        console: console(Marks::Marked, &Shown::default(), &shown),
    });
    tracing::subscriber::with_default(subscriber, || work(&logging));
    let _ = logging.finish();
    let text = fs::read_to_string(folder.join("scheduler.log")).unwrap_or_default();
    (text, shown.text())
}

fn log(form: Form, work: impl FnOnce(&Logging)) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    log_in(folder.path(), form, work)
}

const SCREEN: Form = Form::Screen { color: false };
const PLAIN: Form = Form::Plain { color: false };

#[test]
fn a_record_of_a_task_has_its_own_place_and_time() {
    let (file, screen) = log(SCREEN, |_| {
        task_record(&run(), &record(Level::Info, "heartbeat=1"));
    });
    let line = "scheduler: 2023-05-14 04:00:00,123 INFO test.py->heartbeat(15) heartbeat=1\n";
    assert_eq!(file, line);
    assert_eq!(
        screen,
        "04:00:00 INFO    test.heartbeat              heartbeat=1\n"
    );
}

#[test]
fn our_own_lines_name_the_scheduler_as_their_place() {
    let (file, screen) = log(SCREEN, |_| {
        tracing::info!(tag = "start", short = "", job = "a.b", "Calling task 'a.b'");
        tracing::info!(only = "terminal", "brief");
        tracing::warn!(only = "file", "no job");
    });
    assert_eq!(
        file,
        "scheduler: 2023-05-14 04:00:00,123 INFO sched->run(0) Calling task 'a.b'\n\
         scheduler: 2023-05-14 04:00:00,123 WARNING sched->run(0) no job\n"
    );
    assert_eq!(screen, "04:00:00 start   a.b\n04:00:00 INFO    brief\n");
}

#[test]
fn no_line_can_be_forged() {
    let evil = "a\nscheduler: 2023-05-14 04:00:00,123 CRITICAL x.py->y(1) pwned\r\n\r\x1b[2J\u{9b}\
                \u{202e}\u{2028}\tend\n";
    let (file, screen) = log(SCREEN, |_| {
        let mut record = record(Level::Info, evil);
        record.file = "te\nst.py".to_owned();
        task_record(&run(), &record);
    });
    assert_eq!(
        file,
        "scheduler: 2023-05-14 04:00:00,123 INFO te␊st.py->heartbeat(15) a\n    \
         scheduler: 2023-05-14 04:00:00,123 CRITICAL x.py->y(1) pwned\n    \
         ␍␛[2J\u{fffd}\u{fffd}\u{fffd}\tend\n"
    );
    assert!(
        screen
            .lines()
            .skip(1)
            .all(|line| line.starts_with("                 "))
    );
    assert!(!screen.contains(['\x1b', '\r', '\u{9b}', '\u{202e}']));
}

#[test]
fn the_level_and_the_zone_can_be_changed() {
    let (file, _) = log(SCREEN, |logging| {
        tracing::debug!("one");
        logging.set_level(Level::Debug);
        tracing::debug!("two");
        logging.set_level(Level::Error);
        logging.set_zone(Zone::utc());
        tracing::warn!("three");
        task_record(&run(), &record(Level::Critical, "four"));
    });
    assert_eq!(
        file,
        "scheduler: 2023-05-14 04:00:00,123 DEBUG sched->run(0) two\n\
         scheduler: 2023-05-14 08:00:00,123 CRITICAL test.py->heartbeat(15) four\n"
    );
}

#[test]
fn events_of_other_crates_are_not_ours() {
    let (file, _) = log(
        SCREEN,
        |_| tracing::error!(target: "lettre::smtp", "secret"),
    );
    assert_eq!(file, "");
}

#[test]
fn every_form_tells_the_same() {
    let tell = |form| {
        log(form, |_| {
            tracing::error!(
                event = "run_finished",
                tag = "FAILED",
                job = "a.b",
                run_id = "01ABC",
                duration = 0.5,
                short = "exit code 2\n| line",
                "failed"
            );
        })
        .1
    };
    assert_eq!(
        tell(PLAIN),
        format!(
            "2023-05-14 04:00:00-04:00 FAILED  {:<27} exit code 2\n{:17}| line\n",
            "a.b", ""
        )
    );
    assert_eq!(
        tell(Form::Journal),
        format!("<3>FAILED  {:<27} exit code 2\n<3>  | line\n", "a.b")
    );
    assert_eq!(
        tell(Form::Json),
        "{\"time\":\"2023-05-14T04:00:00.123-04:00\",\"level\":\"error\",\"event\":\"run_finished\",\
         \"job\":\"a.b\",\"run_id\":\"01ABC\",\"duration\":0.5,\"message\":\"failed\"}\n"
    );
    let coloured = "\x1b[1m\x1b[31mFAILED \x1b[0m a.b";
    assert!(tell(Form::Screen { color: true }).contains(coloured));
    let plain = tell(Form::Plain { color: true });
    let dated = "\x1b[2m2023-05-14 04:00:00-04:00\x1b[0m ";
    assert!(
        plain.starts_with(dated) && plain.contains(coloured),
        "{plain}"
    );
}

#[test]
fn jobs_and_texts_stand_in_columns_after_every_word() {
    let (_, screen) = log(SCREEN, |_| {
        for tag in ["ok", "reload", "TIMEOUT"] {
            tracing::info!(tag, job = "a.b", "text");
        }
    });
    let columns = screen
        .lines()
        .map(|line| (line.find("a.b"), line.find("text")));
    let columns: Vec<_> = columns.collect();
    assert_eq!(columns, [(Some(17), Some(45)); 3], "{screen}");
}

#[test]
fn nothing_is_lost_at_the_end() {
    let (file, _) = log(SCREEN, |_| {
        for number in 0..20_000 {
            tracing::info!("line {number}");
        }
    });
    assert_eq!(file.lines().count(), 20_000);
    assert!(file.ends_with("line 19999\n"));
}

#[test]
fn the_file_is_made_with_the_first_line_and_readable_by_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("log/deep");
    log_in(&inner, SCREEN, |_| {});
    assert!(!inner.exists());
    log_in(&inner, SCREEN, |_| tracing::info!("one"));
    let mode = fs::metadata(inner.join("scheduler.log"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o640);
    let (file, _) = log_in(&inner, SCREEN, |_| tracing::info!("two"));
    assert_eq!(file.lines().count(), 2, "appended");
}

#[test]
fn a_symlink_in_place_of_the_log_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    fs::write(&canary, "sings").unwrap();
    symlink(&canary, folder.path().join("scheduler.log")).unwrap();
    let (_, screen) = log_in(folder.path(), SCREEN, |_| {
        tracing::info!("one");
        tracing::info!("two");
    });
    assert_eq!(fs::read_to_string(canary).unwrap(), "sings");
    assert_eq!(
        screen.matches("warning: cannot write ").count(),
        1,
        "said once: {screen}"
    );
}

#[test]
fn a_log_that_was_moved_away_is_followed_by_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scheduler.log");
    let (file, _) = log_in(folder.path(), SCREEN, |logging| {
        tracing::info!("one");
        assert!(logging.queue.reach(LONGEST_END));
        fs::rename(&path, folder.path().join("old")).unwrap();
        tracing::info!("two");
    });
    assert!(file.ends_with("two\n") && !file.contains("one"));
}

#[test]
fn what_could_not_be_written_is_written_when_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("log");
    fs::write(&inner, "in the way").unwrap();
    let (file, screen) = log_in(&inner, SCREEN, |logging| {
        tracing::info!("one");
        tracing::info!("two");
        assert!(!logging.queue.reach(LONGEST_END));
        fs::remove_file(&inner).unwrap();
        tracing::info!("three");
    });
    assert_eq!(file.lines().count(), 3);
    assert!(screen.contains("cannot write ") && screen.contains("can be written again"));
}

#[test]
fn what_waits_for_the_file_is_bounded_and_the_rest_counted() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("log");
    fs::write(&inner, "in the way").unwrap();
    let (file, _) = log_in(&inner, SCREEN, |logging| {
        let long = "x".repeat(100_000);
        for _ in 0..20 {
            tracing::info!("{long}");
        }
        logging.queue.reach(LONGEST_END);
        fs::remove_file(&inner).unwrap();
    });
    let note = "scheduler: 2023-05-14 04:00:00,123 WARNING sched->run(0) after this, ";
    let last = file.lines().last().unwrap();
    assert!(last.starts_with(note), "{last}");
    let written = file.lines().count() - 1;
    assert_eq!(
        last[note.len()..],
        format!("{} lines could not be written", 20 - written)
    );
}

#[test]
fn secrets_are_hidden_in_every_form() {
    for form in [SCREEN, PLAIN, Form::Journal, Form::Json] {
        let (file, shown) = log(form, |logging| {
            logging.hide(Secrets::of_yaml("password: hunter22"));
            tracing::error!(short = "hunter22", fact = "hunter22", "it is hunter22");
        });
        assert!(file.contains("it is ********"), "{file}");
        assert!(
            !file.contains("hunter22") && !shown.contains("hunter22"),
            "{shown}"
        );
    }
}
