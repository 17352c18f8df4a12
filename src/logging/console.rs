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

/// The same where it passes through untouched: somebody asked for just this output.
const WAITING_UNTOUCHED_BYTES: usize = 64 << 20;

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
}

/// One stream: what waits for its thread.
#[derive(Debug, Default)]
struct Outlet {
    /// How many bytes of tasks' output may wait.
    waiting_bytes: usize,
    queue: Mutex<Queue>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Part>,
    bytes: usize,
    dropped_bytes: usize,
    writing: bool,
    closed: bool,
}

/// Something to write.
#[derive(Debug)]
enum Part {
    /// Whole lines of our own.
    Lines(Vec<u8>),
    /// A piece of what a run of that job writes, cut anywhere.
    Piece(RunId, String, Vec<u8>),
    /// The run is over: its last line may have no end.
    End(RunId),
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
        }
    }

    /// Writes whole lines of our own.
    pub fn write(&self, stream: Stream, lines: Vec<u8>) {
        let length = lines.len();
        let outlet = self.outlet(stream);
        outlet.push(Part::Lines(lines), length, outlet.waiting_bytes + OWN_BYTES);
    }

    /// Takes a piece of what a run writes, cut anywhere.
    pub fn pass(&self, stream: Stream, run: &Run, bytes: &[u8]) {
        let piece = Part::Piece(run.id, run.job.clone(), bytes.to_vec());
        let outlet = self.outlet(stream);
        outlet.push(piece, bytes.len(), outlet.waiting_bytes);
    }

    /// Takes note that a run is over: its last lines may have no end.
    pub fn ended(&self, run: &Run) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.outlet(stream).push(Part::End(run.id), 0, usize::MAX);
        }
    }

    /// Waits until everything is written, for each stream at most `longest`, and tells whether it
    /// is. What a reader that went away did not want counts as written.
    #[must_use]
    pub fn finish(&self, longest: Duration) -> bool {
        [&self.stdout, &self.stderr].into_iter().all(|outlet| {
            let queue = lock(&outlet.queue);
            let busy = |queue: &mut Queue| !queue.closed && (queue.writing || queue.has_news());
            let waited = outlet.news.wait_timeout_while(queue, longest, busy);
            !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
        })
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
        let waiting_bytes = match marks {
            Marks::Untouched => WAITING_UNTOUCHED_BYTES,
            Marks::Marked | Marks::MarkedAndClean => WAITING_BYTES,
        };
        let outlet = Arc::new(Self {
            waiting_bytes,
            ..Self::default()
        });
        let source = Arc::clone(&outlet);
        let thread = std::thread::Builder::new().name(name.to_owned());
        if thread.spawn(move || source.write_on(marks, to)).is_err() {
            // Without threads there is nobody to write; jobs are worth more than their output.
            lock(&outlet.queue).closed = true;
        }
        outlet
    }

    /// Puts a part of `length` bytes into the queue, unless there would be more than `limit`.
    fn push(&self, part: Part, length: usize, limit: usize) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        // Tasks that write byte by byte must not fill the memory either.
        let size = length + size_of::<Part>();
        if queue.bytes.saturating_add(size) > limit {
            queue.dropped_bytes += length;
            return;
        }
        queue.bytes += size;
        queue.waiting.push(part);
        self.news.notify_all();
    }

    /// The work of the thread.
    fn write_on(&self, marks: Marks, mut to: impl Write) {
        let mut typist = Typist::new(marks);
        loop {
            let (parts, dropped_bytes) = self.take();
            for part in parts {
                typist.take(part);
            }
            if dropped_bytes > 0 {
                typist.note_dropped(dropped_bytes);
            }
            let written = to.write_all(&typist.page).and_then(|()| to.flush());
            typist.page.clear();
            typist.page.shrink_to(LONGEST_LINE);
            let mut queue = lock(&self.queue);
            queue.writing = false;
            // A closed pipe, most of all: nobody reads any more, and nobody needs to be told.
            queue.closed |= written.is_err();
            self.news.notify_all();
            if queue.closed {
                queue.waiting.clear();
                return;
            }
        }
    }

    /// Waits for something to write, and for how much was dropped after it.
    fn take(&self) -> (Vec<Part>, usize) {
        let queue = lock(&self.queue);
        let waited = self.news.wait_while(queue, |queue| !queue.has_news());
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        queue.writing = true;
        queue.bytes = 0;
        let dropped_bytes = std::mem::take(&mut queue.dropped_bytes);
        (std::mem::take(&mut queue.waiting), dropped_bytes)
    }
}

impl Queue {
    fn has_news(&self) -> bool {
        !self.waiting.is_empty() || self.dropped_bytes > 0
    }
}

/// Makes lines of pieces.
struct Typist {
    marks: Marks,
    page: Vec<u8>,
    /// The job and the beginning of each line that has no end yet.
    open: HashMap<RunId, (String, Vec<u8>)>,
}

impl Typist {
    fn new(marks: Marks) -> Self {
        Self {
            marks,
            page: Vec::new(),
            open: HashMap::new(),
        }
    }

    fn take(&mut self, part: Part) {
        match part {
            Part::Lines(lines) => self.page.extend_from_slice(&lines),
            Part::Piece(_, _, bytes) if self.marks == Marks::Untouched => {
                self.page.extend_from_slice(&bytes);
            }
            Part::Piece(run, job, bytes) => self.piece(run, job, &bytes),
            Part::End(run) => {
                if let Some((job, line)) = self.open.remove(&run) {
                    self.line(&job, &line);
                }
            }
        }
    }

    fn piece(&mut self, run: RunId, job: String, bytes: &[u8]) {
        let (job, mut line) = self.open.remove(&run).unwrap_or((job, Vec::new()));
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.len() > LONGEST_LINE {
                self.line(&job, &line);
                line.clear();
            }
        }
        if !line.is_empty() {
            self.open.insert(run, (job, line));
        }
    }

    /// A line of a task, with its job's name before it and a line break after it.
    fn line(&mut self, job: &str, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        self.page.extend_from_slice(clean::line(job).as_bytes());
        self.page.extend_from_slice(b" | ");
        if self.marks == Marks::MarkedAndClean {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let text = String::from_utf8_lossy(line);
            // A tab is harmless, and tables are made of it.
            let cells: Vec<_> = text.split('\t').map(clean::line).collect();
            self.page.extend_from_slice(cells.join("\t").as_bytes());
        } else {
            self.page.extend_from_slice(line);
        }
        self.page.push(b'\n');
    }

    /// Says that something is missing. What was begun before it does not go on after it.
    fn note_dropped(&mut self, bytes: usize) {
        for (job, line) in std::mem::take(&mut self.open).into_values() {
            self.line(&job, &line);
        }
        let note = format!("sched | {bytes} bytes of output were dropped: it is read too slowly\n");
        self.page.extend_from_slice(note.as_bytes());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests;
