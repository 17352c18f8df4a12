//! A program whose native tasks end in every way there is.

use std::process::ExitCode;
use std::time::Duration;

use sched::run::Level;
use sched::task::native::{Failure, Natives};
use sched::value::Value;

fn main() -> ExitCode {
    let natives = Natives::new()
        .with("end.well", |call| {
            println!("{:?} {:?}", call.args, call.kwargs);
            call.log(Level::Warning, "a line\nof two");
            Ok(call.job().to_owned())
        })
        .with("end.in_error", |_| -> Result<(), Failure> {
            Err(Box::new(std::io::Error::other("no such luck")))
        })
        .with("end.in_panic", |call| {
            let nothing: [u8; 0] = [];
            Ok(u64::from(nothing[call.args.len()]))
        })
        .with("end.in_thread", |_| {
            let thread = std::thread::spawn(|| panic!("not here"));
            Ok(if thread.join().is_err() { "over" } else { "" })
        })
        .with("end.in_abort", |_| -> Result<(), Failure> {
            std::process::abort()
        })
        .with("end.in_exit", |call| -> Result<(), Failure> {
            std::process::exit(call.arg(0)?)
        })
        .with("end.never", |_| {
            println!("asleep");
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        })
        .with("end.large", |_| Ok(Value::Str("x".repeat(1_000_000))));
    sched::cli::main_with(&natives)
}
