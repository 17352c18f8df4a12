//! Runs that have begun and may not be in the database yet.
//!
//! A run that was foreseen begins at its instant, without waiting for the database. It is first
//! noted here, in one of a few places of a file that has its size already. That takes
//! microseconds, does not wait for the disk, and outlives us. The writer wipes the note out once
//! the run is in the database.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Error, Place, files, micros};
use crate::run::{Cause, Run, RunId};

/// The length of a place, in bytes: none lies across two pages of memory, so that a note is there
/// or not, whenever we are killed.
const LENGTH: usize = 1024;

/// How many places there are.
const PLACES: u32 = 16;

/// The file of notes.
#[derive(Debug)]
pub struct Slate {
    file: File,
    /// One bit for each place that holds no note.
    free: AtomicU32,
}

/// A run that begins, with what [`super::Store::begin`] is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The run.
    pub run: Run,
    /// Whether it is the fire of a date, which must never run again.
    pub once: bool,
    /// Up to where all fires of its job are decided.
    pub settled: DateTime<Utc>,
}

/// A note that stands on the slate. Where this is dropped, it stays there.
#[derive(Debug)]
pub struct Note {
    slate: Arc<Slate>,
    place: u32,
}

/// What stands on the slate when a watcher begins.
pub type Left = Vec<(Begun, Note)>;

impl Slate {
    /// Opens the file, made where it is not there, and gives the notes that stand there: runs that
    /// had begun when the process before this one died. To be called by the watcher alone.
    ///
    /// # Errors
    /// Where the folder or the file cannot be used, or is not private.
    pub fn open(place: &Place) -> Result<(Arc<Self>, Left), Error> {
        files::folder(place.folder())?;
        let path = place.slate();
        let file = files::open(&path)?;
        let mut bytes = vec![0; LENGTH * PLACES as usize];
        let length = file.metadata().map_err(Error::io(&path))?.len();
        if length < bytes.len() as u64 {
            // Written, so that the disk has room for it from now on.
            file.write_all_at(&bytes, 0).map_err(Error::io(&path))?;
        } else {
            file.read_exact_at(&mut bytes, 0)
                .map_err(Error::io(&path))?;
        }
        let free = AtomicU32::new(u32::MAX >> (u32::BITS - PLACES));
        let slate = Arc::new(Self { file, free });
        let mut left = Vec::new();
        for (place, bytes) in (0..PLACES).zip(bytes.chunks(LENGTH)) {
            if let Some(begun) = Begun::read(bytes) {
                slate.free.fetch_and(!(1 << place), Ordering::Relaxed);
                let slate = Arc::clone(&slate);
                left.push((begun, Note { slate, place }));
            }
        }
        Ok((slate, left))
    }

    /// Notes that a run begins; `None` where there is no room for it, or the system says no.
    pub fn note(self: &Arc<Self>, begun: &Begun) -> Option<Note> {
        let mut bytes = begun.text().into_bytes();
        if bytes.len() > LENGTH {
            return None;
        }
        bytes.resize(LENGTH, 0);
        let place = self.take_place()?;
        let note = Note {
            slate: Arc::clone(self),
            place,
        };
        if self.file.write_all_at(&bytes, offset(place)).is_err() {
            note.wipe();
            return None;
        }
        Some(note)
    }

    fn take_place(&self) -> Option<u32> {
        let take = |free: u32| (free != 0).then(|| free & (free - 1));
        let before = self
            .free
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        before.ok().map(u32::trailing_zeros)
    }
}

impl Note {
    /// Wipes the note out: the run is in the database.
    pub fn wipe(self) {
        // One that cannot be wiped out keeps its place, and is known to be in the database.
        let wiped = self
            .slate
            .file
            .write_all_at(&[0; LENGTH], offset(self.place));
        if wiped.is_ok() {
            self.slate.free.fetch_or(1 << self.place, Ordering::Release);
        }
    }
}

impl Begun {
    fn text(&self) -> String {
        let Self { run, once, settled } = self;
        json!({
            "id": run.id.to_string(),
            "job": run.job,
            "cause": run.cause.word(),
            "fire_time": run.scheduled_for.map(micros),
            "attempt": run.attempt,
            "started": micros(run.started),
            "once": once,
            "settled": micros(*settled),
        })
        .to_string()
    }

    /// What a place holds; `None` where that is no note.
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == 0);
        let note: Value = serde_json::from_slice(&bytes[..end.unwrap_or(bytes.len())]).ok()?;
        let time = |key: &str| DateTime::from_timestamp_micros(note[key].as_i64()?);
        let (id, last) = RunId::beginning_with(note["id"].as_str()?)?;
        let run = Run {
            id: (id == last).then_some(id)?,
            job: note["job"].as_str()?.to_owned(),
            cause: Cause::named(note["cause"].as_str()?)?,
            scheduled_for: time("fire_time"),
            started: time("started")?,
            attempt: note["attempt"].as_u64()?.try_into().ok()?,
        };
        Some(Self {
            run,
            once: note["once"].as_bool()?,
            settled: time("settled")?,
        })
    }
}

