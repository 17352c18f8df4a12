//! `sched watch` as a process: real time, real signals, real files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::folder::Answer;

/// How long to wait for what must come.
const A_WHILE: Duration = Duration::from_secs(30);

/// A running `sched watch`, and the lines that it writes.
pub(crate) struct Watch {
    folder: TempDir,
    pub(crate) child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Watch {
    /// Watches a config of these jobs.
    pub(crate) fn start(jobs: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.yml"), config_of(jobs)).unwrap();
        Self::start_in(folder, arguments)
    }

    /// Watches the config of a folder.
    pub(crate) fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_sched"));
        Self::start_by(command, folder, arguments)
    }

    /// Watches the config of a folder by a command that is `sched`, with what else it needs: where
    /// the config says where its log is, without `SCHED_LOG_DIR`.
    pub(crate) fn start_by(mut command: Command, folder: TempDir, arguments: &[&str]) -> Self {
        if !command.get_envs().any(|(name, _)| name == "SCHED_LOG_DIR") {
            // Where the machine has docassemble, the log of that is not for tests.
            command.env("SCHED_LOG_DIR", folder.path().join("state/log"));
        }
        let mut child = command
            .arg("watch")
            .args(arguments)
            .current_dir(folder.path())
            .env("SCHED_STATE_DIR", folder.path().join("state"))
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self {
            folder,
            child,
            stdout,
            stderr,
        }
    }

    /// The same folder watched anew, after this one was killed.
    pub(crate) fn again(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.anew()
    }

    /// The same folder watched anew, after this one ended.
    pub(crate) fn anew(mut self) -> Self {
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = std::mem::replace(&mut self.folder, elsewhere);
        Self::start_in(folder, &[])
    }

