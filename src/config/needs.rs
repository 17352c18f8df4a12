//! What jobs need beside what they call, and whether that is there: folders, files, users, programs.

use std::collections::HashMap;
use std::path::PathBuf;

use super::lookup::Lookup;
use crate::diagnostic::{Code, Diagnostic, Span};
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

/// What is not there of what is `needed`, as `lookup` sees it: a warning each, for the machine on
/// which a config is checked need not be the one on which its jobs run.
pub(super) fn check(needed: &[Needed], jobs: &Roster, lookup: &dyn Lookup) -> Vec<Diagnostic> {
    let mut asked: HashMap<&Need, Option<String>> = HashMap::new();
    let lacks = |one: &Needed| {
        let job = one.job.as_deref().and_then(|name| jobs.named(name));
        let surroundings = job.map(|job| &*job.surroundings);
        lookup.lacks(&one.need, surroundings)
    };
    let mut faults = Vec::new();
    for one in needed {
        let why = match &one.need {
            // Where it is looked for depends on the job.
            Need::Program(_) => lacks(one),
            need => asked.entry(need).or_insert_with(|| lacks(one)).clone(),
        };
        faults.extend(why.map(|why| {
            let mut fault = Diagnostic::warning(Code::NotFound, why).at(one.span);
            fault.job.clone_from(&one.job);
            fault
        }));
    }
    faults
}
