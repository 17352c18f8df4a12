use super::*;
use crate::config::{self, Outside, Overrides};
use crate::trigger::Zone;

const CONFIG: &str = r#"
appname: my app
error notification email: ops@example.org
mail: {server: localhost, username: u, password: "hunter 22"}
timezone: Europe/Berlin
scheduler:
  log level: debug
  job defaults: {retries: 2}
  test.heartbeat: {type: interval, minutes: 90, start_date: 2026-12-01, jitter: 5}
  test.heartbeat: {type: cron, day: 1, hour: "0", minute: 1, timezone: America/New_York}
  test.crontab: {type: cron, expression: "*/15 9-17 * * mon-fri", end_date: "2027-10-31T02:30:00+01:00"}
  test.quartz: {type: cron, expression: "0 0 12 * * FRI"}
  test.once: {type: date, run_date: 2026-12-24 18:00, enabled: false}
  test.both:
    triggers: [{type: cron, day: last, hour: "*/2"}, {type: interval, weeks: 1, days: 1}]
    args: ["no", no, 12:30:00, "12:30:00", 2024-01-01, !!binary aGk=, !!python/tuple [1, a]]
    kwargs: {token: abcdefgh, url: "redis://u:secret99@host/0", note: "by hunter 22"}
    timeout: 1h30m
    misfire_grace_time: 1.5
    environment: {API_KEY: "12345678", LANG: C}
  run.this: {type: cron, hour: 4, command: "echo 'hunter 22'\necho two\n", description: "=", user: www-data}
  run.words: {type: cron, hour: 4, command: [echo, "no", "=", "<<"]}
  test.faulty: {type: cron, hour: 44}
"#;

fn read(text: &str) -> Config {
    let outside = Outside::new("2026-11-24T09:30:12Z".parse().unwrap(), "/srv", Zone::utc());
    let reading = config::read(text, &outside);
    reading
        .config
        .unwrap_or_else(|| panic!("{:?}", reading.diagnostics))
}

fn global() -> Global {
    Global::read(["sched".into()]).unwrap()
}

fn shown(config: &Config, job: Option<&str>) -> String {
    text(&global(), config, &Secrets::of_yaml(CONFIG), job).unwrap()
}

#[test]
fn what_is_shown_is_a_config_that_means_the_same() {
    let config = read(CONFIG);
    let text = shown(&config, None);
    let again = read(&text);
    assert_eq!(again.jobs.len(), config.jobs.len(), "{text}");
    for (job, same) in config.jobs.iter().zip(&again.jobs) {
        assert_eq!(job.name, same.name);
        assert_eq!(job.function(), same.function(), "{text}");
        assert_eq!(job.trigger, same.trigger, "{text}");
        assert_eq!(job.policy, same.policy);
        assert_eq!(job.args, same.args);
    }
    assert_eq!(again.settings.timezone, config.settings.timezone);
    assert_eq!(
        shown(&again, None),
        text.split_once('\n').unwrap().1,
        "it is its own config"
    );
}

#[test]
fn every_default_is_filled_in() {
    let text = shown(
        &read("scheduler:\n  a.b: {type: interval, hours: 1}\n"),
        None,
    );
    assert_eq!(
        text,
        "\
scheduler:
  log level: INFO
  timezone: UTC
  docassemble context: auto
  preload: []
  use docassemble database: false
  keep history: 90d
  recovery mail: true
  a.b:
    type: interval
    hours: 1
    timezone: UTC
    jitter: 0
    args: []
    kwargs: {}
    max_instances: 1
    coalesce: true
    misfire_grace_time: null
    timeout: null
    retries: 0
    retry_delay: 10s
    run_at_start: false
    enabled: true
    environment: {}
"
    );
}

#[test]
fn no_secret_is_shown() {
    let text = shown(&read(CONFIG), None);
    for secret in ["hunter", "abcdefgh", "secret99", "12345678"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("username: u\n"), "{text}");
}

