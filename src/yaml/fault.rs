//! What can be wrong with a document, in words for who wrote it.

use super::graph::Content;
use super::tag::Tag;
use super::{MAX_ADDED_NODES, MAX_BYTES, MAX_DEPTH};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::value::Unhashable;

fn error(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::Yaml, message).at(span)
}

/// How much of the user's text a message shows, in characters.
const SHOWN_CHARS: usize = 40;

/// The beginning of a text, fit for a line of a message.
fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars
        .by_ref()
        .take(SHOWN_CHARS)
        .flat_map(char::escape_debug)
        .collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    // Quotes need no escape between backticks.
    shown.replace("\\'", "'").replace("\\\"", "\"")
}

/// What stands for a plain text when it is put in quotes, as it is shown in a help.
pub(super) fn in_quotes(text: &str) -> String {
    format!("`'{}'`", shown(&text.replace('\'', "''")))
}

/// The value that somebody means who writes plain text from `start` on: to the end of the line,
/// without a comment, the next item and closing brackets.
pub(super) fn plain_value(text: &str, start: usize) -> &str {
    let line = text[start..].lines().next().unwrap_or_default();
    let value = [" #", ", "].iter().fold(line, |value, end| {
        value.split_once(end).map_or(value, |(value, _)| value)
    });
    value.trim_end().trim_end_matches([']', '}']).trim_end()
}

pub(super) fn too_long() -> Box<Diagnostic> {
    let message = format!(
        "a config longer than {} MiB is not read",
        MAX_BYTES / 1024 / 1024
    );
    Box::new(Diagnostic::error(Code::Yaml, message))
}

pub(super) fn too_deep(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("nested more than {MAX_DEPTH} levels deep"))
            .with_help("lists and mappings inside each other, aliases followed, are counted"),
    )
}

pub(super) fn too_many_nodes(span: Span) -> Box<Diagnostic> {
    let message = format!("aliases, merge keys and tags add more than {MAX_ADDED_NODES} nodes");
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

/// An alias without an anchor; often a text that begins with `*`, such as `*/5`.
pub(super) fn unknown_anchor(text: &str, span: Span, name: &str) -> Box<Diagnostic> {
    let message = if is_name(name) {
        format!("there is no anchor `&{}` before this alias", shown(name))
    } else {
        format!(
            "`*` begins an alias, and `{}` cannot be its name",
            shown(name)
        )
    };
    let quoted = in_quotes(plain_value(text, span.start as usize));
    Box::new(error(span, message).with_help(format!("if it is meant as text, write {quoted}")))
}

/// Whether `PyYAML` takes it as the name of an anchor.
pub(super) fn is_name(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.bytes().all(is_word)
}

pub(super) fn bad_anchor(span: Span, name: &str) -> Box<Diagnostic> {
    Box::new(
        error(
            span,
            format!("`{}` cannot be the name of an anchor", shown(name)),
        )
        .with_help("use ASCII letters, digits, `-` and `_`"),
    )
}

pub(super) fn second_anchor(span: Span, name: &str, first: Span) -> Box<Diagnostic> {
    Box::new(
        error(
            span,
            format!("the anchor `&{}` is given twice", shown(name)),
        )
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
            format!(
                "the tag `{}` is refused: a config makes no Python objects",
                shown(name)
            ),
        )
        .with_help("write the value itself, or make the object in the task"),
    )
}

pub(super) fn unknown_tag(span: Span, name: &str) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("unknown tag `{}`", shown(name)))
            .with_help("put the text in quotes if the `!` belongs to it"),
    )
}

/// Something is at `place` that is not what its tag asks for.
pub(super) fn wrong_content(found: &Content<'_>, place: Span, wanted: &str) -> Box<Diagnostic> {
    let found = match found {
        Content::Scalar(_) => "a single value",
        Content::Sequence(_) => "a list",
        Content::Mapping(_) => "a mapping",
    };
    Box::new(
        error(place, format!("{wanted} is due here, not {found}"))
            .with_help("remove the tag, or change what follows it"),
    )
}

