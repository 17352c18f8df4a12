use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use chrono::{DateTime, Utc};

use super::*;
use crate::run::Cause;

/// What a stream has shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).unwrap()
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00.5Z".parse().unwrap()
}

/// A console that shows on these.
pub(crate) fn console(marks: Marks, stdout: &Shown, stderr: &Shown) -> Console {
    Console::new((marks, stdout.clone()), (marks, stderr.clone()), now)
}

fn run(job: &str) -> Run {
    Run {
        id: RunId::new(DateTime::<Utc>::UNIX_EPOCH, u128::from(job.as_bytes()[0])),
        job: job.to_owned(),
        cause: Cause::Schedule,
        scheduled_for: None,
        started: DateTime::UNIX_EPOCH,
        attempt: 1,
    }
}

const A_WHILE: Duration = Duration::from_secs(20);

fn pass(marks: Marks, pieces: &[(&str, &[u8])]) -> String {
    let shown = Shown::default();
    let console = console(marks, &shown, &Shown::default());
    for (job, bytes) in pieces {
        console.pass(Stream::Stdout, &run(job), bytes);
    }
    for (job, _) in pieces {
        console.ended(&run(job));
    }
    assert!(console.finish(A_WHILE));
    shown.text()
}

#[test]
fn each_line_is_marked_with_its_job_however_it_arrives() {
    let pieces: [(&str, &[u8]); 4] = [
        ("a", b"one\ntw"),
        ("b", b"other\n"),
        ("a", b"o\n\nthr"),
        ("a", b"ee"),
    ];
    assert_eq!(
        pass(Marks::Marked, &pieces),
        "a | one\nb | other\na | two\na | \na | three\n"
    );
}

#[test]
fn untouched_bytes_are_untouched() {
    let pieces: [(&str, &[u8]); 2] = [("a", b"\x1b[1mone\r\ntw"), ("a", b"o")];
    assert_eq!(pass(Marks::Untouched, &pieces), "\x1b[1mone\r\ntwo");
    // Also where each is written before the next comes.
    let shown = Shown::default();
    let console = console(Marks::Untouched, &shown, &Shown::default());
    for (job, piece) in pieces {
        console.pass(Stream::Stdout, &run(job), piece);
        assert!(console.finish(A_WHILE));
    }
    assert_eq!(shown.text(), "\x1b[1mone\r\ntwo");
}

#[test]
fn a_terminal_gets_no_control_characters() {
    let pieces: [(&str, &[u8]); 1] = [("a\x1b", b"\x1b]52;x\x07\tb\xff\r\n")];
    assert_eq!(
        pass(Marks::MarkedAndClean, &pieces),
        "a␛ | ␛]52;x␇\tb\u{fffd}\n"
    );
}

#[test]
fn programs_get_an_object_for_each_line() {
    let shown = Shown::default();
    let console = console(Marks::Json, &Shown::default(), &shown);
    console.set_zone(Zone::named("Europe/Berlin").unwrap());
    console.hide(Arc::new(Secrets::of_yaml("password: hunter22")));
    let run = run("a");
    console.pass(Stream::Stderr, &run, b"\x1b\"one\xff hunter22\r\ntw");
    console.ended(&run);
    assert!(console.finish(A_WHILE));
    let id = run.id;
    let object = |text: &str| {
        format!(
            "{{\"time\":\"2026-11-24T13:00:00.500+01:00\",\"level\":\"info\",\"event\":\"output\",\
             \"job\":\"a\",\"run_id\":\"{id}\",\"stream\":\"stderr\",\"message\":\"{text}\"}}\n"
        )
    };
    let expected = object("\\u001b\\\"one\u{fffd} ********") + &object("tw");
    assert_eq!(shown.text(), expected);
}

#[test]
fn secrets_are_hidden_in_marked_lines_and_other_bytes_stay() {
    let shown = Shown::default();
    let console = console(Marks::Marked, &shown, &Shown::default());
    console.hide(Arc::new(Secrets::of_yaml("password: hunter22")));
    console.pass(Stream::Stdout, &run("a"), b"it is hunter22\n\xfe\n");
    assert!(console.finish(A_WHILE));
    let shown = lock(&shown.0).clone();
    assert_eq!(shown, b"a | it is ********\na | \xfe\n");
}

#[test]
fn a_line_without_an_end_is_cut() {
    let long = vec![b'x'; LONGEST_LINE + 1];
    let shown = pass(Marks::Marked, &[("a", &long), ("a", b"y")]);
    let lines: Vec<_> = shown.lines().map(str::len).collect();
    assert_eq!(lines, [4 + LONGEST_LINE + 1, 5]);
}