    /// What another command says of the same config.
    pub(crate) fn sched(&self, line: &str) -> Answer {
        let output = Command::new(env!("CARGO_BIN_EXE_sched"))
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("SCHED_STATE_DIR", self.folder.path().join("state"))
            .env("SCHED_LOG_DIR", self.folder.path().join("state/log"))
            .output();
        Answer::from(output.unwrap())
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits for a line on stderr with these words; gives it.
    pub(crate) fn expect(&self, words: &str) -> String {
        expect(&self.stderr, words)
    }

    /// The next line on stderr.
    pub(crate) fn line(&self) -> String {
        self.stderr.recv_timeout(A_WHILE).unwrap()
    }

    /// The lines on stdout and on stderr that were not taken, after the end.
    pub(crate) fn all(&self) -> (Vec<String>, Vec<String>) {
        (self.stdout.iter().collect(), self.stderr.iter().collect())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    pub(crate) fn rewrite(&self, text: &str) {
        fs::write(self.config(), text).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.yml")
    }

    /// What `scheduler.log` has.
    pub(crate) fn log(&self) -> String {
        let path = self.folder.path().join("state/log/scheduler.log");
        fs::read_to_string(path).unwrap()
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        for _ in 0..A_WHILE.as_millis() / 10 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn config_of(jobs: &str) -> String {
    format!("timezone: Europe/Berlin\nscheduler:\n  log level: debug\n{jobs}")
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let _ = tell.send(line.unwrap());
        }
    });
    told
}

/// How wide columns are does not matter: any number of blanks is as good as another.
fn expect(lines: &Receiver<String>, words: &str) -> String {
    let words = &squeezed(words);
    let mut seen = Vec::new();
    for _ in 0..A_WHILE.as_millis() / 10 {
        while let Ok(line) = lines.try_recv() {
            if squeezed(&line).contains(words) {
                return line;
            }
            seen.push(line);
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("no line with `{words}` in {seen:#?}");
}

/// The text with one blank in place of several.
fn squeezed(text: &str) -> String {
    let mut before = None;
    let is_kept = |letter: &char| before.replace(*letter) != Some(' ') || *letter != ' ';
    text.chars().filter(is_kept).collect()
}

pub(crate) const TICK: &str =
    "  tick:\n    type: interval\n    seconds: 1\n    command: echo tock\n";
pub(crate) const SLEEP: &str =
    "  sleep:\n    type: interval\n    seconds: 1\n    command: exec sleep 1000\n";

#[test]
fn jobs_run_until_a_signal_asks_to_stop() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect("1 job. Save the file to reload, Ctrl-C to stop.");
    watch.expect(" start  tick");
    assert_eq!(expect(&watch.stdout, "tock"), "tick | tock");
    watch.expect(" ok     tick");
    watch.signal(Signal::SIGTERM);
    watch.expect(" stop   nothing runs any more");
    assert!(watch.end().success());
    let log = watch.log();
    assert!(log.contains(" DEBUG sched->run(0) Scheduler is starting...\n"));
    assert!(log.contains(" DEBUG sched->run(0) Started scheduler with '1' jobs\n"));
    assert!(log.contains(" INFO sched->run(0) Job '0' 'tick' next_run_time="));
    assert!(log.contains(" INFO sched->run(0) Calling task 'tick'\n"));
    assert!(
        log.lines().all(|line| line.starts_with("scheduler: 20")),
        "{log}"
    );
}

#[test]
fn a_saved_config_takes_effect_and_a_bad_one_changes_nothing() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    watch.rewrite(&config_of(&format!(
        "{TICK}{}",
        TICK.replace("tick", "second")
    )));
    watch.expect("reload config.yml: + second   = 1 unchanged");
    watch.expect(" ok     second");
    watch.rewrite("scheduler: [");
    watch.expect(" ERROR  config.yml:1:");
    watch.expect("nothing changed");
    watch.expect(" ok     second");
    fs::remove_file(watch.config()).unwrap();
    watch.expect("cannot read config.yml: no such file");
    watch.expect(" ok     second");
    watch.rewrite(&config_of(TICK));
    watch.expect("reload config.yml: - second   = 1 unchanged");
    watch.signal(Signal::SIGINT);
    assert!(watch.end().success());
}

#[test]
fn a_faulty_entry_keeps_its_last_good_form() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    watch.rewrite(&config_of(&TICK.replace("seconds: 1", "seconds: x")));
    watch.expect("reload config.yml: ! tick (faulty, keeps its earlier form)   = 0 unchanged");
    watch.expect(" ok     tick");
    watch.rewrite(&config_of(TICK));
    watch.expect("reload config.yml: no job is different; no longer faulty: tick");
    let history = |kept: &str| config_of(&format!("  keep history: {kept}\n{TICK}"));
    watch.rewrite(&(history("2 eons") + "  corn: {type: corn}\n"));
    watch.expect("! corn (faulty, left out)   ! keep history (faulty, stays as it was)");
    let second = TICK.replace("tick", "second");
    watch.rewrite(&(history("90d") + &second));
    watch.expect("+ second   = 1 unchanged; no longer faulty: keep history; gone: corn");
    watch.signal(Signal::SIGINT);
    assert!(watch.end().success());
}

#[test]
fn jobs_that_are_left_out_are_counted() {
    let faulty = TICK
        .replace("tick", "tock")
        .replace("seconds: 1", "seconds: x");
    let mut watch = Watch::start(&format!("{TICK}{faulty}"), &[]);
    watch.expect("1 job, 1 more left out because of faults. Save the file to reload");
    watch.signal(Signal::SIGINT);
    assert!(watch.end().success());
}

#[test]
fn a_faulty_setting_stays_as_it_was() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    let zone = |zone: &str| config_of(&format!("  timezone: {zone}\n{TICK}"));
    watch.rewrite(&zone("Asia/Tokyo"));
    let line = watch.expect("reload config.yml: ~ timezone   = 1 unchanged");
    assert!(line.contains("+09:00 reload "), "{line}");
    watch.rewrite(&zone("Asia/Tokio"));
    let line =
        watch.expect("reload config.yml: ! timezone (faulty, stays as it was)   = 1 unchanged");
    assert!(line.contains("+09:00 reload "), "{line}");
    watch.expect("no time zone is called `Asia/Tokio`");
    watch.rewrite(&zone("Asia/Tokyo"));
    watch.expect("reload config.yml: no job is different; no longer faulty: timezone");
    watch.signal(Signal::SIGINT);
    assert!(watch.end().success());
}

#[test]
fn hangup_reads_the_config_again() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" start  tick");
    watch.signal(Signal::SIGHUP);
    watch.expect("reload config.yml: no change (comments or order only)");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}

