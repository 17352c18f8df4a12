//! Task files of every kind, run by a real Python.

mod contexts;
mod ends;
mod forks;
mod interpreter;
mod names;
mod says;
pub(super) mod versions;
mod workers;
