//! Everything about tasks that is not Python's own.

mod handler;
mod lookup;
mod programs;