pub(super) fn bad_scalar(span: Span, tag: &Tag, text: &str) -> Box<Diagnostic> {
    if matches!(tag, Tag::Merge | Tag::Value) {
        return Box::new(
            error(span, format!("`{}` has a meaning of its own", shown(text)))
                .with_help("put it in quotes if it is meant as text"),
        );
    }
    let kind = match tag {
        Tag::Bool => "boolean",
        Tag::Int => "integer",
        Tag::Float => "float",
        Tag::Timestamp => "date or time",
        Tag::Binary => "base64",
        _ => "value",
    };
    Box::new(
        error(span, format!("`{}` is no {kind}", shown(text)))
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

pub(super) fn indicator_in_brackets(span: Span, indicator: char, scalar: &str) -> Box<Diagnostic> {
    Box::new(
        error(
            span,
            format!("`{indicator}` has a meaning of its own within brackets"),
        )
        .with_help(format!(
            "put the text in quotes: `'{}'`",
            scalar.replace('\'', "''")
        )),
    )
}

pub(super) fn surrogate(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "half of a surrogate pair is no character")
            .with_help("write the character itself, or `\\U` and its eight hexadecimal digits"),
    )
}

pub(super) fn missing_key(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "a key is missing before this colon")
            .with_help("put the text in quotes if no key is meant"),
    )
}

pub(super) fn long_key(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "a key must be on one line")
            .with_help("is a comma missing at the end of the line before?"),
    )
}

pub(super) fn not_separated(span: Span, what: &str) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("a space is missing after this {what}"))
            .with_help("put a space after it"),
    )
}

pub(super) fn block_not_indented(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "the lines of a block text must be indented")
            .with_help("put a space before each line of it"),
    )
}

pub(super) fn end_without_document(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "the document ends here before it began").with_help("remove the line `...`"),
    )
}

pub(super) fn inner_mark(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "a byte order mark (U+FEFF) stands within the file")
            .with_note("it cannot be seen here")
            .with_help("remove it"),
    )
}

pub(super) fn bad_directive(span: Span, name: &str) -> Box<Diagnostic> {
    Box::new(
        error(span, format!("`%{}` is no directive", shown(name)))
            .with_help("put the text in quotes if it is meant as text"),
    )
}

pub(super) fn bad_tag_directive(span: Span) -> Box<Diagnostic> {
    Box::new(
        error(span, "`%TAG` needs a handle and a prefix")
            .with_help("write `%TAG !name! prefix`, or remove the line"),
    )
}

/// A tab or line separator where it does not belong.
pub(super) fn blank(text: &str, start: usize, character: char) -> Box<Diagnostic> {
    let span = Span::new(start, start + character.len_utf8());
    if character != '\t' {
        let code = u32::from(character);
        return Box::new(
            error(
                span,
                format!("the character U+{code:04X} ends a line in YAML 1.1"),
            )
            .with_note("it cannot be seen here")
            .with_help(format!(
                "remove it, or write `\\u{code:04x}` in a text in double quotes"
            )),
        );
    }
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let is_indentation = text[line_start..start].trim().is_empty();
    let message = if is_indentation {
        "a tab cannot be used as indentation"
    } else {
        "a tab cannot stand between values"
    };
    let fault = error(span, message).with_note("this is a tab");
    Box::new(fault.with_help(spaces_help(&text[..line_start], is_indentation)))
}

/// What to write instead of a tab; `before` are the lines before that of the tab.
fn spaces_help(before: &str, is_indentation: bool) -> String {
    let indented = before
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with(' '));
    match indented.last() {
        Some((index, line)) if is_indentation => {
            let indent = line.len() - line.trim_start_matches(' ').len();
            format!("use spaces; line {} is indented by {indent}", index + 1)
        }
        _ => "use spaces".to_owned(),
    }
}
