//! Secrets come out nowhere, in no form: a canary in every place of a config.

use std::path::Path;

use nix::sys::signal::Signal;

use crate::folder::{Answer, Folder, run};
use crate::watch::Watch;

/// Each canary has characters that a URL encodes.
const CONFIG: &str = r#"
appname: Aviary
error notification email: [ops@example.org]
mail:
- {name: default, default sender: s@example.org, server: 127.0.0.1, port: 1, use tls: false,
   username: u, password: canary/01, comment: x}
- {name: other, mailgun domain: d, mailgun api key: 'canary/02', x: y}
redis: redis://user:canary%2F03@localhost:6379
db:
  name: da
  password: canary/04   # of the database
api keys:
- canary/05
- "canary/06"
private key: |
  canary/07
shared: &shared canary/16
scheduler:
  docassemble context: off
  t.fail:
    type: interval
    hours: 1
    run_at_start: true
    kwargs: {api_token: canary/08, harmless: {password: "canary/09", x: 1}, token: *shared}
    environment: {SMTP_PASSWORD: canary/10}
    environment file: secrets.env
  t.bad: {type: corn, password: canary/11, token: canary/12}
  t.worse:
    type: interval
    hours: canary/13
    secret key: canary/14
  c.command: {type: interval, hours: 1, command: "curl -u u:canary/04 x", description: "of canary/04"}
  c.options:
    type: interval
    hours: 1
    command: [echo, canary/04]
    args: [canary/04]
    kwargs: {password: canary/18, note: canary/04}
  t.args: {type: interval, hours: 1, args: [canary/04]}
"#;

const TASKS: &str = r#"
import base64, os, re, urllib.parse
from docassemble.Scheduler.scheduler_logger import log

def fail(**kwargs):
    text = open("config.yml").read() + open("secrets.env").read()
    text = urllib.parse.unquote(text)
    found = re.findall("can" + "ary/[0-9]+", text)
    found = [one for one in found if not one.endswith(("13", "17"))]
    found += [base64.b64encode((start + one).encode()).decode() for one in found for start in ("", "u:", "api:")]
    found += [urllib.parse.quote(one, safe="") for one in found]
    variables = [os.environ[key] for key in ("SMTP_PASSWORD", "API_KEY", "TOKEN")]
    words = " ".join(found + [repr(kwargs)] + variables)
    assert words.count("can" + "ary") >= 30
    print(words, flush=True)
    log(words)
    log(words, "critical")
    error = type("Odd", (Exception,), {})(words)
    try:
        raise KeyError(words)
    except KeyError as cause:
        raise error from cause
"#;

/// Fails where a text has a canary, plain, encoded for a URL, or in base64. The canary of `hours` is
/// no secret by its key.
#[track_caller]
fn silent(what: &str, text: &str) {
    for line in text.lines() {
        let line = line.replace("canary/13", "");
        for song in ["canary", "Y2FuYXJ5", "NhbmFye", "jYW5hcn"] {
            assert!(!line.contains(song), "{what}: {line}");
        }
    }
}

#[track_caller]
fn silent_answer(what: &str, answer: &Answer) {
    silent(what, &answer.stdout);
    silent(what, &answer.stderr);
}

fn files(folder: &Path, check: &dyn Fn(&str, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, check);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            check(
                &path.display().to_string(),
                &String::from_utf8_lossy(&bytes),
            );
        }
    }
}

#[test]
fn no_secret_of_a_config_comes_out_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("config.yml", CONFIG);
    write(
        "secrets.env",
        "\u{feff}TOKEN=k #canary/17\nAPI_KEY='canary/15'\nPLAIN=x\n",
    );
    std::fs::create_dir(folder.path().join("tasks")).unwrap();
    write("tasks/t.py", TASKS);
    let mut watch = Watch::start_in(folder, &[]);
    silent("watch", &watch.expect("FAILED"));
    for line in [
        "validate",
        "validate -v",
        "validate --format json",
        "next",
        "next --format json",
        "show",
        "run-once t.fail --dry-run",
        "run-once t.fail --dry-run --format json",
        "run-once t.worse",
        "run-once c.options --kwarg password=[canary",
        "run-once t.fail --dry-run --kwarg other_password=canary/19 --kwarg x=canary/19",
        "history",
        "history --format json",
        "history t.fail --format json",
        "status",
        "status --format json",
    ] {
        silent_answer(line, &watch.sched(line));
    }
    // The task's own output passes untouched; all else is ours.
    silent("run-once", &watch.sched("run-once t.fail").exits(1).stderr);
    let record = watch.sched("run-once t.fail --format json").exits(1);
    silent("run-once --format json", &record.stdout);
    assert!(record.stdout.contains("********"));
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let (stdout, stderr) = watch.all();
    silent("watch's stdout", &stdout.join("\n"));
    silent("watch's stderr", &stderr.join("\n"));
    assert!(
        stdout
            .iter()
            .any(|line| line.starts_with("t.fail | ******** "))
    );
    assert!(watch.log().contains("********"));
    // The log, the records, the mails that wait.
    files(&watch.path("state"), &silent);
}

