//! The outbox of the store, opened again where it failed, or is another file by now.

use std::os::unix::fs::MetadataExt;

use crate::store::{Error, Place, Store};

/// Device and inode.
type Identity = (u64, u64);

/// The store as far as mail needs it: each thread has one of its own.
pub(super) struct Outbox {
    place: Place,
    open: Option<(Store, Option<Identity>)>,
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
        // A damaged one was moved aside, or somebody removed it: nobody looks there any more.
        let now = self.identity();
        let current = self.open.take().filter(|(_, identity)| *identity == now);
        let (store, identity) = if let Some(open) = current {
            open
        } else {
            (Store::join(&self.place)?, self.identity())
        };
        let done = work(&store);
        if done.is_ok() {
            self.open = Some((store, identity));
        }
        done
    }

    fn identity(&self) -> Option<Identity> {
        let found = std::fs::metadata(self.place.database()).ok()?;
        Some((found.dev(), found.ino()))
    }
}