#[test]
fn no_secret_is_cut_in_two() {
    for before in (0..12).map(|surplus| LONGEST_LINE - surplus) {
        let shown = Shown::default();
        let console = console(Marks::Marked, &shown, &Shown::default());
        console.hide(Arc::new(Secrets::of_yaml("password: hunter22")));
        let text = [vec![b'x'; before], b"hunter22 of it\n".to_vec()].concat();
        for piece in text.chunks(LONGEST_LINE + 1) {
            console.pass(Stream::Stdout, &run("a"), piece);
        }
        assert!(console.finish(A_WHILE));
        let text = shown.text().replace("\na | ", "");
        let expected = format!("a | {}******** of it\n", "x".repeat(before));
        assert_eq!(text, expected, "{before}");
    }
}

/// A reader that waits until it is told to go on.
struct Stuck(mpsc::Receiver<()>, Shown);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Once the sender is gone, it reads all.
        let _ = self.0.recv();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_reader_blocks_nobody_and_learns_what_it_missed() {
    let shown = Shown::default();
    let (go_on, waits) = mpsc::channel();
    let stuck = Stuck(waits, shown.clone());
    let console = Console::new((Marks::Marked, stuck), (Marks::Marked, io::sink()), now);
    let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
    for _ in 0..20_000 {
        console.pass(Stream::Stdout, &run("a"), &line);
    }
    assert!(
        !console.finish(Duration::from_millis(1)),
        "the reader is slow"
    );
    drop(go_on);
    assert!(console.finish(A_WHILE));
    let text = shown.text();
    let kept = text.lines().filter(|line| line.starts_with("a | ")).count();
    assert!(kept < 10_000);
    // Where the thread begins late, there are two notes.
    let dropped = |line: &str| -> Option<usize> {
        let (count, what) = line.strip_prefix("sched | ")?.split_once(' ')?;
        what.starts_with("bytes of output dropped")
            .then(|| count.parse().ok())?
    };
    let told: usize = text.lines().filter_map(dropped).sum();
    assert_eq!(told, (20_000 - kept) * 1024);
}

