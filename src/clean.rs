//! Text from elsewhere, made safe for one line of a terminal or a log.
//!
//! Config files, tasks and mail servers are not trusted: a job called `\x1b[2J` must not clear
//! the screen, and a right-to-left mark must not turn a line around.

use std::borrow::Cow;

/// The text with each control character replaced by one visible character.
///
/// A tab becomes `→`, other control characters their picture (`␛`), the rest that could move
/// the cursor or turn the text around `�`. The number of characters stays the same.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| visible(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(visible).collect())
}

/// The same of what a task wrote, tabs kept: they are harmless, and tables are made of them.
#[must_use]
pub fn cells(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return line(text);
    }
    let cells: Vec<_> = text.split('\t').map(line).collect();
    Cow::Owned(cells.join("\t"))
}

/// The character itself, or what stands for it on a screen.
#[must_use]
pub fn visible(c: char) -> char {
    match c {
        '\t' => '→',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '␡',
        // The second set of controls, marks of writing direction, and separators that some
        // terminals take for new lines.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => c,
    }
}

/// The text of a file that somebody has to mend: as [`line()`], and what cannot be seen in it is
/// made visible too.
#[must_use]
pub fn source(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| source_char(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(source_char).collect())
}

/// One character of such a text.
#[must_use]
pub fn source_char(c: char) -> char {
    match c {
        // These two belong to words of some languages.
        '\u{200c}' | '\u{200d}' => c,
        _ if !is_unseen(c) => visible(c),
        _ if c.is_whitespace() => '␣',
        _ => '\u{fffd}',
    }
}

/// Whether nobody can tell by looking that the character is there, or that it is no space.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{ad}' | '\u{1680}' | '\u{2000}'
            ..='\u{200d}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{feff}'
    )
}

/// The text as a shell reads it as one word.
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_-+=:,./@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["", "test.heartbeat nightly", "größer 你好 e\u{301}"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_cannot_be_seen_in_a_source_is_shown() {
        assert_eq!(source("a\u{a0}b\u{200b}c\td"), "a␣b\u{fffd}c→d");
        assert!(matches!(source("a b\u{200d}"), Cow::Borrowed(_)));
        assert!(matches!(line("10\u{a0}000"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it_otherwise() {
        for plain in ["/srv/tasks", "a=b", "größer"] {
            assert_eq!(word(plain), plain);
        }
        assert_eq!(word("/srv/my tasks"), "'/srv/my tasks'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn nothing_can_reach_the_terminal() {
        assert_eq!(line("a\tb"), "a→b");
        assert_eq!(cells("a\tb\x1b\t"), "a\tb␛\t");
        assert!(matches!(cells("a b"), Cow::Borrowed("a b")));
        assert_eq!(line("\x1b[2J\r\n\x7f"), "␛[2J␍␊␡");
        assert_eq!(
            line("\u{9b}x\u{202e}y\u{2066}z"),
            "\u{fffd}x\u{fffd}y\u{fffd}z"
        );
    }
}
