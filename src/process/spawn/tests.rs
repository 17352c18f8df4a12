//! Each way to start a child, beside the others: whoever is started cannot tell them apart.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};

use super::*;

type Way = fn(&Launch, Streams, Entry) -> io::Result<Own>;

const WAYS: &[(&str, Way)] = &[
    ("fork", fork),
    #[cfg(target_os = "linux")]
    ("vfork", |launch, streams, entry| {
        crate::process::vfork::start(launch, &streams, &entry)
    }),
];

/// A program with its arguments.
fn program(words: &[&str]) -> Launch {
    Launch {
        program: words[0].into(),
        args: words[1..].iter().map(OsString::from).collect(),
        ..Launch::default()
    }
}

fn shell(script: &str) -> Launch {
    program(&["/bin/sh", "-c", script])
}

/// A program that is looked for in the folders `path`, from the folder `directory` on.
fn program_on(path: Option<&str>, directory: &Path, words: &[&str]) -> Launch {
    Launch {
        variables: vec![("PATH".into(), path.map(OsString::from))],
        directory: Some(directory.to_owned()),
        ..program(words)
    }
}

/// A child of ours that keeps nothing but its streams.
fn alone() -> Entry {
    Entry {
        identity: None,
        is_guarded: true,
        inherited: [None, None],
    }
}

/// How a child of that way ended, and what it wrote.
fn run(way: Way, launch: &Launch, entry: Entry) -> io::Result<(ExitStatus, String)> {
    let (mut output, theirs) = io::pipe()?;
    let stdin = File::open("/dev/null")?.into();
    let mut child = way(
        launch,
        [stdin, theirs.try_clone()?.into(), theirs.into()],
        entry,
    )?;
    let mut text = String::new();
    output.read_to_string(&mut text)?;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    Ok((runtime.block_on(child.wait())?, text))
}

/// What a child of that way wrote, which ended well.
fn said(way: Way, launch: &Launch) -> String {
    let (status, text) = run(way, launch, alone()).unwrap();
    assert!(status.success(), "{status}: {text}");
    text
}

