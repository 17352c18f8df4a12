//! From the parser's events to a graph of nodes, within the limits.
//!
//! An alias is an edge to the node of its anchor; nothing is copied here.

use std::borrow::Cow;
use std::collections::HashMap;

use super::events::{Event, Events, Properties};
use super::fault;
use super::resolver::resolve;
use super::tag::Tag;
use super::{MAX_ADDED_NODES, MAX_DEPTH};
use crate::diagnostic::{Diagnostic, Span};

/// How many bytes of text count as one node, so that aliases cannot multiply a long text.
pub(super) const BYTES_PER_NODE: usize = 64;

/// A document as it is written, tags and merge keys not yet obeyed.
pub(super) struct Graph<'a> {
    nodes: Vec<Raw<'a>>,
    pub(super) root: Edge,
    /// How many nodes aliases added.
    pub(super) added: usize,
}

/// One node as it is written.
pub(super) struct Raw<'a> {
    pub(super) span: Span,
    /// The tag that was written, and where.
    pub(super) tag: Option<Box<(Tag, Span)>>,
    /// Whether aliases can name it.
    pub(super) anchored: bool,
    pub(super) content: Content<'a>,
}

/// What a node holds.
pub(super) enum Content<'a> {
    Scalar { text: Cow<'a, str>, plain: bool },
    Sequence(Vec<Edge>),
    Mapping(Vec<(Edge, Edge)>),
}

/// The number of a node.
pub(super) type NodeId = u32;

/// A place that holds a node: the node itself, or an alias of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) id: NodeId,
    /// Where the alias is, if it is one.
    pub(super) alias: Option<Span>,
}

impl<'a> Graph<'a> {
    pub(super) fn get(&self, edge: Edge) -> &Raw<'a> {
        &self.nodes[edge.id as usize]
    }

    /// How many nodes are written.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Where a node is used.
    pub(super) fn span(&self, edge: Edge) -> Span {
        edge.alias.unwrap_or(self.nodes[edge.id as usize].span)
    }
}

impl Raw<'_> {
    /// Whether it is a scalar that is what it looks like.
    pub(super) fn is_plain(&self) -> bool {
        self.tag.is_none() && matches!(self.content, Content::Scalar { plain: true, .. })
    }

    /// Where the tag is, or the node without one.
    pub(super) fn tag_span(&self) -> Span {
        self.tag.as_ref().map_or(self.span, |tag| tag.1)
    }

    /// What the node is: by its tag, else by its looks.
    pub(super) fn tag(&self) -> Tag {
        match (&self.tag, &self.content) {
            (Some(tag), _) => tag.0.clone(),
            (None, Content::Scalar { text, plain: true }) => resolve(text),
            (None, Content::Scalar { plain: false, .. }) => Tag::Str,
            (None, Content::Sequence(_)) => Tag::Seq,
            (None, Content::Mapping(_)) => Tag::Map,
        }
    }
}

/// Reads the one document of `text`.
pub(super) fn compose(text: &str) -> Result<Graph<'_>, Box<Diagnostic>> {
    let mut composer = Composer::default();
    for event in Events::new(text) {
        let (event, span) = event?;
        composer.take(event, span)?;
    }
    Ok(composer.finish())
}

/// How much an alias of a node adds.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Nodes, aliases followed.
    nodes: usize,
    /// Levels of collections.
    depth: usize,
}

/// A collection that is not closed yet.
struct Open {
    edge: Edge,
    anchor: usize,
    /// The key that still waits for its value.
    key: Option<Edge>,
    size: Size,
    is_block: bool,
}

/// A node that aliases can name; without a size while it is open.
struct Anchored {
    edge: Edge,
    size: Option<Size>,
}

#[derive(Default)]
struct Composer<'a> {
    nodes: Vec<Raw<'a>>,
    open: Vec<Open>,
    /// By the parser's number of the anchor.
    anchors: HashMap<usize, Anchored>,
    root: Option<Edge>,
    added: usize,
}

