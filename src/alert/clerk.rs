//! Writes mails and puts them into the outbox.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::Builder;

use super::outbox::Outbox;
use super::post::{Orders, Shared};
use super::postman::{Errand, Trouble};
use super::rate::{Key, Last, admit};
use super::{News, What};
use crate::run::{Retry, RunError};
use crate::secret::Secrets;
use crate::store::{Entry, Error, Filter, LastMail, Mail, Place, Store};

/// What the clerk is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Write of this.
    News(Box<News>),
    /// Jobs succeeded: write of those whose failure was mailed.
    Succeeded,
    /// Write of the failure of that job after which this attempt waited: it is not made.
    GivenUp(String, Retry),
    /// Something changed: let the postman look.
    Look,
    /// Come to an end, and say when all is written down, and what came of the tries.
    Finish {
        written: Sender<()>,
        tried: Sender<Trouble>,
    },
}

/// How many classes of errors are kept in mind, those of each job apart.
const MOST_CLASSES: usize = 1_000;

/// The thread that writes.
pub(super) struct Clerk {
    outbox: Outbox,
    shared: Arc<Shared>,
    postman: Sender<Errand>,
    /// The last mails by class, for when the outbox cannot be asked.
    last: HashMap<u64, LastMail>,
    troubled: bool,
    /// Jobs whose failure was mailed while nothing could be written down.
    unnoted: HashSet<String>,
    /// Whether mails were lost for want of room.
    is_full: bool,
}

impl Clerk {
    pub(super) fn new(place: Place, shared: Arc<Shared>, postman: Sender<Errand>) -> Self {
        Self {
            outbox: Outbox::at(place),
            shared,
            postman,
            last: HashMap::new(),
            troubled: false,
            unnoted: HashSet::new(),
            is_full: false,
        }
    }

    /// Begins to work through the orders.
    pub(super) fn start(mut self, orders: Orders) -> io::Result<()> {
        let thread = Builder::new().name("mail".to_owned());
        thread.spawn(move || {
            for order in orders {
                match order {
                    Order::News(news) => {
                        self.write(&news);
                    }
                    Order::Succeeded => {
                        // They are many, and rarely worth a mail.
                        if !self.succeeded() {
                            continue;
                        }
                    }
                    Order::GivenUp(job, retry) => self.give_up(&job, &retry),
                    Order::Look => {}
                    Order::Finish { written, tried } => {
                        // Whoever asked may have gone.
                        let _ = written.send(());
                        let _ = self.postman.send(Errand::Finish(tried));
                        return;
                    }
                }
                // The postman goes on as long as we do.
                let _ = self.postman.send(Errand::Look);
            }
        })?;
        Ok(())
    }

    /// Writes of something; gives whether a mail may come of it.
    fn write(&mut self, news: &News) -> bool {
        match &news.what {
            What::Critical(error) => self.trouble(news, error, false),
            What::Failed(error) => self.trouble(news, error, true),
            What::Recovered => return self.recovery(news),
        }
        true
    }

    /// Mails how the last attempt failed that was made: the one before `retry`.
    fn give_up(&mut self, job: &str, retry: &Retry) {
        let filter = Filter {
            jobs: vec![job.to_owned()],
            fire_time: Some(retry.fire_time),
            ..Filter::default()
        };
        let found = self.outbox.with(|store| {
            store.each(&filter, |Entry { run, ended, .. }| match ended {
                Some(ended) if run.attempt.checked_add(1) == Some(retry.attempt) => {
                    ControlFlow::Break(News::of_failure(&run, &ended))
                }
                Some(_) | None => ControlFlow::Continue(()),
            })
        });
        match found.map(Option::flatten) {
            Ok(Some(news)) => {
                self.write(&news);
            }
            Ok(None) => tracing::error!(
                event = "mail_lost",
                job,
                "'{job}' failed for good, which is not mailed: there is no record of it"
            ),
            Err(error) => tracing::error!(
                event = "mail_lost",
                job,
                "'{job}' failed for good, which is not mailed: {error}"
            ),
        }
    }

