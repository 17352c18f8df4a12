//! From the parser's events to a graph of nodes, within the limits.
//!
//! An alias is an edge to the node of its anchor; nothing is copied here.

use std::collections::HashMap;

use super::events::{Event, Events, Properties};
use super::fault;
use super::graph::{Graph, NodeId};
use super::{MAX_ADDED_NODES, MAX_DEPTH};
use crate::diagnostic::{Diagnostic, Span};

/// How many bytes of text count as one node, so that aliases cannot multiply a long text.
pub(super) const BYTES_PER_NODE: usize = 64;

/// Reads the one document of `text`.
pub(super) fn compose(text: &str) -> Result<Graph<'_>, Box<Diagnostic>> {
    let mut composer = Composer {
        graph: Graph::new(text),
        open: Vec::new(),
        held: Vec::new(),
        anchors: HashMap::new(),
        root: None,
    };
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
    id: NodeId,
    anchor: usize,
    /// Where among all held nodes its own begin.
    held: usize,
    size: Size,
    is_block: bool,
}

/// A node that aliases can name; without a size while it is open.
struct Anchored {
    id: NodeId,
    size: Option<Size>,
}

struct Composer<'a> {
    graph: Graph<'a>,
    open: Vec<Open>,
    /// What the open collections hold so far.
    held: Vec<NodeId>,
    /// By the parser's number of the anchor.
    anchors: HashMap<usize, Anchored>,
    root: Option<NodeId>,
}

impl<'a> Composer<'a> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
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
                let id = self.graph.add_scalar(span, &text, plain);
                let anchor = self.give(id, properties);
                self.name(anchor, id, Some(size));
                self.place(id, size);
            }
            Event::Sequence {
                is_block,
                properties,
            } => {
                self.check_depth(span)?;
                let id = self.graph.add_sequence(span);
                self.enter(id, is_block, properties);
            }
            Event::Mapping {
                is_block,
                properties,
            } => {
                self.check_depth(span)?;
                let id = self.graph.add_mapping(span);
                self.enter(id, is_block, properties);
            }
            Event::End => self.leave(span),
            Event::Alias(anchor) => self.follow(anchor, span)?,
        }
        Ok(())
    }

    /// Gives a node what stands before it; its anchor comes back.
    fn give(&mut self, id: NodeId, properties: Properties) -> usize {
        let Properties { anchor, tag } = properties;
        if let Some(tag) = tag {
            self.graph.set_tag(id, *tag);
        }
        anchor
    }

    fn name(&mut self, anchor: usize, id: NodeId, size: Option<Size>) {
        // The parser numbers anchors from 1.
        if anchor > 0 {
            self.graph.anchor(id);
            self.anchors.insert(anchor, Anchored { id, size });
        }
    }

    fn check_depth(&self, span: Span) -> Result<(), Box<Diagnostic>> {
        if self.open.len() >= MAX_DEPTH {
            return Err(fault::too_deep(span));
        }
        Ok(())
    }

    fn enter(&mut self, id: NodeId, is_block: bool, properties: Properties) {
        let anchor = self.give(id, properties);
        self.name(anchor, id, None);
        let size = Size { nodes: 1, depth: 1 };
        self.open.push(Open {
            id,
            anchor,
            held: self.held.len(),
            size,
            is_block,
        });
    }

    fn leave(&mut self, end: Span) {
        let Some(open) = self.open.pop() else { return };
        self.graph.fill(open.id, self.held.drain(open.held..));
        // A flow collection ends with its bracket, a block with its last child.
        if !open.is_block {
            self.graph.stretch(open.id, end.end);
        }
        self.name(open.anchor, open.id, Some(open.size));
        self.place(open.id, open.size);
    }

    fn follow(&mut self, anchor: usize, span: Span) -> Result<(), Box<Diagnostic>> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(fault::unknown_anchor(self.graph.source, span, ""));
        };
        let Some(size) = target.size else {
            return Err(fault::recursive(span, self.graph.span(target.id)));
        };
        let added = self.graph.added.saturating_add(size.nodes);
        self.graph.added = added;
        if added > MAX_ADDED_NODES {
            return Err(fault::too_many_nodes(span));
        }
        if self.open.len() + size.depth > MAX_DEPTH {
            return Err(fault::too_deep(span));
        }
        let alias = self.graph.add_alias(span, target.id);
        self.place(alias, size);
        Ok(())
    }

    /// Puts a finished node where it belongs: into the innermost open collection.
    fn place(&mut self, id: NodeId, size: Size) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return;
        };
        open.size.nodes = open.size.nodes.saturating_add(size.nodes);
        open.size.depth = open.size.depth.max(size.depth + 1);
        self.held.push(id);
        let inner = self.graph.span(id);
        if open.is_block && inner.end > inner.start {
            self.graph.stretch(open.id, inner.end);
        }
    }

    fn finish(mut self) -> Graph<'a> {
        self.graph.root = match self.root {
            Some(root) => root,
            None => self.graph.add_scalar(Span::default(), "", true),
        };
        self.graph
    }
}
