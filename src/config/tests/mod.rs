use chrono::{DateTime, Utc};

mod vectors;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::*;
use crate::diagnostic::Severity;
use crate::job::{Surroundings, Task};
use crate::run::Level;
use crate::secret::MASK;
use crate::trigger::Trigger;
use crate::trigger::Zone;
use crate::value::Value;

fn outside() -> Outside {
    Outside::new(
        "2026-11-24T14:30:12Z".parse::<DateTime<Utc>>().unwrap(),
        "/srv",
        Zone::named("America/New_York").unwrap(),
    )
}

fn reading(text: &str) -> Reading {
    read(text, &outside())
}

/// `4:5 error[unknown-key] message; help; help` for each diagnostic.
fn faults(text: &str) -> Vec<String> {
    shown(&reading(text), text)
}

fn shown(reading: &Reading, text: &str) -> Vec<String> {
    reading
        .diagnostics
        .iter()
        .map(|one| {
            let place = one.span.map_or_else(String::new, |span| {
                let before = &text[..span.start as usize];
                let line = before.matches('\n').count() + 1;
                let column = before
                    .chars()
                    .rev()
                    .take_while(|char| *char != '\n')
                    .count()
                    + 1;
                format!("{line}:{column} ")
            });
            let parts = [&one.message]
                .into_iter()
                .chain(&one.help)
                .cloned()
                .collect::<Vec<_>>();
            format!(
                "{place}{}[{}] {}",
                one.severity.word(),
                one.code.word(),
                parts.join("; ")
            )
        })
        .collect()
}

fn config(text: &str) -> Config {
    let reading = reading(text);
    let errors: Vec<_> = reading
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    reading.config.unwrap()
}

/// One job with these lines below its key.
fn job(lines: &str) -> String {
    let body = lines.lines().fold(String::new(), |text, line| {
        text + "    "
            + line
            + "
"
    });
    format!("scheduler:\n  a.b:\n{body}")
}

const README_OF_DOCASSEMBLE_SCHEDULER: &str = "\
scheduler:
    log level: debug
    test.heartbeat:
        type: interval
        minutes: 1
    test.heartbeat:
        type: cron
        day: 1
        hour: 0
        minute: 1
    test.test_arbitrary_params:
        type: interval
        minutes: 1
        args:
            - positional_value_1
            - positional_value_2
        kwargs:
            optional_param: optional_value
";

#[test]
fn a_name_that_is_no_text_can_be_made_one() {
    let told = |name: &str| faults(&format!("scheduler:\n  {name}: {{command: ls}}\n"));
    let off = "2:3 error[bad-name] a job's name must be text, not False; \
               for text put it into quotes: `\"off\":`";
    assert_eq!(told("off"), [off]);
    let number = "2:3 error[bad-name] a job's name must be text, not 5; \
                  for text put it into quotes: `\"5\":`";
    assert_eq!(told("5"), [number]);
}

#[test]
fn the_name_of_a_job_makes_nothing_in_it_secret() {
    let text = "\
scheduler:
  renew api token: {type: interval, minutes: 30, command: [echo, finished]}
  rotate key:
    type: cron
    hour: 4
    command: echo finished
    environment: {API_TOKEN: hunter22}
  a.b: {type: interval, days: 1, kwargs: {credentials: {type: service, user: somebody}}}
passwords: {root: hunter33}
";
    for secrets in [reading(text).secrets, Secrets::of_yaml(text)] {
        for open in ["interval", "finished", "echo finished"] {
            assert_eq!(secrets.mask(open), open);
        }
        assert_eq!(secrets.mask("hunter22"), MASK);
    }
    for hidden in ["somebody", "hunter33"] {
        assert_eq!(reading(text).secrets.mask(hidden), MASK);
    }
}

#[test]
fn ways_out_can_be_followed() {
    let job = |lines: &str| faults(&format!("scheduler:\n  a.b: {{{lines}}}\n"));
    let every = "type: interval, days: 1";
    for (args, list) in [
        ("hello", "[hello]"),
        ("'it''s, so'", "['it''s, so']"),
        ("a:b", "['a:b']"),
    ] {
        let told = job(&format!("{every}, args: {args}"));
        assert!(
            told[0].ends_with(&format!("write `args: {list}`")),
            "{told:?}"
        );
    }
    let told =
        faults("scheduler:\n  a.b:\n    type: interval\n    days: 1\n    args: hello, world\n");
    assert!(
        told[0].ends_with("write `args: ['hello, world']`"),
        "{told:?}"
    );
    let told = faults(
        "scheduler:\n  a.b:\n    type: interval\n    days: 1\n    args: |\n      one\n      two\n",
    );
    assert!(told[0].ends_with("write `args: […]`"), "{told:?}");
    let told = job("triggers: [{type: interval, days: 1, timeout: 5}]");
    assert_eq!(
        told,
        [
            "2:46 error[unknown-key] `timeout` is a key of the job, not of a trigger; \
          write it beside `triggers`"
        ]
    );
    let told = job(&format!("{every}, retries: 5000000000"));
    assert!(
        told[0].contains("a whole number from 0 to 4294967295, but this is"),
        "{told:?}"
    );
}

#[test]
fn defaults_of_which_all_is_a_comment_are_none() {
    let text = "scheduler:\n  job defaults:\n  # timeout: 5\n  a.b: {type: interval, days: 1}\n";
    assert_eq!(faults(text), [""; 0]);
    assert_eq!(reading(text).config.unwrap().jobs.len(), 1);
}

#[test]
fn a_handler_that_is_that_of_all_jobs_is_no_fault() {
    let text = |own: &str| {
        format!(
            "scheduler:\n  error handler: h.a\n  a.b: {{type: interval, days: 1, error handler: {own}}}\n"
        )
    };
    assert_eq!(faults(&text("h.a")), [""; 0]);
    assert!(faults(&text("h.b"))[0].contains("has no effect beside"));
}

#[test]
fn what_is_wrong_with_a_list_is_said() {
    let told = |line: &str| faults(&format!("scheduler:\n  a: {{{line}}}\n"));
    assert_eq!(
        told("triggers: [], command: ls"),
        [
            "2:17 error[bad-value] `triggers` must be a list of triggers, but this is an empty list; \
          write `triggers: [{type: cron, hour: 4}, …]`"
        ]
    );
    let command = |value: &str| told(&format!("type: cron, hour: 4, command: {value}"));
    let help = "write `command: [program, argument]`, or text for /bin/sh";
    assert_eq!(
        command("[]"),
        [format!(
            "2:37 error[bad-value] `command` must be a list of words or text, but this is an empty list; {help}"
        )]
    );
    assert_eq!(
        command("[ls, [a]]"),
        [format!(
            "2:37 error[bad-value] each word of `command` must be text or a number; {help}"
        )]
    );
}

