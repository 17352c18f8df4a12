//! The config that a question about what ran is about: what the state knows is told also where the
//! file is broken or gone.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::arguments::Global;
use super::load::{self, Loaded};
use super::output::{self, Refusal};
use super::{state, usable};
use crate::config::Config;
use crate::paths::{self, Given};
use crate::store::{Place, Store};
use crate::trigger::Zone;

/// A config, as far as it can be read, and its state.
pub(super) struct Subject {
    /// The config file.
    pub(super) path: PathBuf,
    /// What it says, or why it cannot be read.
    pub(super) loaded: Result<Loaded, load::Error>,
    /// Where its state is.
    pub(super) place: Place,
    /// Its runs; `None` where it has none yet.
    pub(super) store: Option<Store>,
}

impl Subject {
    /// The config that is meant, at the instant `now`.
    ///
    /// # Errors
    /// Where none is meant, where it can neither be read nor has a state, or where the state cannot
    /// be read.
    pub(super) fn find(global: &Global, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut given = global.given();
        let path = Self::path(&given)?;
        given.config = Some(path.clone());
        let loaded = load::load(&given, now);
        let place = state::place(&given, &path);
        let store = Store::read(&place)?;
        match loaded {
            Err(error) if store.is_none() => Err(error.into()),
            loaded => Ok(Self {
                path,
                loaded,
                place,
                store,
            }),
        }
    }

    /// The file of the config that is meant: where none is found, the first of the usual ones that
    /// has a state. It may be away for a moment only, and its watcher goes on.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn path(given: &Given) -> Result<PathBuf, load::Error> {
        let none = match paths::config(given) {
            Ok(path) => return Ok(path),
            Err(none) => none,
        };
        let has_state = |path: &&PathBuf| {
            let place = state::place(given, path);
            place.lock().exists() || place.database().exists()
        };
        let with_state = none.looked_for.iter().find(has_state).cloned();
        with_state.ok_or(none.into())
    }

    /// The config, where the file has one.
    pub(super) fn config(&self) -> Option<&Config> {
        self.loaded.as_ref().ok().and_then(Loaded::config)
    }

    /// The zone in which its times are told.
    pub(super) fn zone(&self) -> Zone {
        let of_config = |config: &Config| config.settings.timezone.clone();
        self.config().map_or_else(|| paths::zone().0, of_config)
    }

    /// Says in which zone its times are told, and where that is from: where the config cannot say,
    /// and where everything is to be said.
    pub(super) fn times(&self, global: &Global) -> String {
        let zone = self.zone();
        let name = zone.name();
        match self.config().map(|config| config.settings.timezone_from) {
            Some(from) if global.verbose => format!("times in {name} ({})", from.word()),
            Some(_) => format!("times in {name}"),
            None => {
                let from = paths::zone().1.word();
                format!("times in {name} ({from}), as the config cannot be used")
            }
        }
    }

    /// Tells on stderr what is wrong with the file.
    pub(super) fn tell_faults(&self, global: &Global) {
        match &self.loaded {
            Ok(loaded) => drop(usable(loaded, global)),
            Err(error) => output::warn(&error.to_string(), global),
        }
    }
}
