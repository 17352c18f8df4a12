//! What jobs need beside what they call, and whether that is there: folders, files, users, programs.

use std::collections::HashMap;
use std::path::PathBuf;

use super::lookup::Lookup;
use crate::diagnostic::{Diagnostic, Span};
use crate::job::Roster;

/// Something outside of the config that must be there when a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Need {
    /// The folder that its process starts in.
    Directory(PathBuf),
    /// The file that its variables stand in.
    EnvironmentFile(PathBuf),
    /// The user that it runs as.
    User(String),
    /// The program that it starts without a shell.
    Program(PathBuf),
    /// The Python that the config names. Whoever looks tasks up tells what is wrong with it.
    Python,
}

/// A need of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// What is needed.
    pub need: Need,
    /// Where the config says so.
    pub span: Span,
    /// The job; `None` where several may need it.
    pub job: Option<String>,
}

/// What is not there of what is `needed`, as `lookup` sees it.
pub(super) fn check(needed: &[Needed], jobs: &Roster, lookup: &dyn Lookup) -> Vec<Diagnostic> {
    let mut asked: HashMap<&Need, Option<Diagnostic>> = HashMap::new();
    let lacks = |one: &Needed| {
        let job = one.job.as_deref().and_then(|name| jobs.named(name));
        let surroundings = job.map(|job| &*job.surroundings);
        lookup.lacks(&one.need, surroundings)
    };
    let mut faults = Vec::new();
    for one in needed {
        let lack = match &one.need {
            // Where it is looked for depends on the job.
            Need::Program(_) => lacks(one),
            need => asked.entry(need).or_insert_with(|| lacks(one)).clone(),
        };
        faults.extend(lack.map(|lack| {
            let mut fault = lack.at(one.span);
            fault.job.clone_from(&one.job);
            fault
        }));
    }
    faults
}
