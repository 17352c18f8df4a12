//! The process of a run: it is told what to call, calls it, and reports how that ended.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixDatagram;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::{Call, Closure, Natives, Request};
use crate::process::inherited_channel;
use crate::run::{Level, Record, RunError};
use crate::task::chain;
use crate::task::wire::{self, Message, Report};
use crate::value::Value;

/// What a panic is called where an error has its class.
const PANIC_CLASS: &str = "Panic";

/// The exit code of a Rust program that panicked.
const PANICKED: u8 = 101;

/// The longest text of a returned value that is kept, in characters.
const LONGEST_VALUE: usize = 10_000;

/// The longest text of an error or a line of the log, in characters.
const LONGEST_TEXT: usize = 64 * 1024;

thread_local! {
    /// How the last panic of this thread is told.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Calls the task that standard input names and reports how it ended; `now` gives the time. To be
/// called first of all, in a process that was started for it.
pub fn serve(natives: &Natives, now: fn() -> DateTime<Utc>) -> ExitCode {
    let Ok((request, channel)) = begin() else {
        eprintln!("error: `{}` is no command", super::COMMAND);
        return ExitCode::from(2);
    };
    let call = Call {
        args: request.args,
        kwargs: request.kwargs,
        job: request.job,
        task: request.task,
        pen: Pen::new(channel, now),
    };
    let result = match natives.0.get(&call.task) {
        Some(closure) => result_of(closure, &call),
        None => Err(failed(
            "Error",
            &format!("there is no native task `{}`", call.task),
        )),
    };
    let code = match &result {
        Ok(_) => 0,
        Err(error) if error.class == PANIC_CLASS => PANICKED,
        Err(_) => 1,
    };
    let returned = result.as_ref().ok().filter(|value| **value != Value::None);
    let returned = returned.map(|value| shortened(&value.str(), LONGEST_VALUE));
    if let (Some(text), Ok(value)) = (&returned, &result)
        && value.is_true()
    {
        call.pen.note(&format!("'{}' returned '{text}'", call.job));
    }
    call.pen.write(Message::Result(Report {
        returned,
        error: result.err(),
        handled: None,
    }));
    ExitCode::from(code)
}

/// What a run needs.
struct Begun {
    task: String,
    job: String,
    args: Vec<Value>,
    kwargs: Vec<(Value, Value)>,
}

/// Reads the request, and takes care that nobody else reads or writes what it came with.
fn begin() -> io::Result<(Begun, UnixDatagram)> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    let mut text = serde_json::Deserializer::from_slice(&text);
    // A config bounds how deep its values are; each of its levels is several here.
    text.disable_recursion_limit();
    let request: Request = serde::Deserialize::deserialize(&mut text)?;
    let channel = inherited_channel(request.channel)?;
    let value = |json: &Json| Value::from_json(json).map_err(io::Error::other);
    let begun = match (value(&request.args)?, value(&request.kwargs)?) {
        (Value::List(args), Value::Map(kwargs)) => Begun {
            task: request.task,
            job: request.job,
            args,
            kwargs,
        },
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    Ok((begun, channel))
}

/// Calls the closure. A panic ends the call, not the report of it.
fn result_of(closure: &Closure, call: &Call) -> Result<Value, RunError> {
    let before = take_hook();
    set_hook(Box::new(move |info| {
        let backtrace = Backtrace::capture();
        let backtrace = match backtrace.status() {
            BacktraceStatus::Captured => backtrace.to_string(),
            _ => String::new(),
        };
        PANIC.set(format!("{info}\n{backtrace}"));
        before(info);
    }));
    match catch_unwind(AssertUnwindSafe(|| closure(call))) {
        Ok(result) => result.map_err(|error| failed("Error", &chain(&*error))),
        Err(panic) => Err(RunError {
            traceback: shortened(&PANIC.take(), LONGEST_TEXT),
            ..failed(PANIC_CLASS, text_of(&*panic))
        }),
    }
}

fn failed(class: &str, message: &str) -> RunError {
    RunError {
        class: class.to_owned(),
        message: shortened(message, LONGEST_TEXT),
        traceback: String::new(),
    }
}

/// What a panic says.
fn text_of(panic: &dyn Any) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text")
}

/// `text`, its middle left out where it is too long.
fn shortened(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let notice = |left_out: usize| format!("\n[{left_out} characters left out]\n");
    // So that it fits with the notice, whose number may be as long as that of all.
    let half = longest.saturating_sub(notice(count).len()) / 2;
    let first = text.chars().take(half);
    let last = text.chars().skip(count - half);
    let notice = notice(count - 2 * half);
    first.chain(notice.chars()).chain(last).collect()
}

/// Writes messages into the channel of a run.
#[derive(Debug)]
pub(super) struct Pen {
    channel: UnixDatagram,
    now: fn() -> DateTime<Utc>,
    written: AtomicU64,
}

impl Pen {
    fn new(channel: UnixDatagram, now: fn() -> DateTime<Utc>) -> Self {
        Self {
            channel,
            now,
            written: AtomicU64::new(0),
        }
    }

    /// Logs a line of the task, whose code is at `place`.
    pub(super) fn log(&self, level: Level, text: &str, function: &str, place: &Location<'_>) {
        let message = shortened(text, LONGEST_TEXT);
        let alarm = (level == Level::Critical).then(|| {
            Box::new(RunError {
                class: "Exception".to_owned(),
                message: message.clone(),
                traceback: format!("{}:{}\n", place.file(), place.line()),
            })
        });
        let file = Path::new(place.file()).file_name().unwrap_or_default();
        self.write(Message::Log(Record {
            level,
            at: (self.now)(),
            file: file.to_string_lossy().into_owned(),
            function: function.to_owned(),
            line: place.line(),
            message,
            alarm,
        }));
    }

    /// Logs a line of ours.
    fn note(&self, text: &str) {
        self.write(Message::Log(Record {
            level: Level::Info,
            at: (self.now)(),
            file: "sched".to_owned(),
            function: "run".to_owned(),
            line: 0,
            message: text.to_owned(),
            alarm: None,
        }));
    }

    fn write(&self, message: Message) {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        for piece in wire::pieces(message, std::process::id().into(), number) {
            // A task must not fail because nobody listens any more.
            let _ = self.channel.send(&piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_text_is_left_out() {
        assert_eq!(shortened("short", 5), "short");
        let short = shortened(&"ä".repeat(200), 50);
        let sides = "ä".repeat(11);
        assert_eq!(
            short,
            format!("{sides}\n[178 characters left out]\n{sides}")
        );
        assert!(short.chars().count() <= 50);
    }
}
