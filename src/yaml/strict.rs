//! What `PyYAML` refuses and the parser takes.
//!
//! Source: the scanner of `PyYAML` 6.0, `scanner.py`, where it differs from YAML 1.2.

use super::escape::{code, escapes};
use super::fault;
use crate::diagnostic::{Diagnostic, Span};

/// Follows the events of a document and looks at each with `PyYAML`'s eyes.
pub(super) struct Strict<'a> {
    text: &'a str,
    /// The collections around, the innermost last.
    levels: Vec<Level>,
    /// Where the last node, or bracket, ended.
    last_end: usize,
}

struct Level {
    is_block: bool,
    is_mapping: bool,
    /// How many nodes it has so far.
    children: usize,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Block,
}

impl<'a> Strict<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            levels: Vec::new(),
            last_end: 0,
        }
    }

    /// A collection begins.
    pub(super) fn enter(&mut self, span: Span, is_block: bool, is_mapping: bool) {
        self.pass(span);
        // The mark of a key belongs to the place of the mapping that begins with it.
        self.last_end = span.start as usize;
        self.levels.push(Level {
            is_block,
            is_mapping,
            children: 0,
        });
    }

    /// The innermost collection ends.
    pub(super) fn leave(&mut self, span: Span) {
        self.levels.pop();
        self.last_end = span.end as usize;
    }

    /// An alias comes.
    pub(super) fn alias(&mut self, span: Span) -> Result<(), Box<Diagnostic>> {
        self.name(span)?;
        self.pass(span);
        Ok(())
    }

    fn pass(&mut self, span: Span) {
        if let Some(level) = self.levels.last_mut() {
            level.children += 1;
        }
        self.last_end = span.end as usize;
    }

    /// A scalar comes; `is_bare` where neither tag nor anchor stands before it.
    pub(super) fn scalar(
        &mut self,
        span: Span,
        style: Style,
        is_bare: bool,
        text: &str,
    ) -> Result<(), Box<Diagnostic>> {
        match style {
            Style::Plain => self.check_flow_indicators(span)?,
            Style::Double => self.check_surrogates(span)?,
            Style::Block if text.trim().is_empty() => {}
            Style::Block => self.check_block_indent(span)?,
            Style::Single => {}
        }
        let is_key = self
            .levels
            .last()
            .is_some_and(|level| level.is_mapping && level.children % 2 == 0);
        if is_key && style != Style::Block {
            self.check_key(span, is_bare)?;
        }
        self.pass(span);
        Ok(())
    }

    fn is_flow(&self) -> bool {
        self.levels.last().is_some_and(|level| !level.is_block)
    }

    /// Within brackets a `?` is always a key's mark and a `:` at the beginning a value's.
    fn check_flow_indicators(&self, span: Span) -> Result<(), Box<Diagnostic>> {
        let scalar = span.of(self.text);
        if !self.is_flow() {
            return Ok(());
        }
        let found = match scalar.find('?') {
            Some(at) => Some((at, '?')),
            None => scalar.starts_with(':').then_some((0, ':')),
        };
        match found {
            Some((at, indicator)) => {
                let start = span.start as usize + at;
                Err(fault::indicator_in_brackets(
                    Span::new(start, start + 1),
                    indicator,
                    scalar,
                ))
            }
            None => Ok(()),
        }
    }

    /// `PyYAML` makes two characters of the two halves of a pair, and Python cannot encode them.
    fn check_surrogates(&self, span: Span) -> Result<(), Box<Diagnostic>> {
        let is_half = |escape| code(escape).is_some_and(|code| (0xd800..0xe000).contains(&code));
        match escapes(span.of(self.text)).find(|&(_, escape)| is_half(escape)) {
            Some((at, _)) => {
                let start = span.start as usize + at;
                Err(fault::surrogate(Span::new(start, start + r"\ud800".len())))
            }
            None => Ok(()),
        }
    }

    fn check_key(&self, span: Span, is_bare: bool) -> Result<(), Box<Diagnostic>> {
        let is_marked = self.is_marked(span.start as usize);
        if span.start == span.end && is_bare && !is_marked {
            return Err(fault::missing_key(span));
        }
        let rest = &self.text[span.end as usize..];
        let value = skip_blank(rest);
        let until_value = &rest[..rest.len() - value.len()];
        let has_value = value.starts_with(':');
        let spans_lines = span.of(self.text).contains('\n') || until_value.contains('\n');
        if self.is_flow() && spans_lines && has_value && !is_marked {
            return Err(fault::long_key(span));
        }
        Ok(())
    }

    /// At the root, too, the lines of a block scalar are indented.
    fn check_block_indent(&self, span: Span) -> Result<(), Box<Diagnostic>> {
        let before = &self.text[..span.start as usize];
        if self.levels.is_empty() && before.ends_with('\n') {
            return Err(fault::block_not_indented(span));
        }
        Ok(())
    }

    /// Whether the key that starts there stands after a `?`: what lies between it and the node
    /// before are indicators and comments.
    fn is_marked(&self, start: usize) -> bool {
        let between = self.text.get(self.last_end..start).unwrap_or_default();
        between
            .lines()
            .any(|line| without_comment(line).contains('?'))
    }

    /// After the name of an anchor or alias `PyYAML` wants a space or one of a few indicators.
    pub(super) fn name(&self, span: Span) -> Result<(), Box<Diagnostic>> {
        let next = self.text[span.end as usize..].chars().next();
        match next.filter(|&next| !next.is_whitespace() && !"?:,]}%@`".contains(next)) {
            None => Ok(()),
            Some(_) => Err(fault::not_separated(span, "name")),
        }
    }

    /// After a tag `PyYAML` wants a space or the end of the line.
    pub(super) fn tag(&self, span: Span) -> Result<(), Box<Diagnostic>> {
        match self.text[span.end as usize..].chars().next() {
            None | Some(' ' | '\n' | '\r' | '\t') => Ok(()),
            Some(_) => Err(fault::not_separated(span, "tag")),
        }
    }
}

/// What follows the white space and the comments at the beginning of a text.
fn skip_blank(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest
            .find('\n')
            .map_or("", |newline| rest[newline..].trim_start());
    }
    rest
}

fn without_comment(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    line.split_once(" #").map_or(line, |(before, _)| before)
}
