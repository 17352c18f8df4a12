//! Brings mails from the outbox to their server, again and again until it takes them.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::Builder;
use std::time::Duration;

use chrono::TimeDelta;

use super::outbox::Outbox;
use super::post::Shared;
use super::{Failure, Setup, mailgun, message, smtp};
use crate::config::{Way, mailbox};
use crate::run::RunId;
use crate::store::{Error, Mail, Place, Store, Waiting};

/// How long to wait after the first try; twice as long after each further one, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How long to rest between two looks at the outbox, unless there is news.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What the postman is told.
#[derive(Debug)]
pub(super) enum Errand {
    /// Look into the outbox.
    Look,
    /// Say what came of all errands before this one, and come to an end.
    Finish(Sender<Trouble>),
}

/// What kept the last mail from being sent that could not be.
pub(super) type Trouble = Option<String>;

/// The thread that sends.
pub(super) struct Postman {
    outbox: Outbox,
    shared: Arc<Shared>,
    /// Mails that are delivered or refused and yet are in the outbox still.
    settled: HashSet<RunId>,
    /// Whether the server took no mail, the last time.
    troubled: bool,
    trouble: Trouble,
    /// Why the outbox could not be used, the last time.
    unusable: Trouble,
}

impl Postman {
    pub(super) fn new(place: Place, shared: Arc<Shared>) -> Self {
        Self {
            outbox: Outbox::at(place),
            shared,
            settled: HashSet::new(),
            troubled: false,
            trouble: None,
            unusable: None,
        }
    }

