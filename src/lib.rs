//! A scheduler that reads docassemble's configuration and runs its tasks.
//!
//! The modules, from those that know nobody to the one that knows all. A module may use those
//! above it, never those below.

pub mod clean;
pub mod diagnostic;
pub mod environment;
pub mod reason;
pub mod run;
pub mod secret;
pub mod value;
pub mod words;

pub mod trigger;
pub mod yaml;

pub mod job;

pub mod config;

pub mod logging;
pub mod paths;
pub mod process;
pub mod reach;
pub mod source;
pub mod store;
pub mod trust;
pub mod watcher;

pub mod alert;
pub mod task;

pub mod scheduler;

pub mod cli;