#[test]
fn one_job_is_shown_alone() {
    let text = shown(&read(CONFIG), Some("run.this"));
    assert!(
        text.starts_with("scheduler:\n  run.this:\n    description: \"=\"\n"),
        "{text}"
    );
    assert_eq!(read(&text).jobs.len(), 1);
}

#[test]
fn faulty_jobs_are_named() {
    let text = shown(&read(CONFIG), None);
    assert!(
        text.starts_with("# left out, see `sched validate`: test.faulty\n"),
        "{text}"
    );
}

/// What `show -v` adds to what is shown.
fn annotated(written: &str, overrides: &Overrides) -> String {
    let config = read(written);
    let source = Source {
        text: written,
        name: "c.yml",
        overrides,
    };
    let shown = text(&global(), &config, &Secrets::of_yaml(written), None).unwrap();
    let annotated = origin::annotated(&shown, &config, &source);
    let means = |text: &str| crate::yaml::parse_value(text).unwrap();
    assert_eq!(means(&annotated), means(&shown), "{annotated}");
    annotated
}

#[test]
fn each_value_says_where_it_comes_from() {
    let written = "\
external hostname: da.example.org
timezone: Europe/Berlin
scheduler:
  log_level: debug
  error handler: a.handle
  job defaults:
    retries: 2
    environment: {LANG: C, MODE: all}
  a.b:
    type: interval
    minutes: 90
    error handler: a.own
    kwargs: {contextmanager: a.C, url: x}
    environment:
      MODE: own
    timeout: 5m
  a.both:
    triggers:
      - {type: cron, hour: 4}
      - type: interval
        days: 1
        timezone: Asia/Tokyo
";
    let overrides = Overrides {
        hostname: Some("other.example.org".to_owned()),
        ..Overrides::default()
    };
    let text = annotated(written, &overrides);
    let mut rest = text.lines();
    for line in [
        "external hostname: da.example.org  # environment variable DAHOSTNAME",
        "scheduler:  # c.yml:3",
        "  log level: DEBUG  # c.yml:4",
        "  timezone: Europe/Berlin  # c.yml:2",
        "  error handler: a.handle  # c.yml:5",
        "  preload: []  # default",
        "  a.b:  # c.yml:9",
        "    type: interval  # c.yml:10",
        "    hours: 1  # c.yml:11",
        "    minutes: 30  # c.yml:11",
        "    timezone: Europe/Berlin  # c.yml:2",
        "    jitter: 0  # default",
        "    kwargs:  # c.yml:13",
        "      url: x  # c.yml:13",
        "    contextmanager: a.C  # c.yml:13",
        "    error handler: a.handle  # c.yml:5",
        "    timeout: 5m  # c.yml:16",
        "    retries: 2  # c.yml:7, job defaults",
        "    environment:  # c.yml:14",
        "      LANG: C  # c.yml:8, job defaults",
        "      MODE: own  # c.yml:15",
        "    triggers:  # c.yml:18",
        "    - type: cron  # c.yml:19",
        "    - type: interval  # c.yml:20",
        "      days: 1  # c.yml:21",
        "      timezone: Asia/Tokyo  # c.yml:22",
    ] {
        assert!(
            rest.any(|one| one == line),
            "no `{line}` in its place in\n{text}"
        );
    }
}

#[test]
fn what_stands_in_for_a_faulty_setting_is_a_default() {
    let written = "\
scheduler:
  log level: loud
  keep history: soon
  recovery mail: false
";
    let text = annotated(written, &Overrides::default());
    for line in [
        "  log level: INFO  # default: c.yml:2 is faulty",
        "  keep history: 90d  # default: c.yml:3 is faulty",
        "  recovery mail: false  # c.yml:4",
    ] {
        assert!(text.lines().any(|one| one == line), "{text}");
    }
}

#[test]
fn what_is_shown_with_origins_is_a_config_that_means_the_same() {
    annotated(CONFIG, &Overrides::default());
}
