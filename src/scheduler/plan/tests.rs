use std::time::Duration;

use chrono::TimeDelta;

use super::super::reload::follow;
use super::super::testing::{at, config, every, job, noon};
use super::*;
use crate::config::Config;
use crate::run::Cause;
use crate::trigger::{Bounds, Interval, Trigger, Zone};

/// The decisions at `now`, or the first of them.
fn decide(plan: &mut Plan, now: DateTime<Utc>) -> Vec<Decision> {
    let decided = plan.due(now).into_iter();
    decided.map(|decided| decided.decision).collect()
}

/// The decisions at `now`, one word each: `run tick 12:01:00`.
fn due(plan: &mut Plan, now: DateTime<Utc>) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        told.extend(decide(plan, now).iter().map(tell));
        if plan.next().is_none_or(|next| next > now) {
            return told;
        }
    }
}

fn tell(decision: &Decision) -> String {
    let time = |fire_time: &DateTime<Utc>| fire_time.format("%H:%M:%S").to_string();
    let fire = |word, fire: &Fire| format!("{word} {} {}", fire.job.name, time(&fire.fire_time));
    let passed = |word, passed: &Passed| {
        let times: Vec<_> = passed.latest.iter().map(time).collect();
        format!("{word} {} {}", passed.job.name, times.join(" "))
    };
    match decision {
        Decision::Run(one) => fire("run", one),
        Decision::Skip(one) => fire("skip", one),
        Decision::Coalesce(many) => passed("coalesce", many),
        Decision::Miss(many) => passed("miss", many),
    }
}

fn plan(jobs: impl IntoIterator<Item = Job>) -> Plan {
    Plan::new(roster(jobs), noon(0), 100, |_| 0)
}

fn roster(jobs: impl IntoIterator<Item = Job>) -> Roster {
    jobs.into_iter().map(Job::shared).collect()
}

/// Goes on with these jobs; gives the fires that waited and whose jobs are gone or disabled.
fn replace(
    plan: &mut Plan,
    jobs: impl IntoIterator<Item = Job>,
    now: DateTime<Utc>,
    workers: usize,
) -> Vec<Fire> {
    let before = Config {
        jobs: plan.jobs().clone(),
        ..config([])
    };
    let reload = follow(&before, config(jobs));
    plan.replace(&reload.shift, now, workers).waiting
}

/// The fire that `due` would have begun, for telling that it ended.
fn fire(job: Job, fire_time: DateTime<Utc>) -> Fire {
    Fire {
        job: job.shared(),
        fire_time,
        due: fire_time,
        cause: Cause::Schedule,
        attempt: 1,
    }
}

fn end(plan: &mut Plan, name: &str, now: DateTime<Utc>) {
    assert_eq!(
        plan.ended(&fire(job(name), now), Outcome::Success, now),
        None
    );
}

#[test]
fn a_job_fires_at_its_beat() {
    let mut plan = plan([job("tick")]);
    assert_eq!(plan.next(), Some(noon(60)));
    assert!(due(&mut plan, noon(59)).is_empty());
    assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
    assert_eq!(plan.next(), Some(noon(120)));
    assert_eq!(plan.next_of("tick"), Some(noon(120)));
    assert_eq!(plan.next_of("tock"), None);
}

#[test]
fn a_late_fire_within_its_grace_runs_once() {
    let mut plan = plan([job("tick").grace(90)]);
    assert_eq!(
        due(&mut plan, at("12:03:10")),
        [
            "miss tick 12:01:00",
            "coalesce tick 12:02:00",
            "run tick 12:03:00"
        ]
    );
}

#[test]
fn a_fire_beyond_its_grace_is_missed() {
    let mut plan = plan([job("tick").every(3600).grace(1)]);
    assert_eq!(
        due(&mut plan, at("14:00:02")),
        ["miss tick 13:00:00 14:00:00"]
    );
    assert_eq!(due(&mut plan, at("15:00:01")), ["run tick 15:00:00"]);
}

#[test]
fn without_coalesce_late_fires_run_one_after_the_other() {
    let mut plan = plan([job("tick").in_order().grace(150)]);
    assert_eq!(
        due(&mut plan, at("12:04:10")),
        ["miss tick 12:01:00", "run tick 12:02:00"]
    );
    end(&mut plan, "tick", at("12:04:20"));
    assert_eq!(due(&mut plan, at("12:04:20")), ["run tick 12:03:00"]);
    assert!(due(&mut plan, at("12:05:00")).is_empty());
    end(&mut plan, "tick", at("12:05:10"));
    assert_eq!(due(&mut plan, at("12:05:10")), ["run tick 12:04:00"]);
    end(&mut plan, "tick", at("12:05:20"));
    assert_eq!(due(&mut plan, at("12:05:20")), ["run tick 12:05:00"]);
    // This one came due while a run was going on, and that is no backlog.
    assert_eq!(due(&mut plan, at("12:06:00")), ["skip tick 12:06:00"]);
}

#[test]
fn an_overlapping_fire_is_skipped() {
    let mut plan = plan([
        job("tick"),
        job("twin").with(|policy| policy.max_instances = 2),
    ]);
    assert_eq!(due(&mut plan, noon(60)).len(), 2);
    assert_eq!(
        due(&mut plan, noon(120)),
        ["skip tick 12:02:00", "run twin 12:02:00"]
    );
    assert_eq!(
        due(&mut plan, noon(180)),
        ["skip tick 12:03:00", "skip twin 12:03:00"]
    );
    end(&mut plan, "tick", noon(200));
    end(&mut plan, "twin", noon(200));
    assert_eq!(
        due(&mut plan, noon(240)),
        ["run tick 12:04:00", "run twin 12:04:00"]
    );
}

