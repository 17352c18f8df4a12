//! What a run by hand calls: the job as configured, with the arguments of the command line.

use crate::clean;
use crate::cli::arguments::RunOnce;
use crate::cli::output::Refusal;
use crate::cli::select;
use crate::config::{Config, is_dotted};
use crate::diagnostic::did_you_mean;
use crate::job::{Job, Task};
use crate::secret::{MASK, Secrets, is_secret_key};
use crate::task::arguments;
use crate::trigger::{Date, Trigger, Zone};
use crate::value::Value;
use crate::yaml;

/// How many other jobs that are meant too are named at most.
const MOST_NAMES: usize = 3;

/// The job to run, and what should be said about the choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The job, with the arguments of the command line.
    pub job: Job,
    /// Notes for the user, one a line.
    pub notes: Vec<String>,
    /// Whether the call is that of the command line alone: with arguments of its own, or of a
    /// function that no job uses.
    pub is_own: bool,
}

/// Why there is no function of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Absent {
    /// What is missing, where the name is that of a function at all.
    pub why: Option<String>,
    /// Names that are nearly the same.
    pub near: Vec<String>,
}

/// Finds the job that is meant and gives it the arguments of the command line.
///
/// A function that no job uses can be run as well, if `find` finds it; else it says why not.
///
/// # Errors
/// Where no job is meant, or a value is not YAML.
pub fn call(
    config: &Config,
    arguments: &RunOnce,
    find: impl FnOnce(&str) -> Result<(), Absent>,
) -> Result<Call, Refusal> {
    let mut notes = Vec::new();
    let named = select::named(config, &arguments.job);
    let mut job = if let Some((first, others)) = named.split_first() {
        notes.extend(choice(&arguments.job, first, others));
        (*first).clone()
    } else {
        find(&arguments.job).map_err(|absent| unknown(config, &arguments.job, absent))?;
        of_function(&arguments.job, config.settings.timezone.clone())
    };
    replace(&mut job, arguments, &mut notes)?;
    job.policy.timeout = arguments.timeout.or(job.policy.timeout);
    let has_arguments = !arguments.args.is_empty() || !arguments.kwargs.is_empty();
    let is_own = has_arguments || named.is_empty();
    Ok(Call { job, notes, is_own })
}

/// Why neither a job nor a function is meant.
fn unknown(config: &Config, word: &str, absent: Absent) -> Refusal {
    let mut refusal = select::unknown(config, word);
    if refusal.help.is_empty() {
        refusal
            .help
            .extend(did_you_mean(&absent.near).or(absent.why));
    }
    refusal
}

/// Says which of several jobs is run.
fn choice(word: &str, first: &Job, others: &[&Job]) -> Option<String> {
    if others.is_empty() {
        return None;
    }
    let shown = others.iter().take(MOST_NAMES);
    let names: Vec<String> = shown.map(|job| format!("`{}`", job.name)).collect();
    let more = match others.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "{} jobs call {word}; running `{}` (also {}{more})",
        others.len() + 1,
        first.name,
        names.join(", ")
    ))
}

/// A job for a function that no job uses. It is never scheduled, so its trigger never counts.
fn of_function(name: &str, zone: Zone) -> Job {
    let never_again = Date::new(chrono::DateTime::UNIX_EPOCH, zone, 0);
    let task = Task::Named(name.to_owned());
    Job::new(name, task, Trigger::Date(never_again))
}

/// Arguments replace the job's own; keyword arguments are added or override.
fn replace(job: &mut Job, arguments: &RunOnce, notes: &mut Vec<String>) -> Result<(), Refusal> {
    if !arguments.args.is_empty() {
        job.unusable.retain(|name| *name != "args");
        let args = arguments.args.iter();
        let values = args.map(|text| value(text, text, notes));
        job.args = values.collect::<Result<_, _>>()?;
    }
    for (key, text) in &arguments.kwargs {
        let value = keyword(key, text, notes)?;
        if key == "contextmanager" {
            job.contextmanager = contextmanager(value)?;
            continue;
        }
        let key = Value::Str(key.clone());
        match job.kwargs.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => job.kwargs.push((key, value)),
        }
    }
    Ok(())
}