#[test]
fn a_doubled_key_runs_both_schedules() {
    let config = config(README_OF_DOCASSEMBLE_SCHEDULER);
    let names: Vec<&str> = config.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "test.heartbeat",
            "test.heartbeat#2",
            "test.test_arbitrary_params"
        ]
    );
    assert_eq!(
        config.jobs[1].task,
        Task::Named("test.heartbeat".to_owned())
    );
    assert_eq!(
        config.jobs[1].trigger.to_string(),
        "cron[day='1', hour='0', minute='1']"
    );
    assert_eq!(config.settings.log_level, Level::Debug);
    let text = |text: &str| Value::Str(text.to_owned());
    assert_eq!(
        config.jobs[2].args,
        [text("positional_value_1"), text("positional_value_2")]
    );
    assert_eq!(
        config.jobs[2].kwargs,
        [(text("optional_param"), text("optional_value"))]
    );
    assert_eq!(
        faults(README_OF_DOCASSEMBLE_SCHEDULER),
        [
            "6:5 warning[duplicate-key] `test.heartbeat` is given twice; both schedules run, this \
          one as `test.heartbeat#2`; give it a name of its own, e.g. `test.heartbeat second:`; \
          docassemble.Scheduler would keep only this second one"
        ]
    );
}

#[test]
fn every_fault_of_a_file_is_found_in_one_go() {
    let text = "\
scheduler:
    log level: debgu
    timezone: America/NewYork
    test.hartbeat:
        type: interval
        minute: 1
    test.heartbeat:
        type: corn
        day: 32
        hour: 4:30
    test.test_arbitrary_params:
        type: interval
        minutes: 1.5
        arg:
            - one
    test.test_long_running:
        type: cron
        month: 2
        day: 31
";
    let found = faults(text);
    for expected in [
        "2:16 warning[bad-value] unknown log level `debgu`; INFO is used; did you mean `debug`?",
        "3:15 error[unknown-zone] no time zone is called `America/NewYork`; did you mean `America/New_York`?",
        "6:9 error[unknown-key] `minute` is a key of cron triggers; this job is an interval; did you mean `minutes`?",
        "8:15 error[bad-value] unknown trigger type `corn`; did you mean `cron`? (interval, cron, date)",
        "9:14 error[bad-value] `day` must be 1-31, not 32",
        "10:15 error[bad-value] `hour` must be 0-23, but this is 270; YAML 1.1 reads 4:30 as 4×60+30; write `hour: 4` and `minute: 30`",
        "13:18 error[bad-value] `minutes` must be a whole number; for 90 seconds write `seconds: 90`",
        "14:9 error[unknown-key] unknown key `arg`; did you mean `args`?",
        "19:14 warning[never-fires] this schedule never fires: February has no day 31",
    ] {
        assert!(
            found.iter().any(|one| one.starts_with(expected)),
            "{expected}\n{found:#?}"
        );
    }
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn a_faulty_job_is_left_out_and_the_others_stay() {
    let text = "\
scheduler:
  a.b:
    type: interval
    minuts: 5
  c.d:
    type: interval
    minutes: 5
";
    let config = reading(text).config.unwrap();
    assert_eq!(config.faulty, ["a.b"]);
    assert_eq!(config.jobs.len(), 1);
}

#[test]
fn what_a_job_calls_may_be_faulty_without_leaving_it_out() {
    let text = job("type: interval\nminutes: 5\nargs: 5\nkwargs: [1]\ncontextmanager: 7");
    let reading = reading(&text);
    assert_eq!(
        reading
            .diagnostics
            .iter()
            .filter(|one| one.is_error())
            .count(),
        3
    );
    let config = reading.config.unwrap();
    assert_eq!((config.jobs.len(), config.faulty.len()), (1, 0));
    assert_eq!(
        (&config.jobs[0].args, &config.jobs[0].kwargs),
        (&vec![], &vec![])
    );
}

#[test]
fn a_space_and_an_underscore_are_the_same_in_keys_of_ours() {
    let text = "\
scheduler:
  log_level: error
  max_workers: 3
  a.b:
    type: interval
    minutes: 5
    max instances: 2
    misfire grace time: 1h
    error_handler: a.c
";
    let config = config(text);
    assert_eq!(config.settings.log_level, Level::Error);
    assert_eq!(config.settings.max_workers, Some(3));
    assert_eq!(config.jobs[0].policy.max_instances, 2);
    assert_eq!(
        config.jobs[0].policy.misfire_grace_time,
        Some(Duration::from_secs(3600))
    );
    assert_eq!(config.jobs[0].error_handler.as_deref(), Some("a.c"));
}

#[test]
fn a_missing_section_names_the_nearest_key() {
    assert_eq!(
        faults("schedular:\n  a.b: {type: interval, minutes: 1}\n"),
        [
            "1:1 error[missing-section] there is no `scheduler` section; `schedular` was probably \
          meant to be `scheduler`"
        ]
    );
    assert!(faults("")[0].starts_with("error[missing-section] the file is empty"));
    assert!(faults("scheduler:\n")[0].starts_with("1:1 warning[empty-section]"));
    assert!(reading("scheduler:\n").config.is_some());
    assert!(reading("scheduler: [a]\n").config.is_none());
}

#[test]
fn directives_of_docassemble_are_read_with_either_spelling() {
    let text = "\
appname: Aid
error_notification_email: [a@example.org, b@example.org]
timezone: Europe/Berlin
log: /var/log/da
scheduler: {a.b: {type: cron, hour: 4}}
";
    let config = config(text);
    assert_eq!(config.directives.appname.as_deref(), Some("Aid"));
    assert_eq!(
        config.directives.error_notification_email,
        ["a@example.org", "b@example.org"]
    );
    assert_eq!(
        config.directives.log.as_deref(),
        Some(std::path::Path::new("/var/log/da"))
    );
    assert_eq!(config.settings.timezone.name(), "Europe/Berlin");
    assert_eq!(config.settings.timezone_from, ZoneOrigin::Docassemble);
}

#[test]
fn a_faulty_zone_is_replaced_by_the_next_that_is_named() {
    for (text, name, from) in [
        (
            "timezone: Asia/Tokyo\nscheduler: {timezone: Asia/Tokio}\n",
            "Asia/Tokyo",
            ZoneOrigin::Docassemble,
        ),
        (
            "scheduler: {timezone: Asia/Tokio}\n",
            "America/New_York",
            ZoneOrigin::System,
        ),
        (
            "timezone: Asia/Tokio\nscheduler: {}\n",
            "America/New_York",
            ZoneOrigin::System,
        ),
    ] {
        let settings = reading(text).config.unwrap().settings;
        let zone = (settings.timezone.name(), settings.timezone_from);
        assert_eq!(zone, (name, from), "{text}");
        assert_eq!(settings.faulty, ["timezone"], "{text}");
    }
    let text = "timezone: Asia/Tokio\nscheduler: {timezone: Asia/Tokyo}\n";
    let settings = reading(text).config.unwrap().settings;
    assert_eq!(
        (settings.timezone.name(), &*settings.faulty),
        ("Asia/Tokyo", &[][..])
    );
}

#[test]
fn faulty_settings_keep_what_held_before() {
    let before = "\
scheduler:
  log directory: logs
  tasks directory: jobs
  python: /usr/bin/python3
  timezone: Asia/Tokyo
  error handler: a.b
  docassemble context: 'on'
  preload: [json]
  max workers: 3
  keep history: 365d
  recovery mail: false
  use docassemble database: true
";
    let after = "\
scheduler:
  log directory: []
  tasks directory: []
  python: []
  timezone: Asia/Tokio
  error handler: []
  docassemble context: []
  preload: {}
  max workers: 0
  keep history: 365y
  recovery mail: []
  use docassemble database: true
";
    let before = reading(before).config.unwrap().settings;
    assert_eq!(before.faulty, [""; 0]);
    let mut settings = reading(after).config.unwrap().settings;
    let different = settings.differences(&before);
    assert_eq!(different.len(), 10, "{different:?}");
    let (mut faulty, mut sorted) = (settings.faulty.clone(), different);
    faulty.sort_unstable();
    sorted.sort_unstable();
    assert_eq!(faulty, sorted);
    settings.keep(&before);
    assert_eq!(settings.differences(&before), [""; 0]);
    assert_eq!(settings.timezone_from, before.timezone_from);
    let other = reading("scheduler: {log level: debug}\n").config.unwrap();
    let mut all = key::SETTINGS.to_vec();
    all.retain(|name| *name != "job defaults");
    assert_eq!(other.settings.differences(&before), all);
}

#[test]
fn config_from_replaces_what_stands_beside_it() {
    let text = "\
timezone: Europe/Berlin
config from: {timezone: Asia/Tokyo}
scheduler: {a.b: {type: cron, hour: 4}}
";
    assert_eq!(config(text).settings.timezone.name(), "Asia/Tokyo");
}

#[test]
fn a_faulty_zone_of_the_config_leaves_out_what_depends_on_it() {
    let text = "\
timezone: Mars/Olympus
scheduler:
  a.interval: {type: interval, minutes: 5}
  a.cron: {type: cron, hour: 4}
  a.own: {type: cron, hour: 4, timezone: UTC}
";
    let config = reading(text).config.unwrap();
    assert_eq!(config.faulty, ["a.cron"]);
    assert_eq!(faults(text).len(), 1);
}

#[test]
fn what_yaml_reads_otherwise_than_it_looks_is_told_unless_its_key_says_what_is_meant() {
    let quiet = job(
        "type: interval\nminutes: 5\nenabled: yes\nstart_date: 2024-01-01\nenvironment: {A: 010, B: no}",
    );
    assert_eq!(faults(&quiet), Vec::<String>::new());
    let loud =
        job("type: interval\nminutes: 5\nkwargs: {a: 010, b: no, c: 12:30:00, d: 1e3, e: '1e3'}");
    assert_eq!(faults(&loud).len(), 4, "{:#?}", faults(&loud));
    assert!(faults(&loud)[0].contains("YAML 1.1 reads 010 as 8"));
}

#[test]
fn a_number_that_looks_like_another_is_told_as_it_is_read() {
    let told = |lines: &str| {
        let mut faults = faults(&job(lines));
        assert_eq!(faults.len(), 1, "{faults:?}");
        let fault = faults.remove(0);
        assert!(fault.contains("warning[surprising-value] YAML"), "{fault}");
        fault.split_once("; ").unwrap().1.to_owned()
    };
    for (line, help) in [
        (
            "timeout: 1:30",
            "write `timeout: 1m30s`, or `timeout: 1h30m` for hours and minutes",
        ),
        (
            "misfire_grace_time: 1:00:00",
            "write `misfire_grace_time: 1h`",
        ),
        ("retry_delay: 1:30.5", "write `retry_delay: 90.5`"),
        ("timeout: 010", "write `timeout: 8s`"),
        ("max_instances: 1_0", "write `max_instances: 10`"),
        ("retries: 08", "write `retries: 8`"),
    ] {
        assert_eq!(told(&format!("type: cron\nhour: 4\n{line}")), help);
        let followed = help.split('`').nth(1).unwrap();
        let followed = job(&format!("type: cron\nhour: 4\n{followed}"));
        assert_eq!(faults(&followed), Vec::<String>::new());
    }
    let minutes = told("type: interval\nminutes: 1:30");
    assert_eq!(minutes, "write `minutes: 90`");
    assert_eq!(told("type: cron\nhour: 1_0"), "write `hour: 10`");
    assert_eq!(
        told("type: cron\nhour: 4\njitter: 1_0"),
        "write `jitter: 10s`"
    );
}

#[test]
fn what_many_jobs_have_from_one_place_is_told_once() {
    let text = "\
x: &x {type: cron, hour: 4, timeout: 1:30}
scheduler:
  a.b: *x
  c.d: {<<: *x}
";
    assert_eq!(faults(text).len(), 1, "{:?}", faults(text));
}

#[test]
fn a_way_out_is_told_once() {
    let help = "write `hour: 04` and `minute: 30`";
    let faults = faults(&job("type: cron\nhour: 04:30"));
    assert!(faults[0].ends_with(help), "{faults:?}");
    assert_eq!(faults[0].matches(help).count(), 1, "{faults:?}");
}

#[test]
fn an_alias_is_no_surprise_and_its_value_is_what_counts() {
    let text = job(
        "type: interval\nminutes: &my_five 5\nkwargs: {a: *my_five}\nenvironment: {A: *my_five}",
    );
    assert_eq!(faults(&text), Vec::<String>::new());
    assert_eq!(config(&text).jobs[0].surroundings.environment["A"], "5");
}

#[test]
fn args_are_what_python_makes_a_list_of() {
    let args = |args: &str| {
        let reading = reading(&job(&format!("type: interval\nminutes: 5\nargs: {args}")));
        let diagnostics = reading.diagnostics.len();
        (reading.config.unwrap().jobs[0].args.clone(), diagnostics)
    };
    let text = |text: &str| Value::Str(text.to_owned());
    assert_eq!(args("[1, a]"), (vec![Value::Int(1), text("a")], 0));
    assert_eq!(args("ab"), (vec![text("a"), text("b")], 1));
    assert_eq!(args("{k: v}"), (vec![text("k")], 1));
    assert_eq!(args("5"), (vec![], 1));
}

#[test]
fn kwargs_may_be_pairs_of_which_the_last_counts() {
    let kwargs = |kwargs: &str| {
        let text = job(&format!("type: interval\nminutes: 5\nkwargs: {kwargs}"));
        let reading = reading(&text);
        let diagnostics = reading.diagnostics.len();
        (reading.config.unwrap().jobs[0].kwargs.clone(), diagnostics)
    };
    let text = |text: &str| Value::Str(text.to_owned());
    let pairs = [(text("a"), Value::Int(3)), (text("b"), Value::Int(2))];
    assert_eq!(kwargs("[[a, 1], [b, 2], [a, 3]]"), (pairs.to_vec(), 0));
    assert_eq!(kwargs("[ab]"), (vec![(text("a"), text("b"))], 0));
    assert_eq!(kwargs("[[a, 1, 2]]"), (vec![], 1));
    assert_eq!(kwargs("[[[a], 1]]"), (vec![], 1));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a slow reader is told by the clock"
)]
fn many_keys_cost_no_more_than_their_number() {
    let many = |line: &dyn Fn(usize) -> String| (0..30_000).map(line).collect::<String>();
    let root = many(&|n| format!("y{n}: 1\n"));
    let pairs = many(&|n| format!("[a{n}, 1], "));
    let text = format!("{root}scheduler:\n  a.b: {{type: cron, hour: 4, kwargs: [{pairs}]}}\n");
    let start = Instant::now();
    assert_eq!(config(&text).jobs[0].kwargs.len(), 30_000);
    // Each with each other it is ten times as long.
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_context_manager_among_the_kwargs_is_taken_from_there() {
    let text = job("type: interval\nminutes: 5\nkwargs: {contextmanager: c.D, a: 1}");
    let config = config(&text);
    assert_eq!(config.jobs[0].contextmanager.as_deref(), Some("c.D"));
    assert_eq!(
        config.jobs[0].kwargs,
        [(Value::Str("a".to_owned()), Value::Int(1))]
    );
}

#[test]
fn job_defaults_are_every_jobs_policy_unless_it_has_its_own() {
    let text = "\
scheduler:
  job defaults: {retries: 2, timeout: 5m, enabled: false}
  a.b: {type: interval, minutes: 5}
  a.c: {type: interval, minutes: 5, retries: 0, timeout: null}
";
    let config = config(text);
    assert_eq!(config.jobs[0].policy.retries, 2);
    assert_eq!(
        config.jobs[0].policy.timeout,
        Some(Duration::from_secs(300))
    );
    assert!(!config.jobs[0].policy.enabled);
    assert_eq!(
        (config.jobs[1].policy.retries, config.jobs[1].policy.timeout),
        (0, None)
    );
}

#[test]
fn a_fault_of_the_job_defaults_leaves_out_every_job() {
    for defaults in ["{timeout: soon}", "{user: [root]}", "{timeot: 5}", "5m"] {
        let text = format!(
            "scheduler:\n  job defaults: {defaults}\n  a.b: {{type: cron, hour: 4, timeout: 5}}\n"
        );
        let reading = reading(&text);
        let config = reading.config.unwrap();
        assert_eq!(config.faulty, ["a.b"], "{defaults}");
        assert!(config.jobs.is_empty(), "{defaults}");
        assert_eq!(reading.diagnostics.len(), 1, "{:#?}", reading.diagnostics);
    }
}

#[test]
fn a_list_of_triggers_fires_when_any_does() {
    let text = job("triggers:\n- {type: cron, hour: 4}\n- {type: interval, days: 1}");
    assert!(
        matches!(&config(&text).jobs[0].trigger, Trigger::Any(triggers) if triggers.len() == 2)
    );
    let text =
        job("triggers:\n- {type: cron, hour: 44}\n- {type: interval, minute: 1}\ntype: cron");
    let found = faults(&text);
    assert_eq!(found.len(), 3, "{found:#?}");
}

#[test]
fn each_trigger_of_a_list_that_will_not_fire_is_warned_of() {
    let text = job(
        "triggers:\n- {type: cron, month: 2, day: 30}\n- {type: date, run_date: 2020-01-01}\n\
         - {type: interval, days: 1, end_date: 2020-01-01}\n- {type: cron, hour: 4}",
    );
    let told = [
        "4:35 warning[never-fires] this schedule never fires: February has no day 30; \
         for the last day of February write `day: last`",
        "5:30 warning[past-date] `run_date` lies in the past; \
         it runs only where `sched watch` knew the job before that time, has not run it, and \
         `misfire_grace_time` still allows it; otherwise give it a later date",
        "6:43 warning[never-fires] this schedule does not fire any more; \
         give it a later end, or remove the job",
    ];
    assert_eq!(faults(&text), told);
    let rest = text.replace("    - {type: cron, hour: 4}\n", "");
    assert_eq!(faults(&rest), told, "each is told, so the list need not be");
}

#[test]
fn text_that_counts_as_true_is_warned_of() {
    let read = |value: &str| {
        let text = format!(
            "scheduler:\n  use docassemble database: {value}\n  a.b: {{type: cron, hour: 4}}\n"
        );
        let config = config(&text);
        (config.settings.use_docassemble_database, faults(&text))
    };
    for value in ["no", "0", "''", "null"] {
        assert_eq!(read(value), (false, vec![]), "{value}");
    }
    let warning = "2:29 warning[bad-value] `use docassemble database` must be true or false; \
                   text counts as true; write true or false, unquoted";
    assert_eq!(read("\"no\""), (true, vec![warning.to_owned()]));
}

#[test]
fn a_job_for_starts_alone_needs_no_date_that_is_ahead() {
    let date = "type: date\nrun_date: 2000-01-01\nrun_at_start: ";
    assert_eq!(faults(&job(&format!("{date}true"))), Vec::<String>::new());
    assert!(faults(&job(&format!("{date}false")))[0].contains("past-date"));
    let never = job("type: cron\nmonth: 2\nday: 30\nrun_at_start: true");
    assert!(faults(&never)[0].contains("never-fires"));
    let told = faults(&job("type: cron\nexpression: \"@reboot\""));
    for line in date.lines() {
        assert!(told[0].contains(line), "{told:?}");
    }
}

#[test]
fn a_time_of_day_may_have_a_zero_in_front() {
    let text = job("type: cron\nhour: 05\nminute: 00");
    assert_eq!(faults(&text), [""; 0]);
    let octal = faults(&job("type: cron\nhour: 010"));
    assert!(octal[0].contains("YAML 1.1 reads 010 as 8"), "{octal:?}");
}

#[test]
fn an_interval_is_told_the_number_that_was_meant() {
    let help = |lines: &str| {
        let found = faults(&job(&format!("type: interval\n{lines}")));
        let (message, help) = found[0].split_once("; ").unwrap();
        assert!(message.ends_with(" must be a whole number"), "{message}");
        help.to_owned()
    };
    for (line, way) in [
        ("seconds: 30s", "write `seconds: 30`"),
        ("minutes: 5m", "write `minutes: 5`"),
        ("minutes: 5 minutes", "write `minutes: 5`"),
        ("minutes: 30s", "for 30 seconds write `seconds: 30`"),
        ("minutes: '+5'", "write `minutes: 5`"),
        ("minutes: 1.5", "for 90 seconds write `seconds: 90`"),
        ("hours: 2.0", "write `hours: 2`"),
        ("seconds: 1.5", "write, for example, `seconds: 5`"),
        ("days: often", "write, for example, `days: 5`"),
        ("days: [1]", "write, for example, `days: 5`"),
    ] {
        assert_eq!(help(line), way, "{line}");
    }
}

#[test]
fn a_field_that_is_a_list_is_told_as_text() {
    let told = |line: &str| faults(&job(&format!("type: cron\n{line}"))).remove(0);
    let list = told("day_of_week: [mon, wed]");
    assert!(
        list.ends_with("; write `day_of_week: \"mon,wed\"`"),
        "{list}"
    );
    let list = told("hour: [9, 17]");
    assert!(list.ends_with("; write `hour: \"9,17\"`"), "{list}");
    for line in ["hour: [25]", "hour: {}", "hour: 4.5", "hour: true"] {
        let other = told(line);
        assert!(other.contains("; `hour` takes 0-23"), "{other}");
    }
}

#[test]
fn what_stands_beside_or_in_a_list_of_triggers_in_vain_is_told_where_it_belongs() {
    let text = job("timezone: Europe/Berlin\njitter: 5\ntriggers: [{type: cron, hour: 4}]");
    let help = "write it into each trigger of the list that it is meant for";
    assert_eq!(
        faults(&text),
        [
            format!("3:5 error[unknown-key] `timezone` cannot stand beside `triggers`; {help}"),
            format!("4:5 error[unknown-key] `jitter` cannot stand beside `triggers`; {help}"),
        ]
    );
    let told = |element: &str| faults(&job(&format!("triggers: [{element}]"))).remove(0);
    let expression = told("'0 4 * * *'");
    let help = "; write `{type: cron, expression: \"0 4 * * *\"}`";
    assert!(expression.ends_with(help), "{expression}");
    for element in ["daily", "5", "[]"] {
        let other = told(element);
        let help = "; write, for example, `{type: cron, hour: 4}`";
        assert!(other.ends_with(help), "{other}");
    }
}

#[test]
fn a_bound_of_a_date_trigger_is_told_once_and_where_it_belongs() {
    let text = job("type: date\nrun_date: 2027-01-01\nstart_date: 2026-12-01\nend date: 010");
    let told = |place: &str, name: &str| {
        format!(
            "{place} error[unknown-key] `{name}` is a key of interval and cron triggers; \
             a date trigger has `run_date`"
        )
    };
    let expected = [told("5:5", "start_date"), told("6:5", "end date")];
    assert_eq!(faults(&text), expected);
    let text = job("triggers: [{type: cron, hour: 4, triggers: []}]");
    assert_eq!(
        faults(&text),
        ["3:38 error[unknown-key] unknown key `triggers`"]
    );
}

#[test]
fn a_date_is_no_surprise_where_one_is_due() {
    let end = job("type: cron\nhour: 4\nstart_date: 2026-12-24\nend_date: 2026-12-01");
    assert_eq!(
        faults(&end),
        ["6:15 error[bad-value] `end_date` is before `start_date`; \
             a trigger fires from `start_date` up to and including `end_date`"]
    );
    let fraction = faults(&job("type: date\nrun_date: 2026-12-24 18:00:00.5"));
    let help = "; triggers know whole seconds: write `2026-12-24 18:00:00`";
    assert!(fraction[0].ends_with(help), "{fraction:?}");
    let zero = job("type: date\nrun_date: '2026-12-24T18:00:00.000Z'");
    assert_eq!(faults(&zero), [""; 0]);
}

#[test]
fn a_character_that_cannot_be_seen_is_named() {
    let of = |lines: &str| faults(&job(lines)).remove(0);
    for (lines, code, way) in [
        (
            "type: cron\nhour\u{200b}: 4",
            "U+200B",
            "did you mean `hour`?",
        ),
        ("type: cron\nhour: 4\u{200b}", "U+200B", "`hour` takes 0-23"),
        (
            "type: cron\u{a0}\nhour: 4",
            "U+00A0",
            "did you mean `cron`?",
        ),
        (
            "type: cron\nhour: 4\ntimezone: Europe/Berlin\u{a0}",
            "U+00A0",
            "did you mean `Europe/Berlin`?",
        ),
    ] {
        let told = of(lines);
        let (before, after) = told.split_once(way).unwrap();
        assert!(before.contains(&format!("; {code} in it ")), "{told}");
        assert!(!after.contains("U+"), "{told}");
    }
    assert!(!of("type: cron\nhour: 25\ndescription: a\u{a0}b").contains("U+"));
    let root = faults("scheduler:\n  a.b:\n    type: cron\n\u{a0}\u{a0}hour: 4\n");
    assert_eq!(
        root[1],
        "4:1 warning[ignored-key] this line begins with U+00A0, which is no indentation; \
         write spaces in its place, or remove it"
    );
}

#[test]
fn keys_without_effect_are_told_once() {
    let text = "\
scheduler:
  a.b: {type: interval, minutes: 5, name: x, executor: default}
  a.c: {type: interval, minutes: 5, name: y}
";
    assert_eq!(
        faults(text)
            .iter()
            .map(|one| one.split(';').next().unwrap())
            .collect::<Vec<_>>(),
        [
            "2:37 warning[ignored-key] `name` has no effect, here and in 1 more places",
            "2:46 warning[ignored-key] `executor` has no effect",
        ]
    );
}

#[test]
fn a_missing_type_is_guessed_for_the_other_checks() {
    let found = faults(&job("minutes: 5\nsecond: 3"));
    assert_eq!(
        found.len(),
        1,
        "two kinds are possible, so nothing is guessed: {found:#?}"
    );
    let found = faults(&job("minutes: x"));
    assert!(
        found[0].contains("`type` is missing; write `type: interval`"),
        "{found:#?}"
    );
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn what_is_no_dotted_name_is_told_with_an_example_of_what_is_wanted() {
    for (key, example) in [
        (
            "contextmanager",
            "FILE.NAME, such as `test_context.SchedulerContext`",
        ),
        ("error handler", "FILE.FUNCTION, such as `alerts.on_error`"),
    ] {
        let text = format!("scheduler:\n  a.b: {{type: cron, hour: 4, {key}: x}}\n");
        let [fault] = &faults(&text)[..] else {
            panic!("{key}")
        };
        let told = format!("`{key}` must be a dotted name; write {example}");
        assert!(fault.ends_with(&told), "{fault}");
    }
}

#[test]
fn a_function_is_the_name_up_to_the_first_space_without_its_number() {
    for (name, function) in [
        ("test.heartbeat", "test.heartbeat"),
        ("test.heartbeat nightly", "test.heartbeat"),
        ("test.heartbeat#2", "test.heartbeat"),
        ("test.heartbeat#x", "test.heartbeat#x"),
        ("test.heartbeat#2 nightly", "test.heartbeat"),
        ("test.heartbeat#2#2", "test.heartbeat"),
        ("test.heartbeat#x#2", "test.heartbeat#x"),
    ] {
        assert_eq!(crate::job::function_of(name), function);
    }
}

struct Nobody;

impl Lookup for Nobody {
    fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String> {
        let answer = |name: &&str| Answer::NoFunction {
            file: PathBuf::from("tasks/test.py"),
            function: name.rsplit('.').next().unwrap().to_owned(),
            near: vec!["test.heartbeat".to_owned()],
        };
        Ok(names.iter().map(answer).collect())
    }

    fn finds_others(&self, surroundings: &Surroundings) -> bool {
        surroundings.environment.contains_key("PYTHONPATH")
    }
}

#[test]
fn what_the_jobs_own_python_may_find_is_no_error() {
    struct Nothing;

    impl Lookup for Nothing {
        fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String> {
            let answer = |name: &&str| Answer::NoModule {
                what: format!("module `{name}`"),
                near: Vec::new(),
            };
            Ok(names.iter().map(answer).collect())
        }

        fn finds_others(&self, surroundings: &Surroundings) -> bool {
            Nobody.finds_others(surroundings)
        }
    }

    let text = "\
scheduler:
  a.b: {type: interval, minutes: 5, environment: {PYTHONPATH: /srv/lib}}
  a.b twice: {type: interval, minutes: 5}
";
    let mut found = reading(text);
    found.look_up(&Nothing);
    assert_eq!(
        shown(&found, text),
        [
            "2:3 warning[unchecked] `a.b` was not looked up: \
             the job's environment says where its Python finds modules",
            "3:3 error[unknown-task] there is no module `a.b`",
        ]
    );
    // What is in the tasks folder comes first, whatever the environment.
    let mut found = reading(text);
    found.look_up(&Nobody);
    assert!(found.diagnostics.iter().all(Diagnostic::is_error));
}

#[test]
fn names_are_looked_up_at_their_places() {
    let text = "\
scheduler:
  test.hartbeat: {type: interval, minutes: 5, contextmanager: c.D}
";
    let mut reading = reading(text);
    reading.look_up(&Nobody);
    assert_eq!(
        shown(&reading, text),
        [
            "2:3 error[unknown-task] tasks/test.py has no function `hartbeat`; did you mean `test.heartbeat`?",
            "2:63 error[unknown-contextmanager] tasks/test.py has no function `D`; did you mean `test.heartbeat`?",
        ]
    );
    assert_eq!(reading.config.unwrap().jobs.len(), 1);
}

#[test]
fn what_jobs_need_is_looked_for() {
    struct Bare;

    impl Lookup for Bare {
        fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String> {
            Ok(names.iter().map(|_| Answer::Native).collect())
        }

        fn lacks(&self, need: &Need, surroundings: Option<&Surroundings>) -> Option<Diagnostic> {
            let of = surroundings.map_or("several jobs", |_| "a job");
            let lack = format!("{need:?} of {of}");
            Some(Diagnostic::warning(Code::NotFound, lack))
        }

        fn finds_others(&self, _: &Surroundings) -> bool {
            false
        }
    }

    let text = "\
scheduler:
  job defaults: {directory: /srv}
  a.b: {type: interval, minutes: 5, user: www, environment file: e.env}
  c: {type: interval, minutes: 5, command: [backup, now]}
  d: {type: interval, minutes: 5, command: backup}
";
    let mut reading = reading(text);
    assert!(reading.diagnostics.is_empty());
    reading.look_up(&Bare);
    let folder = outside().folder;
    let file = folder.join("e.env");
    assert_eq!(
        shown(&reading, text),
        [
            "2:29 warning[not-found] Directory(\"/srv\") of several jobs".to_owned(),
            "3:43 warning[not-found] User(\"www\") of a job".to_owned(),
            format!("3:66 warning[not-found] EnvironmentFile({file:?}) of a job"),
            "4:45 warning[not-found] Program(\"backup\") of a job".to_owned(),
        ]
    );
}

#[test]
fn a_context_manager_of_what_is_no_python_function_is_warned_of() {
    struct Each;

    impl Lookup for Each {
        fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String> {
            let answer = |name: &&str| match *name {
                "a.program" => Answer::Executable {
                    file: PathBuf::from("tasks/a/program"),
                },
                "a.closure" => Answer::Native,
                _ => Answer::Function {
                    file: PathBuf::from("tasks/a.py"),
                    line: 1,
                },
            };
            Ok(names.iter().map(answer).collect())
        }

        fn finds_others(&self, _: &Surroundings) -> bool {
            false
        }
    }

    let text = "\
scheduler:
  a.function: {type: interval, minutes: 5, contextmanager: c.D}
  a.program: {type: interval, minutes: 5, contextmanager: c.D}
  a.closure: {type: interval, minutes: 5, kwargs: {contextmanager: c.D}}
  command: {type: interval, minutes: 5, command: 'true', contextmanager: c.D}
";
    let mut reading = reading(text);
    reading.look_up(&Each);
    let told = "warning[ignored-key] `contextmanager` has no effect: what this job runs is no \
                Python function; remove it";
    let places = ["3:59", "4:52", "5:74"];
    assert_eq!(
        shown(&reading, text),
        places.map(|place| format!("{place} {told}"))
    );
    let jobs = reading.diagnostics.iter().map(|one| one.job.as_deref());
    let expected = ["a.program", "a.closure", "command"].map(Some);
    assert_eq!(jobs.collect::<Vec<_>>(), expected);
}

#[test]
fn what_keeps_mail_from_being_sent_is_told() {
    let of = |mail: &str| {
        let text = format!(
            "error notification email: a@example.org\nmail: {mail}\n\
             scheduler:\n  a.b: {{type: interval, hours: 1}}\n"
        );
        faults(&text)
    };
    let well = "default sender: a@example.org, username: u, password: hunter22";
    for fine in [
        format!("{{{well}, server: mail.example.org}}"),
        format!("{{{well}, server: 127.0.0.1, use tls: false}}"),
        format!("{{{well}, server: mail.example.org, use tls: false, use ssl: true}}"),
        format!("[{{name: other}}, {{name: default, {well}}}]"),
    ] {
        assert_eq!(of(&fine), [] as [String; 0], "{fine}");
    }
    let incomplete = format!("{{{well}, azure client id: x}}");
    assert_eq!(of(&incomplete), [] as [String; 0]);
    let open = of(&format!(
        "{{{well}, server: mail.example.org, use tls: false}}"
    ));
    assert!(
        open[0].contains("the password is not sent to `mail.example.org`"),
        "{open:?}"
    );
    let wrong = of("{default sender: docassemble}");
    let told = "2:24 warning[bad-value] `docassemble` is no address, so no mail can be sent";
    assert!(wrong[0].starts_with(told), "{wrong:?}");
    let text = "error notification email: [a@example.org, ops]\n\
                scheduler:\n  a.b: {type: interval, hours: 1}\n";
    let none = faults(text);
    let told = "1:1 warning[missing-key] there is no `mail`, so no mail can be sent";
    assert!(none[0].starts_with(told), "{none:?}");
    let told = "1:43 warning[bad-value] `ops` is no address, so no mail goes there";
    assert!(none[1].starts_with(told), "{none:?}");
    assert_eq!(none.len(), 2, "{none:?}");
    let none = of("{server: mail.example.org}");
    assert!(none[0].starts_with("2:1 warning[missing-key] `mail` has no `default sender`"));
    for (key, service) in [
        ("sendgrid api key: x", "SendGrid"),
        (
            "azure client id: x, azure client secret: y, azure tenant id: z",
            "Azure",
        ),
    ] {
        let faults = of(&format!("{{{key}}}"));
        let start = "2:8 warning[unsupported] `sched` does not send mail by ";
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].starts_with(&format!("{start}{service}")),
            "{faults:?}"
        );
    }
}

