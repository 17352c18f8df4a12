//! Tabs, and line separators of YAML 1.1, where `PyYAML` does not take them.
//!
//! The parser of YAML 1.2 takes a tab for a space between tokens, and the three line separators
//! for plain characters.

use granit_parser::{Event, Parser, ScalarStyle};

use super::{events, fault};
use crate::diagnostic::{Diagnostic, Span};

/// Finds the first tab or line separator that `PyYAML` reads otherwise or not at all: outside of
/// quotes, block scalars and comments, or folded within quotes.
///
/// Texts without any, nearly all, cost one look at their bytes.
pub(super) fn check(text: &str) -> Result<(), Box<Diagnostic>> {
    if text.is_ascii() && !text.contains('\t') {
        return Ok(());
    }
    let suspects = text
        .char_indices()
        .filter(|&(_, character)| is_suspect(character));
    let mut suspects = suspects.peekable();
    if suspects.peek().is_none() {
        return Ok(());
    }
    let (shelters, end) = shelters(text);
    let mut shelters = shelters.iter().peekable();
    for (start, character) in suspects.take_while(|&(start, _)| start < end) {
        while shelters
            .next_if(|shelter| shelter.span.end as usize <= start)
            .is_some()
        {}
        let shelter = shelters
            .peek()
            .filter(|shelter| shelter.span.start as usize <= start);
        let is_content = shelter.is_some_and(|shelter| {
            character == '\t' || (shelter.is_quoted && stands_for_itself(text, start, character))
        });
        if !is_content {
            return Err(fault::blank(text, start, character));
        }
    }
    Ok(())
}

fn is_suspect(character: char) -> bool {
    matches!(character, '\t' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a line separator within quotes is read as it is written.
///
/// `PyYAML` folds lines there: U+0085 becomes a space, and blanks beside the others are dropped.
fn stands_for_itself(text: &str, start: usize, character: char) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[start + character.len_utf8()..].chars().next();
    let is_blank = |beside: Option<char>| beside.is_some_and(char::is_whitespace);
    character != '\u{85}' && !is_blank(before) && !is_blank(after)
}

/// A piece of text in which tabs are content.
struct Shelter {
    span: Span,
    /// Whether line separators are content, too.
    is_quoted: bool,
}

/// The shelters in the order of the text, and how far the parser came.
fn shelters(text: &str) -> (Vec<Shelter>, usize) {
    let mut shelters = Vec::new();
    let mut scalars = Vec::new();
    let mut end = text.len();
    for event in Parser::new_from_str_with_options(text, events::options()) {
        let (event, place) = match event {
            Ok(event) => event,
            Err(error) => {
                end = events::offset(text, error.marker());
                break;
            }
        };
        let Event::Scalar(value, style, ..) = event else {
            continue;
        };
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if is_block && value.trim_matches('\n').is_empty() {
            // Its place is its header, which may have a comment.
            continue;
        }
        let span = events::span(text, &place);
        scalars.push(span);
        let is_quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        if is_quoted || is_block {
            shelters.push(Shelter { span, is_quoted });
        }
    }
    shelters.extend(comments(text, &scalars).map(|span| Shelter {
        span,
        is_quoted: false,
    }));
    shelters.sort_by_key(|shelter| shelter.span.start);
    (shelters, end)
}

/// The comments of a text that has these scalars: from a `#` after a blank to the end of the line.
fn comments(text: &str, scalars: &[Span]) -> impl Iterator<Item = Span> {
    let mut scalars = scalars.iter().peekable();
    let mut after_last = 0;
    text.match_indices('#').filter_map(move |(start, _)| {
        while scalars
            .next_if(|scalar| scalar.end as usize <= start)
            .is_some()
        {}
        let is_content = scalars
            .peek()
            .is_some_and(|scalar| scalar.start as usize <= start);
        let is_apart = text[..start].ends_with([' ', '\t', '\n', '\r', '\u{feff}']) || start == 0;
        if start < after_last || is_content || !is_apart {
            return None;
        }
        let rest = &text[start..];
        after_last = start + rest.find(['\n', '\r']).unwrap_or(rest.len());
        Some(Span::new(start, after_last))
    })
}