/// The context manager that is given as a keyword argument, as the config takes it too.
fn contextmanager(value: Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::None => Ok(None),
        Value::Str(name) if is_dotted(&name) => Ok(Some(name)),
        other => Err(Refusal::new(format!(
            "`contextmanager` must be the dotted name of a context manager, not {}",
            other.repr()
        ))),
    }
}

/// Reads the value of a keyword argument; one that is secret is not told.
fn keyword(key: &str, text: &str, notes: &mut Vec<String>) -> Result<Value, Refusal> {
    if !is_secret_key(key) {
        return value(text, &format!("--kwarg '{key}=\"{text}\"'"), notes);
    }
    let mut told = Vec::new();
    let value = value(text, text, &mut told).map_err(|_| {
        Refusal::new(format!("the value of `{key}` is not YAML"))
            .with_help("put it into quotes inside the shell's: '\"like this\"'")
    })?;
    if !told.is_empty() && !matches!(value, Value::Str(_)) {
        let kind = kind(&value);
        notes.push(format!(
            "`{key}` is a {kind} in YAML; for text write --kwarg '{key}=\"{MASK}\"'"
        ));
    }
    Ok(value)
}

/// Reads a value as YAML; where that surprises, says how to write it as text.
fn value(text: &str, as_text: &str, notes: &mut Vec<String>) -> Result<Value, Refusal> {
    let document = yaml::parse(text).map_err(|fault| {
        Refusal::new(format!("`{text}` is not YAML: {}", fault.message))
            .with_help("put it into quotes inside the shell's: '\"like this\"'")
    })?;
    if yaml::explain(&document.root, text).is_some() {
        let read = document.root.to_value();
        if let Value::Str(_) = read {
            notes.push(format!("`{text}` is text in YAML 1.1, not a number"));
            return Ok(read);
        }
        let kind = kind(&read);
        let as_text = if as_text == text {
            format!("'\"{text}\"'")
        } else {
            as_text.to_owned()
        };
        notes.push(format!(
            "`{text}` is the {kind} {} in YAML; for text write {as_text}",
            read.repr()
        ));
    }
    Ok(document.root.to_value())
}

/// What a value is, in a word.
fn kind(value: &Value) -> &'static str {
    match value.type_name() {
        "bool" => "boolean",
        "int" | "float" => "number",
        "str" => "text",
        "datetime.date" | "datetime.datetime" => "date",
        other => other,
    }
}

/// The call as Python would write it, such as `heartbeat(1, name='x')`, or the command as a shell
/// would, such as `rsync -a 'two words'`; secrets masked.
pub(in crate::cli) fn written(job: &Job) -> String {
    // Those that only the config knows are hidden by whoever shows the line.
    let secrets = Secrets::default();
    let args: Vec<Value> = job.args.iter().map(|arg| secrets.mask_value(arg)).collect();
    let kwargs = secrets.mask_entries(&job.kwargs);
    let command = match &job.task {
        Task::Named(name) => return function(name, &args, &kwargs),
        Task::Shell(line) if args.is_empty() && kwargs.is_empty() => vec![line.clone()],
        Task::Shell(line) => ["/bin/sh", "-c", &clean::word(line), "sh"]
            .map(str::to_owned)
            .into(),
        Task::Command(words) => shell_words(words),
    };
    let arguments = match arguments(&args, &kwargs) {
        Ok(words) => shell_words(&words),
        Err(error) => vec![format!("({error})")],
    };
    let line = [command, arguments].concat().join(" ");
    secrets.mask_with_urls(&line)
}

fn shell_words(words: &[String]) -> Vec<String> {
    let words = words.iter().map(|word| clean::word(word).into_owned());
    words.collect()
}

