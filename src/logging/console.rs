//! Our stdout and stderr, each written by a thread of its own.
//!
//! Whoever writes here never waits: where a reader is slow, or a disk full, lines are dropped, and a
//! note tells how many. A reader that went away is no error.

mod sink;
mod typist;

use std::collections::HashSet;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::reason::chain;
use crate::run::{Run, RunId};
use crate::secret::Secrets;
use crate::trigger::Zone;
use crate::words::counted;
use sink::{Own, Refused, Sink};
use typist::{Missing, Typist};

/// How many bytes of tasks' output may wait for a reader, on each stream.
const WAITING_BYTES: usize = 4 << 20;

/// The same where it passes through untouched: somebody asked for just this output.
const WAITING_UNTOUCHED_BYTES: usize = 64 << 20;

/// How much of our own lines may wait beyond that.
const OWN_BYTES: usize = 1 << 20;

/// How long what is said of a run's end waits for the run's output on the other stream.
const PATIENCE: Duration = Duration::from_millis(500);

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
    /// Each line as an object for programs.
    Json,
}

/// The two streams. Clones are the same console.
#[derive(Debug, Clone)]
pub struct Console {
    stdout: Arc<Outlet>,
    stderr: Arc<Outlet>,
    look: Arc<RwLock<Look>>,
    /// What time it is.
    now: fn() -> DateTime<Utc>,
}

/// What the lines of tasks depend on; it may change at any time.
#[derive(Debug, Clone)]
struct Look {
    /// The zone of their times.
    zone: Zone,
    /// What is not shown.
    secrets: Arc<Secrets>,
}

/// One stream: what waits for its thread.
#[derive(Debug)]
struct Outlet {
    stream: Stream,
    look: Arc<RwLock<Look>>,
    now: fn() -> DateTime<Utc>,
    /// How many bytes of tasks' output may wait.
    waiting_bytes: usize,
    queue: Mutex<Queue>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Part>,
    /// The runs that have written here. The end of any other is nothing to wake the thread for.
    heard: HashSet<RunId>,
    bytes: usize,
    dropped_bytes: usize,
    /// The runs of which something is dropped.
    torn: HashSet<RunId>,
    /// How many parts have come, and how many of these are written.
    come: u64,
    written: u64,
    writing: bool,
    /// Whether somebody waited in vain for what is to be written, and nothing was since.
    stuck: bool,
    closed: bool,
    /// Why something is lost, where that was no want of threads.
    fault: Option<io::Error>,
}

/// Something to write.
#[derive(Debug)]
enum Part {
    /// Whole lines of our own.
    Lines(Vec<u8>),
    /// A piece of what a run of that job writes, cut anywhere, and when it came.
    Piece(RunId, String, Vec<u8>, DateTime<Utc>),
    /// The run is over: its last line may have no end.
    End(RunId, DateTime<Utc>),
    /// What follows is to be read after the first so many parts of the other stream.
    After(Arc<Outlet>, u64),
}

