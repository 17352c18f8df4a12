//! A process that outlives us for a moment, in case we are killed: it ends what we ran.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::sys::socket::{MsgFlags, send};
use nix::unistd::Pid;

use super::own::Own;

/// Keeps a list of groups from the lines `+ GROUP:MARK` and `- GROUP`. When nobody is left who
/// could write such lines, it kills the groups, and on Linux those of all processes with their marks.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
runs=
while read -r sign run; do
    case $sign in
    +) runs="$runs $run" ;;
    -) others=
        for one in $runs; do
            [ "${one%%:*}" = "$run" ] || others="$others $one"
        done
        runs=$others ;;
    esac
done
for run in $runs; do
    kill -s KILL -- "-${run%%:*}"
    for file in $(grep -lszxF -- "${run#*:}" /proc/[0-9]*/environ); do
        # The group, which stands third behind the name: a process alone might fork another and end.
        read -r stat < "${file%environ}stat" || continue
        set -- ${stat##*) }
        kill -s KILL -- "-$3"
    done
done
"#;

/// The list of what runs, in a process of its own, which is started for the first entry.
#[derive(Debug, Default)]
pub struct Guard(OnceLock<Option<Started>>);

#[derive(Debug)]
struct Started {
    list: OwnedFd,
    _process: Own,
}

impl Guard {
    /// Puts a group on the list, with the mark of what it starts.
    pub(super) fn keep(&self, group: Pid, mark: &str) {
        // A system that cannot start a shell can hardly start a task.
        let started = self.0.get_or_init(|| Started::new().ok());
        if let Some(started) = started {
            started.write(&format!("+ {group}:{mark}\n"));
        }
    }

    /// Takes a group from the list.
    pub(super) fn forget(&self, group: Pid) {
        if let Some(Some(started)) = self.0.get() {
            started.write(&format!("- {group}\n"));
        }
    }
}

impl Started {
    fn new() -> io::Result<Self> {
        let (list, stdin) = UnixStream::pair()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sched-guard"]);
        command.stdin(Stdio::from(OwnedFd::from(stdin)));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: what ends ours need not end it.
        command.process_group(0);
        let process = command.spawn()?;
        Ok(Self {
            list: list.into(),
            _process: Own::from(process),
        })
    }

    fn write(&self, line: &str) {
        // Where somebody has killed it, we do without; the standard library has SIGPIPE ignored.
        let _ = send(
            self.list.as_raw_fd(),
            line.as_bytes(),
            MsgFlags::MSG_DONTWAIT,
        );
    }
}
