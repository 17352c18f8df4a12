//! The end: what runs may finish, for a while.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{Clock, Event, Journal, Ledger, Message, Runner, Scheduler};
use crate::run::{Order, Outcome, Run};

impl<C: Clock, R: Runner, J: Journal, L: Ledger> Scheduler<C, R, J, L> {
    /// Begins nothing more, waits up to `grace` for what runs, and then ends it. Another
    /// [`Message::Stop`] ends it at once.
    pub(super) async fn drain(&mut self, messages: &mut mpsc::Receiver<Message>, grace: Duration) {
        for (job, fire_time) in self.plan.left_waiting() {
            self.ledger.leave(&job.name, fire_time);
        }
        for (job, fire_time) in self.plan.left_behind() {
            let settled = self.plan.settled(&job.name, fire_time);
            self.ledger
                .pass(Outcome::Missed, &job.name, &[fire_time], settled);
        }
        if self.going.is_empty() {
            return;
        }
        self.tell_runs(|runs| Event::Stopping { runs, grace });
        let deadline = tokio::time::sleep(grace);
        tokio::pin!(deadline);
        let (mut open, mut within_grace) = (true, true);
        while !self.going.is_empty() {
            tokio::select! {
                biased;
                message = messages.recv(), if open => match message {
                    Some(Message::Stop) => self.end_runs(Order::Kill),
                    Some(Message::Reload { .. }) => {}
                    None => open = false,
                },
                ended = self.runs.join_next_with_id() => self.take_ended(ended),
                // The timer can fire while another branch is taken, so it cannot be asked itself
                // whether that was seen.
                () = &mut deadline, if within_grace => {
                    within_grace = false;
                    self.end_runs(Order::Terminate);
                }
            }
        }
    }

    /// Sends `order` to every run that has not had it or a harder one.
    fn end_runs(&mut self, order: Order) {
        let mut any = false;
        for going in self.going.values() {
            any |= going.orders.send_if_modified(|last| {
                let harder = order > *last;
                *last = order.max(*last);
                harder
            });
        }
        if any {
            let at_once = order == Order::Kill;
            self.tell_runs(|runs| Event::Ending { runs, at_once });
        }
    }

    /// Notes an event about the runs that are going on, oldest first.
    fn tell_runs(&mut self, event: impl for<'a> FnOnce(&'a [&'a Run]) -> Event<'a>) {
        let mut runs: Vec<&Run> = self.going.values().map(|going| &going.run).collect();
        runs.sort_by_key(|run| (run.started, &run.job));
        self.journal.note(&event(&runs));
    }
}
