//! `sched history`

use std::fs;

use crate::folder::{Folder, run};

const CONFIG: &str = "\
timezone: America/New_York
mail:
  password: hunter22
scheduler:
  greet: {type: cron, hour: 4, command: 'echo hello; echo the hunter22 of it >&2'}
  greet nightly: {type: cron, hour: 4, command: 'true'}
  bad: {type: cron, hour: 4, command: 'echo no luck >&2; exit 7'}
";

/// A folder in which each of the jobs has run, in this order.
fn after(jobs: &[&str]) -> Folder {
    let folder = Folder::with_config(CONFIG);
    for job in jobs {
        run(folder.command().args(["run-once", "-q", job]));
    }
    folder
}

#[test]
fn runs_are_listed_newest_first() {
    let folder = after(&["greet", "bad"]);
    let answer = folder.sched("history").exits(0).complains("");
    let lines: Vec<Vec<&str>> = answer
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let [times, head, bad, greet] = &lines[..] else {
        panic!("{}", answer.stdout)
    };
    assert_eq!(times[..], ["times", "in", "America/New_York"]);
    assert_eq!(head[..], ["WHEN", "JOB", "RESULT", "TOOK", "WHY", "RUN"]);
    assert_eq!(bad[2..5], ["bad", "FAILED", "7"]);
    assert!(["s", "ms"].contains(&bad[6]), "{}", answer.stdout);
    assert_eq!(bad[7], "manual");
    assert_eq!(greet[2..4], ["greet", "ok"]);
    let lines = |line: &str| folder.sched(line).exits(0).stdout.lines().count() - 2;
    assert_eq!(lines("history -n 1"), 1);
    assert_eq!(lines("history greet"), 1);
    assert_eq!(lines("history --failed"), 1);
    assert_eq!(lines("history --since -1h --until now"), 2);
    folder.sched("history --missed").exits(0).says("no runs\n");
    folder
        .sched("history --since tomorrow")
        .exits(0)
        .says("no runs\n");
}

#[test]
fn an_id_of_a_list_means_that_run_and_no_other() {
    let folder = after(&["greet", "bad", "greet"]);
    for line in ["history -n 1", "history bad", "history --failed"] {
        let answer = folder.sched(line).exits(0);
        let id = answer.stdout.split_whitespace().last().unwrap();
        let run = folder.sched(&format!("history {id}")).exits(0);
        assert!(run.stdout.contains(&format!("run {id}")), "{}", run.stdout);
    }
}

#[test]
fn a_run_shows_all_it_left_and_no_secret() {
    let folder = after(&["greet"]);
    let answer = folder.sched("history --format json").exits(0);
    let [record] = &answer.json()[..] else {
        panic!("{}", answer.stdout)
    };
    assert_eq!(record["job"], "greet");
    assert_eq!(
        (&record["cause"], &record["attempt"]),
        (&"manual".into(), &1.into())
    );
    assert_eq!(record["scheduled_for"], serde_json::Value::Null);
    assert_eq!(
        (&record["outcome"], &record["exit_code"]),
        (&"success".into(), &0.into())
    );
    assert_eq!(record["stdout"], "hello\n");
    assert_eq!(record["stderr"], "the ******** of it\n");
    let id = record["run_id"].as_str().unwrap();
    let answer = folder
        .sched(&format!("history {}", &id[..20].to_lowercase()))
        .exits(0);
    let expected = format!("greet  ok  run {id}\n  started ");
    assert!(answer.stdout.starts_with(&expected), "{}", answer.stdout);
    let output = "\n  stdout:\n    hello\n  stderr:\n    the ******** of it\n";
    assert!(answer.stdout.contains(output), "{}", answer.stdout);
    for file in fs::read_dir(folder.path("state/sched")).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        assert!(
            !String::from_utf8_lossy(&bytes).contains("hunter22"),
            "{path:?}"
        );
    }
}