#[test]
fn neither_half_of_a_secret_is_shown_where_output_is_dropped() {
    let shown = Shown::default();
    let (go_on, waits) = mpsc::channel();
    let stuck = Stuck(waits, shown.clone());
    let console = Console::new((Marks::Marked, stuck), (Marks::Marked, io::sink()), now);
    console.hide(Arc::new(Secrets::of_yaml("password: hunter22-and-more")));
    let run = run("a");
    let pass = |text: &str| console.pass(Stream::Stdout, &run, text.as_bytes());
    pass("first\n");
    let is_stuck = || {
        let queue = lock(&console.stdout.queue);
        queue.writing && queue.waiting.is_empty()
    };
    while !is_stuck() {
        std::thread::sleep(Duration::from_millis(1));
    }
    pass("begun hunter22");
    // More than there is room for, and what would fit after it again.
    pass(&"x".repeat(WAITING_BYTES));
    pass("-and");
    drop(go_on);
    assert!(console.finish(A_WHILE));
    pass("and-more\nhunter22-and-more\n");
    assert!(console.finish(A_WHILE));
    let text = shown.text();
    let note = format!("sched | {} bytes of output dropped", WAITING_BYTES + 4);
    assert!(text.contains(&note), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with("sched"));
    let expected = ["first", "begun ********", "********", "********"];
    let expected = expected.map(|line| format!("a | {line}"));
    assert_eq!(lines.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn what_waits_for_a_reader_is_bounded_however_small_the_pieces_are() {
    let (go_on, waits) = mpsc::channel();
    let stuck = Stuck(waits, Shown::default());
    let console = Console::new((Marks::Marked, stuck), (Marks::Marked, io::sink()), now);
    // More than there is room for; and then another run that finds none.
    for run in [run("a"), run("b")] {
        for _ in 0..2 * WAITING_BYTES / size_of::<Part>() {
            console.pass(Stream::Stdout, &run, b"x\n");
        }
    }
    let parts = lock(&console.stdout.queue).waiting.len();
    assert!(parts * size_of::<Part>() <= WAITING_BYTES, "{parts}");
    drop(go_on);
    assert!(console.finish(A_WHILE));
}

/// A reader that takes its time.
struct Slow(Shown);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(50));
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_said_of_an_end_comes_after_the_output_of_the_run() {
    let shown = Shown::default();
    let stdout = (Marks::Marked, Slow(shown.clone()));
    let console = Console::new(stdout, (Marks::Marked, shown.clone()), now);
    for job in ["a", "b"] {
        console.pass(Stream::Stdout, &run(job), b"last words");
        console.ended(&run(job));
        console.write(Stream::Stderr, format!("ok {job}\n").into_bytes());
    }
    assert!(console.finish(A_WHILE));
    let text = shown.text();
    for job in ["a", "b"] {
        let at = |words: String| text.find(&words).unwrap();
        assert!(
            at(format!("{job} | last words\n")) < at(format!("ok {job}\n")),
            "{text}"
        );
    }
}

#[test]
fn what_a_run_writes_stands_between_its_beginning_and_its_end() {
    for slow_stdout in [true, false] {
        let shown = Shown::default();
        let (slow, quick) = (Slow(shown.clone()), shown.clone());
        let console = if slow_stdout {
            Console::new((Marks::Marked, slow), (Marks::Marked, quick), now)
        } else {
            Console::new((Marks::Marked, quick), (Marks::Marked, slow), now)
        };
        let mut expected = Vec::new();
        for job in ["a", "b", "c"] {
            console.write(Stream::Stderr, format!("start {job}\n").into_bytes());
            console.pass(Stream::Stdout, &run(job), b"words\nlast words");
            console.ended(&run(job));
            console.write(Stream::Stderr, format!("ok {job}\n").into_bytes());
            let lines = ["start _", "_ | words", "_ | last words", "ok _"];
            expected.extend(lines.map(|line| line.replace('_', job)));
        }
        assert!(console.finish(A_WHILE));
        assert_eq!(shown.text().lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_is_said_of_an_end_does_not_wait_for_a_reader_that_is_stuck() {
    let told = Shown::default();
    let (go_on, waits) = mpsc::channel();
    let stuck = Stuck(waits, Shown::default());
    let console = Console::new((Marks::Marked, stuck), (Marks::Marked, told.clone()), now);
    for number in 0..1_000 {
        console.pass(Stream::Stdout, &run("a"), b"last words\n");
        console.ended(&run("a"));
        console.write(Stream::Stderr, format!("ok {number}\n").into_bytes());
    }
    let is_told = || told.text().ends_with("ok 999\n");
    for _ in 0..A_WHILE.as_millis() / 10 {
        if is_told() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(is_told(), "{}", told.text());
    drop(go_on);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test is about how long it takes"
)]
fn at_the_end_a_stream_is_waited_for_also_where_the_other_is_stuck() {
    let (go_on, waits) = mpsc::channel();
    let (begin, begins) = mpsc::channel();
    let stuck = |reader| (Marks::Marked, Stuck(reader, Shown::default()));
    let console = Console::new(stuck(waits), stuck(begins), now);
    console.write(Stream::Stdout, b"one\n".to_vec());
    console.write(Stream::Stderr, b"why\n".to_vec());
    let (longest, start) = (Duration::from_millis(200), std::time::Instant::now());
    assert!(!console.finish(longest));
    assert!(start.elapsed() >= 2 * longest, "each has its time");
    drop((go_on, begin));
}

/// A disk with so much room.
struct Disk(Arc<AtomicUsize>, Shown);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.0.load(Ordering::Relaxed).min(bytes.len());
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.fetch_sub(room, Ordering::Relaxed);
        self.1.write(&bytes[..room])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_a_full_disk_did_not_take_is_told_there_when_it_has_room_again() {
    let (room, shown) = (Arc::new(AtomicUsize::new(6)), Shown::default());
    let disk = Disk(Arc::clone(&room), shown.clone());
    let console = Console::new((Marks::Marked, disk), (Marks::Marked, io::sink()), now);
    let pass = |text: &str| {
        console.pass(Stream::Stdout, &run("a"), text.as_bytes());
        assert!(console.finish(A_WHILE));
    };
    pass("one\n");
    pass("two\n");
    assert_eq!(shown.text(), "a | on");
    let note = "sched | 10 bytes of output dropped: there was no room to write it\n";
    // Room for the note, and again too little for what follows it.
    room.store(1 + note.len() + 3, Ordering::Relaxed);
    pass("three\n");
    assert!(console.fault(Stream::Stdout).is_some());
    room.store(1000, Ordering::Relaxed);
    pass("four\n");
    pass("five\n");
    let again = note.replace("10", "7");
    let expected = format!("a | on\n{note}a |\n{again}a | four\na | five\n");
    assert_eq!(shown.text(), expected);
    assert!(console.fault(Stream::Stdout).is_none());
}

#[test]
fn a_stream_that_does_not_wait_is_waited_for() {
    struct Shared(usize, Shown);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0.is_multiple_of(3) {
                return self.1.write(bytes);
            }
            Err(io::ErrorKind::WouldBlock.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let shown = Shown::default();
    let shared = Shared(0, shown.clone());
    let console = Console::new((Marks::Marked, shared), (Marks::Marked, io::sink()), now);
    console.pass(Stream::Stdout, &run("a"), b"one\n");
    assert!(console.finish(A_WHILE));
    assert_eq!(shown.text(), "a | one\n");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let console = Console::new((Marks::Marked, Gone), (Marks::Marked, io::sink()), now);
    for _ in 0..10_000 {
        console.pass(Stream::Stdout, &run("a"), &[b'\n'; 1024]);
    }
    assert!(console.finish(A_WHILE));
}
