//! One child process: started in a session of its own, read, timed out, ended with all it started.
//!
//! Its output always goes through our pipes, so that what it leaves behind can hold neither the
//! run nor whoever called `sched`. Not for what the child is (a Python task, a command), nor for
//! what its messages mean: that is `task`.

mod background;
mod channel;
mod child;
mod control;
mod group;
mod guard;
mod heap;
mod identity;
#[cfg(target_os = "linux")]
mod image;
mod init;
mod life;
mod limit;
mod own;
mod pidfd;
mod program;
mod pump;
mod spawn;
mod strays;
mod tail;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod vfork;

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use tokio::sync::watch;

pub use background::Background;
pub use channel::{Channel, inherited_channel};
pub use child::Foster;
pub use control::{Control, Lines};
pub use guard::Guard;
pub use heap::{give_back, share_one_heap};
pub use identity::Identity;
pub use init::leave_orphans;
pub use limit::outlive_file_limit;
pub use own::remember_ends;
pub use program::is_there;
pub use pump::{Pipes, Theirs};

use crate::reach::{self, reach};
use crate::run::{Order, Outcome};
use child::Child;
use group::Group;
use strays::Strays;

/// What to start, and for how long.
#[derive(Debug, Default)]
pub struct Launch {
    /// The program: a path, or a name that is looked up on `PATH`.
    pub program: PathBuf,
    /// Its arguments, visible to every user of the machine.
    pub args: Vec<OsString>,
    /// Changes of the environment that it inherits: the value to set, `None` to remove.
    pub variables: Vec<(OsString, Option<OsString>)>,
    /// Its working directory; `None` for ours.
    pub directory: Option<PathBuf>,
    /// Whom it runs as; `None` for our own user.
    pub identity: Option<Identity>,
    /// What it reads from its standard input, which is `/dev/null` where this is `None`.
    pub input: Option<Vec<u8>>,
    /// An entry of its environment, `NAME=VALUE`, that no other child has: by it, what leaves the
    /// group is found when the group is ended.
    pub mark: Option<OsString>,
    /// A way for it to send messages apart from its output.
    pub channel: Option<Channel>,
    /// The child's end of a [`Control`], which it inherits under the number that it has here.
    pub control: Option<OwnedFd>,
    /// Who ends its group, and what has its mark, where we are killed.
    pub guard: Option<Arc<Guard>>,
    /// After how long it is ended; `None` for never.
    pub timeout: Option<Duration>,
}

/// Who is told what a child says, as it says it. None of this may wait.
pub trait Sink: Send {
    /// A piece of its standard output.
    fn stdout(&mut self, bytes: &[u8]);
    /// A piece of its standard error.
    fn stderr(&mut self, bytes: &[u8]);
    /// One datagram of its channel.
    fn datagram(&mut self, bytes: &[u8]);
    /// Whether datagrams are wanted now. While they are not, the child waits as soon as its
    /// channel is full, at most about ten seconds.
    fn wants_datagrams(&self) -> bool {
        true
    }
}

/// Why a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, or by somebody else's signal.
    Itself,
    /// It ran into its timeout.
    Timeout,
    /// An [`Order`] ended it.
    Ordered,
}

/// How a child ended, with all that it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Why it ended.
    pub ending: Ending,
    /// Its exit code, where it exited. Where neither this nor a signal is known, whoever could have
    /// told is gone.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// The last 64 KiB of its standard output.
    pub stdout: String,
    /// The last 64 KiB of its standard error.
    pub stderr: String,
    /// How long it took, by the monotonic clock.
    pub took: Duration,
    /// Whether processes of its group go on after its normal end.
    pub left_behind: bool,
}

