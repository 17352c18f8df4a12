//! From news to the outbox, with a mail server that is down.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use tempfile::TempDir;

use super::*;
use crate::config::Outside;
use crate::run::Cause;
use crate::secret::Secrets;
use crate::store::{Mail, Place, Store};
use crate::trigger::Zone;

/// How long to wait for threads.
const A_WHILE: Duration = Duration::from_secs(60);

/// Nobody listens there.
pub(super) const CONFIG: &str = "\
error notification email: [a@example.org, no address, B <b@example.org>]
mail:
  default sender: s@example.org
  server: 127.0.0.1
  port: 1
  use tls: false
scheduler:
  a.b: {type: interval, hours: 1}
";

pub(super) fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

pub(super) fn setup(text: &str) -> Setup {
    let outside = Outside::new(now(), "/srv", Zone::utc());
    Setup::new(&crate::config::read(text, &outside).config.unwrap())
}

/// An outbox of its own for each test.
struct Bench {
    folder: TempDir,
    post: Post,
}

impl Bench {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::of_yaml("password: hunter22");
        let post = Post::start(place(&folder), setup(text), secrets, now, false).unwrap();
        Self { folder, post }
    }

    /// What waits in the end.
    fn mails(self) -> Vec<Mail> {
        self.post.finish(A_WHILE);
        let store = Store::join(&place(&self.folder)).unwrap();
        let late = now() + TimeDelta::days(1);
        let next = || {
            let waiting = store.claim_mail(late).unwrap()?;
            store.settle_mail(&waiting).unwrap();
            Some(waiting.mail)
        };
        std::iter::from_fn(next).collect()
    }
}

pub(super) fn place(folder: &TempDir) -> Place {
    Place::new(folder.path().join("state"), Path::new("/srv/config.yml"))
}

fn run(job: &str) -> Run {
    Run {
        id: RunId::new(now(), fastrand::u128(..)),
        job: job.to_owned(),
        cause: Cause::Schedule,
        scheduled_for: Some(now()),
        started: now(),
        attempt: 1,
    }
}

fn ended(outcome: Outcome, error: Option<&str>) -> Ended {
    Ended {
        outcome,
        exit_code: Some(7),
        signal: None,
        returned: None,
        error: error.map(|message| RunError {
            class: "ValueError".to_owned(),
            message: message.to_owned(),
            traceback: "Traceback".to_owned(),
        }),
        stdout: String::new(),
        stderr: "last words\n".to_owned(),
        took: Duration::from_secs(1),
    }
}

fn failure(message: &str) -> Ended {
    ended(Outcome::Failure, Some(message))
}

#[test]
fn each_recipient_has_a_mail_of_their_own() {
    let bench = Bench::of(CONFIG);
    bench
        .post
        .ended(&run("a.b"), &failure("with hunter22"), true);
    let mails = bench.mails();
    let recipients: Vec<_> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(recipients, ["a@example.org", "B <b@example.org>"]);
    let message = "ValueError: Scheduler Exception: with ********\n";
    assert!(mails.iter().all(|mail| mail.body.contains(message)));
    assert_ne!(mails[0].id, mails[1].id);
}

#[test]
fn a_store_that_is_moved_aside_takes_no_mail_with_it() {
    let bench = Bench::of(CONFIG);
    bench.post.ended(&run("a.b"), &failure("first"), true);
    let place = place(&bench.folder);
    let waiting = || {
        let store = Store::read(&place).unwrap();
        store.and_then(|store| store.next_mail().unwrap())
    };
    let pause = Duration::from_millis(10);
    for _ in 0..A_WHILE.as_millis() / pause.as_millis() {
        // Put off, hence tried.
        if waiting().is_some_and(|due| due > now()) {
            break;
        }
        std::thread::sleep(pause);
    }
    for end in ["-wal", "-shm", ""] {
        let name = |aside: &str| {
            let mut name = place.database().into_os_string();
            name.push(aside);
            name.push(end);
            name
        };
        std::fs::rename(name(""), name(".aside")).unwrap();
    }
    bench.post.ended(&run("a.b"), &failure("second"), true);
    let mails = bench.mails();
    let with = |text: &str| mails.iter().filter(|mail| mail.body.contains(text)).count();
    assert_eq!((with("first"), with("second")), (2, 2));
}

