//! What of a config must not be shown: the values of its secret keys, and the passwords of URLs.
//!
//! They are taken from the nodes, so that quotes, escapes, anchors, aliases, tags and lines that
//! are folded make no difference.

use foldhash::HashMap;

use crate::diagnostic::hidden::Hidden;
use crate::diagnostic::place::Lines;
use crate::diagnostic::{Code, Diagnostic};
use crate::secret::{MASK, Secrets, is_secret_key};
use crate::value::Value;
use crate::yaml::{Entry, Kind, Node};

/// The secrets of the document that was read from `text`.
pub(super) fn secrets(text: &str, root: &Node) -> Secrets {
    let mut search = Search {
        text,
        keys: HashMap::default(),
        found: Secrets::default(),
    };
    search.root(root);
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

/// Hides what is told of a secret value where the fault is the value itself: a part of it, such as
/// the name of an alias, or what it was read as.
pub(super) fn hide_at_secrets(diagnostics: &mut [Diagnostic], text: &str) {
    if diagnostics.is_empty() {
        return;
    }
    let (lines, hidden) = (Lines::of(text), Hidden::default());
    for diagnostic in diagnostics {
        let tells_value = matches!(diagnostic.code, Code::Yaml | Code::SurprisingValue);
        if !tells_value
            || !diagnostic
                .span
                .is_some_and(|span| hidden.holds(&lines, span))
        {
            continue;
        }
        if diagnostic.code == Code::SurprisingValue {
            "YAML 1.1 reads this as something else than it looks like"
                .clone_into(&mut diagnostic.message);
            diagnostic.help = vec!["write it in quotes if it is meant as text".to_owned()];
            continue;
        }
        diagnostic.message = without_quotations(&diagnostic.message, |told| {
            told.len() != 1 || told.contains(char::is_alphanumeric)
        });
        for help in &mut diagnostic.help {
            *help = without_quotations(help, |told| told.starts_with('\'') && told != "''");
        }
    }
}

/// The text without what stands between backticks, from the first that quotes the user's file on.
fn without_quotations(text: &str, is_of_file: impl Fn(&str) -> bool) -> String {
    let mut from = 0;
    while let Some((start, length)) = quotation(&text[from..]) {
        let start = from + start;
        if is_of_file(&text[start..start + length]) {
            // What is quoted may have a backtick in it.
            let end = text.rfind('`').filter(|end| *end >= start);
            let rest = end.map_or("", |end| &text[end..]);
            return format!("{}{MASK}{rest}", &text[..start]);
        }
        from = start + length + 1;
    }
    text.to_owned()
}

/// Where the first text between backticks begins, and its length.
fn quotation(text: &str) -> Option<(usize, usize)> {
    let start = text.find('`')? + 1;
    Some((start, text[start..].find('`')?))
}

struct Search<'d> {
    text: &'d str,
    /// The keys so far, and whether they are secret: most jobs have the same.
    keys: HashMap<&'d str, bool>,
    found: Secrets,
}

impl<'d> Search<'d> {
    /// Looks into the mapping of directives.
    fn root(&mut self, node: &'d Node) {
        for entry in node.entries().unwrap_or_default() {
            match entry.key.as_str() {
                Some("scheduler") => self.section(&entry.value),
                Some("config from" | "config_from") => self.root(&entry.value),
                _ => self.entry(entry, false),
            }
        }
    }

    /// Looks into the section of jobs. The name of a job tells nothing of what is in it: `renew api
    /// token` is one.
    fn section(&mut self, node: &'d Node) {
        for entry in node.entries().unwrap_or_default() {
            if entry.value.entries().is_some() {
                self.node(&entry.value, false);
            } else {
                self.entry(entry, false);
            }
        }
    }

    fn entry(&mut self, entry: &'d Entry, is_secret: bool) {
        let is_secret = is_secret || self.is_secret(entry);
        self.node(&entry.value, is_secret);
    }

    /// Looks into a node; whether it stands under a secret key tells `is_secret`.
    fn node(&mut self, node: &'d Node, is_secret: bool) {
        match &node.kind {
            Kind::Sequence(items) => items.iter().for_each(|item| self.node(item, is_secret)),
            Kind::Mapping(entries) => {
                entries
                    .iter()
                    .for_each(|entry| self.entry(entry, is_secret));
            }
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
        *self.keys.entry(key).or_insert_with(|| is_secret_key(key))
    }
}
