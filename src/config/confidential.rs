//! What of a config must not be shown: the values of its secret keys, and the passwords of URLs.
//!
//! They are taken from the nodes, so that quotes, escapes, anchors, aliases, tags and lines that
//! are folded make no difference.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::secret::{Secrets, is_secret_key};
use crate::value::Value;
use crate::yaml::{Entry, Kind, Node};

/// The secrets of the document that was read from `text`.
pub(super) fn secrets(text: &str, root: &Node) -> Secrets {
    let mut search = Search {
        text,
        keys: HashMap::new(),
        found: Secrets::default(),
    };
    search.node(root, false);
    search.found
}

/// Hides the secrets in what is said of faults: the text of a value may be told there.
pub(super) fn hide(diagnostics: &mut [Diagnostic], secrets: &Secrets) {
    let masked = |text: &str| secrets.mask(text).into_owned();
    for diagnostic in diagnostics {
        let words = [&mut diagnostic.message].into_iter();
        for text in words.chain(&mut diagnostic.help) {
            *text = masked(text);
        }
        if let Some(note) = &mut diagnostic.note {
            *note = masked(note).into();
        }
        if let Some(related) = &mut diagnostic.related {
            related.note = masked(&related.note).into();
        }
    }
}

struct Search<'d> {
    text: &'d str,
    /// The keys so far, and whether they are secret: most jobs have the same.
    keys: HashMap<&'d str, bool>,
    found: Secrets,
}

impl<'d> Search<'d> {
    /// Looks into a node; whether it stands under a secret key tells `is_secret`.
    fn node(&mut self, node: &'d Node, is_secret: bool) {
        match &node.kind {
            Kind::Sequence(items) => items.iter().for_each(|item| self.node(item, is_secret)),
            Kind::Mapping(entries) => entries.iter().for_each(|entry| {
                let is_secret = is_secret || self.is_secret(entry);
                self.node(&entry.value, is_secret);
            }),
            Kind::Plain(value) | Kind::Quoted(value) | Kind::Tagged(value) => {
                if is_secret {
                    self.secret(node, value);
                } else if let Some(text) = value.as_str() {
                    self.found.add_urls(text);
                }
            }
        }
    }

    fn secret(&mut self, node: &Node, value: &Value) {
        self.found.add_value(value);
        // Of a number such as `1_000_000` either form may turn up.
        if let Some(written) = node.written(self.text) {
            self.found.add(written);
        }
    }

    fn is_secret(&mut self, entry: &'d Entry) -> bool {
        let Some(key) = entry.key.as_str() else {
            return false;
        };
        // `token.refresh: {…}` is a job: its key names a function, not a secret.
        if key.contains('.') && entry.value.entries().is_some() {
            return false;
        }
        *self.keys.entry(key).or_insert_with(|| is_secret_key(key))
    }
}