#[test]
fn secrets_given_by_hand_are_hidden_as_those_of_the_config() {
    let config = "scheduler: {docassemble context: off}\n";
    let task = "def f(**kwargs):\n    return kwargs\n";
    let folder = Folder::with_config(config).file("tasks/t.py", task);
    let mut command = folder.command();
    command.args(["run-once", "t.f", "--kwarg", "password=canary/01"]);
    command.args(["--kwarg", "x={api_key: canary/02}", "--kwarg"]);
    let answer = run(command.arg("url=db://u:canary%2F03@h")).exits(0);
    silent_answer("run-once", &answer);
    silent_answer("history", &folder.sched("history t.f --format json"));
    assert!(folder.log().contains("'password': '********'"));
    files(&folder.path("state"), &silent);
}

#[test]
fn the_secrets_of_an_environment_file_are_hidden_as_it_is_now() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "config.yml",
        "scheduler:\n  docassemble context: off\n  t.tell: {type: interval, seconds: 1, \
         environment file: s.env}\n",
    );
    write("s.env", "API_TOKEN=before/01\n");
    std::fs::create_dir(folder.path().join("tasks")).unwrap();
    let task = "import os\nfrom docassemble.Scheduler.scheduler_logger import log\n\
                def tell():\n    token = os.environ['API_TOKEN']\n    print(token, flush=True)\n    \
                log('now ' + token[:3] + token)\n    raise ValueError(token)\n";
    write("tasks/t.py", task);
    let mut watch = Watch::start_in(folder, &[]);
    watch.expect("now bef***");
    std::fs::write(watch.path("s.env"), "API_TOKEN=canary/02\n").unwrap();
    silent("watch", &watch.expect("now can***"));
    silent("watch", &watch.expect("FAILED"));
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    let (stdout, stderr) = watch.all();
    silent("watch's stdout", &stdout.join("\n"));
    silent("watch's stderr", &stderr.join("\n"));
    files(&watch.path("state"), &silent);
}

#[test]
fn the_caret_points_at_the_secret_that_is_meant() {
    let entry =
        |secrets: &str| format!("  bad: {{command: x, type: interval, hours: 1, {secrets}}}");
    let config = format!(
        "scheduler:\n{}\n",
        entry("password: hunter22, token: secret33")
    );
    let folder = Folder::with_config(&config);
    let told = folder.sched("validate").exits(1).stdout;
    let shown = entry("password: ********, token: ********");
    assert!(told.contains(&shown), "{told}");
    let carets: Vec<&str> = told.lines().filter(|line| line.contains('^')).collect();
    let lines: Vec<&str> = told.lines().filter(|line| line.contains(&shown)).collect();
    for (key, (line, caret)) in ["password", "token"].iter().zip(lines.iter().zip(&carets)) {
        assert_eq!(caret.find('^'), line.find(key), "{told}");
    }
    assert_eq!(carets.len(), 2, "{told}");
}

#[test]
fn no_part_of_a_secret_is_left_where_output_is_cut() {
    let config = "mail: {password: ABCDEFGH-canary, default sender: s@example.org, server: 127.0.0.1, \
                  port: 1}\nerror notification email: ops@example.org\nscheduler:\n  docassemble \
                  context: off\n  t.cut: {type: interval, hours: 1, run_at_start: true}\n";
    let task = "import os\ndef cut():\n    for stream, kept in ((1, 65536), (2, 10000)):\n        \
                os.write(stream, b'ABCDEFGH-canary' + b'y' * (kept - 7))\n    os._exit(3)\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yml"), config).unwrap();
    std::fs::create_dir(folder.path().join("tasks")).unwrap();
    std::fs::write(folder.path().join("tasks/t.py"), task).unwrap();
    let mut watch = Watch::start_in(folder, &[]);
    silent("watch", &watch.expect("FAILED"));
    let record = watch.sched("run-once t.cut --format json").exits(1);
    silent("run-once --format json", &record.stdout);
    silent_answer("history", &watch.sched("history --output"));
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
    silent("watch's stdout", &watch.all().0.join("\n"));
    files(&watch.path("state"), &silent);
}
