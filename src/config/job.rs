//! One job of the config.

use super::lookup::Role;
use super::reader::Reader;
use super::section::{Item, Section};
use super::trigger::{self, Kind};
use super::{call, key, policy, scalar, surprise};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::job::{self, Common, Job, Policy, Surroundings, Task};
use crate::trigger::Trigger;
use crate::yaml::Node;

/// What `job defaults` says.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    pub(super) policy: Common<Policy>,
    pub(super) surroundings: Common<Surroundings>,
    /// Whether it has a fault: no job can tell then what it should be like.
    pub(super) faulty: bool,
}

/// Reads `job defaults`.
pub(super) fn defaults(reader: &mut Reader<'_>, item: Item<'_>) -> Defaults {
    // All of it may be comments.
    if item.value.is_null() {
        return Defaults::default();
    }
    let Some(entries) = item.value.entries() else {
        let message = format!(
            "`job defaults` must be a mapping{}",
            scalar::but_this_is(item.value)
        );
        reader.bad_value(item.value.span, message, None);
        return Defaults {
            faulty: true,
            ..Defaults::default()
        };
    };
    let before = reader.errors();
    let mut keys = Section::read(reader, entries);
    let mut defaults = Defaults {
        policy: policy::policy(reader, &mut keys, &Policy::default()).into(),
        surroundings: policy::surroundings(reader, &mut keys, &Surroundings::default()).into(),
        faulty: false,
    };
    let allowed = [key::POLICY, key::SURROUNDINGS].concat();
    for item in keys.rest() {
        let way_out = key::way_out_of_defaults(item.name, &allowed);
        reader.unknown_key(item.name, item.key, way_out);
    }
    defaults.faulty = reader.errors() > before;
    defaults
}

/// Reads the job of that name; `None` where its schedule or policy is faulty, or what it shares of
/// it with all jobs: it must not run without its timeout, or as another user.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &str,
    key: Span,
    node: &Node,
    defaults: &Defaults,
) -> Option<Job> {
    reader.enter_job(name);
    let job = body(reader, name, key, node, defaults);
    if let Some(job) = job.as_ref().filter(|job| !is_for_starts(job)) {
        trigger::warn_of_the_past(reader, &job.trigger, job.span, node);
    }
    surprise::warn(reader, node);
    let faulty = reader.leave_job();
    job.filter(|_| !faulty && !defaults.faulty)
}

/// Whether the job may be meant for starts alone: its date need not be ahead then.
fn is_for_starts(job: &Job) -> bool {
    job.policy.run_at_start && matches!(job.trigger, Trigger::Date(_))
}

fn body(
    reader: &mut Reader<'_>,
    name: &str,
    key: Span,
    node: &Node,
    defaults: &Defaults,
) -> Option<Job> {
    let Some(entries) = node.entries() else {
        let message = format!("a job must be a mapping{}", scalar::but_this_is(node));
        let help = "give it `type: interval` or `type: cron`, and when to run".to_owned();
        reader.bad_value(
            if node.is_null() { key } else { node.span },
            message,
            Some(help),
        );
        return None;
    };
    let mut keys = Section::read(reader, entries);
    let task = task(reader, &mut keys, name, key);
    let (trigger, kind) = trigger::read(reader, &mut keys, key);
    let args = keys.take("args").map(|item| call::args(reader, item));
    let kwargs = keys.take("kwargs").map(|item| call::kwargs(reader, item));
    let unusable = [
        ("args", args == Some(None)),
        ("kwargs", kwargs == Some(None)),
    ]
    .into_iter();
    let unusable = unusable.filter(|(_, is_unusable)| *is_unusable);
    let (kwargs, inner_context) = kwargs.flatten().unwrap_or_default();
    let contextmanager = call::function(reader, &mut keys, "contextmanager", Role::ContextManager);
    let own_handler = keys.get("error handler").map(|item| item.key);
    let error_handler = call::function(reader, &mut keys, "error handler", Role::ErrorHandler);
    let is_vain = |_: &Span| reader.handler_of_all.is_some() && error_handler.is_some();
    // The same once more, as `sched show` writes it, does no harm.
    let differs = error_handler != reader.handler_of_all;
    if let Some(place) = own_handler.filter(is_vain).filter(|_| differs) {
        let message = "`error handler` has no effect beside the one under `scheduler`";
        reader.report(
            Diagnostic::warning(Code::IgnoredKey, message)
                .at(place)
                .with_help("remove one of the two"),
        );
    }
    let policy = policy::policy(reader, &mut keys, &defaults.policy);
    let surroundings = policy::surroundings(reader, &mut keys, &defaults.surroundings);
    let description = keys
        .take("description")
        .and_then(|item| scalar::text(reader, item));
    rest(reader, keys, kind);
    Some(Job {
        name: name.to_owned(),
        span: key,
        task: task?,
        trigger: trigger?,
        args: args.flatten().unwrap_or_default(),
        kwargs,
        contextmanager: contextmanager.or(inner_context),
        error_handler,
        policy: Common::like(policy, &defaults.policy),
        surroundings: Common::like(surroundings, &defaults.surroundings),
        description: description.map(str::to_owned),
        unusable: unusable.map(|(name, _)| name).collect(),
    })
}

/// What the job calls: its command, or the function that its name begins with.
fn task(reader: &mut Reader<'_>, keys: &mut Section<'_>, name: &str, place: Span) -> Option<Task> {
    if let Some(item) = keys.take("command") {
        return call::command(reader, item);
    }
    let function = job::function_of(name);
    if call::is_dotted(function) {
        reader.refer(function, place, Role::Task);
        return Some(Task::Named(function.to_owned()));
    }
    let message = format!("`{function}` names no function");
    // A setting or a key of jobs with a mapping looks like a job.
    let help = key::way_out_of_settings(name).unwrap_or_else(|| {
        "write FILE.FUNCTION, such as `test.heartbeat`, or give it a `command`".to_owned()
    });
    reader.report(
        Diagnostic::error(Code::BadName, message)
            .at(place)
            .with_help(help),
    );
    None
}

/// Keys that nobody took: some have no effect, the others do not exist.
fn rest(reader: &mut Reader<'_>, keys: Section<'_>, kind: Option<Kind>) {
    let rest = keys.rest();
    if rest.is_empty() {
        return;
    }
    let kinds: Vec<&'static str> = kind.map_or_else(Vec::new, Kind::keys);
    let allowed = [key::CALL, key::POLICY, key::SURROUNDINGS, &kinds].concat();
    for item in rest {
        let name = key::canonical(item.name);
        if let Some(ignored) = key::IGNORED.iter().find(|ignored| **ignored == name) {
            reader.understand(item.value.span);
            reader.ignored_key(ignored, item.key);
        } else {
            trigger::unknown_key(reader, item, kind, &allowed);
        }
    }
}
