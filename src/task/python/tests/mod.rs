//! Task files of every kind, run by a real Python.

mod contexts;
mod ends;
mod forks;
mod interpreter;
mod names;
mod says;
mod versions;
mod workers;
