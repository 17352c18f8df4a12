//! Brings mails from the outbox to their server, again and again until it takes them.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::Builder;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::account::Way;
use super::post::Shared;
use super::{Failure, Setup, message};
use crate::run::RunId;
use crate::store::{Error, Mail, Place, Store, Waiting};

/// How long to wait after the first try; twice as long after each further one, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How long to rest between two looks at the outbox, unless there is news.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// How many mails are kept in mind that could not be written down.
const MOST_CARRIED: usize = 100;

/// What the postman is told.
#[derive(Debug)]
pub(super) enum Errand {
    /// Look into the outbox.
    Look,
    /// Bring this, which is not in the outbox.
    Carry(Mail),
    /// Say that all errands before this one are done, and come to an end.
    Finish(Sender<()>),
}

/// The thread that sends.
pub(super) struct Postman {
    place: Place,
    store: Option<Store>,
    shared: Arc<Shared>,
    /// Mails that are not in the outbox, and when they are due.
    carried: Vec<(Waiting, DateTime<Utc>)>,
    /// Mails that are delivered or refused and yet are in the outbox still.
    settled: HashSet<RunId>,
    troubled: bool,
}

impl Postman {
    pub(super) fn new(place: Place, shared: Arc<Shared>) -> Self {
        Self {
            place,
            store: None,
            shared,
            carried: Vec::new(),
            settled: HashSet::new(),
            troubled: false,
        }
    }