#[test]
fn slips_in_what_says_how_mail_is_sent_are_told() {
    let of = |mail: &str| {
        faults(&format!(
            "error notification email: a@example.org\n\
             mail: {{default sender: a@example.org, {mail}}}\n\
             scheduler:\n  a.b: {{type: interval, hours: 1}}\n"
        ))
    };
    assert_eq!(
        of("sever: mail.example.org"),
        ["2:39 warning[unknown-key] unknown key `sever` of `mail`; did you mean `server`?"]
    );
    // Its value is that of a password, and would be shown with its place.
    assert_eq!(
        of("pasword: hunter22"),
        ["warning[unknown-key] unknown key `pasword` of `mail`; did you mean `password`?"]
    );
    for (slip, told) in [
        (
            "port: abc",
            "2:45 warning[bad-value] `port` must be 1-65535; 25 is used; ",
        ),
        (
            "port: 0.5",
            "`port` must be 1-65535, but this is 0.5; 25 is used; ",
        ),
        (
            "use tls: maybe",
            "`use tls` must be true or false; text counts as true; ",
        ),
        (
            "mailgun domain: x.org",
            "`mailgun domain` does nothing without `mailgun api key`; ",
        ),
    ] {
        let found = of(slip);
        assert!(found.len() == 1 && found[0].contains(told), "{found:?}");
    }
    for fine in ["port: 587", "port: '25'", "use tls: no", "language: en"] {
        assert_eq!(of(fine), [""; 0], "{fine}");
    }
    let text = "error notification emial: a@example.org\n\
                error notification variables: true\n\
                scheduler:\n  a.b: {type: interval, hours: 1}\n";
    assert_eq!(
        faults(text),
        [
            "1:1 warning[unknown-key] unknown directive `error notification emial`, so nobody gets \
          mail; did you mean `error notification email`?"
        ]
    );
}

