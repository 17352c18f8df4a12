//! What must hold for any bytes: one plain function for each way by which text from outside comes
//! in. The fuzzer calls them with what it invents, the tests with the corpus.

use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Parser;
use sched::cli::arguments::{Arguments, Command};
use sched::cli::run_once;
use sched::cli::time::{self, Side};
use sched::config::{self, Outside, Reading, duration};
use sched::diagnostic::render::{Style, render};
use sched::diagnostic::{Diagnostic, json};
use sched::secret::Secrets;
use sched::task::wire::{self, Assembler};
use sched::trigger::cron::{Cron, Field, Name};
use sched::trigger::{Bounds, Trigger, Zone, bound};
use sched::value::Value;
use sched::yaml;

/// The longest text that is looked at, in bytes: what is slow because it is long is no find.
const LONGEST: usize = 16 * 1024;

/// A target.
pub(crate) type Target = fn(&[u8]);

/// All targets and the folders of their corpora.
pub(crate) const TARGETS: [(&str, Target); 6] = [
    ("yaml", yaml),
    ("config", config),
    ("cron", cron),
    ("times", times),
    ("record", record),
    ("kwarg", kwarg),
];

/// YAML becomes a value that survives the way to Python, or a diagnostic with its place.
pub(crate) fn yaml(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match yaml::parse(text) {
        Ok(document) => survives(&document.root.to_value()),
        Err(diagnostic) => told(&[*diagnostic], text),
    }
    black_box(Secrets::of_yaml(text).mask(text));
}

/// A config is read to its end, its faults have places, and its jobs have fire times in order.
pub(crate) fn config(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Reading {
        config,
        jobs,
        diagnostics,
        ..
    } = config::read(text, &outside());
    told(&diagnostics, text);
    let Some(config) = config else {
        assert!(
            diagnostics.iter().any(Diagnostic::is_error),
            "nothing was read, nothing is wrong"
        );
        return;
    };
    // An entry whose key is no text is a job without a name.
    assert!(jobs >= config.jobs.len() + config.faulty.len());
    for job in &config.jobs {
        fires_in_order(&job.trigger);
        job.args.iter().for_each(survives);
        for (key, value) in &job.kwargs {
            survives(key);
            survives(value);
        }
    }
}

/// A cron trigger has fire times in order, or a fault with its place.
///
/// The text is one field a line, in the order of a crontab that begins with the year; a single
/// line is an expression.
pub(crate) fn cron(data: &[u8]) {
    const NAMES: [Name; 8] = [
        Name::Year,
        Name::Month,
        Name::Day,
        Name::Week,
        Name::DayOfWeek,
        Name::Hour,
        Name::Minute,
        Name::Second,
    ];
    let Some(text) = text(data) else { return };
    let Some((first, _)) = text.split_once('\n') else {
        match Cron::of_expression(text, Bounds::default(), zone(text), 0) {
            Ok(cron) => fires_in_order(&Trigger::Cron(cron.into())),
            Err(fault) => assert!(fault.part.is_none_or(|part| text.get(part).is_some())),
        }
        return;
    };
    let mut fields = Vec::new();
    for (name, text) in NAMES.into_iter().zip(text.lines()) {
        match Field::parse(name, text) {
            Ok(field) => fields.push(field),
            Err(fault) => assert!(fault.part.is_none_or(|part| text.get(part).is_some())),
        }
    }
    if !fields.is_empty() {
        let cron = Cron::of_fields(fields, Bounds::default(), zone(first), 0);
        fires_in_order(&Trigger::Cron(cron.into()));
    }
}

/// Durations read back what they write; points in time are instants or a message.
pub(crate) fn times(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Some(span) = duration::parse(text) {
        let written = duration::text(span);
        let again = duration::parse(&written);
        assert_eq!(again, Some(span), "{written}");
    }
    for zone in [zone("a"), zone("b")] {
        if let Ok(at) = time::parse(text, now(), &zone, Side::Ahead) {
            black_box(time::absolute(at, &zone));
            black_box(time::relative(at, now()));
        }
        if let Err(fault) = bound::parse(text, &zone) {
            assert!(fault.part.is_none_or(|part| text.get(part).is_some()));
        }
    }
}

/// What a task writes into its channel is a message or is passed over, and little of it is kept.
///
/// Each datagram has its length before it, in two bytes.
pub(crate) fn record(mut data: &[u8]) {
    let mut assembler = Assembler::default();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (datagram, rest) = rest.split_at(length);
        if let Some(message) = assembler.push(datagram) {
            black_box(wire::parse(&message));
        }
        data = rest;
    }
    black_box(wire::parse(data));
}

/// Arguments of the command line become values, or a refusal.
pub(crate) fn kwarg(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let line = ["sched", "run-once", "--kwarg", text, "--", "t.f", text];
    let Ok(arguments) = Arguments::try_parse_from(line) else {
        return;
    };
    let Command::RunOnce(arguments) = arguments.command else {
        panic!("`run-once` is another command now");
    };
    let config = config::read("scheduler: {}", &outside())
        .config
        .expect("it is a config");
    if let Ok(call) = run_once::call::call(&config, &arguments, |_| Ok(())) {
        call.job.args.iter().for_each(survives);
        assert_eq!(call.job.kwargs.len(), 1);
    }
}

/// The text that `data` is, if it is one and not too long.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data)
        .ok()
        .filter(|text| text.len() <= LONGEST)
}

/// A value comes back from its JSON form as it was, and Python's way to write it can be told.
fn survives(value: &Value) {
    let json = value.to_json();
    let back = Value::from_json(&json).expect("what was written can be read");
    assert_eq!(back.repr(), value.repr());
}

/// Diagnostics can be told to people and to programs.
fn told(diagnostics: &[Diagnostic], text: &str) {
    for span in diagnostics.iter().filter_map(|one| one.span) {
        let (start, end) = (span.start as usize, span.end as usize);
        assert!(
            text.get(start..end).is_some(),
            "{span:?} is no place of the text"
        );
    }
    let style = Style {
        width: 80,
        color: false,
    };
    black_box(render(diagnostics, text, "config.yml", style));
    black_box(json::findings(diagnostics, text));
}

/// Each fire time is later than the one before, and there is a sentence for them.
fn fires_in_order(trigger: &Trigger) {
    let mut before = now();
    for _ in 0..4 {
        let Some(fire_time) = trigger.next_after(before) else {
            break;
        };
        assert!(fire_time > before, "{fire_time} is not after {before}");
        before = fire_time;
    }
    assert!(!trigger.english().is_empty());
}

/// New York's clocks change within the fires that are looked at; Lord Howe's by half an hour.
fn zone(text: &str) -> Zone {
    let name = if text.len().is_multiple_of(2) {
        "America/New_York"
    } else {
        "Australia/Lord_Howe"
    };
    Zone::named(name).expect("the zone is known")
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::from_secs(1_793_491_200)
}

fn outside() -> Outside {
    Outside::new(now(), "/config", Zone::utc())
}
