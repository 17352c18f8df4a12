//! Places that may not answer: asked on a thread of their own, with patience.
//!
//! Whoever asks for anything on a file system whose server is gone is held for as long as it is
//! gone, and no signal ends that. What one job names must not hold what runs all of them. Not for
//! what the answer is: a place that is missing has answered.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::Builder;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long an answer may take. Disks that have to start turning take a few seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it may take for who can do without it, where another place is silent already.
const LESS_PATIENCE: Duration = Duration::from_secs(1);

/// After how long a silent place is asked again: what is mounted there may be another by then. Each
/// time, it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The places with a question that is still open after our patience. Its thread cannot be ended, and
/// there must not be more and more of them.
static SILENT: Mutex<BTreeMap<PathBuf, Pause>> = Mutex::new(BTreeMap::new());

/// How long a place is left alone.
#[derive(Debug, Clone, Copy)]
struct Pause {
    since: Instant,
    length: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None comes.
    #[error("the file system of `{}` does not answer", .0.display())]
    Silent(PathBuf),
    /// Nobody could be sent to ask.
    #[error("the system refuses a thread to look at `{}`", path.display())]
    Thread {
        /// The place.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What `ask` gives, which it gets of `path`.
///
/// # Errors
/// Where that takes too long. It goes on by itself then, and until it is over, there is no answer at
/// once, but for a new try after a while.
pub async fn within<T: Send + 'static>(
    path: &Path,
    ask: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    within_time(PATIENCE, path, ask).await
}

/// Whether `path` is there does not matter, but that this can be told soon.
///
/// # Errors
/// Where it cannot.
pub async fn reach(path: &Path) -> Result<(), Error> {
    let place = path.to_owned();
    within(path, move || drop(place.metadata())).await
}

/// As [`within`], for who may be held as long as the patience lasts.
///
/// # Errors
/// As there.
pub fn wait<T: Send + 'static>(
    path: &Path,
    ask: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let patience = if silent_places().is_empty() {
        PATIENCE
    } else {
        LESS_PATIENCE
    };
    wait_for(patience, path, ask)
}

/// Those of `paths` that do not answer.
#[must_use]
pub fn silent_among(paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let (mut silent, open): (BTreeSet<_>, BTreeSet<_>) =
        paths.iter().cloned().partition(|path| is_passed_over(path));
    let (tell, told) = mpsc::channel();
    let all = open.clone();
    // Most often, one thread is enough for all.
    let asked = Builder::new().spawn(move || {
        for path in &all {
            drop(path.metadata());
        }
        // Where nobody waits any more, nobody needs it.
        let _ = tell.send(());
    });
    if asked.is_ok() && told.recv_timeout(PATIENCE).is_err() {
        let is_silent = |path: &PathBuf| {
            let place = path.clone();
            let answer = wait_for(LESS_PATIENCE, path, move || drop(place.metadata()));
            matches!(answer, Err(Error::Silent(_)))
        };
        silent.extend(open.into_iter().filter(is_silent));
    }
    silent
}

async fn within_time<T: Send + 'static>(
    patience: Duration,
    path: &Path,
    ask: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let (tell, mut told) = oneshot::channel();
    send(path, ask, |answer| drop(tell.send(answer)))?;
    if let Ok(Ok(answer)) = timeout(patience, &mut told).await {
        return Ok(answer);
    }
    give_up(path, || told.try_recv().ok())
}

fn wait_for<T: Send + 'static>(
    patience: Duration,
    path: &Path,
    ask: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let (tell, told) = mpsc::channel();
    send(path, ask, move |answer| drop(tell.send(answer)))?;
    if let Ok(answer) = told.recv_timeout(patience) {
        return Ok(answer);
    }
    give_up(path, || told.try_recv().ok())
}

/// Sends a thread to `ask`, and lets it `tell` the answer.
fn send<T: Send + 'static>(
    path: &Path,
    ask: impl FnOnce() -> T + Send + 'static,
    tell: impl FnOnce(T) + Send + 'static,
) -> Result<(), Error> {
    if is_passed_over(path) {
        return Err(Error::Silent(path.to_owned()));
    }
    let place = path.to_owned();
    let thread = Builder::new().name("reach".to_owned());
    let sent = thread.spawn(move || {
        let answer = ask();
        let mut silent = silent_places();
        // All that leads there has answered, too.
        silent.retain(|known, _| !place.starts_with(known));
        tell(answer);
    });
    sent.map(drop).map_err(|source| Error::Thread {
        path: path.to_owned(),
        source,
    })
}

