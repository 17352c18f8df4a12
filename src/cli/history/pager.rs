//! A long answer on a terminal, shown by the user's pager.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::output;

/// What pages where the user names nothing: `less`, if it is there.
///
/// Source: git and journalctl do so.
const USUAL: &str = "command -v less >/dev/null || exit 127; exec less";

/// More than a pipe holds: who has taken so much is there.
///
/// Source: `pipe(7)`, `pipe-max-size`.
const HELD_BYTES: usize = 1 << 20;

/// Shows on the terminal what `write` writes, as it is written: in the pager where it is longer
/// than the screen.
///
/// # Errors
/// Where the terminal is gone, or `write` fails for another reason.
pub(super) fn show(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let pager = pager(std::env::var_os("PAGER"));
    let rows = terminal_size::terminal_size().map(|(_, rows)| usize::from(rows.0));
    let (Some(pager), Some(rows)) = (pager, rows) else {
        let mut out = BufWriter::new(output::stdout());
        write(&mut out)?;
        return Ok(out.flush()?);
    };
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(pager);
    set_up(&mut command, |name| std::env::var_os(name).is_some());
    let runtime = crate::cli::runtime()?;
    let _context = runtime.enter();
    // The keys of the pager are its own: one that interrupts must not end us before it.
    let _interrupt = signal(SignalKind::interrupt())?;
    let mut screen = Screen::new(command, rows, output::stdout());
    let written = write(&mut screen);
    screen.finish(written)
}

/// Lets `less` behave well, unless the user has set it up.
fn set_up(command: &mut Command, is_set: impl Fn(&str) -> bool) {
    let defaults = [
        // Colours, and an end without a key press where all fits.
        ("LESS", "FRX"),
        // Whatever the locale says: what we write is UTF-8.
        ("LESSCHARSET", "utf-8"),
    ];
    command.envs(defaults.into_iter().filter(|(name, _)| !is_set(name)));
}

/// The shell's command that pages, with what `$PAGER` is set to; `None` where it is set to nothing.
fn pager(set: Option<OsString>) -> Option<OsString> {
    let pager = set.unwrap_or_else(|| USUAL.into());
    (!pager.is_empty()).then_some(pager)
}

/// Takes an answer, of which nobody knows yet how long it is.
struct Screen<T> {
    /// The pager, to be started with the first line that is too much.
    command: Command,
    rows: usize,
    terminal: T,
    reader: Reader,
    /// The beginning of the answer, should nobody have read it.
    held: Vec<u8>,
}

/// Who reads an answer.
enum Reader {
    /// Nobody yet.
    Nobody,
    /// The pager.
    Pager(Child, BufWriter<ChildStdin>),
    /// Whoever sees the terminal: there is no pager.
    Terminal,
    /// Nobody any more: the user has seen enough.
    Gone,
}

impl<T: Write> Screen<T> {
    fn new(command: Command, rows: usize, terminal: T) -> Self {
        Self {
            command,
            rows,
            terminal,
            reader: Reader::Nobody,
            held: Vec::new(),
        }
    }

    /// Starts the pager.
    fn open(&mut self) -> io::Result<()> {
        let mut child = self.command.stdin(Stdio::piped()).spawn()?;
        let pipe = child.stdin.take().expect("it has just got a pipe");
        let mut pipe = BufWriter::new(pipe);
        let written = pipe.write_all(&self.held);
        self.reader = Reader::Pager(child, pipe);
        written.or_else(|_| self.close())
    }

    /// The pager reads no more, or shall: waits for its end.
    fn close(&mut self) -> io::Result<()> {
        let Reader::Pager(mut child, pipe) = std::mem::replace(&mut self.reader, Reader::Gone)
        else {
            return Ok(());
        };
        // Whoever has seen enough leaves the rest.
        drop(pipe);
        // Source: POSIX, "Shell Command Language": 127, the command was not found.
        if child.wait()?.code() == Some(127) {
            self.reader = Reader::Terminal;
            self.terminal.write_all(&self.held)?;
        }
        Ok(())
    }

    /// All is `written`, or could not be: shows it to the end.
    fn finish(mut self, written: anyhow::Result<()>) -> anyhow::Result<()> {
        match self.reader {
            Reader::Nobody => self.terminal.write_all(&self.held)?,
            Reader::Pager(..) => self.close()?,
            Reader::Terminal => {}
            Reader::Gone => return Ok(()),
        }
        self.terminal.flush()?;
        written
    }
}

