//! From the graph to nodes with values: tags are obeyed, merge keys resolved, doubled keys found.
//!
//! Source: `FullConstructor` of `PyYAML` 6.0.2, `constructor.py`. The 6.0.4 of that file lets the
//! *last* mapping of a merge list win, against the specification of merge keys; not here.

use std::collections::HashMap;
use std::sync::Arc;

use super::composer::{BYTES_PER_NODE, Content, Edge, Graph, NodeId};
use super::node::{Document, Duplicate, Entry, Kind, Node};
use super::tag::Tag;
use super::{MAX_ADDED_NODES, doubled, fault, scalar, timestamp};
use crate::diagnostic::Diagnostic;
use crate::value::Value;

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Obeys the tags and merge keys of a graph.
pub(super) fn construct(graph: &Graph<'_>) -> Result<Document> {
    let mut constructor = Constructor {
        graph,
        kinds: HashMap::new(),
        mappings: HashMap::new(),
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
    duplicates: Vec<Duplicate>,
    /// How many nodes aliases and merge keys added.
    added: usize,
    /// How many nodes were copied into the values of tags.
    copied: usize,
}

impl<'g> Constructor<'g> {
    fn node(&mut self, edge: Edge) -> Result<Node> {
        let span = self.graph.span(edge);
        if let Some(kind) = self.kinds.get(&edge.id) {
            return Ok(Node {
                span,
                kind: kind.clone(),
            });
        }
        let raw = self.graph.get(edge);
        let kind = self.kind(edge, &raw.tag())?;
        if raw.anchored {
            self.kinds.insert(edge.id, kind.clone());
        }
        Ok(Node { span, kind })
    }

    fn kind(&mut self, edge: Edge, tag: &Tag) -> Result<Kind> {
        Ok(match tag {
            Tag::Seq => Kind::Sequence(self.items(edge)?.into()),
            Tag::Map => Kind::Mapping(self.mapping(edge)?),
            Tag::Tuple => {
                let items = self.items(edge)?;
                let items = items.iter().map(Node::to_value).collect();
                self.tagged(edge, Value::Tuple(items))?
            }
            Tag::Set => {
                let set = self.set(edge)?;
                self.tagged(edge, set)?
            }
            Tag::Omap | Tag::Pairs => {
                let pairs = self.pairs(edge)?;
                self.tagged(edge, pairs)?
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
                let value = Arc::new(self.scalar(edge, tag)?);
                if self.graph.get(edge).is_plain() {
                    Kind::Plain(value)
                } else {
                    Kind::Quoted(value)
                }
            }
        })
    }

    fn scalar(&self, edge: Edge, tag: &Tag) -> Result<Value> {
        let raw = self.graph.get(edge);
        let place = raw.tag_span();
        match tag {
            Tag::Refused(name) => return Err(fault::refused_tag(place, name)),
            Tag::Unknown(name) => return Err(fault::unknown_tag(place, name)),
            _ => {}
        }
        let text = self.text(edge)?;
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
        value.ok_or_else(|| fault::bad_scalar(raw.span, tag, text))
    }

    /// The text of a scalar, or of the `=` of a mapping, which stands for it.
    fn text(&self, edge: Edge) -> Result<&'g str> {
        let raw = self.graph.get(edge);
        match &raw.content {
            Content::Scalar { text, .. } => Ok(text),
            Content::Sequence(_) => Err(fault::wrong_content(raw, "a single value")),
            Content::Mapping(pairs) => {
                let is_default =
                    |&&(key, _): &&(Edge, Edge)| self.graph.get(key).tag() == Tag::Value;
                match pairs.iter().find(is_default) {
                    Some(&(_, value)) => self.text(value),
                    None => Err(fault::wrong_content(raw, "a single value")),
                }
            }
        }
    }

    fn items(&mut self, edge: Edge) -> Result<Vec<Node>> {
        let raw = self.graph.get(edge);
        let Content::Sequence(items) = &raw.content else {
            return Err(fault::wrong_content(raw, "a list"));
        };
        items.iter().map(|&item| self.node(item)).collect()
    }

    fn set(&mut self, edge: Edge) -> Result<Value> {
        let entries = self.mapping(edge)?;
        let keys = entries.iter().filter(|entry| !entry.overridden);
        Ok(Value::Set(keys.map(|entry| entry.key.to_value()).collect()))
    }

    fn pairs(&mut self, edge: Edge) -> Result<Value> {
        let raw = self.graph.get(edge);
        let Content::Sequence(items) = &raw.content else {
            return Err(fault::wrong_content(raw, "a list"));
        };
        let mut pairs = Vec::with_capacity(items.len());
        for &item in items {
            let raw = self.graph.get(item);
            let Content::Mapping(pair) = &raw.content else {
                return Err(fault::wrong_content(raw, "a mapping with one key"));
            };
            let &[(key, value)] = pair.as_slice() else {
                return Err(fault::wrong_content(raw, "a mapping with one key"));
            };
            let (key, value) = (self.node(key)?, self.node(value)?);
            pairs.push(Value::Tuple(vec![key.to_value(), value.to_value()]));
        }
        Ok(Value::List(pairs))
    }

    /// The entries of a mapping, whatever its tag.
    fn mapping(&mut self, edge: Edge) -> Result<Arc<[Entry]>> {
        if let Some(entries) = self.mappings.get(&edge.id) {
            return Ok(Arc::clone(entries));
        }
        let raw = self.graph.get(edge);
        let Content::Mapping(pairs) = &raw.content else {
            return Err(fault::wrong_content(raw, "a mapping"));
        };
        let mut entries = Vec::new();
        let mut own = Vec::with_capacity(pairs.len());
        for &(key, value) in pairs {
            let key = match self.graph.get(key).tag() {
                Tag::Merge => {
                    self.merge(value, &mut entries)?;
                    continue;
                }
                Tag::Value => self.default_key(key)?,
                _ => self.node(key)?,
            };
            let value = self.node(value)?;
            own.push(Entry {
                key,
                value,
                overridden: false,
            });
        }
        let merged = entries.len();
        entries.append(&mut own);
        let entries = doubled::resolve(entries, merged, &mut self.duplicates)?;
        let entries: Arc<[Entry]> = entries.into();
        if raw.anchored {
            self.mappings.insert(edge.id, Arc::clone(&entries));
        }
        Ok(entries)
    }

    /// A plain `=` as a key is the string.
    fn default_key(&mut self, edge: Edge) -> Result<Node> {
        let kind = self.kind(edge, &Tag::Str)?;
        Ok(Node {
            span: self.graph.span(edge),
            kind,
        })
    }

    fn merge(&mut self, edge: Edge, entries: &mut Vec<Entry>) -> Result<()> {
        let raw = self.graph.get(edge);
        match &raw.content {
            Content::Mapping(_) => self.merge_mapping(edge, entries),
            // The earlier ones win, so they come last.
            Content::Sequence(items) => items
                .iter()
                .rev()
                .try_for_each(|&item| self.merge_mapping(item, entries)),
            Content::Scalar { .. } => Err(fault::bad_merge(self.graph.span(edge))),
        }
    }

    fn merge_mapping(&mut self, edge: Edge, entries: &mut Vec<Entry>) -> Result<()> {
        if !matches!(self.graph.get(edge).content, Content::Mapping(_)) {
            return Err(fault::bad_merge(self.graph.span(edge)));
        }
        let merged = self.mapping(edge)?;
        // What comes through an alias was counted there.
        if edge.alias.is_none() {
            self.added = self.added.saturating_add(merged.len());
        }
        if self.added > MAX_ADDED_NODES {
            return Err(fault::too_many_nodes(self.graph.span(edge)));
        }
        entries.extend(merged.iter().cloned());
        Ok(())
    }

    /// The value of a tag, which holds copies of what is in it. Every node may be copied once;
    /// tags within tags copy again.
    fn tagged(&mut self, edge: Edge, value: Value) -> Result<Kind> {
        self.copied = self.copied.saturating_add(weight(&value));
        if self.copied > self.graph.len() + MAX_ADDED_NODES {
            return Err(fault::too_many_nodes(self.graph.span(edge)));
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
