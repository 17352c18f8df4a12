//! The manual pages and shell completions are what the command line's definition says.
//!
//! `SCHED_BLESS=1 cargo test --test generated` writes them anew.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read or write its files fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
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
    let mut page = Vec::new();
    Man::new(command)
        .date("")
        .source(SOURCE)
        .render(&mut page)
        .unwrap();
    page
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

#[test]
fn there_are_completions_for_each_shell() {
    for (shell, name) in [
        (Shell::Bash, "sched.bash"),
        (Shell::Zsh, "_sched"),
        (Shell::Fish, "sched.fish"),
    ] {
        let mut script = Vec::new();
        generate(shell, &mut Arguments::command(), "sched", &mut script);
        hold(&root().join("completions").join(name), &script);
    }
}
