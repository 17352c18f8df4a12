//! Where the rest of the program hands in what is to be mailed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::carried::Carried;
use super::clerk::{Clerk, Order};
use super::message::Words;
use super::postman::{Errand, Postman};
use super::rate::Key;
use super::{News, Setup, What, end_of, error_of};
use crate::run::{Ended, Outcome, Retry, Run, RunError, RunId};
use crate::secret::Secrets;
use crate::store::{Mail, Place, Store};
use crate::words::counted;

/// How many mails may wait to be written down.
const MOST_NEWS: usize = 1_000;

/// How long to wait at the end until all mails are written down.
const WRITING: Duration = Duration::from_secs(10);

/// Takes what is to be mailed. Nothing of it waits.
#[derive(Debug, Clone)]
pub struct Post {
    orders: SyncSender<Order>,
    pub(super) shared: Arc<Shared>,
    place: Place,
    desk: Arc<Mutex<Desk>>,
}

/// What the threads share.
#[derive(Debug)]
pub(super) struct Shared {
    setup: RwLock<Arc<Setup>>,
    secrets: RwLock<Arc<Secrets>>,
    /// The last success of each job that succeeded since the clerk was told of any.
    succeeded: Mutex<BTreeMap<String, News>>,
    /// Errors of which the clerk will write, and how often each occurred since it was told.
    waiting: Mutex<HashMap<Key, u64>>,
    /// Mails that are not in the outbox.
    pub(super) carried: Carried,
    /// What time it is.
    pub(super) now: fn() -> DateTime<Utc>,
}

/// What is known where news come in.
#[derive(Debug, Default)]
struct Desk {
    /// Runs whose failure their error handler took.
    handled: HashSet<RunId>,
    is_full: bool,
}

