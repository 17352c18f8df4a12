//! Starting a child: its streams, its environment, its session, its user, its descriptors.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::fchown;

use super::child::Child;
use super::own::Own;
use super::pump::Pipes;
use super::{Error, Identity, Launch};

/// Variables that are meant for us alone: a child that used them would speak in our name.
const OURS: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

/// The child's standard input, output and error.
pub(super) type Streams = [OwnedFd; 3];

/// Starts a child, stopped by nothing that stops us, with our ends of its pipes.
pub(super) fn spawn(mut launch: Launch) -> Result<(Child, Pipes), Error> {
    launch.check_directory()?;
    let program = launch.program.clone();
    let (pipes, streams, theirs) = match connect(&mut launch) {
        Ok(connected) => connected,
        Err(source) => return Err(Error::System { program, source }),
    };
    let entry = Entry {
        identity: launch.identity.take(),
        is_guarded: launch.guard.is_some(),
        inherited: [theirs, launch.control.take()],
    };
    match start(&launch, streams, entry) {
        Ok(child) => Ok((Child::Own(child), pipes)),
        Err(source) => Err(Error::Start { program, source }),
    }
}

/// Our ends of the child's pipes, and its own of them and of its channel.
fn connect(launch: &mut Launch) -> io::Result<(Pipes, Streams, Option<OwnedFd>)> {
    let (stdin, input) = match launch.input.take() {
        Some(bytes) => {
            let (stdin, ours) = io::pipe()?;
            (OwnedFd::from(stdin), Some((ours.into(), bytes)))
        }
        None => (File::open("/dev/null")?.into(), None),
    };
    let (our_stdout, stdout) = io::pipe()?;
    let (our_stderr, stderr) = io::pipe()?;
    if let Some(identity) = &launch.identity {
        // So that it can open `/dev/stdout` and `/dev/stderr`.
        for end in [&stdout, &stderr] {
            fchown(end, Some(identity.uid()), None)?;
        }
    }
    let channel = launch.channel.take();
    let (ours, theirs) = channel
        .map(|channel| (channel.ours, channel.theirs))
        .unzip();
    let pipes = Pipes::new(input, our_stdout.into(), our_stderr.into(), ours)?;
    let streams = [stdin, stdout.into(), stderr.into()];
    Ok((pipes, streams, theirs.map(OwnedFd::from)))
}

/// Starts a child in our own memory where that may be, which costs the same however much it is.
fn start(launch: &Launch, streams: Streams, entry: Entry) -> io::Result<Own> {
    // Whoever becomes another user must have no part in the memory of this one.
    #[cfg(target_os = "linux")]
    if entry.identity.is_none() {
        return super::vfork::start(launch, &streams, &entry);
    }
    fork(launch, streams, entry)
}

/// Starts a child in a copy of our memory.
fn fork(launch: &Launch, streams: Streams, entry: Entry) -> io::Result<Own> {
    let [stdin, stdout, stderr] = streams;
    let mut command = Command::new(&launch.program);
    command.args(&launch.args);
    command.env_clear().envs(environment(launch));
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    #[cfg(target_os = "linux")]
    let mut image = super::image::Image::of(launch)?;
    let become_program = move || {
        entry.pass()?;
        // Not every C library leaves a script that names no interpreter to the shell.
        #[cfg(target_os = "linux")]
        return Err(image.execute().into());
        #[cfg(not(target_os = "linux"))]
        Ok(())
    };
    // SAFETY: between fork and exec this only makes system calls, on memory that was laid out
    // before.
    unsafe { command.pre_exec(become_program) };
    command.spawn().map(Own::from)
}

/// The environment of the child: ours, with the changes.
pub(super) fn environment(launch: &Launch) -> BTreeMap<OsString, OsString> {
    let mut environment: BTreeMap<_, _> = std::env::vars_os().collect();
    for name in OURS {
        environment.remove(OsStr::new(name));
    }
    for (name, value) in &launch.variables {
        match value {
            Some(value) => environment.insert(name.clone(), value.clone()),
            None => environment.remove(name),
        };
    }
    environment
}

/// What a child does before it becomes the program: from then on it is apart from us.
#[derive(Debug)]
pub(super) struct Entry {
    identity: Option<Identity>,
    is_guarded: bool,
    /// What it inherits besides its streams, under the numbers that they have here.
    inherited: [Option<OwnedFd>; 2],
}

impl Entry {
    /// Called between fork and exec: it makes system calls only.
    pub(super) fn pass(&self) -> nix::Result<()> {
        // A session has no terminal: its keys and its end reach only us, and nobody asks there.
        nix::unistd::setsid()?;
        if let Some(identity) = &self.identity {
            identity.assume()?;
        }
        if self.is_guarded {
            end_with_us()?;
        }
        inherit_nothing();
        for descriptor in self.inherited.iter().flatten() {
            fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok(())
    }
}

/// Lets the child be killed when the thread that started it ends, which is when we are killed: until
/// it is on the list of a guard, nobody else would do that.
///
/// Source: `prctl(2)`, `PR_SET_PDEATHSIG`.
fn end_with_us() -> nix::Result<()> {
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

#[cfg(test)]
mod tests;
