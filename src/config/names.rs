//! The names of jobs, and keys that are given twice.

use std::borrow::Cow;
use std::collections::HashMap;

use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::yaml::Document;

/// The names of the jobs by the place of their keys.
#[derive(Default)]
pub(super) struct JobNames<'d> {
    /// How many there are.
    pub(super) count: usize,
    doubled: HashMap<Span, String>,
    taken: HashMap<Cow<'d, str>, usize>,
}

impl<'d> JobNames<'d> {
    /// The name of the next job with that key: the second of a doubled key gets `#2`.
    pub(super) fn next(&mut self, key: &'d str, span: Span) -> String {
        self.count += 1;
        let mut number = self.taken.get(key).map_or(1, |last| last + 1);
        let name = loop {
            let name = if number == 1 {
                key.to_owned()
            } else {
                format!("{key}#{number}")
            };
            if number == 1 || !self.taken.contains_key(name.as_str()) {
                break name;
            }
            number += 1;
        };
        self.taken.insert(Cow::Borrowed(key), number);
        if number > 1 {
            self.taken.insert(Cow::Owned(name.clone()), 1);
            self.doubled.insert(span, name.clone());
        }
        name
    }
}

/// Warns of every key that is given twice. Jobs run both; of anything else the last one counts.
pub(super) fn warn_of_doubled(reader: &mut Reader<'_>, document: &Document, names: &JobNames<'_>) {
    for duplicate in &document.duplicates {
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