    /// Begins to go on errands.
    pub(super) fn start(mut self, errands: Receiver<Errand>) -> io::Result<()> {
        let thread = Builder::new().name("mail server".to_owned());
        thread.spawn(move || {
            loop {
                match errands.recv_timeout(self.rest()) {
                    Ok(Errand::Look) | Err(RecvTimeoutError::Timeout) => {}
                    Ok(Errand::Carry(mail)) => self.carry(mail),
                    Ok(Errand::Finish(tried)) => {
                        // Whoever asked may have gone.
                        let _ = tried.send(());
                        return;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                self.bring_all();
            }
        })?;
        Ok(())
    }

    fn carry(&mut self, mail: Mail) {
        if self.carried.len() < MOST_CARRIED {
            let due = mail.written;
            let waiting = Waiting {
                key: 0,
                tries: 0,
                mail,
            };
            self.carried.push((waiting, due));
        }
    }

    /// Brings everything that is due.
    fn bring_all(&mut self) {
        while let Some((waiting, due)) = self.due_in_mind() {
            let failure = self.bring(&waiting.mail);
            if let Some(pause) = after(&waiting, failure.as_ref()) {
                self.carried.push((
                    Waiting {
                        tries: waiting.tries.saturating_add(1),
                        ..waiting
                    },
                    due.max((self.shared.now)() + pause),
                ));
            }
        }
        // A store that cannot be used is opened again the next time.
        if self.empty_outbox().is_err() {
            self.store = None;
        }
    }

    /// A mail that is not in the outbox and due.
    fn due_in_mind(&mut self) -> Option<(Waiting, DateTime<Utc>)> {
        let now = (self.shared.now)();
        let index = self.carried.iter().position(|(_, due)| *due <= now)?;
        Some(self.carried.swap_remove(index))
    }

    fn empty_outbox(&mut self) -> Result<(), Error> {
        let store = match self.store.take() {
            Some(store) if store.is_in_place() => store,
            Some(aside) => after_damage(&aside, Store::join(&self.place)?),
            None => Store::join(&self.place)?,
        };
        for mail in store.expire_mail((self.shared.now)())? {
            tracing::error!(
                event = "mail_given_up",
                "the mail to {} was given up after three days: {}",
                mail.recipient,
                mail.subject
            );
        }
        while let Some(waiting) = store.claim_mail((self.shared.now)())? {
            let failure = if self.settled.contains(&waiting.mail.id) {
                None
            } else {
                self.bring(&waiting.mail)
            };
            if let Some(pause) = after(&waiting, failure.as_ref()) {
                let due = (self.shared.now)() + pause;
                let others = matches!(failure, Some(Failure::Server(_)));
                store.put_off_mail(waiting.key, due, others)?;
            } else {
                // Remembered, should the outbox not be writable: each is delivered once.
                self.settled.insert(waiting.mail.id);
                store.settle_mail(waiting.key)?;
                self.settled.remove(&waiting.mail.id);
            }
        }
        self.store = Some(store);
        Ok(())
    }

    /// Hands a mail to the server; gives why it was not taken.
    fn bring(&mut self, mail: &Mail) -> Option<Failure> {
        let setup = self.shared.setup();
        let failure = deliver(mail, &setup).err();
        let secrets = self.shared.secrets();
        let told = |text: &str| secrets.mask(text).into_owned();
        match &failure {
            None => {
                if std::mem::take(&mut self.troubled) {
                    tracing::info!(event = "mail_works", "mail can be sent again");
                }
                tracing::info!(
                    event = "mail_sent",
                    tag = "mail",
                    "mailed to {}: {}",
                    mail.recipient,
                    mail.subject
                );
            }
            Some(Failure::Server(why)) if self.troubled => {
                tracing::debug!(event = "mail_failed", "mail cannot be sent: {}", told(why));
            }
            Some(Failure::Server(why)) => {
                self.troubled = true;
                let name = setup.account.as_ref().map_or("", |account| account.name());
                tracing::error!(
                    event = "mail_failed",
                    "mail cannot be sent, it waits and is tried again: {name}: {}",
                    told(why)
                );
            }
            Some(Failure::Later(why)) => tracing::warn!(
                event = "mail_put_off",
                "the mail to {} is tried again later: {}",
                mail.recipient,
                told(why)
            ),
            Some(Failure::Refused(why)) => tracing::error!(
                event = "mail_refused",
                "the mail to {} was refused: {}",
                mail.recipient,
                told(why)
            ),
        }
        failure
    }

    /// How long there is nothing to do.
    fn rest(&self) -> Duration {
        let stored = self.store.as_ref().map(Store::next_mail);
        let Some(Ok(stored)) = stored else {
            return FIRST_PAUSE;
        };
        let carried = self.carried.iter().map(|(_, due)| *due).min();
        let Some(next) = stored.into_iter().chain(carried).min() else {
            return LONGEST_REST;
        };
        let rest = (next - (self.shared.now)()).to_std().unwrap_or_default();
        rest.clamp(SHORTEST_REST, LONGEST_REST)
    }
}

/// The new store, with the mails of the one that was moved aside because it is damaged.
fn after_damage(aside: &Store, new: Store) -> Store {
    if let Err(error) = aside.move_mails(&new) {
        tracing::error!(
            event = "mail_lost",
            "mails that waited may be lost with the damaged store: {error}"
        );
    }
    new
}

/// How long a mail waits for its next try; `None` where there is none.
fn after(waiting: &Waiting, failure: Option<&Failure>) -> Option<TimeDelta> {
    match failure {
        None | Some(Failure::Refused(_)) => None,
        Some(Failure::Server(_) | Failure::Later(_)) => Some(pause(waiting.tries)),
    }
}

/// How long to wait after a mail was tried so often before, and once more.
fn pause(tries: u32) -> TimeDelta {
    let factor = 2_u32.checked_pow(tries).unwrap_or(u32::MAX);
    let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
    TimeDelta::from_std(pause).expect("an hour at most")
}

fn deliver(mail: &Mail, setup: &Setup) -> Result<(), Failure> {
    let account = setup.account.as_ref();
    let account = account.map_err(|error| Failure::Server(error.to_string()))?;
    let recipient = message::mailbox(&mail.recipient);
    let recipient = recipient.ok_or_else(|| Failure::Refused("it is no address".to_owned()))?;
    let host = &setup.letterhead.host;
    let message = message::formatted(mail, &account.sender, recipient.clone(), host);
    let message = message.map_err(|error| Failure::Refused(error.to_string()))?;
    let (from, to) = (account.sender.email.clone(), recipient.email);
    match &account.way {
        Way::Smtp(server) => server.deliver(from, to, &message, host),
        Way::Mailgun(mailgun) => mailgun.deliver(to.as_ref(), &message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_as_long_up_to_an_hour() {
        let pauses: Vec<i64> = (0..12).map(|tries| pause(tries).num_seconds()).collect();
        assert_eq!(
            pauses,
            [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        );
        assert_eq!(pause(u32::MAX).num_seconds(), 3600);
    }
}