fn function(name: &str, args: &[Value], kwargs: &[(Value, Value)]) -> String {
    let positional = args.iter().map(Value::repr);
    let named = kwargs
        .iter()
        .map(|(key, value)| format!("{}={}", key.str(), value.repr()));
    let arguments = positional.chain(named).collect::<Vec<_>>().join(", ");
    let name = name.rsplit('.').next().unwrap_or_default();
    format!("{name}({arguments})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Outside};

    fn config() -> Config {
        let text = "\
scheduler:
  test.one: {type: interval, minutes: 1, args: [a], kwargs: {k: v}}
  test.one nightly: {type: cron, hour: 4}
";
        let outside = Outside::new(chrono::DateTime::UNIX_EPOCH, "/srv", Zone::utc());
        config::read(text, &outside).config.unwrap()
    }

    fn arguments(job: &str, args: &[&str], kwargs: &[(&str, &str)]) -> RunOnce {
        RunOnce {
            job: job.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            kwargs: kwargs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            timeout: None,
            dry_run: false,
            no_mail: false,
            format: crate::cli::arguments::Format::Text,
        }
    }

    fn of(job: &str, args: &[&str], kwargs: &[(&str, &str)]) -> Result<Call, Refusal> {
        call(&config(), &arguments(job, args, kwargs), |name| {
            if name == "test.unused" {
                Ok(())
            } else {
                Err(Absent::default())
            }
        })
    }

    #[test]
    fn arguments_replace_and_keywords_add() {
        let call = of("test.one", &["2", "[1, two]"], &[("k", "w"), ("x", "no")]).unwrap();
        assert_eq!(written(&call.job), "one(2, [1, 'two'], k='w', x=False)");
        assert_eq!(call.notes.len(), 2, "{:?}", call.notes);
        assert_eq!(
            call.notes[1],
            "`no` is the boolean False in YAML; for text write --kwarg 'x=\"no\"'"
        );
    }

    #[test]
    fn few_of_many_jobs_that_are_meant_too_are_named() {
        let config = config();
        let jobs: Vec<&Job> = std::iter::repeat_n(&*config.jobs[1], 6).collect();
        let note = |others| choice("test.one", &config.jobs[0], &jobs[..others]);
        let name = "`test.one nightly`";
        let expected =
            format!("4 jobs call test.one; running `test.one` (also {name}, {name}, {name})");
        assert_eq!(note(3), Some(expected));
        assert!(note(5).unwrap().ends_with(&format!("{name} and 2 more)")));
    }

    #[test]
    fn the_value_of_a_secret_keyword_is_not_told() {
        let call = of("test.one nightly", &[], &[("password", "01234")]).unwrap();
        assert_eq!(
            call.notes,
            ["`password` is a number in YAML; for text write --kwarg 'password=\"********\"'"]
        );
        let refusal = of("test.one nightly", &[], &[("password", "[hunter22")]).unwrap_err();
        assert_eq!(refusal.message, "the value of `password` is not YAML");
    }

    #[test]
    fn a_date_is_told_as_one() {
        let call = of("test.one", &["2026-01-01"], &[]).unwrap();
        assert_eq!(
            call.notes.last().unwrap(),
            "`2026-01-01` is the date datetime.date(2026, 1, 1) in YAML; for text write \
             '\"2026-01-01\"'"
        );
    }

    #[test]
    fn without_arguments_the_job_is_called_as_configured() {
        let call = of("test.one nightly", &[], &[]).unwrap();
        assert_eq!(
            (written(&call.job).as_str(), call.notes.len()),
            ("one()", 0)
        );
        assert_eq!(
            written(&of("test.one", &[], &[]).unwrap().job),
            "one('a', k='v')"
        );
    }

    #[test]
    fn a_command_is_written_as_a_shell_reads_it() {
        let mut job = of("test.unused", &[], &[]).unwrap().job;
        let words = ["sh", "-c", "it's 1", "", "a-b_c.d"].map(str::to_owned);
        job.task = Task::Command(words.into());
        assert_eq!(written(&job), r"sh -c 'it'\''s 1' '' a-b_c.d");
        job.task = Task::Shell("echo hi | wc".to_owned());
        assert_eq!(written(&job), "echo hi | wc");
        job.args = vec![Value::Str("; ls".to_owned()), Value::Int(2)];
        job.kwargs = vec![(
            Value::Str("token".to_owned()),
            Value::Str("hunter22".to_owned()),
        )];
        assert_eq!(
            written(&job),
            "/bin/sh -c 'echo hi | wc' sh '; ls' 2 '--token=********'"
        );
        job.kwargs = vec![(Value::Str("a b".to_owned()), Value::Int(1))];
        assert!(written(&job).contains("cannot be written as an option"));
    }

    #[test]
    fn a_function_that_no_job_uses_can_be_run_and_nothing_else() {
        assert_eq!(of("test.unused", &[], &[]).unwrap().job.name, "test.unused");
        assert_eq!(
            of("test.onne", &[], &[]).unwrap_err().help,
            ["did you mean `test.one`?"]
        );
        assert!(of("test.one", &["[1"], &[]).is_err());
    }
}
