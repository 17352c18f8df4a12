//! A file that may not grow any more is no end of the program.

use std::io;

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// From now on whoever writes beyond the limit of a file's size (`ulimit -f`) gets an error, where
/// the system would end the program with SIGXFSZ. Programs that are started keep the signal.
///
/// # Errors
/// Where the system refuses.
pub fn outlive_file_limit() -> io::Result<()> {
    extern "C" fn nothing(_: c_int) {}
    // Not ignored, for that would be inherited by every task.
    let handler = SigHandler::Handler(nothing);
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler does nothing, so it may interrupt anything.
    unsafe { sigaction(Signal::SIGXFSZ, &action) }?;
    Ok(())
}
