//! Diagnostics as people read them: the line, carets under the place, ways out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{Annotation, AnnotationKind, Level, Message, Origin, Renderer, Snippet};

use super::hidden::Hidden;
use super::place::{Lines, Position};
use super::snippet::ShownLine;
use super::{Diagnostic, Gathered, Severity, Span, gather};
use crate::clean;
use crate::secret::Secrets;
use crate::words::counted;

/// Two places this near are shown in one snippet, the lines between them folded.
const NEAR: usize = 100;

/// From how many bytes a line is long. To show it takes as long as it is, however little of it is
/// seen.
const LONG: usize = 4096;

/// How many bytes of long lines are gone through at most; of the faults that come after that, only
/// the place is told.
const MOST_OF_LONG: usize = 8 << 20;

/// How many of the jobs that have a fault are named.
const NAMED_JOBS: usize = 3;

/// What the screen can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// The width of a line in columns, to which long lines of the source are cut.
    pub width: usize,
}

/// A text of which things are reported: its lines, and the secrets that must not be shown.
struct Source<'a> {
    lines: Lines<'a>,
    hidden: Hidden,
    last: RefCell<Option<Rc<ShownLine>>>,
    /// How many bytes of long lines were gone through.
    of_long: Cell<usize>,
    file: String,
}

impl Default for Style {
    /// No colour, and a width for files and pipes.
    fn default() -> Self {
        Self {
            color: false,
            width: DEFAULT_TERM_WIDTH,
        }
    }
}

/// All of the diagnostics of `text`, in their order, each followed by an empty line. What several
/// jobs have from one place is told once.
///
/// `file` is how messages name it. Nothing of the text reaches the screen as a control character,
/// and no value of a key that looks secret is shown.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], text: &str, file: &str, style: Style) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let source = Source::new(text, file);
    let renderer = renderer(style);
    let mut out = String::new();
    for gathered in gather(diagnostics) {
        out.push_str(&source.render(&gathered, &renderer));
        out.push_str("\n\n");
    }
    out
}

/// One line for each of the diagnostics of `text`, such as
/// ``config.yml:7:15: unknown trigger type `corn`; did you mean `cron`?``. What several jobs have
/// from one place is told once.
#[must_use]
pub fn lines<'d>(
    diagnostics: impl Iterator<Item = &'d Diagnostic>,
    text: &str,
    file: &str,
) -> Vec<String> {
    let source = Source::new(text, file);
    let gathered = gather(diagnostics);
    gathered.iter().map(|one| source.line(one)).collect()
}

impl<'a> Source<'a> {
    fn new(text: &'a str, file: &str) -> Self {
        Self {
            lines: Lines::of(text),
            hidden: Hidden::of(Secrets::of_yaml(text)),
            last: RefCell::default(),
            of_long: Cell::default(),
            file: clean::line(file).into_owned(),
        }
    }

    fn line(&self, gathered: &Gathered<'_>) -> String {
        let Gathered { diagnostic, jobs } = gathered;
        let place = diagnostic.span.map_or(self.file.clone(), |span| {
            let Position { line, column } = self.lines.position(span.start);
            format!("{}:{line}:{column}", self.file)
        });
        let message = self.safe(&diagnostic.message);
        let message = match jobs.len() {
            0 | 1 => message,
            several => format!("{message} (in {})", counted(several, "job")),
        };
        match diagnostic.help.first() {
            Some(help) => format!("{place}: {message}; {}", self.safe(help)),
            None => format!("{place}: {message}"),
        }
    }

    fn render(&self, gathered: &Gathered<'_>, renderer: &Renderer) -> String {
        let Gathered { diagnostic, jobs } = gathered;
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level
            .primary_title(self.safe(&diagnostic.message))
            .id(diagnostic.code.word());
        let helps = diagnostic.help.iter().map(|help| self.help(help));
        let group = match diagnostic.span {
            Some(span) if self.may_show(span) => title.elements(self.snippets(diagnostic, span)),
            Some(span) => {
                let Position { line, column } = self.lines.position(span.start);
                let place = Origin::path(self.file.as_str()).line(line);
                title.element(place.char_column(column))
            }
            None => title.element(Origin::path(self.file.as_str())),
        };
        let group = match jobs.as_slice() {
            [] | [_] => group,
            several => group.element(Level::NOTE.message(self.jobs(several))),
        };
        renderer.render(&[group.elements(helps)])
    }

