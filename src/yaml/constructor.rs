//! From the graph to nodes with values: tags are obeyed, merge keys resolved, doubled keys found.
//!
//! Source: `FullConstructor` of `PyYAML` 6.0.2, `constructor.py`. The 6.0.4 of that file lets the
//! *last* mapping of a merge list win, against the specification of merge keys; not here.

use std::sync::Arc;

use foldhash::HashMap;

use super::composer::BYTES_PER_NODE;
use super::graph::{Content, Graph, NodeId};
use super::node::{Document, Duplicate, Entry, Kind, Node};
use super::tag::Tag;
use super::{MAX_ADDED_NODES, doubled, fault, scalar, timestamp};
use crate::diagnostic::Diagnostic;
use crate::value::Value;

/// How long a scalar is at most, in bytes, that shares its value with others, and how many
/// different ones do.
const LONGEST_WORD: usize = 24;
const MOST_WORDS: usize = 4096;

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Obeys the tags and merge keys of a graph.
pub(super) fn construct(graph: &Graph<'_>) -> Result<Document> {
    let mut constructor = Constructor {
        graph,
        kinds: HashMap::default(),
        mappings: HashMap::default(),
        words: HashMap::default(),
        duplicates: Vec::new(),
        added: graph.added,
        copied: 0,
    };
    let root = constructor.node(graph.root)?;
    let mut duplicates = constructor.duplicates;
    duplicates.sort_by_key(|duplicate| duplicate.second);
    Ok(Document { root, duplicates })
}

struct Constructor<'g> {
    graph: &'g Graph<'g>,
    /// What was constructed for anchors.
    kinds: HashMap<NodeId, Kind>,
    mappings: HashMap<NodeId, Arc<[Entry]>>,
    /// What was constructed for short scalars, by their text and whether they are plain.
    words: HashMap<(&'g str, bool), Arc<Value>>,
    duplicates: Vec<Duplicate>,
    /// How many nodes aliases and merge keys added.
    added: usize,
    /// How many nodes were copied into the values of tags.
    copied: usize,
}

impl<'g> Constructor<'g> {
    fn node(&mut self, id: NodeId) -> Result<Node> {
        let tag = self.graph.tag(id);
        self.node_with(id, &tag)
    }

    /// The node, whose tag is known.
    fn node_with(&mut self, id: NodeId, tag: &Tag) -> Result<Node> {
        let span = self.graph.span(id);
        let id = self.graph.target(id);
        if let Some(kind) = self.kinds.get(&id) {
            return Ok(Node {
                span,
                kind: kind.clone(),
            });
        }
        let kind = self.kind(id, tag)?;
        if self.graph.is_anchored(id) {
            self.kinds.insert(id, kind.clone());
        }
        Ok(Node { span, kind })
    }

    fn kind(&mut self, id: NodeId, tag: &Tag) -> Result<Kind> {
        Ok(match tag {
            Tag::Seq => Kind::Sequence(self.items(id)?.into()),
            Tag::Map => Kind::Mapping(self.mapping(id)?),
            Tag::Tuple => {
                let items = self.items(id)?;
                let items = items.iter().map(Node::to_value).collect();
                self.tagged(id, Value::Tuple(items))?
            }
            Tag::Set => {
                let set = self.set(id)?;
                self.tagged(id, set)?
            }
            Tag::Omap | Tag::Pairs => {
                let pairs = self.pairs(id)?;
                self.tagged(id, pairs)?
            }
            Tag::Null
            | Tag::Bool
            | Tag::Int
            | Tag::Float
            | Tag::Timestamp
            | Tag::Binary
            | Tag::Str
            | Tag::Merge
            | Tag::Value
            | Tag::Refused(_)
            | Tag::Unknown(_) => {
                let value = self.shared_scalar(id, tag)?;
                if self.graph.is_plain(id) {
                    Kind::Plain(value)
                } else {
                    Kind::Quoted(value)
                }
            }
        })
    }

    /// The value of a scalar; those that are written alike share it, as most keys are.
    fn shared_scalar(&mut self, id: NodeId, tag: &Tag) -> Result<Arc<Value>> {
        let is_usual = !self.graph.is_tagged(id) && !matches!(tag, Tag::Merge | Tag::Value);
        let word = match self.graph.content(id) {
            Content::Scalar(text) if is_usual && text.len() <= LONGEST_WORD => {
                (text, self.graph.is_plain(id))
            }
            Content::Scalar(_) | Content::Sequence(_) | Content::Mapping(_) => {
                return Ok(Arc::new(self.scalar(id, tag)?));
            }
        };
        if let Some(value) = self.words.get(&word) {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(self.scalar(id, tag)?);
        if self.words.len() < MOST_WORDS {
            self.words.insert(word, Arc::clone(&value));
        }
        Ok(value)
    }

    fn scalar(&self, id: NodeId, tag: &Tag) -> Result<Value> {
        let place = self.graph.tag_span(id);
        match tag {
            Tag::Refused(name) => return Err(fault::refused_tag(place, name)),
            Tag::Unknown(name) => return Err(fault::unknown_tag(place, name)),
            _ => {}
        }
        let text = self.text(id)?;
        let value = match tag {
            Tag::Null => Some(Value::None),
            Tag::Bool => scalar::bool(text),
            Tag::Int => scalar::int(text),
            Tag::Float => scalar::float(text),
            Tag::Timestamp => timestamp::parse(text),
            Tag::Binary => scalar::binary(text),
            Tag::Str => Some(Value::Str(text.to_owned())),
            _ => None,
        };
        value.ok_or_else(|| fault::bad_scalar(self.graph.span(id), tag, text))
    }

    /// The text of a scalar, or of the `=` of a mapping, which stands for it.
    fn text(&self, id: NodeId) -> Result<&'g str> {
        match self.graph.content(id) {
            Content::Scalar(text) => Ok(text),
            Content::Sequence(_) => Err(self.wrong_content(id, "a single value")),
            Content::Mapping(pairs) => {
                let is_default = |[key, _]: &&[NodeId; 2]| self.graph.tag(*key) == Tag::Value;
                match pairs.iter().find(is_default) {
                    Some(&[_, value]) => self.text(value),
                    None => Err(self.wrong_content(id, "a single value")),
                }
            }
        }
    }

