//! The `sched` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    sched::cli::main()
}