#[test]
fn jobs_fire_in_the_order_of_time_and_file() {
    let mut plan = plan([
        job("b").every(30),
        job("a").every(30),
        job("early").once(noon(10)),
    ]);
    assert_eq!(
        due(&mut plan, noon(30)),
        ["run early 12:00:10", "run b 12:00:30", "run a 12:00:30"]
    );
}

#[test]
fn excess_fires_wait_for_a_worker_in_order() {
    let jobs = ["a", "b", "c"].map(|name| job(name).shared());
    let mut plan = Plan::new(Roster::from_iter(jobs), noon(0), 1, |_| 0);
    assert_eq!(due(&mut plan, noon(60)), ["run a 12:01:00"]);
    assert_eq!(plan.waiting(), 2);
    // A later fire takes the place of the one that waits; the one that runs overlaps.
    assert_eq!(
        due(&mut plan, noon(120)),
        [
            "skip a 12:02:00",
            "coalesce b 12:01:00",
            "coalesce c 12:01:00"
        ]
    );
    end(&mut plan, "a", noon(130));
    assert_eq!(due(&mut plan, noon(130)), ["run b 12:02:00"]);
    end(&mut plan, "b", noon(140));
    assert_eq!(due(&mut plan, noon(140)), ["run c 12:02:00"]);
    assert_eq!(plan.waiting(), 0);
}

#[test]
fn a_fire_that_waits_for_a_worker_beyond_its_grace_is_missed() {
    let jobs = [
        job("long").shared(),
        job("tick").every(90).grace(5).shared(),
    ];
    let mut plan = Plan::new(Roster::from_iter(jobs), noon(0), 1, |_| 0);
    assert_eq!(due(&mut plan, noon(60)), ["run long 12:01:00"]);
    assert!(due(&mut plan, noon(90)).is_empty());
    end(&mut plan, "long", noon(96));
    assert_eq!(due(&mut plan, noon(96)), ["miss tick 12:01:30"]);
}

#[test]
fn a_backlog_waits_for_a_worker_without_being_skipped() {
    let jobs = [job("long").shared(), job("tick").in_order().shared()];
    let mut plan = Plan::new(Roster::from_iter(jobs), noon(0), 1, |_| 0);
    assert_eq!(due(&mut plan, noon(60)), ["run long 12:01:00"]);
    assert_eq!(due(&mut plan, noon(120)), ["skip long 12:02:00"]);
    end(&mut plan, "long", noon(125));
    assert_eq!(due(&mut plan, noon(125)), ["run tick 12:01:00"]);
    end(&mut plan, "tick", noon(126));
    assert_eq!(due(&mut plan, noon(126)), ["run tick 12:02:00"]);
    end(&mut plan, "tick", noon(127));
    assert_eq!(plan.next(), Some(noon(180)));
}

#[test]
fn jitter_delays_a_fire_and_never_adds_up() {
    let mut jittery = job("tick");
    jittery.trigger = every(60, 10);
    let mut plan = Plan::new(Roster::from_iter([jittery.shared()]), noon(0), 9, |most| {
        most
    });
    for minute in 1..100 {
        assert_eq!(plan.next(), Some(noon(60 * minute)));
        assert!(due(&mut plan, noon(60 * minute)).is_empty());
        assert_eq!(plan.next(), Some(noon(60 * minute + 10)));
        assert_eq!(due(&mut plan, noon(60 * minute + 10)).len(), 1);
        end(&mut plan, "tick", noon(60 * minute + 11));
    }
}

#[test]
fn jitter_longer_than_the_interval_swallows_no_fire() {
    let mut jittery = job("tick").with(|policy| policy.max_instances = 9);
    jittery.trigger = every(60, 150);
    let mut plan = Plan::new(Roster::from_iter([jittery.shared()]), noon(0), 9, |most| {
        most
    });
    let mut began = Vec::new();
    while began.len() < 5 {
        let now = plan.next().unwrap();
        began.extend(due(&mut plan, now));
    }
    assert_eq!(
        began,
        [
            "run tick 12:01:00",
            "run tick 12:02:00",
            "run tick 12:03:00",
            "run tick 12:04:00",
            "run tick 12:05:00"
        ]
    );
}

#[test]
fn fires_that_jitter_brings_together_both_run() {
    let mut jittery = job("tick").with(|policy| policy.max_instances = 2);
    jittery.trigger = every(60, 120);
    // 60 and 0 seconds of delay, in turn.
    let mut plan = Plan::new(Roster::from_iter([jittery.shared()]), noon(0), 9, |most| {
        use std::sync::atomic::{AtomicU32, Ordering};
        static DRAWN: AtomicU32 = AtomicU32::new(0);
        most / 2 * ((DRAWN.fetch_add(1, Ordering::Relaxed) + 1) % 2)
    });
    assert!(due(&mut plan, noon(60)).is_empty());
    assert_eq!(
        due(&mut plan, noon(120)),
        ["run tick 12:01:00", "run tick 12:02:00"]
    );
}

#[test]
fn a_disabled_job_does_not_fire() {
    let off = || job("off").with(|policy| policy.enabled = false);
    let mut plan = plan([off()]);
    assert_eq!(plan.next(), None);
    replace(&mut plan, [job("off")], noon(90), 9);
    assert_eq!(plan.next(), Some(noon(120)));
    replace(&mut plan, [off()], noon(100), 9);
    assert_eq!(plan.next(), None);
}

