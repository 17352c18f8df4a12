//! Starting a child: its session, its user, its descriptors.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::Stdio;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tokio::process::{ChildStdin, Command};

use super::child::Child;
use super::pump::Pipes;
use super::{Error, Identity, Launch};

/// Variables that are meant for us alone: a child that used them would speak in our name.
const OURS: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

/// Starts a child, stopped by nothing that stops us, with our ends of its pipes.
pub(super) fn spawn(mut launch: Launch) -> Result<(Child, Pipes), Error> {
    launch.check_directory()?;
    let program = launch.program.clone();
    let refused = |source| Error::System {
        program: program.clone(),
        source,
    };
    let (stdout, child_stdout) = io::pipe().map_err(refused)?;
    let (stderr, child_stderr) = io::pipe().map_err(refused)?;
    let (ours, theirs) = match launch.channel.take() {
        Some(channel) => (Some(channel.ours), Some(channel.theirs)),
        None => (None, None),
    };

    let mut command = command(&launch);
    command.stdout(child_stdout).stderr(child_stderr);
    let identity = launch.identity;
    let control = launch.control;
    let is_guarded = launch.guard.is_some();
    // SAFETY: between fork and exec the closure only makes system calls, on memory that was laid
    // out before; what is inherited stays open until the child is started.
    unsafe {
        let inherited = [
            theirs.as_ref().map(AsRawFd::as_raw_fd),
            control.as_ref().map(AsRawFd::as_raw_fd),
        ]
        .map(|number| number.map(|number| BorrowedFd::borrow_raw(number)));
        command.pre_exec(move || prepare(identity.as_ref(), &inherited, is_guarded));
    }
    let mut child = command.spawn().map_err(|source| Error::Start {
        program: program.clone(),
        source,
    })?;
    drop((theirs, control));

    let stdin = child.stdin.take().map(ChildStdin::into_owned_fd);
    let input = stdin.transpose().map_err(refused)?.zip(launch.input);
    let pipes = Pipes::new(input, OwnedFd::from(stdout), OwnedFd::from(stderr), ours);
    Ok((Child::Own(child), pipes.map_err(refused)?))
}

/// The command without its output and without what happens between fork and exec.
fn command(launch: &Launch) -> Command {
    let mut command = Command::new(&launch.program);
    command.args(&launch.args);
    command.stdin(match launch.input {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    });
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    for name in OURS {
        command.env_remove(name);
    }
    for (name, value) in &launch.variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// What the child does before it becomes the program.
fn prepare(
    identity: Option<&Identity>,
    inherited: &[Option<BorrowedFd<'_>>],
    is_guarded: bool,
) -> io::Result<()> {
    // A session has no terminal: its keys and its end reach only us, and nobody asks there.
    nix::unistd::setsid()?;
    if let Some(identity) = identity {
        identity.assume()?;
    }
    if is_guarded {
        end_with_us()?;
    }
    inherit_nothing();
    for descriptor in inherited.iter().flatten() {
        fcntl(descriptor.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
    }
    Ok(())
}

/// Lets the child be killed when the thread that started it ends, which is when we are killed: until
/// it is on the list of a guard, nobody else would do that.
///
/// Source: `prctl(2)`, `PR_SET_PDEATHSIG`.
fn end_with_us() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    Ok(())
}

/// Closes on exec what whoever started `sched` left open; older kernels cannot, and then a child
/// inherits it, as it would from a shell.
fn inherit_nothing() {
    #[cfg(target_os = "linux")]
    // SAFETY: the call takes three numbers and touches no memory.
    unsafe {
        use nix::libc;
        libc::syscall(
            libc::SYS_close_range,
            3 as libc::c_uint,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}
