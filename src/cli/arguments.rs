//! The command line: commands, flags, their help texts and their environment variables.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{
    ArgAction, Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    ValueHint,
};

use super::output;
use crate::config::duration;
use crate::trigger::zone;

/// What `--version` tells: the rules of the time zones are a part of the program.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ntime zones of the IANA database {}",
        env!("CARGO_PKG_VERSION"),
        zone::edition()
    )
});

/// A scheduler for docassemble's tasks and any others: check, preview, run by hand, watch.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "sched",
    bin_name = "sched",
    version,
    long_version = LONG_VERSION.as_str(),
    subcommand_required = true,
    disable_help_subcommand = false,
    max_term_width = 100,
    after_long_help = "\
Examples:
  sched validate            check config.yml, all faults in one go
  sched next -n 3           the next three fire times of every job
  sched watch               run the jobs in the foreground

`sched help COMMAND` says more about a command.

Exit codes: 0 done; 1 the config is invalid, or the job failed; 2 wrong usage, unreadable file,
unknown job, an answer that stdout does not take; 124 the job ran into its timeout; 130 interrupted."
)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The config file [default: config.yml, else config/config.yml, else docassemble's]
    ///
    /// Without it: `config.yml` in the working directory, then `config/config.yml`, then the
    /// file that `DA_CONFIG_FILE` names, then /usr/share/docassemble/config/config.yml.
    #[arg(short, long, global = true, value_name = "FILE", env = "SCHED_CONFIG")]
    #[arg(value_parser = any_path(), value_hint = ValueHint::FilePath)]
    #[arg(hide_env_values = true, help_heading = "Global options")]
    pub config: Option<PathBuf>,

    /// The folder of the tasks [default: `tasks directory` of the config, else tasks/ beside it]
    #[arg(long, global = true, value_name = "DIR", env = "SCHED_TASKS_DIR")]
    #[arg(value_parser = any_path(), value_hint = ValueHint::DirPath)]
    #[arg(hide_env_values = true, help_heading = "Global options")]
    pub tasks_dir: Option<PathBuf>,

    /// The folder of the history and the lock [default: `$XDG_STATE_HOME/sched`]
    ///
    /// Without `XDG_STATE_HOME` it is ~/.local/state/sched, for root /var/lib/sched.
    #[arg(long, global = true, value_name = "DIR", env = "SCHED_STATE_DIR")]
    #[arg(value_parser = any_path(), value_hint = ValueHint::DirPath)]
    #[arg(hide_env_values = true, help_heading = "Global options")]
    pub state_dir: Option<PathBuf>,

    /// The folder of scheduler.log [default: `log directory` of the config, else docassemble's]
    ///
    /// Without all of these it is log/ below the state folder.
    #[arg(long, global = true, value_name = "DIR", env = "SCHED_LOG_DIR")]
    #[arg(value_parser = any_path(), value_hint = ValueHint::DirPath)]
    #[arg(hide_env_values = true, help_heading = "Global options")]
    pub log_dir: Option<PathBuf>,

    /// When to colour [env: `NO_COLOR`, `CLICOLOR_FORCE`]
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(help_heading = "Global options")]
    pub color: Color,

    /// Say more: where values come from, what was understood
    #[arg(short, long, global = true, action = ArgAction::SetTrue, conflicts_with = "quiet")]
    #[arg(help_heading = "Global options")]
    pub verbose: bool,

    /// Say only the answer and errors
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    #[arg(help_heading = "Global options")]
    pub quiet: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise
    Auto,
    /// Also into pipes and files
    Always,
    /// Never
    Never,
}

/// For whom a command writes its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Check a config and report every fault of it in one go
    ///
    /// Runs none of the tasks: functions are looked up in their files' text. The findings are the
    /// answer and go to stdout, in the order of the file.
    Validate(Validate),
    /// Show when jobs will run
    ///
    /// Asks the same rules as `sched watch`. Each job's trigger is told in plain English, and a fire
    /// time is marked where the clocks change before it. An interval that no `sched watch` has
    /// started yet is counted from now, and says so.
    Next(Next),
    /// Run one job now, in the foreground
    ///
    /// The real thing: same context, environment, timeout and record as when its time has come, but
    /// a single attempt, and its output passes through untouched. ARGs replace the job's `args`,
    /// --kwarg adds to its `kwargs` or overrides them; values are read as YAML, so `2` is a number
    /// and `[1, two]` a list. A function that no job uses can be run too.
    RunOnce(RunOnce),
    /// Run the scheduler in the foreground; reload when a file changes
    ///
    /// A change of the config takes effect within a moment: jobs that did not change keep their
    /// beat and their runs, and a config that became unusable changes nothing. SIGHUP reloads too.
    /// SIGTERM and Ctrl-C stop: what runs may finish within the grace, a second signal ends it now.
    Watch(Watch),
    /// Show what ran, newest first
    ///
    /// Every attempt at a fire has a record: how it ended, and why where it did not run. With
    /// the beginning of a run's id, all that this run left: its output, its traceback. Jobs that are
    /// no longer configured stay reachable by their names. Works with and without a watcher.
    History(History),
    /// Show how the jobs are doing, and whether they are watched
    ///
    /// For each job its last result, how often in a row it ended so, when it fires next, and whether
    /// it runs now. Reads the state only, so it works with and without a watcher.
    Status(Status),
    /// Show the config as understood, every default filled in, secrets masked
    ///
    /// What it prints is YAML, and itself a config with the same fire times. What each machine decides
    /// for itself, such as where folders are, is not in it; -v names that first.
    Show(Show),
}

