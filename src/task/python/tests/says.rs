//! What a task logs and prints.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::job::Task;
use crate::run::{Order, Record, Run};
use crate::task::testing::{Bench, block_on, by_hand, job, ran};
use crate::task::{Output, Tasks};

/// An output whose log takes nothing most of the time.
#[derive(Default)]
struct Slow {
    asked: AtomicUsize,
    records: AtomicUsize,
}

impl Output for Slow {
    fn stdout(&self, _run: &Run, _bytes: &[u8]) {}

    fn stderr(&self, _run: &Run, _bytes: &[u8]) {}

    fn record(&self, _run: &Run, record: &Record) {
        if record.file != "sched" {
            self.records.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wants_records(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) % 100 >= 10
    }
}

#[test]
fn a_task_waits_for_a_log_that_does_not_keep_up() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n    for n in range(1000): log(n)\n",
    );
    let (slow, job) = (Slow::default(), job(Task::Named("t.f".to_owned())));
    let (_orders, order) = watch::channel(Order::GoOn);
    let tasks = Tasks::new(bench.setup.clone());
    block_on(tasks.run(&by_hand(&job), &job, order, &slow));
    assert_eq!(slow.records.into_inner(), 1000);
    assert!(
        slow.asked.into_inner() > 100,
        "it was asked again and again"
    );
}

#[test]
fn every_way_of_logging_arrives() {
    let bench = Bench::of(
        "import logging, logging.config\n\
         from docassemble.Scheduler.scheduler_logger import log, get_logger, error_notification\n\
         def f():\n\
         \x20   log('plain')\n\
         \x20   log('loud', 'WARNING')\n\
         \x20   log('named', level='error')\n\
         \x20   log(message='keyword', message_level='debug')\n\
         \x20   log('unknown', 'shout')\n\
         \x20   log('100% %s {}')\n\
         \x20   log(None, lvl='critical')\n\
         \x20   get_logger().info('%d %s', 1, 'two')\n\
         \x20   logging.getLogger('scheduler').warning('bad %d', 'x')\n\
         \x20   logging.disable(logging.CRITICAL)\n\
         \x20   logging.config.dictConfig({'version': 1})\n\
         \x20   log('still heard')\n\
         \x20   error_notification(ValueError('told'))\n\
         \x20   try: 1 / 0\n\
         \x20   except ZeroDivisionError: get_logger().exception('caught')\n",
    );
    let ran = bench.run("t.f");
    let logged = ran.logged();
    let (last, others) = logged.split_last().unwrap();
    assert_eq!(
        others,
        [
            "INFO plain",
            "WARNING loud",
            "ERROR named",
            "DEBUG keyword",
            "INFO unknown",
            "INFO 100% %s {}",
            "CRITICAL None",
            "INFO 1 two",
            "WARNING bad %d",
            "INFO still heard",
            "CRITICAL ValueError: told",
        ],
        "{ran:?}"
    );
    assert!(last.starts_with("ERROR caught\nTraceback"), "{last}");
    assert!(
        last.ends_with("ZeroDivisionError: division by zero"),
        "{last}"
    );
    let records = ran.records.iter().filter(|record| record.file != "sched");
    for (record, line) in records.zip([4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 18]) {
        let place = (record.file.as_str(), record.function.as_str(), record.line);
        assert_eq!(place, ("t.py", "f", line));
    }
}

#[test]
fn a_configuration_of_the_logger_silences_nothing() {
    let bench = Bench::of(
        "import logging, logging.config, sys\n\
         from docassemble.Scheduler.scheduler_logger import log, get_logger\n\
         def f():\n\
         \x20   logger = {'level': 'ERROR', 'handlers': []}\n\
         \x20   logging.config.dictConfig({'version': 1, 'loggers': {'scheduler': logger}})\n\
         \x20   log('configured', 'critical')\n\
         \x20   get_logger().handlers.clear()\n\
         \x20   log('cleared', 'error')\n\
         \x20   get_logger().addHandler(logging.StreamHandler(sys.stdout))\n\
         \x20   log('both')\n",
    );
    let ran = bench.run("t.f");
    assert_eq!(
        ran.logged(),
        ["CRITICAL configured", "ERROR cleared", "INFO both"]
    );
    let alarms = ran.records.iter().filter(|record| record.alarm.is_some());
    assert_eq!(alarms.count(), 1);
    let (stdout, stderr) = (&*ran.ended.stdout, &*ran.ended.stderr);
    assert_eq!((stdout, stderr), ("both\n", ""));
}

