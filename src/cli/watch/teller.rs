//! What the scheduler does is told thrice: in the log, to systemd, and by mail where somebody must
//! know of it.

use super::outlets::Outlets;
use super::voice::Voice;
use crate::scheduler::plan::{GivenUp, Plan};
use crate::scheduler::{Event, Journal};
use crate::words::counted;

/// Tells of events in the log, to systemd, and of failures by mail.
pub(super) struct Teller {
    pub(super) voice: Voice,
    pub(super) outlets: Outlets,
}

impl Journal for Teller {
    fn note(&mut self, event: &Event<'_>) {
        self.voice.note(event);
        let Outlets { post, manager, .. } = &self.outlets;
        match event {
            Event::Planned { plan } | Event::Reloaded { plan, .. } => {
                manager.ready(&watched(plan));
            }
            Event::Ended {
                run, ended, retry, ..
            } => post.ended(run, ended, retry.is_none()),
            Event::Resumed { downtime, .. } => {
                for GivenUp { job, retry, .. } in &downtime.given_up {
                    post.given_up(job, retry);
                }
            }
            Event::Dropped { fire } => {
                if let Some(retry) = fire.retry() {
                    post.given_up(&fire.job.name, &retry);
                }
            }
            Event::Stopping { runs, .. } => {
                let runs = counted(runs.len(), "run");
                manager.stopping(&format!("waiting for {runs}"));
            }
            Event::Stopped => manager.stopping("nothing runs any more"),
            Event::Started { .. }
            | Event::Skipped { .. }
            | Event::Passed { .. }
            | Event::Repeated { .. }
            | Event::Ending { .. } => {}
        }
    }
}

fn watched(plan: &Plan) -> String {
    format!("watching {}", counted(plan.jobs().len(), "job"))
}