#[test]
fn what_still_runs_after_the_grace_is_ended() {
    let mut watch = Watch::start(SLEEP, &["--grace", "1"]);
    watch.expect(" start  sleep");
    watch.signal(Signal::SIGTERM);
    watch.expect("1 run is going on (sleep); waiting up to 1s");
    watch.expect("sleep: TERM, after 5 s KILL");
    watch.expect("recorded as interrupted");
    assert!(watch.end().success());
}

#[test]
fn a_second_signal_ends_at_once() {
    let deaf = SLEEP.replace("exec", "trap '' TERM; ");
    let mut watch = Watch::start(&deaf, &["--grace", "1000"]);
    watch.expect(" start  sleep");
    watch.signal(Signal::SIGINT);
    watch.expect("1 run is going on (sleep)");
    // By hand; sooner, it would pass for the same one.
    thread::sleep(Duration::from_millis(200));
    watch.signal(Signal::SIGINT);
    watch.expect("sleep: KILL");
    assert!(watch.end().success());
}

#[test]
fn programs_get_one_json_object_a_line() {
    let mut watch = Watch::start(TICK, &["--log-format", "json"]);
    let line = watch.expect("run_finished");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["job"], "tick");
    assert_eq!(line["outcome"], "success");
    assert_eq!(line["run_id"].as_str().unwrap().len(), 26);
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}

#[test]
fn an_unusable_config_is_no_start() {
    let mut watch = Watch::start(
        "  tick:\n    type: corn\n    hour: 4\n    command: 'true'\n",
        &["--strict"],
    );
    let first = watch.line();
    assert_eq!(first, "error[bad-value]: unknown trigger type `corn`");
    watch.expect("= help: did you mean `cron`?");
    assert_eq!(watch.line(), "");
    assert_eq!(watch.line(), "not started: 1 error (--strict)");
    assert_eq!(watch.end().code(), Some(1));
    let mut nowhere = Command::new(env!("CARGO_BIN_EXE_sched"));
    let status = nowhere
        .args(["watch", "--config"])
        .arg(Path::new("/nowhere/config.yml"))
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(2));
}

#[test]
fn there_is_one_watcher_for_a_config() {
    let mut watch = Watch::start(TICK, &[]);
    watch.expect(" ok     tick");
    let told = watch.sched("watch").exits(2).stderr;
    let pid = watch.child.id();
    let expected = format!("error: this config is already watched by process {pid} (since ");
    assert!(told.starts_with(&expected), "{told}");
    assert!(told.contains("\nhelp: `sched status` shows it"), "{told}");
    let told = watch.sched("watch -c ./config.yml").exits(2).stderr;
    let help = "\nhelp: `sched -c ./config.yml status` shows it";
    assert!(told.contains(help), "{told}");
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}

#[test]
fn lines_in_a_file_have_their_date_also_where_they_are_coloured() {
    let watch = Watch::start(TICK, &["--color", "always"]);
    let line = watch.expect("\x1b[32mok ");
    let (time, _) = line.split_once("\x1b[0m ").unwrap();
    let time = time.strip_prefix("\x1b[2m").unwrap();
    let time = chrono::DateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%:z");
    assert!(time.is_ok(), "{line}");
}

#[test]
fn what_runs_write_stands_between_their_beginnings_and_their_ends() {
    let folder = tempfile::tempdir().unwrap();
    let job = |name| TICK.replace("tick", name);
    let jobs: String = ["one", "two", "three"].map(job).concat();
    fs::write(folder.path().join("config.yml"), config_of(&jobs)).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2>&1", env!("CARGO_BIN_EXE_sched")]);
    let mut watch = Watch::start_by(command, folder, &[]);
    let mut going = Vec::new();
    for _ in 0..3 * 3 * 3 {
        let line = loop {
            let line = expect(&watch.stdout, "");
            if [" start ", " ok ", " | "]
                .iter()
                .any(|word| line.contains(word))
            {
                break line;
            }
        };
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            [_, _, "start", job, ..] => going.push(job.to_owned()),
            [_, _, "ok", job, ..] => going.retain(|one| one != job),
            [job, ..] => assert!(going.iter().any(|one| one == job), "{line}"),
            [] => unreachable!("it has a word"),
        }
    }
    watch.signal(Signal::SIGTERM);
    assert!(watch.end().success());
}
