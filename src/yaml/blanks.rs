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
    let mut options = events::options();
    options.emit_comments = true;
    options.max_buffered_comment_events = usize::MAX;
    let mut shelters = Vec::new();
    let mut end = text.len();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, place) = match event {
            Ok(event) => event,
            Err(error) => {
                end = events::offset(text, error.marker());
                break;
            }
        };
        let span = events::span(text, &place);
        let is_quoted = match event {
            Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) => true,
            // The place of an empty one is its header.
            Event::Scalar(value, ScalarStyle::Literal | ScalarStyle::Folded, ..)
                if !value.trim_matches('\n').is_empty() =>
            {
                false
            }
            Event::Comment(..) => false,
            _ => continue,
        };
        shelters.push(Shelter { span, is_quoted });
    }
    // A comment beside the header of a block scalar comes after it.
    shelters.sort_by_key(|shelter| shelter.span.start);
    (shelters, end)
}