    fn wrong_content(&self, id: NodeId, wanted: &str) -> Box<Diagnostic> {
        fault::wrong_content(&self.graph.content(id), self.graph.tag_span(id), wanted)
    }

    fn items(&mut self, id: NodeId) -> Result<Vec<Node>> {
        let Content::Sequence(items) = self.graph.content(id) else {
            return Err(self.wrong_content(id, "a list"));
        };
        items.iter().map(|&item| self.node(item)).collect()
    }

    fn set(&mut self, id: NodeId) -> Result<Value> {
        let entries = self.mapping(id)?;
        let keys = entries.iter().filter(|entry| !entry.overridden);
        Ok(Value::Set(keys.map(|entry| entry.key.to_value()).collect()))
    }

    fn pairs(&mut self, id: NodeId) -> Result<Value> {
        let Content::Sequence(items) = self.graph.content(id) else {
            return Err(self.wrong_content(id, "a list"));
        };
        let mut pairs = Vec::with_capacity(items.len());
        for &item in items {
            let Content::Mapping(&[[key, value]]) = self.graph.content(item) else {
                return Err(self.wrong_content(item, "a mapping with one key"));
            };
            let (key, value) = (self.node(key)?, self.node(value)?);
            pairs.push(Value::Tuple(vec![key.to_value(), value.to_value()]));
        }
        Ok(Value::List(pairs))
    }

    /// The entries of a mapping, whatever its tag.
    fn mapping(&mut self, id: NodeId) -> Result<Arc<[Entry]>> {
        let id = self.graph.target(id);
        if let Some(entries) = self.mappings.get(&id) {
            return Ok(Arc::clone(entries));
        }
        let Content::Mapping(pairs) = self.graph.content(id) else {
            return Err(self.wrong_content(id, "a mapping"));
        };
        let mut merged = Vec::new();
        let mut own = Vec::with_capacity(pairs.len());
        for &[key, value] in pairs {
            let key = match self.graph.tag(key) {
                Tag::Merge => {
                    self.merge(value, &mut merged)?;
                    continue;
                }
                Tag::Value => self.default_key(key)?,
                tag => self.node_with(key, &tag)?,
            };
            let value = self.node(value)?;
            own.push(Entry {
                key,
                value,
                overridden: false,
            });
        }
        let merged_count = merged.len();
        let entries = if merged.is_empty() {
            own
        } else {
            merged.append(&mut own);
            merged
        };
        let entries = doubled::resolve(entries, merged_count, &mut self.duplicates)?;
        let entries: Arc<[Entry]> = entries.into();
        if self.graph.is_anchored(id) {
            self.mappings.insert(id, Arc::clone(&entries));
        }
        Ok(entries)
    }

    /// A plain `=` as a key is the string.
    fn default_key(&mut self, id: NodeId) -> Result<Node> {
        let kind = self.kind(self.graph.target(id), &Tag::Str)?;
        Ok(Node {
            span: self.graph.span(id),
            kind,
        })
    }

    fn merge(&mut self, id: NodeId, entries: &mut Vec<Entry>) -> Result<()> {
        match self.graph.content(id) {
            Content::Mapping(_) => self.merge_mapping(id, entries),
            // The earlier ones win, so they come last.
            Content::Sequence(items) => items
                .iter()
                .rev()
                .try_for_each(|&item| self.merge_mapping(item, entries)),
            Content::Scalar(_) => Err(fault::bad_merge(self.graph.span(id))),
        }
    }

    fn merge_mapping(&mut self, id: NodeId, entries: &mut Vec<Entry>) -> Result<()> {
        if !matches!(self.graph.content(id), Content::Mapping(_)) {
            return Err(fault::bad_merge(self.graph.span(id)));
        }
        let merged = self.mapping(id)?;
        // What comes through an alias was counted there.
        if self.graph.target(id) == id {
            self.added = self.added.saturating_add(merged.len());
        }
        if self.added > MAX_ADDED_NODES {
            return Err(fault::too_many_nodes(self.graph.span(id)));
        }
        entries.extend(merged.iter().cloned());
        Ok(())
    }

    /// The value of a tag, which holds copies of what is in it. Every node may be copied once;
    /// tags within tags copy again.
    fn tagged(&mut self, id: NodeId, value: Value) -> Result<Kind> {
        self.copied = self.copied.saturating_add(weight(&value));
        if self.copied > self.graph.len() + MAX_ADDED_NODES {
            return Err(fault::too_many_nodes(self.graph.span(id)));
        }
        Ok(Kind::Tagged(Arc::new(value)))
    }
}

/// How many nodes a copy of a value counts as.
fn weight(value: &Value) -> usize {
    let inner: usize = match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            items.iter().map(weight).sum()
        }
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| weight(key) + weight(value))
            .sum(),
        Value::Str(text) => text.len() / BYTES_PER_NODE,
        Value::Bytes(bytes) => bytes.len() / BYTES_PER_NODE,
        Value::None
        | Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Float(_)
        | Value::Date(_)
        | Value::DateTime(..) => 0,
    };
    inner + 1
}
