//! Makes lines of the pieces that tasks write.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::form::Form;
use super::super::line::Line;
use super::super::topic::Topic;
use super::{LONGEST_LINE, Look, Marks, Part, Stream};
use crate::clean;
use crate::run::{Level, RunId};
use crate::trigger::Zone;
use crate::words::counted;

/// So many bytes of output that are missing.
pub(super) enum Missing {
    /// Nobody read them in time.
    Unread(usize),
    /// There was no room to write them.
    Unwritten(usize),
}

/// Makes lines of pieces.
pub(super) struct Typist {
    marks: Marks,
    stream: Stream,
    /// What lines depend on now.
    pub(super) look: Look,
    /// What is to be written.
    pub(super) page: Vec<u8>,
    /// The job and the beginning of each line that has no end yet.
    open: HashMap<RunId, (String, Vec<u8>)>,
    /// The runs of which something is missing before what comes next.
    torn: HashSet<RunId>,
}

impl Typist {
    pub(super) fn new(marks: Marks, stream: Stream) -> Self {
        Self {
            marks,
            stream,
            look: Look {
                zone: Zone::utc(),
                secrets: Arc::default(),
            },
            page: Vec::new(),
            open: HashMap::new(),
            torn: HashSet::new(),
        }
    }

    pub(super) fn take(&mut self, part: Part) {
        match part {
            Part::Lines(lines) => self.page.extend_from_slice(&lines),
            Part::Piece(_, _, bytes, _) if self.marks == Marks::Untouched => {
                self.page.extend_from_slice(&bytes);
            }
            Part::Piece(run, job, bytes, at) => self.piece(run, job, &bytes, at),
            Part::End(run, at) => {
                if let Some((job, line)) = self.open.remove(&run) {
                    self.line(run, &job, &line, at);
                }
                self.torn.remove(&run);
            }
            // It makes no line.
            Part::After(..) => {}
        }
    }

    fn piece(&mut self, run: RunId, job: String, bytes: &[u8], at: DateTime<Utc>) {
        let (job, mut line) = self.open.remove(&run).unwrap_or((job, Vec::new()));
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.line(run, &job, &line, at);
                line.clear();
            } else if line.len() > LONGEST_LINE {
                self.cut(run, &job, &mut line, at);
            }
        }
        if !line.is_empty() {
            self.open.insert(run, (job, line));
        }
    }

    /// Writes a line that does not end, but for the beginning of a secret: in two pieces it would
    /// not be known.
    fn cut(&mut self, run: RunId, job: &str, line: &mut Vec<u8>, at: DateTime<Utc>) {
        let end = line.len() - self.look.secrets.begun(line);
        if end > 0 {
            self.line(run, job, &line[..end], at);
            line.drain(..end);
        }
    }

    /// A line of a task that ended at `at`, with a line break after it.
    fn line(&mut self, run: RunId, job: &str, line: &[u8], at: DateTime<Utc>) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let text = String::from_utf8_lossy(line);
        let masked = if self.torn.remove(&run) {
            self.look.secrets.mask_rest(&text)
        } else {
            self.look.secrets.mask(&text)
        };
        match self.marks {
            Marks::Json => {
                let object = self.object(run, job, &masked, at);
                self.page.extend_from_slice(object.as_bytes());
            }
            Marks::MarkedAndClean => {
                self.mark(job);
                let text = masked.strip_suffix('\r').unwrap_or(&masked);
                self.page.extend_from_slice(clean::cells(text).as_bytes());
                self.page.push(b'\n');
            }
            Marks::Marked | Marks::Untouched => {
                self.mark(job);
                self.page.extend_from_slice(match &masked {
                    Cow::Owned(masked) => masked.as_bytes(),
                    // Byte for byte, also where it is no UTF-8.
                    Cow::Borrowed(_) => line,
                });
                self.page.push(b'\n');
            }
        }
    }

    /// Puts the job's name before a line.
    fn mark(&mut self, job: &str) {
        self.page.extend_from_slice(clean::line(job).as_bytes());
        self.page.extend_from_slice(b" | ");
    }

    /// A line of a task as an object for programs.
    fn object(&self, run: RunId, job: &str, text: &str, at: DateTime<Utc>) -> String {
        let text = text.strip_suffix('\r').unwrap_or(text);
        let mut line = Line::new(at, Level::Info, Topic::Output, text.to_owned());
        line.job = Some(job.to_owned());
        line.run_id = Some(run.to_string());
        line.facts
            .insert("stream".to_owned(), self.stream.word().into());
        Form::Json.format(&line, &self.look.zone)
    }

    /// Something of these runs is missing: what they began does not go on, and of a secret there
    /// neither half is shown.
    pub(super) fn break_off(&mut self, runs: HashSet<RunId>, at: DateTime<Utc>) {
        for run in &runs {
            if let Some((job, line)) = self.open.remove(run) {
                let text = String::from_utf8_lossy(&line);
                let masked = self.look.secrets.mask_beginning(&text);
                self.line(*run, &job, masked.as_bytes(), at);
            }
        }
        self.torn.extend(runs);
    }

    /// The line that says at `at` what is missing.
    pub(super) fn note(&self, missing: &Missing, at: DateTime<Utc>) -> String {
        let (bytes, why) = match missing {
            Missing::Unread(bytes) => (*bytes, "it is read too slowly"),
            Missing::Unwritten(bytes) => (*bytes, "there was no room to write it"),
        };
        let note = format!("{} of output dropped: {why}", counted(bytes, "byte"));
        if self.marks == Marks::Json {
            let mut line = Line::new(at, Level::Warning, Topic::OutputDropped, note);
            line.facts
                .insert("stream".to_owned(), self.stream.word().into());
            line.facts.insert("bytes".to_owned(), bytes.into());
            Form::Json.format(&line, &self.look.zone)
        } else {
            format!("sched | {note}\n")
        }
    }
}