    /// Mails an error, unless it was mailed a moment ago.
    fn trouble(&mut self, news: &News, error: &RunError, is_failure: bool) {
        let key = Key::of(&news.job, error);
        let known = key.classes().map(|class| self.last.get(&class).copied());
        let (shared, unnoted) = (&self.shared, &self.unnoted);
        let times = shared.waiting().remove(&key).unwrap_or(1);
        let (now, setup) = ((shared.now)(), shared.setup());
        let error = &hidden(error, &shared.secrets());
        let decide = |last: &mut Last, is_noted: bool| {
            let begins = is_failure && !is_noted && !unnoted.contains(&news.job);
            let held_back = admit(last, key.message, times, begins, now);
            held_back.map_or_else(Vec::new, |held_back| {
                shared.mails(&setup.letterhead.trouble(news, error, held_back))
            })
        };
        let mut last = known;
        let written = self.outbox.with(|store| {
            store.decide_mail(key.classes(), |stored| {
                *stored = [later(stored[0], known[0]), later(stored[1], known[1])];
                let mails = decide(stored, store.is_mailed(&news.job)?);
                last = *stored;
                let is_mailed = !mails.is_empty();
                if is_failure && is_mailed {
                    store.note_mailed(&news.job, now)?;
                }
                Ok((is_mailed, post(store, mails)?))
            })
        });
        let (is_mailed, unwritten, lost) = if let Ok((is_mailed, lost)) = &written {
            (*is_mailed, Vec::new(), *lost)
        } else {
            last = known;
            let mails = decide(&mut last, false);
            (!mails.is_empty(), mails, 0)
        };
        if is_failure && is_mailed && written.is_err() {
            self.unnoted.insert(news.job.clone());
        }
        self.remember(key, last);
        self.settle(written.map(drop), unwritten, lost);
    }

    /// Mails which jobs succeeded again; gives whether there are any.
    fn succeeded(&mut self) -> bool {
        let succeeded = std::mem::take(&mut *self.shared.succeeded());
        let mut is_any = false;
        for news in succeeded.values() {
            is_any |= self.write(news);
        }
        is_any
    }

    /// Mails that a job succeeded again, where its failure was mailed and that is wanted; gives
    /// whether it was.
    fn recovery(&mut self, news: &News) -> bool {
        let (shared, setup) = (&self.shared, self.shared.setup());
        let write = |since| {
            let words = setup.letterhead.recovery(news, since);
            let words = setup.recovery.then_some(words);
            words.map_or_else(Vec::new, |words| shared.mails(&words))
        };
        let written = self
            .outbox
            .with(|store| store.take_mailed(&news.job, |since| post(store, write(since))));
        let was_noted = matches!(written, Ok(Some(_)));
        let is_unnoted = self.unnoted.remove(&news.job) && !was_noted;
        let mails = if is_unnoted {
            write(None)
        } else {
            // Where the store cannot be asked, the next success is told.
            Vec::new()
        };
        let lost = written.as_ref().ok().copied().flatten();
        self.settle(written.map(drop), mails, lost.unwrap_or_default());
        was_noted || is_unnoted
    }

    fn remember(&mut self, key: Key, last: Last) {
        // There are not so many, unless somebody makes them up.
        if self.last.len() >= MOST_CLASSES {
            self.last.clear();
        }
        let last = key.classes().into_iter().zip(last);
        self.last
            .extend(last.filter_map(|(class, last)| Some((class, last?))));
    }

    /// Keeps the mails in mind that could not be written down, and tells what is wrong, once.
    fn settle(&mut self, written: Result<(), Error>, mails: Vec<Mail>, lost: usize) {
        match written {
            Ok(()) if std::mem::take(&mut self.troubled) => {
                tracing::info!(event = "mail_works", "mails are kept on disk again");
            }
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.troubled, true) {
                    tracing::warn!(
                        event = "mail_unwritten",
                        "mails are kept in memory alone, they would not outlive a restart: {error}"
                    );
                }
            }
        }
        let carried = &self.shared.carried;
        let refused = mails.into_iter().filter(|mail| !carried.add(mail.clone()));
        let lost = lost + refused.count();
        let was_full = std::mem::replace(&mut self.is_full, lost > 0);
        if self.is_full && !was_full {
            tracing::error!(
                event = "mail_lost",
                "mails are lost: too many wait for the server"
            );
        }
    }
}

/// Puts mails into the outbox; gives how many found no room.
fn post(store: &Store, mails: Vec<Mail>) -> Result<usize, Error> {
    let mut refused = 0;
    for mail in mails {
        refused += usize::from(!store.post(&mail)?);
    }
    Ok(refused)
}

/// Whichever is of the later mail: the outbox may not have been writable when it was sent.
fn later(one: Option<LastMail>, other: Option<LastMail>) -> Option<LastMail> {
    one.into_iter().chain(other).max_by_key(|last| last.at)
}

/// The error without secrets: the mail leaves out what is too long of it, and no part of a secret
/// must be left there.
fn hidden(error: &RunError, secrets: &Secrets) -> RunError {
    let text = |text: &str| secrets.mask(text).into_owned();
    RunError {
        class: text(&error.class),
        message: text(&error.message),
        traceback: text(&error.traceback),
    }
}
