//! A mapping of the config as keys of ours: each name once, spaces and underscores alike.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

use super::key;
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::yaml::{Entry, Node};

/// The entries of one mapping that were not taken yet.
pub(super) struct Section<'n> {
    entries: Vec<Item<'n>>,
}

/// One key and its value.
#[derive(Clone, Copy)]
pub(super) struct Item<'n> {
    /// The key as written.
    pub(super) name: &'n str,
    /// Where the key is.
    pub(super) key: Span,
    /// The value.
    pub(super) value: &'n Node,
}

impl<'n> Section<'n> {
    /// The entries of a mapping; keys that are not text are reported.
    pub(super) fn read(reader: &mut Reader<'_>, entries: &'n [Entry]) -> Self {
        // Most have a handful of keys, which are found sooner by their order than by hashes.
        let mut places: BTreeMap<Cow<'_, str>, usize> = BTreeMap::new();
        let mut kept: Vec<Item<'n>> = Vec::with_capacity(entries.len());
        for entry in entries.iter().filter(|entry| !entry.overridden) {
            let Some(name) = entry.key.as_str() else {
                let message = format!(
                    "a key must be text, but this is `{}`",
                    entry.key.to_value().repr()
                );
                reader.report(
                    Diagnostic::error(Code::UnknownKey, message)
                        .at(entry.key.span)
                        .with_help("put it into quotes if it is meant as text"),
                );
                continue;
            };
            let item = Item {
                name,
                key: entry.key.span,
                value: &entry.value,
            };
            match places.entry(key::canonical(name)) {
                Place::Vacant(place) => {
                    place.insert(kept.len());
                    kept.push(item);
                }
                Place::Occupied(place) => {
                    reader.report(doubled(name, &kept[*place.get()], item.key));
                    kept[*place.get()] = item;
                }
            }
        }
        Self { entries: kept }
    }

    /// Takes the entry of that name out.
    pub(super) fn take(&mut self, name: &str) -> Option<Item<'n>> {
        let index = self
            .entries
            .iter()
            .position(|item| key::same(item.name, name))?;
        Some(self.entries.remove(index))
    }

    /// The entry of that name, which stays.
    pub(super) fn get(&self, name: &str) -> Option<&Item<'n>> {
        self.entries.iter().find(|item| key::same(item.name, name))
    }

    /// Whether a key is there that was probably meant to be one of `allowed`: it is reported as
    /// unknown, so that nothing need be said of the missing one.
    pub(super) fn has_near(&self, allowed: &[&'static str]) -> bool {
        self.entries
            .iter()
            .any(|item| key::help(item.name, allowed).is_some())
    }

    /// What nobody took.
    pub(super) fn rest(self) -> Vec<Item<'n>> {
        self.entries
    }
}

fn doubled(name: &str, first: &Item<'_>, second: Span) -> Diagnostic {
    let message = format!(
        "`{name}` and `{}` are the same key; this one counts",
        first.name
    );
    Diagnostic::warning(Code::DuplicateKey, message)
        .at(second)
        .with_related(first.key, "first one")
        .with_help("remove one of the two")
}
