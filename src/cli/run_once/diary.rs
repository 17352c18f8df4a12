//! The record of a run by hand. Where none can be written, the run goes on all the same.

use super::screen::Screen;
use crate::cli::time;
use crate::run::{Ended, Run};
use crate::secret::Secrets;
use crate::store::{Entry, Error, Filter, Lock, Owner, Place, Store};
use crate::trigger::Zone;

/// Writes one run down.
pub(super) struct Diary {
    place: Place,
    store: Result<Store, Error>,
}

impl Diary {
    /// Opens the state of the config; `secrets` do not get into it.
    pub(super) fn open(place: Place, secrets: Secrets) -> Self {
        let store = Store::join(&place).map(|mut store| {
            store.set_secrets(secrets);
            store
        });
        Self { place, store }
    }

    /// Writes down that `run` begins; tells where that fails, and where its job runs already.
    pub(super) fn begin(&self, run: &Run, screen: &Screen, zone: &Zone) {
        let store = match &self.store {
            Ok(store) => store,
            Err(error) => return tell(error, screen),
        };
        if let Some(other) = self.other(store, run) {
            let since = time::of_day(other.run.started, run.started, zone);
            screen.note(&format!("{} is also running since {since}", run.job));
        }
        if let Err(error) = store.begin(run, false, None, Some(&Owner::this())) {
            tell(&error, screen);
        }
    }

    /// Writes down how it ended.
    pub(super) fn end(self, run: &Run, ended: &Ended, screen: &Screen) {
        if let Ok(store) = self.store
            && let Err(error) = store.end(run.id, ended).and_then(|()| store.leave_log())
        {
            tell(&error, screen);
        }
    }

    /// Another run of the job that is going on: a human's order is carried out beside it.
    fn other(&self, store: &Store, run: &Run) -> Option<Entry> {
        let filter = Filter {
            jobs: vec![run.job.clone()],
            going_on: true,
            ..Filter::default()
        };
        let watched = Lock::holder(&self.place).is_ok_and(|holder| holder.is_some());
        // It is a hint: where it cannot be read, there is none.
        let others = store.runs(&filter, usize::MAX).unwrap_or_default();
        let mut others = others.into_iter().map(|other| other.settled(watched));
        others.find(|other| other.ended.is_none())
    }
}

fn tell(error: &Error, screen: &Screen) {
    screen.note(&format!("this run is not recorded: {error}"));
}
