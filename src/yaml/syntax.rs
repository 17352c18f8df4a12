//! The parser's errors in the words of who wrote the file.

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError};

use super::escape::{escapes, is_known};
use super::events::offset;
use super::fault;
use crate::diagnostic::{Code, Diagnostic, Span};

const QUOTE_IT: &str = "put the text in quotes";
const CHECK_INDENT: &str = "lines of one list or mapping begin in the same column";

/// What is wrong, and a way out.
type Words = (Cow<'static, str>, Cow<'static, str>);

/// The fault that a syntax error is.
pub(super) fn fault(text: &str, error: &ScanError) -> Box<Diagnostic> {
    let start = offset(text, error.marker());
    let span = Span::new(
        start,
        start + text[start..].chars().next().map_or(0, char::len_utf8),
    );
    if let Some(tab) = tab_near(text, start, error.kind()) {
        return fault::blank(text, tab, '\t');
    }
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => return fault::too_deep(span),
        ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate => return fault::surrogate(span),
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => return bad_escape(text, start),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            return colon(text, span);
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            return key_without_value(text, span);
        }
        ErrorKind::MissingAnchorOrAliasName => return nameless(text, span),
        ErrorKind::InvalidIndentation | ErrorKind::ExpectedBlockMappingKey
            if follows_bracket(text, start) =>
        {
            let message = "more text follows the closing bracket";
            let fault = Diagnostic::error(Code::Yaml, message).at(span);
            return Box::new(fault.with_help("put the whole value in quotes"));
        }
        _ => {}
    }
    let (message, help) = words(error.kind());
    let fault = Diagnostic::error(Code::Yaml, message).at(span);
    Box::new(if help.is_empty() {
        fault
    } else {
        fault.with_help(help)
    })
}

/// The tab that an error is about: the next one from its place, or one before it on its line.
fn tab_near(text: &str, start: usize, kind: &ErrorKind) -> Option<usize> {
    let is_about_tabs = matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
            | ErrorKind::InvalidBlockEntryWhitespace
            | ErrorKind::InvalidMappingValueWhitespace
            | ErrorKind::UnexpectedCharacter { character: '\t' }
    );
    if !is_about_tabs {
        return None;
    }
    let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let ahead = text[start..].find('\t').map(|tab| start + tab);
    ahead.or_else(|| text[line..start].rfind('\t').map(|tab| line + tab))
}

/// Whether a closing bracket stands before that place on its line, as in `[ -x foo ] && foo`.
fn follows_bracket(text: &str, start: usize) -> bool {
    let line = text[..start].rsplit('\n').next().unwrap_or_default();
    line.trim_end().ends_with([']', '}'])
}

/// A `*` or `&` that names nothing, as in `minute: * * *`.
fn nameless(text: &str, span: Span) -> Box<Diagnostic> {
    let start = text[..span.start as usize]
        .rfind(['*', '&'])
        .unwrap_or(span.start as usize);
    let value = fault::plain_value(text, start);
    let what = if value.starts_with('&') {
        "anchor"
    } else {
        "alias"
    };
    let sign = value.chars().next().unwrap_or('*');
    Box::new(
        Diagnostic::error(
            Code::Yaml,
            format!("`{sign}` begins an {what}, and no name follows"),
        )
        .at(Span::new(start, start + value.len()))
        .with_help(format!("{QUOTE_IT}: {}", fault::in_quotes(value))),
    )
}

/// A line that holds a key and no value for it: the colon is missing, or the space after it.
fn key_without_value(text: &str, span: Span) -> Box<Diagnostic> {
    let start = span.start as usize;
    let line = text[start..].lines().next().unwrap_or_default();
    if let Some(colon) = colon_without_space(line) {
        return no_space(text, start + colon);
    }
    Box::new(
        Diagnostic::error(Code::Yaml, "a colon is missing after this key")
            .at(span)
            .with_help("write `key: value`"),
    )
}