#[test]
fn faults_tell_no_part_of_a_secret() {
    let long = "7pAbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdef";
    for lines in [
        "password: *hunter2".to_owned(),
        "password: *hu".to_owned(),
        "password: *hunter/2".to_owned(),
        "password: &hunter=2".to_owned(),
        "password: &hunter x\napi key: &hunter y".to_owned(),
        "password: !hunter x".to_owned(),
        "password: !!int hunter".to_owned(),
        "password: !!int \"hun\\tqqer\"".to_owned(),
        "password: *`hunter".to_owned(),
        format!("password: *{long}"),
        format!("password: !{long}"),
        format!("password: [-{long}]"),
        "? password\n: *hunter2".to_owned(),
        "api keys:\n  - *hunter2".to_owned(),
    ] {
        let text = format!("{lines}\nscheduler:\n  a.b: {{type: cron, hour: 4}}\n");
        for told in told(&text) {
            let is_told = ["hu", "7pAb", "qqer"]
                .iter()
                .any(|part| told.contains(part));
            assert!(!is_told, "{lines}: {told}");
        }
    }
}

#[test]
fn a_short_secret_is_not_told_as_a_surprise() {
    let text = "scheduler:\n  a.b: {type: cron, hour: 4, kwargs: {pwd: 01234, x: 010}}\n";
    let told = told(text);
    assert!(
        !told
            .iter()
            .any(|told| told.contains("234") || told.contains("668")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|told| told.contains("reads 010 as 8")),
        "{told:?}"
    );
}

