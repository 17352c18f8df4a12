//! `sched` as a user runs it: a folder with a config, a command line, what comes back.

mod folder;

mod next;
mod show;
mod usage;