/// The answer, if it came in the last moment; else the place is silent until it comes.
fn give_up<T>(path: &Path, told: impl FnOnce() -> Option<T>) -> Result<T, Error> {
    // Under this lock, the answer is there or its thread has yet to find the place on the list.
    let mut silent = silent_places();
    told().ok_or_else(|| {
        silent.entry(path.to_owned()).or_insert_with(Pause::first);
        Error::Silent(path.to_owned())
    })
}

/// Whether `path` is not to be asked now, since something that leads to it is silent.
fn is_passed_over(path: &Path) -> bool {
    let mut silent = silent_places();
    let known = silent.iter_mut().find(|(known, _)| path.starts_with(known));
    known.is_some_and(|(_, pause)| !pause.is_over())
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long the system is left alone is measured where it is asked; no fire hangs on it"
)]
impl Pause {
    fn first() -> Self {
        Self {
            since: Instant::now(),
            length: FIRST_PAUSE,
        }
    }

    /// Whether it is over; another one, twice as long, begins then.
    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        let is_over = now.saturating_duration_since(self.since) >= self.length;
        if is_over {
            *self = Self {
                since: now,
                length: LONGEST_PAUSE.min(self.length * 2),
            };
        }
        is_over
    }
}

fn silent_places() -> MutexGuard<'static, BTreeMap<PathBuf, Pause>> {
    SILENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes `path` silent, for tests.
#[cfg(test)]
pub(crate) fn silence(path: &Path) {
    silent_places().insert(path.to_owned(), Pause::first());
}

/// Lets `path` answer again, for tests.
#[cfg(test)]
pub(crate) fn let_answer(path: &Path) {
    silent_places().remove(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::chain;

    const SHORT: Duration = Duration::from_millis(20);

    /// A question whose answer comes when the sender is dropped.
    fn held() -> (mpsc::Sender<()>, impl FnOnce() -> u32) {
        let (release, held) = mpsc::channel::<()>();
        let answer = move || {
            held.iter().for_each(drop);
            7
        };
        (release, answer)
    }

    fn until_it_answers(path: &Path) {
        while silent_places().contains_key(path) {
            std::thread::yield_now();
        }
    }

    /// Lets the time pass after which `path` may be asked again, and gives how long that was.
    fn after_its_pause(path: &Path) -> Duration {
        let mut silent = silent_places();
        let pause = silent.get_mut(path).unwrap();
        pause.since = pause.since.checked_sub(pause.length).unwrap();
        pause.length
    }

    #[tokio::test]
    async fn a_silent_place_is_not_waited_for() {
        let path = Path::new("/dead/a");
        let (release, answer) = held();
        let refused = within_time(SHORT, path, answer).await.unwrap_err();
        let words = "the file system of `/dead/a` does not answer";
        assert_eq!(chain(&refused), words);
        // Neither it nor what lies below it is asked as long as that thread is held.
        for place in [path, &path.join("b")] {
            let asked = within(place, || unreachable!("it was asked")).await;
            assert!(matches!(asked, Err(Error::Silent(_))), "{place:?}");
        }
        let beside = within(Path::new("/dead/ab"), || 1).await;
        assert_eq!(beside.unwrap(), 1);

        drop(release);
        until_it_answers(path);
        assert_eq!(within(path, || 2).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_silent_place_is_asked_again_after_a_while() {
        let path = Path::new("/dead/c");
        let mut releases = Vec::new();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let (release, answer) = held();
            within_time(SHORT, path, answer).await.unwrap_err();
            assert!(release.send(()).is_ok(), "it was asked");
            releases.push(release);
            assert!(is_passed_over(path), "but not again");
            pauses.push(after_its_pause(path).as_secs());
        }
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        // Another file system may have been mounted there.
        assert_eq!(within(&path.join("d"), || 1).await.unwrap(), 1);
        assert!(!silent_places().contains_key(path));
    }

    #[test]
    fn who_waits_is_told_too() {
        let path = Path::new("/dead/e");
        let (release, answer) = held();
        let refused = wait_for(SHORT, path, answer);
        assert!(matches!(refused, Err(Error::Silent(_))));
        assert!(matches!(wait(path, || 1), Err(Error::Silent(_))));
        let places = ["/dead/e/f", "/", "/no/such/place"].map(PathBuf::from);
        let silent = silent_among(&places.into());
        assert_eq!(silent, BTreeSet::from([path.join("f")]));

        drop(release);
        until_it_answers(path);
        assert_eq!(wait(path, || 2).unwrap(), 2);
    }

    #[test]
    fn an_answer_in_the_last_moment_counts() {
        let path = Path::new("/dead/g");
        assert_eq!(give_up(path, || Some(1)).unwrap(), 1);
        assert!(!silent_places().contains_key(path));
    }

    #[tokio::test]
    async fn what_is_missing_has_answered() {
        reach(Path::new("/no/such/place")).await.unwrap();
        reach(Path::new("/")).await.unwrap();
    }
}