/// All words that are said of the text's faults.
fn told(text: &str) -> Vec<String> {
    let diagnostics = reading(text).diagnostics;
    let words = diagnostics
        .into_iter()
        .map(|one| one.message + "; " + &one.help.join("; "));
    words.collect()
}

#[test]
fn secrets_are_hidden_however_yaml_writes_them() {
    let text = r#"
shared: &shared shared-hunter
number: &number 7_000_000
mail: {password: "esc\u0061ped-hunter"}
redis: "redis://u:url\x2dhunter@h/0 db://v:second-hunter@h"
api keys: [!!str tagged-hunter, [{deep: deep-hunter}], !!python/tuple [tuple-hunter]]
scheduler:
  t.token: {type: interval, hours: 1, directory: harmless}
  t.show:
    type: interval
    hours: 1
    kwargs:
      a_password: 'it''s-hunter'
      b_password: "q\"uote-hunter"
      c_password: &pw anchor-hunter
      d_password: *shared
      e_password: "folded
        hunter-long"
      f_password: multi
        plain-hunter
      ? g_password
      : complex-hunter
      h_password: 1_000_000
      i_token: *number
      j_password: first-hunter
      j_password: second-hunter
      k_token: !!binary aHVudGVyLWJpbg==
      ? private key
      : |
        line-one
        line-two
"#;
    let secrets = reading(text).secrets;
    for secret in [
        "shared-hunter",
        "escaped-hunter",
        "url-hunter",
        "second-hunter",
        "tagged-hunter",
        "deep-hunter",
        "tuple-hunter",
        "it's-hunter",
        "q\"uote-hunter",
        "anchor-hunter",
        "folded hunter-long",
        "multi plain-hunter",
        "complex-hunter",
        "1_000_000",
        "1000000",
        "7000000",
        "first-hunter",
        "hunter-bin",
        "line-one\nline-two",
        "line-one",
        "line-two",
    ] {
        assert_eq!(secrets.mask(secret), "********", "{secret}");
    }
    assert_eq!(secrets.mask("interval harmless"), "interval harmless");
}