/// A folder with what the script makes there: in another process, for as long as one of ours had
/// a file open, a child of a neighbouring test could hold it open too, and nobody could execute it.
fn folder(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch {
        directory: Some(folder.path().to_owned()),
        ..shell(&format!("set -e; {script}"))
    };
    said(fork, &launch);
    folder
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_has_our_signals_but_for_sigpipe_and_handlers() {
    extern "C" fn nothing(_: nix::libc::c_int) {}
    let bit = |signal: Signal| 1_u64 << (signal as i32 - 1);
    let handle = |of, handler| {
        // SAFETY: the handler does nothing.
        unsafe { signal(of, handler) }.unwrap()
    };
    let before = [
        (
            Signal::SIGUSR1,
            handle(Signal::SIGUSR1, SigHandler::Handler(nothing)),
        ),
        (Signal::SIGUSR2, handle(Signal::SIGUSR2, SigHandler::SigIgn)),
    ];
    let blocked = SigSet::from(Signal::SIGUSR1);
    blocked.thread_block().unwrap();
    let mask = SigSet::thread_get_mask().unwrap();
    for (name, way) in WAYS {
        let status = said(*way, &program(&["cat", "/proc/self/status"]));
        let signals = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
        };
        let blocked = signals("SigBlk:");
        assert_eq!(
            blocked & bit(Signal::SIGUSR1),
            bit(Signal::SIGUSR1),
            "{name}"
        );
        assert_eq!(blocked & bit(Signal::SIGTERM), 0, "{name}");
        assert_eq!(signals("SigCgt:"), 0, "{name}");
        let ignored = signals("SigIgn:");
        assert_eq!(
            ignored & bit(Signal::SIGUSR2),
            bit(Signal::SIGUSR2),
            "{name}"
        );
        assert_eq!(ignored & bit(Signal::SIGPIPE), 0, "{name}");
        assert_eq!(SigSet::thread_get_mask().unwrap(), mask, "{name}");
    }
    blocked.thread_unblock().unwrap();
    for (of, handler) in before {
        handle(of, handler);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_leads_its_session_and_its_group() {
    for (name, way) in WAYS {
        let numbers = said(*way, &shell("echo $$ && cut -d' ' -f5,6 /proc/$$/stat"));
        let numbers: Vec<_> = numbers.split_whitespace().collect();
        assert_eq!(numbers, [numbers[0]; 3], "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_inherits_what_it_is_given() {
    // Inherited unless somebody sees to it.
    let leak = nix::unistd::dup(File::open("/dev/full").unwrap()).unwrap();
    for (name, way) in WAYS {
        let given: [OwnedFd; 2] = [(); 2].map(|()| File::open("/dev/zero").unwrap().into());
        let numbers = given.each_ref().map(|given| given.as_raw_fd().to_string());
        let entry = Entry {
            inherited: given.map(Some),
            ..alone()
        };
        let script = "cd /proc/self/fd && for fd in *; do echo $fd $(readlink $fd); done";
        let (_, text) = run(*way, &shell(script), entry).unwrap();
        let zeroes = text
            .lines()
            .filter_map(|line| line.strip_suffix(" /dev/zero"));
        let zeroes: BTreeSet<_> = zeroes.collect();
        assert_eq!(
            zeroes,
            numbers.iter().map(String::as_str).collect(),
            "{name}: {text}"
        );
        assert!(text.starts_with("0 /dev/null\n1 pipe:"), "{name}: {text}");
        assert!(!text.contains("/dev/full"), "{name}: {text}");
    }
    drop(leak);
}

#[test]
fn a_child_has_our_environment_with_the_changes() {
    for (name, way) in WAYS {
        let launch = Launch {
            variables: vec![
                ("HOME".into(), None),
                ("SCHED_TEST_WORD".into(), Some("a=b\nc".into())),
                ("SCHED_TEST_EMPTY".into(), Some("".into())),
            ],
            ..program(&["env", "-0"])
        };
        let text = said(*way, &launch);
        let mut entries: Vec<_> = text.split_terminator('\0').collect();
        entries.sort_unstable();
        let ours = std::env::vars().filter(|(name, _)| name != "HOME");
        let ours = ours.map(|(name, value)| format!("{name}={value}"));
        let more = ["SCHED_TEST_WORD=a=b\nc", "SCHED_TEST_EMPTY="].map(str::to_owned);
        let mut expected: Vec<_> = ours.chain(more).collect();
        expected.sort_unstable();
        assert_eq!(entries, expected, "{name}");
    }
}

#[test]
fn a_program_is_looked_for_on_the_path_of_the_child() {
    let folder = folder(
        "mkdir none some more; echo no > none/tool; \
         for each in some more; do \
             echo 'printf \"%s|\" \"$0\" \"$@\"' > $each/tool; chmod 755 $each/tool; \
         done",
    );
    let here = folder.path();
    let file = here.join("some/tool").display().to_string();
    for (name, way) in WAYS {
        let run = |path, words: &[&str]| said(*way, &program_on(path, here, words));
        // A file that names no interpreter is a script of the shell.
        assert_eq!(run(None, &[&file, "a b"]), format!("{file}|a b|"), "{name}");
        let path = format!("/nowhere:{file}:none:some:more");
        let found = run(Some(&path), &["tool", "-c", ""]);
        assert_eq!(found, "some/tool|-c||", "{name}");
        assert_eq!(
            run(Some("none:more"), &["some/tool"]),
            "some/tool|",
            "{name}"
        );
        assert_eq!(run(None, &["echo", "found"]), "found\n", "{name}");
    }
}

#[test]
fn what_keeps_a_program_from_its_start_is_told() {
    let folder = folder(
        "echo no > none; \
         echo '#!/nowhere/sh' > script; chmod 755 script; \
         mkdir folder",
    );
    let here = folder.path();
    let long = "x".repeat(10_000_000);
    let elsewhere = here.join("elsewhere");
    let refusals = [
        (program_on(None, here, &["./nothing"]), Errno::ENOENT),
        (program_on(None, here, &["./none"]), Errno::EACCES),
        (program_on(None, here, &["./none/nothing"]), Errno::ENOTDIR),
        (program_on(None, here, &["./folder"]), Errno::EACCES),
        (program_on(None, here, &["./script"]), Errno::ENOENT),
        (program_on(None, here, &["./script", &long]), Errno::E2BIG),
        (program_on(None, here, &["no-such-program"]), Errno::ENOENT),
        (program_on(Some(""), here, &["nothing"]), Errno::ENOENT),
        (program_on(Some(""), here, &["none"]), Errno::EACCES),
        (
            program_on(Some(":/nowhere"), here, &["none"]),
            Errno::EACCES,
        ),
        (program_on(Some("/bin"), here, &[""]), Errno::ENOENT),
        (
            program_on(None, here, &[&long[..5000]]),
            Errno::ENAMETOOLONG,
        ),
        (program_on(None, &elsewhere, &["true"]), Errno::ENOENT),
    ];
    for (name, way) in WAYS {
        for (launch, why) in &refusals {
            let error = run(*way, launch, alone()).unwrap_err();
            let told = error.raw_os_error().map(Errno::from_raw);
            let program = launch.program.display().to_string();
            assert_eq!(told, Some(*why), "{name}: {program:.20}");
        }
        let cut_off = run(*way, &shell("echo a\0b"), alone()).unwrap_err();
        assert_eq!(cut_off.kind(), io::ErrorKind::InvalidInput, "{name}");
    }
}

/// What did not become the program has the name of the thread that started it.
#[cfg(target_os = "linux")]
#[test]
fn what_did_not_start_leaves_no_zombie() {
    let ours = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
    let is_ours = |process: std::fs::DirEntry| {
        let is_process = process.file_name().to_string_lossy().parse::<u32>().is_ok();
        let comm = std::fs::read_to_string(process.path().join("comm"));
        is_process && comm.is_ok_and(|comm| comm == ours)
    };
    for (name, way) in WAYS {
        run(*way, &program(&["/nowhere"]), alone()).unwrap_err();
        let mut glances = 0;
        while Path::new("/proc")
            .read_dir()
            .unwrap()
            .flatten()
            .any(is_ours)
        {
            assert!(glances < 3000, "{name}: still there after half a minute");
            glances += 1;
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[test]
fn children_of_many_threads_do_not_mix() {
    let started = |way: Way, thread: usize| {
        for number in 0..20 {
            let word = format!("{thread} {number}");
            let launch = Launch {
                variables: vec![("WORD".into(), Some(word.clone().into()))],
                ..shell("echo \"$0 $WORD\"; exit 0")
            };
            let launch = Launch {
                args: launch
                    .args
                    .into_iter()
                    .chain([word.clone().into()])
                    .collect(),
                ..launch
            };
            assert_eq!(said(way, &launch), format!("{word} {word}\n"));
        }
    };
    for (_, way) in WAYS {
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || started(*way, thread));
            }
        });
    }
}
