use super::*;
use crate::cli::arguments::{Arguments, Command};
use crate::config::{self, Outside};
use crate::trigger::{Bounds, Cron, Trigger, Zone};

const CONFIG: &str = "
scheduler:
  test.heartbeat: {type: interval, minutes: 1}
  test.heartbeat monthly: {type: cron, day: 1, hour: 0, minute: 1}
  backup.nightly: {type: cron, hour: 2, minute: 30, description: all of it}
  report.once: {type: date, run_date: 2026-12-24 18:00}
  report.off: {type: cron, hour: 9, enabled: false}
  report.soon: {type: cron, hour: 9, jitter: 30, timezone: Europe/Berlin}
  report.faulty: {type: cron, hour: 99}
  report.soon faulty: {type: cron, hour: 99}
";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn config() -> Config {
    let outside = Outside::new(
        at("2026-11-24T09:30:12-05:00"),
        "/srv",
        Zone::named("America/New_York").unwrap(),
    );
    config::read(CONFIG, &outside).config.unwrap()
}

fn answer(words: &str) -> anyhow::Result<String> {
    answer_on(Style::default().width, words)
}

/// What is shown on a screen of so many columns.
fn answer_on(width: usize, words: &str) -> anyhow::Result<String> {
    let line = format!("sched next {words}");
    let arguments = Arguments::read(line.split_whitespace().map(Into::into)).unwrap();
    let Command::Next(next) = arguments.command else {
        panic!("not next");
    };
    let around = Surroundings {
        now: at("2026-11-24T09:30:12.4-05:00"),
        anchors: HashMap::new(),
        style: Style {
            width,
            ..Style::default()
        },
        secrets: Secrets::default(),
    };
    let mut out = Vec::new();
    write(&mut out, &config(), &arguments.global, &next, &around)?;
    Ok(String::from_utf8(out).unwrap())
}

fn refusal(words: &str) -> Refusal {
    answer(words).unwrap_err().downcast().unwrap()
}

#[test]
fn a_function_names_every_job_that_calls_it() {
    assert_eq!(
        answer("test.heartbeat -n 2").unwrap(),
        "\
test.heartbeat — every minute                                     (America/New_York)
  not started yet by `sched watch`; counted from now
  Tue 2026-11-24 09:31:12 EST   in 1m
  Tue 2026-11-24 09:32:12 EST   in 2m

test.heartbeat monthly — at 00:01 on day 1 of every month
  Tue 2026-12-01 00:01:00 EST   in 6d 14h
  Fri 2027-01-01 00:01:00 EST   in 37d 14h
"
    );
}