/// The first colon of a line, if it ends a key as people write them and no space follows it.
fn colon_without_space(line: &str) -> Option<usize> {
    let (key, value) = line.split_once(':')?;
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    let is_key = !key.trim().is_empty() && key.chars().all(is_word);
    let is_end = value.is_empty() || value.starts_with([' ', '\t', '\r', '/']);
    (is_key && !is_end).then_some(key.len())
}

/// The fault of a colon that no space follows, or only what looks like one.
fn no_space(text: &str, colon: usize) -> Box<Diagnostic> {
    let fault = Diagnostic::error(Code::Yaml, "a space is missing after this colon")
        .at(Span::new(colon, colon + 1));
    let next = text[colon + 1..].chars().next();
    Box::new(match next.filter(|next| next.is_whitespace()) {
        Some(blank) => fault.with_help(format!(
            "what follows looks like a space and is U+{:04X}: write a space in its place",
            u32::from(blank)
        )),
        None => fault.with_help("write `: ` between key and value"),
    })
}

/// A colon where no key can be: the second on its line, or on a line that goes on with a text.
fn colon(text: &str, span: Span) -> Box<Diagnostic> {
    let mut before = text[..span.start as usize].rsplit('\n');
    let line = before.next().unwrap_or_default();
    let above = before.next().unwrap_or_default();
    if let Some(colon) = colon_without_space(above).filter(|_| !line.contains(": ")) {
        let start = span.start as usize - line.len() - 1 - above.len();
        return no_space(text, start + colon);
    }
    let (message, help) = if line.contains(": ") {
        (
            "no value can begin after this colon",
            "put the text in quotes if the colon belongs to it",
        )
    } else {
        (
            "this line goes on with the text before it and cannot hold a key",
            "check the line before for a missing `: ` or closing bracket, and the indentation",
        )
    };
    Box::new(
        Diagnostic::error(Code::Yaml, message)
            .at(span)
            .with_help(help),
    )
}

/// The first escape in double quotes from `start` on that stands for no character.
fn bad_escape(text: &str, start: usize) -> Box<Diagnostic> {
    let found = escapes(&text[start..]).find(|(_, escape)| !is_known(escape));
    let (at, escape) = found.unwrap_or((0, ""));
    let len = escape.chars().take(2).map(char::len_utf8).sum::<usize>();
    let span = Span::new(start + at, start + at + len);
    let message = format!(
        "the escape `{}` stands for no character",
        span.of(text).escape_debug()
    );
    Box::new(
        Diagnostic::error(Code::Yaml, message.replace("\\\\", "\\"))
            .at(span)
            .with_help("write `\\\\` for a backslash, or use single quotes"),
    )
}

fn words(kind: &ErrorKind) -> Words {
    brackets(kind)
        .or_else(|| fixed(kind).map(|(message, help)| (message.into(), help.into())))
        .unwrap_or_else(|| (cleaned(kind).into(), "".into()))
}

/// The parser's own words, without what only its authors understand.
fn cleaned(kind: &ErrorKind) -> String {
    kind.to_string()
        .replace("EOF", "end of the file")
        .replace('\'', "`")
}

fn brackets(kind: &ErrorKind) -> Option<Words> {
    Some(match kind {
        ErrorKind::UnclosedFlowCollection { open } => {
            let close = closing(*open);
            (
                format!("`{open}` is never closed").into(),
                format!("add `{close}`").into(),
            )
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            let wanted = closing(*open);
            let message = format!("`{open}` is closed by `{close}`");
            (message.into(), format!("write `{wanted}`").into())
        }
        ErrorKind::UnexpectedCharacter { character } => (
            format!("`{character}` cannot begin a value").into(),
            QUOTE_IT.into(),
        ),
        _ => return None,
    })
}

fn closing(open: char) -> char {
    if open == '[' { ']' } else { '}' }
}

