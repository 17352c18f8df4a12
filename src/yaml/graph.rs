//! A document as it is written, tags and merge keys not yet obeyed: a graph of nodes.
//!
//! A config has a dozen nodes for each of its jobs, so a node is small: what is rare lies beside
//! it, and a text that stands in the source as it is, is not copied.

use std::collections::HashMap;

use super::resolver::resolve;
use super::tag::Tag;
use crate::diagnostic::Span;

/// The number of a node. An alias has one of its own.
pub(super) type NodeId = u32;

/// A document as it is written.
pub(super) struct Graph<'a> {
    pub(super) source: &'a str,
    nodes: Vec<Written>,
    /// What collections hold; that of one lies together.
    children: Vec<NodeId>,
    /// The texts that do not stand in the source.
    texts: Vec<Box<str>>,
    /// The tags that were written, and where.
    tags: HashMap<NodeId, (Tag, Span)>,
    pub(super) root: NodeId,
    /// How many nodes aliases added.
    pub(super) added: usize,
}

/// One node as it is written.
struct Written {
    span: Span,
    form: Form,
    /// Whether aliases can name it.
    is_anchored: bool,
}

/// How a node is written.
#[derive(Clone, Copy)]
enum Form {
    /// A scalar that is what its place in the source shows.
    Plain,
    /// The same, between quotes.
    Quoted,
    /// A scalar that is not: this one of the texts.
    Made {
        text: u32,
        is_plain: bool,
    },
    Sequence(Stretch),
    Mapping(Stretch),
    Alias(NodeId),
}

/// A part of the children.
#[derive(Clone, Copy, Default)]
struct Stretch {
    start: u32,
    end: u32,
}

