//! The outbox of the store, opened again where it failed, or is another file by now.

use crate::store::{Error, Place, Store};
use crate::words::counted;

/// The store as far as mail needs it: each thread has one of its own.
pub(super) struct Outbox {
    place: Place,
    open: Option<Store>,
}

impl Outbox {
    pub(super) fn at(place: Place) -> Self {
        Self { place, open: None }
    }

    /// Does something with the store.
    pub(super) fn with<T>(
        &mut self,
        work: impl FnOnce(&Store) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let store = match self.open.take() {
            Some(store) if store.is_in_place() => store,
            Some(aside) => after_damage(&aside, Store::join(&self.place)?),
            None => Store::join(&self.place)?,
        };
        let done = work(&store);
        if done.is_ok() {
            self.open = Some(store);
        }
        done
    }
}

/// The new store, with the mails of the one that was moved aside because it is damaged, or that
/// somebody removed.
fn after_damage(aside: &Store, new: Store) -> Store {
    match aside.move_mails(&new) {
        Ok(0) => {}
        Ok(lost) => tracing::error!(
            event = "mail_lost",
            "{} lost that waited in the damaged store: too many wait for the server",
            counted(lost, "mail")
        ),
        Err(error) => tracing::error!(
            event = "mail_lost",
            "mails that waited may be lost with the damaged store: {error}"
        ),
    }
    new
}