#[test]
fn run_at_start_fires_once_and_not_at_a_reload() {
    let eager = || job("eager").with(|policy| policy.run_at_start = true);
    let mut plan = plan([eager()]);
    assert_eq!(due(&mut plan, noon(0)), ["run eager 12:00:00"]);
    end(&mut plan, "eager", noon(1));
    replace(&mut plan, [eager(), job("other")], noon(2), 9);
    assert_eq!(plan.next(), Some(noon(60)));
}

#[test]
fn a_reload_keeps_the_beat_of_an_unchanged_trigger() {
    let mut plan = plan([job("same"), job("args"), job("other"), job("gone")]);
    let mut args = job("args");
    args.args.push(crate::value::Value::Int(1));
    let jobs = [job("new"), args, job("other").every(90), job("same")];
    let gone = replace(&mut plan, jobs, noon(40), 9);
    assert_eq!(gone, []);
    assert_eq!(plan.next_of("same"), Some(noon(60)));
    assert_eq!(plan.next_of("args"), Some(noon(60)));
    assert_eq!(plan.next_of("other"), Some(noon(130)));
    assert_eq!(plan.next_of("new"), Some(noon(100)));
    assert_eq!(plan.next_of("gone"), None);
    let began = decide(&mut plan, noon(60));
    assert!(
        began
            .iter()
            .any(|decision| matches!(decision, Decision::Run(fire) if !fire.job.args.is_empty()))
    );
}

#[test]
fn an_interval_keeps_its_beat_in_another_zone() {
    let mut plan = plan([job("tick")]);
    let mut elsewhere = job("tick");
    let zone = Zone::named("Asia/Tokyo").unwrap();
    elsewhere.trigger = Trigger::Interval(Interval::new(60, Bounds::default(), zone, 0));
    replace(&mut plan, [elsewhere], noon(40), 9);
    assert_eq!(plan.next_of("tick"), Some(noon(60)));
    let mut delayed = job("tick");
    delayed.trigger = every(60, 5);
    replace(&mut plan, [delayed], noon(50), 9);
    assert_eq!(
        plan.next_of("tick"),
        Some(noon(60)),
        "nor does a jitter matter"
    );
}

#[test]
fn a_fire_that_is_due_at_a_reload_is_not_lost() {
    let mut plan = plan([job("tick")]);
    replace(&mut plan, [job("tick")], noon(61), 9);
    assert_eq!(due(&mut plan, noon(61)), ["run tick 12:01:00"]);
}

#[test]
fn the_run_of_a_removed_job_still_counts_when_the_job_returns() {
    let mut plan = plan([job("tick")]);
    assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
    replace(&mut plan, [], noon(70), 9);
    assert_eq!(plan.next(), None);
    replace(&mut plan, [job("tick")], noon(80), 9);
    assert_eq!(due(&mut plan, noon(140)), ["skip tick 12:02:20"]);
    end(&mut plan, "tick", noon(150));
    assert_eq!(due(&mut plan, noon(200)), ["run tick 12:03:20"]);
}

#[test]
fn a_reload_tells_which_waiting_fires_have_no_job_any_more() {
    let jobs = ["a", "b", "c"].map(|name| job(name).shared());
    let mut plan = Plan::new(Roster::from_iter(jobs), noon(0), 1, |_| 0);
    assert_eq!(due(&mut plan, noon(60)), ["run a 12:01:00"]);
    let gone = replace(&mut plan, [job("c")], noon(61), 1);
    assert_eq!(gone, [fire(job("b"), noon(60))]);
    end(&mut plan, "a", noon(62));
    assert_eq!(due(&mut plan, noon(62)), ["run c 12:01:00"]);
}

#[test]
fn a_job_that_was_disabled_while_it_waited_fires_again_later() {
    let ordered = || job("tick").in_order();
    let off = ordered().every(90).with(|policy| policy.enabled = false);
    let jobs = [job("busy"), ordered()].map(Job::shared);
    let mut plan = Plan::new(Roster::from_iter(jobs), noon(0), 1, |_| 0);
    assert_eq!(due(&mut plan, noon(60)), ["run busy 12:01:00"]);
    let gone = replace(&mut plan, [job("busy").every(900), off], noon(61), 1);
    assert_eq!(gone, [fire(ordered(), noon(60))]);
    end(&mut plan, "busy", noon(62));
    replace(&mut plan, [ordered()], noon(70), 1);
    assert_eq!(due(&mut plan, noon(130)), ["run tick 12:02:10"]);
}

#[test]
fn at_one_instant_jobs_fire_in_the_order_of_the_config_that_holds() {
    let mut plan = plan(["a", "b", "c"].map(job));
    replace(&mut plan, ["c", "new", "a"].map(job), noon(0), 9);
    assert_eq!(
        due(&mut plan, noon(60)),
        ["run c 12:01:00", "run new 12:01:00", "run a 12:01:00"]
    );
}

#[test]
fn what_stays_is_left_alone() {
    let jobs = ["a", "b", "c", "d"].map(job);
    let shift = |next: &[Job]| follow(&config(jobs.clone()), config(next.to_vec())).shift;
    let [a, b, c, d] = jobs.clone();
    let places = |shift: &Shift| (shift.other.clone(), shift.moves);
    assert_eq!(places(&shift(&jobs)), (vec![], false));
    let changed = shift(&[a.clone(), b.every(7), c.clone(), d.clone()]);
    assert_eq!(places(&changed), (vec![1], false));
    let longer = shift(&[a.clone(), job("new"), c.clone(), d.clone()]);
    assert_eq!(places(&longer), (vec![1], true));
    assert_eq!(longer.from, [Some(0), None, Some(2), Some(3)]);
    assert_eq!(places(&shift(&[a.clone(), c.clone()])), (vec![], true));
    assert_eq!(places(&shift(&[a])), (vec![], true));
    assert_eq!(shift(&[d, c]).from, [Some(3), Some(2)]);
}

