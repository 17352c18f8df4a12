//! What `sched watch` says to systemd.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::watch::{TICK, Watch, config_of};

const A_WHILE: Duration = Duration::from_secs(30);

/// A job that tells which of systemd's variables it has.
const TELL: &str = "  tell:
    type: interval
    seconds: 1
    command: 'echo has:${NOTIFY_SOCKET-}${WATCHDOG_USEC-}${WATCHDOG_PID-}. >&2'
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yml"), config_of(TELL)).unwrap();
    folder
}

/// Watches as a service of a manager that listens at `address`.
fn serve(address: &str, folder: TempDir, variables: &[(&str, &str)]) -> Watch {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sched"));
    command.env("NOTIFY_SOCKET", address);
    command.envs(variables.iter().copied());
    Watch::start_by(command, folder, &[])
}

/// The next thing that is said, the watchdog's beats aside.
fn said(manager: &UnixDatagram) -> String {
    loop {
        let words = heard(manager);
        if words != "WATCHDOG=1" {
            return words;
        }
    }
}

fn heard(manager: &UnixDatagram) -> String {
    manager.set_read_timeout(Some(A_WHILE)).unwrap();
    let mut words = [0; 4096];
    let length = manager.recv(&mut words).unwrap();
    String::from_utf8(words[..length].to_vec()).unwrap()
}

/// The next things that are said are about reading the config again.
fn hear_reload(manager: &UnixDatagram, status: &str) {
    let words = said(manager);
    let time = words.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(time.parse::<u64>().unwrap() > 0);
    assert_eq!(said(manager), format!("READY=1\nSTATUS={status}"));
}

#[test]
fn it_is_told_of_start_reload_and_end() {
    let folder = folder();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut watch = serve(path.to_str().unwrap(), folder, &[("WATCHDOG_USEC", "")]);
    assert_eq!(said(&manager), "READY=1\nSTATUS=watching 1 job");
    watch.expect("has:.");
    watch.signal(Signal::SIGHUP);
    hear_reload(&manager, "watching 1 job");
    watch.rewrite(&config_of(&format!("{TELL}{TICK}")));
    hear_reload(&manager, "watching 2 jobs");
    watch.rewrite("scheduler: [");
    let stays = "nothing changed: the config that was read before stays in force";
    hear_reload(&manager, stays);
    std::fs::remove_file(watch.path("config.yml")).unwrap();
    hear_reload(&manager, stays);
    watch.signal(Signal::SIGHUP);
    hear_reload(&manager, stays);
    watch.signal(Signal::SIGTERM);
    assert!(said(&manager).starts_with("STOPPING=1\nSTATUS="));
    assert!(watch.end().success());
}

#[cfg(target_os = "linux")]
#[test]
fn the_watchdog_hears_the_loop_at_an_abstract_address() {
    use std::os::linux::net::SocketAddrExt;

    let folder = folder();
    let name = format!("{}/notify", folder.path().display());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    let limit = ("WATCHDOG_USEC", "200000");
    let mut watch = serve(&format!("@{name}"), folder, &[limit]);
    for _ in 0..10 {
        while heard(&manager) != "WATCHDOG=1" {}
    }
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}

#[test]
fn a_watchdog_of_another_process_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let variables = [("WATCHDOG_USEC", "2"), ("WATCHDOG_PID", "1")];
    let mut watch = serve(path.to_str().unwrap(), folder, &variables);
    assert_eq!(heard(&manager), "READY=1\nSTATUS=watching 1 job");
    watch.expect("has:.");
    watch.signal(Signal::SIGTERM);
    assert!(heard(&manager).starts_with("STOPPING=1"));
    assert!(watch.end().success());
}

#[test]
fn an_address_that_is_none_hinders_nothing() {
    let mut watch = serve("vsock:2:1234", folder(), &[]);
    watch.expect("systemd is not told: NOTIFY_SOCKET is neither a path nor an abstract name");
    watch.expect("has:.");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}

#[test]
fn the_unit_gives_up_what_it_does_not_need() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/sched.service");
    let mut analyze = Command::new("systemd-analyze");
    let analyze = analyze.args(["security", "--offline=true", "--threshold=30", unit]);
    match analyze.output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "more exposed than 3.0: {told}");
        }
        Err(error) => println!("not tested: there is no systemd-analyze ({error})"),
    }
}