#[test]
fn the_zone_stands_where_the_screen_has_room_for_it() {
    let head = |width: usize| {
        let answer = answer_on(width, "test.heartbeat -n 1").unwrap();
        let lines = answer
            .lines()
            .take_while(|line| !line.contains("not started"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let told = "test.heartbeat — every minute";
    let zone = "(America/New_York)";
    for (width, expected) in [
        (200, format!("{told}{:37}{zone}", "")),
        (84, format!("{told}{:37}{zone}", "")),
        (83, format!("{told}{:36}{zone}", "")),
        (60, format!("{told}{:13}{zone}", "")),
        (49, format!("{told}  {zone}")),
    ] {
        assert_eq!(head(width), [expected], "{width}");
    }
    assert_eq!(head(48), [told.to_owned(), format!("  {zone}")]);
}

#[test]
fn a_change_of_the_clocks_is_told() {
    let text = answer("test.heartbeat\u{a0}monthly");
    assert!(text.is_err(), "a job's name is taken as written");
    let text = answer("backup.nightly -n 3 --from 2027-03-13").unwrap();
    let expected = "\
backup.nightly — at 02:30 every day                               (America/New_York)
  all of it
  Sat 2027-03-13 02:30:00 EST   in 108d 16h
  Sun 2027-03-14 03:00:00 EDT   in 109d 16h   02:30 does not exist that day: clocks go from 02:00 to 03:00
  Mon 2027-03-15 02:30:00 EDT   in 110d 15h
";
    assert_eq!(text, expected);
    let text = answer("backup.nightly -n 1 --from 2026-11-01T00:00:00-04:00").unwrap();
    assert!(
        text.contains("02:30:00 EST   23d 7h ago   clocks went back on Sun 2026-11-01"),
        "{text}"
    );
}

#[test]
fn nothing_is_skipped_where_every_hour_is_meant() {
    let new_york = Zone::named("America/New_York").unwrap();
    let quarters = Cron::of_expression("*/15 * * * *", Bounds::default(), new_york, 0).unwrap();
    let (before, fire) = (
        at("2027-03-14T01:45:00-05:00"),
        at("2027-03-14T03:00:00-04:00"),
    );
    let quarters = Trigger::Cron(quarters.into());
    assert_eq!(
        changes::note(&quarters, before, fire).unwrap(),
        "clocks went forward on Sun 2027-03-14"
    );
}

#[test]
fn the_ends_of_a_window_belong_to_it() {
    let text =
        answer("backup.nightly --from 2026-12-01T02:30:00-05:00 --until 2026-12-02T07:30:00Z");
    assert_eq!(text.unwrap().matches("02:30:00").count(), 2);
}

#[test]
fn what_fires_no_more_says_so() {
    assert!(
        answer("report.once")
            .unwrap()
            .ends_with("in 30d 8h\n  then never again\n")
    );
    assert!(
        answer("report.once --from 2027-01-01")
            .unwrap()
            .contains("never fires from then on")
    );
    assert!(
        answer("report.once --until +1d")
            .unwrap()
            .contains("no fire in that time")
    );
    assert!(answer("report.off").unwrap().contains("disabled"));
    assert!(
        answer("report.soon")
            .unwrap()
            .contains("up to 30 s later (jitter)")
    );
}

#[test]
fn programs_get_one_object_a_line() {
    let text = answer("test.heartbeat report.once -n 1 --format json").unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[1],
        r#"{"job":"test.heartbeat monthly","function":"test.heartbeat","trigger":"cron[day='1', hour='0', minute='1']","description":"at 00:01 on day 1 of every month","timezone":"America/New_York","fires":["2026-12-01T00:01:00-05:00"],"exhausted":false,"enabled":true,"jitter":0}"#
    );
    assert!(lines[2].contains(r#""exhausted":true"#), "{}", lines[2]);
}

#[test]
fn an_interval_counts_from_its_anchor_where_it_has_one() {
    let around = Surroundings {
        now: at("2026-11-24T09:30:12-05:00"),
        anchors: HashMap::from([("test.heartbeat".to_owned(), at("2026-11-24T09:00:40-05:00"))]),
        style: Style::default(),
        secrets: Secrets::default(),
    };
    let config = config();
    let window = Window {
        from: around.now,
        until: None,
        count: 1,
    };
    let upcoming = Upcoming::of(&config.jobs[0], window, &around);
    assert_eq!(upcoming.fires, [at("2026-11-24T09:30:40-05:00")]);
    assert!(!upcoming.not_started);
}

#[test]
fn unknown_names_and_wrong_times_are_refused() {
    let unknown = refusal("test.hartbeat");
    assert_eq!(unknown.message, "no job is called `test.hartbeat`");
    assert_eq!(unknown.help, ["did you mean `test.heartbeat`?"]);
    assert_eq!(unknown.exit.code(), 2);
    assert!(
        refusal("--from soon")
            .message
            .starts_with("--from: `soon` is not a time")
    );
    assert_eq!(
        refusal("--from +2h --until +1h").message,
        "--until is before --from"
    );
}

#[test]
fn faulty_jobs_are_named_after_the_others() {
    let all = answer("-n 1").unwrap();
    let faulty = |name: &str| format!("{name} — faulty, no fire time can be told\n");
    let (one, other) = (faulty("report.faulty"), faulty("report.soon faulty"));
    assert!(all.ends_with(&format!("\n\n{one}{other}")), "{all}");
    let soon = answer("report.soon -n 1").unwrap();
    assert!(soon.ends_with(&format!("\n\n{other}")), "{soon}");
    assert!(!soon.contains(&one), "{soon}");
    let json = answer("-n 1 --format json").unwrap();
    assert!(!json.contains("report.faulty"), "{json}");
}
