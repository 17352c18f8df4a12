//! The manual pages and shell completions are what the command line's definition says.
//!
//! `SCHED_BLESS=1 cargo test --test generated` writes them anew.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read or write its files fails"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use clap_complete::generate;
use clap_mangen::Man;
use sched::cli::Arguments;

const SOURCE: &str = concat!("sched ", env!("CARGO_PKG_VERSION"));

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Holds the file against what it should be, or makes it so where that is asked for.
fn hold(path: &Path, expected: &[u8]) {
    if std::env::var_os("SCHED_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, expected).unwrap();
    }
    let found = fs::read(path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is out of date: run `SCHED_BLESS=1 cargo test --test generated`",
        path.display()
    );
}

fn page(command: Command) -> Vec<u8> {
    let lists: Vec<String> = lists(&command);
    let mut page = Vec::new();
    Man::new(command)
        .date("")
        .source(SOURCE)
        .render(&mut page)
        .unwrap();
    let page = String::from_utf8(page).unwrap();
    let page = lists.iter().fold(page, |page, name| {
        let one = format!("[\\fI{name}\\fR]");
        page.replace(&one, &format!("{one}..."))
    });
    with_examples(&page).into_bytes()
}

/// The names of the arguments of which any number may be given.
fn lists(command: &Command) -> Vec<String> {
    let are_many = |argument: &&Arg| {
        let count = argument.get_num_args();
        count.is_some_and(|count| count.max_values() > 1)
    };
    let arguments = command.get_positionals().filter(are_many);
    let names = arguments.filter_map(Arg::get_value_names).flatten();
    names.map(ToString::to_string).collect()
}

/// The same page, its examples a line each under a heading of their own, and without the command
/// `help`, which has no page.
fn with_examples(page: &str) -> String {
    const HELP: &str =
        ".TP\nsched\\-help(1)\nPrint this message or the help of the given subcommand(s)\n";
    let page = page.replace(HELP, "");
    let Some((before, after)) = page.split_once(".SH EXTRA\nExamples:\n") else {
        return page;
    };
    let (examples, rest) = after.split_once("\n\n").unwrap_or((after.trim_end(), ""));
    let rest = if rest.is_empty() {
        String::new()
    } else {
        format!(".PP\n{rest}")
    };
    format!("{before}.SH EXAMPLES\n.nf\n{examples}\n.fi\n{rest}")
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = root().join("man");
    let mut sched = Arguments::command();
    sched.build();
    let commands: Vec<_> = sched
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
        .collect();
    for command in &commands {
        let path = folder.join(format!("sched-{}.1", command.get_name()));
        hold(&path, &page((*command).clone()));
    }
    hold(&folder.join("sched.1"), &page(Arguments::command()));
    assert_eq!(fs::read_dir(folder).unwrap().count(), commands.len() + 1);
}

/// The completion of a shell, that of job names included.
fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "sched", &mut script);
    let script = String::from_utf8(script).unwrap();
    match shell {
        Shell::Bash => {
            let jobs = include_str!("completions/jobs.bash");
            script + &jobs.replace("VALUE_FLAGS", &value_flags().join(" | "))
        }
        Shell::Zsh => {
            let script: String = script.lines().map(zsh_line).collect();
            let (functions, call) = script.split_once("if [ \"$funcstack").unwrap();
            let jobs = include_str!("completions/jobs.zsh");
            format!("{functions}{jobs}if [ \"$funcstack{call}")
        }
        Shell::Fish => script + include_str!("completions/jobs.fish"),
        _ => script,
    }
}
/// The same line of zsh's completion; where a job is to be named, with the names of jobs.
fn zsh_line(line: &str) -> String {
    let names = ["'*::jobs -- ", "':job -- ", "'::job -- ", "'::of -- "];
    let line = match line.strip_suffix(":_default' \\") {
        Some(start) if names.iter().any(|name| line.starts_with(name)) => {
            format!("{start}:_sched_jobs' \\")
        }
        Some(_) | None => line.to_owned(),
    };
    line + "\n"
}

/// The flags of all commands that take a value.
fn value_flags() -> Vec<String> {
    let mut sched = Arguments::command();
    sched.build();
    let commands = sched.get_subcommands();
    let flags = commands
        .flat_map(Command::get_arguments)
        .filter(|flag| !flag.is_positional() && flag.get_action().takes_values())
        .flat_map(|flag| {
            let short = flag.get_short().map(|short| format!("-{short}"));
            let long = flag.get_long().map(|long| format!("--{long}"));
            short.into_iter().chain(long)
        });
    let flags: BTreeSet<String> = flags.collect();
    flags.into_iter().collect()
}

#[test]
fn there_are_completions_for_each_shell() {
    for (shell, name) in [
        (Shell::Bash, "sched.bash"),
        (Shell::Zsh, "_sched"),
        (Shell::Fish, "sched.fish"),
    ] {
        let script = completion(shell);
        hold(&root().join("completions").join(name), script.as_bytes());
    }
}
