//! `sched __jobs`: the names of the jobs, for the completion of shells.
//!
//! No command for people, so the command line's definition does not have it: what is made of that,
//! such as help, manual and completions, would show it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, Utc};

use super::Exit;
use super::arguments::Global;
use super::load::{self, Loaded};
use crate::paths;

/// The word for it.
pub(super) const COMMAND: &str = "__jobs";

/// Writes one name a line; nothing where anything is wrong, as it was not the user who asked.
///
/// The first two of `words` are the program and [`COMMAND`], what follows are flags.
pub(super) fn run(mut words: Vec<OsString>, now: DateTime<Utc>) -> Exit {
    words.remove(1);
    if let Ok(global) = Global::read(words)
        && let Some(loaded) = load(&global, now)
    {
        // The shell goes without an answer that it does not read.
        let _ = io::stdout().write_all(names(&loaded).as_bytes());
    }
    Exit::Done
}

fn load(global: &Global, now: DateTime<Utc>) -> Option<Loaded> {
    let given = global.given();
    // Standard input is the terminal on which the user types.
    let path = paths::config(&given).ok()?;
    (path != Path::new("-")).then(|| load::load(&given, now).ok())?
}

fn names(loaded: &Loaded) -> String {
    let jobs = loaded.config().into_iter().flat_map(|config| &config.jobs);
    // A name of several lines would be taken for several names.
    jobs.map(|job| job.name.as_str())
        .filter(|name| !name.contains(char::is_control))
        .flat_map(|name| [name, "\n"])
        .collect()
}
