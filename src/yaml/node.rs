//! A YAML document as a tree of nodes, each with its place in the text.

use std::sync::Arc;

use crate::diagnostic::Span;
use crate::value::Value;

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
    /// Where it was given before.
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

impl Node {
    /// The value that Python would see: of equal keys the last one, at the first one's place.
    #[must_use]
    pub fn to_value(&self) -> Value {
        todo!()
    }
}
