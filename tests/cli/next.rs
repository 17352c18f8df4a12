use crate::folder::{Folder, README, run};

#[test]
fn programs_get_the_triggers_of_a_job_one_by_one() {
    let folder = Folder::with_config(
        "scheduler:\n  a: {command: 'true', triggers: [{type: cron, hour: '2,3'}, {type: interval, \
         hours: 3}]}\n  b: {type: cron, hour: 4, command: 'true'}\n",
    );
    let jobs = folder.sched("next -n 1 --format json").exits(0).json();
    let expected = serde_json::json!(["cron[hour='2,3']", "interval[3:00:00]"]);
    assert_eq!(jobs[0]["trigger"], expected);
    assert_eq!(jobs[1]["trigger"], "cron[hour='4']");
}

#[test]
fn every_job_has_a_block() {
    let answer = Folder::with_config(README)
        .sched("next -n 1 --from 2099-12-01 --until 2100-01-02")
        .exits(0)
        .complains("warning: config.yml has at least 1 warning; run `sched validate`\n");
    let blocks: Vec<_> = answer.stdout.split("\n\n").collect();
    assert_eq!(blocks.len(), 3, "{}", answer.stdout);
    assert!(
        blocks[0].starts_with("test.heartbeat — every minute   "),
        "{}",
        blocks[0]
    );
    assert!(
        blocks[1].starts_with(
            "test.heartbeat#2 — at 00:01 on day 1 of every month\n  Tue 2099-12-01 00:01:00 EST   in "
        ),
        "{}",
        blocks[1]
    );
}

#[test]
fn faults_that_are_not_looked_for_are_not_said_to_be_none() {
    let call = "    type: date\n    run_date: 2000-01-01\n";
    for (job, count) in [
        (format!("  no.such:\n{call}"), "at least 1 warning"),
        (
            format!("  no such:\n{call}    command: 'true'\n"),
            "1 warning",
        ),
    ] {
        let folder = Folder::with_config(&format!("scheduler:\n{job}"));
        let told = format!("warning: config.yml has {count}; run `sched validate`\n");
        folder.sched("next").exits(0).complains(&told);
    }
}

#[test]
fn a_count_is_at_least_one() {
    for line in ["next -n 0", "history -n 0", "next -n many"] {
        let answer = Folder::with_config("scheduler: {}\n").sched(line).exits(2);
        let wanted = "write a whole number from 1 to";
        assert!(answer.stderr.contains(wanted), "{}", answer.stderr);
    }
}

#[test]
fn quiet_leaves_only_the_answer() {
    Folder::with_config(README)
        .sched("next -q")
        .exits(0)
        .complains("");
}

#[test]
fn programs_get_one_object_a_line() {
    let answer = Folder::with_config(README)
        .sched("next test.heartbeat#2 -n 2 --format json --from 2026-11-24T09:30:12-05:00")
        .exits(0);
    let [line] = &answer.json()[..] else {
        panic!("{}", answer.stdout)
    };
    assert_eq!(line["function"], "test.heartbeat");
    assert_eq!(line["trigger"], "cron[day='1', hour='0', minute='1']");
    assert_eq!(line["timezone"], "America/New_York");
    let fires = ["2026-12-01T00:01:00-05:00", "2027-01-01T00:01:00-05:00"];
    assert_eq!(line["fires"], serde_json::json!(fires));
    assert_eq!(line["exhausted"], false);
}

#[test]
fn an_unknown_job_names_near_ones() {
    Folder::with_config(README)
        .sched("next -q test.test_arbitrary_parms")
        .exits(2)
        .says("")
        .complains(
            "error: no job is called `test.test_arbitrary_parms`\n\
             help: did you mean `test.test_arbitrary_params`?\n",
        );
}

#[test]
fn what_has_never_fired_does_not_fire_never_again() {
    let job = |bounds: &str| format!("{{type: cron, hour: 9, command: x, {bounds}}}");
    let never = job("start_date: 2020-12-24, end_date: 2020-12-24");
    let over = job("end_date: 2020-12-24");
    let folder = Folder::with_config(&format!("scheduler:\n  a: {never}\n  b: {over}\n"));
    let told = |name: &str| folder.sched(&format!("next -q {name}")).exits(0).stdout;
    assert!(told("a").ends_with("\n  never fires\n"), "{}", told("a"));
    assert!(
        told("b").ends_with("\n  never fires again\n"),
        "{}",
        told("b")
    );
}

#[test]
fn a_job_is_told_by_a_part_of_its_name_and_else_where_all_are() {
    let folder = Folder::with_config(README);
    for (word, help) in [
        ("heartbeat", "did you mean `test.heartbeat`?"),
        (
            "test.heartbeat nope",
            "did you mean `test.heartbeat` or `test.heartbeat#2`?",
        ),
        ("backup", "`sched next` shows all jobs"),
    ] {
        let answer = run(folder.command().args(["next", "-q", word])).exits(2);
        let told = format!("\nhelp: {help}\n");
        assert!(answer.stderr.contains(&told), "{}", answer.stderr);
    }
}

#[test]
fn what_to_ask_next_is_asked_of_the_same_config() {
    let config = "scheduler:\n  a: {type: cron, hour: 4, command: 'true'}\n";
    let folder = Folder::new().file("my jobs.yml", config);
    for (command, shows) in [("next", "jobs"), ("show", "jobs"), ("history", "runs")] {
        let line = [command, "-c", "my jobs.yml", "--state-dir", "s", "nope"];
        let answer = run(folder.command().args(line)).exits(2);
        let asks = if command == "show" { "next" } else { command };
        let help = format!("`sched -c 'my jobs.yml' --state-dir s {asks}` shows all {shows}");
        assert!(answer.stderr.contains(&help), "{}", answer.stderr);
    }
}

#[test]
fn a_wrong_time_is_wrong_usage() {
    let answer = Folder::with_config(README)
        .sched("next --from soon")
        .exits(2);
    assert!(
        answer
            .stderr
            .contains("error: --from: `soon` is not a time"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_file_that_is_no_config_is_told_in_full() {
    let answer = Folder::with_config("schduler: {}\n")
        .sched("next")
        .exits(1)
        .says("");
    assert!(
        answer.stderr.starts_with("error[missing-section]: "),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_end() {
    let folder = Folder::with_config(README);
    let program = assert_cmd::cargo::cargo_bin!("sched");
    let mut child = std::process::Command::new(program)
        .current_dir(folder.root())
        .args(["next", "-q", "-n", "200000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let folder = Folder::with_config(README);
    let colored = |line: &str| folder.sched(line).stdout.contains('\x1b');
    assert!(!colored("next"));
    assert!(colored("next --color always"));
    let forced = run(folder.command().args(["next"]).env("CLICOLOR_FORCE", "1"));
    assert!(forced.stdout.contains('\x1b'));
    for line in [["next", "-q"], ["next", "-n"], ["next", "-h"]] {
        let zero = run(folder.command().args(line).env("CLICOLOR_FORCE", "0"));
        assert!(!(zero.stdout + &zero.stderr).contains('\x1b'), "{line:?}");
    }
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    let refused = run(folder.command().args(["next"]).envs(both));
    assert!(!refused.stdout.contains('\x1b'));
}