/// Where a place begins, in bytes.
fn offset(place: u32) -> u64 {
    u64::from(place) * LENGTH as u64
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;
    use crate::run::Recorded;
    use crate::store::{Answer, Filter, Store, Writer};

    /// A writer and the slate, as a watcher has them; and the database, to look into it.
    fn watcher(place: &Place) -> (Store, Writer, Arc<Slate>) {
        let store = Store::join(place).unwrap();
        let (slate, left) = Slate::open(place).unwrap();
        assert!(left.is_empty());
        (store, writer_at(place), slate)
    }

    fn writer_at(place: &Place) -> Writer {
        let complain = |_, text: &str| panic!("{text}");
        let now = || DateTime::UNIX_EPOCH;
        Writer::start(None, place.clone(), now, Box::new(complain)).unwrap()
    }

    /// Waits for what is sent.
    fn heard<T>(send: impl FnOnce(Sender<T>)) -> T {
        let (tell, told) = channel();
        send(tell);
        told.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    /// Asks a writer, and waits for its answer.
    fn asked(ask: impl FnOnce(Answer)) -> Recorded {
        heard(|tell| ask(Box::new(move |recorded| tell.send(recorded).unwrap())))
    }

    fn foresee(writer: &Writer, begun: &Begun) -> Recorded {
        let Begun { run, once, .. } = begun;
        let at = run.scheduled_for.unwrap();
        asked(|answer| writer.foresee(run.job.clone(), at, run.attempt, *once, answer))
    }

    #[test]
    fn a_noted_run_gets_into_the_database_and_its_note_is_wiped_out() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let (store, writer, slate) = watcher(&place);
        let one = begun("one", 1);
        assert_eq!(foresee(&writer, &one), Recorded::Now);
        let note = slate.note(&one).unwrap();
        writer.take_over(one.clone(), note);
        // The same fire again, as after a clock that was set back.
        assert_eq!(foresee(&writer, &one), Recorded::Before);
        assert_eq!(
            asked(|answer| writer.begin(begun("one", 1), answer)),
            Recorded::Before
        );
        assert_eq!(foresee(&writer, &begun("two", 1)), Recorded::Now);
        drop(writer);
        let runs = store.runs(&Filter::default(), 9).unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!((&runs[0].run, &runs[0].ended), (&one.run, &None));
        drop(slate);
        assert!(Slate::open(&place).unwrap().1.is_empty());
    }

    #[test]
    fn what_was_only_noted_when_we_died_is_made_up_for_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let (store, writer, slate) = watcher(&place);
        let (known, lost) = (begun("known", 1), begun("lost", 2));
        let answer = |answer| writer.begin(known.clone(), answer);
        assert_eq!(asked(answer), Recorded::Now);
        for begun in [&known, &lost] {
            drop(slate.note(begun).unwrap());
        }
        drop((writer, slate));
        let left = Slate::open(&place).unwrap().1;
        let begun = || left.iter().map(|(begun, _)| begun);
        assert_eq!(store.look_back(begun()).unwrap().len(), 2);
        let runs = store.runs(&Filter::default(), 9).unwrap();
        let ids: Vec<RunId> = runs.iter().map(|entry| entry.run.id).collect();
        assert_eq!(ids, [lost.run.id, known.run.id]);
        // They are still there, as where we die before they are wiped out.
        drop(left);
        let left = Slate::open(&place).unwrap().1;
        assert_eq!(left.len(), 2);
        let writer = writer_at(&place);
        let told = |tell: Sender<_>| {
            let tell = move |runs: &[(String, RunId)]| tell.send(runs.to_vec()).unwrap();
            writer.look_back(left, Box::new(tell));
        };
        assert_eq!(heard(told), []);
        assert!(Slate::open(&place).unwrap().1.is_empty());
    }

    fn begun(job: &str, seconds: i64) -> Begun {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        Begun {
            run: Run {
                id: RunId::new(at, 7),
                job: job.to_owned(),
                cause: Cause::Schedule,
                scheduled_for: Some(at),
                started: at + TimeDelta::microseconds(300),
                attempt: 1,
            },
            once: true,
            settled: at,
        }
    }

    fn place(folder: &Path) -> Place {
        Place::new(folder.join("state"), Path::new("/srv/config.yml"))
    }

    #[test]
    fn a_note_stands_until_it_is_wiped_out() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let (slate, left) = Slate::open(&place).unwrap();
        assert!(left.is_empty());
        let first = slate.note(&begun("one", 1)).unwrap();
        let second = slate.note(&begun("two ü \" \0", 2)).unwrap();
        first.wipe();
        drop((slate, second));
        let (_, left) = Slate::open(&place).unwrap();
        let left: Vec<Begun> = left.into_iter().map(|(begun, _)| begun).collect();
        assert_eq!(left, [begun("two ü \" \0", 2)]);
    }

    #[test]
    fn what_finds_no_room_is_not_noted() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let (slate, _) = Slate::open(&place).unwrap();
        assert!(slate.note(&begun(&"x".repeat(LENGTH), 1)).is_none());
        let mut notes: Vec<Note> = (0..PLACES)
            .map(|number| slate.note(&begun("job", number.into())).unwrap())
            .collect();
        assert!(slate.note(&begun("one more", 1)).is_none());
        notes.swap_remove(5).wipe();
        notes.push(slate.note(&begun("one more", 1)).unwrap());
        drop((slate, notes));
        let (slate, left) = Slate::open(&place).unwrap();
        assert_eq!(left.len(), PLACES as usize);
        assert!(slate.note(&begun("one more", 1)).is_none());
    }

    #[test]
    fn what_is_no_note_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        Slate::open(&place).unwrap();
        let mut bytes = vec![0; LENGTH * PLACES as usize];
        for (number, text) in ["{", "[1]", "{\"id\":\"0\"}", "null", "\u{fffd}"]
            .iter()
            .enumerate()
        {
            let start = number * LENGTH;
            bytes[start..start + text.len()].copy_from_slice(text.as_bytes());
        }
        std::fs::write(place.slate(), bytes).unwrap();
        assert!(Slate::open(&place).unwrap().1.is_empty());
    }
}
