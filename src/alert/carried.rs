//! Mails that could not be written into the outbox: they are kept in memory, and tried from there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::store::{Mail, Waiting};

/// How many are kept.
const MOST: usize = 100;

/// The mails, and when each is due.
#[derive(Debug, Default)]
pub(super) struct Carried(Mutex<Vec<(Waiting, DateTime<Utc>)>>);

impl Carried {
    /// Takes a mail; gives whether there was room for it.
    pub(super) fn add(&self, mail: Mail) -> bool {
        let mut all = self.lock();
        let has_room = all.len() < MOST;
        if has_room {
            let due = mail.written;
            let waiting = Waiting { tries: 0, mail };
            all.push((waiting, due));
        }
        has_room
    }

    /// A mail that is due at `now`. It stays.
    pub(super) fn due(&self, now: DateTime<Utc>) -> Option<Waiting> {
        let all = self.lock();
        let found = all.iter().find(|(_, due)| *due <= now);
        found.map(|(waiting, _)| waiting.clone())
    }

    /// A mail was tried: from now on it is due at `next`, or gone where that is `None`.
    pub(super) fn tried(&self, mail: &Mail, next: Option<DateTime<Utc>>) {
        let mut all = self.lock();
        let Some(index) = all.iter().position(|(one, _)| one.mail.id == mail.id) else {
            return;
        };
        match next {
            Some(next) => {
                let (waiting, due) = &mut all[index];
                waiting.tries = waiting.tries.saturating_add(1);
                *due = next;
            }
            None => drop(all.swap_remove(index)),
        }
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.lock().iter().map(|(_, due)| *due).min()
    }

    /// All of them, which stay.
    pub(super) fn all(&self) -> Vec<Mail> {
        let all = self.lock();
        all.iter()
            .map(|(waiting, _)| waiting.mail.clone())
            .collect()
    }

    /// All of them; none stays.
    pub(super) fn take_all(&self) -> Vec<Mail> {
        let all = std::mem::take(&mut *self.lock());
        all.into_iter().map(|(waiting, _)| waiting.mail).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Waiting, DateTime<Utc>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
