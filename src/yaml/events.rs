//! The parser's events, as far as they matter here, and what `PyYAML` refuses among them.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event as Raw, Marker, Parser, ScalarStyle, StrInput, StructureStyle};

use super::MAX_DEPTH;
use super::fault;
use super::tag::Tag;
use crate::diagnostic::{Diagnostic, Span};

/// One step through a document.
pub(super) enum Event<'a> {
    /// A scalar, its escapes and line breaks resolved.
    Scalar {
        text: Cow<'a, str>,
        plain: bool,
        properties: Properties,
    },
    /// A list begins.
    Sequence {
        is_block: bool,
        properties: Properties,
    },
    /// A mapping begins.
    Mapping {
        is_block: bool,
        properties: Properties,
    },
    /// The innermost collection ends.
    End,
    /// The node with that anchor comes again.
    Alias(usize),
}

/// What stands before a node.
pub(super) struct Properties {
    /// The number of its anchor, from 1; 0 without one.
    pub(super) anchor: usize,
    /// Its tag, and where; none for `!`, which leaves it to the looks.
    pub(super) tag: Option<(Tag, Span)>,
}

/// The events of the one document of a text.
pub(super) struct Events<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<Cow<'a, str>, Span>,
    documents: usize,
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
            bom_inside_document_as_content: true,
            block_scalar_eof_without_line_feed: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Self {
            text,
            parser: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            documents: 0,
        }
    }

    /// The event that a raw one stands for, if it matters.
    fn translate(
        &mut self,
        raw: Raw<'a>,
        place: &granit_parser::Span,
    ) -> Result<Option<(Event<'a>, Span)>, Box<Diagnostic>> {
        let mut span = self.span(place);
        let event = match raw {
            Raw::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(fault::second_document(span));
                }
                return Ok(None);
            }
            Raw::Anchor(_, name) => {
                self.check_anchor(name, span)?;
                return Ok(None);
            }
            Raw::UnresolvedAlias(name) => return Err(fault::unknown_anchor(span, &name)),
            Raw::Scalar(text, style, anchor, tag) => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    span = self.trimmed(span);
                }
                let properties = self.properties(anchor, tag.as_deref(), place);
                let unspecific = tag.is_some() && properties.tag.is_none();
                let plain = style == ScalarStyle::Plain || unspecific;
                Event::Scalar {
                    text,
                    plain,
                    properties,
                }
            }
            Raw::SequenceStart(style, anchor, tag) => Event::Sequence {
                is_block: style == StructureStyle::Block,
                properties: self.properties(anchor, tag.as_deref(), place),
            },
            Raw::MappingStart(style, anchor, tag) => Event::Mapping {
                is_block: style == StructureStyle::Block,
                properties: self.properties(anchor, tag.as_deref(), place),
            },
            Raw::SequenceEnd | Raw::MappingEnd => Event::End,
            Raw::Alias(anchor) => Event::Alias(anchor),
            _ => return Ok(None),
        };
        Ok(Some((event, span)))
    }

    fn properties(
        &self,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        place: &granit_parser::Span,
    ) -> Properties {
        let tag = tag.and_then(|tag| {
            let name = format!("{}{}", tag.handle(), tag.suffix());
            let span = place
                .tag_span()
                .map_or_else(|| self.span(place), |span| self.span(&span));
            (name != "!").then(|| (Tag::of(&name), span))
        });
        Properties { anchor, tag }
    }

    /// `PyYAML` takes letters, digits, `-` and `_` only, and every anchor once.
    fn check_anchor(&mut self, name: Cow<'a, str>, span: Span) -> Result<(), Box<Diagnostic>> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !name.bytes().all(is_word) {
            return Err(fault::bad_anchor(span, &name));
        }
        match self.anchors.insert(name.clone(), span) {
            Some(first) => Err(fault::second_anchor(span, &name, first)),
            None => Ok(()),
        }
    }

    fn span(&self, place: &granit_parser::Span) -> Span {
        Span::new(
            offset(self.text, &place.start),
            offset(self.text, &place.end),
        )
    }

    fn trimmed(&self, span: Span) -> Span {
        let len = span.of(self.text).trim_end().len();
        Span::new(span.start as usize, span.start as usize + len)
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<(Event<'a>, Span), Box<Diagnostic>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let translated = match self.parser.next_event()? {
                Ok((raw, place)) => self.translate(raw, &place),
                Err(error) => Err(fault::syntax(self.text, &error)),
            };
            if let Some(item) = translated.transpose() {
                return Some(item);
            }
        }
    }
}

/// The offset of a marker in bytes.
pub(super) fn offset(text: &str, marker: &Marker) -> usize {
    let by_counting = || {
        let mut offsets = text.char_indices().map(|(offset, _)| offset);
        offsets.nth(marker.index()).unwrap_or(text.len())
    };
    marker.byte_offset().unwrap_or_else(by_counting)
}
