//! Real children: `sh` and what every system has.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::watch;

use super::*;

/// A sink that keeps all it is told.
#[derive(Default)]
struct Kept {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    datagrams: Vec<Vec<u8>>,
}

impl Sink for Kept {
    fn stdout(&mut self, bytes: &[u8]) {
        self.stdout.extend_from_slice(bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
    }

    fn datagram(&mut self, bytes: &[u8]) {
        self.datagrams.push(bytes.to_vec());
    }
}

/// A sink that counts.
#[derive(Default)]
struct Counted(usize);

impl Sink for Counted {
    fn stdout(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn stderr(&mut self, _bytes: &[u8]) {}

    fn datagram(&mut self, _bytes: &[u8]) {}
}

fn shell(script: &str) -> Launch {
    Launch {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        ..Launch::default()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn run_with(launch: Launch, sink: &mut dyn Sink) -> Result<Exit, Error> {
    let (_orders, mut order) = watch::channel(Order::GoOn);
    block_on(run(launch, &mut order, sink))
}

fn run_alone(launch: Launch) -> (Exit, Kept) {
    let mut kept = Kept::default();
    let exit = run_with(launch, &mut kept).unwrap();
    (exit, kept)
}

#[test]
fn output_and_exit_code_arrive() {
    let (exit, kept) = run_alone(shell("echo out; echo err >&2; exit 7"));
    assert_eq!((exit.code, exit.signal), (Some(7), None));
    assert_eq!(
        (exit.stdout.as_str(), exit.stderr.as_str()),
        ("out\n", "err\n")
    );
    assert_eq!(
        (kept.stdout, kept.stderr),
        (b"out\n".to_vec(), b"err\n".to_vec())
    );
    assert_eq!(exit.outcome(), Outcome::Failure);
    assert!(!exit.left_behind);
}

#[test]
fn a_signal_is_told_by_its_number() {
    let (exit, _) = run_alone(shell("kill -9 $$"));
    assert_eq!((exit.code, exit.signal), (None, Some(9)));
    assert_eq!(exit.outcome(), Outcome::Killed);
}

#[test]
fn input_arrives_whole_and_ends() {
    let (exit, _) = run_alone(Launch {
        input: Some(vec![b'i'; 3_000_000]),
        ..shell("wc -c")
    });
    assert_eq!(exit.stdout.trim(), "3000000");
}

#[test]
fn a_child_need_not_read_its_input() {
    let (exit, _) = run_alone(Launch {
        input: Some(vec![b'i'; 3_000_000]),
        ..shell("exit 0")
    });
    assert_eq!(exit.outcome(), Outcome::Success);
}

#[test]
fn without_input_stdin_is_empty() {
    assert_eq!(run_alone(shell("wc -c")).0.stdout.trim(), "0");
}

#[test]
fn a_flood_is_passed_on_and_its_end_is_kept() {
    let mut counted = Counted::default();
    let script = "head -c 100000000 /dev/zero; echo end";
    let exit = run_with(shell(script), &mut counted).unwrap();
    assert_eq!(counted.0, 100_000_004);
    assert_eq!(exit.stdout.len(), 64 * 1024);
    assert!(exit.stdout.ends_with("end\n"));
}

#[test]
fn what_holds_the_pipes_does_not_hold_the_run() {
    let (exit, kept) = run_alone(shell("sleep 600 & echo $!"));
    assert_eq!(exit.outcome(), Outcome::Success);
    assert!(exit.left_behind);
    let pid: i32 = String::from_utf8(kept.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let left = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(left, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[test]
fn what_writes_on_does_not_hold_the_run() {
    let (exit, _) = run_alone(shell("(trap '' PIPE; yes) & echo started; sleep 0.2"));
    assert_eq!(exit.outcome(), Outcome::Success);
}

#[test]
fn a_timeout_ends_a_child_that_listens() {
    let (exit, _) = run_alone(Launch {
        timeout: Some(Duration::from_secs(2)),
        ..shell("trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done")
    });
    assert_eq!((exit.ending, exit.code), (Ending::Timeout, Some(0)));
    assert_eq!(exit.stdout, "bye\n");
    assert_eq!(exit.outcome(), Outcome::Timeout);
}

#[test]
fn a_flood_does_not_hold_a_timeout_off() {
    let mut counted = Counted::default();
    let launch = Launch {
        timeout: Some(Duration::from_millis(300)),
        ..shell("yes & yes")
    };
    let exit = run_with(launch, &mut counted).unwrap();
    assert_eq!((exit.ending, exit.signal), (Ending::Timeout, Some(15)));
}

#[test]
fn a_timeout_kills_a_group_that_does_not_listen() {
    let (exit, kept) = run_alone(Launch {
        timeout: Some(Duration::from_secs(2)),
        ..shell("trap '' TERM; (while :; do sleep 0.05; done) & echo $!; wait; wait")
    });
    assert_eq!((exit.ending, exit.signal), (Ending::Timeout, Some(9)));
    assert!(!exit.left_behind);
    eventually(|| !alive(&kept.stdout));
}

/// A process of another group has a child in this one that is over, and does not reap it.
#[cfg(target_os = "linux")]
#[test]
fn a_zombie_keeps_no_group_alive() {
    let script = "\
import os, signal, time
if os.fork():
    signal.pause()
over = os.fork()
if not over:
    os._exit(0)
os.setpgid(0, 0)
os.waitid(os.P_PID, over, os.WEXITED | os.WNOWAIT)
os.write(1, b'%d' % os.getpid())
signal.pause()
";
    let launch = Launch {
        program: "python3".into(),
        args: vec!["-c".into(), script.into()],
        ..Launch::default()
    };
    let (orders, mut order) = watch::channel(Order::GoOn);
    let mut parent = Announced(Vec::new(), orders);
    let exit = block_on(run(launch, &mut order, &mut parent)).unwrap();
    let pid = String::from_utf8_lossy(&parent.0).parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    assert_eq!((exit.ending, exit.signal), (Ending::Ordered, Some(15)));
    assert!(!exit.left_behind);
    // What goes on for so long is killed.
    assert!(exit.took < Duration::from_secs(5), "{exit:?}");
}

/// A sink that orders the end as soon as anything is said.
struct Announced(Vec<u8>, watch::Sender<Order>);

impl Sink for Announced {
    fn stdout(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        self.1.send_replace(Order::Terminate);
    }

    fn stderr(&mut self, _bytes: &[u8]) {}

    fn datagram(&mut self, _bytes: &[u8]) {}
}

fn alive(pid: &[u8]) -> bool {
    let pid = String::from_utf8_lossy(pid);
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

/// Runs a script in a session of its own, marked by `file`, and orders the end once it has made that.
#[cfg(target_os = "linux")]
fn ordered_outside_the_group(script: String, file: &Path) -> Exit {
    let launch = Launch {
        variables: vec![
            ("SCHED_TEST_MARK".into(), Some(file.into())),
            ("SCRIPT".into(), Some(script.into())),
        ],
        mark: Some(format!("SCHED_TEST_MARK={}", file.display()).into()),
        ..shell("setsid sh -c \"$SCRIPT\" & wait")
    };
    let (orders, mut order) = watch::channel(Order::GoOn);
    let mut kept = Kept::default();
    let exit = block_on(async {
        let stop = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            orders.send(Order::Terminate).unwrap();
        };
        tokio::join!(run(launch, &mut order, &mut kept), stop).0
    });
    exit.unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn an_order_ends_what_left_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "trap '' TERM; echo $$ > {0}.new; mv {0}.new {0}; while :; do sleep 0.05; done",
        file.display()
    );
    let exit = ordered_outside_the_group(script, &file);
    assert_eq!(exit.ending, Ending::Ordered);
    let pid = std::fs::read(&file).unwrap();
    eventually(|| !alive(&pid));
}

#[cfg(target_os = "linux")]
#[test]
fn what_left_the_group_is_asked_to_end_once_however_many_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asked");
    let script = format!(
        "trap 'echo asked >> {0}' TERM; for i in 1 2 3 4; do sleep 600 & done; : > {0}; \
         while [ ! -s {0} ]; do sleep 0.05; done; sleep 0.5",
        file.display()
    );
    let exit = ordered_outside_the_group(script, &file);
    assert_eq!(exit.ending, Ending::Ordered);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "asked\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_is_asked_to_end_once() {
    let folder = tempfile::tempdir().unwrap();
    let mark = format!("SCHED_TEST_MARK={}", folder.path().display());
    let launch = Launch {
        variables: vec![("SCHED_TEST_MARK".into(), Some(folder.path().into()))],
        mark: Some(mark.into()),
        ..shell(
            "trap 'echo asked; asked=yes' TERM; echo; until [ $asked ]; do sleep 0.05; done; \
             sleep 0.5",
        )
    };
    let (orders, mut order) = watch::channel(Order::GoOn);
    let mut said = Announced(Vec::new(), orders);
    let exit = block_on(run(launch, &mut order, &mut said)).unwrap();
    assert_eq!(exit.ending, Ending::Ordered);
    assert_eq!(exit.stdout, "\nasked\n");
}

#[test]
fn an_order_ends_the_whole_group() {
    let (orders, mut order) = watch::channel(Order::GoOn);
    let mut kept = Kept::default();
    let exit = block_on(async {
        let stop = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            orders.send(Order::Terminate).unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            exit = run(shell("sleep 600 & sleep 600"), &mut order, &mut kept) => exit,
            () = stop => unreachable!(),
        }
    })
    .unwrap();
    assert_eq!((exit.ending, exit.signal), (Ending::Ordered, Some(15)));
    assert_eq!(exit.outcome(), Outcome::Interrupted);
    assert!(!exit.left_behind);
}

#[test]
fn an_order_given_before_the_start_counts() {
    let (_orders, mut order) = watch::channel(Order::Kill);
    let exit = block_on(run(shell("sleep 600"), &mut order, &mut Kept::default())).unwrap();
    assert_eq!((exit.ending, exit.signal), (Ending::Ordered, Some(9)));
}

#[test]
fn a_dropped_run_is_a_killed_group() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
        file.display()
    );
    let (_orders, mut order) = watch::channel(Order::GoOn);
    block_on(async {
        let there = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let mut kept = Kept::default();
        tokio::select! {
            _ = run(shell(&script), &mut order, &mut kept) => unreachable!(),
            () = there => {}
        }
    });
    let pid = std::fs::read(&file).unwrap();
    eventually(|| !alive(&pid));
}

/// Waits until `done`, or fails after half a minute.
fn eventually(done: impl Fn() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not come true within half a minute");
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_has_its_streams_and_its_channel_alone() {
    // A descriptor that is inherited unless somebody sees to it.
    let leak = nix::unistd::dup(std::io::stderr()).unwrap();
    let channel = Channel::new().unwrap();
    let number = channel.child_descriptor();
    let (exit, _) = run_alone(Launch {
        channel: Some(channel),
        ..shell("ls /proc/self/fd")
    });
    drop(leak);
    // 3 is the folder that `ls` reads, unless the channel took that number.
    let others = exit
        .stdout
        .lines()
        .filter(|fd| !["0", "1", "2", &number.to_string()].contains(fd));
    assert!(others.count() <= 1, "{}", exit.stdout);
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_leads_a_session_of_its_own() {
    let (exit, _) = run_alone(shell("cut -d' ' -f1,5,6 /proc/$$/stat"));
    let numbers: Vec<_> = exit.stdout.split_whitespace().collect();
    assert!(
        numbers.iter().all(|number| *number == numbers[0]),
        "{numbers:?}"
    );
}

#[test]
fn variables_are_set_and_removed() {
    let (exit, _) = run_alone(Launch {
        variables: vec![("HOME".into(), None), ("WORD".into(), Some("a b".into()))],
        ..shell("echo ${HOME-none} $WORD")
    });
    assert_eq!(exit.stdout, "none a b\n");
}

#[test]
fn what_cannot_start_says_why() {
    let missing = Launch {
        program: "/nowhere/at-all".into(),
        ..Launch::default()
    };
    let error = run_with(missing, &mut Kept::default()).unwrap_err();
    assert_eq!(error.to_string(), "`/nowhere/at-all` cannot be executed");
    for nowhere in ["/nowhere", "/bin/sh"] {
        let launch = Launch {
            directory: Some(nowhere.into()),
            ..shell("")
        };
        let error = run_with(launch, &mut Kept::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("`{nowhere}` is not a directory"));
    }
}

#[test]
fn another_user_gets_its_own_groups() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let identity = Identity::of("nobody").unwrap();
    let (exit, _) = run_alone(Launch {
        variables: identity
            .as_ref()
            .map(Identity::variables)
            .unwrap_or_default(),
        identity,
        ..shell(
            "id -un; id -G; echo $USER >/dev/stdout; grep CapEff /proc/self/status; \
             echo said >/dev/stderr",
        )
    });
    let lines: Vec<_> = exit.stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), ("nobody", "nobody"));
    assert!(!lines[1].split(' ').any(|group| group == "0"));
    assert!(lines[3].ends_with("0000000000000000"));
    assert_eq!(exit.stderr, "said\n");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_go_is_waited_for_no_longer() {
    // It leads no group, so that no signal reaches it, as none does who waits for a dead server.
    let mut stranger = std::process::Command::new("sleep");
    let mut stranger = stranger.arg("60").spawn().unwrap();
    let pid = i32::try_from(stranger.id()).unwrap();
    let (_nobody_tells, status) = tokio::sync::oneshot::channel();
    let (pipes, _theirs) = Pipes::pair().unwrap();
    let launch = Launch {
        timeout: Some(Duration::from_secs(1)),
        ..Launch::default()
    };
    let (_orders, mut order) = watch::channel(Order::GoOn);
    let foster = Foster::new(pid, status);
    let mut kept = Kept::default();
    let exit = adopt(foster, pipes, launch, &mut order, &mut kept)
        .await
        .unwrap();
    assert_eq!(exit.ending, Ending::Timeout);
    assert_eq!((exit.code, exit.signal), (None, None));
    assert_eq!(stranger.try_wait().unwrap(), None);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}
