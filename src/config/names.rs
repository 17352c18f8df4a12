//! The names of jobs, and keys that are given twice.

use std::borrow::Cow;

use foldhash::HashMap;

use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::yaml::Duplicate;

/// What is to be known of the jobs' names.
#[derive(Default)]
pub(super) struct JobNames {
    /// How many jobs there are, those that cannot have a name included.
    pub(super) count: usize,
    /// The names of jobs whose keys were there before, by the places of their keys.
    doubled: HashMap<Span, String>,
}

/// The names so far, and the number that the last job with each key got.
type Taken<'k> = HashMap<Cow<'k, str>, usize>;

impl JobNames {
    /// The names of the jobs with these keys, nothing for what is no job: the second of a doubled
    /// key gets `#2`.
    pub(super) fn of<'k>(
        &mut self,
        keys: impl Iterator<Item = Option<(&'k str, Span)>>,
    ) -> Vec<Option<String>> {
        let mut taken = Taken::default();
        keys.map(|job| {
            let (key, span) = job?;
            self.count += 1;
            let name = next(&mut taken, key);
            if name != key {
                self.doubled.insert(span, name.clone());
            }
            Some(name)
        })
        .collect()
    }
}

/// The name of the next job with that key.
fn next<'k>(taken: &mut Taken<'k>, key: &'k str) -> String {
    let mut number = taken.get(key).map_or(1, |last| last + 1);
    let name = loop {
        let name = if number == 1 {
            key.to_owned()
        } else {
            format!("{key}#{number}")
        };
        if number == 1 || !taken.contains_key(name.as_str()) {
            break name;
        }
        number += 1;
    };
    taken.insert(Cow::Borrowed(key), number);
    if number > 1 {
        taken.insert(Cow::Owned(name.clone()), 1);
    }
    name
}

/// Warns of every key that is given twice. Jobs run both; of anything else the last one counts.
pub(super) fn warn_of_doubled(reader: &mut Reader<'_>, duplicates: &[Duplicate], names: &JobNames) {
    for duplicate in duplicates {
        let key = duplicate.second.of(reader.text).to_owned();
        let diagnostic = match names.doubled.get(&duplicate.second) {
            Some(name) => Diagnostic::warning(
                Code::DuplicateKey,
                format!("`{key}` is given twice; both schedules run, this one as `{name}`"),
            )
            .with_help(format!("give it a name of its own, e.g. `{key} second:`"))
            .with_help("docassemble.Scheduler would keep only this second one")
            .of_job(name),
            None => Diagnostic::warning(
                Code::DuplicateKey,
                format!("`{key}` is given twice; only this second one counts"),
            )
            .with_help("remove one of the two"),
        };
        let place = diagnostic.at(duplicate.second).with_note("second one");
        reader.report(place.with_related(duplicate.first, "first one"));
    }
}
