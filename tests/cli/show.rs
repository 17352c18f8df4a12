use crate::folder::{Folder, README, run};

const FROM: &str = "next -q --format json --from 2027-01-01 -n 20";

#[test]
fn what_is_shown_is_a_config_with_the_same_fires() {
    let text = "
timezone: Europe/Berlin
scheduler:
  a.interval: {type: interval, minutes: 90, start_date: 2026-12-01}
  a.cron: {type: cron, day: last, hour: '*/2', end_date: 2027-10-31}
  a.crontab: {type: cron, expression: '*/15 9-17 * * mon-fri', timezone: Asia/Tokyo}
  a.date: {type: date, run_date: 2027-12-24 18:00}
  a.both: {triggers: [{type: cron, hour: 4}, {type: cron, hour: 5, jitter: 9}]}
";
    let folder = Folder::with_config(text);
    let fires = folder.sched(FROM).exits(0).stdout;
    let shown = folder.sched("show").exits(0).stdout;
    folder.write("config.yml", &shown);
    folder.sched(FROM).exits(0).says(&fires);
    folder.sched("show").exits(0).says(&shown);
}

#[test]
fn one_job_can_be_shown() {
    let answer = Folder::with_config(README)
        .sched("show test.heartbeat#2 -q")
        .exits(0);
    let expected = "scheduler:\n  test.heartbeat#2:\n    type: cron\n    day: 1\n    hour: 0\n";
    assert!(answer.stdout.starts_with(expected), "{}", answer.stdout);
}

#[test]
fn no_password_is_shown() {
    let text = "
mail: {server: localhost, username: me, password: c4narybird}
scheduler:
  a.b:
    type: interval
    hours: 1
    kwargs: {dsn: 'redis://u:c4narybird@host', note: with c4narybird}
    environment: {MY_TOKEN: t0kenbird}
";
    let shown = Folder::with_config(text).sched("show").exits(0).stdout;
    assert!(!shown.contains("bird"), "{shown}");
}

#[test]
fn where_everything_comes_from_is_told_where_that_is_wanted() {
    let folder = Folder::with_config("scheduler:\n  a.b: {type: interval, hours: 1}\n");
    let mut command = folder.command();
    command.env("SCHED_TASKS_DIR", "jobs");
    let shown = run(command.args(["show", "-v", "--log-dir", "elsewhere"]));
    let shown = shown.exits(0).stdout;
    for line in [
        "# config: config.yml (default)",
        "# tasks: jobs (environment variable SCHED_TASKS_DIR)",
        "# log: elsewhere (--log-dir)",
        "  a.b:  # config.yml:2",
        "    max_instances: 1  # default",
    ] {
        assert!(shown.lines().any(|one| one == line), "{line}\n{shown}");
    }
    let workers = |shown: &str| shown.matches("# max workers: ").count();
    assert_eq!(workers(&shown), 1, "{shown}");
    let number = shown.split("# max workers: ").nth(1).unwrap();
    let (number, origin) = number.split_once(' ').unwrap();
    assert_eq!(number.parse::<u32>().unwrap() % 4, 0, "{shown}");
    assert!(origin.starts_with("(default, 4 per core)\n"), "{shown}");
    folder.write("config.yml", &shown);
    let plain = folder.sched("show").exits(0).stdout;
    assert!(!plain.contains('#'), "{plain}");
    folder.write("config.yml", "scheduler:\n  max workers: 3\n");
    let shown = folder.sched("show -v").exits(0).stdout;
    assert_eq!(workers(&shown), 0, "{shown}");
    assert!(
        shown.contains("\n  max workers: 3  # config.yml:2\n"),
        "{shown}"
    );
}