impl Stream {
    /// Its name.
    fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl Console {
    /// The console that writes to the program's own streams, with those marks on each; `now` says
    /// what time it is.
    #[must_use]
    pub fn start(stdout: Marks, stderr: Marks, now: fn() -> DateTime<Utc>) -> Self {
        Self::new(
            (stdout, Own(Stream::Stdout)),
            (stderr, Own(Stream::Stderr)),
            now,
        )
    }

    fn new<O, E>(stdout: (Marks, O), stderr: (Marks, E), now: fn() -> DateTime<Utc>) -> Self
    where
        O: Write + Send + 'static,
        E: Write + Send + 'static,
    {
        let look = Arc::new(RwLock::new(Look {
            zone: Zone::utc(),
            secrets: Arc::default(),
        }));
        Self {
            stdout: Outlet::start(Stream::Stdout, stdout.0, stdout.1, &look, now),
            stderr: Outlet::start(Stream::Stderr, stderr.0, stderr.1, &look, now),
            look,
            now,
        }
    }

    /// Gives the times of tasks' lines in that zone from now on.
    pub fn set_zone(&self, zone: Zone) {
        self.look
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .zone = zone;
    }

    /// Hides these from now on, wherever they turn up in a line, unless it passes untouched.
    pub fn hide(&self, secrets: Arc<Secrets>) {
        self.look
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .secrets = secrets;
    }

    /// Writes whole lines of our own.
    pub fn write(&self, stream: Stream, lines: Vec<u8>) {
        let length = lines.len();
        let outlet = self.outlet(stream);
        outlet.push(Part::Lines(lines), length, outlet.waiting_bytes + OWN_BYTES);
    }

    /// Takes a piece of what a run writes, cut anywhere. What was said of its beginning on stderr
    /// comes before its output on stdout, unless that is read too slowly.
    pub fn pass(&self, stream: Stream, run: &Run, bytes: &[u8]) {
        if stream == Stream::Stdout && !lock(&self.stdout.queue).heard.contains(&run.id) {
            let come = lock(&self.stderr.queue).come;
            let after = Part::After(Arc::clone(&self.stderr), come);
            // Where there is no room for it, there is none for the piece.
            self.stdout.push(after, 0, self.stdout.waiting_bytes);
        }
        let piece = Part::Piece(run.id, run.job.clone(), bytes.to_vec(), (self.now)());
        let outlet = self.outlet(stream);
        outlet.push(piece, bytes.len(), outlet.waiting_bytes);
    }

    /// Takes note that a run is over: its last lines may have no end. What is said of its end on
    /// stderr comes after its output on stdout, unless that is read too slowly.
    pub fn ended(&self, run: &Run) {
        let end = || Part::End(run.id, (self.now)());
        let come = self.stdout.push(end(), 0, usize::MAX);
        self.stderr.push(end(), 0, usize::MAX);
        if let Some(come) = come {
            let after = Part::After(Arc::clone(&self.stdout), come);
            self.stderr.push(after, 0, usize::MAX);
        }
    }

    /// Waits until everything is written, for each stream at most `longest`, and tells whether it
    /// is. What a reader that went away did not want counts as written.
    #[must_use]
    pub fn finish(&self, longest: Duration) -> bool {
        let is_written = |outlet: &Outlet| {
            let queue = lock(&outlet.queue);
            let busy = |queue: &mut Queue| !queue.closed && (queue.writing || queue.has_news());
            let waited = outlet.news.wait_timeout_while(queue, longest, busy);
            !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
        };
        // Where the one is stuck, the other is waited for no less.
        is_written(&self.stdout) & is_written(&self.stderr)
    }

    /// Why something that was to be written to the stream is lost; it is given once. A reader that
    /// went away is such a reason too.
    #[must_use]
    pub fn fault(&self, stream: Stream) -> Option<io::Error> {
        lock(&self.outlet(stream).queue).fault.take()
    }

    fn outlet(&self, stream: Stream) -> &Outlet {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }
}

impl Outlet {
    fn start(
        stream: Stream,
        marks: Marks,
        to: impl Write + Send + 'static,
        look: &Arc<RwLock<Look>>,
        now: fn() -> DateTime<Utc>,
    ) -> Arc<Self> {
        let waiting_bytes = match marks {
            Marks::Untouched => WAITING_UNTOUCHED_BYTES,
            Marks::Marked | Marks::MarkedAndClean | Marks::Json => WAITING_BYTES,
        };
        let outlet = Arc::new(Self {
            stream,
            look: Arc::clone(look),
            now,
            waiting_bytes,
            queue: Mutex::default(),
            news: Condvar::new(),
        });
        let source = Arc::clone(&outlet);
        let thread = std::thread::Builder::new().name(stream.word().to_owned());
        if thread.spawn(move || source.write_on(marks, to)).is_err() {
            // Without threads there is nobody to write; jobs are worth more than their output.
            lock(&outlet.queue).closed = true;
        }
        outlet
    }