    /// Begins to go on errands.
    pub(super) fn start(mut self, errands: Receiver<Errand>) -> io::Result<()> {
        let thread = Builder::new().name("mail server".to_owned());
        thread.spawn(move || {
            loop {
                match errands.recv_timeout(self.rest()) {
                    Ok(Errand::Look) | Err(RecvTimeoutError::Timeout) => {}
                    Ok(Errand::Finish(tried)) => {
                        // Whoever asked may have gone.
                        let _ = tried.send(self.unusable.or(self.trouble));
                        return;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                self.bring_all();
            }
        })?;
        Ok(())
    }

    /// Brings everything that is due.
    fn bring_all(&mut self) {
        self.keep_carried();
        while let Some(waiting) = self.shared.carried.due((self.shared.now)()) {
            let failure = self.bring(&waiting.mail);
            let pause = after(&waiting, failure.as_ref());
            let next = pause.map(|pause| (self.shared.now)() + pause);
            self.shared.carried.tried(&waiting.mail, next);
            // It takes no other either, and to find out for each takes longer than their pauses.
            if matches!(failure, Some(Failure::Server(_))) {
                break;
            }
        }
        // Where it cannot be used, the clerk tells of it; it is opened again the next time.
        let told = |error| format!("mail waits, its outbox cannot be used: {error}");
        self.unusable = self.empty_outbox().err().map(told);
    }

    /// Puts what is in memory alone into the outbox, as soon as that can be used again.
    fn keep_carried(&mut self) {
        for mail in self.shared.carried.all() {
            // Where it finds no place, it is brought from memory.
            if !matches!(self.outbox.with(|store| store.post(&mail)), Ok(true)) {
                return;
            }
            self.shared.carried.tried(&mail, None);
        }
    }

    fn empty_outbox(&mut self) -> Result<(), Error> {
        let now = (self.shared.now)();
        for mail in self.outbox.with(|store| store.expire_mail(now))? {
            tracing::error!(
                event = "mail_given_up",
                "the mail to {} was given up after three days: {}",
                mail.recipient,
                mail.subject
            );
        }
        let next = self.outbox.with(Store::next_mail)?;
        if self.troubled && next.is_some_and(|due| due <= now) {
            // Whether the server takes mail again is tried with the oldest: what is told of a job is
            // read in its order.
            self.outbox.with(|store| store.hurry_mail(now))?;
        }
        while let Some(waiting) = self.claim()? {
            let failure = if self.settled.contains(&waiting.mail.id) {
                None
            } else {
                self.bring(&waiting.mail)
            };
            if let Some(pause) = after(&waiting, failure.as_ref()) {
                let due = (self.shared.now)() + pause;
                let others = matches!(failure, Some(Failure::Server(_)));
                self.outbox
                    .with(|store| store.put_off_mail(&waiting, due, others))?;
            } else {
                // Remembered, should the outbox not be writable: each is delivered once.
                self.settled.insert(waiting.mail.id);
                self.outbox.with(|store| store.settle_mail(&waiting))?;
                self.settled.remove(&waiting.mail.id);
            }
        }
        Ok(())
    }

    fn claim(&mut self) -> Result<Option<Waiting>, Error> {
        let now = (self.shared.now)();
        self.outbox.with(|store| store.claim_mail(now))
    }

    /// Hands a mail to the server; gives why it was not taken.
    fn bring(&mut self, mail: &Mail) -> Option<Failure> {
        let setup = self.shared.setup();
        let failure = deliver(mail, &setup).err();
        match &failure {
            None => self.delivered(mail),
            Some(failure) => {
                let text = trouble(mail, failure, &setup);
                let text = self.shared.secrets().mask(&text).into_owned();
                self.tell(failure, &text);
                self.trouble = Some(text);
            }
        }
        failure
    }

    fn delivered(&mut self, mail: &Mail) {
        if std::mem::take(&mut self.troubled) {
            self.trouble = None;
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

    /// Tells why a mail was not taken; that the server takes none is told once.
    fn tell(&mut self, failure: &Failure, text: &str) {
        match failure {
            Failure::Server(_) if self.troubled => {
                tracing::debug!(event = "mail_failed", "{text}");
            }
            Failure::Server(_) => {
                self.troubled = true;
                tracing::error!(event = "mail_failed", "{text}");
            }
            Failure::Later(_) => tracing::warn!(event = "mail_put_off", "{text}"),
            Failure::Refused(_) => tracing::error!(event = "mail_refused", "{text}"),
        }
    }

    /// How long there is nothing to do.
    fn rest(&mut self) -> Duration {
        let Ok(stored) = self.outbox.with(Store::next_mail) else {
            return FIRST_PAUSE;
        };
        let carried = self.shared.carried.next();
        let Some(next) = stored.into_iter().chain(carried).min() else {
            return LONGEST_REST;
        };
        let rest = (next - (self.shared.now)()).to_std().unwrap_or_default();
        rest.clamp(SHORTEST_REST, LONGEST_REST)
    }
}

/// Why a mail was not taken, and what becomes of it.
fn trouble(mail: &Mail, failure: &Failure, setup: &Setup) -> String {
    let recipient = &mail.recipient;
    match failure {
        Failure::Server(why) => {
            let account = setup.account.as_ref().ok();
            let name = account.map(|account| format!("{}: ", account.name()));
            let name = name.unwrap_or_default();
            format!("mail cannot be sent, it waits and is tried again: {name}{why}")
        }
        Failure::Later(why) => format!("the mail to {recipient} is tried again later: {why}"),
        Failure::Refused(why) => format!("the mail to {recipient} was refused: {why}"),
    }
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
    let recipient = mailbox(&mail.recipient);
    let recipient = recipient.ok_or_else(|| Failure::Refused("it is no address".to_owned()))?;
    let host = &setup.letterhead.host;
    let message = message::formatted(mail, &account.sender, recipient.clone(), host);
    let message = message.map_err(|error| Failure::Refused(error.to_string()))?;
    let (from, to) = (account.sender.email.clone(), recipient.email);
    match &account.way {
        Way::Smtp(server) => smtp::deliver(server, from, to, &message, host),
        Way::Mailgun(account) => mailgun::deliver(account, to.as_ref(), &message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::tests::{CONFIG, now, place, setup};
    use crate::secret::Secrets;

    #[test]
    fn each_pause_is_twice_as_long_up_to_an_hour() {
        let pauses: Vec<i64> = (0..12).map(|tries| pause(tries).num_seconds()).collect();
        assert_eq!(
            pauses,
            [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        );
        assert_eq!(pause(u32::MAX).num_seconds(), 3600);
    }

    /// Two mails that are in memory alone.
    fn carrying() -> Arc<Shared> {
        let shared = Arc::new(Shared::new(setup(CONFIG), Secrets::default(), now));
        for recipient in ["one@example.org", "other@example.org"] {
            assert!(shared.carried.add(Mail {
                id: RunId::new(now(), fastrand::u128(..)),
                recipient: recipient.to_owned(),
                subject: "it failed".to_owned(),
                body: String::new(),
                written: now(),
            }));
        }
        shared
    }

    #[test]
    fn mails_in_memory_go_into_the_outbox_as_soon_as_it_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let shared = carrying();
        let mut postman = Postman::new(place(&folder), Arc::clone(&shared));
        postman.keep_carried();
        assert!(shared.carried.all().is_empty());
        let waiting = || {
            Store::join(&place(&folder))
                .unwrap()
                .claim_mail(now())
                .unwrap()
        };
        assert_eq!(waiting().unwrap().mail.recipient, "one@example.org");
    }

    #[test]
    fn a_server_that_is_down_is_asked_once_for_all_mails_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("state"), "in the way").unwrap();
        let shared = carrying();
        Postman::new(place(&folder), Arc::clone(&shared)).bring_all();
        let left = shared.carried.due(now()).unwrap();
        assert_eq!(
            (&*left.mail.recipient, left.tries),
            ("other@example.org", 0)
        );
    }
}