#[test]
fn a_failed_run_is_tried_again_after_a_delay_that_doubles() {
    let stubborn = || {
        job("tick").every(86_400).with(|policy| {
            policy.retries = 12;
            policy.run_at_start = true;
        })
    };
    let mut plan = plan([stubborn()]);
    let mut now = noon(0);
    let mut delays = Vec::new();
    loop {
        let decisions = decide(&mut plan, now);
        let [Decision::Run(fire)] = &decisions[..] else {
            panic!("{decisions:?}");
        };
        assert_eq!(fire.fire_time, noon(0));
        assert_eq!(fire.cause == Cause::Retry, fire.attempt > 1);
        let Some(again) = plan.ended(fire, Outcome::Failure, now) else {
            break;
        };
        assert_eq!(plan.next(), Some(again));
        delays.push((again - now).num_seconds());
        now = again;
    }
    let doubled = [10, 20, 40, 80, 160, 320, 640, 1280, 2560];
    assert_eq!(delays[..9], doubled);
    assert_eq!(delays[9..], [3600, 3600, 3600]);
}

#[test]
fn a_delay_that_is_longer_than_an_hour_stays_as_it_is() {
    let patient = job("tick").every(86_400).with(|policy| {
        policy.retries = 2;
        policy.retry_delay = Duration::from_secs(7_200);
        policy.run_at_start = true;
    });
    let mut plan = plan([patient]);
    for hours in [0, 2] {
        let now = noon(hours * 3_600);
        let decisions = decide(&mut plan, now);
        let [Decision::Run(fire)] = &decisions[..] else {
            panic!("{decisions:?}");
        };
        let again = plan.ended(fire, Outcome::Failure, now);
        assert_eq!(again, Some(noon((hours + 2) * 3_600)));
    }
}

#[test]
fn a_run_that_began_before_the_clock_was_set_back_holds_up_no_other() {
    let several = job("tick").with(|policy| {
        policy.max_instances = 3;
        policy.coalesce = false;
    });
    let mut plan = plan([several]);
    assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
    // So early that the next fire comes before that run began.
    assert!(due(&mut plan, noon(-90)).is_empty());
    assert_eq!(due(&mut plan, noon(-60)), ["run tick 11:59:00"]);
}

#[test]
fn only_failures_are_tried_again() {
    for (outcome, again) in [
        (Outcome::Failure, true),
        (Outcome::Timeout, true),
        (Outcome::Killed, true),
        (Outcome::Success, false),
        (Outcome::Interrupted, false),
    ] {
        let mut plan = plan([job("tick").with(|policy| policy.retries = 1)]);
        assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
        let retry = plan.ended(&fire(job("tick"), noon(60)), outcome, noon(61));
        assert_eq!(retry.is_some(), again, "{outcome:?}");
    }
}

#[test]
fn a_retry_waits_for_the_run_of_a_later_fire() {
    let mut plan = plan([job("tick").with(|policy| policy.retries = 1)]);
    assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
    let retry = plan.ended(&fire(job("tick"), noon(60)), Outcome::Failure, noon(115));
    assert_eq!(retry, Some(noon(125)));
    assert_eq!(due(&mut plan, noon(120)), ["run tick 12:02:00"]);
    assert!(due(&mut plan, noon(125)).is_empty());
    end(&mut plan, "tick", noon(130));
    assert_eq!(due(&mut plan, noon(130)), ["run tick 12:01:00"]);
}

#[test]
fn nothing_fires_twice_when_the_clock_is_set_back() {
    let mut plan = plan([job("tick"), job("eleven").once(at("11:30:00"))]);
    for minute in 1..=10 {
        assert_eq!(due(&mut plan, noon(60 * minute)).len(), 1);
        end(&mut plan, "tick", noon(60 * minute + 1));
    }
    // Both the anchor and the times that were fired lie ahead again.
    assert!(due(&mut plan, noon(250)).is_empty());
    assert_eq!(plan.next(), Some(noon(660)));
    assert!(due(&mut plan, at("11:00:00")).is_empty());
    assert_eq!(due(&mut plan, at("11:01:00")), ["run tick 11:01:00"]);
    end(&mut plan, "tick", at("11:01:01"));
    assert_eq!(
        due(&mut plan, at("11:30:00")).last().unwrap(),
        "run eleven 11:30:00"
    );
    end(&mut plan, "tick", at("11:30:01"));
    // Of the times up to 12:10, only those that were not fired before.
    let began = due(&mut plan, at("12:10:30"));
    assert!(began[0].starts_with("coalesce tick 11:31:00 "), "{began:?}");
    assert!(began[0].ends_with(" 11:58:00 11:59:00"), "{began:?}");
    assert_eq!(began[1..], ["run tick 12:00:00"]);
    assert_eq!(plan.next(), Some(noon(660)));
}

