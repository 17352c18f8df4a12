//! The way of records to the thread that writes them.
//!
//! The appender's thread is only woken by what it is sent: the records themselves wait here, in
//! one piece of memory that is as large as they are, and a thousand of them are written at once.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// How many records may wait for the disk, and how many bytes.
const MOST_RECORDS: usize = 100_000;
const MOST_BYTES: usize = 32 << 20;

/// How many words may wait: one that wakes, and a mark of each who waits.
const MOST_WORDS: usize = 64;

/// Wakes the writer: there are records.
const WAKE: &[u8] = b"records";

/// What is sent to the writer to learn that everything before it is written.
const MARK: &[u8] = b"mark";

/// Hands records to a thread of their own.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    writer: NonBlocking,
    shared: Arc<Shared>,
}

/// What both ends of the queue know.
#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Records>,
    records: AtomicUsize,
    bytes: AtomicUsize,
    lost: AtomicUsize,
    passed: Mutex<Option<bool>>,
    news: Condvar,
}

/// Records one after the other, and where each ends.
#[derive(Debug, Default)]
struct Records {
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// The end of the queue at which records are written.
struct End<W> {
    log: W,
    shared: Arc<Shared>,
}

impl Queue {
    /// A queue to `log`, whose `flush` says whether all was written; it is written to until the
    /// guard is dropped.
    pub(super) fn to(log: impl Write + Send + 'static) -> (Self, WorkerGuard) {
        let shared = Arc::new(Shared::default());
        let end = End {
            log,
            shared: Arc::clone(&shared),
        };
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MOST_WORDS)
            .thread_name("scheduler.log")
            .finish(end);
        (Self { writer, shared }, guard)
    }

    /// Hands over a record; gives whether there was room for it.
    pub(super) fn send(&self, record: &[u8]) -> bool {
        let shared = &self.shared;
        let records = shared.records.fetch_add(1, Ordering::Relaxed);
        let bytes = shared.bytes.fetch_add(record.len(), Ordering::Relaxed);
        if records >= MOST_RECORDS || bytes >= MOST_BYTES {
            shared.take(record.len());
            return false;
        }
        // Who comes after the first need not wake it again.
        if shared.add(record) {
            self.say(WAKE);
        }
        true
    }

    fn say(&self, word: &[u8]) {
        // Where there is no room for it, others are on the way, and it has no other way to fail.
        let _ = self.writer.clone().write_all(word);
    }

    /// Counts records that are lost, because there was no room for them.
    pub(super) fn lose(&self, count: usize) {
        self.shared.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether so much waits for the disk that whoever can wait should.
    pub(super) fn is_behind(&self) -> bool {
        let half = |count: &AtomicUsize, most: usize| count.load(Ordering::Relaxed) >= most / 2;
        half(&self.shared.records, MOST_RECORDS) || half(&self.shared.bytes, MOST_BYTES)
    }

    /// How many records were lost since this was asked.
    pub(super) fn take_lost(&self) -> usize {
        self.shared.lost.swap(0, Ordering::Relaxed)
    }

    /// Waits until everything that was sent so far has been tried to write, at most `longest`.
    /// Gives whether it is in the file.
    pub(super) fn reach(&self, longest: Duration) -> bool {
        self.say(MARK);
        let Shared { passed, news, .. } = &*self.shared;
        let passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = news.wait_timeout_while(passed, longest, |passed| passed.is_none());
        let (mut passed, _) = waited.unwrap_or_else(PoisonError::into_inner);
        passed.take().unwrap_or(false)
    }
}

impl Shared {
    /// Adds a record to those that wait; gives whether it is the first of them.
    fn add(&self, record: &[u8]) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.text.extend_from_slice(record);
        let end = waiting.text.len();
        waiting.ends.push(end);
        waiting.ends.len() == 1
    }

    fn take_waiting(&self) -> Records {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting)
    }

    fn take(&self, length: usize) {
        self.records.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(length, Ordering::Relaxed);
    }

    fn pass(&self, all_written: bool) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Some(all_written);
        self.news.notify_all();
    }
}

impl<W: Write> End<W> {
    /// Writes all that waits.
    fn write_waiting(&mut self) -> io::Result<()> {
        let Records { text, ends } = self.shared.take_waiting();
        let mut start = 0;
        for end in ends {
            // What cannot be written waits in the log, which complains of it.
            let _ = self.log.write_all(&text[start..end]);
            self.shared.take(end - start);
            start = end;
        }
        self.log.flush()
    }
}

impl<W: Write> Write for End<W> {
    /// Hears a word.
    fn write(&mut self, word: &[u8]) -> io::Result<usize> {
        let written = self.write_waiting();
        if word == MARK {
            self.shared.pass(written.is_ok());
        }
        Ok(word.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A disk that takes nothing until it is told to.
    struct Slow(Receiver<()>, Arc<AtomicUsize>);

    impl Write for Slow {
        fn write(&mut self, record: &[u8]) -> io::Result<usize> {
            // Once nobody can tell it, it takes all.
            let _ = self.0.recv();
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(record.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_waits_is_bounded_and_whoever_can_wait_is_told_before() {
        let (go, wait) = channel();
        let written = Arc::default();
        let (queue, _guard) = Queue::to(Slow(wait, Arc::clone(&written)));
        let record = vec![b'x'; 1 << 20];
        assert!(!queue.is_behind());
        let sent = |count| (0..count).filter(|_| queue.send(&record)).count();
        assert_eq!(sent(16), 16);
        assert!(queue.is_behind());
        assert_eq!(sent(26), 16);
        drop(go);
        assert!(queue.reach(Duration::from_secs(60)));
        assert_eq!(written.load(Ordering::Relaxed), 32);
        assert!(!queue.is_behind());
    }
}
