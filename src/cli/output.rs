//! What all commands share about their output: colour, width, and how an error is told.

use std::io::{self, Write};

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects};

use super::Exit;
use super::arguments::{Color, Global};
use crate::clean;
use crate::diagnostic::render::Style;
use crate::reason::chain;

/// Colours by what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// A failure.
    Error,
    /// Something doubtful.
    Warning,
    /// A success.
    Good,
    /// A way out, a path.
    Help,
    /// A name to find by eye.
    Name,
    /// What matters less: zones, ids.
    Dim,
}

/// Where a command's answer goes. Where that fails, the error says that it is about stdout.
#[derive(Debug)]
pub struct Stdout(io::StdoutLock<'static>);

/// The answer of a command is lost.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout")]
struct Unwritable(#[source] io::Error);

/// A command cannot do its work, and here is what may help.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong, a fragment.
    pub message: String,
    /// Ways out, one a line.
    pub help: Vec<String>,
    /// How the program ends.
    pub exit: Exit,
}

impl Refusal {
    /// A wrong word, an unreadable file: exit code 2.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Vec::new(),
            exit: Exit::Unusable,
        }
    }

    /// The same, with one more way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// Where a command's answer goes, held until it is dropped.
#[must_use]
pub fn stdout() -> Stdout {
    Stdout(io::stdout().lock())
}

/// The same error of writing to stdout, which says that it is one.
pub(super) fn of_stdout(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Unwritable(error))
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(of_stdout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(of_stdout)
    }
}

/// What `stream` can show, where the user wants colour as `color` says.
///
/// `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb` decide where the user leaves it open.
pub fn style(color: Color, stream: &impl RawStream) -> Style {
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_coloured(stream),
    };
    Style {
        color,
        width: width(stream).unwrap_or(Style::default().width),
    }
}

/// Whether `stream` gets colour where the user leaves it open.
fn is_coloured(stream: &impl RawStream) -> bool {
    let is_wanted = AutoStream::choice(stream) != ColorChoice::Never;
    is_wanted && (stream.is_terminal() || !is_unforced())
}

/// Whether `CLICOLOR_FORCE` is 0: that forces nothing, though it is set.
///
/// Source: bixense.com/clicolors.
pub(super) fn is_unforced() -> bool {
    std::env::var_os("CLICOLOR_FORCE").is_some_and(|force| force == "0")
}

/// How many columns `stream` has: so many as `COLUMNS` says, or those of the terminal that it is.
pub(super) fn width(stream: &impl RawStream) -> Option<usize> {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let terminal = || {
        let (width, _) = terminal_size::terminal_size().filter(|_| stream.is_terminal())?;
        Some(usize::from(width.0))
    };
    columns.filter(|columns| *columns > 0).or_else(terminal)
}

/// The text in that colour, where `color` is wanted.
#[must_use]
pub fn paint(text: &str, paint: Paint, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let style = match paint {
        Paint::Error => AnsiColor::Red.on_default().effects(Effects::BOLD),
        Paint::Warning => AnsiColor::Yellow.on_default().effects(Effects::BOLD),
        Paint::Good => AnsiColor::Green.on_default(),
        Paint::Help => AnsiColor::Cyan.on_default(),
        Paint::Name => anstyle::Style::new().effects(Effects::BOLD),
        Paint::Dim => anstyle::Style::new().effects(Effects::DIMMED),
    };
    format!("{style}{text}{style:#}")
}