    /// Whether the line of `span` is short, or there is still time for it.
    fn may_show(&self, span: Span) -> bool {
        let length = self.lines.line(self.lines.number(span.start)).len();
        if length <= LONG {
            return true;
        }
        self.of_long.set(self.of_long.get().saturating_add(length));
        self.of_long.get() <= MOST_OF_LONG
    }

    /// Who has the same fault.
    fn jobs(&self, jobs: &[&str]) -> String {
        let named = jobs.iter().take(NAMED_JOBS);
        let named: Vec<_> = named.map(|job| format!("`{}`", self.safe(job))).collect();
        let all = named.join(", ");
        match jobs.len().saturating_sub(NAMED_JOBS) {
            0 => format!("in the jobs {all}"),
            more => format!("in the jobs {all} and {more} more"),
        }
    }

    fn help(&self, help: &str) -> Message<'_> {
        Level::HELP.message(self.safe(help))
    }

    /// The line of the fault, and that of its related place: in one snippet where they are near.
    fn snippets(&self, diagnostic: &Diagnostic, span: Span) -> Vec<Snippet<'_, Annotation<'_>>> {
        let note = diagnostic.note.as_deref();
        let primary = self.marked(span, note, AnnotationKind::Primary);
        let Some(related) = &diagnostic.related else {
            return vec![self.snippet(&[primary])];
        };
        let second = self.marked(related.span, Some(&related.note), AnnotationKind::Context);
        if primary.line.abs_diff(second.line) <= NEAR {
            vec![self.snippet(&[primary, second])]
        } else {
            vec![self.snippet(&[primary]), self.snippet(&[second])]
        }
    }

    fn marked(&self, span: Span, note: Option<&str>, kind: AnnotationKind) -> Mark {
        Mark {
            line: self.lines.number(span.start),
            span,
            note: note.map(|note| self.safe(note)),
            kind,
        }
    }

    /// A snippet from the first to the last marked line.
    ///
    /// Only those that can be seen have their text: the marked ones and their neighbours.
    fn snippet(&self, marks: &[Mark]) -> Snippet<'_, Annotation<'_>> {
        let first = marks.iter().map(|mark| mark.line).min().unwrap_or(1);
        let last = marks.iter().map(|mark| mark.line).max().unwrap_or(1);
        let mut text = String::new();
        let mut annotations = Vec::new();
        for number in first..=last {
            if marks.iter().any(|mark| mark.line.abs_diff(number) <= 1) {
                let shown = self.shown(number);
                for mark in marks.iter().filter(|mark| mark.line == number) {
                    let place = shown.place(mark.span);
                    let place = text.len() + place.start..text.len() + place.end;
                    annotations.push(mark.kind.span(place).label(mark.note.clone()));
                }
                text.push_str(&shown.text);
            }
            text.push('\n');
        }
        Snippet::source(text)
            .line_start(first)
            .path(self.file.as_str())
            .annotations(annotations)
    }

    /// The line of that number, from 1. The last one is kept: many faults may be on one long line.
    fn shown(&self, number: usize) -> Rc<ShownLine> {
        let mut last = self.last.borrow_mut();
        if let Some(shown) = last.as_ref().filter(|shown| shown.number == number) {
            return Rc::clone(shown);
        }
        let hidden = self.hidden.of_line(&self.lines, number);
        let shown = Rc::new(ShownLine::new(&self.lines, number, &hidden));
        *last = Some(Rc::clone(&shown));
        shown
    }

    /// A text of ours with what the user wrote in it, without control characters and secrets.
    fn safe(&self, text: &str) -> String {
        clean::source(&self.hidden.secrets().mask(text)).into_owned()
    }
}

/// A place to point at.
struct Mark {
    line: usize,
    span: Span,
    note: Option<String>,
    kind: AnnotationKind,
}

fn renderer(style: Style) -> Renderer {
    let renderer = if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.term_width(style.width)
}

#[cfg(test)]
mod tests;