#[test]
fn no_fault_tells_a_secret() {
    let text =
        "mail: {password: &pw \"h\\x75nter-one\"}\nscheduler:\n  a.b: {type: *pw, hours: 1}\n";
    let told = faults(text).join("\n");
    assert!(
        told.contains("********") && !told.contains("hunter"),
        "{told}"
    );
}

#[test]
fn an_end_that_is_a_date_is_told_as_its_first_instant() {
    let of = |keys: &str| faults(&job(&format!("type: cron\n{keys}")));
    assert_eq!(of("hour: 23\nend_date: 2026-11-25"), [""; 0]);
    assert_eq!(
        of("hour: 3\nstart_date: 2026-12-30 04:00\nend_date: 2026-12-31"),
        [
            "6:15 warning[never-fires] this schedule does not fire between its `start_date` and its \
             `end_date`; `end_date: 2026-12-31` is 00:00 of that day: for all of it write \
             `end_date: 2026-12-31 23:59:59`"
        ]
    );
    assert_eq!(
        of("day_of_week: sun\nstart_date: 2026-12-07\nend_date: 2026-12-12"),
        [
            "6:15 warning[never-fires] this schedule does not fire between its `start_date` and its \
             `end_date`; give it a later end, or remove the job"
        ]
    );
    assert_eq!(
        faults(&job("type: interval\ndays: 7\nend_date: 2026-11-26 12:00")),
        [
            "5:15 warning[never-fires] counted from now, this schedule does not fire before its \
             `end_date`; give it a later end, unless `sched watch` has it going from an earlier time"
        ]
    );
    assert_eq!(
        of("hour: 23\nend_date: 2026-11-24"),
        [
            "5:15 warning[never-fires] this schedule does not fire any more; `end_date: 2026-11-24` \
          is 00:00 of that day: for all of it write `end_date: 2026-11-24 23:59:59`"
        ]
    );
}

