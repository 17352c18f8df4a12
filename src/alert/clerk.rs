//! Writes mails and puts them into the outbox.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::Builder;

use super::message::Words;
use super::post::{Orders, Shared};
use super::postman::Errand;
use super::{News, What};
use crate::run::RunId;
use crate::store::{Error, Mail, Place, Store};

/// What the clerk is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Write of this.
    News(Box<News>),
    /// Something changed: let the postman look.
    Look,
    /// Come to an end, and say when all is written down, and when all was tried.
    Finish {
        written: Sender<()>,
        tried: Sender<()>,
    },
}

/// The thread that writes.
pub(super) struct Clerk {
    place: Place,
    store: Option<Store>,
    shared: Arc<Shared>,
    postman: Sender<Errand>,
}

impl Clerk {
    pub(super) fn new(
        place: Place,
        store: Option<Store>,
        shared: Arc<Shared>,
        postman: Sender<Errand>,
    ) -> Self {
        Self {
            place,
            store,
            shared,
            postman,
        }
    }

    /// Begins to work through the orders.
    pub(super) fn start(mut self, orders: Orders) -> io::Result<()> {
        let thread = Builder::new().name("mail".to_owned());
        thread.spawn(move || {
            for order in orders {
                match order {
                    Order::News(news) => self.write(&news),
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

    fn write(&mut self, news: &News) {
        let Some((subject, body)) = self.words(news) else {
            return;
        };
        let secrets = self.shared.secrets();
        for recipient in &self.shared.setup().recipients {
            let now = (self.shared.now)();
            self.post(Mail {
                id: RunId::new(now, fastrand::u128(..)),
                recipient: recipient.to_string(),
                subject: secrets.mask(&subject).into_owned(),
                body: secrets.mask(&body).into_owned(),
                written: now,
            });
        }
    }

    /// What is mailed of the news; `None` where nothing is.
    fn words(&mut self, news: &News) -> Option<Words> {
        let setup = self.shared.setup();
        let head = &setup.letterhead;
        match &news.what {
            What::Critical(error, held_back) => Some(head.trouble(news, error, *held_back)),
            What::Failed(error, held_back) => {
                self.shared.mailed().insert(news.job.clone());
                let now = (self.shared.now)();
                // Without a store the recovery is mailed as long as this process lives.
                let _ = self.with_store(|store| store.note_mailed(&news.job, now));
                Some(head.trouble(news, error, *held_back))
            }
            What::Recovered => {
                let since = self.with_store(|store| store.take_mailed(&news.job));
                let words = || head.recovery(news, since.unwrap_or_default());
                setup.recovery.then(words)
            }
        }
    }

    /// Puts a mail into the outbox; where there is none, the postman keeps it in mind.
    fn post(&mut self, mail: Mail) {
        match self.with_store(|store| store.post(&mail)) {
            Ok(true) => {}
            Ok(false) => tracing::error!(
                event = "mail_lost",
                "a mail to {} is lost: too many wait for the server",
                mail.recipient
            ),
            Err(error) => {
                tracing::warn!(
                    event = "mail_unwritten",
                    "a mail would not outlive a restart: {error}"
                );
                // The postman goes on as long as we do.
                let _ = self.postman.send(Errand::Carry(mail));
            }
        }
    }

    /// Does something with the store, which is opened again where it failed before.
    fn with_store<T>(&mut self, work: impl FnOnce(&Store) -> Result<T, Error>) -> Result<T, Error> {
        let store = match self.store.take().filter(Store::is_in_place) {
            Some(store) => store,
            None => Store::join(&self.place)?,
        };
        let done = work(&store);
        if done.is_ok() {
            self.store = Some(store);
        }
        done
    }
}
