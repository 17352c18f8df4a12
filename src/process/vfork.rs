//! Starting a child in our own memory, as `vfork` does.
//!
//! `fork` copies the tables of all our pages, and each page that we write afterwards. Here nothing
//! is copied: until the child has become the program it runs on our memory, with a stack of its
//! own, while the thread that starts it stands still. So it makes system calls only, allocates
//! nothing, and runs no handler of a signal.
//!
//! Source: `clone(2)`, `CLONE_VM` and `CLONE_VFORK`. `posix_spawn(3)` does the same, but knows
//! neither `PR_SET_PDEATHSIG` nor how to close what is not known to be open.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::libc::{SIG_DFL, SIG_IGN, SIGCHLD, SIGPIPE, SIGRTMAX, signal};
use nix::sched::{CloneFlags, clone};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout};

use super::Launch;
use super::image::Image;
use super::own::Own;
use super::spawn::{Entry, Streams};

/// The stack of the child, in bytes: for a few frames and a handful of numbers.
const STACK_BYTES: usize = 64 * 1024;

/// The exit code of a child that did not become the program, as of a shell; only we see it.
const NOT_EXECUTED: isize = 127;

/// Starts a child, which has become the program when this returns.
///
/// # Errors
/// What kept it from that.
pub(super) fn start(launch: &Launch, streams: &Streams, entry: &Entry) -> io::Result<Own> {
    let mut image = Image::of(launch)?;
    let mut stack = vec![0; STACK_BYTES];
    let fault = AtomicI32::new(0);
    // Until it has dropped them, the child has our handlers, which write into our memory.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let child = || {
        let Err(errno) = become_program(&mut image, streams, entry, &mask);
        fault.store(errno as i32, Ordering::Relaxed);
        NOT_EXECUTED
    };
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK;
    // SAFETY: the child's stack is its own and large enough. What else it uses stays, for this
    // thread stands still until the child has ceased to use our memory, and no other thread knows
    // of it. It takes no lock and allocates nothing.
    let child = unsafe { clone(Box::new(child), &mut stack, flags, Some(SIGCHLD)) };
    let child = child.map(Own::new);
    mask.thread_set_mask()?;
    match fault.into_inner() {
        0 => Ok(child?),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// What the child does, in the order in which the standard library lets it do so after `fork`.
fn become_program(
    image: &mut Image,
    [stdin, stdout, stderr]: &Streams,
    entry: &Entry,
    mask: &SigSet,
) -> nix::Result<Infallible> {
    dup2_stdin(stdin)?;
    dup2_stdout(stdout)?;
    dup2_stderr(stderr)?;
    if let Some(directory) = image.directory() {
        chdir(directory)?;
    }
    entry.pass()?;
    drop_handlers();
    mask.thread_set_mask()?;
    Err(image.execute())
}

/// Lets each signal do what it does by itself. What is ignored stays so, but for SIGPIPE, which the
/// standard library has made so.
fn drop_handlers() {
    for number in 1..=SIGRTMAX() {
        // Ignored for a moment, for that drops what came to our group when the child was still in
        // it. KILL, STOP and what the C library keeps for itself cannot be set, and need not be.
        // SAFETY: it sets no handler, and only for this process.
        unsafe {
            let before = signal(number, SIG_IGN);
            if before != SIG_IGN || number == SIGPIPE {
                signal(number, SIG_DFL);
            }
        }
    }
}