#[test]
fn a_handler_beside_the_one_of_all_jobs_is_warned_of() {
    let text = "\
scheduler:
  error handler: a.all
  a.b: {type: interval, minutes: 5, error handler: a.own}
";
    assert_eq!(
        faults(text),
        [
            "3:37 warning[ignored-key] `error handler` has no effect beside the one under \
          `scheduler`; remove one of the two"
        ]
    );
    assert_eq!(
        faults(&text.replace("  error handler: a.all\n", "")),
        [""; 0]
    );
}

#[test]
fn a_python_that_does_not_answer_is_told_at_its_place() {
    struct Silent;

    impl Lookup for Silent {
        fn look_up(&self, _: &[&str]) -> Result<Vec<Answer>, String> {
            Err("python4 was not found".to_owned())
        }

        fn finds_others(&self, _: &Surroundings) -> bool {
            false
        }
    }

    let text = "scheduler:\n  python: python4\n  a.b: {type: interval, minutes: 5}\n";
    let mut reading = reading(text);
    reading.look_up(&Silent);
    assert!(
        shown(&reading, text)[0]
            .starts_with("2:11 warning[unchecked] tasks were not looked up: python4 was not found"),
        "{reading:?}"
    );
}

#[test]
fn where_tasks_are_looked_for_is_told_where_nothing_near_is_there() {
    struct At(TasksPlace);

    impl Lookup for At {
        fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String> {
            let answer = |name: &&str| Answer::NoModule {
                what: format!("module `{name}`"),
                near: Vec::new(),
            };
            Ok(names.iter().map(answer).collect())
        }

        fn tasks_place(&self) -> Option<TasksPlace> {
            Some(self.0.clone())
        }

        fn finds_others(&self, _: &Surroundings) -> bool {
            false
        }
    }

    let text = "scheduler:\n  a.b: {type: interval, minutes: 5}\n";
    let help = |place| {
        let mut reading = reading(text);
        reading.look_up(&At(place));
        reading.diagnostics[0].help.join("; ")
    };
    let folder = || PathBuf::from("/srv/tasks");
    assert_eq!(
        help(TasksPlace::Folder(folder())),
        "the tasks folder is /srv/tasks"
    );
    assert_eq!(
        help(TasksPlace::Gone(folder())),
        "there is no folder /srv/tasks for tasks"
    );
    assert_eq!(
        help(TasksPlace::Nowhere([folder(), PathBuf::from("/tasks")])),
        "there is no tasks folder: make /srv/tasks or /tasks, or name one with `tasks directory`"
    );
}

#[test]
fn a_mapping_that_is_no_job_is_told_where_it_belongs() {
    let told = |name: &str| faults(&format!("scheduler:\n  {name}: {{a: b}}\n")).remove(0);
    for (name, help) in [
        (
            "environment",
            "write it into one, or for all into `job defaults`",
        ),
        ("kwargs", "write it into one"),
        ("job default", "did you mean `job defaults`?"),
        ("backup", "or give it a `command`"),
    ] {
        let told = told(name);
        assert!(told.ends_with(help), "{told}");
    }
}

#[test]
fn a_command_with_a_character_that_no_program_can_be_given_is_a_fault() {
    for command in ["\"echo \\0\"", "[echo, \"\\0\"]"] {
        let told = faults(&format!(
            "scheduler:\n  a: {{type: cron, hour: 4, command: {command}}}\n"
        ));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("`command` holds a NUL character"),
            "{told:?}"
        );
        assert!(
            told[0].ends_with("YAML reads `\\0` as one: write single quotes"),
            "{told:?}"
        );
    }
}