impl Exit {
    /// How it ended, and the end of what it said of that, such as `with exit code 1: not found`.
    #[must_use]
    pub fn words(&self) -> String {
        let how = match (self.code, self.signal) {
            (Some(code), _) => format!("with exit code {code}"),
            (None, Some(signal)) => format!("by signal {signal}"),
            (None, None) => "nobody knows how".to_owned(),
        };
        let lines: Vec<_> = self.stderr.trim_end().lines().collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        match last {
            [] => how,
            [line] => format!("{how}: {line}"),
            lines => format!("{how}:\n{}", lines.join("\n")),
        }
    }
}

/// How many lines of what a process said are told of its end.
const LAST_LINES: usize = 20;

/// Why a child could not be started or followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be executed.
    #[error("`{}` cannot be executed", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The working directory is none.
    #[error("`{}` is not a directory", .0.display())]
    Directory(PathBuf),
    /// The working directory is closed to us, or the way to it.
    #[error("the directory `{}` cannot be entered", directory.display())]
    Closed {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What it is started with does not answer.
    #[error(transparent)]
    Reach(#[from] reach::Error),
    /// The user does not exist.
    #[error("there is no user `{0}`")]
    NoUser(String),
    /// Whoever keeps the users does not answer.
    #[error("whether there is a user `{name}` cannot be told")]
    Users {
        /// The user.
        name: String,
        /// What the system said.
        source: Errno,
    },
    /// Only root may run a process as somebody else.
    #[error("only root can run a job as the user `{0}`")]
    NotRoot(String),
    /// The system refused pipes, users or news of the child.
    #[error("the system refuses to run `{}`", program.display())]
    System {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Runs a child until its process is over, or until its timeout or `order` ends its whole group:
/// TERM first, KILL five seconds later. On Linux that reaches what left the group, too, if the
/// child has a mark.
///
/// Dropping the future kills the group at once. A group that the child leaves behind after a
/// normal end goes on.
///
/// # Errors
/// Where the child could not be started; the child's own failure is no error.
pub async fn run(
    launch: Launch,
    order: &mut watch::Receiver<Order>,
    sink: &mut dyn Sink,
) -> Result<Exit, Error> {
    // The child may be over before we are told that it began.
    let stopwatch = Stopwatch::start();
    let started = start(launch).await?;
    started.follow_since(stopwatch, &[], order, sink).await
}

/// Starts a child. Whatever of its input is to come must be given to [`Started::follow`].
///
/// # Errors
/// Where the child could not be started.
pub async fn start(launch: Launch) -> Result<Started, Error> {
    launch.reach_directory().await?;
    let program = launch.program.clone();
    let limits = launch.limits();
    let guarded = launch.guard.clone().zip(launch.mark.clone());
    let (child, mut pipes) = spawn::spawn(launch)?;
    // So it need not wait for us where it can begin.
    pipes.feed(&[]);
    Ok(Started {
        group: Group::of(&child, guarded),
        child,
        pipes,
        limits,
        program,
    })
}

/// A child that nobody follows yet. Where this is dropped, it is killed.
#[derive(Debug)]
pub struct Started {
    child: Child,
    group: Group,
    pipes: Pipes,
    limits: life::Limits,
    program: PathBuf,
}

impl Started {
    /// Gives the child the rest of its input and follows it as [`run`] does; its time counts from now.
    ///
    /// # Errors
    /// Where the system refuses news of the child.
    pub async fn follow(
        self,
        input: &[u8],
        order: &mut watch::Receiver<Order>,
        sink: &mut dyn Sink,
    ) -> Result<Exit, Error> {
        self.follow_since(Stopwatch::start(), input, order, sink)
            .await
    }

    async fn follow_since(
        mut self,
        stopwatch: Stopwatch,
        input: &[u8],
        order: &mut watch::Receiver<Order>,
        sink: &mut dyn Sink,
    ) -> Result<Exit, Error> {
        self.pipes.feed(input);
        let program = self.program;
        let (child, group, pipes) = (self.child, self.group, self.pipes);
        let exit = follow(child, group, pipes, &self.limits, stopwatch, order, sink).await;
        exit.map_err(|source| Error::System { program, source })
    }
}

/// Follows a child that another process has forked, as [`run`] does. Of `launch`, only its mark and
/// its timeout count; what surrounds the child is what it makes of its input.
///
/// # Errors
/// Where the system refuses to follow the child.
pub async fn adopt(
    foster: Foster,
    pipes: Pipes,
    launch: Launch,
    order: &mut watch::Receiver<Order>,
    sink: &mut dyn Sink,
) -> Result<Exit, Error> {
    let limits = launch.limits();
    let stopwatch = Stopwatch::start();
    let child = Child::Foster(foster);
    // Its parent ends it where we are killed.
    let group = Group::of(&child, None);
    let exit = follow(child, group, pipes, &limits, stopwatch, order, sink).await;
    let program = launch.program;
    exit.map_err(|source| Error::System { program, source })
}

/// Follows a child to its end.
async fn follow(
    mut child: Child,
    mut group: Group,
    mut pipes: Pipes,
    limits: &life::Limits,
    stopwatch: Stopwatch,
    order: &mut watch::Receiver<Order>,
    sink: &mut dyn Sink,
) -> io::Result<Exit> {
    // Whoever began the run has the first word on it, however soon it ends.
    tokio::task::yield_now().await;
    let notice = pipes.notice();
    let (status, ending) = tokio::select! {
        followed = life::follow(&mut child, &group, notice, limits, order) => followed?,
        never = pipes.pump(sink) => match never {},
    };
    let left_behind = group.release() && ending == Ending::Itself;
    let took = stopwatch.elapsed();
    let (stdout, stderr) = pipes.drain(sink);
    Ok(Exit {
        ending,
        code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        stdout,
        stderr,
        took,
        left_behind,
    })
}

impl Launch {
    /// Waits for an answer of where it starts: entering that would hold us as long as there is none.
    ///
    /// # Errors
    /// Where none comes.
    pub async fn reach_directory(&self) -> Result<(), Error> {
        match &self.directory {
            Some(directory) => Ok(reach(directory).await?),
            None => Ok(()),
        }
    }

    /// The same of its program, which only who does not know that it lies on the system's own disk
    /// needs to ask.
    ///
    /// # Errors
    /// As there.
    pub async fn reach_program(&self) -> Result<(), Error> {
        if program::is_path(&self.program) {
            reach(&program::placed(self)).await?;
        }
        Ok(())
    }

    /// Whether its working directory is one, and open to us: by the start alone, nobody could tell
    /// whether that or the program was refused.
    ///
    /// # Errors
    /// Where it is not.
    pub fn check_directory(&self) -> Result<(), Error> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        enter(directory).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR => Error::Directory(directory.clone()),
            errno => Error::Closed {
                directory: directory.clone(),
                source: errno.into(),
            },
        })
    }

    fn limits(&self) -> life::Limits {
        life::Limits {
            timeout: self.timeout,
            strays: Strays::of(self.mark.clone()),
        }
    }
}

/// Asks whether we could enter `directory`.
fn enter(directory: &Path) -> nix::Result<()> {
    // With the dot, what is no directory is told from a program.
    let inside = directory.join(".");
    faccessat(AT_FDCWD, &inside, AccessFlags::X_OK, AtFlags::AT_EACCESS)
}

impl Exit {
    /// The outcome that a child's end means by itself, before any message that it sent.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self.ending, self.signal, self.code) {
            (Ending::Timeout, _, _) => Outcome::Timeout,
            (Ending::Ordered, _, _) => Outcome::Interrupted,
            (Ending::Itself, Some(_), _) => Outcome::Killed,
            (Ending::Itself, None, Some(0)) => Outcome::Success,
            (Ending::Itself, None, _) => Outcome::Failure,
        }
    }
}

/// How long a child runs, by the monotonic clock.
struct Stopwatch(std::time::Instant);

#[expect(
    clippy::disallowed_methods,
    reason = "how long a child takes is measured where it runs; no decision hangs on it"
)]
impl Stopwatch {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        std::time::Instant::now().saturating_duration_since(self.0)
    }
}