impl<'a> Composer<'a> {
    fn take(&mut self, event: Event<'a>, span: Span) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::Scalar {
                text,
                plain,
                properties,
            } => {
                let size = Size {
                    nodes: 1 + text.len() / BYTES_PER_NODE,
                    depth: 0,
                };
                let anchor = properties.anchor;
                let edge = self.add(span, properties, Content::Scalar { text, plain });
                self.name(anchor, edge, Some(size));
                self.place(edge, size);
            }
            Event::Sequence {
                is_block,
                properties,
            } => {
                self.enter(span, Content::Sequence(Vec::new()), is_block, properties)?;
            }
            Event::Mapping {
                is_block,
                properties,
            } => {
                self.enter(span, Content::Mapping(Vec::new()), is_block, properties)?;
            }
            Event::End => self.leave(span),
            Event::Alias(anchor) => self.follow(anchor, span)?,
        }
        Ok(())
    }

    fn add(&mut self, span: Span, properties: Properties, content: Content<'a>) -> Edge {
        let Properties { anchor, tag } = properties;
        self.nodes.push(Raw {
            span,
            tag,
            anchored: anchor > 0,
            content,
        });
        let id = NodeId::try_from(self.nodes.len() - 1)
            .expect("a text within MAX_BYTES has fewer nodes than bytes");
        Edge { id, alias: None }
    }

    fn name(&mut self, anchor: usize, edge: Edge, size: Option<Size>) {
        // The parser numbers anchors from 1.
        if anchor > 0 {
            self.anchors.insert(anchor, Anchored { edge, size });
        }
    }

    fn enter(
        &mut self,
        span: Span,
        content: Content<'a>,
        is_block: bool,
        properties: Properties,
    ) -> Result<(), Box<Diagnostic>> {
        if self.open.len() >= MAX_DEPTH {
            return Err(fault::too_deep(span));
        }
        let anchor = properties.anchor;
        let edge = self.add(span, properties, content);
        self.name(anchor, edge, None);
        let size = Size { nodes: 1, depth: 1 };
        self.open.push(Open {
            edge,
            anchor,
            key: None,
            size,
            is_block,
        });
        Ok(())
    }

    fn leave(&mut self, end: Span) {
        let Some(open) = self.open.pop() else { return };
        // A flow collection ends with its bracket, a block with its last child.
        if !open.is_block {
            self.stretch(open.edge, end);
        }
        self.name(open.anchor, open.edge, Some(open.size));
        self.place(open.edge, open.size);
    }

    fn stretch(&mut self, edge: Edge, inner: Span) {
        let span = &mut self.nodes[edge.id as usize].span;
        span.end = span.end.max(inner.end);
    }

    fn follow(&mut self, anchor: usize, span: Span) -> Result<(), Box<Diagnostic>> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(fault::unknown_anchor(span, ""));
        };
        let Some(size) = target.size else {
            return Err(fault::recursive(
                span,
                self.nodes[target.edge.id as usize].span,
            ));
        };
        self.added = self.added.saturating_add(size.nodes);
        if self.added > MAX_ADDED_NODES {
            return Err(fault::too_many_nodes(span));
        }
        if self.open.len() + size.depth > MAX_DEPTH {
            return Err(fault::too_deep(span));
        }
        self.place(
            Edge {
                id: target.edge.id,
                alias: Some(span),
            },
            size,
        );
        Ok(())
    }

    /// Puts a finished node where it belongs: into the innermost open collection.
    fn place(&mut self, edge: Edge, size: Size) {
        let inner = edge.alias.unwrap_or(self.nodes[edge.id as usize].span);
        let Some(open) = self.open.last_mut() else {
            self.root = Some(edge);
            return;
        };
        open.size.nodes = open.size.nodes.saturating_add(size.nodes);
        open.size.depth = open.size.depth.max(size.depth + 1);
        let (holder, is_block) = (open.edge, open.is_block);
        match &mut self.nodes[holder.id as usize].content {
            Content::Sequence(items) => items.push(edge),
            Content::Mapping(pairs) => match open.key.take() {
                Some(key) => pairs.push((key, edge)),
                None => open.key = Some(edge),
            },
            Content::Scalar { .. } => unreachable!("only collections are opened"),
        }
        if is_block && inner.end > inner.start {
            self.stretch(holder, inner);
        }
    }

    fn finish(mut self) -> Graph<'a> {
        let empty = Content::Scalar {
            text: Cow::Borrowed(""),
            plain: true,
        };
        let root = match self.root {
            Some(root) => root,
            None => self.add(
                Span::default(),
                Properties {
                    anchor: 0,
                    tag: None,
                },
                empty,
            ),
        };
        Graph {
            nodes: self.nodes,
            root,
            added: self.added,
        }
    }
}
