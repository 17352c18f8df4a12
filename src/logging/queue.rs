//! The way of records to the thread that writes them.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// How many bytes may wait for the disk.
const MOST_BYTES: usize = 32 << 20;

/// How many marks may wait besides.
const MOST_MARKS: usize = 1_000;

/// What is sent to the writer to learn that everything before it is written. A record never begins
/// like this.
const MARK: &[u8] = b"\0everything before this is written\0";

/// Hands records to a thread of their own.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    writer: NonBlocking,
    shared: Arc<Shared>,
    most_records: usize,
}

/// What both ends of the queue know.
#[derive(Debug, Default)]
struct Shared {
    records: AtomicUsize,
    bytes: AtomicUsize,
    lost: AtomicUsize,
    passed: Mutex<Option<bool>>,
    news: Condvar,
}

/// The end of the queue at which records are written.
struct End<W> {
    log: W,
    shared: Arc<Shared>,
}

impl Queue {
    /// A queue of at most so many records to `log`, whose `flush` says whether all was written; it
    /// is written to until the guard is dropped. It has all its memory from the beginning.
    pub(super) fn to(log: impl Write + Send + 'static, most_records: usize) -> (Self, WorkerGuard) {
        let shared = Arc::new(Shared::default());
        let end = End {
            log,
            shared: Arc::clone(&shared),
        };
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(most_records + MOST_MARKS)
            .thread_name("scheduler.log")
            .finish(end);
        let queue = Self {
            writer,
            shared,
            most_records,
        };
        (queue, guard)
    }

    /// Hands over a record; gives whether there was room for it.
    pub(super) fn send(&self, record: &[u8]) -> bool {
        let shared = &self.shared;
        let records = shared.records.fetch_add(1, Ordering::Relaxed);
        let bytes = shared.bytes.fetch_add(record.len(), Ordering::Relaxed);
        if records >= self.most_records || bytes >= MOST_BYTES {
            shared.take(record.len());
            return false;
        }
        self.writer.clone().write_all(record).is_ok()
    }

    /// Counts records that are lost, because there was no room for them.
    pub(super) fn lose(&self, count: usize) {
        self.shared.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether so much waits for the disk that whoever can wait should.
    pub(super) fn is_behind(&self) -> bool {
        let half = |count: &AtomicUsize, most: usize| count.load(Ordering::Relaxed) >= most / 2;
        half(&self.shared.records, self.most_records) || half(&self.shared.bytes, MOST_BYTES)
    }

    /// How many records were lost since this was asked.
    pub(super) fn take_lost(&self) -> usize {
        self.shared.lost.swap(0, Ordering::Relaxed)
    }

    /// Waits until everything that was sent so far has been tried to write, at most `longest`.
    /// Gives whether it is in the file.
    pub(super) fn reach(&self, longest: Duration) -> bool {
        let mut writer = self.writer.clone();
        // There is room for it, and it has no other way to fail.
        let _ = writer.write_all(MARK);
        let Shared { passed, news, .. } = &*self.shared;
        let passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = news.wait_timeout_while(passed, longest, |passed| passed.is_none());
        let (mut passed, _) = waited.unwrap_or_else(PoisonError::into_inner);
        passed.take().unwrap_or(false)
    }
}

impl Shared {
    fn take(&self, length: usize) {
        self.records.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(length, Ordering::Relaxed);
    }

    fn pass(&self, all_written: bool) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Some(all_written);
        self.news.notify_all();
    }
}

impl<W: Write> Write for End<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        if record == MARK {
            let written = self.log.flush();
            self.shared.pass(written.is_ok());
            return Ok(record.len());
        }
        let written = self.log.write_all(record);
        self.shared.take(record.len());
        written.map(|()| record.len())
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
        let (queue, _guard) = Queue::to(Slow(wait, Arc::clone(&written)), 100);
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
