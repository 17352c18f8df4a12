//! The jobs that are left out because they are faulty, where somebody asks for one by its name.

use std::io::{self, Write};

use super::arguments::Global;
use super::load::Loaded;
use super::{Exit, output, select};
use crate::config::Config;
use crate::diagnostic::{Diagnostic, render};
use crate::job::function_of;

/// Tells the faults of the first of these words that means a job which is left out because of
/// them, and how the program ends; `None` where there is none.
pub(super) fn refuse(
    loaded: &Loaded,
    config: &Config,
    words: &[String],
    global: &Global,
) -> Option<Exit> {
    let name = words.iter().find_map(|word| meant(config, word))?;
    let style = output::style(global.color, &io::stderr());
    let faults = faults(loaded, name);
    let text = render::render(&faults, &loaded.text, &loaded.name(), style);
    // Where stderr is gone, nobody is left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
    Some(Exit::Failed)
}

/// The job that is left out and that the word means, by its name or its function.
fn meant<'a>(config: &'a Config, word: &str) -> Option<&'a str> {
    if !select::named(config, word).is_empty() {
        return None;
    }
    let mut faulty = config.faulty.iter().map(String::as_str);
    faulty.find(|name| is_meant(name, word))
}

/// Whether the word means that job, of which no more than its name is known: by its name or its
/// function.
pub(super) fn is_meant(name: &str, word: &str) -> bool {
    name == word || function_of(name) == word
}

/// What is wrong with that job; where nothing is with the job itself, what is wrong around it: a
/// time zone that does not exist leaves out all that need it.
fn faults(loaded: &Loaded, name: &str) -> Vec<Diagnostic> {
    let all = &loaded.reading.diagnostics;
    let own = |one: &&Diagnostic| one.job.as_deref() == Some(name);
    let around = |one: &&Diagnostic| one.job.is_none() && one.is_error();
    let has_error = all.iter().filter(own).any(Diagnostic::is_error);
    let told = all.iter();
    told.filter(|one| own(one) || (!has_error && around(one)))
        .cloned()
        .collect()
}
