//! Which parts of a text's lines must not be shown.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use super::Span;
use super::place::Lines;
use crate::secret::{self, Secrets};

/// How many lines above a line may tell that it belongs to a secret.
const LOOK_BACK: usize = 100;

/// The parts of one line, from left to right, as offsets in it.
pub(super) type Parts = Rc<[Range<usize>]>;

/// The hidden parts of one text: the values of secret keys, the passwords of URLs, and these
/// wherever they stand again.
#[derive(Default)]
pub struct Hidden {
    secrets: Secrets,
    /// Those of the line that was asked for last: many faults may be on one long line.
    last: RefCell<Option<(usize, Parts)>>,
}

impl Hidden {
    /// The parts of a text that has these secrets.
    #[must_use]
    pub(super) fn of(secrets: Secrets) -> Self {
        Self {
            secrets,
            ..Self::default()
        }
    }

    /// The secrets of the text.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Whether a span begins in a hidden part of the text that has these lines.
    #[must_use]
    pub fn holds(&self, lines: &Lines<'_>, span: Span) -> bool {
        let number = lines.number(span.start);
        let offset = (span.start as usize).saturating_sub(lines.start(number));
        let parts = self.of_line(lines, number);
        let next = parts.partition_point(|part| part.end <= offset);
        parts.get(next).is_some_and(|part| part.contains(&offset))
    }

    /// The parts of the line of that number, from 1.
    pub(super) fn of_line(&self, lines: &Lines<'_>, number: usize) -> Parts {
        let mut last = self.last.borrow_mut();
        match &*last {
            Some((known, parts)) if *known == number => Rc::clone(parts),
            Some(_) | None => {
                let again = self.secrets.places(lines.line(number));
                let parts: Parts = merged(parts(lines, number), again).into();
                *last = Some((number, Rc::clone(&parts)));
                parts
            }
        }
    }
}

/// All of the parts, from left to right; those that overlap are one.
fn merged(mut parts: Vec<Range<usize>>, more: Vec<Range<usize>>) -> Vec<Range<usize>> {
    parts.extend(more);
    parts.sort_unstable_by_key(|part| part.start);
    parts.dedup_by(|part, before| {
        let overlaps = part.start < before.end;
        before.end = before.end.max(if overlaps { part.end } else { 0 });
        overlaps
    });
    parts
}

/// The values of secret keys in a line and the passwords of its URLs, or all of a line that goes on
/// with the value of a secret key above it.
fn parts(lines: &Lines<'_>, number: usize) -> Vec<Range<usize>> {
    let line = lines.line(number);
    let mut parts = secret::of_line(line);
    if parts.is_empty() {
        parts.extend(secret::of_line_without_colon(line));
    }
    if goes_on_with_a_secret(lines, number) {
        parts.clear();
        parts.push(line.len() - line.trim_start().len()..line.trim_end().len());
    }
    parts.retain(|part| part.start < part.end);
    parts
}

/// Whether a line without a key of its own stands below a secret key: a block scalar, a list.
fn goes_on_with_a_secret(lines: &Lines<'_>, number: usize) -> bool {
    let line = lines.line(number);
    if secret::is_entry(line) {
        return false;
    }
    let indent = secret::indentation(line);
    (number.saturating_sub(LOOK_BACK)..number)
        .rev()
        .map(|above| lines.line(above))
        .find(|above| secret::is_entry(above) && secret::indentation(above) <= indent)
        .is_some_and(secret::opens)
}