#[test]
fn who_looks_for_logging_before_it_is_loaded_loses_nothing() {
    let bench = Bench::of(
        "import importlib.util\nimportlib.util.find_spec('logging')\n\
         from docassemble.Scheduler.scheduler_logger import get_logger\n\
         def f(): get_logger().info('heard')\n",
    );
    assert_eq!(bench.run("t.f").logged(), ["INFO heard"]);
}

#[test]
fn where_nothing_can_be_loaded_any_more_the_places_in_the_code_are_told() {
    let bench = Bench::of(
        "import os, resource\n\
         from docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n\
         \x20   resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))\n\
         \x20   try:\n\
         \x20       while True: os.dup(0)\n\
         \x20   except OSError as error:\n\
         \x20       log('full', 'critical')\n\
         \x20       raise ValueError('no') from error\n",
    );
    let job = job(Task::Named("t.f".to_owned()));
    let (_orders, order) = watch::channel(Order::GoOn);
    let tasks = Tasks::new(bench.setup.clone());
    let ran = block_on(ran(&tasks, &by_hand(&job), &job, order));
    let file = bench.path("tasks/t.py");
    let place = |line| format!("  File \"{}\", line {line}, in f\n", file.display());
    let first = "Traceback (most recent call last):\n";
    let link = "\nThe above exception was the direct cause of the following exception:\n\n";
    assert_eq!(
        ran.traceback(),
        format!(
            "{first}{}OSError: [Errno 24] Too many open files\n{link}{first}{}ValueError: no\n",
            place(6),
            place(9)
        )
    );
    let alarm = ran.records.iter().find_map(|record| record.alarm.as_ref());
    let trace = &alarm.unwrap().traceback;
    assert!(trace.contains(&place(6)), "{trace}");
    assert!(
        trace.ends_with(&format!("Current Stack:\n{}", place(8))),
        "{trace}"
    );
}

#[test]
fn lines_of_threads_and_forks_arrive_whole_and_one_result() {
    let bench = Bench::of(
        "import os, threading\n\
         from docassemble.Scheduler.scheduler_logger import log\n\
         def say(letter):\n    for _ in range(20): log(letter * 10000)\n\
         def f():\n\
         \x20   threads = [threading.Thread(target=say, args=(letter,)) for letter in 'ab']\n\
         \x20   for thread in threads: thread.start()\n\
         \x20   child = os.fork()\n\
         \x20   say('c' if child else 'd')\n\
         \x20   if child: os.waitpid(child, 0)\n\
         \x20   for thread in threads: thread.join()\n\
         \x20   return 'parent' if child else 'child'\n",
    );
    let ran = bench.run("t.f");
    assert_eq!(
        ran.ended.returned.as_deref(),
        Some("parent"),
        "{:?}",
        ran.ended
    );
    let mut counts = std::collections::BTreeMap::new();
    for record in ran.records.iter().filter(|record| record.file != "sched") {
        assert_eq!(record.message.len(), 10_000);
        let letter = record.message.chars().next().unwrap();
        assert!(record.message.chars().all(|c| c == letter));
        *counts.entry(letter).or_insert(0) += 1;
    }
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [('a', 20), ('b', 20), ('c', 20), ('d', 20)]
    );
}

#[test]
fn texts_of_megabytes_are_cut() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n    log('l' * 5000000)\n    return 'r' * 5000000\n\
         def g(): raise ValueError('e' * 5000000)\n",
    );
    let ran = bench.run("t.f");
    assert!(
        ran.records
            .iter()
            .all(|record| record.message.len() < 300_000)
    );
    let returned = ran.ended.returned.unwrap();
    assert!(returned.len() <= 10_000, "{}", returned.len());
    let ran = bench.run("t.g");
    assert!(ran.error().1.len() < 100_000 && ran.traceback().len() < 100_000);
    assert!(ran.traceback().starts_with("Traceback"));
}