#[test]
fn what_is_no_failure_for_good_is_not_mailed() {
    let bench = Bench::of(CONFIG);
    let handled = run("a.b");
    bench.post.handled(&handled);
    bench.post.ended(&handled, &failure("handled"), true);
    bench
        .post
        .ended(&run("a.b"), &failure("tried again"), false);
    for outcome in [
        Outcome::Success,
        Outcome::Interrupted,
        Outcome::Skipped,
        Outcome::Coalesced,
        Outcome::Missed,
    ] {
        bench
            .post
            .ended(&run("a.b"), &ended(outcome, Some("no")), true);
    }
    assert_eq!(bench.mails(), []);
}

#[test]
fn nobody_to_mail_to_is_no_mail() {
    let bench = Bench::of("scheduler:\n  a.b: {type: interval, hours: 1}\n");
    bench.post.ended(&run("a.b"), &failure("no"), true);
    assert_eq!(bench.mails(), []);
}

#[test]
fn an_end_without_an_exception_names_its_job() {
    let bench = Bench::of(CONFIG);
    bench
        .post
        .ended(&run("one"), &ended(Outcome::Failure, None), true);
    bench
        .post
        .ended(&run("two"), &ended(Outcome::Failure, None), true);
    bench
        .post
        .ended(&run("two"), &ended(Outcome::Timeout, None), true);
    let mails = bench.mails();
    assert_eq!(mails.len(), 6, "neither holds back the other");
    let words = "Exception: Scheduler Exception: 'one' ended with exit code 7\n\n\
                 The end of its standard error:\n\nlast words\n";
    assert!(mails[0].body.contains(words), "{}", mails[0].body);
    assert!(mails[4].body.contains("'two' ran into its timeout\n"));
}

#[test]
fn a_timeout_is_mailed_as_one_whatever_the_task_raised_then() {
    let bench = Bench::of(CONFIG);
    bench
        .post
        .ended(&run("one"), &ended(Outcome::Timeout, Some("no")), true);
    let body = &bench.mails()[0].body;
    let words =
        "Exception: Scheduler Exception: 'one' ran into its timeout: ValueError: no\n\nTraceback";
    assert!(body.contains(words), "{body}");
}

#[test]
fn ten_thousand_failures_are_one_mail() {
    let bench = Bench::of(CONFIG);
    for _ in 0..10_000 {
        bench.post.ended(&run("a.b"), &failure("the same"), true);
    }
    assert_eq!(bench.mails().len(), 2, "one for each recipient");
}

#[test]
fn ten_thousand_different_failures_are_no_more_than_the_outbox_holds() {
    let bench = Bench::of(CONFIG);
    for number in 0..10_000 {
        bench
            .post
            .ended(&run("a.b"), &failure(&number.to_string()), true);
    }
    let mails = bench.mails();
    assert!((1..=1_000).contains(&mails.len()), "{}", mails.len());
}

#[test]
fn a_recovery_is_told_once_also_after_a_restart() {
    let bench = Bench::of(CONFIG);
    bench.post.ended(&run("a.b"), &failure("no"), true);
    bench.post.finish(A_WHILE);
    let place = place(&bench.folder);
    let post = Post::start(place, setup(CONFIG), Secrets::default(), now, true).unwrap();
    let bench = Bench { post, ..bench };
    for _ in 0..3 {
        bench
            .post
            .ended(&run("a.b"), &ended(Outcome::Success, None), true);
    }
    bench
        .post
        .ended(&run("other"), &ended(Outcome::Success, None), true);
    let subjects: Vec<String> = bench.mails().into_iter().map(|mail| mail.subject).collect();
    let told = |words: &str| subjects.iter().filter(|one| one.contains(words)).count();
    assert_eq!(
        (told("error: ValueError"), told("a.b succeeded again")),
        (2, 2)
    );
    assert_eq!(subjects.len(), 4);
}

