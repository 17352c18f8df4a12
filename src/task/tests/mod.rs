//! Everything about tasks that is not Python's own.

mod lookup;
mod programs;