/// The arguments of `sched validate`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sched validate                             check config.yml
  sched validate --strict deploy/config.yml  fail on warnings too, as in CI
  sched validate --format json | jq .valid   for programs

Exit code 0: valid; 1: errors, or warnings with --strict; 2: the file cannot be read.")]
pub struct Validate {
    /// The config file, `-` for standard input [default: as --config]
    #[arg(value_name = "CONFIG")]
    pub file: Option<PathBuf>,

    /// Let warnings make the config invalid
    #[arg(long)]
    pub strict: bool,

    /// How to write the findings
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The arguments of `sched next`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sched next                              every job, five fire times each
  sched next test.heartbeat -n 1          the jobs that call test.heartbeat
  sched next --from monday --until +14d   a window

TIME is RFC 3339 (2026-12-01T03:00:00Z), a date and a time of day in the scheduler's zone
(\"2026-12-01 03:00\"), a date, which is its 00:00, as are `today`, `tomorrow`, `yesterday` and a
weekday (the next one), `now`, or a distance from now such as +2h or -3d.")]
pub struct Next {
    /// Jobs by name, or by the function that they call [default: every job]
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,

    /// How many fire times of each job at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = fires, allow_negative_numbers = true)]
    pub count: u32,

    /// The first instant that counts, itself included [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,

    /// The last instant that counts, itself included [default: no end]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,

    /// How to write the fire times
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The arguments of `sched run-once`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sched run-once test.heartbeat                            as configured
  sched run-once test.report 2 '[1, two]' --kwarg to=me    with other arguments
  sched run-once --dry-run test.report -- -v               say what would be called

Exit code 0: the job succeeded; 1: it failed; 2: it could not be started, or stdout did not take
what it wrote; 124: it ran into its timeout; 130: interrupted.")]
pub struct RunOnce {
    /// The job's name, or a dotted function
    #[arg(value_name = "JOB")]
    pub job: String,

    /// Arguments in place of the job's own; those that begin with a hyphen follow `--`
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub args: Vec<String>,

    /// A keyword argument to add or to override; may be given several times
    #[arg(long = "kwarg", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub kwargs: Vec<(String, String)>,

    /// End the run after so long, such as 90, 90s, 5m or 1h30m [default: the job's]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    #[arg(allow_negative_numbers = true)]
    pub timeout: Option<Duration>,

    /// Say what would be called, and call nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Send no mail if it fails
    #[arg(long)]
    pub no_mail: bool,

    /// How to write the record of the run, or what would be called
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The arguments of `sched watch`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sched watch                                   run config.yml
  sched watch -c /srv/da/config.yml --strict    refuse to start on any error
  sched watch --log-format json                 log lines for programs

There is one watcher for each config and state folder: a second one exits with 2.")]
pub struct Watch {
    /// How many seconds runs that are going on may take when it stops
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    #[arg(value_parser = grace, allow_negative_numbers = true)]
    pub grace: u64,

    /// Refuse to start if the config has any error
    #[arg(long)]
    pub strict: bool,

    /// How to write log lines to the terminal
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: Format,
}

/// The arguments of `sched history`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sched history -n 50                        the last 50 runs of all jobs
  sched history --failed --since -7d         what failed in the last week
  sched history 01JDEJ2M                     one run, with all it left
  sched history --stats --since -30d         how often and how fast each job ran

TIME is as in `sched help next`, so a date is its 00:00, but a weekday is the last one before
today.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct History {
    /// A job by name or by the function that it calls, or the beginning of a run's id
    #[arg(value_name = "JOB|RUN")]
    pub of: Option<String>,

    /// How many runs at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = runs, allow_negative_numbers = true)]
    pub count: u32,

    /// The first instant that counts, itself included [default: no beginning]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,

    /// The last instant that counts, itself included [default: no end]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,

    /// Only failures, timeouts and runs that a signal ended
    #[arg(long)]
    pub failed: bool,

    /// Only fires that were too late to run
    #[arg(long)]
    pub missed: bool,

    /// Only runs that are going on
    #[arg(long, conflicts_with_all = ["failed", "missed"])]
    pub running: bool,

    /// What the runs wrote; of one run that alone
    #[arg(long)]
    pub output: bool,

    /// Instead of runs, figures of each job: runs, how many went well, how long they took
    #[arg(long, conflicts_with_all = ["failed", "missed", "running", "output", "count"])]
    pub stats: bool,

    /// Use no pager (`$PAGER`, else `less`) for an answer that is longer than the screen
    #[arg(long)]
    pub no_pager: bool,

    /// How to write the runs
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The arguments of `sched status`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sched status                       all jobs
  sched status --check               for health probes: is it alive?
  sched status --check --jobs        and do its jobs do well?
  sched status --format json | jq    for programs

Exit code with --check: 0, the watcher holds its lock and answers within 2 seconds; 1, it does not,
or with --jobs a job fails.")]
pub struct Status {
    /// Only say whether the watcher is alive; exit with 1 where it is not
    #[arg(long)]
    pub check: bool,

    /// With --check: exit with 1 also where the last run of a job failed, and name these jobs
    #[arg(long, requires = "check")]
    pub jobs: bool,

    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The arguments of `sched show`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sched show test.heartbeat   the jobs that call test.heartbeat
  sched show -v               the whole config, with where each value comes from
  sched show > effective.yml  to compare with another version")]
pub struct Show {
    /// A job by name, or by the function that it calls [default: every job]
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
}

/// How many fire times of a job are told at most: they are all known before the first is written.
const MOST_FIRES: u32 = 1_000_000;

/// A year in seconds: whoever waits longer means something else.
const YEAR_S: u64 = 31_536_000;

/// Words that people try for a command, and its name here.
const SYNONYMS: [(&str, &str); 5] = [
    ("check", "validate"),
    ("list", "next"),
    ("logs", "history"),
    ("run", "run-once"),
    ("start", "watch"),
];

impl Arguments {
    /// Reads a command line, its first word being the program's name, and the environment.
    ///
    /// An empty path, also one from the environment, counts as not given.
    ///
    /// # Errors
    /// What is wrong with it and what is near, or the help that was asked for.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words: Vec<OsString> = words.into_iter().collect();
        let mut command = Self::command().color(color(&words));
        let matches = command.try_get_matches_from_mut(words);
        let matches = matches
            .map_err(|error| with_plain_usage(error, &mut command))
            .map_err(with_synonym)?;
        let mut arguments =
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        arguments.global.forget_empty_paths();
        Ok(arguments)
    }
}

impl History {
    /// The first flag that one run has no use for.
    pub(super) fn chooses(&self) -> Option<&'static str> {
        let flags = [
            ("--since", self.since.is_some()),
            ("--until", self.until.is_some()),
            ("--failed", self.failed),
            ("--missed", self.missed),
            ("--running", self.running),
            ("--stats", self.stats),
        ];
        let mut given = flags.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(flag, _)| flag)
    }
}

impl Global {
    /// Reads flags that belong to no command, the first word being the program's name.
    pub(super) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let command = Self::augment_args(clap::Command::new("sched"));
        let mut global = Self::from_arg_matches(&command.try_get_matches_from(words)?)?;
        global.forget_empty_paths();
        Ok(global)
    }

    fn forget_empty_paths(&mut self) {
        for path in [
            &mut self.config,
            &mut self.tasks_dir,
            &mut self.state_dir,
            &mut self.log_dir,
        ] {
            path.take_if(|path| path.as_os_str().is_empty());
        }
    }
}

/// When to colour what is wrong with these words, and the help that they ask for.
fn color(words: &[OsString]) -> ColorChoice {
    let words = words.iter().map(|word| word.to_str().unwrap_or_default());
    let mut words = words.take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let when = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some(when) = when.and_then(|when| Color::from_str(when, false).ok()) {
            return when.into();
        }
    }
    let are_terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
    if output::is_unforced() && !are_terminals {
        return ColorChoice::Never;
    }
    ColorChoice::Auto
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// The same error, with the usage of its command: clap's own would name each flag that the
/// environment gave, as if it had to be written.
fn with_plain_usage(mut error: clap::Error, command: &mut clap::Command) -> clap::Error {
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        // `Usage: sched run-once …`
        let usage = usage.to_string();
        let name = usage.split_whitespace().nth(2).unwrap_or_default();
        let usage = match command.find_subcommand_mut(name) {
            Some(command) => command.render_usage(),
            None => command.render_usage(),
        };
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    error
}

/// The same error; where its command is a synonym, with the name of the command as a tip.
fn with_synonym(mut error: clap::Error) -> clap::Error {
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && let Some((_, name)) = SYNONYMS.iter().find(|(synonym, _)| synonym == word)
    {
        let tip = ContextValue::Strings(vec![(*name).to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, tip);
    }
    error
}

/// Takes an empty path too: clap's own parser would refuse `SCHED_CONFIG=` and so every command.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

fn fires(text: &str) -> Result<u32, String> {
    count(text, MOST_FIRES)
}

fn runs(text: &str) -> Result<u32, String> {
    count(text, u32::MAX)
}

fn count(text: &str, most: u32) -> Result<u32, String> {
    let count = text.parse().ok();
    let count = count.filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("write a whole number from 1 to {most}"))
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    let with_fraction = || Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
    match duration::parse(text).or_else(with_fraction) {
        Some(Duration::ZERO) => Err("it must be more than 0".to_owned()),
        Some(duration) => Ok(duration),
        None => Err("write a number of seconds, or 90s, 5m or 1h30m".to_owned()),
    }
}

fn grace(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds <= YEAR_S);
    seconds.ok_or_else(|| format!("write a whole number of seconds from 0 to {YEAR_S}"))
}

#[cfg(test)]
mod tests;
