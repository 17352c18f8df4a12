//! Passwords that change while something runs that knows the old ones.

use std::fs;

use nix::sys::signal::Signal;

use crate::killed::eventually;
use crate::watch::Watch;

const OLD: &str = "canary-of-yesterday";
const NEW: &str = "canary-of-today";

fn config(password: &str) -> String {
    format!(
        "mail:\n  password: {password}\nscheduler:\n  slow:\n    type: interval\n    hours: 1\n    \
         run_at_start: true\n    command: 'until test -e go; do sleep 0.02; done; cat words; exit 3'\n"
    )
}

#[test]
fn a_run_is_masked_with_the_password_that_held_when_it_began() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yml"), config(OLD)).unwrap();
    fs::write(folder.path().join("words"), format!("{OLD} {NEW} end\n")).unwrap();
    let mut watch = Watch::start_in(folder, &[]);
    watch.expect(" start  slow");
    watch.rewrite(&config(NEW));
    watch.expect("reload config.yml: ~ mail");
    fs::write(watch.path("go"), "").unwrap();
    watch.expect(" FAILED slow");
    eventually(|| watch.sched("history -q --failed").stdout.contains("FAILED"));
    let runs = watch.sched("history --format json").exits(0).json();
    assert_eq!(runs[0]["stdout"], "******** ******** end\n");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    for file in ["state", "state/log"].map(|name| fs::read_dir(watch.path(name)).unwrap()) {
        for entry in file.flatten().filter(|entry| entry.path().is_file()) {
            let bytes = fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(OLD) && !text.contains(NEW), "{entry:?}");
        }
    }
}
