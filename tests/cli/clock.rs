//! Clocks and zones that are set while `sched watch` runs.
//!
//! libfaketime sets the clock of one process; what it does not fake is the kernel's word that the
//! clock was set (`scheduler/timer.rs` tests that), so a job of every second has the loop look.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use nix::sys::signal::Signal;

use crate::disk::works;
use crate::killed::eventually;
use crate::watch::{TICK, Watch, config_of};

/// Where distributions have the library that fakes the time.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];

fn sched() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sched"))
}

/// A job that runs at every full hour.
const HOURLY: &str =
    "  hourly: {type: cron, minute: 0, command: 'echo $SCHED_SCHEDULED_FOR >> hours'}\n";

/// A clock of one process that is so many seconds ahead.
struct Clock(PathBuf);

impl Clock {
    fn set_ahead(&self, seconds: i64) {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, &self.0).unwrap();
    }
}

/// The program with a clock of its own; `None` where there is no libfaketime.
fn with_clock(folder: &Path) -> Option<(Command, Clock)> {
    let library = LIBRARIES.into_iter().find(|path| Path::new(path).exists());
    let Some(library) = library else {
        eprintln!("skipped: libfaketime is not installed");
        return None;
    };
    let clock = Clock(folder.join("clock"));
    clock.set_ahead(0);
    let mut command = sched();
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock.0)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Some((command, clock))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the real time is what is faked")]
fn a_clock_that_is_set_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("timezone: UTC\nscheduler:\n{TICK}{HOURLY}");
    fs::write(folder.path().join("config.yml"), config).unwrap();
    let Some((command, clock)) = with_clock(folder.path()) else {
        return;
    };
    let mut watch = Watch::start_by(command, folder, &[]);
    watch.expect(" ok     tick");

    // An hour ahead: the full hour in between is late and runs, the seconds are one fire.
    clock.set_ahead(3_600);
    let line = watch.expect(" late   tick");
    let told = " fires coalesced into the latest (";
    assert!(line.contains(told) && line.contains(" to "), "{line}");
    let line = watch.expect(" late   hourly");
    assert!(line.contains(":00:00, started "), "{line}");
    watch.expect(" ok     hourly");

    // Back to two seconds before that hour, and on past it: it does not run again.
    let now: DateTime<Utc> = std::time::SystemTime::now().into();
    let hour = (now + TimeDelta::hours(1)).duration_trunc(TimeDelta::hours(1));
    let ahead = hour.unwrap() - TimeDelta::seconds(2) - now;
    clock.set_ahead(ahead.num_seconds());
    watch.expect(":59:59");
    for _ in 0..4 {
        watch.expect(" ok     tick");
    }
    let line = watch.expect(" ok     tick");
    assert!(line.contains(":00:0"), "{line}");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let hours = fs::read_to_string(watch.path("hours")).unwrap();
    assert_eq!(hours.lines().count(), 1, "{hours}");
    let hourly = watch.sched("history hourly --format json").exits(0).json();
    assert_eq!(hourly.len(), 1, "{hourly:?}");
}

#[test]
fn another_time_zone_of_the_system_takes_effect_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("localtime");
    let set = |name: &str| {
        let new = link.with_extension("new");
        symlink(format!("/usr/share/zoneinfo/{name}"), &new).unwrap();
        fs::rename(new, &link).unwrap();
    };
    set("America/New_York");
    let jobs = "scheduler:\n  noon: {type: cron, hour: 12, command: 'true'}\n  \
                fixed: {type: cron, hour: 12, timezone: UTC, command: 'true'}\n  \
                tick: {type: interval, hours: 1, command: 'true'}\n";
    fs::write(folder.path().join("config.yml"), jobs).unwrap();
    let mut command = sched();
    command.env("TZ", format!(":{}", link.display()));
    let mut watch = Watch::start_by(command, folder, &[]);
    watch.expect(" zone America/New_York (TZ)");
    watch.expect("3 jobs. Save the file to reload");
    set("Asia/Tokyo");
    watch.expect("the time zone is Asia/Tokyo now (TZ), and was America/New_York");
    watch.expect("reload config.yml: ~ noon (schedule)   ~ timezone   = 2 unchanged");
    let line = watch.expect("next ");
    assert!(line.contains(" 12:00:00 JST, in "), "{line}");
    // As long as the config names a zone, that of the system does not matter.
    watch.rewrite(&format!("timezone: Europe/Berlin\n{jobs}"));
    let line = watch.expect("next ");
    assert!(
        line.contains(" 12:00:00 CET, in ") || line.contains(" CEST, in "),
        "{line}"
    );
    set("America/New_York");
    watch.rewrite(jobs);
    let line = watch.expect("next ");
    assert!(
        line.contains(" 12:00:00 EST, in ") || line.contains(" EDT, in "),
        "{line}"
    );
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    assert!(!watch.log().contains("(TZ), and was Europe/Berlin"));
}

#[test]
fn another_time_zone_of_the_system_holds_for_a_python_that_is_kept_warm() {
    let folder = tempfile::tempdir().unwrap();
    let zone = folder.path().join("zone");
    let set = |name: &str| fs::copy(format!("/usr/share/zoneinfo/{name}"), &zone).unwrap();
    set("America/New_York");
    let mount = "mount --bind \"$0\" /etc/localtime";
    if !works(
        "unshare",
        &["-rm", "sh", "-c", mount, zone.to_str().unwrap()],
    ) {
        return;
    }
    let code = "import time\ndef f(): open('seen', 'w').write(time.strftime('%Z'))\n";
    fs::create_dir(folder.path().join("tasks")).unwrap();
    fs::write(folder.path().join("tasks/t.py"), code).unwrap();
    let jobs = config_of("  t.f: {type: interval, seconds: 1}\n");
    fs::write(folder.path().join("config.yml"), jobs).unwrap();
    let sched = env!("CARGO_BIN_EXE_sched");
    let script = format!("mount --bind zone /etc/localtime && exec {sched} \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script, "sh"]);
    command.env_remove("TZ");
    let mut watch = Watch::start_by(command, folder, &[]);
    let seen = || fs::read_to_string(watch.path("seen")).unwrap_or_default();
    eventually(|| seen().starts_with('E'));
    fs::copy("/usr/share/zoneinfo/Asia/Tokyo", watch.path("zone")).unwrap();
    eventually(|| seen() == "JST");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}