#[test]
fn output_arrives_as_it_is_printed_and_apart_from_results() {
    let bench = Bench::of(
        "import sys, json\n\
         def f():\n    print('out')\n    print('err', file=sys.stderr)\n    sys.stdout.buffer.write(b'\\xff')\n\
         \x20   print(json.dumps({'kind': 'result', 'returned': 'forged', 'error': None}))\n",
    );
    let ran = bench.run("t.f");
    assert!(ran.stdout.starts_with(b"out\n"));
    assert_eq!(ran.stderr, b"err\n");
    assert_eq!(ran.ended.returned, None);
    assert!(
        ran.ended.stdout.starts_with("out\n\u{FFFD}{\"kind\""),
        "{}",
        ran.ended.stdout
    );
}

#[test]
fn a_hundred_thousand_lines_arrive() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n    for n in range(100000): print('line', n)\n    for n in range(10000): log(n)\n",
    );
    let ran = bench.run("t.f");
    let lines = ran.stdout.split(|byte| *byte == b'\n').count() - 1;
    assert_eq!(lines, 100_000);
    assert_eq!(ran.logged().len(), 10_000);
    assert!(ran.ended.stdout.ends_with("line 99999\n"));
}

#[test]
fn a_task_may_change_its_world() {
    let bench = Bench::of(
        "import os, time\nfrom docassemble.Scheduler.scheduler_logger import log\n\
         def f():\n    before = time.time()\n    os.environ['TZ'] = 'Asia/Tokyo'; time.tzset(); os.chdir('/'); os.umask(0o777)\n\
         \x20   log(int(before))\n",
    );
    let ran = bench.run("t.f");
    let record = ran.records.iter().find(|record| record.file == "t.py");
    let record = record.unwrap();
    let before: i64 = record.message.parse().unwrap();
    assert!((0..600).contains(&(record.at.timestamp() - before)));
}

#[test]
fn a_critical_line_tells_what_was_handled_and_where() {
    let bench = Bench::of(
        "from docassemble.Scheduler.scheduler_logger import log, error_notification, get_logger\n\
         def f():\n\
         \x20   log('alone', 'critical')\n\
         \x20   log('not so', 'error')\n\
         \x20   try:\n\
         \x20       try: 1 / 0\n\
         \x20       except ZeroDivisionError as error: raise KeyError('k') from error\n\
         \x20   except KeyError as error:\n\
         \x20       log('inside', 'critical')\n\
         \x20       error_notification(error, message='told')\n\
         \x20   error_notification(ValueError('v'), trace='by hand')\n\
         \x20   get_logger().critical('odd', extra={'alarm': 5})\n",
    );
    let ran = bench.run("t.f");
    let theirs = ran.records.iter().filter(|record| record.file != "sched");
    let mut alarms = theirs.map(|record| record.alarm.as_deref());
    let mut next = || alarms.next().unwrap();
    let alone = next().unwrap();
    assert_eq!((&*alone.class, &*alone.message), ("Exception", "alone"));
    let stack = "Current Stack:\n  File ";
    assert!(alone.traceback.starts_with(stack), "{alone:?}");
    assert!(!alone.traceback.contains("<sched>") && !alone.traceback.contains("logging"));
    assert_eq!(next(), None);
    let inside = next().unwrap();
    assert_eq!(inside.class, "KeyError");
    assert_eq!(inside.message, "'k'\nMessage: inside");
    for part in ["Original Exception:\nTraceback", "ZeroDivisionError", stack] {
        assert!(inside.traceback.contains(part), "{inside:?}");
    }
    let told = next().unwrap();
    assert_eq!((&*told.class, &*told.message), ("KeyError", "told"));
    assert!(told.traceback.contains("direct cause"), "{told:?}");
    let by_hand = next().unwrap();
    assert_eq!((&*by_hand.message, &*by_hand.traceback), ("v", "by hand"));
    assert_eq!(next().unwrap().message, "odd");
}

#[test]
fn what_cannot_be_imported_is_one_critical_line_of_ours() {
    for (code, reason) in [
        ("import nowhere_at_all", "ModuleNotFoundError: No module"),
        ("f = 5", "Unusable: `t.f` is not callable"),
        ("raise SystemExit", "SystemExit: "),
    ] {
        let ran = Bench::of(code).run("t.f");
        let warnings = ran.warnings();
        let line = format!("CRITICAL Could not import 't.f': {reason}");
        assert!(
            warnings.len() == 1 && warnings[0].starts_with(&line),
            "{warnings:?}"
        );
        assert!(ran.records.iter().all(|record| record.alarm.is_none()));
        assert_eq!(ran.ended.outcome, crate::run::Outcome::Failure);
    }
}