    /// Puts a part of `length` bytes into the queue, unless there would be more than `limit`; gives
    /// how many parts have come with it.
    fn push(&self, part: Part, length: usize, limit: usize) -> Option<u64> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return None;
        }
        // Tasks that write byte by byte must not fill the memory either.
        let size = length + size_of::<Part>();
        let is_piece = matches!(part, Part::Piece(..));
        // What comes after something that is missing does not go on where that began.
        let is_after_gap = is_piece && queue.dropped_bytes > 0;
        if is_after_gap || queue.bytes.saturating_add(size) > limit {
            queue.dropped_bytes += length;
            if let Part::Piece(run, ..) = part {
                queue.torn.insert(run);
            }
            // It may wait for something else to write.
            self.news.notify_all();
            return None;
        }
        match &part {
            Part::Lines(_) | Part::After(..) => {}
            Part::Piece(run, ..) => {
                queue.heard.insert(*run);
            }
            Part::End(run, _) => {
                if !queue.heard.remove(run) {
                    return None;
                }
            }
        }
        queue.bytes += size;
        queue.come += 1;
        queue.waiting.push(part);
        self.news.notify_all();
        Some(queue.come)
    }

    /// Waits until the first `count` parts are written. A reader that is stuck is waited for once.
    fn reach(&self, count: u64) {
        let queue = lock(&self.queue);
        let is_behind = |queue: &mut Queue| !queue.closed && !queue.stuck && queue.written < count;
        let waited = self.news.wait_timeout_while(queue, PATIENCE, is_behind);
        let (mut queue, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.stuck |= waited.timed_out();
    }

    /// The work of the thread.
    fn write_on(&self, marks: Marks, to: impl Write) {
        let mut sink = Sink::new(to);
        let mut typist = Typist::new(marks, self.stream);
        loop {
            let (parts, come, dropped_bytes, torn) = self.take();
            let first = come - parts.len() as u64;
            let look = self.look.read().unwrap_or_else(PoisonError::into_inner);
            typist.look = look.clone();
            drop(look);
            for (part, count) in parts.into_iter().zip(first..) {
                if let Part::After(other, others) = part {
                    // What came before it waits for nobody: the other may wait for that.
                    if self.write_page(&mut typist, &mut sink, count).is_break() {
                        return;
                    }
                    other.reach(others);
                } else {
                    typist.take(part);
                }
            }
            if dropped_bytes > 0 {
                typist.break_off(torn, (self.now)());
                let note = typist.note(&Missing::Unread(dropped_bytes), (self.now)());
                typist.page.extend_from_slice(note.as_bytes());
            }
            if self.write_page(&mut typist, &mut sink, come).is_break() {
                return;
            }
            lock(&self.queue).writing = false;
            self.news.notify_all();
        }
    }

    /// Writes the lines that are made, with which so many parts are written; gives whether anybody
    /// reads on.
    fn write_page(
        &self,
        typist: &mut Typist,
        sink: &mut Sink<impl Write>,
        count: u64,
    ) -> ControlFlow<()> {
        let written = self.write(typist, sink);
        typist.page.clear();
        typist.page.shrink_to(LONGEST_LINE);
        let mut queue = lock(&self.queue);
        queue.written = count;
        queue.stuck = false;
        match written {
            Ok(()) => {}
            Err(Refused::ForNow(error)) => queue.fault = Some(error),
            Err(Refused::ForGood(error)) => {
                queue.fault = Some(error);
                queue.closed = true;
            }
        }
        self.news.notify_all();
        if queue.closed {
            queue.waiting.clear();
            queue.writing = false;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Writes the lines that are made. Where they are not taken, and where they are again, that is
    /// told in the log, which may be all that is left.
    fn write(&self, typist: &Typist, sink: &mut Sink<impl Write>) -> Result<(), Refused> {
        let (lost, stream) = (sink.lost(), self.stream.word());
        if typist.page.is_empty() {
            return Ok(());
        }
        let note = if lost > 0 {
            typist.note(&Missing::Unwritten(lost), (self.now)())
        } else {
            String::new()
        };
        let written = sink.write(note.as_bytes(), &typist.page);
        match &written {
            Err(Refused::ForNow(error)) if lost == 0 => tracing::warn!(
                event = "output_dropped",
                stream,
                "cannot write {stream}: {}; what is to be read there is lost until there is room",
                chain(error)
            ),
            Ok(()) if lost > 0 => tracing::warn!(
                event = "output_dropped",
                stream,
                bytes = lost,
                "{stream} can be written again; {} lost",
                counted(lost, "byte")
            ),
            Ok(()) | Err(Refused::ForNow(_) | Refused::ForGood(_)) => {}
        }
        written
    }

    /// Waits for something to write; gives it, how many parts have come with it, and how much was
    /// dropped after it, of which runs.
    fn take(&self) -> (Vec<Part>, u64, usize, HashSet<RunId>) {
        let queue = lock(&self.queue);
        let waited = self.news.wait_while(queue, |queue| !queue.has_news());
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        queue.writing = true;
        queue.bytes = 0;
        let dropped_bytes = std::mem::take(&mut queue.dropped_bytes);
        (
            std::mem::take(&mut queue.waiting),
            queue.come,
            dropped_bytes,
            std::mem::take(&mut queue.torn),
        )
    }
}

impl Queue {
    fn has_news(&self) -> bool {
        !self.waiting.is_empty() || self.dropped_bytes > 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests;
