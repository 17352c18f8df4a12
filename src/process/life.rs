//! From a child's start to its end, whoever brings it about.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::Ending;
use super::channel::Notice;
use super::child::Child;
use super::group::Group;
use super::strays::Strays;
use crate::run::Order;

/// How long a group has between TERM and KILL.
const MERCY: Duration = Duration::from_secs(5);

/// How long KILL may take. What has not gone then is held by a file system that does not answer: it
/// does nothing more, and ends as soon as that answers.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// How often to look whether a group is gone whose leader is: nothing tells of it.
const GLANCE: Duration = Duration::from_millis(20);

/// How often to look for strays and for zombies: it means to look at every process.
const LONG_GLANCE: Duration = Duration::from_millis(200);

/// How far a child may go.
#[derive(Debug)]
pub(super) struct Limits {
    /// After how long it is ended.
    pub(super) timeout: Option<Duration>,
    /// What is ended with it though it left the group.
    pub(super) strays: Strays,
}

/// Waits until the child is over, and ends its group after its timeout or by `order`.
pub(super) async fn follow(
    child: &mut Child,
    group: &Group,
    notice: Notice,
    limits: &Limits,
    order: &mut watch::Receiver<Order>,
) -> io::Result<(Option<ExitStatus>, Ending)> {
    let ending = tokio::select! {
        biased;
        status = child.wait() => return Ok((status?, Ending::Itself)),
        () = ordered(order, Order::Terminate) => Ending::Ordered,
        () = elapsed(limits.timeout) => Ending::Timeout,
    };
    if *order.borrow() != Order::Kill {
        notice.give();
    }
    Ok((end(child, group, &limits.strays, order).await?, ending))
}

/// Ends the whole group and its strays: TERM, and KILL for what is left after five seconds or by order.
/// `None` where the child's end is not told, or does not come.
async fn end(
    child: &mut Child,
    group: &Group,
    strays: &Strays,
    order: &mut watch::Receiver<Order>,
) -> io::Result<Option<ExitStatus>> {
    if *order.borrow_and_update() != Order::Kill {
        group.signal(Signal::SIGTERM);
        // A stopped process takes note of TERM only when it goes on.
        group.signal(Signal::SIGCONT);
        strays.signal(Signal::SIGTERM, group).await;
        tokio::select! {
            () = gone(child, group, strays) => {}
            () = sleep(MERCY) => {}
            () = ordered(order, Order::Kill) => {}
        }
    }
    group.signal(Signal::SIGKILL);
    strays.signal(Signal::SIGKILL, group).await;
    timeout(LAST_WAIT, child.wait()).await.unwrap_or(Ok(None))
}

/// Waits until neither the child nor its group nor strays are there any more.
async fn gone(child: &mut Child, group: &Group, strays: &Strays) {
    // An error here is met again by the wait that follows KILL.
    let _ = child.wait().await;
    for glances in 0.. {
        let is_long_ago = glances % (LONG_GLANCE.as_millis() / GLANCE.as_millis()) == 0;
        if !group.exists() || is_long_ago && !group.lives() {
            break;
        }
        sleep(GLANCE).await;
    }
    while strays.exist().await {
        sleep(LONG_GLANCE).await;
    }
}

/// Waits for an order that is `wanted` or worse; for ever where nobody can give it any more.
async fn ordered(order: &mut watch::Receiver<Order>, wanted: Order) {
    if order.wait_for(|given| *given >= wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for `limit`, or for ever.
async fn elapsed(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => std::future::pending().await,
    }
}