impl<T: Write> Write for Screen<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.held.len() < HELD_BYTES {
            self.held.extend_from_slice(bytes);
        }
        match &mut self.reader {
            Reader::Nobody => {
                let lines = self.held.split(|byte| *byte == b'\n').count() - 1;
                if lines >= self.rows || self.held.len() >= HELD_BYTES {
                    self.open()?;
                }
            }
            Reader::Pager(_, pipe) => {
                if pipe.write_all(bytes).is_err() {
                    self.close()?;
                }
            }
            Reader::Terminal => self.terminal.write_all(bytes)?,
            Reader::Gone => {}
        }
        match self.reader {
            Reader::Gone => Err(io::ErrorKind::BrokenPipe.into()),
            Reader::Nobody | Reader::Pager(..) | Reader::Terminal => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reaches the terminal of a text that is longer than a pipe where that is the pager.
    fn left(script: &str, folder: &std::path::Path) -> usize {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).current_dir(folder);
        command.stderr(Stdio::null());
        let mut terminal = Vec::new();
        let mut screen = Screen::new(command, 2, &mut terminal);
        let written = screen.write_all(&vec![b'\n'; 200_000]);
        screen.finish(written.map_err(Into::into)).unwrap();
        terminal.len()
    }

    #[test]
    fn less_pages_where_nothing_is_set_and_is_there() {
        assert_eq!(pager(Some("more".into())), Some("more".into()));
        assert_eq!(pager(Some(OsString::new())), None, "switched off");
        assert_eq!(pager(None), Some(USUAL.into()));
        let folder = tempfile::tempdir().unwrap();
        let script = format!("PATH={}; {USUAL}", folder.path().display());
        assert_eq!(left(&script, folder.path()), 200_000, "there is no less");
        let less = folder.path().join("less");
        std::fs::write(&less, "#!/bin/sh\nread -r first; echo paged > seen\n").unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&less, executable).unwrap();
        assert_eq!(left(&script, folder.path()), 0);
        let seen = std::fs::read_to_string(folder.path().join("seen")).unwrap();
        assert_eq!(seen, "paged\n");
    }

    #[test]
    fn what_the_user_has_set_up_stays() {
        let set = |is_set: fn(&str) -> bool| {
            let mut command = Command::new("less");
            set_up(&mut command, is_set);
            let names = command.get_envs().map(|(name, _)| name.to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(set(|_| false), ["LESS", "LESSCHARSET"]);
        assert_eq!(set(|name| name == "LESS"), ["LESSCHARSET"]);
        assert_eq!(set(|name| name == "LESSCHARSET"), ["LESS"]);
    }

    #[test]
    fn a_pager_gets_the_text_and_may_leave_early() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(left("cat > seen", folder.path()), 0);
        let seen = std::fs::metadata(folder.path().join("seen")).unwrap();
        assert_eq!(seen.len(), 200_000);
        assert_eq!(left("exit 3", folder.path()), 0);
        assert_eq!(left("no-such-pager", folder.path()), 200_000);
    }

    #[test]
    fn what_fits_on_the_screen_needs_no_pager() {
        let mut terminal = Vec::new();
        let mut screen = Screen::new(Command::new("no-such-shell"), 2, &mut terminal);
        write!(screen, "one\ntwo").unwrap();
        screen.finish(Ok(())).unwrap();
        assert_eq!(terminal, b"one\ntwo");
    }

    #[test]
    fn of_a_long_answer_only_the_beginning_is_held() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cat > /dev/null"]);
        let mut screen = Screen::new(command, 2, io::sink());
        for _ in 0..512 {
            screen.write_all(&[b'\n'; 8 << 10]).unwrap();
        }
        assert!(screen.held.len() <= HELD_BYTES, "{}", screen.held.len());
        screen.finish(Ok(())).unwrap();
    }

    #[test]
    fn nothing_is_written_for_a_reader_that_is_gone() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exit 0"]);
        let mut screen = Screen::new(command, 2, io::sink());
        let written = loop {
            if let Err(error) = screen.write_all(&[b'\n'; 8 << 10]) {
                break error;
            }
        };
        assert_eq!(written.kind(), io::ErrorKind::BrokenPipe);
        screen.finish(Err(written.into())).unwrap();
    }
}