/// What a node holds.
pub(super) enum Content<'g> {
    Scalar(&'g str),
    Sequence(&'g [NodeId]),
    /// Keys and values.
    Mapping(&'g [[NodeId; 2]]),
}

impl<'a> Graph<'a> {
    /// A graph of `source` without nodes.
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            nodes: Vec::new(),
            children: Vec::new(),
            texts: Vec::new(),
            tags: HashMap::new(),
            root: 0,
            added: 0,
        }
    }

    pub(super) fn add_scalar(&mut self, span: Span, text: &str, is_plain: bool) -> NodeId {
        let shown = span.of(self.source);
        let between = |quote| shown.strip_prefix(quote)?.strip_suffix(quote);
        let form = if is_plain && shown == text {
            Form::Plain
        } else if !is_plain && between('"').or_else(|| between('\'')) == Some(text) {
            Form::Quoted
        } else {
            self.texts.push(text.into());
            Form::Made {
                text: number(self.texts.len() - 1),
                is_plain,
            }
        };
        self.add(span, form)
    }

    /// Adds a list that is still empty.
    pub(super) fn add_sequence(&mut self, span: Span) -> NodeId {
        self.add(span, Form::Sequence(Stretch::default()))
    }

    /// Adds a mapping that is still empty.
    pub(super) fn add_mapping(&mut self, span: Span) -> NodeId {
        self.add(span, Form::Mapping(Stretch::default()))
    }

    pub(super) fn add_alias(&mut self, span: Span, target: NodeId) -> NodeId {
        self.add(span, Form::Alias(target))
    }

    fn add(&mut self, span: Span, form: Form) -> NodeId {
        self.nodes.push(Written {
            span,
            form,
            is_anchored: false,
        });
        number(self.nodes.len() - 1)
    }

    /// Gives a collection what it holds: of a mapping, keys and values in turn.
    pub(super) fn fill(&mut self, id: NodeId, held: impl Iterator<Item = NodeId>) {
        let start = number(self.children.len());
        self.children.extend(held);
        let end = number(self.children.len());
        match &mut self.nodes[id as usize].form {
            Form::Sequence(stretch) | Form::Mapping(stretch) => *stretch = Stretch { start, end },
            Form::Plain | Form::Quoted | Form::Made { .. } | Form::Alias(_) => {
                unreachable!("only collections are filled")
            }
        }
    }

    /// Notes that aliases can name a node.
    pub(super) fn anchor(&mut self, id: NodeId) {
        self.nodes[id as usize].is_anchored = true;
    }

    /// Notes the tag that was written before a node.
    pub(super) fn set_tag(&mut self, id: NodeId, tag: (Tag, Span)) {
        self.tags.insert(id, tag);
    }

    /// Makes a node end not before `end`.
    pub(super) fn stretch(&mut self, id: NodeId, end: u32) {
        let span = &mut self.nodes[id as usize].span;
        span.end = span.end.max(end);
    }

    /// How many nodes are written.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Where a node or an alias is.
    pub(super) fn span(&self, id: NodeId) -> Span {
        self.nodes[id as usize].span
    }

    /// The node that an alias stands for; any other node itself.
    pub(super) fn target(&self, id: NodeId) -> NodeId {
        match self.nodes[id as usize].form {
            Form::Alias(target) => target,
            Form::Plain
            | Form::Quoted
            | Form::Made { .. }
            | Form::Sequence(_)
            | Form::Mapping(_) => id,
        }
    }

    /// What a node holds, aliases followed.
    pub(super) fn content(&self, id: NodeId) -> Content<'_> {
        let held = |stretch: Stretch| &self.children[stretch.start as usize..stretch.end as usize];
        let node = &self.nodes[id as usize];
        match node.form {
            Form::Plain => Content::Scalar(node.span.of(self.source)),
            Form::Quoted => {
                let shown = node.span.of(self.source);
                Content::Scalar(&shown[1..shown.len() - 1])
            }
            Form::Made { text, .. } => Content::Scalar(&self.texts[text as usize]),
            Form::Sequence(stretch) => Content::Sequence(held(stretch)),
            Form::Mapping(stretch) => Content::Mapping(held(stretch).as_chunks().0),
            Form::Alias(target) => self.content(target),
        }
    }

    /// Whether aliases can name the node.
    pub(super) fn is_anchored(&self, id: NodeId) -> bool {
        self.nodes[id as usize].is_anchored
    }

    /// Whether it has a tag.
    pub(super) fn is_tagged(&self, id: NodeId) -> bool {
        self.tags.contains_key(&self.target(id))
    }

    /// Whether it is a scalar that is what it looks like.
    pub(super) fn is_plain(&self, id: NodeId) -> bool {
        let id = self.target(id);
        !self.is_tagged(id) && self.is_written_plainly(id)
    }

    fn is_written_plainly(&self, id: NodeId) -> bool {
        match self.nodes[id as usize].form {
            Form::Plain | Form::Made { is_plain: true, .. } => true,
            Form::Quoted
            | Form::Made {
                is_plain: false, ..
            }
            | Form::Sequence(_)
            | Form::Mapping(_)
            | Form::Alias(_) => false,
        }
    }

    /// Where the tag is, or the node without one.
    pub(super) fn tag_span(&self, id: NodeId) -> Span {
        let id = self.target(id);
        self.tags.get(&id).map_or(self.span(id), |tag| tag.1)
    }

    /// What the node is: by its tag, else by its looks.
    pub(super) fn tag(&self, id: NodeId) -> Tag {
        let id = self.target(id);
        if let Some((tag, _)) = self.tags.get(&id) {
            return tag.clone();
        }
        match self.content(id) {
            Content::Scalar(text) if self.is_written_plainly(id) => resolve(text),
            Content::Scalar(_) => Tag::Str,
            Content::Sequence(_) => Tag::Seq,
            Content::Mapping(_) => Tag::Map,
        }
    }
}

fn number(count: usize) -> u32 {
    NodeId::try_from(count).expect("a text within MAX_BYTES has fewer nodes than bytes")
}
