//! `sched` as a user runs it: a folder with a config, a command line, what comes back.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod folder;

mod clock;
mod completion;
mod disk;
mod history;
mod hostile;
mod kill;
mod killed;
mod log;
mod mail;
mod native;
mod next;
mod old_secrets;
mod orphans;
mod owners;
mod policy;
mod retries;
mod run_once;
mod secrets;
mod show;
mod status;
mod systemd;
mod trust;
mod usage;
mod validate;
mod watch;
