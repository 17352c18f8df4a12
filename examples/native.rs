//! A scheduler with tasks of its own, written in Rust. With this `config.yml`
//!
//! ```yaml
//! scheduler:
//!   inbox.check:
//!     type: interval
//!     minutes: 10
//!     args: [/var/spool/inbox]
//!     kwargs: {most: 500}
//! ```
//!
//! `cargo run --example native -- watch` looks every ten minutes whether files pile up, and
//! `cargo run --example native -- run-once inbox.check /tmp` looks into another folder now.

use std::fs;
use std::process::ExitCode;

use sched::run::Level;
use sched::task::native::{Call, Failure, Natives};

fn main() -> ExitCode {
    let natives = Natives::new()
        .with("inbox.check", check)
        .with("inbox.count", |call| count(&call.arg::<String>(0)?));
    sched::cli::main_with(&natives)
}

/// Fails where more than `most` files wait: a failed job is mailed.
fn check(call: &Call) -> Result<String, Failure> {
    let folder: String = call.arg(0)?;
    let most = call.kwarg::<Option<_>>("most")?.unwrap_or(100);
    let waiting = count(&folder)?;
    if waiting > most {
        return Err(format!("{waiting} files wait in {folder}, {most} may").into());
    }
    if waiting > most / 2 {
        call.log(Level::Warning, &format!("{folder} fills up"));
    }
    Ok(format!("{waiting} files wait"))
}

fn count(folder: &str) -> Result<usize, Failure> {
    Ok(fs::read_dir(folder)?.count())
}
