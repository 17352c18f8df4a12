//! Which jobs the user means by a word.

use std::collections::HashSet;
use std::sync::Arc;

use super::arguments::Global;
use super::hint;
use super::output::Refusal;
use crate::config::Config;
use crate::diagnostic::{did_you_mean, near};
use crate::job::Job;

/// The jobs that the words name, in the order of the words, each once; all jobs for no words.
///
/// # Errors
/// The first word that names no job, with near names.
pub fn jobs<'a>(
    config: &'a Config,
    words: &[String],
    global: &Global,
) -> Result<Vec<&'a Job>, Refusal> {
    if words.is_empty() {
        return Ok(config.jobs.iter().map(Arc::as_ref).collect());
    }
    let mut selected: Vec<&Job> = Vec::new();
    let mut known = HashSet::new();
    for word in words {
        let named = named(config, word);
        if named.is_empty() {
            let mut refusal = unknown(config, word);
            if refusal.help.is_empty() {
                let next = hint::command(global, "next");
                refusal.help.push(format!("`{next}` shows all jobs"));
            }
            return Err(refusal);
        }
        let others = named.into_iter().filter(|job| known.insert(&job.name));
        selected.extend(others);
    }
    Ok(selected)
}

/// The jobs of that name and those that call the function of that name, the one of just that name
/// first.
#[must_use]
pub fn named<'a>(config: &'a Config, word: &str) -> Vec<&'a Job> {
    let is_meant = |job: &&Job| job.name == word || job.function() == word;
    let jobs = config.jobs.iter().map(Arc::as_ref);
    let mut named: Vec<&Job> = jobs.filter(is_meant).collect();
    named.sort_by_key(|job| job.name != word);
    named
}

/// Why no job is meant by the word.
#[must_use]
pub fn unknown(config: &Config, word: &str) -> Refusal {
    let mut names: Vec<&str> = names(config).collect();
    names.sort_unstable();
    names.dedup();
    let mut refusal = Refusal::new(format!("no job is called `{word}`"));
    refusal.help.extend(did_you_mean(&nearest(word, &names)));
    refusal
}

/// Names that are near to the word; else, at most three, those of which it is the function alone,
/// or which it or they begin with.
#[must_use]
pub fn nearest<'a>(word: &str, names: &[&'a str]) -> Vec<&'a str> {
    let near = near(word, names.iter().copied());
    if !near.is_empty() || word.is_empty() {
        return near;
    }
    let begins = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        rest.is_some_and(|rest| rest.starts_with([' ', '.', '#']))
    };
    let is_meant = |name: &&str| {
        let is_function = name.rsplit('.').next() == Some(word);
        is_function || begins(name, word) || begins(word, name)
    };
    names.iter().copied().filter(is_meant).take(3).collect()
}

/// Every word that means a job, faulty ones included.
pub fn names(config: &Config) -> impl Iterator<Item = &str> {
    let jobs = config.jobs.iter();
    let jobs = jobs.flat_map(|job| [job.name.as_str(), job.function()]);
    jobs.chain(config.faulty.iter().map(String::as_str))
}