#[test]
fn the_record_is_that_of_run_once() {
    let folder = Folder::with_config(CONFIG);
    let ran = folder.sched("run-once bad --format json").exits(1);
    let kept = folder.sched("history bad --format json").exits(0);
    assert_eq!(ran.stdout, kept.stdout);
}

#[test]
fn a_job_that_is_gone_and_a_config_that_is_broken_hide_nothing() {
    let folder = after(&["greet", "greet nightly"]);
    folder.write("config.yml", "scheduler:\n  a.b: {type: cron, hour: 4}\n");
    let lines = |line: &str| folder.sched(line).exits(0).stdout.lines().count() - 2;
    assert_eq!(lines("history greet"), 2);
    let answer = run(folder.command().args(["history", "greet nightly"])).exits(0);
    assert_eq!(answer.stdout.lines().count(), 3);
    folder.write("config.yml", "scheduler: [\n");
    assert_eq!(lines("history greet"), 2);
}

#[test]
fn what_is_neither_a_job_nor_a_run_is_refused() {
    let folder = after(&["greet"]);
    folder.sched("history gret").exits(2).says("").complains(
        "error: no job is called `gret`, and no run has an id that begins with it\n\
         help: did you mean `greet`?\n",
    );
    let answer = folder.sched("history --since soon").exits(2);
    assert!(
        answer
            .stderr
            .starts_with("error: --since: `soon` is not a time")
    );
    folder
        .sched("history --since now --until -1h")
        .exits(2)
        .says("")
        .complains("error: --until is before --since\n");
}

#[test]
fn to_look_makes_nothing() {
    let folder = Folder::with_config(CONFIG);
    for line in ["history", "history greet", "status", "next"] {
        folder.sched(line).exits(0);
    }
    assert!(!folder.path("state").exists());
    assert!(!folder.path("home").exists());
}

#[test]
fn a_state_folder_that_others_can_write_in_is_not_used() {
    let folder = after(&["greet"]);
    let state = folder.path("state/sched");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(state, open).unwrap();
    let answer = folder.sched("run-once greet").exits(0);
    let expected = "note: this run is not recorded: others can write in the state folder";
    assert!(answer.stderr.contains(expected), "{}", answer.stderr);
    let answer = folder.sched("watch").exits(2);
    assert!(
        answer.stderr.contains("help: `chmod go-w "),
        "{}",
        answer.stderr
    );
}

#[test]
fn the_output_of_runs_is_shown_on_request() {
    let folder = after(&["greet", "bad"]);
    let answer = folder.sched("history --output").exits(0).stdout;
    let (bad, greet) = answer.split_once("\ngreet  ok  run ").unwrap();
    assert!(bad.starts_with("bad  FAILED 7  run "), "{answer}");
    assert!(bad.ends_with("\n  stderr:\n    no luck"), "{answer}");
    let output = "\n  stdout:\n    hello\n  stderr:\n    the ******** of it\n";
    assert!(greet.ends_with(output), "{answer}");
    let run = folder.sched("history greet --format json").json().remove(0);
    let id = run["run_id"].as_str().unwrap();
    folder
        .sched(&format!("history --output {id}"))
        .exits(0)
        .says("hello\nthe ******** of it\n");
}

#[test]
fn figures_tell_how_each_job_does() {
    let folder = after(&["greet", "bad", "greet"]);
    let answer = folder.sched("history --stats").exits(0).stdout;
    let lines: Vec<Vec<&str>> = answer
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[1],
        ["JOB", "RUNS", "OK", "MEDIAN", "P95", "LAST", "OK"]
    );
    assert_eq!(lines[2][..3], ["bad", "1", "0.0%"]);
    assert_eq!(lines[2].last(), Some(&"never"));
    assert_eq!(lines[3][..3], ["greet", "2", "100.0%"]);
    let figures = folder.sched("history --stats greet --format json").exits(0);
    let figures = figures.json().remove(0);
    assert_eq!(
        (&figures["job"], &figures["runs"], &figures["succeeded"]),
        (&"greet".into(), &2.into(), &2.into())
    );
    assert_eq!(figures["outcomes"], serde_json::json!({"success": 2}));
    assert!(figures["median"].as_f64().unwrap() > 0.0, "{figures}");
    assert!(figures["last_success"].is_string(), "{figures}");
    let none = folder.sched("history --stats --since tomorrow").exits(0);
    none.says("no runs\n");
    folder.sched("history --stats --failed").exits(2);
}