/// Tells on stderr of something doubtful, unless only the answer is wanted.
pub fn warn(text: &str, global: &Global) {
    if !global.quiet {
        let color = style(global.color, &io::stderr()).color;
        let line = told("warning", Paint::Warning, text, color);
        // Where stderr is gone, nobody is left to tell.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// Tells on stderr why a command could not do its work, and says how the program ends.
///
/// A reader that went away is no error: nothing is told, and the program ends well.
#[must_use]
pub fn refuse(error: &anyhow::Error, color: Color) -> Exit {
    let (text, exit) = refusal(error, style(color, &io::stderr()).color);
    // Where stderr is gone too, nobody is left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
    exit
}

/// How a command ends whose answer says `exit`: so too where its reader went away meanwhile.
///
/// # Errors
/// Where the answer is lost in any other way.
pub(super) fn answered(
    written: Result<(), impl Into<anyhow::Error>>,
    exit: Exit,
) -> anyhow::Result<Exit> {
    match written.map_err(Into::into) {
        Err(error) if !is_closed(&error) => Err(error),
        Ok(()) | Err(_) => Ok(exit),
    }
}

/// Whether nobody reads any more.
fn is_closed(error: &anyhow::Error) -> bool {
    let is_one = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|one| one.kind() == io::ErrorKind::BrokenPipe)
    };
    error.chain().any(is_one)
}

/// What is told of an error, and how the program ends.
pub(super) fn refusal(error: &anyhow::Error, color: bool) -> (String, Exit) {
    if is_closed(error) {
        return (String::new(), Exit::Done);
    }
    let mut text = told("error", Paint::Error, &chain(error.as_ref()), color);
    let Some(refusal) = error.downcast_ref::<Refusal>() else {
        return (text, Exit::Unusable);
    };
    for help in &refusal.help {
        text.push_str(&told("help", Paint::Help, help, color));
    }
    (text, refusal.exit)
}

/// One line, or one for each line of `text`, with the word before the first.
fn told(word: &str, paint_as: Paint, text: &str, color: bool) -> String {
    let lines: Vec<_> = text.lines().map(clean::line).collect();
    format!("{}: {}\n", paint(word, paint_as, color), lines.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_painted_only_where_colour_is_wanted() {
        assert_eq!(paint("ok", Paint::Good, false), "ok");
        assert_eq!(paint("ok", Paint::Good, true), "\x1b[32mok\x1b[0m");
    }

    #[test]
    fn a_reader_that_went_away_is_a_quiet_end() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        let error = anyhow::Error::from(closed).context("cannot write");
        assert_eq!(refusal(&error, false), (String::new(), Exit::Done));
    }

    #[test]
    fn an_answer_that_is_lost_says_so_unless_its_reader_went_away() {
        let lost = |kind: io::ErrorKind| {
            let error = of_stdout(io::Error::from(kind));
            refusal(&serde_json::Error::io(error).into(), false)
        };
        let text = "error: cannot write to stdout: no storage space\n".to_owned();
        assert_eq!(lost(io::ErrorKind::StorageFull), (text, Exit::Unusable));
        assert_eq!(lost(io::ErrorKind::BrokenPipe), (String::new(), Exit::Done));
    }

    #[test]
    fn what_an_answer_says_counts_also_where_its_reader_went_away() {
        let ends = |kind: io::ErrorKind| {
            let written = Err(of_stdout(io::Error::from(kind)));
            answered(written, Exit::Failed).ok()
        };
        assert_eq!(ends(io::ErrorKind::BrokenPipe), Some(Exit::Failed));
        assert_eq!(ends(io::ErrorKind::StorageFull), None);
        let whole = answered(io::Result::Ok(()), Exit::Failed);
        assert_eq!(whole.ok(), Some(Exit::Failed));
    }

    #[test]
    fn a_refusal_says_how_the_program_ends() {
        let failed = Refusal {
            exit: Exit::Failed,
            ..Refusal::new("no").with_help("yes")
        };
        let expected = ("error: no\nhelp: yes\n".to_owned(), Exit::Failed);
        assert_eq!(refusal(&failed.into(), false), expected);
        let expected = ("error: no\n".to_owned(), Exit::Unusable);
        assert_eq!(refusal(&anyhow::anyhow!("no"), false), expected);
    }

    #[test]
    fn an_error_is_told_without_control_characters() {
        let text = told("error", Paint::Error, "no `\x1b[2J`\nnor this", false);
        assert_eq!(text, "error: no `␛[2J`\n  nor this\n");
    }
}
