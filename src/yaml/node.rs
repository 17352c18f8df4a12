//! A YAML document as a tree of nodes, each with its place in the text.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Span;
use crate::value::{Key, Unhashable, Value};

/// A document: its root, and the keys that were given more than once.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The root node; the null scalar for an empty document.
    pub root: Node,
    /// Each later one of two equal keys of a mapping, in the order of the text.
    pub duplicates: Vec<Duplicate>,
}

/// A key that is given again in the same mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// Where it was given first.
    pub first: Span,
    /// Where it is given again.
    pub second: Span,
}

/// A value and its place. Cloning is cheap: an alias shares the content of its anchor.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it is; of a block collection, from its first to its last character.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A scalar that was written plainly: it is what YAML 1.1 makes of it.
    Plain(Arc<Value>),
    /// A scalar that was quoted, a block scalar, or one with a tag.
    Quoted(Arc<Value>),
    /// A list.
    Sequence(Arc<[Node]>),
    /// A mapping, merge keys resolved, in the order of the text (what merge keys added comes
    /// where Python's `dict` has it). Doubled keys are all there, each but the last marked.
    Mapping(Arc<[Entry]>),
    /// A tuple, a set or a list of pairs, made by a tag.
    Tagged(Arc<Value>),
}

/// One entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
    /// Whether an equal key follows, which wins in Python.
    pub overridden: bool,
}

/// The entries of a mapping, one after the other. Each is gone when its user is done with it, where
/// nothing else has the mapping.
#[derive(Debug)]
pub struct Entries {
    entries: Arc<[Entry]>,
    next: usize,
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let index = self.next;
        self.next += 1;
        match Arc::get_mut(&mut self.entries) {
            Some(entries) => entries.get_mut(index).map(Entry::take),
            None => self.entries.get(index).cloned(),
        }
    }
}

impl Entry {
    /// Leaves one that holds nothing.
    fn take(&mut self) -> Self {
        let nothing = |span| Node {
            span,
            kind: Kind::Sequence(Arc::default()),
        };
        let empty = Self {
            key: nothing(self.key.span),
            value: nothing(self.value.span),
            overridden: self.overridden,
        };
        std::mem::replace(self, empty)
    }
}

impl Node {
    /// The value of a scalar, a tuple, a set or a list of pairs; `None` for lists and mappings.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Plain(value) | Kind::Quoted(value) | Kind::Tagged(value) => Some(value),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// The text of a scalar that was written plainly, as `source` has it; `None` for an alias.
    #[must_use]
    pub fn written<'t>(&self, source: &'t str) -> Option<&'t str> {
        let text = self.span.of(source);
        // No plain scalar begins with an asterisk: what does is an alias.
        (matches!(self.kind, Kind::Plain(_)) && !text.starts_with('*')).then_some(text)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.value().and_then(Value::as_str)
    }

    /// Whether it is `None` in Python, as an empty value is.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value() == Some(&Value::None)
    }

    /// The items of a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            Kind::Plain(_) | Kind::Quoted(_) | Kind::Mapping(_) | Kind::Tagged(_) => None,
        }
    }

    /// The entries of a mapping, overridden ones included.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Mapping(entries) => Some(entries),
            Kind::Plain(_) | Kind::Quoted(_) | Kind::Sequence(_) | Kind::Tagged(_) => None,
        }
    }

    /// The same, to be taken out of it.
    #[must_use]
    pub fn into_entries(self) -> Option<Entries> {
        match self.kind {
            Kind::Mapping(entries) => Some(Entries { entries, next: 0 }),
            Kind::Plain(_) | Kind::Quoted(_) | Kind::Sequence(_) | Kind::Tagged(_) => None,
        }
    }

    /// What stands for this node among the keys of a Python `dict`.
    ///
    /// # Errors
    /// What Python cannot hash: a list, a mapping, a set, a tuple that holds one.
    pub fn key(&self) -> Result<Key<'_>, Unhashable> {
        match &self.kind {
            Kind::Plain(value) | Kind::Quoted(value) | Kind::Tagged(value) => value.key(),
            Kind::Sequence(_) => Err(Unhashable("list")),
            Kind::Mapping(_) => Err(Unhashable("dict")),
        }
    }

    /// The name of its type in Python, such as `int` or `dict`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Plain(value) | Kind::Quoted(value) | Kind::Tagged(value) => value.type_name(),
            Kind::Sequence(_) => "list",
            Kind::Mapping(_) => "dict",
        }
    }

    /// The value that Python would see: of equal keys the last one, at the first one's place.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Plain(value) | Kind::Quoted(value) | Kind::Tagged(value) => {
                value.as_ref().clone()
            }
            Kind::Sequence(items) => Value::List(items.iter().map(Self::to_value).collect()),
            Kind::Mapping(entries) => Value::Map(to_pairs(entries)),
        }
    }
}

fn to_pairs(entries: &[Entry]) -> Vec<(Value, Value)> {
    let has_doubled = entries.iter().any(|entry| entry.overridden);
    let mut places = HashMap::new();
    let mut pairs = Vec::with_capacity(entries.len());
    for entry in entries {
        if has_doubled && let Ok(key) = entry.key.key() {
            if let Some(&place) = places.get(&key) {
                let (_, value): &mut (Value, Value) = &mut pairs[place];
                *value = entry.value.to_value();
                continue;
            }
            places.insert(key, pairs.len());
        }
        pairs.push((entry.key.to_value(), entry.value.to_value()));
    }
    pairs
}
