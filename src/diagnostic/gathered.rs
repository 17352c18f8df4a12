//! The same fault of several jobs, which have it from one place of the text, is told once.

use std::collections::HashMap;

use super::Diagnostic;

/// A fault, and who has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Gathered<'d> {
    /// What is told of it.
    pub diagnostic: &'d Diagnostic,
    /// The jobs that have it, in the order of the diagnostics.
    pub jobs: Vec<&'d str>,
}

/// The diagnostics in their order, each once, however many jobs have it.
#[must_use]
pub fn gather<'d>(diagnostics: impl IntoIterator<Item = &'d Diagnostic>) -> Vec<Gathered<'d>> {
    let mut gathered: Vec<Gathered<'d>> = Vec::new();
    let mut places = HashMap::new();
    for diagnostic in diagnostics {
        let Diagnostic {
            code,
            message,
            span,
            help,
            ..
        } = diagnostic;
        let place = *places
            .entry((*span, *code, message, help))
            .or_insert(gathered.len());
        if place == gathered.len() {
            let jobs = Vec::new();
            gathered.push(Gathered { diagnostic, jobs });
        }
        gathered[place].jobs.extend(diagnostic.job.as_deref());
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::super::{Code, Span};
    use super::*;

    #[test]
    fn a_fault_is_told_once_and_others_at_its_place_apart() {
        let at = |message: &str, job: &str| {
            Diagnostic::error(Code::BadValue, message)
                .at(Span::new(3, 5))
                .of_job(job)
        };
        let faults = [
            at("no", "a"),
            at("never", "a"),
            at("no", "b"),
            at("no", "b").with_help("yes"),
            Diagnostic::error(Code::BadValue, "no"),
        ];
        let gathered = gather(&faults);
        let told: Vec<_> = gathered
            .iter()
            .map(|one| (&*one.diagnostic.message, one.jobs.join(" ")))
            .collect();
        assert_eq!(
            told,
            [
                ("no", "a b".to_owned()),
                ("never", "a".to_owned()),
                ("no", "b".to_owned()),
                ("no", String::new())
            ]
        );
    }
}
