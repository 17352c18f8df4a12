//! A long answer on a terminal, shown by the user's pager.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::output;

/// What pages where the user names nothing: `less`, if it is there.
///
/// Source: git and journalctl do so.
const USUAL: &str = "command -v less >/dev/null || exit 127; exec less";

/// Shows the text on the terminal: in the pager where it is longer than the screen.
///
/// # Errors
/// Where the terminal is gone.
pub(super) fn show(text: &[u8]) -> anyhow::Result<()> {
    let pager = pager(std::env::var_os("PAGER"));
    let lines = text.split(|byte| *byte == b'\n').count() - 1;
    let rows = terminal_size::terminal_size().map(|(_, rows)| usize::from(rows.0));
    if let (Some(pager), Some(rows)) = (pager, rows)
        && lines >= rows
    {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(pager);
        if std::env::var_os("LESS").is_none() {
            // Colours, and an end without a key press where all fits.
            command.env("LESS", "FRX");
        }
        if page(&mut command, text)? {
            return Ok(());
        }
    }
    Ok(output::stdout().write_all(text)?)
}

/// The shell's command that pages, with what `$PAGER` is set to; `None` where it is set to nothing.
fn pager(set: Option<OsString>) -> Option<OsString> {
    let pager = set.unwrap_or_else(|| USUAL.into());
    (!pager.is_empty()).then_some(pager)
}

/// Lets the command read the text; gives whether there was such a command.
fn page(command: &mut Command, text: &[u8]) -> anyhow::Result<bool> {
    let runtime = crate::cli::runtime()?;
    let _context = runtime.enter();
    // The keys of the pager are its own: one that interrupts must not end us before it.
    let _interrupt = signal(SignalKind::interrupt())?;
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever has seen enough leaves the rest.
        let _ = stdin.write_all(text);
    }
    let status = child.wait()?;
    // Source: POSIX, "Shell Command Language": 127, the command was not found.
    Ok(status.code() != Some(127))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a text that is longer than a pipe where that is the pager.
    fn paged(script: &str, folder: &std::path::Path) -> bool {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).current_dir(folder);
        page(command.stderr(Stdio::null()), &vec![b'\n'; 200_000]).unwrap()
    }

    #[test]
    fn less_pages_where_nothing_is_set_and_is_there() {
        assert_eq!(pager(Some("more".into())), Some("more".into()));
        assert_eq!(pager(Some(OsString::new())), None, "switched off");
        assert_eq!(pager(None), Some(USUAL.into()));
        let folder = tempfile::tempdir().unwrap();
        let script = format!("PATH={}; {USUAL}", folder.path().display());
        assert!(!paged(&script, folder.path()), "there is no less");
        let less = folder.path().join("less");
        std::fs::write(&less, "#!/bin/sh\nread -r first; echo paged > seen\n").unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&less, executable).unwrap();
        assert!(paged(&script, folder.path()));
        let seen = std::fs::read_to_string(folder.path().join("seen")).unwrap();
        assert_eq!(seen, "paged\n");
    }

    #[test]
    fn a_pager_gets_the_text_and_may_leave_early() {
        let folder = tempfile::tempdir().unwrap();
        assert!(paged("cat > seen", folder.path()));
        let seen = std::fs::metadata(folder.path().join("seen")).unwrap();
        assert_eq!(seen.len(), 200_000);
        assert!(paged("exit 3", folder.path()));
        assert!(!paged("no-such-pager", folder.path()));
    }
}
