//! Task files of every kind, run by a real Python.

mod contexts;
mod ends;
mod interpreter;
mod names;
mod says;