/// Waits until a mail is written down.
fn wait_for_mail(folder: &TempDir) {
    let waits = || Store::join(&place(folder)).unwrap().next_mail();
    for _ in 0..6_000 {
        if waits().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no mail is written");
}

/// How many of the mails tell a recovery.
fn recoveries(mails: &[Mail]) -> usize {
    let tells = |mail: &&Mail| mail.subject.contains("succeeded again");
    mails.iter().filter(tells).count()
}

#[test]
fn each_job_that_fails_with_the_same_message_is_mailed_and_so_is_its_recovery() {
    let bench = Bench::of(CONFIG);
    for _ in 0..3 {
        for job in ["one", "two"] {
            bench.post.ended(&run(job), &failure("no server"), true);
        }
    }
    bench.post.finish(A_WHILE);
    let post = another(&bench.folder, now);
    for job in ["one", "two"] {
        post.ended(&run(job), &ended(Outcome::Success, None), true);
        // It did not recover for long.
        post.ended(&run(job), &failure("no server"), true);
    }
    post.finish(A_WHILE);
    let mails = bench.mails();
    for job in ["one", "two"] {
        let about = format!("Job: {job}\n");
        let about = mails.iter().filter(|mail| mail.body.contains(&about));
        assert_eq!(about.count(), 4, "a failure and a recovery to each");
    }
    assert_eq!((mails.len(), recoveries(&mails)), (8, 4));
}

#[test]
fn a_recovery_that_another_process_told_is_not_told_again() {
    let bench = Bench::of(CONFIG);
    let success = ended(Outcome::Success, None);
    bench.post.ended(&run("a.b"), &failure("no"), true);
    wait_for_mail(&bench.folder);
    let other = another(&bench.folder, now);
    other.ended(&run("a.b"), &success, true);
    other.finish(A_WHILE);
    bench.post.ended(&run("a.b"), &success, true);
    assert_eq!(recoveries(&bench.mails()), 2, "one for each recipient");
}

#[test]
fn a_recovery_is_told_also_where_another_process_mailed_the_failure() {
    let bench = Bench::of(CONFIG);
    bench
        .post
        .ended(&run("a.b"), &ended(Outcome::Success, None), true);
    let other = another(&bench.folder, now);
    other.ended(&run("a.b"), &failure("no"), true);
    other.finish(A_WHILE);
    bench
        .post
        .ended(&run("a.b"), &ended(Outcome::Success, None), true);
    assert_eq!(recoveries(&bench.mails()), 2, "one for each recipient");
}

#[test]
fn a_recovery_is_not_told_where_that_is_not_wanted() {
    let text = CONFIG.replace("scheduler:\n", "scheduler:\n  recovery mail: false\n");
    let bench = Bench::of(&text);
    bench.post.ended(&run("a.b"), &failure("no"), true);
    bench.post.finish(A_WHILE);
    let place = place(&bench.folder);
    let post = Post::start(place, setup(&text), Secrets::default(), now, false).unwrap();
    let bench = Bench { post, ..bench };
    bench
        .post
        .ended(&run("a.b"), &ended(Outcome::Success, None), true);
    assert_eq!(bench.mails().len(), 2);
}

/// Five minutes later.
fn later() -> DateTime<Utc> {
    now() + TimeDelta::minutes(5)
}

/// The post of another process, at the time that `clock` tells.
fn another(folder: &TempDir, clock: fn() -> DateTime<Utc>) -> Post {
    Post::start(
        place(folder),
        setup(CONFIG),
        Secrets::default(),
        clock,
        false,
    )
    .unwrap()
}

#[test]
fn processes_share_what_was_mailed_and_what_was_held_back() {
    let bench = Bench::of(CONFIG);
    for clock in [now, now, now, later] {
        let post = another(&bench.folder, clock);
        post.ended(&run("a.b"), &failure("the same"), true);
        post.finish(A_WHILE);
    }
    let mails = bench.mails();
    assert_eq!(mails.len(), 4, "two mails to each of two recipients");
    let told = "2 mails about ValueError before this one were held back.\n";
    assert!(mails[3].body.ends_with(told), "{}", mails[3].body);
}

#[test]
fn a_storm_is_counted_to_the_last() {
    let bench = Bench::of(CONFIG);
    for _ in 0..10_000 {
        bench.post.ended(&run("a.b"), &failure("the same"), true);
    }
    bench.post.finish(A_WHILE);
    let post = another(&bench.folder, later);
    post.ended(&run("a.b"), &failure("the same"), true);
    post.finish(A_WHILE);
    let mails = bench.mails();
    let told = "9999 mails about ValueError before this one were held back.\n";
    assert!(mails[3].body.ends_with(told), "{}", mails[3].body);
}

#[test]
fn without_an_outbox_mails_are_kept_in_memory_and_written_when_that_is_possible() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::write(&state, "in the way").unwrap();
    let bench = Bench {
        post: another(&folder, now),
        folder,
    };
    for _ in 0..10 {
        bench.post.ended(&run("a.b"), &failure("the same"), true);
    }
    let deadline = std::iter::repeat_n((), 6_000);
    for () in deadline {
        if bench.post.shared.carried.next().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let success = ended(Outcome::Success, None);
    bench.post.ended(&run("a.b"), &success, true);
    bench.post.ended(&run("other"), &success, true);
    std::fs::remove_file(state).unwrap();
    let mails = bench.mails();
    assert_eq!(mails.len(), 4, "one for each recipient, none lost");
    assert_eq!(recoveries(&mails), 2);
}

#[test]
fn mails_go_into_the_new_outbox_when_the_old_one_was_moved_aside() {
    let bench = Bench::of(CONFIG);
    bench.post.ended(&run("a.b"), &failure("one"), true);
    wait_for_mail(&bench.folder);
    let path = place(&bench.folder).database();
    std::fs::rename(&path, path.with_extension("aside")).unwrap();
    bench.post.ended(&run("a.b"), &failure("two"), true);
    let mails = bench.mails();
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails[0].body.contains("Scheduler Exception: two"));
}

