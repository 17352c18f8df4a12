//! The parser's events, as far as they matter here, and what `PyYAML` refuses among them.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{
    Event as Raw, Marker, Options, Parser, ScalarStyle, Span as Place, StrInput, StructureStyle,
};

use super::MAX_DEPTH;
use super::fault;
use super::strict::{Strict, Style};
use super::syntax;
use super::tag::Tag;
use crate::diagnostic::{Diagnostic, Span};

type Fault = Box<Diagnostic>;

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
    pub(super) tag: Option<Box<(Tag, Span)>>,
}

/// The events of the one document of a text.
pub(super) struct Events<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    strict: Strict<'a>,
    anchors: HashMap<Cow<'a, str>, Span>,
    documents: usize,
}

/// How the parser is set up to read as `PyYAML` does.
pub(super) fn options() -> Options {
    granit_parser::options! {
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        bom_inside_document_as_content: true,
        block_scalar_eof_without_line_feed: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            parser: Parser::new_from_str_with_options(text, options()),
            strict: Strict::new(text),
            anchors: HashMap::new(),
            documents: 0,
        }
    }

    /// The event that a raw one stands for, if it matters.
    fn translate(&mut self, raw: Raw<'a>, place: &Place) -> Result<Option<Event<'a>>, Fault> {
        let span = span(self.text, place);
        Ok(Some(match raw {
            Raw::Scalar(text, style, anchor, tag) => {
                let properties = self.properties(anchor, tag.as_deref(), place)?;
                self.scalar(text, style, tag.is_some(), properties, span)?
            }
            Raw::SequenceStart(style, anchor, tag) => {
                let properties = self.properties(anchor, tag.as_deref(), place)?;
                let is_block = style == StructureStyle::Block;
                self.strict.enter(span, is_block, false);
                Event::Sequence {
                    is_block,
                    properties,
                }
            }
            Raw::MappingStart(style, anchor, tag) => {
                let properties = self.properties(anchor, tag.as_deref(), place)?;
                let is_block = style == StructureStyle::Block;
                self.strict.enter(span, is_block, true);
                Event::Mapping {
                    is_block,
                    properties,
                }
            }
            Raw::SequenceEnd | Raw::MappingEnd => {
                self.strict.leave(span);
                Event::End
            }
            Raw::Alias(anchor) => {
                self.strict.alias(span)?;
                Event::Alias(anchor)
            }
            Raw::UnresolvedAlias(name) => {
                return Err(fault::unknown_anchor(self.text, span, &name));
            }
            Raw::Anchor(_, name) => return self.check_anchor(name, span).map(|()| None),
            Raw::DocumentStart(..) => return self.check_document(span).map(|()| None),
            Raw::StreamEnd if self.documents == 0 => {
                return self.check_before(self.text.len()).map(|()| None);
            }
            // The rest tells nothing of the content.
            _ => return Ok(None),
        }))
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        is_tagged: bool,
        properties: Properties,
        span: Span,
    ) -> Result<Event<'a>, Fault> {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let is_bare = !is_tagged && properties.anchor == 0;
        self.strict.scalar(span, style, is_bare, &text)?;
        // The tag `!` leaves it to the looks even in quotes.
        let is_unspecific = is_tagged && properties.tag.is_none();
        let plain = style == Style::Plain || is_unspecific;
        Ok(Event::Scalar {
            text,
            plain,
            properties,
        })
    }

    fn check_document(&mut self, span: Span) -> Result<(), Fault> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(fault::second_document(span));
        }
        self.check_before(span.start as usize)
    }

    /// Before a document there are comments and directives, but no end of one and no byte order
    /// mark, which `PyYAML` takes at the very beginning only.
    fn check_before(&self, start: usize) -> Result<(), Fault> {
        let mut offset = 0;
        for line in self.text[..start].split_inclusive('\n') {
            if line.starts_with("...") {
                return Err(fault::end_without_document(Span::new(offset, offset + 3)));
            }
            if offset > 0 && line.trim_start().starts_with('\u{feff}') {
                return Err(fault::inner_mark(Span::new(
                    offset,
                    offset + line.trim_end().len(),
                )));
            }
            if let Some(directive) = line.strip_prefix('%') {
                Self::check_directive(offset, directive)?;
            }
            offset += line.len();
        }
        Ok(())
    }

    fn check_directive(start: usize, directive: &str) -> Result<(), Fault> {
        let name = directive.split([' ', '\n']).next().unwrap_or_default();
        if name == "TAG" && !is_tag_directive(directive) {
            let end = start + 1 + directive.trim_end().len();
            return Err(fault::bad_tag_directive(Span::new(start, end)));
        }
        if !name.is_empty() && fault::is_name(name) {
            return Ok(());
        }
        Err(fault::bad_directive(
            Span::new(start, start + 1 + name.len()),
            name,
        ))
    }

    fn properties(
        &self,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        place: &Place,
    ) -> Result<Properties, Fault> {
        let Some(tag) = tag else {
            return Ok(Properties { anchor, tag: None });
        };
        let place = place.tag_span().unwrap_or(*place);
        let span = span(self.text, &place);
        self.strict.tag(span)?;
        let name = format!("{}{}", tag.handle(), tag.suffix());
        let tag = (name != "!").then(|| Box::new((Tag::of(&name), span)));
        Ok(Properties { anchor, tag })
    }

    /// `PyYAML` takes letters, digits, `-` and `_` only, and every anchor once.
    fn check_anchor(&mut self, name: Cow<'a, str>, span: Span) -> Result<(), Fault> {
        if !fault::is_name(&name) {
            return Err(fault::bad_anchor(span, &name));
        }
        self.strict.name(span)?;
        if let Some(&first) = self.anchors.get(&name) {
            return Err(fault::second_anchor(span, &name, first));
        }
        self.anchors.insert(name, span);
        Ok(())
    }

    /// The place without the white space that follows a block scalar.
    fn trimmed(&self, place: &Place) -> Span {
        let span = span(self.text, place);
        let start = span.start as usize;
        Span::new(
            start,
            start + span.of(self.text).trim_end_matches(is_blank).len(),
        )
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<(Event<'a>, Span), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (raw, place) = match self.parser.next_event()? {
                Ok(event) => event,
                Err(error) => return Some(Err(syntax::fault(self.text, &error))),
            };
            let span = self.trimmed(&place);
            if let Some(event) = self.translate(raw, &place).transpose() {
                return Some(event.map(|event| (event, span)));
            }
        }
    }
}