#[test]
fn a_retry_that_a_job_does_not_get_any_more_is_dropped() {
    let tries = |retries| job("tick").with(move |policy| policy.retries = retries);
    let mut plan = plan([tries(3)]);
    assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
    let first = fire(tries(3), noon(60));
    plan.ended(&first, Outcome::Failure, noon(61)).unwrap();
    assert!(replace(&mut plan, [tries(1)], noon(62), 9).is_empty());
    let gone = replace(&mut plan, [tries(0)], noon(63), 9);
    assert_eq!(
        gone.iter().map(|fire| fire.attempt).collect::<Vec<_>>(),
        [2]
    );
    assert_eq!(due(&mut plan, noon(120)), ["run tick 12:02:00"]);
}

#[test]
fn a_retry_waits_no_longer_when_the_clock_is_set_back() {
    let mut plan = plan([job("tick").with(|policy| policy.retries = 1)]);
    assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
    plan.ended(&fire(job("tick"), noon(60)), Outcome::Failure, noon(61));
    assert!(due(&mut plan, noon(1)).is_empty());
    assert_eq!(plan.next(), Some(noon(11)));
}

#[test]
fn a_clock_that_was_wrong_by_decades_silences_nobody() {
    let mut plan = plan([job("tick")]);
    let far = at("2100-01-01T00:00:30Z");
    let began = due(&mut plan, far);
    assert_eq!(began.last().unwrap(), "run tick 00:00:00");
    end(&mut plan, "tick", far);
    assert!(due(&mut plan, noon(30)).is_empty());
    assert_eq!(due(&mut plan, noon(60)), ["run tick 12:01:00"]);
    end(&mut plan, "tick", noon(60));
    // One that began in that wrong year, too.
    let jobs = [job("tick").shared()];
    let mut plan = Plan::new(Roster::from_iter(jobs), far, 9, |_| 0);
    assert!(due(&mut plan, noon(0)).is_empty());
    assert_eq!(due(&mut plan, noon(30)), ["run tick 12:00:30"]);
}

#[test]
fn a_year_of_suspend_is_counted_and_not_listed() {
    let mut plan = plan([job("second").every(1), job("day").every(86_400)]);
    let later = at("2027-11-24T12:00:00Z");
    let decisions = decide(&mut plan, later);
    let Decision::Coalesce(passed) = &decisions[0] else {
        panic!("{decisions:?}");
    };
    assert_eq!(passed.latest.len(), 1_000);
    assert!(passed.count >= 1_000_000 && passed.and_more);
    assert_eq!(
        *passed.latest.last().unwrap(),
        later - TimeDelta::seconds(1)
    );
    let mut told: Vec<_> = decisions[1..].iter().map(tell).collect();
    told.extend(due(&mut plan, later));
    assert_eq!(told[0], "run second 12:00:00");
    assert_eq!(told.last().unwrap(), "run day 12:00:00");
}

#[test]
fn a_backlog_that_can_be_counted_has_its_full_count() {
    let mut plan = plan([job("tick").grace(3600)]);
    let decisions = decide(&mut plan, noon(60 * 100_000));
    let [
        Decision::Miss(missed),
        Decision::Coalesce(coalesced),
        Decision::Run(fire),
    ] = &decisions[..]
    else {
        panic!("{decisions:?}");
    };
    assert_eq!((missed.count, missed.and_more), (99_939, false));
    assert_eq!(missed.latest.len(), 1_000);
    assert_eq!((coalesced.count, coalesced.latest.len()), (60, 60));
    assert_eq!(fire.fire_time, noon(60 * 100_000));
}

#[test]
fn a_hundred_thousand_jobs_have_their_turn() {
    let jobs = (0..100_000).map(|index| job(&format!("job.{index}")).every(60).shared());
    let mut plan = Plan::new(jobs.collect(), noon(0), usize::MAX, |_| 0);
    assert!(decide(&mut plan, noon(60)).len() < 100_000, "in slices");
    while plan.next().unwrap() <= noon(60) {
        assert!(!decide(&mut plan, noon(60)).is_empty());
    }
    assert_eq!(plan.next(), Some(noon(120)));
}

mod laws {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::trigger::{Date, Trigger, Zone};

    /// What happens to a plan.
    #[derive(Debug, Clone)]
    enum Act {
        /// The clock goes on by so many seconds, the plan waking whenever it asks for it.
        Live(i64),
        /// The machine sleeps so many seconds.
        Sleep(i64),
        /// The clock is set back by so many seconds.
        Back(i64),
        /// The oldest run ends, in failure or not.
        End(bool),
        /// The config is read again.
        Reload(Vec<Job>),
    }

    fn a_job() -> impl Strategy<Value = Job> {
        let trigger = prop_oneof![
            (7..400_i64, 0..90_u32).prop_map(|(seconds, jitter)| every(seconds, jitter)),
            (0..2_000_i64).prop_map(|s| Trigger::Date(Date::new(noon(s), Zone::utc(), 0))),
        ];
        let several = proptest::collection::vec(trigger, 1..3).prop_map(|mut triggers| {
            if triggers.len() == 1 {
                triggers.remove(0)
            } else {
                Trigger::Any(triggers)
            }
        });
        let policy = (
            1..3_u32,
            any::<bool>(),
            0..3_u32,
            proptest::option::of(0..100_u64),
        );
        ("[a-e]", several, policy).prop_map(|(name, trigger, (most, coalesce, retries, grace))| {
            let mut job = job(&name).with(|policy| {
                policy.max_instances = most;
                policy.coalesce = coalesce;
                policy.retries = retries;
                policy.misfire_grace_time = grace.map(Duration::from_secs);
            });
            job.trigger = trigger;
            job
        })
    }