fn fixed(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    use ErrorKind as Kind;
    Some(match kind {
        Kind::UnclosedQuotedScalar => ("this quote is never closed", "add the closing quote"),
        Kind::MisplacedFlowCollectionEnd => (
            "this bracket closes nothing",
            "remove it, or put the text in quotes",
        ),
        Kind::UnexpectedEofFlowSequence
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping => {
            ("the file ends within brackets", "add the closing bracket")
        }
        Kind::InvalidIndentation | Kind::ExpectedBlockMappingKey => (
            "the indentation does not fit the lines before",
            CHECK_INDENT,
        ),
        Kind::ExpectedBlockSequenceEntry => ("this line of a list has no `-`", CHECK_INDENT),
        Kind::BlockSequenceEntryNotAllowed => (
            "no list can begin here",
            "begin it on a line of its own, or put the text in quotes",
        ),
        Kind::BlockEntryInFlowCollection | Kind::PlainScalarStartsWithDashFlowIndicator => (
            "`-` begins no item within brackets",
            "put it in quotes if it is meant as text",
        ),
        Kind::MappingKeyNotAllowed => ("no key can begin here", CHECK_INDENT),
        Kind::ExpectedFlowMappingSeparator | Kind::ExpectedFlowSequenceSeparator => (
            "a comma or the closing bracket is missing here",
            "add it, or put the text in quotes",
        ),
        Kind::FlowMappingValueAdjacentCollection => (
            "a space is missing after this colon",
            "write `: ` between key and value",
        ),
        Kind::ExpectedNodeContent => ("a value is missing here", "add it, or write `''`"),
        Kind::ExpectedDocumentStart => (
            "the document has ended before this",
            "a file holds one mapping, list or value",
        ),
        Kind::UnexpectedEofBlockSequence
        | Kind::UnexpectedEofBlockMapping
        | Kind::UnexpectedEof => ("no value can begin here", QUOTE_IT),
        _ => return scalars(kind),
    })
}

fn scalars(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    use ErrorKind as Kind;
    Some(match kind {
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => (
            "more text follows the closing quote",
            "put the whole value in quotes",
        ),
        Kind::InvalidQuotedScalarIndent | Kind::InvalidFlowScalarIndent => (
            "this line is not indented enough",
            "indent it deeper than the key that it belongs to",
        ),
        Kind::DocumentIndicatorInQuotedScalar => (
            "the document ends within quotes",
            "close the quote before this line",
        ),
        Kind::CommentNotSeparated => ("a space is missing before `#`", "put a space before it"),
        Kind::CommentInterceptedScalar => (
            "a comment cannot stand within a text of several lines",
            "put the comment above it, or the text in quotes",
        ),
        Kind::InvalidBlockScalarHeader => (
            "no text can stand on the line of `|` or `>`",
            "begin it on the next line, indented",
        ),
        Kind::ZeroBlockScalarIndent => (
            "a block text cannot be indented by 0",
            "write a digit from 1 to 9",
        ),
        Kind::InvalidBlockScalarIndent => (
            "a line of this block text is indented differently",
            CHECK_INDENT,
        ),
        Kind::UndeclaredTagHandle => (
            "this tag's prefix is declared nowhere",
            "put the text in quotes if no tag is meant",
        ),
        _ => return directives(kind),
    })
}

fn directives(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    use ErrorKind as Kind;
    Some(match kind {
        Kind::InvalidDirectiveTerminator
        | Kind::MissingYamlVersionSeparator
        | Kind::MissingDirectiveName
        | Kind::InvalidDirectiveName
        | Kind::YamlVersionTooLong
        | Kind::MissingYamlVersion
        | Kind::ExpectedTagBang
        | Kind::ExpectedTagDirectiveBang
        | Kind::InvalidGlobalTagCharacter
        | Kind::InvalidTagDirectiveTerminator => (
            "`%` begins a directive, and this is none",
            "remove it, or put the text in quotes",
        ),
        Kind::UnsupportedYamlMajorVersion => ("this is not YAML 1", "write `%YAML 1.1`"),
        Kind::DuplicateVersionDirective | Kind::DuplicateTagDirective => {
            ("this directive is given twice", "remove one of the two")
        }
        Kind::MissingDocumentEndBeforeDirective => (
            "a directive cannot stand within the document",
            "move it to the top, or put the text in quotes",
        ),
        Kind::InvalidDocumentEnd => (
            "more text follows the end of the document",
            "remove it, or the `...` before it",
        ),
        _ => return None,
    })
}
