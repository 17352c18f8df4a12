//! What can be wrong with a document, in words for who wrote it.

use granit_parser::ScanError;

use super::composer::{Content, Raw};
use super::events::offset;
use super::tag::Tag;
use super::{MAX_ADDED_NODES, MAX_DEPTH};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::value::Unhashable;

fn error(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::Yaml, message).at(span)
}

/// What the parser says of a syntax error.
pub(super) fn syntax(text: &str, error: &ScanError) -> Box<Diagnostic> {
    let start = offset(text, error.marker());
    let len = text[start..].chars().next().map_or(0, char::len_utf8);
    let span = Span::new(start, start + len);
    Box::new(Diagnostic::error(Code::Yaml, error.kind().to_string()).at(span))
}

pub(super) fn too_deep(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("nested more than {MAX_DEPTH} levels deep"))
            .with_help("lists and mappings inside each other, aliases followed, are counted"),
    )
}

pub(super) fn too_many_nodes(span: Span) -> Box<Diagnostic> {
    let message = format!("aliases and merge keys add more than {MAX_ADDED_NODES} nodes");
    Box::new(error(span, message).with_help("an alias counts as all that its anchor holds"))
}

pub(super) fn recursive(span: Span, target: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "this alias is inside of what it stands for")
            .with_related(
                Span::new(target.start as usize, target.start as usize),
                "its anchor",
            )
            .with_help("a value that contains itself cannot be read"),
    )
}

pub(super) fn unknown_anchor(span: Span, name: &str) -> Box<Diagnostic> {
    Box::new(
        error(
            span,
            format!("there is no anchor `&{name}` before this alias"),
        )
        .with_help("put the text in quotes if no alias is meant"),
    )
}

pub(super) fn bad_anchor(span: Span, name: &str) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("`{name}` cannot be the name of an anchor"))
            .with_help("use ASCII letters, digits, `-` and `_`"),
    )
}

pub(super) fn second_anchor(span: Span, name: &str, first: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("the anchor `&{name}` is given twice"))
            .with_related(first, "first one")
            .with_help("give it a name of its own"),
    )
}

pub(super) fn second_document(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "a second document begins here")
            .with_help("a config is one document: remove the line `---`"),
    )
}

pub(super) fn refused_tag(span: Span, name: &str) -> Box<Diagnostic> {
    Box::new(
        error(
            span,
            format!("the tag `{name}` is refused: a config must not make Python objects"),
        )
        .with_help("write the value itself, or make the object in the task"),
    )
}

pub(super) fn unknown_tag(span: Span, name: &str) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("unknown tag `{name}`"))
            .with_help("put the text in quotes if the `!` belongs to it"),
    )
}

pub(super) fn wrong_content(raw: &Raw<'_>, wanted: &str) -> Box<Diagnostic> {
    let found = match raw.content {
        Content::Scalar { .. } => "a single value",
        Content::Sequence(_) => "a list",
        Content::Mapping(_) => "a mapping",
    };
    let place = raw.tag.as_ref().map_or(raw.span, |(_, span)| *span);
    Box::new(error(place, format!("{wanted} is due here, not {found}")))
}

pub(super) fn bad_scalar(span: Span, tag: &Tag, text: &str) -> Box<Diagnostic> {
    let kind = match tag {
        Tag::Bool => "boolean",
        Tag::Int => "integer",
        Tag::Float => "float",
        Tag::Timestamp => "date or time",
        _ => "value",
    };
    Box::new(
        error(span, format!("`{text}` is no {kind} that exists"))
            .with_help("put it in quotes if it is meant as text"),
    )
}

pub(super) fn bad_merge(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "`<<` merges a mapping or a list of mappings")
            .with_help("put `<<` in quotes if it is meant as a plain key"),
    )
}

pub(super) fn unhashable(span: Span, error: Unhashable) -> Box<Diagnostic> {
    let Unhashable(kind) = error;
    Box::new(
        self::error(span, format!("a {kind} cannot be a key"))
            .with_help("put it in quotes if it is meant as text"),
    )
}
