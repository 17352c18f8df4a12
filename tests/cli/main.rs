//! `sched` as a user runs it: a folder with a config, a command line, what comes back.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod folder;

mod clock;
mod completion;
mod disk;
mod history;
mod kill;
mod killed;
mod mail;
mod next;
mod old_secrets;
mod orphans;
mod policy;
mod retries;
mod run_once;
mod show;
mod status;
mod systemd;
mod usage;
mod validate;
mod watch;