#[test]
fn the_zone_of_times_is_told_and_why_where_the_config_cannot_say() {
    let folder = Folder::with_config(
        "timezone: Asia/Tokyo\nscheduler:\n  a: {type: cron, hour: 4, command: 'true'}\n",
    );
    folder.sched("run-once -q a").exits(0);
    let first = |line: &str| {
        let answer = folder.sched(line).exits(0).stdout;
        answer.lines().next().unwrap().to_owned()
    };
    assert_eq!(first("history"), "  times in Asia/Tokyo");
    assert_eq!(first("history --stats"), "  times in Asia/Tokyo");
    assert_eq!(first("history -v"), "  times in Asia/Tokyo (docassemble)");
    assert!(first("status").ends_with("; times in Asia/Tokyo"));
    folder.write("config.yml", "scheduler: [\n");
    let instead = "times in America/New_York (TZ), as the config cannot be used";
    assert_eq!(first("history"), format!("  {instead}"));
    assert!(first("status").ends_with(&format!("; {instead}")));
}

#[test]
fn flags_that_choose_among_runs_are_refused_where_one_is_asked_for() {
    let folder = after(&["greet"]);
    let record = folder.sched("history --format json").json().remove(0);
    let id = record["run_id"].as_str().unwrap();
    for flag in [
        "--since=-1h",
        "--until=now",
        "--failed",
        "--missed",
        "--running",
        "--stats",
    ] {
        let name = flag.split('=').next().unwrap();
        let refusal = format!("error: `{name}` chooses among runs, but {id} is one\n");
        folder
            .sched(&format!("history {id} {flag}"))
            .exits(2)
            .says("")
            .complains(&refusal);
    }
    folder.sched(&format!("history {id} -n 3")).exits(0);
}

#[test]
fn a_weekday_is_the_last_one() {
    let folder = after(&["greet"]);
    for day in ["monday", "sunday"] {
        let runs = folder.sched(&format!("history --since {day}")).exits(0);
        assert!(runs.stdout.contains("  greet  ok "), "{}", runs.stdout);
    }
}

#[test]
fn a_run_whose_job_is_gone_or_cannot_be_typed_tells_no_command() {
    let config = "scheduler:\n  \"a\\nb\": {type: cron, hour: 4, command: 'true'}\n  \
                  c: {type: cron, hour: 4, command: 'true'}\n";
    let folder = Folder::with_config(config);
    for job in ["a\nb", "c"] {
        run(folder.command().args(["run-once", "-q", job])).exits(0);
    }
    let told = |job: &str| {
        let runs = run(folder.command().args(["history", "--format", "json", job])).json();
        let id = runs[0]["run_id"].as_str().unwrap();
        let run = folder.sched(&format!("history -q {id}")).exits(0).stdout;
        let last = run.lines().last().unwrap();
        last.strip_prefix("  again: ").map(str::to_owned)
    };
    assert_eq!(told("a\nb"), None);
    assert_eq!(told("c").as_deref(), Some("sched run-once c"));
    folder.write("config.yml", "scheduler:\n  c: {type: corn}\n");
    assert_eq!(told("c").as_deref(), Some("sched run-once c"), "faulty");
    folder.write(
        "config.yml",
        "scheduler:\n  d: {type: cron, hour: 4, command: 'true'}\n",
    );
    assert_eq!(told("c"), None);
}
