//! What the parts of the reader share: the text, the world outside, and the faults found so far.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use foldhash::HashSet;

use super::lookup::{Reference, Role};
use super::needs::{Need, Needed};
use super::{Outside, key};
use crate::clean;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::trigger::{Cron, Zone};

/// Collects what reading a config finds.
pub(super) struct Reader<'a> {
    /// The text of the config.
    pub(super) text: &'a str,
    /// What the config cannot say itself.
    pub(super) outside: &'a Outside,
    /// The zone of triggers without one; `None` while it is not known, and where it is faulty.
    pub(super) zone: Option<Zone>,
    /// The error handler of all jobs, which comes before a job's own.
    pub(super) handler_of_all: Option<String>,
    diagnostics: Vec<Diagnostic>,
    references: Vec<Reference>,
    needs: Vec<Needed>,
    /// The schedules so far: many jobs have the same.
    crons: HashSet<Arc<Cron>>,
    /// The job that is being read.
    job: Option<String>,
    /// Whether the schedule or the policy of that job is faulty.
    job_is_faulty: bool,
    /// Plain scalars that are what they look like, since the key tells what is meant.
    understood: HashSet<Span>,
    /// Keys without effect: where each was met first, and how often.
    ignored: BTreeMap<&'static str, (Span, usize)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, outside: &'a Outside) -> Self {
        Self {
            text,
            outside,
            zone: None,
            handler_of_all: None,
            diagnostics: Vec::new(),
            references: Vec::new(),
            needs: Vec::new(),
            crons: HashSet::default(),
            job: None,
            job_is_faulty: false,
            understood: HashSet::default(),
            ignored: BTreeMap::new(),
        }
    }

    /// The path that the config writes so, without steps that go nowhere.
    pub(super) fn path(&self, written: &str) -> PathBuf {
        let path = self.outside.folder.join(written);
        path.components().collect()
    }

    /// From here on, faults belong to the job of that name.
    pub(super) fn enter_job(&mut self, name: &str) {
        self.job = Some(name.to_owned());
        self.job_is_faulty = false;
    }

    /// The job is read; tells whether its schedule or policy was faulty.
    pub(super) fn leave_job(&mut self) -> bool {
        self.job = None;
        std::mem::take(&mut self.job_is_faulty)
    }

    /// Marks the job that is being read as one that cannot be scheduled.
    pub(super) fn job_is_faulty(&mut self) {
        self.job_is_faulty = true;
    }

    /// Notes a fault of a setting, or of a job's schedule or policy.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.job_is_faulty |= diagnostic.is_error();
        self.report_call(diagnostic);
    }

    /// Notes a fault of what a job calls: the job can be scheduled all the same.
    pub(super) fn report_call(&mut self, mut diagnostic: Diagnostic) {
        if diagnostic.job.is_none() {
            diagnostic.job.clone_from(&self.job);
        }
        if let Some(span) = diagnostic.span.filter(|_| diagnostic.is_error()) {
            self.understand(span);
            // It looks like what is asked for, so this comes before any other way out.
            if let Some(help) = unseen(span.of(self.text)) {
                diagnostic.help.insert(0, help);
            }
        }
        self.diagnostics.push(diagnostic);
    }

    /// How many errors there are so far.
    pub(super) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|one| one.is_error()).count()
    }

    /// Notes an error of the kind `bad-value` at `span`.
    pub(super) fn bad_value(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let mut diagnostic = Diagnostic::error(Code::BadValue, message).at(span);
        diagnostic.help.extend(help);
        self.report(diagnostic);
    }

    /// Notes a key that does not exist there.
    pub(super) fn unknown_key(&mut self, name: &str, span: Span, way_out: Option<String>) {
        let mut diagnostic =
            Diagnostic::error(Code::UnknownKey, format!("unknown key `{name}`")).at(span);
        diagnostic.help.extend(way_out);
        if name == "weekday" {
            diagnostic
                .help
                .push("in `day_of_week` Monday is 0 and Sunday 6".to_owned());
        }
        self.report(diagnostic);
    }

    /// Notes a key that has no effect.
    pub(super) fn ignored_key(&mut self, name: &'static str, span: Span) {
        self.ignored.entry(name).or_insert((span, 0)).1 += 1;
    }

    /// The scalar at `span` is read as its key wants it, however YAML readers differ.
    pub(super) fn understand(&mut self, span: Span) {
        self.understood.insert(span);
    }

    /// Whether nothing more need be said of the scalar at `span`.
    pub(super) fn is_understood(&self, span: Span) -> bool {
        self.understood.contains(&span)
    }

    /// The same schedule, held once for all jobs that have it.
    pub(super) fn share(&mut self, cron: Cron) -> Arc<Cron> {
        if let Some(same) = self.crons.get(&cron) {
            return Arc::clone(same);
        }
        let cron = Arc::new(cron);
        self.crons.insert(Arc::clone(&cron));
        cron
    }

    /// Notes a dotted name that must exist.
    pub(super) fn refer(&mut self, name: &str, span: Span, role: Role) {
        let job = self.job.clone();
        self.references.push(Reference {
            name: name.to_owned(),
            span,
            role,
            job,
        });
    }

    /// Notes what must be there when a job runs.
    pub(super) fn need(&mut self, need: Need, span: Span) {
        let job = self.job.clone();
        self.needs.push(Needed { need, span, job });
    }

    /// Everything that was found, in the order of the text.
    pub(super) fn finish(mut self) -> (Vec<Diagnostic>, Vec<Reference>, Vec<Needed>) {
        for (name, (span, count)) in std::mem::take(&mut self.ignored) {
            self.report(ignored(name, span, count));
        }
        self.diagnostics.sort_by_key(|one| one.span);
        (self.diagnostics, self.references, self.needs)
    }
}

/// For a key or a value with a character that cannot be seen: what it is.
fn unseen(written: &str) -> Option<String> {
    if written.starts_with(['{', '[']) || written.contains('\n') {
        return None;
    }
    let c = written.chars().find(|c| clean::is_unseen(*c))?;
    let code = u32::from(c);
    Some(if c.is_whitespace() {
        format!("U+{code:04X} in it looks like a space and is none: remove it, or write a space")
    } else {
        format!("U+{code:04X} in it cannot be seen: remove it")
    })
}

fn ignored(name: &str, span: Span, count: usize) -> Diagnostic {
    let message = match count {
        1 => format!("`{name}` has no effect"),
        _ => format!(
            "`{name}` has no effect, here and in {} more places",
            count - 1
        ),
    };
    Diagnostic::warning(Code::IgnoredKey, message)
        .at(span)
        .with_help(key::instead(name))
}