    fn jobs() -> impl Strategy<Value = Vec<Job>> {
        proptest::collection::vec(a_job(), 0..5).prop_map(|mut jobs| {
            let mut names = HashSet::new();
            jobs.retain(|job| names.insert(job.name.clone()));
            jobs
        })
    }

    fn acts(set_back: bool, reload: bool) -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            4 => (0..300_i64).prop_map(Act::Live),
            1 => (0..2_000_i64).prop_map(Act::Sleep),
            u32::from(set_back) => (0..2_000_i64).prop_map(Act::Back),
            4 => any::<bool>().prop_map(Act::End),
            u32::from(reload) => jobs().prop_map(Act::Reload),
        ];
        proptest::collection::vec(act, 1..40)
    }

    /// A plan, the clock, the runs that go on, and what was decided.
    struct World {
        plan: Plan,
        now: DateTime<Utc>,
        latest: DateTime<Utc>,
        runs: Vec<Fire>,
        decided: Vec<(&'static str, String, DateTime<Utc>, u32)>,
        workers: usize,
    }

    impl World {
        fn new(jobs: &[Job], workers: usize) -> Self {
            Self {
                plan: Plan::new(roster(jobs.to_vec()), noon(0), workers, |most| most / 2),
                now: noon(0),
                latest: noon(0),
                runs: Vec::new(),
                decided: Vec::new(),
                workers,
            }
        }

        fn act(&mut self, act: &Act) {
            match act {
                Act::Live(seconds) => self.live(self.now + TimeDelta::seconds(*seconds)),
                Act::Sleep(seconds) => self.now += TimeDelta::seconds(*seconds),
                Act::Back(seconds) => self.now -= TimeDelta::seconds(*seconds),
                Act::End(good) if !self.runs.is_empty() => {
                    let fire = self.runs.remove(0);
                    let outcome = if *good {
                        Outcome::Success
                    } else {
                        Outcome::Failure
                    };
                    self.plan.ended(&fire, outcome, self.now);
                }
                Act::End(_) => {}
                Act::Reload(jobs) => {
                    replace(&mut self.plan, jobs.clone(), self.now, self.workers);
                }
            }
            self.decide();
        }

        fn live(&mut self, until: DateTime<Utc>) {
            while let Some(next) = self.plan.next().filter(|next| *next <= until) {
                self.now = self.now.max(next);
                self.decide();
            }
            self.now = until;
        }

        fn decide(&mut self) {
            self.latest = self.latest.max(self.now);
            loop {
                for decision in decide(&mut self.plan, self.now) {
                    self.take(decision);
                }
                if self.plan.next().is_none_or(|next| next > self.now) {
                    return;
                }
            }
        }

        fn take(&mut self, decision: Decision) {
            let (word, passed) = match decision {
                Decision::Run(fire) => {
                    assert!(
                        fire.fire_time <= self.latest && fire.due <= self.latest,
                        "early"
                    );
                    let name = fire.job.name.clone();
                    self.decided
                        .push(("run", name, fire.fire_time, fire.attempt));
                    self.runs.push(fire);
                    assert!(self.runs.len() <= self.workers, "too many workers");
                    return;
                }
                Decision::Skip(fire) => ("skip", Passed::one(&fire.job, fire.fire_time)),
                Decision::Coalesce(passed) => ("coalesce", passed),
                Decision::Miss(passed) => ("miss", passed),
            };
            for fire_time in passed.latest {
                assert!(fire_time <= self.latest, "early");
                self.decided
                    .push((word, passed.job.name.clone(), fire_time, 1));
            }
        }

        fn runs_twice(&self) -> bool {
            let mut seen = HashSet::new();
            let mut runs = self.decided.iter().filter(|one| one.0 == "run");
            !runs.all(|run| seen.insert(run))
        }
    }

    /// Every fire time of a job up to `until`, found second by second.
    fn fire_times(job: &Job, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let trigger = job.trigger.clone().anchored(noon(0));
        let mut found = Vec::new();
        let mut second = noon(0);
        while second < until {
            let next = second + TimeDelta::seconds(1);
            if trigger.next_after(second) == Some(next) {
                found.push(next);
            }
            second = next;
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// No fire is lost, doubled or early, whatever the policy and however late the plan wakes.
        #[test]
        fn every_fire_is_decided_once(jobs in jobs(), acts in acts(false, false), workers in 1..4_usize) {
            let mut world = World::new(&jobs, workers);
            for act in &acts {
                world.act(act);
            }
            // Let all that waits have its turn: at most one delay of jitter, and every run's end.
            let end = world.now;
            world.live(end + TimeDelta::seconds(50));
            for _ in 0..20_000 {
                if world.runs.is_empty() {
                    break;
                }
                world.act(&Act::End(true));
            }
            prop_assert!(world.runs.is_empty());
            for job in &jobs {
                let decided: Vec<_> = world.decided.iter().filter(|one| one.1 == job.name).collect();
                let mut first: Vec<_> = decided.iter().filter(|one| one.3 == 1).map(|one| one.2).collect();
                first.sort_unstable();
                // A fire of the last seconds may still wait for its jitter.
                first.retain(|time| *time <= end);
                let mut expected = fire_times(job, end);
                expected.retain(|time| *time <= end);
                prop_assert_eq!(first, expected);
                let misses = decided.iter().any(|one| one.0 == "miss");
                prop_assert!(!misses || job.policy.misfire_grace_time.is_some());
                let coalesces = decided.iter().any(|one| one.0 == "coalesce");
                prop_assert!(!coalesces || job.policy.coalesce);
            }
        }

        /// Nothing runs twice for one fire time, also when the clock is set back.
        #[test]
        fn no_fire_time_runs_twice(jobs in jobs(), acts in acts(true, false), workers in 1..4_usize) {
            let mut world = World::new(&jobs, workers);
            for act in &acts {
                world.act(act);
            }
            prop_assert!(!world.runs_twice(), "{:?}", world.decided);
        }

        /// No order of things confuses the plan.
        #[test]
        fn reloads_at_any_moment_are_fine(jobs in jobs(), acts in acts(true, true), workers in 1..4_usize) {
            let mut world = World::new(&jobs, workers);
            for act in &acts {
                world.act(act);
            }
            prop_assert_eq!(world.plan.busy, world.runs.len());
        }
    }
}

#[test]
fn what_comes_soon_is_what_will_be_due_first() {
    // Their fire times are in no order.
    let jobs = (0..50).map(|number| job(&format!("a.{number}")).every(30 + number * 37 % 50));
    let mut plan = plan(jobs);
    let names = |fires: &[Fire]| -> Vec<String> {
        let names = fires.iter().map(|fire| fire.job.name.clone());
        names.collect()
    };
    assert_eq!(plan.soon(noon(29)), []);
    let few = plan.soon(noon(33));
    assert_eq!(names(&few), ["a.0", "a.23", "a.46", "a.19"]);
    let first = plan.soon(noon(100));
    assert_eq!(first.len(), FORESIGHT);
    let decisions = [30, 31, 32, 33].map(|second| decide(&mut plan, noon(second)));
    let run: Vec<Fire> = decisions
        .into_iter()
        .flatten()
        .filter_map(|decision| match decision {
            Decision::Run(fire) => Some(fire),
            Decision::Skip(_) | Decision::Coalesce(_) | Decision::Miss(_) => None,
        })
        .collect();
    assert_eq!(run, few);
    assert_eq!(first[..4], few);
}

/// What is known of a job since `since`.
fn known(job: &Job, since: DateTime<Utc>) -> Known {
    let seen = Seen {
        job: job.clone().shared(),
        anchor: since,
        since: Some(since),
    };
    Known {
        memory: seen.memory(),
        recorded: Vec::new(),
        retries: Vec::new(),
        waiting: None,
    }
}

#[test]
fn after_a_downtime_fires_in_order_wait_for_one_another_however_many_they_are() {
    let jobs = ["tick", "tock"].map(|name| job(name).every(1).grace(1_200).in_order());
    let mut plan = Plan::new(roster(jobs.clone()), noon(1_800), 9, |_| 0);
    let downtime = plan.resume(jobs.iter().map(|job| known(job, noon(0))).collect(), false);
    let missed: Vec<_> = downtime.missed.iter().map(|passed| passed.count).collect();
    assert_eq!(missed, [599, 599]);
    assert_eq!(downtime.coalesced, []);
    let causes = |plan: &Plan, until| -> Vec<Cause> {
        let soon = plan.soon(until).into_iter();
        soon.map(|fire| fire.cause).collect()
    };
    assert_eq!(causes(&plan, noon(1_800)), [Cause::CatchUp; 2]);
    for second in 600..=1_800 {
        let now = noon(1_800);
        let time = noon(second).format("%H:%M:%S");
        assert_eq!(
            due(&mut plan, now),
            ["tick", "tock"].map(|name| format!("run {name} {time}"))
        );
        for job in &jobs {
            let fire = Fire {
                job: job.clone().shared(),
                fire_time: noon(second),
                due: noon(second),
                cause: Cause::CatchUp,
                attempt: 1,
            };
            assert_eq!(plan.ended(&fire, Outcome::Success, now), None);
        }
    }
    assert_eq!(plan.next(), Some(noon(1_801)));
    assert_eq!(causes(&plan, noon(1_801)), [Cause::Schedule; 2]);
}

/// What is told of the jobs of `known` at noon and `seconds`, where each jitter is the `draw`n, and
/// what is decided from then on for ten minutes.
fn resumed(job: &Job, known: Known, seconds: i64, draw: fn(u32) -> u32) -> [Vec<String>; 2] {
    let mut plan = Plan::new(roster([job.clone()]), noon(seconds), 9, draw);
    let downtime = plan.resume(vec![known], false);
    let missed = downtime.missed.into_iter().map(Decision::Miss);
    let coalesced = downtime.coalesced.into_iter().map(Decision::Coalesce);
    let passed = missed.chain(coalesced).map(|one| tell(&one)).collect();
    let decided = (seconds..seconds + 600).flat_map(|second| {
        let told = due(&mut plan, noon(second)).into_iter();
        told.map(move |told| format!("{second} {told}"))
    });
    [passed, decided.take(1).collect()]
}

#[test]
fn a_fire_whose_jitter_is_not_over_runs_after_a_restart() {
    let mut late = job("late");
    late.trigger = every(100, 60);
    let at = |seconds| resumed(&late, known(&late, noon(0)), seconds, |most| most / 2);
    assert_eq!(at(120), [vec![], vec!["130 run late 12:01:40".to_owned()]]);
    assert_eq!(at(150), [vec![], vec!["150 run late 12:01:40".to_owned()]]);
    let missed = |times: &str| vec![format!("miss late {times}")];
    assert_eq!(at(160)[0], missed("12:01:40"));
    // The fires before it fell into the down time.
    assert_eq!(
        at(330),
        [
            missed("12:01:40 12:03:20"),
            vec!["330 run late 12:05:00".to_owned()]
        ]
    );
}

#[test]
fn what_waits_is_told_at_the_end() {
    let long = job("long").every(10);
    let other = job("other").every(10);
    let each = job("each").every(10).in_order();
    let mut plan = Plan::new(roster([long, other, each]), noon(0), 2, |_| 0);
    assert_eq!(
        due(&mut plan, noon(10)),
        ["run long 12:00:10", "run other 12:00:10"]
    );
    let left = |plan: &Plan| -> Vec<_> {
        assert_eq!(plan.left_behind().count(), 0);
        let left = plan.left_waiting();
        left.map(|(job, at)| format!("{} {}", job.name, at.format("%H:%M:%S")))
            .collect()
    };
    assert_eq!(left(&plan), ["each 12:00:10"]);
    due(&mut plan, noon(20));
    assert_eq!(left(&plan), ["each 12:00:20"], "parked behind the first");
}

#[test]
fn what_waited_at_an_orderly_end_runs_after_a_restart() {
    let tick = job("tick").every(100);
    let waited = |seconds| Known {
        waiting: Some(noon(seconds)),
        ..known(&tick, noon(0))
    };
    let at = |waiting| resumed(&tick, waited(waiting), 450, |_| 0);
    assert_eq!(
        at(200),
        [
            vec![
                "miss tick 12:05:00 12:06:40".to_owned(),
                "coalesce tick 12:01:40".to_owned()
            ],
            vec!["450 run tick 12:03:20".to_owned()]
        ]
    );
    assert_eq!(at(50)[0], ["miss tick 12:01:40 12:03:20 12:05:00 12:06:40"]);
}

#[test]
fn a_fire_that_its_jitter_makes_too_late_is_missed_with_those_before_it() {
    let mut graced = job("tick").grace(20);
    graced.trigger = every(10, 60);
    let at = |draw| resumed(&graced, known(&graced, noon(0)), 35, draw);
    let all = "miss tick 12:00:10 12:00:20 12:00:30";
    assert_eq!(
        at(|_| 0)[0],
        ["coalesce tick 12:00:10 12:00:20"],
        "the latest is within its grace"
    );
    graced = graced.grace(2);
    let at = |draw| resumed(&graced, known(&graced, noon(0)), 35, draw);
    assert_eq!(at(|_| 0)[0], [all], "with this jitter it is not");
}

#[test]
fn in_order_the_latest_runs_at_any_lateness_where_none_is_within_its_grace() {
    let each = job("tick").every(10).grace(2).in_order();
    let mut plan = Plan::new(roster([each.clone()]), noon(35), 9, |_| 0);
    let downtime = plan.resume(vec![known(&each, noon(0))], true);
    let missed: Vec<_> = downtime.missed.into_iter().map(Decision::Miss).collect();
    let told: Vec<_> = missed.iter().map(tell).collect();
    assert_eq!(told, ["miss tick 12:00:10 12:00:20"]);
    assert_eq!(due(&mut plan, noon(39)), [""; 0]);
    assert_eq!(due(&mut plan, noon(40)), ["run tick 12:00:30"]);
}

#[test]
fn what_is_owed_is_not_settled_by_a_later_fire() {
    let each = job("tick").every(10).grace(3_600).in_order();
    let each = each.with(|policy| policy.run_at_start = true);
    let mut plan = Plan::new(roster([each.clone()]), noon(30), 9, |_| 0);
    plan.resume(vec![known(&each, noon(0))], false);
    let decided = plan.due(noon(30));
    let told: Vec<_> = decided.iter().map(|one| tell(&one.decision)).collect();
    assert_eq!(told, ["run tick 12:00:10"]);
    assert!(decided[0].settled < noon(20), "{decided:?}");
}

#[test]
fn of_very_many_late_fires_in_order_the_middle_is_left_out() {
    let mut plan = plan([job("tick").every(1).grace(10).in_order()]);
    let decisions = decide(&mut plan, noon(1_500_000));
    let [Decision::Miss(missed), Decision::Run(fire)] = &decisions[..] else {
        panic!("{decisions:?}");
    };
    assert!(missed.and_more);
    assert_eq!(missed.first, noon(1));
    assert_eq!(missed.latest.len(), 1_000);
    assert_eq!(missed.last, noon(1_499_989));
    assert_eq!(fire.fire_time, noon(1_499_990));
}

#[test]
fn what_is_owed_of_a_job_that_changes_is_told() {
    let each = |seconds| job("tick").every(seconds).grace(100).in_order();
    for (after, goes_on) in [
        (vec![], false),
        (vec![each(7)], false),
        (vec![each(10).with(|policy| policy.enabled = false)], false),
        (vec![each(10).with(|policy| policy.max_instances = 2)], true),
    ] {
        let mut plan = plan([each(10)]);
        assert_eq!(due(&mut plan, noon(30)), ["run tick 12:00:10"]);
        let before = Config {
            jobs: plan.jobs().clone(),
            ..config([])
        };
        let reload = follow(&before, config(after));
        let dropped = plan.replace(&reload.shift, noon(125), 9);
        let times = |all: &[Passed]| all.iter().map(|one| one.latest.clone()).collect::<Vec<_>>();
        if goes_on {
            assert_eq!(dropped, Dropped::default());
            continue;
        }
        assert_eq!(times(&dropped.missed), [[noon(20)]]);
        let owed: Vec<_> = (3..=12).map(|each| noon(10 * each)).collect();
        assert_eq!(times(&dropped.owed), [owed]);
    }
}