impl Post {
    /// Begins to write and to send, with the outbox at `place`; `hurry` to try all that waits in
    /// it now.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn start(
        place: Place,
        setup: Setup,
        secrets: Secrets,
        now: fn() -> DateTime<Utc>,
        hurry: bool,
    ) -> io::Result<Self> {
        tell_unusable(&setup);
        // Without a store jobs go on, and mails are kept in memory.
        let store = Store::join(&place).ok();
        if let (Some(store), true) = (&store, hurry) {
            // What stays put off is tried in its time.
            let _ = store.hurry_mail(now());
        }
        let shared = Arc::new(Shared::new(setup, secrets, now));
        let (orders, received) = sync_channel(MOST_NEWS);
        let (errands, walked) = channel();
        Postman::new(place.clone(), Arc::clone(&shared)).start(walked)?;
        if hurry {
            // It was just started and listens.
            let _ = errands.send(Errand::Look);
        }
        Clerk::new(place.clone(), Arc::clone(&shared), errands).start(received)?;
        Ok(Self {
            orders,
            shared,
            place,
            desk: Arc::default(),
        })
    }

    /// A task logged a critical line.
    pub fn critical(&self, run: &Run, alarm: &RunError, at: DateTime<Utc>) {
        self.tell(run, alarm, at, What::Critical);
    }

    /// The error handler of the run's job took its failure: it is not mailed.
    pub fn handled(&self, run: &Run) {
        self.desk().handled.insert(run.id);
    }

    /// A run ended; `is_final` where it is not tried again.
    pub fn ended(&self, run: &Run, ended: &Ended, is_final: bool) {
        let handled = self.desk().handled.remove(&run.id);
        if ended.outcome == Outcome::Success {
            return self.succeeded(run, ended);
        }
        if let Some(error) = error_of(run, ended).filter(|_| is_final && !handled) {
            self.tell(run, &error, end_of(run, ended), What::Failed);
        }
    }

    /// An attempt that waited is not made: the failure before it, which nobody was told of, was
    /// for good.
    pub fn given_up(&self, job: &str, retry: &Retry) {
        if !self.shared.setup().recipients.is_empty() {
            self.send(Order::GivenUp(job.to_owned(), *retry));
        }
    }

    /// Goes on with another config.
    pub fn configure(&self, setup: Setup) {
        tell_unusable(&setup);
        *self
            .shared
            .setup
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
        // Where it has too much to do, it notices anyhow.
        let _ = self.orders.try_send(Order::Look);
    }

    /// From now on these reach no mail.
    pub fn hide(&self, secrets: Secrets) {
        *self
            .shared
            .secrets
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
    }

    /// Comes to an end: all mails are written down, and each is tried, for at most `longest`. Gives
    /// what kept a mail from being sent, which is logged too.
    #[expect(clippy::must_use_candidate, reason = "it is in the log")]
    pub fn finish(&self, longest: Duration) -> Option<String> {
        let (written, all_written) = channel();
        let (tried, all_tried) = channel();
        let mut trouble = None;
        if self.orders.send(Order::Finish { written, tried }).is_ok() {
            // What is not done in time is tried by the next who starts.
            let _ = all_written.recv_timeout(WRITING);
            let late = |_| Some("mail is not sent yet, it waits and is tried again".to_owned());
            trouble = all_tried.recv_timeout(longest).unwrap_or_else(late);
        }
        self.rescue().or(trouble)
    }

    /// The last chance of mails that are not in the outbox; gives how many are lost, if any.
    fn rescue(&self) -> Option<String> {
        let mails = self.shared.carried.take_all();
        if mails.is_empty() {
            return None;
        }
        let store = Store::join(&self.place).ok();
        let post = |mail: &Mail| store.as_ref()?.post(mail).ok();
        let lost = mails.iter().filter(|mail| post(mail) != Some(true)).count();
        if lost == 0 {
            return None;
        }
        let text = counted(lost, "mail") + " lost: neither sent nor kept on disk";
        tracing::error!(event = "mail_lost", "{text}");
        Some(text)
    }

    fn tell(&self, run: &Run, error: &RunError, at: DateTime<Utc>, what: fn(RunError) -> What) {
        if self.shared.setup().recipients.is_empty() {
            return;
        }
        let key = Key::of(&run.job, error);
        if let Some(times) = self.shared.waiting().get_mut(&key) {
            *times += 1;
            return;
        }
        self.shared.waiting().insert(key, 1);
        let news = News::of(run, at, what(error.clone()));
        let is_sent = self.send(Order::News(Box::new(news)));
        if !is_sent {
            self.shared.waiting().remove(&key);
        }
    }

    /// A job that fails may have been mailed by another process, so that only the store knows.
    fn succeeded(&self, run: &Run, ended: &Ended) {
        if self.shared.setup().recipients.is_empty() {
            return;
        }
        let news = News::of(run, end_of(run, ended), What::Recovered);
        let mut succeeded = self.shared.succeeded();
        let is_told = !succeeded.is_empty();
        succeeded.insert(run.job.clone(), news);
        // Where there is no room for an order, the next success is as good.
        if !is_told && self.orders.try_send(Order::Succeeded).is_err() {
            succeeded.clear();
        }
    }

    /// Hands news to the clerk, where there is room for them.
    fn send(&self, order: Order) -> bool {
        let sent = self.orders.try_send(order);
        let is_full = matches!(sent, Err(TrySendError::Full(_)));
        let was_full = std::mem::replace(&mut self.desk().is_full, is_full);
        if is_full && !was_full {
            tracing::error!(
                event = "mail_lost",
                "mails are lost: more than {MOST_NEWS} wait to be written down"
            );
        }
        sent.is_ok()
    }

    fn desk(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    pub(super) fn new(setup: Setup, secrets: Secrets, now: fn() -> DateTime<Utc>) -> Self {
        Self {
            setup: RwLock::new(Arc::new(setup)),
            secrets: RwLock::new(Arc::new(secrets)),
            succeeded: Mutex::default(),
            waiting: Mutex::default(),
            carried: Carried::default(),
            now,
        }
    }

    /// What the config says now.
    pub(super) fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What must not be shown.
    pub(super) fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Errors of which the clerk will write, and how often each occurred since it was told.
    pub(super) fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<Key, u64>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mail of these words for each recipient.
    pub(super) fn mails(&self, (subject, body): &Words) -> Vec<Mail> {
        let (now, secrets, setup) = ((self.now)(), self.secrets(), self.setup());
        let recipients = setup.recipients.iter();
        let mails = recipients.map(|recipient| Mail {
            id: RunId::new(now, fastrand::u128(..)),
            recipient: recipient.to_string(),
            subject: secrets.mask(subject).into_owned(),
            body: secrets.mask(body).into_owned(),
            written: now,
        });
        mails.collect()
    }

    /// The last success of each job that succeeded since the clerk was told of any.
    pub(super) fn succeeded(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, News>> {
        self.succeeded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes to the thread that writes.
pub(super) type Orders = Receiver<Order>;

/// Tells what keeps mail from being sent, before there is any.
fn tell_unusable(setup: &Setup) {
    for address in &setup.unusable {
        tracing::warn!(
            event = "mail_unusable",
            "`{address}` in `error notification email` is no address"
        );
    }
    if let (false, Err(error)) = (setup.recipients.is_empty(), &setup.account) {
        tracing::warn!(event = "mail_unusable", "mail cannot be sent: {error}");
    }
}
