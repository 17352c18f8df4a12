//! The pictures of the documents, drawn from what `sched` prints on a terminal.
//!
//! They are compared without what differs from moment to moment.
//! `SCHED_BLESS=1 cargo test --test pictures` draws them anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A shell's commands whose output is a picture, and the name of the picture. `watch` sees the job
/// of every three seconds fail once, in whichever part of a second it starts. The zone has no
/// summer time, whose beginning and end `next` would tell.
const PICTURES: [(&str, &str); 3] = [
    ("validate", "sched validate broken.yml"),
    ("next", "sched next -n 2"),
    ("watch", "timeout --foreground -s INT 4.4 sched watch"),
];

const BROKEN: &str = "\
scheduler:
  timezone: America/NewYork
  test.hartbeat:
    type: interval
    minute: 5
  test.heartbeat:
    type: cron
    day: 32
    hour: 4:30
";

const CONFIG: &str = "\
scheduler:
  timezone: America/Phoenix
  test.heartbeat:
    type: interval
    seconds: 1
  backup.nightly:
    type: cron
    hour: 2
    minute: 30
    command: [echo, done]
  report.upload:
    type: interval
    seconds: 3
    command: 'echo >&2 connection refused; exit 2'
";

const TASKS: &str = "\
from docassemble.Scheduler.scheduler_logger import log

def heartbeat():
    log('alive')
";

#[test]
fn the_pictures_show_what_sched_prints() {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let bless = std::env::var_os("SCHED_BLESS").is_some();
    for (name, command) in PICTURES {
        let picture = pictures.join(format!("{name}.svg"));
        let drawn = draw(command);
        if bless {
            fs::create_dir_all(&pictures).unwrap();
            fs::write(&picture, &drawn).unwrap();
        }
        let kept = fs::read_to_string(&picture).unwrap_or_default();
        assert_eq!(
            steady(&kept),
            steady(&drawn),
            "{name}.svg is out of date: SCHED_BLESS=1 cargo test --test pictures"
        );
    }
}

/// The picture of a terminal in which that command was typed.
fn draw(command: &str) -> String {
    let shown = format!("\x1b[1m$ {}\x1b[0m\n{}", typed(command), screen(command));
    let term = anstyle_svg::Term::new().min_width_px(820);
    term.render_svg(shown.trim_end())
}

/// The command without what only ends it.
fn typed(command: &str) -> &str {
    &command[command.find("sched").unwrap_or_default()..]
}

/// What a command shows on a terminal of 100 columns.
fn screen(command: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    fs::create_dir(path("tasks")).unwrap();
    for (name, text) in [
        ("broken.yml", BROKEN),
        ("config.yml", CONFIG),
        ("tasks/test.py", TASKS),
    ] {
        fs::write(path(name), text).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_sched")).parent().unwrap();
    let programs = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let on_a_terminal = "import pty, sys; pty.spawn(['/bin/sh', '-c', sys.argv[1]])";
    let output = Command::new("python3")
        .args(["-c", on_a_terminal, command])
        .current_dir(folder.path())
        .env_remove("NO_COLOR")
        .env("PATH", programs)
        .env("TERM", "xterm-256color")
        .env("COLUMNS", "100")
        .env("TZ", "America/Phoenix")
        .env("XDG_STATE_HOME", path("state"))
        .env("SCHED_LOG_DIR", path("state/sched/log"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap().replace('\r', "");
    let state = path("state");
    text.replace(state.to_str().unwrap(), "~/.local/state")
        .replace(folder.path().to_str().unwrap(), "/srv/jobs")
}

/// The lines of a picture, each once and without the words that differ from moment to moment: how
/// many events a picture shows, and in which order they came, depends on the machine.
fn steady(picture: &str) -> BTreeSet<String> {
    let words = |line: &str| {
        line.split_whitespace()
            .filter_map(steady_word)
            .collect::<Vec<_>>()
            .join(" ")
    };
    picture.lines().map(words).collect()
}

/// What stays of a word on any day and at any hour: no number, and no weekday, which stands only
/// where another day than today is told.
fn steady_word(word: &str) -> Option<&str> {
    match word {
        "Mon" | "Tue" | "Wed" | "Thu" | "Fri" | "Sat" | "Sun" => None,
        _ => (!word.contains(|letter: char| letter.is_ascii_digit())).then_some(word),
    }
}

#[test]
fn a_picture_is_the_same_on_any_day_but_not_with_other_words() {
    let thursday = steady("Thu 2026-11-26 02:30 MST in 5h");
    assert_eq!(thursday, steady("Sat 2027-06-05 02:30 MST in 8h"));
    assert_eq!(thursday, steady("02:30 MST in 8h"));
    assert_ne!(thursday, steady("02:30 MST 5h ago"));
}
