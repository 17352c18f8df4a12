//! Comments without a space before them, as in `[a, b]# c`, which `PyYAML` takes after a bracket,
//! a comma or a quote, and the parser does not.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Parser};

use super::events;

/// How many such comments are looked for; each costs one more reading of the text.
const MAX_COMMENTS: usize = 32;

/// How many bytes may be read again.
const MAX_READ_BYTES: usize = 16 * 1024 * 1024;

/// The text with spaces in the place of these comments, so that all offsets stay.
pub(super) fn blank_tight(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if !has_candidates(&text) {
        return text;
    }
    for _ in 0..MAX_COMMENTS.min(MAX_READ_BYTES / text.len()) {
        let Some(start) = first_tight(&text) else {
            break;
        };
        let len = text[start..].find('\n').unwrap_or(text.len() - start);
        text.to_mut()
            .replace_range(start..start + len, &" ".repeat(len));
    }
    text
}

fn has_candidates(text: &str) -> bool {
    let mut marks = text.match_indices('#');
    marks.any(|(at, _)| text[..at].ends_with(['[', ']', '{', '}', ',', '"', '\'']))
}

/// Where the first of these comments begins, if the text has no other fault before it.
fn first_tight(text: &str) -> Option<usize> {
    let mut events = Parser::new_from_str_with_options(text, events::options());
    let error = events.find_map(Result::err)?;
    if *error.kind() != ErrorKind::CommentNotSeparated {
        return None;
    }
    let start = events::offset(text, error.marker());
    text[start..].find('#').map(|mark| start + mark)
}