/// A mail server that takes everything; gives the recipients.
fn serve(listener: &std::net::TcpListener) -> std::sync::mpsc::Receiver<String> {
    use std::io::{BufRead, BufReader, Write};
    let listener = listener.try_clone().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut answers = stream.try_clone().unwrap();
            let mut answer = |text: &str| answers.write_all(text.as_bytes());
            answer("220 test\r\n").unwrap();
            let mut is_message = false;
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let said = match line.get(..4).unwrap_or(&line) {
                    "." => {
                        is_message = false;
                        "250 OK\r\n"
                    }
                    _ if is_message => continue,
                    "RCPT" => {
                        let _ = tell.send(line);
                        "250 OK\r\n"
                    }
                    "DATA" => {
                        is_message = true;
                        "354 go on\r\n"
                    }
                    _ => "250-test\r\n250 8BITMIME\r\n",
                };
                if answer(said).is_err() {
                    break;
                }
            }
        }
    });
    told
}

#[test]
fn an_hour_of_failures_without_a_server_is_delivered_once_it_is_up() {
    static SECONDS: AtomicI64 = AtomicI64::new(0);
    fn clock() -> DateTime<Utc> {
        now() + TimeDelta::seconds(SECONDS.load(Ordering::Relaxed))
    }
    // Bound and not listened to by anybody: whoever connects is refused.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let text = CONFIG.replace("port: 1", &format!("port: {port}"));
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let (place, setup) = (place(&folder), setup(&text));
        Post::start(place, setup, Secrets::default(), clock, true).unwrap()
    };
    let post = start();
    for number in 0..10_000 {
        SECONDS.store(number * 3_600 / 10_000, Ordering::Relaxed);
        // Ten jobs, each with errors of its own that change now and then.
        let message = format!("job {} is at {}", number % 10, number / 1_000);
        post.ended(&run("a.b"), &failure(&message), true);
    }
    post.finish(A_WHILE);
    let store = Store::join(&place(&folder)).unwrap();
    assert!(
        store.next_mail().unwrap() > Some(clock()),
        "they were tried and wait"
    );

    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let delivered = serve(&listener);
    start().finish(A_WHILE);
    let delivered = delivered.try_iter().count();
    assert!((200..=1_000).contains(&delivered), "{delivered}");
    assert_eq!(store.next_mail().unwrap(), None, "nothing waits any more");
}

#[test]
fn no_part_of_a_secret_is_left_where_a_mail_leaves_something_out() {
    let bench = Bench::of(CONFIG);
    // "Scheduler Exception: " comes before it, and the first 5,000 characters are kept.
    let message = format!("{}hunter22{}", "x".repeat(4_972), "y".repeat(10_000));
    bench.post.ended(&run("a.b"), &failure(&message), true);
    let mails = bench.mails();
    assert!(mails[0].body.contains("x*******\n["), "{}", mails[0].body);
}