/// The piece of text that the parser means.
pub(super) fn span(text: &str, place: &Place) -> Span {
    Span::new(offset(text, &place.start), offset(text, &place.end))
}

/// The offset of a marker in bytes.
pub(super) fn offset(text: &str, marker: &Marker) -> usize {
    let by_counting = || {
        let mut offsets = text.char_indices().map(|(offset, _)| offset);
        offsets.nth(marker.index()).unwrap_or(text.len())
    };
    marker.byte_offset().unwrap_or_else(by_counting)
}

/// Whether `TAG !handle! prefix` is one as `PyYAML` scans it: also where no tag uses it.
fn is_tag_directive(directive: &str) -> bool {
    let mut words = directive.split_whitespace().skip(1);
    let is_handle = |word: &str| {
        let name = word.strip_prefix('!');
        let name = name.map(|rest| rest.strip_suffix('!').unwrap_or(rest));
        name.is_some_and(|name| name.is_empty() || (fault::is_name(name) && word.ends_with('!')))
    };
    let is_of_uri =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-;/?:@&=+$,_.!~*'()[]%".contains(&byte);
    words.next().is_some_and(is_handle)
        && words
            .next()
            .is_some_and(|prefix| prefix.bytes().all(is_of_uri))
}

/// What `PyYAML` takes for a space or the end of a line.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}
