//! One line of the source as a screen may show it, with the places that carets point at.

use std::ops::Range;

use super::Span;
use super::hidden::Parts;
use super::place::Lines;
use crate::clean;
use crate::secret::MASK;

/// A line of the source: cleaned of control characters, its secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownLine {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Its text, safe to print.
    pub(super) text: String,
    /// Where each byte of the source's line is in `text`; one more for the line's end.
    places: Vec<usize>,
    start: usize,
}

impl ShownLine {
    /// The line of that number, from 1, without its hidden parts.
    pub(super) fn new(lines: &Lines<'_>, number: usize, hidden: &Parts) -> Self {
        let source = lines.line(number);
        let mut all = hidden.iter().peekable();
        let mut text = String::with_capacity(source.len());
        let mut places = Vec::with_capacity(source.len() + 1);
        for (at, character) in source.char_indices() {
            while all.next_if(|hidden| hidden.end <= at).is_some() {}
            let hidden = all.peek().filter(|hidden| hidden.contains(&at));
            let place = match hidden {
                Some(hidden) if hidden.start < at => text.len() - MASK.len(),
                Some(_) | None => text.len(),
            };
            places.resize(at + character.len_utf8(), place);
            match hidden {
                Some(hidden) if hidden.start == at => text.push_str(MASK),
                Some(_) => {}
                None => text.push(clean::source_char(character)),
            }
        }
        places.push(text.len());
        Self {
            number,
            text,
            places,
            start: lines.start(number),
        }
    }

    /// The part of `text` that shows the span: up to the line's end where it goes on below, and
    /// the whole mask where it is hidden.
    pub(super) fn place(&self, span: Span) -> Range<usize> {
        let last = self.places.len() - 1;
        let index = |offset: u32| (offset as usize).saturating_sub(self.start).min(last);
        let start = self.places[index(span.start)];
        let mut end = self.places[index(span.end)];
        if end <= start && span.end > span.start {
            let rest = &self.text[start..];
            let length = if rest.starts_with(MASK) {
                MASK.len()
            } else {
                rest.chars().next().map_or(0, char::len_utf8)
            };
            end = start + length;
        }
        start..end.max(start)
    }
}
