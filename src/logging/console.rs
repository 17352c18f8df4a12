//! Our stdout and stderr, each written by a thread of its own.
//!
//! Whoever writes here never waits: where a reader is slow, lines are dropped, and a note tells
//! how many. A reader that went away is no error.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clean;
use crate::run::{Run, RunId};

/// How many bytes of tasks' output may wait for a reader, on each stream.
const WAITING_BYTES: usize = 4 << 20;

/// How much of our own lines may wait beyond that.
const OWN_BYTES: usize = 1 << 20;

/// A line without an end is cut after so many bytes.
const LONGEST_LINE: usize = 64 << 10;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What tasks' output looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// As it comes, byte for byte.
    Untouched,
    /// Each line after its job's name, its bytes as they are.
    Marked,
    /// The same, with control characters made visible: for terminals.
    MarkedAndClean,
}

/// The two streams. Clones are the same console.
#[derive(Debug, Clone)]
pub struct Console {
    stdout: Arc<Outlet>,
    stderr: Arc<Outlet>,
    /// The lines of each run that have no end yet.
    open: Arc<Mutex<OpenLines>>,
}

type OpenLines = HashMap<(RunId, Stream), Vec<u8>>;

/// One stream: what waits for its thread.
#[derive(Debug)]
struct Outlet {
    marks: Marks,
    queue: Mutex<Queue>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Vec<u8>>,
    bytes: usize,
    dropped: Dropped,
    writing: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Dropped {
    lines: usize,
    bytes: usize,
}

impl Console {
    /// The console that writes to the program's own streams, with those marks on each.
    #[must_use]
    pub fn start(stdout: Marks, stderr: Marks) -> Self {
        Self::new((stdout, std::io::stdout()), (stderr, std::io::stderr()))
    }

    fn new<O, E>(stdout: (Marks, O), stderr: (Marks, E)) -> Self
    where
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        Self {
            stdout: Outlet::start("stdout", stdout.0, stdout.1),
            stderr: Outlet::start("stderr", stderr.0, stderr.1),
            open: Arc::default(),
        }
    }

    /// Writes whole lines of our own.
    pub fn write(&self, stream: Stream, lines: Vec<u8>) {
        self.outlet(stream).push(lines, WAITING_BYTES + OWN_BYTES);
    }

    /// Takes a piece of what a run writes, cut anywhere.
    pub fn pass(&self, stream: Stream, run: &Run, bytes: &[u8]) {
        let outlet = self.outlet(stream);
        if outlet.marks == Marks::Untouched {
            outlet.push(bytes.to_vec(), WAITING_BYTES);
            return;
        }
        let mut open = lock(&self.open);
        let line = open.entry((run.id, stream)).or_default();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.len() > LONGEST_LINE {
                let line = std::mem::take(line);
                outlet.push(outlet.marked(&run.job, &line), WAITING_BYTES);
            }
        }
    }

    /// Takes note that a run is over: its last lines may have no end.
    pub fn ended(&self, run: &Run) {
        let mut open = lock(&self.open);
        for stream in [Stream::Stdout, Stream::Stderr] {
            let outlet = self.outlet(stream);
            match open.remove(&(run.id, stream)) {
                Some(line) if !line.is_empty() => {
                    outlet.push(outlet.marked(&run.job, &line), WAITING_BYTES);
                }
                Some(_) | None => {}
            }
        }
    }

    /// Waits until everything is written, for each stream at most `longest`.
    pub fn finish(&self, longest: Duration) {
        for outlet in [&self.stdout, &self.stderr] {
            let queue = lock(&outlet.queue);
            let busy = |queue: &mut Queue| !queue.closed && (queue.writing || queue.has_news());
            // A reader that does not read is left behind.
            let _ = outlet.news.wait_timeout_while(queue, longest, busy);
        }
    }

    fn outlet(&self, stream: Stream) -> &Outlet {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }
}

impl Outlet {
    fn start(name: &str, marks: Marks, to: impl Write + Send + 'static) -> Arc<Self> {
        let outlet = Arc::new(Self {
            marks,
            queue: Mutex::default(),
            news: Condvar::new(),
        });
        let writer = Arc::clone(&outlet);
        let thread = std::thread::Builder::new().name(name.to_owned());
        if thread.spawn(move || writer.write_on(to)).is_err() {
            // Without threads there is nobody to write; jobs are worth more than their output.
            lock(&outlet.queue).closed = true;
        }
        outlet
    }

    /// A line of a task as it is shown, with its line break.
    fn marked(&self, job: &str, line: &[u8]) -> Vec<u8> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut shown = format!("{} | ", clean::line(job)).into_bytes();
        if self.marks == Marks::MarkedAndClean {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let text = String::from_utf8_lossy(line);
            // A tab is harmless, and tables are made of it.
            let text = text.split('\t').map(clean::line).collect::<Vec<_>>();
            shown.extend_from_slice(text.join("\t").as_bytes());
        } else {
            shown.extend_from_slice(line);
        }
        shown.push(b'\n');
        shown
    }

    fn push(&self, bytes: Vec<u8>, limit: usize) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        if queue.bytes + bytes.len() > limit {
            queue.dropped.lines += bytes.split_inclusive(|byte| *byte == b'\n').count();
            queue.dropped.bytes += bytes.len();
            return;
        }
        queue.bytes += bytes.len();
        queue.waiting.push(bytes);
        self.news.notify_all();
    }

    /// The work of the thread.
    fn write_on(&self, mut to: impl Write) {
        loop {
            let batch = self.take();
            let written = batch.iter().try_for_each(|bytes| to.write_all(bytes));
            let written = written.and_then(|()| to.flush());
            let mut queue = lock(&self.queue);
            queue.writing = false;
            // A closed pipe, most of all: nobody reads any more, and nobody needs to be told.
            queue.closed |= written.is_err();
            self.news.notify_all();
            if queue.closed {
                return;
            }
        }
    }

    /// Waits for something to write.
    fn take(&self) -> Vec<Vec<u8>> {
        let queue = lock(&self.queue);
        let waited = self.news.wait_while(queue, |queue| !queue.has_news());
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        queue.writing = true;
        queue.bytes = 0;
        let mut batch = std::mem::take(&mut queue.waiting);
        let dropped = std::mem::take(&mut queue.dropped);
        if dropped.bytes > 0 {
            let note = format!(
                "sched | {} lines ({} bytes) of output were dropped here: it is read too slowly\n",
                dropped.lines, dropped.bytes
            );
            batch.push(note.into_bytes());
        }
        batch
    }
}

impl Queue {
    fn has_news(&self) -> bool {
        !self.waiting.is_empty() || self.dropped.bytes > 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests;
